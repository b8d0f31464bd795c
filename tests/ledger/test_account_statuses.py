"""One row for every status an account can have, in the order in which the ledger checks them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from tests.ledger.worlds import AF, EUR, MAX, SECOND, START, USD, A, T, World

from qenex.ledger import Account, CreateAccountStatus

EXISTING, CLOSED_SINCE, NEW = 1, 2, 0

GOOD = {
    "new": Account(id=NEW, ledger=EUR, code=10),
    "repeat": Account(id=EXISTING, ledger=EUR, code=10, user_data_128=1 << 100, user_data_64=5, user_data_32=6),
    "import": Account(id=NEW, ledger=EUR, code=10, flags=AF.imported, timestamp=START + 5 * SECOND),
}
ANY = ("new", "repeat", "import")

FAULTS: list[tuple[CreateAccountStatus, tuple[str, ...], dict[str, int]]] = [
    (A.timestamp_must_be_zero, ("new", "repeat"), {"timestamp": 1}),
    (A.imported_event_timestamp_out_of_range, ("import",), {"timestamp": 0}),
    (A.imported_event_timestamp_out_of_range, ("import",), {"timestamp": 1 << 63}),
    (A.imported_event_timestamp_out_of_range, ("import",), {"timestamp": (1 << 64) - 1}),
    (A.imported_event_timestamp_must_not_advance, ("import",), {"timestamp": START + 100 * SECOND}),
    (A.reserved_field, ANY, {"reserved": 1}),
    *((A.reserved_flag, ANY, {"flags": 1 << bit}) for bit in range(6, 15)),
    (A.id_must_not_be_zero, ANY, {"id": 0}),
    (A.id_must_not_be_int_max, ANY, {"id": MAX}),
    (A.exists_with_different_flags, ("repeat",), {"flags": AF.history}),
    (A.exists_with_different_user_data_128, ("repeat",), {"user_data_128": 0}),
    (A.exists_with_different_user_data_64, ("repeat",), {"user_data_64": 0}),
    (A.exists_with_different_user_data_32, ("repeat",), {"user_data_32": 0}),
    (A.exists_with_different_ledger, ("repeat",), {"ledger": USD}),
    (A.exists_with_different_ledger, ("repeat",), {"ledger": 0}),
    (A.exists_with_different_code, ("repeat",), {"code": 11}),
    (
        A.flags_are_mutually_exclusive,
        ("new", "import"),
        {"flags": AF.debits_must_not_exceed_credits | AF.credits_must_not_exceed_debits},
    ),
    (A.flags_are_mutually_exclusive, ("new", "import"), {"flags": AF.debits_must_not_exceed_credits | AF.overdraft}),
    (A.flags_are_mutually_exclusive, ("new", "import"), {"flags": AF.credits_must_not_exceed_debits | AF.overdraft}),
    (A.debits_pending_must_be_zero, ("new", "import"), {"debits_pending": 1}),
    (A.debits_posted_must_be_zero, ("new", "import"), {"debits_posted": 1 << 64}),
    (A.credits_pending_must_be_zero, ("new", "import"), {"credits_pending": MAX}),
    (A.credits_posted_must_be_zero, ("new", "import"), {"credits_posted": 1 << 127}),
    (A.ledger_must_not_be_zero, ("new", "import"), {"ledger": 0}),
    (A.code_must_not_be_zero, ("new", "import"), {"code": 0}),
    (A.imported_event_timestamp_must_not_regress, ("import",), {"timestamp": START + 1}),
    (A.imported_event_timestamp_must_not_regress, ("import",), {"timestamp": START + 2}),
    (A.imported_event_timestamp_must_not_regress, ("import",), {"timestamp": START + 3 * SECOND}),
]
BATCH_LEVEL = {
    A.linked_event_failed,
    A.linked_event_chain_open,
    A.imported_event_expected,
    A.imported_event_not_expected,
}
ROWS = [(base, status, change) for status, bases, change in FAULTS for base in bases]


@pytest.fixture(scope="module")
def world(module_engine) -> World:
    """The newest account is at START + 2, one transfer at START + 3 s, the clock at START + 10 s."""
    world = World(module_engine)
    assert world.accounts(GOOD["repeat"]) == [A.created]
    world.open(CLOSED_SINCE, 3)
    world.clock.set(START + SECOND)
    world.must(debit_account_id=CLOSED_SINCE, credit_account_id=3, flags=2 | 64, amount=0)
    world.clock.set(START + 3 * SECOND)
    world.must(debit_account_id=1, credit_account_id=3)
    world.clock.set(START + 10 * SECOND)
    return world


def submit(world: World, base: str, *changes: dict[str, int]) -> CreateAccountStatus:
    account = GOOD[base]
    if account.id == NEW:
        account = replace(account, id=world.new_id())
    flags = account.flags
    for change in changes:
        flags |= change.get("flags", 0)
        account = replace(account, **{name: value for name, value in change.items() if name != "flags"})
    return world.accounts(replace(account, flags=flags))[0]


@pytest.mark.parametrize(
    ("base", "status", "change"), ROWS, ids=[f"{status.name}-{base}-{n}" for n, (base, status, _) in enumerate(ROWS)]
)
def test_every_fault_has_its_status(world, base, status, change):
    before = world.ledger.query_accounts(_all()).tobytes()
    assert submit(world, base, change) == status
    assert world.ledger.query_accounts(_all()).tobytes() == before


def test_the_table_stands_in_the_order_of_the_checks_and_misses_no_status():
    order = [status for status in A if status != A.created]
    positions = [order.index(status) for status, _, _ in FAULTS]
    assert positions == sorted(positions)
    assert {status for status, _, _ in FAULTS} | BATCH_LEVEL | {A.exists} == set(order)


def test_two_faults_answer_the_one_that_is_checked_first(world):
    tried = 0
    for base in GOOD:
        rows = [(status, change) for status, bases, change in FAULTS if base in bases]
        for (first, one), (second, other) in combinations(rows, 2):
            if first != second and one.keys() & other.keys() <= {"flags"}:
                assert submit(world, base, one, other) == first, (base, one, other)
                tried += 1
    assert tried > 500


def test_a_repeated_account_exists(world):
    assert submit(world, "repeat") == A.exists


def test_balances_of_a_repeated_account_do_not_matter(world):
    assert submit(world, "repeat", {"debits_pending": 1, "credits_posted": MAX}) == A.exists


def test_an_account_closed_since_differs_in_its_flags_as_in_tigerbeetle(world):
    account = Account(id=CLOSED_SINCE, ledger=EUR, code=10)
    assert world.accounts(account) == [A.exists_with_different_flags]
    assert world.accounts(replace(account, flags=AF.closed)) == [A.exists]


def test_a_good_account_of_each_kind_is_created_as_given(engine):
    world = World(engine)
    world.clock.set(START + 10 * SECOND)
    account = Account(
        id=MAX - 1,
        ledger=(1 << 32) - 1,
        code=(1 << 16) - 1,
        flags=AF.history | AF.debits_must_not_exceed_credits,
        user_data_128=MAX,
        user_data_64=(1 << 64) - 1,
        user_data_32=(1 << 32) - 1,
    )
    assert world.accounts(account) == [A.created]
    assert world.account(MAX - 1) == replace(account, timestamp=START + 10 * SECOND)


def test_a_refused_account_leaves_its_id_free(engine):
    world = World(engine)
    assert world.accounts(Account(id=5, ledger=0, code=1)) == [A.ledger_must_not_be_zero]
    assert world.accounts(Account(id=5, ledger=1, code=1)) == [A.created]


def test_transfers_and_accounts_may_have_the_same_id(engine):
    world = World(engine)
    world.open(1, 2)
    assert world.transfer(id=1) == T.created


def _all():
    from qenex.ledger import QueryFilter

    return QueryFilter()
