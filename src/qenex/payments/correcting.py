"""Manual bookings and reversals: what a bookkeeper does by hand, with a reason and two persons on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qenex.books import TRANSFER, CreateTransferStatus, QueryFilter, TransferFlags
from qenex.payments.ordering import Answer, Details, answer_of, first_refusal, parse_amount, parse_value_day
from qenex.payments.orders import Payments, Routed
from qenex.payments.posting import first_transfer_id, post
from qenex.payments.reasons import NOT_SPECIFIED_BY_BANK, reason_of, refusal_of
from qenex.products.accounts import account_of, ensure_currency, set_words, word
from qenex.products.approval import Signatures, approved
from qenex.products.bank import Bank, money_of
from qenex.products.business_day import packed_dates
from qenex.products.chart import BookingCode, internal_by_label
from qenex.storage.relational import BANK_ID, AccountRow, Booking
from qenex.values import Money, Refusal, derive_id, invariant, refuse

REVERSAL_STEP = "reversal"
ATTEMPTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a manual booking: a customer's account or one of the chart."""

    id: int
    owner_id: int
    currency: str
    label: str


def side_of(bank: Bank, text: str) -> Side | Refusal:
    """An IBAN of this bank, or number and currency from the chart."""
    own = internal_by_label(text)
    if own is not None:
        chart_account, money = own
        ensure_currency(bank, money)
        return Side(chart_account.ledger_id(money), BANK_ID, money.code, text)
    row = account_of(bank, text)
    if isinstance(row, AccountRow):
        return Side(row.id, row.owner_id, row.currency, row.iban)
    return row if row.code == "ACCOUNT_NOT_FOUND" else refuse("CHART_ACCOUNT_UNKNOWN", given=text)


def book(bank: Bank, debit: str, credit: str, amount: str, details: Details, signatures: Signatures) -> Answer:
    """One manual booking. The agreement is recorded first, the booking and its reason after."""
    debtor, creditor = side_of(bank, debit), side_of(bank, credit)
    if isinstance(debtor, Refusal):
        return debtor
    if isinstance(creditor, Refusal):
        return creditor
    if debtor.currency != creditor.currency:
        return refuse("CURRENCY_MISMATCH", currency=debtor.currency)
    if debtor.id == creditor.id:
        return refuse("SAME_ACCOUNT")
    money, value_day = parse_amount(amount, debtor.currency), parse_value_day(bank, details.value_date)
    problem = first_refusal(money, value_day)
    if problem is not None:
        return problem
    assert isinstance(money, Money)
    assert isinstance(value_day, int)
    payment_id = bank.ids.next()
    transfer_id = first_transfer_id(payment_id)
    approval = approved(
        bank, "book", debtor.id, f"book {debtor.label} {creditor.label} {money} {value_day}", signatures
    )
    if isinstance(approval, Refusal):
        return approval
    refusal = bank.store.add_booking(
        Booking(transfer_id, "manual", bank.today(), value_day, signatures.reason, approval)
    )
    invariant(refusal is None, "a new transfer has no earlier note")
    payments = Payments(
        kind="manual",
        ids=[payment_id],
        debtors=[debtor.label],
        creditors=[creditor.label],
        debtor_names=[""],
        creditor_names=[""],
        creditor_bics=[""],
        end_to_end_ids=[""],
        remittances=[details.text or signatures.reason],
        amounts_minor=[money.minor],
        currencies=[debtor.currency],
        value_days=[value_day],
        reasons=[None],
    )
    routed = Routed(
        payments=payments, owners=[debtor.owner_id], debit_ids=[debtor.id], credit_ids=[creditor.id],
        creditor_account_ids=[creditor.id], ledgers=[money.currency.numeric], codes=[BookingCode.MANUAL], leaves=[False],
    )  # fmt: skip
    return answer_of(post(bank, routed), money, debtor.label, creditor.label, details)


@dataclass(frozen=True, slots=True)
class Reversed:
    original_id: int
    transfer_id: int
    amount: Money


