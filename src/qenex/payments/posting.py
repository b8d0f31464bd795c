"""From routed payments to bookings: record, book, apply. The order of the three commits is what makes a crash harmless.

1. The relational store gets the payment rows with their derived transfer ids and sealed records.
2. The journal gets the transfers, each with the commitment to its record.
3. The relational store gets the outcome, the outbox and the number of the last applied batch, together.

Whatever of this was interrupted, `recover` finishes from the journal, and a repeated order meets its own transfer id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qenex.books import BATCH_MAX, TRANSFER, Answer, TransferFlags
from qenex.crypto import Commitments, canonical_records, commit_records
from qenex.payments.orders import Posted, Routed
from qenex.payments.reasons import reason_of
from qenex.products.accounts import set_words
from qenex.products.bank import Bank
from qenex.storage.relational import OutboxEvent, Outcomes, PaymentBatch, PaymentState
from qenex.values import ID_MAX, derive_id, invariant

FIRST_STEP = "first"
_DERIVED_BITS = 80


@dataclass(slots=True)
class Started:
    """Payments that are recorded and on their way into the journal."""

    routed: Routed
    transfer_ids: list[int]
    rows: NDArray[np.intp]
    """which rows have a transfer in the journal"""
    futures: Sequence[Answer]


def first_transfer_id(payment_id: int) -> int:
    """The id of a payment's first transfer: the payment's milliseconds, then 80 bits derived from its id.

    Ids that begin with the time keep the index of transfers local, however many there are.
    """
    derived = derive_id(payment_id, FIRST_STEP)
    identifier = payment_id >> _DERIVED_BITS << _DERIVED_BITS | derived & (1 << _DERIVED_BITS) - 1
    return identifier if 0 < identifier <= ID_MAX else derived


def post(bank: Bank, routed: Routed) -> Posted:
    """Record, book and apply one batch of any size."""
    return finish(bank, start(bank, routed))


def start(bank: Bank, routed: Routed) -> Started:
    """Steps 1 and 2, without waiting for the journal's sync."""
    payments = routed.payments
    count = len(payments)
    today = bank.today()
    records = _records(routed)
    commitments = commit_records(records)
    transfer_ids = [first_transfer_id(payment_id) for payment_id in payments.ids]
    begun, rejected, awaiting = int(PaymentState.BEGUN), int(PaymentState.REJECTED), int(PaymentState.AWAITING)
    waits = payments.waits if payments.waits is not None else [False] * count
    states = [rejected if reason else awaiting if later else begun for reason, later in zip(payments.reasons, waits)]
    bank.store.begin_payments(
        PaymentBatch(
            ids=payments.ids,
            kinds=[payments.kind] * count,
            customer_ids=routed.owners,
            debtor_account_ids=routed.debit_ids,
            creditor_account_ids=routed.creditor_account_ids,
            transfer_ids=transfer_ids,
            amounts_minor=payments.amounts_minor,
            currencies=payments.currencies,
            booking_dates=[today] * count,
            value_dates=payments.value_days,
            states=states,
            reasons=[reason or "" for reason in payments.reasons],
            end_to_end_ids=payments.unique_ids(),
            records=records,
            salts=commitments.salts,
            file_id=payments.file_id,
            positions=payments.positions,
        )
    )
    rows = np.flatnonzero(np.fromiter(states, np.int64, count) == begun)
    events = transfer_records(routed, transfer_ids, commitments, today)[rows]
    full = commitments.full[rows]
    futures = [
        bank.books.submit(events[at : at + BATCH_MAX], full[at : at + BATCH_MAX])
        for at in range(0, len(rows), BATCH_MAX)
    ]
    return Started(routed, transfer_ids, rows, futures)


def finish(bank: Bank, started: Started) -> Posted:
    """Wait for the journal, then step 3."""
    payments = started.routed.payments
    reasons: list[str | None] = list(payments.reasons)
    leaves = started.routed.leaves
    if started.futures:
        results = np.concatenate([future.result() for future in started.futures])
        last_batch = max(batch_number(future) for future in started.futures)
        # Not numpy's `unique`: its first call loads masked arrays, which costs more than a payment.
        statuses: list[int] = results["status"].tolist()
        answers = {status: reason_of(status) for status in set(statuses)}
        rows = started.rows.tolist()
        decided = [answers[status] for status in statuses]
        for row, reason in zip(rows, decided):
            reasons[row] = reason
        held, posted, rejected = int(PaymentState.HELD), int(PaymentState.POSTED), int(PaymentState.REJECTED)
        bank.store.apply_batches(
            # One less: payments submitted behind these may share their journal batch and be applied a moment later.
            last_batch - 1,
            Outcomes(
                payment_ids=[payments.ids[row] for row in rows],
                customer_ids=[started.routed.owners[row] for row in rows],
                states=[
                    rejected if reason else held if leaves[row] or payments.held else posted
                    for row, reason in zip(rows, decided)
                ],
                reasons=[reason or "" for reason in decided],
                batches=[last_batch] * len(rows),
            ),
            # What has to be told to a rail: the message is made from the payment when it is sent.
            events=[
                OutboxEvent(started.transfer_ids[row], "payment.outgoing", str(payments.ids[row]).encode())
                for row, reason in zip(rows, decided)
                if leaves[row] and not reason and not payments.held
            ],
        )
    waits = payments.waits if payments.waits is not None else [False] * len(payments)
    return Posted(
        statuses=[
            "RJCT" if reason else "PDNG" if later else "ACSP" if leaves[row] or payments.held else "ACSC"
            for row, (reason, later) in enumerate(zip(reasons, waits))
        ],
        reasons=reasons,
        transfer_ids=[None if reason else transfer for reason, transfer in zip(reasons, started.transfer_ids)],
    )


def batch_number(answer: Answer) -> int:
    """The journal batch that a finished submit landed in."""
    invariant(answer.batch_number > 0, "a submit that is answered has its batch")
    return answer.batch_number


def transfer_records(
    routed: Routed, transfer_ids: Sequence[int], commitments: Commitments, today: int
) -> NDArray[np.void]:
    """One ledger record per row, rejected rows included."""
    payments = routed.payments
    count = len(payments)
    events = np.zeros(count, TRANSFER)
    set_words(events, "id", transfer_ids)
    set_words(events, "debit_account_id", routed.debit_ids)
    set_words(events, "credit_account_id", routed.credit_ids)
    set_words(events, "amount", payments.amounts_minor)
    events["user_data_128_lo"], events["user_data_128_hi"] = commitments.words()
    events["user_data_32"] = np.fromiter(payments.value_days, np.uint32, count) | np.uint32(today << 16)
    events["ledger"] = np.fromiter(routed.ledgers, np.uint32, count)
    events["code"] = np.fromiter(routed.codes, np.uint16, count)
    pending = np.fromiter(routed.leaves, np.bool_, count) | payments.held
    events["flags"] = np.where(pending, int(TransferFlags.pending), 0)
    events["timeout"] = payments.timeout_seconds
    return events


def _records(routed: Routed) -> list[bytes]:
    """What only the customer may read, in canonical form. Absent texts are left out."""
    payments = routed.payments
    return canonical_records(
        "payment",
        {
            "creditor": payments.creditors,
            "creditor_bic": payments.creditor_bics,
            "creditor_name": payments.creditor_names,
            "debtor": payments.debtors,
            "debtor_name": payments.debtor_names,
            "end_to_end_id": payments.end_to_end_ids,
            "remittance": payments.remittances,
        },
    )
