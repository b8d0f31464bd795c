"""What transfers do: retries, holds and their resolution, balancing, closing, zero amounts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.worlds import AF, KIND, MAX, START, TF, A, T, World

from qenex.ledger import BALANCES, Transfer, u128_to_int

POST, VOID, HOLD = TF.post_pending_transfer, TF.void_pending_transfer, TF.pending


@pytest.fixture
def world(engine) -> World:
    world = World(engine)
    world.open(1, 2, 3)
    return world


# Single transfers


@pytest.mark.parametrize("amount", [0, 1, (1 << 64) - 1, 1 << 64, (1 << 64) + 1, 1 << 127, MAX])
def test_any_amount_moves_from_one_account_to_the_other(world, amount):
    world.must(amount=amount)
    assert world.balances(1) == (0, amount, 0, 0)
    assert world.balances(2) == (0, 0, 0, amount)


def test_a_transfer_is_stored_as_given_with_its_timestamp(world):
    event = replace(
        world.event(), user_data_128=MAX, user_data_64=(1 << 64) - 1, user_data_32=(1 << 32) - 1, code=65535, id=MAX - 1
    )
    assert world.transfers(event) == [T.created]
    assert world.stored(MAX - 1) == [replace(event, timestamp=START + 1)]


def test_exists_answers_the_timestamp_of_the_first_time(world):
    event = world.event()
    first = world.ledger.create_transfers_results([event])
    world.clock.advance(1_000)
    again = world.ledger.create_transfers_results([world.event(), event])
    assert again["status"].tolist() == [T.created, T.exists]
    assert again["timestamp"][1] == first["timestamp"][0]


def test_exists_comes_before_every_rule_about_accounts_and_limits(world):
    """A retry must learn that it was done, whatever has happened to the accounts since."""
    event = world.event()
    assert world.transfers(event) == [T.created]
    world.update(1, KIND.freeze_debits)
    world.must(flags=HOLD | TF.closing_credit, debit_account_id=3)
    assert world.transfers(event) == [T.exists]


# Holds


def hold(world: World, **fields: int) -> int:
    return world.must(flags=HOLD, **fields)


def resolution(world: World, hold: int, flags: int, amount: int, **fields: int) -> Transfer:
    return replace(Transfer(id=world.new_id(), pending_id=hold, flags=flags, amount=amount), **fields)


@pytest.mark.parametrize(
    ("flags", "amount", "posted"),
    [(POST, MAX, 10), (POST, 10, 10), (POST, 3, 3), (POST, 0, 0), (VOID, 0, 0), (VOID, 10, 0)],
)
def test_a_hold_is_posted_in_full_in_part_or_voided(world, flags, amount, posted):
    id_ = hold(world)
    assert world.balances(1) == (10, 0, 0, 0)
    assert world.balances(2) == (0, 0, 10, 0)
    resolved = resolution(world, id_, flags, amount)
    assert world.transfers(resolved) == [T.created]
    assert world.balances(1) == (0, posted, 0, 0)
    assert world.balances(2) == (0, 0, 0, posted)
    stored = world.stored(resolved.id)[0]
    assert stored.amount == (posted if flags == POST else 10)


def test_a_resolution_inherits_what_it_leaves_at_zero(world):
    id_ = hold(world, user_data_128=1 << 90, user_data_64=2, user_data_32=3, code=7)
    resolved = resolution(world, id_, POST, 4, user_data_64=9)
    assert world.transfers(resolved) == [T.created]
    assert world.stored(resolved.id) == [
        replace(
            resolved,
            debit_account_id=1,
            credit_account_id=2,
            ledger=978,
            code=7,
            user_data_128=1 << 90,
            user_data_32=3,
            timestamp=START + 2,
        )
    ]


@pytest.mark.parametrize(
    ("first", "answer"), [(POST, T.pending_transfer_already_posted), (VOID, T.pending_transfer_already_voided)]
)
@pytest.mark.parametrize("second", [POST, VOID])
def test_a_hold_is_resolved_once(world, first, second, answer):
    id_ = hold(world)
    assert world.transfers(resolution(world, id_, first, 10)) == [T.created]
    assert world.transfers(resolution(world, id_, second, 10)) == [answer]


@pytest.mark.parametrize(
    ("flags", "first", "second", "answer"),
    [
        (POST, 4, 4, T.exists),
        (POST, 4, 5, T.exists_with_different_amount),
        (POST, 4, MAX, T.exists_with_different_amount),
        (POST, 4, 0, T.exists_with_different_amount),
        (POST, MAX, MAX, T.exists),
        (POST, MAX, 10, T.exists),
        (POST, 10, MAX, T.exists),
        (POST, 10, 11, T.exists_with_different_amount),
        (POST, 0, 0, T.exists),
        (POST, 0, MAX, T.exists_with_different_amount),
        (VOID, 0, 0, T.exists),
        (VOID, 0, 10, T.exists),
        (VOID, 10, 0, T.exists),
        (VOID, 0, 9, T.exists_with_different_amount),
        (VOID, 0, MAX, T.exists_with_different_amount),
    ],
)
def test_a_repeated_resolution_exists_only_if_it_asks_for_the_same(world, flags, first, second, answer):
    """TigerBeetle's documentation says that any larger amount exists; its code, which we follow, wants the same."""
    resolved = resolution(world, hold(world), flags, first)
    assert world.transfers(resolved) == [T.created]
    assert world.transfers(replace(resolved, amount=second)) == [answer]


