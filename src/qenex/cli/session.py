"""What a verb is handed: the folder, where to write, and the bank when it asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from qenex.values import Fault, Refusal

if TYPE_CHECKING:
    from qenex.books.maintenance import VerifyReport
    from qenex.cli.output import Output
    from qenex.products.bank import Bank

T = TypeVar("T")
Progress = Callable[[int, int], None]
Execute = Callable[[list[str], "Output", Path, "Bank", AbstractContextManager[object]], int]
"""Run a command line in a bank that is open already; the last argument is held while it has its turn."""


class BankBusy(Fault):
    """Another process has the bank open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"{self.folder}: another process has the bank open and does not answer. Wait for it, or stop it with 'qenex down'."


@dataclass(frozen=True, slots=True)
class NewBank:
    """What `init` was asked for."""

    name: str = "QENEX Bank"
    bic: str = "QNEXDEFFXXX"
    country: str = "DE"
    bank_code: str | None = None
    currencies: str = "EUR,USD,GBP,CHF,JPY"
    cut_off: str = "24:00"
    four_eyes: bool = False
    key_file: Path | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Restoring:
    """What `restore` was asked for."""

    until_ns: int | None
    key_file: Path | None
    known_checkpoint: bytes | None
    erasures: bytes | None


class Host(Protocol):
    """What the composition root offers the command line."""

    def create(self, folder: Path, new: NewBank) -> Bank | Refusal: ...
    def open(self, folder: Path) -> Bank | Refusal: ...
    def close(self, bank: Bank) -> None: ...
    def make_demo(self, folder: Path, *, seed: int, customers: int, progress: Progress | None) -> Bank | Refusal: ...
    def serve(self, session: Session, *, port: int, demo_allowed: bool, execute: Execute) -> int: ...
    def backup(self, bank: Bank, target: Path, progress: Progress | None) -> Refusal | None: ...
    def restore(self, source: Path, folder: Path, wanted: Restoring, progress: Progress | None) -> Bank | Refusal: ...
    def verify_journal(self, folder: Path, progress: Progress | None) -> VerifyReport: ...
    def public_keys(self, bank: Bank) -> str: ...
    def proved(self, content: bytes, keys: bytes, policy: bytes | None) -> list[str] | Refusal: ...
    def rotate_master_key(self, bank: Bank, new_key_file: Path | None) -> Path | Refusal: ...


class Refused(Exception):
    """Carries a refusal from a verb's helper to the one place that prints refusals."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True)
class Session:
    folder: Path
    cwd: Path
    json: bool
    out: Output
    host: Host
    opened: Bank | None = None
    is_served: bool = False
    """True inside a running bank: the bank belongs to it and stays open."""

    def bank(self) -> Bank:
        """The bank of the folder, opened at the first call."""
        if self.opened is None:
            self.opened = taken(self.host.open(self.folder))
        return self.opened

    def path(self, text: str) -> Path:
        """A path as the user means it: relative to where the user is."""
        return self.cwd / text

    def close(self) -> None:
        if self.opened is not None and not self.is_served:
            self.host.close(self.opened)
            self.opened = None


def taken(answer: T | Refusal) -> T:
    """The answer, when it is no refusal; a refusal goes straight to where all are printed."""
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer
