"""The journal as a table for other programs: JSON lines, CSV, or Parquet, written as a stream.

One row per event of every batch (columns: `qenex.books.rows`); blocks are left out. Every batch's hash and place in the
chain is checked on the way. A file appears under its name only when it is whole and durable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from qenex.books.documents import sync_folder
from qenex.books.inspection import reading
from qenex.books.rows import COLUMNS, TEXT, U16, U32, U64, U128, batch_columns, batch_rows, u128_texts
from qenex.storage.journal import SEGMENT_SLOTS, BatchKind, StoredBatch

EXPORT_FORMATS = ("jsonl", "csv", "parquet")
ROWS_PER_GROUP = 131_072
"""Rows that Parquet gathers before it writes them."""

Progress = Callable[[int, int], None]


def export(
    folder: str | os.PathLike[str],
    format: str,
    out: str | os.PathLike[str] | BinaryIO,
    progress: Progress | None = None,
    *,
    segment_slots: int = SEGMENT_SLOTS,
) -> int:
    """Write every durable event of a books folder to a file or stream; returns the number of rows.

    `progress(done, total)` counts batches. Raises JournalCorrupt at the first batch that is not as acknowledged."""
    if format not in EXPORT_FORMATS:
        raise ValueError(f"an export is one of {', '.join(EXPORT_FORMATS)}, not {format!r}")
    with reading(folder, segment_slots) as journal:
        batches = _counted(journal.read(journal.genesis), journal.durable.number - 1, progress)
        if not isinstance(out, (str, os.PathLike)):
            return _write(format, out, batches)
        target = Path(out)
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as file:
                rows = _write(format, file, batches)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(target.absolute().parent)
        return rows


def _counted(batches: Iterator[StoredBatch], total: int, progress: Progress | None) -> Iterator[StoredBatch]:
    for batch in batches:
        if batch.kind < BatchKind.BLOCK:
            yield batch
        if progress is not None and (batch.number % 16 == 0 or batch.number == total):
            progress(batch.number, total)


class _Writer(Protocol):
    def write(self, batch: StoredBatch) -> None: ...
    def close(self) -> None: ...


def _write(format: str, out: BinaryIO, batches: Iterator[StoredBatch]) -> int:
    writer: _Writer = _JsonLines(out) if format == "jsonl" else _Table(out, format)
    rows = 0
    try:
        for batch in batches:
            writer.write(batch)
            rows += len(batch.events)
    finally:
        writer.close()
    return rows


class _JsonLines:
    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._encode = json.JSONEncoder(separators=(",", ":")).encode

    def write(self, batch: StoredBatch) -> None:
        lines = map(self._encode, batch_rows(batch))
        self._out.write(("\n".join(lines) + "\n").encode())

    def close(self) -> None:
        pass


class _Table:
    """CSV or Parquet through Arrow, a record batch per journal batch."""

    def __init__(self, out: BinaryIO, format: str) -> None:
        import pyarrow as pa  # only an export needs it, and loading it takes a while

        self._arrow = pa
        types = {
            U128: pa.string(),
            TEXT: pa.string(),
            U64: pa.uint64(),
            U32: pa.uint32(),
            U16: pa.uint16(),
        }
        self._schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
        self._gathered: list[Any] = []
        self._rows = 0
        self._sink = pa.PythonFile(out, mode="w")
        if format == "csv":
            from pyarrow import csv

            options = csv.WriteOptions(quoting_style="needed")
            self._gather = 1
            self._writer = csv.CSVWriter(self._sink, self._schema, write_options=options)
        else:
            from pyarrow import parquet

            self._gather = ROWS_PER_GROUP
            self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def write(self, batch: StoredBatch) -> None:
        self._gathered.append(self._record_batch(batch))
        self._rows += len(batch.events)
        if self._rows >= self._gather:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._sink.flush()

    def _flush(self) -> None:
        if self._gathered:
            self._writer.write_table(self._arrow.Table.from_batches(self._gathered, self._schema))
        self._gathered, self._rows = [], 0

    def _record_batch(self, batch: StoredBatch) -> Any:
        columns, count = batch_columns(batch), len(batch.events)
        is_null = columns["timestamp_is_null"]
        arrays = []
        for field in self._schema:
            column = columns.get(field.name)
            if column is None:
                arrays.append(self._arrow.nulls(count, field.type))
            elif isinstance(column, str):
                arrays.append(self._arrow.repeat(column, count))
            elif isinstance(column, tuple):
                arrays.append(self._texts(*column))
            elif isinstance(column, list):
                arrays.append(self._arrow.array(column, field.type))
            else:
                mask = is_null if field.name == "timestamp" else None
                arrays.append(self._arrow.array(np.ascontiguousarray(column), field.type, mask=mask))
        return self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _texts(self, low: Any, high: Any) -> Any:
        if not high.any():
            return self._arrow.array(np.ascontiguousarray(low)).cast(self._arrow.string())
        return self._arrow.array(u128_texts(low, high), self._arrow.string())
