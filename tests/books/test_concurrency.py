"""Many callers at once: every one is answered, once and rightly, whatever happens; and waiting callers cost bounded memory."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from tests.books import oracle
from tests.books.writer import SETTINGS, signers

from qenex.books import (
    BATCH_MAX,
    TRANSFER,
    Account,
    AccountFilter,
    AccountFlags,
    Books,
    JournalStopped,
    JournalWriteFailed,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    TransferFlags,
)
from qenex.books.pipeline import EVENTS_WAITING_MAX
from qenex.chain import VerifiedReceipt, verify_receipt

EUR, ACCOUNTS, CREATED = 978, 20, 0xFFFFFFFF
PATIENCE = 30
"""Seconds after which an answer counts as lost."""
KEYS = signers().verifier_keys


def opened(folder: Path, **more: object) -> Books:
    books = Books.open(folder, **{"signers": signers(), **SETTINGS, **more})  # type: ignore[arg-type]
    books.create_accounts(
        [Account(id=n, ledger=EUR, code=1, flags=AccountFlags.history) for n in range(1, ACCOUNTS + 1)]
    )
    return books


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "books"


def transfer(id_: int, rng: random.Random, **fields: int) -> Transfer:
    debit, credit = rng.sample(range(1, ACCOUNTS + 1), 2)
    amount = rng.randrange(1, 100)
    return Transfer(
        id=id_, debit_account_id=debit, credit_account_id=credit, amount=amount, ledger=EUR, code=1, **fields
    )


def batch(first: int, count: int, hold: bool = False) -> np.ndarray:
    events = np.zeros(count, dtype=TRANSFER)
    events["id_lo"] = np.arange(first, first + count)
    events["debit_account_id_lo"], events["credit_account_id_lo"] = 1, 2
    events["amount_lo"], events["ledger"], events["code"] = 1, EUR, 1
    if hold:
        events["flags"], events["timeout"] = TransferFlags.pending, 1
    return events


class Crowd:
    """Everything a bank's callers do, each in threads or tasks of its own, until told to stop."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.enough = threading.Event()
        self.created: list[int] = []
        self.calls = 0

    def singles(self, base: int) -> None:
        rng, number = random.Random(base), base
        while not self.enough.is_set():
            number += 1
            assert self.books.transfer(transfer(number, rng)) == CREATED
            self.created.append(number)

    def batches(self, base: int) -> None:
        rng, number, waiting = random.Random(base), base, []
        while not self.enough.is_set():
            count = rng.choice([1, 10, 400, 3000])
            waiting.append((number, self.books.submit(batch(number, count, hold=rng.random() < 0.2))))
            self.created.append(number)
            number += count
            if len(waiting) > 4:
                assert (waiting.pop(0)[1].result(PATIENCE)["status"] == CREATED).all()
        for _, answer in waiting:
            assert (answer.result(PATIENCE)["status"] == CREATED).all()

    def tasks(self, base: int) -> None:
        async def one(base: int) -> None:
            rng, number = random.Random(base), base
            while not self.enough.is_set():
                number += 1
                assert await asyncio.wait_for(self.books.transfer_async(transfer(number, rng)), PATIENCE) == CREATED
                self.created.append(number)

        async def impatient(base: int) -> None:
            rng, number = random.Random(base), base
            while not self.enough.is_set():
                number += 1
                try:
                    await asyncio.wait_for(self.books.transfer_async(transfer(number, rng)), 0.0005)
                except TimeoutError:
                    await asyncio.sleep(0.001)
                future = asyncio.wrap_future(self.books.submit(batch(number + (1 << 30), 1)))
                future.cancel()
                await asyncio.sleep(0)

        async def all_of_them() -> None:
            await asyncio.gather(*(one(base + n * 1_000_000) for n in range(30)), impatient(base + 500_000))

        asyncio.run(all_of_them())

    def again_and_again(self, call: Callable[[random.Random], object]) -> Callable[[int], None]:
        def run(base: int) -> None:
            rng = random.Random(base)
            while not self.enough.is_set():
                call(rng)
                self.calls += 1
                time.sleep(0.001)

        return run

    def proof(self, rng: random.Random) -> None:
        if self.created:
            receipt = self.books.receipt(id_ := rng.choice(self.created))
            if isinstance(receipt, bytes):
                assert isinstance(verify_receipt(receipt, KEYS), VerifiedReceipt)
            else:
                assert not len(self.books.lookup_transfers([id_])) or receipt.code == "RECEIPT_NO_SUCH_TRANSFER"

    def expire(self, rng: random.Random) -> None:
        try:
            self.books.expire(self.books.last_timestamp + rng.randrange(1_000_000))
        except TimeBeforeLastTimestamp:
            pass  # somebody else was quicker

    def query(self, rng: random.Random) -> None:
        account = rng.randrange(1, ACCOUNTS + 1)
        assert len(self.books.lookup_accounts([account])) == 1
        found = self.books.account_transfers(AccountFilter(account, limit=50))
        balances = self.books.account_balances(AccountFilter(account, limit=50))
        assert len(balances) >= len(found)
        self.books.query_transfers(QueryFilter(code=1, limit=20))
        self.books.balance_at(account, self.books.last_timestamp)
        self.books.tile("tile/0/000")

    def run(self, seconds: float) -> None:
        works: list[tuple[Callable[[int], None], int]] = [
            *((self.singles, (1 << 40) + n * 10_000_000) for n in range(6)),
            *((self.batches, (2 << 40) + n * 1_000_000_000) for n in range(2)),
            (self.tasks, 3 << 40),
            (self.again_and_again(self.query), 1),
            (self.again_and_again(self.query), 2),
            (self.again_and_again(self.expire), 3),
            (self.again_and_again(self.proof), 4),
            (self.again_and_again(lambda _: self.books.checkpoint()), 5),
            (self.again_and_again(lambda _: self.books.state_hash()), 6),
            (self.again_and_again(lambda _: list(self.books.batches_after(self.books.last_batch - 5))), 7),
        ]
        with ThreadPoolExecutor(len(works)) as pool:
            running = [pool.submit(work, base) for work, base in works]
            self.enough.wait(seconds)
            self.enough.set()
            _, late = wait(running, PATIENCE)
            assert not late, f"{len(late)} callers still wait"
            for done in running:
                done.result()


