"""Faults: what the world outside did to us (disk, peer, clock), as typed exceptions with fields."""

from __future__ import annotations


class Fault(Exception):
    """Base of all faults. Retrying is the caller's choice; the command line exits with 3."""

    exit_code = 3


class CorruptionFound(Fault):
    """Stored bytes are not what was written. `place` says where (file and offset), `detail` what is wrong."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(place, detail)
        self.place = place
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"
