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
