"""ISO 20022 status reason codes: which one each answer of the ledger means, and the refusal that tells a person.

Codes: [ISO-20022-EXTERNAL-CODES] ExternalStatusReason1Code.
"""

from __future__ import annotations

from typing import Final

from qenex.books import CreateTransferStatus
from qenex.values import InvariantBroken, Refusal, refuse

INCORRECT_ACCOUNT: Final = "AC01"
CLOSED_ACCOUNT: Final = "AC04"
BLOCKED_ACCOUNT: Final = "AC06"
TRANSACTION_FORBIDDEN: Final = "AG01"
NOT_ALLOWED_AMOUNT: Final = "AM02"
NOT_ALLOWED_CURRENCY: Final = "AM03"
INSUFFICIENT_FUNDS: Final = "AM04"
DUPLICATION: Final = "AM05"
INVALID_DATE: Final = "DT01"
BANK_IDENTIFIER_INCORRECT: Final = "RC01"
NOT_SPECIFIED_BY_BANK: Final = "MS03"

TEXTS: Final = {
    INCORRECT_ACCOUNT: "The account is not known here.",
    CLOSED_ACCOUNT: "The account is closed.",
    BLOCKED_ACCOUNT: "The account is frozen.",
    TRANSACTION_FORBIDDEN: "Both sides are the same account.",
    NOT_ALLOWED_AMOUNT: "The amount is larger than the account can hold.",
    NOT_ALLOWED_CURRENCY: "The currency is not that of the account.",
    INSUFFICIENT_FUNDS: "The account has too little available.",
    DUPLICATION: "The same payment was ordered before.",
    INVALID_DATE: "The execution date is more than a year ahead.",
    BANK_IDENTIFIER_INCORRECT: "The bank of the payee cannot be reached.",
    NOT_SPECIFIED_BY_BANK: "The payment was not executed.",
}

_S = CreateTransferStatus
ACCEPTED: Final = frozenset({int(_S.created), int(_S.exists)})
_BY_STATUS: Final = {
    _S.exceeds_credits: INSUFFICIENT_FUNDS,
    _S.exceeds_debits: INSUFFICIENT_FUNDS,
    _S.debit_account_already_closed: CLOSED_ACCOUNT,
    _S.credit_account_already_closed: CLOSED_ACCOUNT,
    _S.debit_account_frozen: BLOCKED_ACCOUNT,
    _S.credit_account_frozen: BLOCKED_ACCOUNT,
    _S.debit_account_not_found: INCORRECT_ACCOUNT,
    _S.credit_account_not_found: INCORRECT_ACCOUNT,
    _S.accounts_must_be_different: TRANSACTION_FORBIDDEN,
    _S.accounts_must_have_the_same_ledger: NOT_ALLOWED_CURRENCY,
    _S.transfer_must_have_the_same_ledger_as_accounts: NOT_ALLOWED_CURRENCY,
    _S.overflows_debits_pending: NOT_ALLOWED_AMOUNT,
    _S.overflows_credits_pending: NOT_ALLOWED_AMOUNT,
    _S.overflows_debits_posted: NOT_ALLOWED_AMOUNT,
    _S.overflows_credits_posted: NOT_ALLOWED_AMOUNT,
    _S.overflows_debits: NOT_ALLOWED_AMOUNT,
    _S.overflows_credits: NOT_ALLOWED_AMOUNT,
    # The id was tried before a crash and failed for a reason that may have passed since; it stays failed.
    _S.id_already_failed: NOT_SPECIFIED_BY_BANK,
    _S.linked_event_failed: NOT_SPECIFIED_BY_BANK,
}


def reason_of(status: int) -> str | None:
    """None when the ledger has the transfer, else the ISO reason. Any other answer means that we built it wrongly."""
    if status in ACCEPTED:
        return None
    reason = _BY_STATUS.get(CreateTransferStatus(status))
    if reason is None:
        raise InvariantBroken(f"the ledger answers a transfer that we built with {CreateTransferStatus(status).name}")
    return reason


def refusal_of(
    reason: str, *, account: str = "", amount: object = "", currency: str = "", end_to_end_id: str = "", bic: str = ""
) -> Refusal:
    """The same answer for a person at the command line."""
    match reason:
        case "AC01":
            return refuse("ACCOUNT_UNKNOWN", account=account)
        case "AC04":
            return refuse("ACCOUNT_IS_CLOSED")
        case "AC06":
            return refuse("ACCOUNT_IS_FROZEN")
        case "AG01":
            return refuse("SAME_ACCOUNT")
        case "AM02":
            return refuse("AMOUNT_NOT_ALLOWED", amount=amount)
        case "AM03":
            return refuse("CURRENCY_MISMATCH", currency=currency)
        case "AM04":
            return refuse("INSUFFICIENT_FUNDS", amount=amount)
        case "AM05":
            return refuse("DUPLICATE_END_TO_END_ID", end_to_end_id=end_to_end_id)
        case "RC01":
            return refuse("BANK_CODE_INVALID", bic=bic)
        case _:
            return refuse("PAYMENT_REJECTED", reason=reason)
