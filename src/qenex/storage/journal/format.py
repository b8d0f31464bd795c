"""The journal's bytes: segment header, batch header, batch trailer and commit mark, version 1, little-endian.

A journal is a row of 128-byte units. Unit number = *slot*; segment s holds the slots s * 2^21 and up, so a slot names
one place for ever. Slot 0 of a segment is its header; then batches follow without gaps:

    header  events[n]  resolved[r]  statuses (4 bytes each, padded)  attachments (padded)  trailer

`events` are the inputs in their order. `resolved` are the stored forms of those accepted transfers whose stored form
differs from the input by more than its timestamp (post, void, balancing), in event order. `statuses` are there only
when some event was not created. `attachments` are 32-byte commitments, one per event, or nothing. The trailer carries
the batch's hash = SHA-256(header || everything up to the trailer); as the header carries the hash of the batch before,
the hashes form a chain.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

SLOT = 128
SEGMENT_SHIFT = 21
SEGMENT_SLOTS = 1 << SEGMENT_SHIFT
SLOTS_MAX = 1 << 32
VERSION = 1

SEGMENT_MAGIC = b"QXSEGMT1"
BATCH_MAGIC = b"QXBATCH1"
TRAILER_MAGIC = b"QXTRAIL1"
MARK_MAGIC = b"QXCOMMT1"
GENESIS_HASH = bytes(32)


class BatchKind(IntEnum):
    """What a batch's events are. 1 to 4 are decided by the ledger, the others are written about it."""

    ACCOUNTS = 1
    TRANSFERS = 2
    ACCOUNT_UPDATES = 3
    EXPIRY = 4
    BLOCK = 16


HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u2"),
        ("kind", "<u2"),
        ("count", "<u4"),
        ("resolved", "<u4"),
        ("has_statuses", "<u4"),
        ("number", "<u8"),
        ("timestamp", "<u8"),
        ("first_leaf", "<u8"),
        ("accepted", "<u4"),
        ("attachment_bytes", "<u4"),
        ("slots", "<u4"),
        ("start_slot", "<u4"),
        ("previous_hash", "V32"),
        ("reserved", "V16"),
        ("checksum", "V16"),
    ]
)
TRAILER = np.dtype(
    [
        ("magic", "S8"),
        ("number", "<u8"),
        ("hash", "V32"),
        ("slots", "<u4"),
        ("reserved", "V60"),
        ("checksum", "V16"),
    ]
)
SEGMENT_HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u4"),
        ("segment", "<u4"),
        ("journal_id", "V16"),
        ("hash_seed", "V16"),
        ("previous_hash", "V32"),
        ("next_number", "<u8"),
        ("reserved", "V24"),
        ("checksum", "V16"),
    ]
)
MARK = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u4"),
        ("copy", "<u4"),
        ("sequence", "<u8"),
        ("next_number", "<u8"),
        ("timestamp", "<u8"),
        ("end_slot", "<u8"),
        ("hash", "V32"),
        ("journal_id", "V16"),
        ("reserved", "V16"),
        ("checksum", "V16"),
    ]
)
for _kind in (HEADER, TRAILER, SEGMENT_HEADER, MARK):
    assert _kind.itemsize == SLOT, _kind


def seal_unit(unit: np.ndarray) -> bytes:
    """The unit's 128 bytes with its last 16 set to the first 16 of SHA-256 over the first 112."""
    content = unit.tobytes()[:112]
    return content + hashlib.sha256(content).digest()[:16]


def unit_is_whole(content: bytes, magic: bytes) -> bool:
    """Whether 128 bytes start with `magic` and carry their right checksum."""
    return (
        len(content) == SLOT and content[:8] == magic and hashlib.sha256(content[:112]).digest()[:16] == content[112:]
    )


def slots_for(nbytes: int) -> int:
    """Slots that hold `nbytes`."""
    return (nbytes + SLOT - 1) // SLOT


@dataclass(frozen=True, slots=True)
class BatchShape:
    """How many slots each part of a batch takes."""

    count: int
    resolved: int
    status_slots: int
    attachment_slots: int

    @property
    def body(self) -> int:
        return self.count + self.resolved + self.status_slots + self.attachment_slots

    @property
    def total(self) -> int:
        return self.body + 2


def worst_case_slots(count: int, attachment_bytes: int) -> int:
    """The most slots a batch of `count` events can need, known before the ledger has decided."""
    return 2 + 2 * count + slots_for(4 * count) + slots_for(attachment_bytes)


def place(slot: int) -> str:
    """A slot as a person finds it: file and byte."""
    return f"segments/{slot >> SEGMENT_SHIFT:06d}.qxj byte {(slot & (SEGMENT_SLOTS - 1)) * SLOT}"
