"""Copies of the books that can be trusted, and the way back from one.

A backup is a folder: the journal's segments up to one durable position, a commit mark for it, the entries that name
parent logs, the last checkpoint, and `manifest.json` with the hash of each. Index, snapshot and Merkle log are derived
from the journal and not in it. A restore believes nothing: hashes, chain and every decision are checked first.

Restored to the latest state, the books continue their log, if that extends the newest known checkpoint. Restored to an
earlier instant, they begin a new log whose first entry names the old one: holders of later receipts must never see two
logs of one name. `Books.open` then refuses the old origin; `new_origin_name` proposes the next.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qenex.books.documents import read_document, sync_folder, write_document
from qenex.books.origins import ORIGINS_FILE, OriginEntry, new_origin_name, write_origins
from qenex.books.refusals import (
    BOOKS_BACKUP_DAMAGED,
    BOOKS_BACKUP_UNKNOWN,
    BOOKS_FOLDER_NOT_EMPTY,
    RESTORE_BEFORE_FIRST_BATCH,
    RESTORE_LOSES_CHECKPOINT,
)
from qenex.books.sealing import CHECKPOINT_FILE
from qenex.books.verify import Examination
from qenex.chain import Checkpoint, ParentLog, VerifierKey, open_checkpoint, parse_checkpoint, parse_note
from qenex.storage.journal import (
    MARK_FILE,
    SEGMENT_SLOTS,
    SEGMENTS,
    SLOT,
    Finding,
    Journal,
    JournalCorrupt,
    Position,
    RealDisk,
    mark_content,
)
from qenex.values import Clock, CorruptionFound, Refusal, SystemClock, refuse

if TYPE_CHECKING:
    from qenex.books.books import Books

__all__ = ["BackupReport", "RestoreReport", "backup", "new_origin_name", "restore"]

Progress = Callable[[int, int], None]

MANIFEST = "manifest.json"
FORMAT = "QENEX-BOOKS-BACKUP-1"
COPY_BYTES = 1 << 22
_NAMES = re.compile(rf"{MARK_FILE}|{re.escape(ORIGINS_FILE)}|{CHECKPOINT_FILE}|{SEGMENTS}/[0-9]{{6}}\.qxj")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was copied: everything up to batch `batches`."""

    batches: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The restored books. `origin` is the log that the backup's books signed, empty if they signed none."""

    batches: int
    transfers: int
    accounts: int
    state_hash: str
    origin: str
    retired_origin: str
    """The origin that must not be signed under any more: `origin` after a restore to an instant, else empty."""


# ---- backup ------------------------------------------------------------------------------------------------------


def backup(
    books: Books, out_folder: str | os.PathLike[str], *, progress: Progress | None = None
) -> BackupReport | Refusal:
    """Copy what is durable now into a folder that is new or empty; it appears whole. `progress(done, all)`: bytes.

    The books go on meanwhile: what stands before the durable end of a journal never changes."""
    target = Path(out_folder)
    if _is_occupied(target):
        return refuse(BOOKS_FOLDER_NOT_EMPTY, folder=target)
    # The checkpoint first: the position taken after it then covers everything it speaks of.
    note = books.latest_checkpoint()
    position = books.position()
    journal = books.journal
    part = _new_part(target)
    (part / SEGMENTS).mkdir(mode=0o700)
    copying = _Copying(part, journal.bytes_to(position), progress)
    last, offset = divmod(position.slot, SEGMENT_SLOTS)
    for number in range(last + 1):
        memory = journal.segment_memory(number)
        copying.write(f"{SEGMENTS}/{number:06d}.qxj", memory[: offset * SLOT] if number == last else _trimmed(memory))
    copying.write(MARK_FILE, mark_content(position, journal.journal_id))
    if note is not None:
        copying.write(CHECKPOINT_FILE, note)
    origins = books.folder / ORIGINS_FILE
    if origins.exists():
        copying.write(ORIGINS_FILE, origins.read_bytes())
    sync_folder(part / SEGMENTS)
    write_document(
        part / MANIFEST,
        {
            "format": FORMAT,
            "files": copying.files,
            "origin": books.origin,
            "batches": position.number - 1,
            "chain_hash": position.digest.hex(),
            "timestamp": position.timestamp,
            "segment_slots": journal.segment_slots,
        },
    )
    _put_in_place(part, target)
    return BackupReport(batches=position.number - 1, files=len(copying.files), bytes=copying.done)


