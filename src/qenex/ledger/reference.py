"""The specification of the ledger: a pure function from state and batch to results, written to be read.

Nothing here is fast and nothing here is clever. Every rule is one line in a flat list of checks; the first that applies
is the answer. The C core (core/) is the same function; tests/ledger compares both, result by result and byte by byte.

The rules are TigerBeetle's (0.17, src/state_machine.zig), with our extensions: overdraft limits, freezes, limit
changes, balances in the answer. docs/ledger.md tells them in words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Generic, TypeVar

import numpy as np

from qenex.ledger.events import (
    Account,
    AccountUpdate,
    Transfer,
    account_updates_list,
    accounts_array,
    accounts_list,
    transfers_array,
    transfers_list,
)
from qenex.ledger.types import (
    ACCOUNT_BALANCE,
    ACCOUNT_FILTER_FLAGS_VALID,
    ACCOUNT_FLAGS_VALID,
    ACCOUNT_STATE,
    AMOUNT_MAX,
    BATCH_MAX,
    ID_MAX,
    NANOSECONDS_PER_SECOND,
    QUERY_FILTER_FLAGS_VALID,
    RESULT,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    TRANSFER_FLAGS_VALID,
    U128_MAX,
    AccountFilter,
    AccountFilterFlags,
    AccountFlags,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    Freeze,
    QueryFilter,
    QueryFilterFlags,
    Records,
    TimeBeforeLastTimestamp,
    TransferFlags,
    UpdateAccountStatus,
    Words,
    int_to_u128,
)

# ---------------------------------------------------------------------------------------------------------------------
# State


class Hold(Enum):
    """What became of a pending transfer."""

    open = "open"
    posted = "posted"
    voided = "voided"
    expired = "expired"


@dataclass(frozen=True, slots=True)
class Movement:
    """One event that touched two accounts: a transfer, or the expiry of a hold. The accounts are as right after it."""

    timestamp: int
    transfer: Transfer
    is_expiry: bool
    debit_account: Account
    credit_account: Account


@dataclass(slots=True)
class State:
    """All the ledger knows. The values in it are frozen, so a copy of the containers is a copy of the state."""

    last_timestamp: int = 0
    accounts: dict[int, Account] = field(default_factory=dict)
    """By id, in order of creation. Balances and the closed flag are live, all else is as created."""
    limits: dict[int, int] = field(default_factory=dict)
    """Overdraft limit by account id; accounts without the overdraft flag have none."""
    freezes: dict[int, int] = field(default_factory=dict)
    """Freeze bits by account id; none = 0."""
    transfers: dict[int, Transfer] = field(default_factory=dict)
    """By id, in order of creation. Amounts and inherited fields are resolved."""
    holds: dict[int, Hold] = field(default_factory=dict)
    """By id of the pending transfer, in order of creation."""
    burnt: dict[int, None] = field(default_factory=dict)
    """Ids of transfers that failed transiently, in order of burning."""
    updates: dict[int, AccountUpdate] = field(default_factory=dict)
    """Applied account updates by id, in order of application."""
    movements: list[Movement] = field(default_factory=list)

    def copy(self) -> State:
        return State(
            last_timestamp=self.last_timestamp,
            accounts=dict(self.accounts),
            limits=dict(self.limits),
            freezes=dict(self.freezes),
            transfers=dict(self.transfers),
            holds=dict(self.holds),
            burnt=dict(self.burnt),
            updates=dict(self.updates),
            movements=list(self.movements),
        )

    @property
    def last_account_timestamp(self) -> int:
        return next(reversed(self.accounts.values())).timestamp if self.accounts else 0

    @property
    def last_transfer_timestamp(self) -> int:
        return next(reversed(self.transfers.values())).timestamp if self.transfers else 0


def expires_at(hold: Transfer) -> int:
    """The time from which the hold is over; 0 = never."""
    return hold.timestamp + hold.timeout * NANOSECONDS_PER_SECOND if hold.timeout else 0


# ---------------------------------------------------------------------------------------------------------------------
# Accounts


def create_account(state: State, account: Account, assigned: int) -> CreateAccountStatus:
    """Decide one account, and create it if the answer is `created`. `assigned` is the timestamp of the event."""
    status = check_account(state, account)
    if status == CreateAccountStatus.created:
        is_imported = account.flags & AccountFlags.imported
        state.accounts[account.id] = account if is_imported else replace(account, timestamp=assigned)
        if account.flags & AccountFlags.overdraft:
            state.limits[account.id] = account.user_data_64
    return status


def check_account(state: State, account: Account) -> CreateAccountStatus:
    status = CreateAccountStatus
    flags = account.flags
    limited = flags & (AccountFlags.debits_must_not_exceed_credits | AccountFlags.credits_must_not_exceed_debits)
    both_limits = AccountFlags.debits_must_not_exceed_credits | AccountFlags.credits_must_not_exceed_debits

    if account.reserved != 0:
        return status.reserved_field
    if flags & ~ACCOUNT_FLAGS_VALID:
        return status.reserved_flag
    if account.id == 0:
        return status.id_must_not_be_zero
    if account.id == ID_MAX:
        return status.id_must_not_be_int_max

    if (existing := state.accounts.get(account.id)) is not None:
        return check_account_exists(account, existing)

    if limited == both_limits or (limited and flags & AccountFlags.overdraft):
        return status.flags_are_mutually_exclusive
    if account.debits_pending != 0:
        return status.debits_pending_must_be_zero
    if account.debits_posted != 0:
        return status.debits_posted_must_be_zero
    if account.credits_pending != 0:
        return status.credits_pending_must_be_zero
    if account.credits_posted != 0:
        return status.credits_posted_must_be_zero
    if account.ledger == 0:
        return status.ledger_must_not_be_zero
    if account.code == 0:
        return status.code_must_not_be_zero

    if flags & AccountFlags.imported:
        if account.timestamp <= state.last_account_timestamp:
            return status.imported_event_timestamp_must_not_regress
        if any(account.timestamp == transfer.timestamp for transfer in state.transfers.values()):
            return status.imported_event_timestamp_must_not_regress

    return status.created


def check_account_exists(account: Account, existing: Account) -> CreateAccountStatus:
    """The closed flag of `existing` is live, as in TigerBeetle: retrying an account that was closed since differs."""
    status = CreateAccountStatus
    if account.flags != existing.flags:
        return status.exists_with_different_flags
    if account.user_data_128 != existing.user_data_128:
        return status.exists_with_different_user_data_128
    if account.user_data_64 != existing.user_data_64:
        return status.exists_with_different_user_data_64
    if account.user_data_32 != existing.user_data_32:
        return status.exists_with_different_user_data_32
    if account.ledger != existing.ledger:
        return status.exists_with_different_ledger
    if account.code != existing.code:
        return status.exists_with_different_code
    return status.exists


# ---------------------------------------------------------------------------------------------------------------------
# Transfers


def create_transfer(state: State, transfer: Transfer, assigned: int) -> CreateTransferStatus:
    """Decide one transfer, and create it if the answer is `created`. `assigned` is the timestamp of the event."""
    status = CreateTransferStatus
    if transfer.flags & ~TRANSFER_FLAGS_VALID:
        return status.reserved_flag
    if transfer.id == 0:
        return status.id_must_not_be_zero
    if transfer.id == ID_MAX:
        return status.id_must_not_be_int_max

    if (existing := state.transfers.get(transfer.id)) is not None:
        return check_transfer_exists(state, transfer, existing)
    if transfer.id in state.burnt:
        return status.id_already_failed

    if transfer.flags & (TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer):
        return resolve_hold(state, transfer, assigned)
    return move(state, transfer, assigned)


def check_transfer_exists(state: State, transfer: Transfer, existing: Transfer) -> CreateTransferStatus:
    """The flags come first because they decide what the other fields mean."""
    status = CreateTransferStatus
    if transfer.flags != existing.flags:
        return status.exists_with_different_flags
    if transfer.pending_id != existing.pending_id:
        return status.exists_with_different_pending_id
    if transfer.timeout != existing.timeout:
        return status.exists_with_different_timeout

    if transfer.flags & (TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer):
        return check_resolution_exists(transfer, existing, state.transfers[transfer.pending_id])

    if transfer.debit_account_id != existing.debit_account_id:
        return status.exists_with_different_debit_account_id
    if transfer.credit_account_id != existing.credit_account_id:
        return status.exists_with_different_credit_account_id
    # A balancing transfer asks for an upper bound; what was moved may be less.
    if transfer.flags & (TransferFlags.balancing_debit | TransferFlags.balancing_credit):
        if transfer.amount < existing.amount:
            return status.exists_with_different_amount
    elif transfer.amount != existing.amount:
        return status.exists_with_different_amount
    if transfer.user_data_128 != existing.user_data_128:
        return status.exists_with_different_user_data_128
    if transfer.user_data_64 != existing.user_data_64:
        return status.exists_with_different_user_data_64
    if transfer.user_data_32 != existing.user_data_32:
        return status.exists_with_different_user_data_32
    if transfer.ledger != existing.ledger:
        return status.exists_with_different_ledger
    if transfer.code != existing.code:
        return status.exists_with_different_code
    return status.exists


def check_resolution_exists(transfer: Transfer, existing: Transfer, hold: Transfer) -> CreateTransferStatus:
    """A repeated post or void. A field left at 0 means the hold's, so it must have been the hold's the first time."""
    status = CreateTransferStatus
    if transfer.debit_account_id not in (0, existing.debit_account_id):
        return status.exists_with_different_debit_account_id
    if transfer.credit_account_id not in (0, existing.credit_account_id):
        return status.exists_with_different_credit_account_id
    if resolved_amount(transfer, hold) != existing.amount:
        return status.exists_with_different_amount
    if (transfer.user_data_128 or hold.user_data_128) != existing.user_data_128:
        return status.exists_with_different_user_data_128
    if (transfer.user_data_64 or hold.user_data_64) != existing.user_data_64:
        return status.exists_with_different_user_data_64
    if (transfer.user_data_32 or hold.user_data_32) != existing.user_data_32:
        return status.exists_with_different_user_data_32
    if transfer.ledger not in (0, existing.ledger):
        return status.exists_with_different_ledger
    if transfer.code not in (0, existing.code):
        return status.exists_with_different_code
    return status.exists


def move(state: State, transfer: Transfer, assigned: int) -> CreateTransferStatus:
    """A transfer that is neither a post nor a void: it moves money at once, or holds it (`pending`)."""
    status = CreateTransferStatus
    flags = transfer.flags
    is_pending = flags & TransferFlags.pending

    if transfer.debit_account_id == 0:
        return status.debit_account_id_must_not_be_zero
    if transfer.debit_account_id == ID_MAX:
        return status.debit_account_id_must_not_be_int_max
    if transfer.credit_account_id == 0:
        return status.credit_account_id_must_not_be_zero
    if transfer.credit_account_id == ID_MAX:
        return status.credit_account_id_must_not_be_int_max
    if transfer.debit_account_id == transfer.credit_account_id:
        return status.accounts_must_be_different
    if transfer.pending_id != 0:
        return status.pending_id_must_be_zero
    if transfer.timeout != 0 and not is_pending:
        return status.timeout_reserved_for_pending_transfer
    if flags & (TransferFlags.closing_debit | TransferFlags.closing_credit) and not is_pending:
        return status.closing_transfer_must_be_pending
    if transfer.ledger == 0:
        return status.ledger_must_not_be_zero
    if transfer.code == 0:
        return status.code_must_not_be_zero

    if (debit := state.accounts.get(transfer.debit_account_id)) is None:
        return status.debit_account_not_found
    if (credit := state.accounts.get(transfer.credit_account_id)) is None:
        return status.credit_account_not_found
    if debit.ledger != credit.ledger:
        return status.accounts_must_have_the_same_ledger
    if transfer.ledger != debit.ledger:
        return status.transfer_must_have_the_same_ledger_as_accounts

    if flags & TransferFlags.imported:
        if regresses(state, transfer):
            return status.imported_event_timestamp_must_not_regress
        if transfer.timestamp <= debit.timestamp:
            return status.imported_event_timestamp_must_postdate_debit_account
        if transfer.timestamp <= credit.timestamp:
            return status.imported_event_timestamp_must_postdate_credit_account
        if transfer.timeout != 0:
            return status.imported_event_timeout_must_be_zero

    if debit.flags & AccountFlags.closed:
        return status.debit_account_already_closed
    if credit.flags & AccountFlags.closed:
        return status.credit_account_already_closed
    if state.freezes.get(debit.id, 0) & Freeze.debits:
        return status.debit_account_frozen
    if state.freezes.get(credit.id, 0) & Freeze.credits:
        return status.credit_account_frozen

    timestamp = transfer.timestamp if flags & TransferFlags.imported else assigned
    amount = balanced_amount(transfer, debit, credit)
    if is_pending and amount + debit.debits_pending > U128_MAX:
        return status.overflows_debits_pending
    if is_pending and amount + credit.credits_pending > U128_MAX:
        return status.overflows_credits_pending
    if amount + debit.debits_posted > U128_MAX:
        return status.overflows_debits_posted
    if amount + credit.credits_posted > U128_MAX:
        return status.overflows_credits_posted
    if amount + debit.debits_pending + debit.debits_posted > U128_MAX:
        return status.overflows_debits
    if amount + credit.credits_pending + credit.credits_posted > U128_MAX:
        return status.overflows_credits
    if timestamp + transfer.timeout * NANOSECONDS_PER_SECOND > TIMESTAMP_MAX:
        return status.overflows_timeout

    if exceeds_credits(state, debit, amount):
        return status.exceeds_credits
    if exceeds_debits(credit, amount):
        return status.exceeds_debits

    # From here on the transfer must succeed.
    stored = replace(transfer, amount=amount, timestamp=timestamp)
    if is_pending:
        state.holds[transfer.id] = Hold.open
        debit = replace(debit, debits_pending=debit.debits_pending + amount)
        credit = replace(credit, credits_pending=credit.credits_pending + amount)
    else:
        debit = replace(debit, debits_posted=debit.debits_posted + amount)
        credit = replace(credit, credits_posted=credit.credits_posted + amount)
    if flags & TransferFlags.closing_debit:
        debit = replace(debit, flags=debit.flags | AccountFlags.closed)
    if flags & TransferFlags.closing_credit:
        credit = replace(credit, flags=credit.flags | AccountFlags.closed)
    store(state, stored, debit, credit)
    return status.created


def resolve_hold(state: State, transfer: Transfer, assigned: int) -> CreateTransferStatus:
    """A post (all or part of a hold becomes posted, the rest is released) or a void (all of it is released)."""
    status = CreateTransferStatus
    flags = transfer.flags
    is_post = flags & TransferFlags.post_pending_transfer
    is_void = flags & TransferFlags.void_pending_transfer
    only_for_others = (
        TransferFlags.pending
        | TransferFlags.balancing_debit
        | TransferFlags.balancing_credit
        | TransferFlags.closing_debit
        | TransferFlags.closing_credit
    )

    if is_post and is_void:
        return status.flags_are_mutually_exclusive
    if flags & only_for_others:
        return status.flags_are_mutually_exclusive
    if transfer.pending_id == 0:
        return status.pending_id_must_not_be_zero
    if transfer.pending_id == ID_MAX:
        return status.pending_id_must_not_be_int_max
    if transfer.pending_id == transfer.id:
        return status.pending_id_must_be_different
    if transfer.timeout != 0:
        return status.timeout_reserved_for_pending_transfer

    if (hold := state.transfers.get(transfer.pending_id)) is None:
        return status.pending_transfer_not_found
    if not hold.flags & TransferFlags.pending:
        return status.pending_transfer_not_pending
    if transfer.debit_account_id not in (0, hold.debit_account_id):
        return status.pending_transfer_has_different_debit_account_id
    if transfer.credit_account_id not in (0, hold.credit_account_id):
        return status.pending_transfer_has_different_credit_account_id
    if transfer.ledger not in (0, hold.ledger):
        return status.pending_transfer_has_different_ledger
    if transfer.code not in (0, hold.code):
        return status.pending_transfer_has_different_code

    amount = resolved_amount(transfer, hold)
    if amount > hold.amount:
        return status.exceeds_pending_transfer_amount
    if is_void and amount < hold.amount:
        return status.pending_transfer_has_different_amount

    if state.holds[hold.id] == Hold.posted:
        return status.pending_transfer_already_posted
    if state.holds[hold.id] == Hold.voided:
        return status.pending_transfer_already_voided
    if state.holds[hold.id] == Hold.expired:
        return status.pending_transfer_expired
    # Over is over, also when nobody has called `expire` yet.
    if hold.timeout != 0 and expires_at(hold) <= assigned:
        return status.pending_transfer_expired

    if flags & TransferFlags.imported and regresses(state, transfer):
        return status.imported_event_timestamp_must_not_regress

    debit = state.accounts[hold.debit_account_id]
    credit = state.accounts[hold.credit_account_id]
    if debit.flags & AccountFlags.closed and not is_void:
        return status.debit_account_already_closed
    if credit.flags & AccountFlags.closed and not is_void:
        return status.credit_account_already_closed
    if state.freezes.get(debit.id, 0) & Freeze.debits and not is_void:
        return status.debit_account_frozen

    # From here on the transfer must succeed.
    stored = replace(
        transfer,
        debit_account_id=hold.debit_account_id,
        credit_account_id=hold.credit_account_id,
        amount=amount,
        user_data_128=transfer.user_data_128 or hold.user_data_128,
        user_data_64=transfer.user_data_64 or hold.user_data_64,
        user_data_32=transfer.user_data_32 or hold.user_data_32,
        ledger=hold.ledger,
        code=hold.code,
        timestamp=transfer.timestamp if flags & TransferFlags.imported else assigned,
    )
    if is_post:
        state.holds[hold.id] = Hold.posted
        debit = replace(
            debit,
            debits_pending=debit.debits_pending - hold.amount,
            debits_posted=debit.debits_posted + amount,
        )
        credit = replace(
            credit,
            credits_pending=credit.credits_pending - hold.amount,
            credits_posted=credit.credits_posted + amount,
        )
    else:
        state.holds[hold.id] = Hold.voided
        debit, credit = released(hold, debit, credit)
    store(state, stored, debit, credit)
    return status.created


def regresses(state: State, transfer: Transfer) -> bool:
    """An imported transfer must be newer than every transfer, and not share its timestamp with an account."""
    if transfer.timestamp <= state.last_transfer_timestamp:
        return True
    return any(transfer.timestamp == account.timestamp for account in state.accounts.values())


def balanced_amount(transfer: Transfer, debit: Account, credit: Account) -> int:
    """The amount asked for, or for a balancing transfer what both sides can take of it. Never below 0."""
    amount = transfer.amount
    if transfer.flags & TransferFlags.balancing_debit:
        amount = min(amount, max(0, debit.credits_posted - debit.debits_posted - debit.debits_pending))
    if transfer.flags & TransferFlags.balancing_credit:
        amount = min(amount, max(0, credit.debits_posted - credit.credits_posted - credit.credits_pending))
    return amount


def resolved_amount(transfer: Transfer, hold: Transfer) -> int:
    """What a post or void asks for: AMOUNT_MAX posts all, 0 voids all."""
    if transfer.flags & TransferFlags.post_pending_transfer:
        return hold.amount if transfer.amount == AMOUNT_MAX else transfer.amount
    return hold.amount if transfer.amount == 0 else transfer.amount


def exceeds_credits(state: State, debit: Account, amount: int) -> bool:
    """Would the debit break the account's limit? Credits that are only pending never count."""
    debits = debit.debits_pending + debit.debits_posted + amount
    if debit.flags & AccountFlags.debits_must_not_exceed_credits:
        return debits > debit.credits_posted
    if debit.flags & AccountFlags.overdraft:
        return debits > min(U128_MAX, debit.credits_posted + state.limits[debit.id])
    return False


