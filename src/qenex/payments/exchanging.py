"""Foreign exchange: linked transfers through the bank's liquidity accounts, all or none, rate and spread on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qenex.books import TRANSFER, TransferFlags
from qenex.crypto import canonical_record, commit_records
from qenex.payments.ordering import Details, Rejected, first_refusal, parse_amount, parse_value_day
from qenex.payments.posting import FIRST_STEP, batch_number, first_transfer_id
from qenex.payments.reasons import DUPLICATION, reason_of, refusal_of
from qenex.products.accounts import account_of, ensure_currency, set_words
from qenex.products.bank import Bank
from qenex.products.business_day import packed_dates
from qenex.products.chart import EXCHANGE_INCOME, FX_LIQUIDITY, BookingCode
from qenex.products.rate import BASIS_POINTS, Rate, exchange_amounts, parse_rate
from qenex.storage.relational import AccountRow, Outcomes, PaymentBatch, PaymentState, StepBatch
from qenex.values import Money, Refusal, currency, derive_id, invariant, refuse

BOUGHT_STEP = "bought"
SPREAD_STEP = "spread"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Both legs, and the bank's share in the bought currency."""

    transfer_id: int
    bought_transfer_id: int
    sold: Money
    bought: Money
    spread: Money
    rate: Rate
    spread_basis_points: int


def exchange(
    bank: Bank, seller: str, buyer: str, amount: str, *, rate: str, spread_basis_points: int, details: Details
) -> Exchanged | Rejected | Refusal:
    """Take `amount` from one account and give its worth to another account of another currency.

    Legs, linked: seller to liquidity (sold currency); liquidity to buyer (bought currency); when there is a spread,
    liquidity to exchange income (bought currency). The plain worth is rounded down, the spread up.
    """
    debtor, creditor = account_of(bank, seller), account_of(bank, buyer)
    if isinstance(debtor, Refusal):
        return debtor
    if isinstance(creditor, Refusal):
        return creditor
    if debtor.currency == creditor.currency:
        return refuse("EXCHANGE_SAME_CURRENCY", currency=debtor.currency)
    parsed_rate = parse_rate(rate) or refuse("RATE_MALFORMED", given=rate)
    spread = (
        spread_basis_points
        if 0 <= spread_basis_points <= BASIS_POINTS
        else refuse("SPREAD_OUT_OF_RANGE", given=spread_basis_points)
    )
    sold, value_day = parse_amount(amount, debtor.currency), parse_value_day(bank, details.value_date)
    problem = first_refusal(parsed_rate, spread, sold, value_day)
    if problem is not None:
        return problem
    assert isinstance(parsed_rate, Rate)
    assert isinstance(sold, Money)
    assert isinstance(value_day, int)
    target = currency(creditor.currency)
    assert not isinstance(target, Refusal)
    given = exchange_amounts(sold.minor, sold.currency, target, parsed_rate, spread_basis_points)
    if given.bought <= 0:
        return refuse("EXCHANGE_GIVES_NOTHING", sold=sold)
    bought, share = Money(given.bought, target), Money(given.spread, target)
    if max(given.bought, given.spread) >= 2**63:
        return refuse("AMOUNT_TOO_LARGE", given=amount)
    return _book(bank, debtor, creditor, sold, bought, share, parsed_rate, spread_basis_points, value_day, details)


