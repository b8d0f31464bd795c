"""Accounts, transfers and account updates as plain ints, for people and single events.

`Transfer(...)` packs itself into the 128-byte record the engines take; `Transfer.of(record)` reads one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from struct import Struct
from struct import error as StructError
from typing import Any, Final

import numpy as np

from qenex.ledger.types import ACCOUNT, ACCOUNT_UPDATE, TRANSFER, U64_MAX, U128_MAX, Records, u128_to_int

_ACCOUNT_LAYOUT: Final = Struct("<12Q Q I I I H H Q")
_TRANSFER_LAYOUT: Final = Struct("<12Q Q I I I H H Q")
_UPDATE_LAYOUT: Final = Struct("<8Q 40x H H I Q Q")


def _words(event: object, *names: str) -> list[int]:
    words: list[int] = []
    for name in names:
        value = getattr(event, name)
        if not 0 <= value <= U128_MAX:
            raise ValueError(f"{name} does not fit 128 bits: {value}")
        words += (value & U64_MAX, value >> 64)
    return words


def _packed(event: object, layout: Struct, values: list[int]) -> bytes:
    try:
        return layout.pack(*values)
    except StructError as failure:
        raise ValueError(f"a field does not fit its size in {event!r}: {failure}") from failure


def _read(cls: type[Any], record: Any) -> Any:
    names = record.dtype.names
    values = {
        field.name: u128_to_int(record, field.name) if field.name + "_lo" in names else int(record[field.name])
        for field in fields(cls)
    }
    return cls(**values)


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
        return _read(cls, record)  # type: ignore[no-any-return]


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
                *_words(
                    self, "id", "debit_account_id", "credit_account_id", "amount", "pending_id", "user_data_128"
                ),
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
        return _read(cls, record)  # type: ignore[no-any-return]


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
    reserved2: int = 0
    timestamp: int = 0

    def pack(self) -> bytes:
        return _packed(
            self,
            _UPDATE_LAYOUT,
            [
                *_words(self, "id", "account_id", "value", "user_data_128"),
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
        return _read(cls, record)  # type: ignore[no-any-return]


def accounts_array(accounts: Iterable[Account]) -> Records:
    """ACCOUNT[n], writable."""
    return np.frombuffer(bytearray(b"".join([account.pack() for account in accounts])), dtype=ACCOUNT)


def transfers_array(transfers: Iterable[Transfer]) -> Records:
    """TRANSFER[n], writable."""
    return np.frombuffer(bytearray(b"".join([transfer.pack() for transfer in transfers])), dtype=TRANSFER)


def account_updates_array(updates: Iterable[AccountUpdate]) -> Records:
    """ACCOUNT_UPDATE[n], writable."""
    return np.frombuffer(bytearray(b"".join([update.pack() for update in updates])), dtype=ACCOUNT_UPDATE)