def exceeds_debits(credit: Account, amount: int) -> bool:
    credits_ = credit.credits_pending + credit.credits_posted + amount
    return bool(credit.flags & AccountFlags.credits_must_not_exceed_debits) and credits_ > credit.debits_posted


def released(hold: Transfer, debit: Account, credit: Account) -> tuple[Account, Account]:
    """Both accounts after the hold is gone without a trace: nothing pending any more, closed accounts open again."""
    debit = replace(debit, debits_pending=debit.debits_pending - hold.amount)
    credit = replace(credit, credits_pending=credit.credits_pending - hold.amount)
    if hold.flags & TransferFlags.closing_debit:
        debit = replace(debit, flags=debit.flags & ~int(AccountFlags.closed))
    if hold.flags & TransferFlags.closing_credit:
        credit = replace(credit, flags=credit.flags & ~int(AccountFlags.closed))
    return debit, credit


def store(state: State, transfer: Transfer, debit: Account, credit: Account) -> None:
    state.transfers[transfer.id] = transfer
    state.accounts[debit.id] = debit
    state.accounts[credit.id] = credit
    state.movements.append(Movement(transfer.timestamp, transfer, False, debit, credit))


# ---------------------------------------------------------------------------------------------------------------------
# Expiry


def due_holds(state: State, now: int) -> list[Transfer]:
    """The open holds whose time is over at `now`, at most a batch of them, in the order in which they are released."""
    open_holds = [state.transfers[id_] for id_, hold in state.holds.items() if hold == Hold.open]
    due = [hold for hold in open_holds if hold.timeout != 0 and expires_at(hold) <= now]
    return sorted(due, key=lambda hold: (expires_at(hold), hold.timestamp))[:BATCH_MAX]


