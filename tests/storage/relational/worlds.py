"""A small bank for the tests of the relational store: one customer with one account, and payments by the dozen."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from qenex.crypto import KeyFile, Keyring, canonical_record, commit_records, no_failure
from qenex.storage.relational import AccountRow, Outcomes, PaymentBatch, PaymentState, Store, shard_of
from qenex.values import ManualClock, Refusal, derive_id

ANNA = 0xA11A_0000_0000_0000_0000_0000_0000_0007
IBAN = "DE89370400440532013000"
DAY = 20_000
NOON = DAY * 86_400 * 10**9 + 12 * 3600 * 10**9


def keyring_in(folder: Path) -> Keyring:
    custody = KeyFile(folder / "unlock")
    if not custody.path.exists():
        KeyFile.create(custody.path)
        made = Keyring.create(folder, custody)
    else:
        made = Keyring.open(folder, custody)
    assert isinstance(made, Keyring), made
    return made


def opened(folder: Path, inject: Callable[[str], None] = no_failure) -> Store:
    keyring = keyring_in(folder)
    exists = (folder / "bank.sqlite3").exists()
    store = (Store.open if exists else Store.create)(folder, keyring, clock=ManualClock(NOON), inject=inject)
    assert isinstance(store, Store), store
    return store


def anna_with_an_account(store: Store, customer_id: int = ANNA, iban: str = IBAN) -> int:
    """The customer, and the id of the open account."""
    assert store.add_customer(customer_id, {"name": "Anna Müller", "city": "Köln"}) is None
    account_id = store.new_account_id(customer_id)
    row = AccountRow(account_id, customer_id, iban, "current", "EUR", 978, "2100", DAY)
    assert store.add_account(row) is None
    assert store.set_account_status(account_id, "open", day=DAY) is None
    return account_id


def payment_id(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:16], "big") | 1


def record_of(name: str) -> bytes:
    return canonical_record("payment", {"end_to_end_id": name, "creditor_name": "Bob", "amount_minor": "100"})


def payments(
    names: list[str],
    account_id: int,
    *,
    customer_id: int = ANNA,
    state: PaymentState = PaymentState.BEGUN,
    reason: str = "",
    file_id: bytes | None = None,
    salts: list[bytes] | None = None,
) -> PaymentBatch:
    count = len(names)
    records = [record_of(name) for name in names]
    ids = [payment_id(name) for name in names]
    return PaymentBatch(
        ids=ids,
        kinds=["credit_transfer"] * count,
        customer_ids=[customer_id] * count,
        debtor_account_ids=[account_id] * count,
        creditor_account_ids=[0] * count,
        transfer_ids=[derive_id(identifier, "book") for identifier in ids],
        amounts_minor=[100] * count,
        currencies=["EUR"] * count,
        booking_dates=[DAY] * count,
        value_dates=[DAY] * count,
        states=[state] * count,
        reasons=[reason] * count,
        end_to_end_ids=names,
        records=records,
        salts=salts or commit_records(records).salts,
        file_id=file_id,
        positions=None if file_id is None else list(range(count)),
    )


def outcomes(
    names: list[str], state: PaymentState, batch: int, *, customer_id: int = ANNA, reason: str = ""
) -> Outcomes:
    count = len(names)
    return Outcomes(
        [payment_id(name) for name in names], [customer_id] * count, [state] * count, [reason] * count, [batch] * count
    )


def states(store: Store, names: list[str], customer_id: int = ANNA) -> list[str]:
    rows = store.payments([payment_id(name) for name in names], [customer_id] * len(names))
    return [rows[payment_id(name)].state.name if payment_id(name) in rows else "none" for name in names]


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def shard_blob(identifier: int) -> tuple[int, bytes]:
    return shard_of(identifier), identifier.to_bytes(16, "big")
