"""pain.002, the answer to a pain.001: one status for the file, for each payment information and for each transaction.

Written in the version that answers the file's version; read in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Protocol

from qenex.rails.iso20022.amounts import amount_texts_by_currency
from qenex.rails.iso20022.columns import row_reader
from qenex.rails.iso20022.credit_transfer import CreditTransferFile, PaymentInformation, sum_text
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
from qenex.rails.iso20022.writing import RowWriter, fitted, moment_text
from qenex.values import Refusal, invariant

STATUS_REPORT_MESSAGES = ("pain.002.001.03", "pain.002.001.10")
ANSWERS = {"pain.001.001.03": "pain.002.001.03", "pain.001.001.09": "pain.002.001.10"}
TRANSACTION_STATUSES = ("ACSC", "ACSP", "ACCP", "ACTC", "ACWC", "PDNG", "RJCT")


class Output(Protocol):
    """Anything that takes bytes: an open binary file, io.BytesIO, a socket's makefile."""

    def write(self, data: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class StatusColumns:
    """The decisions on one batch, in the batch's order: status ACSC | ACSP | ACCP | PDNG | RJCT; `reason` an ISO status reason
    code (required where RJCT) or None; `text` a sentence for the sender or None; `reference` our own reference or None."""

    status: Sequence[str]
    reason: Sequence[str | None]
    text: Sequence[str | None] = ()
    reference: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class StatusSummary:
    """What a written report says: version, status of the file and how many transactions have each status."""

    message: str
    group_status: str
    counts: dict[str, int]


def group_status(counts: dict[str, int]) -> str:
    """The status of a whole from its parts: all alike that one, some rejected PART, none rejected the least final one."""
    present = {status for status, count in counts.items() if count}
    if len(present) == 1:
        return present.pop()
    if "RJCT" in present:
        return "PART"
    return next(status for status in ("PDNG", "ACTC", "ACCP", "ACWC", "ACSP") if status in present)


_REASON = ("StsRsnInf/Rsn/Cd", "StsRsnInf/AddtlInf")


@dataclass(frozen=True, slots=True)
class _Writers:
    header: RowWriter
    group: RowWriter
    payment: RowWriter
    transaction: RowWriter
    bic: str


@cache
def _writers(message: str) -> _Writers:
    held = definition(message)
    agent = "BIC" if message == "pain.002.001.03" else "BICFI"
    counts = ("OrgnlNbOfTxs", "OrgnlCtrlSum")
    report = "CstmrPmtStsRpt"
    uetr = ("OrgnlUETR",) if message != "pain.002.001.03" else ()
    return _Writers(
        RowWriter(held, f"{report}/GrpHdr", ("MsgId", "CreDtTm", "InitgPty/Nm", f"DbtrAgt/FinInstnId/{agent}")),
        RowWriter(
            held, f"{report}/OrgnlGrpInfAndSts",
            ("OrgnlMsgId", "OrgnlMsgNmId", "OrgnlCreDtTm", *counts, "GrpSts", *_REASON),
        ),
        RowWriter(held, f"{report}/OrgnlPmtInfAndSts", ("OrgnlPmtInfId", *counts, "PmtInfSts", *_REASON), open_ended=True),
        RowWriter(
            held, f"{report}/OrgnlPmtInfAndSts/TxInfAndSts",
            ("StsId", "OrgnlInstrId", "OrgnlEndToEndId", *uetr, "TxSts", *_REASON, "AcctSvcrRef",
             "OrgnlTxRef/Amt/InstdAmt", "OrgnlTxRef/Amt/InstdAmt@Ccy"),
        ),
        agent,
    )  # fmt: skip


def write_pain002(
    out: Output,
    file: CreditTransferFile,
    decisions: Sequence[StatusColumns],
    *,
    message_id: str,
    created: datetime,
    servicer_bic: str | None = None,
    servicer_name: str | None = None,
    group_reason: str | None = None,
    group_text: str | None = None,
) -> StatusSummary:
    """Answer `file`. `decisions` has one entry for each batch of `file.batches()`; with `group_reason` the whole file is refused
    and `decisions` is ignored. Our own name or BIC names who answers. Status reason codes: `qenex.rails.REASONS`."""
    header = file.header
    message = ANSWERS[header.version]
    writers = _writers(message)
    by_payment: list[Counter[str]] = [Counter() for _ in file.payments]
    if group_reason is None:
        rows = sum(len(decision.status) for decision in decisions)
        invariant(rows == file.transaction_count, "a pain.002 decides every transaction of the file")
        for batch, decision in zip(file.batches(), decisions, strict=True):
            invariant(len(batch) == len(decision.status), "each batch has one status per row")
            if batch.payment[0] == batch.payment[-1]:
                by_payment[batch.payment[0]].update(decision.status)
            else:
                for payment, status in zip(batch.payment, decision.status):
                    by_payment[payment][status] += 1
    counts = sum(by_payment, Counter()) if group_reason is None else Counter({"RJCT": file.transaction_count})
    whole = group_status(counts) if group_reason is None else "RJCT"
    xml = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{definition(message).namespace}"><CstmrPmtStsRpt>'
    ]
    xml.append(
        writers.header.write(
            1,
            {
                "MsgId": message_id, "CreDtTm": moment_text(created),
                "InitgPty/Nm": fitted([servicer_name], 140)[0], f"DbtrAgt/FinInstnId/{writers.bic}": servicer_bic,
            },
        )
    )  # fmt: skip
    xml.append(
        writers.group.write(
            1,
            {
                "OrgnlMsgId": header.message_id, "OrgnlMsgNmId": header.version, "OrgnlCreDtTm": header.created,
                "OrgnlNbOfTxs": str(header.declared_count), "OrgnlCtrlSum": sum_text(header.declared_sum), "GrpSts": whole,
                "StsRsnInf/Rsn/Cd": group_reason, "StsRsnInf/AddtlInf": fitted([group_text], 105)[0],
            },
        )
    )  # fmt: skip
    out.write("".join(xml).encode())
    if group_reason is None:
        _write_payments(out, writers, file, decisions, by_payment)
    out.write(b"</CstmrPmtStsRpt></Document>\n")
    return StatusSummary(message, whole, dict(counts))


