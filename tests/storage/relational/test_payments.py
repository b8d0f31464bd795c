"""Payments: both commits may be repeated, what is pending is found, and duplicates are seen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.relational.worlds import (
    ANNA,
    DAY,
    anna_with_an_account,
    code_of,
    opened,
    outcomes,
    payment_id,
    payments,
    record_of,
    states,
)

from qenex.crypto import commit_records, parse_record, verify_commitment
from qenex.storage.relational import (
    BANK_ID,
    OutboxEvent,
    Outcomes,
    PaymentState,
    StepBatch,
    Store,
    StoreFault,
)
from qenex.storage.relational.part import POINTS
from qenex.values import derive_id

BEGUN, POSTED, HELD, REJECTED, SETTLED, RETURNED, AWAITING = PaymentState


def test_a_payment_goes_from_begun_to_posted_and_its_record_opens(store: Store):
    account_id = anna_with_an_account(store)
    batch = payments(["a", "b", "c"], account_id)
    store.begin_payments(batch)
    assert states(store, ["a", "b", "c"]) == ["BEGUN"] * 3
    assert [row.id for row in store.pending_since(0).payments] == sorted(batch.ids)
    store.apply_batches(7, outcomes(["a", "b", "c"], POSTED, 7), [OutboxEvent(1, "payment.posted", b"{}")])
    assert states(store, ["a", "b", "c"]) == ["POSTED"] * 3
    assert store.last_applied_batch == 7
    assert store.pending_since(7).payments == []
    row = store.payment(payment_id("b"), ANNA)
    [(salt, record)] = store.salted_records([row])  # type: ignore[list-item, misc]
    assert record == record_of("b")
    assert salt == batch.salts[1]
    assert parse_record(record)[1]["end_to_end_id"] == "b"
    assert code_of(store.payment(payment_id("z"), ANNA)) == "PAYMENT_NOT_FOUND"


def test_beginning_again_changes_nothing_even_when_it_was_applied_in_between(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a", "b"], account_id))
    store.apply_batches(1, outcomes(["a"], POSTED, 1))
    before = store.payments([payment_id("a"), payment_id("b")], [ANNA] * 2)
    store.begin_payments(payments(["a", "b", "c"], account_id))
    after = store.payments([payment_id("a"), payment_id("b")], [ANNA] * 2)
    assert after == before
    assert states(store, ["a", "b", "c"]) == ["POSTED", "BEGUN", "BEGUN"]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_applying_batches_in_any_order_and_any_number_of_times_ends_in_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
):
    story = [
        (1, outcomes(["a"], POSTED, 1)),
        (2, outcomes(["b"], HELD, 2)),
        (3, outcomes(["b"], SETTLED, 3)),
        (4, outcomes(["c"], REJECTED, 4, reason="AM04")),
    ]
    with opened(tmp_path_factory.mktemp("bank")) as store:
        store.begin_payments(payments(["a", "b", "c"], anna_with_an_account(store)))
        for number, outcome in story:
            store.apply_batches(number, outcome, [OutboxEvent(number, "payment.changed", b"x")])
        for at in order:
            number, outcome = story[at]
            store.apply_batches(number, outcome, [OutboxEvent(number, "payment.changed", b"x")])
        assert states(store, ["a", "b", "c"]) == ["POSTED", "SETTLED", "REJECTED"]
        assert store.last_applied_batch == 4
        assert len(store.outbox()) == 4


def test_a_decision_about_a_payment_that_was_never_begun_is_a_fault_and_changes_nothing(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account_id))
    with pytest.raises(StoreFault, match="never begun"):
        store.apply_batches(1, outcomes(["a", "ghost"], POSTED, 1))
    assert states(store, ["a"]) == ["BEGUN"]
    assert store.last_applied_batch == 0


@pytest.mark.parametrize(
    ("first", "then", "allowed"),
    [
        (BEGUN, POSTED, True),
        (BEGUN, REJECTED, True),
        (HELD, SETTLED, True),
        (HELD, RETURNED, True),
        (POSTED, RETURNED, True),
        (SETTLED, RETURNED, True),
        (POSTED, BEGUN, False),
        (POSTED, REJECTED, False),
        (HELD, POSTED, False),
        (REJECTED, POSTED, False),
        (RETURNED, POSTED, False),
        (SETTLED, HELD, False),
    ],
)
def test_a_payments_state_only_goes_forward(store: Store, first: PaymentState, then: PaymentState, allowed: bool):
    store.begin_payments(payments(["a"], anna_with_an_account(store)))
    if first is SETTLED:
        store.apply_batches(1, outcomes(["a"], HELD, 1))
    if first is RETURNED:
        store.apply_batches(1, outcomes(["a"], POSTED, 1))
    if first is not BEGUN:
        store.apply_batches(2, outcomes(["a"], first, 2, reason="AM04" if first is REJECTED else ""))
    step = outcomes(["a"], then, 3, reason="AM04" if then is REJECTED else "")
    if allowed:
        store.apply_batches(3, step)
        assert states(store, ["a"]) == [then.name]
    else:
        with pytest.raises(StoreFault, match="payments_state_goes_forward"):
            store.apply_batches(3, step)
        assert states(store, ["a"]) == [first.name]
        assert store.last_applied_batch == 2


def test_the_same_end_to_end_id_of_a_debtor_is_seen_in_the_store_and_in_the_batch(store: Store):
    account_id = anna_with_an_account(store)
    store.add_customer(ANNA + 1024, {"name": "Bob"})
    other = store.new_account_id(ANNA + 1024)
    store.begin_payments(payments(["a", "b"], account_id))
    found = store.find_duplicates(
        [account_id, account_id, account_id, other, account_id, account_id, 0, 0],
        ["a", "new", "new", "a", "", "NOTPROVIDED", "a", "a"],
    )
    assert found == [payment_id("a"), 0, -1, 0, 0, 0, 0, 0]


def test_a_rejected_payment_frees_its_end_to_end_id(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account_id))
    store.apply_batches(1, outcomes(["a"], REJECTED, 1, reason="AM04"))
    assert store.find_duplicates([account_id], ["a"]) == [0]


def test_the_database_refuses_a_second_payment_with_the_same_end_to_end_id(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account_id))
    again = payments(["another"], account_id)
    twice = type(again)(**{**{name: getattr(again, name) for name in again.__slots__}, "end_to_end_ids": ["a"]})
    with pytest.raises(StoreFault, match="UNIQUE"):
        store.begin_payments(twice)
    assert states(store, ["another"]) == ["none"]


def test_a_payment_refused_at_once_is_stored_with_its_reason(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account_id, state=REJECTED, reason="AC04"))
    row = store.payment(payment_id("a"), ANNA)
    assert (row.state, row.reason) == (REJECTED, "AC04")  # type: ignore[union-attr]
    assert store.pending_since().payments == []
    assert store.find_duplicates([account_id], ["a"]) == [0]


def test_a_payment_whose_debtor_is_not_ours_belongs_to_the_bank(store: Store):
    store.begin_payments(payments(["a"], 0, customer_id=BANK_ID, state=REJECTED, reason="AC01"))
    assert states(store, ["a"], BANK_ID) == ["REJECTED"]


def test_awaiting_payments_are_found_on_their_day_and_begin_then(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a", "b"], account_id, state=AWAITING))
    assert store.pending_since().payments == []
    assert store.awaiting(DAY - 1) == []
    due = store.awaiting(DAY)
    assert {row.id for row in due} == {payment_id("a"), payment_id("b")}
    store.begin_awaiting([payment_id("a")], [ANNA], DAY + 3)
    [pending] = store.pending_since().payments
    assert (pending.id, pending.booking_date, pending.value_date) == (payment_id("a"), DAY + 3, DAY)
    store.apply_batches(0, outcomes(["b"], REJECTED, 0, reason="DS02"))
    store.apply_batches(5, outcomes(["a"], POSTED, 5))
    assert states(store, ["a", "b"]) == ["POSTED", "REJECTED"]


def test_later_transfers_of_a_payment_are_pending_until_applied(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account_id))
    store.apply_batches(1, outcomes(["a"], HELD, 1))
    capture = derive_id(payment_id("a"), "capture")
    steps = StepBatch([payment_id("a")], [ANNA], ["capture"], [capture], [100])
    store.begin_steps(steps)
    store.begin_steps(steps)
    [step] = store.pending_since(1).steps
    assert (step.transfer_id, step.payment_id, step.customer_id, step.step) == (
        capture,
        payment_id("a"),
        ANNA,
        "capture",
    )
    store.apply_batches(2, Outcomes([payment_id("a")], [ANNA], [SETTLED], [""], [2], [capture], [ANNA]))
    assert store.pending_since().steps == []
    assert [step.applied for step in store.steps(payment_id("a"), ANNA)] == [True]


def test_payments_are_found_by_their_transfers_from_either_side(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a", "b"], account_id))
    release = derive_id(payment_id("b"), "release")
    store.begin_steps(StepBatch([payment_id("b")], [ANNA], ["release"], [release], [0]))
    book = derive_id(payment_id("a"), "book")
    found = store.payments_by_transfer([book, release, 99], [account_id, account_id, account_id])
    assert {transfer: row.id for transfer, row in found.items()} == {book: payment_id("a"), release: payment_id("b")}
    elsewhere = account_id + 1
    assert store.payments_by_transfer([book], [elsewhere]) == {}
    assert list(store.payments_by_transfer([book], [elsewhere], [account_id])) == [book]


def test_records_of_transfers_are_those_of_their_payments(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_payments(payments(["a", "b"], account_id))
    release = derive_id(payment_id("b"), "release")
    store.begin_steps(StepBatch([payment_id("b")], [ANNA], ["release"], [release], [0]))
    book = derive_id(payment_id("a"), "book")
    rows = store.payments([payment_id("a"), payment_id("b")], [ANNA, ANNA])
    first, second = store.records([rows[payment_id("a")], rows[payment_id("b")]])
    here, elsewhere = [account_id] * 4, [account_id + 1] * 4
    assert store.records_by_transfer([release, book, 99, book], here, elsewhere) == [second, first, None, first]
    assert store.records_by_transfer([release, book, 99, book], elsewhere, here) == [second, first, None, first]
    assert store.records_by_transfer([book], [account_id + 1], [account_id + 1]) == [None]
    assert store.records_by_transfer([], [], []) == []
    assert store.rotate_customer_key(ANNA) == 2
    assert store.records_by_transfer([book], [account_id], [account_id]) == [first]
    assert store.erase_customer(ANNA, "request-17") is None
    assert store.records_by_transfer([book], [account_id], [account_id]) == [None]


def test_the_payments_of_a_file_come_in_the_order_of_the_file(store: Store):
    account_id = anna_with_an_account(store)
    names = [f"n{number}" for number in range(30)]
    store.begin_payments(payments(names, account_id, file_id=b"f" * 16))
    assert [row.id for row in store.payments_of_file(b"f" * 16)] == [payment_id(name) for name in names]
    assert list(store.payments_of_file(b"g" * 16)) == []


def test_the_commitment_in_the_journal_matches_what_the_store_opens(store: Store):
    account_id = anna_with_an_account(store)
    records = [record_of("a")]
    made = commit_records(records)
    store.begin_payments(payments(["a"], account_id, salts=made.salts))
    [(salt, record)] = store.salted_records([store.payment(payment_id("a"), ANNA)])  # type: ignore[list-item, misc]
    verify_commitment(made.digests, salt, record)


def test_last_applied_batch_never_goes_back_unless_a_restore_says_so(store: Store):
    none = Outcomes([], [], [], [], [])
    for number, expected in [(5, 5), (3, 5), (9, 9), (10, 10)]:
        store.apply_batches(number, none)
        assert store.last_applied_batch == expected
    store.reset_last_applied_batch(4)
    assert store.last_applied_batch == 4


def test_events_are_sent_at_least_once_and_stored_once(store: Store):
    none = Outcomes([], [], [], [], [])
    event = OutboxEvent(payment_id("e"), "payment.posted", b"{}")
    store.apply_batches(1, none, [event])
    store.apply_batches(1, none, [event])
    [stored] = store.outbox()
    assert (stored.id, stored.topic, stored.payload) == (event.id, event.topic, event.payload)
    store.mark_sent([stored])
    store.apply_batches(1, none, [event])
    assert store.outbox() == []


# --- the process ends at any named point --------------------------------------------------------------------------------


def in_a_process_that_dies_at(point: str, folder: Path, work: Callable[[Store], None]) -> int:
    """Run `work` in a child that opens the store and leaves without goodbye at `point`; returns its exit code."""
    child = os.fork()
    if child == 0:

        def inject(reached: str) -> None:
            if reached == point:
                os._exit(9)

        try:
            work(opened(folder, inject))
            os._exit(0)
        except BaseException:
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("begin payments")])
def test_killed_around_the_first_commit_all_payments_are_there_or_none(tmp_path: Path, point: str):
    with opened(tmp_path) as store:
        account_id = anna_with_an_account(store)
    names = [f"n{number}" for number in range(100)]
    work = lambda store: store.begin_payments(payments(names, account_id))  # noqa: E731
    assert in_a_process_that_dies_at(point, tmp_path, work) == 9
    with opened(tmp_path) as store:
        assert set(states(store, names)) == ({"none"} if "before" in point else {"BEGUN"})
        work(store)
        assert set(states(store, names)) == {"BEGUN"}
        assert store.check() == []


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("apply")])
def test_killed_around_the_third_commit_states_outbox_and_position_move_together(tmp_path: Path, point: str):
    names = [f"n{number}" for number in range(100)]
    with opened(tmp_path) as store:
        store.begin_payments(payments(names, anna_with_an_account(store)))

    def work(store: Store) -> None:
        store.apply_batches(3, outcomes(names, POSTED, 3), [OutboxEvent(1, "payment.posted", b"{}")])

    assert in_a_process_that_dies_at(point, tmp_path, work) == 9
    with opened(tmp_path) as store:
        done = point == "apply: after commit"
        assert set(states(store, names)) == ({"POSTED"} if done else {"BEGUN"})
        assert store.last_applied_batch == (3 if done else 0)
        assert len(store.outbox()) == (1 if done else 0)
        assert len(store.pending_since().payments) == (0 if done else 100)
        work(store)
        assert set(states(store, names)) == {"POSTED"}
        assert (store.last_applied_batch, len(store.outbox()), store.pending_since().payments) == (3, 1, [])
        assert store.check() == []


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("begin steps")])
def test_killed_around_the_first_commit_of_a_later_step(tmp_path: Path, point: str):
    with opened(tmp_path) as store:
        store.begin_payments(payments(["a"], anna_with_an_account(store)))
    steps = StepBatch([payment_id("a")], [ANNA], ["capture"], [derive_id(payment_id("a"), "capture")], [100])
    assert in_a_process_that_dies_at(point, tmp_path, lambda store: store.begin_steps(steps)) == 9
    with opened(tmp_path) as store:
        assert len(store.pending_since().steps) == (0 if "before" in point else 1)
        store.begin_steps(steps)
        assert len(store.pending_since().steps) == 1
