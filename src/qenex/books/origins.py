"""The logs that these books' log continues from: one entry for each restore to an earlier instant, the newest first.

`origins.json` holds the entries that stand before the journal's own in the Merkle log, and with each the number of the
first batch that was sealed under the new origin. It is also what forbids signing under a parent's origin again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qenex.books.documents import read_document, write_document
from qenex.chain import ParentLog, parse_origin_record
from qenex.chain.checkpoints import ORIGIN_BYTES_MAX
from qenex.values import CorruptionFound, Fault, Refusal, SystemClock

ORIGINS_FILE = "origins.json"
_FORMAT = "QENEX-ORIGINS-1"
_SUFFIX = re.compile(r"~[0-9]{8}T[0-9]{9}Z$")


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
        _ = origin.parent  # raises when it is no such record
    return origins


def write_origins(root: Path, origins: Sequence[OriginEntry]) -> None:
    """Keep the entries that name this log's parents; the newest comes first."""
    entries = [{"record": origin.record.hex(), "first_batch": origin.first_batch} for origin in origins]
    write_document(root / ORIGINS_FILE, {"format": _FORMAT, "origins": entries})


def check_origin_is_not_retired(origins: Sequence[OriginEntry], origin: str) -> None:
    """Raises OriginRetired for the origin of a parent."""
    if any(entry.parent.origin == origin for entry in origins):
        raise OriginRetired(origin)


def new_origin_name(old: str, now_ns: int | None = None) -> str:
    """The origin after `old` for a log that starts anew at `now_ns`: bank.example/log~20261121T031700123Z.

    The instant (UTC, milliseconds) is in it because one backup may be restored twice, and no two logs may share a name."""
    ns = SystemClock().now_ns() if now_ns is None else now_ns
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    suffix = f"~{moment:%Y%m%dT%H%M%S}{ns // 1_000_000 % 1000:03d}Z"
    base = _SUFFIX.sub("", old).encode()[: ORIGIN_BYTES_MAX - len(suffix)].decode(errors="ignore")
    return base + suffix
