"""One row for every status an account update can have, in the order in which the ledger checks them; and what it does."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from tests.ledger.worlds import AF, KIND, MAX, START, TF, A, T, U, World

from qenex.ledger import AccountUpdate, UpdateAccountStatus, u128_to_int

PLAIN, OVERDRAFT, APPLIED = 1, 2, 50

GOOD = {
    "freeze": AccountUpdate(id=0, account_id=PLAIN, kind=KIND.freeze_debits, reason=3, user_data_128=4),
    "limit": AccountUpdate(id=0, account_id=OVERDRAFT, kind=KIND.set_limit, value=100),
    "repeat": AccountUpdate(
        id=APPLIED, account_id=OVERDRAFT, kind=KIND.set_limit, value=7, reason=8, user_data_128=1 << 80
    ),
}
ANY = tuple(GOOD)
FAULTS: list[tuple[UpdateAccountStatus, tuple[str, ...], dict[str, object]]] = [
    (U.timestamp_must_be_zero, ANY, {"timestamp": 1}),
    (U.reserved_field, ANY, {"reserved": b"\x01" + bytes(39)}),
    (U.reserved_field, ANY, {"reserved": bytes(39) + b"\x80"}),
    (U.reserved_field, ANY, {"reserved2": 1}),
    (U.reserved_flag, ANY, {"flags": 1}),
    (U.reserved_flag, ANY, {"flags": 1 << 31}),
    (U.id_must_not_be_zero, ANY, {"id": 0}),
    (U.id_must_not_be_int_max, ANY, {"id": MAX}),
    (U.exists_with_different_account_id, ("repeat",), {"account_id": PLAIN}),
    (U.exists_with_different_kind, ("repeat",), {"kind": KIND.unfreeze}),
    (U.exists_with_different_value, ("repeat",), {"value": 8}),
    (U.exists_with_different_reason, ("repeat",), {"reason": 9}),
    (U.exists_with_different_user_data_128, ("repeat",), {"user_data_128": 0}),
    (U.account_id_must_not_be_zero, ("freeze", "limit"), {"account_id": 0}),
    (U.account_id_must_not_be_int_max, ("freeze", "limit"), {"account_id": MAX}),
    *((U.kind_invalid, ("freeze", "limit"), {"kind": kind}) for kind in (0, 3, 5, 6, 7, 9, 16, 0xFFFF)),
    (U.value_must_be_zero, ("freeze",), {"value": 1}),
    (U.value_must_be_zero, ("freeze",), {"value": 1 << 64}),
    (U.account_not_found, ("freeze", "limit"), {"account_id": 77}),
    (U.account_has_no_overdraft, ("limit",), {"account_id": PLAIN}),
]
ROWS = [(base, status, change) for status, bases, change in FAULTS for base in bases]


@pytest.fixture(scope="module")
def world(module_engine) -> World:
    world = World(module_engine)
    world.open(PLAIN)
    world.open(OVERDRAFT, flags=AF.overdraft, limit=5)
    assert world.updates(GOOD["repeat"]) == [U.created]
    return world


def submit(world: World, base: str, *changes: dict[str, object]) -> UpdateAccountStatus:
    update = GOOD[base]
    if update.id == 0:
        update = replace(update, id=world.new_id())
    for change in changes:
        update = replace(update, **change)
    return world.updates(update)[0]


@pytest.mark.parametrize(
    ("base", "status", "change"), ROWS, ids=[f"{status.name}-{base}-{n}" for n, (base, status, _) in enumerate(ROWS)]
)
def test_every_fault_has_its_status(world, base, status, change):
    before = world.ledger.account_state([PLAIN, OVERDRAFT]).tobytes()
    assert submit(world, base, change) == status
    assert world.ledger.account_state([PLAIN, OVERDRAFT]).tobytes() == before


def test_the_table_stands_in_the_order_of_the_checks_and_misses_no_status():
    order = [status for status in U if status != U.created]
    positions = [order.index(status) for status, _, _ in FAULTS]
    assert positions == sorted(positions)
    assert {status for status, _, _ in FAULTS} | {U.exists} == set(order)


def test_two_faults_answer_the_one_that_is_checked_first(world):
    for base in GOOD:
        rows = [(status, change) for status, bases, change in FAULTS if base in bases]
        for (first, one), (second, other) in combinations(rows, 2):
            if first != second and not one.keys() & other.keys() and "kind" not in other:
                assert submit(world, base, one, other) == first, (base, one, other)


def test_a_repeated_update_exists_and_is_not_applied_again(engine):
    world = World(engine)
    world.open(OVERDRAFT, flags=AF.overdraft, limit=5)
    first = AccountUpdate(id=1, account_id=OVERDRAFT, kind=KIND.set_limit, value=7)
    second = replace(first, id=2, value=9)
    results = world.ledger.update_accounts_results([first, second, first])
    assert [U(status) for status in results["status"]] == [U.created, U.created, U.exists]
    assert results["timestamp"].tolist() == [START + 1, START + 2, START + 1]
    assert state(world, OVERDRAFT) == (9, 0, 1)


def test_a_refused_update_leaves_its_id_free(engine):
    world = World(engine)
    update = AccountUpdate(id=1, account_id=PLAIN, kind=KIND.freeze_debits)
    assert world.updates(update) == [U.account_not_found]
    world.open(PLAIN)
    assert world.updates(update) == [U.created]


def test_freezes_add_up_until_unfrozen(engine):
    world = World(engine)
    world.open(PLAIN)
    seen = []
    for kind in (KIND.freeze_credits, KIND.freeze_debits, KIND.freeze_debits, KIND.unfreeze, KIND.unfreeze):
        world.update(PLAIN, kind)
        seen.append(state(world, PLAIN))
    assert seen == [(0, 2, 0), (0, 3, 0), (0, 3, 0), (0, 0, 0), (0, 0, 0)]


def test_a_frozen_account_neither_pays_nor_receives(engine):
    world = World(engine)
    world.open(1, 2, 3)
    world.update(1, KIND.freeze_debits)
    world.update(2, KIND.freeze_credits)
    assert world.transfer(debit_account_id=1, credit_account_id=3) == T.debit_account_frozen
    assert world.transfer(debit_account_id=3, credit_account_id=2) == T.credit_account_frozen
    assert world.transfer(debit_account_id=1, credit_account_id=2) == T.debit_account_frozen
    assert world.transfer(debit_account_id=3, credit_account_id=1) == T.created
    assert world.transfer(debit_account_id=2, credit_account_id=3) == T.created
    assert world.transfer(debit_account_id=1, credit_account_id=3, flags=TF.pending) == T.debit_account_frozen
    assert world.transfer(debit_account_id=1, credit_account_id=3, amount=0) == T.debit_account_frozen
    world.update(1, KIND.unfreeze)
    world.update(2, KIND.unfreeze)
    assert world.transfer(debit_account_id=1, credit_account_id=2) == T.created


def test_holds_of_a_frozen_account_can_be_voided_and_expire_but_not_be_captured(engine):
    world = World(engine)
    world.open(1, 2)
    holds = [world.must(flags=TF.pending, timeout=timeout) for timeout in (0, 0, 1)]
    world.update(1, KIND.freeze_debits)
    post = world.event(
        pending_id=holds[0], flags=TF.post_pending_transfer, amount=MAX, debit_account_id=0, credit_account_id=0
    )
    assert world.transfers(post) == [T.debit_account_frozen]
    world.must(pending_id=holds[1], flags=TF.void_pending_transfer, amount=0)
    assert world.ledger.expire(START + 2_000_000_000) == 1
    assert world.balances(1) == (10, 0, 0, 0)
    world.update(1, KIND.unfreeze)
    assert world.transfers(post) == [T.id_already_failed]
    assert world.transfers(replace(post, id=world.new_id())) == [T.created]


def test_a_hold_can_be_captured_for_an_account_whose_credits_were_frozen_since(engine):
    world = World(engine)
    world.open(1, 2)
    hold = world.must(flags=TF.pending)
    world.update(2, KIND.freeze_credits)
    world.must(pending_id=hold, flags=TF.post_pending_transfer, amount=MAX)
    assert world.balances(2) == (0, 0, 0, 10)


def test_a_closed_account_can_be_frozen(engine):
    world = World(engine)
    world.open(1, flags=AF.closed)
    world.update(1, KIND.freeze_debits)
    assert state(world, 1) == (0, 1, 0)


def test_account_state_returns_the_accounts_found_in_the_order_asked_for(engine):
    world = World(engine)
    world.open(1)
    world.open(2, flags=AF.overdraft, limit=(1 << 64) - 1)
    found = world.ledger.account_state([2, 9, 1, 2])
    assert [u128_to_int(row, "id") for row in found] == [2, 1, 2]
    assert [u128_to_int(row, "limit") for row in found] == [(1 << 64) - 1, 0, (1 << 64) - 1]
    assert found["has_limit"].tolist() == [1, 0, 1]


def test_the_record_of_an_account_keeps_its_initial_limit(engine):
    world = World(engine)
    world.open(1, flags=AF.overdraft, limit=5)
    created = world.account(1)
    world.update(1, KIND.set_limit, MAX)
    assert world.account(1) == created
    assert world.accounts(replace(created, timestamp=0)) == [A.exists]


def state(world: World, account_id: int) -> tuple[int, int, int]:
    row = world.ledger.account_state([account_id])[0]
    return u128_to_int(row, "limit"), int(row["freeze"]), int(row["has_limit"])
