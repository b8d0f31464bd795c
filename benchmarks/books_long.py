"""One ledger that keeps growing: throughput at both ends, restart, memory and disk a transfer, queries at full size.

    python benchmarks/books_long.py [--transfers 100000000] [--folder DIR]

One account in 10,000 takes part in a tenth of all transfers, so that balance_at is asked of an account with a tenth of
them (10,000,000 of 100,000,000). Every 100,000th transfer carries one user_data_64. Needs about 190 bytes of disk a transfer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import numpy as np
from books_durable import BATCH, CREATED, IN_FLIGHT, accounts_of

from qenex.books import TRANSFER, AccountFilter, Books, QueryFilter, Signers
from qenex.platform import this_machine

ACCOUNTS = 10_000
BUSY = 1
RARE = 424_242
SIGNERS = Signers.from_seeds("bench.example/log", b"1" * 32, b"2" * 32)


def memory(name: str) -> int:
    """Bytes of one line of /proc/self/status, such as RssAnon."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(name)


def batch_of(rng: np.random.Generator, first: int) -> np.ndarray:
    batch = np.zeros(BATCH, dtype=TRANSFER)
    batch["id_lo"] = rng.integers(1, 1 << 63, BATCH, dtype=np.uint64)
    batch["id_hi"] = np.arange(first, first + BATCH)
    debit = rng.integers(2, ACCOUNTS + 1, BATCH, dtype=np.uint64)
    debit[::10] = BUSY
    credit = rng.integers(2, ACCOUNTS, BATCH, dtype=np.uint64)
    credit[credit >= debit] += 1
    batch["debit_account_id_lo"] = debit
    batch["credit_account_id_lo"] = credit
    batch["amount_lo"] = 1
    batch["ledger"] = 978
    batch["code"] = 1
    batch["user_data_64"][(np.arange(first, first + BATCH) % 100_000) == 0] = RARE
    return batch


def timed(work: object, times: int = 9) -> tuple[float, float]:
    """Median and largest milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken), max(taken)


def say(what: str, value: float, unit: str, goal: float | None, better: str, note: str = "") -> None:
    figure = {"benchmark": f"growing ledger: {what}", "value": round(value, 3), "unit": unit, "goal": goal}
    print(json.dumps({**figure, "better": better, "note": note}), flush=True)


def show(what: str, figures: tuple[float, float], goal: float) -> None:
    say(what, figures[0], "ms", goal, "less", f"median; the slowest {figures[1]:.2f} ms")


def fill(books: Books, transfers: int) -> list[float]:
    """Submit everything; returns transfers a second of each tenth."""
    rng = np.random.default_rng(7)
    prepared = [batch_of(rng, 1 + number * BATCH) for number in range(16)]
    waiting: deque = deque()
    rates = []
    done = 0
    tenth, start = max(BATCH, transfers // 10), time.perf_counter()
    mark = 0
    while done < transfers:
        batch = prepared[(done // BATCH) % len(prepared)]
        # New ids in the same memory would race with the batch still being written, so each is a copy.
        batch = batch.copy()
        batch["id_hi"] = np.arange(1 + done, 1 + done + BATCH)
        batch["user_data_64"] = np.where((batch["id_hi"] % 100_000) == 0, RARE, 0)
        waiting.append(books.submit(batch))
        if len(waiting) >= IN_FLIGHT:
            assert (waiting.popleft().result()["status"] == CREATED).all()
        done += BATCH
        if done - mark >= tenth:
            now = time.perf_counter()
            rates.append((done - mark) / (now - start))
            print(f"  {done:,}: {rates[-1]:,.0f}/s", flush=True)
            mark, start = done, now
    while waiting:
        assert (waiting.popleft().result()["status"] == CREATED).all()
    return rates


def crash(folder: Path) -> None:
    """A child fills some more and is killed."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import books_long as b, numpy as n; from pathlib import Path\n"
        "books = b.Books.open(Path(sys.argv[1]), signers=b.SIGNERS)\n"
        "rng = n.random.default_rng(99)\n"
        "for k in range(400): books.create_transfers(b.batch_of(rng, 10**15 + k * b.BATCH))\n"
        "print('ready', flush=True)\n"
        "for k in range(400, 10**6): books.create_transfers(b.batch_of(rng, 10**15 + k * b.BATCH))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(Path(__file__).parent)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.transfers = 2_000_000
    print(this_machine())
    folder = Path(tempfile.mkdtemp(prefix="qenex-bench-", dir=options.folder or Path.cwd()))
    target = folder / "books"
    try:
        empty = memory("RssAnon")
        books = Books.open(target, signers=SIGNERS)
        for batch in accounts_of(ACCOUNTS):
            books.create_accounts(batch)
        rates = fill(books, options.transfers)
        long = options.transfers >= 10_000_000  # below that, fixed costs and space reserved ahead weigh in
        grown = memory("RssAnon") - empty
        tenths = f"first tenth {rates[0]:,.0f}/s, last {rates[-1]:,.0f}/s of {options.transfers:,} transfers"
        say("throughput at the end", rates[-1] / rates[0] * 100, "% of the start", 75 if long else None, "more", tenths)
        held = f"{grown >> 20} MiB anonymous memory"
        say("memory", grown / options.transfers, "bytes a past transfer", 40 if long else None, "less", held)
        state = books.state_hash()
        start = time.perf_counter()
        books.close()
        closing = time.perf_counter() - start
        start = time.perf_counter()
        books = Books.open(target, signers=SIGNERS)
        taken = time.perf_counter() - start
        say("restart after a clean stop", taken, "s", 5, "less", f"the stop took {closing:.2f} s")
        assert books.state_hash() == state
        now = books.last_timestamp
        first = int(books.account_transfers(AccountFilter(account_id=BUSY, limit=1))[0]["timestamp"])
        instants = iter(range(first, now, max(1, (now - first) // 40)))
        show("balance_at, busy account", timed(lambda: books.balance_at(BUSY, next(instants)), 30), 5)
        page = QueryFilter(user_data_64=RARE, limit=100)
        show("query by user data, first page", timed(lambda: books.query_transfers(page)), 50)
        newest = QueryFilter(user_data_64=RARE, limit=100, flags=1)
        show("query by user data, newest first", timed(lambda: books.query_transfers(newest)), 50)
        found = books.query_transfers(QueryFilter(user_data_64=RARE, limit=8190))
        ids = [int(r["id_hi"]) << 64 | int(r["id_lo"]) for r in found]
        chosen = iter(ids * 10)
        books.checkpoint()
        show("receipt of a covered transfer", timed(lambda: books.receipt(next(chosen)), 20), 1)

        def forced() -> None:
            books.create_transfers(batch_of(np.random.default_rng(), 10**16 + time.perf_counter_ns())[:1])
            books.checkpoint()

        show("one transfer and a forced checkpoint", timed(forced), 30)
        books.close()
        total = 0
        for part in ("segments", "index", "log"):
            size = sum(f.stat().st_blocks * 512 for f in (target / part).rglob("*") if f.is_file())
            total += size
            say(f"disk, {part}", size / options.transfers, "bytes a transfer", None, "less")
        say(
            "disk, all",
            total / options.transfers,
            "bytes a transfer",
            200 if long else None,
            "less",
            "blocks used, reserved ones included",
        )
        crash(target)
        start = time.perf_counter()
        books = Books.open(target, signers=SIGNERS)
        taken = time.perf_counter() - start
        say("restart after a kill", taken, "s", 15, "less", f"{books._engine.replayed} batches replayed")
        books.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
