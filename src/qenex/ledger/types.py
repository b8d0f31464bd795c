"""Records, flags, status numbers and filters of the ledger: the vocabulary every engine shares.

The records are TigerBeetle's 128-byte little-endian Account and Transfer, its status numbers are TigerBeetle 0.17's
(src/tigerbeetle.zig), and ours start at 1000. A u128 is two u64 fields, `<name>_lo` and `<name>_hi`.
The same numbers stand in core/include/qenex/core.h; tests/ledger/test_numbers.py compares both lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from operator import index
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

BATCH_MAX: Final = 8190
"""The most events one batch may hold."""

U32_MAX: Final = (1 << 32) - 1
U63_MAX: Final = (1 << 63) - 1
U64_MAX: Final = (1 << 64) - 1
U128_MAX: Final = (1 << 128) - 1

AMOUNT_MAX: Final = U128_MAX
"""As the amount of a post: all of the hold."""

ID_MAX: Final = U128_MAX
"""Not a valid id."""

TIMESTAMP_MIN: Final = 1
TIMESTAMP_MAX: Final = (1 << 63) - 1
"""Timestamps are Unix nanoseconds in 1 .. 2^63-1."""

NANOSECONDS_PER_SECOND: Final = 1_000_000_000

Records: TypeAlias = NDArray[np.void]
"""A one-dimensional structured array of one of the record types below."""

Words: TypeAlias = NDArray[np.uint64]
Statuses: TypeAlias = NDArray[np.uint32]


class BatchTooLarge(ValueError):
    """A batch with more than BATCH_MAX events. Nothing of it was applied."""

    def __init__(self, count: int) -> None:
        super().__init__(f"a batch holds at most {BATCH_MAX} events, this one has {count}; nothing was applied")
        self.count = count


class TimeBeforeLastTimestamp(ValueError):
    """A time that is not after everything the ledger has already recorded. Nothing was applied."""

    def __init__(self, given: int, last: int) -> None:
        super().__init__(f"the ledger has recorded events up to {last}, the time given is {given}")
        self.given = given
        self.last = last


# ---------------------------------------------------------------------------------------------------------------------
# Records


def _u128(name: str) -> list[tuple[str, str]]:
    return [(f"{name}_lo", "<u8"), (f"{name}_hi", "<u8")]


ACCOUNT: Final[np.dtype[np.void]] = np.dtype(
    [
        *_u128("id"),
        *_u128("debits_pending"),
        *_u128("debits_posted"),
        *_u128("credits_pending"),
        *_u128("credits_posted"),
        *_u128("user_data_128"),
        ("user_data_64", "<u8"),
        ("user_data_32", "<u4"),
        ("reserved", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("timestamp", "<u8"),
    ]
)

TRANSFER: Final[np.dtype[np.void]] = np.dtype(
    [
        *_u128("id"),
        *_u128("debit_account_id"),
        *_u128("credit_account_id"),
        *_u128("amount"),
        *_u128("pending_id"),
        *_u128("user_data_128"),
        ("user_data_64", "<u8"),
        ("user_data_32", "<u4"),
        ("timeout", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("timestamp", "<u8"),
    ]
)

ACCOUNT_UPDATE: Final[np.dtype[np.void]] = np.dtype(
    [
        *_u128("id"),
        *_u128("account_id"),
        *_u128("value"),
        *_u128("user_data_128"),
        ("reserved", "V40"),
        ("kind", "<u2"),
        ("reason", "<u2"),
        ("flags", "<u4"),
        ("reserved2", "<u8"),
        ("timestamp", "<u8"),
    ]
)

RESULT: Final[np.dtype[np.void]] = np.dtype([("timestamp", "<u8"), ("status", "<u4"), ("reserved", "<u4")])

BALANCES: Final[np.dtype[np.void]] = np.dtype(
    [
        *_u128("debit_debits_pending"),
        *_u128("debit_debits_posted"),
        *_u128("debit_credits_pending"),
        *_u128("debit_credits_posted"),
        *_u128("credit_debits_pending"),
        *_u128("credit_debits_posted"),
        *_u128("credit_credits_pending"),
        *_u128("credit_credits_posted"),
    ]
)
"""The balances of a transfer's debit account and credit account right after it; all zero when it was not created."""

ACCOUNT_BALANCE: Final[np.dtype[np.void]] = np.dtype(
    [
        *_u128("debits_pending"),
        *_u128("debits_posted"),
        *_u128("credits_pending"),
        *_u128("credits_posted"),
        ("timestamp", "<u8"),
        ("reserved", "V56"),
    ]
)
"""The balances of one account right after the event with this timestamp."""

