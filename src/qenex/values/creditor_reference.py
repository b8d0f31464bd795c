"""Structured creditor reference [ISO-11649]: what an invoice asks to be repeated in the payment."""

from __future__ import annotations

import re

from qenex.values.checked_text import CheckedText, check_digits_97
from qenex.values.refusal import Refusal, refuse

_SHAPE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}", re.ASCII)


class CreditorReference(CheckedText):
    """A creditor reference whose check digits are right. `compact` has no spaces."""

    __slots__ = ()

    @classmethod
    def _parse(cls, text: str) -> CreditorReference | Refusal:
        return parse_creditor_reference(text)

    @staticmethod
    def build(reference: str) -> CreditorReference | Refusal:
        """The creditor reference of a creditor's own number (1 to 21 letters and digits), check digits computed."""
        text = reference.replace(" ", "").upper() if reference.isascii() else ""
        check_digits = check_digits_97(text + "RF") if text.isalnum() else "02"
        return parse_creditor_reference(f"RF{check_digits}{reference}")

    @property
    def reference(self) -> str:
        """The creditor's own number, after RF and the check digits."""
        return self.compact[4:]

    @property
    def pretty(self) -> str:
        """The printed form, in groups of four."""
        return " ".join(self.compact[start : start + 4] for start in range(0, len(self.compact), 4))


def parse_creditor_reference(text: str) -> CreditorReference | Refusal:
    """Read a creditor reference. Spaces between groups and small letters are put right."""
    # Checked for ASCII first: other scripts have letters that become several letters, or digits, when made capital.
    compact = text.replace(" ", "").upper() if text.isascii() else text
    if _SHAPE.fullmatch(compact) is None:
        return refuse("REFERENCE_MALFORMED", given=text)
    if check_digits_97(compact[4:] + "RF") != compact[2:4]:
        return refuse("REFERENCE_CHECK_DIGITS_WRONG", given=compact)
    return CreditorReference._checked(compact)
