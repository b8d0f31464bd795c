"""Decide, store, seal: three threads, so that one batch is decided while the one before is written and hashed.

    callers -> [queue] -> decider: ledger applies the batch, body goes to the operating system
                       -> writer:  hash, header, trailer; one sync for all that is waiting; the mark; answers
                       -> leaves:  hashes of the accepted records into the Merkle log

The queues are bounded: a caller waits when the disk is behind. Small requests that arrive together become one batch.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qenex.books.engine import JournaledEngine
from qenex.books.leaves import leaf_records
from qenex.chain import MerkleLog
from qenex.ledger import BATCH_MAX, RESULT, TRANSFER
from qenex.ledger.native import Applied
from qenex.storage.journal import SLOT, BatchKind, Journal, JournalStopped, PreparedBatch, worst_case_slots
from qenex.values import Clock

Records = npt.NDArray[np.void]
Waiters = dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]]

BATCHES_IN_FLIGHT = 10  # each a MiB or two: enough to keep three threads busy, few enough to stay in the caches
REQUESTS_WAITING_MAX = 65_536
EVENTS_WAITING_MAX = 64 * BATCH_MAX
"""Events that may wait to be decided (64 MiB of them); whoever brings more waits."""
GROUP_MAX = 16
GATHER_BELOW = 512
LEAF_KINDS = (BatchKind.ACCOUNTS, BatchKind.TRANSFERS, BatchKind.ACCOUNT_UPDATES)
LINKED = 1
TRANSFER_IMPORTED = 256


class Answer(Future[Any]):
    """The answer to a submitted batch, RESULT[n]; ready when the batch is durable. `batch_number` is then its batch."""

    batch_number: int = 0

    def cancel(self) -> bool:
        """Always False: what was submitted is on its way, and giving up waiting does not take it back."""
        return False


@dataclass(slots=True)
class Request:
    """One caller's events of one kind, or a task that needs a quiet moment between two batches."""

    kind: int
    events: Records | None
    count: int
    commitments: npt.NDArray[np.uint8] | None
    answer: Answer | None
    balances: Records | None = None
    content: bytes = b""
    now: int = 0
    task: Callable[[], object] | None = None
    packed: bytes = b""
    """One plain transfer as its 128 bytes: neither linked nor imported. Answered with its status alone."""
    waiter: asyncio.Future[int] | None = None
    """Who waits for one transfer's status on an event loop, instead of `answer`."""
    alone: bool = False
    """One transfer that must not share its batch, answered with its status alone."""


@dataclass(slots=True)
class Decided:
    """A batch between decider and leaves."""

    batch: PreparedBatch
    requests: list[Request]
    results: Records
    scratch: _Scratch | None
    task_results: list[object] = field(default_factory=list)


class _Scratch:
    """Reusable memory for the journal form of one batch: events, and behind them resolved records."""

    def __init__(self) -> None:
        self.memory = np.empty(2 * BATCH_MAX * SLOT, dtype=np.uint8)
        self.statuses = np.empty(BATCH_MAX, dtype=np.uint32)


