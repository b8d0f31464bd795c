"""Receipts: one file that shows, to anyone with the log's public keys, that the bank sealed a transfer.

A receipt is JSON with the readable fields of the record, the record itself, and a proof in the form of [C2SP
tlog-proof]: its index, the inclusion proof and the signed checkpoint. docs/receipts.md describes it field by field.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from qenex.chain.checkpoints import Checkpoint, open_checkpoint, read_checkpoint
from qenex.chain.notes import NOTE_BYTES_MAX, VerifierKey
from qenex.chain.proofs import HASH_BYTES, PROOF_MAX, entry_hash, root_from_inclusion_proof
from qenex.chain.records import KINDS, RECORD_BYTES, LeafKind, field_bytes, read_fields
from qenex.chain.text import from_base64, from_decimal, to_base64
from qenex.chain.witnesses import Cosignature, WitnessPolicy, check_witnesses
from qenex.values import CorruptionFound, Refusal, refuse

FORMAT = "qenex-receipt-v1"
PROOF_FORMAT = "c2sp.org/tlog-proof@v1"
RECEIPT_BYTES_MAX = 1024 * 1024
SALT_BYTES = 32
COMMITMENT_BYTES_SEALED = 16
"""How much of a record's SHA-256 commitment its transfer carries, in user_data_128."""


@dataclass(frozen=True)
class Disclosure:
    """The private record a transfer commits to: `details` is its canonical text, `salt` the 32 bytes hashed with it."""

    details: str
    salt: bytes

    @property
    def commitment(self) -> bytes:
        return sha256(self.salt + self.details.encode()).digest()


@dataclass(frozen=True)
class InclusionProof:
    """Where an entry stands in a log, and the hashes that lead from it to the root."""

    index: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt proves: entry `index` of the log is this record, says the log and say these witnesses."""

    kind: LeafKind
    record: bytes
    fields: dict[str, str | int]
    index: int
    checkpoint: Checkpoint
    signed_by: tuple[VerifierKey, ...]
    cosignatures: tuple[Cosignature, ...]
    disclosure: Disclosure | None


def entry(kind: int, record: bytes) -> bytes:
    """The log entry of a record, as entry bundles hold it and as it is hashed."""
    if len(record) != RECORD_BYTES:
        raise ValueError(f"a record has {RECORD_BYTES} bytes, not {len(record)}")
    return bytes([kind]) + record


def build_receipt(
    kind: int,
    record: bytes,
    index: int,
    proof: Sequence[bytes],
    checkpoint_note: str,
    disclosure: Disclosure | None = None,
) -> str:
    """The receipt of entry `index` under the checkpoint. `proof` is the inclusion proof at the checkpoint's size.

    A stored hash may have changed since it was written: a proof that does not lead to the signed root raises
    CorruptionFound, and no wrong receipt leaves the bank.
    """
    checkpoint = read_checkpoint(checkpoint_note)
    if root_from_inclusion_proof(entry_hash(entry(kind, record)), index, checkpoint.size, proof) != checkpoint.root:
        raise CorruptionFound(
            place=f"log {checkpoint.origin}, entry {index} of {checkpoint.size}",
            detail="the record and the stored hashes do not lead to the signed root",
        )
    return format_receipt(kind, record, index, proof, checkpoint_note, disclosure)


def format_receipt(
    kind: int,
    record: bytes,
    index: int,
    proof: Sequence[bytes],
    checkpoint_note: str,
    disclosure: Disclosure | None = None,
) -> str:
    """A receipt's text, whether it proves anything or not."""
    content: dict[str, object] = {
        "format": FORMAT,
        "kind": LeafKind(kind).title,
        "fields": read_fields(LeafKind(kind), record),
        "record": to_base64(record),
        "proof": format_proof(InclusionProof(index, tuple(proof)), checkpoint_note),
    }
    if disclosure is not None:
        content["disclosure"] = {"details": disclosure.details, "salt": to_base64(disclosure.salt)}
    return _canonical(content)


