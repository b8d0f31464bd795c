"""Read everything a books folder holds again, decide every batch anew, and say what is not as it was acknowledged.

Nothing is changed, and nothing derived is trusted: hashes, chain, times and zeros of the journal; the ledger replayed
from the first batch, which must decide the same; every block's state hash, size, root and place in the chain of blocks;
the stored Merkle log, account chains, index runs and snapshot; the signed checkpoint; and that debits equal credits.

A folder whose writer is at work, in this process or another, is checked up to what was durable at the start.
"""

from __future__ import annotations

import fcntl
import os
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qenex.books.books import LOCK_FILE
from qenex.books.engine import SNAPSHOT, run_is_whole, snapshot_facts, snapshot_is_whole, stored_leaf_records
from qenex.books.leaves import CREATED
from qenex.books.origins import ORIGINS_FILE, OriginEntry, read_origins
from qenex.books.sealing import CHECKPOINT_FILE, Block
from qenex.chain import (
    EMPTY_ROOT,
    Checkpoint,
    LeafKind,
    VerifierKey,
    leaf_hashes,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
)
from qenex.chain.hashing import TILE_WIDTH, OpenTile, tree_hash
from qenex.chain.log import LEVELS, Mark
from qenex.ledger import ACCOUNT, BATCH_MAX, RESULT
from qenex.ledger.native import CoreFull, NativeCore, ReplayDiffers, Run, filter_bytes
from qenex.storage.journal import (
    SEGMENT_SHIFT,
    SEGMENT_SLOTS,
    SLOT,
    BatchKind,
    Finding,
    Journal,
    JournalCorrupt,
    RealDisk,
    StoredBatch,
    place,
)
from qenex.values import CorruptionFound, Refusal

Progress = Callable[[int, int], None]
Hashes = npt.NDArray[np.uint8]

HASH = 32
LOG_MARK_BYTES = 512
FINDINGS_PER_FILE = 20
HASHING_AHEAD = 8
"""Batches whose leaves may wait for the hashing thread."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was read, and every finding. `state_hash` is that of the replayed ledger, in hex."""

    batches: int
    transfers: int
    accounts: int
    state_hash: str
    findings: list[Finding]
    is_running: bool
    """A writer held the folder; what it wrote since the start was left out."""

    @property
    def ok(self) -> bool:
        return not self.findings


def verify(
    folder: str | os.PathLike[str],
    *,
    keys: Sequence[VerifierKey] = (),
    progress: Progress | None = None,
    segment_slots: int = SEGMENT_SLOTS,
) -> VerifyReport:
    """Check everything stored in a books folder; FileNotFoundError when there is none.

    With the log's public `keys` the checkpoint's signatures are checked too. `progress(done, total)` counts batches."""
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root} holds no books")
    with _looking(root) as (running, interrupted):
        examination = Examination(
            root,
            keys=keys,
            progress=progress,
            segment_slots=segment_slots,
            unfinished=running or interrupted,
            interrupted=interrupted,
        )
        examination.run()
        return VerifyReport(
            batches=examination.batches,
            transfers=examination.transfers,
            accounts=examination.accounts,
            state_hash=examination.state_hash,
            findings=examination.findings,
            is_running=running,
        )


