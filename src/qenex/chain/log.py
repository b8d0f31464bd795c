"""The Merkle tree of a log, kept as packed tiles in append-only files.

File `level-L` holds, one after the other, the 32-byte hashes of the complete subtrees of 256**L leaves. Tile n of level
L of [C2SP tlog-tiles] is therefore bytes n * 8192 to n * 8192 + 8192 of that file, and the log costs 32.13 bytes per
leaf. Hashes between two levels are recomputed: at most 255 per tile.

The tree is derived from the journal. `synced` names a size and root whose hashes are certainly on disk; everything
beyond is dropped when the log is opened, and its owner appends it again from the journal.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qenex.chain.hashing import TILE_WIDTH, Hashes, OpenTile, tree_hash
from qenex.chain.proofs import HASH_BYTES
from qenex.values import CorruptionFound, Fault

EMPTY_ROOT = hashlib.sha256(b"").digest()
LEVELS = 8
"""256**8 leaves is the tree of 2**64 leaves."""

_MARK = struct.Struct("<16sQQ32s")
_MARK_MAGIC = b"QENEX-MERKLE-1\n\0"
_MARK_BYTES = 512
_CHECK_CHUNK = 1 << 16
"""Hashes read at a time while checking: 2 MiB."""


class LogWriteFailed(Fault):
    """A write or sync of the tree failed: the log takes nothing more until it is opened anew."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"{place}: {detail}")
        self.place = place
        self.detail = detail


@dataclass(frozen=True)
class Damage:
    """A stored hash that is wrong, or a tile that holds one: `place` says where, `detail` how it shows."""

    place: str
    detail: str


@dataclass(frozen=True)
class Mark:
    """A size and root known to be on disk."""

    sequence: int
    size: int
    root: bytes

    def encode(self) -> bytes:
        body = _MARK.pack(_MARK_MAGIC, self.sequence, self.size, self.root)
        body += bytes(_MARK_BYTES - HASH_BYTES - len(body))
        return body + hashlib.sha256(body).digest()

    @classmethod
    def decode(cls, slot: bytes) -> Mark | None:
        if len(slot) != _MARK_BYTES or hashlib.sha256(slot[:-HASH_BYTES]).digest() != slot[-HASH_BYTES:]:
            return None
        magic, sequence, size, root = _MARK.unpack_from(slot)
        return cls(sequence, size, root) if magic == _MARK_MAGIC else None


