"""Consistency files: two signed checkpoints of one log, and the proof that the newer continues the older."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from qenex.chain.checkpoints import Checkpoint, open_checkpoint, read_checkpoint
from qenex.chain.notes import NOTE_BYTES_MAX, VerifierKey
from qenex.chain.proofs import HASH_BYTES, PROOF_MAX, is_consistent
from qenex.chain.text import from_base64, to_base64
from qenex.values import CorruptionFound, Refusal, refuse

FORMAT = "qenex-consistency-v1"


@dataclass(frozen=True)
class VerifiedConsistency:
    """The log of `newer` starts with the very entries of `older`."""

    older: Checkpoint
    newer: Checkpoint


def build_consistency(older_note: str, newer_note: str, proof: Sequence[bytes]) -> str:
    """`proof` is the consistency proof between the two checkpoints' sizes.

    A proof that does not hold raises CorruptionFound: a stored hash has changed since it was signed.
    """
    older, newer = read_checkpoint(older_note), read_checkpoint(newer_note)
    if not is_consistent(older.size, older.root, newer.size, newer.root, proof):
        raise CorruptionFound(
            place=f"log {newer.origin}, {older.size} to {newer.size} entries",
            detail="the stored hashes do not lead from one signed root to the other",
        )
    return format_consistency(older_note, newer_note, proof)


def format_consistency(older_note: str, newer_note: str, proof: Sequence[bytes]) -> str:
    """A consistency file's text, whether it proves anything or not."""
    return _canonical(
        {"format": FORMAT, "older": older_note, "proof": [to_base64(value) for value in proof], "newer": newer_note}
    )


def verify_consistency(file: str | bytes, keys: Sequence[VerifierKey]) -> VerifiedConsistency | Refusal:
    """Whether both checkpoints are signed by the log and the newer continues the older."""
    content = _read(file)
    if isinstance(content, Refusal):
        return content
    older_note, newer_note, proof = content
    older = open_checkpoint(older_note, keys)
    if isinstance(older, Refusal):
        return older
    newer = open_checkpoint(newer_note, keys)
    if isinstance(newer, Refusal):
        return newer
    old, new = older.checkpoint, newer.checkpoint
    if old.origin != new.origin:
        return refuse("CHECKPOINT_OF_ANOTHER_LOG", expected=old.origin, found=new.origin)
    if not is_consistent(old.size, old.root, new.size, new.root, proof):
        return refuse("CONSISTENCY_BROKEN", old_size=old.size, size=new.size)
    return VerifiedConsistency(old, new)


def _canonical(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _read(file: str | bytes) -> tuple[str, str, tuple[bytes, ...]] | Refusal:
    def wrong(reason: str) -> Refusal:
        return refuse("CONSISTENCY_MALFORMED", reason=reason)

    try:
        text = file.encode("utf-8").decode("utf-8") if isinstance(file, str) else file.decode("utf-8")
        if len(text) > 3 * NOTE_BYTES_MAX:
            return wrong("it is too long")
        content = json.loads(text)
        canonical = isinstance(content, dict) and _canonical(content) == text
    except (ValueError, RecursionError):
        return wrong("it is not JSON in UTF-8")
    if not canonical or list(content) != ["format", "older", "proof", "newer"] or content["format"] != FORMAT:
        return wrong(f"it is not spelled as the bank spells {FORMAT}")
    older, newer, hashes = content["older"], content["newer"], content["proof"]
    if not (isinstance(older, str) and isinstance(newer, str) and isinstance(hashes, list)):
        return wrong("a member is not of its type")
    if len(hashes) > PROOF_MAX or not all(isinstance(value, str) for value in hashes):
        return wrong(f"the proof is not a list of at most {PROOF_MAX} hashes")
    decoded = [from_base64(value) for value in hashes]
    proof = tuple(value for value in decoded if value is not None and len(value) == HASH_BYTES)
    if len(proof) != len(decoded):
        return wrong("a hash of the proof is not base64 of 32 bytes")
    return older, newer, proof