@pytest.mark.parametrize(
    ("name", "of_hold", "first", "second", "answer"),
    [
        ("user_data_128", 5, 0, 0, T.exists),
        ("user_data_128", 5, 0, 5, T.exists),
        ("user_data_128", 5, 5, 0, T.exists),
        ("user_data_128", 5, 6, 0, T.exists_with_different_user_data_128),
        ("user_data_64", 5, 6, 6, T.exists),
        ("user_data_64", 5, 6, 5, T.exists_with_different_user_data_64),
        ("user_data_32", 0, 6, 0, T.exists_with_different_user_data_32),
        ("user_data_32", 0, 0, 6, T.exists_with_different_user_data_32),
        ("code", 1, 0, 1, T.exists),
        ("code", 1, 1, 0, T.exists),
        ("code", 1, 0, 2, T.exists_with_different_code),
        ("ledger", 978, 0, 978, T.exists),
        ("ledger", 978, 0, 1, T.exists_with_different_ledger),
        ("debit_account_id", 1, 0, 1, T.exists),
        ("debit_account_id", 1, 0, 2, T.exists_with_different_debit_account_id),
        ("credit_account_id", 2, 2, 0, T.exists),
        ("credit_account_id", 2, 2, 3, T.exists_with_different_credit_account_id),
    ],
)
def test_a_repeated_resolution_may_leave_out_what_it_inherits(world, name, of_hold, first, second, answer):
    resolved = resolution(world, hold(world, **{name: of_hold}), POST, MAX, **{name: first})
    assert world.transfers(resolved) == [T.created]
    assert world.transfers(replace(resolved, **{name: second})) == [answer]


def test_a_resolution_cannot_be_resolved(world):
    resolved = resolution(world, hold(world), POST, MAX)
    assert world.transfers(resolved) == [T.created]
    assert world.transfers(resolution(world, resolved.id, VOID, 0)) == [T.pending_transfer_not_pending]


def test_held_money_counts_against_the_payer_but_not_for_the_receiver(world):
    world.open(4, flags=AF.debits_must_not_exceed_credits)
    world.must(credit_account_id=4, amount=10)
    hold(world, credit_account_id=4, amount=100)
    hold(world, debit_account_id=4, credit_account_id=2, amount=6)
    assert world.transfer(debit_account_id=4, amount=5) == T.exceeds_credits
    assert world.transfer(debit_account_id=4, amount=4) == T.created


# Balancing


@pytest.mark.parametrize(
    ("flags", "amount", "moved"),
    [
        (TF.balancing_debit, MAX, 60),
        (TF.balancing_debit, 60, 60),
        (TF.balancing_debit, 59, 59),
        (TF.balancing_debit, 0, 0),
        (TF.balancing_credit, MAX, 35),
        (TF.balancing_credit, 7, 7),
        (TF.balancing_debit | TF.balancing_credit, MAX, 35),
        (TF.balancing_debit | HOLD, MAX, 60),
        (TF.balancing_credit | HOLD, 36, 35),
    ],
)
def test_a_balancing_transfer_moves_what_both_sides_can_take(world, flags, amount, moved):
    """Account 4 has 100 in credits, 30 out, 10 held; account 5 has 50 in debits, 10 in credits, 5 held."""
    world.open(4, 5)
    world.must(debit_account_id=1, credit_account_id=4, amount=100)
    world.must(debit_account_id=4, credit_account_id=1, amount=30)
    hold(world, debit_account_id=4, credit_account_id=1, amount=10)
    hold(world, debit_account_id=1, credit_account_id=4, amount=1_000)
    world.must(debit_account_id=5, credit_account_id=1, amount=50)
    world.must(debit_account_id=1, credit_account_id=5, amount=10)
    hold(world, debit_account_id=1, credit_account_id=5, amount=5)
    hold(world, debit_account_id=5, credit_account_id=1, amount=1_000)
    id_ = world.must(debit_account_id=4, credit_account_id=5, flags=flags, amount=amount)
    assert world.stored(id_)[0].amount == moved


def test_a_balancing_transfer_with_nothing_to_move_is_created_with_zero(world):
    world.must(debit_account_id=1, amount=5)
    id_ = world.must(debit_account_id=1, flags=TF.balancing_debit, amount=MAX)
    assert world.stored(id_)[0].amount == 0


