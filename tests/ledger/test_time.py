"""Time in the ledger: one timestamp per event, expiry of holds, imported events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.worlds import AF, EUR, MAX, SECOND, START, TF, A, T, World, move

from qenex.ledger import (
    BATCH_MAX,
    Account,
    Ledger,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    new_engine,
    transfers_array,
)
from qenex.values.clock import ManualClock

POST, VOID, HOLD, IMPORTED = TF.post_pending_transfer, TF.void_pending_transfer, TF.pending, TF.imported


@pytest.fixture
def world(engine) -> World:
    world = World(engine)
    world.open(1, 2, 3)
    return world


# Timestamps


def test_the_last_event_of_a_batch_has_the_time_of_the_clock(world):
    world.clock.set(START + SECOND)
    results = world.ledger.create_transfers_results([world.event(), world.event(code=0), world.event()])
    assert results["timestamp"].tolist() == [START + SECOND - 2, START + SECOND - 1, START + SECOND]
    assert [transfer.timestamp for transfer in stored(world)] == [START + SECOND - 2, START + SECOND]


@pytest.mark.parametrize("ns", [0, 1, 2, -5 * SECOND])
def test_time_goes_on_when_the_clock_stands_still_or_steps_back(world, ns):
    world.clock.advance(ns)
    results = world.ledger.create_transfers_results([world.event(), world.event(), world.event()])
    assert results["timestamp"].tolist() == [START + 1, START + 2, START + 3]
    assert world.ledger.last_timestamp == START + 3


def test_an_engine_refuses_a_time_that_is_not_after_the_last(engine):
    ledger = new_engine(engine)
    events = transfers_array([move(1), move(2)])
    ledger.create_transfers(events, 10)
    for timestamp in (1, 10, 11):
        with pytest.raises(TimeBeforeLastTimestamp):
            ledger.create_transfers(events, timestamp)
    ledger.create_transfers(events, 12)
    assert ledger.last_timestamp == 12


def test_an_engine_refuses_a_time_beyond_63_bits(engine):
    ledger = new_engine(engine)
    events = transfers_array([move(1)])
    with pytest.raises(ValueError):
        ledger.create_transfers(events, 1 << 63)
    ledger.create_transfers(events, (1 << 63) - 1)


# Expiry


@pytest.mark.parametrize(
    ("ns", "answer"), [(-1, T.created), (0, T.pending_transfer_expired), (1, T.pending_transfer_expired)]
)
@pytest.mark.parametrize("flags", [POST, VOID])
def test_a_hold_is_over_at_the_nanosecond_it_expires_even_if_nobody_swept(world, ns, answer, flags):
    hold = world.must(flags=HOLD, timeout=3)
    world.clock.set(stored(world)[-1].timestamp + 3 * SECOND + ns)
    assert world.transfer(pending_id=hold, flags=flags) == answer


def test_expire_releases_what_is_due_and_returns_how_many(world):
    first, second = (world.must(flags=HOLD, timeout=timeout) for timeout in (1, 2))
    forever = world.must(flags=HOLD)
    at = {transfer.id: transfer.timestamp for transfer in stored(world)}
    assert world.ledger.expire(at[first] + SECOND - 1) == 0
    assert world.ledger.expire(at[first] + SECOND) == 1
    assert world.ledger.expire(at[first] + SECOND) == 0
    assert world.balances(1) == (20, 0, 0, 0)
    assert world.ledger.expire(START + 10 * SECOND) == 1
    assert world.balances(2) == (0, 0, 10, 0)
    assert [world.transfer(pending_id=id_, flags=VOID) for id_ in (first, second, forever)] == [
        T.pending_transfer_expired,
        T.pending_transfer_expired,
        T.created,
    ]


def test_expire_refuses_a_time_before_the_last_event(world):
    with pytest.raises(TimeBeforeLastTimestamp):
        world.ledger.expire(START - 1)
    assert world.ledger.expire(START) == 0


def test_expire_with_nothing_due_changes_nothing_not_even_the_time(world):
    world.must(flags=HOLD, timeout=5)
    before = world.ledger.state_hash()
    assert world.ledger.expire(START + SECOND) == 0
    assert world.ledger.state_hash() == before


def test_a_resolved_hold_does_not_expire(world):
    posted, voided = world.must(flags=HOLD, timeout=1), world.must(flags=HOLD, timeout=1)
    world.must(pending_id=posted, flags=POST)
    world.must(pending_id=voided, flags=VOID)
    assert world.ledger.expire(START + 5 * SECOND) == 0
    assert world.balances(1) == (0, 10, 0, 0)


def test_a_hold_rolled_back_with_its_chain_does_not_expire(world):
    assert world.transfers(world.event(flags=HOLD | TF.linked, timeout=1), world.event(code=0))[0] != T.created
    assert world.ledger.expire(START + 5 * SECOND) == 0


def test_expiry_gives_every_released_hold_a_time_of_its_own(world):
    """Balances at an instant see the releases one after the other, in the order (expires at, made at)."""
    late = world.must(flags=HOLD, timeout=2, amount=1)
    early = world.must(flags=HOLD, timeout=1, amount=2)
    assert late != early
    now = START + 9 * SECOND
    assert world.ledger.expire(now) == 2
    assert world.ledger.last_timestamp == now
    assert [world.balances_at(1, now - step) for step in (2, 1, 0)] == [
        (3, 0, 0, 0, START + 2),
        (1, 0, 0, 0, now - 1),
        (0, 0, 0, 0, now),
    ]


def test_expiry_right_after_a_batch_moves_time_on(world):
    holds = [world.event(flags=HOLD, timeout=1) for _ in range(3)]
    assert world.transfers(*holds) == [T.created] * 3
    world.clock.set(START + 2 * SECOND)
    world.must()
    now = world.ledger.last_timestamp
    assert world.ledger.expire(now) == 3
    assert world.ledger.last_timestamp == now + 3


def test_one_call_releases_at_most_a_batch(engine):
    world = World(engine)
    world.open(1, 2)
    for count in (BATCH_MAX, 5):
        assert set(world.transfers(*(world.event(flags=HOLD, timeout=1) for _ in range(count)))) == {T.created}
    now = START + 5 * SECOND
    assert [world.ledger.expire(now), world.ledger.expire(now), world.ledger.expire(now + 5)] == [BATCH_MAX, 5, 0]
    assert world.balances(1) == (0, 0, 0, 0)


def test_the_longest_timeout_that_fits_is_accepted(engine):
    seconds = (1 << 32) - 1
    for late, answer in ((0, T.created), (1, T.overflows_timeout)):
        clock = ManualClock(1)
        ledger = Ledger(engine, clock=clock)
        ledger.create_accounts([Account(id=id_, ledger=EUR, code=1) for id_ in (1, 2)])
        clock.set((1 << 63) - 1 - seconds * SECOND + late)
        assert ledger.create_transfer(replace(move(1), flags=HOLD, timeout=seconds)) == answer


# Imported events


def imported(world: World, timestamp: int, **fields: int) -> Transfer:
    event = world.event(**fields)
    return replace(event, timestamp=timestamp, flags=event.flags | IMPORTED)


def test_the_first_event_decides_whether_the_batch_is_imported(world):
    world.clock.set(START + SECOND)
    old = imported(world, START + 5)
    assert world.transfers(old, world.event()) == [T.created, T.imported_event_expected]
    assert world.transfers(world.event(), imported(world, START + 6)) == [T.created, T.imported_event_not_expected]
    account = Account(id=50, ledger=EUR, code=1)
    old_account = replace(account, id=51, flags=AF.imported, timestamp=START + 7)
    assert world.accounts(account, old_account) == [A.created, A.imported_event_not_expected]
    assert world.accounts(old_account, replace(account, id=52)) == [
        A.imported_event_timestamp_must_not_regress,
        A.imported_event_expected,
    ]


def test_an_imported_event_keeps_its_own_time(world):
    world.clock.set(START + SECOND)
    results = world.ledger.create_transfers_results([imported(world, START + 5), imported(world, START + 7)])
    assert results["timestamp"].tolist() == [START + 5, START + 7]
    assert [transfer.timestamp for transfer in stored(world)] == [START + 5, START + 7]
    assert world.ledger.last_timestamp == START + SECOND


@pytest.mark.parametrize(("ns", "answer"), [(-1, T.created), (0, T.imported_event_timestamp_must_not_advance)])
def test_an_imported_event_is_before_the_time_of_its_batch(world, ns, answer):
    world.clock.set(START + SECOND)
    assert world.transfers(imported(world, START + SECOND + ns)) == [answer]


def test_imported_transfers_increase_strictly(world):
    world.clock.set(START + SECOND)
    batch = [imported(world, START + ns) for ns in (5, 5, 4, 6)]
    assert world.transfers(*batch) == [
        T.created,
        T.imported_event_timestamp_must_not_regress,
        T.imported_event_timestamp_must_not_regress,
        T.created,
    ]


def test_no_two_objects_share_a_timestamp(world):
    world.clock.set(START + 10)
    world.open(8)
    world.clock.set(START + SECOND)
    regress = T.imported_event_timestamp_must_not_regress
    assert world.transfers(imported(world, START + 10), imported(world, START + 12)) == [regress, T.created]
    account = Account(id=50, ledger=EUR, code=1, flags=AF.imported)
    assert world.accounts(replace(account, timestamp=START + 12), replace(account, id=51, timestamp=START + 13)) == [
        A.imported_event_timestamp_must_not_regress,
        A.created,
    ]


def test_an_imported_transfer_is_after_both_of_its_accounts(engine):
    world = World(engine)
    accounts = [
        Account(id=id_, ledger=EUR, code=1, flags=AF.imported, timestamp=timestamp)
        for id_, timestamp in ((1, 10), (2, 20))
    ]
    assert world.accounts(*accounts) == [A.created, A.created]
    assert world.transfers(imported(world, 5), imported(world, 15), imported(world, 21)) == [
        T.imported_event_timestamp_must_postdate_debit_account,
        T.imported_event_timestamp_must_postdate_credit_account,
        T.created,
    ]


def test_a_chain_rolled_back_gives_its_times_back(world):
    world.clock.set(START + SECOND)
    linked = TF.linked | IMPORTED
    first = replace(imported(world, START + 9), flags=linked)
    bad = imported(world, START + 10, code=0)
    results = world.ledger.create_transfers_results([first, bad, imported(world, START + 5)])
    assert results["status"].tolist() == [T.linked_event_failed, T.code_must_not_be_zero, T.created]
    assert results["timestamp"].tolist() == [START + 9, START + SECOND - 1, START + 5]


def test_an_imported_hold_never_expires_and_can_be_resolved_by_an_imported_post(world):
    world.clock.set(START + SECOND)
    hold = imported(world, START + 5, flags=HOLD)
    post = Transfer(id=world.new_id(), pending_id=hold.id, amount=MAX, flags=POST | IMPORTED, timestamp=START + 6)
    assert world.transfers(hold, replace(post, timestamp=START + 4), post) == [
        T.created,
        T.imported_event_timestamp_must_not_regress,
        T.created,
    ]
    assert world.ledger.expire(START + 100 * SECOND) == 0
    assert world.balances(2) == (0, 0, 0, 10)


def test_a_time_is_not_taken_by_a_transfer_that_was_never_created(world):
    """A burnt import and its retry name the time, but there is no transfer at it."""
    world.clock.set(START + SECOND)
    failing = imported(world, START + 50, debit_account_id=77)
    assert world.transfers(failing) == [T.debit_account_not_found]
    rolled_back = imported(world, START + 51, flags=TF.linked)
    assert world.transfers(failing, rolled_back, imported(world, START + 52, code=0), imported(world, START + 60)) == [
        T.id_already_failed,
        T.linked_event_failed,
        T.code_must_not_be_zero,
        T.created,
    ]
    account = Account(id=90, ledger=EUR, code=1, flags=AF.imported)
    times = [START + 50, START + 51, START + 52, START + 60]
    accounts = [replace(account, id=90 + n, timestamp=timestamp) for n, timestamp in enumerate(times)]
    assert world.accounts(*accounts) == [
        A.created,
        A.created,
        A.created,
        A.imported_event_timestamp_must_not_regress,
    ]


def test_a_repeated_import_exists_whatever_time_it_names(world):
    world.clock.set(START + SECOND)
    event = imported(world, START + 5)
    assert world.transfers(event) == [T.created]
    results = world.ledger.create_transfers_results([replace(event, timestamp=START + 2)])
    assert (results["status"][0], results["timestamp"][0]) == (T.exists, START + 5)


def test_an_overdue_hold_cannot_be_resolved_by_an_event_of_the_past(world):
    """Over is over by the ledger's time, not by the time an imported event claims."""
    hold = world.must(flags=HOLD, timeout=1)
    world.clock.set(START + 2 * SECOND)
    post = Transfer(id=world.new_id(), pending_id=hold, amount=MAX, flags=POST | IMPORTED, timestamp=START + 5)
    assert world.transfers(post) == [T.pending_transfer_expired]


def stored(world: World) -> list[Transfer]:
    from qenex.ledger import transfers_list

    return transfers_list(world.ledger.query_transfers(QueryFilter()))
