"""Append-only, hash-chained batches on disk, and the way back from any crash.

Writing is split so that threads can work side by side: `reserve` and `write_body` belong to the thread that decides,
`seal` (hash, header, trailer) and `commit` (sync, mark) to the one that writes. A batch is acknowledged only after
`commit` returned: by then its bytes are durable, and so is a *commit mark* outside it that says how far the journal
reaches. Recovery therefore knows which bytes may be dropped: only those behind the mark. Anything wrong before it is
corruption, and the journal refuses to open.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qenex.storage.journal.disk import Disk, File, sync, write_all
from qenex.storage.journal.faults import JournalCorrupt, JournalFull, JournalStopped, JournalWriteFailed
from qenex.storage.journal.format import (
    BATCH_MAGIC,
    GENESIS_HASH,
    HEADER,
    MARK,
    MARK_MAGIC,
    SEGMENT_HEADER,
    SEGMENT_MAGIC,
    SEGMENT_SHIFT,
    SEGMENT_SLOTS,
    SLOT,
    SLOTS_MAX,
    TRAILER,
    TRAILER_MAGIC,
    VERSION,
    BatchKind,
    place,
    seal_unit,
    slots_for,
    unit_is_whole,
)

SEGMENTS = "segments"
MARK_FILE = "COMMIT"
MARK_NEW = "COMMIT.new"
MARK_STRIDE = 4096
MARK_COPIES = 4  # two marks in turn, each twice, each in its own disk block
FILL_FIRST = 1 << 20
FILL_MAX = 64 << 20
ZEROS_UP_TO = 16 << 20
_ZEROS = memoryview(bytes(1 << 20))


@dataclass(slots=True)
class PreparedBatch:
    """A decided batch on its way to the disk. `events` holds the events and behind them the resolved records."""

    kind: int
    count: int
    resolved: int
    accepted: int
    timestamp: int
    first_leaf: int
    start_slot: int
    events: memoryview
    statuses: bytes
    attachments: bytes
    number: int = 0
    end_slot: int = 0
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as read back. events, resolved: uint8[n, 128]; statuses: uint32[n]; commitments: uint8[n, 32] or None."""

    kind: int
    number: int
    timestamp: int
    first_leaf: int
    accepted: int
    start_slot: int
    end_slot: int
    events: np.ndarray
    resolved: np.ndarray
    statuses: np.ndarray
    commitments: np.ndarray | None
    previous_hash: bytes
    digest: bytes

    @property
    def first_slot(self) -> int:
        """The slot of event 0."""
        return self.start_slot + 1


