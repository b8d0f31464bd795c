"""Run every benchmark in order and print one table.

Each benchmarks/*.py takes `--quick` (seconds instead of minutes) and prints, beside lines for people, one JSON line per
figure: {"benchmark": NAME, "value": NUMBER, "unit": TEXT, "goal": NUMBER or null, "better": "more" or "less", "note": TEXT}.
Only `benchmark` and `value` are required. The table also goes to benchmarks/results/, with the machine it was measured on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from qenex.platform import file_system, this_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def run(script: Path, arguments: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Run one benchmark, show what it says, and return its figures and its exit code."""
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    figures = []
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('{"benchmark"'):
            figures.append(json.loads(line))
        else:
            print(f"  {line}", end="", flush=True)
    return figures, process.wait()


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def row(figure: dict[str, Any]) -> list[str]:
    """A line of the table; the last column says whether the goal was reached."""
    value, goal = figure["value"], figure.get("goal")
    reached = ""
    if goal is not None:
        enough = value >= goal if figure.get("better", "more") == "more" else value <= goal
        reached = "yes" if enough else "no"
    return [
        figure["benchmark"],
        number(value),
        figure.get("unit", ""),
        number(goal),
        reached,
        figure.get("note", ""),
    ]


def main() -> int:
    arguments = sys.argv[1:]
    scripts = sorted((ROOT / "benchmarks").glob("*_*.py"))
    machine = f"{this_machine()}, {file_system(ROOT)}"
    print(f"machine: {machine}")
    rows = [["benchmark", "value", "unit", "goal", "reached", "note"]]
    failed = []
    for script in scripts:
        print(f"\n{script.name} {' '.join(arguments)}", flush=True)
        started = time.monotonic()
        figures, code = run(script, arguments)
        rows += [row(figure) for figure in figures]
        if code != 0:
            failed.append(script.name)
        print(f"  ({time.monotonic() - started:.1f} s, exit {code})")
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |" for cells in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    table = "\n".join(lines)
    print(f"\n{table}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    (RESULTS / f"{stamp}.md").write_text(f"{machine}\n\n{table}\n", encoding="utf-8")
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