def test_many_callers_at_once_are_all_answered(folder: Path) -> None:
    with opened(folder) as books:
        crowd = Crowd(books)
        crowd.run(3)
        assert len(crowd.created) > 500 and crowd.calls > 50
        oracle.check_books(books)
    with Books.open(folder, signers=signers(), timer=False, **SETTINGS) as books:
        assert not books.findings
        oracle.check_books(books)
        assert len(books.lookup_transfers(crowd.created[:8000])) == len(crowd.created[:8000])


def test_a_receipt_of_a_transfer_that_is_being_written_waits_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as books:
        allowed, seal = threading.Event(), books.journal.seal

        def slow_seal(batch: object) -> None:
            allowed.wait(PATIENCE)
            seal(batch)  # type: ignore[arg-type]

        monkeypatch.setattr(books.journal, "seal", slow_seal)
        decided = books._pipeline.decided
        books.submit(batch(1, 10))
        while books._pipeline.decided == decided:
            time.sleep(0.001)
        with ThreadPoolExecutor(2) as pool:
            receipt, tile = pool.submit(books.receipt, 5), pool.submit(books.tile, "tile/entries/000.p/20")
            tile.result(PATIENCE)
            assert not receipt.done()
            allowed.set()
            assert isinstance(verify_receipt(receipt.result(PATIENCE), KEYS), VerifiedReceipt)  # type: ignore[arg-type]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_callers_for_minutes(folder: Path) -> None:
    with opened(folder) as books:
        Crowd(books).run(120)
        oracle.check_books(books)


def test_closing_while_everybody_calls_answers_everybody(folder: Path) -> None:
    """Whoever was answered "created" finds the transfer again; the others hear that the books are closed."""
    for cycle in range(3):
        books = opened(folder)
        answered: list[int] = []
        begun = threading.Event()

        def call(
            base: int, books: Books = books, answered: list[int] = answered, begun: threading.Event = begun
        ) -> None:
            number, rng = base, random.Random(base)
            while True:
                number += 1
                try:
                    if number % 3:
                        status = books.transfer(transfer(number, rng))
                    else:
                        status = int(books.submit(batch(number, 1)).result(PATIENCE)["status"][0])
                    books.lookup_accounts([1])
                    books.receipt(number)
                except JournalStopped:
                    return
                assert status == CREATED
                answered.append(number)
                begun.set()

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(call, (cycle * 10 + n + 1) << 32) for n in range(8)]
            assert begun.wait(PATIENCE)
            time.sleep(0.2)
            books.close()
            _, late = wait(running, PATIENCE)
            assert not late
            for done in running:
                done.result()
        with Books.open(folder, signers=signers(), **SETTINGS) as again:
            assert len(again.lookup_transfers(answered)) == len(answered)
            oracle.check_books(again)


