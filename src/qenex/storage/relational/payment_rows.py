"""Payments: begun before the ledger decides, applied after the journal holds the decision, found again after a crash.

The order is LEDGER's "two stores, one truth": (1) `begin_payments`, (2) the journal, (3) `apply_batches`. Each of the two
functions is one transaction and may be repeated with the same arguments at any time.
"""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection

from qenex.crypto import CustomerKey
from qenex.crypto.commitment import SALT_LENGTH
from qenex.storage.relational.database import Row, execute_for_keys, execute_many, insert_sql, select_many
from qenex.storage.relational.faults import StoreFault
from qenex.storage.relational.part import StorePart, blob, blob_or_null, number
from qenex.storage.relational.refusals import PAYMENT_NOT_FOUND
from qenex.storage.relational.types import (
    SHARDS,
    OutboxEvent,
    Outcomes,
    PaymentBatch,
    PaymentRow,
    PaymentState,
    Pending,
    StepBatch,
    StepRow,
    shard_of,
)
from qenex.values import Refusal, invariant, refuse

LAST_APPLIED_BATCH = "last_applied_batch"

# The order in which the rows below are made.
_PAYMENT_COLUMNS = (
    "shard, id, customer_id, kind, state, debtor_account_id, creditor_account_id, transfer_id, amount_minor, currency,"
    " booking_date, value_date, reason, journal_batch, created_ns, file_id, position, end_to_end_index, key_version, sealed"
)
_INSERT_PAYMENT = insert_sql("payments", _PAYMENT_COLUMNS, ignore_same="shard, id")
_INSERT_STEP = insert_sql(
    "payment_steps",
    "shard, transfer_id, payment_id, step, amount_minor, applied, created_ns",
    ignore_same="shard, transfer_id",
)
_INSERT_EVENT = insert_sql("outbox", "shard, id, topic, payload, created_ns, sent_ns", ignore_same="shard, id")

INSERTS = (_INSERT_PAYMENT, _INSERT_STEP, _INSERT_EVENT)

# A batch changes a payment once: only a newer one changes it again; batch 0 (decided without the journal) only before any.
_NEWER = " WHERE shard = ? AND id IN ({keys}) AND (journal_batch < ? OR (journal_batch = 0 AND ? = 0))"
_UPDATE_STATE = "UPDATE payments SET state = ?, reason = ?, journal_batch = ?" + _NEWER
# A rejection frees the end-to-end id, so that the customer may send the payment again under the same one. A statement of
# its own, since naming the column costs an index entry for every row.
_UPDATE_REJECTED = "UPDATE payments SET state = ?, reason = ?, journal_batch = ?, end_to_end_index = NULL" + _NEWER

_PAYMENT = (
    "p.id, p.customer_id, p.kind, p.state, p.debtor_account_id, p.creditor_account_id, p.transfer_id, p.amount_minor,"
    " p.currency, p.booking_date, p.value_date, p.reason, p.journal_batch, p.created_ns, p.file_id, p.position,"
    " p.key_version, p.sealed"
)
_BY_TRANSFER = (
    f"SELECT {_PAYMENT}, p.transfer_id FROM (VALUES {{keys}}) AS k JOIN payments p"
    " ON p.shard = k.column1 AND p.transfer_id = k.column2"
)
_BY_STEP = (
    f"SELECT {_PAYMENT}, s.transfer_id FROM (VALUES {{keys}}) AS k"
    " JOIN payment_steps s ON s.shard = k.column1 AND s.transfer_id = k.column2"
    " JOIN payments p ON p.shard = s.shard AND p.id = s.payment_id"
)
_SEALED = "p.customer_id, p.key_version, p.id, p.sealed"
_SEALED_BY_TRANSFER = _BY_TRANSFER.replace(f"{_PAYMENT}, p.transfer_id", f"p.transfer_id, {_SEALED}")
_SEALED_BY_STEP = _BY_STEP.replace(f"{_PAYMENT}, s.transfer_id", f"s.transfer_id, {_SEALED}")
_STEP = "s.transfer_id, s.payment_id, p.customer_id, s.step, s.amount_minor, s.applied"


