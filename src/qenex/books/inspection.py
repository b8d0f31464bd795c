"""Batches of a journal as people read them. Works beside a running writer; nothing is changed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qenex.books.leaves import CREATED
from qenex.books.refusals import BATCH_UNKNOWN
from qenex.books.rows import batch_rows
from qenex.books.sealing import Block
from qenex.storage.journal import SEGMENT_SLOTS, BatchKind, Journal, JournalCorrupt, Position, RealDisk, StoredBatch
from qenex.values import Refusal, refuse

KIND_NAMES = {
    BatchKind.ACCOUNTS: "accounts",
    BatchKind.TRANSFERS: "transfers",
    BatchKind.ACCOUNT_UPDATES: "account updates",
    BatchKind.EXPIRY: "expiry",
    BatchKind.BLOCK: "block",
}


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch: how many events, how many of them were created, its time in Unix nanoseconds, its hash in hex."""

    number: int
    kind: str
    events: int
    created: int
    timestamp: int
    hash: str
    previous_hash: str
    first_slot: int

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "kind": self.kind,
            "events": self.events,
            "created": self.created,
            "timestamp": self.timestamp,
            "hash": self.hash,
            "previous_hash": self.previous_hash,
        }


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """One batch and its events, each a dict of field names and values; u128 as decimal text."""

    batch: BatchView
    rows: list[dict[str, Any]]


@contextmanager
def reading(folder: str | os.PathLike[str], segment_slots: int = SEGMENT_SLOTS) -> Iterator[Journal]:
    """The journal of a books folder up to what is durable now, whether or not a writer holds it.

    Raises FileNotFoundError without books, JournalCorrupt when no commit mark can be read."""
    disk = RealDisk(Path(folder), read_only=True)
    if not Journal.is_there(disk):
        raise FileNotFoundError(f"{folder} holds no books")
    journal = Journal.open(disk, segment_slots=segment_slots, checking=True)
    try:
        yield journal
    finally:
        journal.close()


def inspect(
    folder: str | os.PathLike[str], *, last: int | None = None, segment_slots: int = SEGMENT_SLOTS
) -> list[BatchView]:
    """The batches of a books folder, oldest first; with `last` only that many of the newest."""
    with reading(folder, segment_slots) as journal:
        return list(deque(map(_view, journal.read(journal.genesis, verify=False)), maxlen=last))


def inspect_batch(
    folder: str | os.PathLike[str], number: int, *, segment_slots: int = SEGMENT_SLOTS
) -> BatchDetail | Refusal:
    """One batch with its events, its hash checked."""
    with reading(folder, segment_slots) as journal:
        for batch in journal.read(journal.genesis, verify=False):
            if batch.number == number:
                _check_hash(journal, batch)
                return BatchDetail(_view(batch), _rows(batch))
        return refuse(BATCH_UNKNOWN, number=number, batches=journal.durable.number - 1)


def _check_hash(journal: Journal, batch: StoredBatch) -> None:
    """Raises JournalCorrupt when the batch's bytes are not those of its hash."""
    before = Position(batch.start_slot, batch.number, batch.previous_hash, 0)
    after = Position(batch.end_slot, batch.number + 1, batch.digest, batch.timestamp)
    for again in journal.read(before, until=after):
        if again.digest != batch.digest:
            raise JournalCorrupt(place=f"batch {batch.number}", detail="its bytes do not match its hash")


def _view(batch: StoredBatch) -> BatchView:
    created = len(batch.events) if batch.kind >= BatchKind.BLOCK else int(np.count_nonzero(batch.statuses == CREATED))
    return BatchView(
        number=batch.number,
        kind=KIND_NAMES[BatchKind(batch.kind)],
        events=len(batch.events),
        created=created,
        timestamp=batch.timestamp,
        hash=batch.digest.hex(),
        previous_hash=batch.previous_hash.hex(),
        first_slot=batch.first_slot,
    )


def _rows(batch: StoredBatch) -> list[dict[str, Any]]:
    if batch.kind == BatchKind.BLOCK:
        block = Block.decode(batch.events[0].tobytes())
        return [
            {
                "number": block.number,
                "size": block.size,
                "root": block.root.hex(),
                "state_hash": block.state_hash.hex(),
                "previous_hash": block.previous_hash.hex(),
                "timestamp": block.timestamp,
            }
        ]
    return batch_rows(batch)