# ---- when something fails, nobody waits for ever ---------------------------------------------------------------------


def flood(books: Books, threads: int = 8) -> list[Future[None]]:
    """Callers in threads until each has heard that the books stopped."""

    def call(base: int) -> None:
        number, rng, waiting = base, random.Random(base), []
        try:
            while True:
                number += 1
                waiting.append(books.submit(batch(number * 1000, 900)))
                books.transfer(transfer(number, rng))
                books.lookup_transfers([number])
        except (JournalStopped, JournalWriteFailed):
            for answer in waiting:  # each has an answer, good or bad
                assert answer.exception(PATIENCE) is None or isinstance(
                    answer.exception(), JournalStopped | JournalWriteFailed
                )

    pool = ThreadPoolExecutor(threads)
    running = [pool.submit(call, (n + 1) << 40) for n in range(threads)]
    pool.shutdown(wait=False)
    return running


def fails_after(calls: int, original: Callable[..., object], failure: Exception) -> Callable[..., object]:
    left = [calls]

    def call(*arguments: object, **named: object) -> object:
        left[0] -= 1
        if left[0] <= 0:
            raise failure
        return original(*arguments, **named)

    return call


NO_SPACE = JournalWriteFailed(file="segments/000000.qxj", offset=1, action="write", reason="No space left on device")
BROKEN = [
    ("sync", lambda books: (books.journal, "commit")),
    ("header or trailer", lambda books: (books.journal, "seal")),
    ("body", lambda books: (books.journal, "write_body")),
    ("room", lambda books: (books.journal, "reserve")),
    ("leaves", lambda books: (books._pipeline.log, "append")),
]


@pytest.mark.parametrize(("what", "place"), BROKEN, ids=[what for what, _ in BROKEN])
def test_whatever_fails_every_caller_hears_of_it_and_closing_ends(
    what: str, place: Callable[[Books], tuple[object, str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = opened(folder)
    owner, name = place(books)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fails_after(20, getattr(owner, name), NO_SPACE))
        callers = flood(books)
        _, late = wait(callers, PATIENCE)
        assert not late, f"{len(late)} callers wait for ever after {what} failed"
        for caller in callers:
            caller.result()
        with pytest.raises(JournalStopped, match="No space left"):
            books.transfer(transfer(7, random.Random(1)))
        with pytest.raises(JournalStopped):
            books.checkpoint()
        closing = threading.Thread(target=books.close)
        closing.start()
        closing.join(PATIENCE)
        assert not closing.is_alive(), "close() waits for ever"
    with Books.open(folder, signers=signers(), **SETTINGS) as again:
        oracle.check_books(again)


def test_a_checkpoint_that_waits_for_leaves_hears_when_they_fail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = opened(folder, timer=False)
    begun = threading.Event()

    def fail(hashes: np.ndarray) -> None:
        begun.wait(PATIENCE)
        raise NO_SPACE

    monkeypatch.setattr(books._pipeline.log, "append", fail)
    books.submit(batch(1, 10)).result(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(books.checkpoint)
        time.sleep(0.2)
        begun.set()
        assert isinstance(waiting.exception(PATIENCE), JournalStopped)
    books.close()


def test_a_failure_that_only_the_timer_sees_stops_the_books(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = opened(folder)
    monkeypatch.setattr(books._sealer, "_publish", fails_after(1, print, NO_SPACE))

    def transfer_until_it_stops() -> None:
        for number in range(1, 100):
            books.transfer(transfer(number, random.Random(number)))
            time.sleep(0.05)

    with pytest.raises(JournalStopped, match="No space left"):
        transfer_until_it_stops()
    books.close()


def test_what_waits_for_a_slow_disk_is_bounded(folder: Path) -> None:
    with opened(folder) as books:
        gate = threading.Event()
        quiet = books.in_quiet(gate.wait)
        events = np.zeros(BATCH_MAX, dtype=TRANSFER)  # all of them refused: their ids are zero
        most = EVENTS_WAITING_MAX // BATCH_MAX + 8
        accepted = [0]

        def caller() -> None:
            for _ in range(most):
                books.submit(events)
                accepted[0] += 1

        calling = threading.Thread(target=caller)
        calling.start()
        calling.join(1)
        assert calling.is_alive(), "nobody had to wait"
        assert accepted[0] <= EVENTS_WAITING_MAX // BATCH_MAX + 1
        gate.set()
        quiet.result(PATIENCE)
        calling.join(PATIENCE)
        assert not calling.is_alive() and accepted[0] == most
        assert books._pipeline._events_waiting >= 0
