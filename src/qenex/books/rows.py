"""A batch's events as rows with named columns, for exports and for people.

One row per event, accepted or not, in one shape for all kinds; what a kind does not have is absent (null). An accepted
transfer stands as it was stored: amounts of posts and balancing transfers are the resolved ones.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from qenex.books.leaves import CREATED, has_resolved_record
from qenex.ledger import (
    ACCOUNT,
    ACCOUNT_UPDATE,
    TRANSFER,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    UpdateAccountStatus,
)
from qenex.storage.journal import BatchKind, StoredBatch

U128, U64, U32, U16, TEXT = "u128", "u64", "u32", "u16", "text"
COLUMNS: dict[str, str] = {
    "batch": U64,
    "index": U32,
    "kind": TEXT,
    "status": TEXT,
    "timestamp": U64,
    "id": U128,
    "debit_account_id": U128,
    "credit_account_id": U128,
    "amount": U128,
    "pending_id": U128,
    "account_id": U128,
    "value": U128,
    "update": TEXT,
    "reason": U16,
    "user_data_128": U128,
    "user_data_64": U64,
    "user_data_32": U32,
    "timeout": U32,
    "ledger": U32,
    "code": U16,
    "flags": U16,
    "commitment": TEXT,
}
"""Name and type of every column. u128 values are decimal text; a timestamp is Unix nanoseconds, null when refused."""

_FIELDS = {
    BatchKind.ACCOUNTS: "id user_data_128 user_data_64 user_data_32 ledger code flags",
    BatchKind.TRANSFERS: "id debit_account_id credit_account_id amount pending_id user_data_128 user_data_64 user_data_32 "
    "timeout ledger code flags",
    BatchKind.ACCOUNT_UPDATES: "id account_id value reason user_data_128",
    BatchKind.EXPIRY: "id debit_account_id credit_account_id amount pending_id user_data_128 user_data_64 user_data_32 "
    "timeout ledger code flags",
}
_KINDS = {
    BatchKind.ACCOUNTS: ("account", ACCOUNT, CreateAccountStatus),
    BatchKind.TRANSFERS: ("transfer", TRANSFER, CreateTransferStatus),
    BatchKind.ACCOUNT_UPDATES: ("account_update", ACCOUNT_UPDATE, UpdateAccountStatus),
    BatchKind.EXPIRY: ("expiry", TRANSFER, CreateTransferStatus),
}
_TRANSFER_FLAGS = 0x1FFF
"""The journal's own marks in a transfer's flags are above these."""


def batch_columns(batch: StoredBatch) -> dict[str, Any]:
    """Columns of the batch's rows by name: numpy arrays of numbers, (lo, hi) pairs for u128, and for text one value, or a
    list with one entry per row. A missing name is null throughout. `timestamp` comes with a mask as `timestamp_is_null`."""
    name, record, statuses = _KINDS[BatchKind(batch.kind)]
    units = batch.events
    if len(batch.resolved):
        units = units.copy()
        units[has_resolved_record(batch.events, batch.statuses)] = batch.resolved
    events = np.ascontiguousarray(units).reshape(-1).view(record)
    count = len(events)
    columns: dict[str, Any] = {
        "batch": np.full(count, batch.number, dtype=np.uint64),
        "index": np.arange(count, dtype=np.uint32),
        "kind": name,
        "status": _names(batch.statuses, statuses),
        "timestamp": events["timestamp"],
        "timestamp_is_null": batch.statuses != CREATED,
    }
    for field in _FIELDS[BatchKind(batch.kind)].split():
        is_pair = COLUMNS[field] == U128
        columns[field] = (events[f"{field}_lo"], events[f"{field}_hi"]) if is_pair else events[field]
    if record is TRANSFER:
        columns["flags"] = events["flags"] & np.uint16(_TRANSFER_FLAGS)
    if batch.kind == BatchKind.ACCOUNT_UPDATES:
        columns["update"] = _names(events["kind"], AccountUpdateKind)
    if batch.commitments is not None:
        text = batch.commitments.tobytes().hex()
        columns["commitment"] = [text[at : at + 64] for at in range(0, len(text), 64)]
    return columns


def _names(values: npt.NDArray[Any], names: type[IntEnum]) -> str | list[str]:
    first = int(values[0])
    if bool((values == first).all()):
        return _name(first, names)
    known: dict[int, str] = {}
    return [known.get(value) or known.setdefault(value, _name(value, names)) for value in values.tolist()]


def _name(value: int, names: type[IntEnum]) -> str:
    try:
        return names(value).name
    except ValueError:
        return str(value)


def u128_texts(low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64]) -> list[str]:
    """Decimal text of each number."""
    if not high.any():
        return list(map(str, low.tolist()))
    return [str(h << 64 | l) for l, h in zip(low.tolist(), high.tolist())]  # noqa: E741


def batch_rows(batch: StoredBatch) -> list[dict[str, Any]]:
    """The batch's rows as dicts; what is null is left out."""
    columns = batch_columns(batch)
    is_null = columns.pop("timestamp_is_null").tolist()
    count = len(is_null)
    values = {name: _cells(columns[name], count) for name in COLUMNS if name in columns}
    rows = [dict(zip(values, cells)) for cells in zip(*values.values())]
    for row, unset in zip(rows, is_null):
        if unset:
            del row["timestamp"]
    return rows


def _cells(column: Any, count: int) -> list[Any]:
    if isinstance(column, str):
        return [column] * count
    if isinstance(column, tuple):
        return u128_texts(*column)
    cells: list[Any] = column if isinstance(column, list) else column.tolist()
    return cells
