"""BIC [ISO-9362]: the code of a bank or another business party."""

from __future__ import annotations

import re

from qenex.values.checked_text import CheckedText
from qenex.values.country import COUNTRIES
from qenex.values.refusal import Refusal, refuse

# Party prefix, country, party suffix, branch; as ISO 20022's BICFIDec2014Identifier.
_SHAPE = re.compile(r"[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)


class Bic(CheckedText):
    """A BIC of 8 or 11 characters in a country that exists. Whether the party exists, only a directory knows."""

    __slots__ = ()

    @classmethod
    def _parse(cls, text: str) -> Bic | Refusal:
        return parse_bic(text)

    @property
    def country(self) -> str:
        """The country code of ISO 3166-1 (or XK)."""
        return self.compact[4:6]

    @property
    def party(self) -> str:
        """The first eight characters: the party without its branch."""
        return self.compact[:8]

    @property
    def branch(self) -> str:
        """The branch; XXX is the head office, also when nothing is written."""
        return self.compact[8:] or "XXX"

    @property
    def long(self) -> str:
        """The form with 11 characters, equal for two BICs that name the same office."""
        return self.party + self.branch

    @property
    def is_test(self) -> bool:
        """Whether it is a test and training code: its eighth character is 0."""
        return self.compact[7] == "0"


def parse_bic(text: str) -> Bic | Refusal:
    """Read a BIC as written between machines: capital letters and digits, no spaces."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return refuse("BIC_MALFORMED", given=text)
    country = match[1]
    if country not in COUNTRIES:
        return refuse("BIC_COUNTRY_UNKNOWN", given=text, country=country)
    return Bic._checked(text)