def expire_hold(state: State, hold: Transfer, timestamp: int) -> None:
    """Release one hold. Closed and frozen accounts do not stop it."""
    debit, credit = released(hold, state.accounts[hold.debit_account_id], state.accounts[hold.credit_account_id])
    state.holds[hold.id] = Hold.expired
    state.accounts[debit.id] = debit
    state.accounts[credit.id] = credit
    state.movements.append(Movement(timestamp, hold, True, debit, credit))


# ---------------------------------------------------------------------------------------------------------------------
# Account updates (ours)


def update_account(state: State, update: AccountUpdate, assigned: int) -> UpdateAccountStatus:
    """Decide one update, and apply it if the answer is `created`."""
    status = UpdateAccountStatus
    if update.timestamp != 0:
        return status.timestamp_must_be_zero
    if update.reserved != bytes(40) or update.reserved2 != 0:
        return status.reserved_field
    if update.flags != 0:
        return status.reserved_flag
    if update.id == 0:
        return status.id_must_not_be_zero
    if update.id == ID_MAX:
        return status.id_must_not_be_int_max

    if (existing := state.updates.get(update.id)) is not None:
        if update.account_id != existing.account_id:
            return status.exists_with_different_account_id
        if update.kind != existing.kind:
            return status.exists_with_different_kind
        if update.value != existing.value:
            return status.exists_with_different_value
        if update.reason != existing.reason:
            return status.exists_with_different_reason
        if update.user_data_128 != existing.user_data_128:
            return status.exists_with_different_user_data_128
        return status.exists

    if update.account_id == 0:
        return status.account_id_must_not_be_zero
    if update.account_id == ID_MAX:
        return status.account_id_must_not_be_int_max
    if update.kind not in tuple(AccountUpdateKind):
        return status.kind_invalid
    if update.value != 0 and update.kind != AccountUpdateKind.set_limit:
        return status.value_must_be_zero
    if (account := state.accounts.get(update.account_id)) is None:
        return status.account_not_found
    if update.kind == AccountUpdateKind.set_limit and not account.flags & AccountFlags.overdraft:
        return status.account_has_no_overdraft

    match AccountUpdateKind(update.kind):
        case AccountUpdateKind.freeze_debits:
            state.freezes[account.id] = state.freezes.get(account.id, 0) | Freeze.debits
        case AccountUpdateKind.freeze_credits:
            state.freezes[account.id] = state.freezes.get(account.id, 0) | Freeze.credits
        case AccountUpdateKind.unfreeze:
            state.freezes[account.id] = 0
        case AccountUpdateKind.set_limit:
            state.limits[account.id] = update.value
    state.updates[update.id] = replace(update, timestamp=assigned)
    return status.created


