"""The durable journal: append-only, hash-chained batches in segment files, safe against any crash."""

from qenex.storage.journal.disk import Disk, File, RealDisk
from qenex.storage.journal.faults import (
    JournalCorrupt,
    JournalFull,
    JournalInUse,
    JournalStopped,
    JournalWriteFailed,
)
from qenex.storage.journal.format import SEGMENT_SHIFT, SEGMENT_SLOTS, SLOT, BatchKind, place, worst_case_slots
from qenex.storage.journal.journal import Finding, Journal, Position, PreparedBatch, StoredBatch
from qenex.platform.memory import Region

__all__ = [
    "SEGMENT_SHIFT",
    "SEGMENT_SLOTS",
    "SLOT",
    "BatchKind",
    "Disk",
    "File",
    "Finding",
    "Journal",
    "JournalCorrupt",
    "JournalFull",
    "JournalInUse",
    "JournalStopped",
    "JournalWriteFailed",
    "Position",
    "PreparedBatch",
    "RealDisk",
    "Region",
    "StoredBatch",
    "place",
    "worst_case_slots",
]
