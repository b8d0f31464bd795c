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

    Passphrase(text)                        # str; NFC-normalised UTF-8; at least 12 characters
    Passphrase.from_environment(environ=os.environ) -> Passphrase | None     # QENEX_PASSPHRASE
    KeyFile(path)                           # 32 random bytes in hex, mode 0600, owned by this user
    KeyFile.create(path) -> KeyFile | Refusal        # KEY_FILE_EXISTS
    custody_from_environment(environ=os.environ) -> Passphrase | KeyFile | None
                                            # QENEX_PASSPHRASE, then QENEX_PASSPHRASE_FILE, then QENEX_KEY_FILE

Keyring (the file `keys.json` in the data folder)::

    Keyring.create(folder, custody, *, clock=SystemClock(), random_bytes=os.urandom, kdf=KdfParameters()) -> Keyring | Refusal
    Keyring.open(folder, custody) -> Keyring | Refusal
            # KEYS_NOT_FOUND, KEYS_UNREADABLE_MODE, KEYS_LOCKED (no custody), KEYS_WRONG_SECRET (wrong or tampered), ...
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
    commit_records(records: Sequence[bytes], *, random_bytes=os.urandom) -> Commitments
            # .salts: list of 32 bytes; .full: uint8[n, 32]; .words() -> (lo uint64[n], hi uint64[n]) for user_data_128
    commitment(salt, record) -> bytes                                   # SHA-256(salt || record), 32 bytes
    verify_commitment(stored: bytes, salt, record) -> None              # stored: 16 or 32 bytes; raises CommitmentMismatch

Faults: `TamperFound(place)`, `RecordMalformed`, `CommitmentMismatch`. Secrets show as `Secret(32 bytes)` in every repr.
"""
