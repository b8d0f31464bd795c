"""Books are a ledger that lasts: the same answers as the specification in memory, at any time, after any reopening."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.books import oracle
from tests.books.writer import signers
from tests.chain import merkle_by_the_book as book
from tests.ledger.imagination import Imagination
from tests.ledger.twins import Twins
from tests.ledger.worlds import AF, MAX, SECOND, TF

from qenex.books import (
    ACCOUNT,
    BATCH_MAX,
    RESULT,
    TRANSFER,
    Account,
    AccountFilter,
    BatchTooLarge,
    Books,
    EventKind,
    JournalCorrupt,
    JournalInUse,
    JournalStopped,
    TimeBeforeLastTimestamp,
    Transfer,
    TransferFlags,
    accounts_array,
    transfers_array,
)
from qenex.chain import VerifiedReceipt, open_checkpoint, verify_receipt
from qenex.ledger.native import CoreFull
from qenex.values import ManualClock, Refusal

START = 1_700_000_000 * SECOND
SMALL = {"segment_slots": 1 << 15, "generation_max": 48}
"""Index generations of 48 entries: a life of some hundred transfers seals dozens of times and merges runs."""
KEYS = signers().verifier_keys
CREATED = 0xFFFFFFFF


def opened(folder: Path, clock: ManualClock | None = None, **more: Any) -> Books:
    options = {"clock": clock or ManualClock(START), "signers": signers(), "timer": False, **SMALL, **more}
    return Books.open(folder, **options)


def plain(id_: int, amount: int = 10, **fields: int) -> Transfer:
    return Transfer(
        **{"id": id_, "debit_account_id": 1, "credit_account_id": 2, "amount": amount, "ledger": 1, "code": 1, **fields}
    )


def with_accounts(books: Books, count: int = 4) -> Books:
    accounts = [Account(id=number + 1, ledger=1, code=1, flags=AF.history) for number in range(count)]
    assert (books.create_accounts(accounts) == CREATED).all()
    return books


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "books"


# ---- the same as the specification -----------------------------------------------------------------------------------


class BooksAsEngine:
    """Books behind the interface of an engine in memory: the time comes with the call, and goes into the clock."""

    def __init__(self, folder: Path, generation_max: int) -> None:
        self.folder = folder
        self.generation_max = generation_max
        self.clock = ManualClock(0)
        self.books = opened(folder, self.clock, generation_max=generation_max)

    def reopen(self) -> None:
        before = self.books.state_hash()
        self.books.close()
        self.books = opened(self.folder, self.clock, generation_max=self.generation_max)
        assert not self.books.findings
        assert self.books.state_hash() == before

    def create_accounts(self, events: np.ndarray, timestamp: int) -> np.ndarray:
        self.clock.set(timestamp)
        return self.books.create_accounts_results(events)

    def create_transfers(self, events: np.ndarray, timestamp: int, balances: np.ndarray | None = None) -> np.ndarray:
        self.clock.set(timestamp)
        if balances is None:
            return self.books.submit(events).result()
        results, after = self.books.create_transfers_results(events, balances=True)
        balances[:] = after
        return results

    def update_accounts(self, events: np.ndarray, timestamp: int) -> np.ndarray:
        self.clock.set(timestamp)
        return self.books.update_accounts_results(events)

    def state_bytes(self):  # type: ignore[no-untyped-def]
        self.books.state_hash()  # waits until what was decided is durable
        return self.books._engine._core.state_bytes()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.books, name)


def live(seed: int, steps: int, folder: Path, generation_max: int = 48) -> BooksAsEngine:
    """A life of random batches in Books and in the specification, with checkpoints and reopenings in between."""
    rng = random.Random(seed)
    twins = Twins(START)
    engine = BooksAsEngine(folder, generation_max)
    twins.engines["books"] = engine  # type: ignore[assignment]
    life = Imagination(twins)
    life.set_balances = lambda _: None  # type: ignore[method-assign]  # nothing but bookings reaches a journal
    flags = [0, AF.history, AF.debits_must_not_exceed_credits, AF.overdraft | AF.history]
    twins.create_accounts([Account(id=n + 1, ledger=1, code=1, flags=flag) for n, flag in enumerate(flags)])
    twins.now += 1_000
    for _ in range(steps):
        life.step(rng)
        what = rng.randrange(40)
        if what < 2:
            engine.reopen()
        elif what < 5:
            assert isinstance(engine.books.checkpoint(), bytes)
    life.ask_everything()
    engine.reopen()
    life.ask_everything()
    return engine


@pytest.mark.parametrize("seed", range(5))
def test_books_answer_as_the_specification_for_a_whole_life_with_reopenings(seed: int, folder: Path) -> None:
    engine = live(seed, 160, folder)
    assert len(list((folder / "index").glob("run-*"))) >= 1, "the index was never sealed"
    assert (folder / "snapshot").exists()
    oracle.check_books(engine.books, "reference")
    engine.books.close()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_books_answer_as_the_specification_for_long_lives(seed: int, folder: Path) -> None:
    engine = live(seed, 800, folder, generation_max=600)
    oracle.check_books(engine.books, "reference")
    engine.books.close()


def test_requests_that_share_a_batch_are_answered_as_if_each_had_come_alone(folder: Path) -> None:
    rng = random.Random(7)
    with with_accounts(opened(folder, generation_max=1 << 14)) as books:
        gate = threading.Event()
        quiet = books.in_quiet(gate.wait)  # while the decider waits, everything below is queued and then shares batches
        sent, answers, next_id = [], [], 100
        for _ in range(300):
            events = []
            for _ in range(rng.randrange(1, 4)):
                next_id += 1
                flags = rng.choice([0, 0, TF.pending])
                events.append(plain(next_id, rng.randrange(1, 9), flags=flags, debit_account_id=rng.choice([1, 3, 77])))
            if len(events) > 1 and rng.random() < 0.5:
                linked = plain(events[0].id, 3, debit_account_id=events[0].debit_account_id, flags=TF.linked)
                events[0] = linked
            sent.append(transfers_array(events))
            answers.append(books.submit(sent[-1]))
        gate.set()
        quiet.result()
        numbers = set()
        for events, answer in zip(sent, answers, strict=True):
            results = answer.result()
            assert results.dtype == RESULT and len(results) == len(events)
            numbers.add(answer.batch_number)
            created = results["status"] == CREATED
            found = books.lookup_transfers([int(event["id_lo"]) for event in events[created]])
            assert (found["timestamp"] == results["timestamp"][created]).all()
        assert len(numbers) < 10, f"{len(numbers)} batches for 300 requests that were waiting together"
        oracle.check_books(books, "reference")


# ---- opening again ---------------------------------------------------------------------------------------------------


def fill(folder: Path, seed: int = 1, batches: int = 60, **more: Any) -> tuple[bytes, list[int], bytes]:
    """Books with runs, a snapshot and several segments: state hash, ids, and an account's history."""
    rng = random.Random(seed)
    ids = []
    with with_accounts(opened(folder, **more)) as books:
        for batch in range(batches):
            events = [plain(1000 + batch * 8 + n, rng.randrange(1, 99), user_data_64=n) for n in range(8)]
            ids += [event.id for event in events]
            assert (books.create_transfers(events) == CREATED).all()
        assert isinstance(books.checkpoint(), bytes)
        return books.state_hash(), ids, books.account_transfers(AccountFilter(1)).tobytes()


