"""Durable transfers a second: batches of 8,190, answered after their sync, sealed, ids indexed; against the run's limits.

    python benchmarks/books_durable.py [--transfers N] [--accounts N] [--merkle] [--repeat N] [--folder DIR] [--full]

Prints one line per run and the median. The limit of a run is the slowest of three things measured in it: raw sequential
write + fdatasync of the same bytes, SHA-256 of the same bytes, and the core alone in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np

from qenex.books import ACCOUNT, TRANSFER, Books, Signers
from qenex.ledger.native import NativeLedger
from qenex.platform import this_machine

BATCH = 8190
IN_FLIGHT = 8
CREATED = 0xFFFFFFFF
GOALS = {
    (2_000_000, 10_000, False): 2_500_000,
    (10_000_000, 10_000, False): 2_000_000,
    (2_000_000, 1_000_000, False): 1_200_000,
}


def accounts_of(count: int) -> list[np.ndarray]:
    batches = []
    for first in range(1, count + 1, BATCH):
        batch = np.zeros(min(BATCH, count + 1 - first), dtype=ACCOUNT)
        batch["id_lo"] = np.arange(first, first + len(batch))
        batch["ledger"] = 978
        batch["code"] = 1
        batches.append(batch)
    return batches


def transfers_of(count: int, accounts: int, seed: int) -> list[np.ndarray]:
    """Uniformly random pairs, random 128-bit ids: the worst case for caches and indexes."""
    rng = np.random.default_rng(seed)
    batches = []
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        batch = np.zeros(size, dtype=TRANSFER)
        batch["id_lo"] = rng.integers(1, 1 << 63, size, dtype=np.uint64)
        batch["id_hi"] = rng.integers(1, 1 << 63, size, dtype=np.uint64)
        debit = rng.integers(1, accounts + 1, size, dtype=np.uint64)
        credit = rng.integers(1, accounts, size, dtype=np.uint64)
        credit[credit >= debit] += 1
        batch["debit_account_id_lo"] = debit
        batch["credit_account_id_lo"] = credit
        batch["amount_lo"] = 1
        batch["ledger"] = 978
        batch["code"] = 1
        batches.append(batch)
    return batches


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def disk_limit(folder: Path, batches: int) -> float:
    """Transfers a second of a plain program that writes each batch and syncs it, over space written before."""
    path = folder / "raw"
    data = os.urandom(BATCH * 128)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(batches):
        os.write(descriptor, data)
    os.fsync(descriptor)
    start = time.perf_counter()
    for number in range(batches):
        os.pwrite(descriptor, data, number * len(data))
        os.fdatasync(descriptor)
    elapsed = time.perf_counter() - start
    os.close(descriptor)
    path.unlink()
    return batches * BATCH / elapsed


def hash_limit(batches: int) -> float:
    data = os.urandom(BATCH * 128)
    digest = hashlib.sha256()
    start = time.perf_counter()
    for _ in range(batches):
        digest.update(data)
    return batches * BATCH / (time.perf_counter() - start)


def core_limit(accounts: int, batches: list[np.ndarray]) -> float:
    ledger = NativeLedger()
    timestamp = 10**18
    for batch in accounts_of(accounts):
        timestamp += len(batch)
        ledger.create_accounts(batch, timestamp)
    start = time.perf_counter()
    for batch in batches:
        timestamp += len(batch)
        ledger.create_transfers(batch, timestamp)
    return sum(map(len, batches)) / (time.perf_counter() - start)


def durable(folder: Path, accounts: int, batches: list[np.ndarray], *, merkle: bool) -> tuple[float, float, Path]:
    """(transfers a second, CPU microseconds a transfer) through Books, generator in the same process."""
    signers = Signers.from_seeds("bench.example/log", b"1" * 32, b"2" * 32) if merkle else None
    target = folder / "books"
    books = Books.open(target, signers=signers, merkle=merkle, timer=merkle)
    for batch in accounts_of(accounts):
        assert (books.create_accounts(batch) == CREATED).all()
    waiting: deque = deque()
    cpu, start = cpu_seconds(), time.perf_counter()
    for batch in batches:
        waiting.append(books.submit(batch))
        while len(waiting) >= IN_FLIGHT:
            assert (waiting.popleft().result()["status"] == CREATED).all()
    while waiting:
        assert (waiting.popleft().result()["status"] == CREATED).all()
    elapsed, used = time.perf_counter() - start, cpu_seconds() - cpu
    total = sum(map(len, batches))
    books.close()
    return total / elapsed, used / total * 1e6, target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=2_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--merkle", action="store_true", help="hash leaves, sign a checkpoint each second")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where to write (default: the current disk)")
    parser.add_argument("--full", action="store_true", help="all four figures of docs/performance.md")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    print(this_machine())
    cases = [(options.transfers, options.accounts, options.merkle)]
    if options.full:
        cases = [(2_000_000, 10_000, False), (10_000_000, 10_000, False), (2_000_000, 1_000_000, False)]
        cases.append((2_000_000, 10_000, True))
    if options.quick:
        cases, options.repeat = [(500_000, 10_000, False), (500_000, 10_000, True)], 1
    for transfers, accounts, merkle in cases:
        batches = transfers_of(transfers, accounts, 1)
        rates, ratios, cpus = [], [], []
        for _ in range(options.repeat):
            folder = Path(tempfile.mkdtemp(prefix="qenex-bench-", dir=options.folder or Path.cwd()))
            try:
                limits = {
                    "disk": disk_limit(folder, min(len(batches), 250)),
                    "sha-256": hash_limit(min(len(batches), 250)),
                    # Twice: the first run meets memory that the machine has never touched.
                    "core": max(core_limit(accounts, batches[:250]) for _ in range(2)),
                }
                rate, cpu, target = durable(folder, accounts, batches, merkle=merkle)
                used = {
                    part: sum(f.stat().st_blocks * 512 for f in (target / part).glob("*")) / transfers
                    for part in ("segments", "index", "log")
                }
            finally:
                shutil.rmtree(folder)
            slowest = min(limits, key=limits.__getitem__)
            rates.append(rate)
            cpus.append(cpu)
            ratios.append(rate / limits[slowest])
            shown = ", ".join(f"{name} {value / 1e6:.1f}M" for name, value in limits.items())
            sizes = ", ".join(f"{part} {size:.1f}" for part, size in used.items())
            print(
                f"{transfers:,} transfers, {accounts:,} accounts, merkle {merkle}, in flight {IN_FLIGHT}: "
                f"{rate:,.0f}/s = {rate / limits[slowest]:.0%} of {slowest}; CPU {cpu:.2f} us; limits {shown}; "
                f"bytes on disk a transfer, preallocation included: {sizes}",
                flush=True,
            )
        name = f"durable: {transfers:,} transfers, {accounts:,} accounts{', leaves hashed, signed' if merkle else ''}"
        goal = GOALS.get((transfers, accounts, merkle))
        note = f"{statistics.median(ratios):.0%} of the slowest limit; CPU {statistics.median(cpus):.2f} us a transfer"
        value = round(statistics.median(rates))
        figure = {
            "benchmark": name,
            "value": value,
            "unit": "transfers/s",
            "goal": goal,
            "better": "more",
            "note": note,
        }
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    sys.exit(main())
