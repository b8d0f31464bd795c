"""One payment ordered by a person: cash in, cash out, a transfer, a hold. The same way as a file, as a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qenex.payments.orders import Payments, Posted, Routed
from qenex.payments.posting import post
from qenex.payments.reasons import DUPLICATION, refusal_of
from qenex.payments.submit import submit
from qenex.products.accounts import account_of, ensure_currency
from qenex.products.bank import Bank
from qenex.products.business_day import day_number, parse_date
from qenex.products.chart import CASH, BookingCode
from qenex.storage.relational import BANK_ID, AccountRow, HoldRow
from qenex.values import Currency, Money, Refusal, currency, parse_bic, parse_iban, refuse

END_TO_END_ID_MAX = 35
REMITTANCE_MAX = 140
NAME_MAX = 140
TIMEOUT_MAX = 2**32 - 1
VALUE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Details:
    """What may accompany a payment; "" for what is not said."""

    end_to_end_id: str = ""
    text: str = ""
    value_date: str = ""
    creditor_name: str = ""
    creditor_bic: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """An accepted payment."""

    transfer_id: int
    status: str
    amount: Money
    debtor: str
    creditor: str
    end_to_end_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A payment that went through the whole way and was refused: the ISO reason code, and the refusal for a person."""

    reason: str
    refusal: Refusal
    amount: Money
    debtor: str
    creditor: str
    end_to_end_id: str


Answer = Booked | Rejected | Refusal


def deposit(bank: Bank, iban: str, amount: str, details: Details) -> Answer:
    """Cash in: the bank's cash account is debited, the customer's account credited."""
    return _cash(bank, iban, amount, details, incoming=True)


def withdraw(bank: Bank, iban: str, amount: str, details: Details) -> Answer:
    """Cash out."""
    return _cash(bank, iban, amount, details, incoming=False)


def transfer(bank: Bank, debtor: str, creditor: str, amount: str, details: Details) -> Answer:
    """From an account here to any account: booked when the payee is here, else held and on its way."""
    return _order(bank, debtor, creditor, amount, details, held=False, timeout_seconds=0)


def hold(bank: Bank, debtor: str, creditor: str, amount: str, details: Details, timeout_seconds: int) -> Answer:
    """Set money aside for the creditor; `capture` takes it, `release` or the timeout gives it back."""
    if not 0 <= timeout_seconds <= TIMEOUT_MAX:
        return refuse("TIMEOUT_OUT_OF_RANGE", given=timeout_seconds)
    answer = _order(bank, debtor, creditor, amount, details, held=True, timeout_seconds=timeout_seconds)
    if isinstance(answer, Booked):
        row = account_of(bank, debtor)
        assert isinstance(row, AccountRow)
        stored = bank.books.lookup_transfers([answer.transfer_id])[0]
        expires = int(stored["timestamp"]) + timeout_seconds * 1_000_000_000 if timeout_seconds else 0
        other = account_of(bank, creditor)
        credit_id = (
            other.id
            if isinstance(other, AccountRow)
            else int(stored["credit_account_id_hi"]) << 64 | int(stored["credit_account_id_lo"])
        )
        bank.store.add_hold(
            HoldRow(answer.transfer_id, row.owner_id, row.id, credit_id, answer.amount.minor, row.currency, expires)
        )
    return answer


def _order(
    bank: Bank, debtor: str, creditor: str, amount: str, details: Details, *, held: bool, timeout_seconds: int
) -> Answer:
    payer, payee = parse_iban(debtor), parse_iban(creditor)
    for parsed in (payer, payee):
        if isinstance(parsed, Refusal):
            return parsed
    assert not isinstance(payer, Refusal)
    assert not isinstance(payee, Refusal)
    row = bank.store.account_by_iban(payer.compact)
    if isinstance(row, Refusal):
        return refusal_of("AC01", account=payer.compact)
    money = parse_amount(amount, row.currency)
    value_day = parse_value_day(bank, details.value_date)
    problem = first_refusal(money, value_day, _texts(details))
    if problem is not None:
        return problem
    assert isinstance(money, Money)
    assert isinstance(value_day, int)
    payments = Payments(
        kind="hold" if held else "transfer",
        ids=[bank.ids.next()],
        debtors=[payer.compact],
        creditors=[payee.compact],
        debtor_names=[""],
        creditor_names=[details.creditor_name],
        creditor_bics=[details.creditor_bic],
        end_to_end_ids=[details.end_to_end_id],
        remittances=[details.text],
        amounts_minor=[money.minor],
        currencies=[row.currency],
        value_days=[value_day],
        reasons=[None],
        held=held,
        timeout_seconds=timeout_seconds,
    )
    return answer_of(submit(bank, payments), money, payer.compact, payee.compact, details)


