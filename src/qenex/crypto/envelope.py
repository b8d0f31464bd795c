"""One customer's data key: seals that customer's records with AES-256-GCM and binds each to its place.

Sealed form, version 1: nonce (12 random bytes) || ciphertext || tag (16). Additional data:
`"qenex/record/1" 0x00 || customer id (16, big-endian) || key version (4, big-endian) || length of table (1) || table || row`.
With random 96-bit nonces one key may seal 2^32 records before the chance of a repeated nonce reaches 2^-33
[NIST-SP-800-38D] 8.3; `Store.rotate_customer_key` gives a fresh key long before.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qenex.crypto.faults import TamperFound

RandomBytes = Callable[[int], bytes]

NONCE_LENGTH = 12
TAG_LENGTH = 16
KEY_LENGTH = 32


class WrappedKey(NamedTuple):
    """A data key encrypted with master key `master_version`; safe to store."""

    master_version: int
    wrapped: bytes


def seal_bytes(cipher: AESGCM, plaintext: bytes, additional: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
    """nonce || ciphertext || tag."""
    nonce = random_bytes(NONCE_LENGTH)
    return nonce + cipher.encrypt(nonce, plaintext, additional)


def open_bytes(cipher: AESGCM, sealed: bytes, additional: bytes, place: str) -> bytes:
    """The plaintext, or TamperFound(place)."""
    if len(sealed) < NONCE_LENGTH + TAG_LENGTH:
        raise TamperFound(place)
    try:
        return cipher.decrypt(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], additional)
    except InvalidTag as error:
        raise TamperFound(place) from error


class CustomerKey:
    """The data key of one customer and version. Rows are the record's key in its table, usually the 16-byte id."""

    __slots__ = ("_cipher", "_random_bytes", "customer_id", "version")

    def __init__(self, customer_id: int, version: int, key: bytes, random_bytes: RandomBytes = os.urandom) -> None:
        self.customer_id = customer_id
        self.version = version
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def __repr__(self) -> str:
        return f"CustomerKey(customer_id={self.customer_id}, version={self.version})"

    def _additional(self, table: str) -> bytes:
        name = table.encode("ascii")
        return (
            b"qenex/record/1\0"
            + self.customer_id.to_bytes(16, "big")
            + self.version.to_bytes(4, "big")
            + bytes([len(name)])
            + name
        )

    def _place(self, table: str, row: bytes) -> str:
        return f"{table} row {row.hex()}"

    def seal(self, table: str, row: bytes, plaintext: bytes) -> bytes:
        return seal_bytes(self._cipher, plaintext, self._additional(table) + row, self._random_bytes)

    def open(self, table: str, row: bytes, sealed: bytes) -> bytes:
        return open_bytes(self._cipher, sealed, self._additional(table) + row, self._place(table, row))

    def seal_many(self, table: str, rows: Sequence[bytes], plaintexts: Sequence[bytes]) -> list[bytes]:
        """As `seal`, for parallel sequences. One call for the nonces, no Python work per record but the loop."""
        encrypt = self._cipher.encrypt
        prefix = self._additional(table)
        nonces = self._random_bytes(NONCE_LENGTH * len(rows))
        sealed = []
        at = 0
        for row, plaintext in zip(rows, plaintexts, strict=True):
            nonce = nonces[at : at + NONCE_LENGTH]
            sealed.append(nonce + encrypt(nonce, plaintext, prefix + row))
            at += NONCE_LENGTH
        return sealed

    def open_many(self, table: str, rows: Sequence[bytes], sealed: Sequence[bytes]) -> list[bytes]:
        decrypt = self._cipher.decrypt
        prefix = self._additional(table)
        plaintexts = []
        for row, box in zip(rows, sealed, strict=True):
            if len(box) < NONCE_LENGTH + TAG_LENGTH:
                raise TamperFound(self._place(table, row))
            try:
                plaintexts.append(decrypt(box[:NONCE_LENGTH], box[NONCE_LENGTH:], prefix + row))
            except InvalidTag as error:
                raise TamperFound(self._place(table, row)) from error
        return plaintexts
