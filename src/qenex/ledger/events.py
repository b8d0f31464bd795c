"""Accounts, transfers and account updates as plain ints, for people and single events.

`Transfer(...)` packs itself into the 128-byte record the engines take; `Transfer.of(record)` reads one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from operator import index
from struct import Struct
from struct import error as StructError
from typing import Any, Final

import numpy as np

from qenex.ledger.types import ACCOUNT, ACCOUNT_UPDATE, TRANSFER, U64_MAX, U128_MAX, Records

_ACCOUNT_LAYOUT: Final = Struct("<12Q Q I I I H H Q")
_TRANSFER_LAYOUT: Final = Struct("<12Q Q I I I H H Q")
_UPDATE_LAYOUT: Final = Struct("<8Q 40s H H I Q Q")


def _words(event: object, *names: str) -> list[int]:
    words: list[int] = []
    for name in names:
        value = index(getattr(event, name))
        if not 0 <= value <= U128_MAX:
            raise ValueError(f"{name} does not fit 128 bits: {value}")
        words += (value & U64_MAX, value >> 64)
    return words


def _packed(event: object, layout: Struct, values: list[Any]) -> bytes:
    try:
        return layout.pack(*values)
    except StructError as failure:
        raise ValueError(f"a field does not fit its size in {event!r}: {failure}") from failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account. To create one give id, ledger and code (and what else is wanted), never balances or timestamp."""

    id: int
    ledger: int
    code: int
    flags: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    reserved: int = 0
    timestamp: int = 0

    def pack(self) -> bytes:
        return _packed(
            self,
            _ACCOUNT_LAYOUT,
            [
                *_words(
                    self,
                    "id",
                    "debits_pending",
                    "debits_posted",
                    "credits_pending",
                    "credits_posted",
                    "user_data_128",
                ),
                self.user_data_64,
                self.user_data_32,
                self.reserved,
                self.ledger,
                self.code,
                self.flags,
                self.timestamp,
            ],
        )

    def record(self) -> np.void:
        """The 128-byte record as one numpy scalar."""
        return accounts_array([self])[0]  # type: ignore[no-any-return]

    @classmethod
    def of(cls, record: Any) -> Account:
        """The event in one 128-byte record (a numpy scalar or anything else with `tobytes`)."""
        return accounts_list(record)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer. A post or void may leave accounts, ledger and code at 0: they are the hold's."""

    id: int
    debit_account_id: int = 0
    credit_account_id: int = 0
    amount: int = 0
    pending_id: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    timeout: int = 0
    ledger: int = 0
    code: int = 0
    flags: int = 0
    timestamp: int = 0

    def pack(self) -> bytes:
        return _packed(
            self,
            _TRANSFER_LAYOUT,
            [
                *_words(self, "id", "debit_account_id", "credit_account_id", "amount", "pending_id", "user_data_128"),
                self.user_data_64,
                self.user_data_32,
                self.timeout,
                self.ledger,
                self.code,
                self.flags,
                self.timestamp,
            ],
        )

    def record(self) -> np.void:
        """The 128-byte record as one numpy scalar."""
        return transfers_array([self])[0]  # type: ignore[no-any-return]

    @classmethod
    def of(cls, record: Any) -> Transfer:
        """The event in one 128-byte record (a numpy scalar or anything else with `tobytes`)."""
        return transfers_list(record)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate:
    """Freeze, unfreeze, or a new overdraft limit. `kind` is an AccountUpdateKind, `value` the new limit or 0."""

    id: int
    account_id: int
    kind: int
    value: int = 0
    reason: int = 0
    user_data_128: int = 0
    flags: int = 0
    timestamp: int = 0
    reserved: bytes = bytes(40)
    reserved2: int = 0

    def pack(self) -> bytes:
        return _packed(
            self,
            _UPDATE_LAYOUT,
            [
                *_words(self, "id", "account_id", "value", "user_data_128"),
                self.reserved,
                self.kind,
                self.reason,
                self.flags,
                self.reserved2,
                self.timestamp,
            ],
        )

    def record(self) -> np.void:
        """The 128-byte record as one numpy scalar."""
        return account_updates_array([self])[0]  # type: ignore[no-any-return]

    @classmethod
    def of(cls, record: Any) -> AccountUpdate:
        """The event in one 128-byte record (a numpy scalar or anything else with `tobytes`)."""
        return account_updates_list(record)[0]


