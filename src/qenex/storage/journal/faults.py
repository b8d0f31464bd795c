"""What can go wrong with the journal, each with the place it happened."""

from __future__ import annotations

from qenex.values import Fault


class JournalInUse(Fault):
    """Another process holds this folder's writer lock."""

    def __init__(self, *, folder: str, holder: str) -> None:
        self.folder = folder
        self.holder = holder
        super().__init__(f"{folder} is in use by process {holder or 'unknown'}: one writer at a time; stop it first")


class JournalWriteFailed(Fault):
    """A write or sync of the journal failed. Nothing after it was written; the process must stop and recover."""

    def __init__(self, *, file: str, offset: int, action: str, reason: str) -> None:
        self.file = file
        self.offset = offset
        self.action = action
        self.reason = reason
        place = f" at byte {offset}" if offset >= 0 else ""
        super().__init__(f"{action} of {file}{place} failed: {reason}; stopped before anything else was written")


class JournalStopped(Fault):
    """The journal stopped earlier (failed write, corruption, or closed) and takes nothing more."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the journal has stopped: {reason}")


class JournalCorrupt(Fault):
    """Bytes of the journal are not what was acknowledged. `place` names file and byte."""

    def __init__(self, *, place: str, detail: str) -> None:
        self.place = place
        self.detail = detail
        super().__init__(f"the journal is damaged at {place}: {detail}; restore a backup, nothing was changed")


class JournalFull(Fault):
    """The journal reached the last of its 2^32 slots (549 GB)."""
