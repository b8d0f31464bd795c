"""A disk that is full, damaged or shared: faults are named, nothing is half-written, and distrust lasts."""

import sqlite3
import threading
from pathlib import Path

import pytest
from tests.storage.relational.test_payments import in_a_process_that_dies_at
from tests.storage.relational.worlds import ANNA, anna_with_an_account, keyring_in, opened, outcomes, payments, states

from qenex.storage.relational import POINTS, PaymentState, Store, StoreFault, faults
from qenex.storage.relational.faults import ends_trust
from qenex.values import CorruptionFound, Fault


def on_the_writer(store: Store, pragma: str) -> None:
    store._database._writer.execute(f"PRAGMA {pragma}")


def test_a_full_disk_begins_nothing_and_goes_on_when_there_is_room(store: Store):
    account = anna_with_an_account(store)
    store.begin_payments(payments(["a"], account))
    on_the_writer(store, "max_page_count=1")  # SQLite takes the present size: the database cannot grow.
    names = [f"n{number}" for number in range(500)]
    with pytest.raises(StoreFault, match="full"):
        store.begin_payments(payments(names, account))
    assert set(states(store, names)) == {"none"}
    on_the_writer(store, "max_page_count=1000000")
    store.begin_payments(payments(names, account))
    assert set(states(store, names)) == {"BEGUN"}


def test_after_found_damage_nothing_more_is_written(tmp_path: Path):
    with opened(tmp_path) as store:
        account = anna_with_an_account(store)
        store.begin_payments(payments([f"n{number}" for number in range(300)], account))
    path = tmp_path / "bank.sqlite3"
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(Fault):
        damaged = Store.open(tmp_path, keyring_in(tmp_path))
        assert isinstance(damaged, Store)
        try:
            with pytest.raises(CorruptionFound):
                damaged.apply_batches(1, outcomes(["n1"], PaymentState.POSTED, 1))
            damaged.begin_payments(payments(["later"], account))
        finally:
            damaged.close()


def test_an_io_error_ends_trust_and_a_full_disk_does_not():
    def error(code: int) -> sqlite3.Error:
        made = sqlite3.OperationalError("x")
        made.sqlite_errorcode = code
        return made

    # SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_CORRUPT, SQLITE_NOTADB; then SQLITE_FULL, SQLITE_BUSY, a constraint.
    assert [ends_trust(error(code)) for code in (1034, 778, 11, 26)] == [True] * 4
    assert [ends_trust(error(code)) for code in (13, 5, 2067)] == [False] * 3
    assert isinstance(faults.fault_of("read", error(11)), CorruptionFound)
    assert isinstance(faults.fault_of("write", error(1034)), StoreFault)


def test_a_sync_that_failed_is_never_tried_again(store: Store):
    account = anna_with_an_account(store)

    def failing_sync() -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = 1034  # SQLITE_IOERR_FSYNC
        raise error

    with pytest.raises(StoreFault, match="disk I/O error"), store._database.write("commit"):
        failing_sync()
    with pytest.raises(StoreFault, match="nothing is written after an earlier fault"):
        store.begin_payments(payments(["a"], account))
    assert states(store, ["a"]) == ["none"]  # Reading goes on.


def test_a_reader_cannot_write(store: Store):
    with pytest.raises(StoreFault, match="readonly"), store._database.read("sneak") as connection:
        connection.execute("DELETE FROM settings")


def test_writers_and_readers_in_many_threads_take_turns(store: Store):
    account = anna_with_an_account(store)
    problems: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(15):
                name = f"{worker}/{number}"
                store.begin_payments(payments([name], account))
                store.apply_batches(1, outcomes([name], PaymentState.POSTED, 1))
                assert states(store, [name]) == ["POSTED"]
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert store.pending_since().payments == []


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("reseal")])
@pytest.mark.parametrize("change", ["reseal", "rewrap"])
def test_killed_while_keys_change_every_record_stays_readable(tmp_path: Path, point: str, change: str):
    keyring = keyring_in(tmp_path)
    with opened(tmp_path) as store:
        account = anna_with_an_account(store)
        store.begin_payments(payments(["a", "b"], account))
        if change == "reseal":
            store.rotate_customer_key(ANNA)
        else:
            keyring.add_master()

    def work(store: Store) -> None:
        if change == "reseal":
            store.reseal_customer(ANNA)
        else:
            store.rewrap_customer_keys()

    assert in_a_process_that_dies_at(point, tmp_path, work) == 9
    with opened(tmp_path) as store:
        for _ in range(2):
            rows = store.pending_since().payments
            assert None not in store.records(rows)
            assert store.customer(ANNA).details is not None  # type: ignore[union-attr]
            work(store)
