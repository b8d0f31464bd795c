"""Accounts with tens of thousands of entries: every query of the native engine agrees with the specification.

The native engine walks an account's chain between balance marks (one every 256 entries) and gives up on a short cut after
64 of them; short histories never get there.
"""

from __future__ import annotations

from random import Random

import pytest
from tests.ledger.twins import Twins
from tests.ledger.worlds import AF, MAX, SECOND, TF

from qenex.ledger import Account, AccountFilter, QueryFilter, Transfer

START = 1_000 * SECOND
BATCH = 6_000


def grown(random: Random, batches: int) -> Twins:
    """Account 1 is in every transfer; holds are posted, voided or expire; some amounts are balanced."""
    twins = Twins(START)
    twins.create_accounts([Account(id=id_, ledger=1, code=1, flags=AF.history) for id_ in (1, 2, 3)])
    holds: list[int] = []
    next_id = 0
    for _ in range(batches):
        twins.now += 3 * SECOND
        events = []
        for _ in range(BATCH):
            next_id += 1
            what = random.randrange(20)
            sides = random.choice([(1, 2), (1, 2), (2, 1), (3, 1)])
            event = Transfer(
                id=next_id,
                debit_account_id=sides[0],
                credit_account_id=sides[1],
                amount=random.randrange(1_000),
                ledger=1,
                code=random.choice([1, 1, 2, 3]),
                user_data_64=random.choice([0, 0, 0, next_id % 50]),
                user_data_128=random.choice([0, 0, 0, 1 << 70]),
            )
            if what == 0 and holds:
                flags = random.choice([TF.post_pending_transfer, TF.void_pending_transfer])
                amount = MAX if flags == TF.post_pending_transfer else 0
                event = Transfer(id=next_id, pending_id=holds.pop(), amount=amount, flags=flags)
            elif what in (1, 2):
                timeout = random.choice([0, 1, 2])
                event = Transfer(**{**_fields(event), "flags": TF.pending, "timeout": timeout})
                holds.append(next_id)
            elif what == 3:
                event = Transfer(**{**_fields(event), "flags": TF.balancing_debit})
            events.append(event)
        twins.create_transfers(events)
        twins.expire(twins.now + SECOND)
        twins.now += 2 * SECOND
    return twins


def _fields(event: Transfer) -> dict[str, int]:
    return {name: getattr(event, name) for name in Transfer.__slots__}


def check(twins: Twins, random: Random, questions: int) -> None:
    movements = twins.engines["reference"]._state.movements
    times = [movement.timestamp for movement in movements]

    def time() -> int:
        return random.choice([0, random.choice(times), random.choice(times) + random.choice([-1, 0, 1])])

    filters, queries = [], []
    for _ in range(questions):
        low, high = sorted([time(), time()])
        limit = random.choice([1, 2, 10, 255, 256, 257, 3_000, 8_190])
        fields = {
            "code": random.choice([0, 0, 2]),
            "user_data_64": random.choice([0, 0, 7]),
            "user_data_128": random.choice([0, 0, 0, 1 << 70]),
            "timestamp_min": low,
            "timestamp_max": random.choice([0, high]),
            "limit": limit,
        }
        filters.append(AccountFilter(random.choice([1, 1, 2, 3]), flags=random.choice([1, 2, 3, 5, 6, 7]), **fields))
        queries.append(QueryFilter(flags=random.choice([0, 1]), **fields))
    twins.check_queries([1, 2, 3], filters, queries)
    for account_id in (1, 2, 3):
        twins.check_balance_at(account_id, [time() for _ in range(questions)])
    twins.check_invariants()


@pytest.mark.parametrize("seed", [1])
def test_long_accounts_answer_the_same_in_every_engine(seed):
    random = Random(seed)
    check(grown(random, batches=4), random, questions=12)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", range(10, 30))
def test_very_long_accounts_answer_the_same_in_every_engine(seed):
    random = Random(seed)
    check(grown(random, batches=12), random, questions=60)