def _book(
    bank: Bank, debtor: AccountRow, creditor: AccountRow, sold: Money, bought: Money, share: Money,
    rate: Rate, spread_basis_points: int, value_day: int, details: Details,
) -> Exchanged | Rejected:  # fmt: skip
    for money in (sold.currency, bought.currency):
        ensure_currency(bank, money)
    repeated = bank.store.find_duplicates([debtor.id], [details.end_to_end_id])[0]
    if repeated:
        refusal = refusal_of(DUPLICATION, end_to_end_id=details.end_to_end_id)
        return Rejected(DUPLICATION, refusal, sold, debtor.iban, creditor.iban, details.end_to_end_id)
    payment_id = bank.ids.next()
    record = canonical_record(
        "exchange",
        {
            "bought": str(bought), "creditor": creditor.iban, "debtor": debtor.iban, "end_to_end_id": details.end_to_end_id,
            "rate": str(rate), "sold": str(sold), "spread": str(share), "spread_basis_points": str(spread_basis_points),
        },
    )  # fmt: skip
    commitments = commit_records([record])
    sold_liquidity, bought_liquidity = FX_LIQUIDITY.ledger_id(sold.currency), FX_LIQUIDITY.ledger_id(bought.currency)
    legs = [
        (FIRST_STEP, debtor.id, sold_liquidity, sold, BookingCode.EXCHANGE),
        (BOUGHT_STEP, bought_liquidity, creditor.id, bought, BookingCode.EXCHANGE),
    ]
    if share.minor:
        legs.append(
            (
                SPREAD_STEP,
                bought_liquidity,
                EXCHANGE_INCOME.ledger_id(bought.currency),
                share,
                BookingCode.EXCHANGE_SPREAD,
            )
        )
    transfer_ids = [first_transfer_id(payment_id), *(derive_id(payment_id, step) for step, *_ in legs[1:])]

    today = bank.today()
    bank.store.begin_payments(
        PaymentBatch(
            ids=[payment_id],
            kinds=["exchange"],
            customer_ids=[debtor.owner_id],
            debtor_account_ids=[debtor.id],
            creditor_account_ids=[creditor.id],
            transfer_ids=transfer_ids[:1],
            amounts_minor=[sold.minor],
            currencies=[debtor.currency],
            booking_dates=[today],
            value_dates=[value_day],
            states=[int(PaymentState.BEGUN)],
            reasons=[""],
            end_to_end_ids=[details.end_to_end_id],
            records=[record],
            salts=commitments.salts,
        )
    )
    later = transfer_ids[1:]
    bank.store.begin_steps(
        StepBatch(
            [payment_id] * len(later), [debtor.owner_id] * len(later), [step for step, *_ in legs[1:]], later,
            [money.minor for _, _, _, money, _ in legs[1:]],
        )
    )  # fmt: skip

    events = np.zeros(len(legs), TRANSFER)
    set_words(events, "id", transfer_ids)
    set_words(events, "debit_account_id", [debit for _, debit, _, _, _ in legs])
    set_words(events, "credit_account_id", [credit for _, _, credit, _, _ in legs])
    set_words(events, "amount", [money.minor for _, _, _, money, _ in legs])
    events["ledger"] = [money.currency.numeric for _, _, _, money, _ in legs]
    events["code"] = [code for *_, code in legs]
    events["user_data_128_lo"], events["user_data_128_hi"] = (words[0] for words in commitments.words())
    # The payment's low half links the legs to each other: a query for it finds all of them.
    events["user_data_64"] = payment_id & (2**64 - 1)
    events["user_data_32"] = packed_dates(today, value_day)
    events["flags"][:-1] = int(TransferFlags.linked)
    future = bank.books.submit(events, np.repeat(commitments.full, len(legs), axis=0))
    reasons = [reason_of(int(status)) for status in future.result()["status"]]
    invariant(all(reasons) or not any(reasons), "the legs of an exchange are booked together or not at all")
    # A leg that only fell with its chain says nothing; the one that failed by itself says why.
    reason = next((found for found in reasons if found not in (None, "MS03")), reasons[0])
    state = PaymentState.REJECTED if reason else PaymentState.POSTED
    batch = batch_number(future)
    bank.store.apply_batches(
        batch,
        Outcomes(
            [payment_id],
            [debtor.owner_id],
            [int(state)],
            [reason or ""],
            [batch],
            later,
            [debtor.owner_id] * len(later),
        ),
    )
    if reason is not None:
        refusal = refusal_of(reason, account=creditor.iban, amount=sold, currency=debtor.currency)
        return Rejected(reason, refusal, sold, debtor.iban, creditor.iban, details.end_to_end_id)
    return Exchanged(transfer_ids[0], transfer_ids[1], sold, bought, share, rate, spread_basis_points)
