"""The one door to money: decide, store durably, seal, and only then answer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qenex.books.engine import JournaledEngine
from qenex.books.origins import check_origin_is_not_retired, read_origins
from qenex.books.pipeline import Answer, Pipeline, Request
from qenex.books.refusals import NO_SIGNING_KEYS, RECEIPT_NO_SUCH_TRANSFER
from qenex.books.sealing import CHECKPOINT_FILE, Sealer, tree_size
from qenex.books.stored import BooksBatch, stored_batch
from qenex.chain import MerkleLog, Signers, leaf_hashes
from qenex.ledger import (
    ACCOUNT,
    ACCOUNT_UPDATE,
    BALANCES,
    BATCH_MAX,
    TRANSFER,
    Account,
    AccountFilter,
    AccountUpdate,
    BatchTooLarge,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    TransferFlags,
    account_updates_array,
    accounts_array,
    ids_array,
    transfers_array,
)
from qenex.ledger.native import GENERATION_MAX
from qenex.storage.journal import (
    SEGMENT_SLOTS,
    BatchKind,
    Disk,
    Finding,
    Journal,
    JournalCorrupt,
    JournalStopped,
    Position,
    RealDisk,
)
from qenex.values import Clock, CorruptionFound, Refusal, SystemClock, refuse

if TYPE_CHECKING:
    from qenex.books.backup import BackupReport

Records = npt.NDArray[np.void]
Statuses = npt.NDArray[np.uint32]
Commitments = npt.NDArray[np.uint8]
Ids = Sequence[int] | npt.NDArray[np.uint64]

CHECKPOINT_SECONDS = 1.0
EXPIRY_SECONDS = 0.25
LOCK_FILE = "LOCK"
"""Locked while a process holds the folder. It names that process, and is empty once the process has finished well."""


class Books:
    """A folder's ledger, journal and log. Every method may be called from any thread.

    Writes are answered when they are durable; reads show only what is durable. One process at a time holds a folder.
    """

    def __init__(
        self,
        *,
        disk: Disk,
        journal: Journal,
        engine: JournaledEngine,
        clock: Clock,
        signers: Signers | None,
        log: MerkleLog | None,
        leaf_count: int,
        timer: bool,
        findings: list[Finding],
    ) -> None:
        self._disk = disk
        self._journal = journal
        self._engine = engine
        self._clock = clock
        self.findings = findings
        self._pipeline = Pipeline(
            engine=engine,
            journal=journal,
            clock=clock,
            leaves=log,
            leaf_hashes=leaf_hashes if log is not None else None,
            leaf_count=leaf_count,
        )
        self._sealer = Sealer(
            pipeline=self._pipeline, engine=engine, journal=journal, disk=disk, signers=signers, log=log
        )
        self._closed = False
        self._proofs = _Gate()
        self._released = False
        self._timer_stop = threading.Event()
        self._timer = threading.Thread(target=self._tick, name="books-timer", daemon=True) if timer else None
        if self._timer is not None:
            self._timer.start()

    # ---- opening and closing -----------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        signers: Signers | None = None,
        create: bool = True,
        timer: bool | None = None,
        merkle: bool = True,
        segment_slots: int = SEGMENT_SLOTS,
        generation_max: int = GENERATION_MAX,
        progress: Callable[[int, int], None] | None = None,
    ) -> Books:
        """The books of a folder, recovered; a new folder is created unless `create` is false (FileNotFoundError).

        `signers` sign checkpoints; without them receipts are refused. `timer` (by default with the system's clock
        only, so that a run with another one can be replayed) releases due holds and signs a checkpoint
        each second. `merkle=False` leaves the log alone (it catches up at the next open); for measurements.
        `segment_slots` and `generation_max` (index entries in memory before they are sealed) make tests small; a folder
        is opened with the `segment_slots` it was created with. `progress(done, total)` is told the batches replayed.
        Raises JournalInUse, JournalCorrupt, JournalWriteFailed, and OriginRetired for signers of a log that a restore
        to an earlier instant has ended."""
        root = Path(folder)
        if signers is not None:
            check_origin_is_not_retired(read_origins(root), signers.origin)
        if not create and not root.is_dir():
            raise FileNotFoundError(f"{root} holds no books")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk = RealDisk(root)
        disk.lock(LOCK_FILE)
        with ExitStack() as undo:
            undo.callback(disk.unlock)
            clock = clock or SystemClock()
            if Journal.is_there(disk):
                journal = Journal.open(disk, segment_slots=segment_slots)
            elif create:
                journal = Journal.create(
                    disk, journal_id=os.urandom(16), hash_seed=os.urandom(16), segment_slots=segment_slots
                )
            else:
                raise FileNotFoundError(f"{root} holds no books")
            undo.callback(journal.close)
            engine = JournaledEngine(disk, root, journal, generation_max=generation_max)
            undo.callback(engine.close, snapshot=False)
            leaf_count = engine.recover(progress)
            signed = _signed_size(root)
            if signed > leaf_count + engine.origin_entries:
                raise JournalCorrupt(
                    place=CHECKPOINT_FILE,
                    detail=f"{signed} entries were signed, the journal holds {leaf_count + engine.origin_entries}",
                )
            log = _open_log(root / "log") if merkle else None
            if log is not None:
                undo.callback(log.close)
                engine.catch_up(log, leaf_count)
            findings = [*journal.findings, *engine.findings]
            books = cls(
                disk=disk,
                journal=journal,
                engine=engine,
                clock=clock,
                signers=signers,
                log=log,
                leaf_count=leaf_count,
                timer=isinstance(clock, SystemClock) if timer is None else timer,
                findings=findings,
            )
            undo.pop_all()
            return books

    def close(self) -> None:
        """Finish what was submitted, sign what is unsigned, write a snapshot when it pays, and release the folder."""
        if self._closed:
            return
        self._closed = True
        self._timer_stop.set()
        if self._timer is not None:
            self._timer.join()
        try:
            if self._pipeline.failure is None:
                self._sealer.close()
        except JournalStopped:
            pass  # The failure itself was told to whoever waited for the write.
        finally:
            self._pipeline.stop()
            self._proofs.shut()
            with self._pipeline.core_lock:  # No query may be on its way when the memory goes.
                self._released = True
            self._engine.close(snapshot=self._pipeline.failure is None)
            if self._pipeline.log is not None:
                self._pipeline.log.close()
            self._journal.close()
            if self._pipeline.failure is None:
                self._finished_well()
            self._disk.unlock()

    def _finished_well(self) -> None:
        lock = self._disk.open(LOCK_FILE)
        try:
            lock.truncate(0)
        finally:
            lock.close()

    def __enter__(self) -> Books:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---- writing -----------------------------------------------------------------------------------------------

    def submit(self, transfers: Records, commitments: Commitments | None = None) -> Answer:
        """Queue TRANSFER[n], n <= 8,190; the future gives RESULT[n] once durable. Leave the array alone until then.

        `commitments`: uint8[n, 32], journalled beside the transfers, of which user_data_128 is the first half."""
        events = _checked(transfers, TRANSFER, transfers_array)
        if commitments is not None:
            commitments = np.ascontiguousarray(commitments, dtype=np.uint8)
            if commitments.shape != (len(events), 32):
                raise ValueError(f"commitments are uint8[{len(events)}, 32], not {commitments.shape}")
        return self._submit(BatchKind.TRANSFERS, events, commitments)

    def create_accounts(self, accounts: Records | Sequence[Account]) -> Statuses:
        """ACCOUNT[n] or a list of Account -> uint32[n] statuses, durable."""
        return _statuses(self.create_accounts_results(accounts))

    def create_accounts_results(self, accounts: Records | Sequence[Account]) -> Records:
        """As create_accounts, with timestamps: RESULT[n]."""
        return self._write(BatchKind.ACCOUNTS, _checked(accounts, ACCOUNT, accounts_array))

    def create_transfers(self, transfers: Records | Sequence[Transfer]) -> Statuses:
        """TRANSFER[n] or a list of Transfer -> uint32[n] statuses, durable."""
        return _statuses(self.create_transfers_results(transfers))

    def create_transfers_results(self, transfers: Records | Sequence[Transfer], *, balances: bool = False) -> Any:
        """As create_transfers, with timestamps: RESULT[n]; with `balances` (RESULT[n], BALANCES[n])."""
        events = _checked(transfers, TRANSFER, transfers_array)
        if not balances:
            return self._write(BatchKind.TRANSFERS, events)
        out = np.zeros(len(events), dtype=BALANCES)
        answer = Answer()
        self._pipeline.put(Request(BatchKind.TRANSFERS, events, len(events), None, answer, balances=out))
        return answer.result(), out

    def update_accounts(self, updates: Records | Sequence[AccountUpdate]) -> Statuses:
        """ACCOUNT_UPDATE[n] -> uint32[n] statuses, durable."""
        return _statuses(self.update_accounts_results(updates))

    def update_accounts_results(self, updates: Records | Sequence[AccountUpdate]) -> Records:
        """As update_accounts, with timestamps: RESULT[n]."""
        return self._write(BatchKind.ACCOUNT_UPDATES, _checked(updates, ACCOUNT_UPDATE, account_updates_array))

    def expire(self, now_ns: int) -> int:
        """Release the holds that are due at `now_ns`, at most 8,190; journalled. Returns how many."""
        if now_ns < self.last_timestamp:
            raise TimeBeforeLastTimestamp(now_ns, self.last_timestamp)
        answer = Answer()
        self._pipeline.put(Request(BatchKind.EXPIRY, None, 0, None, answer, now=now_ns))
        return len(answer.result())

    def account(self, account: Account) -> int:
        """Open one account; its status (CreateAccountStatus)."""
        return int(self.create_accounts([account])[0])

    def transfer(self, transfer: Transfer) -> int:
        """Make one transfer, durable; its status (CreateTransferStatus). Concurrent callers share batches and syncs."""
        answer = Answer()
        self._pipeline.put(_single(transfer, answer, None))
        return int(answer.result())

    async def transfer_async(self, transfer: Transfer) -> int:
        """As transfer, for asyncio."""
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pipeline.put(_single(transfer, None, waiter))
        return await waiter

    def _submit(self, kind: BatchKind, events: Records, commitments: Commitments | None) -> Answer:
        answer = Answer()
        self._pipeline.put(Request(kind, events, len(events), commitments, answer))
        return answer

    def _write(self, kind: BatchKind, events: Records) -> Records:
        result: Records = self._submit(kind, events, None).result()
        return result

    # ---- reading -----------------------------------------------------------------------------------------------

    def _read(self, query: Callable[[], Any]) -> Any:
        with self._pipeline.core_lock:
            self._check_open()
            found = query()
            decided = self._pipeline.decided
        self._pipeline.wait_durable(decided)
        return found

    def lookup_accounts(self, ids: Ids) -> Records:
        """The accounts found, ACCOUNT[m], in the order asked for."""
        wanted = ids_array(ids)
        return self._read(lambda: self._engine.lookup_accounts(wanted))  # type: ignore[no-any-return]

    def lookup_transfers(self, ids: Ids) -> Records:
        """The transfers found, TRANSFER[m], in the order asked for."""
        wanted = ids_array(ids)
        return self._read(lambda: self._engine.lookup_transfers(wanted))  # type: ignore[no-any-return]

    def account_state(self, ids: Ids) -> Records:
        """Current overdraft limit and freeze of the accounts found, ACCOUNT_STATE[m]."""
        wanted = ids_array(ids)
        return self._read(lambda: self._engine.account_state(wanted))  # type: ignore[no-any-return]

    def account_transfers(self, filter: AccountFilter) -> Records:
        """Transfers of one account, TRANSFER[m]; an invalid filter finds nothing."""
        return self._read(lambda: self._engine.account_transfers(filter))  # type: ignore[no-any-return]

    def account_balances(self, filter: AccountFilter) -> Records:
        """Balances after each transfer of a `history` account, ACCOUNT_BALANCE[m]."""
        return self._read(lambda: self._engine.account_balances(filter))  # type: ignore[no-any-return]

    def balance_at(self, account_id: int, timestamp: int) -> Records:
        """Balances of any account as they stood at `timestamp`, expiry included: ACCOUNT_BALANCE[1], or [0] if unknown."""
        return self._read(lambda: self._engine.balance_at(account_id, timestamp))  # type: ignore[no-any-return]

    def query_accounts(self, filter: QueryFilter) -> Records:
        return self._read(lambda: self._engine.query_accounts(filter))  # type: ignore[no-any-return]

    def query_transfers(self, filter: QueryFilter) -> Records:
        return self._read(lambda: self._engine.query_transfers(filter))  # type: ignore[no-any-return]

    def state_hash(self) -> bytes:
        """SHA-256 over the canonical state: the same live, after restart, after replay, and for the reference engine."""
        return self._read(self._engine.state_hash)  # type: ignore[no-any-return]

    @property
    def last_timestamp(self) -> int:
        self._check_open()
        return self._engine.last_timestamp

    def _check_open(self) -> None:
        if self._released:
            raise JournalStopped("closed")

    # ---- batches, for the relational store ---------------------------------------------------------------------

    @property
    def last_batch(self) -> int:
        """The number of the last durable batch; 0 = none."""
        return self._journal.durable.number - 1

    def batches_after(self, number: int) -> Iterator[BooksBatch]:
        """The durable batches with a number above `number`, oldest first."""
        for start in self._engine.batch_slots(number + 1, self.last_batch):
            yield stored_batch(self._journal.batch_at(start))

    # ---- proofs ------------------------------------------------------------------------------------------------

    def checkpoint(self) -> bytes | Refusal:
        """The signed checkpoint that covers everything durable now; signs a new one if the last does not."""
        with self._proofs:
            return self._sealer.checkpoint()

    def latest_checkpoint(self) -> bytes | None:
        """The last signed checkpoint, or None."""
        return self._sealer.latest

    def receipt(self, transfer_id: int) -> bytes | Refusal:
        """A receipt anyone can check offline: transfer, inclusion proof, signed checkpoint."""
        if not self._sealer.can_sign:
            return refuse(NO_SIGNING_KEYS)
        slot = self._read(lambda: self._engine.find_transfer(transfer_id))
        if slot == 0:
            return refuse(RECEIPT_NO_SUCH_TRANSFER, transfer_id=str(transfer_id))
        with self._proofs:
            return self._sealer.receipt(self._engine.locate_leaf(slot))

    def consistency(self, older: bytes) -> bytes | Refusal:
        """A file that proves to anyone: the log at its newest checkpoint continues the log at this older signed one."""
        with self._proofs:
            return self._sealer.consistency(older)

    def add_cosignatures(self, cosigned: bytes, policy: bytes) -> bytes | Refusal:
        """Take witnesses' cosignatures into the latest checkpoint, checked by a C2SP tlog-policy; the checkpoint then.

        `cosigned` is the latest checkpoint with the witnesses' signature lines under it."""
        with self._proofs:
            return self._sealer.add_cosignatures(cosigned, policy)

    def export_tiles(
        self, folder: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None
    ) -> bytes | Refusal:
        """Write the log as the static files of C2SP tlog-tiles; returns the checkpoint they belong to."""
        with self._proofs:
            return self._sealer.export_tiles(Path(folder), progress or (lambda _done, _all: None))

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """RFC 9162 consistency proof between two tree sizes of this log."""
        with self._proofs:
            return self._sealer.consistency_proof(old_size, new_size)

    def tile(self, path: str) -> bytes | None:
        """The bytes behind a tlog-tiles path (`tile/...`), or None when there is no such tile."""
        with self._proofs:
            return self._sealer.tile(path)

    # ---- backup ------------------------------------------------------------------------------------------------

    def position(self) -> Position:
        """Where the durable journal ends."""
        return self._journal.durable

    @property
    def folder(self) -> Path:
        return self._engine.root

    @property
    def journal(self) -> Journal:
        return self._journal

    @property
    def origin(self) -> str:
        """The name of the log that these books sign, empty without signing keys and checkpoint."""
        return self._sealer.origin

    def backup(
        self, out_folder: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None
    ) -> BackupReport | Refusal:
        """Copy everything durable into a new folder while the books go on; see `qenex.books.backup`."""
        from qenex.books.backup import backup

        return backup(self, out_folder, progress=progress)

    def in_quiet(self, task: Callable[[], object]) -> Future[Any]:
        """Run `task` between two batches; the future is ready when all batches before it are durable."""
        answer = Answer()
        self._pipeline.put(Request(0, None, 0, None, answer, task=task))
        return answer

    # ---- timer -------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        elapsed = 0.0
        while not self._timer_stop.wait(EXPIRY_SECONDS):
            elapsed += EXPIRY_SECONDS
            try:
                now = self._clock.now_ns()
                due = self._engine.next_expiry()
                if due and due <= now and now >= self._engine.last_timestamp:
                    self.expire(now)
                if elapsed >= CHECKPOINT_SECONDS:
                    elapsed = 0.0
                    self._sealer.sign_when_new()
            except (JournalStopped, TimeBeforeLastTimestamp):
                continue
            except Exception as failure:  # Nobody waits for the timer's answer: whoever comes next hears of it.
                self._pipeline.fail(failure)


