"""The bank's keys at rest: `keys.json` in the data folder, and the way to open, use and change them.

The file is JSON in one exact form (any other spelling of the same content is refused) and holds

* `unlock`: how the unlock key is made from the passphrase (Argon2id with its parameters and salt) or the key file (salt);
* `keys`: every key, wrapped with AES-256-GCM. Master keys are wrapped by the unlock key, all others by the newest master.
  Additional data binds the keyring's id, the purpose, the version and the wrapping key;
* `seal`: HMAC-SHA256 over all of it with a second key from the same derivation, so that no entry can be taken away, put
  back or reordered without notice. What the seal cannot show is an older file put back whole.
"""

import fcntl
import hmac
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qenex.crypto.custody import KdfParameters, KeyFile, Passphrase
from qenex.crypto.envelope import KEY_LENGTH, CustomerKey, RandomBytes, WrappedKey, open_bytes, seal_bytes
from qenex.crypto.faults import KeysChanged, TamperFound
from qenex.crypto.files import Inject, TooOpen, no_failure, read_private_file, replace_file
from qenex.crypto.refusals import (
    KEYS_EXIST,
    KEYS_LOCKED,
    KEYS_NOT_FOUND,
    KEYS_OTHER_CUSTODY,
    KEYS_TOO_OPEN,
    KEYS_WRONG_SECRET,
)
from qenex.crypto.secret import Secret
from qenex.values import Clock, CorruptionFound, Refusal, SystemClock, invariant, refuse

KEYS_FILE = "keys.json"
FORMAT = "qenex-keys-1"
BLIND_INDEX_LENGTH = 16
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_FILE_LIMIT = 1 << 20

Custody = Passphrase | KeyFile


@dataclass(frozen=True)
class SigningSeeds:
    """32-byte seeds of the log's two signing keys."""

    ed25519: Secret
    ml_dsa_65: Secret


class _Unlock:
    """The two keys that come from the passphrase or the key file: one wraps master keys, one seals the file."""

    def __init__(self, material: bytes, salt: bytes) -> None:
        derived = HKDF(SHA256(), 64, salt, b"qenex/unlock/1").derive(material)
        self.cipher = AESGCM(derived[:32])
        self._seal_key = derived[32:]

    def seal(self, document: dict[str, Any]) -> str:
        body = {name: value for name, value in document.items() if name != "seal"}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hmac.digest(self._seal_key, text.encode("ascii"), "sha256").hex()


