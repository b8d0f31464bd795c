"""Backups while the bank runs, restores to the end and to an instant, and a journal that tells where it is damaged."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.commands import Here, Process, balance, new_account, new_bank, start_up
from tests.cli.files import pain001


@pytest.fixture
def world(tmp_path: Path) -> tuple[Here, str, str]:
    qenex = Here(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "100.00")
    return qenex, payer, payee


def restored(qenex: Here, source: str, *options: str) -> Here:
    there = Here(qenex.data.parent / f"again{len(list(qenex.data.parent.iterdir()))}", qenex.data.parent)
    there("restore", source, "--key-file", str(qenex.data / "master.key"), *options)
    return there


def test_a_restored_backup_is_the_same_bank_and_goes_on(world: tuple[Here, str, str], tmp_path: Path) -> None:
    qenex, payer, payee = world
    moved = qenex("transfer", payer, payee, "12.00", "--end-to-end-id", "E1", "--json").json["transfer_id"]
    qenex("backup", "copy")
    assert not (tmp_path / "copy" / "master.key").exists()
    assert "FOLDER_NOT_EMPTY" in qenex("backup", "copy", code=1).err
    again = restored(qenex, "copy")
    hashes = [bank("journal", "verify", "--json").json["state_hash"] for bank in (qenex, again)]
    assert hashes[0] == hashes[1]
    assert again("account", "list", "--json").json == qenex("account", "list", "--json").json
    assert "DUPLICATE_END_TO_END_ID" in again("transfer", payer, payee, "1.00", "--end-to-end-id", "E1", code=1).err
    again("transfer", payer, payee, "1.00")
    again("receipt", moved, "--out", "r.json")
    again("key", "export", "--out", "k.vkey")
    again("verify", "r.json", "--key", "k.vkey")
    # The same log goes on, so the old key still verifies.
    qenex("key", "export", "--out", "old.vkey")
    again("verify", "r.json", "--key", "old.vkey")


def test_a_bank_is_backed_up_while_it_runs(tmp_path: Path) -> None:
    qenex = Process(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    running = start_up(qenex.data)
    try:
        iban = new_account(qenex, owner)
        qenex("deposit", iban, "5.00")
        qenex("backup", "copy")
        qenex("deposit", iban, "6.00")
    finally:
        running.stop()
    again = restored(Here(qenex.data, tmp_path), "copy")
    assert balance(again, iban)["posted_minor"] == "500"
    assert again("journal", "verify", "--json").json["ok"]


def test_a_restore_to_an_instant_forgets_what_came_later_under_a_new_log(
    world: tuple[Here, str, str], tmp_path: Path
) -> None:
    qenex, payer, payee = world
    kept = qenex("hold", payer, payee, "10.00", "--json").json["transfer_id"]
    time.sleep(0.02)
    instant = datetime.now(UTC).isoformat()
    time.sleep(0.02)
    lost = qenex("transfer", payer, payee, "12.00", "--end-to-end-id", "E1", "--json").json["transfer_id"]
    qenex("capture", kept)
    late = new_account(qenex, balance(qenex, payer)["owner"])
    qenex("backup", "copy")
    again = restored(qenex, "copy", "--until", instant)
    assert balance(again, payer).items() >= {"posted_minor": "10000", "available_minor": "9000"}.items()
    assert again("receipt", lost, code=1).code == 1
    again("transfer", payer, payee, "12.00", "--end-to-end-id", "E1")
    again("capture", kept)
    assert again("trial-balance", "--json").json["balanced"]
    assert again("journal", "verify", "--json").json["ok"]
    origins = [json.loads(bank("checkpoint", "--json").out)["origin"] for bank in (qenex, again)]
    assert origins[0] != origins[1]
    assert late in [row["iban"] for row in again("account", "list", "--json").json]


def test_a_backup_older_than_a_known_checkpoint_does_not_go_on_by_itself(
    world: tuple[Here, str, str], tmp_path: Path
) -> None:
    qenex, payer, payee = world
    qenex("backup", "copy")
    qenex("transfer", payer, payee, "1.00")
    qenex("checkpoint", "--out", "newest.txt")
    there = Here(tmp_path / "again", tmp_path)
    ran = there("restore", "copy", "--key-file", str(qenex.data / "master.key"), "--checkpoint", "newest.txt", code=1)
    assert "RESTORE_LOSES_CHECKPOINT" in ran.err


def test_an_erased_customer_stays_erased_in_an_older_backup(world: tuple[Here, str, str], tmp_path: Path) -> None:
    qenex, _, _ = world
    other = qenex("customer", "add", "Grace Hopper", "--json").json["id"]
    qenex("backup", "copy")
    qenex("customer", "erase", other, "--yes")
    again = restored(qenex, "copy", "--erasures", str(qenex.data / "erasures.list"))
    assert again("customer", "show", other, "--json").json["name"] is None


def test_a_damaged_backup_is_refused(world: tuple[Here, str, str], tmp_path: Path) -> None:
    qenex, _, _ = world
    qenex("backup", "copy")
    segment = next((tmp_path / "copy" / "books").rglob("*.seg*"), None) or max(
        (path for path in (tmp_path / "copy" / "books").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    there = Here(tmp_path / "again", tmp_path)
    ran = there("restore", "copy", "--key-file", str(qenex.data / "master.key"), code=None)
    assert ran.code in (1, 3)
    assert len(ran.err.splitlines()) == 1


def test_a_flipped_byte_in_the_journal_is_found_and_located(world: tuple[Here, str, str]) -> None:
    qenex, payer, payee = world
    qenex("transfer", payer, payee, "12.00")
    segment = max((qenex.data / "books").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    with open(segment, "r+b") as file:
        file.seek(2048)
        byte = file.read(1)
        file.seek(2048)
        file.write(bytes([byte[0] ^ 1]))
    ran = qenex("journal", "verify", "--json", code=3)
    assert ran.json["ok"] is False
    assert ran.json["findings"][0]["place"]
    assert "fault" in ran.err
    assert qenex("account", "list", code=3).err


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_the_journal_is_exported_and_inspected(form: str, world: tuple[Here, str, str], tmp_path: Path) -> None:
    qenex, payer, payee = world
    moved = qenex("transfer", payer, payee, "12.00", "--json").json["transfer_id"]
    answer = qenex("journal", "export", "--format", form, "--out", f"all.{form}", "--json").json
    assert answer["records"] > 3
    data = (tmp_path / f"all.{form}").read_bytes()
    assert data.startswith(b"PAR1") if form == "parquet" else moved.encode() in data
    batches = qenex("journal", "inspect", "--last", "3", "--json").json
    assert [batch["number"] for batch in batches] == sorted(batch["number"] for batch in batches)
    assert len(batches) == 3
    rows = qenex("journal", "inspect", "--batch", str(batches[-1]["number"]), "--json").json["rows"]
    assert rows
    assert "BATCH_UNKNOWN" in qenex("journal", "inspect", "--batch", "99999", code=None).err


def test_a_restore_needs_a_backup_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    assert "FOLDER_NOT_EMPTY" in Here(tmp_path / "full", tmp_path)("restore", "copy", code=1).err
    shutil.rmtree(tmp_path / "full")
    assert "BACKUP_UNKNOWN" in Here(tmp_path / "full", tmp_path)("restore", "copy", code=2).err


def test_files_paid_before_a_restore_are_known_after_it(world: tuple[Here, str, str], tmp_path: Path) -> None:
    qenex, payer, payee = world
    (tmp_path / "one.xml").write_bytes(pain001("M-1", payer, [("E1", payee, 100, "EUR")]))
    qenex("pay", "one.xml")
    qenex("backup", "copy")
    again = restored(qenex, "copy")
    assert again("pay", "one.xml", "--json", code=1).json["accepted"] == 0
