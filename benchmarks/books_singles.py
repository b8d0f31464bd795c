"""Single transfers through the friendly API: 256 at a time, and one at a time; durable before each answer.

    python benchmarks/books_singles.py [--seconds S] [--repeat N]

Also prints the time of one 4 KiB write + fdatasync on the same disk in the same run, the floor of a lone transfer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

from qenex.books import Account, Books, Transfer
from qenex.platform import this_machine

CREATED = 0xFFFFFFFF


def one(number: int) -> Transfer:
    return Transfer(
        id=number, debit_account_id=1 + number % 97, credit_account_id=200 + number % 89, amount=1, ledger=978, code=1
    )


def at_percent(values: list[float], percent: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


async def tasks(books: Books, concurrency: int, seconds: float, first: int) -> list[float]:
    latencies: list[float] = []
    stop = time.perf_counter() + seconds
    numbers = iter(range(first, first + 100_000_000))

    async def caller() -> None:
        while (start := time.perf_counter()) < stop:
            assert await books.transfer_async(one(next(numbers))) == CREATED
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return latencies


def threads(books: Books, concurrency: int, seconds: float, first: int) -> list[float]:
    latencies: list[float] = []
    stop = time.perf_counter() + seconds
    numbers = iter(range(first, first + 100_000_000))

    def caller() -> None:
        while (start := time.perf_counter()) < stop:
            assert books.transfer(one(next(numbers))) == CREATED
            latencies.append(time.perf_counter() - start)

    running = [threading.Thread(target=caller) for _ in range(concurrency)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return latencies


def sync_floor(folder: Path) -> float:
    descriptor = os.open(folder / "floor", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(descriptor, bytes(4096), 0)
    os.fdatasync(descriptor)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        os.pwrite(descriptor, bytes(4096), 0)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - start)
    os.close(descriptor)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.repeat = 2, 1
    print(this_machine())
    figures: dict[str, list[tuple[float, float]]] = {}
    for run in range(options.repeat):
        folder = Path(tempfile.mkdtemp(prefix="qenex-bench-", dir=Path.cwd()))
        try:
            floor = sync_floor(folder)
            with Books.open(folder / "books") as books:
                books.create_accounts([Account(id=i, ledger=978, code=1) for i in range(1, 400)])
                for name, concurrency, work in (
                    ("asyncio tasks", 256, lambda b, c, s, f: asyncio.run(tasks(b, c, s, f))),
                    ("threads", 256, threads),
                    ("thread", 1, threads),
                ):
                    first = 1 + (run * 1000 + concurrency) * 1_000_000_000 + len(name) * 100_000_000_000
                    latencies = work(books, concurrency, options.seconds, first)
                    rate, late = len(latencies) / options.seconds, at_percent(latencies, 99) * 1e3
                    figures.setdefault(f"{concurrency} {name}", []).append((rate, late))
                    print(
                        f"{concurrency} {name}: {len(latencies) / options.seconds:,.0f}/s, "
                        f"p50 {at_percent(latencies, 50) * 1e3:.2f} ms, p99 {at_percent(latencies, 99) * 1e3:.2f} ms; "
                        f"p50 is {at_percent(latencies, 50) / floor:.1f} syncs of 4 KiB ({floor * 1e3:.2f} ms)",
                        flush=True,
                    )
        finally:
            shutil.rmtree(folder)
    goals = {"256 asyncio tasks": (20_000, 25), "1 thread": (None, 10)}
    for name, runs in figures.items():
        rate, late = goals.get(name, (None, None))
        for what, value, unit, goal, better in (
            ("rate", statistics.median(r for r, _ in runs), "/s", rate, "more"),
            ("p99", statistics.median(p for _, p in runs), "ms", late, "less"),
        ):
            figure = {"benchmark": f"single transfers, {name}: {what}", "value": round(value, 2), "unit": unit}
            print(json.dumps({**figure, "goal": goal, "better": better}), flush=True)


if __name__ == "__main__":
    main()
