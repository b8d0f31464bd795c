"""Files that a verb writes for its user: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import qenex.cli.refusals  # noqa: F401  (registers the codes used here)


def write_file(target: Path, data: bytes) -> None:
    """Beside, synced, then renamed over."""
    if not target.parent.is_dir() or target.is_dir():
        from qenex.cli.session import Refused
        from qenex.values import refuse

        why = "it is a folder" if target.is_dir() else "its folder does not exist"
        raise Refused(refuse("OUTPUT_NOT_WRITABLE", file=target, why=why))
    if target.exists() and not target.is_file():
        # A pipe or a terminal takes the bytes as they come.
        target.write_bytes(data)
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_file(source: Path, limit: int) -> bytes:
    """The content of a file that the user named; refused with the reason when it cannot be read."""
    from qenex.cli.session import Refused
    from qenex.values import refuse

    try:
        with open(source, "rb") as opened:
            return opened.read(limit)
    except OSError as error:
        raise Refused(refuse("INPUT_NOT_READABLE", file=source, why=error.strerror or "it cannot be read")) from error
