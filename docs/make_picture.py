"""Makes docs/pictures/receipt.svg: a real session of the real command, from an empty folder to a verified receipt.

python docs/make_picture.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent / "pictures" / "receipt.svg"
QENEX = Path(sys.executable).parent / "qenex"


def run(folder: Path, *arguments: str) -> str:
    """What the command prints; a refusal is part of the picture."""
    done = subprocess.run(
        [QENEX, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    if done.returncode > 1:
        raise RuntimeError(f"{arguments}: {done.stderr}")
    return (done.stdout or done.stderr).rstrip().replace(f"{folder}/", "")


def shown(folder: Path, console: Console, *arguments: str) -> str:
    console.print(Text("$ ", style="bold green") + Text("qenex " + " ".join(arguments), style="bold"))
    answer = run(folder, *arguments)
    console.print(Text(answer, style="red" if "[RECEIPT" in answer else ""))
    return answer


def main() -> None:
    console = Console(record=True, width=118, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, "init", "--name", "Example Bank")
        ada = run(folder, "customer", "add", "Ada Lovelace")
        shop = run(folder, "customer", "add", "Corner Shop", "--kind", "company")
        hers = run(folder, "account", "open", "--owner", ada, "--currency", "EUR")
        theirs = run(folder, "account", "open", "--owner", shop, "--currency", "EUR")
        run(folder, "deposit", hers, "250.00")
        shown(folder, console, "transfer", hers, theirs, "12.34", "--end-to-end-id", "INVOICE-7")
        booked = json.loads(run(folder, "transfer", hers, theirs, "7.50", "--end-to-end-id", "COFFEE-1", "--json"))
        shown(folder, console, "receipt", booked["transfer_id"], "--out", "coffee.receipt")
        shown(folder, console, "key", "export", "--out", "bank.vkey")
        shown(folder, console, "verify", "coffee.receipt", "--key", "bank.vkey")
        receipt = folder / "coffee.receipt"
        assert receipt.exists(), "no receipt was written"
        receipt.write_text(receipt.read_text().replace('"750"', '"751"'))
        console.print(Text("$ ", style="bold green") + Text('sed -i \'s/"750"/"751"/\' coffee.receipt', style="bold"))
        shown(folder, console, "verify", "coffee.receipt", "--key", "bank.vkey")
        shown(folder, console, "journal", "verify")
        shown(folder, console, "trial-balance")
    PICTURE.write_text(console.export_svg(title="qenex", unique_id="qenex"))


if __name__ == "__main__":
    main()
