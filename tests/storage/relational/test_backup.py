"""Backups are consistent while the bank writes, and a restore is whole or did not happen."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from tests.storage.relational.worlds import ANNA, anna_with_an_account, code_of, opened, outcomes, payments, states

from qenex.storage.relational import PaymentState, restore_database
from qenex.values import InvariantBroken


def test_a_backup_taken_while_payments_are_written_is_one_moment(tmp_path: Path):
    with opened(tmp_path) as store:
        account_id = anna_with_an_account(store)
        store.begin_payments(payments([f"first {n}" for n in range(2000)], account_id))
        stop = threading.Event()
        written = 0

        def write() -> None:
            nonlocal written
            while not stop.is_set():
                names = [f"{written} {n}" for n in range(20)]
                store.begin_payments(payments(names, account_id))
                store.apply_batches(written + 1, outcomes(names, PaymentState.POSTED, written + 1))
                written += 1

        writer = threading.Thread(target=write)
        writer.start()
        seen: list[tuple[int, int]] = []
        try:
            for number in range(5):
                store.backup(tmp_path / f"backup {number}", lambda done, total: seen.append((done, total)))
        finally:
            stop.set()
            writer.join()
        assert written > 0
        assert seen[-1][0] == seen[-1][1] > 0
    for number in range(5):
        path = tmp_path / f"backup {number}"
        assert path.stat().st_mode & 0o077 == 0
        connection = sqlite3.connect(path)
        begun = connection.execute("SELECT count(*) FROM payments WHERE state = 0").fetchone()[0]
        posted = connection.execute("SELECT count(*) FROM payments WHERE state = 1").fetchone()[0]
        applied = connection.execute("SELECT value FROM settings WHERE name = 'last_applied_batch'").fetchone()
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.close()
        assert check == "ok"
        # In one moment every applied batch has its 20 payments posted, and at most one batch is begun and not applied.
        assert posted == 20 * (int(applied[0]) if applied else 0)
        assert begun - 2000 in (0, 20)


def test_a_backup_never_overwrites(tmp_path: Path):
    (tmp_path / "backup").touch()
    with opened(tmp_path) as store, pytest.raises(InvariantBroken):
        store.backup(tmp_path / "backup")


def test_a_restored_bank_is_what_it_was(tmp_path: Path):
    with opened(tmp_path) as store:
        account_id = anna_with_an_account(store)
        store.begin_payments(payments(["kept"], account_id))
        store.backup(tmp_path / "backup")
        store.begin_payments(payments(["lost"], account_id))
        store.add_customer(ANNA + 5, {"name": "Later"})
    assert restore_database(tmp_path / "backup", tmp_path) is None
    with opened(tmp_path) as store:
        assert states(store, ["kept", "lost"]) == ["BEGUN", "none"]
        assert [customer.id for customer in store.customers()] == [ANNA]
        assert store.check() == []


@pytest.mark.parametrize("point", ["restore: copied", "restore: placed"])
@pytest.mark.parametrize("clean", [True, False])
def test_killed_while_restoring_the_old_bank_or_the_backup_is_there(tmp_path: Path, point: str, clean: bool):
    with opened(tmp_path) as store:
        account_id = anna_with_an_account(store)
        store.backup(tmp_path / "backup")
    child = os.fork()
    if child == 0:  # A process that dies with commits only in the write-ahead log.
        store = opened(tmp_path)
        store.begin_payments(payments(["late"], account_id))
        if clean:
            store.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "bank.sqlite3-wal").exists() != clean

    class Stopped(Exception):
        pass

    def stop(reached: str) -> None:
        if reached == point:
            raise Stopped

    with pytest.raises(Stopped):
        restore_database(tmp_path / "backup", tmp_path, inject=stop)
    with opened(tmp_path) as store:
        assert states(store, ["late"]) == (["BEGUN"] if point == "restore: copied" else ["none"])
        assert store.check() == []
    assert restore_database(tmp_path / "backup", tmp_path) is None
    with opened(tmp_path) as store:
        assert states(store, ["late"]) == ["none"]


def test_a_damaged_database_can_be_replaced_by_a_backup(tmp_path: Path):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        store.backup(tmp_path / "backup")
    (tmp_path / "bank.sqlite3").write_bytes(b"this is no database at all" * 1000)
    assert restore_database(tmp_path / "backup", tmp_path) is None
    with opened(tmp_path) as store:
        assert len(store.customers()) == 1


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "other database", "cut", "damaged", "newer"])
def test_what_is_no_whole_backup_is_refused_and_nothing_is_touched(tmp_path: Path, harm: str):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        store.backup(tmp_path / "backup")
    path = tmp_path / "backup"
    if harm == "missing":
        path.unlink()
    elif harm in ("empty", "text"):
        path.write_bytes(b"" if harm == "empty" else b"hello" * 5000)
    elif harm == "cut":
        os.truncate(path, path.stat().st_size - 8192)
    elif harm == "damaged":
        data = bytearray(path.read_bytes())
        for at in range(8192, len(data), 8192):
            data[at] ^= 0xFF
        path.write_bytes(data)
    else:
        if harm == "other database":
            path.unlink()
        connection = sqlite3.connect(path)
        connection.execute(
            "CREATE TABLE other (x)" if harm != "newer" else "UPDATE alembic_version SET version_num = '9999'"
        )
        connection.commit()
        connection.close()
    before = (tmp_path / "bank.sqlite3").read_bytes()
    assert code_of(restore_database(path, tmp_path)) == "BACKUP_NOT_USABLE"
    assert (tmp_path / "bank.sqlite3").read_bytes() == before