def _write_payments(
    out: Output,
    writers: _Writers,
    file: CreditTransferFile,
    decisions: Sequence[StatusColumns],
    counts: list[Counter[str]],
) -> None:
    current = -1
    with_uetr = "OrgnlUETR" in writers.transaction.paths
    for batch, decision in zip(file.batches(), decisions, strict=True):
        size = len(batch)
        columns: dict[str, Sequence[str | None]] = {
            "OrgnlInstrId": batch.instruction_id,
            "OrgnlEndToEndId": batch.end_to_end_id,
            "TxSts": decision.status,
            "StsRsnInf/Rsn/Cd": decision.reason,
            "StsRsnInf/AddtlInf": fitted(decision.text, 105) if decision.text else [None] * size,
            "AcctSvcrRef": decision.reference or [None] * size,
            "OrgnlTxRef/Amt/InstdAmt": amount_texts_by_currency(batch.amount_minor, batch.currency),
            "OrgnlTxRef/Amt/InstdAmt@Ccy": batch.currency,
        }
        if with_uetr:
            columns["OrgnlUETR"] = batch.uetr
        rows = writers.transaction.rows(size, columns)
        if batch.payment[0] == current and batch.payment[-1] == current:
            out.write("".join(rows).encode())
            continue
        begun = sorted(set(batch.payment) - {current})
        heads = iter(
            _payment_heads(writers, [file.payments[index] for index in begun], [counts[index] for index in begun])
        )
        for row, payment in enumerate(batch.payment):
            if payment != current:
                rows[row] = ("</OrgnlPmtInfAndSts>" if current >= 0 else "") + next(heads) + rows[row]
                current = payment
        out.write("".join(rows).encode())
    if current >= 0:
        out.write(b"</OrgnlPmtInfAndSts>")


def _payment_heads(writers: _Writers, payments: list[PaymentInformation], counts: list[Counter[str]]) -> list[str]:
    """The beginnings of the blocks of some payment informations, up to their transactions."""
    rejects = [payment.reject for payment in payments]
    rows = writers.payment.rows(
        len(payments),
        {
            "OrgnlPmtInfId": [payment.payment_information_id for payment in payments],
            "OrgnlNbOfTxs": [str(payment.count) for payment in payments],
            "OrgnlCtrlSum": [sum_text(payment.sum) for payment in payments],
            "PmtInfSts": [group_status(count) for count in counts],
            "StsRsnInf/Rsn/Cd": [None if reject is None else reject.reason for reject in rejects],
            "StsRsnInf/AddtlInf": fitted([None if reject is None else reject.text for reject in rejects], 105),
        },
    )
    return ["<OrgnlPmtInfAndSts>" + row for row in rows]


