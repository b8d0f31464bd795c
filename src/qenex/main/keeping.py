"""Backups, restores, and new master keys: what keeps a bank alive beyond one disk and one secret.

A backup is a folder: `relational.db` (copied first, so that the journal in the backup is never behind it), `books/`,
`keys.json` (every key in it wrapped), `backup.json`. The master key and the list of erasures are not in it on purpose: whoever
finds a backup can open nothing, and an erased customer does not come back with it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from qenex.crypto import KeyFile, Passphrase, sync_folder
from qenex.main.compose import BOOKS, KEY_PLACE, KEYS, custody_of, holds_a_bank, open_bank
from qenex.products.bank import Bank
from qenex.storage.relational import restore_database
from qenex.values import Refusal, refuse

FACTS = "backup.json"
DATABASE = "relational.db"
FORMAT = 1
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
    bank.books.backup(beside / BOOKS, progress=progress)
    shutil.copy2(bank.folder / KEYS, beside / KEYS)
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


def restore(
    source: Path, folder: Path, *, until_ns: int | None, key_file: Path | None, progress: Progress | None
) -> Bank | Refusal:
    """Make the bank of a backup in an empty folder and open it, which recovers it like after a crash."""
    if holds_a_bank(folder):
        return refuse("BANK_EXISTS", folder=folder)
    if folder.exists() and any(folder.iterdir()):
        return refuse("FOLDER_NOT_EMPTY", folder=folder)
    if not (source / FACTS).is_file():
        return refuse("BACKUP_UNKNOWN", folder=source)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    if key_file is not None:
        (folder / KEY_PLACE).write_text(f"{key_file.resolve()}\n")
    from qenex.books import maintenance

    answer = maintenance.restore(source / BOOKS, folder / BOOKS, until_ns=until_ns, progress=progress)
    if isinstance(answer, Refusal):
        return answer
    refusal = restore_database(source / DATABASE, folder)
    if isinstance(refusal, Refusal):
        return refusal
    # The keys last: a folder is a bank when it has keys.
    shutil.copy2(source / KEYS, folder / KEYS)
    sync_folder(folder)
    return open_bank(folder)


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
