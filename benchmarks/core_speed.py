"""How fast the core decides transfers in memory, and how fast it answers from a long history. One core.

Every figure is a median of 5 runs. Time is this process's CPU time, so that a busy machine slows it less; the wall-clock
rate stands in the note. Batches are built beforehand; each transfer is checked, booked, indexed by id and chained, and
its journal form is written to memory. `--quick` uses fewer transfers and a shorter history.
"""

from __future__ import annotations

import argparse
import json
import mmap
import statistics
import time
from collections.abc import Callable

import numpy as np

from qenex.ledger import (
    ACCOUNT,
    BATCH_MAX,
    TRANSFER,
    AccountFilter,
    AccountFilterFlags,
    CreateAccountStatus,
    CreateTransferStatus,
    QueryFilter,
)
from qenex.ledger.native import SEGMENT_SHIFT, NativeLedger
from qenex.platform import this_machine

ROUNDS = 5
EUR = 978
CREATED = int(CreateTransferStatus.created)


def say(name: str, value: float, unit: str, goal: float | None = None, better: str = "more", note: str = "") -> None:
    figure = {"benchmark": f"core: {name}", "value": value, "unit": unit, "goal": goal, "better": better, "note": note}
    print(json.dumps(figure), flush=True)


def with_accounts(count: int) -> NativeLedger:
    """A ledger with accounts 1 .. count. Its clock stands at 1,000 ns per event from here on."""
    ledger = NativeLedger()
    for first in range(0, count, BATCH_MAX):
        accounts = np.zeros(min(BATCH_MAX, count - first), dtype=ACCOUNT)
        accounts["id_lo"] = np.arange(first + 1, first + 1 + len(accounts))
        accounts["ledger"] = EUR
        accounts["code"] = 1
        results = ledger.create_accounts(accounts, ledger.last_timestamp + len(accounts))
        assert (results["status"] == int(CreateAccountStatus.created)).all()
    return ledger


def touch(ledger: NativeLedger, count: int) -> None:
    """Have the machine find the memory that `count` transfers will use: finding pages is its work, not the core's."""
    slot = ledger._next_slot
    while len(ledger._segments) << SEGMENT_SHIFT < slot + count + BATCH_MAX:
        ledger._next_slot = len(ledger._segments) << SEGMENT_SHIFT
        ledger._room(1)
    ledger._next_slot = slot
    regions = [(region, region.capacity) for region in ledger._segments]
    index_bytes = min(ledger.regions["INDEX_A"].capacity, 64 * count)
    regions += [(ledger.regions["CHAIN"], 8 * (slot + count)), (ledger.regions["INDEX_A"], index_bytes)]
    for region, length in regions:
        length = min(length, region.capacity)
        np.add(region.bytes(0, length)[:: mmap.PAGESIZE], 0, out=region.bytes(0, length)[:: mmap.PAGESIZE])


def transfers(count: int, accounts: int, random: np.random.Generator, first_id: int) -> np.ndarray:
    """TRANSFER[count] between different accounts drawn evenly; ids as a time-ordered source gives them."""
    batch = np.zeros(count, dtype=TRANSFER)
    batch["id_lo"] = random.integers(1, 1 << 63, count, dtype=np.uint64)
    batch["id_hi"] = np.arange(first_id, first_id + count)
    debit = random.integers(0, accounts, count, dtype=np.uint64)
    batch["debit_account_id_lo"] = debit + 1
    batch["credit_account_id_lo"] = (debit + random.integers(1, accounts, count, dtype=np.uint64)) % accounts + 1
    batch["amount_lo"] = random.integers(1, 1_000_000, count, dtype=np.uint64)
    batch["ledger"] = EUR
    batch["code"] = 1
    return batch


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE


def speed(accounts: int, total: int, goal: float) -> None:
    random = np.random.default_rng(1)
    count = total // BATCH_MAX
    batches = [transfers(BATCH_MAX, accounts, random, i * BATCH_MAX) for i in range(count)]
    rates, walls = [], []
    for _ in range(ROUNDS):
        ledger = with_accounts(accounts)
        timestamp = ledger.last_timestamp
        touch(ledger, total)
        cpu, wall = time.process_time(), time.perf_counter()
        created = 0
        for batch in batches:
            timestamp += BATCH_MAX
            created += int(np.count_nonzero(ledger.create_transfers(batch, timestamp)["status"] == CREATED))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert created == count * BATCH_MAX
        rates.append(created / cpu)
        walls.append(created / wall)
        ledger.close()
    say(
        f"transfers between {accounts:,} accounts",
        statistics.median(rates),
        "transfers/s",
        goal,
        note=f"{count * BATCH_MAX:,} a run; by the wall clock {statistics.median(walls):,.0f}/s",
    )


def history(total: int) -> None:
    """One account in every transfer; balances and statements from anywhere in its past."""
    accounts = 1_000
    ledger = with_accounts(accounts)
    random = np.random.default_rng(2)
    timestamp = ledger.last_timestamp
    done = 0
    before = resident_bytes()
    while done < total:
        batch = transfers(BATCH_MAX, accounts - 1, random, done)
        batch["debit_account_id_lo"] = accounts
        batch["user_data_64"] = done // BATCH_MAX + 1
        timestamp += BATCH_MAX
        assert (ledger.create_transfers(batch, timestamp)["status"] == CREATED).all()
        done += BATCH_MAX
    grown = resident_bytes() - before
    ledger.seal()
    sealed = sum(
        run.ids.nbytes + run.filter.nbytes + sum(part.nbytes for part in run.user_data) for run in ledger.run_list
    )
    kept = sum(len(ledger.region_bytes(name)) for name in ("MARKS", "HOLDS", "BURNT", "UPDATES", "BATCHES"))
    say(
        "memory that grows with past transfers",
        (sealed + kept) / done + 8,
        "bytes each",
        40,
        "less",
        f"sealed ids and user data {sealed / done:.1f}, chain 8, marks and lists {kept / done:.1f}; "
        f"resident after {done:,}, records and both index tables included, {grown / done:.0f}",
    )

    def milliseconds(ask: Callable[[int], object], times: int = 40) -> float:
        """CPU time of the slowest of `times` questions about random instants."""
        took = []
        for moment in random.integers(timestamp - done, timestamp, times):
            started = time.process_time()
            ask(int(moment))
            took.append((time.process_time() - started) * 1000)
        return max(took)

    say(
        f"balance at an instant, {done:,} transfers on the account",
        milliseconds(lambda moment: ledger.balance_at(accounts, moment)),
        "ms",
        5,
        "less",
        "the slowest of 40 random instants",
    )
    both = AccountFilterFlags.debits | AccountFilterFlags.credits
    say(
        "a page of 100 transfers of that account from an instant on",
        milliseconds(
            lambda moment: ledger.account_transfers(
                AccountFilter(account_id=accounts, timestamp_min=moment, limit=100, flags=both)
            )
        ),
        "ms",
        note="the slowest of 40",
    )
    say(
        "a page of 100 transfers by user data",
        milliseconds(
            lambda moment: ledger.query_transfers(QueryFilter(user_data_64=moment % (done // BATCH_MAX) + 1, limit=100))
        ),
        "ms",
        50,
        "less",
        "the slowest of 40",
    )
    ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(this_machine())
    speed(10_000, 1_000_000 if quick else 4_000_000, 8_000_000)
    speed(1_000_000, 1_000_000 if quick else 4_000_000, 2_500_000)
    history(2_000_000 if quick else 10_000_000)


if __name__ == "__main__":
    main()
