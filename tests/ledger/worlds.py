"""Small banks for tests, and short words for the events in them."""

from __future__ import annotations

from dataclasses import replace

from qenex.ledger import (
    AMOUNT_MAX,
    Account,
    AccountFilter,
    AccountFlags,
    AccountUpdate,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    Ledger,
    Transfer,
    TransferFlags,
    UpdateAccountStatus,
    accounts_list,
    transfers_list,
    u128_to_int,
)
from qenex.values.clock import ManualClock

ENGINES = ["reference", "native"]

A = CreateAccountStatus
T = CreateTransferStatus
U = UpdateAccountStatus
AF = AccountFlags
TF = TransferFlags
KIND = AccountUpdateKind

SECOND = 1_000_000_000
MAX = AMOUNT_MAX
EUR = 978
USD = 840

START = 5_000_000_000 * SECOND
"""So late that the longest timeout (2^32 - 1 s) does not fit any more: 2^63 ns is in the year 2262."""


class World:
    """A ledger with a clock that stands still until told, and helpers that check the obvious."""

    def __init__(self, engine: str, start: int = START) -> None:
        self.clock = ManualClock(start)
        self.ledger = Ledger(engine, clock=self.clock)
        self._next_id = 1_000_000

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def accounts(self, *accounts: Account) -> list[CreateAccountStatus]:
        return [A(int(status)) for status in self.ledger.create_accounts(accounts)]

    def transfers(self, *transfers: Transfer) -> list[CreateTransferStatus]:
        return [T(int(status)) for status in self.ledger.create_transfers(transfers)]

    def updates(self, *updates: AccountUpdate) -> list[UpdateAccountStatus]:
        return [U(int(status)) for status in self.ledger.update_accounts(updates)]

    def open(self, *ids: int, flags: int = 0, ledger: int = EUR, limit: int = 0) -> None:
        """Create plain accounts that must not be refused."""
        accounts = [Account(id=id_, ledger=ledger, code=10, flags=flags, user_data_64=limit) for id_ in ids]
        assert self.accounts(*accounts) == [A.created] * len(ids)

    def transfer(self, **fields: int) -> CreateTransferStatus:
        """Submit one transfer of 10 from account 1 to account 2, changed by `fields`."""
        return self.transfers(self.event(**fields))[0]

    def event(self, **fields: int) -> Transfer:
        """The transfer that `transfer` would submit."""
        return replace(move(self.new_id()), **fields)

    def must(self, **fields: int) -> int:
        """Submit one transfer that must be created, and return its id."""
        event = self.event(**fields)
        assert self.transfers(event) == [T.created]
        return event.id

    def update(self, account_id: int, kind: int, value: int = 0) -> None:
        """Apply one update that must not be refused."""
        update = AccountUpdate(id=self.new_id(), account_id=account_id, kind=kind, value=value)
        assert self.updates(update) == [U.created]

    def stored(self, *ids: int) -> list[Transfer]:
        return transfers_list(self.ledger.lookup_transfers(ids))

    def account(self, id_: int) -> Account:
        return accounts_list(self.ledger.lookup_accounts([id_]))[0]

    def balances(self, id_: int) -> tuple[int, int, int, int]:
        """debits pending, debits posted, credits pending, credits posted"""
        account = self.account(id_)
        return account.debits_pending, account.debits_posted, account.credits_pending, account.credits_posted

    def balances_at(self, id_: int, timestamp: int) -> tuple[int, int, int, int, int] | None:
        """The same at `timestamp`, and the time of the event that made them so."""
        found = self.ledger.balance_at(id_, timestamp)
        return balance_rows(found)[0] if len(found) else None

    def history(self, filter: AccountFilter) -> list[tuple[int, int, int, int, int]]:
        return balance_rows(self.ledger.account_balances(filter))


def move(id_: int) -> Transfer:
    return Transfer(id=id_, debit_account_id=1, credit_account_id=2, amount=10, ledger=EUR, code=1)


def balance_rows(records) -> list[tuple[int, int, int, int, int]]:
    names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    return [(*(u128_to_int(record, name) for name in names), int(record["timestamp"])) for record in records]
