"""The ledger decided by the core in C: zero-copy arrays in, results out, the GIL released while it works.

`NativeCore` is the core with its memory and without an idea of where records are kept: a journal gives it segments.
`NativeLedger` keeps them in anonymous memory and has the same methods as `ReferenceLedger`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qenex.ledger._core import ffi, lib
from qenex.ledger.types import (
    ACCOUNT,
    ACCOUNT_BALANCE,
    ACCOUNT_STATE,
    BALANCES,
    BATCH_MAX,
    RESULT,
    TIMESTAMP_MAX,
    TRANSFER,
    AccountFilter,
    QueryFilter,
    Records,
    TimeBeforeLastTimestamp,
    Words,
)
from qenex.platform.memory import Region

SLOT: Final = 128
SEGMENT_SHIFT: Final = 21
SEGMENT_SLOTS: Final = 1 << SEGMENT_SHIFT
GENERATION_MAX: Final = 8_000_000
"""Index entries after which a generation is sealed; two tables of 2^24 entries of 8 bytes hold it."""

_INDEX_BITS = 24
_REGION_BYTES: Final = {
    "ACCOUNTS": 160 << 26,
    "ACCOUNT_INDEX": 32 << 27,
    "CHAIN": 8 << 32,
    "MARKS": 80 << 28,
    "HOLDS": 16 << 28,
    "BURNT": 4 << 30,
    "UPDATES": 4 << 28,
    "BATCHES": 16 << 31,
    "INDEX_A": 16 << _INDEX_BITS,
    "INDEX_B": 16 << _INDEX_BITS,
    "USER_DATA_A": 24 * GENERATION_MAX,
    "USER_DATA_B": 24 * GENERATION_MAX,
}
_EXPORT_ACCOUNTS = 16_384
_INFO: Final = (
    "last_timestamp",
    "last_account_timestamp",
    "last_transfer_timestamp",
    "accounts",
    "open_holds",
    "hold_entries",
    "burnt",
    "updates",
    "marks",
    "batches",
    "index_entries",
    "index_bits",
    "active",
    "transfers",
    "next_expiry",
    "runs",
    "sealing",
)

Bytes = npt.NDArray[np.uint8]
Entries = npt.NDArray[np.uint64]


class CoreFull(Exception):
    """A region of the core has no room for a batch; nothing was changed. `region` is the core's number for it."""

    INDEX = 2

    def __init__(self, region: int) -> None:
        super().__init__(f"the ledger core has no room left (reason {region}); nothing was changed")
        self.region = region


class ReplayDiffers(Exception):
    """A journalled batch was decided differently than before: code and journal do not belong together."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch came to: events, resolved records behind them, created and burnt events, and its timestamp."""

    count: int
    resolved: int
    created: int
    burnt: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Run:
    """Sealed index entries: ids, three kinds of user data (sorted uint64), and the filter of the ids."""

    ids: Entries
    user_data: tuple[Entries, Entries, Entries]
    filter: Bytes


