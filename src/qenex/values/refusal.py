"""Refusals: expected answers of "no", as values with a stable code, and the registry of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qenex.values.invariant import invariant

EXIT_REFUSED = 1
EXIT_USAGE = 2
_CODE_SHAPE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class RefusalCode:
    """One reason to refuse. `sentence` may hold {fields}; `meaning` and `fix` stand in docs/refusals.md for people."""

    code: str
    sentence: str
    meaning: str
    fix: str
    exit_code: int = EXIT_REFUSED


@dataclass(frozen=True, slots=True)
class Refusal:
    """A "no" that the caller must handle. `where` names the place in the input, `fix` what the person can do."""

    code: str
    message: str
    where: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.code}]"

    @property
    def exit_code(self) -> int:
        """What the command line exits with when this is the answer (1 refused, 2 usage)."""
        return REFUSALS[self.code].exit_code


REFUSALS: dict[str, RefusalCode] = {}


def register(code: str, sentence: str, meaning: str, fix: str, exit_code: int = EXIT_REFUSED) -> RefusalCode:
    """Add a code to the registry, once; called by the `refusals.py` of each package when it is imported."""
    invariant(_CODE_SHAPE.fullmatch(code) is not None, f"{code!r} is a code in capitals and underscores")
    for text in (sentence, meaning, fix):
        invariant(text.endswith("."), f"each text of {code} is a sentence that ends in a full stop")
    entry = RefusalCode(code, sentence, meaning, fix, exit_code)
    invariant(REFUSALS.setdefault(code, entry) == entry, f"{code} is registered with one meaning only")
    return entry


def refuse(code: str, *, where: str = "", **details: object) -> Refusal:
    """The refusal `code` with its sentence filled in. Details may come from outside: they become short and plain."""
    entry = REFUSALS.get(code)
    invariant(entry is not None, f"{code} is a registered refusal code")
    assert entry is not None  # for the type checker
    shown = {name: _shown(value) for name, value in details.items()}
    return Refusal(code, entry.sentence.format_map(shown), where, entry.fix)


def _shown(value: object) -> str:
    text = str(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 1] + "…"
    # Text from outside could hold line breaks or terminal escapes; a message is one harmless line.
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
