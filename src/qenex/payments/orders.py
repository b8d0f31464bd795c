"""The types a payment passes through on its way. Each says what has been checked; skipping a check does not type-check.

Everything is a batch in columns: lists of equal length, one row per payment. A row that was refused at any step keeps
its place and carries an ISO reason code in `reasons`; the steps after it leave it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOT_PROVIDED = "NOTPROVIDED"
"""What a payer writes who gives no end-to-end id. Source: [EPC-SCT-IG], end-to-end identification."""


@dataclass(slots=True)
class Payments:
    """What was asked for. Accounts in compact form, "" for none; amounts in minor units; value days since 1970-01-01."""

    kind: str
    ids: Sequence[int]
    debtors: Sequence[str]
    creditors: Sequence[str]
    debtor_names: Sequence[str]
    creditor_names: Sequence[str]
    creditor_bics: Sequence[str]
    end_to_end_ids: Sequence[str]
    remittances: Sequence[str]
    amounts_minor: Sequence[int]
    currencies: Sequence[str]
    value_days: Sequence[int]
    reasons: list[str | None]
    """ISO reason code of a refused row, None while the row is good"""
    waits: Sequence[bool] | None = None
    """rows that are booked only when their value day has come"""
    held: bool = False
    """only set the money aside, even when both accounts are here"""
    timeout_seconds: int = 0
    unique_within: str = ""
    """what an end-to-end id is unique within, beside its debtor account"""
    file_id: bytes | None = None
    positions: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def unique_ids(self) -> list[str]:
        """The end-to-end ids that may not come again; "" for rows that gave none and for refused ones."""
        return [
            "" if reason is not None or text in ("", NOT_PROVIDED) else self.unique_within + text
            for reason, text in zip(self.reasons, self.end_to_end_ids)
        ]


@dataclass(frozen=True, slots=True)
class Authorised:
    """Somebody who may do this asked for it."""

    payments: Payments
    operator: str


@dataclass(frozen=True, slots=True)
class WithinLimits:
    """No limit of rate, amount or schedule is exceeded."""

    payments: Payments


@dataclass(frozen=True, slots=True)
class Screened:
    """No rule forbids it, or a person allowed it."""

    payments: Payments


@dataclass(frozen=True, slots=True)
class Routed:
    """Both sides are ledger accounts. `leaves` marks the rows whose creditor is elsewhere: they become holds."""

    payments: Payments
    owners: Sequence[int]
    debit_ids: Sequence[int]
    credit_ids: Sequence[int]
    creditor_account_ids: Sequence[int]
    """as in `credit_ids`, but 0 where the creditor is elsewhere"""
    ledgers: Sequence[int]
    codes: Sequence[int]
    leaves: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer per row: ACSC booked, ACSP on its way, PDNG waiting for its day, RJCT with a reason."""

    statuses: list[str]
    reasons: list[str | None]
    transfer_ids: list[int | None]

    @property
    def accepted(self) -> int:
        return sum(status != "RJCT" for status in self.statuses)
