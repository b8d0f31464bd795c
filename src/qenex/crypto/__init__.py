"""Key custody, envelopes for private records, commitments and blind indexes.

Every primitive comes from the `cryptography` package; nothing here invents one. The hierarchy is

    passphrase (Argon2id) or key file
      -> unlock key           never stored
         -> master key vN     wrapped in `keys.json`
            -> log signing seeds, folder secrets, index key    wrapped in `keys.json`
            -> one data key per customer and version           wrapped in the relational store
               -> records (name, payment, salt)                sealed in the relational store

so changing the passphrase rewrites one file, a new master key re-wraps small keys, and destroying one customer's
data key makes every record of that customer unreadable, in every copy.

Public API
----------
Custody (who may unlock)::

    Passphrase.parse(text) -> Passphrase | Refusal        # NFC-normalised, at least 12 characters: PASSPHRASE_TOO_SHORT
    Passphrase.from_environment(environ) -> Passphrase | Refusal | None      # QENEX_PASSPHRASE
    Passphrase.from_file(path) -> Passphrase | Refusal
    KeyFile(path)                           # 32 random bytes in hex, mode 0600, owned by this user
    KeyFile.create(path) -> KeyFile | Refusal        # KEY_FILE_EXISTS
    custody_from_environment(environ=os.environ) -> Passphrase | KeyFile | Refusal | None
                                            # QENEX_PASSPHRASE, then QENEX_PASSPHRASE_FILE, then QENEX_KEY_FILE

Keyring (the file `keys.json` in the data folder)::

    Keyring.create(folder, custody, *, clock=SystemClock(), random_bytes=os.urandom, kdf=None) -> Keyring | Refusal # KEYS_EXIST
    Keyring.open(folder, custody) -> Keyring | Refusal
            # KEYS_NOT_FOUND, KEYS_TOO_OPEN, KEYS_LOCKED (custody None), KEYS_OTHER_CUSTODY, KEYS_WRONG_SECRET;
            # raises CorruptionFound
    keyring.signing_seeds() -> SigningSeeds(ed25519: Secret, ml_dsa_65: Secret)     # 32-byte seeds
    keyring.folder_secret(name: str) -> Secret            # 32 bytes, made on first use, then always the same
    keyring.index(label: str, values: Sequence[bytes]) -> list[bytes]   # 16-byte blind indexes (HMAC-SHA256, truncated)
    keyring.change_custody(custody) -> None | Refusal     # new passphrase or key file; one atomic file replace
    keyring.add_master() -> int                           # new master key version; old ones stay until retired
    keyring.retire_masters(keep: int) -> None             # after every customer key was re-wrapped
    keyring.new_customer_key(customer_id: int, version: int) -> tuple[CustomerKey, WrappedKey]
    keyring.unwrap_customer_key(customer_id, version, WrappedKey) -> CustomerKey       # raises TamperFound
    keyring.rewrap_customer_key(customer_id, version, WrappedKey) -> WrappedKey

Envelope (one customer's data key, in memory)::

    key.seal(table, row, plaintext) -> bytes              # nonce 12 || ciphertext || tag 16; binds table, row, customer, version
    key.open(table, row, sealed) -> bytes                 # raises TamperFound
    key.seal_many(table, rows, plaintexts) -> list[bytes] # rows: sequence of bytes (16-byte ids)
    key.open_many(table, rows, sealed) -> list[bytes]

Commitments (what the journal knows of a private record)::

    canonical_record(kind: str, fields: Mapping[str, str]) -> bytes     # b"QENEX-RECORD-1\n" + kind + b"\n" + RFC 8785 JSON
    parse_record(data: bytes) -> tuple[str, dict[str, str]]             # raises RecordMalformed
    fields_of(record) -> dict[str, str]                                 # of one that store.records just opened: quick
    canonical_records(kind, columns: Mapping[str, Sequence[str]]) -> list[bytes]    # one per row; "" = absent
    fields_of_many(records) -> list[dict[str, str]]
    commit_records(records: Sequence[bytes], *, random_bytes=os.urandom) -> Commitments
            # .salts: list of 32 bytes; .full: uint8[n, 32]; .words() -> (lo uint64[n], hi uint64[n]) for user_data_128
    commitment(salt, record) -> bytes                                   # SHA-256(salt || record), 32 bytes
    verify_commitment(stored: bytes, salt, record) -> None              # stored: 16 or 32 bytes; raises CommitmentMismatch

Faults: `TamperFound(place)`, `RecordMalformed`, `CommitmentMismatch`. Secrets show as `Secret(32 bytes)` in every repr.
"""

from typing import TYPE_CHECKING

from qenex.crypto.commitment import (
    Commitments,
    canonical_record,
    canonical_records,
    commit_records,
    commitment,
    fields_of,
    fields_of_many,
    parse_record,
    verify_commitment,
)
from qenex.crypto.faults import CommitmentMismatch, KeysChanged, RecordMalformed, TamperFound
from qenex.crypto.files import no_failure, replace_file, sync_folder
from qenex.crypto.secret import Secret

if TYPE_CHECKING:
    from qenex.crypto.custody import KdfParameters, KeyFile, Passphrase, custody_from_environment
    from qenex.crypto.envelope import CustomerKey, WrappedKey
    from qenex.crypto.keyring import Custody, Keyring, SigningSeeds

#: Names that need the compiled primitives; they load on first use, so that a command that needs no key starts fast.
_LAZY = {
    "KdfParameters": "custody",
    "KeyFile": "custody",
    "Passphrase": "custody",
    "custody_from_environment": "custody",
    "CustomerKey": "envelope",
    "WrappedKey": "envelope",
    "Custody": "keyring",
    "Keyring": "keyring",
    "SigningSeeds": "keyring",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


__all__ = [
    "CommitmentMismatch",
    "Commitments",
    "Custody",
    "CustomerKey",
    "KdfParameters",
    "KeyFile",
    "Keyring",
    "KeysChanged",
    "Passphrase",
    "RecordMalformed",
    "Secret",
    "SigningSeeds",
    "TamperFound",
    "WrappedKey",
    "canonical_record",
    "canonical_records",
    "commit_records",
    "commitment",
    "custody_from_environment",
    "fields_of",
    "fields_of_many",
    "no_failure",
    "parse_record",
    "replace_file",
    "sync_folder",
    "verify_commitment",
]