class NativeCore:
    """The core with its memory. One thread at a time, except `seal_sort`, which may run beside `apply`."""

    def __init__(self, hash_seed: bytes | None = None, *, generation_max: int = GENERATION_MAX) -> None:
        seed = hash_seed if hash_seed is not None else os.urandom(16)
        self.regions = {name: Region(size, huge_pages=name in _HUGE) for name, size in _REGION_BYTES.items()}
        self._memory = Region(int(lib.qx_size()))
        addresses = ffi.new("void *[]", [ffi.cast("void *", region.address) for region in self.regions.values()])
        sizes = ffi.new("uint64_t[]", [region.capacity for region in self.regions.values()])
        seeds = ffi.new("uint64_t[2]", [int.from_bytes(seed[:8], "little"), int.from_bytes(seed[8:], "little")])
        self._ledger = lib.qx_init(ffi.cast("void *", self._memory.address), addresses, sizes, seeds, generation_max)
        self._applied = ffi.new("qx_applied *")
        self._info = ffi.new("uint64_t[]", len(_INFO))
        self._kept: list[Any] = []
        self.run_list: list[Run] = []

    def close(self) -> None:
        """Give the memory back. The core must not be used afterwards."""
        for region in (*self.regions.values(), self._memory):
            region.close()

    # ---- batches -----------------------------------------------------------------------------------------------

    def apply(
        self,
        kind: int,
        events: npt.NDArray[Any] | None,
        count: int,
        timestamp: int,
        log_out: Bytes,
        first_slot: int,
        results: Records,
        balances: Records | None = None,
        replayed: npt.NDArray[np.uint32] | None = None,
    ) -> Applied:
        """Decide a batch; see qx_apply in core.h. `log_out` has room for 2 * count records of 128 bytes."""
        status = lib.qx_apply(
            self._ledger,
            kind,
            ffi.NULL if events is None else ffi.from_buffer("char[]", events),
            count,
            timestamp,
            ffi.NULL if replayed is None else ffi.from_buffer("uint32_t[]", replayed),
            ffi.from_buffer("char[]", log_out, require_writable=True),
            first_slot,
            ffi.from_buffer("qx_result[]", results, require_writable=True),
            ffi.NULL if balances is None else ffi.from_buffer("qx_balances[]", balances, require_writable=True),
            self._applied,
        )
        if status:
            self._raise(status, timestamp)
        done = self._applied
        return Applied(done.count, done.resolved, done.created, done.burnt, done.timestamp)

    def _raise(self, status: int, timestamp: int) -> None:
        if status == lib.QX_BAD_BATCH:
            if timestamp > TIMESTAMP_MAX:
                raise ValueError(f"a timestamp is at most 2^63-1, this one is {timestamp}")
            raise TimeBeforeLastTimestamp(timestamp, self.last_timestamp)
        if status == lib.QX_REPLAY_DIFFERS:
            raise ReplayDiffers("a journalled batch was decided differently when it was replayed")
        raise CoreFull(status)

    def set_segment(self, number: int, memory: Bytes) -> None:
        """Tell where the records of slots number << 21 and up are. The memory is kept alive."""
        self._kept.append(memory)
        lib.qx_set_segment(self._ledger, number, ffi.from_buffer("char[]", memory))

    def info(self) -> dict[str, int]:
        """Counters and times by name."""
        lib.qx_get_info(self._ledger, self._info)
        return dict(zip(_INFO, self._info, strict=True))

    @property
    def last_timestamp(self) -> int:
        lib.qx_get_info(self._ledger, self._info)
        return int(self._info[lib.QX_INFO_LAST_TIMESTAMP])

    def next_expiry(self) -> int:
        """When the next hold may be due; 0 = none. May name a hold that is over already."""
        lib.qx_get_info(self._ledger, self._info)
        return int(self._info[lib.QX_INFO_NEXT_EXPIRY])

    # ---- queries -----------------------------------------------------------------------------------------------

    def lookup_accounts(self, ids: Words) -> Records:
        return self._lookup(lib.qx_lookup_accounts, "qx_account[]", ids, ACCOUNT)

    def lookup_transfers(self, ids: Words) -> Records:
        return self._lookup(lib.qx_lookup_transfers, "qx_transfer[]", ids, TRANSFER)

    def account_state(self, ids: Words) -> Records:
        return self._lookup(lib.qx_account_states, "qx_account_state[]", ids, ACCOUNT_STATE)

    def _lookup(self, function: Any, kind: str, ids: Words, dtype: np.dtype[np.void]) -> Records:
        wanted = np.ascontiguousarray(ids, dtype=np.uint64).reshape(-1, 2)
        out = np.zeros(len(wanted), dtype=dtype)
        if not len(wanted):
            return out
        found = function(
            self._ledger,
            ffi.from_buffer("qx_u128[]", wanted),
            len(wanted),
            ffi.from_buffer(kind, out, require_writable=True),
        )
        return out[:found]

    def find_transfer(self, transfer_id: int) -> int:
        """The slot of a stored transfer's record, or 0."""
        return int(lib.qx_find_transfer(self._ledger, _u128(transfer_id)))

    def account_transfers(self, filter: AccountFilter) -> Records:
        return self._query(lib.qx_account_transfers, "qx_transfer[]", _account_filter(filter), filter.limit, TRANSFER)

    def account_balances(self, filter: AccountFilter) -> Records:
        return self._query(
            lib.qx_account_balances, "qx_account_balance[]", _account_filter(filter), filter.limit, ACCOUNT_BALANCE
        )

    def balance_at(self, account_id: int, timestamp: int) -> Records:
        out = np.zeros(1, dtype=ACCOUNT_BALANCE)
        found = lib.qx_balance_at(
            self._ledger,
            _u128(account_id),
            max(0, min(timestamp, TIMESTAMP_MAX)),
            ffi.from_buffer("qx_account_balance[]", out, require_writable=True),
        )
        return out[:found]

    def query_accounts(self, filter: QueryFilter) -> Records:
        return self._query(lib.qx_query_accounts, "qx_account[]", _query_filter(filter), filter.limit, ACCOUNT)

    def query_transfers(self, filter: QueryFilter) -> Records:
        return self._query(lib.qx_query_transfers, "qx_transfer[]", _query_filter(filter), filter.limit, TRANSFER)

    def _query(self, function: Any, kind: str, wanted: Any, limit: int, dtype: np.dtype[np.void]) -> Records:
        out = np.empty(min(max(limit, 0), BATCH_MAX), dtype=dtype)
        if not len(out):
            return out
        found = function(self._ledger, wanted, ffi.from_buffer(kind, out, require_writable=True))
        return out[:found]

    # ---- canonical state ---------------------------------------------------------------------------------------

    def state_bytes(self) -> Iterator[bytes]:
        """The canonical form of the state, version 1, in pieces (format: docs/ledger.md)."""
        info = self.info()
        yield b"QENEX-STATE-1\n"
        yield b"".join(
            info[name].to_bytes(8, "little")
            for name in ("last_timestamp", "last_account_timestamp", "last_transfer_timestamp", "accounts")
        )
        for first in range(0, info["accounts"], _EXPORT_ACCOUNTS):
            yield self.export_accounts(first, min(_EXPORT_ACCOUNTS, info["accounts"] - first)).tobytes()
        holds = self.open_holds()
        yield len(holds).to_bytes(8, "little")
        yield holds.tobytes()
        for name, region in (("burnt", "BURNT"), ("updates", "UPDATES")):
            yield info[name].to_bytes(8, "little")
            yield self._ids_at(self.regions[region].bytes(0, 4 * info[name]).view("<u4")).tobytes()

    def state_hash(self) -> bytes:
        """SHA-256 of the canonical state."""
        digest = hashlib.sha256()
        for piece in self.state_bytes():
            digest.update(piece)
        return digest.digest()

    def export_accounts(self, first: int, count: int) -> Bytes:
        """uint8[count, 152]: record, limit, freeze of accounts in creation order."""
        out = np.empty((count, 152), dtype=np.uint8)
        if count:
            lib.qx_export_accounts(self._ledger, first, count, ffi.from_buffer("char[]", out, require_writable=True))
        return out

    def open_holds(self) -> npt.NDArray[np.void]:
        """The open holds in order of time, as the canonical state has them."""
        info = self.info()
        slots = np.zeros(info["hold_entries"], dtype=np.uint32)
        count = 0
        if len(slots):
            count = lib.qx_open_holds(self._ledger, ffi.from_buffer("uint32_t[]", slots, require_writable=True))
        records = self._records_at(slots[:count])
        records = records[np.argsort(records["timestamp"], kind="stable")]
        holds = np.zeros(count, dtype=_HOLD)
        for name in ("id_lo", "id_hi", "timestamp", "amount_lo", "amount_hi"):
            holds[name] = records[name]
        timeouts = records["timeout"].astype(np.uint64) * np.uint64(1_000_000_000)
        holds["expires_at"] = np.where(timeouts > 0, records["timestamp"] + timeouts, 0)
        return holds

    def _records_at(self, slots: npt.NDArray[np.uint32]) -> Records:
        out = np.zeros(len(slots), dtype=TRANSFER)
        if len(slots):
            wanted = np.ascontiguousarray(slots)
            lib.qx_read_records(
                self._ledger,
                ffi.from_buffer("uint32_t[]", wanted),
                len(wanted),
                ffi.from_buffer("qx_transfer[]", out, require_writable=True),
            )
        return out

    def _ids_at(self, slots: npt.NDArray[np.uint32]) -> Words:
        records = self._records_at(slots)
        return np.stack([records["id_lo"], records["id_hi"]], axis=1) if len(records) else np.zeros((0, 2), np.uint64)

    # ---- sealing and snapshots ---------------------------------------------------------------------------------

    def seal_begin(self) -> tuple[int, int, int, int]:
        """Turn the active generation of the index into the sealing one; returns its entries: ids, and three user data."""
        counts = ffi.new("uint64_t[4]")
        status = lib.qx_seal_begin(self._ledger, counts)
        if status:
            raise CoreFull(status)
        return (counts[0], counts[1], counts[2], counts[3])

    def seal_sort(self, ids: Entries, user_data: tuple[Entries, Entries, Entries], filter: Bytes) -> None:
        """Write the sealing generation's sorted arrays and filter. May run on another thread beside `apply`."""
        pointers = ffi.new(
            "uint64_t *[3]", [ffi.from_buffer("uint64_t[]", part, require_writable=True) for part in user_data]
        )
        lib.qx_seal_sort(
            self._ledger,
            ffi.from_buffer("uint64_t[]", ids, require_writable=True),
            pointers,
            ffi.from_buffer("char[]", filter, require_writable=True),
        )

    def seal_finish(self, run: Run) -> None:
        """The run takes the sealing generation's place."""
        self.add_run(run)
        lib.qx_seal_finish(self._ledger)
        # The sealed tables are empty now, which is what released memory reads as.
        sealed = "B" if self.info()["active"] == 0 else "A"
        self.regions[f"INDEX_{sealed}"].release()
        self.regions[f"USER_DATA_{sealed}"].release()

    def add_run(self, run: Run) -> None:
        if lib.qx_add_run(self._ledger, *_run_arguments(run)) < 0:
            raise CoreFull(CoreFull.INDEX)
        self.run_list.append(run)

    def replace_runs(self, first: int, count: int, run: Run) -> None:
        """One run instead of `count`."""
        if lib.qx_replace_runs(self._ledger, first, count, *_run_arguments(run)) < 0:
            raise ValueError("there are no such runs")
        self.run_list[first : first + count] = [run]

    def save_rows(self, first: int, count: int) -> Bytes:
        """Accounts with everything the core keeps of them, for `load_rows`."""
        out = np.empty(160 * count, dtype=np.uint8)
        if count:
            lib.qx_save_rows(self._ledger, first, count, ffi.from_buffer("char[]", out, require_writable=True))
        return out

    def load_rows(self, count: int, rows: Bytes) -> None:
        status = lib.qx_load_rows(self._ledger, count, ffi.from_buffer("char[]", rows))
        if status:
            raise CoreFull(status)

    def region_bytes(self, name: str) -> Bytes:
        """The used part of a region that a snapshot holds."""
        used = int(lib.qx_region_used(self._ledger, getattr(lib, f"QX_REGION_{name}")))
        return self.regions[name].bytes(0, used)

    def restore(self, info: dict[str, int]) -> None:
        """Take up a snapshot: its rows and regions are in place, `info` is what `info()` said then."""
        words = ffi.new("uint64_t[]", [info[name] for name in _INFO])
        status = lib.qx_restore(self._ledger, words)
        if status:
            raise CoreFull(status)

    def set_balances(self, account_id: int, balances: tuple[int, int, int, int]) -> bool:
        """Tests only."""
        values = ffi.new("qx_u128[4]", [{"lo": value & _LOW, "hi": value >> 64} for value in balances])
        return bool(lib.qx_test_set_balances(self._ledger, _u128(account_id), values))