# ---------------------------------------------------------------------------------------------------------------------
# Batches of accounts and transfers: timestamps, imported events, linked chains

Event = TypeVar("Event", Account, Transfer)
Status = TypeVar("Status", CreateAccountStatus, CreateTransferStatus)

_LINKED: Final = 1
"""The same bit in accounts and transfers; `imported` is not."""
_IMPORTED: Final[dict[type, int]] = {Account: int(AccountFlags.imported), Transfer: int(TransferFlags.imported)}


@dataclass(slots=True)
class Batch(Generic[Event, Status]):
    """One batch on its way through the ledger: `run` returns the state after it."""

    events: list[Event]
    timestamp: int
    statuses: type[Status]
    create: Callable[[State, Event, int], Status]
    find: Callable[[State, int], Event | None]
    results: list[tuple[int, Status]] = field(default_factory=list)

    def run(self, state: State) -> State:
        count = len(self.events)
        before_chain: State | None = None
        chain_start = 0
        chain_is_broken = False

        for index, event in enumerate(self.events):
            is_linked = bool(event.flags & _LINKED)
            if is_linked and before_chain is None:
                before_chain, chain_start, chain_is_broken = state.copy(), index, False

            assigned = self.timestamp - count + index + 1
            if is_linked and index == count - 1:
                status = self.statuses.linked_event_chain_open
            elif before_chain is not None and chain_is_broken:
                status = self.statuses.linked_event_failed
            else:
                status = self._decide(state, event, assigned)
            self.results.append((self._result_timestamp(state, event, status, assigned), status))

            if status != self.statuses.created:
                if before_chain is not None and not chain_is_broken:
                    # Undo the chain so far. Its events keep the timestamp they had been given.
                    chain_is_broken = True
                    state = before_chain.copy()
                    for earlier in range(chain_start, index):
                        self.results[earlier] = (self.results[earlier][0], self.statuses.linked_event_failed)
                if isinstance(status, CreateTransferStatus) and status.is_transient:
                    # The same event might succeed later: its id is burnt so that a retry cannot surprise anyone.
                    state.burnt[event.id] = None

            if not is_linked or status == self.statuses.linked_event_chain_open:
                before_chain = None

        state.last_timestamp = self.timestamp
        return state

    def _decide(self, state: State, event: Event, assigned: int) -> Status:
        imported_flag = _IMPORTED[type(event)]
        is_imported = bool(event.flags & imported_flag)
        batch_is_imported = bool(self.events[0].flags & imported_flag)
        if batch_is_imported and not is_imported:
            return self.statuses.imported_event_expected
        if is_imported and not batch_is_imported:
            return self.statuses.imported_event_not_expected
        if not is_imported and event.timestamp != 0:
            return self.statuses.timestamp_must_be_zero
        if is_imported and not TIMESTAMP_MIN <= event.timestamp <= TIMESTAMP_MAX:
            return self.statuses.imported_event_timestamp_out_of_range
        if is_imported and event.timestamp >= self.timestamp:
            return self.statuses.imported_event_timestamp_must_not_advance
        return self.create(state, event, assigned)

    def _result_timestamp(self, state: State, event: Event, status: Status, assigned: int) -> int:
        """Created and existing events answer their own timestamp, all others the time at which they were decided."""
        if status in (self.statuses.created, self.statuses.exists):
            stored = self.find(state, event.id)
            assert stored is not None
            return stored.timestamp
        return assigned


