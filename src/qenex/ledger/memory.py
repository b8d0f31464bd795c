"""A ledger in memory: an engine, a clock, and the door through which batches and queries come.

Nothing is stored; `qenex.books` is the durable one. Not for several threads at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias, overload

import numpy as np

from qenex.ledger.events import (
    Account,
    AccountUpdate,
    Transfer,
    account_updates_array,
    accounts_array,
    accounts_list,
    transfers_array,
    transfers_list,
)
from qenex.ledger.types import (
    ACCOUNT,
    ACCOUNT_UPDATE,
    BALANCES,
    BATCH_MAX,
    TRANSFER,
    AccountFilter,
    BatchTooLarge,
    CreateAccountStatus,
    CreateTransferStatus,
    QueryFilter,
    Records,
    Statuses,
    UpdateAccountStatus,
    Words,
    checked_events,
    ids_array,
)
from qenex.values.clock import Clock, SystemClock

Ids: TypeAlias = Sequence[int] | Words | Records
Accounts: TypeAlias = Records | Iterable[Account]
Transfers: TypeAlias = Records | Iterable[Transfer]
AccountUpdates: TypeAlias = Records | Iterable[AccountUpdate]


class Engine(Protocol):
    """The ledger's rules: ReferenceLedger (to be read) and NativeLedger (to be fast). It is told the time."""

    @property
    def last_timestamp(self) -> int: ...
    def create_accounts(self, events: Records, timestamp: int) -> Records: ...
    def create_transfers(self, events: Records, timestamp: int, balances_out: Records | None = None) -> Records: ...
    def update_accounts(self, events: Records, timestamp: int) -> Records: ...
    def expire(self, now: int) -> int: ...
    def lookup_accounts(self, ids: Words) -> Records: ...
    def lookup_transfers(self, ids: Words) -> Records: ...
    def account_state(self, ids: Words) -> Records: ...
    def account_transfers(self, filter: AccountFilter) -> Records: ...
    def account_balances(self, filter: AccountFilter) -> Records: ...
    def balance_at(self, account_id: int, timestamp: int) -> Records: ...
    def query_accounts(self, filter: QueryFilter) -> Records: ...
    def query_transfers(self, filter: QueryFilter) -> Records: ...
    def state_bytes(self) -> Iterator[bytes]: ...
    def state_hash(self) -> bytes: ...
    def _test_set_balances(
        self, account_id: int, debits_pending: int, debits_posted: int, credits_pending: int, credits_posted: int
    ) -> bool: ...