@contextmanager
def _looking(root: Path) -> Iterator[tuple[bool, bool]]:
    """Whether a writer holds the folder, and whether the last one was interrupted. Keeps new writers out meanwhile."""
    try:
        descriptor = os.open(root / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False, False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield True, False
            return
        yield False, os.fstat(descriptor).st_size > 0
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class _StoredBlock:
    """A block as journalled, what it must agree with, and where it stands."""

    block: Block
    batch: int
    slot: int
    generation: int
    state_agrees: bool = False


class Examination:
    """One pass over a folder."""

    def __init__(
        self,
        root: Path,
        *,
        keys: Sequence[VerifierKey] = (),
        progress: Progress | None = None,
        segment_slots: int = SEGMENT_SLOTS,
        unfinished: bool = False,
        interrupted: bool = False,
        sizes: Sequence[int] = (),
        entries_at: Sequence[int] = (),
    ) -> None:
        """`unfinished`: a writer is at work, or was `interrupted`: then what it had not made durable may be anything.

        `roots` will hold the log's roots at these `sizes`, and at those with this many of the journal's leaves."""
        self._root = root
        self._sizes = sizes
        self._entries_at = entries_at
        self.roots: dict[int, bytes] = {}
        self.size = 0
        self._keys = keys
        self._progress = progress
        self._segment_slots = segment_slots
        self._unfinished = unfinished
        self._interrupted = interrupted
        self._snapshot_slot = 0
        self.findings: list[Finding] = []
        self.batches = self.transfers = self.accounts = 0
        self.state_hash = ""
        self._leaves = 0
        self._note: str | None = None
        self.origins: list[OriginEntry] = []
        self._blocks: list[_StoredBlock] = []
        self._pending = 0
        self._replaying = True
        self._segment = -1
        self._scratch = np.empty(2 * BATCH_MAX * SLOT, dtype=np.uint8)

    def run(self) -> None:
        # What follows the journal is read before the journal's end is: then it can never be ahead of it.
        snapshot = self._root / SNAPSHOT
        runs = self._check_snapshot(snapshot) if snapshot.exists() else []
        log = StoredLog(self._root / "log", self.findings, unfinished=self._unfinished)
        self._read_checkpoint()
        try:
            journal = self._open_journal()
        except JournalCorrupt as corrupt:
            self._found(corrupt.place, corrupt.detail)
            log.close()
            return
        try:
            self._check_with(journal, log, runs)
        finally:
            log.close()
            journal.close()

    def _open_journal(self) -> Journal:
        """A writer may be writing a copy of the commit mark just now: a damaged one is read again."""
        disk = RealDisk(self._root, read_only=True)
        for attempt in range(10):
            try:
                journal = Journal.open(disk, segment_slots=self._segment_slots, checking=True)
            except FileNotFoundError as missing:
                raise JournalCorrupt(place=Path(missing.filename or "COMMIT").name, detail="is missing") from missing
            if self._interrupted:
                # A mark may have been cut short while it was written; the one before it then still stands, twice.
                journal.findings[:] = [f for f in journal.findings if not journal.is_older_mark(f)]
            if not (self._unfinished and journal.findings) or attempt == 9:
                break
            journal.close()
        return journal

    def _check_with(self, journal: Journal, log: StoredLog, runs: list[str]) -> None:
        try:
            self.origins = read_origins(self._root)
            origins_whole = True
        except (CorruptionFound, ValueError, KeyError, TypeError) as error:
            self._found(ORIGINS_FILE, error.detail if isinstance(error, CorruptionFound) else str(error))
            origins_whole = False
        self._blocks = list(self._read_blocks(journal))
        checkpoint = self._checkpoint()
        trees = self._plant_trees(checkpoint, log if origins_whole else None)
        core = NativeCore(journal.hash_seed)
        total = journal.durable.number - 1
        with ThreadPoolExecutor(1, "verify-leaves") as hashing:
            waiting: deque[Future[None]] = deque()

            def take(batch: StoredBatch) -> None:
                if self._replaying:
                    self._replay(core, journal, batch)
                self._count(batch)
                if self._replaying:
                    self._compare_blocks_here(core)
                if batch.accepted:
                    waiting.append(hashing.submit(_grow, trees, batch))
                    if len(waiting) > HASHING_AHEAD:
                        waiting.popleft().result()
                if self._progress is not None and (batch.number % 64 == 0 or batch.number == total):
                    self._progress(batch.number, total)

            self._compare_blocks_here(core)
            self.findings.extend(journal.check(take, unfinished=self._unfinished))
            for future in waiting:
                future.result()
        self.state_hash = core.state_hash().hex()
        self.accounts = core.info()["accounts"]
        complete = self.batches == total
        self.roots, self.size = trees[-1].roots, trees[-1].size
        self._check_blocks(trees, complete)
        if complete and origins_whole:
            self._check_parents(trees)
            log.check_end(trees[-1])
            self._check_checkpoint(checkpoint, trees[-1])
        if complete and self._replaying:
            self._check_chains(core, journal)
            self._check_sums(core)
        self._check_runs(runs)
        core.close()

    def _found(self, place_: str, detail: str) -> None:
        self.findings.append(Finding(place_, detail))

    # ---- batches -----------------------------------------------------------------------------------------------

    def _read_blocks(self, journal: Journal) -> Iterator[_StoredBlock]:
        """The blocks in the journal, unverified: their state hashes belong to earlier batches than they stand at."""
        try:
            for batch in journal.read(journal.genesis, verify=False):
                if batch.kind == BatchKind.BLOCK and len(batch.events) == 1:
                    block = Block.decode(batch.events[0].tobytes())
                    yield _StoredBlock(block, batch.number, batch.start_slot, self._generation(batch.number))
        except JournalCorrupt:
            return  # The pass that verifies tells of it.

    def _generation(self, batch: int) -> int:
        """How many restores to an earlier instant lie behind this batch: the entries before the log's leaves."""
        for index, origin in enumerate(self.origins):
            if batch >= origin.first_batch:
                return len(self.origins) - index
        return 0

    def _replay(self, core: NativeCore, journal: Journal, batch: StoredBatch) -> None:
        if batch.kind >= BatchKind.BLOCK:
            return
        count = len(batch.events)
        segment = batch.start_slot >> SEGMENT_SHIFT
        if segment != self._segment:
            core.set_segment(segment, journal.segment_memory(segment))
            self._segment = segment
        try:
            _apply_again(core, batch, self._scratch)
        except (ReplayDiffers, ValueError) as error:
            self._found(place(batch.start_slot), f"batch {batch.number}: {error}")
            self._replaying = False
            return
        decided = self._scratch[: (count + len(batch.resolved)) * SLOT].view(np.uint64)
        for stored, again in (
            (batch.events, decided[: count * SLOT // 8]),
            (batch.resolved, decided[count * SLOT // 8 :]),
        ):
            if not np.array_equal(stored.reshape(-1).view(np.uint64), again):
                self._found(place(batch.start_slot), f"batch {batch.number}: its records are not what was decided")

    def _count(self, batch: StoredBatch) -> None:
        created = int(np.count_nonzero(batch.statuses == CREATED))
        accepted = created if batch.kind in _LEAF_KINDS else 0
        if batch.first_leaf != self._leaves or batch.accepted != accepted:
            self._found(place(batch.start_slot), f"batch {batch.number}: its header miscounts the accepted records")
        self._leaves += accepted
        self.batches = batch.number
        if batch.kind == BatchKind.TRANSFERS:
            self.transfers += created

    # ---- blocks ------------------------------------------------------------------------------------------------

    def _compare_blocks_here(self, core: NativeCore) -> None:
        """Compare the state at this boundary with the next block's, if it ended here."""
        while self._pending < len(self._blocks) and self._blocks[self._pending].batch <= self.batches:
            self._pending += 1  # It was journalled before any boundary agreed with it.
        while self._pending < len(self._blocks):
            stored = self._blocks[self._pending]
            block = stored.block
            if block.size - stored.generation != self._leaves or block.timestamp != core.last_timestamp:
                return
            if core.state_hash() != block.state_hash:
                return  # Batches that accept nothing do not move size and time: the boundary may be a later one.
            stored.state_agrees = True
            self._pending += 1

    def _check_blocks(self, trees: list[Tree], complete: bool) -> None:
        previous: Block | None = None
        for stored in self._blocks:
            if stored.batch > self.batches:
                return
            block, where = stored.block, place(stored.slot)
            if block.number != (previous.number + 1 if previous else 1):
                self._found(where, f"block {block.number} does not follow block {previous.number if previous else 0}")
            if block.previous_hash != (previous.digest if previous else bytes(HASH)):
                self._found(where, f"block {block.number} does not continue the hash of the block before")
            if not stored.state_agrees and self._replaying:
                self._found(where, f"block {block.number}: its state hash is not that of the ledger then")
            root = trees[stored.generation].roots.get(block.size)
            if root != block.root and complete:
                self._found(where, f"block {block.number}: its root is not that of the first {block.size} log entries")
            previous = block

    # ---- the log -----------------------------------------------------------------------------------------------

    def _plant_trees(self, checkpoint: Checkpoint | None, log: StoredLog | None) -> list[Tree]:
        """A tree for each origin this log had: they differ in the entries before the journal's."""
        count = len(self.origins)
        wanted: list[set[int]] = [set() for _ in range(count + 1)]
        for stored in self._blocks:
            wanted[stored.generation].add(stored.block.size)
        for index, origin in enumerate(self.origins):
            wanted[count - 1 - index].add(origin.parent.size)
        if checkpoint is not None:
            wanted[count].add(checkpoint.size)
        if log is not None:
            wanted[count].add(log.mark.size)
        wanted[count].update(self._sizes)
        wanted[count].update(count + leaves for leaves in self._entries_at)
        trees = []
        for generation, sizes in enumerate(wanted):
            is_last = generation == count
            tree = Tree(sizes, log if is_last else None, to_the_end=is_last)
            for origin in self.origins[count - generation :]:
                record = np.frombuffer(origin.record, dtype=np.uint8).reshape(1, SLOT)
                tree.add(leaf_hashes(LeafKind.ORIGIN, record))
            trees.append(tree)
        return trees

    def _check_parents(self, trees: list[Tree]) -> None:
        """Each entry before the journal's names its parent truly, as far as the journal still holds that past."""
        kept = 1 << 64
        for index, origin in enumerate(self.origins):
            parent, generation = origin.parent, len(self.origins) - 1 - index
            if origin.first_batch <= kept:
                kept = origin.first_batch
                if trees[generation].roots.get(parent.size) != parent.root:
                    self._found(ORIGINS_FILE, f"{parent.origin} at {parent.size} entries did not have the root named")

    def _read_checkpoint(self) -> None:
        path = self._root / CHECKPOINT_FILE
        if not path.exists():
            return
        try:
            self._note = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            self._found(f"{CHECKPOINT_FILE} byte {error.start}", "this is not UTF-8")

    def _checkpoint(self) -> Checkpoint | None:
        if self._note is None:
            return None
        if self._keys:
            opened = open_checkpoint(self._note, self._keys)
            found = opened if isinstance(opened, Refusal) else opened.checkpoint
        else:
            note = parse_note(self._note)
            found = note if isinstance(note, Refusal) else parse_checkpoint(note.text)
        if isinstance(found, Refusal):
            self._found(CHECKPOINT_FILE, str(found))
            return None
        return found

    def _check_checkpoint(self, checkpoint: Checkpoint | None, tree: Tree) -> None:
        if checkpoint is None:
            return
        if any(origin.parent.origin == checkpoint.origin for origin in self.origins):
            self._found(CHECKPOINT_FILE, f"it is signed under {checkpoint.origin}, which a restore has ended")
        if tree.roots.get(checkpoint.size) != checkpoint.root:
            self._found(CHECKPOINT_FILE, f"its root is not that of the journal's first {checkpoint.size} entries")
        blocks = {s.block.size: s.block.root for s in self._blocks if s.generation == len(self.origins)}
        if blocks.get(checkpoint.size) != checkpoint.root:
            self._found(CHECKPOINT_FILE, f"no block of the journal has its size {checkpoint.size} and root")

    # ---- derived files -----------------------------------------------------------------------------------------

    def _check_snapshot(self, path: Path) -> list[str]:
        """The runs that the snapshot names."""
        try:
            wrong = snapshot_is_whole(path)
            if wrong is None:
                self._snapshot_slot, runs = snapshot_facts(path)
                return runs
        except FileNotFoundError:
            return []
        self._found(SNAPSHOT, wrong)
        return []

    def _check_runs(self, named: list[str]) -> None:
        """Every run that the snapshot names, and when nobody is at work any other too."""
        folder = self._root / "index"
        there = {path.name for path in folder.glob("run-*") if not path.name.endswith(".new")}
        for name in sorted(set(named) | (set() if self._unfinished else there)):
            try:
                if run_is_whole(folder / name):
                    continue
            except FileNotFoundError:
                pass  # It went while it was looked at.
            if self._unfinished and name not in snapshot_facts(self._root / SNAPSHOT)[1]:
                continue  # It was merged into another one meanwhile.
            missing = not (folder / name).exists()
            self._found(
                f"index/{name}",
                "the snapshot names it, and it is missing" if missing else "its bytes do not match its hash",
            )

    def _check_chains(self, core: NativeCore, journal: Journal) -> None:
        """The account chains on disk are those of the replay."""
        last, offset = divmod(journal.durable.slot, SEGMENT_SLOTS)
        disk = RealDisk(self._root, read_only=True)
        for number in range(last + 1):
            name = f"index/chain-{number:06d}"
            if not disk.exists(name):
                if (self._root / SNAPSHOT).exists():
                    self._found(name, "it is missing")
                continue
            file = disk.open(name)
            try:
                if file.size() != 8 * SEGMENT_SLOTS:
                    self._found(f"{name} byte {file.size()}", f"{file.size()} bytes, expected {8 * SEGMENT_SLOTS}")
                    continue
                stored = file.view(8 * SEGMENT_SLOTS)
                used = 8 * (offset if number == last else self._segment_slots)
                if (
                    self._interrupted
                ):  # A power cut takes chains that no snapshot speaks of; the next start makes them anew.
                    used = max(0, min(used, 8 * (self._snapshot_slot - (number << SEGMENT_SHIFT))))
                again = core.regions["CHAIN"].bytes(number * 8 * SEGMENT_SLOTS, used)
                differing = np.flatnonzero(stored[:used].view(np.uint64) != again.view(np.uint64))
                if differing.size:
                    at = 8 * int(differing[0])
                    at += int(np.flatnonzero(stored[at : at + 8] != again[at : at + 8])[0])
                    self._found(f"{name} byte {at}", "the account chain differs from the journal's")
                elif not self._unfinished:
                    for begin, end in file.data_ranges(used):
                        stray = np.flatnonzero(stored[begin:end])
                        if stray.size:
                            self._found(f"{name} byte {begin + int(stray[0])}", "bytes where zeros belong")
                            break
            finally:
                file.close()

    def _check_sums(self, core: NativeCore) -> None:
        """In every ledger debits equal credits, pending and posted."""
        rows = core.export_accounts(0, self.accounts)[:, :SLOT]
        accounts = np.ascontiguousarray(rows).reshape(-1).view(ACCOUNT)
        for ledger in np.unique(accounts["ledger"]):
            of_ledger = accounts[accounts["ledger"] == ledger]
            for state in ("pending", "posted"):
                debits, credits = _sum(of_ledger, f"debits_{state}"), _sum(of_ledger, f"credits_{state}")
                if debits != credits:
                    self._found(f"ledger {ledger}", f"{state} debits of {debits} do not equal credits of {credits}")


class StoredLog:
    """The Merkle log's files, compared hash by hash while the tree is built again. Nothing is changed."""

    def __init__(self, folder: Path, findings: list[Finding], *, unfinished: bool) -> None:
        self._folder = folder
        self._findings = findings
        self._unfinished = unfinished
        self._told: dict[int, int] = {}
        self._files: list[int] = []
        self.mark = Mark(0, 0, EMPTY_ROOT)
        self._read_marks()
        while (path := folder / f"level-{len(self._files)}").exists():
            self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    def _read_marks(self) -> None:
        path = self._folder / "synced"
        for _ in range(10 if self._unfinished else 1):
            content = path.read_bytes() if path.exists() else b""
            slots = [content[at : at + LOG_MARK_BYTES] for at in range(0, len(content), LOG_MARK_BYTES)]
            damaged = [at for at, slot in enumerate(slots) if any(slot) and Mark.decode(slot) is None]
            if not damaged:
                break
        if self._unfinished and len(damaged) < len(slots):
            damaged = []  # It was being written when the writer was interrupted; the one before it still stands.
        self._findings += [
            Finding(f"log/synced byte {at * LOG_MARK_BYTES}", "this record of size and root is damaged")
            for at in damaged
        ]
        marks = [mark for mark in map(Mark.decode, slots) if mark is not None]
        self.mark = max(marks, key=lambda mark: mark.sequence, default=self.mark)

    def compare(self, level: int, first: int, expected: Hashes) -> None:
        """The stored hashes of a level, from number `first` on, as far as they were synced."""
        known = min(len(expected), (self.mark.size >> (8 * level)) - first)
        if known <= 0:
            return
        name = f"log/level-{level}"
        content = os.pread(self._files[level], known * HASH, first * HASH) if level < len(self._files) else b""
        if len(content) < known * HASH:
            self._tell(level, f"{name} byte {first * HASH + len(content)}", "the file ends too early")
            known = len(content) // HASH
        stored = np.frombuffer(content[: known * HASH], dtype=np.uint8).reshape(known, HASH)
        for row in np.flatnonzero((stored != expected[:known]).any(axis=1))[:FINDINGS_PER_FILE]:
            index = first + int(row)
            self._tell(level, f"{name} byte {index * HASH}", f"hash {index} differs from the journal's")

    def check_end(self, tree: Tree) -> None:
        if self.mark.size > tree.size:
            self._findings.append(
                Finding("log/synced", f"{self.mark.size} entries were synced, the journal has {tree.size}")
            )
        elif self.mark.size and tree.roots[self.mark.size] != self.mark.root:
            self._findings.append(Finding("log/synced", f"its root is not that of {self.mark.size} entries"))
        if self._unfinished:
            return
        for level, file in enumerate(self._files):
            expected, size = (self.mark.size >> (8 * level)) * HASH, os.fstat(file).st_size
            if size > expected:
                self._tell(level, f"log/level-{level} byte {expected}", "bytes behind the last hash")

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files = []

    def _tell(self, level: int, place_: str, detail: str) -> None:
        self._told[level] = self._told.get(level, 0) + 1
        if self._told[level] <= FINDINGS_PER_FILE:
            self._findings.append(Finding(place_, detail))


@dataclass(slots=True)
class Tree:
    """A Merkle tree being built again from its leaves; keeps only its right edge and the roots asked for."""

    wanted: set[int]
    stored: StoredLog | None = None
    to_the_end: bool = True
    """Otherwise leaves behind the last size asked for are not taken."""
    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    _stops: list[int] = field(default_factory=list)
    _tiles: list[OpenTile] = field(default_factory=list)
    _edges: list[bytes] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stops = sorted(self.wanted)
        self._tiles = [OpenTile() for _ in range(LEVELS)]
        self._edges = [b""] * LEVELS
        self._counts = [0] * LEVELS
        if 0 in self.wanted:
            self.roots[0] = EMPTY_ROOT

    def add(self, hashes: Hashes) -> None:
        """Append leaf hashes, uint8[n, 32]."""
        while len(hashes):
            at = bisect_left(self._stops, self.size + 1)
            if at == len(self._stops) and not self.to_the_end:
                return
            take = len(hashes) if at == len(self._stops) else min(len(hashes), self._stops[at] - self.size)
            self._append(hashes[:take])
            hashes = hashes[take:]
            if at < len(self._stops) and self.size == self._stops[at]:
                self.roots[self.size] = self.root()

    def _append(self, hashes: Hashes) -> None:
        self.size += len(hashes)
        level = 0
        while len(hashes):
            if self.stored is not None:
                self.stored.compare(level, self._counts[level], hashes)
            self._counts[level] += len(hashes)
            width = self._counts[level] % TILE_WIDTH
            hashes = np.ascontiguousarray(hashes)
            recent = self._edges[level] + hashes[-TILE_WIDTH:].tobytes()
            self._edges[level] = recent[len(recent) - width * HASH :]
            hashes = self._tiles[level].fold(hashes)
            level += 1

    def root(self) -> bytes:
        """The root over all leaves so far. [RFC 9162] 2.1.1"""
        rest = b""
        for edge in self._edges:
            if nodes := edge + rest:
                rest = tree_hash(nodes)
        return rest or EMPTY_ROOT


_LEAF_KINDS = (BatchKind.ACCOUNTS, BatchKind.TRANSFERS, BatchKind.ACCOUNT_UPDATES)


def _grow(trees: list[Tree], batch: StoredBatch) -> None:
    hashes = leaf_hashes(batch.kind, np.ascontiguousarray(stored_leaf_records(batch)))
    for tree in trees:
        tree.add(hashes)


def _apply_again(core: NativeCore, batch: StoredBatch, log_out: npt.NDArray[np.uint8]) -> None:
    """Decide a stored batch again; `log_out` then holds what the journal should hold of it."""
    results = np.zeros(len(batch.events), dtype=RESULT)
    statuses = np.ascontiguousarray(batch.statuses)
    events = None if batch.kind == BatchKind.EXPIRY else batch.events
    while True:
        try:
            core.apply(
                batch.kind, events, len(batch.events), batch.timestamp, log_out, batch.first_slot, results, None, statuses
            )  # fmt: skip
            return
        except CoreFull as full:
            if full.region != CoreFull.INDEX:
                raise
        ids, *user_data = core.seal_begin()
        run = Run(
            np.zeros(ids, dtype=np.uint64),
            (np.zeros(user_data[0], np.uint64), np.zeros(user_data[1], np.uint64), np.zeros(user_data[2], np.uint64)),
            np.zeros(filter_bytes(ids), dtype=np.uint8),
        )
        core.seal_sort(run.ids, run.user_data, run.filter)
        core.seal_finish(run)


def _sum(accounts: npt.NDArray[np.void], name: str) -> int:
    """The exact sum of a u128 field."""
    total = 0
    for part, weight in ((f"{name}_lo", 0), (f"{name}_hi", 64)):
        words = accounts[part]
        total += int((words & np.uint64(0xFFFFFFFF)).sum(dtype=np.uint64)) << weight
        total += int((words >> np.uint64(32)).sum(dtype=np.uint64)) << (weight + 32)
    return total