ACCOUNT_STATE: Final[np.dtype[np.void]] = np.dtype(
    [*_u128("id"), *_u128("limit"), ("freeze", "<u4"), ("has_limit", "<u4"), ("reserved", "V24")]
)
"""What the ledger keeps beside an account's record: current overdraft limit and freeze bits."""

for _dtype in (ACCOUNT, TRANSFER, ACCOUNT_UPDATE, BALANCES, ACCOUNT_BALANCE):
    if _dtype.itemsize != 128:
        raise AssertionError(f"a record has 128 bytes: {_dtype}")
if RESULT.itemsize != 16 or ACCOUNT_STATE.itemsize != 64:
    raise AssertionError("RESULT has 16 bytes, ACCOUNT_STATE 64")


class EventKind(IntEnum):
    """What a batch holds, in the journal and at the door of the core."""

    accounts = 1
    transfers = 2
    account_updates = 3
    expiry = 4


# ---------------------------------------------------------------------------------------------------------------------
# Flags. `~flag` of an IntFlag clears only bits that have a name: to find unknown bits use the *_FLAGS_VALID masks.


class AccountFlags(IntFlag):
    linked = 1 << 0
    debits_must_not_exceed_credits = 1 << 1
    credits_must_not_exceed_debits = 1 << 2
    history = 1 << 3
    imported = 1 << 4
    closed = 1 << 5
    overdraft = 1 << 15
    """Ours: debits may exceed credits by a limit; `user_data_64` at creation is the initial limit."""


class TransferFlags(IntFlag):
    linked = 1 << 0
    pending = 1 << 1
    post_pending_transfer = 1 << 2
    void_pending_transfer = 1 << 3
    balancing_debit = 1 << 4
    balancing_credit = 1 << 5
    closing_debit = 1 << 6
    closing_credit = 1 << 7
    imported = 1 << 8


ACCOUNT_FLAGS_VALID: Final = 0b1000_0000_0011_1111
TRANSFER_FLAGS_VALID: Final = 0b0000_0001_1111_1111

JOURNAL_FLAG_RESOLVED: Final = 1 << 13
"""Only in journalled transfers: the event's stored form, with resolved amount and fields, stands behind the events."""
JOURNAL_FLAG_BURNT: Final = 1 << 14
"""Only in journalled transfers: the event failed transiently and burnt its id."""
JOURNAL_FLAG_EXPIRY: Final = 1 << 15
"""Only in journalled transfers: the record is the release of a hold whose time was over."""


class AccountUpdateKind(IntEnum):
    freeze_debits = 1
    freeze_credits = 2
    unfreeze = 4
    """Ends both freezes."""
    set_limit = 8


class Freeze(IntFlag):
    """The `freeze` field of ACCOUNT_STATE."""

    debits = 1
    credits = 2


class AccountFilterFlags(IntFlag):
    debits = 1 << 0
    credits = 1 << 1
    reversed = 1 << 2


class QueryFilterFlags(IntFlag):
    reversed = 1 << 0


ACCOUNT_FILTER_FLAGS_VALID: Final = 0b111
QUERY_FILTER_FLAGS_VALID: Final = 0b1


# ---------------------------------------------------------------------------------------------------------------------
# Statuses, in the order in which the ledger checks them: the first that applies is the answer.


class CreateAccountStatus(IntEnum):
    created = 0xFFFF_FFFF
    linked_event_failed = 1
    linked_event_chain_open = 2
    imported_event_expected = 22
    imported_event_not_expected = 23
    timestamp_must_be_zero = 3
    imported_event_timestamp_out_of_range = 24
    imported_event_timestamp_must_not_advance = 25
    reserved_field = 4
    reserved_flag = 5
    id_must_not_be_zero = 6
    id_must_not_be_int_max = 7
    exists_with_different_flags = 15
    exists_with_different_user_data_128 = 16
    exists_with_different_user_data_64 = 17
    exists_with_different_user_data_32 = 18
    exists_with_different_ledger = 19
    exists_with_different_code = 20
    exists = 21
    flags_are_mutually_exclusive = 8
    debits_pending_must_be_zero = 9
    debits_posted_must_be_zero = 10
    credits_pending_must_be_zero = 11
    credits_posted_must_be_zero = 12
    ledger_must_not_be_zero = 13
    code_must_not_be_zero = 14
    imported_event_timestamp_must_not_regress = 26


