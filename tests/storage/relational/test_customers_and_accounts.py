"""Customers and accounts: sealed at rest, found by index, one IBAN for one account, and no way back from closed."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.relational.worlds import ANNA, DAY, IBAN, anna_with_an_account, code_of, keyring_in, opened

from qenex.crypto import TamperFound
from qenex.storage.relational import BANK_ID, AccountRow, Store, restore_database, shard_of
from qenex.values import InvariantBroken


def test_a_customer_reads_back_and_the_bank_is_not_listed(store: Store):
    assert store.add_customer(ANNA, {"name": "Anna Müller"}) is None
    assert store.add_customer(ANNA, {"name": "Anna Müller"}) is None
    assert code_of(store.add_customer(ANNA, {"name": "Another"})) == "CUSTOMER_EXISTS"
    assert code_of(store.customer(99)) == "CUSTOMER_NOT_FOUND"
    [anna] = store.customers()
    assert (anna.id, anna.kind, anna.status, anna.details) == (ANNA, "natural", "open", {"name": "Anna Müller"})
    bank = store.customer(BANK_ID)
    assert bank.kind == "bank"  # type: ignore[union-attr]


def test_customers_are_found_by_folded_name_and_not_by_a_part_of_it(store: Store):
    store.add_customer(ANNA, {"name": "Anna Müller", "email": "anna@example.org"})
    store.add_customer(ANNA + 1, {"name": "ANNA  MÜLLER"})
    assert store.find_customers("name", "anna müller ") == [ANNA, ANNA + 1]
    assert store.find_customers("email", "anna@example.org") == [ANNA]
    assert store.find_customers("name", "anna") == []


def test_no_personal_data_lies_in_the_files_in_clear(tmp_path: Path):
    with opened(tmp_path) as store:
        store.add_customer(ANNA, {"name": "Anna Müller", "email": "anna@example.org"})
    for path in tmp_path.iterdir():
        data = path.read_bytes().lower()
        for text in ("anna", "müller", "example.org"):
            assert text.encode() not in data, path.name


def test_a_customers_record_moved_to_another_customer_does_not_open(tmp_path: Path):
    with opened(tmp_path) as store:
        store.add_customer(ANNA, {"name": "Anna Müller"})
        store.add_customer(ANNA + 1, {"name": "Bob"})
    connection = sqlite3.connect(tmp_path / "bank.sqlite3")
    a, b = ANNA.to_bytes(16, "big"), (ANNA + 1).to_bytes(16, "big")
    connection.execute("UPDATE customers SET sealed = (SELECT sealed FROM customers WHERE id = ?) WHERE id = ?", (a, b))
    connection.commit()
    connection.close()
    with opened(tmp_path) as store:
        store.customer(ANNA)
        with pytest.raises(TamperFound):
            store.customer(ANNA + 1)


def test_the_keys_of_another_bank_open_nothing(tmp_path: Path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with opened(tmp_path / "one") as store:
        store.add_customer(ANNA, {"name": "Anna Müller"})
    strange = Store.open(tmp_path / "one", keyring_in(tmp_path / "two"))
    assert isinstance(strange, Store)
    with strange, pytest.raises(TamperFound):
        strange.customer(ANNA)


def test_rotating_and_resealing_keep_every_record_readable_and_destroy_the_old_key(tmp_path: Path):
    with opened(tmp_path) as store:
        store.add_customer(ANNA, {"name": "Anna Müller"})
        assert store.rotate_customer_key(ANNA) == 2
        assert store.rotate_customer_key(ANNA) == 3
        assert store.customer(ANNA).details == {"name": "Anna Müller"}  # type: ignore[union-attr]
        assert store.reseal_customer(ANNA) == 0
    with opened(tmp_path) as store:
        assert store.customer(ANNA).details == {"name": "Anna Müller"}  # type: ignore[union-attr]
    connection = sqlite3.connect(tmp_path / "bank.sqlite3")
    kept = connection.execute(
        "SELECT version, wrapped IS NULL FROM customer_keys WHERE customer_id = ? ORDER BY 1",
        (ANNA.to_bytes(16, "big"),),
    ).fetchall()
    connection.close()
    assert kept == [(1, 1), (2, 1), (3, 0)]


def test_a_new_master_key_rewraps_every_customer_key_and_the_old_one_can_go(tmp_path: Path):
    keyring = keyring_in(tmp_path)
    store = Store.create(tmp_path, keyring)
    assert isinstance(store, Store)
    with store:
        for number in range(50):
            store.add_customer(ANNA + number, {"name": f"Customer {number}"})
        keyring.add_master()
        assert store.rewrap_customer_keys() == 51
        assert store.rewrap_customer_keys() == 0
        keyring.retire_masters(keep=2)
    with opened(tmp_path) as again:
        assert len([customer for customer in again.customers() if customer.details]) == 50


def test_old_master_keys_retire_only_when_nothing_needs_them(tmp_path: Path):
    keyring = keyring_in(tmp_path)
    store = Store.create(tmp_path, keyring)
    assert isinstance(store, Store)
    with store:
        anna_with_an_account(store)
        store.backup(tmp_path / "backup")
        keyring.add_master()
        store.retire_old_master_keys()  # Everything is still under version 1, so nothing goes.
        assert store.rotate_master_key() == 3
        assert store.customer(ANNA).details is not None  # type: ignore[union-attr]
    with opened(tmp_path) as again:
        assert again.customer(ANNA).details is not None  # type: ignore[union-attr]
        again.retire_old_master_keys()
    # The backup from before needs a key that is gone now; it does not open as something else.
    assert restore_database(tmp_path / "backup", tmp_path) is None
    with opened(tmp_path) as restored, pytest.raises(TamperFound, match="master key 1 is not in the keyring"):
        restored.customer(ANNA)


def test_an_account_is_found_by_iban_by_id_and_by_owner(store: Store):
    account_id = anna_with_an_account(store)
    row = store.account(account_id)
    assert isinstance(row, AccountRow)
    assert (row.iban, row.owner_id, row.status) == (IBAN, ANNA, "open")
    assert store.account_by_iban(IBAN) == row
    assert store.accounts_by_iban([IBAN, "DE00000000000000000000", "ü"]) == {IBAN: row}
    assert store.accounts_by_id([account_id, 12]) == {account_id: row}
    assert store.accounts(owner_id=ANNA) == [row]
    assert store.accounts(owner_id=ANNA + 1) == []
    assert store.accounts(status="opening") == []
    assert code_of(store.account(12)) == "ACCOUNT_NOT_FOUND"
    assert code_of(store.account_by_iban("DE00000000000000000000")) == "ACCOUNT_NOT_FOUND"


def test_an_iban_names_one_account_for_ever(store: Store):
    account_id = anna_with_an_account(store)
    other = AccountRow(store.new_account_id(ANNA), ANNA, IBAN, "current", "EUR", 978, "2100", DAY)
    assert code_of(store.add_account(other)) == "IBAN_TAKEN"
    assert store.set_account_status(account_id, "closed", day=DAY + 1) is None
    assert code_of(store.add_account(other)) == "IBAN_TAKEN"
    assert store.accounts(owner_id=ANNA)[0].closed_on == DAY + 1


def test_opening_an_account_again_is_harmless_and_opening_it_differently_is_refused(store: Store):
    account_id = anna_with_an_account(store)
    row = store.account(account_id)
    assert isinstance(row, AccountRow)
    assert store.add_account(replace(row, status="opening")) is None
    assert store.account(account_id) == row
    assert code_of(store.add_account(replace(row, currency="USD"))) == "ACCOUNT_DIFFERS"


def test_an_account_needs_its_owner_in_the_same_shard(store: Store):
    stranger = AccountRow(store.new_account_id(55), 55, "", "current", "EUR", 978, "2100", DAY)
    assert code_of(store.add_account(stranger)) == "CUSTOMER_NOT_FOUND"
    with pytest.raises(InvariantBroken):
        store.add_account(replace(stranger, id=shard_of(55) + 1))


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        (["frozen", "open", "frozen", "closed"], None),
        (["open", "closed"], None),
        (["closed", "open"], "ACCOUNT_STATUS_FINAL"),
        (["closed", "frozen"], "ACCOUNT_STATUS_FINAL"),
        (["opening"], "ACCOUNT_STATUS_FINAL"),
    ],
)
def test_an_account_goes_from_open_to_frozen_and_back_and_closes_once(
    store: Store, way: list[str], refused: str | None
):
    account_id = anna_with_an_account(store)
    answers = [store.set_account_status(account_id, status, day=DAY) for status in way]
    assert answers[:-1] == [None] * (len(way) - 1)
    assert answers[-1] is None if refused is None else code_of(answers[-1]) == refused
    assert code_of(store.set_account_status(1, "open", day=DAY)) == "ACCOUNT_NOT_FOUND"
