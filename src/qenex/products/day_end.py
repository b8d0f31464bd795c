"""The end of a business date: after it, nothing is booked on that date any more."""

from __future__ import annotations

from qenex.products.bank import Bank
from qenex.values import Refusal


def close_business_day(bank: Bank) -> tuple[int, int] | Refusal:
    """Close the business date and open the next one. Returns both day numbers."""
    closing = bank.today()
    refusal = bank.store.close_day(closing)
    if isinstance(refusal, Refusal):
        return refusal
    bank.day_closed(closing)
    return closing, bank.today()
