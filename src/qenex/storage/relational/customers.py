"""Customers: personal data sealed per customer, found by blind index, re-keyed, and erased for good."""

import re
from collections.abc import Mapping
from sqlite3 import Connection

from qenex.crypto import WrappedKey, canonical_record, parse_record
from qenex.storage.relational.database import execute_many
from qenex.storage.relational.erasures import append_erasure, read_erasures
from qenex.storage.relational.part import StorePart, blob, number
from qenex.storage.relational.refusals import (
    CUSTOMER_ERASED,
    CUSTOMER_EXISTS,
    CUSTOMER_IS_BANK,
    CUSTOMER_NOT_FOUND,
)
from qenex.storage.relational.types import BANK_ID, Customer, Erasure, shard_of, shard_of_key
from qenex.values import ID_MAX, Refusal, invariant, refuse

#: Fields of a customer's details that can be searched for, exactly, after case folding and with single blanks.
SEARCHED_FIELDS = ("name", "email", "tax_id")

_REASON = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_CHUNK = 2000


class Customers(StorePart):
    """The part of `Store` about customers."""

    def add_customer(self, customer_id: int, details: Mapping[str, str], *, kind: str = "natural") -> None | Refusal:
        """details: field names [a-z0-9_]+ to text; sealed with a new key of this customer. The same call again is harmless."""
        invariant(0 < customer_id <= ID_MAX, "a customer id is in 1..2^128-2")
        record = canonical_record("customer", details)
        with self._database.write("add a customer") as connection:
            existing = self._read_customer(connection, customer_id)
            if existing is not None:
                same = existing.kind == kind and existing.details == dict(details)
                return None if same else refuse(CUSTOMER_EXISTS, where=str(customer_id))
            key, wrapped = self._keyring.new_customer_key(customer_id, 1)
            shard, now, identifier = shard_of(customer_id), self._clock.now_ns(), blob(customer_id)
            connection.execute(
                "INSERT INTO customers (shard, id, kind, status, created_ns, key_version, sealed)"
                " VALUES (?, ?, ?, 'open', ?, 1, ?)",
                (shard, identifier, kind, now, key.seal("customers", identifier, record)),
            )
            connection.execute(
                "INSERT INTO customer_keys (shard, customer_id, version, master_version, wrapped, created_ns, destroyed_ns)"
                " VALUES (?, ?, 1, ?, ?, ?, NULL)",
                (shard, identifier, wrapped.master_version, wrapped.wrapped, now),
            )
            for field in SEARCHED_FIELDS:
                if details.get(field):
                    index = self._search_index(field, details[field])
                    connection.execute(
                        "INSERT INTO customer_index (shard, field, value_index, customer_id) VALUES (?, ?, ?, ?)",
                        (shard_of_key(index), field, index, identifier),
                    )
        return None

    def customer(self, customer_id: int) -> Customer | Refusal:
        """One customer, details in clear."""
        with self._database.read("read a customer") as connection:
            return self._read_customer(connection, customer_id) or refuse(CUSTOMER_NOT_FOUND, customer_id=customer_id)

    def customers(self) -> list[Customer]:
        """Every customer but the bank itself, in order of id."""
        with self._database.read("list customers") as connection:
            rows = connection.execute("SELECT id FROM customers WHERE kind <> 'bank' ORDER BY id").fetchall()
            found = [self._read_customer(connection, number(row[0])) for row in rows]
        return [customer for customer in found if customer is not None]

    def find_customers(self, field: str, value: str) -> list[int]:
        """Ids of the customers whose `field` (one of SEARCHED_FIELDS) is this value."""
        invariant(field in SEARCHED_FIELDS, "only indexed fields can be searched")
        index = self._search_index(field, value)
        with self._database.read("find customers") as connection:
            rows = connection.execute(
                "SELECT customer_id FROM customer_index WHERE shard = ? AND field = ? AND value_index = ? ORDER BY 1",
                (shard_of_key(index), field, index),
            ).fetchall()
        return [number(row[0]) for row in rows]

    def _search_index(self, field: str, value: str) -> bytes:
        return self._keyring.index(f"customer {field}", [" ".join(value.split()).casefold().encode("utf-8")])[0]

    def _read_customer(self, connection: Connection, customer_id: int) -> Customer | None:
        row = connection.execute(
            "SELECT kind, status, created_ns, key_version, sealed FROM customers WHERE shard = ? AND id = ?",
            (shard_of(customer_id), blob(customer_id)),
        ).fetchone()
        if row is None:
            return None
        kind, status, created_ns, version, sealed = row
        details = None
        key = None if sealed is None else self._customer_key(connection, customer_id, version)
        if key is not None:
            record_kind, details = parse_record(key.open("customers", blob(customer_id), sealed))
            invariant(record_kind == "customer", "a customer's record is of the kind customer")
        return Customer(customer_id, kind, status, created_ns, details)

    # --- keys ---------------------------------------------------------------------------------------------------------

    def rotate_customer_key(self, customer_id: int) -> int | Refusal:
        """A fresh data key seals from now on; returns its version. Old records stay readable with the old versions."""
        with self._database.write("rotate a customer's key") as connection:
            active = self._active_key(connection, customer_id)
            if isinstance(active, Refusal):
                return active
            version = active.version + 1
            key = self._store_key(connection, customer_id, version)
            row = connection.execute(
                "SELECT sealed FROM customers WHERE shard = ? AND id = ?", (shard_of(customer_id), blob(customer_id))
            ).fetchone()
            record = active.open("customers", blob(customer_id), row[0])
            connection.execute(
                "UPDATE customers SET key_version = ?, sealed = ? WHERE shard = ? AND id = ?",
                (version, key.seal("customers", blob(customer_id), record), shard_of(customer_id), blob(customer_id)),
            )
        self._forget_keys(customer_id)
        return version

    def reseal_customer(self, customer_id: int) -> int | Refusal:
        """Seal every older record with the newest data key, then destroy the older keys; returns the records resealed.

        Each chunk is one transaction and an interrupted run goes on where it stopped: a key is destroyed only in the
        transaction that has found no record left under it.
        """
        resealed = 0
        while True:
            with self._database.write("reseal a customer's records") as connection:
                active = self._active_key(connection, customer_id)
                if isinstance(active, Refusal):
                    return active
                done = self._reseal_chunk(connection, customer_id, active.version)
                if done == 0:
                    connection.execute(
                        "UPDATE customer_keys SET wrapped = NULL, destroyed_ns = ?"
                        " WHERE shard = ? AND customer_id = ? AND version < ? AND wrapped IS NOT NULL",
                        (self._clock.now_ns(), shard_of(customer_id), blob(customer_id), active.version),
                    )
                self._inject("reseal: before commit")
            resealed += done
            if done == 0:
                self._forget_keys(customer_id)
                self._database.forget_old_pages()
                return resealed

    def _reseal_chunk(self, connection: Connection, customer_id: int, version: int) -> int:
        shard, identifier = shard_of(customer_id), blob(customer_id)
        active = self._customer_key(connection, customer_id, version)
        assert active is not None  # The caller holds it.
        updates = []
        for row_id, old_version, sealed in connection.execute(
            "SELECT id, key_version, sealed FROM payments WHERE shard = ? AND customer_id = ? AND key_version < ? LIMIT ?",
            (shard, identifier, version, _CHUNK),
        ).fetchall():
            old = self._customer_key(connection, customer_id, old_version)
            invariant(old is not None, "a record's key exists until the record is resealed")
            assert old is not None
            plain = old.open("payments", row_id, sealed)
            updates.append((version, active.seal("payments", row_id, plain), shard, row_id))
        execute_many(connection, "UPDATE payments SET key_version = ?, sealed = ? WHERE shard = ? AND id = ?", updates)
        parts = []
        for file_shard, file_id, part, at, old_version, sealed in connection.execute(
            "SELECT p.shard, p.file_id, p.part, p.number, p.key_version, p.sealed FROM file_parts p"
            " JOIN files f ON f.shard = p.shard AND f.id = p.file_id WHERE f.customer_id = ? AND p.key_version < ? LIMIT 64",
            (identifier, version),
        ).fetchall():
            old = self._customer_key(connection, customer_id, old_version)
            invariant(old is not None, "a part's key exists until the part is resealed")
            assert old is not None
            row_key = file_id + part.encode("ascii") + at.to_bytes(4, "big")
            plain = old.open("file_parts", row_key, sealed)
            parts.append((version, active.seal("file_parts", row_key, plain), file_shard, file_id, part, at))
        execute_many(
            connection,
            "UPDATE file_parts SET key_version = ?, sealed = ? WHERE shard = ? AND file_id = ? AND part = ? AND number = ?",
            parts,
        )
        return len(updates) + len(parts)

    def rewrap_customer_keys(self) -> int:
        """Wrap every data key with the newest master key; returns how many changed. Then `keyring.retire_masters`."""
        newest = self._keyring.master_version
        total = 0
        while True:
            with self._database.write("re-wrap customer keys") as connection:
                rows = connection.execute(
                    "SELECT shard, customer_id, version, master_version, wrapped FROM customer_keys"
                    " WHERE master_version < ? AND wrapped IS NOT NULL LIMIT ?",
                    (newest, _CHUNK),
                ).fetchall()
                updates = []
                for shard, customer_id, version, master_version, wrapped in rows:
                    old = WrappedKey(master_version, wrapped)
                    new = self._keyring.rewrap_customer_key(number(customer_id), version, old)
                    updates.append((new.master_version, new.wrapped, shard, customer_id, version))
                execute_many(
                    connection,
                    "UPDATE customer_keys SET master_version = ?, wrapped = ?"
                    " WHERE shard = ? AND customer_id = ? AND version = ?",
                    updates,
                )
                self._inject("reseal: before commit")
            total += len(updates)
            if not updates:
                self._database.forget_old_pages()
                return total

    def rotate_master_key(self) -> int:
        """A new master key, with every data key wrapped by it; returns its version. Old versions stay in the keyring.

        An interrupted run leaves keys under both versions, all usable; run it again.
        """
        version = self._keyring.add_master()
        self.rewrap_customer_keys()
        return version

    def retire_old_master_keys(self) -> None:
        """Destroy the master keys that no data key in this database needs any more.

        Backups of the database from before the rotation cannot be read afterwards, except with a keys.json of their time.
        """
        with self._database.read("find the oldest master key in use") as connection:
            row = connection.execute(
                "SELECT min(master_version) FROM customer_keys WHERE wrapped IS NOT NULL"
            ).fetchone()
        self._keyring.retire_masters(keep=int(row[0]))  # The bank's own key is always there.

    # --- erasure ------------------------------------------------------------------------------------------------------

    def erase_customer(self, customer_id: int, reason: str) -> None | Refusal:
        """Destroy the customer's keys: list of erasures first, then the database, then old pages. reason: a short code.

        Everything sealed with them (details, payment records, salts, file bodies) is unreadable from then on, in every
        copy whose reader applies the list; transfers, commitments and proofs stay as they are.
        """
        invariant(
            _REASON.match(reason) is not None, "a reason for erasure is a code of up to 64 letters, digits, . _ -"
        )
        if customer_id == BANK_ID:
            return refuse(CUSTOMER_IS_BANK, customer_id=customer_id)
        customer = self.customer(customer_id)
        if isinstance(customer, Refusal):
            return customer
        if customer.status == "erased":
            return refuse(CUSTOMER_ERASED, customer_id=customer_id)
        erasure = Erasure(customer_id, self._clock.now_ns(), reason)
        self._inject("erase: before the list")
        append_erasure(self._folder, erasure)
        self._inject("erase: listed")
        self._destroy([erasure])
        self._inject("erase: done")
        return None

    def erasures(self) -> list[Erasure]:
        """Every erasure that was ever acknowledged in this folder."""
        return read_erasures(self._folder)

    def _apply_erasures(self) -> int:
        """Destroy again what the list names and this database (restored from a backup, or cut short) still has."""
        listed = read_erasures(self._folder)
        with self._database.read("compare the list of erasures") as connection:
            done = {number(row[0]) for row in connection.execute("SELECT customer_id FROM erasures").fetchall()}
            known = {
                erasure.customer_id
                for erasure in listed
                if self._exists(connection, erasure.customer_id) and erasure.customer_id not in done
            }
        missing = done - {erasure.customer_id for erasure in listed}
        for customer_id in sorted(missing):
            # The list was lost or came from another folder; the database remembers, so write it down again.
            with self._database.read("read an erasure") as connection:
                row = connection.execute(
                    "SELECT erased_ns, reason FROM erasures WHERE shard = ? AND customer_id = ?",
                    (shard_of(customer_id), blob(customer_id)),
                ).fetchone()
            append_erasure(self._folder, Erasure(customer_id, row[0], row[1]))
        due = {erasure.customer_id: erasure for erasure in listed if erasure.customer_id in known}
        if due:
            self._destroy(list(due.values()))
        return len(due)

    def _exists(self, connection: Connection, customer_id: int) -> bool:
        row = connection.execute(
            "SELECT 1 FROM customers WHERE shard = ? AND id = ?", (shard_of(customer_id), blob(customer_id))
        ).fetchone()
        return row is not None

    def _destroy(self, erasures: list[Erasure]) -> None:
        with self._database.write("destroy a customer's keys") as connection:
            for erasure in erasures:
                place = (shard_of(erasure.customer_id), blob(erasure.customer_id))
                connection.execute(
                    "UPDATE customer_keys SET wrapped = NULL, destroyed_ns = ?"
                    " WHERE shard = ? AND customer_id = ? AND wrapped IS NOT NULL",
                    (erasure.erased_ns, *place),
                )
                connection.execute(
                    "UPDATE customers SET status = 'erased', sealed = NULL WHERE shard = ? AND id = ?", place
                )
                connection.execute("DELETE FROM customer_index WHERE customer_id = ?", (place[1],))
                connection.execute(
                    "INSERT INTO erasures (shard, customer_id, erased_ns, reason) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (shard, customer_id) DO NOTHING",
                    (*place, erasure.erased_ns, erasure.reason),
                )
            self._inject("erase: keys destroyed")
        for erasure in erasures:
            self._forget_keys(erasure.customer_id)
        self._database.forget_old_pages()
