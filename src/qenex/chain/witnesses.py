"""Witnesses: cosignatures of [C2SP tlog-cosignature], policies of [C2SP tlog-policy], requests of [C2SP tlog-witness].

A witness cosigns a checkpoint only when it continues the one it cosigned before. A receipt whose checkpoint enough
witnesses have cosigned was not made for one pair of eyes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from qenex.chain.checkpoints import Checkpoint, SignedCheckpoint, open_checkpoint
from qenex.chain.notes import Note, SignatureLine, SignatureType, VerifierKey, check_signature, parse_verifier_key
from qenex.chain.proofs import HASH_BYTES, PROOF_MAX, is_consistent
from qenex.chain.text import from_base64, from_decimal, to_base64
from qenex.values import Refusal, refuse

_TIME_BYTES = 8
_POLICY_BYTES_MAX = 512 * 1024
_POLICY_NAMES_MAX = 256


@dataclass(frozen=True)
class Cosignature:
    """A cosignature that was checked. `time` is when the witness says it signed, in Unix seconds; 0 says nothing."""

    key: VerifierKey
    time: int


@dataclass(frozen=True)
class Witness:
    """A witness's private key."""

    name: str
    key: Ed25519PrivateKey | MLDSA44PrivateKey

    @property
    def verifier_key(self) -> VerifierKey:
        type_ = (
            SignatureType.ED25519_COSIGNATURE
            if isinstance(self.key, Ed25519PrivateKey)
            else SignatureType.ML_DSA_44_COSIGNATURE
        )
        return VerifierKey(self.name, type_, self.key.public_key().public_bytes_raw())


def cosigned_message(key: VerifierKey, checkpoint: Checkpoint, time: int) -> bytes:
    """The bytes a witness signs. [C2SP tlog-cosignature]"""
    if key.type is SignatureType.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
    name, origin = key.name.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            len(name).to_bytes(1, "big") + name,
            time.to_bytes(8, "big"),
            len(origin).to_bytes(1, "big") + origin,
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def cosign(witness: Witness, checkpoint: Checkpoint, time: int) -> SignatureLine:
    """The cosignature line at `time` (Unix seconds). Whether the checkpoint may be cosigned, `answer` decides."""
    if not 0 <= time < 1 << 63:
        raise ValueError("the time of a cosignature is below 2**63")
    key = witness.verifier_key
    signature = witness.key.sign(cosigned_message(key, checkpoint, time))
    return SignatureLine(witness.name, key.key_id, time.to_bytes(_TIME_BYTES, "big") + signature)


def check_cosignatures(
    note: Note, checkpoint: Checkpoint, keys: Sequence[VerifierKey]
) -> tuple[Cosignature, ...] | Refusal:
    """The cosignatures under the note by `keys`. One that is wrong refuses the note; unknown ones are not looked at."""
    found: list[Cosignature] = []
    for line in note.signatures:
        for key in keys:
            if key.type.is_cosignature and line.is_by(key):
                time = int.from_bytes(line.signature[:_TIME_BYTES], "big")
                if len(line.signature) <= _TIME_BYTES or time >= 1 << 63 or len(checkpoint.origin.encode()) > 255:
                    return refuse("CHECKPOINT_SIGNATURE_WRONG", name=f"{key.name} ({key.type.title})")
                message = cosigned_message(key, checkpoint, time)
                if (refusal := check_signature(key, line.signature[_TIME_BYTES:], message)) is not None:
                    return refusal
                found.append(Cosignature(key, time))
    return tuple(found)


# Policies


