"""The archive of messages: which files came in, whether one came before, their bytes and the report that answered them."""

import zlib
from collections.abc import Iterable, Iterator
from sqlite3 import Connection

from qenex.crypto import CustomerKey
from qenex.storage.relational.faults import StoreFault
from qenex.storage.relational.part import StorePart, blob, number
from qenex.storage.relational.refusals import FILE_NOT_FOUND
from qenex.storage.relational.types import FileStatus, PaymentFile, PaymentFileRow, shard_of_key
from qenex.values import CorruptionFound, Refusal, invariant, refuse

_PART_LENGTH = 1 << 20  # Compressed bytes per row: small enough to seal in one piece, large enough to be few.

_COLUMNS = (
    "id, sha256, message_id, version, customer_id, transactions, state, accepted, rejected, report_path, received_ns,"
    " finished_ns"
)


def _file_shard(file_id: bytes) -> int:
    return shard_of_key(file_id)


def _row_key(file_id: bytes, part: str, at: int) -> bytes:
    return file_id + part.encode("ascii") + at.to_bytes(4, "big")


class Files(StorePart):
    """The part of `Store` about files and messages."""

    def begin_file(self, file: PaymentFile) -> FileStatus | Refusal:
        """Remember a file before anything of it is booked.

        The same bytes again: DUPLICATE once finished, UNFINISHED before (go on; payment ids derive from the file's id).
        Other bytes with the message id that this party used before: DUPLICATE_MESSAGE.
        """
        invariant(len(file.sha256) == 32, "a SHA-256 is 32 bytes")
        message = self._keyring.index(
            "message", [file.initiating_party.encode("utf-8") + b"\0" + file.message_id.encode("utf-8")]
        )[0]
        with self._database.write("begin a file") as connection:
            active = self._active_key(connection, file.customer_id)
            if isinstance(active, Refusal):
                return active
            known = connection.execute(
                "SELECT state FROM files WHERE shard = ? AND id = ?", (_file_shard(file.id), file.id)
            ).fetchone()
            if known is not None:
                return FileStatus.DUPLICATE if known[0] == "finished" else FileStatus.UNFINISHED
            reserved = connection.execute(
                "INSERT INTO file_messages (shard, message_index, file_id) VALUES (?, ?, ?)"
                " ON CONFLICT (shard, message_index) DO NOTHING",
                (shard_of_key(message), message, file.id),
            )
            if reserved.rowcount == 0:
                return FileStatus.DUPLICATE_MESSAGE
            connection.execute(
                f"INSERT INTO files (shard, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 'begun', 0, 0, '', ?, NULL)",
                (
                    _file_shard(file.id),
                    file.id,
                    file.sha256,
                    file.message_id,
                    file.version,
                    blob(file.customer_id),
                    file.transactions,
                    self._clock.now_ns(),
                ),
            )
        return FileStatus.NEW

    def archive(self, file_id: bytes, part: str, chunks: Iterable[bytes]) -> None:
        """Store the file's `part` ("body" or "report"), compressed and sealed with its customer's key; replaces nothing."""
        with self._database.write("archive a file") as connection:
            key = self._file_key(connection, file_id)
            stored = connection.execute(
                "SELECT 1 FROM file_parts WHERE shard = ? AND file_id = ? AND part = ? LIMIT 1",
                (_file_shard(file_id), file_id, part),
            ).fetchone()
            if stored is not None:
                return
            for at, compressed in enumerate(_compressed(chunks)):
                connection.execute(
                    "INSERT INTO file_parts (shard, file_id, part, number, key_version, sealed) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        _file_shard(file_id),
                        file_id,
                        part,
                        at,
                        key.version,
                        key.seal("file_parts", _row_key(file_id, part, at), compressed),
                    ),
                )

    def archived(self, file_id: bytes, part: str) -> Iterator[bytes]:
        """The bytes of a part as they were archived; nothing when the part was never archived or its customer was erased."""
        inflate = zlib.decompressobj()
        at = 0
        while True:
            with self._database.read("read the archive") as connection:
                row = connection.execute(
                    "SELECT p.key_version, p.sealed, f.customer_id FROM file_parts p"
                    " JOIN files f ON f.shard = p.shard AND f.id = p.file_id"
                    " WHERE p.shard = ? AND p.file_id = ? AND p.part = ? AND p.number = ?",
                    (_file_shard(file_id), file_id, part, at),
                ).fetchone()
                if row is None:
                    break
                key = self._customer_key(connection, number(row[2]), row[0])
                if key is None:
                    return
            compressed = key.open("file_parts", _row_key(file_id, part, at), row[1])
            while compressed:
                yield inflate.decompress(compressed, _PART_LENGTH)
                compressed = inflate.unconsumed_tail
            at += 1
        if at and not inflate.eof:
            # Parts are sealed one by one; only the end of the stream shows that none was cut off.
            raise CorruptionFound(f"file_parts of {file_id.hex()} ({part})", "the last part is missing")

    def finish_file(self, file_id: bytes, accepted: int, rejected: int, report_path: str) -> None:
        """The file is answered: from now on the same bytes are a duplicate. Idempotent."""
        with self._database.write("finish a file") as connection:
            done = connection.execute(
                "UPDATE files SET state = 'finished', accepted = ?, rejected = ?, report_path = ?, finished_ns = ?"
                " WHERE shard = ? AND id = ? AND state = 'begun'",
                (accepted, rejected, report_path, self._clock.now_ns(), _file_shard(file_id), file_id),
            )
            if done.rowcount == 0 and self._read_file(connection, file_id) is None:
                raise StoreFault("finish a file", "the file was never begun")

    def file(self, file_id: bytes) -> PaymentFileRow | Refusal:
        """A file by its id or its whole SHA-256."""
        with self._database.read("read a file") as connection:
            return self._read_file(connection, file_id[:16]) or refuse(FILE_NOT_FOUND, where=file_id.hex())

    def files(self, state: str | None = None) -> list[PaymentFileRow]:
        """Files in the order they came; state "begun" = to be finished at start."""
        invariant(state in (None, "begun", "finished"), "a file is begun or finished")
        # As a literal: a partial index does not know what a parameter holds.
        condition = "" if state is None else f" WHERE state = '{state}'"
        with self._database.read("list files") as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM files{condition} ORDER BY received_ns, id").fetchall()
        return [_file(tuple(row)) for row in rows]

    def _read_file(self, connection: Connection, file_id: bytes) -> PaymentFileRow | None:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM files WHERE shard = ? AND id = ?", (_file_shard(file_id), file_id)
        ).fetchone()
        return None if row is None else _file(tuple(row))

    def _file_key(self, connection: Connection, file_id: bytes) -> CustomerKey:
        file = self._read_file(connection, file_id)
        if file is None:
            raise StoreFault("archive a file", "the file was never begun")
        key = self._active_key(connection, file.customer_id)
        if isinstance(key, Refusal):
            raise StoreFault("archive a file", str(key))
        return key


def _file(row: tuple[object, ...]) -> PaymentFileRow:
    values = list(row)
    values[4] = number(values[4])  # type: ignore[arg-type]
    values[11] = values[11] or 0
    return PaymentFileRow(*values)  # type: ignore[arg-type]


def _compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """One zlib stream cut into pieces; level 1, since XML shrinks tenfold at any level and a payment file must be quick."""
    deflate = zlib.compressobj(1)
    pending = bytearray()
    for chunk in chunks:
        pending += deflate.compress(chunk)
        while len(pending) >= _PART_LENGTH:
            yield bytes(pending[:_PART_LENGTH])
            del pending[:_PART_LENGTH]
    pending += deflate.flush()
    while pending:
        yield bytes(pending[:_PART_LENGTH])
        del pending[:_PART_LENGTH]
