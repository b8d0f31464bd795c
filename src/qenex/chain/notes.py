"""Signed notes and verifier keys of [C2SP signed-note], with an ML-DSA-65 signature type of our own.

C2SP assigns no identifier byte to ML-DSA-65 over a note's text, and gives 0xff to such types. Ours is 0xff followed by
`ML_DSA_65_IDENTIFIER`: the key id is SHA-256(name || 0x0A || 0xff || identifier || public key)[:4], and the signature
is FIPS 204 ML-DSA-65 over the note text with the identifier as context string.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

from qenex.chain import refusals as refusals  # registers the codes
from qenex.chain.text import from_base64, to_base64
from qenex.values import Refusal, refuse

ML_DSA_65_IDENTIFIER = b"qenex-note-ml-dsa-65-v1"
NAME_BYTES_MAX = 255
NOTE_BYTES_MAX = 256 * 1024
SIGNATURES_MAX = 32
KEY_FILE_BYTES_MAX = 256 * 1024
_KEY_ID_BYTES = 4
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class SignatureType(Enum):
    """What a key signs and how. The value is what stands before the public key in a verifier key."""

    ED25519 = b"\x01"
    """Ed25519 over the note text."""
    ED25519_COSIGNATURE = b"\x04"
    """[C2SP tlog-cosignature] by a witness, with Ed25519."""
    ML_DSA_44_COSIGNATURE = b"\x06"
    """[C2SP tlog-cosignature] by a witness or a log, with ML-DSA-44."""
    ML_DSA_65 = b"\xff" + ML_DSA_65_IDENTIFIER
    """ML-DSA-65 over the note text, ours."""

    @property
    def title(self) -> str:
        return _TITLES[self]

    @property
    def public_key_bytes(self) -> int:
        return _PUBLIC_KEY_BYTES[self]

    @property
    def is_cosignature(self) -> bool:
        return self in (SignatureType.ED25519_COSIGNATURE, SignatureType.ML_DSA_44_COSIGNATURE)


_TITLES = {
    SignatureType.ED25519: "Ed25519",
    SignatureType.ED25519_COSIGNATURE: "Ed25519 cosignature",
    SignatureType.ML_DSA_44_COSIGNATURE: "ML-DSA-44 cosignature",
    SignatureType.ML_DSA_65: "ML-DSA-65",
}
_PUBLIC_KEY_BYTES = {
    SignatureType.ED25519: 32,
    SignatureType.ED25519_COSIGNATURE: 32,
    SignatureType.ML_DSA_44_COSIGNATURE: 1312,
    SignatureType.ML_DSA_65: 1952,
}


def is_key_name(name: str) -> bool:
    """Whether `name` may name a key, and the log or witness it belongs to."""
    return (
        bool(name)
        and not any(letter.isspace() or letter < " " or letter == "+" for letter in name)
        and (encoded := _utf8(name)) is not None
        and len(encoded) <= NAME_BYTES_MAX
    )


@dataclass(frozen=True)
class VerifierKey:
    """A public key with the name it signs under."""

    name: str
    type: SignatureType
    public_key: bytes

    @cached_property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart. [C2SP signed-note]"""
        signed = self.name.encode() + b"\n" + self.type.value + self.public_key
        return hashlib.sha256(signed).digest()[:_KEY_ID_BYTES]

    def encode(self) -> str:
        """The vkey: name, key id and key, joined by plus signs."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self.type.value + self.public_key)}"

    @cached_property
    def _public(self) -> Ed25519PublicKey | MLDSA44PublicKey | MLDSA65PublicKey:
        if self.type is SignatureType.ML_DSA_65:
            return MLDSA65PublicKey.from_public_bytes(self.public_key)
        if self.type is SignatureType.ML_DSA_44_COSIGNATURE:
            return MLDSA44PublicKey.from_public_bytes(self.public_key)
        return Ed25519PublicKey.from_public_bytes(self.public_key)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises InvalidSignature unless `signature` is this key's over `message`."""
        public = self._public
        if isinstance(public, MLDSA65PublicKey):
            public.verify(signature, message, ML_DSA_65_IDENTIFIER)
        else:
            public.verify(signature, message)


