"""What must hold in a folder after any fault: acknowledged is a subset of recovered, recovered is a prefix of what was
written, the hash chain is valid, every sum is zero, and the state is what a replay from the first batch gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.books.writer import LANES, SETTINGS, last_of, signers, transfers

from qenex.books import (
    ACCOUNT,
    TRANSFER,
    AccountFlags,
    Books,
    BooksBatch,
    CreateTransferStatus,
    QueryFilter,
    TransferFlags,
    new_engine,
    u128_to_int,
)
from qenex.ledger import EventKind
from qenex.ledger.types import JOURNAL_FLAG_BURNT, JOURNAL_FLAG_EXPIRY, JOURNAL_FLAG_RESOLVED

CREATED = 0xFFFFFFFF


def as_given(batch: BooksBatch) -> np.ndarray:
    """A journalled batch's events as they were submitted: without the time, unless they brought their own."""
    events = batch.events.copy()
    if batch.kind == EventKind.account_updates:
        events["timestamp"][batch.statuses == CREATED] = 0
        return events
    imported = AccountFlags.imported if batch.events.dtype == ACCOUNT else TransferFlags.imported
    if events.dtype == TRANSFER:
        # Marks of the journal; on a refused record whose sender set these bits they are the sender's.
        marked = batch.statuses != CreateTransferStatus.reserved_flag
        events["flags"][marked] &= np.uint16(
            0xFFFF & ~(JOURNAL_FLAG_RESOLVED | JOURNAL_FLAG_BURNT | JOURNAL_FLAG_EXPIRY)
        )
    created = batch.statuses == CREATED
    events["timestamp"][created & ((events["flags"] & imported) == 0)] = 0
    return events


def replayed(batches: Iterator[BooksBatch], engine: str):
    """An engine in memory that has decided these batches again, and decided the same."""
    ledger = new_engine(engine)
    for batch in batches:
        if batch.kind == EventKind.expiry:
            assert ledger.expire(released_at(batch, ledger)) == len(batch.events), f"batch {batch.number}"
            continue
        method = {
            EventKind.accounts: "create_accounts",
            EventKind.transfers: "create_transfers",
            EventKind.account_updates: "update_accounts",
        }.get(batch.kind)
        if method is not None:
            results = getattr(ledger, method)(as_given(batch), batch.timestamp)
            assert (results["status"] == batch.statuses).all(), f"batch {batch.number}"
    return ledger


def released_at(batch: BooksBatch, ledger) -> int:  # type: ignore[no-untyped-def]
    """The moment holds were released at: the batch's time, unless that had to be later for its events to have room."""
    if batch.timestamp != ledger.last_timestamp + len(batch.events):
        return batch.timestamp
    ids = np.stack([batch.events["pending_id_lo"], batch.events["pending_id_hi"]], axis=1)
    holds = ledger.lookup_transfers(ids)
    due = holds["timestamp"] + holds["timeout"].astype(np.uint64) * np.uint64(1_000_000_000)
    return max(ledger.last_timestamp, int(due.max()))


def check_sums(books: Books) -> None:
    """Debits equal credits in every currency, pending and posted."""
    sums: dict[int, list[int]] = {}
    after = 0
    while len(page := books.query_accounts(QueryFilter(timestamp_min=after, limit=8000))):
        for account in page:
            row = sums.setdefault(int(account["ledger"]), [0, 0])
            row[0] += u128_to_int(account, "debits_pending") - u128_to_int(account, "credits_pending")
            row[1] += u128_to_int(account, "debits_posted") - u128_to_int(account, "credits_posted")
        after = int(page["timestamp"][-1]) + 1
    assert all(row == [0, 0] for row in sums.values()), sums


def check_books(books: Books, engine: str = "native") -> None:
    """Chain, sums and state of open books."""
    timestamps = [batch.timestamp for batch in books.journal.read(books.journal.genesis)]
    assert timestamps == sorted(timestamps), "time runs backwards"
    check_sums(books)
    while True:  # the books may go on meanwhile, and release a hold
        state_hash, last = books.state_hash(), books.last_batch
        if books.state_hash() == state_hash and books.last_batch == last:
            break
    upto = (batch for batch in books.batches_after(0) if batch.number <= last)
    assert replayed(upto, engine).state_hash() == state_hash, "state differs from a replay"


@dataclass(frozen=True)
class Recovered:
    last: dict[int, int]
    findings: list
    replayed: int


def check_folder(folder: Path, acknowledged: dict[int, int], seed: int) -> Recovered:
    """Open the folder that tests/books/writer.py wrote into, and hold it against what was acknowledged."""
    with Books.open(folder, signers=signers(), **SETTINGS) as books:
        check_books(books)
        last = {lane: last_of(books, lane) for lane in LANES}
        for lane, number in acknowledged.items():
            assert last[lane] >= number, f"lane {lane}: {number} was acknowledged, {last[lane]} recovered"
        for lane, number in last.items():
            check_lane(books, lane, number, seed)
        return Recovered(last, books.findings, books._engine.replayed)


def check_lane(books: Books, lane: int, last: int, seed: int) -> None:
    """Transfers 1 to `last` are there, as they were sent, and no other."""
    beyond = [(lane << 64) + last + more for more in range(1, 20_000)]
    assert not len(books.lookup_transfers(beyond)), f"lane {lane}: what was recovered is no prefix"
    for first in range(1, last + 1, 8000):
        sent = transfers(lane, first, min(8000, last + 1 - first), seed)
        found = books.lookup_transfers(np.stack([sent["id_lo"], sent["id_hi"]], axis=1))
        assert len(found) == len(sent), f"lane {lane}: some of {first} to {first + len(sent) - 1} are gone"
        same = ("id_lo", "id_hi", "pending_id_lo", "flags")
        assert all((found[name] == sent[name]).all() for name in same)
        plain = sent["pending_id_lo"] == 0
        amounts = ("amount_lo", "debit_account_id_lo", "credit_account_id_lo", "user_data_64")
        assert all((found[name] == sent[name])[plain].all() for name in amounts)