class Ledger:
    """Accounts and transfers in memory, decided by the native engine or by the reference.

    Batches are numpy arrays of the record types (used without a copy when contiguous) or lists of `Account`,
    `Transfer`, `AccountUpdate`; at most BATCH_MAX events, else BatchTooLarge and nothing is applied.
    """

    def __init__(self, engine: Literal["native", "reference"] = "native", *, clock: Clock | None = None) -> None:
        self._engine = new_engine(engine)
        self._clock = clock if clock is not None else SystemClock()

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def last_timestamp(self) -> int:
        """The time of the last event decided, 0 if none."""
        return self._engine.last_timestamp

    # Changes -------------------------------------------------------------------------------------------------------

    def create_accounts(self, accounts: Accounts) -> Statuses:
        """uint32[n]: a CreateAccountStatus for every account."""
        return _statuses(self.create_accounts_results(accounts))

    def create_accounts_results(self, accounts: Accounts) -> Records:
        """RESULT[n]: a CreateAccountStatus and a timestamp for every account."""
        events = _events(accounts, ACCOUNT, Account, accounts_array, "accounts")
        return self._engine.create_accounts(events, self._batch_timestamp(len(events)))

    def create_transfers(self, transfers: Transfers) -> Statuses:
        """uint32[n]: a CreateTransferStatus for every transfer."""
        return _statuses(self.create_transfers_results(transfers))

    @overload
    def create_transfers_results(self, transfers: Transfers, *, balances: Literal[False] = False) -> Records: ...
    @overload
    def create_transfers_results(self, transfers: Transfers, *, balances: Literal[True]) -> tuple[Records, Records]: ...
    def create_transfers_results(
        self, transfers: Transfers, *, balances: bool = False
    ) -> Records | tuple[Records, Records]:
        """RESULT[n]: a CreateTransferStatus and a timestamp for every transfer.

        With `balances`: (RESULT[n], BALANCES[n]), what both accounts had right after the transfer, zeros where none
        was created.
        """
        events = _events(transfers, TRANSFER, Transfer, transfers_array, "transfers")
        timestamp = self._batch_timestamp(len(events))
        if not balances:
            return self._engine.create_transfers(events, timestamp)
        balances_out = np.zeros(len(events), dtype=BALANCES)
        return self._engine.create_transfers(events, timestamp, balances_out), balances_out

    def update_accounts(self, updates: AccountUpdates) -> Statuses:
        """uint32[n]: an UpdateAccountStatus for every freeze, unfreeze or new limit."""
        return _statuses(self.update_accounts_results(updates))

    def update_accounts_results(self, updates: AccountUpdates) -> Records:
        """RESULT[n]: an UpdateAccountStatus and a timestamp for every freeze, unfreeze or new limit."""
        events = _events(updates, ACCOUNT_UPDATE, AccountUpdate, account_updates_array, "account updates")
        return self._engine.update_accounts(events, self._batch_timestamp(len(events)))

    def expire(self, now_ns: int) -> int:
        """Release the holds whose time is over at `now_ns`, at most BATCH_MAX; returns how many.

        Raises TimeBeforeLastTimestamp when `now_ns` is before the last event.
        """
        return self._engine.expire(now_ns)

    # One event at a time -------------------------------------------------------------------------------------------

    def create_account(self, account: Account) -> CreateAccountStatus:
        return CreateAccountStatus(int(self.create_accounts([account])[0]))

    def create_transfer(self, transfer: Transfer) -> CreateTransferStatus:
        return CreateTransferStatus(int(self.create_transfers([transfer])[0]))

    def update_account(self, update: AccountUpdate) -> UpdateAccountStatus:
        return UpdateAccountStatus(int(self.update_accounts([update])[0]))

    def account(self, account_id: int) -> Account | None:
        found = accounts_list(self.lookup_accounts([account_id]))
        return found[0] if found else None

    def transfer(self, transfer_id: int) -> Transfer | None:
        found = transfers_list(self.lookup_transfers([transfer_id]))
        return found[0] if found else None

    # Queries -------------------------------------------------------------------------------------------------------

    def lookup_accounts(self, ids: Ids) -> Records:
        """ACCOUNT[k]: the accounts found, in the order asked for. `ids`: ints, uint64[n, 2] (lo, hi), or records."""
        return self._engine.lookup_accounts(ids_array(ids))

    def lookup_transfers(self, ids: Ids) -> Records:
        """TRANSFER[k]: the transfers found, in the order asked for."""
        return self._engine.lookup_transfers(ids_array(ids))

    def account_state(self, ids: Ids) -> Records:
        """ACCOUNT_STATE[k]: current limit and freeze of the accounts found, in the order asked for."""
        return self._engine.account_state(ids_array(ids))

    def account_transfers(self, filter: AccountFilter) -> Records:
        """TRANSFER[k]: the transfers of one account, by timestamp."""
        return self._engine.account_transfers(filter)

    def account_balances(self, filter: AccountFilter) -> Records:
        """ACCOUNT_BALANCE[k]: the balances of one `history` account right after each of its transfers."""
        return self._engine.account_balances(filter)

    def balance_at(self, account_id: int, timestamp: int) -> Records:
        """ACCOUNT_BALANCE[1]: the balances of any account at `timestamp`; ACCOUNT_BALANCE[0] if there is no account."""
        return self._engine.balance_at(account_id, timestamp)

    def query_accounts(self, filter: QueryFilter) -> Records:
        """ACCOUNT[k]: the accounts that match, by timestamp."""
        return self._engine.query_accounts(filter)

    def query_transfers(self, filter: QueryFilter) -> Records:
        """TRANSFER[k]: the transfers that match, by timestamp."""
        return self._engine.query_transfers(filter)

    def state_bytes(self) -> Iterator[bytes]:
        """The canonical form of the state, in pieces (docs/ledger.md)."""
        return self._engine.state_bytes()

    def state_hash(self) -> bytes:
        """SHA-256 of the canonical state: equal states of any engine have equal hashes."""
        return self._engine.state_hash()

    def _batch_timestamp(self, count: int) -> int:
        """The last event's time: now, or just enough after the last batch that every event has a time of its own."""
        return max(self._clock.now_ns(), self._engine.last_timestamp + count)


def new_engine(name: str) -> Engine:
    if name == "reference":
        from qenex.ledger.reference import ReferenceLedger

        return ReferenceLedger()
    if name == "native":
        from qenex.ledger.native import NativeLedger

        return NativeLedger()
    raise ValueError(f'an engine is "native" or "reference", not {name!r}')


def _events(events: Any, dtype: np.dtype[np.void], kind: type, pack: Any, what: str) -> Records:
    if not isinstance(events, np.ndarray):
        if isinstance(events, (kind, str, bytes)) or not isinstance(events, Iterable):
            raise TypeError(f"{what} are an array of records or a list of {kind.__name__}, not {type(events).__name__}")
        listed = list(events)
        if len(listed) > BATCH_MAX:
            raise BatchTooLarge(len(listed))
        for event in listed:
            if not isinstance(event, kind):
                raise TypeError(f"{what} are a list of {kind.__name__}, this one holds a {type(event).__name__}")
        events = pack(listed)
    return checked_events(events, dtype, what)


def _statuses(results: Records) -> Statuses:
    return np.ascontiguousarray(results["status"])