_STATES = tuple(PaymentState)  # By number; calling the enum costs ten times as much.


def _payment(row: Row) -> PaymentRow:
    return PaymentRow(
        number(row[0]),
        number(row[1]),
        row[2],
        _STATES[row[3]],
        number(row[4]),
        number(row[5]),
        number(row[6]),
        row[7],
        row[8],
        row[9],
        row[10],
        row[11] or "",
        row[12],
        row[13],
        row[14] or b"",
        -1 if row[15] is None else row[15],
        row[16],
        row[17],
    )


def _step(row: Row) -> StepRow:
    transfer, payment, customer, step, amount, applied = row
    return StepRow(number(transfer), number(payment), number(customer), step, amount, bool(applied))


class Payments(StorePart):
    """The part of `Store` about payments."""

    # --- step 1 -------------------------------------------------------------------------------------------------------

    def find_duplicates(self, debtor_account_ids: Sequence[int], end_to_end_ids: Sequence[str]) -> list[int]:
        """For each payment: the id of an earlier one from the same debtor account with the same end-to-end id that was
        not rejected, else 0. -1 = the same pair stands earlier in this very batch. "" and "NOTPROVIDED" are never duplicates.
        """
        indexes = self._end_to_end_indexes(debtor_account_ids, end_to_end_ids)
        earlier: dict[bytes, int] = {}
        lookups: list[Row] = []
        for account_id, index in zip(debtor_account_ids, indexes, strict=True):
            if index is not None and index not in earlier:
                earlier[index] = 0
                lookups.append((shard_of(account_id), index))
        with self._database.read("find duplicate end-to-end ids") as connection:
            for index, payment_id in select_many(
                connection,
                "SELECT p.end_to_end_index, p.id FROM (VALUES {keys}) AS k JOIN payments p"
                " ON p.shard = k.column1 AND p.end_to_end_index = k.column2",
                lookups,
            ):
                earlier[index] = number(payment_id)
        found = []
        for index in indexes:
            if index is None:
                found.append(0)
            else:
                found.append(earlier[index])
                earlier[index] = earlier[index] or -1
        return found

    def _end_to_end_indexes(self, account_ids: Sequence[int], end_to_end_ids: Sequence[str]) -> list[bytes | None]:
        """Blind indexes of account and end-to-end id together; None = nothing to compare."""
        indexed = self._keyring.index(
            "end to end",
            [
                blob(account_id) + end_to_end_id.encode("utf-8")
                for account_id, end_to_end_id in zip(account_ids, end_to_end_ids, strict=True)
            ],
        )
        # ISO 20022 uses NOTPROVIDED where a reference is mandatory and there is none.
        return [
            index if account_id and end_to_end_id not in ("", "NOTPROVIDED") else None
            for account_id, end_to_end_id, index in zip(account_ids, end_to_end_ids, indexed, strict=True)
        ]

    def begin_payments(self, batch: PaymentBatch) -> None:
        """Step 1: one transaction with every row and its sealed record (salt || canonical record). Idempotent by id."""
        with self._database.write("begin payments") as connection:
            execute_many(connection, _INSERT_PAYMENT, self._payment_rows(connection, batch))
            self._inject("begin payments: before commit")
        self._inject("begin payments: after commit")

    def _payment_rows(self, connection: Connection, batch: PaymentBatch) -> list[Row]:
        ids = [payment_id.to_bytes(16, "big") for payment_id in batch.ids]
        sealed, versions = self._seal_records(connection, batch, ids)
        indexes = self._end_to_end_indexes(batch.debtor_account_ids, batch.end_to_end_ids)
        customer_blobs = {
            customer_id: (shard_of(customer_id), blob(customer_id)) for customer_id in set(batch.customer_ids)
        }
        account_blobs = {
            account_id: blob_or_null(account_id)
            for account_id in {*batch.debtor_account_ids, *batch.creditor_account_ids}
        }
        now = self._clock.now_ns()
        positions = batch.positions if batch.positions is not None else [None] * len(ids)
        rejected = PaymentState.REJECTED
        return [
            (
                *((place := customer_blobs[customer_id])[:1]),
                payment_id,
                place[1],
                kind,
                int(state),
                account_blobs[debtor],
                account_blobs[creditor],
                transfer_id.to_bytes(16, "big"),
                amount,
                currency,
                booking_date,
                value_date,
                reason or None,
                0,
                now,
                batch.file_id,
                position,
                None if state == rejected else index,
                version,
                box,
            )
            for (
                payment_id,
                kind,
                customer_id,
                debtor,
                creditor,
                transfer_id,
                amount,
                currency,
                booking_date,
                value_date,
                state,
                reason,
                position,
                index,
                version,
                box,
            ) in zip(
                ids,
                batch.kinds,
                batch.customer_ids,
                batch.debtor_account_ids,
                batch.creditor_account_ids,
                batch.transfer_ids,
                batch.amounts_minor,
                batch.currencies,
                batch.booking_dates,
                batch.value_dates,
                batch.states,
                batch.reasons,
                positions,
                indexes,
                versions,
                sealed,
                strict=True,
            )
        ]

    def _seal_records(
        self, connection: Connection, batch: PaymentBatch, ids: Sequence[bytes]
    ) -> tuple[list[bytes], list[int]]:
        plain = [salt + record for salt, record in zip(batch.salts, batch.records, strict=True)]
        invariant(all(len(salt) == SALT_LENGTH for salt in batch.salts), "a salt is 32 bytes")
        customers = set(batch.customer_ids)
        if len(customers) == 1:
            key = self._sealing_key(connection, batch.customer_ids[0])
            return key.seal_many("payments", ids, plain), [key.version] * len(ids)
        keys = {customer_id: self._sealing_key(connection, customer_id) for customer_id in customers}
        sealed, versions = [], []
        for customer_id, row_id, record in zip(batch.customer_ids, ids, plain, strict=True):
            key = keys[customer_id]
            sealed.append(key.seal("payments", row_id, record))
            versions.append(key.version)
        return sealed, versions

    def _sealing_key(self, connection: Connection, customer_id: int) -> CustomerKey:
        key = self._active_key(connection, customer_id)
        if isinstance(key, Refusal):
            raise StoreFault("begin payments", str(key))
        return key

    def begin_awaiting(self, payment_ids: Sequence[int], customer_ids: Sequence[int], booking_date: int) -> None:
        """Step 1 of payments that waited for their day or for a person: AWAITING becomes BEGUN, booked on `booking_date`."""
        rows = [
            (booking_date, shard_of(customer_id), blob(payment_id))
            for payment_id, customer_id in zip(payment_ids, customer_ids, strict=True)
        ]
        with self._database.write("begin awaiting payments") as connection:
            execute_many(
                connection,
                "UPDATE payments SET state = 0, booking_date = ? WHERE shard = ? AND id = ? AND state = 6",
                rows,
            )
            self._inject("begin payments: before commit")
        self._inject("begin payments: after commit")

    def begin_steps(self, batch: StepBatch) -> None:
        """Step 1 of later transfers of payments that exist: capture, release, return, second leg. Idempotent by transfer."""
        now = self._clock.now_ns()
        rows = [
            (shard_of(customer_id), blob(transfer_id), blob(payment_id), step, amount, 0, now)
            for payment_id, customer_id, step, transfer_id, amount in zip(
                batch.payment_ids, batch.customer_ids, batch.steps, batch.transfer_ids, batch.amounts_minor, strict=True
            )
        ]
        with self._database.write("begin steps") as connection:
            execute_many(connection, _INSERT_STEP, rows)
            self._inject("begin steps: before commit")
        self._inject("begin steps: after commit")

    # --- step 3 -------------------------------------------------------------------------------------------------------

    def apply_batches(self, last_batch: int, outcomes: Outcomes, events: Sequence[OutboxEvent] = ()) -> None:
        """Step 3: states, outbox and last_applied_batch in one transaction. Idempotent.

        A payment changes only when the batch is newer than the one it was last changed by (batch 0: decided without the
        journal), so that batches may be applied again in any order. `last_applied_batch` only grows.
        """
        # Nearly all payments of a batch end the same way: one statement for many of them, and no Python between the rows.
        alike: dict[tuple[int, str, int, int], list[bytes]] = {}
        for payment_id, customer_id, state, reason, batch in zip(
            outcomes.payment_ids,
            outcomes.customer_ids,
            outcomes.states,
            outcomes.reasons,
            outcomes.batches,
            strict=True,
        ):
            alike.setdefault((state, reason, batch, shard_of(customer_id)), []).append(payment_id.to_bytes(16, "big"))
        steps = [
            (shard_of(customer_id), blob(transfer_id))
            for transfer_id, customer_id in zip(outcomes.step_transfer_ids, outcomes.step_customer_ids, strict=True)
        ]
        now = self._clock.now_ns()
        with self._database.write("apply batches") as connection:
            changed = 0
            for (state, reason, batch, shard), ids in alike.items():
                update = _UPDATE_REJECTED if state == PaymentState.REJECTED else _UPDATE_STATE
                changed += execute_for_keys(
                    connection, update, (int(state), reason or None, batch, shard), ids, (batch, batch)
                )
            if changed != len(outcomes.payment_ids):
                self._all_exist(connection, outcomes)
            execute_many(connection, "UPDATE payment_steps SET applied = 1 WHERE shard = ? AND transfer_id = ?", steps)
            self._inject("apply: states written")
            execute_many(
                connection,
                _INSERT_EVENT,
                [
                    (shard_of(event.id), blob(event.id), event.topic, event.payload, event.created_ns or now, None)
                    for event in events
                ],
            )
            self._inject("apply: outbox written")
            connection.execute(
                "INSERT INTO settings (shard, name, value) VALUES (0, ?, ?) ON CONFLICT (shard, name) DO UPDATE"
                " SET value = excluded.value WHERE CAST(excluded.value AS BIGINT) > CAST(settings.value AS BIGINT)",
                (LAST_APPLIED_BATCH, str(last_batch)),
            )
            self._inject("apply: before commit")
        self._inject("apply: after commit")

    def _all_exist(self, connection: Connection, outcomes: Outcomes) -> None:
        """Fewer rows changed than were decided: harmless when they were applied before, a lost row otherwise."""
        keys = {
            (shard_of(customer_id), blob(payment_id))
            for payment_id, customer_id in zip(outcomes.payment_ids, outcomes.customer_ids, strict=True)
        }
        found = set(
            select_many(
                connection,
                "SELECT p.shard, p.id FROM (VALUES {keys}) AS k JOIN payments p ON p.shard = k.column1 AND p.id = k.column2",
                list(keys),
            )
        )
        if missing := keys - found:
            raise StoreFault(
                "apply batches", f"{len(missing)} payments were never begun, first {min(missing)[1].hex()}"
            )

    @property
    def last_applied_batch(self) -> int:
        """The last journal batch whose outcome is in this database; 0 = none."""
        with self._database.read("read last_applied_batch") as connection:
            return self._read_last_applied(connection)

    @staticmethod
    def _read_last_applied(connection: Connection) -> int:
        row = connection.execute(
            "SELECT value FROM settings WHERE shard = 0 AND name = ?", (LAST_APPLIED_BATCH,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def reset_last_applied_batch(self, batch: int) -> None:
        """After a restore to an earlier instant the journal may be shorter than this database remembers: start from `batch`."""
        with self._database.write("reset last_applied_batch") as connection:
            connection.execute(
                "INSERT INTO settings (shard, name, value) VALUES (0, ?, ?)"
                " ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value",
                (LAST_APPLIED_BATCH, str(batch)),
            )

    # --- after a crash ------------------------------------------------------------------------------------------------

    def pending_since(self, last_applied_batch: int | None = None) -> Pending:
        """Payments begun and not decided, and steps begun and not applied, in one snapshot with `last_applied_batch`.

        The caller reads the journal from that batch on, calls `apply_batches` with what it finds for these transfer ids,
        and submits again what the journal does not know: the ids are derived, so that doing it twice is harmless.
        """
        with self._database.read("find pending payments") as connection:
            last = self._read_last_applied(connection)
            invariant(
                last_applied_batch is None or last_applied_batch <= last,
                "nobody has applied more than the store remembers",
            )
            rows = connection.execute(
                f"SELECT {_PAYMENT} FROM payments p WHERE p.state = 0 ORDER BY p.created_ns, p.file_id, p.position, p.id"
            ).fetchall()
            steps = connection.execute(
                f"SELECT {_STEP} FROM payment_steps s JOIN payments p ON p.shard = s.shard AND p.id = s.payment_id"
                " WHERE s.applied = 0 ORDER BY s.created_ns, s.transfer_id"
            ).fetchall()
        return Pending(last, [_payment(tuple(row)) for row in rows], [_step(tuple(row)) for row in steps])

    def awaiting(self, day: int) -> list[PaymentRow]:
        """Payments in state AWAITING whose value date is `day` or before, oldest first."""
        with self._database.read("find awaiting payments") as connection:
            rows = connection.execute(
                f"SELECT {_PAYMENT} FROM payments p WHERE p.state = 6 AND p.value_date <= ?"
                " ORDER BY p.created_ns, p.file_id, p.position, p.id",
                (day,),
            ).fetchall()
        return [_payment(tuple(row)) for row in rows]

    # --- reading ------------------------------------------------------------------------------------------------------

    def payment(self, payment_id: int, customer_id: int) -> PaymentRow | Refusal:
        """One payment; the customer names the shard."""
        found = self.payments([payment_id], [customer_id])
        return found[payment_id] if payment_id in found else refuse(PAYMENT_NOT_FOUND, payment_id=payment_id)

    def payments(self, payment_ids: Sequence[int], customer_ids: Sequence[int]) -> dict[int, PaymentRow]:
        """Those of the payments that exist."""
        keys = [(shard_of(c), blob(p)) for p, c in zip(payment_ids, customer_ids, strict=True)]
        with self._database.read("read payments") as connection:
            rows = select_many(
                connection,
                f"SELECT {_PAYMENT} FROM (VALUES {{keys}}) AS k JOIN payments p ON p.shard = k.column1 AND p.id = k.column2",
                keys,
            )
            return {row.id: row for row in map(_payment, rows)}

    def payments_of_file(self, file_id: bytes) -> Iterator[PaymentRow]:
        """The payments of a file in order of position, fetched in pages, so that a million of them need no memory."""
        after = -1
        while True:
            with self._database.read("read the payments of a file") as connection:
                rows = connection.execute(
                    f"SELECT {_PAYMENT} FROM payments p WHERE p.file_id = ? AND p.position > ? ORDER BY p.position LIMIT 5000",
                    (file_id, after),
                ).fetchall()
            if not rows:
                return
            for row in rows:
                payment = _payment(tuple(row))
                after = payment.position
                yield payment

    def payments_by_transfer(
        self,
        transfer_ids: Sequence[int],
        debit_account_ids: Sequence[int],
        credit_account_ids: Sequence[int] | None = None,
    ) -> dict[int, PaymentRow]:
        """The payment behind each transfer (its first or a later one); transfers without a payment are left out.

        A payment lives with the customer it belongs to, mostly the owner of the debit account; give the credit accounts
        too where it may be the other side's (money that comes in).
        """
        found: dict[int, PaymentRow] = {}
        sides = [debit_account_ids] if credit_account_ids is None else [debit_account_ids, credit_account_ids]
        with self._database.read("look up payments by transfer") as connection:
            # First transfers of the debit side's payments are nearly all there is; each further question asks for the rest.
            for by_transfer in (_BY_TRANSFER, _BY_STEP):
                for accounts in sides:
                    keys = [
                        (account_id & (SHARDS - 1), transfer_id.to_bytes(16, "big"))
                        for transfer_id, account_id in zip(transfer_ids, accounts, strict=True)
                        if transfer_id not in found
                    ]
                    for row in select_many(connection, by_transfer, keys):
                        found[number(row[-1])] = _payment(row)
        return found

    def records_by_transfer(
        self, transfer_ids: Sequence[int], debit_account_ids: Sequence[int], credit_account_ids: Sequence[int]
    ) -> list[bytes | None]:
        """The canonical record of the payment behind each transfer, in clear, as `payments_by_transfer` finds it; None where
        there is no payment or its customer was erased. Only what a statement shows is read."""
        keys = [transfer_id.to_bytes(16, "big") for transfer_id in transfer_ids]
        found: dict[bytes, bytes | None] = {}
        with self._database.read("read records by transfer") as connection:
            for by_transfer in (_SEALED_BY_TRANSFER, _SEALED_BY_STEP):
                for accounts in (debit_account_ids, credit_account_ids):
                    wanted = [
                        (account_id & (SHARDS - 1), key)
                        for key, account_id in zip(keys, accounts, strict=True)
                        if key not in found
                    ]
                    self._open_boxes(connection, select_many(connection, by_transfer, wanted), found)
        return [found.get(key) for key in keys]

    def _open_boxes(self, connection: Connection, rows: Iterator[Row], found: dict[bytes, bytes | None]) -> None:
        """rows: transfer, customer, key version, payment, sealed record. Opened together for each key."""
        by_key: dict[tuple[bytes, int], list[Row]] = {}
        for row in rows:
            by_key.setdefault((row[1], row[2]), []).append(row)
        for (customer, version), boxes in by_key.items():
            transfers, _, _, payments, sealed = zip(*boxes)
            key = self._customer_key(connection, number(customer), version)
            opened = [None] * len(boxes) if key is None else key.open_many("payments", payments, sealed)
            found.update(
                (transfer, None if plain is None else plain[SALT_LENGTH:]) for transfer, plain in zip(transfers, opened)
            )

    def steps(self, payment_id: int, customer_id: int) -> list[StepRow]:
        """The later transfers of a payment, oldest first."""
        with self._database.read("read the steps of a payment") as connection:
            rows = connection.execute(
                f"SELECT {_STEP} FROM payment_steps s JOIN payments p ON p.shard = s.shard AND p.id = s.payment_id"
                " WHERE s.shard = ? AND s.payment_id = ? ORDER BY s.created_ns, s.transfer_id",
                (shard_of(customer_id), blob(payment_id)),
            ).fetchall()
        return [_step(tuple(row)) for row in rows]

    def records(self, rows: Sequence[PaymentRow]) -> list[bytes | None]:
        """The canonical records of payments; None where the customer was erased."""
        return [None if opened is None else opened[SALT_LENGTH:] for opened in self._open_records(rows)]

    def salted_records(self, rows: Sequence[PaymentRow]) -> list[tuple[bytes, bytes] | None]:
        """(salt, canonical record): with the journal's commitment, what proves to a third party what was paid."""
        return [
            None if opened is None else (opened[:SALT_LENGTH], opened[SALT_LENGTH:])
            for opened in self._open_records(rows)
        ]

    def _open_records(self, rows: Sequence[PaymentRow]) -> list[bytes | None]:
        opened: list[bytes | None] = []
        with self._database.read("open records") as connection:
            for row in rows:
                key = self._customer_key(connection, row.customer_id, row.key_version)
                opened.append(None if key is None else key.open("payments", row.id.to_bytes(16, "big"), row.sealed))
        return opened

    # --- outbox -------------------------------------------------------------------------------------------------------

    def outbox(self, limit: int = 1000) -> list[OutboxEvent]:
        """Events not sent yet, oldest first. Sending is at least once: mark them after they were taken."""
        with self._database.read("read the outbox") as connection:
            rows = connection.execute(
                "SELECT id, topic, payload, created_ns FROM outbox WHERE sent_ns IS NULL ORDER BY created_ns, id LIMIT ?",
                (limit,),
            ).fetchall()
        return [OutboxEvent(number(row[0]), row[1], row[2], row[3]) for row in rows]

    def mark_sent(self, events: Sequence[OutboxEvent]) -> None:
        """These events were delivered."""
        now = self._clock.now_ns()
        with self._database.write("mark events as sent") as connection:
            execute_many(
                connection,
                "UPDATE outbox SET sent_ns = ? WHERE shard = ? AND id = ? AND sent_ns IS NULL",
                [(now, shard_of(event.id), blob(event.id)) for event in events],
            )