class CreateTransferStatus(IntEnum):
    created = 0xFFFF_FFFF
    linked_event_failed = 1
    linked_event_chain_open = 2
    imported_event_expected = 56
    imported_event_not_expected = 57
    timestamp_must_be_zero = 3
    imported_event_timestamp_out_of_range = 58
    imported_event_timestamp_must_not_advance = 59
    reserved_flag = 4
    id_must_not_be_zero = 5
    id_must_not_be_int_max = 6
    exists_with_different_flags = 36
    exists_with_different_pending_id = 40
    exists_with_different_timeout = 44
    exists_with_different_debit_account_id = 37
    exists_with_different_credit_account_id = 38
    exists_with_different_amount = 39
    exists_with_different_user_data_128 = 41
    exists_with_different_user_data_64 = 42
    exists_with_different_user_data_32 = 43
    exists_with_different_ledger = 67
    exists_with_different_code = 45
    exists = 46
    id_already_failed = 68
    flags_are_mutually_exclusive = 7
    debit_account_id_must_not_be_zero = 8
    debit_account_id_must_not_be_int_max = 9
    credit_account_id_must_not_be_zero = 10
    credit_account_id_must_not_be_int_max = 11
    accounts_must_be_different = 12
    pending_id_must_be_zero = 13
    pending_id_must_not_be_zero = 14
    pending_id_must_not_be_int_max = 15
    pending_id_must_be_different = 16
    timeout_reserved_for_pending_transfer = 17
    closing_transfer_must_be_pending = 64
    ledger_must_not_be_zero = 19
    code_must_not_be_zero = 20
    debit_account_not_found = 21
    credit_account_not_found = 22
    accounts_must_have_the_same_ledger = 23
    transfer_must_have_the_same_ledger_as_accounts = 24
    pending_transfer_not_found = 25
    pending_transfer_not_pending = 26
    pending_transfer_has_different_debit_account_id = 27
    pending_transfer_has_different_credit_account_id = 28
    pending_transfer_has_different_ledger = 29
    pending_transfer_has_different_code = 30
    exceeds_pending_transfer_amount = 31
    pending_transfer_has_different_amount = 32
    pending_transfer_already_posted = 33
    pending_transfer_already_voided = 34
    pending_transfer_expired = 35
    imported_event_timestamp_must_not_regress = 60
    imported_event_timestamp_must_postdate_debit_account = 61
    imported_event_timestamp_must_postdate_credit_account = 62
    imported_event_timeout_must_be_zero = 63
    debit_account_already_closed = 65
    credit_account_already_closed = 66
    debit_account_frozen = 1000
    credit_account_frozen = 1001
    overflows_debits_pending = 47
    overflows_credits_pending = 48
    overflows_debits_posted = 49
    overflows_credits_posted = 50
    overflows_debits = 51
    overflows_credits = 52
    overflows_timeout = 53
    exceeds_credits = 54
    exceeds_debits = 55

    @property
    def is_transient(self) -> bool:
        """True when the same event could succeed later: its id is burnt, every retry answers id_already_failed."""
        return self in _TRANSIENT


_TRANSIENT: Final = frozenset(
    {
        CreateTransferStatus.debit_account_not_found,
        CreateTransferStatus.credit_account_not_found,
        CreateTransferStatus.pending_transfer_not_found,
        CreateTransferStatus.debit_account_already_closed,
        CreateTransferStatus.credit_account_already_closed,
        CreateTransferStatus.debit_account_frozen,
        CreateTransferStatus.credit_account_frozen,
        CreateTransferStatus.exceeds_credits,
        CreateTransferStatus.exceeds_debits,
    }
)


class UpdateAccountStatus(IntEnum):
    """Ours. An update that is not created leaves its id free."""

    created = 0xFFFF_FFFF
    timestamp_must_be_zero = 1100
    reserved_field = 1101
    reserved_flag = 1102
    id_must_not_be_zero = 1103
    id_must_not_be_int_max = 1104
    exists_with_different_account_id = 1105
    exists_with_different_kind = 1106
    exists_with_different_value = 1107
    exists_with_different_reason = 1108
    exists_with_different_user_data_128 = 1109
    exists = 1110
    account_id_must_not_be_zero = 1111
    account_id_must_not_be_int_max = 1112
    kind_invalid = 1113
    value_must_be_zero = 1114
    account_not_found = 1115
    account_has_no_overdraft = 1116


# ---------------------------------------------------------------------------------------------------------------------
# Filters. An invalid filter is answered with nothing, not with an error, as in TigerBeetle.


