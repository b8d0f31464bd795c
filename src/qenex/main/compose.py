"""Puts a bank together out of its folder.

keys.json      the keyring, every key in it wrapped            bank.sqlite3    customers, accounts, payments
master.key     the key file that unlocks it (0600)             books/          journal, index, log
bank.lock      held while a process has the bank open          reports/        answers to payment files
"""

from __future__ import annotations

import fcntl
import getpass
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import qenex.payments.refusals
import qenex.products.refusals  # noqa: F401  (both register the codes used here)
from qenex.books import Books, Signers
from qenex.chain import format_key_file
from qenex.cli.session import BankBusy, NewBank
from qenex.crypto import KeyFile, Keyring, Passphrase, custody_from_environment
from qenex.payments import execute_due, recover
from qenex.products.accounts import ensure_currency
from qenex.products.bank import Bank, Settings
from qenex.products.business_day import parse_cut_off
from qenex.products.chart import CHART
from qenex.storage.relational import ChartLine, Store
from qenex.values import (
    IBAN_STRUCTURES,
    Clock,
    Currency,
    Fault,
    Iban,
    IdSource,
    Refusal,
    SystemClock,
    currency,
    parse_bic,
    refuse,
)

KEYS = "keys.json"
KEY_FILE = "master.key"
KEY_PLACE = "master.key.place"
LOCK = "bank.lock"
BOOKS = "books"
SETTINGS = "settings"
LOG_ORIGIN = "log origin"
PUBLIC_KEYS = "log.vkey"
_locks: dict[int, int] = {}
Prepare = Callable[[Store], None]


class BankUnfinished(Fault):
    """`init` was interrupted, so the folder holds no usable bank and no money."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"{self.folder}: making the bank was interrupted. Remove the folder and run 'qenex init' again."


def holds_a_bank(folder: Path) -> bool:
    return (folder / KEYS).exists()


def lock_folder(folder: Path) -> int:
    """The descriptor that holds the folder's lock; raises BankBusy while another process has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BankBusy(folder) from None
    return descriptor


