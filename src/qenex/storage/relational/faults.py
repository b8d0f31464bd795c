"""Typed faults of the relational store."""

from qenex.values import CorruptionFound, Fault

#: Result codes after which the file, or what the disk holds of it, cannot be trusted: I/O error, malformed, not a database.
# The numbers are SQLite's primary result codes (the low 8 bits of the extended ones).
_DISTRUST = (10, 11, 26)
_MALFORMED = (11, 26)


class StoreFault(Fault):
    """The database refused or lost something it must not: a constraint of its own, a row that must exist, a disk error."""

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(f"{action}: {detail}")
        self.action = action
        self.detail = detail


def fault_of(action: str, error: BaseException | None) -> Fault:
    """The fault that a driver's error means to us: damage is CorruptionFound, everything else a StoreFault."""
    if _code(error) in _MALFORMED:
        return CorruptionFound("the relational database", f"{action}: {error}")
    return StoreFault(action, str(error))


def ends_trust(error: BaseException | None) -> bool:
    """After this error nothing more may be written: what the disk holds is not known."""
    return _code(error) in _DISTRUST


def _code(error: BaseException | None) -> int:
    # By attribute: this module loads with the package, and the package loads no database.
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
