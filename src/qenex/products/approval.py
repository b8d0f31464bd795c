"""Four eyes: one person asks, another agrees, both and the reason are on record before anything happens."""

from __future__ import annotations

from dataclasses import dataclass

from qenex.products.bank import Bank
from qenex.storage.relational import Approval
from qenex.values import Refusal, refuse

UNSTATED = "not stated (single operator)"


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who stands for an action. `approval_id` names an earlier request that is agreed to now, 0 = none; `approved_by` "" means
    that the second person has not spoken yet: the action is only asked for."""

    reason: str
    requested_by: str
    approved_by: str
    approval_id: int = 0


def sign(
    bank: Bank, reason: str | None, requested_by: str | None, approved_by: str | None, approval_id: int = 0
) -> Signatures | Refusal:
    """Who stands for an action. A bank of one operator fills in what is not said; one of four eyes insists on it.

    With four eyes there are two ways: both persons in one command, or the first one's command, answered with the number
    of a request, and then the same command by the second one with that number.
    """
    asking, agreeing = (requested_by or "").strip(), (approved_by or "").strip()
    if not bank.settings.four_eyes:
        return Signatures((reason or "").strip() or UNSTATED, asking or bank.operator, agreeing or bank.operator)
    if approval_id:
        asked = next((row for row in bank.store.approvals() if row.id == approval_id), None)
        if asked is None:
            return refuse("APPROVAL_MISSING", where=str(approval_id))
        return Signatures(asked.reason, asked.requested_by, agreeing or bank.operator, approval_id)
    if not reason or not reason.strip():
        return refuse("REASON_MISSING")
    asking = asking or bank.operator
    if asking.casefold() == agreeing.casefold():
        return refuse("SECOND_PERSON_MISSING")
    return Signatures(reason.strip(), asking, agreeing)


def approved(bank: Bank, action: str, subject_id: int, content: str, signatures: Signatures) -> int | Refusal:
    """Put the agreement on record and use it up; returns its id. `content` says exactly what is to be done.

    A single operator agrees with himself, and the record says so.
    """
    if signatures.approval_id:
        decided = bank.store.decide_approval(signatures.approval_id, signatures.approved_by, True)
        if isinstance(decided, Refusal):
            return decided
        used = bank.store.use_approval(signatures.approval_id, action, subject_id, content)
        return used if isinstance(used, Refusal) else signatures.approval_id
    approval_id = bank.ids.next()
    agreed_by = signatures.approved_by
    if not bank.settings.four_eyes and agreed_by.casefold() == signatures.requested_by.casefold():
        agreed_by = f"{agreed_by} (single operator)"
    request = Approval(approval_id, action, subject_id, content, signatures.reason, signatures.requested_by)
    asked = bank.store.request_approval(request)
    if isinstance(asked, Refusal):
        return asked
    if not agreed_by:
        return refuse("APPROVAL_AWAITED", approval=approval_id)
    for answer in (
        bank.store.decide_approval(approval_id, agreed_by, True),
        bank.store.use_approval(approval_id, action, subject_id, content),
    ):
        if isinstance(answer, Refusal):
            return answer
    return approval_id
