"""Journal batches as the layers above see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qenex.ledger import ACCOUNT, ACCOUNT_UPDATE, TRANSFER
from qenex.storage.journal import BatchKind, StoredBatch

_RECORDS = {
    BatchKind.ACCOUNTS: ACCOUNT,
    BatchKind.TRANSFERS: TRANSFER,
    BatchKind.ACCOUNT_UPDATES: ACCOUNT_UPDATE,
    BatchKind.EXPIRY: TRANSFER,
}


@dataclass(frozen=True, slots=True)
class BooksBatch:
    """A durable batch: its events as given (timestamps filled in), uint32[n] statuses, uint8[n, 32] commitments or None."""

    number: int
    kind: int
    timestamp: int
    events: npt.NDArray[np.void]
    resolved: npt.NDArray[np.void]
    statuses: npt.NDArray[np.uint32]
    commitments: npt.NDArray[np.uint8] | None


def stored_batch(batch: StoredBatch) -> BooksBatch:
    record = _RECORDS.get(BatchKind(batch.kind))
    events = batch.events if record is None else _as_records(batch.events, record)
    return BooksBatch(
        number=batch.number,
        kind=batch.kind,
        timestamp=batch.timestamp,
        events=events,
        resolved=_as_records(batch.resolved, TRANSFER),
        statuses=batch.statuses,
        commitments=batch.commitments,
    )


def _as_records(units: npt.NDArray[np.uint8], record: np.dtype[np.void]) -> npt.NDArray[np.void]:
    return units.reshape(-1).view(record)
