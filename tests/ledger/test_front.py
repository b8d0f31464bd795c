"""The Python door of the ledger: what it takes, what it refuses, and that a refusal leaves everything as it was."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ledger.worlds import A, T, U, World, move

from qenex.ledger import (
    ACCOUNT,
    BATCH_MAX,
    RESULT,
    TRANSFER,
    Account,
    AccountUpdate,
    AccountUpdateKind,
    BatchTooLarge,
    CreateTransferStatus,
    Ledger,
    LedgerEntry,
    Side,
    Transfer,
    TransferFlags,
    account_updates_array,
    accounts_array,
    entries,
    ids_array,
    transfers_array,
)


@pytest.fixture
def world(engine) -> World:
    world = World(engine)
    world.open(1, 2)
    return world


def test_statuses_are_uint32_and_results_are_records(world):
    statuses = world.ledger.create_transfers([move(1), move(1)])
    assert statuses.dtype == np.uint32
    assert statuses.tolist() == [T.created, T.exists]
    assert world.ledger.create_transfers_results([move(2)]).dtype == RESULT
    assert world.ledger.create_accounts_results([]).dtype == RESULT
    assert world.ledger.update_accounts([]).dtype == np.uint32


def test_arrays_and_lists_of_events_mean_the_same(engine):
    worlds = [World(engine), World(engine)]
    accounts = [Account(id=id_, ledger=978, code=1) for id_ in (1, 2)]
    updates = [AccountUpdate(id=1, account_id=1, kind=AccountUpdateKind.freeze_credits)]
    transfers = [move(1), move(2)]
    worlds[0].ledger.create_accounts(accounts)
    worlds[1].ledger.create_accounts(accounts_array(accounts))
    worlds[0].ledger.update_accounts(updates)
    worlds[1].ledger.update_accounts(account_updates_array(updates))
    worlds[0].ledger.create_transfers(iter(transfers))
    worlds[1].ledger.create_transfers(transfers_array(transfers))
    assert worlds[0].ledger.state_hash() == worlds[1].ledger.state_hash()


def test_a_batch_is_neither_changed_nor_kept(world):
    batch = transfers_array([move(1), move(2)])
    before = batch.copy()
    batch.flags.writeable = False
    world.ledger.create_transfers(batch)
    assert (batch == before).all()
    batch.flags.writeable = True
    batch["amount_lo"] = 99
    assert [transfer.amount for transfer in world.stored(1, 2)] == [10, 10]


def test_arrays_with_gaps_between_the_records_are_taken_too(world):
    batch = transfers_array([move(n) for n in range(1, 9)])
    assert world.ledger.create_transfers(batch[::2]).tolist() == [T.created] * 4
    assert world.ledger.create_transfers(batch[::-1]).tolist() == [T.created, T.exists] * 4
    assert [transfer.id for transfer in world.stored(*range(9))] == list(range(1, 9))


@pytest.mark.parametrize("as_array", [False, True])
def test_more_than_a_batch_is_refused_and_nothing_of_it_is_applied(world, as_array):
    before = world.ledger.state_hash()
    transfers = [move(n + 1) for n in range(BATCH_MAX + 1)]
    with pytest.raises(BatchTooLarge) as refused:
        world.ledger.create_transfers(transfers_array(transfers) if as_array else transfers)
    assert refused.value.count == BATCH_MAX + 1
    with pytest.raises(BatchTooLarge):
        world.ledger.create_accounts(np.zeros(BATCH_MAX + 1, dtype=ACCOUNT))
    assert world.ledger.state_hash() == before
    assert world.transfers(*transfers[:BATCH_MAX]) == [T.created] * BATCH_MAX


@pytest.mark.parametrize(
    ("events", "error"),
    [
        (np.zeros(3, dtype=ACCOUNT), TypeError),
        (np.zeros(3, dtype=np.uint8), TypeError),
        (np.zeros((2, 2), dtype=TRANSFER), ValueError),
        (np.zeros((), dtype=TRANSFER), ValueError),
        ([Account(id=1, ledger=1, code=1)], TypeError),
        ([move(1), 5], TypeError),
        (move(1), TypeError),
        (b"x" * 128, TypeError),
        ("transfer", TypeError),
        (None, TypeError),
        (5, TypeError),
        ([move(1 << 128)], ValueError),
    ],
)
def test_what_is_no_batch_of_transfers_is_refused(world, events, error):
    before = world.ledger.state_hash()
    with pytest.raises(error):
        world.ledger.create_transfers(events)
    assert world.ledger.state_hash() == before


@pytest.mark.parametrize(
    "ids",
    [
        [2, 1 << 64, 1],
        (2, 1 << 64, 1),
        [np.uint64(2), 1 << 64, np.int32(1)],
        np.array([[2, 0], [0, 1], [1, 0]], dtype=np.uint64),
        np.array([[2, 9, 0, 9], [0, 9, 1, 9], [1, 9, 0, 9]], dtype=np.uint64)[:, ::2],
    ],
)
def test_ids_are_ints_or_pairs_of_low_and_high(world, ids):
    world.open(1 << 64)
    found = world.ledger.lookup_accounts(ids)
    assert ids_array(found).tolist() == [[2, 0], [0, 1], [1, 0]]
    assert len(world.ledger.lookup_accounts(found)) == 3


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        (["1"], TypeError),
        ([1.0], TypeError),
        ([-1], ValueError),
        ([1 << 128], ValueError),
        (np.zeros((2, 3), dtype=np.uint64), ValueError),
        (np.zeros(2, dtype=np.uint64), ValueError),
        (np.zeros((2, 2), dtype=np.int64), TypeError),
        (np.zeros(2, dtype=RESULT), TypeError),
    ],
)
def test_what_are_no_ids_is_refused(world, ids, error):
    with pytest.raises(error):
        world.ledger.lookup_accounts(ids)


def test_single_events_have_plain_answers(world):
    ledger = world.ledger
    assert ledger.create_account(Account(id=7, ledger=978, code=1)) is A.created
    assert ledger.create_transfer(move(1)) is T.created
    assert ledger.create_transfer(move(1)) is T.exists
    update = AccountUpdate(id=1, account_id=7, kind=AccountUpdateKind.freeze_debits)
    assert ledger.update_account(update) is U.created
    account, transfer = ledger.account(2), ledger.transfer(1)
    assert account is not None
    assert account.credits_posted == 10
    assert transfer is not None
    assert transfer.amount == 10
    assert ledger.account(99) is None
    assert ledger.transfer(99) is None


def test_an_entry_is_one_side_of_a_transfer(world):
    world.must(id=5)
    transfer = world.stored(5)[0]
    debit, credit = entries(transfer)
    assert debit == LedgerEntry(1, Side.debit, 10, transfer)
    assert credit == LedgerEntry(2, Side.credit, 10, transfer)
    with pytest.raises(AttributeError):
        debit.amount = 11  # type: ignore[misc]


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="engine"):
        Ledger("fast")  # type: ignore[arg-type]


def test_the_machines_clock_is_the_default(engine):
    ledger = Ledger(engine)
    ledger.create_account(Account(id=1, ledger=1, code=1))
    assert ledger.last_timestamp > 1_700_000_000_000_000_000


def test_two_ledgers_share_nothing(engine):
    one, other = World(engine), World(engine)
    one.open(1, 2)
    one.must()
    assert len(other.ledger.lookup_accounts([1, 2])) == 0
    assert other.ledger.last_timestamp == 0


def test_all_flags_of_a_transfer_can_be_combined_by_name():
    assert Transfer(id=1, flags=TransferFlags.linked | TransferFlags.pending).flags == 3
    assert CreateTransferStatus(1000).name == "debit_account_frozen"
