"""Blocks and checkpoints: what was decided becomes something a stranger can check.

A block ends at a checkpoint. Its record is journalled as a batch of kind BLOCK (128 bytes, little-endian):

    number u64 | tree size u64 | root 32 | state hash 32 | hash of the block before 32 | timestamp u64 | zero u64

The block's hash is SHA-256 over those 128 bytes. The signed note of the same size and root is kept in `checkpoint`.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qenex.books.engine import JournaledEngine, LocatedLeaf, stored_leaf_records
from qenex.books.pipeline import Answer, Pipeline, Request
from qenex.books.refusals import COSIGNED_ANOTHER_CHECKPOINT, NO_SIGNING_KEYS
from qenex.chain import (
    MerkleLog,
    Signers,
    build_consistency,
    build_receipt,
    check_witnesses,
    entry_bundle,
    export_tiles,
    open_checkpoint,
    parse_note,
    parse_policy,
    parse_tile_path,
    sign_checkpoint,
)
from qenex.chain.hashing import TILE_WIDTH
from qenex.storage.journal import BatchKind, Disk, Journal, StoredBatch
from qenex.storage.journal.disk import sync, write_all
from qenex.values import Refusal, refuse

_BLOCK = struct.Struct("<QQ32s32s32sQQ")
CHECKPOINT_FILE = "checkpoint"
SYNC_EVERY = 1_000_000
CHECKPOINT_NEW = "checkpoint.new"
assert _BLOCK.size == 128


@dataclass(frozen=True, slots=True)
class Block:
    """The batches between two checkpoints."""

    number: int
    size: int
    root: bytes
    state_hash: bytes
    previous_hash: bytes
    timestamp: int

    def encode(self) -> bytes:
        return _BLOCK.pack(self.number, self.size, self.root, self.state_hash, self.previous_hash, self.timestamp, 0)

    @classmethod
    def decode(cls, record: bytes) -> Block:
        number, size, root, state_hash, previous_hash, timestamp, _ = _BLOCK.unpack(record)
        return cls(number, size, root, state_hash, previous_hash, timestamp)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.encode()).digest()


class Sealer:
    """Ends blocks, signs checkpoints, builds receipts. One checkpoint is made at a time."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        engine: JournaledEngine,
        journal: Journal,
        disk: Disk,
        signers: Signers | None,
        log: MerkleLog | None,
    ) -> None:
        self._pipeline = pipeline
        self._engine = engine
        self._journal = journal
        self._disk = disk
        self._signers = signers
        self._log = log
        self._making = threading.Lock()
        self.latest: bytes | None = self._read_latest()
        self._latest_leaves = tree_size(self.latest) - engine.origin_entries if self.latest else 0

    @property
    def origin(self) -> str:
        """The log's name; empty when nothing was ever signed and nothing can be."""
        if self._signers is not None:
            return self._signers.origin
        return self.latest.split(b"\n", 1)[0].decode() if self.latest else ""

    @property
    def can_sign(self) -> bool:
        return self._signers is not None and self._log is not None

    def sign_when_new(self) -> None:
        """Sign a checkpoint if there are leaves the last one does not cover."""
        if self.can_sign and self._pipeline.leaf_count > self._latest_leaves:
            self.checkpoint()

    def checkpoint(self) -> bytes | Refusal:
        """The checkpoint over everything that is durable now; the last one if nothing is new."""
        return self._checkpoint_of(self._pipeline.leaf_count)

    def _checkpoint_of(self, leaves_wanted: int) -> bytes | Refusal:
        """A checkpoint of at least `leaves_wanted` leaves. Callers that wait for the same one share it."""
        if self._signers is None or self._log is None:
            return refuse(NO_SIGNING_KEYS)
        with self._making:
            if self.latest is not None and self._latest_leaves >= leaves_wanted:
                return self.latest
            return self._make(self._signers, self._log)

    def _make(self, signers: Signers, log: MerkleLog) -> bytes:
        """End a block at a batch boundary: state and size are taken there, hashing and signing happen beside the flow."""
        quiet = Answer()
        self._pipeline.put(Request(0, None, 0, None, quiet, task=self._at_boundary))
        state, leaves, timestamp, previous = quiet.result()
        size = leaves + self._engine.origin_entries
        reached = self._pipeline.after_leaves()
        state_hash = state()
        reached.result()
        if size - log.synced_size >= SYNC_EVERY:
            log.sync()  # not needed for safety: it bounds what the next start appends again
        root = log.root(size)
        block = Block(
            number=previous.number + 1 if previous else 1,
            size=size,
            root=root,
            state_hash=state_hash,
            previous_hash=previous.digest if previous else bytes(32),
            timestamp=timestamp,
        )
        note = sign_checkpoint(signers, size, root).encode()
        written = Answer()
        self._pipeline.put(Request(BatchKind.BLOCK, None, 0, None, written, content=block.encode()))
        written.result()
        self._engine.last_block = block
        self._publish(note)
        self.latest, self._latest_leaves = note, leaves
        return note

    def _at_boundary(self) -> tuple[Callable[[], bytes], int, int, Block | None]:
        return (
            self._engine.capture_state(),
            self._pipeline.leaf_count,
            self._engine.last_timestamp,
            self._engine.last_block,
        )

    def _publish(self, note: bytes) -> None:
        file = self._disk.open(CHECKPOINT_NEW, create=True)
        try:
            file.truncate(0)
            write_all(file, note, 0)
            sync(file)
        finally:
            file.close()
        self._disk.replace(CHECKPOINT_NEW, CHECKPOINT_FILE)
        self._disk.sync_folder(".")

    def _read_latest(self) -> bytes | None:
        if not self._disk.exists(CHECKPOINT_FILE):
            return None
        file = self._disk.open(CHECKPOINT_FILE)
        try:
            return file.pread(file.size(), 0)
        finally:
            file.close()

    def close(self) -> None:
        """Leave nothing unsigned behind."""
        self.sign_when_new()

    # ---- receipts and tiles ------------------------------------------------------------------------------------

    def receipt(self, located: LocatedLeaf) -> bytes | Refusal:
        """The receipt of a leaf under a checkpoint that covers it."""
        note = self._checkpoint_of(located.index + 1)
        if isinstance(note, Refusal) or self._log is None:
            return note
        index = located.index + self._engine.origin_entries
        proof = self._log.inclusion_proof(index, tree_size(note))
        return build_receipt(located.kind, located.record, index, proof, note.decode()).encode()

    def consistency(self, older: bytes) -> bytes | Refusal:
        """A file that proves: the log at its newest checkpoint continues the log at this older one."""
        if self._signers is None or self._log is None:
            return refuse(NO_SIGNING_KEYS)
        signed = open_checkpoint(older, self._signers.verifier_keys)
        if isinstance(signed, Refusal):
            return signed
        newer = self._checkpoint_of(self._pipeline.leaf_count)
        if isinstance(newer, Refusal):
            return newer
        proof = self._log.consistency_proof(signed.checkpoint.size, tree_size(newer))
        return build_consistency(older.decode(), newer.decode(), proof).encode()

    def add_cosignatures(self, cosigned: bytes, policy: bytes) -> bytes | Refusal:
        """Take the witnesses' lines of a note over the latest checkpoint into it, if they are right and meet the policy."""
        if self._signers is None:
            return refuse(NO_SIGNING_KEYS)
        rules, note = parse_policy(policy), parse_note(cosigned)
        if isinstance(rules, Refusal):
            return rules
        if isinstance(note, Refusal):
            return note
        with self._making:
            latest = parse_note(self.latest or b"")
            if isinstance(latest, Refusal) or latest.text != note.text:
                size = tree_size(self.latest) if self.latest else 0
                return refuse(COSIGNED_ANOTHER_CHECKPOINT, size=size)
            keys = rules.witnesses.keys
            known = {(line.name, line.key_id) for line in latest.signatures}
            more = [
                line
                for line in note.signatures
                if (line.name, line.key_id) not in known and any(line.is_by(key) for key in keys)
            ]
            together = str(latest.signed_again(more)).encode()
            signed = open_checkpoint(together, self._signers.verifier_keys)
            checked = signed if isinstance(signed, Refusal) else check_witnesses(signed, rules.witnesses)
            if isinstance(checked, Refusal):
                return checked
            self._publish(together)
            self.latest = together
            return together

    def export_tiles(self, folder: Path, progress: Callable[[int, int], None]) -> bytes | Refusal:
        """Write the log as static files: tiles, entry bundles and last the newest checkpoint, which is returned."""
        note = self._checkpoint_of(self._pipeline.leaf_count)
        if isinstance(note, Refusal) or self._log is None:
            return note
        export_tiles(self._log, tree_size(note), note.decode(), self.entries, folder, progress=progress)
        return note

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        if self._log is None:
            raise ValueError("these books were opened without their log")
        return self._log.consistency_proof(old_size, new_size)

    def tile(self, path: str) -> bytes | None:
        """A tlog-tiles path: hash tiles from the log, entry bundles rendered from the journal."""
        parsed = parse_tile_path(path)
        if parsed is None or self._log is None:
            return None
        level, index, width = parsed
        signed = tree_size(self.latest) if self.latest else 0
        available = (signed >> (8 * (level or 0))) - index * TILE_WIDTH
        if available < width:
            return None
        if level is not None:
            return self._log.read_tile(level, index, width)
        start = index * TILE_WIDTH
        return entry_bundle(self.entries(start, start + width))

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Log entries start to end - 1: kind byte and record."""
        for position in range(start, min(end, self._engine.origin_entries)):
            yield self._engine.origin_entry(position)
        first, last = max(start - self._engine.origin_entries, 0), end - self._engine.origin_entries
        if last <= 0:
            return
        for slot in self._engine.batch_slots_for_leaves(first, last):
            batch = self._journal.batch_at(slot)
            yield from _entries_of(batch, first, last)


def _entries_of(batch: StoredBatch, first: int, last: int) -> Iterator[bytes]:
    if not batch.accepted or batch.first_leaf >= last or batch.first_leaf + batch.accepted <= first:
        return
    records = stored_leaf_records(batch)
    kind = bytes([batch.kind])
    for index in range(max(first - batch.first_leaf, 0), min(last - batch.first_leaf, len(records))):
        yield kind + records[index].tobytes()


def tree_size(note: bytes) -> int:
    """The number of entries a checkpoint covers."""
    return int(note.split(b"\n", 2)[1])