class Pipeline:
    """The threads and queues between callers and the disk."""

    def __init__(
        self,
        *,
        engine: JournaledEngine,
        journal: Journal,
        clock: Clock,
        leaves: MerkleLog | None,
        leaf_hashes: Callable[[int, npt.NDArray[Any]], npt.NDArray[np.uint8]] | None,
        leaf_count: int,
    ) -> None:
        self.engine = engine
        self.journal = journal
        self.clock = clock
        self.log = leaves
        self._leaf_hashes = leaf_hashes
        self.leaf_count = leaf_count
        self.core_lock = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._events_waiting = 0
        self._arrived = threading.Condition()
        self._scratches: queue.SimpleQueue[_Scratch] = queue.SimpleQueue()
        self._scratches_made = 0
        self._to_write: queue.Queue[Decided | None] = queue.Queue(BATCHES_IN_FLIGHT)
        self._to_hash: queue.Queue[Decided | Future[None] | None] = queue.Queue(2 * BATCHES_IN_FLIGHT)
        self._awaited: set[Future[None]] = set()
        self._awaited_lock = threading.Lock()
        self._leaves_ended = False
        self.decided = 0
        self.durable = 0
        self._durable_moved = threading.Condition()
        self._stopping = False
        self.failure: BaseException | None = None
        self._decider = threading.Thread(target=self._run_decider, name="books-decide", daemon=True)
        self._writer = threading.Thread(target=self._run_writer, name="books-write", daemon=True)
        self._leaves = threading.Thread(target=self._run_leaves, name="books-leaves", daemon=True)
        self._threads = [self._decider, self._writer, self._leaves]
        for thread in self._threads:
            thread.start()

    # ---- callers -----------------------------------------------------------------------------------------------

    def put(self, request: Request) -> None:
        """Queue a request; waits while too many are waiting. Raises when the books have stopped."""
        with self._arrived:
            while (
                (len(self._waiting) >= REQUESTS_WAITING_MAX or self._events_waiting >= EVENTS_WAITING_MAX)
                and not self._stopping
                and self.failure is None
            ):
                self._arrived.wait(0.1)
            self._check_running()
            self._waiting.append(request)
            self._events_waiting += request.count
            if len(self._waiting) == 1:
                self._arrived.notify_all()

    def wait_durable(self, decided: int) -> None:
        """Wait until everything decided up to here is on disk, so that no read shows what a crash could take back."""
        if self.durable >= decided:
            return
        with self._durable_moved:
            while self.durable < decided:
                if self.failure is not None:
                    raise JournalStopped(str(self.failure)) from self.failure
                self._durable_moved.wait(0.5)

    def stop(self) -> None:
        """Finish what is queued, then end the threads."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify_all()
        for thread in self._threads:
            thread.join()

    def _check_running(self) -> None:
        if self.failure is not None:
            raise JournalStopped(str(self.failure)) from self.failure
        if self._stopping:
            raise JournalStopped("closed")

    # ---- threads -----------------------------------------------------------------------------------------------

    def _run_decider(self) -> None:
        try:
            self._decide()
        except BaseException as failure:
            self.fail(failure)
        self._to_write.put(None)

    def _run_writer(self) -> None:
        try:
            self._write()
        except BaseException as failure:
            self.fail(failure)
            self._take_rest(self._to_write, behind=self._decider)
        self._to_hash.put(None)

    def _run_leaves(self) -> None:
        try:
            self._hash()
        except BaseException as failure:
            self.fail(failure)
            self._take_rest(self._to_hash, behind=self._writer)
        with self._awaited_lock:
            self._leaves_ended = True
            awaited, self._awaited = self._awaited, set()
        for reached in awaited:
            reached.set_exception(self._stopped())

    def fail(self, failure: BaseException) -> None:
        """The books' last word: every waiting caller hears it, then nothing moves."""
        if self.failure is None:
            self.failure = failure
        self.journal.stop(str(failure))
        with self._arrived:
            waiting, self._waiting = list(self._waiting), deque()
            self._events_waiting = 0
            self._arrived.notify_all()
        for request in waiting:
            _refuse(request, self.failure)
        with self._durable_moved:
            self._durable_moved.notify_all()

    def _take_rest(self, pending: queue.Queue[Any], *, behind: threading.Thread) -> None:
        """Take what still comes from the thread behind until it has ended: neither it nor its callers may wait for ever."""
        while True:
            ended = not behind.is_alive()
            try:
                item = pending.get(timeout=0.02)
            except queue.Empty:
                if ended:
                    return
                continue
            if isinstance(item, Decided) and pending is self._to_write:  # what is to be hashed was answered
                for request in item.requests:
                    _refuse(request, self._stopped())

    def _stopped(self) -> JournalStopped:
        stopped = JournalStopped(str(self.failure) if self.failure is not None else "closed")
        stopped.__cause__ = self.failure
        return stopped

    def _decide(self) -> None:
        while True:
            with self._arrived:
                while not self._waiting and not self._stopping and self.failure is None:
                    self._arrived.wait()
                if self.failure is not None:
                    return
                if not self._waiting:
                    break
                requests = self._gather()
                self._arrived.notify_all()
            try:
                self._decide_one(requests)
            except BaseException as failure:
                for request in requests:
                    _refuse(request, failure)
                raise

    def _gather(self) -> list[Request]:
        """The next request, and those right behind it that may share its batch. Called with the lock held."""
        first = self._waiting.popleft()
        self._events_waiting -= first.count
        requests = [first]
        if not _may_share(first):
            return requests
        room = BATCH_MAX - first.count
        while self._waiting and self._waiting[0].count <= room and _may_share(self._waiting[0]):
            request = self._waiting.popleft()
            requests.append(request)
            room -= request.count
            self._events_waiting -= request.count
        return requests

    def _take_scratch(self) -> _Scratch:
        if self._scratches_made < BATCHES_IN_FLIGHT:
            try:
                return self._scratches.get_nowait()
            except queue.Empty:
                self._scratches_made += 1
                return _Scratch()
        while True:
            try:
                return self._scratches.get(timeout=0.5)
            except queue.Empty:
                if self.failure is not None:
                    raise JournalStopped(str(self.failure)) from self.failure

    def _decide_one(self, requests: list[Request]) -> None:
        first = requests[0]
        if first.task is not None:
            with self.core_lock:
                outcome = first.task()
            self._answer_behind(first, outcome)
            return
        if first.content:
            self._decide_content(first)
            return
        count = sum(request.count for request in requests)
        if count == 0 and first.kind != BatchKind.EXPIRY:
            self._answer_behind(first, np.zeros(0, dtype=RESULT))
            return
        events = _join(requests)
        attachments = _join_commitments(requests)
        scratch = self._take_scratch()
        attachment_bytes = 32 * count if attachments else 0
        most = BATCH_MAX if first.kind == BatchKind.EXPIRY else count
        start = self.journal.reserve(worst_case_slots(most, attachment_bytes))
        results = np.zeros(most, dtype=RESULT)
        balances = first.balances  # a request that asks for balances never shares its batch
        with self.core_lock:
            applied = self.engine.apply(
                kind=first.kind,
                events=events,
                count=count,
                now=first.now or self.clock.now_ns(),
                log_out=scratch.memory,
                first_slot=start + 1,
                results=results,
                balances=balances,
            )
            count = applied.count
            decided: Decided | None = None
            if count:
                batch, parts, slots = self._prepare(first, applied, results, scratch, attachments, start)
                # Within the lock: from now on a reader may look for these records in the journal.
                self.journal.write_body(start, parts, slots)
                self.engine.note_batch(start)
                self.leaf_count += batch.accepted
                self.decided += 1
                decided = Decided(batch, requests, results[:count], scratch)
        if decided is None:  # an expiry that released nothing leaves no batch behind
            self._scratches.put(scratch)
            self._answer_behind(first, np.zeros(0, dtype=RESULT))
            return
        self._to_write.put(decided)

    def _prepare(
        self, request: Request, applied: Applied, results: Records, scratch: _Scratch, attachments: bytes, start: int
    ) -> tuple[PreparedBatch, list[memoryview | bytes], int]:
        """The batch as the journal takes it, the parts of its body, and how many slots it needs."""
        count = applied.count
        complete = applied.created == count
        statuses = b"" if complete else np.ascontiguousarray(results["status"][:count]).tobytes()
        recorded = scratch.memory.data[: (count + applied.resolved) * SLOT]
        batch = PreparedBatch(
            kind=request.kind,
            count=count,
            resolved=applied.resolved,
            accepted=applied.created if request.kind in LEAF_KINDS else 0,
            timestamp=applied.timestamp,
            first_leaf=self.leaf_count,
            start_slot=start,
            events=recorded,
            statuses=statuses,
            attachments=attachments,
        )
        slots = 2 + count + applied.resolved + _slots(statuses) + _slots(attachments)
        return batch, [recorded, statuses, attachments], slots

    def _answer_behind(self, request: Request, outcome: object) -> None:
        """Answer a request without a batch once everything decided before it is durable."""
        empty = PreparedBatch(0, 0, 0, 0, 0, 0, 0, memoryview(b""), b"", b"")
        self._to_write.put(Decided(empty, [request], np.zeros(0, dtype=RESULT), None, [outcome]))

    def _decide_content(self, request: Request) -> None:
        """A batch that is written about the ledger, such as a block: its bytes as they are."""
        content = request.content
        count = len(content) // SLOT
        start = self.journal.reserve(worst_case_slots(count, 0))
        with self.core_lock:
            timestamp = self.engine.last_timestamp
            batch = PreparedBatch(
                request.kind, count, 0, 0, timestamp, self.leaf_count, start, memoryview(content), b"", b""
            )
            self.journal.write_body(start, [content], 2 + count)
            self.engine.note_batch(start)
            self.decided += 1
        self._to_write.put(Decided(batch, [request], np.zeros(count, dtype=RESULT), None))

    def _write(self) -> None:
        ended = False
        while not ended:
            group: list[Decided] = []
            item = self._to_write.get()
            while item is not None:
                group.append(item)
                if item.batch.kind:
                    self._seal(item, group)
                if len(group) >= GROUP_MAX:
                    break
                try:
                    item = self._to_write.get_nowait()
                except queue.Empty:
                    break
            ended = item is None
            if group:
                self._commit(group)

    def _seal(self, item: Decided, group: list[Decided]) -> None:
        try:
            self.journal.seal(item.batch)
        except BaseException as failure:
            _refuse_group(group, failure)
            raise

    def _commit(self, group: list[Decided]) -> None:
        batches = sum(1 for item in group if item.batch.kind)
        try:
            if batches:
                self.journal.commit()
        except BaseException as failure:
            _refuse_group(group, failure)
            raise
        with self._durable_moved:
            self.durable += batches
            self._durable_moved.notify_all()
        waiters: Waiters = {}
        for item in group:
            self._answer(item, waiters)
            self._to_hash.put(item)
        for loop, answers in waiters.items():
            _wake(loop, answers)

    def _answer(self, item: Decided, waiters: Waiters) -> None:
        if len(item.requests) > 1 or item.requests[0].packed or item.requests[0].alone:
            self._answer_shared(item, waiters)
            return
        answer = item.requests[0].answer
        assert answer is not None
        answer.batch_number = item.batch.number
        answer.set_result(item.task_results[0] if item.task_results else item.results)

    def _answer_shared(self, item: Decided, waiters: Waiters) -> None:
        """Several requests in one batch: each gets its part. Waiters on event loops are collected, to be woken once."""
        statuses = item.results["status"].tolist()
        at = 0
        for request in item.requests:
            if request.waiter is not None:
                waiters.setdefault(request.waiter.get_loop(), []).append((request.waiter, statuses[at]))
            elif request.answer is not None:
                request.answer.batch_number = item.batch.number
                single = bool(request.packed) or request.alone
                request.answer.set_result(statuses[at] if single else item.results[at : at + request.count])
            at += request.count

    def _hash(self) -> None:
        while True:
            item = self._to_hash.get()
            if item is None:
                return
            if isinstance(item, Future):
                with self._awaited_lock:
                    self._awaited.discard(item)
                item.set_result(None)
                continue
            if self.log is not None and self._leaf_hashes is not None and item.batch.accepted:
                records = leaf_records(
                    np.frombuffer(item.batch.events, dtype=np.uint8).reshape(-1, SLOT),
                    item.batch.count,
                    item.results["status"],
                )
                self.log.append(self._leaf_hashes(item.batch.kind, records))
            if item.scratch is not None:
                self._scratches.put(item.scratch)

    def after_leaves(self) -> Future[None]:
        """Ready when the leaves of everything that is durable now are in the log; fails when the books stop."""
        reached: Future[None] = Future()
        with self._awaited_lock:
            if self._leaves_ended:
                raise self._stopped()
            self._awaited.add(reached)
        self._to_hash.put(reached)
        return reached


