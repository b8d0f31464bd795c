"""Events that mostly make sense, with one fault now and then: what a busy and careless bank would send."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tests.ledger.twins import Twins
from tests.ledger.worlds import AF, MAX, SECOND, TF

from qenex.ledger import Account, AccountFilter, AccountUpdate, QueryFilter, Transfer
from qenex.ledger.reference import Hold, State

EDGES = [0, 1, 2, (1 << 64) - 1, 1 << 64, (1 << 64) + 1, 1 << 127, MAX - 1, MAX]
U64 = (1 << 64) - 1
U32 = (1 << 32) - 1

TRANSFER_FAULTS: dict[str, list[int]] = {
    "id": [0, MAX],
    "debit_account_id": [0, MAX, 77, 1, 2],
    "credit_account_id": [0, MAX, 77, 1, 2],
    "amount": [*EDGES, 9, 10, 11],
    "pending_id": [0, 1, 77, MAX],
    "user_data_128": [1, U64 + 1],
    "user_data_64": [1, U64],
    "user_data_32": [1, U32],
    "timeout": [1, U32],
    "ledger": [0, 2],
    "code": [0, 2],
    "timestamp": [1],
}
ACCOUNT_FAULTS: dict[str, list[int]] = {
    "id": [0, MAX],
    "debits_pending": [1],
    "debits_posted": [U64 + 1],
    "credits_pending": [1],
    "credits_posted": [U64 + 1],
    "user_data_128": [1, MAX],
    "user_data_64": [1],
    "user_data_32": [1],
    "reserved": [1],
    "ledger": [0, 2],
    "code": [0, 2],
    "timestamp": [1],
}
UPDATE_FAULTS: dict[str, list[Any]] = {
    "id": [0, MAX],
    "account_id": [0, MAX, 77, 1, 2],
    "kind": [0, 1, 2, 3, 4, 5, 8, 16],
    "value": [1, MAX],
    "reason": [1],
    "user_data_128": [1],
    "flags": [1],
    "timestamp": [1],
    "reserved": [bytes(39) + b"\x01", b"\x01" + bytes(39)],
    "reserved2": [1],
}


class Imagination:
    """Draws all its decisions from one Random, which may be Hypothesis's."""

    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.sent: dict[type, list[Any]] = {Account: [], Transfer: [], AccountUpdate: []}
        self.next_id = 10
        self.unused_edges = [U64, U64 + 1, U64 + 2, 1 << 127, MAX - 1]

    @property
    def state(self) -> State:
        return self.twins.engines["reference"]._state

    def new_id(self, random: Random) -> int:
        if self.unused_edges and random.randrange(8) == 0:
            return self.unused_edges.pop()
        self.next_id += 1
        return self.next_id

    # Accounts ------------------------------------------------------------------------------------------------------

    def accounts(self, random: Random) -> list[Account]:
        imported = random.randrange(5) == 0
        events = [self.account(random, imported) for _ in range(random.randrange(1, 5))]
        return self.linked(random, events, AF.linked)

    def account(self, random: Random, imported: bool) -> Account:
        flags = random.choice(
            [
                0,
                AF.history,
                AF.debits_must_not_exceed_credits,
                AF.credits_must_not_exceed_debits,
                AF.overdraft,
                AF.overdraft | AF.history,
                AF.closed,
            ]
        )
        if random.randrange(12) == 0:
            flags |= random.choice([1 << bit for bit in range(16)])
        event = Account(
            id=self.new_id(random),
            ledger=random.choice([1, 1, 1, 2]),
            code=random.choice([1, 2]),
            flags=flags | (AF.imported if imported else 0),
            user_data_64=random.choice([0, 5, 10, U64]),
            timestamp=self.past(random, self.state.last_account_timestamp) if imported else 0,
        )
        return self.careless(random, Account, event, ACCOUNT_FAULTS)

    # Transfers -----------------------------------------------------------------------------------------------------

    def transfers(self, random: Random) -> list[Transfer]:
        imported = random.randrange(8) == 0
        events: list[Transfer] = []
        timestamp = self.state.last_transfer_timestamp
        for _ in range(random.randrange(1, 7)):
            event = self.transfer(random, events)
            if imported:
                timestamp = self.past(random, timestamp)
                event = replace(event, flags=event.flags | TF.imported, timestamp=timestamp)
                if random.randrange(8):
                    event = replace(event, timeout=0)
            events.append(self.careless(random, Transfer, event, TRANSFER_FAULTS))
        return self.linked(random, events, TF.linked)

    def transfer(self, random: Random, batch: list[Transfer]) -> Transfer:
        if random.randrange(10) < 3:
            return self.resolution(random, batch)
        accounts = [account for account in self.state.accounts.values() if account.ledger == 1] or [None]
        debit, credit = random.sample(accounts, 2) if len(accounts) > 1 else (accounts[0], accounts[0])
        flags = random.choice([0, 0, 0, TF.pending, TF.pending])
        if random.randrange(6) == 0:
            flags |= random.choice([TF.balancing_debit, TF.balancing_credit, TF.balancing_debit | TF.balancing_credit])
        if flags & TF.pending and random.randrange(8) == 0:
            flags |= random.choice([TF.closing_debit, TF.closing_credit, TF.closing_debit | TF.closing_credit])
        if random.randrange(20) == 0:
            flags |= random.choice([1 << bit for bit in range(16)])
        return Transfer(
            id=self.new_id(random),
            debit_account_id=debit.id if debit else 1,
            credit_account_id=credit.id if credit else 2,
            amount=random.choice(EDGES if random.randrange(4) == 0 else [0, 1, 2, 3, 5, 10, 10, 100]),
            user_data_128=random.choice([0, 0, 1, U64 + 1]),
            user_data_64=random.choice([0, 0, 1, U64]),
            user_data_32=random.choice([0, 0, 1, U32]),
            timeout=random.choice([0, 1, 1, 2, U32]) if flags & TF.pending else 0,
            ledger=1,
            code=random.choice([1, 1, 2]),
            flags=flags,
        )

    def resolution(self, random: Random, batch: list[Transfer]) -> Transfer:
        """Of an open hold, of one made in the same batch, or of one that is resolved already."""
        open_holds = [id_ for id_, hold in self.state.holds.items() if hold == Hold.open]
        fresh = [event.id for event in batch if event.flags & TF.pending]
        known = open_holds * 2 + fresh * 2 + list(self.state.holds)
        if not known or random.randrange(30) == 0:
            known = [*self.state.transfers, *self.state.burnt, 77]
        pending_id = random.choice(known)
        hold = self.state.transfers.get(pending_id)
        flags = random.choice([TF.post_pending_transfer, TF.void_pending_transfer])
        amount = 0 if flags == TF.void_pending_transfer else MAX
        if hold and random.randrange(3) == 0:
            amount = random.choice([hold.amount, max(0, hold.amount - 1), min(MAX, hold.amount + 1), 0])
        if random.randrange(15) == 0:
            flags |= random.choice([1 << bit for bit in range(9)])
        repeats_fields = bool(hold) and random.randrange(3) == 0
        return Transfer(
            id=self.new_id(random),
            pending_id=pending_id,
            debit_account_id=hold.debit_account_id if hold and repeats_fields else 0,
            credit_account_id=hold.credit_account_id if hold and repeats_fields else 0,
            ledger=hold.ledger if hold and repeats_fields else 0,
            code=hold.code if hold and repeats_fields else 0,
            user_data_64=random.choice([0, 0, 7]),
            amount=amount,
            flags=flags,
        )

    # Updates, filters ----------------------------------------------------------------------------------------------

    def updates(self, random: Random) -> list[AccountUpdate]:
        return [self.update(random) for _ in range(random.randrange(1, 4))]

    def update(self, random: Random) -> AccountUpdate:
        kind = random.choice([1, 2, 4, 4, 8, 8])
        accounts = [account.id for account in self.state.accounts.values() if kind != 8 or account.flags & AF.overdraft]
        event = AccountUpdate(
            id=self.new_id(random),
            account_id=random.choice(accounts or [1]),
            kind=kind,
            value=random.choice(EDGES) if kind == 8 else 0,
            user_data_128=random.choice([0, 5]),
        )
        return self.careless(random, AccountUpdate, event, UPDATE_FAULTS)

    def times(self, random: Random) -> list[int]:
        known = [movement.timestamp for movement in self.state.movements]
        known += [account.timestamp for account in self.state.accounts.values()]
        time = random.choice(known or [1])
        return [0, 0, 0, 0, time, max(1, time - 1), time + 1, random.choice([1, (1 << 63) - 1, 1 << 63, U64])]

    def account_filter(self, random: Random) -> AccountFilter:
        return AccountFilter(
            account_id=random.choice([*self.state.accounts, *self.state.accounts, 0, 77, MAX]),
            user_data_128=random.choice([0, 0, 0, 1]),
            user_data_64=random.choice([0, 0, 0, 1]),
            user_data_32=random.choice([0, 0, 0, 1]),
            code=random.choice([0, 0, 1, 2]),
            timestamp_min=random.choice(self.times(random)),
            timestamp_max=random.choice(self.times(random)),
            limit=random.choice([8190, 8190, 1, 2, 3, 0, U32]),
            flags=random.choice([3, 3, 7, 7, 1, 2, 5, 6, 0, 4, 11]),
        )

    def query_filter(self, random: Random) -> QueryFilter:
        return QueryFilter(
            user_data_128=random.choice([0, 0, 0, 1, U64 + 1, MAX]),
            user_data_64=random.choice([0, 0, 0, 1, U64, 7]),
            user_data_32=random.choice([0, 0, 0, 1, U32]),
            ledger=random.choice([0, 0, 1, 2]),
            code=random.choice([0, 0, 1, 2]),
            timestamp_min=random.choice(self.times(random)),
            timestamp_max=random.choice(self.times(random)),
            limit=random.choice([8190, 8190, 1, 2, 3, 0, U32]),
            flags=random.choice([0, 0, 1, 1, 2]),
        )

    # Common --------------------------------------------------------------------------------------------------------

    def careless(self, random: Random, kind: type, event: Any, faults: dict[str, list[Any]]) -> Any:
        """The event, or one sent before, or either with one or two faults."""
        sent = self.sent[kind]
        what = random.randrange(12)
        if sent and what in (0, 1, 2):
            event = random.choice(sent[-12:])
        if what in (2, 3):
            for _ in range(random.choice([1, 1, 2])):
                name = random.choice(list(faults))
                values = faults[name]
                if name.endswith("account_id"):
                    values = [*values, *self.state.accounts]
                if name == "pending_id":
                    values = [*values, event.id]
                event = replace(event, **{name: random.choice(values)})
        sent.append(event)
        return event

    def linked(self, random: Random, events: list[Any], flag: int) -> list[Any]:
        if random.randrange(3):
            return events
        return [replace(event, flags=event.flags | flag) if random.randrange(3) else event for event in events[:-1]] + [
            replace(events[-1], flags=events[-1].flags | flag) if random.randrange(6) == 0 else events[-1]
        ]

    def past(self, random: Random, last: int) -> int:
        """A time for an imported event: mostly just after the last one of its kind."""
        choices = [last + 1, last + 1, last + 2, last + 3, last + 7, last, self.twins.now - 1, self.twins.now]
        if random.randrange(10) == 0:
            choices = [0, 1, last - 1, (1 << 63) - 1, 1 << 63, U64, self.state.last_timestamp + 1]
        return min(U64, max(0, random.choice(choices)))

    # One step of life ----------------------------------------------------------------------------------------------

    def step(self, random: Random) -> None:
        what = random.randrange(20)
        if what < 2:
            self.twins.create_accounts(self.accounts(random))
        elif what < 11:
            self.twins.create_transfers(self.transfers(random))
        elif what < 13:
            self.twins.update_accounts(self.updates(random))
        elif what < 15:
            self.twins.now += random.choice([1, 2, 10, SECOND - 1, SECOND, SECOND + 1, -SECOND])
        elif what < 17:
            last = self.state.last_timestamp
            self.twins.expire(random.choice([last, last, max(last, self.twins.now), last + SECOND, last - 1]))
        elif what < 18:
            self.set_balances(random)
        else:
            self.ask(random)

    def set_balances(self, random: Random) -> None:
        """Any balance, but never one that no booking can reach: below what is held, or a sum beyond 128 bits."""
        if not self.state.accounts or random.randrange(3):
            return
        account = random.choice(list(self.state.accounts.values()))
        side, kind = random.choice(["debits", "credits"]), random.choice(["pending", "posted"])
        other = getattr(account, f"{side}_posted" if kind == "pending" else f"{side}_pending")
        field = "debit_account_id" if side == "debits" else "credit_account_id"
        holds = [self.state.transfers[id_] for id_, hold in self.state.holds.items() if hold == Hold.open]
        held = sum(hold.amount for hold in holds if getattr(hold, field) == account.id)
        value = random.choice([*EDGES, MAX - other, max(0, MAX - other - 9)])
        if value + other <= MAX and (kind == "posted" or value >= held):
            self.twins.set_balances(account.id, **{f"{side}_{kind}": value})

    def ask(self, random: Random) -> None:
        known = [*self.state.accounts, *self.state.transfers, *self.state.burnt, 0, 77, MAX]
        self.twins.check_queries(
            [random.choice(known) for _ in range(8)],
            [self.account_filter(random) for _ in range(3)],
            [self.query_filter(random) for _ in range(3)],
        )
        if not self.twins.balances_were_set:
            self.twins.check_balance_at(random.choice(known), [*self.times(random), self.state.last_timestamp])

    def ask_everything(self) -> None:
        accounts = list(self.state.accounts)
        ids = [*accounts, *self.state.transfers, *self.state.burnt]
        queries = [QueryFilter(), QueryFilter(ledger=1, flags=1), QueryFilter(user_data_128=1), QueryFilter(code=2)]
        self.twins.check_queries(ids, [AccountFilter(id_) for id_ in accounts], queries)
        self.twins.check_hashes()
        if not self.twins.balances_were_set:
            times = sorted({movement.timestamp for movement in self.state.movements})
            for id_ in accounts[:6]:
                self.twins.check_balance_at(id_, [time + step for time in times[:40] for step in (-1, 0)])
