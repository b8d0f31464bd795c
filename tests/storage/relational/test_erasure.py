"""Erasure: the key is gone from every file, the proofs stay, and a backup from before does not bring it back."""

from pathlib import Path

import pytest
from tests.storage.relational.test_payments import in_a_process_that_dies_at
from tests.storage.relational.worlds import (
    ANNA,
    anna_with_an_account,
    code_of,
    opened,
    outcomes,
    payment_id,
    payments,
    record_of,
)

from qenex.crypto import CommitmentMismatch, canonical_record, commit_records, verify_commitment
from qenex.storage.relational import PaymentFile, PaymentState, Store, restore_database
from qenex.storage.relational.erasures import ERASURES_FILE, read_erasures
from qenex.storage.relational.part import POINTS
from qenex.values import CorruptionFound


def wrapped_keys(store: Store) -> list[bytes]:
    with store._database.read("test") as connection:
        rows = connection.execute(
            "SELECT wrapped FROM customer_keys WHERE customer_id = ? AND wrapped IS NOT NULL",
            (ANNA.to_bytes(16, "big"),),
        ).fetchall()
    return [row[0] for row in rows]


def test_after_erasure_nothing_of_the_customer_can_be_read(store: Store):
    account_id = anna_with_an_account(store)
    store.begin_file(PaymentFile(b"f" * 32, "M1", "Anna", "pain.001.001.09", ANNA, 1))
    store.archive(b"f" * 16, "body", [b"<Document>Anna</Document>"])
    store.begin_payments(payments(["a"], account_id, file_id=b"f" * 16))
    store.apply_batches(1, outcomes(["a"], PaymentState.POSTED, 1))
    row = store.payment(payment_id("a"), ANNA)
    assert store.erase_customer(ANNA, "request-17") is None
    erased = store.customer(ANNA)
    assert (erased.status, erased.details) == ("erased", None)  # type: ignore[union-attr]
    assert store.records([row]) == [None]  # type: ignore[list-item]
    assert list(store.archived(b"f" * 16, "body")) == []
    assert store.find_customers("name", "Anna Müller") == []
    assert code_of(store.erase_customer(ANNA, "request-17")) == "CUSTOMER_ERASED"
    assert code_of(store.rotate_customer_key(ANNA)) == "CUSTOMER_ERASED"
    assert code_of(store.erase_customer(12345, "request-18")) == "CUSTOMER_NOT_FOUND"
    assert code_of(store.erase_customer(1, "request-19")) == "CUSTOMER_IS_BANK"
    # What the ledger and the auditor need is still there.
    assert store.payment(payment_id("a"), ANNA) == row
    assert store.account(account_id).owner_id == ANNA  # type: ignore[union-attr]


def test_the_destroyed_key_is_in_no_file_any_more(tmp_path: Path):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        store.rotate_customer_key(ANNA)
        keys = wrapped_keys(store)
        assert len(keys) == 2
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert all(key in everything for key in keys)
        store.erase_customer(ANNA, "request-17")
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert not any(key in everything for key in keys)


def test_guessing_the_record_after_erasure_fails_and_the_commitment_still_binds_who_kept_it(store: Store):
    account_id = anna_with_an_account(store)
    made = commit_records([record_of("a")])
    journalled = made.digests[:16]  # What user_data_128 holds, for ever.
    store.begin_payments(payments(["a"], account_id, salts=made.salts))
    row = store.payment(payment_id("a"), ANNA)
    store.erase_customer(ANNA, "request-17")

    # The guesser knows the record exactly, and everything the bank still stores, but not the salt.
    assert store.salted_records([row]) == [None]  # type: ignore[list-item]
    stored = [row.sealed[at : at + 32] for at in range(len(row.sealed) - 31)]  # type: ignore[union-attr]
    for salt in [bytes(32), *stored]:
        with pytest.raises(CommitmentMismatch):
            verify_commitment(journalled, salt, record_of("a"))

    # The customer, who was given salt and record, still proves the payment; no other record fits.
    verify_commitment(journalled, made.salts[0], record_of("a"))
    with pytest.raises(CommitmentMismatch):
        verify_commitment(journalled, made.salts[0], canonical_record("payment", {"amount_minor": "999"}))


def test_a_backup_from_before_the_erasure_is_erased_again_when_it_is_opened(tmp_path: Path):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        store.backup(tmp_path / "backup")
        store.erase_customer(ANNA, "request-17")
    assert restore_database(tmp_path / "backup", tmp_path) is None
    with opened(tmp_path) as store:
        assert store.customer(ANNA).status == "erased"  # type: ignore[union-attr]
        assert wrapped_keys(store) == []
        assert [erasure.customer_id for erasure in store.erasures()] == [ANNA]


def test_a_list_that_was_lost_is_written_again_from_the_database(tmp_path: Path):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
        store.erase_customer(ANNA, "request-17")
    (tmp_path / ERASURES_FILE).unlink()
    with opened(tmp_path) as store:
        assert [(erasure.customer_id, erasure.reason) for erasure in store.erasures()] == [(ANNA, "request-17")]


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("erase")])
def test_killed_at_any_point_an_erasure_happened_or_did_not(tmp_path: Path, point: str):
    with opened(tmp_path) as store:
        anna_with_an_account(store)
    assert in_a_process_that_dies_at(point, tmp_path, lambda store: store.erase_customer(ANNA, "request-17")) == 9
    with opened(tmp_path) as store:
        status = store.customer(ANNA).status  # type: ignore[union-attr]
        assert status == ("open" if point == "erase: before the list" else "erased")
        assert (wrapped_keys(store) == []) == (status == "erased")
        if status == "open":
            assert store.erase_customer(ANNA, "request-17") is None
        assert [erasure.customer_id for erasure in store.erasures()] == [ANNA]


def test_every_changed_byte_of_the_list_is_found_and_a_torn_last_line_is_not_an_erasure(tmp_path: Path):
    with opened(tmp_path) as store:
        for number in range(3):
            store.add_customer(ANNA + number, {"name": f"Customer {number}"})
            store.erase_customer(ANNA + number, "request")
    path = tmp_path / ERASURES_FILE
    whole = path.read_bytes()
    last_line = whole[: whole[:-1].rfind(b"\n") + 1]
    for at in range(len(whole) - 1):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptionFound):
            read_erasures(tmp_path)
    for length in range(len(last_line), len(whole)):
        path.write_bytes(whole[:length])
        assert len(read_erasures(tmp_path)) == 2
    with opened(tmp_path) as store:  # The database still knows the third, so it is listed again.
        assert len(store.erasures()) == 3
    assert path.read_bytes() == whole
