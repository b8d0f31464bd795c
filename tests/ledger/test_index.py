"""Ids whose hashes agree in the 32 bits that the native engine's index keeps are told apart by their records.

The hash is the core's (core/src/internal.h, hash_id), written again here, so that colliding ids can be searched for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.ledger.worlds import EUR, KIND, MAX, SECOND, START, TF, T, U, World, move

from qenex.ledger import Account, AccountUpdate, Ledger, QueryFilter, Transfer, accounts_array, transfers_array
from qenex.ledger.native import SEGMENT_SLOTS, NativeLedger
from qenex.values.clock import ManualClock

SEED = bytes(range(1, 17))
TRANSFER, RESOLVER, UPDATE, ACCOUNT = range(4)
MASK = np.uint64(0xFFFF_FFFF)


def mix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Low half xor high half of the 128-bit products."""
    a_low, a_high, b_low, b_high = a & MASK, a >> np.uint64(32), b & MASK, b >> np.uint64(32)
    low, first, second, high = a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high
    middle = (low >> np.uint64(32)) + (first & MASK) + (second & MASK)
    top = high + (first >> np.uint64(32)) + (second >> np.uint64(32)) + (middle >> np.uint64(32))
    return (a * b) ^ top


def hashes(ids: np.ndarray, key: int) -> np.ndarray:
    seed = np.frombuffer(SEED, dtype="<u8")
    a = np.uint64(int(seed[0]) ^ (key * 0x9E3779B97F4A7C15 & (1 << 64) - 1))
    first = mix(ids ^ a ^ np.uint64(0xA0761D6478BD642F), np.full_like(ids, seed[1] ^ np.uint64(0xE7037ED1A0B428DB)))
    return mix(first ^ seed[1], ids ^ a ^ np.uint64(0x8EBC6AF09C88C6E3))


def colliding(key: int) -> list[tuple[int, int]]:
    """Pairs of ids that the index keeps under the same 32 bits."""
    ids = np.arange(1, 400_000, dtype=np.uint64)
    tops = hashes(ids, key) >> np.uint64(32)
    order = np.argsort(tops, kind="stable")
    same = np.flatnonzero(tops[order][1:] == tops[order][:-1])
    pairs = [(int(ids[order[n]]), int(ids[order[n + 1]])) for n in same]
    assert len(pairs) >= 5
    return pairs[:8]


@pytest.fixture(params=[False, True], ids=["in memory", "sealed"])
def world(request) -> World:
    """A native ledger with the known seed; in the second one every batch is sealed at once."""
    world = World("native")
    engine = NativeLedger(SEED)
    if request.param:
        decide = engine.apply

        def apply(*arguments, **named):
            applied = decide(*arguments, **named)
            engine.seal()
            return applied

        engine.apply = apply
    world.ledger._engine = engine
    return world


def test_the_hash_written_here_is_the_cores():
    engine = NativeLedger(SEED)
    ids = [1, 7, 399_999]
    engine.create_accounts(accounts_array([Account(id=id_, ledger=EUR, code=1) for id_ in (1, 2)]), 10)
    engine.create_transfers(transfers_array([move(id_) for id_ in ids]), 20)
    engine.seal()
    expected = sorted(int(value) >> 32 for value in hashes(np.array(ids, dtype=np.uint64), TRANSFER))
    assert [int(entry) >> 32 for entry in engine.run_list[0].ids] == expected


def test_transfers_with_colliding_ids(world):
    world.open(1, 2)
    for one, other in colliding(TRANSFER):
        assert world.transfers(move(one)) == [T.created]
        assert [transfer.id for transfer in world.stored(one, other)] == [one]
        assert world.transfers(replace(move(other), debit_account_id=77)) == [T.debit_account_not_found]
        assert world.transfers(move(other), move(one)) == [T.id_already_failed, T.exists]
        assert [transfer.id for transfer in world.stored(other, one)] == [one]
    for one, other in colliding(TRANSFER):
        assert world.transfers(replace(move(one), code=2)) == [T.exists_with_different_code]
        assert world.transfers(replace(move(other), code=2)) == [T.id_already_failed]