class _Gate:
    """Lets any number of callers in until it is shut; shutting waits until the last of them has left."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._moved:
            if self._shut:
                raise JournalStopped("closed")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._moved:
            self._inside -= 1
            self._moved.notify_all()

    def shut(self) -> None:
        with self._moved:
            self._shut = True
            while self._inside:
                self._moved.wait()


_SINGLE = Struct("<13Q3I2HQ")
_LOW = (1 << 64) - 1
_NOT_PLAIN = TransferFlags.linked | TransferFlags.imported


def _single(transfer: Transfer, answer: Answer | None, waiter: asyncio.Future[int] | None) -> Request:
    """A request for one transfer. A linked or imported one has a batch of its own, as everywhere."""
    t = transfer
    if t.flags & _NOT_PLAIN:
        return Request(BatchKind.TRANSFERS, transfers_array([t]), 1, None, answer, waiter=waiter, alone=True)
    try:
        packed = _SINGLE.pack(
            t.id & _LOW,
            t.id >> 64,
            t.debit_account_id & _LOW,
            t.debit_account_id >> 64,
            t.credit_account_id & _LOW,
            t.credit_account_id >> 64,
            t.amount & _LOW,
            t.amount >> 64,
            t.pending_id & _LOW,
            t.pending_id >> 64,
            t.user_data_128 & _LOW,
            t.user_data_128 >> 64,
            t.user_data_64,
            t.user_data_32,
            t.timeout,
            t.ledger,
            t.code,
            t.flags,
            t.timestamp,
        )
    except StructError:
        packed = t.pack()  # says which field is out of range
    return Request(BatchKind.TRANSFERS, None, 1, None, answer, packed=packed, waiter=waiter)


def _statuses(results: Records) -> Statuses:
    return np.ascontiguousarray(results["status"])


def _checked(events: Any, dtype: np.dtype[np.void], from_list: Callable[[Any], Records]) -> Records:
    """The events as a contiguous array of the right record type; raises TypeError, ValueError or BatchTooLarge."""
    if not isinstance(events, np.ndarray):
        events = from_list(list(events))
    if events.dtype != dtype:
        raise TypeError(f"expected an array of the {dtype.itemsize}-byte record type, not {events.dtype}")
    if events.ndim != 1:
        raise ValueError(f"expected one dimension, not {events.ndim}")
    if len(events) > BATCH_MAX:
        raise BatchTooLarge(len(events))
    return np.ascontiguousarray(events)


def _signed_size(root: Path) -> int:
    path = root / CHECKPOINT_FILE
    if not path.exists():
        return 0
    try:
        return tree_size(path.read_bytes())
    except (ValueError, IndexError) as error:
        raise JournalCorrupt(place=f"{CHECKPOINT_FILE} byte 0", detail="this is not a signed checkpoint") from error


def _open_log(folder: Path) -> MerkleLog:
    """The Merkle log is derived from the journal: a damaged one is built anew."""
    try:
        return MerkleLog.open(folder)
    except CorruptionFound:
        return MerkleLog.open(folder, discard=True)