class _Copying:
    """Writes files durably and remembers their hashes."""

    def __init__(self, folder: Path, total: int, progress: Progress | None) -> None:
        self._folder = folder
        self._total = total
        self._progress = progress
        self.done = 0
        self.files: dict[str, dict[str, Any]] = {}

    def write(self, name: str, content: bytes | npt.NDArray[np.uint8]) -> None:
        digest = hashlib.sha256()
        view = memoryview(content if isinstance(content, bytes) else content.data)
        with (self._folder / name).open("xb") as file:
            for start in range(0, len(view), COPY_BYTES):
                piece = view[start : start + COPY_BYTES]
                digest.update(piece)
                file.write(piece)
                self.done += len(piece)
                if self._progress is not None:
                    self._progress(self.done, max(self._total, self.done))
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = {"bytes": len(view), "sha256": digest.hexdigest()}


def _trimmed(memory: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A segment without the zeros at its end."""
    end = len(memory)
    while end:
        start = max(0, end - (1 << 20))
        found = np.flatnonzero(memory[start:end])
        if found.size:
            return memory[: start + int(found[-1]) // SLOT * SLOT + SLOT]
        end = start
    return memory[:0]


# ---- restore -----------------------------------------------------------------------------------------------------


def restore(
    backup_folder: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    until_ns: int | None = None,
    known_checkpoint: bytes | None = None,
    keys: Sequence[VerifierKey] = (),
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> RestoreReport | Refusal:
    """Make the books of a backup in a folder that is new or empty; it appears whole, or not at all.

    Without `until_ns` the same log goes on, which is refused unless it extends `known_checkpoint`, the newest one that
    anybody may have seen. With `until_ns` the last batch up to that instant (Unix nanoseconds) is the last one kept, and
    a new log begins. With the old log's public `keys`, signatures of checkpoints are checked. Batches are the unit of
    `progress(done, total)`."""
    source, target = Path(backup_folder), Path(folder)
    if _is_occupied(target):
        return refuse(BOOKS_FOLDER_NOT_EMPTY, folder=target)
    if not (source / MANIFEST).is_file():
        return refuse(BOOKS_BACKUP_UNKNOWN, folder=source)
    known = None if known_checkpoint is None else _read_note(known_checkpoint, keys)
    if isinstance(known, Refusal):
        return known
    part = _new_part(target)
    try:
        answer = _restore_into(part, source, until_ns, known, keys, clock or SystemClock(), progress)
        if isinstance(answer, Refusal):
            return answer
        _put_in_place(part, target)
        return answer
    except (CorruptionFound, JournalCorrupt) as damage:
        return refuse(BOOKS_BACKUP_DAMAGED, place=damage.place, detail=damage.detail)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _restore_into(
    part: Path,
    source: Path,
    until_ns: int | None,
    known: Checkpoint | None,
    keys: Sequence[VerifierKey],
    clock: Clock,
    progress: Progress | None,
) -> RestoreReport | Refusal:
    manifest = read_document(source / MANIFEST, FORMAT)
    _copy_checked(source, part, manifest)
    segment_slots, origin = int(manifest["segment_slots"]), str(manifest["origin"])
    cut = _find_cut(part, segment_slots, until_ns) if until_ns is not None else None
    if isinstance(cut, Refusal):
        return cut
    steps = 1 if cut is None else 2
    examination = Examination(
        part, keys=keys, segment_slots=segment_slots, progress=_share(progress, 0, steps),
        entries_at=() if cut is None else (cut.leaves,), sizes=() if known is None else (known.size,),
    )  # fmt: skip
    examination.run()
    for finding in examination.findings:
        raise CorruptionFound(place=finding.place, detail=finding.detail)
    if examination.batches != manifest["batches"]:
        raise CorruptionFound(place=MARK_FILE, detail=f"it ends at batch {examination.batches}, the manifest elsewhere")
    if cut is None:
        if known is not None and (known.origin != origin or examination.roots.get(known.size) != known.root):
            return refuse(RESTORE_LOSES_CHECKPOINT, origin=known.origin, size=known.size, restored=examination.size)
        return _report(examination, origin, retired="")
    if origin:
        size = len(examination.origins) + cut.leaves
        parent = ParentLog(origin, size, examination.roots[size], clock.now_ns())
        entry = OriginEntry(parent.record(), first_batch=cut.position.number)
        write_origins(part, [entry, *examination.origins])
    _cut(part, segment_slots, cut.position)
    result = Examination(part, segment_slots=segment_slots, progress=_share(progress, 1, steps))
    result.run()
    for finding in result.findings:
        raise CorruptionFound(place=finding.place, detail=f"after cutting: {finding.detail}")
    return _report(result, origin, retired=origin)


def _report(examination: Examination, origin: str, *, retired: str) -> RestoreReport:
    return RestoreReport(
        batches=examination.batches,
        transfers=examination.transfers,
        accounts=examination.accounts,
        state_hash=examination.state_hash,
        origin=origin,
        retired_origin=retired,
    )


def _copy_checked(source: Path, part: Path, manifest: dict[str, Any]) -> None:
    """Copy what the manifest names, each file only if its hash is right, and give segments their length again."""
    (part / SEGMENTS).mkdir(mode=0o700)
    files: dict[str, dict[str, Any]] = manifest["files"]
    for name, facts in files.items():
        if not _NAMES.fullmatch(name):
            raise CorruptionFound(place=MANIFEST, detail="it names a file that no backup holds")
        digest, length = hashlib.sha256(), 0
        try:
            with (source / name).open("rb") as file, (part / name).open("xb") as copy:
                while piece := file.read(COPY_BYTES):
                    digest.update(piece)
                    length += len(piece)
                    copy.write(piece)
                if name.startswith(SEGMENTS):
                    copy.truncate(int(manifest["segment_slots"]) * SLOT)
                copy.flush()
                os.fsync(copy.fileno())
        except FileNotFoundError as missing:
            raise CorruptionFound(place=name, detail="the manifest names it, and it is missing") from missing
        if length != facts["bytes"] or digest.hexdigest() != facts["sha256"]:
            raise CorruptionFound(
                place=name, detail=_difference(source, part, name, int(manifest["segment_slots"]), length, facts)
            )
    sync_folder(part / SEGMENTS)


def _difference(source: Path, part: Path, name: str, segment_slots: int, length: int, facts: dict[str, Any]) -> str:
    """How a file differs from its manifest; for a segment also where, as far as the chain of hashes can tell."""
    if length != facts["bytes"]:
        return f"{length} bytes, the manifest says {facts['bytes']}"
    detail = "its bytes do not match the manifest"
    if name.startswith(SEGMENTS) and (source / MARK_FILE).exists():
        shutil.copyfile(source / MARK_FILE, part / MARK_FILE)
        number = int(Path(name).stem)
        for finding in _first_findings(part, segment_slots):
            if finding.place.startswith(f"{SEGMENTS}/{number:06d}"):
                detail += f"; {finding.place}: {finding.detail}"
    return detail


def _first_findings(part: Path, segment_slots: int) -> list[Finding]:
    try:
        journal = Journal.open(RealDisk(part, read_only=True), segment_slots=segment_slots, checking=True)
    except JournalCorrupt as corrupt:
        return [Finding(corrupt.place, corrupt.detail)]
    try:
        return list(journal.check(unfinished=True))
    finally:
        journal.close()


@dataclass(frozen=True, slots=True)
class _CutPlace:
    """Where the journal is cut, and how many accepted records stand before."""

    position: Position
    leaves: int


def _find_cut(part: Path, segment_slots: int, until_ns: int) -> _CutPlace | Refusal:
    """Behind the last batch whose time is not after `until_ns`."""
    journal = Journal.open(RealDisk(part, read_only=True), segment_slots=segment_slots, checking=True)
    try:
        found: _CutPlace | None = None
        for batch in journal.read(journal.genesis, verify=False):
            if batch.timestamp > until_ns:
                break
            position = Position(batch.end_slot, batch.number + 1, batch.digest, batch.timestamp)
            found = _CutPlace(position, batch.first_leaf + batch.accepted)
    finally:
        journal.close()
    return found if found is not None else refuse(RESTORE_BEFORE_FIRST_BATCH, until=until_ns)


def _cut(part: Path, segment_slots: int, position: Position) -> None:
    """End a journal at a position, durably."""
    last, offset = divmod(position.slot, SEGMENT_SLOTS)
    journal = Journal.open(RealDisk(part, read_only=True), segment_slots=segment_slots, checking=True)
    journal_id = journal.journal_id
    journal.close()
    for path in (part / SEGMENTS).iterdir():
        number = int(path.stem)
        if number > last:
            path.unlink()
        elif number == last:
            with path.open("r+b") as file:
                file.truncate(offset * SLOT)
                file.truncate(segment_slots * SLOT)
                os.fsync(file.fileno())
    with (part / MARK_FILE).open("r+b") as file:
        file.write(mark_content(position, journal_id))
        file.flush()
        os.fsync(file.fileno())
    (part / CHECKPOINT_FILE).unlink(missing_ok=True)
    sync_folder(part / SEGMENTS)


def _read_note(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint | Refusal:
    if keys:
        opened = open_checkpoint(note, keys)
        return opened if isinstance(opened, Refusal) else opened.checkpoint
    parsed = parse_note(note)
    return parsed if isinstance(parsed, Refusal) else parse_checkpoint(parsed.text)


def _share(progress: Progress | None, step: int, steps: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress(step * total + done, steps * total)


# ---- folders -----------------------------------------------------------------------------------------------------


def _is_occupied(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def _new_part(target: Path) -> Path:
    """An empty folder beside the target, which will take its name."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    return part


def _put_in_place(part: Path, target: Path) -> None:
    sync_folder(part)
    if target.exists():
        target.rmdir()
    part.replace(target)
    sync_folder(target.parent)
