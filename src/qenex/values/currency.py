"""Currencies [ISO-4217], and the assets a bank registers beside them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from qenex.values.invariant import invariant
from qenex.values.iso4217 import TABLE
from qenex.values.refusal import Refusal, refuse

MINOR_UNITS_MAX = 18
FIRST_REGISTERED_ASSET = 1000
"""Ledger numbers below are ISO 4217 numeric codes; from here on they are assets the bank registers (CBDC, tokens)."""


class CurrencyKind(Enum):
    """What a code stands for."""

    CURRENCY = "C"
    FUND = "F"
    UNIT = "U"
    """Gold, drawing rights, "no currency": ISO 4217 gives them no minor units, so amounts are whole."""
    REGISTERED = "R"


@dataclass(frozen=True, slots=True)
class Currency:
    """`numeric` is also the ledger's number of the asset. `minor_units` is the count of decimals, 0..18."""

    code: str
    numeric: int
    minor_units: int
    name: str
    kind: CurrencyKind = CurrencyKind.CURRENCY

    def __post_init__(self) -> None:
        if not 0 < self.numeric < 2**32:
            raise ValueError(f"{self.code}: the ledger's number {self.numeric} is in 1..2^32-1")
        if not 0 <= self.minor_units <= MINOR_UNITS_MAX:
            raise ValueError(f"{self.code}: {self.minor_units} decimals are in 0..{MINOR_UNITS_MAX}")
        if (self.kind is CurrencyKind.REGISTERED) != (self.numeric >= FIRST_REGISTERED_ASSET):
            raise ValueError(f"{self.code}: registered assets, and only they, have numbers from 1000 up")

    def __str__(self) -> str:
        return self.code


def _read(line: str) -> Currency:
    code, numeric, minor_units, kind, name = line.split(" ", 4)
    return Currency(code, int(numeric), 0 if minor_units == "-" else int(minor_units), name, CurrencyKind(kind))


CURRENCIES: dict[str, Currency] = {line[:3]: _read(line) for line in TABLE.splitlines()}
"""Every ISO 4217 currency by its alphabetic code, in the order of the codes."""

_BY_NUMERIC: dict[int, Currency] = {entry.numeric: entry for entry in CURRENCIES.values()}
invariant(len(_BY_NUMERIC) == len(CURRENCIES), "no two currencies share a numeric code")


def currency(code: str) -> Currency | Refusal:
    """The ISO 4217 currency of an alphabetic code in capitals."""
    found = CURRENCIES.get(code)
    return found if found is not None else refuse("CURRENCY_UNKNOWN", given=code)


def currency_by_numeric(numeric: int) -> Currency | Refusal:
    """The ISO 4217 currency of a numeric code, which is also the ledger's number."""
    found = _BY_NUMERIC.get(numeric)
    return found if found is not None else refuse("CURRENCY_UNKNOWN", given=numeric)
