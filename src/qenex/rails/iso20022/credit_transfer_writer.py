"""Writing a pain.001 from columns: for files that leave, for the demo bank and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cache

from qenex.rails.iso20022.amounts import amount_texts_by_currency, minor_digits
from qenex.rails.iso20022.credit_transfer import CREDIT_TRANSFER_MESSAGES, sum_text
from qenex.rails.iso20022.definition import definition
from qenex.rails.iso20022.status_report import Output
from qenex.rails.iso20022.writing import RowWriter, fitted, moment_text

Texts = Sequence[str | None] | None


@dataclass(slots=True)
class TransferColumns:
    """Transactions of one payment information in columns of equal length; amounts are positive minor units."""

    end_to_end_id: Sequence[str]
    amount_minor: Sequence[int]
    currency: Sequence[str]
    creditor_name: Texts = None
    creditor_iban: Texts = None
    creditor_agent_bic: Texts = None
    creditor_country: Texts = None
    creditor_town: Texts = None
    instruction_id: Texts = None
    uetr: Texts = None
    remittance_unstructured: Texts = None
    remittance_reference: Texts = None
    purpose: Texts = None
    category_purpose: Texts = None

    def __len__(self) -> int:
        return len(self.end_to_end_id)


@dataclass(slots=True)
class TransferOrder:
    """One PmtInf to write: a debtor account, a day, and its transactions."""

    payment_information_id: str
    requested_execution_day: date
    debtor_name: str
    debtor_iban: str
    transfers: TransferColumns
    debtor_agent_bic: str | None = None
    batch_booking: bool | None = None
    charge_bearer: str | None = "SLEV"
    service_level: str | None = "SEPA"


@dataclass(frozen=True, slots=True)
class _Writers:
    header: RowWriter
    payment: RowWriter
    transaction: RowWriter
    bic: str


@cache
def _writers(message: str) -> _Writers:
    held = definition(message)
    old = message == "pain.001.001.03"
    bic, day = ("BIC", "ReqdExctnDt") if old else ("BICFI", "ReqdExctnDt/Dt")
    root = "CstmrCdtTrfInitn"
    reference = "RmtInf/Strd/CdtrRefInf"
    return _Writers(
        RowWriter(held, f"{root}/GrpHdr", ("MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty/Nm")),
        RowWriter(
            held, f"{root}/PmtInf",
            ("PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf/SvcLvl/Cd", day, "Dbtr/Nm", "DbtrAcct/Id/IBAN",
             f"DbtrAgt/FinInstnId/{bic}", "DbtrAgt/FinInstnId/Othr/Id", "ChrgBr"),
            open_ended=True,
        ),
        RowWriter(
            held, f"{root}/PmtInf/CdtTrfTxInf",
            ("PmtId/InstrId", "PmtId/EndToEndId", *(() if old else ("PmtId/UETR",)), "PmtTpInf/CtgyPurp/Cd", "Amt/InstdAmt",
             "Amt/InstdAmt@Ccy", f"CdtrAgt/FinInstnId/{bic}", "Cdtr/Nm", "Cdtr/PstlAdr/TwnNm", "Cdtr/PstlAdr/Ctry",
             "CdtrAcct/Id/IBAN", "Purp/Cd", "RmtInf/Ustrd", f"{reference}/Tp/CdOrPrtry/Cd", f"{reference}/Ref"),
        ),
        bic,
    )  # fmt: skip


def write_pain001(
    out: Output,
    message: str,
    *,
    message_id: str,
    created: datetime,
    initiating_party: str,
    orders: Iterable[TransferOrder],
) -> int:
    """Write a pain.001.001.03 or .09 whose counts and control sums are right; returns the number of transactions."""
    if message not in CREDIT_TRANSFER_MESSAGES:
        raise ValueError(f"{message} is not one of {CREDIT_TRANSFER_MESSAGES}")
    writers, old = _writers(message), message == "pain.001.001.03"
    orders = list(orders)
    sums = [_sum(order.transfers) for order in orders]
    count = sum(len(order.transfers) for order in orders)
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{definition(message).namespace}"><CstmrCdtTrfInitn>'
    )
    head += writers.header.write(
        1,
        {
            "MsgId": message_id, "CreDtTm": moment_text(created), "NbOfTxs": str(count),
            "CtrlSum": sum_text(sum(sums, Fraction(0))), "InitgPty/Nm": fitted([initiating_party], 140)[0],
        },
    )  # fmt: skip
    out.write(head.encode())
    for order, total in zip(orders, sums):
        booking = None if order.batch_booking is None else ("true" if order.batch_booking else "false")
        block = writers.payment.write(
            1,
            {
                "PmtInfId": order.payment_information_id, "PmtMtd": "TRF", "BtchBookg": booking,
                "NbOfTxs": str(len(order.transfers)), "CtrlSum": sum_text(total), "PmtTpInf/SvcLvl/Cd": order.service_level,
                "ReqdExctnDt" if old else "ReqdExctnDt/Dt": order.requested_execution_day.isoformat(),
                "Dbtr/Nm": fitted([order.debtor_name], 140)[0], "DbtrAcct/Id/IBAN": order.debtor_iban,
                f"DbtrAgt/FinInstnId/{writers.bic}": order.debtor_agent_bic,
                "DbtrAgt/FinInstnId/Othr/Id": None if order.debtor_agent_bic else "NOTPROVIDED",
                "ChrgBr": order.charge_bearer,
            },
        )  # fmt: skip
        out.write(f"<PmtInf>{block}".encode())
        rows = order.transfers
        columns = {
            "PmtId/InstrId": rows.instruction_id, "PmtId/EndToEndId": rows.end_to_end_id,
            "PmtTpInf/CtgyPurp/Cd": rows.category_purpose,
            "Amt/InstdAmt": amount_texts_by_currency(rows.amount_minor, rows.currency), "Amt/InstdAmt@Ccy": rows.currency,
            f"CdtrAgt/FinInstnId/{writers.bic}": rows.creditor_agent_bic,
            "Cdtr/Nm": None if rows.creditor_name is None else fitted(rows.creditor_name, 140),
            "Cdtr/PstlAdr/TwnNm": rows.creditor_town, "Cdtr/PstlAdr/Ctry": rows.creditor_country,
            "CdtrAcct/Id/IBAN": rows.creditor_iban, "Purp/Cd": rows.purpose,
            "RmtInf/Ustrd": None if rows.remittance_unstructured is None else fitted(rows.remittance_unstructured, 140),
            "RmtInf/Strd/CdtrRefInf/Ref": rows.remittance_reference,
            "RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry/Cd": None if rows.remittance_reference is None
            else [None if reference is None else "SCOR" for reference in rows.remittance_reference],
        }  # fmt: skip
        if not old:
            columns["PmtId/UETR"] = rows.uetr
        out.write(writers.transaction.write(len(rows), columns).encode())
        out.write(b"</PmtInf>")
    out.write(b"</CstmrCdtTrfInitn></Document>\n")
    return count


def _sum(rows: TransferColumns) -> Fraction:
    per_currency: dict[str, int] = {}
    for code, minor in zip(rows.currency, rows.amount_minor):
        per_currency[code] = per_currency.get(code, 0) + minor
    return sum((Fraction(minor, 10 ** minor_digits(code)) for code, minor in per_currency.items()), Fraction(0))
