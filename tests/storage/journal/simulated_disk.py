"""A disk in memory that forgets, tears and fails as real ones do, driven by one seed.

Model: a written byte is in the page cache until its file is synced; a power cut keeps a random choice of the unsynced
512-byte sectors. A created, renamed or removed name is durable only once its folder was synced; until then a power cut
may or may not undo it. A write may be short, may fail with ENOSPC or EIO; a sync may fail with EIO, and then the dirty
pages of that file are dropped from what a later sync could save, as Linux does.
"""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass, field

import numpy as np

SECTOR = 512


class PowerCut(BaseException):
    """The machine went dark at this operation. Not an Exception: nothing may catch it and go on."""


@dataclass
class Faults:
    """Which operation, counted from 1 over the whole disk, does what."""

    cut_before: int = 0
    fail: dict[int, int] = field(default_factory=dict)  # operation -> errno
    short: dict[int, int] = field(default_factory=dict)  # operation -> bytes that are written


class _Content:
    def __init__(self) -> None:
        self.cache = np.zeros(0, dtype=np.uint8)
        self.durable = np.zeros(0, dtype=np.uint8)
        self.dirty: set[int] = set()
        self.views: list[np.ndarray] = []

    def resize(self, length: int) -> None:
        if length != len(self.cache):
            grown = np.zeros(length, dtype=np.uint8)
            keep = min(length, len(self.cache))
            grown[:keep] = self.cache[:keep]
            assert not self.views, "a mapped file keeps its size in this model"
            self.cache = grown


class SimulatedDisk:
    def __init__(self, seed: int = 0, faults: Faults | None = None) -> None:
        self.random = random.Random(seed)
        self.faults = faults or Faults()
        self.operation = 0
        self.files: dict[str, _Content] = {}
        self.durable_names: dict[str, _Content] = {}
        self.locked = False
        self.log: list[str] = []

    # -- faults

    def step(self, what: str) -> int:
        self.operation += 1
        self.log.append(what)
        if self.operation == self.faults.cut_before:
            raise PowerCut(f"operation {self.operation}: {what}")
        code = self.faults.fail.get(self.operation)
        if code is not None:
            raise OSError(code, errno.errorcode[code])
        return self.operation

    def after_power_cut(self) -> SimulatedDisk:
        """The disk as it comes up again: durable bytes, plus a random choice of sectors and names that were not."""
        again = SimulatedDisk(self.random.randrange(1 << 30))
        for name in sorted(set(self.files) | set(self.durable_names)):
            now, then = self.files.get(name), self.durable_names.get(name)
            content = now if now is then or self.random.random() < 0.5 else then
            if content is None:
                continue
            kept = _Content()
            length = len(content.cache)
            kept.cache = np.zeros(length, dtype=np.uint8)
            kept.cache[: min(length, len(content.durable))] = content.durable[:length]
            for sector in sorted(content.dirty):
                if self.random.random() < 0.5:
                    place = slice(sector * SECTOR, min(length, (sector + 1) * SECTOR))
                    kept.cache[place] = content.cache[place]
            kept.durable = kept.cache.copy()
            again.files[name] = again.durable_names[name] = kept
        return again

    def after_kill(self) -> SimulatedDisk:
        """The disk after the process alone died: the page cache survives."""
        again = SimulatedDisk(self.random.randrange(1 << 30))
        for name, content in self.files.items():
            kept = _Content()
            kept.cache = content.cache.copy()
            kept.durable = content.cache.copy()
            again.files[name] = again.durable_names[name] = kept
        return again

    # -- Disk

    def open(self, name: str, *, create: bool = False) -> SimulatedFile:
        if name not in self.files:
            if not create:
                raise FileNotFoundError(errno.ENOENT, name)
            self.step(f"create {name}")
            self.files[name] = _Content()
        return SimulatedFile(self, name, self.files[name])

    def exists(self, name: str) -> bool:
        return name in self.files

    def names(self, folder: str) -> list[str]:
        start = folder + "/"
        return sorted(name[len(start) :] for name in self.files if name.startswith(start))

    def make_folder(self, folder: str) -> None:
        return None

    def replace(self, old: str, new: str) -> None:
        self.step(f"rename {old} {new}")
        self.files[new] = self.files.pop(old)

    def remove(self, name: str) -> None:
        self.step(f"remove {name}")
        self.files.pop(name, None)

    def sync_folder(self, folder: str) -> None:
        self.step(f"sync folder {folder}")
        for name in set(self.files) | set(self.durable_names):
            parent = name.rpartition("/")[0] or "."
            if parent == folder:
                if name in self.files:
                    self.durable_names[name] = self.files[name]
                else:
                    self.durable_names.pop(name, None)

    def lock(self, name: str) -> None:
        self.locked = True

    def unlock(self) -> None:
        self.locked = False


class SimulatedFile:
    def __init__(self, disk: SimulatedDisk, name: str, content: _Content) -> None:
        self.disk, self.name, self.content = disk, name, content

    def pwrite(self, data: memoryview | bytes, offset: int) -> int:
        number = self.disk.step(f"write {self.name} {offset} {len(data)}")
        block = np.frombuffer(data, dtype=np.uint8)
        block = block[: self.disk.faults.short.get(number, len(block))]
        end = offset + len(block)
        if end > len(self.content.cache):
            self.content.resize(end)
        self.content.cache[offset:end] = block
        if len(block):
            self.content.dirty.update(range(offset // SECTOR, (end - 1) // SECTOR + 1))
        return len(block)

    def pread(self, length: int, offset: int) -> bytes:
        return self.content.cache[offset : offset + length].tobytes()

    def fdatasync(self) -> None:
        try:
            self.disk.step(f"sync {self.name}")
        except OSError:
            self.content.dirty.clear()  # Linux marks the pages clean after a failed write-back
            raise
        self.content.durable = self.content.cache.copy()
        self.content.dirty.clear()

    def allocate(self, start: int, end: int) -> None:
        self.disk.step(f"allocate {self.name} {start} {end}")

    def truncate(self, length: int) -> None:
        self.disk.step(f"truncate {self.name} {length}")
        self.content.resize(length)

    def size(self) -> int:
        return len(self.content.cache)

    def view(self, length: int) -> np.ndarray:
        memory = self.content.cache[:length]
        memory = memory.view()
        memory.flags.writeable = False
        self.content.views.append(memory)
        return memory

    def data_ranges(self, start: int) -> list[tuple[int, int]]:
        return [(start, self.size())] if start < self.size() else []

    def close(self) -> None:
        return None
