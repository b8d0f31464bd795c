"""The disk as the journal sees it: a handful of calls, so that a simulated disk can stand in and fail on purpose."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from qenex.storage.journal.faults import JournalInUse, JournalWriteFailed

Bytes = npt.NDArray[np.uint8]

PAGE = 4096


@runtime_checkable
class File(Protocol):
    """An open file of a disk. Offsets and lengths are bytes; writes may be short, exactly as the system call's."""

    name: str

    def pwrite(self, data: memoryview | bytes, offset: int) -> int: ...
    def pread(self, length: int, offset: int) -> bytes: ...
    def fdatasync(self) -> None: ...
    def allocate(self, start: int, end: int) -> None:
        """Reserve disk space for [start, end), which reads as zeros until it is written."""
        ...

    def truncate(self, length: int) -> None: ...
    def size(self) -> int: ...
    def view(self, length: int) -> Bytes:
        """The first `length` bytes as read-only memory that shows later writes too."""
        ...

    def data_ranges(self, start: int) -> list[tuple[int, int]]:
        """The [begin, end) ranges from `start` on that may hold bytes other than zero; holes are left out."""
        ...

    def close(self) -> None: ...


class Disk(Protocol):
    """A folder tree. `open` creates a missing file only when `create` is true; names are relative to its root."""

    def open(self, name: str, *, create: bool = False) -> File: ...
    def exists(self, name: str) -> bool: ...
    def names(self, folder: str) -> list[str]: ...
    def make_folder(self, folder: str) -> None: ...
    def replace(self, old: str, new: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def sync_folder(self, folder: str) -> None: ...
    def lock(self, name: str) -> None: ...
    def unlock(self) -> None: ...


class RealFile:
    """A file of the operating system, opened for reading and writing unless `read_only`."""

    def __init__(self, path: Path, name: str, *, create: bool, read_only: bool = False) -> None:
        self.name = name
        flags = os.O_RDONLY if read_only else os.O_RDWR | (os.O_CREAT if create else 0)
        flags |= os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._views: list[mmap.mmap] = []

    def pwrite(self, data: memoryview | bytes, offset: int) -> int:
        return os.pwrite(self._descriptor, data, offset)

    def pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor, length, offset)

    def fdatasync(self) -> None:
        os.fdatasync(self._descriptor)

    def allocate(self, start: int, end: int) -> None:
        os.posix_fallocate(self._descriptor, start, end - start)

    def truncate(self, length: int) -> None:
        os.ftruncate(self._descriptor, length)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def view(self, length: int) -> Bytes:
        mapping = mmap.mmap(self._descriptor, length, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        self._views.append(mapping)
        return np.frombuffer(mapping, dtype=np.uint8)

    def data_ranges(self, start: int) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        length = self.size()
        while start < length:
            try:
                begin = os.lseek(self._descriptor, start, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                    break
                raise
            start = os.lseek(self._descriptor, begin, os.SEEK_HOLE)
            ranges.append((begin, start))
        return ranges

    def close(self) -> None:
        os.close(self._descriptor)


class RealDisk:
    """The folder `root` of the operating system. With `read_only` its files are opened for reading alone."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = root
        self._read_only = read_only
        self._lock_descriptor: int | None = None

    def open(self, name: str, *, create: bool = False) -> File:
        return RealFile(self.root / name, name, create=create, read_only=self._read_only)

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def names(self, folder: str) -> list[str]:
        path = self.root / folder
        return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    def make_folder(self, folder: str) -> None:
        path = self.root / folder
        missing = []
        while not path.exists():
            missing.append(path)
            path = path.parent
        for created in reversed(missing):
            created.mkdir(mode=0o700, exist_ok=True)
            _sync_path(created.parent)

    def replace(self, old: str, new: str) -> None:
        (self.root / old).replace(self.root / new)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def sync_folder(self, folder: str) -> None:
        _sync_path(self.root / folder)

    def lock(self, name: str) -> None:
        """Take the one writer's lock of this folder for the life of the process, or raise JournalInUse."""
        path = self.root / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise JournalInUse(folder=str(self.root), holder=holder) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as error:
            os.close(descriptor)
            raise JournalWriteFailed(file=name, offset=0, action="write", reason=str(error)) from error
        self._lock_descriptor = descriptor

    def unlock(self) -> None:
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(file: File, data: memoryview | bytes, offset: int) -> None:
    """Write every byte of `data` or raise JournalWriteFailed with the place; a short write goes on where it stopped."""
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        try:
            written = file.pwrite(view[done:], offset + done)
        except OSError as error:
            raise JournalWriteFailed(file=file.name, offset=offset + done, action="write", reason=str(error)) from error
        if written <= 0:
            raise JournalWriteFailed(file=file.name, offset=offset + done, action="write", reason="nothing was written")
        done += written


def sync(file: File) -> None:
    """Make the file's bytes durable, or raise JournalWriteFailed. It is never tried again: after a failed sync the
    kernel may have dropped the dirty pages, so a second success would prove nothing."""
    try:
        file.fdatasync()
    except OSError as error:
        raise JournalWriteFailed(file=file.name, offset=-1, action="fdatasync", reason=str(error)) from error