@dataclass(frozen=True, slots=True)
class Position:
    """A point between two batches: where the next one starts, its number, the hash it continues, and the last time."""

    slot: int
    number: int
    digest: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: where, and what."""

    place: str
    detail: str


class _Segment:
    def __init__(self, number: int, file: File, slots: int, *, filled: int) -> None:
        self.number = number
        self.file = file
        self.slots = slots
        self.filled = filled  # bytes that are allocated on disk and known to be zero or written
        self.memory = file.view(slots * SLOT)


class Journal:
    """One folder's journal. Use `Journal.create` or `Journal.open`; then `position` is where the next batch goes."""

    def __init__(
        self, disk: Disk, *, segment_slots: int, journal_id: bytes, hash_seed: bytes, work_ahead: bool
    ) -> None:
        self._disk = disk
        self._segment_slots = segment_slots
        self.journal_id = journal_id
        self.hash_seed = hash_seed
        self._work_ahead = work_ahead
        self._segments: dict[int, _Segment] = {}
        self._spare: _Segment | None = None
        self._filler: threading.Thread | None = None
        self._filler_fault: JournalWriteFailed | None = None
        self._mark_file: File | None = None
        self._mark_sequence = 0
        self._dirty: set[int] = set()
        self._stopped: str | None = None
        self.findings: list[Finding] = []
        # The deciding thread's position, and the writing thread's.
        self._next_slot = 1
        self._sealed = Position(slot=1, number=1, digest=GENESIS_HASH, timestamp=0)
        self.durable = self._sealed

    # ---- opening -----------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        disk: Disk,
        *,
        journal_id: bytes,
        hash_seed: bytes,
        segment_slots: int = SEGMENT_SLOTS,
        work_ahead: bool = True,
    ) -> Journal:
        """A new journal in an empty folder; durable, with its directory entries, when this returns.

        With `work_ahead` a background thread keeps room ready; without it every step happens in the caller's order."""
        if segment_slots > SEGMENT_SLOTS or len(journal_id) != 16 or len(hash_seed) != 16:
            raise ValueError("segment_slots <= 2^21, journal_id and hash_seed are 16 bytes each")
        journal = cls(
            disk, segment_slots=segment_slots, journal_id=journal_id, hash_seed=hash_seed, work_ahead=work_ahead
        )
        disk.make_folder(SEGMENTS)
        _check_nothing_is_lost(disk)
        segment = journal._create_segment(0)
        journal._segments[0] = segment
        journal._write_segment_header(segment, journal._sealed)
        sync(segment.file)
        disk.sync_folder(SEGMENTS)
        # The mark gets its name last and whole: until then there is no journal, and creating it may start again.
        mark = disk.open(MARK_NEW, create=True)
        write_all(mark, mark_content(journal._sealed, journal_id), 0)
        sync(mark)
        disk.replace(MARK_NEW, MARK_FILE)
        disk.sync_folder(".")
        journal._mark_file = mark
        journal._mark_sequence = 1
        return journal

    @staticmethod
    def is_there(disk: Disk) -> bool:
        """Whether the folder holds a journal (its commit mark and first segment)."""
        return disk.exists(MARK_FILE) and disk.exists(f"{SEGMENTS}/000000.qxj")

    @classmethod
    def open(
        cls, disk: Disk, *, segment_slots: int = SEGMENT_SLOTS, checking: bool = False, work_ahead: bool = True
    ) -> Journal:
        """The journal of a folder. Its batches must then be read with `replay`, which ends in a writable journal.

        With `checking` nothing is changed and a damaged first header is left for `check` to report."""
        mark_file = disk.open(MARK_FILE)
        marks, findings = _read_marks(mark_file)
        if not marks:
            raise JournalCorrupt(place=f"{MARK_FILE} byte 0", detail="no copy of the commit mark is whole")
        best = max(marks, key=lambda mark: int(mark["sequence"]))
        journal_id = best["journal_id"].tobytes()
        journal = cls(
            disk, segment_slots=segment_slots, journal_id=journal_id, hash_seed=bytes(16), work_ahead=work_ahead
        )
        journal.findings.extend(findings)
        if checking:
            journal.findings.extend(_stray_bytes(mark_file))
        journal._mark_file = mark_file
        journal._mark_sequence = int(best["sequence"])
        journal.durable = Position(
            slot=int(best["end_slot"]),
            number=int(best["next_number"]),
            digest=best["hash"].tobytes(),
            timestamp=int(best["timestamp"]),
        )
        for name in disk.names(SEGMENTS):
            if not name.endswith(".qxj"):
                continue
            number = int(name.split(".")[0])
            file = disk.open(f"{SEGMENTS}/{name}")
            size = file.size()
            if size < segment_slots * SLOT:
                if number <= journal.durable.slot >> SEGMENT_SHIFT:
                    detail = f"{size} bytes, expected {segment_slots * SLOT}"
                    raise JournalCorrupt(place=f"{SEGMENTS}/{name} byte {size}", detail=detail)
                if checking:
                    file.close()
                    continue
                file.truncate(segment_slots * SLOT)
            elif size > segment_slots * SLOT and checking:
                journal.findings.append(
                    Finding(f"{SEGMENTS}/{name} byte {segment_slots * SLOT}", "bytes behind the segment's end")
                )
            journal._segments[number] = _Segment(number, file, segment_slots, filled=0)
        header = journal._segment_header(0)
        if header is None:
            if not checking:
                raise JournalCorrupt(place=place(0), detail="the first segment's header is damaged or missing")
            return journal
        if header["journal_id"].tobytes() != journal_id:
            raise JournalCorrupt(place=place(0), detail="segment and commit mark belong to different journals")
        journal.hash_seed = header["hash_seed"].tobytes()
        return journal

    def check(
        self, progress: Callable[[StoredBatch], None] | None = None, *, unfinished: bool = False
    ) -> Iterator[Finding]:
        """Everything that is not as it was acknowledged, each with its place. Changes nothing.

        `progress` is called with each batch that verified. With `unfinished` a writer is at work, or was interrupted:
        what stands behind the last acknowledged batch is then none of our business."""
        yield from self.findings
        headers = [f for n in range((self.durable.slot >> SEGMENT_SHIFT) + 1) for f in self._check_segment_header(n)]
        yield from headers
        if headers:
            return
        at = self.genesis
        try:
            for batch in self.read(at):
                if batch.start_slot >> SEGMENT_SHIFT != at.slot >> SEGMENT_SHIFT:
                    yield from self._check_zeros(at.slot)
                at = Position(batch.end_slot, batch.number + 1, batch.digest, batch.timestamp)
                if progress is not None:
                    progress(batch)
        except JournalCorrupt as corrupt:
            yield Finding(place=corrupt.place, detail=corrupt.detail)
            return
        if unfinished:
            return
        yield from self._check_zeros(self.durable.slot)
        for number in self.segment_numbers():
            if number > self.durable.slot >> SEGMENT_SHIFT:
                yield from self._check_zeros(number << SEGMENT_SHIFT)

    def _check_segment_header(self, number: int) -> Iterator[Finding]:
        if self._segment_header(number) is None:
            yield Finding(place=place(number << SEGMENT_SHIFT), detail="the segment header is damaged or missing")

    def _check_zeros(self, slot: int) -> Iterator[Finding]:
        """Behind a segment's last batch there are only zeros."""
        number, offset = divmod(slot, SEGMENT_SLOTS)
        segment = self._segments[number]
        for start, end in segment.file.data_ranges(offset * SLOT):
            for begin in range(start, end, 1 << 20):
                found = np.flatnonzero(segment.memory[begin : min(end, begin + (1 << 20))])
                if found.size:
                    byte = begin + int(found[0])
                    yield Finding(place=f"{SEGMENTS}/{number:06d}.qxj byte {byte}", detail="bytes where zeros belong")
                    return

    # ---- reading -----------------------------------------------------------------------------------------------

    @property
    def genesis(self) -> Position:
        """Where the first batch starts."""
        return Position(slot=1, number=1, digest=GENESIS_HASH, timestamp=0)

    def read(self, start: Position, *, verify: bool = True, until: Position | None = None) -> Iterator[StoredBatch]:
        """Batches from `start` up to `until` (default: the durable end). Raises JournalCorrupt with the place.

        With `verify`, hashes, chain, numbers and times are checked; without it only headers are."""
        end = until or self.durable
        at = start
        while at.number < end.number:
            batch = self._read_one(at, verify=verify, end_slot=end.slot)
            if isinstance(batch, Finding):
                raise JournalCorrupt(place=batch.place, detail=batch.detail)
            yield batch
            at = Position(slot=batch.end_slot, number=batch.number + 1, digest=batch.digest, timestamp=batch.timestamp)
        if at.slot != end.slot or (at.digest != end.digest and verify):
            raise JournalCorrupt(place=place(at.slot), detail="the chain does not end where the commit mark says")

    def replay(self, start: Position) -> Iterator[StoredBatch]:
        """Every batch from `start`: first those that the commit mark covers, then whole ones behind it, which were
        written but perhaps not acknowledged. What follows them is a torn tail: it is wiped, and `findings` says so.
        The journal is writable once the iterator is exhausted."""
        yield from self.read(start)
        at = self.durable
        while True:
            batch = self._read_one(at, verify=True, end_slot=None)
            if isinstance(batch, Finding):
                break
            yield batch
            at = Position(slot=batch.end_slot, number=batch.number + 1, digest=batch.digest, timestamp=batch.timestamp)
        self._finish_recovery(at)

    def batch_at(self, start_slot: int) -> StoredBatch:
        """The batch whose header stands at `start_slot`, unverified but for its header."""
        batch = self._read_one(
            Position(slot=start_slot, number=0, digest=b"", timestamp=0), verify=False, end_slot=None
        )
        if isinstance(batch, Finding):
            raise JournalCorrupt(place=batch.place, detail=batch.detail)
        return batch

    def segment_memory(self, number: int) -> np.ndarray:
        """The segment's bytes, read-only; later writes show."""
        return self._segments[number].memory

    def segment_numbers(self) -> list[int]:
        return sorted(self._segments)

    @property
    def segment_slots(self) -> int:
        return self._segment_slots

    def is_older_mark(self, finding: Finding) -> bool:
        """Whether a finding is about a copy of the commit mark before the newest."""
        newest = 2 * (self._mark_sequence % 2)
        older = [copy for copy in range(MARK_COPIES) if copy not in (newest, newest + 1)]
        return finding.place in {f"{MARK_FILE} byte {copy * MARK_STRIDE}" for copy in older}

    def bytes_to(self, position: Position) -> int:
        """Bytes of journal in use up to `position`, segment headers and ends included."""
        segment, offset = divmod(position.slot, SEGMENT_SLOTS)
        return (segment * self._segment_slots + offset) * SLOT

    def _read_one(self, at: Position, *, verify: bool, end_slot: int | None) -> StoredBatch | Finding:
        """The batch at a position, or why there is none."""
        slot = at.slot
        content = self._unit(slot)
        if content is None or not content.startswith(BATCH_MAGIC):
            jumped = self._next_segment_start(at, verify=verify)
            if jumped is None:
                return Finding(place(slot), "no batch header")
            slot = jumped
            content = self._unit(slot)
        if content is None or not unit_is_whole(content, BATCH_MAGIC):
            return Finding(place(slot), "the batch header is damaged")
        header = np.frombuffer(content, dtype=HEADER)[0]
        count, resolved = int(header["count"]), int(header["resolved"])
        attachment_bytes, total = int(header["attachment_bytes"]), int(header["slots"])
        status_slots = slots_for(4 * count) if header["has_statuses"] else 0
        if int(header["version"]) != VERSION:
            return Finding(place(slot), f"batch format {int(header['version'])} is not known to this version")
        if total != 2 + count + resolved + status_slots + slots_for(attachment_bytes):
            return Finding(place(slot), "the batch header's sizes disagree")
        if int(header["start_slot"]) != slot or (slot & (SEGMENT_SLOTS - 1)) + total > self._segment_slots:
            return Finding(place(slot), "the batch header does not belong here")
        if end_slot is not None and slot + total > end_slot:
            return Finding(place(slot), "the batch runs past the commit mark")
        memory = self._segments[slot >> SEGMENT_SHIFT].memory
        base = (slot & (SEGMENT_SLOTS - 1)) * SLOT
        end = base + total * SLOT
        trailer_bytes = memory[end - SLOT : end].tobytes()
        if not unit_is_whole(trailer_bytes, TRAILER_MAGIC):
            return Finding(place(slot), "the batch trailer is damaged")
        trailer = np.frombuffer(trailer_bytes, dtype=TRAILER)[0]
        digest = trailer["hash"].tobytes()
        previous = header["previous_hash"].tobytes()
        if verify:
            if int(header["number"]) != at.number:
                return Finding(place(slot), f"batch number {int(header['number'])}, expected {at.number}")
            if int(trailer["number"]) != at.number or int(trailer["slots"]) != total:
                return Finding(place(slot), "the batch trailer belongs to another batch")
            if previous != at.digest:
                return Finding(place(slot), "the batch does not continue the hash of the batch before")
            if int(header["timestamp"]) < at.timestamp:
                return Finding(place(slot), "the batch's time is before the batch before it")
            if hashlib.sha256(memory[base : end - SLOT].data).digest() != digest:
                return Finding(place(slot), "the batch's bytes do not match its hash")
        return self._decode(header, slot, previous, digest)

    def _decode(self, header: np.void, slot: int, previous: bytes, digest: bytes) -> StoredBatch:
        memory = self._segments[slot >> SEGMENT_SHIFT].memory
        base = (slot & (SEGMENT_SLOTS - 1)) * SLOT + SLOT
        count, resolved = int(header["count"]), int(header["resolved"])
        events = memory[base : base + count * SLOT].reshape(count, SLOT)
        base += count * SLOT
        stored = memory[base : base + resolved * SLOT].reshape(resolved, SLOT)
        base += resolved * SLOT
        if header["has_statuses"]:
            statuses = memory[base : base + 4 * count].view("<u4")
            base += slots_for(4 * count) * SLOT
        else:
            statuses = np.full(count, 0xFFFFFFFF, dtype="<u4")
        attachment_bytes = int(header["attachment_bytes"])
        commitments = memory[base : base + attachment_bytes].reshape(count, 32) if attachment_bytes else None
        return StoredBatch(
            kind=int(header["kind"]),
            number=int(header["number"]),
            timestamp=int(header["timestamp"]),
            first_leaf=int(header["first_leaf"]),
            accepted=int(header["accepted"]),
            start_slot=slot,
            end_slot=slot + int(header["slots"]),
            events=events,
            resolved=stored,
            statuses=statuses,
            commitments=commitments,
            previous_hash=previous,
            digest=digest,
        )

    def _unit(self, slot: int) -> bytes | None:
        segment = self._segments.get(slot >> SEGMENT_SHIFT)
        offset = slot & (SEGMENT_SLOTS - 1)
        if segment is None or offset >= segment.slots:
            return None
        return segment.memory[offset * SLOT : offset * SLOT + SLOT].tobytes()

    def _segment_header(self, number: int) -> np.void | None:
        content = self._unit(number << SEGMENT_SHIFT)
        if content is None or not unit_is_whole(content, SEGMENT_MAGIC):
            return None
        header: np.void = np.frombuffer(content, dtype=SEGMENT_HEADER)[0]
        return header if int(header["segment"]) == number else None

    def _next_segment_start(self, at: Position, *, verify: bool) -> int | None:
        """The first batch's slot of the segment after `at`'s, when its header continues this chain."""
        number = (at.slot >> SEGMENT_SHIFT) + 1
        header = self._segment_header(number)
        if header is None:
            return None
        if verify and (header["previous_hash"].tobytes() != at.digest or int(header["next_number"]) != at.number):
            return None
        return (number << SEGMENT_SHIFT) + 1

    def _finish_recovery(self, at: Position) -> None:
        wiped = 0
        last, offset = divmod(at.slot, SEGMENT_SLOTS)
        for number in self.segment_numbers():
            if number < last:
                continue
            segment = self._segments[number]
            wiped += _wipe(segment, offset * SLOT if number == last else 0)
            if number > last:
                segment.file.close()
                self._disk.remove(f"{SEGMENTS}/{number:06d}.qxj")
                del self._segments[number]
        if wiped:
            self.findings.append(Finding(place(at.slot), f"dropped {wiped} bytes that were never acknowledged"))
        self._disk.sync_folder(SEGMENTS)
        self._sealed = at
        self._next_slot = at.slot
        if at.number != self.durable.number or wiped:
            sync(self._segments[last].file)
        self._write_mark(at)

    # ---- writing -----------------------------------------------------------------------------------------------

    @property
    def next_slot(self) -> int:
        return self._next_slot

    def reserve(self, slots: int) -> int:
        """The start slot for a batch of at most `slots` slots; opens the next segment when this one is too short."""
        self._check_running()
        if slots > self._segment_slots - 2:
            raise ValueError(f"a batch of {slots} slots does not fit a segment of {self._segment_slots}")
        number, offset = divmod(self._next_slot, SEGMENT_SLOTS)
        if offset + slots >= self._segment_slots:  # the last slot stays free: no batch ends on a segment's edge
            number, offset = number + 1, 1
            if ((number << SEGMENT_SHIFT) | self._segment_slots) >= SLOTS_MAX:
                raise JournalFull("the journal has used its 2^32 slots; start a new folder with the closing balances")
            self._open_next_segment(number)
            self._next_slot = (number << SEGMENT_SHIFT) + 1
        segment = self._segments[number]
        needed = (offset + slots) * SLOT
        if needed > segment.filled:
            self._fill(segment, needed)
        elif segment.filled - needed < FILL_MAX // 2:
            self._fill_ahead(segment)
        return self._next_slot

    def write_body(self, start_slot: int, parts: Sequence[memoryview | bytes], slots: int) -> None:
        """Hand the body's bytes to the operating system and move on; the batch takes `slots` slots in all."""
        number, offset = divmod(start_slot, SEGMENT_SLOTS)
        file = self._segments[number].file
        at = (offset + 1) * SLOT
        try:
            for part in parts:
                write_all(file, part, at)
                at += slots_for(len(part)) * SLOT
        except JournalWriteFailed as fault:
            self.stop(str(fault))
            raise
        self._next_slot = start_slot + slots

    def seal(self, batch: PreparedBatch) -> None:
        """Number the batch, chain its hash and write header and trailer. Called in the order of `reserve`."""
        self._check_running()
        previous = self._sealed
        status_slots = slots_for(len(batch.statuses))
        total = 2 + batch.count + batch.resolved + status_slots + slots_for(len(batch.attachments))
        segment_number, offset = divmod(batch.start_slot, SEGMENT_SLOTS)
        segment = self._segments[segment_number]
        if segment_number != previous.slot >> SEGMENT_SHIFT:
            self._write_segment_header(segment, previous)
        unit = np.zeros((), dtype=HEADER)
        unit["magic"] = BATCH_MAGIC
        unit["version"] = VERSION
        unit["kind"] = batch.kind
        unit["count"] = batch.count
        unit["resolved"] = batch.resolved
        unit["has_statuses"] = bool(batch.statuses)
        unit["number"] = previous.number
        unit["timestamp"] = batch.timestamp
        unit["first_leaf"] = batch.first_leaf
        unit["accepted"] = batch.accepted
        unit["attachment_bytes"] = len(batch.attachments)
        unit["slots"] = total
        unit["start_slot"] = batch.start_slot
        unit["previous_hash"] = np.void(previous.digest)
        header = seal_unit(unit)
        digest = hashlib.sha256(header)
        digest.update(batch.events)
        for part in (batch.statuses, batch.attachments):
            if part:
                digest.update(part)
                digest.update(bytes(-len(part) % SLOT))
        batch.number = previous.number
        batch.digest = digest.digest()
        batch.end_slot = batch.start_slot + total
        ending = np.zeros((), dtype=TRAILER)
        ending["magic"] = TRAILER_MAGIC
        ending["number"] = batch.number
        ending["hash"] = np.void(batch.digest)
        ending["slots"] = total
        try:
            write_all(segment.file, header, offset * SLOT)
            write_all(segment.file, seal_unit(ending), (offset + total - 1) * SLOT)
        except JournalWriteFailed as fault:
            self.stop(str(fault))
            raise
        self._dirty.add(segment_number)
        self._sealed = Position(
            slot=batch.end_slot, number=batch.number + 1, digest=batch.digest, timestamp=batch.timestamp
        )

    def commit(self) -> Position:
        """Make every sealed batch durable, then the mark that says so. Afterwards they may be acknowledged."""
        self._check_running()
        try:
            for number in sorted(self._dirty):
                sync(self._segments[number].file)
            self._dirty.clear()
            self._write_mark(self._sealed)
        except JournalWriteFailed as fault:
            self.stop(str(fault))
            raise
        return self.durable

    def stop(self, reason: str) -> None:
        """Take nothing more; the first reason stays."""
        if self._stopped is None:
            self._stopped = reason

    @property
    def stopped(self) -> str | None:
        return self._stopped

    def close(self) -> None:
        """Release the files. Does not write: what was committed is already safe."""
        self.stop("closed")
        if self._filler is not None:
            self._filler.join()
        for segment in self._segments.values():
            segment.file.close()
        if self._spare is not None:
            self._spare.file.close()
        if self._mark_file is not None:
            self._mark_file.close()

    def _check_running(self) -> None:
        if self._stopped is not None:
            raise JournalStopped(self._stopped)
        if self._filler_fault is not None:
            self.stop(str(self._filler_fault))
            raise self._filler_fault

    def _write_mark(self, position: Position) -> None:
        sequence = self._mark_sequence + 1
        file = self._mark_file
        assert file is not None
        for offset, mark in _mark_copies(position, sequence, self.journal_id):
            write_all(file, mark, offset)
        sync(file)
        self._mark_sequence = sequence
        self.durable = position

    def _write_segment_header(self, segment: _Segment, continues: Position) -> None:
        unit = np.zeros((), dtype=SEGMENT_HEADER)
        unit["magic"] = SEGMENT_MAGIC
        unit["version"] = VERSION
        unit["segment"] = segment.number
        unit["journal_id"] = np.void(self.journal_id)
        unit["hash_seed"] = np.void(self.hash_seed)
        unit["previous_hash"] = np.void(continues.digest)
        unit["next_number"] = continues.number
        write_all(segment.file, seal_unit(unit), 0)
        self._dirty.add(segment.number)

    # ---- room ahead --------------------------------------------------------------------------------------------

    def _create_segment(self, number: int, fill: int = FILL_FIRST) -> _Segment:
        name = f"{SEGMENTS}/{number:06d}.qxj"
        file = self._disk.open(name, create=True)
        try:
            file.truncate(self._segment_slots * SLOT)
        except OSError as error:
            raise JournalWriteFailed(file=name, offset=0, action="truncate", reason=str(error)) from error
        self._disk.sync_folder(SEGMENTS)
        segment = _Segment(number, file, self._segment_slots, filled=0)
        _make_room(segment, fill)
        return segment

    def _open_next_segment(self, number: int) -> None:
        self._join_filler()
        spare, self._spare = self._spare, None
        self._segments[number] = spare if spare is not None else self._create_segment(number)

    def _fill(self, segment: _Segment, needed: int) -> None:
        self._join_filler()
        if needed > segment.filled:
            _make_room(segment, max(needed, min(segment.filled * 2, segment.filled + FILL_MAX)))

    def _fill_ahead(self, segment: _Segment) -> None:
        if not self._work_ahead or (self._filler is not None and self._filler.is_alive()):
            return
        room = segment.slots * SLOT
        if segment.filled < room:
            if segment.filled < FILL_MAX:
                return  # A small journal grows when it must, by doubling.
            self._filler = threading.Thread(target=self._fill_in_background, args=(segment, None), daemon=True)
        elif self._spare is None and segment.number == max(self._segments):
            self._filler = threading.Thread(
                target=self._fill_in_background, args=(None, segment.number + 1), daemon=True
            )
        else:
            return
        self._filler.start()

    def _fill_in_background(self, segment: _Segment | None, number: int | None) -> None:
        try:
            if segment is None:
                assert number is not None
                segment = self._create_segment(number, fill=FILL_MAX)
                self._spare = segment
            else:
                _make_room(segment, segment.filled + FILL_MAX)
            sync(segment.file)
        except JournalWriteFailed as fault:
            self._filler_fault = fault

    def _join_filler(self) -> None:
        if self._filler is not None and self._filler is not threading.current_thread():
            self._filler.join()
            self._filler = None
        if self._filler_fault is not None:
            self.stop(str(self._filler_fault))
            raise self._filler_fault


