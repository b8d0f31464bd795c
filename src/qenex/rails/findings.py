"""Findings: what a message says that the rules do not allow, told so that a program and a person can both act on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule in a readable message.

    code      our stable name of the rule, e.g. ``IBAN_INVALID``; the table is in ``docs/standards/iso20022.md``
    reason    ISO 20022 external status reason code to answer with in a pain.002, e.g. ``AC01``
    path      element path below the document, e.g. ``PmtInf[1]/CdtTrfTxInf[3]/CdtrAcct/Id/IBAN`` (counted from 1)
    text      one sentence for a person
    severity  ``reject``: this payment (or file) must not be booked; ``flag``: worth telling, does not stop it
    """

    code: str
    reason: str
    path: str
    text: str
    severity: str = "reject"

    @property
    def rejects(self) -> bool:
        return self.severity == "reject"


FINDINGS: dict[str, tuple[str, str]] = {
    "AMOUNT_EQUIVALENT": ("CH17", "the amount is given as an equivalent in another currency, which is not supported"),
    "AMOUNT_EXTRA_ZEROS": ("CH20", "the amount has more decimals than its currency, all zero: flagged, exact, booked"),
    "AMOUNT_INVALID": ("AM12", "the amount cannot be read"),
    "AMOUNT_TOO_PRECISE": ("CH20", "the amount has more decimals than its currency"),
    "AMOUNT_ZERO": ("AM01", "the amount is zero"),
    "BIC_INVALID": ("RC01", "the BIC's country does not exist"),
    "COUNT_WRONG": ("AM18", "NbOfTxs of the group header is not the number of transactions: the file is refused"),
    "COUNT_WRONG_IN_PAYMENT": ("AM20", "NbOfTxs of a payment information is not its number of transactions"),
    "CREDITOR_ACCOUNT_MISSING": ("AC03", "the transaction names no creditor account"),
    "CURRENCY_UNKNOWN": ("AM11", "the currency is not in ISO 4217"),
    "DATE_INVALID": ("DT01", "the execution date is outside the years 1 to 9999"),
    "DEFINITION_BROKEN": ("FF01", "the message breaks its definition (from `validate`, with the line)"),
    "END_TO_END_ID_REPEATED": (
        "DU04",
        "the same end-to-end id stands twice in the file: flagged; NOTPROVIDED may repeat",
    ),
    "IBAN_INVALID": (
        "AC01",
        "the IBAN's country, length, structure or check digits are wrong (a statement's: flagged)",
    ),
    "PAYMENT_INFORMATION_DUPLICATE": ("DU02", "the same payment information id stands twice: the second is rejected"),
    "PAYMENT_METHOD_UNSUPPORTED": ("AG03", "the payment method is not TRF (a transfer)"),
    "REFERENCE_INVALID": ("RR07", "a creditor reference starting with RF has wrong check digits: flagged"),
    "STATEMENT_UNBALANCED": ("AM09", "opening balance and booked entries do not give the closing balance: flagged"),
    "SUM_WRONG": ("AM10", "CtrlSum of the group header is not the sum of the amounts: the file is refused"),
    "SUM_WRONG_IN_PAYMENT": ("AM17", "CtrlSum of a payment information is not the sum of its amounts"),
}
"""Every finding's code: its ISO status reason code and its meaning. The table in docs/standards/iso20022.md shows it."""
