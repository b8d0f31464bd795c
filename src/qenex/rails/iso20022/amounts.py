"""Amounts of one or more currencies between minor units and the decimals of a message."""

from __future__ import annotations

from collections.abc import Sequence

from qenex.rails.iso20022.writing import amount_texts
from qenex.values import Refusal, currency


def minor_digits(code: str) -> int:
    """Decimals of a currency; ValueError for one that ISO 4217 does not have."""
    found = currency(code)
    if isinstance(found, Refusal):
        raise ValueError(found.message)
    return found.minor_units


def amount_texts_by_currency(minor: Sequence[int | None], codes: Sequence[str | None]) -> list[str | None]:
    """Decimal texts; None where the amount or the currency is None."""
    kinds = set(codes)
    if len(kinds) == 1:
        (only,) = kinds
        return [None] * len(minor) if only is None else _texts_or_none(minor, only)
    texts: list[str | None] = []
    for value, code in zip(minor, codes):
        texts.extend([None] if value is None or code is None else amount_texts([value], minor_digits(code)))
    return texts


def _texts_or_none(minor: Sequence[int | None], code: str) -> list[str | None]:
    if all(value is None for value in minor):
        return [None] * len(minor)
    return amount_texts(minor, minor_digits(code))