class NativeLedger(NativeCore):
    """State in memory: timestamps are given, never read from a clock. Same methods as ReferenceLedger."""

    def __init__(self, hash_seed: bytes | None = None, *, generation_max: int = GENERATION_MAX) -> None:
        super().__init__(hash_seed, generation_max=generation_max)
        self._segments: list[Region] = []
        self._next_slot = 1

    def create_accounts(self, events: Records, timestamp: int) -> Records:
        return self._create(lib.QX_KIND_ACCOUNTS, events, timestamp)

    def create_transfers(self, events: Records, timestamp: int, balances_out: Records | None = None) -> Records:
        return self._create(lib.QX_KIND_TRANSFERS, events, timestamp, balances_out)

    def update_accounts(self, events: Records, timestamp: int) -> Records:
        return self._create(lib.QX_KIND_ACCOUNT_UPDATES, events, timestamp)

    def expire(self, now: int) -> int:
        log, slot = self._room(BATCH_MAX)
        results = np.zeros(BATCH_MAX, dtype=RESULT)
        applied = self._applying(lib.QX_KIND_EXPIRY, None, BATCH_MAX, now, log, slot, results, None)
        self._next_slot = slot + applied.count
        return applied.count

    def _create(self, kind: int, events: Records, timestamp: int, balances: Records | None = None) -> Records:
        count = len(events)
        results = np.zeros(count, dtype=RESULT)
        if not count:
            return results
        events = np.ascontiguousarray(events)
        log, slot = self._room(2 * count)
        out = balances
        if out is not None and not out.flags.c_contiguous:
            out = np.zeros(count, dtype=BALANCES)
        applied = self._applying(kind, events, count, timestamp, log, slot, results, out)
        if balances is not None and out is not balances:
            balances[:] = out
        self._next_slot = slot + applied.count + applied.resolved
        return results

    def _applying(
        self,
        kind: int,
        events: Records | None,
        count: int,
        timestamp: int,
        log: Bytes,
        slot: int,
        results: Records,
        balances: Records | None,
    ) -> Applied:
        try:
            return self.apply(kind, events, count, timestamp, log, slot, results, balances)
        except CoreFull as full:
            if full.region != CoreFull.INDEX:
                raise
        self.seal()
        return self.apply(kind, events, count, timestamp, log, slot, results, balances)

    def seal(self) -> None:
        """Seal the active generation of the index, in memory."""
        counts = self.seal_begin()
        run = Run(
            np.zeros(counts[0], dtype=np.uint64),
            (
                np.zeros(counts[1], dtype=np.uint64),
                np.zeros(counts[2], dtype=np.uint64),
                np.zeros(counts[3], dtype=np.uint64),
            ),
            np.zeros(int(lib.qx_filter_bytes(counts[0])), dtype=np.uint8),
        )
        self.seal_sort(run.ids, run.user_data, run.filter)
        self.seal_finish(run)

    def _room(self, slots: int) -> tuple[Bytes, int]:
        """Memory for `slots` records, and the slot of the first; a batch never crosses a segment's edge."""
        segment, offset = divmod(self._next_slot, SEGMENT_SLOTS)
        if offset + slots > SEGMENT_SLOTS:
            segment, offset = segment + 1, 0
        while segment >= len(self._segments):
            region = Region(SEGMENT_SLOTS * SLOT, huge_pages=True)
            self._segments.append(region)
            self.set_segment(len(self._segments) - 1, region.bytes(0, SEGMENT_SLOTS * SLOT))
        return self._segments[segment].bytes(offset * SLOT, slots * SLOT), segment << SEGMENT_SHIFT | offset

    def _test_set_balances(
        self, account_id: int, debits_pending: int, debits_posted: int, credits_pending: int, credits_posted: int
    ) -> bool:
        return self.set_balances(account_id, (debits_pending, debits_posted, credits_pending, credits_posted))

    def close(self) -> None:
        super().close()
        for region in self._segments:
            region.close()

    def __del__(self) -> None:
        if getattr(self, "_segments", None) is not None and self._memory.address:
            self.close()


