"""What IBAN, BIC, LEI and creditor reference share: a text checked once, that cannot change, and ISO 7064 MOD 97-10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from qenex.values.refusal import Refusal

# Letters count as 10..35: "A" becomes the digits "10".
_DIGITS_OF_LETTERS = {ord("A") + n: str(10 + n) for n in range(26)}


def remainder_97(text: str) -> int:
    """[ISO-7064] MOD 97-10 over capital letters and digits: the number that the letters stand for, modulo 97."""
    return int(text.translate(_DIGITS_OF_LETTERS)) % 97


def check_digits_97(text: str) -> str:
    """The two digits (02..98) which, written after `text`, make its remainder 1."""
    return f"{98 - remainder_97(text + '00'):02d}"


class CheckedText:
    """A text that its class has checked. Made by the class's parse; the constructor refuses with ValueError.

    Frozen, ordered and hashed by the text; `compact` is the form that machines exchange.
    """

    __slots__ = ("compact",)
    compact: str

    def __init__(self, text: str) -> None:
        parsed = self._parse(text)
        if not isinstance(parsed, CheckedText):
            raise ValueError(str(parsed))
        object.__setattr__(self, "compact", parsed.compact)

    @classmethod
    def _parse(cls, text: str) -> Self | Refusal:
        raise NotImplementedError

    @classmethod
    def _checked(cls, compact: str) -> Self:
        made = object.__new__(cls)
        _set_compact(made, compact)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __str__(self) -> str:
        return self.compact

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.compact!r})"

    def __hash__(self) -> int:
        return hash(self.compact)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.compact == self.compact

    def __lt__(self, other: Self) -> bool:
        return self.compact < other.compact

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.compact,)


_set_compact = CheckedText.__dict__["compact"].__set__  # past __setattr__, which refuses
