"""Linked events: all of a chain or none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.worlds import AF, EUR, MAX, START, TF, USD, A, T, World

from qenex.ledger import Account

L = TF.linked
OK, FAILED, OPEN = T.created, T.linked_event_failed, T.linked_event_chain_open
BAD = {"code": 0}
NO_ACCOUNT = {"debit_account_id": 77}


@pytest.fixture
def world(engine) -> World:
    world = World(engine)
    world.open(1, 2)
    return world


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"flags": L}, {}], [OK, OK]),
        ([{"flags": L}, {"flags": L}, {}], [OK, OK, OK]),
        ([{"flags": L}, BAD], [FAILED, T.code_must_not_be_zero]),
        ([{"flags": L, **BAD}, {}], [T.code_must_not_be_zero, FAILED]),
        ([{"flags": L}, {"flags": L, **BAD}, {"flags": L}, {}], [FAILED, T.code_must_not_be_zero, FAILED, FAILED]),
        (
            [{"flags": L}, {"flags": L, **BAD}, {"flags": L, **BAD}, BAD],
            [FAILED, T.code_must_not_be_zero, FAILED, FAILED],
        ),
        ([{"flags": L}], [OPEN]),
        ([{}, {"flags": L}], [OK, OPEN]),
        ([{"flags": L}, {"flags": L}], [FAILED, OPEN]),
        ([{"flags": L, **BAD}, {"flags": L}], [T.code_must_not_be_zero, OPEN]),
        ([{"flags": L, **BAD}, {"flags": L}, {"flags": L}], [T.code_must_not_be_zero, FAILED, OPEN]),
        ([{"flags": L}, BAD, {"flags": L}, {}], [FAILED, T.code_must_not_be_zero, OK, OK]),
        ([{"flags": L}, BAD, {}], [FAILED, T.code_must_not_be_zero, OK]),
        ([{}, {"flags": L}, BAD, {}], [OK, FAILED, T.code_must_not_be_zero, OK]),
        ([{"flags": L, "timestamp": 1}, {"timestamp": 1}], [T.timestamp_must_be_zero, FAILED]),
    ],
)
def test_a_chain_is_created_whole_or_not_at_all(world, events, expected):
    batch = [world.event(**fields) for fields in events]
    assert world.transfers(*batch) == expected
    created = sum(status == OK for status in expected)
    assert world.balances(1) == (0, 10 * created, 0, 0)
    assert len(world.stored(*(event.id for event in batch))) == created


def test_exists_breaks_a_chain_too(world):
    old = world.event()
    assert world.transfers(old) == [OK]
    again = replace(old, flags=L)
    assert world.transfers(again, world.event()) == [T.exists_with_different_flags, FAILED]
    assert world.transfers(world.event(flags=L), old) == [FAILED, T.exists]


def test_the_same_id_twice_in_a_chain_exists(world):
    one = world.event(flags=L)
    assert world.transfers(one, one, world.event()) == [FAILED, T.exists, FAILED]
    assert world.transfers(one, replace(one, flags=0)) == [FAILED, T.exists_with_different_flags]
    assert world.stored(one.id) == []


def test_each_event_of_a_chain_sees_the_one_before(world):
    world.open(3, flags=AF.debits_must_not_exceed_credits)
    fund = world.event(debit_account_id=1, credit_account_id=3, flags=L)
    spend = world.event(debit_account_id=3, credit_account_id=2)
    assert world.transfers(fund, spend) == [OK, OK]
    assert world.transfers(world.event(debit_account_id=3, flags=L), world.event()) == [T.exceeds_credits, FAILED]


def test_a_hold_may_be_resolved_in_its_own_chain_and_comes_back_with_it(world):
    hold = world.event(flags=L | TF.pending)
    post = world.event(pending_id=hold.id, flags=TF.post_pending_transfer, amount=4)
    assert world.transfers(hold, replace(post, flags=post.flags | L), world.event(**BAD)) == [
        FAILED,
        FAILED,
        T.code_must_not_be_zero,
    ]
    assert world.balances(1) == (0, 0, 0, 0)
    assert world.transfers(hold, post) == [OK, OK]
    assert world.balances(1) == (0, 4, 0, 0)


def test_a_resolution_rolled_back_leaves_the_hold_open(world):
    hold = world.must(flags=TF.pending)
    void = world.event(pending_id=hold, flags=TF.void_pending_transfer | L, amount=0)
    assert world.transfers(void, world.event(**BAD)) == [FAILED, T.code_must_not_be_zero]
    assert world.balances(1) == (10, 0, 0, 0)
    assert world.transfers(replace(void, flags=TF.void_pending_transfer)) == [OK]


def test_a_closing_rolled_back_leaves_the_account_open(world):
    closing = world.event(flags=TF.pending | TF.closing_debit | L)
    assert world.transfers(closing, world.event()) == [FAILED, T.debit_account_already_closed]
    assert world.transfer() == OK


def test_only_the_event_that_failed_transiently_burns_its_id(world):
    first, failing, last = world.event(flags=L), world.event(flags=L, **NO_ACCOUNT), world.event()
    assert world.transfers(first, failing, last) == [FAILED, T.debit_account_not_found, FAILED]
    assert world.transfers(first, last) == [OK, OK]
    assert world.transfers(replace(failing, debit_account_id=1, flags=0)) == [T.id_already_failed]


def test_result_timestamps_of_a_failed_chain_are_those_of_the_decision(world):
    results = world.ledger.create_transfers_results([world.event(flags=L), world.event(**BAD), world.event()])
    assert results["timestamp"].tolist() == [START + 1, START + 2, START + 3]
    assert results["reserved"].tolist() == [0, 0, 0]


def test_an_open_chain_of_accounts_creates_none(world):
    accounts = [Account(id=10 + n, ledger=EUR, code=1, flags=AF.linked) for n in range(3)]
    assert world.accounts(*accounts) == [A.linked_event_failed, A.linked_event_failed, A.linked_event_chain_open]
    assert len(world.ledger.lookup_accounts([10, 11, 12])) == 0


def test_a_chain_of_accounts_is_created_whole_or_not_at_all(world):
    first = Account(id=10, ledger=EUR, code=1, flags=AF.linked)
    second = Account(id=11, ledger=EUR, code=0)
    third = Account(id=12, ledger=USD, code=1)
    assert world.accounts(first, second, third) == [A.linked_event_failed, A.code_must_not_be_zero, A.created]
    assert world.accounts(first, replace(second, code=1)) == [A.created, A.created]
    assert [int(row["id_lo"]) for row in world.ledger.lookup_accounts([10, 11, 12])] == [10, 11, 12]


def test_a_whole_batch_may_be_one_chain(world):
    batch = [world.event(flags=L, amount=1) for _ in range(8189)] + [world.event(amount=MAX)]
    statuses = world.transfers(*batch)
    assert statuses == [FAILED] * 8189 + [T.overflows_debits_posted]
    assert world.transfers(*batch[:-1], world.event(amount=1)) == [OK] * 8190
    assert world.balances(2) == (0, 0, 0, 8190)
