"""Limits of accounts, overdrafts, and sums that must not overflow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.worlds import AF, KIND, MAX, TF, T, World

from qenex.ledger.testing import set_balances

HALF = 1 << 127


@pytest.fixture
def world(engine) -> World:
    world = World(engine)
    world.open(1, 2)
    return world


@pytest.mark.parametrize(
    ("pending", "posted", "credits_posted", "amount", "answer"),
    [
        (0, 0, 0, 0, T.created),
        (0, 0, 0, 1, T.exceeds_credits),
        (0, 0, 10, 10, T.created),
        (0, 0, 10, 11, T.exceeds_credits),
        (4, 3, 10, 3, T.created),
        (4, 3, 10, 4, T.exceeds_credits),
        (0, 5, 4, 0, T.exceeds_credits),
        (0, 0, MAX, MAX, T.created),
        (1, 0, MAX, MAX - 1, T.created),
        (0, 0, (1 << 64) - 1, 1 << 64, T.exceeds_credits),
        (0, (1 << 64) - 1, 1 << 64, 1, T.created),
        (0, (1 << 64) - 1, 1 << 64, 2, T.exceeds_credits),
    ],
)
@pytest.mark.parametrize("flags", [0, TF.pending])
def test_debits_pending_and_posted_stay_within_credits_posted(
    world, flags, pending, posted, credits_posted, amount, answer
):
    world.open(3, flags=AF.debits_must_not_exceed_credits)
    set_balances(
        world.ledger,
        3,
        debits_pending=pending,
        debits_posted=posted,
        credits_posted=credits_posted,
        credits_pending=MAX - credits_posted,
    )
    assert world.transfer(debit_account_id=3, flags=flags, amount=amount) == answer


@pytest.mark.parametrize(
    ("pending", "posted", "debits_posted", "amount", "answer"),
    [
        (0, 0, 10, 10, T.created),
        (0, 0, 10, 11, T.exceeds_debits),
        (4, 3, 10, 3, T.created),
        (4, 3, 10, 4, T.exceeds_debits),
        (0, 0, MAX, MAX, T.created),
        (0, 0, 0, 1 << 64, T.exceeds_debits),
    ],
)
@pytest.mark.parametrize("flags", [0, TF.pending])
def test_credits_pending_and_posted_stay_within_debits_posted(
    world, flags, pending, posted, debits_posted, amount, answer
):
    world.open(3, flags=AF.credits_must_not_exceed_debits)
    set_balances(
        world.ledger,
        3,
        credits_pending=pending,
        credits_posted=posted,
        debits_posted=debits_posted,
        debits_pending=MAX - debits_posted,
    )
    assert world.transfer(credit_account_id=3, flags=flags, amount=amount) == answer


@pytest.mark.parametrize(
    ("posted", "credits_posted", "limit", "amount", "answer"),
    [
        (0, 0, 0, 1, T.exceeds_credits),
        (0, 0, 5, 5, T.created),
        (0, 0, 5, 6, T.exceeds_credits),
        (7, 4, 5, 2, T.created),
        (7, 4, 5, 3, T.exceeds_credits),
        (0, 0, MAX, MAX, T.created),
        (0, MAX, MAX, MAX, T.created),
        (0, HALF, HALF, MAX, T.created),
        (0, HALF, HALF - 2, MAX, T.exceeds_credits),
        (0, HALF, HALF - 1, MAX, T.created),
        (0, 1, MAX, MAX, T.created),
        (0, (1 << 64) - 1, 1, 1 << 64, T.created),
        (0, (1 << 64) - 1, 0, 1 << 64, T.exceeds_credits),
    ],
)
@pytest.mark.parametrize("flags", [0, TF.pending])
def test_an_overdraft_lets_debits_exceed_credits_by_its_limit(
    world, flags, posted, credits_posted, limit, amount, answer
):
    """The right side of the check saturates: a limit of 2^128 - 1 is no limit, never a small one."""
    world.open(3, flags=AF.overdraft)
    world.update(3, KIND.set_limit, limit)
    set_balances(world.ledger, 3, debits_posted=posted, credits_posted=credits_posted)
    assert world.transfer(debit_account_id=3, flags=flags, amount=amount) == answer


def test_the_initial_overdraft_is_the_user_data_64_of_the_account(world):
    world.open(3, flags=AF.overdraft, limit=(1 << 64) - 1)
    assert world.transfer(debit_account_id=3, amount=1 << 64) == T.exceeds_credits
    assert world.transfer(debit_account_id=3, amount=(1 << 64) - 1) == T.created


def test_a_lower_limit_stops_new_debits_and_touches_no_old_ones(world):
    world.open(3, flags=AF.overdraft, limit=100)
    world.must(debit_account_id=3, amount=80)
    hold = world.must(debit_account_id=3, amount=10, flags=TF.pending)
    world.update(3, KIND.set_limit, 0)
    assert world.transfer(debit_account_id=3, amount=0) == T.exceeds_credits
    assert world.transfer(credit_account_id=3, debit_account_id=1, amount=5) == T.created
    world.must(pending_id=hold, flags=TF.post_pending_transfer, debit_account_id=3)
    assert world.balances(3) == (0, 90, 0, 5)


def test_credits_to_an_overdraft_account_have_no_limit(world):
    world.open(3, flags=AF.overdraft, limit=0)
    assert world.transfer(credit_account_id=3, amount=MAX) == T.created


def test_both_accounts_are_checked_the_debit_side_first(world):
    world.open(3, flags=AF.debits_must_not_exceed_credits)
    world.open(4, flags=AF.credits_must_not_exceed_debits)
    assert world.transfer(debit_account_id=3, credit_account_id=4) == T.exceeds_credits
    assert world.transfer(debit_account_id=1, credit_account_id=4) == T.exceeds_debits


@pytest.mark.parametrize("room", [0, 1, (1 << 64) - 1, 1 << 64])
@pytest.mark.parametrize(
    ("side", "balances", "flags", "answer"),
    [
        ("debit", {"debits_pending": MAX}, TF.pending, T.overflows_debits_pending),
        ("credit", {"credits_pending": MAX}, TF.pending, T.overflows_credits_pending),
        ("debit", {"debits_posted": MAX}, 0, T.overflows_debits_posted),
        ("credit", {"credits_posted": MAX}, 0, T.overflows_credits_posted),
        ("debit", {"debits_posted": MAX}, TF.pending, T.overflows_debits_posted),
        ("credit", {"credits_posted": MAX}, TF.pending, T.overflows_credits_posted),
        ("debit", {"debits_pending": MAX}, 0, T.overflows_debits),
        ("credit", {"credits_pending": MAX}, 0, T.overflows_credits),
        ("debit", {"debits_pending": HALF, "debits_posted": HALF - 1}, 0, T.overflows_debits),
        ("credit", {"credits_pending": HALF, "credits_posted": HALF - 1}, 0, T.overflows_credits),
        ("debit", {"debits_posted": HALF, "debits_pending": HALF - 1}, TF.pending, T.overflows_debits),
        ("credit", {"credits_posted": HALF, "credits_pending": HALF - 1}, TF.pending, T.overflows_credits),
    ],
)
def test_no_sum_exceeds_128_bits(world, side, balances, flags, answer, room):
    """The last unit that fits is taken, the next one is refused."""
    first = next(iter(balances))
    world.open(3)
    set_balances(world.ledger, 3, **{**balances, first: balances[first] - room})
    account = {f"{side}_account_id": 3, "debit_account_id" if side == "credit" else "credit_account_id": 1}
    assert world.transfer(**account, flags=flags, amount=room + 1) == answer
    before = world.account(3)
    assert world.transfer(**account, flags=flags, amount=room) == T.created
    name = f"{side}s_{'pending' if flags else 'posted'}"
    assert world.account(3) == replace(before, **{name: getattr(before, name) + room})


def test_a_full_account_can_still_post_and_void_its_holds(world):
    world.open(3)
    holds = [world.must(debit_account_id=3, flags=TF.pending, amount=5) for _ in range(2)]
    set_balances(world.ledger, 3, debits_posted=MAX - 10)
    for hold, flags in zip(holds, (TF.post_pending_transfer, TF.void_pending_transfer), strict=True):
        world.must(pending_id=hold, flags=flags, debit_account_id=3, amount=5)
    assert world.balances(3) == (0, MAX - 5, 0, 0)


def test_an_overflow_does_not_burn_the_id(world):
    world.must(amount=MAX)
    event = world.event(amount=1)
    assert world.transfers(event, event) == [T.overflows_debits_posted, T.overflows_debits_posted]
    assert world.transfers(replace(event, amount=0)) == [T.created]


def test_set_balances_needs_an_account_and_leaves_what_is_not_given(world):
    world.must(amount=7)
    set_balances(world.ledger, 1, credits_posted=1 << 100)
    assert world.balances(1) == (0, 7, 0, 1 << 100)
    with pytest.raises(KeyError):
        set_balances(world.ledger, 99, debits_posted=1)
    with pytest.raises(ValueError):
        set_balances(world.ledger, 1, debits_posted=1 << 128)
