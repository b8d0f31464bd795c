"""All engines side by side: every call goes to each, and every answer must be the same, bit for bit."""

from __future__ import annotations

import numpy as np
from tests.ledger.worlds import ENGINES

from qenex.ledger import (
    BALANCES,
    Account,
    AccountFilter,
    AccountFlags,
    AccountUpdate,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    account_updates_array,
    accounts_array,
    ids_array,
    new_engine,
    transfers_array,
)
from qenex.ledger.reference import Hold
from qenex.ledger.testing import set_balances
from qenex.ledger.types import U128_MAX


class Twins:
    """The engines under one clock. After every change the states must have the same hash."""

    def __init__(self, start: int) -> None:
        self.engines = {name: new_engine(name) for name in ENGINES}
        self.now = start
        self.balances_were_set = False

    def create_accounts(self, accounts: list[Account]) -> list[int]:
        events = accounts_array(accounts)
        return self._batch("create_accounts", events)["status"].tolist()

    def create_transfers(self, transfers: list[Transfer]) -> list[int]:
        events = transfers_array(transfers)
        balances = {name: np.zeros(len(events), dtype=BALANCES) for name in self.engines}
        results = self._batch("create_transfers", events, balances)
        self._same({name: rows.tobytes() for name, rows in balances.items()}, "balances out")
        return results["status"].tolist()

    def update_accounts(self, updates: list[AccountUpdate]) -> list[int]:
        return self._batch("update_accounts", account_updates_array(updates))["status"].tolist()

    def expire(self, now: int) -> int | str:
        answers: dict[str, int | str] = {}
        for name, engine in self.engines.items():
            try:
                answers[name] = engine.expire(now)
            except TimeBeforeLastTimestamp:
                answers[name] = "time before last timestamp"
        answer = self._same(answers, "expire")
        self.check_state()
        return answer

    def set_balances(self, account_id: int, **balances: int) -> None:
        self.balances_were_set = True
        for engine in self.engines.values():
            set_balances(engine, account_id, **balances)
        self.check_state()

    def check_state(self) -> None:
        self._same({name: engine.last_timestamp for name, engine in self.engines.items()}, "last timestamp")
        self._same({name: b"".join(engine.state_bytes()) for name, engine in self.engines.items()}, "state")

    def check_queries(self, ids: list[int], filters: list[AccountFilter], queries: list[QueryFilter]) -> None:
        words = ids_array(ids)
        self._ask("lookup_accounts", words)
        self._ask("lookup_transfers", words)
        self._ask("account_state", words)
        for filter in filters:
            self._ask("account_transfers", filter)
            # The native engine reads history backwards from the live balances, so it may not be changed by hand.
            if not self.balances_were_set:
                self._ask("account_balances", filter)
        for query in queries:
            self._ask("query_accounts", query)
            self._ask("query_transfers", query)

    def check_balance_at(self, account_id: int, timestamps: list[int]) -> None:
        for timestamp in timestamps:
            self._ask("balance_at", account_id, timestamp)

    def check_hashes(self) -> None:
        self._same({name: engine.state_hash() for name, engine in self.engines.items()}, "state hash")

    def check_invariants(self) -> None:
        """What docs/ledger.md says always holds, checked on the specification (the states are equal anyway)."""
        state = self.engines["reference"]._state
        for kind in (state.accounts, state.transfers):
            times = [event.timestamp for event in kind.values()]
            assert times == sorted(set(times)), "timestamps increase strictly"
        shared = {account.timestamp for account in state.accounts.values()} & {
            transfer.timestamp for transfer in state.transfers.values()
        }
        assert not shared, "no account shares its timestamp with a transfer"
        if self.balances_were_set:
            return
        sums: dict[int, list[int]] = {}
        held = {(id_, side): 0 for id_ in state.accounts for side in ("debit", "credit")}
        for id_, hold in state.holds.items():
            if hold == Hold.open:
                transfer = state.transfers[id_]
                held[transfer.debit_account_id, "debit"] += transfer.amount
                held[transfer.credit_account_id, "credit"] += transfer.amount
        for account in state.accounts.values():
            row = sums.setdefault(account.ledger, [0, 0])
            row[0] += account.debits_pending - account.credits_pending
            row[1] += account.debits_posted - account.credits_posted
            assert account.debits_pending == held[account.id, "debit"]
            assert account.credits_pending == held[account.id, "credit"]
            debits = account.debits_pending + account.debits_posted
            credits_ = account.credits_pending + account.credits_posted
            assert max(debits, credits_) <= U128_MAX
            if account.flags & AccountFlags.debits_must_not_exceed_credits:
                assert debits <= account.credits_posted
            if account.flags & AccountFlags.credits_must_not_exceed_debits:
                assert credits_ <= account.debits_posted
        assert all(row == [0, 0] for row in sums.values()), "debits equal credits in every ledger"

    def _batch(self, method: str, events: np.ndarray, balances: dict | None = None) -> np.ndarray:
        last = next(iter(self.engines.values())).last_timestamp
        timestamp = max(self.now, last + len(events))
        results = {}
        before = events.tobytes()
        for name, engine in self.engines.items():
            extra = () if balances is None else (balances[name],)
            results[name] = getattr(engine, method)(events, timestamp, *extra)
            assert events.tobytes() == before, f"{name} wrote into the events"
        self._same({name: rows.tolist() for name, rows in results.items()}, method)
        self.check_state()
        return next(iter(results.values()))

    def _ask(self, method: str, *arguments: object) -> None:
        answers = {name: getattr(engine, method)(*arguments) for name, engine in self.engines.items()}
        self._same({name: rows.dtype for name, rows in answers.items()}, f"{method}{arguments} dtype")
        self._same({name: rows.tolist() for name, rows in answers.items()}, f"{method}{arguments}")

    def _same(self, answers: dict, what: str) -> object:
        first = answers["reference"]
        for name, answer in answers.items():
            assert answer == first, f"{what}: {name} answers {answer!r}, the specification {first!r}"
        return first
