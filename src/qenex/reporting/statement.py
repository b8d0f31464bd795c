"""Statements: the entries of an account between two booking dates, with the balances before and after.

A statement over closed dates is numbered: numbers are unbroken from the account's opening on, and each opens with the
closing balance of the one before. Dates nobody asked about get their own statement on the way, so the chain has no gap. A
statement that reaches into the business date, or that cuts across numbered ones, is provisional and not recorded.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import qenex.reporting.refusals  # noqa: F401  (registers the codes used here)
from qenex.books import BATCH_MAX, AccountFilter, AccountFilterFlags, TransferFlags
from qenex.crypto import fields_of_many
from qenex.products.accounts import account_of, numbers
from qenex.products.bank import Bank, money_of
from qenex.products.business_day import DAY_NS, date_of, instant
from qenex.products.chart import BOOKING_NAMES, BookingCode, internal_label
from qenex.rails import StatementBalance, StatementEntries, StatementHeader, write_camt053
from qenex.rails.iso20022.status_report import Output
from qenex.storage.relational import AccountRow, Statement
from qenex.values import Refusal, invariant, refuse

Records: TypeAlias = NDArray[np.void]
_NOT_BOOKED = int(TransferFlags.pending | TransferFlags.void_pending_transfer)
_U128 = 2**64
_NEWEST = int(AccountFilterFlags.debits | AccountFilterFlags.credits | AccountFilterFlags.reversed)


@dataclass(slots=True)
class StatementOf:
    """One statement in columns, in the order of booking. Amounts are positive minor units; `credit` as the owner sees it."""

    row: AccountRow
    owner_name: str
    number: int
    provisional: bool
    from_day: int
    to_day: int
    opening_minor: int
    closing_minor: int
    created_ns: int
    transfer_ids: list[int]
    amounts_minor: list[int]
    credits: list[bool]
    booking_days: list[int]
    value_days: list[int]
    codes: list[int]
    counterparty_ibans: list[str]
    counterparty_names: list[str]
    counterparty_bics: list[str]
    end_to_end_ids: list[str]
    remittances: list[str]

    def __len__(self) -> int:
        return len(self.transfer_ids)


def issue_statement(bank: Bank, iban: str, first: date | None, last: date | None) -> StatementOf | Refusal:
    """The statement from `first` to `last`, both inclusive; None = after the last numbered one, and up to the business date."""
    row = account_of(bank, iban)
    if isinstance(row, Refusal):
        return row
    today = bank.today()
    latest = bank.store.last_statement(row.id)
    next_day = latest.to_date + 1 if latest is not None else row.opened_on
    from_day = _number(first) if first is not None else min(next_day, today)
    to_day = _number(last) if last is not None else today
    if from_day > to_day:
        return refuse("DATES_REVERSED", first=date_of(from_day), last=date_of(to_day))
    if from_day > today:
        return refuse("STATEMENT_BEGINS_LATER", first=date_of(from_day), today=date_of(today))
    for known in bank.store.statements(row.id):
        if (known.from_date, known.to_date) == (from_day, to_day):
            return _assembled(bank, row, known, provisional=False)
    closed_until = min(to_day, today - 1)
    if next_day < from_day <= today:
        latest = _record(bank, row, latest, next_day, min(from_day, today) - 1)
        next_day = latest.to_date + 1
    if closed_until == to_day and from_day <= next_day <= to_day and (from_day == next_day or latest is None):
        latest = _record(bank, row, latest, from_day, to_day)
        return _assembled(bank, row, latest, provisional=False)
    return _assembled(bank, row, _outline(bank, row, latest, from_day, to_day), provisional=True)


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _record(bank: Bank, row: AccountRow, latest: Statement | None, from_day: int, to_day: int) -> Statement:
    """Number the statement that follows `latest` and keep it."""
    statement = _outline(bank, row, latest, from_day, to_day)
    if latest is not None:
        invariant(
            statement.opening_minor == latest.closing_minor, "a statement opens with the closing of the one before"
        )
    refusal = bank.store.add_statement(statement)
    invariant(refusal is None, "the next statement continues the last one")
    return statement


def _outline(bank: Bank, row: AccountRow, latest: Statement | None, from_day: int, to_day: int) -> Statement:
    """Balances and limits of a range of booking dates."""
    follows = latest is not None and from_day == latest.to_date + 1
    start = latest.to_timestamp if follows and latest is not None else _boundary(bank, row.id, from_day)
    end = max(start, _boundary(bank, row.id, to_day + 1))
    number = 1 + (latest.number if latest is not None else 0)
    entries = sum(int(np.count_nonzero(_booked(page))) for page in _pages(bank, row.id, start, end))
    return Statement(
        row.id, number, from_day, to_day, start, end, _posted(bank, row.id, start), _posted(bank, row.id, end), entries
    )


def _boundary(bank: Bank, account_id: int, day: int) -> int:
    """The largest instant so that all transfers of the account up to it have a booking date before `day`.

    Booking dates never fall along an account, and none is before the calendar day of its instant less the cut-off, so a
    binary search over instants finds the place.
    """
    # A day more than needed: the ledger may stamp a booking of the last instant of a date after midnight.
    low, high = 0, (day + 1) * DAY_NS
    while low < high:
        middle = (low + high + 1) // 2
        found = _last_day_until(bank, account_id, middle)
        if found is None or found < day:
            low = middle
        else:
            high = middle - 1
    # The instant of the last transfer itself keeps the boundary stable when later ones come.
    page: Sequence[Any] | Records = (
        bank.books.account_transfers(AccountFilter(account_id, timestamp_max=low, limit=1, flags=_NEWEST))
        if low
        else ()
    )
    return int(page[0]["timestamp"]) if len(page) else 0


def _last_day_until(bank: Bank, account_id: int, instant_ns: int) -> int | None:
    page = bank.books.account_transfers(AccountFilter(account_id, timestamp_max=instant_ns, limit=1, flags=_NEWEST))
    return _booking_days(page)[0] if len(page) else None


def _booking_days(page: Records) -> list[int]:
    packed = page["user_data_32"] >> 16
    days: list[int] = np.where(packed != 0, packed, page["timestamp"] // DAY_NS).tolist()
    return days


def _booked(page: Records) -> NDArray[np.bool_]:
    booked: NDArray[np.bool_] = (page["flags"] & _NOT_BOOKED) == 0
    return booked


def _posted(bank: Bank, account_id: int, instant_ns: int) -> int:
    """credits - debits posted, right after an instant."""
    found: Sequence[Any] | Records = bank.books.balance_at(account_id, instant_ns) if instant_ns else ()
    if not len(found):
        return 0
    record = found[0]
    sides = [
        int(record[f"{side}_posted_hi"]) * _U128 + int(record[f"{side}_posted_lo"]) for side in ("credits", "debits")
    ]
    return sides[0] - sides[1]


def _pages(bank: Bank, account_id: int, start: int, end: int) -> list[Records]:
    """The transfers of an account with start < timestamp <= end, in order."""
    pages: list[Records] = []
    while start < end:
        page = bank.books.account_transfers(
            AccountFilter(account_id, timestamp_min=start + 1, timestamp_max=end, limit=BATCH_MAX)
        )
        if not len(page):
            break
        pages.append(page)
        start = int(page["timestamp"][-1])
    return pages


def _assembled(bank: Bank, row: AccountRow, outline: Statement, *, provisional: bool) -> StatementOf:
    pages = _pages(bank, row.id, outline.from_timestamp, outline.to_timestamp)
    booked = [page[_booked(page)] for page in pages]
    entries = np.concatenate(booked) if booked else np.zeros(0, pages[0].dtype if pages else [("id_lo", "<u8")])
    owner = bank.store.customer(row.owner_id)
    name = owner.details.get("name", "") if not isinstance(owner, Refusal) and owner.details else ""
    statement = StatementOf(
        row, name, outline.number, provisional, outline.from_date, outline.to_date, outline.opening_minor, outline.closing_minor,
        bank.clock.now_ns(), [], [], [], [], [], [], [], [], [], [], [],
    )  # fmt: skip
    if len(entries):
        _fill(bank, statement, entries)
    moved = sum(amount if credit else -amount for amount, credit in zip(statement.amounts_minor, statement.credits))
    invariant(
        outline.opening_minor + moved == outline.closing_minor, "opening balance plus entries is the closing balance"
    )
    return statement


def _fill(bank: Bank, statement: StatementOf, entries: Records) -> None:
    account_id = statement.row.id
    ids, debit_ids, credit_ids = (
        numbers(entries, "id"),
        numbers(entries, "debit_account_id"),
        numbers(entries, "credit_account_id"),
    )
    statement.transfer_ids = ids
    statement.amounts_minor = numbers(entries, "amount")
    statement.credits = [credit == account_id for credit in credit_ids]
    statement.booking_days = _booking_days(entries)
    value_days = (entries["user_data_32"] & 0xFFFF).astype(np.int64)
    statement.value_days = np.where(value_days != 0, value_days, statement.booking_days).tolist()
    statement.codes = entries["code"].tolist()
    others = [debit if credit else other for credit, debit, other in zip(statement.credits, debit_ids, credit_ids)]
    for at in range(0, len(ids), _ENTRIES_PER_PART):
        part = slice(at, at + _ENTRIES_PER_PART)
        fields = _private_fields(bank, ids[part], debit_ids[part], credit_ids[part])
        sides = [_PAYER if credit else _PAYEE for credit in statement.credits[part]]
        statement.counterparty_ibans += [
            record.get(side[0]) or internal_label(other) or ""
            for record, side, other in zip(fields, sides, others[part])
        ]
        statement.counterparty_names += [record.get(side[1], "") for record, side in zip(fields, sides)]
        statement.counterparty_bics += [record.get(side[2], "") for record, side in zip(fields, sides)]
        statement.end_to_end_ids += [record.get("end_to_end_id", "") for record in fields]
        statement.remittances += [record.get("remittance", "") for record in fields]


_PAYER, _PAYEE = ("debtor", "debtor_name", ""), ("creditor", "creditor_name", "creditor_bic")
"""where a record names the other side: account, name, BIC"""


def _private_fields(
    bank: Bank, ids: Sequence[int], debit_ids: Sequence[int], credit_ids: Sequence[int]
) -> list[dict[str, str]]:
    """The private part of each transfer's payment; empty where there is none or the customer is erased."""
    records = bank.store.records_by_transfer(ids, debit_ids, credit_ids)
    opened = iter(fields_of_many([record for record in records if record is not None]))
    return [{} if record is None else next(opened) for record in records]


