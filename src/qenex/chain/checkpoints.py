"""Checkpoints of [C2SP tlog-checkpoint]: the log's origin, size and root, signed with Ed25519 and ML-DSA-65."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from qenex.chain.notes import (
    ML_DSA_65_IDENTIFIER,
    Note,
    SignatureLine,
    SignatureType,
    VerifierKey,
    check_signature,
    is_key_name,
    parse_note,
)
from qenex.chain.proofs import HASH_BYTES
from qenex.chain.text import from_base64, from_decimal, to_base64
from qenex.values import Refusal, invariant, refuse

ORIGIN_BYTES_MAX = 64
"""An origin of ours must fit the 128-byte entry by which a restored log names its parent."""

LOG_SIGNATURES = (SignatureType.ED25519, SignatureType.ML_DSA_65)
"""Every checkpoint carries one of each, and counts only when both are right."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the first `size` entries of the log `origin` have this root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), to_base64(self.root), *self.extensions))


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose log signatures were checked, by the keys in `signed_by`."""

    checkpoint: Checkpoint
    note: Note
    signed_by: tuple[VerifierKey, ...]


@dataclass(frozen=True)
class Signers:
    """The two private keys a log signs its checkpoints with. Both sign under the log's origin as name."""

    origin: str
    ed25519: Ed25519PrivateKey
    ml_dsa_65: MLDSA65PrivateKey

    def __post_init__(self) -> None:
        if not is_key_name(self.origin) or len(self.origin.encode()) > ORIGIN_BYTES_MAX:
            raise ValueError(
                f"an origin has 1 to {ORIGIN_BYTES_MAX} bytes, no spaces and no plus sign, unlike {self.origin!r}"
            )

    @classmethod
    def from_seeds(cls, origin: str, ed25519_seed: bytes, ml_dsa_65_seed: bytes) -> Signers:
        """Each seed is 32 random bytes: the private key of [RFC 8032] 5.1.5, and xi of [FIPS 204] algorithm 1."""
        return cls(
            origin,
            Ed25519PrivateKey.from_private_bytes(ed25519_seed),
            MLDSA65PrivateKey.from_seed_bytes(ml_dsa_65_seed),
        )

    @cached_property
    def verifier_keys(self) -> tuple[VerifierKey, VerifierKey]:
        """The public keys, to be given to everyone who checks receipts."""
        return (
            VerifierKey(self.origin, SignatureType.ED25519, self.ed25519.public_key().public_bytes_raw()),
            VerifierKey(self.origin, SignatureType.ML_DSA_65, self.ml_dsa_65.public_key().public_bytes_raw()),
        )


def sign_checkpoint(signers: Signers, size: int, root: bytes) -> str:
    """The signed note of a tree head. Its caller never signs two heads of which one does not continue the other."""
    if not 0 <= size < 1 << 63 or len(root) != HASH_BYTES:
        raise ValueError("a tree head is a size below 2**63 and a root of 32 bytes")
    text = Checkpoint(signers.origin, size, root).text
    message = text.encode()
    ed25519_key, ml_dsa_65_key = signers.verifier_keys
    lines = (
        SignatureLine(signers.origin, ed25519_key.key_id, signers.ed25519.sign(message)),
        SignatureLine(signers.origin, ml_dsa_65_key.key_id, signers.ml_dsa_65.sign(message, ML_DSA_65_IDENTIFIER)),
    )
    return str(Note(text, lines))


def parse_checkpoint(text: str) -> Checkpoint | Refusal:
    """The tree head in the text of a note."""

    def wrong(reason: str) -> Refusal:
        return refuse("CHECKPOINT_MALFORMED", reason=reason)

    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        return wrong("it does not have at least three lines, none of them empty")
    origin, size_text, root_text, *extensions = lines[:-1]
    size = from_decimal(size_text)
    if size is None:
        return wrong("the size is not a decimal number below 2**63")
    root = from_base64(root_text)
    if root is None or len(root) != HASH_BYTES:
        return wrong("the root is not base64 of 32 bytes")
    return Checkpoint(origin, size, root, tuple(extensions))


def read_checkpoint(note: str) -> Checkpoint:
    """The tree head in a note of our own, whose signatures nobody needs to check again."""
    parsed = parse_note(note)
    checkpoint = parsed if isinstance(parsed, Refusal) else parse_checkpoint(parsed.text)
    invariant(isinstance(checkpoint, Checkpoint), "a note of our own is a checkpoint")
    assert isinstance(checkpoint, Checkpoint)  # for the type checker
    return checkpoint


def open_checkpoint(note: str | bytes, keys: Sequence[VerifierKey]) -> SignedCheckpoint | Refusal:
    """The checkpoint in a note, if the log's keys among `keys` have signed it: one Ed25519 and one ML-DSA-65 key.

    A log's key is one whose name is the origin. A line by such a key that is wrong refuses the whole checkpoint, even
    beside right ones; lines by other keys are not looked at.
    """
    parsed = parse_note(note)
    if isinstance(parsed, Refusal):
        return parsed
    checkpoint = parse_checkpoint(parsed.text)
    if isinstance(checkpoint, Refusal):
        return checkpoint
    log_keys = [key for key in keys if key.name == checkpoint.origin]
    for type_ in LOG_SIGNATURES:
        if not any(key.type is type_ for key in log_keys):
            return refuse("KEYS_INCOMPLETE", origin=checkpoint.origin, algorithm=type_.title)
    message = parsed.text.encode()
    signed_by: list[VerifierKey] = []
    for line in parsed.signatures:
        for key in log_keys:
            if key.type in LOG_SIGNATURES and line.is_by(key):
                if (refusal := check_signature(key, line.signature, message)) is not None:
                    return refusal
                signed_by.append(key)
    for type_ in LOG_SIGNATURES:
        if not any(key.type is type_ for key in signed_by):
            return refuse("CHECKPOINT_UNSIGNED", origin=checkpoint.origin, algorithm=type_.title)
    return SignedCheckpoint(checkpoint, parsed, tuple(signed_by))