def _check_bits(filter: object, **bits: int) -> None:
    for name, count in bits.items():
        value = index(getattr(filter, name))
        if value < 0 or value >> count:
            raise ValueError(f"{name} of a filter does not fit {count} bits: {value}")


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Transfers (or balances) of one account. 0 = any; timestamps inclusive; `limit` at most BATCH_MAX are returned."""

    account_id: int
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    code: int = 0
    timestamp_min: int = 0
    timestamp_max: int = 0
    limit: int = BATCH_MAX
    flags: int = AccountFilterFlags.debits | AccountFilterFlags.credits

    def __post_init__(self) -> None:
        _check_bits(
            self,
            account_id=128,
            user_data_128=128,
            user_data_64=64,
            user_data_32=32,
            code=16,
            timestamp_min=64,
            timestamp_max=64,
            limit=32,
            flags=32,
        )


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """Accounts or transfers that match every given field. 0 = any; timestamps inclusive."""

    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    ledger: int = 0
    code: int = 0
    timestamp_min: int = 0
    timestamp_max: int = 0
    limit: int = BATCH_MAX
    flags: int = 0

    def __post_init__(self) -> None:
        _check_bits(
            self,
            ledger=32,
            user_data_128=128,
            user_data_64=64,
            user_data_32=32,
            code=16,
            timestamp_min=64,
            timestamp_max=64,
            limit=32,
            flags=32,
        )


# ---------------------------------------------------------------------------------------------------------------------
# u128


def u128_to_int(record: Any, name: str) -> int:
    """The field `name` (say "amount") of one record as an int."""
    return int(record[name + "_hi"]) << 64 | int(record[name + "_lo"])


def int_to_u128(record: Any, name: str, value: int) -> None:
    """Set the field `name` of a record, or of all records of an array, to a u128."""
    if not 0 <= value <= U128_MAX:
        raise ValueError(f"{name} does not fit 128 bits: {value}")
    record[name + "_lo"] = value & U64_MAX
    record[name + "_hi"] = value >> 64


def u128_list(records: Records, name: str) -> list[int]:
    """The field `name` of every record as ints."""
    highs: list[int] = records[name + "_hi"].tolist()
    lows: list[int] = records[name + "_lo"].tolist()
    return [high << 64 | low for high, low in zip(highs, lows, strict=True)]


def ids_array(ids: Iterable[int] | Words | Records) -> Words:
    """Ids as uint64[n, 2] in the order lo, hi. Accepts ints, such an array (not copied), or id_lo/id_hi records."""
    if isinstance(ids, np.ndarray):
        array: Any = ids
        if array.dtype.names is not None:
            if "id_lo" not in array.dtype.names or "id_hi" not in array.dtype.names:
                raise TypeError(f"ids need the fields id_lo and id_hi, this array has {array.dtype.names}")
            array = np.stack([array["id_lo"], array["id_hi"]], axis=-1)
        if array.dtype != np.uint64:
            raise TypeError(f"an array of ids has the type uint64, this one {array.dtype}")
        if array.ndim != 2 or array.shape[1] != 2:
            raise ValueError(f"an array of ids has the shape [n, 2] (lo, hi), this one {array.shape}")
        words: Words = np.ascontiguousarray(array)
        return words
    halves: list[int] = []
    for id_ in ids:
        if not hasattr(id_, "__index__"):
            raise TypeError(f"an id is an int, not {type(id_).__name__}")
        value = index(id_)
        if not 0 <= value <= U128_MAX:
            raise ValueError(f"an id does not fit 128 bits: {value}")
        halves += (value & U64_MAX, value >> 64)
    return np.array(halves, dtype=np.uint64).reshape(-1, 2)


def checked_events(events: Any, dtype: np.dtype[np.void], what: str) -> Records:
    """`events` itself (no copy when contiguous) if it is an array of `dtype` with at most BATCH_MAX events.

    Raises TypeError (not such an array), ValueError (shape), BatchTooLarge.
    """
    if not isinstance(events, np.ndarray):
        raise TypeError(f"{what} are a numpy array of the record type, not {type(events).__name__}")
    if events.dtype != dtype:
        raise TypeError(f"{what} have the record type {dtype.names}, this array has {events.dtype}")
    if events.ndim != 1:
        raise ValueError(f"{what} are a one-dimensional array, this one has the shape {events.shape}")
    if len(events) > BATCH_MAX:
        raise BatchTooLarge(len(events))
    return np.ascontiguousarray(events)


# ---------------------------------------------------------------------------------------------------------------------
# Names of statuses, for people


def account_statuses(statuses: Sequence[int] | Statuses) -> list[CreateAccountStatus]:
    return [CreateAccountStatus(int(status)) for status in statuses]


def transfer_statuses(statuses: Sequence[int] | Statuses) -> list[CreateTransferStatus]:
    return [CreateTransferStatus(int(status)) for status in statuses]


def update_statuses(statuses: Sequence[int] | Statuses) -> list[UpdateAccountStatus]:
    return [UpdateAccountStatus(int(status)) for status in statuses]
