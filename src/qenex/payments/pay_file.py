"""A payment file from its bytes to its answer: read, recognise, pay in batches, write the pain.002.

Batch n+1 is looked up and recorded while batch n is written to the journal. A file that a crash interrupted goes on where
it stopped: the ids of its payments follow from the file's hash, so nothing is booked twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from qenex.payments.orders import Payments, Posted
from qenex.payments.posting import Started, finish
from qenex.payments.reasons import DUPLICATION, INVALID_DATE, NOT_ALLOWED_AMOUNT, TEXTS
from qenex.payments.submit import submit_ahead
from qenex.products.bank import Bank
from qenex.products.business_day import day_number, instant, parse_date
from qenex.storage.relational import BANK_ID, FileStatus, PaymentFile, PaymentState
from qenex.values import Refusal, invariant

if TYPE_CHECKING:
    # Where they are used, rails are imported in the function: most commands read no file and start faster without XML.
    from qenex.rails import CreditTransferBatch, CreditTransferFile, StatusColumns

AMOUNT_MINOR_MAX = 2**63 - 1
CHUNK_BYTES = 1 << 20
DAYS_AHEAD_MAX = 366

Progress = Callable[[int, int], None]
Decided: TypeAlias = dict[int, tuple[str, str | None, int | None]]
"""place -> status, reason, transfer id"""


@dataclass(slots=True)
class Paid:
    """The answer to one file. Columns per transaction, in file order."""

    message_id: str
    end_to_end_ids: list[str]
    statuses: list[str]
    reasons: list[str | None]
    transfer_ids: list[int | None]
    report: Path
    duplicate: bool = False

    @property
    def rejected(self) -> int:
        return self.statuses.count("RJCT")

    @property
    def accepted(self) -> int:
        return len(self.statuses) - self.rejected


def pay_file(
    bank: Bank, source: Path | bytes, progress: Progress | None = None, *, answering: bool = True
) -> Paid | Refusal:
    """Pay one pain.001. A Refusal means that the file could not be read and nothing happened.

    `answering` is false at recovery, when nobody waits for the answer: whoever sends the file again then gets the answer
    of the first time instead of "duplicate", once.
    """
    from qenex.rails import read_pain001

    read = read_pain001(source)
    if isinstance(read, Refusal):
        return read
    with read as file:
        group = file.reject
        if group is not None:
            return _refused_whole(bank, file, group.reason, group.text, duplicate=False)
        header = file.header
        digest = bytes.fromhex(file.sha256)
        incoming = PaymentFile(
            digest, header.message_id, header.initiating_party or "", header.version, BANK_ID, file.transaction_count
        )
        status = bank.store.begin_file(incoming)
        unanswered = f"unanswered file {incoming.id.hex()}"
        late = status is FileStatus.DUPLICATE and bank.store.setting(unanswered) == "yes"
        if status in (FileStatus.DUPLICATE, FileStatus.DUPLICATE_MESSAGE) and not late:
            same = status is FileStatus.DUPLICATE
            text = "The same file was sent before." if same else "Another file had the same message id."
            return _refused_whole(bank, file, DUPLICATION, text, duplicate=True)
        if status is not FileStatus.DUPLICATE:
            # Also when it is taken up again: a crash may have left half an archive.
            bank.store.archive(incoming.id, "body", _chunks(source))
        resumed = status is not FileStatus.NEW
        paid, decisions = _pay_batches(bank, file, incoming, resumed=resumed, progress=progress)
        _write_report(bank, file, decisions, paid)
        if not late:
            bank.store.archive(incoming.id, "report", _chunks(paid.report))
            if not answering:
                bank.store.put_setting(unanswered, "yes")
            bank.store.finish_file(incoming.id, paid.accepted, paid.rejected, str(paid.report))
        if answering and resumed:
            bank.store.put_setting(unanswered, "")
        return paid


def _pay_batches(
    bank: Bank, file: CreditTransferFile, incoming: PaymentFile, *, resumed: bool, progress: Progress | None
) -> tuple[Paid, list[StatusColumns]]:
    paid = Paid(file.header.message_id, [], [], [], [], _report_path(bank, file, ""))
    decisions: list[StatusColumns] = []
    earlier = _decided_before(bank, incoming.id) if resumed else {}

    def take(batch: CreditTransferBatch, started: Started, known: Decided) -> None:
        posted = _merged(finish(bank, started), known, len(batch))
        decisions.append(_columns(batch, posted))
        paid.end_to_end_ids += batch.end_to_end_id
        paid.statuses += posted.statuses
        paid.reasons += posted.reasons
        paid.transfer_ids += posted.transfer_ids
        if progress is not None:
            progress(len(paid.statuses), file.transaction_count)

    # One helper brings batches to their end, in order, while the next one is looked up and recorded here.
    with ThreadPoolExecutor(1, thread_name_prefix="pay") as helper:
        taking: Future[None] | None = None
        for batch in file.batches():
            places = range(batch.first, batch.first + len(batch))
            known = {place - batch.first: earlier[place] for place in places if place in earlier} if earlier else {}
            started = submit_ahead(bank, _payments(bank, incoming.id, batch, skip=known))
            if taking is not None:
                taking.result()
            taking = helper.submit(take, batch, started, known)
        if taking is not None:
            taking.result()
    invariant(len(paid.statuses) == file.transaction_count, "every transaction of a file gets one status")
    return paid, decisions


def _payments(bank: Bank, file_id: bytes, batch: CreditTransferBatch, *, skip: Decided) -> Payments:
    """The rows of a batch as payments, without those that were decided before a crash."""
    rows = [row for row in range(len(batch)) if row not in skip] if skip else range(len(batch))
    today = bank.today()
    whole = len(rows) == len(batch)

    def pick(column: list[str | None]) -> list[str]:
        return [text or "" for text in column] if whole else [column[row] or "" for row in rows]

    reject = batch.reject_reason
    amounts = [batch.amount_minor[row] for row in rows]
    reasons = [
        reject[row] or (NOT_ALLOWED_AMOUNT if amount is None or not 0 < amount <= AMOUNT_MINOR_MAX else None)
        for row, amount in zip(rows, amounts)
    ]
    value_day = _value_days(today)
    value_days = [value_day(batch.requested_execution_date[row]) for row in rows]
    reasons = [
        reason or (INVALID_DATE if day > today + DAYS_AHEAD_MAX else None) for reason, day in zip(reasons, value_days)
    ]
    structured = pick(batch.remittance_reference)
    unstructured = pick(batch.remittance_unstructured)
    return Payments(
        kind="credit_transfer",
        ids=_payment_ids(bank, file_id, batch.first, rows),
        debtors=pick(batch.debtor_iban),
        creditors=pick(batch.creditor_iban),
        debtor_names=pick(batch.debtor_name),
        creditor_names=pick(batch.creditor_name),
        creditor_bics=pick(batch.creditor_agent_bic),
        end_to_end_ids=pick(batch.end_to_end_id),  # type: ignore[arg-type]
        remittances=[text or reference for text, reference in zip(unstructured, structured)],
        amounts_minor=[amount if amount is not None and 0 < amount <= AMOUNT_MINOR_MAX else 0 for amount in amounts],
        currencies=[text or "XXX" for text in pick(batch.currency)],
        value_days=[day if reason is None else today for day, reason in zip(value_days, reasons)],
        reasons=reasons,
        waits=[day > today and reason is None for day, reason in zip(value_days, reasons)],
        file_id=file_id,
        positions=[batch.first + row for row in rows],
    )


def _payment_ids(bank: Bank, file_id: bytes, first: int, rows: Sequence[int]) -> list[int]:
    """Ids that follow from the file and the place in it, the same in every try: 48 bits of milliseconds when the file came
    in, 48 bits of its hash, 32 bits of the place. They ascend, which a large table likes."""
    file = bank.store.file(file_id)
    assert not isinstance(file, Refusal)
    base = (file.received_ns // 1_000_000) << 80 | int.from_bytes(file_id[:6], "big") << 32
    return [base + first + row for row in rows]


def _value_days(today: int) -> Callable[[str], int]:
    """An execution date in the past is today; a later one is the day that the payment waits for."""

    @lru_cache(maxsize=4096)
    def value_day(text: str) -> int:
        day = parse_date(text[:10])
        return max(today, day_number(day)) if day is not None else today

    return value_day


def _decided_before(bank: Bank, file_id: bytes) -> Decided:
    """position -> (status, reason, transfer id) of the payments that an earlier try brought to an end."""
    decided: Decided = {}
    for row in bank.store.payments_of_file(file_id):
        match row.state:
            case PaymentState.BEGUN:
                continue
            case PaymentState.AWAITING:
                decided[row.position] = "PDNG", None, row.transfer_id
            case PaymentState.REJECTED:
                decided[row.position] = "RJCT", row.reason, None
            case PaymentState.HELD:
                decided[row.position] = "ACSP", None, row.transfer_id
            case _:
                decided[row.position] = "ACSC", None, row.transfer_id
    return decided


def _merged(posted: Posted, known: Decided, count: int) -> Posted:
    if not known:
        return posted
    fresh: Iterator[tuple[str, str | None, int | None]] = zip(posted.statuses, posted.reasons, posted.transfer_ids)
    rows = [known[row] if row in known else next(fresh) for row in range(count)]
    return Posted([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def _columns(batch: CreditTransferBatch, posted: Posted) -> StatusColumns:
    from qenex.rails import StatusColumns

    texts = batch.reject_text
    return StatusColumns(
        status=posted.statuses,
        reason=posted.reasons,
        text=[text or (TEXTS.get(reason) if reason else None) for text, reason in zip(texts, posted.reasons)],
        # AcctSvcrRef holds 35 characters and an id up to 39 digits, so the report names it in hexadecimal.
        reference=[None if transfer is None else f"{transfer:032x}" for transfer in posted.transfer_ids],
    )


def _refused_whole(bank: Bank, file: CreditTransferFile, reason: str, text: str, *, duplicate: bool) -> Paid:
    """Answer a file of which nothing may be booked."""
    path = _report_path(bank, file, f"-{bank.clock.now_ns()}")
    paid = Paid(file.header.message_id, [], [], [], [], path, duplicate=duplicate)
    for batch in file.batches():
        paid.end_to_end_ids += batch.end_to_end_id
    count = len(paid.end_to_end_ids)
    paid.statuses, paid.reasons, paid.transfer_ids = ["RJCT"] * count, list(repeat(reason, count)), [None] * count
    _write_report(bank, file, [], paid, group_reason=reason, group_text=text)
    return paid


def _report_path(bank: Bank, file: CreditTransferFile, suffix: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", file.header.message_id)[:60].lstrip(".")
    return bank.reports / f"{name}-{file.sha256[:12]}{suffix}.pain.002.xml"


def _write_report(
    bank: Bank,
    file: CreditTransferFile,
    decisions: list[StatusColumns],
    paid: Paid,
    group_reason: str | None = None,
    group_text: str | None = None,
) -> None:
    """Write beside, sync, rename: a report is there whole or not at all."""
    from qenex.rails import write_pain002

    path = paid.report
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with open(beside, "wb") as out:
        write_pain002(
            out,
            file,
            decisions,
            message_id=f"QENEX{sha256(path.name.encode()).hexdigest()[:24]}".upper(),
            created=instant(bank.clock.now_ns()),
            servicer_bic=bank.settings.bic,
            servicer_name=bank.settings.name,
            group_reason=group_reason,
            group_text=group_text,
        )
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with open(source, "rb") as opened:
        yield from _pieces(opened)


def _pieces(opened: BinaryIO) -> Iterator[bytes]:
    while piece := opened.read(CHUNK_BYTES):
        yield piece
