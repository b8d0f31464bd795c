"""Origin entries: how a log that was restored to an earlier instant names the log it continues from.

A restore to an earlier instant must never sign under the old origin again: holders of later receipts would see two
logs of one name. So it starts a new origin, and its entry 0 names the parent's origin, size and root, 128 bytes:

    bytes   0..15   b"QENEX-ORIGIN-1\\n\\0"
    bytes  16..23   the parent's size, u64 little-endian
    bytes  24..55   the parent's root at that size
    bytes  56..63   the instant of the restore, Unix nanoseconds, u64 little-endian
    bytes  64..127  the parent's origin in UTF-8, padded with zero bytes
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from qenex.chain.checkpoints import ORIGIN_BYTES_MAX
from qenex.chain.notes import is_key_name
from qenex.chain.proofs import HASH_BYTES
from qenex.chain.records import RECORD_BYTES
from qenex.values import Refusal, refuse

_MAGIC = b"QENEX-ORIGIN-1\n\0"
_LAYOUT = struct.Struct("<16sQ32sQ64s")


@dataclass(frozen=True)
class ParentLog:
    """The log a restored log continues from: its first `size` entries, which have this root, are its past."""

    origin: str
    size: int
    root: bytes
    restored_at_ns: int

    def record(self) -> bytes:
        """The record of entry 0, of kind LeafKind.ORIGIN."""
        name = self.origin.encode()
        if not is_key_name(self.origin) or len(name) > ORIGIN_BYTES_MAX:
            raise ValueError(f"an origin has 1 to {ORIGIN_BYTES_MAX} bytes, no spaces and no plus sign")
        if len(self.root) != HASH_BYTES or not 0 <= self.size < 1 << 63 or not 0 <= self.restored_at_ns < 1 << 63:
            raise ValueError("size and instant are below 2**63, and a root has 32 bytes")
        return _LAYOUT.pack(_MAGIC, self.size, self.root, self.restored_at_ns, name)


def parse_origin_record(record: bytes) -> ParentLog | Refusal:
    """The parent log in the record of entry 0."""

    def wrong(reason: str) -> Refusal:
        return refuse("ORIGIN_ENTRY_MALFORMED", reason=reason)

    if len(record) != RECORD_BYTES:
        return wrong(f"it has {len(record)} bytes")
    magic, size, root, restored_at_ns, padded = _LAYOUT.unpack(record)
    if magic != _MAGIC:
        return wrong("it is another kind of record or of another version")
    name: bytes = padded.rstrip(b"\0")
    try:
        origin = name.decode("utf-8")
    except UnicodeDecodeError:
        return wrong("the origin is not UTF-8")
    if not is_key_name(origin):
        return wrong("the origin is empty or holds a space")
    if size >= 1 << 63 or restored_at_ns >= 1 << 63:
        return wrong("the size or the instant is too large")
    return ParentLog(origin, size, root, restored_at_ns)
