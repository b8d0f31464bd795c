"""A secret: bytes that never show in a repr, a log line, a pickle or a traceback's locals summary."""

import hmac
from typing import NoReturn


class Secret:
    """Secret bytes. Compared in constant time; `reveal()` is the only way out, so that every use can be found by name.

    Python cannot promise to wipe memory: copies made by `reveal()` live until the garbage collector frees them.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"Secret({len(self._value)} bytes)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")
