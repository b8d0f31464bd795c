"""The chart of accounts: which kinds of account the bank keeps, their class, their normal side, and their ledger ids.

The number of a chart account is the ledger's `code` of its accounts. The bank's own accounts exist once per currency,
and their ledger id follows from number and currency, so it never has to be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from qenex.books import AccountFlags
from qenex.storage.relational import BANK_ID
from qenex.values import Currency, currency, currency_by_numeric

SHARD_BITS = 10


class AccountClass(Enum):
    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


class Side(Enum):
    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class ChartAccount:
    number: int
    name: str
    account_class: AccountClass
    internal: bool
    """Internal: one account of the bank itself per currency. Otherwise: one per customer account."""

    @property
    def normal_side(self) -> Side:
        """The side on which the account grows: assets and expenses on the debit side, all others on the credit side."""
        return Side.DEBIT if self.account_class in (AccountClass.ASSET, AccountClass.EXPENSE) else Side.CREDIT

    def ledger_id(self, money: Currency) -> int:
        """Ledger id of the internal account in a currency. Its low bits are the bank's own shard of the relational store."""
        return (self.number << 32 | money.numeric) << SHARD_BITS | BANK_ID


CASH = ChartAccount(1100, "Cash", AccountClass.ASSET, True)
CLEARING = ChartAccount(1200, "Clearing with other banks", AccountClass.ASSET, True)
FX_LIQUIDITY = ChartAccount(1300, "Foreign exchange liquidity", AccountClass.ASSET, True)
SUSPENSE = ChartAccount(1900, "Suspense", AccountClass.ASSET, True)
CUSTOMER_DEPOSITS = ChartAccount(2100, "Customer deposits", AccountClass.LIABILITY, False)
EQUITY = ChartAccount(3100, "Share capital", AccountClass.EQUITY, True)
FEE_INCOME = ChartAccount(4100, "Fee income", AccountClass.INCOME, True)
EXCHANGE_INCOME = ChartAccount(4200, "Exchange spread income", AccountClass.INCOME, True)
OPERATING_EXPENSE = ChartAccount(5100, "Operating expense", AccountClass.EXPENSE, True)

CHART = (
    CASH, CLEARING, FX_LIQUIDITY, SUSPENSE, CUSTOMER_DEPOSITS, EQUITY, FEE_INCOME, EXCHANGE_INCOME, OPERATING_EXPENSE,
)  # fmt: skip
INTERNAL = tuple(account for account in CHART if account.internal)
BY_NUMBER = {account.number: account for account in CHART}

CUSTOMER_FLAGS = AccountFlags.overdraft
"""Every customer account carries a limit, zero or more, so that the limit can be changed later by an event."""


class BookingCode:
    """The ledger's `code` of a transfer: what kind of booking it is. Never reuse a number."""

    DEPOSIT = 10
    WITHDRAWAL = 11
    TRANSFER = 20
    OUTGOING = 21
    HOLD = 30
    EXCHANGE = 40
    EXCHANGE_SPREAD = 41
    MANUAL = 50
    REVERSAL = 60


BOOKING_NAMES = {
    BookingCode.DEPOSIT: "deposit",
    BookingCode.WITHDRAWAL: "withdrawal",
    BookingCode.TRANSFER: "transfer",
    BookingCode.OUTGOING: "outgoing payment",
    BookingCode.HOLD: "hold",
    BookingCode.EXCHANGE: "exchange",
    BookingCode.EXCHANGE_SPREAD: "exchange spread",
    BookingCode.MANUAL: "manual booking",
    BookingCode.REVERSAL: "reversal",
}


def internal_label(ledger_id: int) -> str | None:
    """The chart name of an internal account, such as `1100-EUR`; None for a customer's account."""
    number, numeric = ledger_id >> (32 + SHARD_BITS), ledger_id >> SHARD_BITS & 0xFFFFFFFF
    account = BY_NUMBER.get(number)
    if account is None or not account.internal:
        return None
    money = currency_by_numeric(numeric)
    return f"{number}-{money.code}" if isinstance(money, Currency) else None


def internal_by_label(label: str) -> tuple[ChartAccount, Currency] | None:
    """`1100-EUR` back into chart account and currency; None when it names nothing in the chart."""
    number, _, code = label.partition("-")
    if not number.isascii() or not number.isdigit():
        return None
    account = BY_NUMBER.get(int(number))
    money = currency(code)
    if account is None or not account.internal or not isinstance(money, Currency):
        return None
    return account, money
