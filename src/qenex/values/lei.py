"""LEI [ISO-17442]: the identifier of a legal entity."""

from __future__ import annotations

import re

from qenex.values.checked_text import CheckedText, check_digits_97, remainder_97
from qenex.values.refusal import Refusal, refuse

_SHAPE = re.compile(r"[A-Z0-9]{18}[0-9]{2}", re.ASCII)


class Lei(CheckedText):
    """An LEI whose check digits are right. Whether it is registered and current, only GLEIF knows."""

    __slots__ = ()

    @classmethod
    def _parse(cls, text: str) -> Lei | Refusal:
        return parse_lei(text)

    @property
    def issuer(self) -> str:
        """The first four characters: the local operating unit that issued it."""
        return self.compact[:4]


def parse_lei(text: str) -> Lei | Refusal:
    """Read an LEI: 20 capital letters and digits, no spaces."""
    if _SHAPE.fullmatch(text) is None:
        return refuse("LEI_MALFORMED", given=text)
    # The range of the digits (02..98) decides between two that leave the same remainder.
    if remainder_97(text) != 1 or check_digits_97(text[:18]) != text[18:]:
        return refuse("LEI_CHECK_DIGITS_WRONG", given=text)
    return Lei._checked(text)