def accounts_array(accounts: Iterable[Account]) -> Records:
    """ACCOUNT[n], writable."""
    return np.frombuffer(bytearray(b"".join([account.pack() for account in accounts])), dtype=ACCOUNT)


def transfers_array(transfers: Iterable[Transfer]) -> Records:
    """TRANSFER[n], writable."""
    return np.frombuffer(bytearray(b"".join([transfer.pack() for transfer in transfers])), dtype=TRANSFER)


def account_updates_array(updates: Iterable[AccountUpdate]) -> Records:
    """ACCOUNT_UPDATE[n], writable."""
    return np.frombuffer(bytearray(b"".join([update.pack() for update in updates])), dtype=ACCOUNT_UPDATE)


def accounts_list(records: Any) -> list[Account]:
    """The accounts in ACCOUNT records."""
    return [
        Account(
            id=r[1] << 64 | r[0],
            debits_pending=r[3] << 64 | r[2],
            debits_posted=r[5] << 64 | r[4],
            credits_pending=r[7] << 64 | r[6],
            credits_posted=r[9] << 64 | r[8],
            user_data_128=r[11] << 64 | r[10],
            user_data_64=r[12],
            user_data_32=r[13],
            reserved=r[14],
            ledger=r[15],
            code=r[16],
            flags=r[17],
            timestamp=r[18],
        )
        for r in _ACCOUNT_LAYOUT.iter_unpack(records.tobytes())
    ]


def transfers_list(records: Any) -> list[Transfer]:
    """The transfers in TRANSFER records."""
    return [
        Transfer(
            id=r[1] << 64 | r[0],
            debit_account_id=r[3] << 64 | r[2],
            credit_account_id=r[5] << 64 | r[4],
            amount=r[7] << 64 | r[6],
            pending_id=r[9] << 64 | r[8],
            user_data_128=r[11] << 64 | r[10],
            user_data_64=r[12],
            user_data_32=r[13],
            timeout=r[14],
            ledger=r[15],
            code=r[16],
            flags=r[17],
            timestamp=r[18],
        )
        for r in _TRANSFER_LAYOUT.iter_unpack(records.tobytes())
    ]


def account_updates_list(records: Any) -> list[AccountUpdate]:
    """The updates in ACCOUNT_UPDATE records."""
    return [
        AccountUpdate(
            id=r[1] << 64 | r[0],
            account_id=r[3] << 64 | r[2],
            value=r[5] << 64 | r[4],
            user_data_128=r[7] << 64 | r[6],
            reserved=r[8],
            kind=r[9],
            reason=r[10],
            flags=r[11],
            reserved2=r[12],
            timestamp=r[13],
        )
        for r in _UPDATE_LAYOUT.iter_unpack(records.tobytes())
    ]


class Side(Enum):
    """Which side of the books a transfer touches."""

    debit = "debit"
    credit = "credit"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One side of a transfer: `amount` minor units debited to, or credited to, one account."""

    account_id: int
    side: Side
    amount: int
    transfer: Transfer


def entries(transfer: Transfer) -> tuple[LedgerEntry, LedgerEntry]:
    """Both sides of a transfer as stored, the debit first. Their amounts are equal: that is double entry."""
    return (
        LedgerEntry(transfer.debit_account_id, Side.debit, transfer.amount, transfer),
        LedgerEntry(transfer.credit_account_id, Side.credit, transfer.amount, transfer),
    )