def create_bank(folder: Path, new: NewBank, *, clock: Clock | None = None) -> Bank | Refusal:
    """A new bank in an empty or new folder."""
    settings = _settings(new)
    if isinstance(settings, Refusal):
        return settings
    moneys = [currency(code.strip().upper()) for code in new.currencies.split(",") if code.strip()]
    unknown = next((money for money in moneys if isinstance(money, Refusal)), None)
    if unknown is not None:
        return unknown
    if holds_a_bank(folder):
        return refuse("BANK_EXISTS", folder=folder)
    # A lock file alone is what an earlier try left that was refused.
    if folder.exists() and {entry.name for entry in folder.iterdir()} - {LOCK}:
        return refuse("FOLDER_NOT_EMPTY", folder=folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    lock = lock_folder(folder)
    try:
        made = _make(folder, new, settings, clock, lock)
    except BaseException:
        os.close(lock)
        raise
    if isinstance(made, Refusal):
        os.close(lock)
        return made
    for money in moneys:
        assert isinstance(money, Currency)
        ensure_currency(made, money)
    # Last of all: a folder without settings was never finished.
    made.store.put_setting(SETTINGS, settings.to_text())
    return made


def _make(folder: Path, new: NewBank, settings: Settings, clock: Clock | None, lock: int) -> Bank | Refusal:
    custody = custody_from_environment()
    if isinstance(custody, Refusal):
        return custody
    if custody is None or new.key_file is not None:
        custody = KeyFile.create(new.key_file or folder / KEY_FILE)
        if isinstance(custody, Refusal):
            return custody
        if new.key_file is not None:
            (folder / KEY_PLACE).write_text(f"{new.key_file}\n")
    elif isinstance(custody, KeyFile) and not custody.path.exists():
        created = KeyFile.create(custody.path)
        if isinstance(created, Refusal):
            return created
    keyring = Keyring.create(folder, custody, clock=clock)
    if isinstance(keyring, Refusal):
        return keyring
    store = Store.create(folder, keyring, clock=clock)
    if isinstance(store, Refusal):
        return store
    store.put_setting(LOG_ORIGIN, f"{settings.bic.lower()}.qenex/{secrets.token_hex(8)}")
    store.put_chart(
        ChartLine(str(account.number), account.name, account.account_class.value, account.normal_side.value)
        for account in CHART
    )
    return _assemble(folder, store, keyring, settings, clock, lock)


def open_bank(
    folder: Path,
    *,
    clock: Clock | None = None,
    prepare_store: Prepare | None = None,
    prepare_bank: Callable[[Bank], None] | None = None,
) -> Bank | Refusal:
    """The bank of a folder, recovered. Raises BankBusy while another process has it open.

    A restore uses `prepare_store` before the books are opened and `prepare_bank` before recovery.
    """
    if not holds_a_bank(folder):
        return refuse("BANK_NOT_FOUND", folder=folder)
    lock = lock_folder(folder)
    try:
        opened = _open(folder, clock, lock, prepare_store, prepare_bank)
    except BaseException:
        os.close(lock)
        raise
    if isinstance(opened, Refusal):
        os.close(lock)
    return opened


def _open(
    folder: Path,
    clock: Clock | None,
    lock: int,
    prepare_store: Prepare | None,
    prepare_bank: Callable[[Bank], None] | None,
) -> Bank | Refusal:
    custody = custody_of(folder)
    if isinstance(custody, Refusal):
        return custody
    keyring = Keyring.open(folder, custody, clock=clock)
    if isinstance(keyring, Refusal) and isinstance(custody, KeyFile):
        keyring = _after_rotation(folder, custody, keyring)
    if isinstance(keyring, Refusal):
        return keyring
    store = Store.open(folder, keyring, clock=clock)
    if isinstance(store, Refusal):
        return store
    try:
        text = store.setting(SETTINGS)
        if text is None:
            raise BankUnfinished(folder)
        if prepare_store is not None:
            prepare_store(store)
        bank = _assemble(folder, store, keyring, Settings.from_text(text), clock, lock)
    except BaseException:
        store.close()
        raise
    try:
        if prepare_bank is not None:
            prepare_bank(bank)
        recover(bank)
        execute_due(bank)
    except BaseException:
        close_bank(bank)
        raise
    return bank


def _after_rotation(folder: Path, custody: KeyFile, refusal: Refusal) -> Keyring | Refusal:
    """A rotation that stopped before its last step left the right key file beside the old one: put it in its place."""
    waiting = custody.path.with_name(custody.path.name + ".new")
    if refusal.code != "KEYS_WRONG_SECRET" or not waiting.exists():
        return refusal
    keyring = Keyring.open(folder, KeyFile(waiting))
    if isinstance(keyring, Refusal):
        return refusal
    os.replace(waiting, custody.path)
    return keyring


def custody_of(folder: Path) -> Passphrase | KeyFile | Refusal:
    """Who unlocks the keys: the environment, else the key file at its recorded place, else the one in the folder."""
    custody = custody_from_environment()
    if custody is not None:
        return custody
    place = folder / KEY_PLACE
    return KeyFile(Path(place.read_text().strip()) if place.exists() else folder / KEY_FILE)


def _assemble(folder: Path, store: Store, keyring: Keyring, settings: Settings, clock: Clock | None, lock: int) -> Bank:
    clock = clock or SystemClock()
    seeds = keyring.signing_seeds()
    origin = store.setting(LOG_ORIGIN)
    assert origin is not None
    signers = Signers.from_seeds(origin, seeds.ed25519.reveal(), seeds.ml_dsa_65.reveal())
    _publish_keys(folder, signers)
    books = Books.open(folder / BOOKS, clock=clock, signers=signers)
    bank = Bank(
        folder=folder, books=books, store=store, keyring=keyring, signers=signers, clock=clock, ids=IdSource(clock),
        settings=settings, operator=_operator(),
    )  # fmt: skip
    _locks[id(bank)] = lock
    return bank


def _publish_keys(folder: Path, signers: Signers) -> None:
    """The log's public keys beside the books, so that `journal verify` can check signatures without the master key."""
    path, text = folder / PUBLIC_KEYS, format_key_file(signers.verifier_keys)
    if not path.exists() or path.read_text() != text:
        beside = path.with_suffix(".part")
        beside.write_text(text)
        os.replace(beside, path)


def close_bank(bank: Bank) -> None:
    """Finish what is in flight and release the folder."""
    try:
        bank.books.close()
    finally:
        bank.store.close()
        lock = _locks.pop(id(bank), None)
        if lock is not None:
            os.close(lock)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _settings(new: NewBank) -> Settings | Refusal:
    bic = parse_bic(new.bic)
    if isinstance(bic, Refusal):
        return bic
    cut_off = parse_cut_off(new.cut_off)
    if cut_off is None:
        return refuse("TIME_MALFORMED", given=new.cut_off)
    country = new.country.upper()
    structure = IBAN_STRUCTURES.get(country)
    if structure is None:
        return refuse("IBAN_COUNTRY_UNKNOWN", country=country)
    bank_code = new.bank_code or _default_bank_code(country)
    probe = Iban.build(country, bank_code + "0" * max(structure.bban_length - len(bank_code), 0))
    if isinstance(probe, Refusal):
        return probe
    return Settings(new.name.strip() or "QENEX Bank", new.bic, country, bank_code, cut_off, new.four_eyes, new.demo)


def _default_bank_code(country: str) -> str:
    """Nines for digits and X for letters at the place of the bank code: no real bank has such a code."""
    structure = IBAN_STRUCTURES[country]
    end = structure.bank[1] if structure.bank else 4
    kinds = "".join(kind * count for count, kind in structure.fields)
    return "".join("X" if kind == "a" else "9" for kind in kinds[:end])