def test_a_chain_taken_back_leaves_the_colliding_neighbour(world):
    world.open(1, 2)
    for one, other in colliding(TRANSFER):
        kept, chain, bad = move(one), replace(move(other), flags=TF.linked), world.event(code=0)
        assert world.transfers(kept, chain, bad) == [T.created, T.linked_event_failed, T.code_must_not_be_zero]
        assert [transfer.id for transfer in world.stored(one, other)] == [one]
        assert world.transfers(move(other)) == [T.created]
        assert [transfer.id for transfer in world.stored(one, other)] == [one, other]


def test_holds_whose_resolutions_collide(world):
    world.open(1, 2)
    for one, other in colliding(RESOLVER):
        hold = replace(move(one), flags=TF.pending)
        assert world.transfers(hold, replace(hold, id=other)) == [T.created, T.created]
        post = Transfer(id=world.new_id(), pending_id=one, flags=TF.post_pending_transfer, amount=MAX)
        void = Transfer(id=world.new_id(), pending_id=other, flags=TF.void_pending_transfer)
        assert world.transfers(post) == [T.created]
        assert world.transfers(void) == [T.created]
        again = [replace(post, id=world.new_id()), replace(void, id=world.new_id())]
        assert world.transfers(*again) == [T.pending_transfer_already_posted, T.pending_transfer_already_voided]


def test_accounts_with_colliding_ids(world):
    for one, other in colliding(ACCOUNT):
        world.open(one)
        assert world.transfer(debit_account_id=one, credit_account_id=other) == T.credit_account_not_found
        assert len(world.ledger.lookup_accounts([other, one])) == 1
        world.open(other)
        world.must(debit_account_id=one, credit_account_id=other, amount=one)
        assert world.balances(one) == (0, one, 0, 0)
        assert world.balances(other) == (0, 0, 0, one)


def test_updates_with_colliding_ids(world):
    world.open(1)
    for one, other in colliding(UPDATE):
        updates = [AccountUpdate(id=id_, account_id=1, kind=KIND.unfreeze) for id_ in (one, other, one)]
        assert world.updates(*updates) == [U.created, U.created, U.exists]


def test_an_update_and_a_transfer_may_have_the_same_id(world):
    world.open(1, 2)
    for id_ in range(100, 120):
        assert world.updates(AccountUpdate(id=id_, account_id=1, kind=KIND.unfreeze)) == [U.created]
        assert world.stored(id_) == []
        assert world.transfer(id=id_) == T.created
        assert world.updates(AccountUpdate(id=id_, account_id=1, kind=KIND.unfreeze)) == [U.exists]
        assert len(world.stored(id_)) == 1


def test_a_batch_at_the_edge_of_a_segment_is_kept_whole():
    """Records are kept in segments of 2^21; a batch that does not fit into the rest begins the next one."""
    for before_the_edge in (1, 7, 8, 9, 15, 16, 17):
        clock = ManualClock(START)
        ledger = Ledger("native", clock=clock)
        engine = ledger.engine
        engine._next_slot = SEGMENT_SLOTS - before_the_edge
        ledger.create_accounts([Account(id=id_, ledger=EUR, code=1) for id_ in (1, 2)])
        for n in range(6):
            batch = [replace(move(8 * n + k + 1), flags=TF.pending if k < 4 else 0, timeout=k % 2) for k in range(4)]
            batch += [
                Transfer(id=8 * n + k + 5, pending_id=8 * n + k + 1, flags=TF.void_pending_transfer) for k in range(2)
            ]
            assert ledger.create_transfers(batch).tolist() == [T.created] * 6
            clock.advance(2 * SECOND)
            ledger.expire(clock.now_ns())
        assert engine._next_slot > SEGMENT_SLOTS
        assert len(ledger.query_transfers(QueryFilter())) == 36
        assert len(ledger.lookup_transfers(list(range(1, 49)))) == 36
