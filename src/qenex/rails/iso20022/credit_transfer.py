"""pain.001, customer credit transfers: a file of any size in, checked columns out.

The whole file is parsed, validated against the definition and counted in one pass before anything is handed out; the
columns wait in memory (16 batches) or in an unnamed temporary file (the rest), so memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import marshal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, BinaryIO

from lxml import etree

from qenex.rails.findings import Finding
from qenex.rails.iso20022.columns import Row, row_reader
from qenex.rails.iso20022.definition import definition
from qenex.rails.iso20022.reading import (
    ElementStream,
    Head,
    Limits,
    Refused,
    Source,
    expect_message,
    open_source,
    read_head,
)  # fmt: skip
from qenex.values import Currency, Refusal, currency, parse_bic, parse_creditor_reference, parse_iban, refuse

BATCH_ROWS = 8192
BATCHES_IN_MEMORY = 16
PAYMENTS_MAX = 100_000
DUPLICATES_WATCHED = 2_000_000
CREDIT_TRANSFER_MESSAGES = ("pain.001.001.03", "pain.001.001.09")


@dataclass(frozen=True, slots=True)
class CreditTransferHeader:
    """The group header. `created` is the text of CreDtTm; counts and sums are as declared, not as counted."""

    version: str
    message_id: str
    created: str
    declared_count: int
    declared_sum: str | None
    initiating_party: str | None
    initiating_party_id: str | None
    forwarding_agent_bic: str | None


@dataclass(slots=True)
class PaymentInformation:
    """One PmtInf block: one debtor account and one execution date for the transactions in it.

    `index` counts from 0. `reject` is the finding, if any, for which none of its transactions may be booked.
    """

    index: int
    payment_information_id: str
    method: str
    batch_booking: bool | None
    requested_execution_date: str
    debtor_name: str | None
    debtor_country: str | None
    debtor_iban: str | None
    debtor_other_id: str | None
    debtor_currency: str | None
    debtor_agent_bic: str | None
    ultimate_debtor_name: str | None
    service_level: str | None
    local_instrument: str | None
    category_purpose: str | None
    charge_bearer: str | None
    declared_count: int | None
    declared_sum: str | None
    count: int = 0
    sum: Fraction = Fraction(0)
    reject: Finding | None = None


@dataclass(slots=True)
class CreditTransferBatch:
    """At most 8,192 transactions in columns of equal length. Texts are as written in the file; None where absent.

    `first` is the index of the first row in the file (from 0); `payment` holds the index of each row's PaymentInformation.
    `amount_minor` is exact, or None where the amount cannot be told in the currency (the row is then rejected).
    IBANs that check out are in compact form. `findings` holds the rows that have any.
    """

    first: int
    payment: list[int]
    instruction_id: list[str | None]
    end_to_end_id: list[str]
    uetr: list[str | None]
    currency: list[str | None]
    amount_minor: list[int | None]
    creditor_name: list[str | None]
    creditor_country: list[str | None]
    creditor_iban: list[str | None]
    creditor_other_id: list[str | None]
    creditor_agent_bic: list[str | None]
    ultimate_debtor_name: list[str | None]
    ultimate_creditor_name: list[str | None]
    remittance_unstructured: list[str | None]
    remittance_reference: list[str | None]
    purpose: list[str | None]
    charge_bearer: list[str | None]
    category_purpose: list[str | None]
    # From the payment information of each row.
    payment_information_id: list[str]
    requested_execution_date: list[str]
    batch_booking: list[bool | None]
    debtor_name: list[str | None]
    debtor_iban: list[str | None]
    debtor_other_id: list[str | None]
    debtor_agent_bic: list[str | None]
    findings: dict[int, list[Finding]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.payment)

    @property
    def reject_reason(self) -> list[str | None]:
        """Per row: the ISO reason code of its first rejecting finding, or None."""
        return [found.reason if found else None for found in self._first_rejects()]

    @property
    def reject_text(self) -> list[str | None]:
        """Per row: the sentence of its first rejecting finding, or None."""
        return [found.text if found else None for found in self._first_rejects()]

    def _first_rejects(self) -> list[Finding | None]:
        rejects: list[Finding | None] = [None] * len(self)
        for row, found in self.findings.items():
            rejects[row] = next((finding for finding in found if finding.rejects), None)
        return rejects


_STORED = (
    "payment", "instruction_id", "end_to_end_id", "uetr", "currency", "amount_minor", "creditor_name", "creditor_country",
    "creditor_iban", "creditor_other_id", "creditor_agent_bic", "ultimate_debtor_name", "ultimate_creditor_name",
    "remittance_unstructured", "remittance_reference", "purpose", "charge_bearer", "category_purpose",
)  # fmt: skip
# Columns as they come out of an element; amount text and equivalent amount are turned into amount_minor.
_READ = (*_STORED, "equivalent")
_AT = {name: position for position, name in enumerate(_READ)}

_TRANSACTION_PLAN = {
    "PmtId/InstrId": "instruction_id",
    "PmtId/EndToEndId": "end_to_end_id",
    "PmtTpInf/CtgyPurp/Cd": "category_purpose",
    "Amt/InstdAmt": "amount_minor",
    "Amt/InstdAmt@Ccy": "currency",
    "Amt/EqvtAmt/Amt": "equivalent",
    "ChrgBr": "charge_bearer",
    "UltmtDbtr/Nm": "ultimate_debtor_name",
    "Cdtr/Nm": "creditor_name",
    "Cdtr/PstlAdr/Ctry": "creditor_country",
    "CdtrAcct/Id/IBAN": "creditor_iban",
    "CdtrAcct/Id/Othr/Id": "creditor_other_id",
    "UltmtCdtr/Nm": "ultimate_creditor_name",
    "Purp/Cd": "purpose",
    "RmtInf/Ustrd+": "remittance_unstructured",
    "RmtInf/Strd/CdtrRefInf/Ref": "remittance_reference",
}
_TRANSACTION_PLAN_OF = {
    "pain.001.001.03": {"CdtrAgt/FinInstnId/BIC": "creditor_agent_bic"},
    "pain.001.001.09": {"CdtrAgt/FinInstnId/BICFI": "creditor_agent_bic", "PmtId/UETR": "uetr"},
}
_PAYMENT_COLUMNS = (
    "payment_information_id", "method", "batch_booking", "requested_execution_date", "debtor_name", "debtor_country",
    "debtor_iban", "debtor_other_id", "debtor_currency", "debtor_agent_bic", "ultimate_debtor_name", "service_level",
    "local_instrument", "category_purpose", "charge_bearer", "declared_count", "declared_sum",
)  # fmt: skip
_PAYMENT_PLAN = {
    "PmtInfId": "payment_information_id",
    "PmtMtd": "method",
    "BtchBookg": "batch_booking",
    "NbOfTxs": "declared_count",
    "CtrlSum": "declared_sum",
    "PmtTpInf/SvcLvl/Cd": "service_level",
    "PmtTpInf/LclInstrm/Cd": "local_instrument",
    "PmtTpInf/CtgyPurp/Cd": "category_purpose",
    "Dbtr/Nm": "debtor_name",
    "Dbtr/PstlAdr/Ctry": "debtor_country",
    "DbtrAcct/Id/IBAN": "debtor_iban",
    "DbtrAcct/Id/Othr/Id": "debtor_other_id",
    "DbtrAcct/Ccy": "debtor_currency",
    "UltmtDbtr/Nm": "ultimate_debtor_name",
    "ChrgBr": "charge_bearer",
}
_PAYMENT_PLAN_OF = {
    "pain.001.001.03": {"ReqdExctnDt": "requested_execution_date", "DbtrAgt/FinInstnId/BIC": "debtor_agent_bic"},
    "pain.001.001.09": {
        "ReqdExctnDt/Dt": "requested_execution_date",
        "ReqdExctnDt/DtTm": "requested_execution_date",
        "DbtrAgt/FinInstnId/BICFI": "debtor_agent_bic",
    },
}
_HEADER_COLUMNS = ("message_id", "created", "count", "sum", "party", "party_id", "agent")
_HEADER_PLAN = {
    "MsgId": "message_id",
    "CreDtTm": "created",
    "NbOfTxs": "count",
    "CtrlSum": "sum",
    "InitgPty/Nm": "party",
    "InitgPty/Id/OrgId/Othr/Id": "party_id",
}
_HEADER_PLAN_OF = {
    "pain.001.001.03": {"FwdgAgt/FinInstnId/BIC": "agent"},
    "pain.001.001.09": {"FwdgAgt/FinInstnId/BICFI": "agent"},
}


@cache
def _readers(message: str) -> tuple[Callable[[Any], Row], Callable[[Any], Row], Callable[[Any], Row]]:
    """Row readers for the group header, a payment information and a transaction of one version."""
    held = definition(message)

    def reader(path: str, plan: dict[str, str], columns: tuple[str, ...]) -> Callable[[Any], Row]:
        return row_reader(held, held.element_at(path).type, plan, columns)

    return (
        reader("CstmrCdtTrfInitn/GrpHdr", _HEADER_PLAN | _HEADER_PLAN_OF[message], _HEADER_COLUMNS),
        reader("CstmrCdtTrfInitn/PmtInf", _PAYMENT_PLAN | _PAYMENT_PLAN_OF[message], _PAYMENT_COLUMNS),
        reader("CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf", _TRANSACTION_PLAN | _TRANSACTION_PLAN_OF[message], _READ),
    )


class _Spool:
    """Batches in the order added; the first ones in memory, the rest in an unnamed temporary file."""

    def __init__(self) -> None:
        self._memory: list[tuple[Any, ...]] = []
        self._disk: BinaryIO | None = None
        self._places: list[int] = []

    def add(self, batch: tuple[Any, ...]) -> None:
        if len(self._memory) < BATCHES_IN_MEMORY:
            self._memory.append(batch)
            return
        if self._disk is None:
            self._disk = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close())
        assert self._disk is not None
        self._places.append(self._disk.seek(0, 2))
        marshal.dump(batch, self._disk)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        yield from self._memory
        for place in self._places:
            assert self._disk is not None
            self._disk.seek(place)
            yield marshal.load(self._disk)

    def close(self) -> None:
        self._memory.clear()
        self._places.clear()
        if self._disk is not None:
            self._disk.close()


@dataclass(slots=True)
class CreditTransferFile:
    """A readable pain.001. `findings` are those about the file and its payment informations; rows carry their own."""

    header: CreditTransferHeader
    payments: list[PaymentInformation]
    findings: list[Finding]
    transaction_count: int
    totals_minor: dict[str, int]
    sha256: str
    _spool: _Spool

    @property
    def rejected(self) -> bool:
        """Whether a finding about the whole file forbids booking any of it."""
        return self.reject is not None

    @property
    def reject(self) -> Finding | None:
        """The finding for which the whole file is refused, or None. Findings of one PmtInf do not refuse the others."""
        return next((found for found in self.findings if found.rejects and not found.path.startswith("PmtInf[")), None)

    def batches(self) -> Iterator[CreditTransferBatch]:
        """The transactions in file order, in batches; every call starts again."""
        first = 0
        payments = self.payments
        for stored, found in self._spool:
            of_row = [payments[index] for index in stored[0]]
            findings = {row: [Finding(*parts) for parts in rows] for row, rows in found.items()}
            if any(payment.reject is not None for payment in {id(p): p for p in of_row}.values()):
                for row, payment in enumerate(of_row):
                    if payment.reject is not None:
                        findings.setdefault(row, []).insert(0, payment.reject)
            columns = dict(zip(_STORED, (list(column) for column in stored)))
            columns["charge_bearer"] = [own or p.charge_bearer for own, p in zip(columns["charge_bearer"], of_row)]
            columns["category_purpose"] = [
                own or p.category_purpose for own, p in zip(columns["category_purpose"], of_row)
            ]
            columns["ultimate_debtor_name"] = [
                own or p.ultimate_debtor_name for own, p in zip(columns["ultimate_debtor_name"], of_row)
            ]
            yield CreditTransferBatch(
                first=first,
                payment_information_id=[p.payment_information_id for p in of_row],
                requested_execution_date=[p.requested_execution_date for p in of_row],
                batch_booking=[p.batch_booking for p in of_row],
                debtor_name=[p.debtor_name for p in of_row],
                debtor_iban=[p.debtor_iban for p in of_row],
                debtor_other_id=[p.debtor_other_id for p in of_row],
                debtor_agent_bic=[p.debtor_agent_bic for p in of_row],
                findings=findings,
                **columns,
            )
            first += len(of_row)

    def close(self) -> None:
        self._spool.close()

    def __enter__(self) -> CreditTransferFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_pain001(source: Source, *, limits: Limits = Limits()) -> CreditTransferFile | Refusal:  # noqa: B008
    """Read a pain.001.001.03 or .09 from a path, bytes or a binary stream; a Refusal when it is not a readable one."""
    try:
        file, ours = open_source(source, limits)
        try:
            head = read_head(file, limits)
            expect_message(head, CREDIT_TRANSFER_MESSAGES)
            return _Reading(file, head, limits).run()
        finally:
            if ours:
                file.close()
    except Refused as refused:
        return refused.refusal


class _Reading:
    """One pass over one file."""

    def __init__(self, file: BinaryIO, head: Head, limits: Limits) -> None:
        self._message = head.message
        self._digest = hashlib.sha256()
        self._stream = ElementStream(file, head, ["CdtTrfTxInf", "PmtInf", "GrpHdr"], limits, self._digest)
        self._tag = "{" + head.namespace + "}"
        self._header_row, self._payment_row, self._transaction_row = _readers(self._message)
        self._header: CreditTransferHeader | None = None
        self._payments: list[PaymentInformation] = []
        self._ended: list[PaymentInformation] = []
        self._identifiers: set[str] = set()
        self._findings: list[Finding] = []
        self._rows: list[Row] = []
        self._spool = _Spool()
        self._count = 0
        self._totals: dict[str, int] = {}
        self._end_to_end_seen: set[int] = set()
        self._currencies: dict[str, Currency | Refusal] = {}
        self._bics: dict[str, Refusal | None] = {}

    def run(self) -> CreditTransferFile:
        try:
            self._read()
        except BaseException:
            self._spool.close()
            raise
        assert self._header is not None  # the definition demands one
        self._judge_group(self._header)
        return CreditTransferFile(
            self._header,
            self._payments,
            self._findings,
            self._count,
            self._totals,
            self._digest.hexdigest(),
            self._spool,
        )

    def _read(self) -> None:
        payment_tag, header_tag = self._tag + "PmtInf", self._tag + "GrpHdr"
        transaction_row, rows = self._transaction_row, self._rows
        # Elements of the same name inside supplementary data are not ours: only the ones at the message's own place count.
        parent: etree._Element | None = None
        for element in self._stream:
            held_in = element.getparent()
            if held_in is not None and held_in is parent:
                row = transaction_row(element)
                row[0] = self._payments[-1].index
                rows.append(row)
                if len(rows) == BATCH_ROWS:
                    self._flush()
                element.clear(keep_tail=True)
                previous = element.getprevious()
                if previous is not None:
                    held_in.remove(previous)
                self._stream.quiet_bytes = 0
                continue
            if element is parent:
                parent = None
                self._end_payment(element)
                self._stream.quiet_bytes = 0
                if len(rows) == BATCH_ROWS:
                    self._flush()
            elif held_in is not None and _depth(element) == 3 and held_in.tag == payment_tag:
                parent = held_in
                self._begin_payment(held_in)
                row = transaction_row(element)
                row[0] = self._payments[-1].index
                rows.append(row)
                element.clear(keep_tail=True)
                self._stream.quiet_bytes = 0
                if len(rows) == BATCH_ROWS:
                    self._flush()
            elif element.tag == header_tag and _depth(element) == 2:
                self._header = self._read_header(element)
        self._flush()

    def _read_header(self, element: etree._Element) -> CreditTransferHeader:
        message_id, created, count, total, party, party_id, agent = self._header_row(element)
        return CreditTransferHeader(
            self._message,
            message_id,
            created.strip(),
            int(count),
            _plain_decimal(total),
            party,
            party_id,
            _stripped(agent),
        )

    def _begin_payment(self, element: etree._Element) -> None:
        if len(self._payments) == PAYMENTS_MAX:
            raise Refused(refuse("MESSAGE_TOO_LARGE", what=f"more than {PAYMENTS_MAX:,} payment information blocks"))
        read = dict(zip(_PAYMENT_COLUMNS, self._payment_row(element)))
        read["batch_booking"] = (
            None if read["batch_booking"] is None else read["batch_booking"].strip() in ("true", "1")
        )
        read["declared_count"] = None if read["declared_count"] is None else int(read["declared_count"])
        read["declared_sum"] = _plain_decimal(read["declared_sum"])
        read["requested_execution_date"] = read["requested_execution_date"].strip()[:10]
        payment = PaymentInformation(index=len(self._payments), **read)
        self._payments.append(payment)
        path = f"PmtInf[{payment.index + 1}]"
        if payment.payment_information_id in self._identifiers:
            text = f"The payment information id {payment.payment_information_id} is used twice in this file."
            self._refuse_payment(payment, Finding("PAYMENT_INFORMATION_DUPLICATE", "DU02", f"{path}/PmtInfId", text))
        self._identifiers.add(payment.payment_information_id)
        if payment.method != "TRF":
            text = f"The payment method {payment.method} is not a transfer (TRF)."
            self._refuse_payment(payment, Finding("PAYMENT_METHOD_UNSUPPORTED", "AG03", f"{path}/PmtMtd", text))
        try:
            date.fromisoformat(payment.requested_execution_date)
        except ValueError:
            text = f"The execution date {payment.requested_execution_date[:40]} is not in the years 1 to 9999."
            self._refuse_payment(payment, Finding("DATE_INVALID", "DT01", f"{path}/ReqdExctnDt", text))
        if payment.debtor_iban is not None:
            iban = parse_iban(payment.debtor_iban)
            if isinstance(iban, Refusal):
                where = f"{path}/DbtrAcct/Id/IBAN"
                self._refuse_payment(payment, Finding("IBAN_INVALID", "AC01", where, iban.message))
            else:
                payment.debtor_iban = iban.compact
        if payment.debtor_agent_bic is not None:
            fault = self._bic_fault(payment.debtor_agent_bic)
            if fault is not None:
                where = f"{path}/DbtrAgt/FinInstnId"
                self._refuse_payment(payment, Finding("BIC_INVALID", "RC01", where, fault.message))

    def _refuse_payment(self, payment: PaymentInformation, finding: Finding) -> None:
        self._findings.append(finding)
        if payment.reject is None:
            payment.reject = finding

    def _end_payment(self, element: etree._Element) -> None:
        self._ended.append(self._payments[-1])
        element.clear(keep_tail=True)
        previous, held_in = element.getprevious(), element.getparent()
        if previous is not None and held_in is not None:
            held_in.remove(previous)

    def _judge_payment(self, payment: PaymentInformation) -> None:
        path = f"PmtInf[{payment.index + 1}]"
        if payment.declared_count is not None and payment.declared_count != payment.count:
            text = f"NbOfTxs says {payment.declared_count}, but there are {payment.count} transactions."
            self._refuse_payment(payment, Finding("COUNT_WRONG_IN_PAYMENT", "AM20", f"{path}/NbOfTxs", text))
        if payment.declared_sum is not None and not _equal(payment.declared_sum, payment.sum):
            text = f"CtrlSum says {payment.declared_sum}, but the amounts add up to {decimal_text(payment.sum)}."
            self._refuse_payment(payment, Finding("SUM_WRONG_IN_PAYMENT", "AM17", f"{path}/CtrlSum", text))

    def _judge_group(self, header: CreditTransferHeader) -> None:
        if header.declared_count != self._count:
            text = f"NbOfTxs says {header.declared_count}, but there are {self._count} transactions."
            self._findings.insert(0, Finding("COUNT_WRONG", "AM18", "GrpHdr/NbOfTxs", text))
        total = sum((payment.sum for payment in self._payments), Fraction(0))
        if header.declared_sum is not None and not _equal(header.declared_sum, total):
            text = f"CtrlSum says {header.declared_sum}, but the amounts add up to {decimal_text(total)}."
            self._findings.insert(0, Finding("SUM_WRONG", "AM10", "GrpHdr/CtrlSum", text))

    def _bic_fault(self, bic: str) -> Refusal | None:
        if bic not in self._bics:
            if len(self._bics) > 20_000:
                self._bics.clear()
            parsed = parse_bic(bic)
            self._bics[bic] = parsed if isinstance(parsed, Refusal) else None
        return self._bics[bic]

    def _currency(self, code: str) -> Currency | Refusal:
        found = self._currencies.get(code)
        if found is None:
            found = self._currencies[code] = currency(code)
        return found

    def _flush(self) -> None:
        """Check the rows gathered so far (all of one or more payment informations) and store them as columns."""
        rows = self._rows
        if not rows:
            return
        findings: dict[int, list[tuple[str, str, str, str, str]]] = {}
        payments, seen = self._payments, self._end_to_end_seen
        watch = len(seen) < DUPLICATES_WATCHED
        at_amount, at_currency, at_iban = _AT["amount_minor"], _AT["currency"], _AT["creditor_iban"]
        at_bic, at_end, at_reference = _AT["creditor_agent_bic"], _AT["end_to_end_id"], _AT["remittance_reference"]
        at_other, at_equivalent = _AT["creditor_other_id"], _AT["equivalent"]
        totals = self._totals
        sums: dict[tuple[int, int], int] = {}

        def found(
            number: int, row: Row, code: str, reason: str, path: str, text: str, severity: str = "reject"
        ) -> None:
            payment = payments[row[0]]
            place = f"PmtInf[{row[0] + 1}]/CdtTrfTxInf[{payment.count}]/{path}"
            findings.setdefault(number, []).append((code, reason, place, text, severity))

        for number, row in enumerate(rows):
            payment = payments[row[0]]
            payment.count += 1
            text, code = row[at_amount], row[at_currency]
            row[at_amount] = None
            if text is None:
                sentence = "The amount is given as an equivalent in another currency, which is not supported."
                found(number, row, "AMOUNT_EQUIVALENT", "CH17", "Amt/EqvtAmt", sentence)
                payment.sum += _fraction(row[at_equivalent])
            else:
                asset = self._currency(code)
                if isinstance(asset, Refusal):
                    found(number, row, "CURRENCY_UNKNOWN", "AM11", "Amt/InstdAmt", asset.message)
                    payment.sum += _fraction(text)
                else:
                    digits = asset.minor_units
                    whole, _, decimals = text.strip().partition(".")
                    extra = decimals[digits:]
                    try:
                        minor = int((whole or "0") + decimals[:digits].ljust(digits, "0"))
                    except ValueError:
                        found(number, row, "AMOUNT_INVALID", "AM12", "Amt/InstdAmt", "The amount cannot be read.")
                        minor, extra = 0, ""
                    else:
                        if extra.strip("0"):
                            sentence = f"{text.strip()[:40]} has more decimals than {code} has ({digits})."
                            found(number, row, "AMOUNT_TOO_PRECISE", "CH20", "Amt/InstdAmt", sentence)
                            payment.sum += _fraction(text)
                        else:
                            if minor == 0:
                                found(number, row, "AMOUNT_ZERO", "AM01", "Amt/InstdAmt", "The amount is zero.")
                            elif extra:
                                sentence = (
                                    f"{text.strip()[:40]} is written with more decimals than {code} has ({digits})."
                                )
                                found(number, row, "AMOUNT_EXTRA_ZEROS", "CH20", "Amt/InstdAmt", sentence, "flag")
                            row[at_amount] = minor
                            totals[code] = totals.get(code, 0) + minor
                            place = (row[0], digits)
                            sums[place] = sums.get(place, 0) + minor
            iban = row[at_iban]
            if iban is not None:
                parsed = parse_iban(iban)
                if isinstance(parsed, Refusal):
                    found(number, row, "IBAN_INVALID", "AC01", "CdtrAcct/Id/IBAN", parsed.message)
                else:
                    row[at_iban] = parsed.compact
            elif row[at_other] is None:
                found(number, row, "CREDITOR_ACCOUNT_MISSING", "AC03", "CdtrAcct", "The creditor's account is missing.")
            bic = row[at_bic]
            if bic is not None:
                fault = self._bic_fault(bic)
                if fault is not None:
                    found(number, row, "BIC_INVALID", "RC01", "CdtrAgt/FinInstnId", fault.message)
            reference = row[at_reference]
            if reference is not None and reference[:2] == "RF":
                judged = parse_creditor_reference(reference)
                if isinstance(judged, Refusal):
                    found(
                        number, row, "REFERENCE_INVALID", "RR07", "RmtInf/Strd/CdtrRefInf/Ref", judged.message, "flag"
                    )
            end_to_end_id = row[at_end]
            key = hash(end_to_end_id)
            if key in seen:
                if end_to_end_id != "NOTPROVIDED":
                    sentence = f"The end-to-end id {end_to_end_id} is used more than once in this file."
                    found(number, row, "END_TO_END_ID_REPEATED", "DU04", "PmtId/EndToEndId", sentence, "flag")
            elif watch:
                seen.add(key)
        for (index, digits), minor in sums.items():
            payments[index].sum += Fraction(minor, 10**digits)
        self._spool.add((tuple(zip(*rows))[: len(_STORED)], findings))
        self._count += len(rows)
        rows.clear()
        # Only now are the rows of a finished payment information counted.
        for payment in self._ended:
            self._judge_payment(payment)
        self._ended.clear()


def _depth(element: etree._Element) -> int:
    return sum(1 for _ in element.iterancestors())


def _stripped(text: str | None) -> str | None:
    return None if text is None else text.strip()


def _plain_decimal(text: str | None) -> str | None:
    """A decimal without white space, and without the zeros that a schema allows in any number and nobody needs."""
    if text is None:
        return None
    text = text.strip()
    if len(text) <= 40:
        return text
    whole, _, decimals = text.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{whole.lstrip('+-0') or '0'}.{decimals.rstrip('0') or '0'}"


def _fraction(text: str | None) -> Fraction:
    """A decimal as it is, exactly; 0 for a text that is no number within reason (the row is rejected elsewhere)."""
    try:
        return Fraction(_plain_decimal(text) or "0")
    except ValueError:
        return Fraction(0)


def _equal(declared: str, counted: Fraction) -> bool:
    try:
        return Fraction(declared) == counted
    except ValueError:
        return False


def sum_text(value: Fraction | str | None) -> str | None:
    """A control sum as it may be written: None when there is none or it has more than 18 digits."""
    if value is None:
        return None
    text = decimal_text(Fraction(value))
    return text if len(text.replace(".", "").lstrip("-0")) <= 18 else None


def decimal_text(value: Fraction) -> str:
    """An exact decimal without trailing zeros; amounts have at most 18 decimals."""
    scaled = value * 10**18
    sign = "-" if scaled < 0 else ""
    whole, fraction = divmod(abs(scaled.numerator), 10**18)
    decimals = f"{fraction:018}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"