# ---------------------------------------------------------------------------------------------------------------------
# The engine


class ReferenceLedger:
    """State and nothing else: timestamps are given, never read from a clock. Same methods as NativeLedger."""

    def __init__(self) -> None:
        self._state = State()

    @property
    def last_timestamp(self) -> int:
        return self._state.last_timestamp

    def create_accounts(self, events: Records, timestamp: int) -> Records:
        """ACCOUNT[n] -> RESULT[n]. `timestamp` is the last event's; the first one's is after everything before."""
        self._check_time(timestamp, len(events))
        if len(events) == 0:
            return _results([])
        batch = Batch(
            accounts_list(events),
            timestamp,
            CreateAccountStatus,
            create_account,
            lambda state, id_: state.accounts.get(id_),
        )
        self._state = batch.run(self._state)
        return _results(batch.results)

    def create_transfers(self, events: Records, timestamp: int, balances_out: Records | None = None) -> Records:
        """TRANSFER[n] -> RESULT[n]; BALANCES[n] are written to `balances_out`."""
        self._check_time(timestamp, len(events))
        if len(events) == 0:
            return _results([])
        batch = Batch(
            transfers_list(events),
            timestamp,
            CreateTransferStatus,
            create_transfer,
            lambda state, id_: state.transfers.get(id_),
        )
        self._state = batch.run(self._state)
        if balances_out is not None:
            after = {movement.transfer.id: movement for movement in self._state.movements if not movement.is_expiry}
            for index, (event, (_, status)) in enumerate(zip(batch.events, batch.results, strict=True)):
                created = status == CreateTransferStatus.created
                _write_balances(balances_out[index], after[event.id] if created else None)
        return _results(batch.results)

    def update_accounts(self, events: Records, timestamp: int) -> Records:
        """ACCOUNT_UPDATE[n] -> RESULT[n]."""
        self._check_time(timestamp, len(events))
        if len(events) == 0:
            return _results([])
        results = []
        for index, update in enumerate(account_updates_list(events)):
            assigned = timestamp - len(events) + index + 1
            status = update_account(self._state, update, assigned)
            is_stored = status in (UpdateAccountStatus.created, UpdateAccountStatus.exists)
            results.append((self._state.updates[update.id].timestamp if is_stored else assigned, status))
        self._state.last_timestamp = timestamp
        return _results(results)

    def expire(self, now: int) -> int:
        """Release the holds whose time is over, at most BATCH_MAX, and return how many."""
        last = self._state.last_timestamp
        if now < last:
            raise TimeBeforeLastTimestamp(now, last)
        due = due_holds(self._state, now)
        if not due:
            return 0
        timestamp = max(now, last + len(due))
        for index, hold in enumerate(due):
            expire_hold(self._state, hold, timestamp - len(due) + index + 1)
        self._state.last_timestamp = timestamp
        return len(due)

    def _check_time(self, timestamp: int, count: int) -> None:
        if count and timestamp - count < self._state.last_timestamp:
            raise TimeBeforeLastTimestamp(timestamp - count + 1, self._state.last_timestamp)
        if timestamp > TIMESTAMP_MAX:
            raise ValueError(f"a timestamp is at most 2^63-1, this one is {timestamp}")

    # Queries -------------------------------------------------------------------------------------------------------

    def lookup_accounts(self, ids: Words) -> Records:
        """ACCOUNT[k]: the accounts found, in the order asked for."""
        accounts = self._state.accounts
        return accounts_array([accounts[id_] for id_ in _ints(ids) if id_ in accounts])

    def lookup_transfers(self, ids: Words) -> Records:
        """TRANSFER[k]: the transfers found, in the order asked for."""
        transfers = self._state.transfers
        return transfers_array([transfers[id_] for id_ in _ints(ids) if id_ in transfers])

    def account_state(self, ids: Words) -> Records:
        """ACCOUNT_STATE[k]: limit and freeze of the accounts found, in the order asked for."""
        state = self._state
        found = [id_ for id_ in _ints(ids) if id_ in state.accounts]
        records = np.zeros(len(found), dtype=ACCOUNT_STATE)
        for index, id_ in enumerate(found):
            int_to_u128(records[index], "id", id_)
            int_to_u128(records[index], "limit", state.limits.get(id_, 0))
            records[index]["freeze"] = state.freezes.get(id_, 0)
            records[index]["has_limit"] = id_ in state.limits
        return records

    def account_transfers(self, filter: AccountFilter) -> Records:
        """TRANSFER[k]: the transfers of one account."""
        return transfers_array([movement.transfer for movement in self._account_movements(filter)])

    def account_balances(self, filter: AccountFilter) -> Records:
        """ACCOUNT_BALANCE[k]: the balances of one `history` account right after each of its transfers."""
        account = self._state.accounts.get(filter.account_id)
        if account is None or not account.flags & AccountFlags.history:
            return np.zeros(0, dtype=ACCOUNT_BALANCE)
        return _account_balances(filter.account_id, self._account_movements(filter))

    def balance_at(self, account_id: int, timestamp: int) -> Records:
        """ACCOUNT_BALANCE[0 or 1]: the balances right after the last event of the account up to `timestamp`.

        Counts transfers and expiries. Before the first event: zeros, with timestamp 0. Unknown account: nothing.
        """
        if account_id not in self._state.accounts:
            return np.zeros(0, dtype=ACCOUNT_BALANCE)
        for movement in reversed(self._state.movements):
            if movement.timestamp <= timestamp and account_id in (
                movement.debit_account.id,
                movement.credit_account.id,
            ):
                return _account_balances(account_id, [movement])
        return np.zeros(1, dtype=ACCOUNT_BALANCE)

    def query_accounts(self, filter: QueryFilter) -> Records:
        """ACCOUNT[k]: the accounts that match, by timestamp."""
        return accounts_array(_query(filter, list(self._state.accounts.values())))

    def query_transfers(self, filter: QueryFilter) -> Records:
        """TRANSFER[k]: the transfers that match, by timestamp."""
        return transfers_array(_query(filter, list(self._state.transfers.values())))

    def _account_movements(self, filter: AccountFilter) -> list[Movement]:
        if not _account_filter_is_valid(filter):
            return []
        found = []
        for movement in self._state.movements:
            transfer = movement.transfer
            is_debit = transfer.debit_account_id == filter.account_id and filter.flags & AccountFilterFlags.debits
            is_credit = transfer.credit_account_id == filter.account_id and filter.flags & AccountFilterFlags.credits
            if not movement.is_expiry and (is_debit or is_credit) and _matches(filter, transfer, "code"):
                found.append(movement)
        if filter.flags & AccountFilterFlags.reversed:
            found.reverse()
        return found[: min(filter.limit, BATCH_MAX)]

    # Canonical state -----------------------------------------------------------------------------------------------

    def state_bytes(self) -> Iterator[bytes]:
        """The canonical form of the state, version 1, in pieces (format: docs/ledger.md). All little-endian."""
        state = self._state
        yield b"QENEX-STATE-1\n"
        yield _u64(state.last_timestamp) + _u64(state.last_account_timestamp) + _u64(state.last_transfer_timestamp)

        yield _u64(len(state.accounts))
        for account in state.accounts.values():
            limit, freeze = state.limits.get(account.id, 0), state.freezes.get(account.id, 0)
            yield account.pack() + _u128(limit) + _u32(freeze) + _u32(0)

        open_holds = [state.transfers[id_] for id_, hold in state.holds.items() if hold == Hold.open]
        open_holds.sort(key=lambda hold: hold.timestamp)
        yield _u64(len(open_holds))
        for hold in open_holds:
            yield _u128(hold.id) + _u64(hold.timestamp) + _u64(expires_at(hold)) + _u128(hold.amount)

        yield _u64(len(state.burnt))
        for id_ in state.burnt:
            yield _u128(id_)

        yield _u64(len(state.updates))
        for id_ in state.updates:
            yield _u128(id_)

    def state_hash(self) -> bytes:
        """SHA-256 of the canonical state."""
        digest = hashlib.sha256()
        for piece in self.state_bytes():
            digest.update(piece)
        return digest.digest()

    # Tests ---------------------------------------------------------------------------------------------------------

    def _test_set_balances(
        self, account_id: int, debits_pending: int, debits_posted: int, credits_pending: int, credits_posted: int
    ) -> bool:
        """Overwrite live balances, to reach edges no test could book its way to. See qenex.ledger.testing."""
        account = self._state.accounts.get(account_id)
        if account is None:
            return False
        self._state.accounts[account_id] = replace(
            account,
            debits_pending=debits_pending,
            debits_posted=debits_posted,
            credits_pending=credits_pending,
            credits_posted=credits_posted,
        )
        return True