class Keyring:
    """Opened keys. Safe to share between threads. Holds secrets: its repr names only the folder."""

    def __init__(
        self,
        folder: Path,
        document: dict[str, Any],
        unlock: _Unlock,
        plain: dict[tuple[str, int], bytes],
        clock: Clock,
        random_bytes: RandomBytes,
        inject: Inject,
    ) -> None:
        self._folder = folder
        self._document = document
        self._unlock = unlock
        self._plain = plain
        self._clock = clock
        self._random_bytes = random_bytes
        self._inject = inject
        self._lock = threading.RLock()
        self._index_keys: dict[str, bytes] = {}
        self._masters = {version: AESGCM(key) for (purpose, version), key in plain.items() if purpose == "master"}

    def __repr__(self) -> str:
        return f"Keyring({str(self._folder)!r})"

    # --- making and opening -------------------------------------------------------------------------------------------

    @staticmethod
    def create(
        folder: Path,
        custody: Custody | None,
        *,
        clock: Clock | None = None,
        random_bytes: RandomBytes = os.urandom,
        kdf: KdfParameters | None = None,
        inject: Inject = no_failure,
    ) -> "Keyring | Refusal":
        """New keys in `folder`, which must exist: a master key, the log's two signing seeds and the index key."""
        clock = clock or SystemClock()
        if (folder / KEYS_FILE).exists():
            return refuse(KEYS_EXIST, where=str(folder / KEYS_FILE))
        if custody is None:
            return refuse(KEYS_LOCKED, where=str(folder / KEYS_FILE))
        opened = _new_unlock(custody, kdf or KdfParameters(), random_bytes)
        if isinstance(opened, Refusal):
            return opened
        description, unlock = opened
        document: dict[str, Any] = {
            "format": FORMAT,
            "id": random_bytes(16).hex(),
            "unlock": description,
            "keys": [],
        }
        keyring = Keyring(folder, document, unlock, {}, clock, random_bytes, inject)
        new = {
            (purpose, 1): random_bytes(KEY_LENGTH) for purpose in ("master", "log-ed25519", "log-ml-dsa-65", "index")
        }
        keyring._write(unlock, description, new)
        return keyring

    @staticmethod
    def open(
        folder: Path,
        custody: Custody | None,
        *,
        clock: Clock | None = None,
        random_bytes: RandomBytes = os.urandom,
        inject: Inject = no_failure,
    ) -> "Keyring | Refusal":
        """Unlock the keys of `folder`. Raises CorruptionFound when keys.json is not of its one exact form."""
        path = folder / KEYS_FILE
        if not path.exists():
            return refuse(KEYS_NOT_FOUND, where=str(path))
        if custody is None:
            return refuse(KEYS_LOCKED, where=str(path))
        try:
            document = _parse(read_private_file(path, _FILE_LIMIT), path)
        except (TooOpen, OSError) as reason:
            return refuse(KEYS_TOO_OPEN, where=str(path), detail=str(reason))
        unlock = _derive_unlock(custody, document["unlock"], path)
        if isinstance(unlock, Refusal):
            return unlock
        if not hmac.compare_digest(unlock.seal(document), document["seal"]):
            return refuse(KEYS_WRONG_SECRET, where=str(path))
        plain = _unwrap_all(document, unlock, path)
        return Keyring(folder, document, unlock, plain, clock or SystemClock(), random_bytes, inject)

    # --- using --------------------------------------------------------------------------------------------------------

    def signing_seeds(self) -> SigningSeeds:
        """The log's signing seeds."""
        with self._lock:
            return SigningSeeds(Secret(self._plain["log-ed25519", 1]), Secret(self._plain["log-ml-dsa-65", 1]))

    def folder_secret(self, name: str) -> Secret:
        """32 random bytes kept under `name`: made and stored on first use, then always the same."""
        invariant(name != "" and name.isascii() and name.isprintable(), "a folder secret has a printable ASCII name")
        purpose = (f"folder:{name}", 1)
        with self._lock:
            if purpose not in self._plain:
                plain = {**self._plain, purpose: self._random_bytes(KEY_LENGTH)}
                self._write(self._unlock, self._document["unlock"], plain)
            return Secret(self._plain[purpose])

    def index(self, label: str, values: Sequence[bytes]) -> list[bytes]:
        """Blind indexes: the first 16 bytes of HMAC-SHA256(key of `label`, value). Equal values give equal indexes."""
        key = self._index_keys.get(label)
        if key is None:
            key = hmac.digest(self._plain["index", 1], b"qenex/index/1\0" + label.encode("ascii"), "sha256")
            self._index_keys[label] = key
        # HMAC written out, for a key shorter than the block: half the time of `hmac.digest`, which a test compares it with.
        inner, outer = key.translate(_INNER).ljust(64, b"\x36"), key.translate(_OUTER).ljust(64, b"\x5c")
        return [sha256(outer + sha256(inner + value).digest()).digest()[:BLIND_INDEX_LENGTH] for value in values]

    # --- changing -----------------------------------------------------------------------------------------------------

    def change_custody(self, custody: Custody, *, kdf: KdfParameters | None = None) -> None | Refusal:
        """Lock the same keys with another passphrase or key file. A crash leaves the old file or the new one."""
        with self._lock:
            opened = _new_unlock(custody, kdf or KdfParameters(), self._random_bytes)
            if isinstance(opened, Refusal):
                return opened
            description, unlock = opened
            self._write(unlock, description, self._plain)
            return None

    def add_master(self) -> int:
        """A new master key; from now on it wraps every key that is written. Old versions stay readable until retired."""
        with self._lock:
            version = self.master_version + 1
            plain = {**self._plain, ("master", version): self._random_bytes(KEY_LENGTH)}
            self._write(self._unlock, self._document["unlock"], plain)
            return version

    def retire_masters(self, keep: int) -> None:
        """Destroy every master key before version `keep`. What is still wrapped with them is lost: re-wrap first."""
        with self._lock:
            invariant(keep <= self.master_version, "the newest master key is never retired")
            plain = {
                (purpose, version): key
                for (purpose, version), key in self._plain.items()
                if purpose != "master" or version >= keep
            }
            self._write(self._unlock, self._document["unlock"], plain)

    @property
    def master_version(self) -> int:
        """The version that wraps new keys."""
        return max(self._masters)

    # --- customer keys ------------------------------------------------------------------------------------------------

    def new_customer_key(self, customer_id: int, version: int) -> tuple[CustomerKey, WrappedKey]:
        """A fresh data key, and its wrapped form to store."""
        key = self._random_bytes(KEY_LENGTH)
        return CustomerKey(customer_id, version, key, self._random_bytes), self._wrap_customer(
            customer_id, version, key
        )

    def unwrap_customer_key(self, customer_id: int, version: int, wrapped: WrappedKey) -> CustomerKey:
        """The data key to use; raises TamperFound when the wrapped form was changed or belongs elsewhere."""
        return CustomerKey(
            customer_id, version, self._unwrap_customer(customer_id, version, wrapped), self._random_bytes
        )

    def rewrap_customer_key(self, customer_id: int, version: int, wrapped: WrappedKey) -> WrappedKey:
        """The same data key wrapped with the newest master key."""
        return self._wrap_customer(customer_id, version, self._unwrap_customer(customer_id, version, wrapped))

    def _wrap_customer(self, customer_id: int, version: int, key: bytes) -> WrappedKey:
        master = self.master_version
        additional = _customer_additional(customer_id, version, master)
        return WrappedKey(master, seal_bytes(self._masters[master], key, additional, self._random_bytes))

    def _unwrap_customer(self, customer_id: int, version: int, wrapped: WrappedKey) -> bytes:
        place = f"data key {version} of customer {customer_id}"
        cipher = self._masters.get(wrapped.master_version)
        if cipher is None:
            raise TamperFound(f"{place}: master key {wrapped.master_version} is not in the keyring")
        return open_bytes(
            cipher, wrapped.wrapped, _customer_additional(customer_id, version, wrapped.master_version), place
        )

    # --- writing ------------------------------------------------------------------------------------------------------

    def _write(self, unlock: _Unlock, description: dict[str, Any], plain: dict[tuple[str, int], bytes]) -> None:
        """Wrap every key of `plain` afresh and replace the file; this object changes only after the file did."""
        created = {(entry["purpose"], entry["version"]): entry["created_ns"] for entry in self._document["keys"]}
        masters = {version: AESGCM(key) for (purpose, version), key in plain.items() if purpose == "master"}
        newest = max(masters)
        entries = []
        for (purpose, version), key in plain.items():
            wrapped_by = "unlock" if purpose == "master" else f"master {newest}"
            cipher = unlock.cipher if purpose == "master" else masters[newest]
            additional = _key_additional(self._document["id"], purpose, version, wrapped_by)
            entries.append(
                {
                    "purpose": purpose,
                    "version": version,
                    "created_ns": created.get((purpose, version), self._clock.now_ns()),
                    "wrapped_by": wrapped_by,
                    "wrapped": seal_bytes(cipher, key, additional, self._random_bytes).hex(),
                }
            )
        document = {"format": FORMAT, "id": self._document["id"], "unlock": description, "keys": entries}
        document["seal"] = unlock.seal(document)
        # Read back before it replaces the old file: a file that does not open would lose the bank.
        invariant(
            _unwrap_all(document, unlock, self._folder / KEYS_FILE) == plain, "what was wrapped unwraps to the same"
        )
        with _folder_lock(self._folder):
            self._check_unchanged()
            replace_file(self._folder / KEYS_FILE, _render(document), inject=self._inject)
        self._document, self._unlock, self._plain, self._masters = document, unlock, plain, masters

    def _check_unchanged(self) -> None:
        path = self._folder / KEYS_FILE
        if "seal" not in self._document:
            if path.exists():
                raise KeysChanged(str(path))
        elif read_private_file(path, _FILE_LIMIT) != _render(self._document):
            raise KeysChanged(str(path))


