"""A backup made while the books run is whole; a restore gives back what was acknowledged and never signs two histories."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from qenex.books import Books
from qenex.books.maintenance import (
    BackupReport,
    OriginRetired,
    RestoreReport,
    backup,
    new_origin_name,
    restore,
    verify,
)
from qenex.books.refusals import (
    BOOKS_BACKUP_DAMAGED,
    BOOKS_BACKUP_UNKNOWN,
    BOOKS_FOLDER_NOT_EMPTY,
    RESTORE_BEFORE_FIRST_BATCH,
    RESTORE_LOSES_CHECKPOINT,
)
from qenex.chain import (
    ParentLog,
    build_consistency,
    open_checkpoint,
    parse_origin_record,
    verify_consistency,
    verify_receipt,
)
from qenex.values import ManualClock, Refusal

from .small_books import ORIGIN, SECOND, SEGMENT_SLOTS, START, live, make_books, open_accounts, open_books, pay, signers

SECOND_ORIGIN, THIRD_ORIGIN = "bank.example/log~2", "bank.example/log~3"


def whole(folder: Path, origin: str = ORIGIN) -> bool:
    report = verify(folder, keys=signers(origin).verifier_keys, segment_slots=SEGMENT_SLOTS)
    assert report.findings == []
    return report.ok


def backed_up(folder: Path, clock: ManualClock, target: Path, origin: str = ORIGIN) -> BackupReport:
    with open_books(folder, clock, origin) as books:
        report = books.backup(target)
    assert isinstance(report, BackupReport)
    return report


def restored(source: Path, target: Path, **options: object) -> RestoreReport:
    report = restore(source, target, **options)  # type: ignore[arg-type]
    assert isinstance(report, RestoreReport), report
    return report


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


# ---- to the latest state -----------------------------------------------------------------------------------------


def test_a_restore_gives_back_the_same_books(tmp_path: Path) -> None:
    clock = make_books(tmp_path / "books")
    steps: list[tuple[int, int]] = []
    with open_books(tmp_path / "books", clock) as books:
        report = backup(books, tmp_path / "backup", progress=lambda *step: steps.append(step))
        state = books.state_hash().hex()
    assert isinstance(report, BackupReport)
    assert steps[-1][0] == steps[-1][1] == report.bytes
    steps.clear()
    answer = restored(tmp_path / "backup", tmp_path / "again", progress=lambda *step: steps.append(step))
    assert (answer.state_hash, answer.batches, answer.origin, answer.retired_origin) == (state, 19, ORIGIN, "")
    assert steps[-1] == (19, 19)
    with open_books(tmp_path / "again", clock) as books:
        assert books.state_hash().hex() == state
        live(books, clock, first=9000)
    assert whole(tmp_path / "again")


def test_a_backup_holds_nothing_that_is_derived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = make_books(tmp_path / "books", monkeypatch)
    backed_up(tmp_path / "books", clock, tmp_path / "backup")
    names = {str(path.relative_to(tmp_path / "backup")) for path in (tmp_path / "backup").rglob("*") if path.is_file()}
    assert names == {"COMMIT", "checkpoint", "manifest.json", "segments/000000.qxj", "segments/000001.qxj"}


def test_a_backup_taken_while_payments_run_is_a_prefix_with_everything_acknowledged_before(tmp_path: Path) -> None:
    clock = ManualClock(START)
    stop = threading.Event()
    with open_books(tmp_path / "books", clock) as books:
        open_accounts(books)
        books.create_transfers([pay(7)])

        def work() -> None:
            number = 100
            while not stop.is_set():
                books.create_transfers([pay(number + k) for k in range(10)])
                number += 10
                if number % 200 == 0:
                    books.checkpoint()

        worker = threading.Thread(target=work)
        worker.start()
        reports = []
        try:
            for round_ in range(3):
                acknowledged = books.last_batch
                report = books.backup(tmp_path / f"backup{round_}")
                assert isinstance(report, BackupReport)
                assert report.batches >= acknowledged
                reports.append(report)
        finally:
            stop.set()
            worker.join()
        original = {batch.number: batch.events.tobytes() for batch in books.batches_after(0)}
    for round_, report in enumerate(reports):
        folder = tmp_path / f"again{round_}"
        restored(tmp_path / f"backup{round_}", folder)
        assert whole(folder)
        with open_books(folder, clock) as again:
            assert again.lookup_transfers([7])["id_lo"].tolist() == [7]
            copied = {batch.number: batch.events.tobytes() for batch in again.batches_after(0)}
        assert all(copied[number] == original[number] for number in range(1, report.batches + 1))


def test_the_restored_log_continues_the_one_that_was_signed(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_books(tmp_path / "books", clock) as books:
        open_accounts(books)
        live(books, clock)
        note = books.checkpoint()
        assert isinstance(note, bytes)
        assert isinstance(books.backup(tmp_path / "backup"), BackupReport)
    restored(tmp_path / "backup", tmp_path / "again", known_checkpoint=note, keys=signers().verifier_keys)
    with open_books(tmp_path / "again", clock) as books:
        live(books, clock, first=5000)
        newer = books.checkpoint()
        assert isinstance(newer, bytes)
        old_size, new_size = (int(text.split(b"\n")[1]) for text in (note, newer))
        assert new_size > old_size
        proof = books.consistency_proof(old_size, new_size)
        file = build_consistency(note.decode(), newer.decode(), proof)
        assert not isinstance(verify_consistency(file.encode(), signers().verifier_keys), Refusal)


def test_a_restore_that_would_lose_a_known_checkpoint_is_refused(tmp_path: Path) -> None:
    clock = make_books(tmp_path / "books")
    backed_up(tmp_path / "books", clock, tmp_path / "backup")
    with open_books(tmp_path / "books", clock) as books:
        live(books, clock, first=5000)
        newer = books.checkpoint()
    assert isinstance(newer, bytes)
    answer = restore(tmp_path / "backup", tmp_path / "again", known_checkpoint=newer)
    assert code(answer) == RESTORE_LOSES_CHECKPOINT == "RESTORE_LOSES_CHECKPOINT"
    # A checkpoint of the same size with another past, as after a fork:
    with open_books(tmp_path / "fork", ManualClock(START)) as fork:
        open_accounts(fork)
        fork.create_transfers([pay(k) for k in range(1, 9)])
        forked = fork.checkpoint()
    assert isinstance(forked, bytes)
    assert code(restore(tmp_path / "backup", tmp_path / "again", known_checkpoint=forked)) == RESTORE_LOSES_CHECKPOINT
    assert code(restore(tmp_path / "backup", tmp_path / "again", known_checkpoint=b"no note")).startswith("NOTE")
    assert not (tmp_path / "again").exists()


# ---- to an instant -----------------------------------------------------------------------------------------------


def test_a_restore_to_an_instant_keeps_what_was_before_and_begins_a_new_log(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_books(tmp_path / "books", clock) as books:
        open_accounts(books)
        books.create_transfers([pay(1), pay(2)])
        early = books.checkpoint()
        instant, state = books.last_timestamp, books.state_hash().hex()
        clock.advance(SECOND)
        books.create_transfers([pay(3)])
        late_receipt = books.receipt(3)
        assert isinstance(books.backup(tmp_path / "backup"), BackupReport)
    assert isinstance(early, bytes) and isinstance(late_receipt, bytes)
    report = restored(tmp_path / "backup", tmp_path / "again", until_ns=instant, clock=ManualClock(77))
    assert (report.state_hash, report.transfers, report.retired_origin) == (state, 2, ORIGIN)
    with pytest.raises(OriginRetired, match=f"{ORIGIN} ended.*{ORIGIN}~2"):
        open_books(tmp_path / "again", clock)
    with open_books(tmp_path / "again", clock, SECOND_ORIGIN) as books:
        assert books.latest_checkpoint() is None
        assert books.state_hash().hex() == state
        assert len(books.lookup_transfers([1, 2, 3])) == 2
        first_entry = books.checkpoint() and books.tile("tile/entries/000.p/7")
        assert first_entry is not None
        parent = parse_origin_record(first_entry[3 : 3 + 128])
        old = open_checkpoint(early, signers().verifier_keys)
        assert not isinstance(old, Refusal)
        assert parent == ParentLog(ORIGIN, old.checkpoint.size, old.checkpoint.root, 77)
        receipts_verify(books, SECOND_ORIGIN, [1, 2])
        live(books, clock, first=100)
        receipts_verify(books, SECOND_ORIGIN, [100, 2])
    assert whole(tmp_path / "again", SECOND_ORIGIN)
    with open_books(tmp_path / "again", clock, SECOND_ORIGIN) as books:
        receipts_verify(books, SECOND_ORIGIN, [1, 100])


def receipts_verify(books: Books, origin: str, transfers: list[int]) -> None:
    """Under the keys of this origin, and under no other's."""
    for transfer in transfers:
        receipt = books.receipt(transfer)
        assert isinstance(receipt, bytes)
        assert not isinstance(verify_receipt(receipt, signers(origin).verifier_keys), Refusal)
        for other in {ORIGIN, SECOND_ORIGIN, THIRD_ORIGIN} - {origin}:
            assert isinstance(verify_receipt(receipt, signers(other).verifier_keys), Refusal)


