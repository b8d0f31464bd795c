"""The ledger on top of a journal: records are read where the journal stores them, and a restart is bounded.

What a restart needs beside the journal is derived from it and may be deleted at any time:

    index/chain-*     the account chains, 8 bytes a slot, written through memory maps
    index/run-*       sealed parts of the id and user data index
    snapshot          accounts, holds, marks and counters at a batch boundary; names the runs that belong to it, and
                      the hashes of the chains up to there

What is damaged, missing, or of another journal is found when the folder is opened, and all is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qenex.books.documents import sync_folder
from qenex.books.leaves import CREATED, has_resolved_record, leaf_records
from qenex.books.origins import read_origins
from qenex.chain import LeafKind, MerkleLog, leaf_hashes
from qenex.ledger import BATCH_MAX, RESULT, AccountFilter, QueryFilter
from qenex.ledger.native import (
    GENERATION_MAX,
    Applied,
    CoreFull,
    NativeCore,
    Run,
    build_filter,
    filter_bytes,
    merge_entries,
)
from qenex.storage.journal import (
    SEGMENT_SHIFT,
    SEGMENT_SLOTS,
    SLOT,
    BatchKind,
    Disk,
    Finding,
    Journal,
    JournalCorrupt,
    JournalWriteFailed,
    Position,
    StoredBatch,
)

if TYPE_CHECKING:
    from qenex.books.sealing import Block

Records = npt.NDArray[np.void]
Words = npt.NDArray[np.uint64]

CHAIN_SEGMENT_BYTES = 8 * SEGMENT_SLOTS
CHAIN_STEP_BYTES = 1 << 20
SNAPSHOT = "snapshot"
SNAPSHOT_MAGIC = b"QENEX-SNAPSHOT-1\n"
SNAPSHOT_PARTS = ("MARKS", "HOLDS", "BURNT", "UPDATES", "BATCHES")
RUN_MAGIC = b"QENEX-RUN-1\n\0\0\0\0"
SNAPSHOT_AT_CLOSE = 100_000
"""Index entries since the last snapshot above which closing writes one: replaying fewer is quicker than that."""


@dataclass(frozen=True, slots=True)
class LocatedLeaf:
    """An accepted record and its place among the accepted records of the journal."""

    kind: int
    index: int
    record: bytes


class JournaledEngine:
    """The core, told where the journal keeps its records. Called with the pipeline's core lock held."""

    def __init__(self, disk: Disk, root: Path, journal: Journal, *, generation_max: int = GENERATION_MAX) -> None:
        self._disk = disk
        self.root = root
        self._journal = journal
        self._core = NativeCore(journal.hash_seed, generation_max=generation_max)
        self._segments: set[int] = set()
        self._starts = array("I")
        self._run_names: list[str] = []
        self._chain_room: dict[int, int] = {}
        self._chain_digests: dict[int, str] = {}
        self._job: _SealJob | None = None
        self.last_block: Block | None = None
        self.findings: list[Finding] = []
        self.origins: list[bytes] = [entry.record for entry in read_origins(root)]
        self.replayed = 0
        (root / "index").mkdir(mode=0o700, exist_ok=True)

    # ---- recovery ----------------------------------------------------------------------------------------------

    def recover(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Snapshot plus the batches after it. Returns the number of leaves in the journal."""
        self._forget_lost_chains()
        # Segments behind the durable end are not for the core yet: recovery may remove them and make others in their place.
        for number in range((self._journal.durable.slot >> SEGMENT_SHIFT) + 1):
            self._use_segment(number)
        position, leaves = self._load_snapshot()
        results = np.zeros(BATCH_MAX, dtype=RESULT)
        scratch = np.empty(2 * BATCH_MAX * SLOT, dtype=np.uint8)
        last = self._journal.durable.number - 1
        for batch in self._journal.replay(position):
            self._use_segment(batch.start_slot >> SEGMENT_SHIFT)
            self._allocate_chain(batch.end_slot)
            self._replay(batch, scratch, results)
            self._starts.append(batch.start_slot)
            leaves += batch.accepted
            self.replayed += 1
            if progress is not None and self.replayed % 64 == 0:
                progress(batch.number, max(last, batch.number))
        return leaves

    def _replay(self, batch: StoredBatch, scratch: npt.NDArray[np.uint8], results: Records) -> None:
        if batch.kind >= BatchKind.BLOCK:
            from qenex.books.sealing import Block

            self.last_block = Block.decode(batch.events[0].tobytes())
            return
        statuses = np.ascontiguousarray(batch.statuses)
        events = None if batch.kind == BatchKind.EXPIRY else batch.events
        while True:
            try:
                self._core.apply(
                    batch.kind,
                    events,
                    len(batch.events),
                    batch.timestamp,
                    scratch,
                    batch.first_slot,
                    results,
                    None,
                    statuses,
                )
                break
            except CoreFull as full:
                self._make_room(full, batch_before=batch)
        self._finish_job()

    def _forget_lost_chains(self) -> None:
        """Zero what the chain files hold for slots behind the durable end: an interrupted write may have been there."""
        last, offset = divmod(self._journal.durable.slot, SEGMENT_SLOTS)
        for path in (self.root / "index").glob("chain-*"):
            number = int(path.name.removeprefix("chain-"))
            if number >= last:
                os.truncate(path, 8 * offset if number == last else 0)

    def catch_up(self, log: MerkleLog, leaves: int) -> None:
        """Bring the Merkle log to exactly the journal's leaves: it is derived, and may be behind or ahead."""
        target = len(self.origins) + leaves
        if log.size > target:
            log.truncate(target)
        while log.size < len(self.origins):
            record = np.frombuffer(self.origins[log.size], dtype=np.uint8).reshape(1, SLOT)
            log.append(leaf_hashes(LeafKind.ORIGIN, record))
        if log.size == target:
            return
        first = log.size - len(self.origins)
        for slot in self.batch_slots_for_leaves(first, leaves):
            batch = self._journal.batch_at(slot)
            if not batch.accepted:
                continue
            records = stored_leaf_records(batch)
            skip = max(0, log.size - len(self.origins) - batch.first_leaf)
            log.append(leaf_hashes(batch.kind, np.ascontiguousarray(records[skip:])))

    # ---- deciding ----------------------------------------------------------------------------------------------

    def apply(
        self,
        *,
        kind: int,
        events: Records | None,
        count: int,
        now: int,
        log_out: npt.NDArray[np.uint8],
        first_slot: int,
        results: Records,
        balances: Records | None,
    ) -> Applied:
        """Decide a batch at max(now, last + count); an expiry at `now`."""
        self._use_segment(first_slot >> SEGMENT_SHIFT)
        self._finish_job()
        expiry = kind == BatchKind.EXPIRY
        timestamp = max(now, self._core.last_timestamp + (0 if expiry else count))
        wanted = BATCH_MAX if expiry else count
        self._allocate_chain(first_slot + 2 * wanted)
        while True:
            try:
                return self._core.apply(kind, events, wanted, timestamp, log_out, first_slot, results, balances)
            except CoreFull as full:
                self._make_room(full)

    def note_batch(self, start_slot: int) -> None:
        """A batch stands at this slot now."""
        self._starts.append(start_slot)

    def _use_segment(self, number: int) -> None:
        if number in self._segments:
            return
        path = _chain_path(self.root, number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, CHAIN_SEGMENT_BYTES)
            self._core.regions["CHAIN"].map_file(number * CHAIN_SEGMENT_BYTES, descriptor, CHAIN_SEGMENT_BYTES)
        finally:
            os.close(descriptor)
        self._chain_room[number] = 0
        self._core.set_segment(number, self._journal.segment_memory(number))
        self._segments.add(number)

    def _allocate_chain(self, end_slot: int) -> None:
        """Have disk blocks ready behind the chain's memory: a store into a page without one would end the process."""
        number, offset = divmod(end_slot, SEGMENT_SLOTS)
        if 8 * offset <= self._chain_room[number]:
            return
        room = min((8 * offset // CHAIN_STEP_BYTES + 1) * CHAIN_STEP_BYTES, CHAIN_SEGMENT_BYTES)
        _allocate(_chain_path(self.root, number), room)
        self._chain_room[number] = room

    # ---- sealing and snapshots ---------------------------------------------------------------------------------

    def _make_room(self, full: CoreFull, batch_before: StoredBatch | None = None) -> None:
        """Seal the index's active generation; what else can be full has no remedy at run time."""
        if full.region != CoreFull.INDEX or not self._core.info()["index_entries"]:
            raise full  # an empty generation that is too small for one batch would be sealed for ever
        if self._job is not None:
            self._job.join()
            self._finish_job()
        self._begin_seal(batch_before)

    def _begin_seal(self, batch_before: StoredBatch | None = None) -> None:
        """At a batch boundary: take the snapshot's state, hand the generation to a background thread."""
        if batch_before is not None:
            position = Position(
                batch_before.start_slot, batch_before.number, batch_before.previous_hash, self._core.last_timestamp
            )
        else:
            position = self._boundary()
        counts = self._core.seal_begin()
        info = self._core.info()
        parts = {name: self._core.region_bytes(name).copy() for name in SNAPSHOT_PARTS}
        self._job = _SealJob(
            engine=self,
            counts=counts,
            info=info,
            rows=self._core.save_rows(0, info["accounts"]),
            parts=parts,
            starts=self._starts.tobytes(),
            position=position,
            runs=list(zip(self._run_names, self._core.run_list, strict=True)),
            last_block=self.last_block,
        )
        self._job.start()

    def _boundary(self) -> Position:
        """The position behind the last decided batch. Its hash is not known yet: the snapshot asks for it when written."""
        return Position(self._journal.next_slot, len(self._starts) + 1, b"", self._core.last_timestamp)

    def _finish_job(self, *, wait: bool = False) -> None:
        job = self._job
        if job is None or (not wait and not job.done.is_set()):
            return
        job.join()
        if job.failure is not None:
            raise job.failure
        assert job.run is not None
        self._core.seal_finish(job.run)
        self._run_names.append(job.run_name)
        if job.merged is not None:
            first, count, run, name = job.merged
            self._core.replace_runs(first, count, run)
            self._run_names[first : first + count] = [name]
        self._job = None

    def _load_snapshot(self) -> tuple[Position, int]:
        path = self.root / SNAPSHOT
        if not path.exists():
            return self._journal.genesis, 0
        loaded = _read_snapshot(path)
        if isinstance(loaded, str):
            self.findings.append(Finding(SNAPSHOT, f"{loaded}; everything is replayed from the first batch instead"))
            return self._journal.genesis, 0
        meta, parts = loaded
        position = Position(meta["slot"], meta["number"], bytes.fromhex(meta["digest"]), meta["timestamp"])
        if position.number > self._journal.durable.number:
            self.findings.append(Finding(SNAPSHOT, "it is ahead of the journal; everything is replayed instead"))
            return self._journal.genesis, 0
        if not self._journal_reaches(position, parts["STARTS"]):
            self.findings.append(Finding(SNAPSHOT, "it is not of this journal; everything is replayed instead"))
            return self._journal.genesis, 0
        damaged = _damaged_files(self.root, meta)
        if damaged:
            detail = "missing or damaged; everything is replayed instead"
            self.findings.extend(Finding(name, detail) for name in damaged)
            return self._journal.genesis, 0
        runs: list[Run] = []
        for name in meta["runs"]:
            run = _open_run(self.root / "index" / name)
            assert run is not None
            runs.append(run)
        last, _ = divmod(position.slot, SEGMENT_SLOTS)
        self._chain_digests = {number: digest for number, _, digest in meta["chains"] if number < last}
        self._core.load_rows(meta["info"]["accounts"], parts["ROWS"])
        for name in SNAPSHOT_PARTS:
            content = parts[name]
            self._core.regions[name].bytes(0, len(content))[:] = content
        self._core.restore(meta["info"])
        for name, run in zip(meta["runs"], runs, strict=True):
            self._core.add_run(run)
            self._run_names.append(name)
        self._starts.frombytes(parts["STARTS"].tobytes())
        if meta["block"]:
            from qenex.books.sealing import Block

            self.last_block = Block.decode(bytes.fromhex(meta["block"]))
        return position, int(meta["leaves"])

    def _journal_reaches(self, position: Position, starts: npt.NDArray[np.uint8]) -> bool:
        """Whether the batch before `position` is in this journal, with the same hash."""
        slots = np.frombuffer(starts.tobytes(), dtype=np.uint32)
        if len(slots) != position.number - 1:
            return False
        if not len(slots):
            return position.slot == self._journal.genesis.slot
        try:
            before = self._journal.batch_at(int(slots[-1]))
        except JournalCorrupt:
            return False
        return (before.digest, before.end_slot, before.number + 1) == (position.digest, position.slot, position.number)

    def close(self, *, snapshot: bool) -> None:
        """Write a snapshot when replaying would take longer, and give the memory back."""
        if snapshot:
            self._finish_job(wait=True)
            if self._core.info()["index_entries"] >= SNAPSHOT_AT_CLOSE:
                self._begin_seal()
                self._finish_job(wait=True)
        elif self._job is not None:
            self._job.join()
        self._core.close()

    # ---- reading -----------------------------------------------------------------------------------------------

    @property
    def last_timestamp(self) -> int:
        return self._core.last_timestamp

    def next_expiry(self) -> int:
        return self._core.next_expiry()

    def info(self) -> dict[str, int]:
        return self._core.info()

    def lookup_accounts(self, ids: Words) -> Records:
        return self._core.lookup_accounts(ids)

    def lookup_transfers(self, ids: Words) -> Records:
        return self._core.lookup_transfers(ids)

    def account_state(self, ids: Words) -> Records:
        return self._core.account_state(ids)

    def account_transfers(self, filter: AccountFilter) -> Records:
        return self._core.account_transfers(filter)

    def account_balances(self, filter: AccountFilter) -> Records:
        return self._core.account_balances(filter)

    def balance_at(self, account_id: int, timestamp: int) -> Records:
        return self._core.balance_at(account_id, timestamp)

    def query_accounts(self, filter: QueryFilter) -> Records:
        return self._core.query_accounts(filter)

    def query_transfers(self, filter: QueryFilter) -> Records:
        return self._core.query_transfers(filter)

    def state_hash(self) -> bytes:
        return self._core.state_hash()

    def capture_state(self) -> Callable[[], bytes]:
        """Copy the canonical state now; the returned function hashes the copy later."""
        pieces = list(self._core.state_bytes())

        def digest() -> bytes:
            hashed = hashlib.sha256()
            for piece in pieces:
                hashed.update(piece)
            return hashed.digest()

        return digest

    # ---- batches and leaves ------------------------------------------------------------------------------------

    @property
    def origin_entries(self) -> int:
        """Entries of the log that stand before the journal's first: one for each restore to an earlier instant."""
        return len(self.origins)

    def origin_entry(self, index: int) -> bytes:
        return bytes([LeafKind.ORIGIN]) + self.origins[index]

    def batch_slots(self, first: int, last: int) -> Iterator[int]:
        """Start slots of the batches numbered first to last."""
        for number in range(max(first, 1), last + 1):
            yield self._starts[number - 1]

    def batch_slots_for_leaves(self, first: int, end: int) -> Iterator[int]:
        """Start slots of the batches that hold the leaves first to end - 1 (and perhaps some without leaves).

        Only what is durable is looked at: later batches may not have their headers yet."""
        if first >= end:
            return
        durable = self._journal.durable.number - 1
        low, high = 0, durable
        while low < high:
            middle = (low + high) // 2
            if self._journal.batch_at(self._starts[middle]).first_leaf <= first:
                low = middle + 1
            else:
                high = middle
        at = low - 1
        # Batches without leaves share the first leaf of the next one: step back to the one that holds it.
        while at > 0 and self._journal.batch_at(self._starts[at]).first_leaf > first:
            at -= 1
        while at > 0 and self._journal.batch_at(self._starts[at - 1]).first_leaf == first:
            at -= 1
        while at < durable:
            slot = self._starts[at]
            if self._journal.batch_at(slot).first_leaf >= end:
                return
            yield slot
            at += 1

    def find_transfer(self, transfer_id: int) -> int:
        """The slot of a transfer's stored record, 0 when there is no such transfer."""
        return self._core.find_transfer(transfer_id)

    def locate_leaf(self, slot: int) -> LocatedLeaf:
        """The record at a slot and its leaf number. Its batch must be durable: before, it may have no header."""
        batch = self._journal.batch_at(self._starts[bisect_right(self._starts, slot) - 1])
        created = batch.statuses == CREATED
        offset = slot - batch.first_slot
        count = len(batch.events)
        if offset < count:
            record, event = batch.events[offset], offset
        else:
            record = batch.resolved[offset - count]
            event = int(np.flatnonzero(has_resolved_record(batch.events, batch.statuses))[offset - count])
        index = batch.first_leaf + int(np.count_nonzero(created[:event]))
        return LocatedLeaf(kind=batch.kind, index=index, record=record.tobytes())


class _SealJob:
    """One generation on its way to a run file, and the snapshot that goes with it."""

    def __init__(
        self,
        *,
        engine: JournaledEngine,
        counts: tuple[int, int, int, int],
        info: dict[str, int],
        rows: npt.NDArray[np.uint8],
        parts: dict[str, npt.NDArray[np.uint8]],
        starts: bytes,
        position: Position,
        runs: list[tuple[str, Run]],
        last_block: Block | None,
    ) -> None:
        self.engine = engine
        self._counts = counts
        self._info = info
        self._rows = rows
        self._parts = parts
        self._starts = starts
        self._position = position
        self._runs = runs
        self._last_block = last_block
        self.run: Run | None = None
        self.run_name = ""
        self.merged: tuple[int, int, Run, str] | None = None
        self.failure: BaseException | None = None
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._work, name="books-seal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _work(self) -> None:
        try:
            self._seal()
        except BaseException as failure:  # handed to the deciding thread, which stops
            self.failure = failure
        finally:
            self.done.set()

    def _seal(self) -> None:
        folder = self.engine.root / "index"
        name = f"run-{self._position.number:012d}-1"
        path = folder / name
        with _RunWriter(path, self._counts) as writer:
            self.engine._core.seal_sort(writer.run.ids, writer.run.user_data, writer.run.filter)
        run = _open_run(path)
        assert run is not None
        self.run, self.run_name = run, name
        final = [*self._runs, (name, run)]
        merged = 1
        while len(final) > merged and len(final[-merged - 1][1].ids) <= 1.5 * sum(
            len(r.ids) for _, r in final[-merged:]
        ):
            merged += 1
        if merged > 1:
            first = len(final) - merged
            together, merged_name = _merge_runs(folder, [r for _, r in final[first:]], self._position.number, merged)
            self.merged = (first, merged, together, merged_name)
            final[first:] = [(merged_name, together)]
        # The snapshot must never outlive the chains it speaks of.
        for chain in folder.glob("chain-*"):
            _sync_file(chain)
        self._write_snapshot([n for n, _ in final])
        keep = {n for n, _ in final}
        for old in folder.glob("run-*"):
            if old.name not in keep:
                old.unlink()

    def _write_snapshot(self, runs: list[str]) -> None:
        batch_before = self._batch_before()
        digest = self._position.digest or (batch_before.digest if batch_before else bytes(32))
        leaves = batch_before.first_leaf + batch_before.accepted if batch_before else 0
        meta = {
            "slot": batch_before.end_slot if batch_before else self._position.slot,
            "number": self._position.number,
            "digest": digest.hex(),
            "timestamp": batch_before.timestamp if batch_before else 0,
            "leaves": leaves,
            "info": self._info,
            "runs": runs,
            "chains": self._save_chains(batch_before.end_slot if batch_before else self._position.slot),
            "block": self._last_block.encode().hex() if self._last_block else "",
        }
        parts = {"ROWS": self._rows, "STARTS": np.frombuffer(self._starts, dtype=np.uint8), **self._parts}
        _write_snapshot(self.engine.root, meta, parts)

    def _save_chains(self, end_slot: int) -> list[tuple[int, int, str]]:
        """Make the chains up to `end_slot` durable: (segment, bytes, hash). What stands before never changes again."""
        known = self.engine._chain_digests
        last, offset = divmod(end_slot, SEGMENT_SLOTS)
        saved = []
        for number in range(last + 1):
            length = 8 * (offset if number == last else self.engine._journal.segment_slots)
            digest = known.get(number) if number < last else None
            if digest is None:
                path = _chain_path(self.engine.root, number)
                _sync_path(path)
                digest = _file_digest(path, length)
                if number < last:
                    known[number] = digest
            saved.append((number, length, digest))
        return saved

    def _batch_before(self) -> StoredBatch | None:
        """The last batch the snapshot covers, once it is durable: until then the snapshot must not exist."""
        if self._position.number == 1:
            return None
        starts = np.frombuffer(self._starts, dtype=np.uint32)
        journal = self.engine._journal
        while journal.durable.number < self._position.number:
            if journal.stopped is not None and journal.durable.number < self._position.number:
                raise RuntimeError(f"the journal stopped before its snapshot: {journal.stopped}")
            self.done.wait(0.005)
        return journal.batch_at(int(starts[-1]))


class _RunWriter:
    """A run file being filled through a memory map; durable and in place when the block ends well."""

    def __init__(self, path: Path, counts: tuple[int, int, int, int]) -> None:
        self._path = path
        self._new = path.with_name(path.name + ".new")
        sizes = _run_sizes(counts)
        self._new.unlink(missing_ok=True)
        _allocate(self._new, sizes.total)
        self._memory = np.memmap(self._new, dtype=np.uint8, mode="r+", shape=(sizes.total,))
        self._memory[:16] = np.frombuffer(RUN_MAGIC, dtype=np.uint8)
        self._memory[16:48] = np.array(counts, dtype="<u8").view(np.uint8)
        self.run = _run_views(self._memory, counts)

    def __enter__(self) -> _RunWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._new.unlink(missing_ok=True)
            return
        digest = hashlib.sha256(self._memory[: len(self._memory) - 32].data).digest()
        self._memory[-32:] = np.frombuffer(digest, dtype=np.uint8)
        self._memory.flush()
        self._new.replace(self._path)
        sync_folder(self._path.parent)


@dataclass(frozen=True, slots=True)
class _RunSizes:
    starts: tuple[int, int, int, int, int]
    total: int


def _run_sizes(counts: tuple[int, int, int, int]) -> _RunSizes:
    at = 64
    starts = []
    for count in counts:
        starts.append(at)
        at += (8 * count + 63) // 64 * 64
    starts.append(at)
    at += filter_bytes(counts[0])
    return _RunSizes((starts[0], starts[1], starts[2], starts[3], starts[4]), at + 32)


def _run_views(memory: npt.NDArray[np.uint8], counts: tuple[int, int, int, int]) -> Run:
    sizes = _run_sizes(counts)
    parts = [memory[sizes.starts[k] : sizes.starts[k] + 8 * counts[k]].view("<u8") for k in range(4)]
    filter_ = memory[sizes.starts[4] : sizes.starts[4] + filter_bytes(counts[0])]
    return Run(parts[0], (parts[1], parts[2], parts[3]), filter_)


def _open_run(path: Path) -> Run | None:
    """A run file's arrays, mapped; None when it is not one. Its hash is not checked here."""
    if not path.exists() or path.stat().st_size < 96:
        return None
    memory = np.memmap(path, dtype=np.uint8, mode="r")
    if memory[:16].tobytes() != RUN_MAGIC:
        return None
    words = memory[16:48].view("<u8")
    counts = (int(words[0]), int(words[1]), int(words[2]), int(words[3]))
    if max(counts) > 1 << 40 or _run_sizes(counts).total != len(memory):
        return None
    return _run_views(memory, counts)


def run_is_whole(path: Path) -> bool:
    """Whether a run file is what was written."""
    if _open_run(path) is None:
        return False
    memory = np.memmap(path, dtype=np.uint8, mode="r")
    return hashlib.sha256(memory[: len(memory) - 32].data).digest() == memory[-32:].tobytes()


def _merge_runs(folder: Path, runs: list[Run], number: int, merged: int) -> tuple[Run, str]:
    ids = _merge_all([run.ids for run in runs])
    user_data = [_merge_all([run.user_data[k] for run in runs]) for k in range(3)]
    counts = (len(ids), len(user_data[0]), len(user_data[1]), len(user_data[2]))
    name = f"run-{number:012d}-{merged}"
    with _RunWriter(folder / name, counts) as writer:
        writer.run.ids[:] = ids
        for k in range(3):
            writer.run.user_data[k][:] = user_data[k]
        build_filter(writer.run.ids, writer.run.filter)
    run = _open_run(folder / name)
    assert run is not None
    return run, name


def _merge_all(parts: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    together = parts[-1]
    for part in reversed(parts[:-1]):
        together = merge_entries(part, together)
    return together


def _write_snapshot(root: Path, meta: dict[str, Any], parts: dict[str, npt.NDArray[np.uint8]]) -> None:
    parts = dict(sorted(parts.items()))  # in the order in which the head names them
    meta = {**meta, "parts": {name: len(content) for name, content in parts.items()}}
    head = json.dumps(meta, sort_keys=True).encode()
    new = root / f"{SNAPSHOT}.new"
    digest = hashlib.sha256()
    with _told(new.name, "write"), new.open("wb") as file:
        pieces: list[bytes | memoryview] = [
            SNAPSHOT_MAGIC,
            len(head).to_bytes(8, "little"),
            head,
        ]
        pieces.extend(part.data for part in parts.values())
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    new.replace(root / SNAPSHOT)
    sync_folder(root)


def _read_snapshot(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.uint8]]] | str:
    """Meta data and parts, or a sentence that says why there are none."""
    content = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, dtype=np.uint8)
    if len(content) < len(SNAPSHOT_MAGIC) + 40 or content[: len(SNAPSHOT_MAGIC)].tobytes() != SNAPSHOT_MAGIC:
        return "this is not a snapshot of this version"
    if hashlib.sha256(content[:-32].data).digest() != content[-32:].tobytes():
        return "the snapshot's bytes do not match its hash"
    at = len(SNAPSHOT_MAGIC)
    length = int.from_bytes(content[at : at + 8].tobytes(), "little")
    meta: dict[str, Any] = json.loads(content[at + 8 : at + 8 + length].tobytes())
    at += 8 + length
    parts = {}
    for name, size in meta["parts"].items():
        parts[name] = np.asarray(content[at : at + size])
        at += size
    return meta, parts


def snapshot_is_whole(path: Path) -> str | None:
    """None when the snapshot is what was written, else why not."""
    loaded = _read_snapshot(path)
    return loaded if isinstance(loaded, str) else None


def _chain_path(root: Path, number: int) -> Path:
    return root / "index" / f"chain-{number:06d}"


def _file_digest(path: Path, length: int) -> str:
    """SHA-256 of the file's first `length` bytes, as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:  # not through a map: touching a hole of a full tmpfs ends the process
        while length and (block := file.read(min(length, 1 << 20))):
            digest.update(block)
            length -= len(block)
    return digest.hexdigest()


def _damaged_files(root: Path, meta: dict[str, Any]) -> list[str]:
    """Which of a snapshot's runs and chains are not what they were. Several are read at once."""

    def chain_is_whole(chain: tuple[int, int, str]) -> bool:
        number, length, digest = chain
        path = _chain_path(root, number)
        return path.exists() and path.stat().st_size >= length and _file_digest(path, length) == digest

    if "chains" not in meta:
        return [SNAPSHOT]
    with ThreadPoolExecutor(4) as readers:
        runs = readers.map(lambda name: run_is_whole(root / "index" / name), meta["runs"])
        chains = readers.map(chain_is_whole, meta["chains"])
        found = [f"index/{name}" for name, whole in zip(meta["runs"], runs, strict=True) if not whole]
        found += [f"index/chain-{c[0]:06d}" for c, whole in zip(meta["chains"], chains, strict=True) if not whole]
    return found


@contextmanager
def _told(name: str, action: str) -> Iterator[None]:
    """A failure of the disk says which file it was."""
    try:
        yield
    except OSError as error:
        raise JournalWriteFailed(file=name, offset=-1, action=action, reason=str(error)) from error


def _allocate(path: Path, length: int) -> None:
    """Give the file disk blocks for its first `length` bytes, so that writing through a map cannot run out of them."""
    with _told(path.name, "allocation"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, length)
        finally:
            os.close(descriptor)


def _sync_path(path: Path) -> None:
    with _told(path.name, "fsync"):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def snapshot_facts(path: Path) -> tuple[int, list[str]]:
    """The slot that a whole snapshot reaches, and the names of the run files it needs."""
    loaded = _read_snapshot(path) if path.exists() else "there is none"
    return (0, []) if isinstance(loaded, str) else (int(loaded[0]["slot"]), list(loaded[0]["runs"]))


def stored_leaf_records(batch: StoredBatch) -> npt.NDArray[np.uint8]:
    """The accepted records of a batch that was read back, uint8[m, 128]."""
    units = np.concatenate([batch.events, batch.resolved]) if len(batch.resolved) else batch.events
    return leaf_records(units, len(batch.events), batch.statuses)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
