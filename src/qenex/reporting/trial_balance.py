"""The trial balance: both sides of every account, summed per currency. In a sound ledger both sums are equal."""

from __future__ import annotations

from dataclasses import dataclass

from qenex.books import BATCH_MAX, QueryFilter
from qenex.products.accounts import numbers
from qenex.products.bank import Bank
from qenex.products.chart import BY_NUMBER
from qenex.values import Currency, currency_by_numeric


@dataclass(frozen=True, slots=True)
class AssetTotal:
    """Totals of one currency in minor units: all postings, and the balances left of them on their own side."""

    currency: str
    debits_minor: int
    credits_minor: int
    debit_balances_minor: int
    credit_balances_minor: int

    @property
    def is_balanced(self) -> bool:
        return self.debits_minor == self.credits_minor and self.debit_balances_minor == self.credit_balances_minor


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One chart account in one currency, in minor units."""

    number: int
    name: str
    currency: str
    accounts: int
    debits_minor: int
    credits_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    assets: list[AssetTotal]
    lines: list[TrialLine]

    @property
    def is_balanced(self) -> bool:
        return all(asset.is_balanced for asset in self.assets)


def trial_balance(bank: Bank) -> TrialBalance:
    """Read every account of the ledger once."""
    sums: dict[tuple[int, int], list[int]] = {}
    last = 0
    while len(page := bank.books.query_accounts(QueryFilter(timestamp_min=last + 1, limit=BATCH_MAX))):
        last = int(page["timestamp"][-1])
        debits, credits_ = numbers(page, "debits_posted"), numbers(page, "credits_posted")
        for ledger, code, debit, credit in zip(page["ledger"].tolist(), page["code"].tolist(), debits, credits_):
            line = sums.setdefault((ledger, code), [0, 0, 0, 0, 0])
            line[0] += 1
            line[1] += debit
            line[2] += credit
            line[3] += max(debit - credit, 0)
            line[4] += max(credit - debit, 0)
    totals: dict[str, list[int]] = {}
    lines = []
    for (ledger, code), (count, debit, credit, debit_left, credit_left) in sorted(sums.items()):
        money = currency_by_numeric(ledger)
        label = money.code if isinstance(money, Currency) else str(ledger)
        name = BY_NUMBER[code].name if code in BY_NUMBER else "Raw accounts"
        lines.append(TrialLine(code, name, label, count, debit, credit))
        total = totals.setdefault(label, [0, 0, 0, 0])
        for place, amount in enumerate((debit, credit, debit_left, credit_left)):
            total[place] += amount
    return TrialBalance([AssetTotal(label, *total) for label, total in sorted(totals.items())], lines)
