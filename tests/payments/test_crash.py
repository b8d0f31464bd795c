"""Killing the process between each two of the three commits of a payment: nothing is lost, nothing is booked twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.commands import Here, balance, new_account, new_bank
from tests.cli.files import pain001

# Runs a command line in a process that kills itself (SIGKILL, no clean-up) when it is about to call PLACE for the NTH time.
KILLER = """
import os, signal, sys
from qenex.books import Books
from qenex.storage.relational import Store
place, nth, *argv = sys.argv[1:]
owner = {"Books": Books, "Store": Store}[place.split(".")[0]]
name = place.split(".")[1]
left = [int(nth)]
original = getattr(owner, name)
def counted(*args, **kwargs):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
setattr(owner, name, counted)
from qenex.main import main
sys.exit(main(argv))
"""

BEFORE_STEP_1, AFTER_STEP_1, AFTER_STEP_2 = "Store.begin_payments", "Books.submit", "Store.apply_batches"


def killed_at(place: str, data: Path, *argv: str, nth: int = 1) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLER, place, str(nth), "--data", str(data), *argv],
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()


@pytest.fixture
def world(tmp_path: Path) -> tuple[Here, str, str]:
    qenex = Here(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "100.00")
    return qenex, payer, payee


@pytest.mark.parametrize(("place", "booked"), [(BEFORE_STEP_1, 0), (AFTER_STEP_1, 0), (AFTER_STEP_2, 1)])
def test_a_transfer_killed_between_two_commits_is_booked_once_or_not_at_all(
    place: str, booked: int, world: tuple[Here, str, str]
) -> None:
    qenex, payer, payee = world
    order = ("transfer", payer, payee, "10.00", "--end-to-end-id", "E1")
    killed_at(place, qenex.data, *order)
    assert balance(qenex, payee)["posted_minor"] == str(1000 * booked)
    # Whoever got no answer asks again: either it is done now, or the bank knows that it was done before.
    again = qenex(*order, "--json", code=None).json
    assert (again["status"], again["reason"]) == (("RJCT", "AM05") if booked else ("ACSC", None))
    assert balance(qenex, payee)["posted_minor"] == "1000"
    assert qenex("trial-balance", "--json").json["balanced"]


@pytest.mark.parametrize(
    ("place", "nth"),
    [
        ("Store.begin_file", 1), ("Store.archive", 1), (BEFORE_STEP_1, 1), (AFTER_STEP_1, 1), (AFTER_STEP_2, 1),
        (BEFORE_STEP_1, 2), (AFTER_STEP_1, 2), (AFTER_STEP_2, 2), ("Store.finish_file", 1),
    ],
)  # fmt: skip
def test_a_file_killed_anywhere_is_paid_once_when_it_is_sent_again(
    place: str, nth: int, world: tuple[Here, str, str], tmp_path: Path
) -> None:
    qenex, payer, payee = world
    # Two batches: 8,192 rows and the rest.
    rows = [(f"E{number}", payee, 1, "EUR") for number in range(8_200)]
    rows[1] = ("E1", payee, 99_999_999, "EUR")
    (tmp_path / "file.xml").write_bytes(pain001("M-1", payer, rows))
    killed_at(place, qenex.data, "pay", str(tmp_path / "file.xml"), nth=nth)
    answer = qenex("pay", str(tmp_path / "file.xml"), "--json", code=1).json
    assert (answer["accepted"], answer["rejected"]) == (8_199, 1)
    assert answer["transactions"][1]["reason"] in ("AM04", "MS03")
    assert balance(qenex, payee)["posted_minor"] == "8199"
    assert len({row["transfer_id"] for row in answer["transactions"]}) == 8_200
    assert "<GrpSts>PART</GrpSts>" in Path(answer["report"]).read_text()
    assert qenex("trial-balance", "--json").json["balanced"]
    repeated = qenex("pay", str(tmp_path / "file.xml"), "--json", code=1).json
    assert repeated["accepted"] == 0
    assert balance(qenex, payee)["posted_minor"] == "8199"


@pytest.mark.parametrize("place", [AFTER_STEP_1, AFTER_STEP_2])
def test_a_file_that_nobody_sends_again_is_carried_out_when_the_bank_opens(
    place: str, world: tuple[Here, str, str], tmp_path: Path
) -> None:
    qenex, payer, payee = world
    (tmp_path / "file.xml").write_bytes(pain001("M-1", payer, [(f"E{n}", payee, 100, "EUR") for n in range(5)]))
    killed_at(place, qenex.data, "pay", str(tmp_path / "file.xml"))
    assert balance(qenex, payee)["posted_minor"] == "500"
    # The sender got no answer; the first time it asks it gets the answer of the first time.
    assert qenex("pay", str(tmp_path / "file.xml"), "--json").json["accepted"] == 5
    assert qenex("pay", str(tmp_path / "file.xml"), "--json", code=1).json["accepted"] == 0


@pytest.mark.parametrize("place", ["Store.begin_steps", AFTER_STEP_1, AFTER_STEP_2, "Store.set_hold"])
def test_a_capture_killed_between_two_commits_takes_the_money_once(place: str, world: tuple[Here, str, str]) -> None:
    qenex, payer, payee = world
    held = qenex("hold", payer, payee, "30.00", "--json").json["transfer_id"]
    killed_at(place, qenex.data, "capture", held)
    done = balance(qenex, payee)["posted_minor"] == "3000"
    assert done == (place in (AFTER_STEP_2, "Store.set_hold"))
    again = qenex("capture", held, code=None)
    assert again.code == (1 if done else 0)
    assert "HOLD_NOT_OPEN" in again.err or not done
    assert balance(qenex, payee)["posted_minor"] == "3000"
    assert balance(qenex, payer)["pending_minor"] == "0"


@pytest.mark.parametrize("place", ["Store.begin_payments", "Store.begin_steps", AFTER_STEP_1, AFTER_STEP_2])
def test_an_exchange_killed_between_two_commits_has_both_legs_or_none(place: str, world: tuple[Here, str, str]) -> None:
    qenex, payer, _ = world
    owner = balance(qenex, payer)["owner"]
    dollars = new_account(qenex, owner, "USD")
    killed_at(place, qenex.data, "exchange", payer, dollars, "10.00", "--rate", "1.1", "--spread", "50")
    both = (balance(qenex, payer)["posted_minor"], balance(qenex, dollars)["posted_minor"])
    assert both == (("9000", "1094") if place == AFTER_STEP_2 else ("10000", "0"))


@pytest.mark.parametrize("place", ["Store.add_account", "Books.create_accounts", "Store.set_account_status"])
def test_an_account_whose_opening_was_killed_is_open_or_unknown(place: str, world: tuple[Here, str, str]) -> None:
    qenex, payer, _ = world
    owner = balance(qenex, payer)["owner"]
    iban = "DE89370400440532013000"
    killed_at(place, qenex.data, "account", "open", "--owner", owner, "--currency", "EUR", "--iban", iban)
    found = [row for row in qenex("account", "list", "--json").json if row["iban"] == iban]
    assert len(found) == (0 if place == "Store.add_account" else 1)
    if not found:
        new_account(qenex, owner, "EUR", "--iban", iban)
    qenex("deposit", iban, "1.00")


def test_a_payment_that_waits_for_its_day_survives_a_kill_while_it_is_booked(
    world: tuple[Here, str, str], tmp_path: Path
) -> None:
    from datetime import UTC, datetime, timedelta

    qenex, payer, payee = world
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    (tmp_path / "file.xml").write_bytes(pain001("M-1", payer, [("E1", payee, 100, "EUR")], day=tomorrow))
    answer = qenex("pay", str(tmp_path / "file.xml"), "--json").json
    assert [row["status"] for row in answer["transactions"]] == ["PDNG"]
    assert balance(qenex, payee)["posted_minor"] == "0"
    killed_at("Books.submit", qenex.data, "close-day")
    assert balance(qenex, payee)["posted_minor"] == "100"
    found = qenex("receipt", answer["transactions"][0]["transfer_id"], code=None)
    assert found.code == 0