_HUGE = ("ACCOUNTS", "ACCOUNT_INDEX", "CHAIN", "INDEX_A", "INDEX_B")
_LOW = (1 << 64) - 1
_HOLD = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("timestamp", "<u8"),
        ("expires_at", "<u8"),
        ("amount_lo", "<u8"),
        ("amount_hi", "<u8"),
    ]
)


def filter_bytes(ids: int) -> int:
    """Bytes of the filter over `ids` entries."""
    return int(lib.qx_filter_bytes(ids))


def merge_entries(older: Entries, newer: Entries) -> Entries:
    """Two sorted arrays as one."""
    out = np.empty(len(older) + len(newer), dtype=np.uint64)
    lib.qx_merge(
        ffi.from_buffer("uint64_t[]", older),
        len(older),
        ffi.from_buffer("uint64_t[]", newer),
        len(newer),
        ffi.from_buffer("uint64_t[]", out, require_writable=True),
    )
    return out


def build_filter(ids: Entries, out: Bytes) -> None:
    """Fill `out`, filter_bytes(len(ids)) bytes, for sorted ids."""
    lib.qx_build_filter(
        ffi.from_buffer("uint64_t[]", ids), len(ids), ffi.from_buffer("char[]", out, require_writable=True)
    )


def _run_arguments(run: Run) -> tuple[Any, ...]:
    parts = [ffi.from_buffer("uint64_t[]", part) for part in run.user_data]
    return (
        ffi.from_buffer("uint64_t[]", run.ids),
        len(run.ids),
        ffi.new("uint64_t *[3]", parts),
        ffi.new("uint64_t[3]", [len(part) for part in run.user_data]),
        ffi.from_buffer("char[]", run.filter),
    )


