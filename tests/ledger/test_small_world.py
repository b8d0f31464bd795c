"""Every sequence of a few events in a world of three accounts: no corner of it is left out.

Account 1 may not be overdrawn, account 2 is free, account 3 has an overdraft and a history. Every letter is a batch with
fixed ids, so that repeating a letter is a retry.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from tests.ledger.twins import Twins
from tests.ledger.worlds import AF, KIND, MAX, SECOND, TF

from qenex.ledger import Account, AccountFilter, AccountUpdate, QueryFilter, Transfer

START = 1_000 * SECOND


def move(id_: int, debit: int, credit: int, amount: int, flags: int = 0, timeout: int = 0) -> Transfer:
    return Transfer(
        id=id_,
        debit_account_id=debit,
        credit_account_id=credit,
        amount=amount,
        ledger=1,
        code=1,
        flags=flags,
        timeout=timeout,
    )


def resolve(id_: int, hold: int, flags: int, amount: int) -> Transfer:
    return Transfer(id=id_, pending_id=hold, flags=flags, amount=amount)


def transfers(*events: Transfer) -> Callable[[Twins], object]:
    return lambda twins: twins.create_transfers(list(events))


def update(id_: int, account_id: int, kind: int, value: int = 0) -> Callable[[Twins], object]:
    return lambda twins: twins.update_accounts([AccountUpdate(id=id_, account_id=account_id, kind=kind, value=value)])


def later(twins: Twins) -> object:
    twins.now += SECOND
    return twins.expire(max(twins.now, twins.engines["reference"].last_timestamp))


POST, VOID, HOLD = TF.post_pending_transfer, TF.void_pending_transfer, TF.pending

ALPHABET: dict[str, Callable[[Twins], object]] = {
    "fund": transfers(move(1, 2, 1, 5)),
    "pay": transfers(move(2, 1, 2, 5)),
    "hold for a second": transfers(move(3, 1, 3, 3, HOLD, timeout=1)),
    "hold and close": transfers(move(4, 3, 2, 1, HOLD | TF.closing_debit)),
    "post all": transfers(resolve(5, 3, POST, MAX)),
    "post a part": transfers(resolve(6, 3, POST, 1)),
    "void": transfers(resolve(7, 3, VOID, 0)),
    "reopen": transfers(resolve(8, 4, VOID, 0)),
    "both or none": transfers(move(9, 1, 3, 1, TF.linked), move(10, 3, 2, 4)),
    "hold, post at once": transfers(move(11, 2, 3, 2, HOLD | TF.linked), resolve(12, 11, POST, MAX)),
    "sweep out": transfers(move(13, 1, 2, MAX, TF.balancing_debit)),
    "later": later,
    "freeze": update(1, 1, KIND.freeze_debits),
    "unfreeze": update(2, 1, KIND.unfreeze),
    "raise the limit": update(3, 3, KIND.set_limit, 10),
}


def play(words: tuple[str, ...]) -> None:
    twins = Twins(START)
    twins.create_accounts(
        [
            Account(id=1, ledger=1, code=1, flags=AF.debits_must_not_exceed_credits),
            Account(id=2, ledger=1, code=1),
            Account(id=3, ledger=1, code=1, flags=AF.overdraft | AF.history, user_data_64=2),
        ]
    )
    twins.now += 10
    for word in words:
        ALPHABET[word](twins)
        twins.check_invariants()
    twins.check_queries([1, 2, 3, *range(4, 14)], [AccountFilter(id_) for id_ in (1, 2, 3)], [QueryFilter()])
    last = twins.engines["reference"].last_timestamp
    for id_ in (1, 2, 3):
        twins.check_balance_at(id_, [START + 9, last - 1, last])
    twins.check_hashes()


def test_all_pairs_of_events_answer_the_same_in_every_engine():
    for words in product(ALPHABET, repeat=2):
        play(words)


@pytest.mark.parametrize("first", ALPHABET)
def test_all_sequences_of_three_events_answer_the_same_in_every_engine(first):
    for words in product([first], ALPHABET, ALPHABET):
        play(words)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", ALPHABET)
def test_all_sequences_of_four_events_answer_the_same_in_every_engine(first):
    for words in product([first], ALPHABET, ALPHABET, ALPHABET):
        play(words)
