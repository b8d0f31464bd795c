"""Rounding of an exact fraction to a whole number of minor units, by name."""

from __future__ import annotations

from enum import Enum


class Rounding(Enum):
    """How a value between two whole numbers becomes one of them."""

    HALF_EVEN = "half even"
    """To the nearer; from the middle to the even one. The banker's rounding: no drift over many sums."""
    HALF_UP = "half up"
    """To the nearer; from the middle away from zero. What most price lists and tax laws mean."""
    HALF_DOWN = "half down"
    """To the nearer; from the middle towards zero."""
    UP = "up"
    """Away from zero."""
    DOWN = "down"
    """Towards zero."""
    CEILING = "ceiling"
    """Towards plus infinity."""
    FLOOR = "floor"
    """Towards minus infinity."""


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """numerator / denominator as a whole number. Exact integers throughout; the denominator is not zero."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    floor, rest = divmod(numerator, denominator)
    if rest == 0:
        return floor
    negative = numerator < 0
    match rounding:
        case Rounding.FLOOR:
            up = False
        case Rounding.CEILING:
            up = True
        case Rounding.DOWN:
            up = negative
        case Rounding.UP:
            up = not negative
        case _:
            if 2 * rest != denominator:
                up = 2 * rest > denominator
            elif rounding is Rounding.HALF_EVEN:
                up = floor % 2 == 1
            else:
                up = negative is (rounding is Rounding.HALF_DOWN)
    return floor + up
