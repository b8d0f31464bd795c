"""A small log with fixed keys, for the tests of everything that stands on it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tests.chain import merkle_by_the_book as book

from qenex.chain import Disclosure, LeafKind, Signers, Witness, build_receipt, entry, sign_checkpoint

ORIGIN = "bank.example/log"


@cache
def signers(origin: str = ORIGIN, seed: int = 1) -> Signers:
    return Signers.from_seeds(origin, bytes([seed] * 32), bytes([seed + 1] * 32))


@cache
def witness(number: int, *, post_quantum: bool = False) -> Witness:
    seed = bytes([100 + number] * 32)
    key = MLDSA44PrivateKey.from_seed_bytes(seed) if post_quantum else Ed25519PrivateKey.from_private_bytes(seed)
    return Witness(f"witness.example/w{number}", key)


def transfer_record(number: int, commitment: bytes = bytes(16)) -> bytes:
    """A transfer of `number` + 100 minor units of euro between accounts 1 and 2, in the ledger's layout."""
    ids = b"".join(value.to_bytes(16, "little") for value in (2**64 + number, 1, 2, 100 + number, 0))
    tail = struct.pack("<QIIIHHQ", 7, 8, 0, 978, 1, 0, 1_795_000_000_000_000_000 + number)
    return ids + commitment + tail


@dataclass(frozen=True)
class World:
    records: list[bytes]
    hashes: list[bytes]

    @property
    def root(self) -> bytes:
        return book.mth(self.hashes)

    def note(self, size: int | None = None, who: Signers | None = None) -> str:
        hashes = self.hashes[: len(self.hashes) if size is None else size]
        return sign_checkpoint(who or signers(), len(hashes), book.mth(hashes))

    def receipt(self, index: int, note: str | None = None, disclosure: Disclosure | None = None) -> str:
        return build_receipt(
            LeafKind.TRANSFER,
            self.records[index],
            index,
            book.path(index, self.hashes),
            self.note() if note is None else note,
            disclosure,
        )


def world(count: int, commitments: dict[int, bytes] | None = None) -> World:
    records = [transfer_record(number, (commitments or {}).get(number, bytes(16))) for number in range(count)]
    return World(records, [book.leaf(entry(LeafKind.TRANSFER, record)) for record in records])
