"""After a crash: bring the relational store up to what the journal says, before the bank opens."""

from __future__ import annotations

from dataclasses import dataclass

from qenex.books import EventKind
from qenex.payments.pay_file import pay_file
from qenex.payments.reasons import NOT_SPECIFIED_BY_BANK, reason_of
from qenex.products.accounts import finish_openings, word
from qenex.products.bank import Bank
from qenex.storage.relational import Outcomes, PaymentState
from qenex.values import Refusal, invariant


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many of each kind the crash had left undone."""

    accounts: int
    payments: int
    abandoned: int
    files: int


def recover(bank: Bank) -> Recovered:
    """Apply again every journal batch after the last applied one; the journal wins.

    A payment of a person that never reached the journal was answered to nobody and is given up. Those of a file are
    carried out: the file was taken in, and its payments are derived from it.
    """
    accounts = finish_openings(bank)
    pending = bank.store.pending_since(bank.store.last_applied_batch)
    if not pending.payments and not pending.steps:
        return Recovered(accounts, 0, 0, 0)
    answers = _answers(
        bank,
        pending.last_applied_batch,
        {row.transfer_id for row in pending.payments} | {s.transfer_id for s in pending.steps},
    )
    decided = [row for row in pending.payments if row.transfer_id in answers]
    lost = [row for row in pending.payments if row.transfer_id not in answers]
    alone = [row for row in lost if not row.file_id]
    states: list[int] = []
    reasons: list[str] = []
    for row in decided:
        reason = reason_of(answers[row.transfer_id][1])
        states.append(int(PaymentState.REJECTED if reason else _state(bank, row.transfer_id)))
        reasons.append(reason or "")
    steps = pending.steps
    bank.store.apply_batches(
        max([answer[0] for answer in answers.values()], default=pending.last_applied_batch),
        Outcomes(
            payment_ids=[row.id for row in decided + alone],
            customer_ids=[row.customer_id for row in decided + alone],
            states=states + [int(PaymentState.REJECTED)] * len(alone),
            reasons=reasons + [NOT_SPECIFIED_BY_BANK] * len(alone),
            batches=[answers[row.transfer_id][0] for row in decided] + [0] * len(alone),
            step_transfer_ids=[step.transfer_id for step in steps],
            step_customer_ids=[step.customer_id for step in steps],
        ),
    )
    _finish_steps(bank, answers)
    files = sorted({row.file_id for row in lost if row.file_id})
    for file_id in files:
        paid = pay_file(bank, b"".join(bank.store.archived(file_id, "body")), answering=False)
        invariant(not isinstance(paid, Refusal), "a file that was taken in can be read again from the archive")
    return Recovered(accounts, len(decided), len(alone), len(files))


def _answers(bank: Bank, after: int, wanted: set[int]) -> dict[int, tuple[int, int]]:
    """transfer id -> (batch number, the status that counts), from the batches after `after` and, for `exists`, from the ledger."""
    answers: dict[int, tuple[int, int]] = {}
    for batch in bank.books.batches_after(after):
        if batch.kind != EventKind.transfers:
            continue
        for event, status in zip(batch.events, batch.statuses):
            identifier = word(event, "id")
            if identifier in wanted and identifier not in answers:
                answers[identifier] = batch.number, int(status)
    return answers


def _state(bank: Bank, transfer_id: int) -> PaymentState:
    from qenex.books import TransferFlags

    record = bank.books.lookup_transfers([transfer_id])[0]
    return PaymentState.HELD if int(record["flags"]) & TransferFlags.pending else PaymentState.POSTED


def _finish_steps(bank: Bank, answers: dict[int, tuple[int, int]]) -> None:
    """Holds whose end is in the journal: give the hold and its payment the state that the ledger has."""
    from qenex.books import CreateTransferStatus, TransferFlags

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
