"""An export says what the journal says, the same in every format; a batch can be looked at."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from qenex.books import Account, Books, JournalCorrupt, Transfer, TransferFlags
from qenex.books.maintenance import EXPORT_FORMATS, BatchDetail, export, inspect, inspect_batch
from qenex.books.refusals import BATCH_UNKNOWN
from qenex.books.rows import COLUMNS, TEXT, U128
from qenex.values import ManualClock, Refusal

from .small_books import ROOMY_SLOTS, SEGMENT_SLOTS, START, live, make_books, open_accounts, open_books


def exported(folder: Path, format: str, slots: int = SEGMENT_SLOTS) -> list[dict[str, Any]]:
    """Rows as dicts without nulls, numbers as ints."""
    out = io.BytesIO()
    count = export(folder, format, out, segment_slots=slots)
    content = out.getvalue()
    if format == "jsonl":
        rows = [json.loads(line) for line in content.splitlines()]
    elif format == "csv":
        texts = list(csv.DictReader(io.StringIO(content.decode())))
        rows = [{k: v if COLUMNS[k] in (TEXT, U128) else int(v) for k, v in row.items() if v != ""} for row in texts]
    else:
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(content)).to_pylist()
        rows = [{k: v for k, v in row.items() if v is not None} for row in table]
    assert len(rows) == count
    return rows


@pytest.mark.parametrize("slots", [SEGMENT_SLOTS, ROOMY_SLOTS])
def test_every_format_says_the_same(tmp_path: Path, slots: int) -> None:
    make_books(tmp_path / "books", slots=slots)
    rows = exported(tmp_path / "books", "jsonl", slots)
    assert len(rows) > 100
    assert {row["kind"] for row in rows} == {"account", "transfer", "account_update"} | (
        {"expiry"} if slots == ROOMY_SLOTS else set()
    )
    assert exported(tmp_path / "books", "csv", slots) == rows
    assert exported(tmp_path / "books", "parquet", slots) == rows


def test_rows_say_what_was_decided(tmp_path: Path) -> None:
    clock = ManualClock(START)
    largest = (1 << 128) - 1
    with open_books(tmp_path / "books", clock) as books:
        books.create_accounts([Account(id=1, ledger=978, code=1), Account(id=largest - 1, ledger=978, code=1)])
        base = {"debit_account_id": 1, "credit_account_id": largest - 1, "ledger": 978, "code": 7}
        books.create_transfers(
            [
                Transfer(id=5, amount=1 << 127, flags=TransferFlags.pending, **base),
                Transfer(id=6, amount=largest, pending_id=5, flags=TransferFlags.post_pending_transfer),
                Transfer(id=7, amount=1, **{**base, "ledger": 840}),
            ]
        )
        # Read beside the running books, from what is durable.
        rows = exported(tmp_path / "books", "jsonl")
    transfers = rows[2:]
    assert [row["status"] for row in transfers] == [
        "created",
        "created",
        "transfer_must_have_the_same_ledger_as_accounts",
    ]
    assert [row["amount"] for row in transfers] == [str(1 << 127), str(1 << 127), "1"]
    assert transfers[1]["debit_account_id"] == "1" and transfers[1]["credit_account_id"] == str(largest - 1)
    assert [row.get("timestamp") for row in transfers] == [START + 1, START + 2, None]
    assert {row["flags"] for row in transfers} == {2, 4, 0}
    assert {(row["batch"], row["index"]) for row in transfers} == {(2, 0), (2, 1), (2, 2)}


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, format: str) -> None:
    make_books(tmp_path / "books")
    told: list[tuple[int, int]] = []
    target = tmp_path / f"all.{format}"
    count = export(tmp_path / "books", format, target, lambda *step: told.append(step), segment_slots=SEGMENT_SLOTS)
    assert count == 125 and target.stat().st_size > 1000 and told[-1] == (19, 19)
    with (tmp_path / "books" / "segments" / "000001.qxj").open("r+b") as file:
        file.seek(1000)
        file.write(b"X")
    with pytest.raises(JournalCorrupt) as corrupt:
        export(tmp_path / "books", format, tmp_path / "damaged", segment_slots=SEGMENT_SLOTS)
    assert corrupt.value.place.startswith("segments/000001.qxj byte ")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([target.name, "books"])


def test_books_without_events_give_an_empty_export(tmp_path: Path) -> None:
    Books.open(tmp_path / "books", timer=False, segment_slots=SEGMENT_SLOTS).close()
    assert [exported(tmp_path / "books", format) for format in EXPORT_FORMATS] == [[], [], []]


def test_an_unknown_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jsonl, csv, parquet"):
        export(tmp_path, "xml", tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        export(tmp_path, "csv", tmp_path / "out")


# ---- inspect -----------------------------------------------------------------------------------------------------


def test_batches_are_listed_newest_last(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    batches = inspect(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    assert [batch.number for batch in batches] == list(range(1, 20))
    assert (batches[0].kind, batches[0].events, batches[0].created) == ("accounts", 5, 4)
    assert (batches[2].kind, batches[3].kind) == ("block", "account updates")
    assert all(later.previous_hash == earlier.hash for earlier, later in zip(batches, batches[1:]))
    assert inspect(tmp_path / "books", last=3, segment_slots=SEGMENT_SLOTS) == batches[-3:]
    assert batches[1].as_json()["created"] == batches[1].created


def test_a_batch_can_be_read(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_books(tmp_path / "books", clock) as books:
        open_accounts(books)
        live(books, clock, rounds=1)
        detail = inspect_batch(tmp_path / "books", 2, segment_slots=SEGMENT_SLOTS)
        assert isinstance(detail, BatchDetail)
        assert detail.batch.number == 2 and len(detail.rows) == detail.batch.events == 9
        assert detail.rows[8]["id"] == str((1 << 120) + 100) and detail.rows[8]["status"] == "exceeds_credits"
        assert len(detail.rows[0]["commitment"]) == 64
        block = inspect_batch(tmp_path / "books", 3, segment_slots=SEGMENT_SLOTS)
        assert isinstance(block, BatchDetail) and block.rows[0]["number"] == 1
        answer = inspect_batch(tmp_path / "books", 999, segment_slots=SEGMENT_SLOTS)
        assert isinstance(answer, Refusal) and answer.code == BATCH_UNKNOWN == "BATCH_UNKNOWN"


def test_a_damaged_batch_is_not_shown(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    with (tmp_path / "books" / "segments" / "000000.qxj").open("r+b") as file:
        file.seek(1300)
        file.write(b"X")
    with pytest.raises(JournalCorrupt, match="segments/000000"):
        inspect_batch(tmp_path / "books", 2, segment_slots=SEGMENT_SLOTS)
