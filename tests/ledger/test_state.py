"""The canonical state: byte for byte as docs/ledger.md says, and equal whenever the ledgers are."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tests.ledger.worlds import AF, KIND, MAX, SECOND, TF, World, move

from qenex.ledger import (
    Account,
    AccountUpdate,
    Transfer,
    account_updates_array,
    accounts_array,
    new_engine,
    transfers_array,
)


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def u128(value: int) -> bytes:
    return value.to_bytes(16, "little")


def test_the_state_of_an_empty_ledger(engine):
    ledger = new_engine(engine)
    expected = b"QENEX-STATE-1\n" + bytes(7 * 8)
    assert b"".join(ledger.state_bytes()) == expected
    assert ledger.state_hash() == hashlib.sha256(expected).digest()


def test_the_state_of_a_small_ledger_byte_for_byte(engine):
    ledger = new_engine(engine)
    first = Account(id=(1 << 64) + 5, ledger=978, code=1)
    second = Account(id=2, ledger=978, code=2, flags=AF.overdraft, user_data_64=77)
    ledger.create_accounts(accounts_array([first, second]), 100)
    ledger.update_accounts(
        account_updates_array(
            [
                AccountUpdate(id=9, account_id=2, kind=KIND.set_limit, value=1 << 100),
                AccountUpdate(id=8, account_id=2, kind=KIND.freeze_credits),
                AccountUpdate(id=7, account_id=99, kind=KIND.freeze_debits),
                AccountUpdate(id=6, account_id=first.id, kind=KIND.freeze_credits),
            ]
        ),
        200,
    )
    hold = Transfer(
        id=30, debit_account_id=2, credit_account_id=first.id, amount=4, timeout=3, ledger=978, code=1, flags=TF.pending
    )
    ledger.update_accounts(account_updates_array([AccountUpdate(id=5, account_id=first.id, kind=KIND.unfreeze)]), 201)
    ledger.create_transfers(
        transfers_array(
            [
                hold,
                replace(hold, id=29, timeout=0, amount=5),
                replace(hold, id=31, debit_account_id=50),
                replace(hold, id=28, debit_account_id=51),
                replace(hold, id=27, debit_account_id=first.id, credit_account_id=2, flags=0, timeout=0),
                replace(hold, id=26, flags=0, timeout=0, amount=1),
                Transfer(id=25, pending_id=29, flags=TF.void_pending_transfer),
                replace(hold, id=24, timeout=0, amount=6),
            ]
        ),
        308,
    )
    expected = b"".join(
        [
            b"QENEX-STATE-1\n",
            u64(308) + u64(100) + u64(308),
            u64(2),
            replace(first, credits_pending=10, credits_posted=1, timestamp=99).pack() + u128(0) + u64(0),
            replace(second, debits_pending=10, debits_posted=1, timestamp=100).pack() + u128(1 << 100) + u64(2),
            u64(2),
            u128(30) + u64(301) + u64(301 + 3 * SECOND) + u128(4),
            u128(24) + u64(308) + u64(0) + u128(6),
            u64(3),
            u128(31) + u128(28) + u128(27),
            u64(4),
            u128(9) + u128(8) + u128(6) + u128(5),
        ]
    )
    assert b"".join(ledger.state_bytes()) == expected
    assert ledger.state_hash() == hashlib.sha256(expected).digest()
    assert ledger.last_timestamp == 308


def test_every_change_changes_the_hash(engine):
    world = World(engine)
    world.open(1, 2)
    world.open(3, flags=AF.overdraft)
    hashes = [world.ledger.state_hash()]

    def changed() -> None:
        hashes.append(world.ledger.state_hash())

    world.must(flags=TF.pending, timeout=1, amount=0)
    changed()
    world.transfer(debit_account_id=77)
    changed()
    world.transfer(code=0)
    changed()
    world.update(3, KIND.set_limit, MAX)
    changed()
    world.update(3, KIND.unfreeze)
    changed()
    world.must(flags=TF.pending | TF.closing_debit, amount=0)
    changed()
    world.ledger.expire(world.clock.now_ns() + 10 * SECOND)
    changed()
    assert len(set(hashes)) == len(hashes)


def test_asking_changes_nothing(engine):
    world = World(engine)
    world.open(1, 2)
    world.must()
    before = world.ledger.state_hash()
    world.stored(1)
    world.balances_at(1, 5)
    assert b"".join(world.ledger.state_bytes()) == b"".join(world.ledger.state_bytes())
    assert world.ledger.state_hash() == before


def test_the_same_batches_at_the_same_times_give_the_same_state(engine):
    ledgers = [new_engine(engine) for _ in range(2)]
    for ledger in ledgers:
        ledger.create_accounts(accounts_array([Account(id=id_, ledger=978, code=1) for id_ in (1, 2)]), 10)
        ledger.create_transfers(transfers_array([move(n) for n in range(1, 100)]), 1_000)
    assert ledgers[0].state_hash() == ledgers[1].state_hash()