def _customer_additional(customer_id: int, version: int, master_version: int) -> bytes:
    return (
        b"qenex/customer-key/1\0"
        + customer_id.to_bytes(16, "big")
        + version.to_bytes(4, "big")
        + master_version.to_bytes(4, "big")
    )


def _key_additional(keyring_id: str, purpose: str, version: int, wrapped_by: str) -> bytes:
    # NUL separates: none of the parts can hold one (ids are hexadecimal, purposes printable).
    return "\0".join((FORMAT, keyring_id, purpose, str(version), wrapped_by)).encode("ascii")


def _new_unlock(
    custody: Custody, kdf: KdfParameters, random_bytes: Callable[[int], bytes]
) -> tuple[dict[str, Any], _Unlock] | Refusal:
    salt = random_bytes(32)
    if isinstance(custody, KeyFile):
        material = custody.read()
        if isinstance(material, Refusal):
            return material
        return {"kind": "key file", "salt": salt.hex()}, _Unlock(material.reveal(), salt)
    invariant(kdf.is_acceptable(), "Argon2id parameters are strong enough and affordable")
    description = {
        "kind": "passphrase",
        "kdf": "argon2id",
        "memory_kib": kdf.memory_kib,
        "iterations": kdf.iterations,
        "lanes": kdf.lanes,
        "salt": salt.hex(),
    }
    return description, _Unlock(_argon2id(custody, kdf, salt), salt)


