"""Whatever changes in a books folder is found and its place is named; what is whole is called whole."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from qenex.books import Books, CreateTransferStatus
from qenex.books.backup import backup, restore
from qenex.books.maintenance import verify
from qenex.books.origins import new_origin_name
from qenex.books.verify import Examination
from qenex.ledger.native import NativeCore
from qenex.storage.journal import SLOT, BatchKind, Journal, PreparedBatch, RealDisk
from qenex.values import ManualClock

from .small_books import (
    ORIGIN,
    ROOMY_SLOTS,
    SECOND,
    SEGMENT_SLOTS,
    START,
    live,
    make_books,
    open_accounts,
    open_books,
    pay,
    signers,
)

KEYS = signers().verifier_keys


@pytest.mark.parametrize("slots", [SEGMENT_SLOTS, ROOMY_SLOTS])
def test_whole_books_are_whole_at_every_stage_of_their_life(
    tmp_path: Path, slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qenex.books.engine.SNAPSHOT_AT_CLOSE", 1)
    folder, clock = tmp_path / "books", ManualClock(START)
    for first in (100, 1000, 2000):
        with open_books(folder, clock, slots=slots) as books:
            report = verify(folder, keys=KEYS, segment_slots=slots)
            assert (report.findings, report.is_running) == ([], True)
            if first == 100:
                open_accounts(books)
            live(books, clock, first, slots=slots)
            report = verify(folder, keys=KEYS, segment_slots=slots)
            assert (report.findings, report.is_running) == ([], True)
            assert report.state_hash == books.state_hash().hex()
            assert report.batches == books.last_batch
        report = verify(folder, keys=KEYS, segment_slots=slots)
        assert (report.findings, report.is_running, report.accounts) == ([], False, 4)
    assert report.ok
    assert report.transfers > 100


def test_books_at_full_work_are_whole_whenever_they_are_looked_at(tmp_path: Path) -> None:
    """Batches, blocks, segments, sealed index parts and snapshots come while the folder is read."""
    folder, clock, stop = tmp_path / "books", ManualClock(START), threading.Event()
    with Books.open(
        folder, clock=clock, signers=signers(), timer=False, segment_slots=SEGMENT_SLOTS, generation_max=64
    ) as books:
        open_accounts(books)

        def work() -> None:
            number = 100
            while not stop.is_set():
                books.create_transfers([pay(number + k) for k in range(20)])
                number += 20
                if number % 60 == 0:
                    books.checkpoint()

        worker = threading.Thread(target=work)
        worker.start()
        reports = []
        try:
            for _ in range(25):
                reports.append(verify(folder, keys=KEYS, segment_slots=SEGMENT_SLOTS))
        finally:
            stop.set()
            worker.join()
    assert [report.findings for report in reports] == [[]] * 25
    assert reports[-1].batches > reports[0].batches
    assert list((folder / "index").glob("run-*"))
    assert verify(folder, keys=KEYS, segment_slots=SEGMENT_SLOTS).ok


def test_a_journal_larger_than_the_index_in_memory_is_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_books(tmp_path / "books")
    report = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    monkeypatch.setattr("qenex.books.verify.NativeCore", partial(NativeCore, generation_max=64))
    assert verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS) == report
    assert report.ok


def test_progress_counts_batches(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    told: list[tuple[int, int]] = []
    report = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS, progress=lambda *step: told.append(step))
    assert told[-1] == (report.batches, report.batches)


def test_no_books_are_not_whole_books(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "nowhere")
    assert not verify(tmp_path).ok


def test_looking_changes_nothing(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    before = contents(tmp_path)
    verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, tuple[str, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {p: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in files}


# ---- every byte --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books with every kind of file: restored to an instant, so that they have origins too."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("everything")
    clock = make_books(folder / "old", patch)
    with open_books(folder / "old", clock) as books:
        backup(books, folder / "backup")
    restore(folder / "backup", folder / "books", until_ns=START + 8 * SECOND, clock=clock)
    with open_books(folder / "books", clock, NEW_ORIGIN) as books:
        live(books, clock, first=5000)
        spare_is_there(books)
    patch.undo()
    assert verify(folder / "books", keys=NEW_KEYS, segment_slots=SEGMENT_SLOTS).ok
    return folder / "books"


NEW_ORIGIN = new_origin_name(ORIGIN)
NEW_KEYS = signers(NEW_ORIGIN).verifier_keys


def spare_is_there(books: Books) -> None:
    books.journal._join_filler()


FILES = ["COMMIT", "checkpoint", "origins.json", "snapshot", "segments", "log", "index/run-", "index/chain-"]


@pytest.mark.parametrize("kind", FILES)
def test_a_flipped_bit_is_found_and_its_file_is_named(everything: Path, kind: str) -> None:
    flip_bytes(everything, kind, every=151)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FILES)
def test_a_flipped_bit_in_any_byte_is_found(everything: Path, kind: str) -> None:
    flip_bytes(everything, kind, every=1)


def flip_bytes(folder: Path, kind: str, every: int) -> None:
    names = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    chosen = sorted(name for name in names if name.startswith(kind))
    assert chosen
    for name in chosen:
        for offset in places(folder / name, every):
            with flipped(folder / name, offset):
                report = verify(folder, keys=NEW_KEYS, segment_slots=SEGMENT_SLOTS)
            assert any(f.place == name or f.place.startswith(f"{name} ") for f in report.findings), (
                f"{name} byte {offset}: {report.findings}"
            )
            assert not report.ok


def places(path: Path, every: int) -> list[int]:
    """Bytes to flip: every so many of a small file; of a large sparse one those in use, and some of the others."""
    size = path.stat().st_size
    if size < 1 << 20:
        return [*range(random.Random(path.name).randrange(min(every, size)), size, every), size - 1]
    used = np.flatnonzero(np.fromfile(path, dtype=np.uint8))
    holes = [random.Random(path.name).randrange(size) for _ in range(5)]
    return [*used[:: max(1, every // 8)].tolist(), *holes, size - 1]


class flipped:
    """The file with one bit of a byte turned, for a while."""

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self.offset = offset

    def _turn(self) -> None:
        with self.path.open("r+b") as file:
            file.seek(self.offset)
            byte = file.read(1)[0]
            file.seek(self.offset)
            file.write(bytes([byte ^ 1 << self.offset % 8]))

    def __enter__(self) -> None:
        self._turn()

    def __exit__(self, *_: object) -> None:
        self._turn()


# ---- more than a bit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("COMMIT", "COMMIT"),
        ("segments/000000.qxj", "segments/000000.qxj"),
        ("segments/000001.qxj", "segments/000001.qxj"),
        ("log/level-0", "log/level-0"),
        ("index/chain-000000", "index/chain-000000"),
    ],
)
@pytest.mark.parametrize("how", ["removed", "cut short"])
def test_a_file_that_is_removed_or_cut_short_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str, how: str
) -> None:
    make_books(tmp_path / "books", monkeypatch)
    path = tmp_path / "books" / name
    if how == "removed":
        path.unlink()
    else:
        with path.open("r+b") as file:
            file.truncate(100)
    report = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    assert any(finding.place.startswith(place) for finding in report.findings), report.findings


def test_a_run_that_the_snapshot_names_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_books(tmp_path / "books", monkeypatch)
    (run,) = (tmp_path / "books" / "index").glob("run-*")
    run.unlink()
    report = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    assert [finding.place for finding in report.findings] == [f"index/{run.name}"]


def test_bytes_behind_the_end_are_damage_unless_a_write_was_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    clock = make_books(folder)
    end = 0
    with open_books(folder, clock) as books:
        end = books.position().slot % (1 << 21)
    with (folder / "segments" / "000001.qxj").open("r+b") as file:
        file.seek((end + 1) * SLOT)
        file.write(b"a body whose header was never written")
    assert [f.place for f in verify(folder, segment_slots=SEGMENT_SLOTS).findings] == [
        f"segments/000001.qxj byte {(end + 1) * SLOT}"
    ]
    (folder / "LOCK").write_text("4711\n")  # what a killed writer leaves behind
    assert verify(folder, segment_slots=SEGMENT_SLOTS).ok


@pytest.mark.parametrize("lost", ["the older commit mark", "a mark of the log", "chains"])
def test_what_a_power_cut_may_take_is_not_damage(tmp_path: Path, lost: str) -> None:
    folder = tmp_path / "books"
    clock = make_books(folder)
    with open_books(folder, clock) as books:
        live(books, clock, first=3000)
        shutil.copytree(folder, tmp_path / "cut")  # as a kill leaves it: the lock file names its process
    cut = tmp_path / "cut"
    assert verify(cut, keys=KEYS, segment_slots=SEGMENT_SLOTS).ok
    if lost == "the older commit mark":
        marks = (cut / "COMMIT").read_bytes()
        numbers = [int.from_bytes(marks[at + 16 : at + 24], "little") for at in (0, 2 * 4096)]
        with (cut / "COMMIT").open("r+b") as file:
            file.seek(2 * 4096 * numbers.index(min(numbers)) + 30)
            file.write(b"half")
    elif lost == "a mark of the log":
        marks = (cut / "log" / "synced").read_bytes()
        numbers = [int.from_bytes(marks[at + 16 : at + 24], "little") for at in (0, 512)]
        with (cut / "log" / "synced").open("r+b") as file:
            file.seek(512 * numbers.index(min(numbers)) + 40)
            file.write(b"half")
    else:
        (cut / "index" / "chain-000000").write_bytes(bytes(16 << 20))
    assert verify(cut, keys=KEYS, segment_slots=SEGMENT_SLOTS).findings == []
    with open_books(cut, clock) as books:
        live(books, clock, first=4000)
    assert verify(cut, keys=KEYS, segment_slots=SEGMENT_SLOTS).findings == []


def test_a_history_rewritten_with_right_hashes_contradicts_what_was_signed(tmp_path: Path) -> None:
    make_books(tmp_path / "books")

    def more_money(kind: int, number: int, events: np.ndarray) -> None:
        if kind == BatchKind.TRANSFERS and number == 2:
            events.view("<u8")[0, 6] += 1  # amount of the first transfer

    rewrite(tmp_path / "books", more_money)
    findings = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS).findings
    places_ = {finding.place.split(" ")[0] for finding in findings}
    assert {"segments/000000.qxj", "log/level-0", "checkpoint", "log/synced"} <= places_
    assert any("its state hash is not that of the ledger" in finding.detail for finding in findings)
    assert any("its root is not that of the first" in finding.detail for finding in findings)


def test_a_refusal_rewritten_into_an_acceptance_is_decided_differently(tmp_path: Path) -> None:
    make_books(tmp_path / "books")

    def larger(kind: int, number: int, events: np.ndarray) -> None:
        if kind == BatchKind.TRANSFERS and number == 2:
            events.view("<u8")[7, 6] += 100  # above the overdraft of account 4

    rewrite(tmp_path / "books", larger)
    report = verify(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    assert any("decided differently" in finding.detail for finding in report.findings)
    assert not report.ok


def rewrite(folder: Path, change: Callable[[int, int, np.ndarray], None]) -> None:
    """Replace the journal by one with changed events, every hash, trailer and commit mark made anew."""
    old = Journal.open(RealDisk(folder, read_only=True), segment_slots=SEGMENT_SLOTS, checking=True)
    forged = folder.with_name("forged")
    forged.mkdir()
    new = Journal.create(
        RealDisk(forged),
        journal_id=old.journal_id,
        hash_seed=old.hash_seed,
        segment_slots=SEGMENT_SLOTS,
        work_ahead=False,
    )
    segment = 0
    for batch in old.read(old.genesis):
        events = np.concatenate([batch.events, batch.resolved])
        change(batch.kind, batch.number, events)
        complete = bool((batch.statuses == 0xFFFFFFFF).all())
        statuses = b"" if complete or batch.kind == BatchKind.BLOCK else batch.statuses.tobytes()
        attachments = b"" if batch.commitments is None else batch.commitments.tobytes()
        total = batch.end_slot - batch.start_slot
        if batch.start_slot >> 21 != segment:  # end the segment where the old one ended
            new._next_slot = (segment << 21) + SEGMENT_SLOTS - 1
            segment = batch.start_slot >> 21
        start = new.reserve(total)
        assert start == batch.start_slot
        new.write_body(start, [events.data.cast("B"), statuses, attachments], total)
        new.seal(
            PreparedBatch(
                batch.kind,
                len(batch.events),
                len(batch.resolved),
                batch.accepted,
                batch.timestamp,
                batch.first_leaf,
                start,
                memoryview(events.tobytes()),
                statuses,
                attachments,
            )
        )
        new.commit()
    new.close()
    old.close()
    shutil.rmtree(folder / "segments")
    shutil.move(forged / "segments", folder / "segments")
    shutil.copy(forged / "COMMIT", folder / "COMMIT")


def test_a_checkpoint_by_other_keys_is_a_finding(tmp_path: Path) -> None:
    make_books(tmp_path / "books")
    others = signers("other.example/log").verifier_keys
    (finding,) = verify(tmp_path / "books", keys=others, segment_slots=SEGMENT_SLOTS).findings
    assert finding.place == "checkpoint"


def test_debits_that_do_not_equal_credits_are_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_books(tmp_path / "books")
    exported = NativeCore.export_accounts

    def one_too_many(core: NativeCore, first: int, count: int) -> np.ndarray:
        rows = exported(core, first, count)
        rows[0, 32] += 1  # debits posted of the first account
        return rows

    examination = Examination(tmp_path / "books", segment_slots=SEGMENT_SLOTS)
    check = examination._check_sums
    monkeypatch.setattr(
        examination, "_check_sums", lambda core: (monkeypatch.setattr(NativeCore, "export_accounts", one_too_many), check(core))
    )  # fmt: skip
    examination.run()
    assert [finding.place for finding in examination.findings] == ["ledger 978"]


# ---- what verifying brought to light -----------------------------------------------------------------------------


def test_a_segment_made_anew_after_recovery_is_the_one_that_is_read(tmp_path: Path) -> None:
    """Recovery removes a segment that was only made ahead; the core must not go on reading the removed file."""
    folder, clock = tmp_path / "books", ManualClock(START)
    with open_books(folder, clock) as books:
        open_accounts(books)
        books.create_transfers([pay(10 + k) for k in range(30)])
        books.journal._create_segment(1).file.close()
    with open_books(folder, clock) as books:
        for first in range(100, 300, 20):
            books.create_transfers([pay(first + k) for k in range(20)])
        assert len(books.lookup_transfers(range(100, 300))) == 200
        assert set(books.create_transfers([pay(150), pay(299)])) == {CreateTransferStatus.exists}
