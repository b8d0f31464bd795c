"""The durable journal: append-only, hash-chained batches in segment files, safe against any crash."""

from qenex.platform.memory import Region
from qenex.storage.journal.disk import Disk, File, RealDisk
from qenex.storage.journal.faults import (
    JournalCorrupt,
    JournalFull,
    JournalInUse,
    JournalStopped,
    JournalWriteFailed,
)
from qenex.storage.journal.format import SEGMENT_SHIFT, SEGMENT_SLOTS, SLOT, BatchKind, place, worst_case_slots
from qenex.storage.journal.journal import (
    MARK_FILE,
    SEGMENTS,
    Finding,
    Journal,
    Position,
    PreparedBatch,
    StoredBatch,
    mark_content,
)

__all__ = [
    "MARK_FILE",
    "SEGMENTS",
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
    "mark_content",
    "place",
    "worst_case_slots",
]
