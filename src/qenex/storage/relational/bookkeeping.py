"""Bookkeeping data above the ledger: bookings, reversals, four eyes, business days, statements, chart, holds, quotes."""

from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection, IntegrityError

from qenex.storage.relational.database import Row
from qenex.storage.relational.part import StorePart, blob, blob_or_null, number
from qenex.storage.relational.refusals import (
    ALREADY_REVERSED,
    APPROVAL_DECIDED,
    APPROVAL_EXISTS,
    APPROVAL_MISSING,
    BOOKING_EXISTS,
    BUSINESS_DAY_CLOSED,
    BUSINESS_DAY_NOT_OPEN,
    BUSINESS_DAY_OPEN,
    FOUR_EYES,
    HOLD_FINAL,
    HOLD_NOT_FOUND,
    NO_BUSINESS_DATE,
    QUOTE_NOT_FOUND,
    QUOTE_USED,
    STATEMENT_BREAKS_CHAIN,
)
from qenex.storage.relational.types import (
    Approval,
    ApprovalRow,
    Booking,
    BusinessDate,
    ChartLine,
    FxQuote,
    HoldRow,
    Statement,
    shard_of,
)
from qenex.values import Refusal, invariant, refuse

_APPROVAL = "id, action, subject_id, content, reason, requested_by, requested_ns, state, decided_by, decided_ns"
_STATEMENT = (
    "account_id, number, from_date, to_date, from_timestamp, to_timestamp, opening_minor, closing_minor, entries"
)
_HOLD = (
    "transfer_id, customer_id, debit_account_id, credit_account_id, amount_minor, currency, expires_ns, state,"
    " captured_minor"
)
_QUOTE = (
    "id, customer_id, sell, buy, rate_numerator, rate_denominator, spread_basis_points, quoted_ns, valid_until_ns,"
    " used_by_transfer_id"
)