# ---------------------------------------------------------------------------------------------------------------------
# Filters


def _time_range_is_valid(filter: AccountFilter | QueryFilter) -> bool:
    return (
        (filter.timestamp_min == 0 or TIMESTAMP_MIN <= filter.timestamp_min <= TIMESTAMP_MAX)
        and (filter.timestamp_max == 0 or TIMESTAMP_MIN <= filter.timestamp_max <= TIMESTAMP_MAX)
        and (filter.timestamp_max == 0 or filter.timestamp_min <= filter.timestamp_max)
        and filter.limit != 0
    )


def _account_filter_is_valid(filter: AccountFilter) -> bool:
    sides = AccountFilterFlags.debits | AccountFilterFlags.credits
    return (
        filter.account_id not in (0, ID_MAX)
        and bool(filter.flags & sides)
        and not filter.flags & ~ACCOUNT_FILTER_FLAGS_VALID
        and _time_range_is_valid(filter)
    )


def _matches(filter: Any, stored: Account | Transfer, *more: str) -> bool:
    """Does a stored event match the time range and every field that the filter gives?"""
    if stored.timestamp < filter.timestamp_min:
        return False
    if filter.timestamp_max != 0 and stored.timestamp > filter.timestamp_max:
        return False
    return all(
        getattr(filter, name) in (0, getattr(stored, name))
        for name in ("user_data_128", "user_data_64", "user_data_32", *more)
    )