class MerkleLog:
    """One writer; any number of threads may read sizes that have been reached."""

    def __init__(self, folder: Path) -> None:
        """Use `open`."""
        self._folder = folder
        self._files: list[int] = []
        self._tiles: list[OpenTile] = []
        self._size = 0
        self._mark = Mark(0, 0, EMPTY_ROOT)
        self._mark_file = -1
        self._unsynced: set[int] = set()
        self._folder_unsynced = True
        self._failed = ""

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, discard: bool = False) -> MerkleLog:
        """Opens or creates the log at its last synced size.

        What was appended later is dropped. Hashes that were synced and no longer give the recorded root raise
        CorruptionFound; `discard` starts from an empty tree instead, to be filled from the journal.
        """
        log = cls(Path(folder))
        log._folder.mkdir(parents=True, exist_ok=True)
        try:
            log._mark_file = os.open(log._folder / "synced", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            while (log._folder / f"level-{len(log._files)}").exists():
                log._file(len(log._files))
            if discard:
                log._mark = max(log._marks(), key=lambda mark: mark.sequence, default=log._mark)
                log._write_mark(0, EMPTY_ROOT)
            else:
                log._adopt_mark()
            log._cut(log._mark.size)
        except BaseException:
            log._close_files()
            raise
        return log

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def synced_size(self) -> int:
        """The number of leaves that survive a crash."""
        return self._mark.size

    def append(self, hashes: Hashes) -> None:
        """Appends leaf hashes, uint8[n, 32]. They are on disk after `sync`."""
        if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
            raise ValueError(f"append takes uint8[n, 32], not {hashes.dtype}{list(hashes.shape)}")
        count, level, stored = len(hashes), 0, self._size
        hashes = np.ascontiguousarray(hashes)
        with self._writing(f"level-{level}"):
            while len(hashes):
                self._write(self._file(level), hashes.data, stored * HASH_BYTES)
                self._unsynced.add(level)
                hashes = self._tiles[level].fold(hashes)
                level, stored = level + 1, stored // TILE_WIDTH
        self._size += count

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves, by default of all."""
        size = self._known_size(size)
        return self._range_hash(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves. [RFC 9162] 2.1.3.1"""
        size = self._known_size(size)
        if not 0 <= index < size:
            raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
        start, end, proof = 0, size, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range_hash(middle, end))
                end = middle
            else:
                proof.append(self._range_hash(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, old_size: int, new_size: int | None = None) -> list[bytes]:
        """Shows that the first `old_size` leaves of the tree of `new_size` leaves are those of the older tree.

        [RFC 9162] 2.1.4.1; empty for an older tree without leaves, as [C2SP tlog-witness] has it.
        """
        new_size = self._known_size(new_size)
        if not 0 <= old_size <= new_size:
            raise ValueError(f"a tree of {old_size} leaves is no prefix of one of {new_size}")
        if old_size == 0:
            return []
        start, end, proof, old_root_known = 0, new_size, [], True
        while end != old_size:
            middle = start + _split(end - start)
            if old_size <= middle:
                proof.append(self._range_hash(middle, end))
                end = middle
            else:
                proof.append(self._range_hash(start, middle))
                start, old_root_known = middle, False
        if not old_root_known:
            proof.append(self._range_hash(start, end))
        return proof[::-1]

    def read_tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """The first `width` hashes of tile `index` of `level`, as stored."""
        if not (0 <= level < LEVELS and index >= 0 and 1 <= width <= TILE_WIDTH):
            raise ValueError(f"there is no tile {level}/{index} of width {width}")
        if index * TILE_WIDTH + width > self._size >> (8 * level):
            raise ValueError(f"tile {level}/{index} is not {width} hashes wide at {self._size} leaves")
        return self._hashes(level, index * TILE_WIDTH, width)

    def truncate(self, size: int) -> None:
        """Goes back to the first `size` leaves, for good before anything else is written."""
        root = self.root(size)
        with self._writing("synced"):
            if size < self._mark.size:
                self._write_mark(size, root)
            self._cut(size)

    def sync(self) -> None:
        """Returns when every leaf is on disk. A failed sync is never tried again: the log must be opened anew."""
        if self._size == self._mark.size and not self._unsynced:
            return
        root = self.root()
        with self._writing("synced"):
            for level in sorted(self._unsynced):
                os.fdatasync(self._files[level])
            self._unsynced.clear()
            self._write_mark(self._size, root)

    def close(self) -> None:
        """Syncs and closes."""
        if self._mark_file < 0:
            return
        try:
            if not self._failed:
                self.sync()
        finally:
            self._close_files()

    def __enter__(self) -> MerkleLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Checking

    def find_damage(
        self, leaves: Iterable[Hashes] | None = None, progress: Callable[[int], None] = lambda _: None
    ) -> list[Damage]:
        """Every stored hash or tile that is wrong, empty when none is.

        With `leaves` (the leaf hashes made anew from the journal, in order) every stored hash is compared and named.
        Without, every tile is compared with its hash one level up, and the right edge with the root in `synced`.
        `progress` is told the number of leaves checked.
        """
        damages = [
            Damage(f"{self._folder / 'synced'} slot {number}", "the checksum of the recorded size and root is wrong")
            for number, slot in enumerate(self._mark_slots())
            if any(slot) and Mark.decode(slot) is None
        ]
        damages += self._compare_levels() if leaves is None else self._compare_leaves(leaves, progress)
        if self._mark.size and self.root(self._mark.size) != self._mark.root:
            damages.append(
                Damage(f"{self._folder} at {self._mark.size} leaves", "the stored hashes do not give the recorded root")
            )
        progress(self._size)
        return damages

    def _compare_leaves(self, leaves: Iterable[Hashes], progress: Callable[[int], None]) -> Iterator[Damage]:
        tiles = [OpenTile() for _ in range(LEVELS)]
        counts = [0] * LEVELS
        for expected in leaves:
            level, expected = 0, np.ascontiguousarray(expected)
            while len(expected):
                known = min(len(expected), (self._size >> (8 * level)) - counts[level])
                stored = np.frombuffer(self._hashes(level, counts[level], known), dtype=np.uint8).reshape(
                    known, HASH_BYTES
                )
                for row in np.flatnonzero((stored != expected[:known]).any(axis=1)):
                    yield Damage(self._place(level, counts[level] + int(row)), "differs from the journal")
                counts[level] += len(expected)
                expected = tiles[level].fold(expected)
                level += 1
            progress(counts[0])
        if counts[0] != self._size:
            yield Damage(str(self._folder), f"holds {self._size} leaves, the journal {counts[0]}")

    def _compare_levels(self) -> Iterator[Damage]:
        for level in range(LEVELS - 1):
            parents = self._size >> (8 * (level + 1))
            tile = OpenTile()
            for first in range(0, parents * TILE_WIDTH, _CHECK_CHUNK):
                count = min(_CHECK_CHUNK, parents * TILE_WIDTH - first)
                children = np.frombuffer(self._hashes(level, first, count), dtype=np.uint8).reshape(count, HASH_BYTES)
                roots = tile.fold(children)
                stored = np.frombuffer(
                    self._hashes(level + 1, first // TILE_WIDTH, len(roots)), dtype=np.uint8
                ).reshape(len(roots), HASH_BYTES)
                for row in np.flatnonzero((roots != stored).any(axis=1)):
                    parent = first // TILE_WIDTH + int(row)
                    yield Damage(
                        f"{self._folder}/level-{level} bytes {parent * 8192} to {parent * 8192 + 8191} "
                        f"(tile {parent}), or {self._place(level + 1, parent)}",
                        "the tile does not hash to its entry one level up",
                    )

    def _place(self, level: int, index: int) -> str:
        return (
            f"{self._folder}/level-{level} bytes {index * HASH_BYTES} to {(index + 1) * HASH_BYTES - 1} (hash {index})"
        )

    # Hashes

    def _known_size(self, size: int | None) -> int:
        if size is None:
            return self._size
        if not 0 <= size <= self._size:
            raise ValueError(f"the log has {self._size} leaves, not {size}")
        return size

    def _range_hash(self, start: int, end: int) -> bytes:
        """The hash of the subtree over leaves start to end - 1, which the splits of [RFC 9162] 2.1.1 lead to.

        Such a range starts at a multiple of a power of two that is not smaller than its length. So it lies within one
        tile, or starts at a tile's start and takes at most one tile of each level: what was not folded upwards.
        """
        rest = b""
        level = 0
        while True:
            first = start if end - start < TILE_WIDTH else end - end % TILE_WIDTH
            nodes = (self._hashes(level, first, end - first) if first < end else b"") + rest
            if nodes:
                rest = tree_hash(nodes)
            if first == start:
                return rest
            start, end, level = start // TILE_WIDTH, first // TILE_WIDTH, level + 1

    def _hashes(self, level: int, first: int, count: int) -> bytes:
        if not count:
            return b""
        length = count * HASH_BYTES
        found = os.pread(self._files[level], length, first * HASH_BYTES) if level < len(self._files) else b""
        if len(found) != length:
            raise CorruptionFound(place=self._place(level, first), detail=f"{len(found)} of {length} bytes are there")
        return found

    # Files

    def _file(self, level: int) -> int:
        if level == len(self._files):
            path = self._folder / f"level-{level}"
            self._folder_unsynced |= not path.exists()
            self._files.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
            self._tiles.append(OpenTile())
        return self._files[level]

    def _cut(self, size: int) -> None:
        for level, file in enumerate(self._files):
            count = size >> (8 * level)
            os.ftruncate(file, count * HASH_BYTES)
            self._tiles[level] = OpenTile(self._hashes(level, count - count % TILE_WIDTH, count % TILE_WIDTH))
        self._size = size

    def _mark_slots(self) -> list[bytes]:
        return [os.pread(self._mark_file, _MARK_BYTES, _MARK_BYTES * slot) for slot in range(2)]

    def _marks(self) -> list[Mark]:
        return [mark for mark in map(Mark.decode, self._mark_slots()) if mark is not None]

    def _adopt_mark(self) -> None:
        mark = max(self._marks(), key=lambda mark: mark.sequence, default=self._mark)
        for level, file in enumerate([*self._files, -1]):
            needed = (mark.size >> (8 * level)) * HASH_BYTES
            if needed and (file < 0 or os.fstat(file).st_size < needed):
                raise CorruptionFound(
                    place=str(self._folder / f"level-{level}"),
                    detail=f"is shorter than {needed} bytes that were synced",
                )
        self._size = mark.size
        if self.root() != mark.root:
            raise CorruptionFound(
                place=f"{self._folder} at {mark.size} leaves", detail="the stored hashes do not give the recorded root"
            )
        self._mark = mark

    def _write_mark(self, size: int, root: bytes) -> None:
        """Records a size durably, beside the last record, which stays until this one is whole."""
        # The names of new files first: a mark must never outlive a file that it speaks of.
        if self._folder_unsynced:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._folder_unsynced = False
        mark = Mark(self._mark.sequence + 1, size, root)
        self._write(self._mark_file, mark.encode(), _MARK_BYTES * (mark.sequence % 2))
        os.fdatasync(self._mark_file)
        self._mark = mark

    def _write(self, file: int, content: bytes | memoryview, offset: int) -> None:
        left = memoryview(content).cast("B")
        while left:
            written = os.pwrite(file, left, offset)
            left, offset = left[written:], offset + written

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        if self._failed:
            raise LogWriteFailed(str(self._folder), f"an earlier write failed: {self._failed}")
        try:
            yield
        except BaseException as error:
            self._failed = str(error) or type(error).__name__
            if isinstance(error, OSError):
                raise LogWriteFailed(str(self._folder / name), self._failed) from error
            raise

    def _close_files(self) -> None:
        for file in [*self._files, self._mark_file]:
            if file >= 0:
                os.close(file)
        self._files, self._tiles, self._mark_file = [], [], -1


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