# ---------------------------------------------------------------------------------------------------------------------
# Forms


_CODES = {
    (BookingCode.DEPOSIT, True): "PMNT/CNTR/CDPT",
    (BookingCode.WITHDRAWAL, False): "PMNT/CNTR/CWDL",
    (BookingCode.TRANSFER, True): "PMNT/RCDT/BOOK",
    (BookingCode.TRANSFER, False): "PMNT/ICDT/BOOK",
    (BookingCode.OUTGOING, False): "PMNT/ICDT/ESCT",
    (BookingCode.HOLD, True): "PMNT/RCDT/BOOK",
    (BookingCode.HOLD, False): "PMNT/ICDT/BOOK",
    (BookingCode.EXCHANGE, True): "FORX/SPOT/OTHR",
    (BookingCode.EXCHANGE, False): "FORX/SPOT/OTHR",
    (BookingCode.MANUAL, True): "ACMT/MCOP/ADJT",
    (BookingCode.MANUAL, False): "ACMT/MDOP/ADJT",
    (BookingCode.REVERSAL, True): "ACMT/MCOP/ADJT",
    (BookingCode.REVERSAL, False): "ACMT/MDOP/ADJT",
}
_ENTRIES_PER_PART = 8192


def write_statement_camt053(bank: Bank, statement: StatementOf, out: Output) -> None:
    """camt.053.001.08."""
    row = statement.row
    label = f"{row.iban[-12:]}-{statement.number}"
    header = StatementHeader(
        message_id=f"STM-{label}",
        created=instant(statement.created_ns),
        statement_id=label if not statement.provisional else f"{label}-P",
        sequence_number=statement.number,
        from_time=_midnight(statement.from_day),
        to_time=_midnight(statement.to_day + 1) - timedelta(seconds=1),
        currency=row.currency,
        balances=[
            StatementBalance("OPBD", statement.opening_minor, date_of(statement.from_day)),
            StatementBalance("CLBD", statement.closing_minor, date_of(statement.to_day)),
        ],
        iban=row.iban,
        owner_name=statement.owner_name or None,
        servicer_bic=bank.settings.bic,
        servicer_name=bank.settings.name + (" (DEMO)" if bank.settings.demo else ""),
    )
    write_camt053(out, header, (_part(statement, at) for at in range(0, len(statement), _ENTRIES_PER_PART)))