def _may_share(request: Request) -> bool:
    """Small plain transfer requests may share a batch: no chain left open, no imported events, no balances asked."""
    if request.packed or request.alone:
        return not request.alone
    if request.kind != BatchKind.TRANSFERS or request.count > GATHER_BELOW or request.balances is not None:
        return False
    events = request.events
    if events is None or request.task is not None or not request.count:
        return False
    flags = events["flags"]
    if request.count == 1:
        return not int(flags[0]) & (LINKED | TRANSFER_IMPORTED)
    return not int(flags[-1]) & LINKED and not bool((flags & TRANSFER_IMPORTED).any())


def _join(requests: list[Request]) -> Records | None:
    if len(requests) == 1 and not requests[0].packed:
        return requests[0].events
    parts = [request.packed or _bytes_of(request.events) for request in requests]
    return np.frombuffer(b"".join(parts), dtype=TRANSFER)


def _bytes_of(events: Records | None) -> bytes:
    return b"" if events is None else events.tobytes()


def _join_commitments(requests: list[Request]) -> bytes:
    if all(request.commitments is None for request in requests):
        return b""
    return b"".join(
        bytes(32 * request.count) if request.commitments is None else request.commitments.tobytes()
        for request in requests
    )


def _slots(content: bytes) -> int:
    return (len(content) + SLOT - 1) // SLOT


def _refuse_group(group: list[Decided], failure: BaseException) -> None:
    for item in group:
        for request in item.requests:
            _refuse(request, failure)


def _refuse(request: Request, failure: BaseException) -> None:
    told = failure if isinstance(failure, Exception) else JournalStopped(f"stopped: {failure!r}")
    if request.answer is not None and not request.answer.done():
        request.answer.set_exception(told)
    if request.waiter is not None:
        _wake(request.waiter.get_loop(), [(request.waiter, told)])


def _wake(loop: asyncio.AbstractEventLoop, answers: list[tuple[asyncio.Future[int], int | Exception]]) -> None:
    try:
        loop.call_soon_threadsafe(_set_all, answers)
    except RuntimeError:  # The loop was closed: nobody waits any more. What was written stays written.
        return


def _set_all(answers: list[tuple[asyncio.Future[int], int | Exception]]) -> None:
    for waiter, answer in answers:
        if waiter.done():
            continue
        if isinstance(answer, Exception):
            waiter.set_exception(answer)
        else:
            waiter.set_result(answer)
