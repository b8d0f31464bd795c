"""The archive: the same file is known again, and comes out byte for byte as it went in, if nobody touched it."""

import os
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from tests.storage.relational.worlds import ANNA, anna_with_an_account, code_of, opened

from qenex.crypto import TamperFound
from qenex.storage.relational import BANK_ID, FileStatus, PaymentFile, PaymentFileRow, Store, StoreFault
from qenex.values import CorruptionFound


def file_of(body: bytes, message_id: str = "M1", party: str = "Anna", customer_id: int = BANK_ID) -> PaymentFile:
    return PaymentFile(sha256(body).digest(), message_id, party, "pain.001.001.09", customer_id, 2)


def test_a_file_is_new_then_unfinished_then_a_duplicate(store: Store):
    file = file_of(b"one")
    assert store.begin_file(file) is FileStatus.NEW
    assert store.begin_file(file) is FileStatus.UNFINISHED
    assert [row.id for row in store.files("begun")] == [file.id]
    store.finish_file(file.id, 1, 1, "out/report.xml")
    store.finish_file(file.id, 0, 0, "ignored")
    assert store.begin_file(file) is FileStatus.DUPLICATE
    row = store.file(file.sha256)
    assert isinstance(row, PaymentFileRow)
    assert (row.accepted, row.rejected, row.report_path, row.state) == (1, 1, "out/report.xml", "finished")
    assert store.file(file.id) == row
    assert store.files("begun") == []
    assert code_of(store.file(b"z" * 32)) == "FILE_NOT_FOUND"


def test_a_message_id_is_used_once_per_party(store: Store):
    assert store.begin_file(file_of(b"one")) is FileStatus.NEW
    assert store.begin_file(file_of(b"two")) is FileStatus.DUPLICATE_MESSAGE
    assert store.begin_file(file_of(b"two", party="Bob")) is FileStatus.NEW
    assert store.begin_file(file_of(b"three", message_id="M2")) is FileStatus.NEW
    assert store.begin_file(file_of(b"four", message_id="nnaM1", party="A")) is FileStatus.NEW


def test_a_file_nobody_began_cannot_be_archived_or_finished(store: Store):
    with pytest.raises(StoreFault, match="never begun"):
        store.archive(b"f" * 16, "body", [b"x"])
    with pytest.raises(StoreFault, match="never begun"):
        store.finish_file(b"f" * 16, 0, 0, "")


@pytest.mark.parametrize("length", [0, 1, 1 << 20, (3 << 20) + 17])
def test_a_body_comes_out_as_it_went_in(store: Store, length: int):
    body = os.urandom(length)  # Does not compress, so that it fills several parts.
    file = file_of(body)
    store.begin_file(file)
    chunks = [body[at : at + 100_000] for at in range(0, length, 100_000)]
    store.archive(file.id, "body", iter(chunks))
    store.archive(file.id, "body", [b"something else"])  # Archived once; the second time changes nothing.
    assert b"".join(store.archived(file.id, "body")) == body
    assert list(store.archived(file.id, "report")) == []


def test_a_highly_compressible_body_is_read_in_bounded_pieces(store: Store):
    file = file_of(b"zeros")
    store.begin_file(file)
    store.archive(file.id, "body", (bytes(1 << 20) for _ in range(20)))
    pieces = list(store.archived(file.id, "body"))
    assert sum(map(len, pieces)) == 20 << 20
    assert max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("harm", ["flip", "swap", "cut"])
def test_a_touched_archive_is_found(tmp_path: Path, harm: str):
    body = os.urandom(3 << 20)
    file = file_of(body)
    with opened(tmp_path) as store:
        store.begin_file(file)
        store.archive(file.id, "body", [body])
    connection = sqlite3.connect(tmp_path / "bank.sqlite3")
    connection.execute("DROP TRIGGER file_parts_never_deleted")
    if harm == "flip":
        connection.execute("UPDATE file_parts SET sealed = CAST(zeroblob(12) || substr(sealed, 13) AS BLOB)")
    elif harm == "swap":
        connection.execute("UPDATE file_parts SET sealed = (SELECT sealed FROM file_parts WHERE number = 1)")
    else:
        connection.execute("DELETE FROM file_parts WHERE number = (SELECT max(number) FROM file_parts)")
    connection.commit()
    connection.close()
    with opened(tmp_path) as store, pytest.raises((TamperFound, CorruptionFound)):
        list(store.archived(file.id, "body"))


def test_a_customers_file_is_resealed_with_the_new_key(store: Store):
    anna_with_an_account(store)
    file = file_of(b"body", customer_id=ANNA)
    store.begin_file(file)
    store.archive(file.id, "body", [b"body"])
    store.rotate_customer_key(ANNA)
    assert store.reseal_customer(ANNA) == 1
    assert b"".join(store.archived(file.id, "body")) == b"body"