def _make_room(segment: _Segment, target: int) -> None:
    """Disk space up to byte `target`, so that running out of it is known before anything is decided.

    The first MiBs are written with zeros: later writes then change no block map, and the sync of a small batch is about
    twice as quick. Behind them space is only reserved: a busy journal's time goes into copying, not into syncs."""
    target = min(target, segment.slots * SLOT)
    while segment.filled < min(target, ZEROS_UP_TO):
        step = min(len(_ZEROS), target - segment.filled)
        write_all(segment.file, _ZEROS[:step], segment.filled)
        segment.filled += step
    if segment.filled < target:
        try:
            segment.file.allocate(segment.filled, target)
        except OSError as error:
            raise JournalWriteFailed(
                file=segment.file.name, offset=segment.filled, action="allocation", reason=str(error)
            ) from error
        segment.filled = target


def _wipe(segment: _Segment, start: int) -> int:
    """Overwrite with zeros whatever is not zero from byte `start` on; returns how many bytes were not."""
    stray = 0
    segment.filled = start
    for first, end in segment.file.data_ranges(start):
        for begin in range(first, end, 1 << 20):
            block = segment.memory[begin : min(end, begin + (1 << 20))]
            found = int(np.count_nonzero(block))
            if found:
                stray += found
                write_all(segment.file, bytes(len(block)), begin)
        if first <= segment.filled:
            segment.filled = max(segment.filled, min(end, len(segment.memory)))
    return stray