def _query(filter: QueryFilter, stored: list[Event]) -> list[Event]:
    if filter.flags & ~QUERY_FILTER_FLAGS_VALID or not _time_range_is_valid(filter):
        return []
    found = [event for event in stored if _matches(filter, event, "ledger", "code")]
    if filter.flags & QueryFilterFlags.reversed:
        found.reverse()
    return found[: min(filter.limit, BATCH_MAX)]


# ---------------------------------------------------------------------------------------------------------------------
# Records


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _u128(value: int) -> bytes:
    return value.to_bytes(16, "little")


def _ints(ids: Words) -> list[int]:
    return [int(high) << 64 | int(low) for low, high in ids.tolist()]


def _results(results: list[tuple[int, Any]]) -> Records:
    records = np.zeros(len(results), dtype=RESULT)
    records["timestamp"] = [timestamp for timestamp, _ in results]
    records["status"] = [int(status) for _, status in results]
    return records


_BALANCE_NAMES: Final = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def _write_balances(record: Any, after: Movement | None) -> None:
    for name in _BALANCE_NAMES:
        int_to_u128(record, f"debit_{name}", getattr(after.debit_account, name) if after else 0)
        int_to_u128(record, f"credit_{name}", getattr(after.credit_account, name) if after else 0)


def _account_balances(account_id: int, movements: list[Movement]) -> Records:
    records = np.zeros(len(movements), dtype=ACCOUNT_BALANCE)
    for index, movement in enumerate(movements):
        is_debit = movement.debit_account.id == account_id
        account = movement.debit_account if is_debit else movement.credit_account
        for name in _BALANCE_NAMES:
            int_to_u128(records[index], name, getattr(account, name))
        records[index]["timestamp"] = movement.timestamp
    return records
