"""Replace a small secret file so that a crash at any moment leaves either the old or the new content, both readable."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

#: Named points at which `inject` is called while a file is replaced, in order.
REPLACE_POINTS = ("replace: created", "replace: written", "replace: synced", "replace: renamed", "replace: done")

Inject = Callable[[str], None]


def no_failure(point: str) -> None:
    """The injector of production: nothing fails on purpose."""


def replace_file(path: Path, content: bytes, *, inject: Inject = no_failure) -> None:
    """Write content to path with mode 0600: a new file, fsync, rename, fsync of the folder."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)  # Left by a crash before the rename; it was never the truth.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        inject("replace: created")
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        inject("replace: written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    inject("replace: synced")
    os.rename(new, path)
    inject("replace: renamed")
    sync_folder(path.parent)
    inject("replace: done")


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable; without it a rename may be undone by a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TooOpen(Exception):
    """The file may be read by others, or is not ours; the caller turns this into a refusal."""


def read_private_file(path: Path, limit: int) -> bytes:
    """Read a file that only this user may read: a regular file, ours, no permission for group or others, no link.

    Raises FileNotFoundError, TooOpen, or OSError. The check and the read use one descriptor, so nothing can be swapped.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TooOpen("not a regular file")
        if status.st_mode & 0o077:
            raise TooOpen(f"mode {stat.S_IMODE(status.st_mode):04o}")
        if status.st_uid != os.geteuid():
            raise TooOpen(f"owned by user {status.st_uid}")
        if status.st_size > limit:
            raise TooOpen(f"{status.st_size} bytes, more than {limit}")
        chunks = []
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)