def _u128(value: int) -> Any:
    return ffi.new("qx_u128 *", {"lo": value & _LOW, "hi": value >> 64})


def _account_filter(filter: AccountFilter) -> Any:
    return ffi.new(
        "qx_filter *",
        {
            "account_id": {"lo": filter.account_id & _LOW, "hi": filter.account_id >> 64},
            "user_data_128": {"lo": filter.user_data_128 & _LOW, "hi": filter.user_data_128 >> 64},
            "user_data_64": filter.user_data_64,
            "user_data_32": filter.user_data_32,
            "code": filter.code,
            "timestamp_min": filter.timestamp_min,
            "timestamp_max": filter.timestamp_max,
            "limit": filter.limit,
            "flags": int(filter.flags),
        },
    )


def _query_filter(filter: QueryFilter) -> Any:
    return ffi.new(
        "qx_filter *",
        {
            "user_data_128": {"lo": filter.user_data_128 & _LOW, "hi": filter.user_data_128 >> 64},
            "user_data_64": filter.user_data_64,
            "user_data_32": filter.user_data_32,
            "ledger": filter.ledger,
            "code": filter.code,
            "timestamp_min": filter.timestamp_min,
            "timestamp_max": filter.timestamp_max,
            "limit": filter.limit,
            "flags": int(filter.flags),
        },
    )
