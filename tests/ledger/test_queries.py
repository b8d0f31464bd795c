"""Everything one can ask: lookups, an account's transfers and balances, balances at an instant, queries by field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.worlds import AF, EUR, MAX, SECOND, START, TF, USD, A, T, World

from qenex.ledger import (
    ACCOUNT,
    ACCOUNT_BALANCE,
    BATCH_MAX,
    TRANSFER,
    Account,
    AccountFilter,
    QueryFilter,
    Transfer,
    accounts_list,
    transfers_list,
)

DEBITS, CREDITS, REVERSED = 1, 2, 4


@pytest.fixture(scope="module")
def world(module_engine) -> World:
    """Transfers 1..9 at START + 1 s .. 9 s between accounts 1 and 2, and 10 between 3 and 4 in dollars."""
    world = World(module_engine)
    world.open(1, 2, flags=AF.history)
    world.open(3, 4, ledger=USD)
    account = Account(id=5, ledger=EUR, code=20, user_data_128=1 << 100, user_data_64=7, user_data_32=8)
    assert world.accounts(account, replace(account, id=6, user_data_64=9, ledger=USD)) == [A.created, A.created]
    for n in range(1, 10):
        world.clock.set(START + n * SECOND)
        back = n % 3 == 0
        world.must(
            id=n,
            debit_account_id=2 if back else 1,
            credit_account_id=1 if back else 2,
            amount=n,
            code=1 + n % 2,
            user_data_128=(1 << 127) + n // 2,
            user_data_64=n // 3,
            user_data_32=n // 4,
            flags=TF.pending if n == 4 else 0,
            timeout=100 if n == 4 else 0,
        )
    world.clock.set(START + 10 * SECOND)
    world.must(id=10, debit_account_id=3, credit_account_id=4, ledger=USD, code=9)
    return world


def ids(records) -> list[int]:
    return [event.id for event in (transfers_list(records) if records.dtype == TRANSFER else accounts_list(records))]


def at(n: int) -> int:
    return START + n * SECOND


ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9]


# Lookups


def test_lookups_return_what_is_found_in_the_order_asked_for(world):
    assert ids(world.ledger.lookup_transfers([3, 99, 1, 3, 0, MAX])) == [3, 1, 3]
    assert ids(world.ledger.lookup_accounts([2, 99, 1, 2, 0, MAX])) == [2, 1, 2]
    assert world.ledger.lookup_transfers([]).dtype == TRANSFER
    assert len(world.ledger.lookup_accounts([])) == 0


def test_a_burnt_id_is_not_a_transfer(world):
    assert world.transfer(id=500, debit_account_id=77) == T.debit_account_not_found
    assert ids(world.ledger.lookup_transfers([500])) == []


# Transfers and balances of an account


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, ALL),
        ({"flags": DEBITS}, [1, 2, 4, 5, 7, 8]),
        ({"flags": CREDITS}, [3, 6, 9]),
        ({"flags": DEBITS | CREDITS | REVERSED}, ALL[::-1]),
        ({"flags": CREDITS | REVERSED}, [9, 6, 3]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "flags": DEBITS | CREDITS | REVERSED}, [9, 8]),
        ({"limit": (1 << 32) - 1}, ALL),
        ({"timestamp_min": at(4)}, [4, 5, 6, 7, 8, 9]),
        ({"timestamp_min": at(4) + 1}, [5, 6, 7, 8, 9]),
        ({"timestamp_max": at(4)}, [1, 2, 3, 4]),
        ({"timestamp_max": at(4) - 1}, [1, 2, 3]),
        ({"timestamp_min": at(4), "timestamp_max": at(4)}, [4]),
        ({"timestamp_min": at(20)}, []),
        ({"timestamp_min": 1, "timestamp_max": (1 << 63) - 1}, ALL),
        ({"code": 1}, [2, 4, 6, 8]),
        ({"code": 3}, []),
        ({"user_data_128": (1 << 127) + 2}, [4, 5]),
        ({"user_data_64": 2}, [6, 7, 8]),
        ({"user_data_32": 1}, [4, 5, 6, 7]),
        ({"user_data_64": 2, "code": 1}, [6, 8]),
        ({"user_data_64": 2, "code": 1, "flags": DEBITS}, [8]),
        ({"user_data_64": 2, "user_data_32": 1, "timestamp_max": at(6)}, [6]),
        ({"account_id": 2, "flags": CREDITS}, [1, 2, 4, 5, 7, 8]),
        ({"account_id": 3}, [10]),
        ({"account_id": 99}, []),
    ],
)
def test_the_transfers_of_an_account(world, filter, expected):
    filter = AccountFilter(**{"account_id": 1, **filter})
    assert ids(world.ledger.account_transfers(filter)) == expected
    if filter.account_id in (1, 2):
        balances = world.ledger.account_balances(filter)
        assert balances["timestamp"].tolist() == [at(n) for n in expected]


INVALID_TIMES = [
    {"timestamp_min": (1 << 64) - 1},
    {"timestamp_max": (1 << 64) - 1},
    {"timestamp_min": 1 << 63},
    {"timestamp_max": 1 << 63},
    {"timestamp_min": at(5), "timestamp_max": at(4)},
    {"limit": 0},
]


@pytest.mark.parametrize(
    "change",
    [
        *INVALID_TIMES,
        {"account_id": 0},
        {"account_id": MAX},
        {"flags": 0},
        {"flags": REVERSED},
        {"flags": DEBITS | 8},
        {"flags": DEBITS | 1 << 31},
    ],
)
def test_an_invalid_account_filter_finds_nothing(world, change):
    filter = AccountFilter(**{"account_id": 1, **change})
    assert len(world.ledger.account_transfers(filter)) == 0
    assert len(world.ledger.account_balances(filter)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"limit": -1},
        {"limit": 1 << 32},
        {"flags": 1 << 32},
        {"timestamp_min": -1},
        {"timestamp_max": 1 << 64},
        {"code": 1 << 16},
        {"user_data_32": 1 << 32},
        {"user_data_64": 1 << 64},
        {"user_data_128": 1 << 128},
    ],
)
def test_a_filter_holds_only_what_fits_its_fields(change):
    for build in (lambda: AccountFilter(**{"account_id": 1, **change}), lambda: QueryFilter(**change)):
        with pytest.raises(ValueError):
            build()


@pytest.mark.parametrize("reverse", [False, True])
def test_pages_by_timestamp_join_to_the_whole(world, reverse):
    flags = DEBITS | CREDITS | (REVERSED if reverse else 0)
    found: list[Transfer] = []
    filter = AccountFilter(1, limit=2, flags=flags)
    while page := transfers_list(world.ledger.account_transfers(filter)):
        found += page
        edge = page[-1].timestamp
        change = {"timestamp_max": edge - 1} if reverse else {"timestamp_min": edge + 1}
        filter = replace(filter, **change)
    assert [transfer.id for transfer in found] == (ALL[::-1] if reverse else ALL)


def test_balances_of_a_history_account_are_those_after_each_transfer(world):
    rows = world.history(AccountFilter(1))
    assert rows[:5] == [
        (0, 1, 0, 0, at(1)),
        (0, 3, 0, 0, at(2)),
        (0, 3, 0, 3, at(3)),
        (4, 3, 0, 3, at(4)),
        (4, 8, 0, 3, at(5)),
    ]
    assert world.history(AccountFilter(2, flags=CREDITS, limit=2)) == [(0, 0, 0, 1, at(1)), (0, 0, 0, 3, at(2))]


def test_without_history_there_are_no_balances(world):
    assert len(world.ledger.account_balances(AccountFilter(3))) == 0
    assert world.ledger.account_balances(AccountFilter(3)).dtype == ACCOUNT_BALANCE


def test_expiry_adds_no_row_to_the_balances_but_shows_at_an_instant(engine):
    world = World(engine)
    world.open(1, 2, flags=AF.history)
    world.must(flags=TF.pending, timeout=1)
    world.clock.set(START + 5 * SECOND)
    assert world.ledger.expire(START + 5 * SECOND) == 1
    assert world.history(AccountFilter(1)) == [(10, 0, 0, 0, START + 1)]
    assert world.balances_at(1, START + 5 * SECOND - 1) == (10, 0, 0, 0, START + 1)
    assert world.balances_at(1, START + 5 * SECOND) == (0, 0, 0, 0, START + 5 * SECOND)
    world.clock.advance(1)
    world.must()
    assert world.history(AccountFilter(1))[1:] == [(0, 10, 0, 0, START + 5 * SECOND + 1)]
    assert len(world.ledger.account_transfers(AccountFilter(1))) == 2


# Balances at an instant


def test_balances_at_any_instant_of_any_account(world):
    assert world.balances_at(1, at(1) - 1) == (0, 0, 0, 0, 0)
    assert world.balances_at(1, 0) == (0, 0, 0, 0, 0)
    assert world.balances_at(1, at(1)) == (0, 1, 0, 0, at(1))
    assert world.balances_at(1, at(3) + 5) == (0, 3, 0, 3, at(3))
    assert world.balances_at(1, (1 << 63) - 1) == (4, 1 + 2 + 5 + 7 + 8, 0, 18, at(9))
    assert world.balances_at(3, at(10)) == (0, 10, 0, 0, at(10))
    assert world.balances_at(5, at(10)) == (0, 0, 0, 0, 0)
    assert world.balances_at(99, at(10)) is None


def test_balances_at_every_instant_of_a_long_account(engine):
    """Longer than the distance between two balance marks of the native engine, in both directions."""
    world = World(engine)
    world.open(1, 2)
    count = 3_000
    world.clock.set(START + count)
    statuses = world.transfers(*(world.event(amount=n) for n in range(1, count + 1)))
    assert set(statuses) == {T.created}
    for n in [0, 1, 2, 255, 256, 257, 511, 512, 513, 1_000, 2_559, 2_560, 2_561, 2_999, 3_000]:
        total = n * (n + 1) // 2
        assert world.balances_at(1, START + n) == (0, total, 0, 0, START + n if n else 0)
        assert world.balances_at(2, START + n) == (0, 0, 0, total, START + n if n else 0)


def test_balances_at_an_instant_are_those_of_the_last_event_applied_by_then(engine):
    """An imported transfer may be older than an expiry that was applied before it."""
    world = World(engine)
    world.open(1, 2)
    world.must(flags=TF.pending, timeout=1)
    world.clock.set(START + 5 * SECOND)
    assert world.ledger.expire(START + 5 * SECOND) == 1
    world.clock.set(START + 6 * SECOND)
    world.must(flags=TF.imported, timestamp=START + 2 * SECOND)
    assert world.balances_at(1, START + 2 * SECOND - 1) == (10, 0, 0, 0, START + 1)
    assert world.balances_at(1, START + 2 * SECOND) == (0, 10, 0, 0, START + 2 * SECOND)
    assert world.balances_at(1, START + 5 * SECOND) == (0, 10, 0, 0, START + 2 * SECOND)


@pytest.mark.parametrize("length", [1, 5, 6, 7, 300, 600])
def test_a_chain_taken_back_across_balance_marks_leaves_no_trace(engine, length):
    """250 entries, then chains that are taken back, and at last one that stays."""
    world = World(engine)
    world.open(1, 2, flags=AF.history)
    world.clock.set(START + 1_000)
    assert set(world.transfers(*(world.event(amount=1) for _ in range(250)))) == {T.created}
    for good in (False, False, True):
        world.clock.advance(10_000)
        chain = [world.event(amount=2, flags=TF.linked) for _ in range(length)]
        statuses = world.transfers(*chain, world.event(amount=2, code=1 if good else 0))
        assert set(statuses) == {T.created} if good else statuses[:length] == [T.linked_event_failed] * length
    now = world.clock.now_ns()
    for back in (0, 1, length - 1, length, length + 1, 5_000, 10_000):
        entries = length + 1 - min(back, length + 1)
        expected = (0, 250 + 2 * entries, 0, 0, now - back if entries else START + 1_000)
        assert world.balances_at(1, now - back) == expected
    rows = world.history(AccountFilter(1))
    assert [row[1] for row in rows] == [*range(1, 251), *range(252, 252 + 2 * length + 1, 2)]


@pytest.mark.parametrize("entries_before", [254, 255, 256])
def test_an_import_older_than_an_expiry_is_found_across_a_balance_mark(engine, entries_before):
    """The native engine marks balances every 256 entries of an account; one of these makes the expiry the mark."""
    world = World(engine)
    world.open(1, 2, flags=AF.history)
    world.clock.set(START + 1_000)
    batch = [world.event(flags=TF.pending, timeout=1), *(world.event(amount=1) for _ in range(entries_before - 1))]
    assert set(world.transfers(*batch)) == {T.created}
    world.clock.set(START + 5 * SECOND)
    assert world.ledger.expire(START + 5 * SECOND) == 1
    world.clock.set(START + 6 * SECOND)
    old = world.must(flags=TF.imported, timestamp=START + 2 * SECOND, amount=7)
    posted = entries_before - 1 + 7
    for timestamp in (START + 2 * SECOND, START + 3 * SECOND, START + 5 * SECOND):
        assert world.balances_at(1, timestamp) == (0, posted, 0, 0, START + 2 * SECOND)
    assert world.balances_at(1, START + 2 * SECOND - 1) == (10, posted - 7, 0, 0, START + 1_000)
    for filter in (AccountFilter(1, timestamp_min=START + 2_000), AccountFilter(1, timestamp_max=START + 3 * SECOND)):
        assert ids(world.ledger.account_transfers(filter))[-1] == old
        assert world.history(filter)[-1] == (0, posted, 0, 0, START + 2 * SECOND)


# Queries


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, [*ALL, 10]),
        ({"flags": 1}, [10, *ALL[::-1]]),
        ({"limit": 3}, [1, 2, 3]),
        ({"limit": 3, "flags": 1}, [10, 9, 8]),
        ({"ledger": USD}, [10]),
        ({"ledger": EUR}, ALL),
        ({"ledger": 5}, []),
        ({"code": 2}, [1, 3, 5, 7, 9]),
        ({"code": 2, "flags": 1, "limit": 2}, [9, 7]),
        ({"user_data_128": (1 << 127) + 4}, [8, 9]),
        ({"user_data_128": 4}, []),
        ({"user_data_64": 1}, [3, 4, 5]),
        ({"user_data_64": 1, "flags": 1}, [5, 4, 3]),
        ({"user_data_32": 2}, [8, 9]),
        ({"user_data_32": 2, "user_data_64": 3}, [9]),
        ({"user_data_64": 1, "code": 1, "ledger": EUR}, [4]),
        ({"user_data_64": 1, "ledger": USD}, []),
        ({"timestamp_min": at(3), "timestamp_max": at(5)}, [3, 4, 5]),
        ({"timestamp_min": at(4), "user_data_64": 1}, [4, 5]),
        ({"timestamp_max": at(4), "user_data_64": 1, "flags": 1}, [4, 3]),
        ({"timestamp_max": at(4), "user_data_64": 1, "limit": 1}, [3]),
    ],
)
def test_transfers_by_field(world, filter, expected):
    assert ids(world.ledger.query_transfers(QueryFilter(**filter))) == expected


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"flags": 1}, [6, 5, 4, 3, 2, 1]),
        ({"limit": 1}, [1]),
        ({"ledger": USD}, [3, 4, 6]),
        ({"code": 20}, [5, 6]),
        ({"code": 20, "ledger": EUR}, [5]),
        ({"user_data_128": 1 << 100}, [5, 6]),
        ({"user_data_64": 9}, [6]),
        ({"user_data_32": 8, "flags": 1}, [6, 5]),
        ({"user_data_32": 1}, []),
        ({"timestamp_max": START}, [1, 2]),
        ({"timestamp_min": START + 1}, [3, 4, 5, 6]),
    ],
)
def test_accounts_by_field(world, filter, expected):
    assert ids(world.ledger.query_accounts(QueryFilter(**filter))) == expected


@pytest.mark.parametrize("change", [*INVALID_TIMES, {"flags": 2}, {"flags": 3}, {"flags": 1 << 31}])
def test_an_invalid_query_finds_nothing(world, change):
    assert len(world.ledger.query_transfers(QueryFilter(**change))) == 0
    assert len(world.ledger.query_accounts(QueryFilter(**change))) == 0


def test_a_query_returns_at_most_a_batch(engine):
    world = World(engine)
    world.open(1, 2)
    for _ in range(2):
        assert set(world.transfers(*(world.event(user_data_64=5) for _ in range(5_000)))) == {T.created}
    for limit in (0xFFFF_FFFF, BATCH_MAX):
        assert len(world.ledger.query_transfers(QueryFilter(limit=limit))) == BATCH_MAX
        assert len(world.ledger.query_transfers(QueryFilter(limit=limit, user_data_64=5))) == BATCH_MAX
        assert len(world.ledger.account_transfers(AccountFilter(1, limit=limit))) == BATCH_MAX
    assert world.ledger.query_accounts(QueryFilter()).dtype == ACCOUNT


def test_a_resolution_is_found_by_the_user_data_it_inherits(engine):
    world = World(engine)
    world.open(1, 2)
    hold = world.must(flags=TF.pending, user_data_64=5, user_data_32=6, user_data_128=7)
    post = Transfer(id=2, pending_id=hold, flags=TF.post_pending_transfer, amount=MAX, user_data_32=9)
    assert world.transfers(post) == [T.created]
    assert ids(world.ledger.query_transfers(QueryFilter(user_data_64=5))) == [hold, 2]
    assert ids(world.ledger.query_transfers(QueryFilter(user_data_128=7, flags=1))) == [2, hold]
    assert ids(world.ledger.query_transfers(QueryFilter(user_data_32=6))) == [hold]
    assert ids(world.ledger.account_transfers(AccountFilter(1, user_data_32=9))) == [2]


def test_what_a_chain_took_back_is_not_found(engine):
    world = World(engine)
    world.open(1, 2, flags=AF.history)
    world.must(user_data_64=5)
    assert (
        world.transfers(world.event(user_data_64=5, flags=TF.linked), world.event(code=0))[0] == T.linked_event_failed
    )
    last = world.must(user_data_64=5)
    assert len(world.ledger.query_transfers(QueryFilter(user_data_64=5))) == 2
    assert ids(world.ledger.account_transfers(AccountFilter(1)))[-1:] == [last]
    assert len(world.ledger.account_balances(AccountFilter(2))) == 2
