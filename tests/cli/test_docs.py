"""The pages say what the program does: they are made from it, or run by it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.cli.commands import BINARY

from qenex.cli.reference import reference
from qenex.products.chart import CHART

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_commands_is_made_from_the_parser() -> None:
    assert (DOCS / "cli.md").read_text() == reference(), "run: python -m qenex.cli.reference > docs/cli.md"


def test_the_quickstart_works_as_it_stands(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / "quickstart.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 4
    script = "set -eu\n" + "\n".join(blocks)
    environment = {**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 accepted, 0 rejected" in ran.stdout
    assert "OK" in ran.stdout
    assert "balanced" in ran.stdout


@pytest.mark.parametrize("account", CHART, ids=lambda account: str(account.number))
def test_the_chart_in_the_docs_is_the_chart_in_the_code(account: object) -> None:
    from qenex.products.chart import ChartAccount

    assert isinstance(account, ChartAccount)
    kind = "one per currency" if account.internal else "one per customer account"
    row = (
        f"| {account.number} | {account.name} | {account.account_class.value} | {account.normal_side.value} | {kind} |"
    )
    assert row in (DOCS / "bookkeeping.md").read_text()
