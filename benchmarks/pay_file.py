"""`qenex pay` with one pain.001 of 100,000 transactions: payments per second from the file to the pain.002, and memory.

Runs the command itself in a bank of 1,000 accounts that keeps growing; each file is made before. Also: a statement of all
those entries, and what one transfer costs as a command of its own. On a busy machine compare the CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

GOAL_PER_SECOND = 10_000
GOAL_MEGABYTES = 500
GOAL_STATEMENT_SECONDS = 3.0
GOAL_TRANSFER_CPU_SECONDS = 0.35
ACCOUNTS = 1_000


def qenex(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qenex", "--data", str(data), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def children_seconds() -> float:
    """CPU seconds of every finished command so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def make_bank(data: Path) -> list[str]:
    """A bank with accounts, made in one process; the first account is rich. Returns the account numbers."""
    from qenex.cli.session import NewBank
    from qenex.main.compose import close_bank, create_bank
    from qenex.payments import Details, deposit
    from qenex.products.accounts import open_account
    from qenex.products.customers import NewCustomer, add_customer

    bank = create_bank(data, NewBank(currencies="EUR"))
    owner = add_customer(bank, NewCustomer("Payer", "legal"))
    ibans = [
        open_account(bank, owner, "EUR", iban=None, overdraft="0", product="current").iban for _ in range(ACCOUNTS)
    ]
    deposit(bank, ibans[0], "1000000000.00", Details())
    close_bank(bank)
    return ibans


def make_file(path: Path, ibans: list[str], count: int, run: int) -> None:
    from qenex.rails import TransferColumns, TransferOrder, write_pain001

    transfers = TransferColumns(
        end_to_end_id=[f"R{run}-{number}" for number in range(count)],
        amount_minor=[100 + number % 900 for number in range(count)],
        currency=["EUR"] * count,
        creditor_name=[f"Payee {number % 5000}" for number in range(count)],
        creditor_iban=[ibans[1 + number % (len(ibans) - 1)] for number in range(count)],
        remittance_unstructured=[f"Invoice {number}" for number in range(count)],
    )
    now = datetime.now(UTC)
    order = TransferOrder("P1", now.date(), "Payer", ibans[0], transfers)
    with open(path, "wb") as out:
        write_pain001(
            out, "pain.001.001.09", message_id=f"BENCH-{run}", created=now, initiating_party="Payer", orders=[order]
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--count", type=int, default=100_000)
    arguments, _ = parser.parse_known_args()
    count, runs = (20_000, 1) if arguments.quick else (arguments.count, 5)
    rates: list[float] = []
    cpu_per_payment: list[float] = []
    transfers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        data, file = Path(folder) / "bank", Path(folder) / "file.xml"
        ibans = make_bank(data)
        for run in range(runs):
            make_file(file, ibans, count, run)
            cpu_before, started = children_seconds(), time.perf_counter()
            answer = json.loads(qenex(data, "pay", str(file), "--json").stdout)
            seconds = time.perf_counter() - started
            assert answer["accepted"] == count, answer["rejected"]
            rates.append(count / seconds)
            cpu = children_seconds() - cpu_before
            cpu_per_payment.append(cpu / count * 1_000_000)
            print(f"run {run + 1}: {count:,} payments in {seconds:.2f} s, {count / seconds:,.0f}/s, {cpu:.2f} s of CPU")
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        cpu_before, started = children_seconds(), time.perf_counter()
        qenex(data, "statement", ibans[0], "--format", "camt053", "--out", str(Path(folder) / "statement.xml"))
        statement_seconds = time.perf_counter() - started
        statement_cpu = children_seconds() - cpu_before
        size = (Path(folder) / "statement.xml").stat().st_size
        print(
            f"statement of {count * runs:,} entries, {size:,} bytes: {statement_seconds:.2f} s, {statement_cpu:.2f} s of CPU"
        )
        for _ in range(5):
            cpu_before = children_seconds()
            qenex(data, "transfer", ibans[0], ibans[1], "1.00", "--json")
            transfers.append(children_seconds() - cpu_before)
    scaled = statement_seconds * 100_000 / (count * runs)
    for name, value, unit, goal, better, note in (
        (
            "pay file",
            statistics.median(rates),
            "payments/s",
            GOAL_PER_SECOND,
            "more",
            f"{count:,} transactions, median of {runs}, process start included",
        ),
        (
            "pay file CPU",
            statistics.median(cpu_per_payment),
            "us of CPU per payment",
            1_000_000 / GOAL_PER_SECOND,
            "less",
            "all threads of the process, process start included",
        ),
        ("pay file memory", megabytes, "MB", GOAL_MEGABYTES, "less", "largest resident size of any command"),
        (
            "statement",
            scaled,
            "s per 100,000 entries",
            None if arguments.quick else GOAL_STATEMENT_SECONDS,
            "less",
            "camt.053, process start included",
        ),
        (
            "one transfer",
            statistics.median(transfers),
            "s of CPU",
            GOAL_TRANSFER_CPU_SECONDS,
            "less",
            "`qenex transfer` as a process of its own, median of 5",
        ),
    ):
        figure = {"benchmark": name, "value": value, "unit": unit, "goal": goal, "better": better, "note": note}
        print(json.dumps(figure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
