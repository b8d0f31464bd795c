"""Checks a receipt or a consistency file: `python -m qenex.chain.verify FILE KEYFILE [--policy POLICYFILE]`.

It reads these files and nothing else, and loads nothing of the bank: no ledger, no journal, no network. Exit code 0
when the file proves what it says, 1 when it is refused, 2 when it is called wrongly or a file cannot be read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from qenex.chain.consistency import FORMAT as CONSISTENCY_FORMAT
from qenex.chain.consistency import VerifiedConsistency, verify_consistency
from qenex.chain.notes import VerifierKey, parse_key_file
from qenex.chain.receipts import RECEIPT_BYTES_MAX, VerifiedReceipt, verify_receipt
from qenex.chain.witnesses import WitnessPolicy, parse_policy
from qenex.values import Money, Refusal, currency_by_numeric

USAGE = "usage: python -m qenex.chain.verify FILE KEYFILE [--policy POLICYFILE]"


def verify_file(
    content: bytes, keys: Sequence[VerifierKey], witnesses: WitnessPolicy | None = None
) -> VerifiedReceipt | VerifiedConsistency | Refusal:
    """What a file of ours proves, whichever of the two kinds it is."""
    if f'"format": "{CONSISTENCY_FORMAT}"'.encode() in content[:100]:
        return verify_consistency(content, keys)
    return verify_receipt(content, keys, witnesses)


def describe(verified: VerifiedReceipt | VerifiedConsistency) -> list[str]:
    """What was proved, for people, one fact per line."""
    if isinstance(verified, VerifiedConsistency):
        older, newer = verified.older, verified.newer
        return [f"OK  {newer.origin}: the log of {newer.size} entries continues the one of {older.size}"]
    checkpoint = verified.checkpoint
    lines = [f"OK  {verified.kind.title} is entry {verified.index} of {checkpoint.size} in {checkpoint.origin}"]
    lines += [f"    {name} {value}{_for_people(verified, name)}" for name, value in verified.fields.items()]
    lines += [f"    signed by {key.name} with {key.type.title}" for key in verified.signed_by]
    for cosignature in verified.cosignatures:
        when = _instant(cosignature.time) if cosignature.time else "a time it does not state"
        lines.append(f"    witnessed by {cosignature.key.name} at {when}")
    if verified.disclosure is not None:
        lines.append(f"    details {verified.disclosure.details!r}")
    return lines


def _for_people(verified: VerifiedReceipt, name: str) -> str:
    """What a number means, in brackets: an amount in its currency, a timestamp as an instant."""
    fields = verified.fields
    if name == "timestamp":
        return f" ({_instant(int(fields[name]) // 1_000_000_000)})"
    if name == "amount":
        unit = currency_by_numeric(int(fields["ledger"]))
        return "" if isinstance(unit, Refusal) else f" ({Money(int(fields[name]), unit)})"
    return ""


def _instant(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds < 1 << 37 else "an impossible time"


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case [file, key_file]:
            policy_file = None
        case [file, key_file, "--policy", policy_file]:
            pass
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    try:
        content, key_text = _read(file), _read(key_file)
        policy_text = None if policy_file is None else _read(policy_file)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    keys = parse_key_file(key_text)
    policy = None if policy_text is None else parse_policy(policy_text)
    for refusal, place in ((keys, key_file), (policy, policy_file)):
        if isinstance(refusal, Refusal):
            print(f"{place}: {refusal}", file=sys.stderr)
            return 2
    assert not isinstance(keys, Refusal)
    assert not isinstance(policy, Refusal)
    verified = verify_file(content, keys, policy.witnesses if policy else None)
    if isinstance(verified, Refusal):
        print(f"REFUSED  {file}: {verified}", file=sys.stderr)
        return 1
    print("\n".join(describe(verified)))
    return 0


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(RECEIPT_BYTES_MAX * 4 + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