@pytest.mark.parametrize("second_cut", ["after the first", "before the first"])
def test_restored_books_can_be_restored_again(tmp_path: Path, second_cut: str) -> None:
    clock = make_books(tmp_path / "books")
    backed_up(tmp_path / "books", clock, tmp_path / "backup")
    restored(tmp_path / "backup", tmp_path / "two", until_ns=START + 5 * SECOND, clock=clock)
    with open_books(tmp_path / "two", clock, SECOND_ORIGIN) as books:
        for first in (5000, 6000):
            instant = clock.now_ns()
            live(books, clock, first=first)
        assert isinstance(books.backup(tmp_path / "backup2"), BackupReport)
    until = instant if second_cut == "after the first" else START + 3 * SECOND
    report = restored(tmp_path / "backup2", tmp_path / "three", until_ns=until, clock=clock)
    assert report.retired_origin == SECOND_ORIGIN
    for retired in (ORIGIN, SECOND_ORIGIN):
        with pytest.raises(OriginRetired):
            open_books(tmp_path / "three", clock, retired)
    with open_books(tmp_path / "three", clock, THIRD_ORIGIN) as books:
        receipts_verify(books, THIRD_ORIGIN, [100])
        live(books, clock, first=7000)
        receipts_verify(books, THIRD_ORIGIN, [100, 7000])
        assert len(books.lookup_transfers([6000])) == 0
        assert len(books.lookup_transfers([5000])) == (second_cut == "after the first")
    assert whole(tmp_path / "three", THIRD_ORIGIN)
    # And to its latest state, which goes on under its own origin.
    backed_up(tmp_path / "three", clock, tmp_path / "backup3", THIRD_ORIGIN)
    report = restored(tmp_path / "backup3", tmp_path / "four")
    assert (report.origin, report.retired_origin) == (THIRD_ORIGIN, "")
    with open_books(tmp_path / "four", clock, THIRD_ORIGIN) as books:
        receipts_verify(books, THIRD_ORIGIN, [100, 7000])
    assert whole(tmp_path / "four", THIRD_ORIGIN)


