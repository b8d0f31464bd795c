"""Accounts: opened, listed with their balances, frozen, limited, closed; and the bank's own accounts per currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qenex.books import (
    ACCOUNT,
    ACCOUNT_UPDATE,
    BATCH_MAX,
    TRANSFER,
    AccountFlags,
    AccountUpdateKind,
    CreateAccountStatus,
    CreateTransferStatus,
    Freeze,
    QueryFilter,
    TransferFlags,
    UpdateAccountStatus,
)
from qenex.products.approval import Signatures, approved
from qenex.products.bank import Bank, money_of
from qenex.products.business_day import packed_dates
from qenex.products.chart import (
    CASH,
    CUSTOMER_DEPOSITS,
    CUSTOMER_FLAGS,
    INTERNAL,
    SUSPENSE,
    BookingCode,
    ChartAccount,
    Side,
)
from qenex.storage.relational import BANK_ID, AccountRow
from qenex.values import (
    IBAN_STRUCTURES,
    Currency,
    Iban,
    Money,
    Refusal,
    currency,
    currency_by_numeric,
    derive_id,
    invariant,
    parse_iban,
    refuse,
)

NEXT_ACCOUNT_NUMBER = "next account number"
FIRST_ACCOUNT_NUMBER = 1_000_001
LIMIT_MAX = 2**63 - 1
_LOW = 2**64 - 1


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account with what the ledger says about it now. Amounts in minor units, seen from the account's normal side."""

    row: AccountRow
    status: str
    """open, frozen or closed, as the ledger has it"""
    posted_minor: int
    pending_minor: int
    held_minor: int
    limit_minor: int
    frozen: Freeze

    @property
    def available_minor(self) -> int:
        """What can be paid out now: posted, less what is held, plus the overdraft limit."""
        return self.posted_minor - self.held_minor + self.limit_minor


def set_words(array: np.ndarray, name: str, numbers: Sequence[int]) -> None:
    """Write u128 numbers into the two words of a field."""
    array[f"{name}_lo"] = np.fromiter([number & _LOW for number in numbers], np.uint64, len(numbers))
    array[f"{name}_hi"] = np.fromiter([number >> 64 for number in numbers], np.uint64, len(numbers))


def word(record: np.void, name: str) -> int:
    """Read a u128 out of the two words of a field."""
    return int(record[f"{name}_hi"]) << 64 | int(record[f"{name}_lo"])


def numbers(records: np.ndarray, name: str) -> list[int]:
    """A u128 field of many records as Python integers."""
    low = records[f"{name}_lo"].tolist()
    if not records[f"{name}_hi"].any():
        return [int(value) for value in low]
    return [high << 64 | value for high, value in zip(records[f"{name}_hi"].tolist(), low)]


# ---------------------------------------------------------------------------------------------------------------------
# The bank's own accounts


def ensure_currency(bank: Bank, money: Currency) -> None:
    """Open the bank's own accounts in a currency when the currency is used for the first time."""
    if money.numeric in bank.currencies_opened:
        return
    wanted = [account.ledger_id(money) for account in INTERNAL]
    found = {word(record, "id") for record in bank.books.lookup_accounts(wanted)}
    missing = [account for account in INTERNAL if account.ledger_id(money) not in found]
    if missing:
        _create(bank, [_internal_record(account, money) for account in missing])
    bank.currencies_opened.add(money.numeric)


def _internal_record(account: ChartAccount, money: Currency) -> tuple[int, int, int, int, int]:
    return account.ledger_id(money), money.numeric, account.number, 0, 0


def _create(bank: Bank, wanted: Iterable[tuple[int, int, int, int, int]]) -> None:
    """(id, ledger, code, flags, initial limit) each; an account that exists as described is fine."""
    rows = list(wanted)
    if not rows:
        return
    events = np.zeros(len(rows), ACCOUNT)
    set_words(events, "id", [row[0] for row in rows])
    events["ledger"] = [row[1] for row in rows]
    events["code"] = [row[2] for row in rows]
    events["flags"] = [row[3] for row in rows]
    events["user_data_64"] = [row[4] for row in rows]
    statuses = bank.books.create_accounts(events)
    good = (CreateAccountStatus.created, CreateAccountStatus.exists)
    invariant(all(int(status) in good for status in statuses), "the ledger opens every account that the bank describes")


# ---------------------------------------------------------------------------------------------------------------------
# Opening


def open_account(
    bank: Bank, owner_id: int, currency_code: str, *, iban: str | None, overdraft: str, product: str
) -> AccountRow | Refusal:
    money = currency(currency_code.upper())
    if isinstance(money, Refusal):
        return money
    limit = parse_limit(overdraft, money)
    if isinstance(limit, Refusal):
        return limit
    owner = bank.store.customer(owner_id)
    if isinstance(owner, Refusal):
        return owner
    if owner.details is None:
        return refuse("CUSTOMER_ERASED", customer_id=owner_id)
    number = parse_iban(iban) if iban else next_iban(bank)
    if isinstance(number, Refusal):
        return number
    ensure_currency(bank, money)
    row = AccountRow(
        id=bank.store.new_account_id(owner_id),
        owner_id=owner_id,
        iban=number.compact,
        product=product,
        currency=money.code,
        ledger=money.numeric,
        chart_code=str(CUSTOMER_DEPOSITS.number),
        opened_on=bank.today(),
    )
    refusal = bank.store.add_account(row)
    if isinstance(refusal, Refusal):
        return refusal
    _create(bank, [(row.id, row.ledger, CUSTOMER_DEPOSITS.number, int(CUSTOMER_FLAGS), limit.minor)])
    refusal = bank.store.set_account_status(row.id, "open", day=bank.today())
    return refusal if isinstance(refusal, Refusal) else row