@pytest.mark.parametrize(
    ("again", "answer"),
    [
        (MAX, T.exists),
        (8, T.exists),
        (5, T.exists),
        (4, T.exists_with_different_amount),
        (0, T.exists_with_different_amount),
    ],
)
def test_a_repeated_balancing_transfer_exists_if_it_asks_for_no_less_than_was_moved(world, again, answer):
    world.must(debit_account_id=2, credit_account_id=1, amount=5)
    event = world.event(flags=TF.balancing_debit, amount=8)
    assert world.transfers(event) == [T.created]
    assert world.transfers(replace(event, amount=again)) == [answer]


def test_balancing_never_uses_an_overdraft(world):
    world.open(4, flags=AF.overdraft, limit=50)
    world.must(debit_account_id=1, credit_account_id=4, amount=5)
    id_ = world.must(debit_account_id=4, flags=TF.balancing_debit, amount=MAX)
    assert world.stored(id_)[0].amount == 5


# Closing


def test_a_closed_account_takes_only_voids(world):
    money, other = hold(world), hold(world)
    closing = world.must(flags=HOLD | TF.closing_debit, amount=0)
    assert world.account(1).flags == AF.closed
    assert world.transfer() == T.debit_account_already_closed
    assert world.transfer(debit_account_id=2, credit_account_id=1) == T.credit_account_already_closed
    assert world.transfers(resolution(world, money, POST, MAX)) == [T.debit_account_already_closed]
    assert world.transfers(resolution(world, other, VOID, 0)) == [T.created]
    assert world.transfers(resolution(world, closing, POST, MAX)) == [T.debit_account_already_closed]
    assert world.transfers(resolution(world, closing, VOID, 0)) == [T.created]
    assert world.account(1).flags == 0
    assert world.transfers(resolution(world, money, POST, MAX)) == [T.created]


@pytest.mark.parametrize("side", ["debit", "credit"])
@pytest.mark.parametrize("by_expiry", [False, True])
def test_an_ordinary_hold_that_goes_leaves_a_closed_account_closed(world, side, by_expiry):
    account = 1 if side == "debit" else 2
    money = hold(world, timeout=1)
    world.must(flags=HOLD | (TF.closing_debit if side == "debit" else TF.closing_credit), amount=0)
    if by_expiry:
        assert world.ledger.expire(START + 5_000_000_000) == 1
    else:
        assert world.transfers(resolution(world, money, VOID, 0)) == [T.created]
    assert world.account(account).flags == AF.closed
    assert world.balances(account) == (0, 0, 0, 0)


def test_one_hold_may_close_both_accounts_and_its_expiry_opens_them(world):
    world.must(flags=HOLD | TF.closing_debit | TF.closing_credit, amount=3, timeout=1)
    assert (world.account(1).flags, world.account(2).flags) == (AF.closed, AF.closed)
    assert world.ledger.expire(START + 2_000_000_000) == 1
    assert (world.account(1).flags, world.account(2).flags) == (0, 0)
    assert world.balances(1) == (0, 0, 0, 0)


def test_an_account_can_be_born_closed_and_stays_so(world):
    world.open(4, flags=AF.closed)
    assert world.transfer(credit_account_id=4) == T.credit_account_already_closed
    assert world.transfer(debit_account_id=4, flags=HOLD | TF.closing_debit) == T.debit_account_already_closed


# Balances in the answer


def test_the_answer_can_carry_both_accounts_balances_after_each_transfer(world):
    event = world.event(amount=1 << 70)
    batch = [event, world.event(flags=HOLD, amount=5), event, world.event(flags=TF.linked), world.event(code=0)]
    results, balances = world.ledger.create_transfers_results(batch, balances=True)
    assert results["status"].tolist() == [
        T.created,
        T.created,
        T.exists,
        T.linked_event_failed,
        T.code_must_not_be_zero,
    ]
    assert balances.dtype == BALANCES
    names = [name[:-3] for name in BALANCES.names if name.endswith("_lo")]
    rows = [{name: u128_to_int(row, name) for name in names if u128_to_int(row, name)} for row in balances]
    posted = {"debit_debits_posted": 1 << 70, "credit_credits_posted": 1 << 70}
    assert rows == [posted, posted | {"debit_debits_pending": 5, "credit_credits_pending": 5}, {}, {}, {}]


def test_a_batch_of_nothing_does_nothing(world):
    before = world.ledger.state_hash()
    world.clock.advance(1)
    assert world.transfers() == []
    assert world.accounts() == []
    assert world.updates() == []
    assert world.ledger.state_hash() == before


def test_accounts_of_a_batch_are_there_for_the_next(world):
    assert world.accounts(replace(world.account(1), id=9, timestamp=0)) == [A.created]
    assert world.transfer(credit_account_id=9) == T.created
