"""Small books with everything in them: refusals, chains, holds, updates, expiry, blocks, several segments, a snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qenex.books import (
    Account,
    AccountFlags,
    AccountUpdate,
    AccountUpdateKind,
    Books,
    Signers,
    Transfer,
    TransferFlags,
    transfers_array,
)
from qenex.values import ManualClock

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SEGMENT_SLOTS = 128
"""So small that a few batches need several segments; too small for an expiry, which makes room for 8,190 holds."""
ROOMY_SLOTS = 17_000
ORIGIN = "bank.example/log"


def signers(origin: str = ORIGIN) -> Signers:
    return Signers.from_seeds(origin, bytes([1]) * 32, bytes([2]) * 32)


def open_books(folder: Path, clock: ManualClock, origin: str = ORIGIN, slots: int = SEGMENT_SLOTS) -> Books:
    return Books.open(folder, clock=clock, signers=signers(origin), timer=False, segment_slots=slots)


def pay(number: int, amount: int = 1, **fields: int) -> Transfer:
    """A transfer from account 1 to account 2."""
    return Transfer(
        **{"id": number, "debit_account_id": 1, "credit_account_id": 2, "amount": amount, "ledger": 978, "code": 1}
        | fields
    )


def open_accounts(books: Books) -> None:
    books.create_accounts(
        [
            Account(id=1, ledger=978, code=10),
            Account(id=2, ledger=978, code=20, flags=AccountFlags.history),
            Account(id=3, ledger=978, code=20, flags=AccountFlags.debits_must_not_exceed_credits),
            Account(id=4, ledger=978, code=20, flags=AccountFlags.overdraft, user_data_64=50),
            Account(id=4, ledger=978, code=21),
        ]
    )


def live(books: Books, clock: ManualClock, first: int = 100, rounds: int = 2, slots: int = SEGMENT_SLOTS) -> int:
    """Some activity; returns the number after the last id used."""
    number = first
    for _ in range(rounds):
        clock.advance(SECOND)
        batch = [
            pay(number, 1000),
            pay(number + 1, 10, debit_account_id=3, credit_account_id=2),
            pay(number + 2, 5, flags=TransferFlags.linked),
            pay(number + 3, 0, credit_account_id=77),
            pay(number + 4, 40, flags=TransferFlags.pending, timeout=1),
            pay(number + 5, 40, flags=TransferFlags.pending),
            pay(number + 6, 30, flags=TransferFlags.post_pending_transfer, pending_id=number + 5),
            pay(number + 7, 40, debit_account_id=4, credit_account_id=3, user_data_64=number, user_data_32=9),
            pay((1 << 120) + number, 60, debit_account_id=4, credit_account_id=2),
        ]
        commitments = np.arange(32 * len(batch), dtype=np.uint64).astype(np.uint8).reshape(-1, 32)
        books.submit(transfers_array(batch), commitments).result()
        number += 10
        books.checkpoint()
        kind = AccountUpdateKind.set_limit
        books.update_accounts([AccountUpdate(id=number, account_id=4, kind=kind, value=number, reason=1)])
        books.create_transfers([pay(number + k) for k in range(20)])
        number += 30
        clock.advance(2 * SECOND)
        if slots == ROOMY_SLOTS:
            assert books.expire(clock.now_ns()) == 1
    return number


def make_books(
    folder: Path, monkeypatch: pytest.MonkeyPatch | None = None, *, slots: int = SEGMENT_SLOTS
) -> ManualClock:
    """Books that were opened, used and closed twice. With `monkeypatch` they have a snapshot and index runs."""
    if monkeypatch is not None:
        monkeypatch.setattr("qenex.books.engine.SNAPSHOT_AT_CLOSE", 1)
    clock = ManualClock(START)
    with open_books(folder, clock, slots=slots) as books:
        open_accounts(books)
        live(books, clock, slots=slots)
    with open_books(folder, clock, slots=slots) as books:
        live(books, clock, first=1000, slots=slots)
    return clock
