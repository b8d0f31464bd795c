"""IBAN [ISO-13616]: an account number with its country's structure and two check digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from qenex.values.checked_text import _DIGITS_OF_LETTERS, CheckedText, check_digits_97
from qenex.values.iban_registry import SEPA_COUNTRIES, TABLE
from qenex.values.refusal import Refusal, refuse

_SHAPE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", re.ASCII)
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
# [ISO-13616] check digits are 98 minus a remainder, so 02..98; 00, 01 and 99 leave the same remainders as 97, 98 and 02.
_CHECK_DIGITS = r"(?!0[01]|99)[0-9]{2}"


@dataclass(frozen=True, slots=True)
class IbanStructure:
    """What a country prescribes. `structure` like "4a6n8n"; `bank` and `branch` are places in the BBAN, or None."""

    country: str
    structure: str
    registered: bool
    bank: tuple[int, int] | None
    branch: tuple[int, int] | None

    @property
    def bban_length(self) -> int:
        """The number of characters after country and check digits."""
        return sum(count for count, _ in self.fields)

    @property
    def fields(self) -> list[tuple[int, str]]:
        """The runs of the structure: [(4, "a"), (6, "n"), (8, "n")]."""
        return [(int(count), kind) for count, kind in re.findall(r"([0-9]+)([nac])", self.structure)]

    @property
    def in_sepa(self) -> bool:
        """Whether accounts of this country can be reached by the SEPA schemes."""
        return self.country in SEPA_COUNTRIES


def _place(text: str) -> tuple[int, int] | None:
    if text == "-":
        return None
    start, end = text.split(":")
    return int(start), int(end)


def _read(line: str) -> IbanStructure:
    country, structure, status, bank, branch = line.split(" ")
    return IbanStructure(country, structure, status == "R", _place(bank), _place(branch))


IBAN_STRUCTURES: dict[str, IbanStructure] = {line[:2]: _read(line) for line in TABLE.splitlines()}
"""Every country with an IBAN."""


class _Matchers(dict[str, Callable[[str], re.Match[str] | None]]):
    """The matcher of each country's IBAN, compiled when the country is first met."""

    def __missing__(self, country: str) -> Callable[[str], re.Match[str] | None]:
        structure = IBAN_STRUCTURES.get(country)
        if structure is None:
            return _no_match
        bban = "".join(f"{_CLASSES[kind]}{{{count}}}" for count, kind in structure.fields)
        match = re.compile(f"{country}{_CHECK_DIGITS}{bban}", re.ASCII).fullmatch
        self[country] = match
        return match


def _no_match(_text: str) -> None:
    return None


_MATCH = _Matchers()


class Iban(CheckedText):
    """An IBAN whose structure and check digits are right. `compact` has no spaces."""

    __slots__ = ()

    @staticmethod
    def build(country: str, bban: str) -> Iban | Refusal:
        """The IBAN of a BBAN, with the check digits computed."""
        text = (bban + country).upper() if (bban + country).isascii() else ""
        # A BBAN that cannot be right gets any digits; reading the whole then says what is wrong with it.
        check_digits = check_digits_97(text) if text.isalnum() else "02"
        return parse_iban(country + check_digits + bban)

    @staticmethod
    def bban_length(country: str) -> int:
        """How many characters a BBAN of this country has; KeyError when it has no IBAN."""
        return IBAN_STRUCTURES[country].bban_length

    @classmethod
    def _parse(cls, text: str) -> Iban | Refusal:
        return parse_iban(text)

    @property
    def country(self) -> str:
        """The country code of ISO 3166-1."""
        return self.compact[:2]

    @property
    def bban(self) -> str:
        """The domestic part, after country and check digits."""
        return self.compact[4:]

    @property
    def structure(self) -> IbanStructure:
        """What the country prescribes."""
        return IBAN_STRUCTURES[self.compact[:2]]

    @property
    def bank_code(self) -> str:
        """The bank's national code; empty where the country registered no place for it."""
        place = self.structure.bank
        return self.bban[slice(*place)] if place else ""

    @property
    def branch_code(self) -> str:
        """The branch's national code; empty where the country registered no place for it."""
        place = self.structure.branch
        return self.bban[slice(*place)] if place else ""

    @property
    def in_sepa(self) -> bool:
        """Whether the SEPA schemes reach this account's country."""
        return self.compact[:2] in SEPA_COUNTRIES

    @property
    def pretty(self) -> str:
        """The printed form, in groups of four."""
        return " ".join(self.compact[start : start + 4] for start in range(0, len(self.compact), 4))


def parse_iban(text: str) -> Iban | Refusal:
    """Read an IBAN. Spaces between groups and small letters are put right; everything else must be as registered."""
    if _MATCH[text[:2]](text) is None:
        return _parse_unusual(text)
    if int((text[4:] + text[:4]).translate(_DIGITS_OF_LETTERS)) % 97 != 1:
        return refuse("IBAN_CHECK_DIGITS_WRONG", given=text)
    return Iban._checked(text)


def _parse_unusual(text: str) -> Iban | Refusal:
    """The slow way: for the printed form, and to say what is wrong."""
    # Checked for ASCII first: other scripts have letters that become several letters, or digits, when made capital.
    compact = text.replace(" ", "").upper() if text.isascii() else text
    if _SHAPE.fullmatch(compact) is None:
        return refuse("IBAN_MALFORMED", given=text)
    country = compact[:2]
    structure = IBAN_STRUCTURES.get(country)
    if structure is None:
        return refuse("IBAN_COUNTRY_UNKNOWN", country=country)
    if compact != text:
        return parse_iban(compact)
    if len(compact) == structure.bban_length + 4 and compact[2:4] in ("00", "01", "99"):
        return refuse("IBAN_CHECK_DIGITS_WRONG", given=compact)
    return refuse("IBAN_STRUCTURE_WRONG", given=compact, country=country, structure=structure.structure)
