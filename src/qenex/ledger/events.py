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

from qenex.ledger.types import ACCOUNT, ACCOUNT_UPDATE, TRANSFER, Records

# Accounts and transfers have the same layout. Read as halves of u128, written as 16 bytes each.
_EVENT_HALVES: Final = Struct("<12Q Q I I I H H Q")
_EVENT_PACKED: Final = Struct("<16s16s16s16s16s16s Q I I I H H Q")
_UPDATE_HALVES: Final = Struct("<8Q 40s H H I Q Q")
_UPDATE_PACKED: Final = Struct("<16s16s16s16s 40s H H I Q Q")


def _u128(value: int) -> bytes:
    return index(value).to_bytes(16, "little")


def _does_not_fit(event: object, failure: Exception) -> ValueError:
    return ValueError(f"a field does not fit its size in {event!r}: {failure}")


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
        try:
            return _EVENT_PACKED.pack(
                _u128(self.id),
                _u128(self.debits_pending),
                _u128(self.debits_posted),
                _u128(self.credits_pending),
                _u128(self.credits_posted),
                _u128(self.user_data_128),
                self.user_data_64,
                self.user_data_32,
                self.reserved,
                self.ledger,
                self.code,
                self.flags,
                self.timestamp,
            )
        except (OverflowError, StructError) as failure:
            raise _does_not_fit(self, failure) from failure

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
        try:
            return _EVENT_PACKED.pack(
                _u128(self.id),
                _u128(self.debit_account_id),
                _u128(self.credit_account_id),
                _u128(self.amount),
                _u128(self.pending_id),
                _u128(self.user_data_128),
                self.user_data_64,
                self.user_data_32,
                self.timeout,
                self.ledger,
                self.code,
                self.flags,
                self.timestamp,
            )
        except (OverflowError, StructError) as failure:
            raise _does_not_fit(self, failure) from failure

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
        if len(self.reserved) != 40:
            raise ValueError(f"reserved has 40 bytes, not {len(self.reserved)}")
        try:
            return _UPDATE_PACKED.pack(
                _u128(self.id),
                _u128(self.account_id),
                _u128(self.value),
                _u128(self.user_data_128),
                self.reserved,
                self.kind,
                self.reason,
                self.flags,
                self.reserved2,
                self.timestamp,
            )
        except (OverflowError, StructError) as failure:
            raise _does_not_fit(self, failure) from failure

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
        for r in _EVENT_HALVES.iter_unpack(records.tobytes())
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
        for r in _EVENT_HALVES.iter_unpack(records.tobytes())
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
        for r in _UPDATE_HALVES.iter_unpack(records.tobytes())
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
