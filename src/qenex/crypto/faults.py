"""What can go wrong with keys and sealed records: typed faults that name the place, never the secret."""

from qenex.values import Fault


class TamperFound(Fault):
    """Authenticated data did not verify: changed, moved to another place, or opened with the wrong key."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place}: the sealed data does not verify")
        self.place = place


class RecordMalformed(Fault):
    """The bytes are not a canonical record of a known version."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"not a canonical record: {detail}")
        self.detail = detail


class CommitmentMismatch(Fault):
    """The commitment was made from other bytes than this salt and record."""

    def __init__(self) -> None:
        super().__init__("the commitment does not match the salt and the record")


class KeysChanged(Fault):
    """Another process replaced the key file since this one read it; nothing was written."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place}: the file changed since it was read; open it again")
        self.place = place