def finish_openings(bank: Bank) -> int:
    """After a crash between the two stores: open in the ledger what the relational store announced. Returns how many."""
    half_open = bank.store.accounts(status="opening")
    found = {word(record, "id") for record in _lookup(bank, [row.id for row in half_open])}
    # Nobody was told that these accounts exist, so one that the ledger never saw starts without an overdraft.
    _create(
        bank,
        [
            (row.id, row.ledger, CUSTOMER_DEPOSITS.number, int(CUSTOMER_FLAGS), 0)
            for row in half_open
            if row.id not in found
        ],
    )
    for row in half_open:
        bank.store.set_account_status(row.id, "open", day=bank.today())
    return len(half_open)


def parse_limit(text: str, money: Currency) -> Money | Refusal:
    limit = Money.parse(text, money)
    if isinstance(limit, Refusal):
        return limit
    if limit.minor < 0:
        return refuse("LIMIT_NEGATIVE", given=limit)
    return refuse("OVERDRAFT_TOO_LARGE", given=limit) if limit.minor > LIMIT_MAX else limit


def next_iban(bank: Bank) -> Iban | Refusal:
    """The next number that nobody has: bank code at its place, then zeros, then a running number."""
    country, bank_code = bank.settings.country, bank.settings.bank_code
    length = IBAN_STRUCTURES[country].bban_length - len(bank_code)
    number = int(bank.store.setting(NEXT_ACCOUNT_NUMBER) or FIRST_ACCOUNT_NUMBER)
    while True:
        if len(str(number)) > length:
            return refuse("ACCOUNT_NUMBERS_EXHAUSTED", country=country, bank_code=bank_code)
        iban = Iban.build(country, bank_code + str(number).rjust(length, "0"))
        if isinstance(iban, Refusal):
            return iban
        number += 1
        if isinstance(bank.store.account_by_iban(iban.compact), Refusal):
            bank.store.put_setting(NEXT_ACCOUNT_NUMBER, str(number))
            return iban


# ---------------------------------------------------------------------------------------------------------------------
# Finding and listing


def account_of(bank: Bank, text: str) -> AccountRow | Refusal:
    """The account here that has this number."""
    iban = parse_iban(text)
    return iban if isinstance(iban, Refusal) else bank.store.account_by_iban(iban.compact)


def balances(bank: Bank, rows: Sequence[AccountRow]) -> list[AccountBalance]:
    """The rows with their balances, in the same order."""
    ids = [row.id for row in rows]
    records = {word(record, "id"): record for record in _lookup(bank, ids)}
    states: dict[int, np.void] = {}
    for start in range(0, len(ids), BATCH_MAX):
        states.update((word(state, "id"), state) for state in bank.books.account_state(ids[start : start + BATCH_MAX]))
    return [_balance(row, records[row.id], states[row.id]) for row in rows if row.id in records]


def _balance(row: AccountRow, record: np.void, state: np.void) -> AccountBalance:
    frozen = Freeze(int(state["freeze"]))
    status = "closed" if int(record["flags"]) & AccountFlags.closed else "frozen" if frozen else "open"
    return AccountBalance(
        row=row,
        status=status,
        posted_minor=word(record, "credits_posted") - word(record, "debits_posted"),
        pending_minor=word(record, "credits_pending") - word(record, "debits_pending"),
        held_minor=word(record, "debits_pending"),
        limit_minor=word(state, "limit") if int(state["has_limit"]) else 0,
        frozen=frozen,
    )


def balance_of(bank: Bank, row: AccountRow) -> AccountBalance:
    found = balances(bank, [row])
    invariant(len(found) == 1, "every account of the relational store is in the ledger")
    return found[0]


def _lookup(bank: Bank, ids: Sequence[int]) -> list[np.void]:
    found: list[np.void] = []
    for start in range(0, len(ids), BATCH_MAX):
        found.extend(bank.books.lookup_accounts(ids[start : start + BATCH_MAX]))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Changing


def freeze(bank: Bank, text: str, side: Freeze, signatures: Signatures) -> AccountBalance | Refusal:
    kinds = [
        kind
        for bit, kind in (
            (Freeze.debits, AccountUpdateKind.freeze_debits),
            (Freeze.credits, AccountUpdateKind.freeze_credits),
        )
        if side & bit
    ]
    return _change(bank, text, "freeze", kinds, 0, "frozen", signatures)


def unfreeze(bank: Bank, text: str, signatures: Signatures) -> AccountBalance | Refusal:
    return _change(bank, text, "unfreeze", [AccountUpdateKind.unfreeze], 0, "open", signatures)