def _derive_unlock(custody: Custody, description: dict[str, Any], path: Path) -> _Unlock | Refusal:
    given = "passphrase" if isinstance(custody, Passphrase) else "key file"
    if description["kind"] != given:
        return refuse(KEYS_OTHER_CUSTODY, where=str(path), expected=description["kind"], given=given)
    salt = bytes.fromhex(description["salt"])
    if isinstance(custody, KeyFile):
        material = custody.read()
        return material if isinstance(material, Refusal) else _Unlock(material.reveal(), salt)
    kdf = KdfParameters(description["memory_kib"], description["iterations"], description["lanes"])
    return _Unlock(_argon2id(custody, kdf, salt), salt)


def _argon2id(custody: Passphrase, kdf: KdfParameters, salt: bytes) -> bytes:
    derivation = Argon2id(salt=salt, length=32, iterations=kdf.iterations, lanes=kdf.lanes, memory_cost=kdf.memory_kib)
    return derivation.derive(custody.secret.reveal())


def _unwrap_all(document: dict[str, Any], unlock: _Unlock, path: Path) -> dict[tuple[str, int], bytes]:
    plain: dict[tuple[str, int], bytes] = {}
    for entry in sorted(document["keys"], key=lambda entry: entry["purpose"] != "master"):  # Masters first.
        purpose, version, wrapped_by = entry["purpose"], entry["version"], entry["wrapped_by"]
        place = f"{path}: key {purpose!r} version {version}"
        if wrapped_by == "unlock":
            cipher = unlock.cipher
        else:
            master = plain.get(("master", int(wrapped_by.removeprefix("master "))))
            if master is None:
                raise CorruptionFound(place, "its master key is missing")
            cipher = AESGCM(master)
        additional = _key_additional(document["id"], purpose, version, wrapped_by)
        plain[purpose, version] = open_bytes(cipher, bytes.fromhex(entry["wrapped"]), additional, place)
    # Restore the order of the file: rewriting it must not shuffle entries.
    return {
        (entry["purpose"], entry["version"]): plain[entry["purpose"], entry["version"]] for entry in document["keys"]
    }


def _render(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    """The document, checked for shape, so that nothing below meets a surprise; raises CorruptionFound."""
    try:
        document = json.loads(data)
        unlock = document["unlock"]
        if document["format"] != FORMAT:
            raise ValueError(f"unknown format {document['format']!r}")
        if [*document] != ["format", "id", "unlock", "keys", "seal"] or _render(document) != data:
            raise ValueError("not in its one exact form")
        _hexadecimal(document["id"], 16)
        _hexadecimal(document["seal"], 32)
        _hexadecimal(unlock["salt"], 32)
        if unlock["kind"] == "passphrase":
            numbers = (unlock["memory_kib"], unlock["iterations"], unlock["lanes"])
            if unlock["kdf"] != "argon2id" or not all(type(number) is int for number in numbers):
                raise ValueError("unknown key derivation")
            if not KdfParameters(*numbers).is_acceptable():
                raise ValueError("key derivation parameters out of bounds")
        elif unlock["kind"] != "key file":
            raise ValueError("unknown kind of custody")
        for entry in document["keys"]:
            _hexadecimal(entry["wrapped"], 12 + KEY_LENGTH + 16)
            if type(entry["version"]) is not int or type(entry["created_ns"]) is not int:
                raise ValueError("a version or a time is not a number")
            if (
                type(entry["purpose"]) is not str
                or not entry["purpose"].isprintable()
                or not entry["purpose"].isascii()
            ):
                raise ValueError("a purpose is not text")
            by, _, number = entry["wrapped_by"].partition(" ")
            if not (entry["wrapped_by"] == "unlock" or (by == "master" and number.isdecimal() and number.isascii())):
                raise ValueError("unknown wrapping key")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptionFound(str(path), f"keys.json is damaged: {error}") from error
    checked: dict[str, Any] = document
    return checked


def _hexadecimal(text: str, length: int) -> None:
    if type(text) is not str or len(bytes.fromhex(text)) != length or bytes.fromhex(text).hex() != text:
        raise ValueError("a hexadecimal field has the wrong form")


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder against a second process that changes keys at the same moment; others may go on reading."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
