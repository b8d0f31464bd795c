"""Whatever anyone does, in any order: the native engine answers what the specification answers.

A world of few ids and many edges, so that events meet: the same id again, holds resolved twice, sums that overflow.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.ledger.twins import ACCOUNT_IDS, EDGES, SMALL_AND_EDGES, TRANSFER_IDS, Twins
from tests.ledger.worlds import AF, MAX, SECOND, TF

from qenex.ledger import Account, AccountFilter, AccountUpdate, QueryFilter, Transfer
from qenex.ledger.reference import Hold

START = 1_000 * SECOND


def mostly(usual: list[int], rare: list[int]) -> st.SearchStrategy[int]:
    """One of `usual`, and now and then one of `rare`."""
    return st.sampled_from(usual * (1 + 8 * len(rare) // len(usual)) + rare)


def flags(usual: list[int], rare: list[int]) -> st.SearchStrategy[int]:
    return st.one_of(
        mostly(usual, rare),
        st.lists(st.sampled_from(usual + rare), max_size=3).map(lambda some: int(sum({*some})) & 0xFFFF),
    )


account_ids = mostly(ACCOUNT_IDS, [0, MAX, 77])
transfer_ids = mostly(TRANSFER_IDS, [0, MAX])
amounts = st.one_of(st.sampled_from([1, 2, 3, 5, 10, 100]), st.sampled_from(EDGES), st.sampled_from(SMALL_AND_EDGES))
user_data = {
    "user_data_128": mostly([0], [1, 1 << 64, MAX]),
    "user_data_64": mostly([0], [1, (1 << 64) - 1]),
    "user_data_32": mostly([0], [1, (1 << 32) - 1]),
}
ledgers = mostly([1], [0, 2])
codes = mostly([1], [0, 2, (1 << 16) - 1])
timestamps = mostly([0], [1, START - 500, START - 499, START + 10, START + 5 * SECOND, (1 << 63) - 1, 1 << 63])

accounts = st.builds(
    Account,
    id=account_ids,
    ledger=mostly([1], [0, 2]),
    code=codes,
    flags=flags(
        [0, 0, AF.history, AF.linked, AF.debits_must_not_exceed_credits, AF.credits_must_not_exceed_debits],
        [AF.overdraft, AF.closed, AF.imported, 1 << 6, 1 << 14],
    ),
    user_data_128=user_data["user_data_128"],
    user_data_64=mostly([0, 5], [1, (1 << 64) - 1]),
    user_data_32=user_data["user_data_32"],
    debits_pending=mostly([0], [1]),
    debits_posted=mostly([0], [1]),
    credits_pending=mostly([0], [1]),
    credits_posted=mostly([0], [1]),
    reserved=mostly([0], [1]),
    timestamp=timestamps,
)

moves = st.builds(
    Transfer,
    id=transfer_ids,
    debit_account_id=account_ids,
    credit_account_id=account_ids,
    amount=amounts,
    pending_id=mostly([0], [1, MAX]),
    **user_data,
    timeout=mostly([0], [1, 2, (1 << 32) - 1]),
    ledger=ledgers,
    code=codes,
    flags=flags(
        [0, 0, TF.linked, TF.pending],
        [
            TF.balancing_debit,
            TF.balancing_credit,
            TF.pending | TF.closing_debit,
            TF.pending | TF.closing_credit,
            TF.imported,
            1 << 9,
            1 << 14,
            1 << 15,
        ],
    ),
    timestamp=timestamps,
)

# Holds with a timeout, so that expiry has something to do.
holds = st.builds(
    Transfer,
    id=transfer_ids,
    debit_account_id=st.sampled_from(ACCOUNT_IDS[:4]),
    credit_account_id=st.sampled_from(ACCOUNT_IDS[:4]),
    amount=st.sampled_from([0, 1, 10, 1 << 64]),
    timeout=st.sampled_from([0, 1, 1, 2]),
    ledger=st.just(1),
    code=st.just(1),
    flags=st.sampled_from(
        [
            TF.pending,
            TF.pending,
            TF.pending | TF.linked,
            TF.pending | TF.closing_debit,
            TF.pending | TF.closing_credit,
            TF.pending | TF.balancing_debit,
        ]
    ),
)

resolutions = st.builds(
    Transfer,
    id=transfer_ids,
    pending_id=transfer_ids,
    debit_account_id=mostly([0], ACCOUNT_IDS),
    credit_account_id=mostly([0], ACCOUNT_IDS),
    amount=st.sampled_from([MAX, 0, 0, MAX, 1, 9, 10, 11, 1 << 64, MAX - 1]),
    **user_data,
    timeout=mostly([0], [1]),
    ledger=mostly([0, 1], [2]),
    code=mostly([0, 1], [2]),
    flags=flags(
        [TF.post_pending_transfer, TF.void_pending_transfer],
        [
            TF.post_pending_transfer | TF.linked,
            TF.void_pending_transfer | TF.linked,
            TF.post_pending_transfer | TF.void_pending_transfer,
            TF.post_pending_transfer | TF.pending,
            TF.post_pending_transfer | TF.imported,
        ],
    ),
    timestamp=timestamps,
)

# Whole batches of imported events, at times that often fit.
imported_moves = st.builds(
    Transfer,
    id=transfer_ids,
    debit_account_id=account_ids,
    credit_account_id=account_ids,
    amount=amounts,
    ledger=st.just(1),
    code=st.just(1),
    timeout=mostly([0], [1]),
    flags=st.sampled_from([TF.imported, TF.imported, TF.imported | TF.linked, TF.imported | TF.pending]),
    timestamp=st.one_of(st.integers(START - 50, START + 60), st.sampled_from([0, 1, 1 << 63, START + SECOND])),
)
imported_resolutions = st.builds(
    Transfer,
    id=transfer_ids,
    pending_id=transfer_ids,
    amount=st.sampled_from([MAX, 0]),
    flags=st.sampled_from([TF.imported | TF.post_pending_transfer, TF.imported | TF.void_pending_transfer]),
    timestamp=st.integers(START - 50, START + 3 * SECOND),
)
imported_accounts = st.builds(
    Account,
    id=account_ids,
    ledger=st.just(1),
    code=st.just(1),
    flags=st.sampled_from([AF.imported, AF.imported, AF.imported | AF.linked, AF.imported | AF.history]),
    timestamp=st.one_of(st.integers(START - 60, START + 20), st.sampled_from([0, 1, 1 << 63])),
)

updates = st.builds(
    AccountUpdate,
    id=mostly([1, 2, 3, 4, 5, 6, 1 << 64], [0, MAX]),
    account_id=account_ids,
    kind=mostly([1, 2, 4, 8], [0, 3, 5, 16]),
    value=mostly([0], [1, 50, 1 << 64, MAX]),
    reason=mostly([0], [1]),
    user_data_128=mostly([0], [1]),
    flags=mostly([0], [1]),
    timestamp=mostly([0], [1]),
    reserved=st.sampled_from([bytes(40)] * 12 + [bytes(39) + b"\x01"]),
    reserved2=mostly([0], [1]),
)

times = mostly([0], [1, START, START + 3, START + SECOND, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
limits = mostly([8190, 1, 2, 3], [0, (1 << 32) - 1])
account_filters = st.builds(
    AccountFilter,
    account_id=account_ids,
    **{name: mostly([0], [1]) for name in user_data},
    code=mostly([0], [1, 2]),
    timestamp_min=times,
    timestamp_max=times,
    limit=limits,
    flags=mostly([1, 2, 3, 5, 6, 7], [0, 4, 8, 11]),
)
query_filters = st.builds(
    QueryFilter,
    user_data_128=mostly([0], [1, 1 << 64, MAX]),
    user_data_64=mostly([0], [1, (1 << 64) - 1]),
    user_data_32=mostly([0], [1, (1 << 32) - 1]),
    ledger=mostly([0, 1], [2]),
    code=mostly([0], [1, 2]),
    timestamp_min=times,
    timestamp_max=times,
    limit=limits,
    flags=mostly([0, 1], [2]),
)


class Differential(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.twins = Twins(START)

    @initialize(plain=st.booleans(), history=st.booleans())
    def open_accounts(self, plain: bool, history: bool) -> None:
        """Most runs start with accounts, so that transfers find some."""
        if plain:
            flag = AF.history if history else 0
            self.twins.create_accounts([Account(id=id_, ledger=1, code=1, flags=flag) for id_ in ACCOUNT_IDS[:5]])

    @rule(events=st.lists(accounts, max_size=4))
    def create_accounts(self, events: list[Account]) -> None:
        self.twins.create_accounts(events)

    @rule(events=st.lists(imported_accounts, min_size=1, max_size=4))
    def import_accounts(self, events: list[Account]) -> None:
        self.twins.create_accounts(events)

    @rule(events=st.lists(st.one_of(moves, holds, resolutions), max_size=6))
    def create_transfers(self, events: list[Transfer]) -> None:
        self.twins.create_transfers(events)

    @rule(events=st.lists(st.one_of(holds, resolutions), max_size=6))
    def hold_and_resolve(self, events: list[Transfer]) -> None:
        self.twins.create_transfers(events)

    @rule(events=st.lists(moves, min_size=2, max_size=5), again=st.integers(0, 4))
    def retry(self, events: list[Transfer], again: int) -> None:
        """The same batch twice, and one of its events in between."""
        self.twins.create_transfers(events)
        self.twins.create_transfers([events[again % len(events)]])
        self.twins.create_transfers(events)

    @rule(events=st.lists(st.one_of(imported_moves, imported_moves, imported_resolutions), min_size=1, max_size=5))
    def import_transfers(self, events: list[Transfer]) -> None:
        self.twins.create_transfers(events)

    @rule(events=st.lists(updates, max_size=4))
    def update_accounts(self, events: list[AccountUpdate]) -> None:
        self.twins.update_accounts(events)

    @rule(ns=st.sampled_from([0, 1, 2, SECOND - 1, SECOND, SECOND + 1, -SECOND, 2 * SECOND]))
    def advance_the_clock(self, ns: int) -> None:
        self.twins.now += ns

    @rule(ns=st.sampled_from([0, 0, 1, -1, SECOND, 2 * SECOND]))
    def expire(self, ns: int) -> None:
        self.twins.expire(self.twins.now + ns)

    @rule(
        account_id=st.sampled_from(ACCOUNT_IDS[:4]),
        name=st.sampled_from(["debits_pending", "debits_posted", "credits_pending", "credits_posted"]),
        value=st.sampled_from(EDGES),
    )
    def set_balances(self, account_id: int, name: str, value: int) -> None:
        """Any balance, but never one that no booking can reach: below what is held, or a sum beyond 128 bits."""
        state = self.twins.engines["reference"]._state
        if (account := state.accounts.get(account_id)) is None:
            return
        side, kind = name.split("_")
        other = getattr(account, f"{side}_posted" if kind == "pending" else f"{side}_pending")
        held = sum(
            state.transfers[id_].amount
            for id_, hold in state.holds.items()
            if hold == Hold.open
            and account_id
            == getattr(state.transfers[id_], "debit_account_id" if side == "debits" else "credit_account_id")
        )
        if value + other <= MAX and (kind == "posted" or value >= held):
            self.twins.set_balances(account_id, **{name: value})

    @rule(filters=st.lists(account_filters, max_size=3), queries=st.lists(query_filters, max_size=3))
    def ask(self, filters: list[AccountFilter], queries: list[QueryFilter]) -> None:
        self.twins.check_queries([*TRANSFER_IDS[:20], 0, MAX, 1], filters, queries)

    @rule(account_id=account_ids, times=st.lists(st.integers(START - 60, START + 3 * SECOND), max_size=3))
    def ask_for_balances(self, account_id: int, times: list[int]) -> None:
        last = self.twins.engines["reference"].last_timestamp
        if not self.twins.balances_were_set:
            self.twins.check_balance_at(account_id, [0, *times, last - 2, last - 1, last, (1 << 63) - 1])

    @invariant()
    def sums_are_zero(self) -> None:
        self.twins.check_sums(ACCOUNT_IDS)

    def teardown(self) -> None:
        self.twins.check_queries(
            [*ACCOUNT_IDS, *TRANSFER_IDS],
            [AccountFilter(id_) for id_ in ACCOUNT_IDS],
            [QueryFilter(), QueryFilter(ledger=1, flags=1), QueryFilter(user_data_128=1), QueryFilter(code=2)],
        )
        self.twins.check_hashes()


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Differential,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_engines_agree_on_whatever_anyone_does():
    run(examples=120, steps=12)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_engines_agree_for_hours():
    run(examples=20_000, steps=40)