def test_every_instant_can_be_restored_to(tmp_path: Path) -> None:
    """Each batch boundary has the state the books had then."""
    clock = ManualClock(START)
    moments: list[tuple[int, str]] = []
    with open_books(tmp_path / "books", clock) as books:
        open_accounts(books)
        for number in range(1, 8):
            clock.advance(SECOND)
            books.create_transfers([pay(10 * number + k) for k in range(9)])
            moments.append((books.last_timestamp, books.state_hash().hex()))
            if number % 3 == 0:
                books.checkpoint()
        assert isinstance(books.backup(tmp_path / "backup"), BackupReport)
    for place, (instant, state) in enumerate(moments):
        report = restored(tmp_path / "backup", tmp_path / f"again{place}", until_ns=instant + place)
        assert report.state_hash == state
        assert whole(tmp_path / f"again{place}", SECOND_ORIGIN)


def test_books_that_never_signed_have_no_origin_to_retire(tmp_path: Path) -> None:
    with Books.open(tmp_path / "books", clock=ManualClock(START), timer=False, segment_slots=SEGMENT_SLOTS) as books:
        open_accounts(books)
        assert isinstance(books.backup(tmp_path / "backup"), BackupReport)
    report = restored(tmp_path / "backup", tmp_path / "again", until_ns=START)
    assert (report.origin, report.retired_origin) == ("", "")
    with open_books(tmp_path / "again", ManualClock(START)) as books:
        assert books.origin == ORIGIN


