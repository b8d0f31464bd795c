"""How a hold ends: captured, released, or settled or rejected by the bank elsewhere. Each hold ends once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np

from qenex.books import AMOUNT_MAX, TRANSFER, CreateTransferStatus, TransferFlags
from qenex.payments.posting import batch_number
from qenex.payments.reasons import reason_of, refusal_of
from qenex.products.accounts import set_words, word
from qenex.products.bank import Bank, money_of
from qenex.products.business_day import packed_dates
from qenex.products.chart import CLEARING
from qenex.storage.relational import OutboxEvent, Outcomes, PaymentRow, PaymentState, StepBatch
from qenex.values import Currency, Money, Refusal, currency_by_numeric, refuse

_REASON = re.compile(r"[A-Z0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ended:
    """A hold that is over. `transfer_id` is the transfer that ended it; `amount` what was taken, zero when released."""

    hold_id: int
    transfer_id: int
    state: str
    amount: Money


def capture(bank: Bank, hold_id: int, amount: str | None) -> Ended | Refusal:
    """Take all of the hold, or a part; what is left of it goes back."""
    held = _hold(bank, hold_id)
    if isinstance(held, Refusal):
        return held
    whole = money_of(word(held, "amount"), int(held["ledger"]))
    taken = whole
    if amount is not None:
        parsed = Money.parse(amount, whole.currency)
        if isinstance(parsed, Refusal):
            return parsed
        if parsed.minor <= 0:
            return refuse("AMOUNT_NOT_POSITIVE", given=parsed)
        if parsed > whole:
            return refuse("CAPTURE_TOO_LARGE", transfer=hold_id, held=whole, asked=parsed)
        taken = parsed
    return _end(bank, held, "capture", taken, PaymentState.SETTLED)


def release(bank: Bank, hold_id: int) -> Ended | Refusal:
    """Give all of the held money back."""
    held = _hold(bank, hold_id)
    return held if isinstance(held, Refusal) else _end(bank, held, "release", None, PaymentState.RETURNED)


def settle(bank: Bank, hold_id: int, rejected: str | None) -> Ended | Refusal:
    """The answer of the bank elsewhere to an outgoing payment: executed, or rejected with its reason."""
    if rejected is not None and not _REASON.fullmatch(rejected):
        return refuse("SETTLEMENT_REASON_MALFORMED", given=rejected)
    held = _hold(bank, hold_id)
    if isinstance(held, Refusal):
        return held
    whole = money_of(word(held, "amount"), int(held["ledger"]))
    if word(held, "credit_account_id") != CLEARING.ledger_id(whole.currency):
        return refuse("NOT_A_HOLD", transfer=hold_id)
    if rejected is None:
        return _end(bank, held, "settle", whole, PaymentState.SETTLED)
    return _end(bank, held, "return", None, PaymentState.RETURNED, reason=rejected)


def _hold(bank: Bank, hold_id: int) -> np.void | Refusal:
    found = bank.books.lookup_transfers([hold_id])
    if len(found) == 0:
        return refuse("TRANSFER_UNKNOWN", transfer=hold_id)
    record: np.void = found[0]
    return record if int(record["flags"]) & TransferFlags.pending else refuse("NOT_A_HOLD", transfer=hold_id)


def _end(
    bank: Bank, held: np.void, step: str, taken: Money | None, state: PaymentState, reason: str = ""
) -> Ended | Refusal:
    hold_id = word(held, "id")
    debit_id = word(held, "debit_account_id")
    # A fresh id: that a hold ends once is the ledger's own rule, and a try that failed must not stand in the way of the next.
    transfer_id = bank.ids.next()
    payment = bank.store.payments_by_transfer([hold_id], [debit_id]).get(hold_id)
    whole = word(held, "amount")
    if payment is not None:
        _begin_step(bank, payment, f"{step} {transfer_id}", transfer_id, taken.minor if taken else 0)
    event = np.zeros(1, TRANSFER)
    set_words(event, "id", [transfer_id])
    set_words(event, "pending_id", [hold_id])
    # The ledger takes 2^128-1 as all of the hold, and 0 in a void.
    set_words(event, "amount", [0 if taken is None else AMOUNT_MAX if taken.minor == whole else taken.minor])
    event["user_data_32"] = packed_dates(bank.today(), bank.today())
    # A post or void inherits the hold's code; zero says so.
    event["flags"] = int(TransferFlags.void_pending_transfer if taken is None else TransferFlags.post_pending_transfer)
    future = bank.books.submit(event)
    status = CreateTransferStatus(int(future.result()[0]["status"]))
    refusal = _refusal(status, hold_id)
    if payment is not None:
        _apply(bank, payment, state, reason, batch_number(future), transfer_id, applied=refusal is None)
    if refusal is not None:
        return refusal
    currency = currency_by_numeric(int(held["ledger"]))
    assert isinstance(currency, Currency)
    ended = "captured" if taken else "released"
    bank.store.set_hold(hold_id, debit_id, ended, taken.minor if taken else 0)
    return Ended(hold_id, transfer_id, ended, taken or Money(0, currency))


def _begin_step(bank: Bank, payment: PaymentRow, step: str, transfer_id: int, amount_minor: int) -> None:
    bank.store.begin_steps(StepBatch([payment.id], [payment.customer_id], [step], [transfer_id], [amount_minor]))


def _apply(
    bank: Bank, payment: PaymentRow, state: PaymentState, reason: str, batch: int, transfer_id: int, *, applied: bool
) -> None:
    event = OutboxEvent(
        id=transfer_id,
        topic="payment." + ("settled" if state is PaymentState.SETTLED else "returned"),
        payload=json.dumps({"payment": str(payment.id), "reason": reason}).encode(),
    )
    bank.store.apply_batches(
        batch,
        Outcomes(
            payment_ids=[payment.id] if applied else [],
            customer_ids=[payment.customer_id] if applied else [],
            states=[int(state)] if applied else [],
            reasons=[reason] if applied else [],
            batches=[batch] if applied else [],
            step_transfer_ids=[transfer_id],
            step_customer_ids=[payment.customer_id],
        ),
        events=[event] if applied else [],
    )


_ENDED = {
    CreateTransferStatus.pending_transfer_already_posted: "captured",
    CreateTransferStatus.pending_transfer_already_voided: "released",
    CreateTransferStatus.pending_transfer_expired: "expired",
}


def _refusal(status: CreateTransferStatus, hold_id: int) -> Refusal | None:
    if status is CreateTransferStatus.created:
        return None
    if status in _ENDED:
        return refuse("HOLD_NOT_OPEN", transfer=hold_id, state=_ENDED[status])
    reason = reason_of(int(status))
    assert reason is not None
    return refusal_of(reason)