def verify_receipt(
    receipt: str | bytes, keys: Sequence[VerifierKey], witness_policy: WitnessPolicy | None = None
) -> VerifiedReceipt | Refusal:
    """What the receipt proves, checked with nothing but the log's public keys and, if given, the witnesses' policy.

    Only the very bytes that `format_receipt` writes are a receipt, so that no change, be it of a space, goes unseen.
    Cosignatures of witnesses outside the policy are not looked at and not reported.
    """
    content = _read(receipt)
    if isinstance(content, Refusal):
        return content
    kind, record = KINDS[content["kind"]], from_base64(content["record"])
    if record is None or len(record) != RECORD_BYTES:
        return _malformed("the record is not base64 of 128 bytes")
    fields = read_fields(kind, record)
    if (refusal := _compare_fields(content["fields"], fields)) is not None:
        return refusal
    parsed = parse_proof(content["proof"])
    if isinstance(parsed, Refusal):
        return parsed
    proof, note = parsed
    signed = open_checkpoint(note, keys)
    if isinstance(signed, Refusal):
        return signed
    checkpoint = signed.checkpoint
    leaf = entry_hash(entry(kind, record))
    if root_from_inclusion_proof(leaf, proof.index, checkpoint.size, proof.hashes) != checkpoint.root:
        return refuse("RECEIPT_NOT_INCLUDED", index=proof.index)
    cosignatures = check_witnesses(signed, witness_policy) if witness_policy is not None else ()
    if isinstance(cosignatures, Refusal):
        return cosignatures
    disclosure = _read_disclosure(content.get("disclosure"), kind, record)
    if isinstance(disclosure, Refusal):
        return disclosure
    return VerifiedReceipt(kind, record, fields, proof.index, checkpoint, signed.signed_by, cosignatures, disclosure)


# The proof, in the form other tools read


def format_proof(proof: InclusionProof, checkpoint_note: str) -> str:
    """[C2SP tlog-proof]"""
    return "\n".join((PROOF_FORMAT, f"index {proof.index}", *map(to_base64, proof.hashes), "", checkpoint_note))


def parse_proof(text: str) -> tuple[InclusionProof, str] | Refusal:
    """The proof and the checkpoint note in a tlog-proof without extra data."""
    head, empty_line, note = text.partition("\n\n")
    lines = head.split("\n")
    if not empty_line or lines[0] != PROOF_FORMAT or len(lines) < 2 or not lines[1].startswith("index "):
        return _malformed(f"the proof does not start with {PROOF_FORMAT} and an index")
    index = from_decimal(lines[1].removeprefix("index "))
    if index is None:
        return _malformed("the index is not a decimal number below 2**63")
    if len(lines) - 2 > PROOF_MAX:
        return _malformed(f"the proof has more than {PROOF_MAX} hashes")
    hashes = [from_base64(line) for line in lines[2:]]
    known = tuple(value for value in hashes if value is not None and len(value) == HASH_BYTES)
    if len(known) != len(hashes):
        return _malformed("a hash of the proof is not base64 of 32 bytes")
    return InclusionProof(index, known), note


# Reading


def _canonical(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _read(receipt: str | bytes) -> dict[str, Any] | Refusal:
    """The JSON object of a receipt with its members' types checked, in canonical form."""
    try:
        text = receipt.encode("utf-8").decode("utf-8") if isinstance(receipt, str) else receipt.decode("utf-8")
    except UnicodeError:
        return _malformed("it is not UTF-8")
    if len(text) > RECEIPT_BYTES_MAX:
        return _malformed(f"it is longer than {RECEIPT_BYTES_MAX} characters")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return _malformed("it is not JSON")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return _malformed(f"it is not a JSON object of the format {FORMAT}")
    known = {"format": str, "kind": str, "fields": dict, "record": str, "proof": str, "disclosure": dict}
    names = list(content)
    if names not in (list(known)[:-1], list(known)):
        return _malformed("its members are not format, kind, fields, record, proof and, if any, disclosure")
    if not all(isinstance(value, known[name]) for name, value in content.items()):
        return _malformed("a member is not of its type")
    if content["kind"] not in KINDS:
        return _malformed("its kind is unknown")
    if len(content["proof"]) > NOTE_BYTES_MAX:
        return _malformed("its proof is too long")
    return content if _canonical(content) == text else _malformed("it is not spelled as the bank spells it")


def _compare_fields(shown: dict[str, Any], sealed: dict[str, str | int]) -> Refusal | None:
    if list(shown) != list(sealed):
        return _malformed("its fields are not those of its kind")
    for name, value in sealed.items():
        if type(shown[name]) is not type(value) or shown[name] != value:
            return refuse("RECEIPT_FIELDS_DIFFER", field=name, shown=shown[name], sealed=value)
    return None


def _read_disclosure(content: dict[str, Any] | None, kind: LeafKind, record: bytes) -> Disclosure | None | Refusal:
    if content is None:
        return None
    if list(content) != ["details", "salt"] or not all(isinstance(value, str) for value in content.values()):
        return _malformed("the disclosure is not details and salt")
    salt = from_base64(content["salt"])
    if salt is None or len(salt) != SALT_BYTES:
        return _malformed(f"the salt is not base64 of {SALT_BYTES} bytes")
    disclosure = Disclosure(content["details"], salt)
    sealed = disclosure.commitment[:COMMITMENT_BYTES_SEALED]
    return disclosure if field_bytes(kind, record, "user_data_128") == sealed else refuse("DISCLOSURE_WRONG")


def _malformed(reason: str) -> Refusal:
    return refuse("RECEIPT_MALFORMED", reason=reason)