def reverse(bank: Bank, original_id: int, signatures: Signatures) -> Reversed | Refusal:
    """Book the opposite of a booking, at most once: the reversal's id follows from the original's.

    All legs of an exchange are reversed together. The value date is the original's, so interest comes out as if it had not been.
    """
    found = bank.books.lookup_transfers([original_id])
    if len(found) == 0:
        return refuse("TRANSFER_UNKNOWN", transfer=original_id)
    original = found[0]
    why = _why_not(bank, original)
    if why is not None:
        return refuse("NOT_REVERSIBLE", transfer=original_id, why=why)
    legs = _legs(bank, original)
    approval: int | Refusal = 0
    for attempt in range(1, ATTEMPTS_MAX + 1):
        reversal_ids = [derive_id(word(leg, "id"), f"{REVERSAL_STEP} {attempt}") for leg in legs]
        if len(bank.books.lookup_transfers(reversal_ids[:1])):
            return refuse("ALREADY_REVERSED_BOOKING", transfer=original_id, reversal=reversal_ids[0])
        approval = approval or approved(bank, "reverse", original_id, f"reverse {original_id}", signatures)
        if isinstance(approval, Refusal):
            return approval
        statuses = [int(result["status"]) for result in bank.books.submit(_opposite(bank, legs, reversal_ids)).result()]
        if CreateTransferStatus.id_already_failed in statuses:
            # An earlier try failed, say for want of funds, and the ledger never takes its id again: the next id is
            # derived just as that one was.
            continue
        amount = money_of(word(original, "amount"), int(original["ledger"]))
        reason = next(
            (reason for reason in map(reason_of, statuses) if reason not in (None, NOT_SPECIFIED_BY_BANK)), None
        )
        if reason is not None:
            return refusal_of(reason, amount=amount)
        invariant(all(status == CreateTransferStatus.created for status in statuses), "a reversal is booked whole")
        for leg, reversal_id in zip(legs, reversal_ids):
            bank.store.add_reversal(word(leg, "id"), reversal_id, signatures.reason, approval)
        return Reversed(original_id, reversal_ids[0], amount)
    return refuse("NOT_REVERSIBLE", transfer=original_id, why=f"it was tried {ATTEMPTS_MAX} times")


def _opposite(bank: Bank, legs: list[np.void], reversal_ids: list[int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    today = bank.today()
    events = np.zeros(len(legs), TRANSFER)
    set_words(events, "id", reversal_ids)
    set_words(events, "debit_account_id", [word(leg, "credit_account_id") for leg in legs])
    set_words(events, "credit_account_id", [word(leg, "debit_account_id") for leg in legs])
    set_words(events, "amount", [word(leg, "amount") for leg in legs])
    set_words(events, "user_data_128", [word(leg, "user_data_128") for leg in legs])
    events["ledger"] = [int(leg["ledger"]) for leg in legs]
    events["code"] = BookingCode.REVERSAL
    events["user_data_64"] = [word(leg, "id") & (2**64 - 1) for leg in legs]
    events["user_data_32"] = [packed_dates(today, (int(leg["user_data_32"]) & 0xFFFF) or today) for leg in legs]
    events["flags"][:-1] = int(TransferFlags.linked)
    return events


def _why_not(bank: Bank, original: np.void) -> str | None:
    flags = int(original["flags"])
    if flags & TransferFlags.pending:
        return "it is a hold"
    if flags & TransferFlags.void_pending_transfer:
        return "it released a hold"
    return "it is a reversal itself" if int(original["code"]) == BookingCode.REVERSAL else None


def _legs(bank: Bank, original: np.void) -> list[np.void]:
    """The booking itself, and the others that were booked with it as one exchange."""
    if int(original["code"]) not in (BookingCode.EXCHANGE, BookingCode.EXCHANGE_SPREAD):
        return [original]
    same = bank.books.query_transfers(QueryFilter(user_data_64=int(original["user_data_64"])))
    return [
        leg
        for leg in same
        if word(leg, "user_data_128") == word(original, "user_data_128") and int(leg["code"]) != BookingCode.REVERSAL
    ]