def check_filled(folder: Path, filled: tuple[bytes, list[int], bytes], **more: Any) -> list[str]:
    """Everything is as it was; returns the places of what was found."""
    state_hash, ids, history = filled
    with opened(folder, **more) as books:
        assert books.state_hash() == state_hash
        assert len(books.lookup_transfers(ids)) == len(ids)
        assert books.account_transfers(AccountFilter(1)).tobytes() == history
        repeated = books.create_transfers([plain(ids[0], 5, user_data_64=77)])[0]
        assert repeated != CREATED, "an id that was used before was used again"
        for id_ in (ids[0], ids[len(ids) // 2], ids[-1]):
            receipt = books.receipt(id_)
            assert isinstance(receipt, bytes)
            assert isinstance(verify_receipt(receipt, KEYS), VerifiedReceipt)
        oracle.check_books(books)
        return [finding.place for finding in books.findings]


def flip(path: Path, at: int | float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at) if isinstance(at, float) else at] ^= 0x10
    path.write_bytes(content)


def all_runs(folder: Path) -> list[Path]:
    return sorted((folder / "index").glob("run-*"))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "snapshot missing": (lambda folder: (folder / "snapshot").unlink(), ""),
    "snapshot empty": (lambda folder: (folder / "snapshot").write_bytes(b""), "snapshot"),
    "snapshot cut": (lambda folder: (folder / "snapshot").write_bytes((folder / "snapshot").read_bytes()[:-9]), "snapshot"),
    "snapshot bit": (lambda folder: flip(folder / "snapshot"), "snapshot"),
    "run missing": (lambda folder: all_runs(folder)[0].unlink(), "index/run"),
    "run bit": (lambda folder: flip(all_runs(folder)[0]), "index/run"),
    "run bit in the ids": (lambda folder: flip(all_runs(folder)[0], 72), "index/run"),
    "run cut": (lambda folder: all_runs(folder)[0].write_bytes(b"QENEX"), "index/run"),
    "chain missing": (lambda folder: (folder / "index/chain-000000").unlink(), "index/chain"),
    "chain zeroed": (lambda folder: (folder / "index/chain-000000").write_bytes(bytes(100)), "index/chain"),
    "chain bit": (lambda folder: flip(folder / "index/chain-000000", 8 * 40), "index/chain"),
    "index missing": (lambda folder: shutil.rmtree(folder / "index"), "index/"),
    "log missing": (lambda folder: shutil.rmtree(folder / "log"), ""),
    "log hash missing": (lambda folder: (folder / "log/level-0").unlink(), ""),
    "log cut": (lambda folder: (folder / "log/level-0").write_bytes(b""), ""),
    "log last bit": (lambda folder: flip(folder / "log/level-0", -3), ""),
    "log mark": (lambda folder: (folder / "log/synced").write_bytes(b"nothing"), ""),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_derived_may_be_damaged_or_gone_and_is_made_anew(damage: str, folder: Path) -> None:
    filled = fill(folder)
    assert all_runs(folder) and (folder / "snapshot").exists()
    act, place = DAMAGES[damage]
    act(folder)
    found = check_filled(folder, filled)
    assert any(place in finding for finding in found) if place else not found, found


def test_another_journals_snapshot_is_not_believed(folder: Path, tmp_path: Path) -> None:
    filled = fill(folder, seed=1)
    fill(tmp_path / "other", seed=2)
    shutil.copy(tmp_path / "other/snapshot", folder / "snapshot")
    shutil.rmtree(folder / "index")
    shutil.copytree(tmp_path / "other/index", folder / "index")
    assert check_filled(folder, filled) == ["snapshot"]


def test_a_snapshot_of_later_than_the_journal_is_not_believed(folder: Path, tmp_path: Path) -> None:
    filled = fill(folder, batches=30)
    shutil.copytree(folder, tmp_path / "earlier")
    with opened(folder) as books:
        for number in range(40):
            books.create_transfers([plain(50_000 + number * 10 + n) for n in range(8)])
    shutil.copy(folder / "snapshot", tmp_path / "earlier/snapshot")
    assert check_filled(tmp_path / "earlier", filled) == ["snapshot"]


def test_books_go_on_over_many_segments_and_generations(folder: Path) -> None:
    small = {"segment_slots": 1 << 10, "generation_max": 200}
    with with_accounts(opened(folder, **small)) as books:
        for batch in range(60):
            assert (books.create_transfers([plain(1 + batch * 100 + n) for n in range(100)]) == CREATED).all()
        state_hash = books.state_hash()
    assert len(list((folder / "segments").iterdir())) >= 6
    with opened(folder, **small) as books:
        assert books.state_hash() == state_hash
        assert books._engine.replayed < 60, "the snapshot was not used"
        assert len(books.account_transfers(AccountFilter(1, limit=8000))) == 6000
        oracle.check_books(books, "reference")


@pytest.mark.parametrize("lost", ["COMMIT", "segments/000000.qxj"])
def test_a_journal_without_its_mark_or_first_segment_is_damage_and_is_not_written_over(lost: str, folder: Path) -> None:
    fill(folder, batches=3)
    kept = {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*.qxj") if lost not in str(path)}
    (folder / lost).unlink()
    with pytest.raises(JournalCorrupt):
        opened(folder)
    assert all(hashlib.sha256(path.read_bytes()).digest() == digest for path, digest in kept.items())


@pytest.mark.parametrize("content", [b"", b"nonsense", b"a\nb\nc\n"])
def test_a_checkpoint_file_that_is_none_is_damage_with_its_place(content: bytes, folder: Path) -> None:
    fill(folder, batches=2)
    (folder / "checkpoint").write_bytes(content)
    with pytest.raises(JournalCorrupt, match="checkpoint"):
        opened(folder)


def test_a_journal_that_lost_what_was_signed_is_refused(folder: Path, tmp_path: Path) -> None:
    fill(folder, batches=2)
    shutil.copytree(folder, tmp_path / "earlier")
    with opened(folder) as books:
        books.create_transfers([plain(70_000)])
        books.checkpoint()
    shutil.copy(folder / "checkpoint", tmp_path / "earlier/checkpoint")
    with pytest.raises(JournalCorrupt, match="signed"):
        opened(tmp_path / "earlier")


def test_opening_damaged_books_leaves_nothing_open(folder: Path) -> None:
    fill(folder, batches=2)
    (folder / "checkpoint").write_bytes(b"nonsense")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(JournalCorrupt):
            opened(folder)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_one_writer_at_a_time(folder: Path) -> None:
    with opened(folder) as books:
        with pytest.raises(JournalInUse):
            opened(folder)
        with_accounts(books)
    opened(folder).close()


def test_a_missing_folder_is_not_created_unasked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


# ---- time ------------------------------------------------------------------------------------------------------------


def test_time_never_runs_backwards_whatever_the_clock_does(folder: Path) -> None:
    clock, rng, last = ManualClock(START), random.Random(3), 0
    books = with_accounts(opened(folder, clock))
    for number in range(200):
        clock.set(max(0, START + rng.choice([-1, 1]) * rng.randrange(10 ** rng.randrange(1, 19))))
        if number % 20 == 19:
            books.close()
            books = opened(folder, clock)
        result = books.create_transfers_results([plain(1000 + number)])[0]
        assert result["status"] == CREATED and result["timestamp"] > last
        last = int(result["timestamp"])
    with pytest.raises(TimeBeforeLastTimestamp):
        books.expire(last - 1)
    oracle.check_books(books, "reference")
    books.close()


def test_the_timer_releases_due_holds_and_signs(folder: Path) -> None:
    with with_accounts(Books.open(folder, signers=signers(), **SMALL)) as books:
        books.create_transfers([plain(5, flags=TransferFlags.pending, timeout=1)])
        assert books.lookup_accounts([1])[0]["debits_pending_lo"] == 10
        for _ in range(60):
            threading.Event().wait(0.1)
            if not books.lookup_accounts([1])[0]["debits_pending_lo"] and books.latest_checkpoint():
                break
        assert books.lookup_accounts([1])[0]["debits_pending_lo"] == 0
        assert books.latest_checkpoint()
        oracle.check_books(books, "reference")


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_commitments_are_journalled_beside_their_transfers(folder: Path) -> None:
    commitments = np.frombuffer(random.Random(1).randbytes(3 * 32), dtype=np.uint8).reshape(3, 32)
    with with_accounts(opened(folder)) as books:
        answer = books.submit(transfers_array([plain(7), plain(8), plain(9)]), commitments)
        answer.result()
        number = answer.batch_number
        books.create_transfers([plain(10)])
        with pytest.raises(ValueError, match="commitments"):
            books.submit(transfers_array([plain(11)]), commitments)
    with opened(folder) as books:
        batches = list(books.batches_after(number - 1))
        assert batches[0].number == number
        assert (batches[0].commitments == commitments).all()
        assert batches[1].commitments is None
        assert [int(id_) for id_ in batches[0].events["id_lo"]] == [7, 8, 9]
        assert [batch.number for batch in books.batches_after(0)] == list(range(1, books.last_batch + 1))
        assert not list(books.batches_after(books.last_batch))


def test_balances_come_with_the_answer(folder: Path) -> None:
    with with_accounts(opened(folder)) as books:
        results, balances = books.create_transfers_results(
            [plain(7, 5), plain(8, 6), plain(9, 0, code=0)], balances=True
        )
        assert (results["status"] == CREATED).tolist() == [True, True, False]
        assert balances["debit_debits_posted_lo"].tolist() == [5, 11, 0]
        assert balances["credit_credits_posted_lo"].tolist() == [5, 11, 0]


def test_a_batch_that_is_too_large_or_of_the_wrong_kind_changes_nothing(folder: Path) -> None:
    with with_accounts(opened(folder, generation_max=1 << 20)) as books:
        before = books.state_hash(), books.last_batch
        with pytest.raises(BatchTooLarge):
            books.submit(np.zeros(BATCH_MAX + 1, dtype=TRANSFER))
        with pytest.raises(TypeError):
            books.submit(accounts_array([Account(id=9, ledger=1, code=1)]))
        with pytest.raises(TypeError):
            books.create_accounts(np.zeros(1, dtype=TRANSFER))
        with pytest.raises(TypeError):
            books.update_accounts(np.zeros(1, dtype=ACCOUNT))
        with pytest.raises(ValueError, match="dimension"):
            books.submit(np.zeros((2, 2), dtype=TRANSFER))
        assert len(books.submit(np.zeros(0, dtype=TRANSFER)).result()) == 0
        assert (books.state_hash(), books.last_batch) == before
        full = np.zeros(BATCH_MAX, dtype=TRANSFER)
        assert not (books.submit(full).result()["status"] == CREATED).any()


def test_closed_books_say_so(folder: Path) -> None:
    books = with_accounts(opened(folder))
    books.create_transfers([plain(7)])
    books.close()
    books.close()
    calls: list[Callable[[], object]] = [
        lambda: books.submit(transfers_array([plain(8)])),
        lambda: books.transfer(plain(8)),
        lambda: books.create_accounts([Account(id=9, ledger=1, code=1)]),
        lambda: books.expire(START * 2),
        lambda: books.lookup_accounts([1]),
        lambda: books.account_transfers(AccountFilter(1)),
        books.state_hash,
        lambda: books.last_timestamp,
        lambda: books.receipt(7),
        lambda: books.tile("tile/0/000.p/1"),
        lambda: books.consistency_proof(0, 1),
        lambda: books.in_quiet(lambda: None).result(),
    ]
    for call in calls:
        with pytest.raises(JournalStopped):
            call()


def test_a_generation_too_small_for_one_batch_is_an_error_and_not_an_endless_sealing(folder: Path) -> None:
    with with_accounts(opened(folder)) as books, pytest.raises(CoreFull):
        books.create_transfers([plain(1000 + n) for n in range(60)])


def test_giving_up_waiting_for_an_answer_takes_nothing_back_and_stops_nothing(folder: Path) -> None:
    with with_accounts(opened(folder)) as books:
        gate = threading.Event()
        quiet = books.in_quiet(gate.wait)
        answer = books.submit(transfers_array([plain(7)]))
        assert not answer.cancel()
        gate.set()
        quiet.result()
        assert answer.result()["status"][0] == CREATED
        assert books.transfer(plain(8)) == CREATED


def test_a_read_never_shows_what_is_not_durable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_accounts(opened(folder)) as books:
        written, allowed = threading.Event(), threading.Event()
        commit = books.journal.commit

        def slow_commit():  # type: ignore[no-untyped-def]
            written.set()
            assert allowed.wait(10)
            return commit()

        monkeypatch.setattr(books.journal, "commit", slow_commit)
        answer = books.submit(transfers_array([plain(7)]))
        assert written.wait(10)
        seen: list[object] = []
        reader = threading.Thread(target=lambda: seen.append(books.lookup_transfers([7])))
        reader.start()
        reader.join(0.3)
        assert not seen and not answer.done(), "a transfer was shown before it was durable"
        allowed.set()
        reader.join(10)
        assert len(seen) == 1 and answer.result()["status"][0] == CREATED


# ---- proofs ----------------------------------------------------------------------------------------------------------


def test_a_receipt_of_every_kind_of_transfer_verifies(folder: Path) -> None:
    with with_accounts(opened(folder)) as books:
        books.create_transfers([plain(100, 500)])
        events = [
            plain(101),
            plain(102, code=0),  # refused: its neighbours' places must not shift
            plain(103, flags=TF.pending),
            plain(104, flags=TF.pending, timeout=1),
            plain(105, MAX, debit_account_id=0, credit_account_id=0, ledger=0, code=0, pending_id=103,
                  flags=TF.post_pending_transfer),
            plain(106, 7, flags=TF.balancing_credit, debit_account_id=2, credit_account_id=1),
            plain(107, 0, debit_account_id=0, credit_account_id=0, ledger=0, code=0, pending_id=999,
                  flags=TF.void_pending_transfer),  # refused
            plain(108, 3, user_data_128=1 << 100, user_data_64=4, user_data_32=5),
            plain(109, 1, flags=TF.linked),
            plain(110, 2),
        ]  # fmt: skip
        results = books.create_transfers_results(events)
        status = (results["status"] == CREATED).tolist()
        assert status == [True, False, True, True, True, True, False, True, True, True]
        for event, created in zip(events, status, strict=True):
            receipt = books.receipt(event.id)
            if not created:
                assert isinstance(receipt, Refusal) and receipt.code == "RECEIPT_NO_SUCH_TRANSFER"
                continue
            assert isinstance(receipt, bytes)
            verified = verify_receipt(receipt, KEYS)
            assert isinstance(verified, VerifiedReceipt), verified
            stored = books.lookup_transfers([event.id])[0]
            assert verified.record == stored.tobytes(), f"the receipt of {event.id} is of another record"
    with opened(folder) as books:
        assert isinstance(verify_receipt(books.receipt(105), KEYS), VerifiedReceipt)  # type: ignore[arg-type]


def test_without_keys_there_are_no_checkpoints_and_no_receipts(folder: Path) -> None:
    with with_accounts(opened(folder, signers=None)) as books:
        books.create_transfers([plain(7)])
        for answer in (books.checkpoint(), books.receipt(7)):
            assert isinstance(answer, Refusal) and answer.code == "NO_SIGNING_KEYS"


def test_tiles_and_entries_lead_to_the_signed_root_by_the_books_own_rules(folder: Path) -> None:
    """Read as a stranger would, with tests/chain/merkle_by_the_book.py: entries, their hashes, the tree, the proofs."""
    sizes, notes = [], []
    with with_accounts(opened(folder, generation_max=1 << 14)) as books:
        for batch, count in enumerate((3, 250, 300, 1)):
            events = [plain(1000 * batch + 10 + n, 1 + n, code=n % 3) for n in range(count)]  # every third is refused
            books.create_transfers(events)
            note = books.checkpoint()
            assert isinstance(note, bytes) and not isinstance(open_checkpoint(note, KEYS), Refusal)
            notes.append(note.split(b"\n"))
            sizes.append(int(notes[-1][1]))
        size = sizes[-1]
        leaves = [book.leaf(entry) for entry in read_entries(books, size)]
        assert len(leaves) == size
        for tile in range(0, size, 256):
            width = min(256, size - tile)
            name = f"tile/0/{tile // 256:03d}" + (f".p/{width}" if width < 256 else "")
            assert books.tile(name) == b"".join(leaves[tile : tile + width])
        assert books.tile("tile/0/000.p/257") is None and books.tile("tile/0/009") is None
        import base64

        for known, lines in zip(sizes, notes, strict=True):
            assert base64.b64decode(lines[2]) == book.mth(leaves[:known])
            assert books.consistency_proof(known, size) == book.consistency(known, leaves)
        kinds = {batch.kind for batch in books.batches_after(0)}
        assert kinds == {EventKind.accounts, EventKind.transfers, 16}


def read_entries(books: Books, size: int) -> list[bytes]:
    entries: list[bytes] = []
    for start in range(0, size, 256):
        width = min(256, size - start)
        bundle = books.tile(f"tile/entries/{start // 256:03d}" + (f".p/{width}" if width < 256 else ""))
        assert bundle is not None
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    return entries
