"""How fast ISO 20022 files are read and written. One core, CPU seconds, medians of 5 runs; memory from a process of its own.

The yardstick of reading is lxml alone (libxml2 parsing the same file into a tree) in the same run: no code over lxml that keeps
what it read can be faster than that by much.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from lxml import etree

from qenex.rails import (
    CreditTransferFile,
    StatementBalance,
    StatementEntries,
    StatementHeader,
    StatusColumns,
    TransferColumns,
    TransferOrder,
    read_camt053,
    read_pain001,
    read_pain002,
    validate,
    write_camt053,
    write_pain001,
    write_pain002,
)

ROUNDS = 5
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = date(2026, 11, 21)
IBAN = "DE89370400440532013000"
# The high-water mark of this process alone; getrusage would also count the process it was forked from.
PROBE = """
import re, sys
from qenex.rails import read_pain001
file = read_pain001(sys.argv[1])
rows = sum(len(batch) for batch in file.batches())
print(rows, re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""


def cpu_seconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return statistics.median(times)


def say(name: str, value: float, unit: str, goal: float | None = None, better: str = "more", note: str = "") -> None:
    figure = {
        "benchmark": f"rails: {name}",
        "value": round(value, 3),
        "unit": unit,
        "goal": goal,
        "better": better,
        "note": note,
    }
    print(json.dumps(figure), flush=True)


def make_file(path: Path, count: int) -> None:
    numbers = range(count)
    transfers = TransferColumns(
        end_to_end_id=[f"E2E-2026-{number:09}" for number in numbers],
        amount_minor=[number * 7919 % 500_000 + 1 for number in numbers],
        currency=["EUR"] * count,
        creditor_name=[f"Creditor & Daughters {number}" for number in numbers],
        creditor_iban=["FR1420041010050500013M02606"] * count,
        creditor_agent_bic=["BNPAFRPPXXX"] * count,
        creditor_country=["FR"] * count,
        creditor_town=["Paris"] * count,
        instruction_id=[f"INSTR-{number:09}" for number in numbers],
        remittance_unstructured=[f"Invoice {number} of 2026-11, customer {number * 31}" for number in numbers],
    )
    order = TransferOrder("PMT-1", DAY, "Example GmbH", IBAN, transfers, debtor_agent_bic="COBADEFFXXX")
    with path.open("wb") as out:
        write_pain001(out, "pain.001.001.09", message_id="M-1", created=NOW, initiating_party="Example", orders=[order])


def entries(file: CreditTransferFile) -> list[StatementEntries]:
    return [
        StatementEntries(
            amount_minor=[minor or 0 for minor in batch.amount_minor],
            credit=[False] * len(batch),
            booking_day=[DAY] * len(batch),
            value_day=[DAY] * len(batch),
            transaction_code=["PMNT/ICDT/ESCT"] * len(batch),
            servicer_reference=[f"T{batch.first + row}" for row in range(len(batch))],
            end_to_end_id=batch.end_to_end_id,
            creditor_name=batch.creditor_name,
            creditor_iban=batch.creditor_iban,
            remittance_unstructured=batch.remittance_unstructured,
        )
        for batch in file.batches()
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100_000, help="transactions in the file (default 100,000)")
    options.add_argument("--quick", action="store_true", help="a file of 10,000 transactions")
    chosen = options.parse_args()
    count = 10_000 if chosen.quick else chosen.count
    print(
        f"# {platform.machine()}, Python {platform.python_version()}, lxml {etree.__version__}, {count:,} transactions"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "payments.xml"
        make_file(path, count)
        size = path.stat().st_size
        alone = cpu_seconds(lambda: etree.parse(str(path)))
        reading = cpu_seconds(lambda: read_pain001(path))
        note = f"{size / 1e6:.0f} MB; lxml alone {alone:.2f} s; ratio to lxml {reading / alone:.2f}"
        say("pain.001 from file to checked columns", reading, "CPU s", 4.0 * count / 100_000, "less", note)
        say("pain.001 transactions read and validated", count / reading, "1/s", 20_000)
        done = subprocess.run([sys.executable, "-c", PROBE, str(path)], capture_output=True, text=True, check=True)
        rows, kilobytes = map(int, done.stdout.split())
        assert rows == count
        say("pain.001 peak memory of the process", kilobytes / 1024, "MB", 250, "less")
        file = read_pain001(path)
        assert isinstance(file, CreditTransferFile)
        decisions = [
            StatusColumns(
                ["ACSC" if row % 10 else "RJCT" for row in range(len(batch))],
                [None if row % 10 else "AC04" for row in range(len(batch))],
                [None if row % 10 else "The account is closed." for row in range(len(batch))],
                [f"T{batch.first + row}" for row in range(len(batch))],
            )
            for batch in file.batches()
        ]
        report = io.BytesIO()

        def answer() -> None:
            report.seek(0)
            write_pain002(report, file, decisions, message_id="ST-1", created=NOW, servicer_bic="QNEXDEFFXXX")

        answering = cpu_seconds(answer)
        say("pain.002 transactions written", count / answering, "1/s", 50_000)
        batches = entries(file)
        total = sum(sum(batch.amount_minor) for batch in batches)
        balances = [StatementBalance("OPBD", total, DAY), StatementBalance("CLBD", 0, DAY)]
        header = StatementHeader("M-2", NOW, "S-1", 1, NOW, NOW, "EUR", balances, iban=IBAN)
        statement = io.BytesIO()

        def state() -> None:
            statement.seek(0)
            write_camt053(statement, header, batches)

        stating = cpu_seconds(state)
        say(
            "camt.053 entries written",
            stating,
            "CPU s",
            2.0 * count / 100_000,
            "less",
            f"{count / stating:,.0f} entries/s",
        )
        for name, data, reader in (
            ("pain.002", report.getvalue(), read_pain002),
            ("camt.053", statement.getvalue(), read_camt053),
        ):
            plain = cpu_seconds(lambda data=data: etree.fromstring(data))
            own = cpu_seconds(lambda data=data, reader=reader: reader(data))
            say(f"{name} rows read and validated", count / own, "1/s", None, "more", f"ratio to lxml {own / plain:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.xml"
        make_file(path, 1)
        data = path.read_bytes()
        plain = cpu_seconds(lambda: [etree.fromstring(data) for _ in range(1000)]) / 1000
        single = cpu_seconds(lambda: [validate(data) for _ in range(1000)]) / 1000
        whole = cpu_seconds(lambda: [read_pain001(data) for _ in range(1000)]) / 1000
        say(
            "one-transaction pain.001 validated",
            1 / single,
            "1/s",
            15_000,
            "more",
            f"ratio to lxml {single / plain:.1f}",
        )
        say(
            "one-transaction pain.001 to checked columns",
            1 / whole,
            "1/s",
            None,
            "more",
            f"ratio to lxml {whole / plain:.1f}",
        )


if __name__ == "__main__":
    main()