def _check_nothing_is_lost(disk: Disk) -> None:
    """Raise JournalCorrupt when a journal's mark or first segment is missing but the rest of it is there."""
    if disk.exists(MARK_FILE):
        file = disk.open(MARK_FILE)
        try:
            marks, _ = _read_marks(file)
        finally:
            file.close()
        if any(int(mark["next_number"]) > 1 for mark in marks):
            raise JournalCorrupt(place=place(0), detail="the first segment is missing, and the commit mark is not")
    for name in disk.names(SEGMENTS):
        file = disk.open(f"{SEGMENTS}/{name}")
        try:
            begun = file.pread(len(BATCH_MAGIC), SLOT) == BATCH_MAGIC
        finally:
            file.close()
        if begun:
            detail = f"the commit mark is missing, and {SEGMENTS}/{name} holds batches"
            raise JournalCorrupt(place=f"{MARK_FILE} byte 0", detail=detail)


def _read_marks(file: File) -> tuple[list[np.void], list[Finding]]:
    """The whole copies of the commit mark, and a sentence for each damaged one."""
    whole: list[np.void] = []
    findings: list[Finding] = []
    for copy in range(MARK_COPIES):
        content = file.pread(SLOT, copy * MARK_STRIDE)
        if unit_is_whole(content, MARK_MAGIC):
            whole.append(np.frombuffer(content, dtype=MARK)[0])
        elif any(content):
            findings.append(
                Finding(f"{MARK_FILE} byte {copy * MARK_STRIDE}", "this copy of the commit mark is damaged")
            )
    return whole, findings


