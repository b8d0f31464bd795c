"""Typed faults of the relational store."""

from qenex.values import Fault


class StoreFault(Fault):
    """The database refused or lost something it must not: a constraint of its own, a row that must exist, a disk error."""

    def __init__(self, action: str, detail: str) -> None:
        super().__init__(f"{action}: {detail}")
        self.action = action
        self.detail = detail
