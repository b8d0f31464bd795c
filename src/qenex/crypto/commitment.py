"""Commitments: what the journal knows of a private record, and nothing more.

Canonical record, version 1: `b"QENEX-RECORD-1\\n" || kind || b"\\n" || object`, where `kind` is [a-z0-9_]+ and `object` is one
JSON object in the form of [RFC-8785] (JCS): names [a-z0-9_]+ in ascending order, every value a string, no blanks,
UTF-8. An absent field is left out, so adding a field never changes old records. Any language can rebuild these bytes.

Commitment: SHA-256(salt || canonical record), salt 32 random bytes. The first 16 bytes are the transfer's `user_data_128`
byte for byte as they lie in the little-endian record; all 32 are journalled beside the batch. The salt is stored only
sealed with the customer's key, so once that key is destroyed nobody can test a guess of the record.
"""

import hmac
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import compress
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from qenex.crypto.faults import CommitmentMismatch, RecordMalformed
from qenex.values import invariant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECORD_HEADER = b"QENEX-RECORD-1\n"
SALT_LENGTH = 32

_NAME = re.compile(r"[a-z0-9_]+\Z")
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode
_known_names: set[str] = set()  # Names that matched once; a bank uses a few dozen, so this stays small.


def canonical_record(kind: str, fields: Mapping[str, str]) -> bytes:
    """The bytes that are committed to, sealed and later shown; every value is text, decided by the caller."""
    if not _known_names.issuperset(fields):
        for name in fields:
            invariant(_NAME.match(name) is not None, f"a record's field name is [a-z0-9_]+, not {name!r}")
        if len(_known_names) < 1000:
            _known_names.update(fields)
    for value in fields.values():
        invariant(type(value) is str, "a record's values are text")
    invariant(_NAME.match(kind) is not None, f"a record's kind is [a-z0-9_]+, not {kind!r}")
    try:
        return b"%s%s\n%s" % (RECORD_HEADER, kind.encode("ascii"), _encode(dict(fields)).encode("utf-8"))
    except UnicodeEncodeError as error:
        raise RecordMalformed("a value holds a lone surrogate, which UTF-8 cannot carry") from error


def canonical_records(kind: str, columns: Mapping[str, Sequence[str]]) -> list[bytes]:
    """As `canonical_record` for each row of columns of equal length; an empty text is an absent field."""
    invariant(_NAME.match(kind) is not None, f"a record's kind is [a-z0-9_]+, not {kind!r}")
    members: list[list[str]] = []
    for name in sorted(columns):
        invariant(_NAME.match(name) is not None, f"a record's field name is [a-z0-9_]+, not {name!r}")
        column = columns[name]
        invariant(set(map(type, column)) <= {str}, "a record's values are text")
        members.append([f'"{name}":{text}' for text in map(encode_basestring, column)])
    present = [columns[name] for name in sorted(columns)]
    opening, join = f"{RECORD_HEADER.decode()}{kind}\n{{", ",".join
    try:
        return [
            f"{opening}{join(compress(row, texts))}}}".encode()
            for row, texts in zip(zip(*members, strict=True), zip(*present, strict=True), strict=True)
        ]
    except UnicodeEncodeError as error:
        raise RecordMalformed("a value holds a lone surrogate, which UTF-8 cannot carry") from error


def parse_record(data: bytes) -> tuple[str, dict[str, str]]:
    """kind and fields of a canonical record; any other bytes raise RecordMalformed."""
    if not data.startswith(RECORD_HEADER):
        raise RecordMalformed("unknown version")
    kind_bytes, newline, body = data[len(RECORD_HEADER) :].partition(b"\n")
    try:
        kind = kind_bytes.decode("ascii")
        fields = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RecordMalformed("not JSON in UTF-8") from error
    if not newline or _NAME.match(kind) is None or not isinstance(fields, dict):
        raise RecordMalformed("no kind or no object")
    if not _known_names.issuperset(fields) and not all(_NAME.match(name) for name in fields):
        raise RecordMalformed("a name is not allowed")
    for value in fields.values():
        if type(value) is not str:
            raise RecordMalformed("a value is not text")
    if canonical_record(kind, fields) != data:
        raise RecordMalformed("not in canonical form")
    return kind, fields


def fields_of(record: bytes) -> dict[str, str]:
    """The fields of a canonical record that this bank sealed and has just opened: authentic, so not checked again.

    For a record from anybody else use `parse_record`, which takes three times as long.
    """
    fields: dict[str, str] = json.loads(record[record.index(b"\n", len(RECORD_HEADER)) + 1 :])
    return fields


def fields_of_many(records: Sequence[bytes]) -> list[dict[str, str]]:
    """As `fields_of`, in one call of the JSON parser."""
    newline = len(RECORD_HEADER)
    fields: list[dict[str, str]] = json.loads(
        b"[%s]" % b",".join([record[record.index(b"\n", newline) + 1 :] for record in records])
    )
    invariant(len(fields) == len(records), "a record holds one object")
    return fields


@dataclass(frozen=True)
class Commitments:
    """Salts and commitments of a batch of records, in order."""

    salts: list[bytes]
    digests: bytes  # n x 32

    @property
    def full(self) -> "NDArray[np.uint8]":
        """uint8[n, 32]: what `books.submit(..., commitments=)` journals."""
        import numpy as np

        return np.frombuffer(self.digests, dtype=np.uint8).reshape(-1, 32)

    def words(self) -> "tuple[NDArray[np.uint64], NDArray[np.uint64]]":
        """(lo, hi) for the transfers' `user_data_128_lo` and `user_data_128_hi`."""
        import numpy as np

        words = np.frombuffer(self.digests, dtype="<u8").reshape(-1, 4)
        return words[:, 0], words[:, 1]


def commit_records(records: Sequence[bytes], *, random_bytes: Callable[[int], bytes] = os.urandom) -> Commitments:
    """A fresh salt and the commitment for each canonical record."""
    randomness = random_bytes(SALT_LENGTH * len(records))
    salts = [randomness[at : at + SALT_LENGTH] for at in range(0, len(randomness), SALT_LENGTH)]
    digests = b"".join([sha256(salt + record).digest() for salt, record in zip(salts, records, strict=True)])
    return Commitments(salts, digests)


def commitment(salt: bytes, record: bytes) -> bytes:
    """SHA-256(salt || record), 32 bytes."""
    invariant(len(salt) == SALT_LENGTH, "a salt is 32 bytes")
    return sha256(salt + record).digest()


def verify_commitment(stored: bytes, salt: bytes, record: bytes) -> None:
    """stored: the 16 bytes of a transfer's user_data_128 or all 32. Raises CommitmentMismatch."""
    invariant(len(stored) in (16, 32), "a stored commitment is 16 or 32 bytes")
    if not hmac.compare_digest(stored, commitment(salt, record)[: len(stored)]):
        raise CommitmentMismatch
