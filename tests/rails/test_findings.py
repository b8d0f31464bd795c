"""The table of findings is the code's, and every finding has a test."""

from __future__ import annotations

import re
from pathlib import Path

from qenex.rails import FINDINGS, MESSAGES, REASONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/standards/iso20022.md"


def test_every_finding_made_is_in_the_table_and_every_one_in_the_table_is_made_and_tested():
    sources = "".join(path.read_text() for path in (ROOT / "src/qenex/rails/iso20022").glob("*.py"))
    made = {(code, reason) for code, reason in re.findall(r'"([A-Z]+(?:_[A-Z]+)+)",\s*"([A-Z]{2}[0-9]{2})"', sources)}
    assert made == {(code, reason) for code, (reason, _) in FINDINGS.items()}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [code for code in FINDINGS if f'"{code}"' not in tests] == []


def test_every_reason_of_a_finding_is_an_iso_code():
    assert {reason for reason, _ in FINDINGS.values()} <= set(REASONS)


def test_the_page_shows_the_table_of_findings_and_every_message():
    page = PAGE.read_text()
    table = "\n".join(f"| {code} | {reason} | {meaning} |" for code, (reason, meaning) in FINDINGS.items())
    assert table in page, f"put this table into {PAGE.name}:\n{table}"
    assert all(f"| {message} |" in page for message in MESSAGES)
