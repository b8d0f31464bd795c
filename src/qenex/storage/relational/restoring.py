"""After a restore to an earlier instant: make the database forget what the cut journal no longer holds.

The journal is the truth. Payments that were decided later are rejected with the reason RESTORED (never begun again: somebody
chose to go back), later steps, bookings, reversals, holds and statements that speak of lost transfers are removed, and accounts
that the ledger lost are to be opened again. Files stay known, so that nothing is paid twice by handing a file in again: what was
rejected must come in a new file. Customers, keys, erasures, approvals and business days stay as they are.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from sqlite3 import Connection
from typing import TypeVar

from qenex.storage.relational.database import execute_many
from qenex.storage.relational.part import StorePart, blob, number
from qenex.storage.relational.payment_rows import LAST_APPLIED_BATCH
from qenex.storage.relational.types import Forgotten, PaymentState, shard_of

RESTORED = "RESTORED"

Item = TypeVar("Item")

_CHUNK = 8190
#: Tables whose history a restore may rewrite; their triggers rest for the length of that one transaction.
_REWRITTEN = ("payments", "payment_steps", "holds", "bookings", "reversals", "statements", "accounts", "outbox")


class Restoring(StorePart):
    """The part of `Store` that follows a journal which was cut."""

    def forget_after(
        self,
        last_batch: int,
        timestamp_ns: int,
        *,
        known_transfers: Callable[[list[int]], Mapping[int, bool]],
        known_accounts: Callable[[list[int]], Collection[int]],
    ) -> Forgotten:
        """Everything after journal batch `last_batch`, whose last event is `timestamp_ns`, in one transaction. Idempotent.

        known_transfers: of at most 8,190 transfer ids, those still in the journal, each with whether it is a hold that is
        open now (so a captured or released one is False, as is a plain transfer).
        known_accounts: of at most 8,190 account ids, those still in the ledger.
        """
        with self._database.write("forget what the journal lost") as connection, _history_may_change(connection):
            ids = [number(row[0]) for row in connection.execute("SELECT id FROM accounts WHERE status <> 'opening'")]
            kept_accounts = {account for chunk in _chunks(ids) for account in known_accounts(chunk)}
            accounts = [(shard_of(account), blob(account)) for account in ids if account not in kept_accounts]
            execute_many(
                connection,
                "UPDATE accounts SET status = 'opening', closed_on = NULL WHERE shard = ? AND id = ?",
                accounts,
            )
            steps = self._forget_steps(connection, known_transfers)
            payments = self._rewind_payments(connection, last_batch, timestamp_ns, known_transfers)
            holds = self._forget_rows(connection, "holds", "transfer_id", known_transfers)
            holds += self._reopen_holds(connection, known_transfers)
            bookings = self._forget_rows(connection, "bookings", "transfer_id", known_transfers)
            bookings += self._forget_rows(connection, "reversals", "reversal_transfer_id", known_transfers)
            statements = connection.execute("DELETE FROM statements WHERE to_timestamp > ?", (timestamp_ns,)).rowcount
            connection.execute("DELETE FROM outbox WHERE sent_ns IS NULL AND created_ns > ?", (timestamp_ns,))
            connection.execute(
                "INSERT INTO settings (shard, name, value) VALUES (0, ?, ?)"
                " ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value",
                (LAST_APPLIED_BATCH, str(last_batch)),
            )
            self._inject("restore: forgotten")
        return Forgotten(payments, steps, holds, bookings, statements, len(accounts))

    def _rewind_payments(
        self,
        connection: Connection,
        last_batch: int,
        timestamp_ns: int,
        known_transfers: Callable[[list[int]], Mapping[int, bool]],
    ) -> int:
        rows = connection.execute(
            "SELECT shard, id, transfer_id, state FROM payments"
            " WHERE journal_batch > ? OR (state IN (0, 6) AND created_ns > ?)",
            (last_batch, timestamp_ns),
        ).fetchall()
        states: list[tuple[object, ...]] = []
        rejections: list[tuple[object, ...]] = []
        for chunk in _chunks([tuple(row) for row in rows]):
            kept = known_transfers([number(transfer) for _, _, transfer, _ in chunk])
            for shard, payment_id, transfer, state in chunk:
                is_open_hold = kept.get(number(transfer))
                if is_open_hold is not None:
                    before = PaymentState.HELD if is_open_hold else self._resolved(connection, shard, payment_id)
                    states.append((int(before), last_batch, shard, payment_id))
                elif state != PaymentState.REJECTED:
                    rejections.append((int(PaymentState.REJECTED), RESTORED, last_batch, shard, payment_id))
        execute_many(
            connection,
            "UPDATE payments SET state = ?, reason = NULL, journal_batch = ? WHERE shard = ? AND id = ?",
            states,
        )
        execute_many(
            connection,
            "UPDATE payments SET state = ?, reason = ?, journal_batch = ?, end_to_end_index = NULL"
            " WHERE shard = ? AND id = ?",
            rejections,
        )
        # What the ledger had refused after the cut keeps its refusal, under a batch that exists.
        connection.execute("UPDATE payments SET journal_batch = ? WHERE journal_batch > ?", (last_batch, last_batch))
        return len(states) + len(rejections)

    @staticmethod
    def _resolved(connection: Connection, shard: int, payment_id: bytes) -> PaymentState:
        """A payment whose first transfer is no open hold: settled when a later step is still in the journal, else posted."""
        step = connection.execute(
            "SELECT 1 FROM payment_steps WHERE shard = ? AND payment_id = ? AND applied = 1", (shard, payment_id)
        ).fetchone()
        return PaymentState.POSTED if step is None else PaymentState.SETTLED

    def _reopen_holds(self, connection: Connection, known_transfers: Callable[[list[int]], Mapping[int, bool]]) -> int:
        rows = connection.execute("SELECT shard, transfer_id FROM holds WHERE state <> 'open'").fetchall()
        reopened: list[tuple[object, ...]] = []
        for chunk in _chunks([tuple(row) for row in rows]):
            kept = known_transfers([number(transfer) for _, transfer in chunk])
            reopened += [row for row in chunk if kept.get(number(row[1]))]
        execute_many(
            connection,
            "UPDATE holds SET state = 'open', captured_minor = 0 WHERE shard = ? AND transfer_id = ?",
            reopened,
        )
        return len(reopened)

    def _forget_steps(self, connection: Connection, known_transfers: Callable[[list[int]], Mapping[int, bool]]) -> int:
        return self._forget_rows(connection, "payment_steps", "transfer_id", known_transfers, " WHERE applied = 1")

    def _forget_rows(
        self,
        connection: Connection,
        table: str,
        column: str,
        known_transfers: Callable[[list[int]], Mapping[int, bool]],
        condition: str = "",
    ) -> int:
        rows = [tuple(row) for row in connection.execute(f"SELECT shard, {column} FROM {table}{condition}")]
        lost: list[tuple[object, ...]] = []
        for chunk in _chunks(rows):
            kept = known_transfers([number(transfer) for _, transfer in chunk])
            lost += [row for row in chunk if number(row[1]) not in kept]
        execute_many(connection, f"DELETE FROM {table} WHERE shard = ? AND {column} = ?", lost)
        return len(lost)


def _chunks(items: list[Item]) -> Iterator[list[Item]]:
    for at in range(0, len(items), _CHUNK):
        yield items[at : at + _CHUNK]


@contextmanager
def _history_may_change(connection: Connection) -> Iterator[None]:
    """Take away the triggers of the rewritten tables and put them back, inside the caller's transaction."""
    marks = ", ".join("?" * len(_REWRITTEN))
    triggers = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({marks})", _REWRITTEN
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.execute(sql)
