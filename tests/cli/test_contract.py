"""The commands and shapes that other people's scripts call: they must stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from tests.cli.commands import Here, Process, balance, new_account, new_bank, start_up
from tests.cli.files import pain001

ELSEWHERE = "GB29NWBK60161331926819"
UNKNOWN = "DE89370400440532013000"


@pytest.fixture(params=["embedded", "running"])
def qenex(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Here | Process]:
    """Every command of the contract works on a folder alone, and is forwarded when a bank runs in the folder."""
    data = tmp_path / "bank"
    if request.param == "embedded":
        here = Here(data, tmp_path)
        here("init")
        yield here
        return
    command = Process(data, tmp_path)
    command("init")
    running = start_up(data)
    yield command
    assert running.stop() == 0


def test_the_main_job_from_an_empty_folder_to_a_verified_receipt(qenex: Here | Process, tmp_path: Path) -> None:
    owner = qenex("customer", "add", "--name", "Ada Lovelace", "--json").json["id"]
    payer = qenex("account", "open", "--owner", owner, "--currency", "EUR", "--overdraft", "50.00", "--json").json[
        "iban"
    ]
    payee = new_account(qenex, owner, "EUR", "--iban", "DE02120300000000202051")
    dollars = new_account(qenex, owner, "USD")
    qenex("deposit", payer, "1000.00")

    rows = qenex("account", "list", "--json").json
    assert isinstance(rows, list)
    first = next(row for row in rows if row["iban"] == payer)
    assert first.items() >= {
        "iban": payer, "currency": "EUR", "owner": owner, "status": "open", "posted_minor": "100000", "pending_minor": "0",
        "available_minor": "105000",
    }.items()  # fmt: skip
    assert first["id"].isdigit()

    moved = qenex("transfer", payer, payee, "12.34", "--end-to-end-id", "INV-1", "--json").json
    assert (moved["status"], moved["reason"]) == ("ACSC", None)
    assert moved["transfer_id"].isdigit()
    again = qenex("transfer", payer, payee, "12.34", "--end-to-end-id", "INV-1", "--json", code=1).json
    assert (again["status"], again["reason"], again["transfer_id"]) == ("RJCT", "AM05", None)

    outside = qenex("transfer", payer, ELSEWHERE, "10.00", "--json").json
    assert outside["status"] == "ACSP"
    assert balance(qenex, payer)["pending_minor"] == "-1000"

    held = qenex("hold", payer, payee, "50.00", "--json").json["transfer_id"]
    assert balance(qenex, payer)["available_minor"] == str(100000 - 1234 - 1000 - 5000 + 5000)
    assert qenex("capture", held, "20.00", "--json").json["amount_minor"] == "2000"
    other = qenex("hold", payer, payee, "5.00", "--json").json["transfer_id"]
    assert qenex("release", other, "--json").json["state"] == "released"

    exchanged = qenex("exchange", payer, dollars, "100.00", "--rate", "1.0850", "--spread", "100", "--json").json
    assert (exchanged["bought_minor"], exchanged["spread_minor"]) == ("10741", "109")

    reversed_ = qenex("reverse", moved["transfer_id"], "--reason", "wrong payee", "--json").json
    assert reversed_["original"] == moved["transfer_id"]
    qenex("reverse", moved["transfer_id"], code=1)

    assert qenex("account", "freeze", payee, "--json").json["status"] == "frozen"
    qenex("transfer", payer, payee, "1.00", code=1)
    assert qenex("account", "unfreeze", payee, "--json").json["status"] == "open"
    assert qenex("account", "limit", payer, "70.00", "--json").json["limit_minor"] == "7000"
    qenex("account", "close", payer, code=1)
    empty = new_account(qenex, owner, "EUR")
    assert qenex("account", "close", empty, "--json").json["status"] == "closed"

    totals = qenex("trial-balance", "--json").json
    assert totals["balanced"] is True
    assert [set(asset) >= {"currency", "debits_minor", "credits_minor"} for asset in totals["assets"]]
    assert all(asset["debits_minor"] == asset["credits_minor"] for asset in totals["assets"])

    receipt, key = tmp_path / "receipt.json", tmp_path / "bank.vkey"
    qenex("receipt", moved["transfer_id"], "--out", str(receipt))
    qenex("key", "export", "--out", str(key))
    anywhere = Process(tmp_path / "no bank here", tmp_path)
    anywhere("verify", "receipt.json", "--key", "bank.vkey")
    document = json.loads(receipt.read_text())
    receipt.write_text(receipt.read_text().replace(moved["transfer_id"], str(int(moved["transfer_id"]) + 1)))
    assert document
    anywhere("verify", "receipt.json", "--key", "bank.vkey", code=1)

    verified = qenex("journal", "verify", "--json").json
    assert verified["ok"] is True
    assert verified["transfers"] > 0
    assert verified["batches"] > 0
    assert len(verified["state_hash"]) == 64

    assert qenex("chart", "--json").json
    assert qenex("close-day", "--json").json["balanced"] is True


def test_a_payment_file_is_answered_line_by_line_and_by_a_pain002(qenex: Here | Process, tmp_path: Path) -> None:
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "100.00")
    rows = [
        ("E1", payee, 1000, "EUR"), ("E2", ELSEWHERE, 2000, "EUR"), ("E3", payee, 999999, "EUR"), ("E1", payee, 100, "EUR"),
        ("E4", payee, 100, "USD"), ("E5", "DE43999999990009999999", 100, "EUR"),
    ]  # fmt: skip
    del rows[-1]
    (tmp_path / "one.xml").write_bytes(pain001("M-1", payer, rows))
    (tmp_path / "two.xml").write_bytes(pain001("M-2", UNKNOWN, [("X1", payee, 100, "EUR")], version="pain.001.001.03"))
    (tmp_path / "bad.xml").write_bytes(b"<Document>")

    done = qenex("pay", "one.xml", "two.xml", "--json", code=1)
    first, second = [json.loads(line) for line in done.out.splitlines()]
    assert (first["file"], first["message_id"], first["accepted"], first["rejected"]) == ("one.xml", "M-1", 2, 3)
    assert [(t["end_to_end_id"], t["status"], t["reason"]) for t in first["transactions"]] == [
        ("E1", "ACSC", None), ("E2", "ACSP", None), ("E3", "RJCT", "AM04"), ("E1", "RJCT", "AM05"), ("E4", "RJCT", "AM03"),
    ]  # fmt: skip
    assert [t["transfer_id"] is None for t in first["transactions"]] == [False, False, True, True, True]
    assert first["transactions"][0]["transfer_id"].isdigit()
    assert [(t["status"], t["reason"]) for t in second["transactions"]] == [("RJCT", "AC01")]

    for answer, name in ((first, "pain.002.001.10"), (second, "pain.002.001.03")):
        root = etree.parse(answer["report"]).getroot()
        assert root.tag == f"{{urn:iso:std:iso:20022:tech:xsd:{name}}}Document"
        statuses = [element.text for element in root.iter("{*}TxSts")]
        assert statuses == [t["status"] for t in answer["transactions"]]

    repeated = qenex("pay", "one.xml", "--json", code=1).json
    assert (repeated["accepted"], repeated["rejected"]) == (0, 5)
    assert {t["reason"] for t in repeated["transactions"]} == {"AM05"}
    qenex("pay", "bad.xml", "--json", code=2)
    qenex("pay", "missing.xml", code=2)
    (tmp_path / "three.xml").write_bytes(pain001("M-3", payer, [("E9", payee, 100, "EUR")]))
    assert qenex("pay", "three.xml", "--json").json["accepted"] == 1


def test_a_statement_says_what_was_booked_in_all_three_forms(qenex: Here | Process, tmp_path: Path) -> None:
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "100.00")
    qenex("transfer", payer, payee, "12.34", "--end-to-end-id", "INV-1", "--text", "Books")
    today = datetime.now(UTC).date().isoformat()
    made = ("statement", payer, "--from", today, "--to", today)
    qenex(*made, "--format", "camt053", "--out", "statement.xml")
    root = etree.parse(str(tmp_path / "statement.xml")).getroot()
    assert root.tag.endswith("camt.053.001.08}Document")
    amounts = [(e.findtext("{*}CdtDbtInd"), e.findtext("{*}Amt")) for e in root.iter("{*}Ntry")]
    assert amounts == [("CRDT", "100.00"), ("DBIT", "12.34")]
    balances = {b.findtext("{*}Tp/{*}CdOrPrtry/{*}Cd"): b.findtext("{*}Amt") for b in root.iter("{*}Bal")}
    assert balances == {"OPBD": "0.00", "CLBD": "87.66"}
    assert [e.text for e in root.iter("{*}EndToEndId")] == ["INV-1"]
    lines = qenex(*made, "--format", "csv").out.splitlines()
    assert len(lines) == 3
    assert "-12.34" in lines[2]
    table = qenex(*made, "--format", "table").out
    assert "closing balance  87.66 EUR" in table
    assert "INV-1" in table


def test_statement_numbers_are_unbroken_and_each_opens_with_the_closing_of_the_one_before(
    qenex: Here | Process,
) -> None:
    owner = qenex("customer", "add", "Ada", "--json").json["id"]
    iban = new_account(qenex, owner)
    closings = []
    for number in (1, 2, 3):
        qenex("deposit", iban, f"{number}.00")
        day = qenex("close-day", "--json").json["closed"]
        made = qenex("statement", iban, "--to", day, "--json").json
        assert (made["number"], made["provisional"]) == (number, False)
        assert made["opening_minor"] == (closings[-1] if closings else "0")
        closings.append(made["closing_minor"])
        assert qenex("statement", iban, "--from", made["from"], "--to", made["to"], "--json").json["number"] == number
    assert closings == ["100", "300", "600"]


def test_the_installed_command_does_a_day_of_work(tmp_path: Path) -> None:
    qenex = Process(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "10.00")
    (tmp_path / "one.xml").write_bytes(pain001("M-1", payer, [("E1", payee, 100, "EUR")]))
    assert qenex("pay", "one.xml", "--json").json["accepted"] == 1
    assert qenex("trial-balance", "--json").json["balanced"]