def _cash(bank: Bank, iban: str, amount: str, details: Details, *, incoming: bool) -> Answer:
    row = account_of(bank, iban)
    if isinstance(row, Refusal):
        return row
    money = parse_amount(amount, row.currency)
    value_day = parse_value_day(bank, details.value_date)
    problem = first_refusal(money, value_day, _texts(details))
    if problem is not None:
        return problem
    assert isinstance(money, Money)
    assert isinstance(value_day, int)
    ensure_currency(bank, money.currency)
    cash = CASH.ledger_id(money.currency)
    label = f"{CASH.number}-{money.currency.code}"
    debtor, creditor = (label, row.iban) if incoming else (row.iban, label)
    debit_id = cash if incoming else row.id
    payments = Payments(
        kind="deposit" if incoming else "withdrawal",
        ids=[bank.ids.next()],
        debtors=[debtor],
        creditors=[creditor],
        debtor_names=[""],
        creditor_names=[""],
        creditor_bics=[""],
        end_to_end_ids=[details.end_to_end_id],
        remittances=[details.text],
        amounts_minor=[money.minor],
        currencies=[row.currency],
        value_days=[value_day],
        reasons=[None],
        # All cash comes from one account, so the id is unique per payee there.
        unique_within=f"{row.iban} " if incoming else "",
    )
    if bank.store.find_duplicates([debit_id], payments.unique_ids())[0]:
        payments.reasons[0] = DUPLICATION
    routed = Routed(
        payments=payments,
        owners=[BANK_ID if incoming else row.owner_id],
        debit_ids=[debit_id],
        credit_ids=[row.id if incoming else cash],
        creditor_account_ids=[row.id if incoming else cash],
        ledgers=[row.ledger],
        codes=[BookingCode.DEPOSIT if incoming else BookingCode.WITHDRAWAL],
        leaves=[False],
    )
    return answer_of(post(bank, routed), money, debtor, creditor, details)


def answer_of(posted: Posted, money: Money, debtor: str, creditor: str, details: Details) -> Answer:
    reason, transfer_id = posted.reasons[0], posted.transfer_ids[0]
    if reason is None and transfer_id is not None:
        return Booked(transfer_id, posted.statuses[0], money, debtor, creditor, details.end_to_end_id)
    assert reason is not None
    refusal = refusal_of(
        reason,
        account=creditor,
        amount=money,
        currency=money.currency.code,
        end_to_end_id=details.end_to_end_id,
        bic=details.creditor_bic,
    )
    return Rejected(reason, refusal, money, debtor, creditor, details.end_to_end_id)


# ---------------------------------------------------------------------------------------------------------------------
# Reading what a person typed


def parse_amount(text: str, currency_code: str) -> Money | Refusal:
    """A positive amount in the currency of an account."""
    money = currency(currency_code)
    assert isinstance(money, Currency)
    amount = Money.parse(text, money)
    if isinstance(amount, Refusal):
        return amount
    if amount.minor <= 0:
        return refuse("AMOUNT_NOT_POSITIVE", given=amount)
    return refuse("AMOUNT_TOO_LARGE", given=text) if amount.minor >= 2**63 else amount


def parse_value_day(bank: Bank, text: str) -> int | Refusal:
    """The value date as a day number; the business date when nothing is said. Past dates make a back-dated booking."""
    today = bank.today()
    if not text:
        return today
    day = parse_date(text)
    if day is None:
        return refuse("DATE_MALFORMED", given=text)
    number = day_number(day)
    return number if abs(number - today) <= VALUE_DAYS_MAX else refuse("VALUE_DATE_OUT_OF_RANGE", given=text)


def _texts(details: Details) -> Refusal | None:
    for what, text, limit in (
        ("end-to-end id", details.end_to_end_id, END_TO_END_ID_MAX),
        ("text", details.text, REMITTANCE_MAX),
        ("name", details.creditor_name, NAME_MAX),
    ):
        if len(text) > limit:
            return refuse("TEXT_TOO_LONG", what=what, limit=limit)
    bic = parse_bic(details.creditor_bic) if details.creditor_bic else None
    return bic if isinstance(bic, Refusal) else None


def first_refusal(*parts: object) -> Refusal | None:
    """The first of several parsed parts that was refused."""
    return next((part for part in parts if isinstance(part, Refusal)), None)


__all__: Sequence[str] = ["Answer", "Booked", "Details", "Rejected", "deposit", "hold", "transfer", "withdraw"]
