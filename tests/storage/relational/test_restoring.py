"""After a restore to an earlier instant the database says what the cut journal says, and the past defends itself again."""

from pathlib import Path

import pytest
from tests.storage.relational.worlds import (
    ANNA,
    DAY,
    NOON,
    anna_with_an_account,
    opened,
    outcomes,
    payment_id,
    payments,
    states,
)

from qenex.storage.relational import (
    AccountRow,
    Booking,
    Forgotten,
    HoldRow,
    OutboxEvent,
    Outcomes,
    PaymentState,
    Statement,
    StepBatch,
    Store,
    StoreFault,
)
from qenex.values import derive_id

NAMES = ["before", "held then captured", "after", "refused after", "begun"]


def busy_bank(store: Store) -> tuple[int, int]:
    """Batches 1 to 4 happened; the journal will be cut after 2. Returns the accounts opened before and after the cut."""
    account = anna_with_an_account(store)
    later = store.new_account_id(ANNA)
    store.add_account(AccountRow(later, ANNA, "", "savings", "EUR", 978, "2200", DAY))
    store.set_account_status(later, "open", day=DAY)
    store.begin_payments(payments(NAMES, account))
    store.apply_batches(1, outcomes(["before"], PaymentState.POSTED, 1))
    store.apply_batches(2, outcomes(["held then captured"], PaymentState.HELD, 2))
    store.add_hold(HoldRow(transfer("held then captured"), ANNA, account, account + 1024, 100, "EUR", 0))
    store.add_hold(HoldRow(4321, ANNA, account, account + 1024, 100, "EUR", 0))
    capture = derive_id(payment_id("held then captured"), "capture")
    store.begin_steps(StepBatch([payment_id("held then captured")], [ANNA], ["capture"], [capture], [100]))
    store.apply_batches(
        3,
        Outcomes([payment_id("held then captured")], [ANNA], [PaymentState.SETTLED], [""], [3], [capture], [ANNA]),
        [OutboxEvent(9, "payment.settled", b"{}", NOON + 10)],
    )
    store.set_hold(transfer("held then captured"), ANNA, "captured", 100)
    store.apply_batches(4, outcomes(["after"], PaymentState.POSTED, 4))
    store.apply_batches(4, outcomes(["refused after"], PaymentState.REJECTED, 4, reason="AM04"))
    store.add_booking(Booking(transfer("before"), "value_dated", DAY, DAY + 1, "agreed"))
    store.add_booking(Booking(transfer("after"), "value_dated", DAY, DAY + 1, "agreed"))
    store.add_reversal(transfer("before"), transfer("after"), "wrong")
    store.add_statement(Statement(account, 1, DAY, DAY, 0, NOON - 5, 0, 500, 2))
    store.add_statement(Statement(account, 2, DAY, DAY, NOON - 5, NOON + 5, 500, 600, 1))
    return account, later


def transfer(name: str) -> int:
    return derive_id(payment_id(name), "book")


def forget(store: Store, account: int) -> Forgotten:
    journal = {transfer("before"): False, transfer("held then captured"): True}
    return store.forget_after(
        2,
        NOON,
        known_transfers=lambda ids: {identifier: journal[identifier] for identifier in ids if identifier in journal},
        known_accounts={account}.intersection,
    )


def test_what_the_cut_journal_lost_is_rejected_or_removed(store: Store):
    account, later = busy_bank(store)
    assert forget(store, account) == Forgotten(payments=2, steps=1, holds=2, bookings=2, statements=1, accounts=1)
    assert states(store, NAMES) == ["POSTED", "HELD", "REJECTED", "REJECTED", "BEGUN"]
    rows = store.payments([payment_id(name) for name in NAMES], [ANNA] * 5)
    assert [rows[payment_id(name)].reason for name in NAMES] == ["", "", "RESTORED", "AM04", ""]
    assert max(row.journal_batch for row in rows.values()) == 2
    assert store.last_applied_batch == 2
    assert [store.account(known).status for known in (account, later)] == ["open", "opening"]  # type: ignore[union-attr]
    assert [hold.transfer_id for hold in store.holds()] == [transfer("held then captured")]
    assert store.booking(transfer("before")) is not None
    assert store.booking(transfer("after")) is None
    assert store.reversal_of(transfer("before")) is None
    assert [statement.number for statement in store.statements(account)] == [1]
    assert store.outbox() == []
    assert store.find_duplicates([account], ["after"]) == [0]
    assert store.check() == []


def test_forgetting_again_changes_nothing(store: Store):
    account, _ = busy_bank(store)
    forget(store, account)
    assert forget(store, account) == Forgotten(0, 0, 0, 0, 0, 0)


def test_history_defends_itself_again_afterwards(store: Store):
    account, _ = busy_bank(store)
    with store._database.read("count") as connection:
        before = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
    forget(store, account)
    with store._database.read("count") as connection:
        after = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
    assert after == before
    with pytest.raises(StoreFault, match="payments_never_deleted"), store._database.write("test") as connection:
        connection.execute("DELETE FROM payments")
    with pytest.raises(StoreFault, match="payments_state_goes_forward"):
        store.apply_batches(3, outcomes(["after"], PaymentState.POSTED, 3))


def test_stopped_before_the_commit_everything_is_as_before(tmp_path: Path):
    def stop(point: str) -> None:
        if point == "restore: forgotten":
            raise OSError(28, "No space left on device")

    with opened(tmp_path, stop) as store:
        account, _ = busy_bank(store)
        with pytest.raises(OSError, match="No space"):
            forget(store, account)
        assert states(store, NAMES) == ["POSTED", "SETTLED", "POSTED", "REJECTED", "BEGUN"]
        assert store.last_applied_batch == 4
        with pytest.raises(StoreFault, match="payments_never_deleted"), store._database.write("test") as connection:
            connection.execute("DELETE FROM payments")
