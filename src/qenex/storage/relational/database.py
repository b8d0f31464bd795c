"""The SQLite database under the store: connections, durability, transactions, migrations, and bulk statements.

SQLAlchemy describes the tables and Alembic migrates them; both load only when there is something to migrate. At run time the
connections are the driver's own: loading SQLAlchemy would be half of the processor time of a short command.

One writer connection (BEGIN IMMEDIATE, writers take turns) and a pool of readers that cannot write. WAL with
synchronous=FULL: a commit is on disk before it answers. secure_delete overwrites what is deleted, so that a destroyed key
does not linger in a free page.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from qenex.storage.relational.faults import StoreFault, ends_trust, fault_of
from qenex.storage.relational.migrations import HEAD
from qenex.values import Fault

DATABASE_FILE = "bank.sqlite3"
# Derived ids and blind indexes are random keys: in a large table every row touches a page per index, which costs its size.
_PAGE_SIZE = 4096
# Pages in the log before they move into the database (128 MiB): moving a page once for many commits that touched it.
_CHECKPOINT_PAGES = 32768
_IDLE_READERS = 4  # Readers kept open for the next question.
_LOOKUP_CHUNK = 400  # Rows per multi-row lookup: below SQLite's default limit on variables with up to 80 columns.

Row = tuple[Any, ...]


def _connect(path: Path, *, writes: bool) -> Connection:
    # Without the driver's own BEGIN (isolation_level None): it would start too late and without the write lock.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        for pragma in (
            f"page_size={_PAGE_SIZE}",  # Only heeded while the database is empty.
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "trusted_schema=OFF",
            "recursive_triggers=ON",  # So that INSERT OR REPLACE does not slip past the DELETE triggers.
            "cell_size_check=ON",
            "cache_size=-65536" if writes else "cache_size=-16384",
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
            f"journal_size_limit={_CHECKPOINT_PAGES * _PAGE_SIZE}",
            "temp_store=MEMORY",
            "query_only=OFF" if writes else "query_only=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class Database:
    """Transactions on one SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE_FILE
        self._opened_writer: Connection | None = None
        self._idle_readers: list[Connection] = []
        self._write_lock = threading.RLock()
        self._distrusted: str | None = None

    def close(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()
        with self._write_lock:
            if self._opened_writer is not None:
                self._opened_writer.close()
                self._opened_writer = None

    @property
    def _writer(self) -> Connection:
        """The one connection that writes, opened at its first use; for whoever holds the write lock."""
        if self._opened_writer is None:
            self._opened_writer = _connect(self.path, writes=True)
        return self._opened_writer

    @contextmanager
    def write(self, action: str) -> Iterator[Connection]:
        """One transaction with the write lock: committed when the block ends, rolled back when it raises.

        After an I/O error or found damage no further transaction begins: a sync that failed may have lost pages, and trying
        again would hide it. Open the store again once the disk is in order.
        """
        with self._write_lock:
            if self._distrusted is not None:
                raise StoreFault(action, f"nothing is written after an earlier fault ({self._distrusted})")
            try:
                with self._translated(action), _transaction(self._writer, "BEGIN IMMEDIATE"):
                    yield self._writer
            except Fault as fault:
                if ends_trust(fault.__cause__):
                    self._distrusted = str(fault)
                raise

    @contextmanager
    def read(self, action: str) -> Iterator[Connection]:
        """One consistent snapshot."""
        with self._translated(action), self._reader() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        """A connection of nobody else's, as a transaction belongs to one thread."""
        try:
            connection = self._idle_readers.pop()
        except IndexError:
            connection = _connect(self.path, writes=False)
        try:
            yield connection
        finally:
            if len(self._idle_readers) < _IDLE_READERS:
                self._idle_readers.append(connection)
            else:
                connection.close()

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise fault_of(action, error) from error

    def forget_old_pages(self) -> None:
        """Move the write-ahead log into the file and truncate it, so that no old version of a row stays in it."""
        with self._write_lock:
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise StoreFault("truncate the write-ahead log", "a reader holds an old snapshot")

    def migrate(self, target: str = HEAD) -> None:
        """Bring the schema to `target`, up or down, in one transaction."""
        from alembic import command
        from alembic.config import Config
        from sqlalchemy import StaticPool, create_engine, event

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self._write_lock:
            raw = _connect(self.path, writes=True)
            # A migration may have to rebuild a table that others point at; the check at the end makes up for it.
            raw.execute("PRAGMA foreign_keys=OFF")
            engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            try:
                with engine.begin() as connection:
                    config.attributes["connection"] = connection
                    if target == "base" or (self.version(raw) or "") > target:
                        command.downgrade(config, target)
                    else:
                        command.upgrade(config, target)
                    broken = raw.execute("PRAGMA foreign_key_check").fetchall()
                    if broken:
                        raise StoreFault(f"migrate to {target}", f"foreign keys broken: {broken[:5]}")
            finally:
                engine.dispose()

    @staticmethod
    def version(connection: Connection) -> str | None:
        """The schema's version, None for an empty database."""
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        if found is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """A consistent copy of the last commit, made page by page while others go on; durable when this returns."""
        source = _connect(self.path, writes=False)
        try:
            copy = sqlite3.connect(target, isolation_level=None)
            try:
                # Holding a read transaction pins one snapshot: writers go on in the log and never restart the copy.
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM settings").fetchone()
                report = progress or (lambda done, total: None)
                source.backup(
                    copy,
                    pages=1024,
                    progress=lambda status, remaining, total: report(total - remaining, total),
                    sleep=0,
                )
                copy.execute("PRAGMA journal_mode=DELETE")  # One file, without a log beside it.
                check = copy.execute("PRAGMA quick_check").fetchone()[0]
                if check != "ok":
                    raise StoreFault("back up the database", str(check))
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise StoreFault("back up the database", str(error)) from error
        finally:
            source.close()
        os.chmod(target, 0o600)
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    """Committed when the block ends, rolled back when it or the commit raises."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def insert_sql(table: str, columns: str, *, ignore_same: str = "") -> str:
    """INSERT with one placeholder per column; a row with the same `ignore_same` (the primary key) is left as it is."""
    marks = ", ".join("?" * len(columns.split(",")))
    conflict = f" ON CONFLICT ({ignore_same}) DO NOTHING" if ignore_same else ""
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}){conflict}"


def execute_many(connection: Connection, sql: str, rows: Sequence[Row]) -> int:
    """Run one statement for every row and return how many rows it touched. The driver's executemany, nothing in between."""
    if not rows:
        return 0
    cursor = connection.cursor()
    try:
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def execute_for_keys(connection: Connection, sql: str, before: Row, keys: Sequence[Any], after: Row) -> int:
    """Run one statement for many keys and return how many rows it touched. sql holds `{keys}` inside an `IN (...)`.

    The driver gives up the interpreter once for many rows; `execute_many` would fight for it at each.
    """
    cursor = connection.cursor()
    touched = 0
    try:
        for at in range(0, len(keys), _LOOKUP_CHUNK):
            chunk = keys[at : at + _LOOKUP_CHUNK]
            cursor.execute(sql.format(keys=", ".join("?" * len(chunk))), (*before, *chunk, *after))
            touched += int(cursor.rowcount)
    finally:
        cursor.close()
    return touched


def select_many(connection: Connection, sql: str, keys: Sequence[Row]) -> Iterator[Row]:
    """Rows for many keys. sql holds `{keys}` where the rows of a VALUES list belong, joined as `(VALUES {keys}) AS k`.

    A join, since SQLite answers `(a, b) IN (VALUES ...)` by scanning. Both SQLite and PostgreSQL call the columns of such a
    list column1, column2, ...
    """
    cursor = connection.cursor()
    try:
        for at in range(0, len(keys), _LOOKUP_CHUNK):
            chunk = keys[at : at + _LOOKUP_CHUNK]
            marks = "(" + ", ".join("?" * len(chunk[0])) + ")"
            cursor.execute(sql.format(keys=", ".join([marks] * len(chunk))), [value for key in chunk for value in key])
            yield from cursor.fetchall()
    finally:
        cursor.close()
