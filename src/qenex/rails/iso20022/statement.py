"""camt.053.001.08, the bank's statement to its customer: written from columns, read back into columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cache
from typing import Any

from qenex.rails.findings import Finding
from qenex.rails.iso20022.amounts import minor_digits
from qenex.rails.iso20022.columns import row_reader
from qenex.rails.iso20022.definition import definition
from qenex.rails.iso20022.reading import (
    ElementStream,
    Limits,
    Refused,
    Source,
    expect_message,
    open_source,
    read_head,
    tag_and_depth,
)
from qenex.rails.iso20022.status_report import Output
from qenex.rails.iso20022.writing import RowWriter, ValueNotAllowed, amount_texts, fitted, moment_text
from qenex.values import Refusal, currency, invariant, parse_iban

STATEMENT_MESSAGES = ("camt.053.001.08",)
_MESSAGE = "camt.053.001.08"

BANK_TRANSACTION_CODES: dict[str, str] = {
    "ACMT/MCOP/INTR": "interest paid to the account",
    "ACMT/MDOP/CHRG": "charges",
    "ACMT/MDOP/COMM": "commission",
    "ACMT/MDOP/FEES": "fees",
    "ACMT/MDOP/INTR": "interest charged to the account",
    "ACMT/MDOP/TAXE": "taxes",
    "ACMT/MCOP/ADJT": "adjustment, credit",
    "ACMT/MDOP/ADJT": "adjustment, debit",
    "ACMT/ACOP/OTHR": "additional credit or debit operation",
    "FORX/SPOT/OTHR": "foreign exchange, spot",
    "LDAS/FTLN/DDWN": "loan drawdown",
    "LDAS/FTLN/PPAY": "loan principal payment",
    "PMNT/CCRD/POSD": "card payment at the point of sale",
    "PMNT/CCRD/CWDL": "cash withdrawal with a card",
    "PMNT/CNTR/CDPT": "cash deposit at the counter",
    "PMNT/CNTR/CWDL": "cash withdrawal at the counter",
    "PMNT/ICDT/BOOK": "transfer inside the bank, sent",
    "PMNT/ICDT/DMCT": "domestic credit transfer, sent",
    "PMNT/ICDT/ESCT": "SEPA credit transfer, sent",
    "PMNT/ICDT/RRTN": "return of a sent credit transfer",
    "PMNT/ICDT/STDO": "standing order, sent",
    "PMNT/ICDT/XBCT": "cross-border credit transfer, sent",
    "PMNT/IDDT/ESDD": "SEPA direct debit, collected",
    "PMNT/IRCT/ESCT": "SEPA instant credit transfer, sent",
    "PMNT/RCDT/BOOK": "transfer inside the bank, received",
    "PMNT/RCDT/DMCT": "domestic credit transfer, received",
    "PMNT/RCDT/ESCT": "SEPA credit transfer, received",
    "PMNT/RCDT/RRTN": "return of a received credit transfer",
    "PMNT/RCDT/XBCT": "cross-border credit transfer, received",
    "PMNT/RDDT/ESDD": "SEPA direct debit, paid",
    "PMNT/RDDT/UPDD": "reversal of an unpaid direct debit",
    "PMNT/RRCT/ESCT": "SEPA instant credit transfer, received",
    "PMNT/OTHR/OTHR": "other payment",
    "XTND/NTAV/NTAV": "not available",
}
"""Domain/family/sub-family of the ISO 20022 bank transaction codes that this bank books with."""


@dataclass(frozen=True, slots=True)
class StatementBalance:
    """`kind`: OPBD, CLBD, CLAV, ITBD, PRCD, FWAV ...; `amount_minor` is signed: negative means the customer owes."""

    kind: str
    amount_minor: int
    day: date


@dataclass(frozen=True, slots=True)
class StatementHeader:
    """Everything of a statement but its entries. Sequence numbers are whole and positive; the caller keeps them unbroken."""

    message_id: str
    created: datetime
    statement_id: str
    sequence_number: int
    from_time: datetime
    to_time: datetime
    currency: str
    balances: Sequence[StatementBalance]
    iban: str | None = None
    other_account_id: str | None = None
    legal_sequence_number: int | None = None
    owner_name: str | None = None
    account_name: str | None = None
    servicer_bic: str | None = None
    servicer_name: str | None = None
    page: tuple[int, bool] | None = None
    """Page number from 1, and whether it is the last page."""


@dataclass(slots=True)
class StatementEntries:
    """Entries in columns of equal length. Amounts are positive minor units; `credit` says the direction seen by the owner.

    Days are `date` or ISO texts. A column may be None where no row has a value; so may a value, except in the first five.
    """

    amount_minor: Sequence[int]
    credit: Sequence[bool]
    booking_day: Sequence[date | str]
    value_day: Sequence[date | str]
    transaction_code: Sequence[str]
    """Keys of BANK_TRANSACTION_CODES, as "PMNT/ICDT/ESCT"."""
    status: Sequence[str] | str = "BOOK"
    reversal: Sequence[bool] | None = None
    entry_reference: Sequence[str | None] | None = None
    servicer_reference: Sequence[str | None] | None = None
    message_id: Sequence[str | None] | None = None
    payment_information_id: Sequence[str | None] | None = None
    instruction_id: Sequence[str | None] | None = None
    end_to_end_id: Sequence[str | None] | None = None
    uetr: Sequence[str | None] | None = None
    transaction_id: Sequence[str | None] | None = None
    debtor_name: Sequence[str | None] | None = None
    debtor_iban: Sequence[str | None] | None = None
    debtor_agent_bic: Sequence[str | None] | None = None
    creditor_name: Sequence[str | None] | None = None
    creditor_iban: Sequence[str | None] | None = None
    creditor_agent_bic: Sequence[str | None] | None = None
    purpose: Sequence[str | None] | None = None
    remittance_unstructured: Sequence[str | None] | None = None
    remittance_reference: Sequence[str | None] | None = None
    return_reason: Sequence[str | None] | None = None
    additional_information: Sequence[str | None] | None = None

    def __len__(self) -> int:
        return len(self.amount_minor)


@dataclass(frozen=True, slots=True)
class StatementSummary:
    """What a written statement holds: number and sum of credits and debits (booked entries, minor units)."""

    credit_count: int
    credit_minor: int
    debit_count: int
    debit_minor: int


_DETAIL = "NtryDtls/TxDtls/"
# Columns that go to one path as they are. The ones that need care (amounts, days, codes) are handled in _entry_columns.
_PLAIN_PATHS = {
    "entry_reference": "NtryRef",
    "servicer_reference": "AcctSvcrRef",
    "message_id": _DETAIL + "Refs/MsgId",
    "payment_information_id": _DETAIL + "Refs/PmtInfId",
    "instruction_id": _DETAIL + "Refs/InstrId",
    "end_to_end_id": _DETAIL + "Refs/EndToEndId",
    "uetr": _DETAIL + "Refs/UETR",
    "transaction_id": _DETAIL + "Refs/TxId",
    "debtor_name": _DETAIL + "RltdPties/Dbtr/Pty/Nm",
    "debtor_iban": _DETAIL + "RltdPties/DbtrAcct/Id/IBAN",
    "creditor_name": _DETAIL + "RltdPties/Cdtr/Pty/Nm",
    "creditor_iban": _DETAIL + "RltdPties/CdtrAcct/Id/IBAN",
    "debtor_agent_bic": _DETAIL + "RltdAgts/DbtrAgt/FinInstnId/BICFI",
    "creditor_agent_bic": _DETAIL + "RltdAgts/CdtrAgt/FinInstnId/BICFI",
    "purpose": _DETAIL + "Purp/Cd",
    "remittance_unstructured": _DETAIL + "RmtInf/Ustrd",
    "remittance_reference": _DETAIL + "RmtInf/Strd/CdtrRefInf/Ref",
    "return_reason": _DETAIL + "RtrInf/Rsn/Cd",
    "additional_information": "AddtlNtryInf",
}
_FREE_TEXTS = {
    "debtor_name": 140, "creditor_name": 140, "remittance_unstructured": 140, "additional_information": 500,
}  # fmt: skip
_REFERENCE_KIND = _DETAIL + "RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry/Cd"
_CODES = ("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd")


@dataclass(frozen=True, slots=True)
class _Writers:
    group: RowWriter
    statement: RowWriter
    balance: RowWriter
    entry: RowWriter


@cache
def _writers() -> _Writers:
    held = definition(_MESSAGE)
    statement = "BkToCstmrStmt/Stmt"
    return _Writers(
        RowWriter(held, "BkToCstmrStmt/GrpHdr", ("MsgId", "CreDtTm", "MsgPgntn/PgNb", "MsgPgntn/LastPgInd")),
        RowWriter(
            held, statement,
            ("Id", "StmtPgntn/PgNb", "StmtPgntn/LastPgInd", "ElctrncSeqNb", "LglSeqNb", "CreDtTm", "FrToDt/FrDtTm",
             "FrToDt/ToDtTm", "Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Ccy", "Acct/Nm", "Acct/Ownr/Nm",
             "Acct/Svcr/FinInstnId/BICFI", "Acct/Svcr/FinInstnId/Nm"),
            open_ended=True,
        ),
        RowWriter(held, f"{statement}/Bal", ("Tp/CdOrPrtry/Cd", "Amt", "Amt@Ccy", "CdtDbtInd", "Dt/Dt")),
        RowWriter(
            held, f"{statement}/Ntry",
            ("Amt", "Amt@Ccy", "CdtDbtInd", "RvslInd", "Sts/Cd", "BookgDt/Dt", "ValDt/Dt", *_CODES, _REFERENCE_KIND,
             *_PLAIN_PATHS.values()),
        ),
    )  # fmt: skip


def _indicator(minor: int) -> str:
    return "DBIT" if minor < 0 else "CRDT"


def write_camt053(out: Output, header: StatementHeader, batches: Iterable[StatementEntries]) -> StatementSummary:
    """Write one statement. Opening booked balance plus booked entries must give the closing one: otherwise InvariantBroken is
    raised after the entries were written, so write to a temporary place and keep it only when this returns."""
    writers = _writers()
    digits = minor_digits(header.currency)
    created = moment_text(header.created)
    page = None if header.page is None else str(header.page[0])
    last = None if header.page is None else ("true" if header.page[1] else "false")
    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{definition(_MESSAGE).namespace}"><BkToCstmrStmt>'
    ]
    parts.append(writers.group.write(1, {"MsgId": header.message_id, "CreDtTm": created}))
    parts.append("<Stmt>")
    parts.append(
        writers.statement.write(
            1,
            {
                "Id": header.statement_id,
                "StmtPgntn/PgNb": page,
                "StmtPgntn/LastPgInd": last,
                "ElctrncSeqNb": str(header.sequence_number),
                "LglSeqNb": str(header.legal_sequence_number or header.sequence_number),
                "CreDtTm": created,
                "FrToDt/FrDtTm": moment_text(header.from_time),
                "FrToDt/ToDtTm": moment_text(header.to_time),
                "Acct/Id/IBAN": header.iban,
                "Acct/Id/Othr/Id": header.other_account_id,
                "Acct/Ccy": header.currency,
                "Acct/Nm": fitted([header.account_name], 70)[0],
                "Acct/Ownr/Nm": fitted([header.owner_name], 140)[0],
                "Acct/Svcr/FinInstnId/BICFI": header.servicer_bic,
                "Acct/Svcr/FinInstnId/Nm": fitted([header.servicer_name], 140)[0],
            },
        )
    )
    balances = header.balances
    parts.append(
        writers.balance.write(
            len(balances),
            {
                "Tp/CdOrPrtry/Cd": [balance.kind for balance in balances],
                "Amt": amount_texts([abs(balance.amount_minor) for balance in balances], digits),
                "Amt@Ccy": header.currency,
                "CdtDbtInd": [_indicator(balance.amount_minor) for balance in balances],
                "Dt/Dt": [balance.day.isoformat() for balance in balances],
            },
        )
    )
    out.write("".join(parts).encode())
    credit_count = credit_minor = debit_count = debit_minor = 0
    for batch in batches:
        if not len(batch):
            continue
        out.write(writers.entry.write(len(batch), _entry_columns(batch, header.currency, digits)).encode())
        booked = list(zip(batch.amount_minor, batch.credit))
        if not isinstance(batch.status, str) or batch.status != "BOOK":
            statuses = [batch.status] * len(batch) if isinstance(batch.status, str) else batch.status
            booked = [pair for pair, status in zip(booked, statuses) if status == "BOOK"]
        credits = [minor for minor, credit in booked if credit]
        debits = [minor for minor, credit in booked if not credit]
        credit_count, credit_minor = credit_count + len(credits), credit_minor + sum(credits)
        debit_count, debit_minor = debit_count + len(debits), debit_minor + sum(debits)
    first_page, last_page = header.page is None or header.page[0] == 1, header.page is None or header.page[1]
    opening_kinds = ("OPBD", "PRCD") if first_page else ("OPBD", "PRCD", "ITBD")
    opening = next((b.amount_minor for b in balances if b.kind in opening_kinds), None)
    closing = next((b.amount_minor for b in reversed(balances) if b.kind == ("CLBD" if last_page else "ITBD")), None)
    if opening is not None and closing is not None:
        invariant(
            opening + credit_minor - debit_minor == closing, "a statement's opening plus its entries is its closing"
        )
    out.write(b"</Stmt></BkToCstmrStmt></Document>\n")
    return StatementSummary(credit_count, credit_minor, debit_count, debit_minor)


def _entry_columns(batch: StatementEntries, currency_code: str, digits: int) -> dict[str, Any]:
    if min(batch.amount_minor) < 0:
        raise ValueNotAllowed("Ntry/Amt", min(batch.amount_minor), "is negative; the direction is in `credit`")
    for code in set(batch.transaction_code):
        if code not in BANK_TRANSACTION_CODES:
            raise ValueNotAllowed("Ntry/BkTxCd", code, "is not in BANK_TRANSACTION_CODES")
    columns: dict[str, Any] = {
        "Amt": amount_texts(batch.amount_minor, digits),
        "Amt@Ccy": currency_code,
        "CdtDbtInd": ["CRDT" if credit else "DBIT" for credit in batch.credit],
        "RvslInd": None if batch.reversal is None else ["true" if reversal else None for reversal in batch.reversal],
        "Sts/Cd": batch.status,
        "BookgDt/Dt": _days(batch.booking_day),
        "ValDt/Dt": _days(batch.value_day),
    }
    split = {code: code.split("/") for code in set(batch.transaction_code)}
    for position, path in enumerate(_CODES):
        columns[path] = [split[code][position] for code in batch.transaction_code]
    for name, path in _PLAIN_PATHS.items():
        column = getattr(batch, name)
        if column is not None:
            columns[path] = fitted(column, _FREE_TEXTS[name]) if name in _FREE_TEXTS else column
    if batch.remittance_reference is not None:
        columns[_REFERENCE_KIND] = [None if reference is None else "SCOR" for reference in batch.remittance_reference]
    return columns


def _days(days: Sequence[date | str]) -> list[str]:
    texts = {day: day if isinstance(day, str) else day.isoformat() for day in set(days)}
    return [texts[day] for day in days]


# --- reading -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Statement:
    """One statement that was read. Balances are (kind, signed minor units, currency, day); `entries` maps column to list.

    Column names are those of StatementEntries, and `currency`. Texts are as written; amounts exact or None.
    """

    statement_id: str
    sequence_number: str | None
    legal_sequence_number: str | None
    from_time: str | None
    to_time: str | None
    iban: str | None
    other_account_id: str | None
    currency: str | None
    owner_name: str | None
    servicer_bic: str | None
    balances: list[tuple[str | None, int | None, str, str | None]] = field(default_factory=list)
    entries: dict[str, list[Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def entry_count(self) -> int:
        return len(self.entries["amount_minor"])


@dataclass(slots=True)
class StatementFile:
    """A camt.053 that was read; everything is held in memory."""

    message: str
    message_id: str
    created: str
    statements: list[Statement] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        return [finding for statement in self.statements for finding in statement.findings]


_STATEMENT_FIELDS = tuple(f.name for f in fields(Statement))[:10]
_STATEMENT_PLAN = {
    "Id": "statement_id",
    "ElctrncSeqNb": "sequence_number",
    "LglSeqNb": "legal_sequence_number",
    "FrToDt/FrDtTm": "from_time",
    "FrToDt/ToDtTm": "to_time",
    "Acct/Id/IBAN": "iban",
    "Acct/Id/Othr/Id": "other_account_id",
    "Acct/Ccy": "currency",
    "Acct/Ownr/Nm": "owner_name",
    "Acct/Svcr/FinInstnId/BICFI": "servicer_bic",
}
_ENTRY_FIELDS = (
    "amount_minor", "currency", "credit", "reversal", "status", "booking_day", "value_day", "domain", "family", "subfamily",
    *_PLAIN_PATHS,
)  # fmt: skip
_ENTRY_PLAN = {
    "Amt": "amount_minor",
    "Amt@Ccy": "currency",
    "CdtDbtInd": "credit",
    "RvslInd": "reversal",
    "Sts/Cd": "status",
    "BookgDt/Dt": "booking_day",
    "BookgDt/DtTm": "booking_day",
    "ValDt/Dt": "value_day",
    "ValDt/DtTm": "value_day",
    "BkTxCd/Domn/Cd": "domain",
    "BkTxCd/Domn/Fmly/Cd": "family",
    "BkTxCd/Domn/Fmly/SubFmlyCd": "subfamily",
    **{path: name for name, path in _PLAIN_PATHS.items()},
}
_BALANCE_FIELDS = ("kind", "amount", "currency", "indicator", "day")
_BALANCE_PLAN = {
    "Tp/CdOrPrtry/Cd": "kind",
    "Amt": "amount",
    "Amt@Ccy": "currency",
    "CdtDbtInd": "indicator",
    "Dt/Dt": "day",
    "Dt/DtTm": "day",
}


def exact_minor(text: str, code: str) -> int | None:
    """A decimal of a message in minor units; None when the currency is unknown or has fewer decimals than the text needs."""
    found = currency(code)
    if isinstance(found, Refusal):
        return None
    whole, _, decimals = text.strip().partition(".")
    if decimals[found.minor_units :].strip("0"):
        return None
    try:
        return int((whole or "0") + decimals[: found.minor_units].ljust(found.minor_units, "0"))
    except ValueError:
        return None


def read_camt053(source: Source, *, limits: Limits = Limits()) -> StatementFile | Refusal:  # noqa: B008
    """Read a camt.053.001.08; a Refusal when it is not a readable one. Statements that do not balance carry a finding."""
    try:
        file, ours = open_source(source, limits)
        try:
            head = read_head(file, limits)
            expect_message(head, STATEMENT_MESSAGES)
            held = definition(_MESSAGE)

            def kind(path: str) -> str:
                return held.element_at(f"BkToCstmrStmt/{path}").type

            group_row = row_reader(held, kind("GrpHdr"), {"MsgId": "id", "CreDtTm": "created"}, ("id", "created"))
            statement_row = row_reader(held, kind("Stmt"), _STATEMENT_PLAN, _STATEMENT_FIELDS)
            entry_row = row_reader(held, kind("Stmt/Ntry"), _ENTRY_PLAN, _ENTRY_FIELDS)
            balance_row = row_reader(held, kind("Stmt/Bal"), _BALANCE_PLAN, _BALANCE_FIELDS)
            places = {"GrpHdr": 2, "Stmt": 2, "Bal": 3, "Ntry": 3}
            stream = ElementStream(file, head, list(places), limits)
            prefix = len(head.namespace) + 2
            read = StatementFile(_MESSAGE, "", "")
            entries: list[list[Any]] = []
            balances: list[tuple[str | None, int | None, str, str | None]] = []
            for element in stream:
                tag, depth = tag_and_depth(element, prefix)
                if depth != places[tag]:
                    continue
                stream.quiet_bytes = 0
                if tag == "Ntry":
                    entries.append(entry_row(element))
                    previous, parent = element.getprevious(), element.getparent()
                    if previous is not None and parent is not None and previous.tag == element.tag:
                        parent.remove(previous)
                elif tag == "Bal":
                    name, amount, code, indicator, day = balance_row(element)
                    minor = exact_minor(amount, code)
                    signed = minor if minor is None or indicator == "CRDT" else -minor
                    balances.append((name, signed, code, None if day is None else day.strip()[:10]))
                elif tag == "GrpHdr":
                    read.message_id, read.created = group_row(element)
                else:
                    statement = Statement(**dict(zip(_STATEMENT_FIELDS, statement_row(element))), balances=balances)
                    statement.entries = _entry_lists(entries)
                    statement.findings = _judge(statement, len(read.statements) + 1)
                    read.statements.append(statement)
                    entries, balances = [], []
                element.clear(keep_tail=True)
            return read
        finally:
            if ours:
                file.close()
    except Refused as refused:
        return refused.refusal


def _entry_lists(rows: list[list[Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = (
        dict(zip(_ENTRY_FIELDS, map(list, zip(*rows)))) if rows else {n: [] for n in _ENTRY_FIELDS}
    )
    columns["amount_minor"] = [
        exact_minor(text, code) for text, code in zip(columns["amount_minor"], columns["currency"])
    ]
    columns["credit"] = [indicator == "CRDT" for indicator in columns["credit"]]
    columns["reversal"] = [(text or "").strip() in ("true", "1") for text in columns["reversal"]]
    for name in ("booking_day", "value_day"):
        columns[name] = [None if text is None else text.strip()[:10] for text in columns[name]]
    codes = zip(columns.pop("domain"), columns.pop("family"), columns.pop("subfamily"))
    columns["transaction_code"] = [
        None if domain is None else f"{domain}/{family}/{sub}" for domain, family, sub in codes
    ]
    return columns


def _judge(statement: Statement, number: int) -> list[Finding]:
    findings: list[Finding] = []
    path = f"Stmt[{number}]"
    if statement.iban is not None:
        iban = parse_iban(statement.iban)
        if isinstance(iban, Refusal):
            findings.append(Finding("IBAN_INVALID", "AC01", f"{path}/Acct/Id/IBAN", iban.message, "flag"))
    opening = next((b for b in statement.balances if b[0] in ("OPBD", "PRCD")), None)
    closing = next((b for b in statement.balances if b[0] == "CLBD"), None)
    if opening is None or closing is None:
        return findings

    def unbalanced(text: str) -> list[Finding]:
        return [*findings, Finding("STATEMENT_UNBALANCED", "AM09", f"{path}/Bal", text, "flag")]

    entries = statement.entries
    booked = [status in (None, "BOOK") for status in entries["status"]]
    codes = {opening[2], closing[2], *(code for code, is_booked in zip(entries["currency"], booked) if is_booked)}
    if len(codes) > 1:
        return unbalanced(f"Balances and booked entries are in different currencies: {', '.join(sorted(codes))}.")
    pairs = [pair for pair, is_booked in zip(zip(entries["amount_minor"], entries["credit"]), booked) if is_booked]
    if opening[1] is None or closing[1] is None or any(minor is None for minor, _ in pairs):
        return unbalanced(f"An amount cannot be told exactly in {opening[2]}.")
    change = sum(minor if credit else -minor for minor, credit in pairs)
    if opening[1] + change != closing[1]:
        return unbalanced(f"Opening {opening[1]} and entries {change} do not give closing {closing[1]} (minor units).")
    return findings
