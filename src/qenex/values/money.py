"""Money: a whole number of minor units and a currency. Never a float; what cannot be exact is rounded by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qenex.values.currency import Currency
from qenex.values.refusal import Refusal, refuse
from qenex.values.rounding import Rounding, divide

MINOR_MAX = 2**128 - 1
"""The largest amount the ledger's records hold."""

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_DIGITS_MAX = 60
"""Longer numbers are refused before they are computed with; 2^128 has 39 digits, leading zeros are allowed for."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount. `minor` counts the smallest unit of `currency` and may be negative (a balance, a correction)."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are a whole number, not {type(self.minor).__name__}")

    @staticmethod
    def parse(text: str, currency: Currency) -> Money | Refusal:
        """Read `12.34` exactly: an optional minus, digits, and at most the currency's decimals after a point.

        Digits beyond the currency's decimals are refused even when they are zeros: 100.000 may well have meant 100,000.
        """
        match = _DECIMAL.fullmatch(text) if len(text) <= _DIGITS_MAX else None
        if match is None:
            code = (
                "AMOUNT_TOO_LARGE" if len(text) > _DIGITS_MAX and _DECIMAL.fullmatch(text) else "AMOUNT_NOT_A_DECIMAL"
            )
            return refuse(code, given=text)
        sign, whole, fraction = match.groups("")
        if len(fraction) > currency.minor_units:
            return refuse("AMOUNT_TOO_PRECISE", given=text, currency=currency.code, decimals=currency.minor_units)
        minor = int(whole + fraction) * 10 ** (currency.minor_units - len(fraction))
        if minor > MINOR_MAX:
            return refuse("AMOUNT_TOO_LARGE", given=text)
        return Money(-minor if sign else minor, currency)

    @staticmethod
    def zero(currency: Currency) -> Money:
        """No money, in this currency."""
        return Money(0, currency)

    def decimal_text(self) -> str:
        """The amount with all decimals of its currency and a point: `12.34`, `-0.05`, `500`."""
        digits = str(abs(self.minor))
        sign = "-" if self.minor < 0 else ""
        decimals = self.currency.minor_units
        if decimals == 0:
            return sign + digits
        digits = digits.rjust(decimals + 1, "0")
        return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"

    def __str__(self) -> str:
        return f"{self.decimal_text()} {self.currency.code}"

    def portion(self, numerator: int, denominator: int, *, rounding: Rounding = Rounding.HALF_EVEN) -> Money:
        """numerator/denominator of this amount, rounded once, at the end. ValueError when the denominator is zero."""
        if denominator == 0:
            raise ValueError("a portion needs a denominator that is not zero")
        return Money(divide(self.minor * numerator, denominator, rounding), self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to `weights` (not negative, not all zero) whose sum is exactly this amount.

        What rounding down leaves over goes in single minor units to the parts with the largest remainders; among
        equal ones, to the first.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights are not negative, and at least one is positive")
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        left = abs(self.minor) - sum(share for share, _ in shares)
        by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
        gets_one = set(by_remainder[:left])
        return [Money(sign * (share + (index in gets_one)), self.currency) for index, (share, _) in enumerate(shares)]

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money meets money, not {type(other).__name__}")
        if other.currency != self.currency:
            raise ValueError(f"{self.currency.code} and {other.currency.code} do not add up or compare")
        return other.minor
