"""All engines side by side: every call goes to each, and every answer must be the same, bit for bit."""

from __future__ import annotations

import numpy as np
from tests.ledger.worlds import ENGINES

from qenex.ledger import (
    BALANCES,
    Account,
    AccountFilter,
    AccountUpdate,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    account_updates_array,
    accounts_array,
    accounts_list,
    ids_array,
    new_engine,
    transfers_array,
)
from qenex.ledger.testing import set_balances


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
            self._ask("account_balances", filter)
        for query in queries:
            self._ask("query_accounts", query)
            self._ask("query_transfers", query)

    def check_balance_at(self, account_id: int, timestamps: list[int]) -> None:
        for timestamp in timestamps:
            self._ask("balance_at", account_id, timestamp)

    def check_hashes(self) -> None:
        self._same({name: engine.state_hash() for name, engine in self.engines.items()}, "state hash")

    def check_sums(self, account_ids: list[int]) -> None:
        """In every ledger debits equal credits, pending and posted, unless a test has set balances itself."""
        if self.balances_were_set:
            return
        for engine in self.engines.values():
            sums: dict[int, list[int]] = {}
            for account in accounts_list(engine.lookup_accounts(ids_array(account_ids))):
                row = sums.setdefault(account.ledger, [0, 0])
                row[0] += account.debits_pending - account.credits_pending
                row[1] += account.debits_posted - account.credits_posted
            assert all(row == [0, 0] for row in sums.values()), sums

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
