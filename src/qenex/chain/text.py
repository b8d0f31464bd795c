"""Base64 and decimal numbers in their one canonical spelling."""

from __future__ import annotations

import base64
import binascii
import re

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def from_base64(text: str) -> bytes | None:
    """The bytes of standard, padded base64; None for any other spelling of them. [RFC 4648] 4 and 3.5"""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if to_base64(value) == text else None


def from_decimal(text: str) -> int | None:
    """A number below 2**63 without sign or leading zeros, or None."""
    if _DECIMAL.fullmatch(text) is None:
        return None
    value = int(text)
    return value if value < 1 << 63 else None
