"""Payments that are recorded but not booked: those that waited for their day, and those that a crash overtook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qenex.books import BATCH_MAX, TRANSFER, TransferFlags
from qenex.crypto import commitment
from qenex.payments.posting import batch_number
from qenex.payments.reasons import NOT_SPECIFIED_BY_BANK, reason_of
from qenex.products.accounts import ensure_currency, set_words
from qenex.products.bank import Bank
from qenex.products.business_day import packed_dates
from qenex.products.chart import CLEARING, BookingCode
from qenex.storage.relational import Outcomes, PaymentRow, PaymentState
from qenex.values import Currency, currency, invariant

HASH_BYTES = 32


def execute_due(bank: Bank) -> int:
    """Book every payment whose day has come, and note which holds ran out. Returns how many payments were due."""
    _note_expired(bank)
    due = bank.store.awaiting(bank.today())
    for start in range(0, len(due), BATCH_MAX):
        rows = due[start : start + BATCH_MAX]
        bank.store.begin_awaiting([row.id for row in rows], [row.customer_id for row in rows], bank.today())
        carry_out(bank, rows)
    return len(due)


def _note_expired(bank: Bank) -> None:
    """Let the ledger release the holds that are due, and give them and their payments the state that they now have."""
    now = bank.clock.now_ns()
    due = [hold for hold in bank.store.holds() if 0 < hold.expires_ns <= now]
    if not due or now < bank.books.last_timestamp:
        return
    while bank.books.expire(now):
        pass
    batch = bank.books.last_batch
    payments = bank.store.payments_by_transfer(
        [hold.transfer_id for hold in due], [hold.debit_account_id for hold in due]
    )
    waiting = [row for row in payments.values() if row.state is PaymentState.HELD]
    bank.store.apply_batches(
        batch,
        Outcomes(
            payment_ids=[row.id for row in waiting],
            customer_ids=[row.customer_id for row in waiting],
            states=[int(PaymentState.RETURNED)] * len(waiting),
            reasons=[""] * len(waiting),
            batches=[batch] * len(waiting),
        ),
    )
    for hold in due:
        bank.store.set_hold(hold.transfer_id, hold.debit_account_id, "expired")


def carry_out(bank: Bank, rows: Sequence[PaymentRow]) -> None:
    """Steps 2 and 3 of credit transfers that are in the store and not in the journal.

    A row whose customer has been erased since cannot prove its record any more and is given up.
    """
    for start in range(0, len(rows), BATCH_MAX):
        part = rows[start : start + BATCH_MAX]
        salted = bank.store.salted_records(part)
        kept = [(row, commitment(*pair)) for row, pair in zip(part, salted) if pair is not None]
        lost = [row for row, pair in zip(part, salted) if pair is None]
        answered: list[str | None] = []
        batch = 0
        if kept:
            events = _records(bank, [row for row, _ in kept])
            full = np.frombuffer(b"".join(digest for _, digest in kept), np.uint8).reshape(-1, HASH_BYTES)
            words = full.view("<u8")
            events["user_data_128_lo"], events["user_data_128_hi"] = words[:, 0], words[:, 1]
            future = bank.books.submit(events, full)
            answered = [reason_of(status) for status in future.result()["status"].tolist()]
            batch = batch_number(future)
        booked = [row for row, _ in kept]
        states = [
            PaymentState.REJECTED if reason else PaymentState.POSTED if row.creditor_account_id else PaymentState.HELD
            for row, reason in zip(booked, answered)
        ]
        bank.store.apply_batches(
            batch,
            Outcomes(
                payment_ids=[row.id for row in [*booked, *lost]],
                customer_ids=[row.customer_id for row in [*booked, *lost]],
                states=[int(state) for state in states] + [int(PaymentState.REJECTED)] * len(lost),
                reasons=[reason or "" for reason in answered] + [NOT_SPECIFIED_BY_BANK] * len(lost),
                batches=[batch] * len(booked) + [0] * len(lost),
            ),
        )


def _records(bank: Bank, rows: Sequence[PaymentRow]) -> NDArray[np.void]:
    today = bank.today()
    moneys: dict[str, Currency] = {}
    for code in {row.currency for row in rows}:
        money = currency(code)
        invariant(isinstance(money, Currency), "a recorded payment has a currency")
        assert isinstance(money, Currency)
        ensure_currency(bank, money)
        moneys[code] = money
    events = np.zeros(len(rows), TRANSFER)
    set_words(events, "id", [row.transfer_id for row in rows])
    set_words(events, "debit_account_id", [row.debtor_account_id for row in rows])
    set_words(
        events,
        "credit_account_id",
        [row.creditor_account_id or CLEARING.ledger_id(moneys[row.currency]) for row in rows],
    )
    set_words(events, "amount", [row.amount_minor for row in rows])
    events["ledger"] = [moneys[row.currency].numeric for row in rows]
    events["code"] = [BookingCode.TRANSFER if row.creditor_account_id else BookingCode.OUTGOING for row in rows]
    events["flags"] = [0 if row.creditor_account_id else int(TransferFlags.pending) for row in rows]
    events["user_data_32"] = [packed_dates(today, row.value_date) for row in rows]
    return events