def change_limit(bank: Bank, text: str, amount: str, signatures: Signatures) -> AccountBalance | Refusal:
    row = account_of(bank, text)
    if isinstance(row, Refusal):
        return row
    money = currency(row.currency)
    assert isinstance(money, Currency)
    limit = parse_limit(amount, money)
    if isinstance(limit, Refusal):
        return limit
    return _change(bank, text, "limit", [AccountUpdateKind.set_limit], limit.minor, None, signatures)


def _change(
    bank: Bank,
    text: str,
    action: str,
    kinds: Sequence[AccountUpdateKind],
    value: int,
    status: str | None,
    signatures: Signatures,
) -> AccountBalance | Refusal:
    row = account_of(bank, text)
    if isinstance(row, Refusal):
        return row
    if balance_of(bank, row).status == "closed":
        return refuse("ACCOUNT_CLOSED", account=row.iban)
    what = " ".join(kind.name for kind in kinds)
    approval = approved(bank, action, row.id, f"{what} {row.iban} {value}", signatures)
    if isinstance(approval, Refusal):
        return approval
    events = np.zeros(len(kinds), ACCOUNT_UPDATE)
    ids = [bank.ids.next() for _ in kinds]
    set_words(events, "id", ids)
    set_words(events, "account_id", [row.id] * len(kinds))
    set_words(events, "value", [value] * len(kinds))
    events["kind"] = [int(kind) for kind in kinds]
    statuses = bank.books.update_accounts(events)
    invariant(
        all(int(answer) == UpdateAccountStatus.created for answer in statuses),
        "the ledger takes every change the bank describes",
    )
    if status is not None:
        refusal = bank.store.set_account_status(row.id, status, day=bank.today())
        if isinstance(refusal, Refusal):
            return refusal
    return balance_of(bank, row)


def close_account(bank: Bank, text: str, signatures: Signatures) -> AccountBalance | Refusal:
    """Close for good: a hold of nothing that carries the ledger's closing flag."""
    row = account_of(bank, text)
    if isinstance(row, Refusal):
        return row
    now = balance_of(bank, row)
    if now.status == "closed":
        return refuse("ACCOUNT_CLOSED", account=row.iban)
    if now.posted_minor or now.held_minor or now.pending_minor:
        posted, held = (
            money_of(now.posted_minor, row.ledger),
            money_of(max(now.held_minor, abs(now.pending_minor)), row.ledger),
        )
        return refuse("ACCOUNT_NOT_EMPTY", balance=posted, held=held, where=row.iban)
    if now.frozen:
        return refuse("ACCOUNT_FROZEN", account=row.iban)
    approval = approved(bank, "close", row.id, f"close {row.iban}", signatures)
    if isinstance(approval, Refusal):
        return approval
    money = currency(row.currency)
    assert isinstance(money, Currency)
    event = np.zeros(1, TRANSFER)
    set_words(event, "id", [derive_id(row.id, "close")])
    set_words(event, "debit_account_id", [row.id])
    set_words(event, "credit_account_id", [SUSPENSE.ledger_id(money)])
    event["ledger"], event["code"] = row.ledger, BookingCode.MANUAL
    event["flags"] = int(TransferFlags.pending | TransferFlags.closing_debit)
    event["user_data_32"] = packed_dates(bank.today(), bank.today())
    status = int(bank.books.create_transfers(event)[0])
    invariant(status == CreateTransferStatus.created, "an empty account that is not frozen can be closed")
    refusal = bank.store.set_account_status(row.id, "closed", day=bank.today())
    return refusal if isinstance(refusal, Refusal) else balance_of(bank, row)


def internal_balances(bank: Bank) -> list[AccountBalance]:
    """The bank's own accounts in every currency in use, each seen from its normal side."""
    found = []
    for money in currencies_in_use(bank):
        ids = [account.ledger_id(money) for account in INTERNAL]
        records = {word(record, "id"): record for record in _lookup(bank, ids)}
        for account in INTERNAL:
            record = records.get(account.ledger_id(money))
            if record is None:
                continue
            sign = -1 if account.normal_side is Side.DEBIT else 1
            row = AccountRow(
                account.ledger_id(money), BANK_ID, "", f"{account.number}-{money.code} {account.name}", money.code, money.numeric,
                str(account.number), 0, "open",
            )  # fmt: skip
            posted = sign * (word(record, "credits_posted") - word(record, "debits_posted"))
            pending = sign * (word(record, "credits_pending") - word(record, "debits_pending"))
            held = word(record, "credits_pending" if sign < 0 else "debits_pending")
            found.append(AccountBalance(row, "open", posted, pending, held, 0, Freeze(0)))
    return found


def currencies_in_use(bank: Bank) -> list[Currency]:
    """The currencies in which the bank has opened its own accounts."""
    cash = bank.books.query_accounts(QueryFilter(code=CASH.number))
    moneys = [currency_by_numeric(int(record["ledger"])) for record in cash]
    return sorted((money for money in moneys if isinstance(money, Currency)), key=lambda money: money.code)
