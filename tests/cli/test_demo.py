"""The demo bank: made with public calls, seeded, and sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.commands import Here


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Here:
    folder = tmp_path_factory.mktemp("demo")
    qenex = Here(folder / "bank", folder)
    assert "DEMO" in qenex("demo").out
    return qenex


def test_the_demo_bank_balances_in_every_currency(demo: Here) -> None:
    totals = demo("trial-balance", "--json").json
    assert totals["balanced"]
    moved = {asset["currency"]: int(asset["debits_minor"]) for asset in totals["assets"]}
    assert moved["EUR"] > 0
    assert moved["USD"] > 0


def test_the_same_seed_gives_the_same_books_and_another_seed_others(demo: Here, tmp_path: Path) -> None:
    same, other = Here(tmp_path / "same"), Here(tmp_path / "other")
    same("demo")
    other("demo", "--seed", "7")
    answers = [qenex("trial-balance", "--json").out for qenex in (demo, same, other)]
    assert answers[0] == answers[1] != answers[2]


def test_every_statement_of_the_year_continues_the_one_before(demo: Here) -> None:
    from qenex.main.compose import close_bank, open_bank
    from qenex.products.accounts import balances
    from qenex.values import Refusal

    bank = open_bank(demo.data)
    assert not isinstance(bank, Refusal)
    try:
        accounts = balances(bank, bank.store.accounts())
        numbered = 0
        for account in accounts:
            statements = bank.store.statements(account.row.id)
            assert [statement.number for statement in statements] == list(range(1, len(statements) + 1))
            for earlier, later in zip(statements, statements[1:]):
                assert later.opening_minor == earlier.closing_minor
                assert later.from_date == earlier.to_date + 1
            numbered = max(numbered, len(statements))
        assert numbered >= 11
    finally:
        close_bank(bank)
    for account in demo("account", "list", "--json").json:
        made = demo("statement", account["iban"], "--from", "2000-01-01", "--json").json
        assert made["opening_minor"] == "0"
        assert made["closing_minor"] == account["posted_minor"]


def test_receipts_of_the_year_verify_without_the_bank(demo: Here, tmp_path: Path) -> None:
    iban = demo("account", "list", "--json").json[0]["iban"]
    lines = demo("statement", iban, "--from", "2000-01-01", "--format", "csv").out.splitlines()[1:]
    assert len(lines) > 10
    demo("key", "export", "--out", str(tmp_path / "key"))
    for line in (lines[0], lines[len(lines) // 2], lines[-1]):
        receipt = tmp_path / "receipt"
        demo("receipt", line.split(",")[0], "--out", str(receipt))
        assert demo("verify", str(receipt), "--key", str(tmp_path / "key")).out.startswith("OK")


def test_the_year_has_everything_a_bank_does(demo: Here) -> None:
    kinds = set()
    for account in demo("account", "list", "--json").json:
        rows = demo("statement", account["iban"], "--from", "2000-01-01", "--format", "csv").out.splitlines()[1:]
        kinds |= {row.split(",")[6] for row in rows}
    assert kinds >= {"deposit", "transfer", "outgoing payment", "hold", "exchange", "manual booking", "reversal"}
    assert len(list((demo.data / "reports").glob("*.xml"))) >= 11
    assert demo("journal", "verify", "--json").json["ok"]


def test_the_demo_bank_says_demo_in_every_statement(demo: Here) -> None:
    iban = demo("account", "list", "--json").json[0]["iban"]
    assert "DEMO" in demo("statement", iban, "--format", "camt053").out
    assert json.loads(demo("demo", "--json", code=1).out)["error"]["code"] == "BANK_EXISTS"
