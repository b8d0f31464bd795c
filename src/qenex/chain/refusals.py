"""Why a receipt, note, key, checkpoint or proof is refused."""

from __future__ import annotations

from qenex.values import register

register(
    "RECEIPT_MALFORMED",
    "this is not a receipt: {reason}.",
    "The file is not, byte for byte, what the bank writes as a receipt, so nothing in it was looked at further.",
    "Use the file as the bank gave it, without reformatting; ask for a new one if it was damaged on the way.",
)
register(
    "RECEIPT_FIELDS_DIFFER",
    "the readable field {field} says {shown}, the sealed record says {sealed}.",
    "Somebody changed the readable part of the receipt, or wrote it wrongly; the sealed record is what counts.",
    "Do not trust this receipt; ask the bank for a new one.",
)
register(
    "RECEIPT_NOT_INCLUDED",
    "the record is not entry {index} of the log with this root: the proof leads to another root.",
    "The record, its position or the proof was changed, or the bank never sealed this record.",
    "Do not trust this receipt; ask the bank for a new one and keep this one as evidence.",
)
register(
    "DISCLOSURE_WRONG",
    "the disclosed details are not those the sealed record commits to.",
    "The salt and the details hash to another commitment than the one in the sealed record.",
    "Do not trust the details; ask the bank for a new receipt.",
)
register(
    "NOTE_MALFORMED",
    "this is not a signed note: {reason}.",
    "The text does not follow the C2SP signed-note format.",
    "Use the note as it was published, without reformatting.",
)
register(
    "CHECKPOINT_MALFORMED",
    "this is not a checkpoint: {reason}.",
    "The note is not a C2SP checkpoint: origin, size in decimal and root in base64, one per line.",
    "Use the checkpoint as it was published, without reformatting.",
)
register(
    "CHECKPOINT_UNSIGNED",
    "the checkpoint of {origin} has no {algorithm} signature of a known key.",
    "Both an Ed25519 and an ML-DSA-65 signature by the log's own keys must be there and be right.",
    "Check that the key file belongs to this log; if it does, do not trust this checkpoint.",
)
register(
    "CHECKPOINT_SIGNATURE_WRONG",
    "the signature of {name} does not fit the checkpoint.",
    "A signature line names a known key, but its signature was made over another text or with another key.",
    "Do not trust this checkpoint; keep it as evidence.",
)
register(
    "CHECKPOINT_OF_ANOTHER_LOG",
    "this checkpoint belongs to {found}, not to {expected}.",
    "Two checkpoints can only be compared when they are of one log.",
    "Compare checkpoints with the same first line.",
)
register(
    "WITNESSES_MISSING",
    "only {found} of the witnesses have cosigned; the policy wants more.",
    "The policy names witnesses who must have seen this checkpoint, so that the bank cannot show others another one.",
    "Ask the bank for a receipt with a checkpoint that the witnesses have cosigned.",
)
register(
    "KEY_MALFORMED",
    "line {line} is not a public key: {reason}.",
    "A key file holds one C2SP verifier key per line: name, key id and key, joined by plus signs.",
    "Get the key file again from a source you trust.",
)
register(
    "KEYS_INCOMPLETE",
    "the key file has no {algorithm} key of {origin}.",
    "A checkpoint counts only when both its signatures are checked, so both keys of the log are needed.",
    "Use a key file with the Ed25519 line and the ML-DSA-65 line of this log.",
)
register(
    "POLICY_MALFORMED",
    "line {line} of the policy is wrong: {reason}.",
    "The witness policy does not follow the C2SP tlog-policy format.",
    "Correct the line.",
)
register(
    "CONSISTENCY_MALFORMED",
    "this is not a consistency proof: {reason}.",
    "The file is not, byte for byte, what the bank writes as a consistency proof.",
    "Use the file as the bank gave it, without reformatting.",
)
register(
    "CONSISTENCY_BROKEN",
    "the log of {size} entries does not continue the one of {old_size} entries.",
    "The two checkpoints contradict each other: the log was rewritten, or one of the two was shown to you alone.",
    "Keep both checkpoints as evidence and ask the bank and its supervisor.",
)
register(
    "WITNESS_STATE_DIFFERS",
    "the last checkpoint cosigned for {origin} has {known} entries, not {old_size}.",
    "A witness only goes forward from the checkpoint it cosigned last.",
    "Send a consistency proof from that size.",
)
register(
    "ORIGIN_ENTRY_MALFORMED",
    "this entry does not name a parent log: {reason}.",
    "The first entry of a restored log names the origin, size and root of the log it continues from.",
    "Check the log with `qenex journal verify`.",
)