def _midnight(day: int) -> datetime:
    return datetime.combine(date_of(day), time(0), UTC)


def _part(statement: StatementOf, start: int) -> StatementEntries:
    rows = slice(start, start + _ENTRIES_PER_PART)
    credit = statement.credits[rows]
    iban, name, bic = (
        statement.counterparty_ibans[rows],
        statement.counterparty_names[rows],
        statement.counterparty_bics[rows],
    )
    codes = statement.codes[rows]
    return StatementEntries(
        amount_minor=statement.amounts_minor[rows],
        credit=credit,
        booking_day=[date_of(day) for day in statement.booking_days[rows]],
        value_day=[date_of(day) for day in statement.value_days[rows]],
        transaction_code=[_CODES.get((code, side), "PMNT/OTHR/OTHR") for code, side in zip(codes, credit)],
        reversal=[code == BookingCode.REVERSAL for code in codes],
        servicer_reference=[f"{identifier:032x}" for identifier in statement.transfer_ids[rows]],
        end_to_end_id=[text or None for text in statement.end_to_end_ids[rows]],
        debtor_name=[text if text and side else None for text, side in zip(name, credit)],
        debtor_iban=[text if _is_iban(text) and side else None for text, side in zip(iban, credit)],
        creditor_name=[text if text and not side else None for text, side in zip(name, credit)],
        creditor_iban=[text if _is_iban(text) and not side else None for text, side in zip(iban, credit)],
        creditor_agent_bic=[text if text and not side else None for text, side in zip(bic, credit)],
        remittance_unstructured=[text or None for text in statement.remittances[rows]],
        additional_information=[BOOKING_NAMES.get(code) for code in codes],
    )