class Bookkeeping(StorePart):
    """The part of `Store` that a bookkeeper and an auditor read."""

    # --- bookings and reversals ---------------------------------------------------------------------------------------

    def add_booking(self, booking: Booking) -> None | Refusal:
        """What a transfer means beyond its amount. The same again is harmless; anything else under its id is refused."""
        with self._database.write("add a booking") as connection:
            existing = self._read_booking(connection, booking.transfer_id)
            if existing is not None:
                return None if existing == booking else refuse(BOOKING_EXISTS, transfer_id=booking.transfer_id)
            connection.execute(
                "INSERT INTO bookings (shard, transfer_id, kind, booking_date, value_date, back_dated, reason, approval_id,"
                " created_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    shard_of(booking.transfer_id),
                    blob(booking.transfer_id),
                    booking.kind,
                    booking.booking_date,
                    booking.value_date,
                    int(booking.is_back_dated),
                    booking.reason,
                    blob_or_null(booking.approval_id),
                    self._clock.now_ns(),
                ),
            )
        return None

    def booking(self, transfer_id: int) -> Booking | None:
        """The booking data of a transfer, if it has any."""
        with self._database.read("read a booking") as connection:
            return self._read_booking(connection, transfer_id)

    def _read_booking(self, connection: Connection, transfer_id: int) -> Booking | None:
        row = connection.execute(
            "SELECT kind, booking_date, value_date, reason, approval_id FROM bookings WHERE shard = ? AND transfer_id = ?",
            (shard_of(transfer_id), blob(transfer_id)),
        ).fetchone()
        return None if row is None else Booking(transfer_id, row[0], row[1], row[2], row[3], number(row[4]))

    def add_reversal(
        self, original_transfer_id: int, reversal_transfer_id: int, reason: str, approval_id: int = 0
    ) -> None | Refusal:
        """Link a reversal to its original, at most once for ever. The same pair again is harmless."""
        place = (shard_of(original_transfer_id), blob(original_transfer_id))
        with self._database.write("add a reversal") as connection:
            row = connection.execute(
                "SELECT reversal_transfer_id FROM reversals WHERE shard = ? AND original_transfer_id = ?", place
            ).fetchone()
            if row is not None:
                same = number(row[0]) == reversal_transfer_id
                return None if same else refuse(ALREADY_REVERSED, transfer_id=original_transfer_id)
            connection.execute(
                "INSERT INTO reversals (shard, original_transfer_id, reversal_transfer_id, reason, approval_id, created_ns)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*place, blob(reversal_transfer_id), reason, blob_or_null(approval_id), self._clock.now_ns()),
            )
        return None

    def reversal_of(self, transfer_id: int) -> int | None:
        """The transfer that reversed this one."""
        with self._database.read("read a reversal") as connection:
            row = connection.execute(
                "SELECT reversal_transfer_id FROM reversals WHERE shard = ? AND original_transfer_id = ?",
                (shard_of(transfer_id), blob(transfer_id)),
            ).fetchone()
        return None if row is None else number(row[0])

    # --- four eyes ----------------------------------------------------------------------------------------------------

    def request_approval(self, approval: Approval) -> None | Refusal:
        """Ask for a second person. The same request again is harmless."""
        with self._database.write("request an approval") as connection:
            existing = self._read_approval(connection, approval.id)
            if existing is not None:
                same = _what_is_asked(existing) == _what_is_asked(approval)
                return None if same else refuse(APPROVAL_EXISTS, where=str(approval.id))
            connection.execute(
                f"INSERT INTO approvals (shard, {_APPROVAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'requested', NULL, NULL)",
                (
                    shard_of(approval.id),
                    blob(approval.id),
                    approval.action,
                    blob(approval.subject_id),
                    approval.content,
                    approval.reason,
                    approval.requested_by,
                    self._clock.now_ns(),
                ),
            )
        return None

    def decide_approval(self, approval_id: int, decided_by: str, approve: bool) -> None | Refusal:
        """The second person's decision; whoever asked is refused."""
        with self._database.write("decide an approval") as connection:
            approval = self._read_approval(connection, approval_id)
            if approval is None:
                return refuse(APPROVAL_MISSING, where=str(approval_id))
            if approval.requested_by.lower() == decided_by.lower():
                return refuse(FOUR_EYES, person=decided_by)
            if approval.state != "requested":
                return refuse(APPROVAL_DECIDED, where=str(approval_id))
            connection.execute(
                "UPDATE approvals SET state = ?, decided_by = ?, decided_ns = ? WHERE shard = ? AND id = ?",
                (
                    "approved" if approve else "refused",
                    decided_by,
                    self._clock.now_ns(),
                    shard_of(approval_id),
                    blob(approval_id),
                ),
            )
        return None

    def use_approval(self, approval_id: int, action: str, subject_id: int, content: str) -> None | Refusal:
        """Spend an approval on exactly what was approved, once."""
        with self._database.write("use an approval") as connection:
            approval = self._read_approval(connection, approval_id)
            if approval is None or approval.state != "approved":
                return refuse(APPROVAL_MISSING, where=str(approval_id))
            if (approval.action, approval.subject_id, approval.content) != (action, subject_id, content):
                return refuse(APPROVAL_MISSING, where=str(approval_id))
            connection.execute(
                "UPDATE approvals SET state = 'used' WHERE shard = ? AND id = ?",
                (shard_of(approval_id), blob(approval_id)),
            )
        return None

    def approvals(self, state: str | None = None) -> list[ApprovalRow]:
        """Requests in the order they were made."""
        with self._database.read("list approvals") as connection:
            rows = connection.execute(
                f"SELECT {_APPROVAL} FROM approvals WHERE ? IS NULL OR state = ? ORDER BY requested_ns, id",
                (state, state),
            ).fetchall()
        return [_approval(tuple(row)) for row in rows]

    def _read_approval(self, connection: Connection, approval_id: int) -> ApprovalRow | None:
        row = connection.execute(
            f"SELECT {_APPROVAL} FROM approvals WHERE shard = ? AND id = ?", (shard_of(approval_id), blob(approval_id))
        ).fetchone()
        return None if row is None else _approval(tuple(row))

    # --- business days ------------------------------------------------------------------------------------------------

    def business_date(self) -> int | Refusal:
        """The open business day, in days since 1970-01-01."""
        with self._database.read("read the business date") as connection:
            row = connection.execute("SELECT day FROM business_dates WHERE shard = 0 AND state = 'open'").fetchone()
        return refuse(NO_BUSINESS_DATE) if row is None else int(row[0])

    def open_day(self, day: int) -> None | Refusal:
        """Open a business day, later than every one before. Opening the open day again is harmless."""
        with self._database.write("open a business day") as connection:
            rows = connection.execute(
                "SELECT day, state FROM business_dates WHERE shard = 0 AND (state = 'open' OR day >= ?) ORDER BY day",
                (day,),
            ).fetchall()
            if (day, "open") in [tuple(row) for row in rows]:
                return None
            if any(row[1] == "open" for row in rows):
                return refuse(BUSINESS_DAY_OPEN, where=str(day))
            if rows:
                return refuse(BUSINESS_DAY_CLOSED, day=day)
            connection.execute(
                "INSERT INTO business_dates (shard, day, state, opened_ns, closed_ns) VALUES (0, ?, 'open', ?, NULL)",
                (day, self._clock.now_ns()),
            )
        return None

    def close_day(self, day: int) -> None | Refusal:
        """Close the open business day. A closed day stays closed."""
        with self._database.write("close a business day") as connection:
            closed = connection.execute(
                "UPDATE business_dates SET state = 'closed', closed_ns = ? WHERE shard = 0 AND day = ? AND state = 'open'",
                (self._clock.now_ns(), day),
            )
            if closed.rowcount == 0:
                return refuse(BUSINESS_DAY_NOT_OPEN, day=day)
        return None

    def business_dates(self) -> list[BusinessDate]:
        """Every business day, in order."""
        with self._database.read("list business days") as connection:
            rows = connection.execute(
                "SELECT day, state, opened_ns, closed_ns FROM business_dates WHERE shard = 0 ORDER BY day"
            ).fetchall()
        return [BusinessDate(row[0], row[1], row[2], row[3] or 0) for row in rows]

    # --- statements ---------------------------------------------------------------------------------------------------

    def add_statement(self, statement: Statement) -> None | Refusal:
        """The next statement of an account. The database itself refuses a gap in numbers, time or balance."""
        place = (shard_of(statement.account_id), blob(statement.account_id))
        with self._database.write("add a statement") as connection:
            existing = connection.execute(
                f"SELECT {_STATEMENT} FROM statements WHERE shard = ? AND account_id = ? AND number = ?",
                (*place, statement.number),
            ).fetchone()
            if existing is not None and _statement(tuple(existing)) == statement:
                return None
            try:
                connection.execute(
                    f"INSERT INTO statements (shard, {_STATEMENT}, previous_number, created_ns)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *place,
                        statement.number,
                        statement.from_date,
                        statement.to_date,
                        statement.from_timestamp,
                        statement.to_timestamp,
                        statement.opening_minor,
                        statement.closing_minor,
                        statement.entries,
                        statement.number - 1 or None,
                        self._clock.now_ns(),
                    ),
                )
            except IntegrityError:
                return refuse(STATEMENT_BREAKS_CHAIN, number=statement.number)
        return None

    def last_statement(self, account_id: int) -> Statement | None:
        """The newest statement of an account."""
        with self._database.read("read the last statement") as connection:
            row = connection.execute(
                f"SELECT {_STATEMENT} FROM statements WHERE shard = ? AND account_id = ? ORDER BY number DESC LIMIT 1",
                (shard_of(account_id), blob(account_id)),
            ).fetchone()
        return None if row is None else _statement(tuple(row))

    def statements(self, account_id: int) -> list[Statement]:
        """Every statement of an account, in order of number."""
        with self._database.read("list statements") as connection:
            rows = connection.execute(
                f"SELECT {_STATEMENT} FROM statements WHERE shard = ? AND account_id = ? ORDER BY number",
                (shard_of(account_id), blob(account_id)),
            ).fetchall()
        return [_statement(tuple(row)) for row in rows]

    # --- chart of accounts --------------------------------------------------------------------------------------------

    def put_chart(self, lines: Iterable[ChartLine]) -> None:
        """Add or rename lines; a line's class and side stay what they were once it exists."""
        with self._database.write("write the chart of accounts") as connection:
            for line in lines:
                connection.execute(
                    "INSERT INTO chart_of_accounts (shard, code, name, account_class, normal_side) VALUES (0, ?, ?, ?, ?)"
                    " ON CONFLICT (shard, code) DO UPDATE SET name = excluded.name",
                    (line.code, line.name, line.account_class, line.normal_side),
                )

    def chart(self) -> list[ChartLine]:
        """The chart of accounts in order of code."""
        with self._database.read("read the chart of accounts") as connection:
            rows = connection.execute(
                "SELECT code, name, account_class, normal_side FROM chart_of_accounts WHERE shard = 0 ORDER BY code"
            ).fetchall()
        return [ChartLine(*row) for row in rows]

    # --- holds --------------------------------------------------------------------------------------------------------

    def add_hold(self, hold: HoldRow) -> None:
        """Remember a hold (of `qenex hold`, or of a payment that leaves the bank). Idempotent by its transfer id."""
        with self._database.write("add a hold") as connection:
            connection.execute(
                f"INSERT INTO holds (shard, {_HOLD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (shard, transfer_id) DO NOTHING",
                (
                    shard_of(hold.customer_id),
                    blob(hold.transfer_id),
                    blob(hold.customer_id),
                    blob(hold.debit_account_id),
                    blob(hold.credit_account_id),
                    hold.amount_minor,
                    hold.currency,
                    hold.expires_ns,
                    hold.state,
                    hold.captured_minor,
                ),
            )

    def set_hold(self, transfer_id: int, customer_id: int, state: str, captured_minor: int = 0) -> None | Refusal:
        """captured, released or expired, as the ledger decided. The same again is harmless."""
        with self._database.write("end a hold") as connection:
            hold = self._read_hold(connection, transfer_id, customer_id)
            if hold is None:
                return refuse(HOLD_NOT_FOUND, transfer_id=transfer_id)
            if (hold.state, hold.captured_minor) == (state, captured_minor):
                return None
            if hold.state != "open":
                return refuse(HOLD_FINAL, transfer_id=transfer_id, state=hold.state)
            connection.execute(
                "UPDATE holds SET state = ?, captured_minor = ? WHERE shard = ? AND transfer_id = ?",
                (state, captured_minor, shard_of(customer_id), blob(transfer_id)),
            )
        return None

    def hold(self, transfer_id: int, customer_id: int | None = None) -> HoldRow | Refusal:
        """One hold; without the customer every shard is searched."""
        with self._database.read("read a hold") as connection:
            return self._read_hold(connection, transfer_id, customer_id) or refuse(
                HOLD_NOT_FOUND, transfer_id=transfer_id
            )

    def holds(self, state: str | None = "open") -> list[HoldRow]:
        """Holds in order of id; None = every state."""
        with self._database.read("list holds") as connection:
            rows = connection.execute(
                f"SELECT {_HOLD} FROM holds WHERE ? IS NULL OR state = ? ORDER BY transfer_id", (state, state)
            ).fetchall()
        return [_hold(tuple(row)) for row in rows]

    def _read_hold(self, connection: Connection, transfer_id: int, customer_id: int | None) -> HoldRow | None:
        if customer_id is None:
            row = connection.execute(
                f"SELECT {_HOLD} FROM holds WHERE transfer_id = ?", (blob(transfer_id),)
            ).fetchone()
        else:
            row = connection.execute(
                f"SELECT {_HOLD} FROM holds WHERE shard = ? AND transfer_id = ?",
                (shard_of(customer_id), blob(transfer_id)),
            ).fetchone()
        return None if row is None else _hold(tuple(row))

    # --- quotes -------------------------------------------------------------------------------------------------------

    def add_fx_quote(self, quote: FxQuote) -> None:
        """Remember a quote as it was given. Idempotent by id."""
        invariant(quote.used_by_transfer_id == 0, "a new quote is not used")
        with self._database.write("add a quote") as connection:
            connection.execute(
                f"INSERT INTO fx_quotes (shard, {_QUOTE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
                " ON CONFLICT (shard, id) DO NOTHING",
                (
                    shard_of(quote.customer_id),
                    blob(quote.id),
                    blob(quote.customer_id),
                    quote.sell,
                    quote.buy,
                    quote.rate_numerator,
                    quote.rate_denominator,
                    quote.spread_basis_points,
                    quote.quoted_ns,
                    quote.valid_until_ns,
                ),
            )

    def use_fx_quote(self, quote_id: int, customer_id: int, transfer_id: int) -> FxQuote | Refusal:
        """Bind a quote to the one exchange that uses it; the same pair again is harmless. Whether it is still valid is the
        caller's to check against its clock."""
        place = (shard_of(customer_id), blob(quote_id))
        with self._database.write("use a quote") as connection:
            row = connection.execute(f"SELECT {_QUOTE} FROM fx_quotes WHERE shard = ? AND id = ?", place).fetchone()
            quote = None if row is None else _quote(tuple(row))
            if quote is None or quote.customer_id != customer_id:
                return refuse(QUOTE_NOT_FOUND, where=str(quote_id))
            if quote.used_by_transfer_id not in (0, transfer_id):
                return refuse(QUOTE_USED, where=str(quote_id))
            connection.execute(
                "UPDATE fx_quotes SET used_by_transfer_id = ? WHERE shard = ? AND id = ? AND used_by_transfer_id IS NULL",
                (blob(transfer_id), *place),
            )
        return quote

    def fx_quotes(self) -> list[FxQuote]:
        """Every quote, oldest first."""
        with self._database.read("list quotes") as connection:
            rows = connection.execute(f"SELECT {_QUOTE} FROM fx_quotes ORDER BY quoted_ns, id").fetchall()
        return [_quote(tuple(row)) for row in rows]

    # --- settings -----------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """A small fact about this bank (its name, its log's origin, the demo mark)."""
        with self._database.read("read a setting") as connection:
            row = connection.execute("SELECT value FROM settings WHERE shard = 0 AND name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put_setting(self, name: str, value: str) -> None:
        """Write a setting; `last_applied_batch` belongs to `apply_batches`."""
        invariant(name != "last_applied_batch", "only apply_batches writes last_applied_batch")
        with self._database.write("write a setting") as connection:
            connection.execute(
                "INSERT INTO settings (shard, name, value) VALUES (0, ?, ?)"
                " ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value",
                (name, value),
            )


def _what_is_asked(approval: Approval | ApprovalRow) -> Row:
    return (approval.action, approval.subject_id, approval.content, approval.reason, approval.requested_by)


def _approval(row: Row) -> ApprovalRow:
    return ApprovalRow(
        number(row[0]), row[1], number(row[2]), row[3], row[4], row[5], row[6], row[7], row[8] or "", row[9] or 0
    )


def _statement(row: Row) -> Statement:
    return Statement(number(row[0]), *row[1:])


def _hold(row: Row) -> HoldRow:
    return HoldRow(number(row[0]), number(row[1]), number(row[2]), number(row[3]), *row[4:])


def _quote(row: Row) -> FxQuote:
    quote = FxQuote(number(row[0]), number(row[1]), *row[2:9])
    return replace(quote, used_by_transfer_id=number(row[9]))