def parse_verifier_key(text: str, line: int = 1) -> VerifierKey | Refusal:
    """A vkey of a type we check. `line` is named in the refusal."""

    def wrong(reason: str) -> Refusal:
        return refuse("KEY_MALFORMED", line=line, reason=reason)

    parts = text.split("+", 2)
    if len(parts) != 3:
        return wrong("it is not name, key id and key joined by plus signs")
    name, key_id, encoded = parts
    if not is_key_name(name):
        return wrong("its name is empty, too long, or holds a space")
    content = from_base64(encoded) if len(encoded) <= 4096 else None
    if content is None:
        return wrong("its key is not base64")
    for type_ in SignatureType:
        if content.startswith(type_.value) and len(content) == len(type_.value) + type_.public_key_bytes:
            key = VerifierKey(name, type_, content[len(type_.value) :])
            break
    else:
        return wrong("its algorithm is not one of Ed25519, ML-DSA-65, and the cosignatures of witnesses")
    if key_id != key.key_id.hex():
        return wrong("its key id does not fit its name and key")
    try:
        key._public  # noqa: B018
    except ValueError:
        return wrong("its key is not a valid public key")
    return key


def parse_key_file(content: str | bytes) -> tuple[VerifierKey, ...] | Refusal:
    """The keys of a key file: one vkey per line; blank lines and lines that start with # are skipped."""
    text = _text(content, KEY_FILE_BYTES_MAX)
    if text is None:
        return refuse("KEY_MALFORMED", line=1, reason="the file is too large or not UTF-8")
    keys: list[VerifierKey] = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key = parse_verifier_key(line, number)
        if isinstance(key, Refusal):
            return key
        if any((key.name, key.key_id) == (other.name, other.key_id) for other in keys):
            return refuse("KEY_MALFORMED", line=number, reason="it has the name and key id of an earlier line")
        keys.append(key)
    if not keys:
        return refuse("KEY_MALFORMED", line=1, reason="the file holds no key")
    return tuple(keys)


def format_key_file(keys: Sequence[VerifierKey]) -> str:
    return "".join(f"{key.encode()}\n" for key in keys)


@dataclass(frozen=True)
class SignatureLine:
    """One signature of a note. `signature` is what follows the key id; its form depends on the key's type."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {to_base64(self.key_id + self.signature)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether the line claims to be by this key. Only `VerifierKey.verify` tells whether it is."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and the signatures under it."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def signed_again(self, lines: Sequence[SignatureLine]) -> Note:
        """The note with more signatures, as a witness returns them."""
        return Note(self.text, (*self.signatures, *lines))


def parse_note(content: str | bytes) -> Note | Refusal:
    """A note in its only form; whether its signatures are right is another question."""

    def wrong(reason: str) -> Refusal:
        return refuse("NOTE_MALFORMED", reason=reason)

    note = _text(content, NOTE_BYTES_MAX)
    if note is None:
        return wrong("it is too large or not UTF-8")
    if _CONTROL.search(note):
        return wrong("it holds control characters")
    end = note.rfind("\n\n")
    if end < 0 or not note.endswith("\n") or end + 2 == len(note):
        return wrong("it has no signature lines after an empty line")
    lines = note[end + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        return wrong(f"it has more than {SIGNATURES_MAX} signatures")
    signatures: list[SignatureLine] = []
    for number, line in enumerate(lines, start=1):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or not is_key_name(parts[1]):
            return wrong(f"signature line {number} is not an em dash, a name and a signature")
        signature = from_base64(parts[2])
        if signature is None or len(signature) <= _KEY_ID_BYTES:
            return wrong(f"the signature in line {number} is not base64 of a key id and a signature")
        signatures.append(SignatureLine(parts[1], signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:]))
    # [C2SP tlog-checkpoint]: no two lines with both the same key name and the same key id.
    if len({(line.name, line.key_id) for line in signatures}) != len(signatures):
        return wrong("two signature lines are by the same key")
    return Note(note[: end + 1], tuple(signatures))


def check_signature(key: VerifierKey, signature: bytes, message: bytes) -> Refusal | None:
    """The refusal to give for a signature of a known key that is wrong."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return refuse("CHECKPOINT_SIGNATURE_WRONG", name=f"{key.name} ({key.type.title})")
    return None


def _utf8(text: str) -> bytes | None:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return None


def _text(content: str | bytes, bytes_max: int) -> str | None:
    encoded = _utf8(content) if isinstance(content, str) else content
    if encoded is None or len(encoded) > bytes_max:
        return None
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:
        return None
