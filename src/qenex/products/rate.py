"""An exchange rate as an integer fraction, and what an exchange gives, to the last minor unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qenex.values import Currency

BASIS_POINTS = 10_000
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of the bought currency for one unit of the sold one: numerator / denominator, both positive."""

    numerator: int
    denominator: int

    def __str__(self) -> str:
        digits = len(str(self.denominator)) - 1
        text = str(self.numerator).rjust(digits + 1, "0")
        return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def parse_rate(text: str) -> Rate | None:
    """A positive decimal with at most 12 digits on each side of the point; None otherwise."""
    if not _DECIMAL.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    rate = Rate(int(whole + fraction), 10 ** len(fraction))
    return rate if rate.numerator > 0 else None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """All in minor units: `sold` of the one currency; `bought + spread` = what the plain rate gives of the other."""

    sold: int
    bought: int
    spread: int


def exchange_amounts(
    sold_minor: int, sold: Currency, bought: Currency, rate: Rate, spread_basis_points: int
) -> Exchanged:
    """The plain result is rounded down and the spread up: the bank never pays out more than rate and spread allow."""
    numerator = sold_minor * rate.numerator * 10**bought.minor_units
    denominator = rate.denominator * 10**sold.minor_units
    plain = numerator // denominator
    spread = -(-plain * spread_basis_points // BASIS_POINTS)
    return Exchanged(sold=sold_minor, bought=plain - spread, spread=spread)
