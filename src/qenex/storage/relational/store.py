"""The relational store as one object: made, opened, backed up and restored here; its parts stand in the other modules."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from qenex.crypto import Keyring, canonical_record, no_failure, sync_folder
from qenex.storage.relational.accounts import Accounts
from qenex.storage.relational.bookkeeping import Bookkeeping
from qenex.storage.relational.customers import Customers
from qenex.storage.relational.database import DATABASE_FILE, Database
from qenex.storage.relational.files import Files
from qenex.storage.relational.migrations import HEAD
from qenex.storage.relational.part import Inject, blob
from qenex.storage.relational.payment_rows import Payments
from qenex.storage.relational.refusals import BACKUP_NOT_USABLE, STORE_EXISTS, STORE_NEWER, STORE_NOT_FOUND
from qenex.storage.relational.restoring import Restoring
from qenex.storage.relational.types import BANK_ID, shard_of
from qenex.values import Clock, Refusal, SystemClock, invariant, refuse

_COPY_CHUNK = 1 << 20


class Store(Customers, Accounts, Files, Payments, Bookkeeping, Restoring):
    """The bank's relational store. `inject(point)` is called at `part.POINTS` and may raise, for tests."""

    @staticmethod
    def create(
        folder: Path, keyring: Keyring, *, clock: Clock | None = None, inject: Inject = no_failure
    ) -> "Store | Refusal":
        """A new database in `folder`, with the bank itself as customer BANK_ID."""
        if (folder / DATABASE_FILE).exists():
            return refuse(STORE_EXISTS, where=str(folder / DATABASE_FILE))
        # Created empty and private before SQLite fills it, so that it is never readable by others.
        os.close(os.open(folder / DATABASE_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        store = Store._open(folder, keyring, clock or SystemClock(), inject)
        sync_folder(folder)
        return store

    @staticmethod
    def open(
        folder: Path, keyring: Keyring, *, clock: Clock | None = None, inject: Inject = no_failure
    ) -> "Store | Refusal":
        """Open the database of `folder`: migrations first, then the list of erasures, then nothing else is left to do."""
        if not (folder / DATABASE_FILE).exists():
            return refuse(STORE_NOT_FOUND, where=str(folder / DATABASE_FILE))
        return Store._open(folder, keyring, clock or SystemClock(), inject)

    @staticmethod
    def _open(folder: Path, keyring: Keyring, clock: Clock, inject: Inject) -> "Store | Refusal":
        database = Database(folder)
        with database.read("read the schema version") as connection:
            found = Database.version(connection)
        if found != HEAD:
            if found is not None and found > HEAD:
                database.close()
                return refuse(STORE_NEWER, where=str(database.path), found=found, known=HEAD)
            database.migrate()
        store = Store(folder, database, keyring, clock, inject)
        store._ensure_bank()
        store._apply_erasures()
        return store

    def close(self) -> None:
        """Release every connection."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ensure_bank(self) -> None:
        """The bank's own customer row. Also after a crash between the first migration and the first row."""
        identifier, shard = blob(BANK_ID), shard_of(BANK_ID)
        with self._database.read("find the bank") as connection:
            if self._exists(connection, BANK_ID):
                return
        with self._database.write("add the bank") as connection:
            key, wrapped = self._keyring.new_customer_key(BANK_ID, 1)
            now = self._clock.now_ns()
            sealed = key.seal("customers", identifier, canonical_record("customer", {}))
            connection.execute(
                "INSERT INTO customers (shard, id, kind, status, created_ns, key_version, sealed)"
                " VALUES (?, ?, 'bank', 'open', ?, 1, ?)",
                (shard, identifier, now, sealed),
            )
            connection.execute(
                "INSERT INTO customer_keys (shard, customer_id, version, master_version, wrapped, created_ns, destroyed_ns)"
                " VALUES (?, ?, 1, ?, ?, ?, NULL)",
                (shard, identifier, wrapped.master_version, wrapped.wrapped, now),
            )

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """A consistent copy of the database in one file, while others read and write. progress(done, total) in pages.

        The copy holds no key in clear and not the list of erasures; keys.json and erasures.list are the operator's to keep.
        """
        invariant(not target.exists(), "a backup never overwrites a file")
        self._database.backup(target, progress)
        sync_folder(target.absolute().parent)

    def check(self) -> list[str]:
        """SQLite's integrity check and foreign keys: a line per problem, none when all is well."""
        with self._database.read("check the database") as connection:
            problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check").fetchall()]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        return [problem for problem in problems if problem != "ok"] + [
            f"{row[0]}: a foreign key is broken" for row in broken
        ]


def restore_database(backup: Path, folder: Path, *, inject: Inject = no_failure) -> None | Refusal:
    """Put a backup in the place of `folder`'s database. `Store.open` then re-applies the folder's list of erasures.

    A crash leaves the old database or the new one. Nobody may have the database open.
    """
    problem = _unusable(backup)
    if problem:
        return refuse(BACKUP_NOT_USABLE, where=str(backup), detail=problem)
    path = folder / DATABASE_FILE
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with backup.open("rb") as source:
            while chunk := source.read(_COPY_CHUNK):
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    inject("restore: copied")
    # The old log must go before the new file takes its place: it would be replayed into a database it does not belong to.
    if path.exists():
        old = sqlite3.connect(path, isolation_level=None)
        try:
            busy = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            invariant(not busy, "nobody has the database open while it is replaced")
        except sqlite3.DatabaseError:
            pass  # The old database is damaged, which may be why it is replaced; there is nothing in it to save.
        finally:
            old.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync_folder(folder)
    os.rename(new, path)
    inject("restore: placed")
    sync_folder(folder)
    return None


def _unusable(backup: Path) -> str:
    """Why the file cannot be restored; "" when it can."""
    if not backup.is_file():
        return "there is no such file"
    try:
        connection = sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)
    if version is None or str(version[0]) > HEAD:
        return "its schema version is not known"
    return "" if check == "ok" else str(check)
