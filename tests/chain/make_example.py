"""Writes the example files that docs/receipts.md walks through: `python -m tests.chain.make_example`.

Only needed when the format changes: ML-DSA signatures are randomised, so every run writes other bytes.
"""

from __future__ import annotations

from pathlib import Path

from tests.chain import merkle_by_the_book as book
from tests.chain.worlds import signers, witness, world

from qenex.chain import Disclosure, build_consistency, cosign, format_key_file, parse_checkpoint, parse_note
from qenex.values import Refusal

FOLDER = Path(__file__).parent / "data"
DETAILS = 'QENEX-RECORD-1\npayment\n{"remittance":"Invoice 2026-0731"}'


def main() -> None:
    disclosure = Disclosure(DETAILS, bytes(range(32)))
    log = world(1000, {731: disclosure.commitment[:16]})
    note = parse_note(log.note())
    assert not isinstance(note, Refusal)
    checkpoint = parse_checkpoint(note.text)
    assert not isinstance(checkpoint, Refusal)
    cosigned = note.signed_again([cosign(witness(1), checkpoint, 1_795_000_000)])
    consistency = build_consistency(log.note(600), log.note(), book.consistency(600, log.hashes))
    policy = f"witness w1 {witness(1).verifier_key.encode()}\nquorum w1\n"
    (FOLDER / "example-receipt.json").write_text(log.receipt(731, str(cosigned), disclosure))
    (FOLDER / "example.keys").write_text(format_key_file(signers().verifier_keys))
    (FOLDER / "example.policy").write_text(policy)
    (FOLDER / "example-consistency.json").write_text(consistency)


if __name__ == "__main__":
    main()
