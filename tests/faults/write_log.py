"""What a machine wrote to its disk, in order, and every disk that a power cut at any moment could have left behind.

QEMU's `blklogwrites` logs each write and flush in the format of Linux's dm-log-writes. A disk with a volatile cache may
lose any of the writes since the last flush, in any combination, sector by sector; what stood before that flush is safe.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, DISCARD = 1, 4
_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")


@dataclass(frozen=True)
class Entry:
    """A write of `length` bytes at byte `offset` of the disk, which stand at byte `at` of the log; or a flush."""

    flush: bool
    offset: int
    length: int
    at: int


def read_log(path: Path) -> list[Entry]:
    """The whole entries, oldest first."""
    size = path.stat().st_size
    entries: list[Entry] = []
    with path.open("rb") as file:
        magic, _, _, sector = _SUPER.unpack(file.read(_SUPER.size))
        assert magic == MAGIC and sector == SECTOR, "this is no log of writes"
        at = SECTOR
        while at + SECTOR <= size:
            file.seek(at)
            where, count, flags, _ = _ENTRY.unpack(file.read(_ENTRY.size))
            at += SECTOR
            if flags & DISCARD:
                raise AssertionError("discards are not followed here")
            if not (count or flags):
                break
            if at + count * SECTOR > size:
                break
            if count:
                entries.append(Entry(False, where * SECTOR, count * SECTOR, at))
                at += count * SECTOR
            if flags & FLUSH:
                entries.append(Entry(True, 0, 0, at))
    return entries


class Disk:
    """The disk image as it was, played forward through the log."""

    def __init__(self, image: Path, log: Path, entries: list[Entry]) -> None:
        self._image, self._log, self._entries = os.open(image, os.O_RDWR), os.open(log, os.O_RDONLY), entries
        self.image = image
        self.applied = 0

    def play_to_flush_before(self, cut: int) -> None:
        """Apply everything up to the last flush before entry `cut`: that much is certain."""
        last = max((number for number in range(self.applied, cut) if self._entries[number].flush), default=-1)
        while self.applied <= last:
            entry = self._entries[self.applied]
            if not entry.flush:
                os.pwrite(self._image, os.pread(self._log, entry.length, entry.at), entry.offset)
            self.applied += 1

    def copy_cut_at(self, cut: int, rng: random.Random, copy: Path) -> int:
        """A disk whose power went at entry `cut`: some of the sectors written since the last flush are on it.

        Returns how many sectors were lost. Each cut keeps its own share, from none to all."""
        self.play_to_flush_before(cut)
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(self.image), str(copy)], check=True)
        keep = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        lost = 0
        descriptor = os.open(copy, os.O_RDWR)
        try:
            for entry in self._entries[self.applied : cut]:
                content = os.pread(self._log, entry.length, entry.at)
                for sector in range(0, entry.length, SECTOR):
                    if rng.random() < keep:
                        os.pwrite(descriptor, content[sector : sector + SECTOR], entry.offset + sector)
                    else:
                        lost += 1
        finally:
            os.close(descriptor)
        return lost

    def close(self) -> None:
        os.close(self._image)
        os.close(self._log)