@dataclass(frozen=True)
class WitnessPolicy:
    """At least `threshold` of the members must have witnessed: a witness by cosigning, a group by its own rule."""

    threshold: int
    members: tuple[VerifierKey | WitnessPolicy, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= len(self.members):
            raise ValueError(f"no {self.threshold} of {len(self.members)} can witness")
        keys = self.keys
        if len({key.public_key for key in keys}) != len(keys):
            raise ValueError("a key counts once in a policy")
        if not all(key.type.is_cosignature for key in keys):
            raise ValueError("the keys of a witness policy are cosignature keys")

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return tuple(
            key for member in self.members for key in (member.keys if isinstance(member, WitnessPolicy) else (member,))
        )

    def is_met(self, cosignatures: Sequence[Cosignature]) -> bool:
        return self._is_met({cosignature.key for cosignature in cosignatures})

    def _is_met(self, signed: set[VerifierKey]) -> bool:
        witnessed = sum(
            member._is_met(signed) if isinstance(member, WitnessPolicy) else member in signed for member in self.members
        )
        return witnessed >= self.threshold


@dataclass(frozen=True)
class Policy:
    """Which logs to believe, and whose cosignatures their checkpoints need."""

    logs: tuple[VerifierKey, ...]
    witnesses: WitnessPolicy


def parse_policy(content: str | bytes) -> Policy | Refusal:
    """A policy file of [C2SP tlog-policy]."""

    def wrong(reason: str) -> Refusal:
        return refuse("POLICY_MALFORMED", line=number, reason=reason)

    number = 1
    raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    if len(raw) > _POLICY_BYTES_MAX or any(octet == 127 or (octet < 32 and octet not in b"\t\n") for octet in raw):
        return wrong("the file is too large or holds control characters")
    logs: list[VerifierKey] = []
    members: dict[str, VerifierKey | WitnessPolicy] = {}
    grouped: set[str] = set()
    quorum: WitnessPolicy | None = None
    for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        match words:
            case ["log", text] | ["log", text, _]:
                key = parse_verifier_key(text, number)
                if isinstance(key, Refusal):
                    return key
                if any(key.public_key == log.public_key for log in logs):
                    return wrong("the log is there twice")
                logs.append(key)
            case ["witness", name, text] | ["witness", name, text, _]:
                key = parse_verifier_key(text, number)
                if isinstance(key, Refusal):
                    return key
                if name in members or name == "none" or not key.type.is_cosignature:
                    return wrong("the name is taken or the key is not a witness's")
                if any(
                    isinstance(known, VerifierKey) and known.public_key == key.public_key for known in members.values()
                ):
                    return wrong("the witness is there twice")
                members[name] = key
            case ["group", name, threshold_text, *names] if names:
                if name in members or name == "none":
                    return wrong("the name is taken")
                if any(member not in members or member in grouped for member in names) or len(set(names)) < len(names):
                    return wrong("a member is not defined above or already in a group")
                threshold = {"all": len(names), "any": 1}.get(threshold_text) or from_decimal(threshold_text)
                if threshold is None or not 1 <= threshold <= len(names):
                    return wrong(f"the threshold is not all, any or 1 to {len(names)}")
                grouped.update(names)
                members[name] = WitnessPolicy(threshold, tuple(members[member] for member in names))
            case ["quorum", name] if quorum is None:
                if name == "none":
                    quorum = WitnessPolicy(0, ())
                elif name in members:
                    quorum = WitnessPolicy(1, (members[name],))
                else:
                    return wrong("the quorum is not defined above")
            case _:
                return wrong("it is not a log, witness, group or the only quorum line")
        if len(members) > _POLICY_NAMES_MAX or len(logs) > _POLICY_NAMES_MAX:
            return wrong(f"more than {_POLICY_NAMES_MAX} names")
    if quorum is None:
        return wrong("there is no quorum line")
    return Policy(tuple(logs), quorum)


# Asking a witness


def witness_request(old_size: int, proof: Sequence[bytes], note: str) -> str:
    """The body of an add-checkpoint request. [C2SP tlog-witness]"""
    return "\n".join((f"old {old_size}", *map(to_base64, proof), "", note))


@dataclass(frozen=True)
class WitnessRequest:
    old_size: int
    proof: tuple[bytes, ...]
    note: str


def parse_witness_request(body: str) -> WitnessRequest | Refusal:
    head, empty_line, note = body.partition("\n\n")
    first, *hash_lines = head.split("\n")
    old_size = from_decimal(first.removeprefix("old ")) if first.startswith("old ") else None
    hashes = [from_base64(line) for line in hash_lines[:PROOF_MAX]]
    proof = tuple(value for value in hashes if value is not None and len(value) == HASH_BYTES)
    if not empty_line or old_size is None or len(proof) != len(hash_lines):
        return refuse("CONSISTENCY_MALFORMED", reason="it is not an old size, hashes, an empty line and a checkpoint")
    return WitnessRequest(old_size, proof, note)


@dataclass(frozen=True)
class Cosigned:
    """The new checkpoint, to be stored durably before `lines` is given to anyone."""

    checkpoint: Checkpoint
    lines: tuple[SignatureLine, ...]


def answer(
    request: WitnessRequest,
    known: Checkpoint | None,
    log_keys: Sequence[VerifierKey],
    witnesses: Sequence[Witness],
    time: int,
) -> Cosigned | Refusal:
    """What a witness answers, whose last cosigned checkpoint of this log is `known`. [C2SP tlog-witness]"""
    signed = open_checkpoint(request.note, log_keys)
    if isinstance(signed, Refusal):
        return signed
    checkpoint = signed.checkpoint
    if known is not None and known.origin != checkpoint.origin:
        return refuse("CHECKPOINT_OF_ANOTHER_LOG", expected=known.origin, found=checkpoint.origin)
    known_size = known.size if known else 0
    if request.old_size != known_size:
        return refuse("WITNESS_STATE_DIFFERS", origin=checkpoint.origin, known=known_size, old_size=request.old_size)
    if not _continues(known, checkpoint, request.proof):
        return refuse("CONSISTENCY_BROKEN", old_size=known_size, size=checkpoint.size)
    return Cosigned(checkpoint, tuple(cosign(witness, checkpoint, time) for witness in witnesses))


def _continues(known: Checkpoint | None, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bool:
    if known is None or known.size == 0:
        return not proof
    return is_consistent(known.size, known.root, checkpoint.size, checkpoint.root, proof)


def check_witnesses(signed: SignedCheckpoint, policy: WitnessPolicy) -> tuple[Cosignature, ...] | Refusal:
    """The cosignatures of the policy's witnesses, if they meet it."""
    cosignatures = check_cosignatures(signed.note, signed.checkpoint, policy.keys)
    if isinstance(cosignatures, Refusal) or policy.is_met(cosignatures):
        return cosignatures
    return refuse("WITNESSES_MISSING", found=len(cosignatures))
