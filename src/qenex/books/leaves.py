"""Which records of a batch are leaves of the log, and in which form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qenex.ledger import TransferFlags

CREATED = 0xFFFFFFFF
RESOLVED_FLAGS = int(
    TransferFlags.post_pending_transfer
    | TransferFlags.void_pending_transfer
    | TransferFlags.balancing_debit
    | TransferFlags.balancing_credit
)
"""A created transfer with one of these has its stored form behind the events."""
_FLAGS = slice(118, 120)


def has_resolved_record(events: npt.NDArray[np.uint8], statuses: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """bool[n]: which events of a batch of transfers, uint8[n, 128], have a resolved record."""
    flags = np.ascontiguousarray(events[:, _FLAGS]).view("<u2").reshape(-1)
    result: npt.NDArray[np.bool_] = (statuses == CREATED) & ((flags & RESOLVED_FLAGS) != 0)
    return result


def leaf_records(units: npt.NDArray[np.uint8], count: int, statuses: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """The accepted records as stored, uint8[m, 128]. `units`: `count` events and, behind them, resolved records.

    A view when every event was created and none has a resolved record, else a copy."""
    events, resolved = units[:count], units[count:]
    created = statuses == CREATED
    if not len(resolved):
        return events if bool(created.all()) else np.ascontiguousarray(events[created])
    stored = events.copy()
    stored[has_resolved_record(events, statuses)] = resolved
    accepted: npt.NDArray[np.uint8] = stored[created]
    return accepted
