"""The list of erasures: a file beside the database, never in its backups, re-applied whenever a database is opened.

A backup made before an erasure still holds the wrapped key. Whoever restores it keeps this list (it has no personal data:
customer ids, times and reason codes), and `Store.open` destroys the listed keys again before anything can be read.

One line per erasure: `customer id (32 hex) SP time ns SP reason SP SHA-256(previous line's hash || line so far) (64 hex) LF`.
A last line without its LF was never acknowledged: it is dropped when the next line is written.
"""

import os
from hashlib import sha256
from pathlib import Path

from qenex.crypto import sync_folder
from qenex.storage.relational.types import Erasure
from qenex.values import CorruptionFound

ERASURES_FILE = "erasures.list"


def read_erasures(folder: Path) -> list[Erasure]:
    """Every acknowledged erasure, in order. Raises CorruptionFound with the line that is wrong."""
    path = folder / ERASURES_FILE
    if not path.exists():
        return []
    return _parse(path.read_bytes(), path)[0]


def append_erasure(folder: Path, erasure: Erasure) -> None:
    """Write one line and make it durable before this returns."""
    path = folder / ERASURES_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        data = b""
        while chunk := os.read(descriptor, 1 << 20):
            data += chunk
        _, length, previous = _parse(data, path)
        body = f"{erasure.customer_id:032x} {erasure.erased_ns} {erasure.reason}"
        line = f"{body} {_chain(previous, body)}\n".encode("ascii")
        os.ftruncate(descriptor, length)
        os.lseek(descriptor, length, os.SEEK_SET)
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(folder)


def _chain(previous: str, body: str) -> str:
    return sha256(f"{previous} {body}".encode("ascii")).hexdigest()


def _parse(data: bytes, path: Path) -> tuple[list[Erasure], int, str]:
    """The erasures, the length of the whole lines, and the hash of the last one."""
    erasures = []
    previous = ""
    whole = data.rfind(b"\n") + 1
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], start=1):
        try:
            body, _, chained = line.decode("ascii").rpartition(" ")
            customer, erased_ns, reason = body.split(" ")
            erasure = Erasure(int(customer, 16), int(erased_ns), reason)
        except (UnicodeDecodeError, ValueError) as error:
            raise CorruptionFound(f"{path}: line {number}", "not an erasure") from error
        if chained != _chain(previous, body):
            raise CorruptionFound(f"{path}: line {number}", "its hash does not continue the list")
        erasures.append(erasure)
        previous = chained
    return erasures, whole, previous