# --- reading -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TransactionStatus:
    """One answered transaction; texts as written, None where absent."""

    payment_information_id: str | None
    instruction_id: str | None
    end_to_end_id: str | None
    uetr: str | None
    status: str | None
    reason: str | None
    text: str | None
    reference: str | None


@dataclass(slots=True)
class StatusReport:
    """A pain.002 that was read; `payment_statuses` maps an original payment information id to (status, reason)."""

    message: str
    message_id: str
    created: str
    original_message_id: str
    original_message_name: str
    group_status: str | None
    group_reason: str | None
    group_text: str | None
    payment_statuses: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    transactions: list[TransactionStatus] = field(default_factory=list)


_TRANSACTION_FIELDS = ("instruction_id", "end_to_end_id", "uetr", "status", "reason", "text", "reference")
_TRANSACTION_READ = {
    "OrgnlInstrId": "instruction_id",
    "OrgnlEndToEndId": "end_to_end_id",
    "TxSts": "status",
    "StsRsnInf/Rsn/Cd": "reason",
    "StsRsnInf/AddtlInf+": "text",
    "AcctSvcrRef": "reference",
}
_PAYMENT_FIELDS = ("id", "status", "reason")
_GROUP_FIELDS = ("id", "name", "status", "reason", "text")


def read_pain002(source: Source, *, limits: Limits = Limits()) -> StatusReport | Refusal:  # noqa: B008
    """Read a pain.002.001.03 or .10; a Refusal when it is not a readable one. All of it is held in memory."""
    try:
        file, ours = open_source(source, limits)
        try:
            head = read_head(file, limits)
            message = expect_message(head, STATUS_REPORT_MESSAGES)
            held = definition(message)

            def kind(path: str) -> str:
                return held.element_at(f"CstmrPmtStsRpt/{path}").type

            uetr = {} if message == "pain.002.001.03" else {"OrgnlUETR": "uetr"}
            header_row = row_reader(held, kind("GrpHdr"), {"MsgId": "id", "CreDtTm": "created"}, ("id", "created"))
            group_row = row_reader(
                held, kind("OrgnlGrpInfAndSts"),
                {"OrgnlMsgId": "id", "OrgnlMsgNmId": "name", "GrpSts": "status", "StsRsnInf/Rsn/Cd": "reason",
                 "StsRsnInf/AddtlInf+": "text"}, _GROUP_FIELDS,
            )  # fmt: skip
            payment_row = row_reader(
                held, kind("OrgnlPmtInfAndSts"),
                {"OrgnlPmtInfId": "id", "PmtInfSts": "status", "StsRsnInf/Rsn/Cd": "reason"}, _PAYMENT_FIELDS,
            )  # fmt: skip
            transaction_row = row_reader(
                held, kind("OrgnlPmtInfAndSts/TxInfAndSts"), _TRANSACTION_READ | uetr, _TRANSACTION_FIELDS
            )
            report = StatusReport(message, "", "", "", "", None, None, None)
            places = {"GrpHdr": 2, "OrgnlGrpInfAndSts": 2, "OrgnlPmtInfAndSts": 2, "TxInfAndSts": 3}
            stream = ElementStream(file, head, list(places), limits)
            prefix = len(head.namespace) + 2
            waiting: list[TransactionStatus] = []
            for element in stream:
                tag, depth = tag_and_depth(element, prefix)
                if depth != places[tag]:
                    continue
                stream.quiet_bytes = 0
                if tag == "TxInfAndSts":
                    waiting.append(TransactionStatus(None, *transaction_row(element)))
                elif tag == "OrgnlPmtInfAndSts":
                    payment_id, status, reason = payment_row(element)
                    for transaction in waiting:
                        transaction.payment_information_id = payment_id
                    report.transactions.extend(waiting)
                    waiting.clear()
                    report.payment_statuses[payment_id] = (status, reason)
                elif tag == "GrpHdr":
                    report.message_id, report.created = header_row(element)
                else:
                    (
                        report.original_message_id, report.original_message_name,
                        report.group_status, report.group_reason, report.group_text,
                    ) = group_row(element)  # fmt: skip
                element.clear(keep_tail=True)
                previous, parent = element.getprevious(), element.getparent()
                if previous is not None and parent is not None and previous.tag == element.tag:
                    parent.remove(previous)
            return report
        finally:
            if ours:
                file.close()
    except Refused as refused:
        return refused.refusal