def _mark_copies(position: Position, sequence: int, journal_id: bytes) -> Iterator[tuple[int, bytes]]:
    """The two copies of a commit mark, each with its offset."""
    unit = np.zeros((), dtype=MARK)
    unit["magic"] = MARK_MAGIC
    unit["version"] = VERSION
    unit["sequence"] = sequence
    unit["next_number"] = position.number
    unit["timestamp"] = position.timestamp
    unit["end_slot"] = position.slot
    unit["hash"] = np.void(position.digest)
    unit["journal_id"] = np.void(journal_id)
    for copy in (0, 1):
        unit["copy"] = copy
        yield ((sequence % 2) * 2 + copy) * MARK_STRIDE, seal_unit(unit)


def mark_content(position: Position, journal_id: bytes) -> bytes:
    """The content of a commit mark file for a journal that ends at `position`."""
    content = bytearray(MARK_STRIDE * MARK_COPIES)
    for offset, mark in _mark_copies(position, 1, journal_id):
        content[offset : offset + SLOT] = mark
    return bytes(content)


def _stray_bytes(file: File) -> Iterator[Finding]:
    """Around the copies of the commit mark there are only zeros, and the file has its length."""
    content = np.frombuffer(file.pread(MARK_STRIDE * MARK_COPIES + 1, 0), dtype=np.uint8)
    if len(content) != MARK_STRIDE * MARK_COPIES:
        yield Finding(f"{MARK_FILE} byte {len(content)}", f"{file.size()} bytes, expected {MARK_STRIDE * MARK_COPIES}")
        return
    around = content.reshape(MARK_COPIES, MARK_STRIDE)[:, SLOT:]
    if around.any():
        copy, byte = (int(axis[0]) for axis in np.nonzero(around))
        yield Finding(f"{MARK_FILE} byte {copy * MARK_STRIDE + SLOT + byte}", "bytes where zeros belong")


def block_kind(kind: int) -> bool:
    """Whether a batch of this kind is written about the ledger rather than decided by it."""
    return kind >= BatchKind.BLOCK