def test_no_two_restores_begin_a_log_of_the_same_name() -> None:
    """One backup may be restored twice; a name that was only counted up would then be used twice."""
    first, second = (new_origin_name(ORIGIN, START + ms * 1_000_000) for ms in (0, 1))
    assert first == "bank.example/log~20231114T221320000Z"
    assert second == "bank.example/log~20231114T221320001Z" == new_origin_name(first, START + 1_000_000)
    assert len(new_origin_name("long.example/" + "é" * 25, START).encode()) <= 64
    assert signers(new_origin_name("x" * 64)).origin.startswith("x" * 44 + "~2")


# ---- refusals ----------------------------------------------------------------------------------------------------


def test_nothing_is_written_into_a_folder_in_use(tmp_path: Path) -> None:
    clock = make_books(tmp_path / "books")
    with open_books(tmp_path / "books", clock) as books:
        assert code(books.backup(tmp_path / "books")) == BOOKS_FOLDER_NOT_EMPTY == "BOOKS_FOLDER_NOT_EMPTY"
        (tmp_path / "empty").mkdir()
        assert isinstance(books.backup(tmp_path / "empty"), BackupReport)
    assert code(restore(tmp_path / "empty", tmp_path / "books")) == BOOKS_FOLDER_NOT_EMPTY
    assert whole(tmp_path / "books")


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    answer = restore(tmp_path / "books", tmp_path / "again")
    assert code(answer) == BOOKS_BACKUP_UNKNOWN == "BOOKS_BACKUP_UNKNOWN"


def test_an_instant_before_the_first_batch_is_refused(tmp_path: Path) -> None:
    clock = make_books(tmp_path / "books")
    backed_up(tmp_path / "books", clock, tmp_path / "backup")
    answer = restore(tmp_path / "backup", tmp_path / "again", until_ns=START - 1)
    assert code(answer) == RESTORE_BEFORE_FIRST_BATCH == "RESTORE_BEFORE_FIRST_BATCH"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "books"]


def test_damage_anywhere_in_a_backup_is_refused_with_its_place(tmp_path: Path) -> None:
    clock = make_books(tmp_path / "old")
    backed_up(tmp_path / "old", clock, tmp_path / "older")
    restored(tmp_path / "older", tmp_path / "books", until_ns=START + 8 * SECOND, clock=clock)
    backed_up(tmp_path / "books", clock, tmp_path / "backup", SECOND_ORIGIN)
    files = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"origins.json", "manifest.json", "COMMIT", "000000.qxj"}
    for path in files:
        name = str(path.relative_to(tmp_path / "backup"))
        content = path.read_bytes()
        for offset in [*range(0, len(content), 199), len(content) - 1]:
            damaged = bytearray(content)
            damaged[offset] ^= 1 << offset % 8
            path.write_bytes(damaged)
            answer = restore(tmp_path / "backup", tmp_path / "again")
            assert code(answer) == BOOKS_BACKUP_DAMAGED == "BOOKS_BACKUP_DAMAGED"
            assert isinstance(answer, Refusal) and name in answer.message, answer
        for shorter in (content[:-1], content + b"\n", b""):
            path.write_bytes(shorter)
            assert code(restore(tmp_path / "backup", tmp_path / "again")) == BOOKS_BACKUP_DAMAGED
        path.unlink()
        missing = BOOKS_BACKUP_UNKNOWN if name == "manifest.json" else BOOKS_BACKUP_DAMAGED
        assert code(restore(tmp_path / "backup", tmp_path / "again")) == missing
        path.write_bytes(content)
    assert not (tmp_path / "again").exists()
    restored(tmp_path / "backup", tmp_path / "again")


def test_a_backup_of_books_that_lie_is_refused(tmp_path: Path) -> None:
    """Right file hashes do not help a journal whose chain is broken: every byte of the source counts."""
    clock = make_books(tmp_path / "books")
    with open_books(tmp_path / "books", clock) as books:
        with (tmp_path / "books" / "segments" / "000000.qxj").open("r+b") as file:
            file.seek(5000)
            file.write(b"X")
        assert isinstance(books.backup(tmp_path / "backup"), BackupReport)
    answer = restore(tmp_path / "backup", tmp_path / "again")
    assert code(answer) == BOOKS_BACKUP_DAMAGED
    assert isinstance(answer, Refusal) and "segments/000000.qxj" in answer.message
    shutil.rmtree(tmp_path / "backup")
