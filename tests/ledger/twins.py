"""All engines side by side: every call goes to each, and every answer must be the same, bit for bit."""

from __future__ import annotations

import numpy as np
from tests.ledger.worlds import ENGINES

from qenex.ledger import (
    BALANCES,
    RESULT,
    TRANSFER,
    Account,
    AccountFilter,
    AccountFlags,
    AccountUpdate,
    EventKind,
    QueryFilter,
    TimeBeforeLastTimestamp,
    Transfer,
    account_updates_array,
    accounts_array,
    ids_array,
    new_engine,
    transfers_array,
)
from qenex.ledger.native import SEGMENT_SLOTS, NativeLedger, Run, build_filter, filter_bytes, merge_entries
from qenex.ledger.reference import Hold
from qenex.ledger.testing import set_balances
from qenex.ledger.types import U128_MAX


class Sealing(NativeLedger):
    """The native engine, its index sealed after every fifth batch, the runs merged now and then, and its records going on
    in a second segment."""

    def __init__(self) -> None:
        super().__init__()
        self._next_slot = SEGMENT_SLOTS - 100
        self._batches = 0

    def apply(self, *arguments, **named):
        applied = super().apply(*arguments, **named)
        self._batches += 1
        if self._batches % 5 == 0:
            self.seal()
        return applied

    def seal(self) -> None:
        super().seal()
        if len(self.run_list) >= 6:
            older, newer = self.run_list[1:3]
            self.replace_runs(1, 2, merged(older, newer))


def merged(older: Run, newer: Run) -> Run:
    """Two runs as one, as the journal's store does it in the background."""
    ids = merge_entries(older.ids, newer.ids)
    filter = np.zeros(filter_bytes(len(ids)), dtype=np.uint8)
    build_filter(ids, filter)
    user_data = [merge_entries(*pair) for pair in zip(older.user_data, newer.user_data, strict=True)]
    return Run(ids, (user_data[0], user_data[1], user_data[2]), filter)


class Replayed:
    """A native engine that decides, and one that follows by its journal alone. Answers come from the second."""

    def __init__(self) -> None:
        self._leader, self._follower = NativeLedger(), NativeLedger()
        self._decide = self._leader.apply
        self._leader.apply = self._decide_and_follow

    def _decide_and_follow(self, kind, events, count, timestamp, log, slot, results, balances=None):
        applied = self._decide(kind, events, count, timestamp, log, slot, results, balances)
        if applied.count:
            copy, same_slot = self._follower._room(2 * applied.count)
            assert same_slot == slot
            journalled = np.array(log).view(TRANSFER)[: applied.count].copy()
            statuses = np.ascontiguousarray(results["status"][: applied.count])
            again = np.zeros(applied.count, dtype=RESULT)
            given = None if kind == EventKind.expiry else journalled
            followed = self._follower.apply(
                kind, given, applied.count, applied.timestamp, copy, slot, again, replayed=statuses
            )
            assert followed == applied
            assert again.tolist() == results[: applied.count].tolist()
            written = (applied.count + applied.resolved) * 128
            assert copy[:written].tobytes() == log[:written].tobytes(), "the follower writes the same journal"
            self._follower._next_slot = slot + applied.count + applied.resolved
        return applied

    def _test_set_balances(self, *arguments, **named):
        self._leader._test_set_balances(*arguments, **named)
        return self._follower._test_set_balances(*arguments, **named)

    def __getattr__(self, name: str):
        decides = name.startswith("create_") or name in ("update_accounts", "expire")
        return getattr(self._leader if decides else self._follower, name)


class Restarted:
    """A native engine that is replaced by a fresh one from its snapshot after every sixteenth batch."""

    def __init__(self) -> None:
        self._seed = bytes(range(16))
        self._engine = NativeLedger(self._seed)
        self._batches = 0

    def _restart(self) -> None:
        old, new = self._engine, NativeLedger(self._seed)
        old.seal()
        info = old.info()
        for name in ("MARKS", "HOLDS", "BURNT", "UPDATES", "BATCHES"):
            content = old.region_bytes(name)
            new.regions[name].bytes(0, len(content))[:] = content
        chain = 8 * old._next_slot
        new.regions["CHAIN"].bytes(0, chain)[:] = old.regions["CHAIN"].bytes(0, chain)
        new.load_rows(info["accounts"], old.save_rows(0, info["accounts"]))
        new.restore(info)
        for run in old.run_list:
            new.add_run(run)
        new._segments, old._segments = old._segments, []
        for number, segment in enumerate(new._segments):
            new.set_segment(number, segment.bytes(0, segment.capacity))
        new._next_slot = old._next_slot
        self._engine = new
        assert new.info() | {"active": 0, "index_bits": 0} == info | {
            "active": 0,
            "index_bits": 0,
            "runs": info["runs"],
        }

    def __getattr__(self, name: str):
        if name.startswith("create_") or name in ("update_accounts", "expire"):
            self._batches += 1
            if self._batches % 16 == 0:
                self._restart()
        return getattr(self._engine, name)


class Twins:
    """The engines under one clock. After every change the states must have the same hash."""

    def __init__(self, start: int, variants: bool = False) -> None:
        self.engines = {name: new_engine(name) for name in ENGINES}
        if variants:
            self.engines |= {"sealing": Sealing(), "replayed": Replayed(), "restarted": Restarted()}
        self.now = start
        self.balances_were_set = False

    def apply_records(self, method: str, events: np.ndarray) -> list[int]:
        return self._batch(method, events)["status"].tolist()

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
