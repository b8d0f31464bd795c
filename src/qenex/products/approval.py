"""Four eyes: one person asks, another agrees, both and the reason are on record before anything happens."""

from __future__ import annotations

from dataclasses import dataclass

from qenex.products.bank import Bank
from qenex.storage.relational import Approval
from qenex.values import Refusal, refuse

UNSTATED = "not stated (single operator)"


@dataclass(frozen=True, slots=True)
class Signatures:
    reason: str
    requested_by: str
    approved_by: str


def sign(bank: Bank, reason: str | None, requested_by: str | None, approved_by: str | None) -> Signatures | Refusal:
    """Who stands for an action. A bank of one operator fills in what is not said; one of four eyes insists on it."""
    if bank.settings.four_eyes:
        if not reason or not reason.strip():
            return refuse("REASON_MISSING")
        if not requested_by or not approved_by or requested_by.strip().casefold() == approved_by.strip().casefold():
            return refuse("SECOND_PERSON_MISSING")
    return Signatures(
        reason=(reason or "").strip() or UNSTATED,
        requested_by=(requested_by or bank.operator).strip(),
        approved_by=(approved_by or bank.operator).strip(),
    )


def approved(bank: Bank, action: str, subject_id: int, content: str, signatures: Signatures) -> int | Refusal:
    """Put the agreement on record and use it up; returns its id. `content` says exactly what is to be done.

    A single operator agrees with himself, and the record says so.
    """
    approval_id = bank.ids.next()
    agreed_by = signatures.approved_by
    if not bank.settings.four_eyes and agreed_by.casefold() == signatures.requested_by.casefold():
        agreed_by = f"{agreed_by} (single operator)"
    request = Approval(approval_id, action, subject_id, content, signatures.reason, signatures.requested_by)
    for answer in (
        bank.store.request_approval(request),
        bank.store.decide_approval(approval_id, agreed_by, True),
        bank.store.use_approval(approval_id, action, subject_id, content),
    ):
        if isinstance(answer, Refusal):
            return answer
    return approval_id
