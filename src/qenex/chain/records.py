"""Log entries: a kind byte and a 128-byte record, and the names of the record's fields for people.

The layouts are those of the ledger's ACCOUNT, TRANSFER and ACCOUNT_UPDATE; a test compares them. They are written down
here once more so that a receipt can be read without the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

RECORD_BYTES = 128
_NUMBER_BYTES_MAX = 4
"""Fields of up to this many bytes are JSON numbers; longer ones are strings, which no JSON reader rounds."""
_TEXT_BYTES_MAX = 16
"""Fields of up to this many bytes are decimal text; longer ones have no meaning as a number and are hex."""


class LeafKind(IntEnum):
    """The first byte of a log entry. 1 to 4 are the journal's batch kinds."""

    ACCOUNT = 1
    TRANSFER = 2
    ACCOUNT_UPDATE = 3
    EXPIRY = 4
    """A transfer record by which the ledger released a hold that was due."""
    ORIGIN = 16
    """The first entry of a restored log; see `qenex.chain.origins`."""

    @property
    def title(self) -> str:
        return self.name.lower()


KINDS = {kind.title: kind for kind in LeafKind}

_TRANSFER = (
    ("id", 16),
    ("debit_account_id", 16),
    ("credit_account_id", 16),
    ("amount", 16),
    ("pending_id", 16),
    ("user_data_128", 16),
    ("user_data_64", 8),
    ("user_data_32", 4),
    ("timeout", 4),
    ("ledger", 4),
    ("code", 2),
    ("flags", 2),
    ("timestamp", 8),
)
_ACCOUNT = (
    ("id", 16),
    ("debits_pending", 16),
    ("debits_posted", 16),
    ("credits_pending", 16),
    ("credits_posted", 16),
    ("user_data_128", 16),
    ("user_data_64", 8),
    ("user_data_32", 4),
    ("reserved", 4),
    ("ledger", 4),
    ("code", 2),
    ("flags", 2),
    ("timestamp", 8),
)
_ACCOUNT_UPDATE = (
    ("id", 16),
    ("account_id", 16),
    ("value", 16),
    ("user_data_128", 16),
    ("reserved", 40),
    ("kind", 2),
    ("reason", 2),
    ("flags", 4),
    ("reserved2", 8),
    ("timestamp", 8),
)
LAYOUTS: dict[LeafKind, tuple[tuple[str, int], ...]] = {
    LeafKind.ACCOUNT: _ACCOUNT,
    LeafKind.TRANSFER: _TRANSFER,
    LeafKind.ACCOUNT_UPDATE: _ACCOUNT_UPDATE,
    LeafKind.EXPIRY: _TRANSFER,
    LeafKind.ORIGIN: (("content", 128),),
}


def read_fields(kind: LeafKind, record: bytes) -> dict[str, str | int]:
    """The fields of a record by name: numbers up to 32 bits as int, larger ones in decimal, longer bytes in hex."""
    if len(record) != RECORD_BYTES:
        raise ValueError(f"a record has {RECORD_BYTES} bytes, not {len(record)}")
    return dict(_fields(kind, record))


def field_bytes(kind: LeafKind, record: bytes, name: str) -> bytes | None:
    """The bytes of one field as they lie in the record, None if the kind has no such field."""
    start = 0
    for field, length in LAYOUTS[kind]:
        if field == name:
            return record[start : start + length]
        start += length
    return None


def _fields(kind: LeafKind, record: bytes) -> Iterator[tuple[str, str | int]]:
    start = 0
    for name, length in LAYOUTS[kind]:
        value = record[start : start + length]
        start += length
        if length > _TEXT_BYTES_MAX:
            yield name, value.hex()
        else:
            number = int.from_bytes(value, "little")
            yield name, number if length <= _NUMBER_BYTES_MAX else str(number)
