"""Large memory at fixed addresses: anonymous, or a row of files, reserved once and filled as it is used.

The core wants regions that never move. Reserving address space costs nothing; pages appear when they are touched.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os

import numpy as np
import numpy.typing as npt

PAGE = mmap.PAGESIZE
_PROT_NONE, _PROT_RW = 0, mmap.PROT_READ | mmap.PROT_WRITE
_MAP_FIXED, _MAP_NORESERVE = 0x10, 0x4000
_MADV_HUGEPAGE = 14
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.msync.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _mmap(address: int | None, length: int, protection: int, flags: int, descriptor: int, offset: int) -> int:
    result = _libc.mmap(address, length, protection, flags, descriptor, offset)
    if result == _FAILED or result is None:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot map {length} bytes of memory: {os.strerror(code)}")
    return int(result)


class Region:
    """`capacity` bytes of address space. Zero at first; freed when closed."""

    def __init__(self, capacity: int, *, huge_pages: bool = False) -> None:
        self.capacity = (capacity + PAGE - 1) // PAGE * PAGE
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        self.address = _mmap(None, self.capacity, _PROT_RW, flags, -1, 0)
        if huge_pages:
            _libc.madvise(self.address, self.capacity, _MADV_HUGEPAGE)  # a hint: a refusal changes nothing

    def bytes(self, start: int, length: int) -> npt.NDArray[np.uint8]:
        """A writable uint8 view of part of the region."""
        if start < 0 or start + length > self.capacity:
            raise ValueError("outside the region")
        buffer = (ctypes.c_uint8 * length).from_address(self.address + start)
        return np.frombuffer(memoryview(buffer).cast("B"), dtype=np.uint8)

    def map_file(self, start: int, descriptor: int, length: int) -> None:
        """Lay a file over [start, start + length): what is written there goes to the file's pages."""
        if start % PAGE or length % PAGE or start + length > self.capacity:
            raise ValueError("files are laid over whole pages inside the region")
        _mmap(self.address + start, length, _PROT_RW, mmap.MAP_SHARED | _MAP_FIXED, descriptor, 0)

    def release(self) -> None:
        """Give the pages of an anonymous region back to the machine: it reads as zeros again."""
        if _libc.madvise(self.address, self.capacity, mmap.MADV_DONTNEED) != 0:
            raise OSError(ctypes.get_errno(), "cannot release a region")

    def close(self) -> None:
        if self.address:
            if _libc.munmap(self.address, self.capacity) != 0:
                raise OSError(errno.EINVAL, "cannot unmap a region")
            self.address = 0
