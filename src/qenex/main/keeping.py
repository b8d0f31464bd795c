"""Backups, restores, and new master keys: what keeps a bank alive beyond one disk and one secret.

A backup is a folder: `bank.sqlite3` (copied first, so that the journal in the backup is never behind it), `books/`,
`keys.json` (every key in it wrapped), `log.vkey` and `backup.json`. The master key and the list of erasures are not in it,
on purpose: whoever finds a backup can open nothing, and an erased customer does not come back with it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from qenex.books import CreateTransferStatus, EventKind, TransferFlags
from qenex.books.backup import new_origin_name
from qenex.books.backup import restore as restore_books
from qenex.chain import parse_key_file
from qenex.cli.session import Restoring
from qenex.crypto import KeyFile, Passphrase, sync_folder
from qenex.main.compose import BOOKS, KEY_PLACE, KEYS, LOG_ORIGIN, PUBLIC_KEYS, custody_of, holds_a_bank, open_bank
from qenex.products.accounts import numbers
from qenex.products.bank import Bank
from qenex.storage.relational import Store, restore_database
from qenex.values import Refusal, refuse

FACTS = "backup.json"
DATABASE = "bank.sqlite3"
ERASURES = "erasures.list"
FORMAT = 1
_ENDS_HOLD = int(TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer)
Progress = Callable[[int, int], None]


def backup(bank: Bank, target: Path, progress: Progress | None) -> Refusal | None:
    """Copy the bank while it runs. The folder appears under its name only when it is whole."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        return refuse("FOLDER_NOT_EMPTY", folder=target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    bank.store.backup(beside / DATABASE)
    copied = bank.books.backup(beside / BOOKS, progress=progress)
    if isinstance(copied, Refusal):
        return copied
    for name in (KEYS, PUBLIC_KEYS):
        _write(beside / name, (bank.folder / name).read_bytes())
    facts = {"format": FORMAT, "bank": bank.settings.name, "log": bank.signers.origin, "made_ns": bank.clock.now_ns()}
    with open(beside / FACTS, "w", encoding="utf-8") as out:
        json.dump(facts, out)
        out.flush()
        os.fsync(out.fileno())
    sync_folder(beside)
    if target.exists():
        target.rmdir()
    os.rename(beside, target)
    sync_folder(target.parent)
    return None


def restore(source: Path, folder: Path, wanted: Restoring, progress: Progress | None) -> Bank | Refusal:
    """Make the bank of a backup in an empty folder and open it, which recovers it like after a crash."""
    if holds_a_bank(folder):
        return refuse("BANK_EXISTS", folder=folder)
    if folder.exists() and any(folder.iterdir()):
        return refuse("FOLDER_NOT_EMPTY", folder=folder)
    if not (source / FACTS).is_file():
        return refuse("BACKUP_UNKNOWN", folder=source)
    keys = parse_key_file((source / PUBLIC_KEYS).read_bytes())
    if isinstance(keys, Refusal):
        return keys
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    report = restore_books(
        source / BOOKS,
        folder / BOOKS,
        until_ns=wanted.until_ns,
        known_checkpoint=wanted.known_checkpoint,
        keys=keys,
        progress=progress,
    )
    if isinstance(report, Refusal):
        return report
    refusal = restore_database(source / DATABASE, folder)
    if isinstance(refusal, Refusal):
        return refusal
    if wanted.erasures is not None:
        _write(folder / ERASURES, wanted.erasures)
    if wanted.key_file is not None:
        _write(folder / KEY_PLACE, f"{wanted.key_file.resolve()}\n".encode())
    # The keys last: a folder is a bank when it has keys.
    _write(folder / KEYS, (source / KEYS).read_bytes())

    def continue_log(store: Store) -> None:
        # A log that was cut ends for good: the books go on under a new origin, which names the old one in its first entry.
        if report.retired_origin:
            store.put_setting(LOG_ORIGIN, new_origin_name(report.retired_origin))

    def forget_later(bank: Bank) -> None:
        if wanted.until_ns is not None:
            _forget_later(bank, wanted.until_ns)

    return open_bank(folder, prepare_store=continue_log, prepare_bank=forget_later)


def _forget_later(bank: Bank, until_ns: int) -> None:
    """The copy of the relational store knows more than the journal was restored to; the journal wins."""
    ended: set[int] = set()
    for batch in bank.books.batches_after(0):
        if int(batch.kind) == EventKind.expiry:
            ended.update(numbers(batch.events, "id"))
        elif int(batch.kind) == EventKind.transfers:
            created = batch.statuses == int(CreateTransferStatus.created)
            ends = (batch.events["flags"] & _ENDS_HOLD) != 0
            ended.update(numbers(batch.events[created & ends], "pending_id"))

    def known_transfers(ids: list[int]) -> dict[int, bool]:
        found = bank.books.lookup_transfers(ids)
        holds = ((found["flags"] & int(TransferFlags.pending)) != 0).tolist()
        return {number: is_hold and number not in ended for number, is_hold in zip(numbers(found, "id"), holds)}

    bank.store.forget_after(
        bank.books.last_batch,
        until_ns,
        known_transfers=known_transfers,
        known_accounts=lambda ids: numbers(bank.books.lookup_accounts(ids), "id"),
    )


def _write(path: Path, data: bytes) -> None:
    """A file of this user only, durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    sync_folder(path.parent)


def rotate_master_key(bank: Bank, new_key_file: Path | None) -> Path | Refusal:
    """A new master key wraps everything, and a new key file unlocks it; the old ones are destroyed.

    The new key file waits beside the old one until the keyring is locked with it. A crash in between is settled when the
    bank is opened next: whichever of the two opens the keyring is the right one.
    """
    keyring = bank.keyring
    bank.store.rotate_master_key()
    bank.store.retire_old_master_keys()
    custody = custody_of(bank.folder)
    if isinstance(custody, Refusal):
        return custody
    if isinstance(custody, Passphrase):
        # The passphrase stays as it is; who changes it sets another one in the environment of `key rotate`.
        return bank.folder / KEYS
    place = custody.path
    waiting = new_key_file or place.with_name(place.name + ".new")
    if new_key_file is None:
        waiting.unlink(missing_ok=True)
    made = KeyFile.create(waiting)
    if isinstance(made, Refusal):
        return made
    refusal = keyring.change_custody(made)
    if isinstance(refusal, Refusal):
        return refusal
    if new_key_file is None:
        os.replace(waiting, place)
        sync_folder(place.absolute().parent)
        return place
    pointer = bank.folder / (KEY_PLACE + ".part")
    pointer.write_text(f"{waiting.resolve()}\n")
    os.replace(pointer, bank.folder / KEY_PLACE)
    sync_folder(bank.folder)
    return waiting