def _is_iban(text: str) -> bool:
    return len(text) >= 15


CSV_COLUMNS = (
    "transfer_id", "booking_date", "value_date", "amount", "currency", "balance", "kind", "counterparty", "name",
    "end_to_end_id", "remittance",
)  # fmt: skip


def statement_rows(statement: StatementOf) -> list[tuple[str, ...]]:
    """One row of texts per entry in the order of CSV_COLUMNS; amounts signed, with the balance after each."""
    row = statement.row
    balance = statement.opening_minor
    rows: list[tuple[str, ...]] = []
    for place, identifier in enumerate(statement.transfer_ids):
        amount = statement.amounts_minor[place] if statement.credits[place] else -statement.amounts_minor[place]
        balance += amount
        rows.append(
            (
                str(identifier),
                date_of(statement.booking_days[place]).isoformat(),
                date_of(statement.value_days[place]).isoformat(),
                money_of(amount, row.ledger).decimal_text(),
                row.currency,
                money_of(balance, row.ledger).decimal_text(),
                BOOKING_NAMES.get(statement.codes[place], str(statement.codes[place])),
                statement.counterparty_ibans[place],
                statement.counterparty_names[place],
                statement.end_to_end_ids[place],
                statement.remittances[place],
            )
        )
    return rows


def statement_csv(statement: StatementOf) -> str:
    """RFC 4180 with a header row. Texts that a spreadsheet would take for a formula get an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows((*row[:7], *(_harmless(text) for text in row[7:])) for row in statement_rows(statement))
    return out.getvalue()


def _harmless(text: str) -> str:
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t") else text
