"""The logs that these books' log continues from: one entry for each restore to an earlier instant, the newest first.

`origins.json` holds the entries that stand before the journal's own in the Merkle log, and with each the number of the
first batch that was sealed under the new origin. It is also what forbids signing under a parent's origin again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qenex.books.documents import read_document, write_document
from qenex.chain import ParentLog, parse_origin_record
from qenex.values import CorruptionFound, Fault, Refusal

ORIGINS_FILE = "origins.json"
_FORMAT = "QENEX-ORIGINS-1"


class OriginRetired(Fault):
    """The keys sign under an origin that a restore to an earlier instant has retired; nothing was opened."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"the log {origin} ended when these books were restored to an earlier instant; "
            f"sign under a new origin, for example {new_origin_name(origin)}"
        )
        self.origin = origin


@dataclass(frozen=True, slots=True)
class OriginEntry:
    """A log entry that names a parent (`qenex.chain.origins`), and the first batch that is not the parent's."""

    record: bytes
    first_batch: int

    @property
    def parent(self) -> ParentLog:
        parsed = parse_origin_record(self.record)
        if isinstance(parsed, Refusal):
            raise CorruptionFound(place=ORIGINS_FILE, detail=str(parsed))
        return parsed


def read_origins(root: Path) -> list[OriginEntry]:
    """The entries of a books folder; none for a log that was never restored to an earlier instant."""
    path = root / ORIGINS_FILE
    if not path.exists():
        return []
    entries = read_document(path, _FORMAT)["origins"]
    origins = [OriginEntry(bytes.fromhex(entry["record"]), int(entry["first_batch"])) for entry in entries]
    for origin in origins:
        assert origin.parent
    return origins


def write_origins(root: Path, origins: Sequence[OriginEntry]) -> None:
    """Keep the entries that name this log's parents; the newest comes first."""
    entries = [{"record": origin.record.hex(), "first_batch": origin.first_batch} for origin in origins]
    write_document(root / ORIGINS_FILE, {"format": _FORMAT, "origins": entries})


def check_origin_is_not_retired(origins: Sequence[OriginEntry], origin: str) -> None:
    """Raises OriginRetired for the origin of a parent."""
    if any(entry.parent.origin == origin for entry in origins):
        raise OriginRetired(origin)


def new_origin_name(old: str) -> str:
    """The origin after `old` for a log that starts anew: bank.example/log, bank.example/log~2, bank.example/log~3."""
    name, _, number = old.rpartition("~")
    if name and number.isascii() and number.isdigit():
        return f"{name}~{int(number) + 1}"
    return f"{old}~2"
