"""What every part of the store has: the database, the keys of the customers, the clock and the failure injector."""

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection

from qenex.crypto import CustomerKey, Keyring, WrappedKey
from qenex.storage.relational.database import Database, Row
from qenex.storage.relational.refusals import CUSTOMER_ERASED, CUSTOMER_NOT_FOUND
from qenex.storage.relational.types import shard_of
from qenex.values import Clock, Refusal, refuse

_KEYS_IN_MEMORY = 100_000

Inject = Callable[[str], None]

#: Where `inject` is called, so that a test can stop the process between any two steps.
POINTS = (
    "begin payments: before commit",
    "begin payments: after commit",
    "begin steps: before commit",
    "begin steps: after commit",
    "apply: states written",
    "apply: outbox written",
    "apply: before commit",
    "apply: after commit",
    "erase: before the list",
    "erase: listed",
    "erase: keys destroyed",
    "erase: done",
    "reseal: before commit",
    "restore: copied",
    "restore: placed",
    "restore: forgotten",
)


def blob(identifier: int) -> bytes:
    """A u128 id as the database holds it."""
    return identifier.to_bytes(16, "big")


def blob_or_null(identifier: int) -> bytes | None:
    """0 stands for "none" in Python and is NULL in the database."""
    return identifier.to_bytes(16, "big") if identifier else None


def number(stored: bytes | None) -> int:
    """The id of a stored blob; NULL is 0."""
    return 0 if stored is None else int.from_bytes(stored, "big")


class StorePart:
    """One part of `Store`: the others share its state."""

    def __init__(self, folder: Path, database: Database, keyring: Keyring, clock: Clock, inject: Inject) -> None:
        self._folder = folder
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._inject = inject
        self._keys: dict[tuple[int, int], CustomerKey] = {}
        self._active_keys: dict[int, CustomerKey] = {}

    def _customer_key(self, connection: Connection, customer_id: int, version: int) -> CustomerKey | None:
        """The data key of one version; None once destroyed."""
        key = self._keys.get((customer_id, version))
        if key is None:
            row = connection.execute(
                "SELECT master_version, wrapped FROM customer_keys WHERE shard = ? AND customer_id = ? AND version = ?",
                (shard_of(customer_id), blob(customer_id), version),
            ).fetchone()
            if row is None or row[1] is None:
                return None
            key = self._keyring.unwrap_customer_key(customer_id, version, WrappedKey(row[0], row[1]))
            if len(self._keys) >= _KEYS_IN_MEMORY:
                self._keys.clear()
            self._keys[customer_id, version] = key
        return key

    def _active_key(self, connection: Connection, customer_id: int) -> CustomerKey | Refusal:
        """The data key that seals new records of a customer."""
        key = self._active_keys.get(customer_id)
        if key is None:
            row = connection.execute(
                "SELECT status, key_version FROM customers WHERE shard = ? AND id = ?",
                (shard_of(customer_id), blob(customer_id)),
            ).fetchone()
            if row is None:
                return refuse(CUSTOMER_NOT_FOUND, customer_id=customer_id)
            found = self._customer_key(connection, customer_id, row[1]) if row[0] != "erased" else None
            if found is None:
                return refuse(CUSTOMER_ERASED, customer_id=customer_id)
            if len(self._active_keys) >= _KEYS_IN_MEMORY:
                self._active_keys.clear()
            self._active_keys[customer_id] = key = found
        return key

    def _forget_keys(self, customer_id: int) -> None:
        self._active_keys.pop(customer_id, None)
        for cached in [cached for cached in self._keys if cached[0] == customer_id]:
            self._keys.pop(cached, None)

    def _store_key(self, connection: Connection, customer_id: int, version: int) -> CustomerKey:
        """Make the next data key of a customer and store it wrapped; remembered by the caller after the commit."""
        key, wrapped = self._keyring.new_customer_key(customer_id, version)
        row: Row = (
            shard_of(customer_id),
            blob(customer_id),
            version,
            wrapped.master_version,
            wrapped.wrapped,
            self._clock.now_ns(),
            None,
        )
        connection.execute(
            "INSERT INTO customer_keys (shard, customer_id, version, master_version, wrapped, created_ns, destroyed_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return key
