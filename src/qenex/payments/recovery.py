"""After a crash: bring the relational store up to what the journal says, before the bank opens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from qenex.books import CreateTransferStatus, EventKind, TransferFlags
from qenex.payments.carrying_out import carry_out
from qenex.payments.pay_file import pay_file
from qenex.payments.reasons import NOT_SPECIFIED_BY_BANK, reason_of
from qenex.products.accounts import finish_openings, word
from qenex.products.bank import Bank
from qenex.storage.relational import Outcomes, PaymentRow, PaymentState


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many of each kind the crash had left undone."""

    accounts: int = 0
    decided: int = 0
    """payments whose outcome was in the journal"""
    given_up: int = 0
    """payments ordered by a person that never reached the journal: nobody was told of them"""
    carried_out: int = 0
    """payments of a file that never reached the journal: the file was taken in, so they are booked now"""
    files: int = 0


def recover(bank: Bank) -> Recovered:
    """Apply again every journal batch after the last applied one; the journal wins."""
    accounts = finish_openings(bank)
    pending = bank.store.pending_since(bank.store.last_applied_batch)
    decided: list[PaymentRow] = []
    given_up: list[PaymentRow] = []
    carried_out: list[PaymentRow] = []
    if pending.payments or pending.steps:
        wanted = {row.transfer_id for row in pending.payments} | {step.transfer_id for step in pending.steps}
        answers = _answers(bank, pending.last_applied_batch, wanted)
        for row in pending.payments:
            group = decided if row.transfer_id in answers else carried_out if row.file_id else given_up
            group.append(row)
        reasons = [reason_of(answers[row.transfer_id][1]) for row in decided]
        held = _held(bank, [row.transfer_id for row in decided])
        bank.store.apply_batches(
            max([number for number, _ in answers.values()], default=pending.last_applied_batch),
            Outcomes(
                payment_ids=[row.id for row in [*decided, *given_up]],
                customer_ids=[row.customer_id for row in [*decided, *given_up]],
                states=[_state(row, reason, held) for row, reason in zip(decided, reasons)]
                + [int(PaymentState.REJECTED)] * len(given_up),
                reasons=[reason or "" for reason in reasons] + [NOT_SPECIFIED_BY_BANK] * len(given_up),
                batches=[answers[row.transfer_id][0] for row in decided] + [0] * len(given_up),
                step_transfer_ids=[step.transfer_id for step in pending.steps],
                step_customer_ids=[step.customer_id for step in pending.steps],
            ),
        )
        _end_holds(bank, answers)
        carry_out(bank, carried_out)
    files = _finish_files(bank)
    return Recovered(accounts, len(decided), len(given_up), len(carried_out), files)


def _answers(bank: Bank, after: int, wanted: set[int]) -> dict[int, tuple[int, int]]:
    """transfer id -> (batch, status) of the first try of each wanted transfer in the journal after a batch."""
    answers: dict[int, tuple[int, int]] = {}
    for batch in bank.books.batches_after(after):
        if int(batch.kind) != EventKind.transfers:
            continue
        for event, status in zip(batch.events, batch.statuses):
            identifier = word(event, "id")
            if identifier in wanted and identifier not in answers:
                answers[identifier] = batch.number, int(status)
    return answers


def _held(bank: Bank, transfer_ids: Iterable[int]) -> set[int]:
    """Those of the transfers that are holds."""
    found: set[int] = set()
    for transfer_id in transfer_ids:
        for record in bank.books.lookup_transfers([transfer_id]):
            if int(record["flags"]) & TransferFlags.pending:
                found.add(transfer_id)
    return found


def _state(row: PaymentRow, reason: str | None, held: set[int]) -> int:
    if reason:
        return int(PaymentState.REJECTED)
    return int(PaymentState.HELD if row.transfer_id in held else PaymentState.POSTED)


def _end_holds(bank: Bank, answers: dict[int, tuple[int, int]]) -> None:
    """Holds whose end is in the journal: give the hold and its payment the state that the ledger has."""
    for transfer_id, (batch, status) in answers.items():
        if status != CreateTransferStatus.created:
            continue
        record = bank.books.lookup_transfers([transfer_id])[0]
        flags = int(record["flags"])
        if not flags & (TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer):
            continue
        hold_id, debit_id = word(record, "pending_id"), word(record, "debit_account_id")
        captured = bool(flags & TransferFlags.post_pending_transfer)
        payment = bank.store.payments_by_transfer([hold_id], [debit_id]).get(hold_id)
        if payment is not None and payment.state is PaymentState.HELD:
            state = PaymentState.SETTLED if captured else PaymentState.RETURNED
            bank.store.apply_batches(batch, Outcomes([payment.id], [payment.customer_id], [int(state)], [""], [batch]))
        bank.store.set_hold(
            hold_id, debit_id, "captured" if captured else "released", word(record, "amount") if captured else 0
        )


def _finish_files(bank: Bank) -> int:
    """Carry on with files that were taken in and not finished. One whose archive is not whole was never begun."""
    finished = 0
    for file in bank.store.files(state="begun"):
        body = b"".join(bank.store.archived(file.id, "body"))
        if body and sha256(body).digest() == file.sha256:
            pay_file(bank, body, answering=False)
            finished += 1
    return finished
