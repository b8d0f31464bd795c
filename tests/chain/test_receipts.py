"""A receipt proves its transfer to anyone with the public keys; no changed byte of it goes unseen."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain import merkle_by_the_book as book
from tests.chain.worlds import ORIGIN, World, signers, transfer_record, witness, world

from qenex.chain import (
    Cosignature,
    Disclosure,
    LeafKind,
    VerifiedConsistency,
    VerifiedReceipt,
    WitnessPolicy,
    build_consistency,
    build_receipt,
    cosign,
    entry,
    format_key_file,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_consistency,
    verify_receipt,
)
from qenex.chain.consistency import format_consistency
from qenex.chain.receipts import format_receipt
from qenex.chain.records import LAYOUTS, read_fields
from qenex.ledger import ACCOUNT, ACCOUNT_UPDATE, TRANSFER
from qenex.values import CorruptionFound, InvariantBroken, Refusal

KEYS = signers().verifier_keys
DETAILS = 'QENEX-RECORD-1\npayment\n{"remittance":"Rechnung Nr. 7 für März"}'


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def verified(receipt: str, policy: WitnessPolicy | None = None) -> VerifiedReceipt:
    answer = verify_receipt(receipt, KEYS, policy)
    assert isinstance(answer, VerifiedReceipt), answer
    return answer


def cosigned(note: str, *numbers: int, time: int = 1_795_000_000) -> str:
    parsed = parse_note(note)
    assert not isinstance(parsed, Refusal)
    checkpoint = parse_checkpoint(parsed.text)
    assert not isinstance(checkpoint, Refusal)
    return str(parsed.signed_again([cosign(witness(number), checkpoint, time) for number in numbers]))


@pytest.fixture(scope="module")
def disclosed() -> tuple[World, str]:
    """A world whose transfer 3 commits to DETAILS, and the receipt that discloses them, cosigned by witness 1."""
    disclosure = Disclosure(DETAILS, bytes(range(32)))
    small = world(7, {3: disclosure.commitment[:16]})
    return small, small.receipt(3, cosigned(small.note(), 1), disclosure)


def test_a_receipt_of_every_entry_of_small_logs_verifies() -> None:
    for size in (1, 2, 3, 6, 7, 8, 9):
        small = world(size)
        note = small.note()
        for index in range(size):
            receipt = verified(small.receipt(index, note))
            assert (receipt.kind, receipt.index, receipt.record) == (LeafKind.TRANSFER, index, small.records[index])
            assert (receipt.checkpoint.origin, receipt.checkpoint.size) == (ORIGIN, size)
            assert [key.type.title for key in receipt.signed_by] == ["Ed25519", "ML-DSA-65"]
            assert receipt.fields["amount"] == str(100 + index)
            assert receipt.cosignatures == ()


def test_the_readable_fields_are_those_of_the_ledgers_records() -> None:
    for kind, dtype in (
        (LeafKind.ACCOUNT, ACCOUNT),
        (LeafKind.TRANSFER, TRANSFER),
        (LeafKind.ACCOUNT_UPDATE, ACCOUNT_UPDATE),
        (LeafKind.EXPIRY, TRANSFER),
    ):
        expected: dict[str, int] = {}
        for name in dtype.names:
            short = name.removesuffix("_lo").removesuffix("_hi")
            expected[short] = expected.get(short, 0) + dtype.fields[name][0].itemsize
        assert dict(LAYOUTS[kind]) == expected
        assert list(dict(LAYOUTS[kind])) == list(expected)
        assert sum(expected.values()) == 128


def test_numbers_up_to_32_bits_are_numbers_and_longer_ones_are_text() -> None:
    fields = read_fields(LeafKind.TRANSFER, b"\xff" * 128)
    assert fields["amount"] == str(2**128 - 1)
    assert fields["timestamp"] == str(2**64 - 1)
    assert fields["ledger"] == 2**32 - 1
    assert fields["flags"] == 2**16 - 1
    assert read_fields(LeafKind.ACCOUNT_UPDATE, bytes(128))["reserved"] == "00" * 40


def test_every_flipped_bit_of_a_receipt_is_refused_or_lies_in_a_cosignature_nobody_asked_for(
    disclosed: tuple[World, str],
) -> None:
    _, receipt = disclosed
    content = receipt.encode()
    cosignature_start = content.index("— witness.example".encode())
    cosignature_end = content.index(b"\\n", cosignature_start)
    before = verified(receipt)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        answer = verify_receipt(bytes(changed), KEYS)
        if cosignature_start <= position < cosignature_end and isinstance(answer, VerifiedReceipt):
            assert answer == before
        else:
            assert isinstance(answer, Refusal), f"byte {position}: {content[position - 20 : position + 20]!r}"


def test_with_a_policy_every_flipped_bit_of_a_receipt_is_refused(disclosed: tuple[World, str]) -> None:
    _, receipt = disclosed
    content = receipt.encode()
    policy = WitnessPolicy(1, (witness(1).verifier_key,))
    assert verified(receipt, policy).cosignatures == (Cosignature(witness(1).verifier_key, 1_795_000_000),)
    start = content.index("— witness.example".encode())
    for position in [*range(0, len(content), 61), *range(start, content.index(b"\\n", start) + 2)]:
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            assert isinstance(verify_receipt(bytes(changed), KEYS, policy), Refusal), f"byte {position}, bit {bit}"


def test_every_removed_doubled_or_inserted_byte_is_refused(disclosed: tuple[World, str]) -> None:
    _, receipt = disclosed
    content = receipt.encode()
    policy = WitnessPolicy(1, (witness(1).verifier_key,))
    for position in range(0, len(content), 7):
        for changed in (
            content[:position] + content[position + 1 :],
            content[:position] + content[position : position + 1] + content[position:],
            content[:position] + b" " + content[position:],
            content[:position],
        ):
            # Doubling one of two equal neighbours and the like give other bytes too: all differ from the receipt.
            assert changed != content
            assert isinstance(verify_receipt(changed, KEYS, policy), Refusal), position


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_without_a_fault(content: bytes) -> None:
    assert code_of(verify_receipt(content, KEYS)) == "RECEIPT_MALFORMED"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_json_of_other_types_in_any_member_is_refused_without_a_fault(value: object) -> None:
    receipt = world(2).receipt(0, NOTE_OF_TWO)
    content = json.loads(receipt)
    changes = [{name: value} for name in content]
    changes += [{"fields": content["fields"] | {name: value}} for name in content["fields"]]
    for change in changes:
        changed = rewritten(receipt, **change)
        assert isinstance(verify_receipt(changed, KEYS), Refusal) or changed == receipt


NOTE_OF_TWO = world(2).note()


def rewritten(receipt: str, **members: object) -> str:
    return json.dumps(json.loads(receipt) | members, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ("{}", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("1" * 10_000, "not JSON"),
        ('{"format": "qenex-receipt-v2"}', "not a JSON object"),
        (" " * 1_048_577, "longer than"),
        (b"\xff\xfe", "not UTF-8"),
        ("\ud800", "not UTF-8"),
        ("\ufeff{}", "not JSON"),
    ],
)
def test_what_is_not_a_receipt_is_refused_with_its_reason(content: str | bytes, reason: str) -> None:
    refusal = verify_receipt(content, KEYS)
    assert code_of(refusal) == "RECEIPT_MALFORMED"
    assert reason in str(refusal)


def test_other_spellings_of_the_same_json_are_refused() -> None:
    receipt = world(3).receipt(1)
    content = json.loads(receipt)
    reordered = {name: content[name] for name in reversed(content)}
    for other in (
        json.dumps(content),
        json.dumps(content, indent=2),
        json.dumps(content, indent=2, ensure_ascii=False),
        receipt + "\n",
        receipt.replace('  "kind": "transfer",\n', '  "kind": "transfer",\n  "kind": "transfer",\n'),
        rewritten(receipt, unknown=1),
        json.dumps(reordered, indent=2, ensure_ascii=False) + "\n",
    ):
        assert code_of(verify_receipt(other, KEYS)) == "RECEIPT_MALFORMED"
    assert (
        code_of(verify_receipt(receipt.replace('"timeout": 0,', '"timeout": false,'), KEYS)) == "RECEIPT_FIELDS_DIFFER"
    )


def test_readable_fields_that_differ_from_the_record_are_named() -> None:
    receipt = world(3).receipt(1)
    refusal = verify_receipt(receipt.replace('"amount": "101"', '"amount": "901"'), KEYS)
    assert code_of(refusal) == "RECEIPT_FIELDS_DIFFER"
    assert "amount says 901, the sealed record says 101" in str(refusal)


def test_a_record_the_bank_never_sealed_is_refused() -> None:
    small = world(5)
    note = small.note()
    forged = format_receipt(LeafKind.TRANSFER, transfer_record(900), 2, book.path(2, small.hashes), note)
    assert code_of(verify_receipt(forged, KEYS)) == "RECEIPT_NOT_INCLUDED"
    for kind, record, index, proof in (
        (LeafKind.EXPIRY, small.records[2], 2, book.path(2, small.hashes)),
        (LeafKind.TRANSFER, small.records[2], 1, book.path(2, small.hashes)),
        (LeafKind.TRANSFER, small.records[2], 5, book.path(2, small.hashes)),
        (LeafKind.TRANSFER, small.records[2], 2, book.path(1, small.hashes)),
        (LeafKind.TRANSFER, small.records[2], 2, book.path(2, small.hashes)[:-1]),
        (LeafKind.TRANSFER, small.records[2], 2, [*book.path(2, small.hashes), bytes(32)]),
    ):
        assert code_of(verify_receipt(format_receipt(kind, record, index, proof, note), KEYS)) == "RECEIPT_NOT_INCLUDED"


def test_an_inner_node_of_the_tree_never_passes_for_a_record() -> None:
    """A leaf and an inner node are hashed with different first bytes, so 64 bytes of hashes are no entry."""
    small = world(4)
    record = (small.hashes[0] + small.hashes[1]).ljust(128, b"\0")
    forged = format_receipt(LeafKind.TRANSFER, record, 0, [book.mth(small.hashes[2:])], small.note())
    assert code_of(verify_receipt(forged, KEYS)) == "RECEIPT_NOT_INCLUDED"


def test_a_receipt_that_would_not_verify_is_corruption_and_never_leaves_the_bank() -> None:
    small = world(5)
    proof = book.path(2, small.hashes)
    damaged = [bytes(32), *proof[1:]]
    for record, index, hashes in (
        (small.records[2], 2, damaged),
        (small.records[1], 2, proof),
        (small.records[2], 3, proof),
        (small.records[2], 5, proof),
    ):
        with pytest.raises(CorruptionFound, match=f"entry {index} of 5"):
            build_receipt(LeafKind.TRANSFER, record, index, hashes, small.note())
    with pytest.raises(InvariantBroken):
        build_receipt(LeafKind.TRANSFER, small.records[2], 2, proof, "no checkpoint")


@settings(max_examples=300)
@given(st.data())
def test_any_piece_of_a_receipt_put_in_any_other_place_is_refused(data: st.DataObject) -> None:
    receipt = world(2).receipt(0, NOTE_OF_TWO)
    start, end, first, last = (data.draw(st.integers(0, len(receipt))) for _ in range(4))
    changed = receipt[: min(start, end)] + receipt[min(first, last) : max(first, last)] + receipt[max(start, end) :]
    assert isinstance(verify_receipt(changed, KEYS), Refusal) or changed == receipt


def test_a_checkpoint_by_other_keys_or_of_another_log_is_refused() -> None:
    small = world(5)
    assert code_of(verify_receipt(small.receipt(1, small.note(who=signers(seed=50))), KEYS)) == "CHECKPOINT_UNSIGNED"
    other = small.receipt(1, small.note(who=signers("other.example/log")))
    assert code_of(verify_receipt(other, KEYS)) == "KEYS_INCOMPLETE"
    assert code_of(verify_receipt(small.receipt(1), KEYS[:1])) == "KEYS_INCOMPLETE"
    assert code_of(verify_receipt(small.receipt(1), [])) == "KEYS_INCOMPLETE"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("c2sp.org/tlog-proof@v1\\nindex", "c2sp.org/tlog-proof@v1\\nextra AAAA\\nindex", "RECEIPT_MALFORMED"),
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2", "RECEIPT_MALFORMED"),
        ("index 1", "index 01", "RECEIPT_MALFORMED"),
        ("index 1", "index -1", "RECEIPT_MALFORMED"),
        ("index 1", "index 9223372036854775808", "RECEIPT_MALFORMED"),
        ("index 1\\n", "index 1\\nAAAA\\n", "RECEIPT_MALFORMED"),
        ("index 1\\n", "index 1\\n" + ("A" * 43 + "=\\n") * 70, "RECEIPT_MALFORMED"),
        ('"kind": "transfer"', '"kind": "gift"', "RECEIPT_MALFORMED"),
        ('"kind": "transfer"', '"kind": "account"', "RECEIPT_MALFORMED"),
        ("\\n5\\n", "\\n6\\n", "CHECKPOINT_SIGNATURE_WRONG"),
        ("\\n5\\n", "\\n05\\n", "CHECKPOINT_MALFORMED"),
        ("\\n\\n—", "\\n—", "NOTE_MALFORMED"),
    ],
)
def test_wrong_parts_of_a_receipt_are_refused_by_name(old: str, new: str, code: str) -> None:
    receipt = world(5).receipt(1)
    changed = receipt.replace(old, new, 1)
    assert changed != receipt
    assert code_of(verify_receipt(changed, KEYS)) == code


def test_disclosed_details_are_bound_by_the_sealed_commitment(disclosed: tuple[World, str]) -> None:
    small, receipt = disclosed
    assert verified(receipt).disclosure == Disclosure(DETAILS, bytes(range(32)))
    for wrong in (
        Disclosure(DETAILS.replace("7", "8"), bytes(range(32))),
        Disclosure(DETAILS, bytes(32)),
    ):
        assert code_of(verify_receipt(small.receipt(3, None, wrong), KEYS)) == "DISCLOSURE_WRONG"
    content = json.loads(receipt)
    for member in ({"details": DETAILS}, {"details": 1, "salt": "AA=="}, {"details": DETAILS, "salt": "AA=="}):
        assert code_of(verify_receipt(rewritten(receipt, disclosure=member), KEYS)) == "RECEIPT_MALFORMED"
    del content["disclosure"]
    assert verified(json.dumps(content, indent=2, ensure_ascii=False) + "\n").disclosure is None


def test_only_128_byte_records_are_entries() -> None:
    assert entry(2, bytes(128)) == b"\x02" + bytes(128)
    with pytest.raises(ValueError, match="128 bytes"):
        entry(2, bytes(127))


# Consistency files


def consistency(old: int, new: int) -> str:
    large = world(12)
    return build_consistency(large.note(old), large.note(new), book.consistency(old, large.hashes[:new]))


def test_consistency_files_between_any_two_checkpoints_verify() -> None:
    for old in (1, 2, 5, 8, 11, 12):
        for new in (old, 12):
            answer = verify_consistency(consistency(old, new), KEYS)
            assert isinstance(answer, VerifiedConsistency)
            assert (answer.older.size, answer.newer.size) == (old, new)


def test_a_rewritten_log_is_found_out() -> None:
    honest, rewritten_log = world(12), world(12)
    rewritten_log.hashes[2] = book.leaf(b"another history")
    proof = book.consistency(5, rewritten_log.hashes)
    file = format_consistency(honest.note(5), rewritten_log.note(), proof)
    assert code_of(verify_consistency(file, KEYS)) == "CONSISTENCY_BROKEN"
    swapped = format_consistency(honest.note(), honest.note(5), [])
    assert code_of(verify_consistency(swapped, KEYS)) == "CONSISTENCY_BROKEN"
    both = (*KEYS, *signers("other.example").verifier_keys)
    mixed = format_consistency(honest.note(5), honest.note(who=signers("other.example")), proof)
    assert code_of(verify_consistency(mixed, both)) == "CHECKPOINT_OF_ANOTHER_LOG"
    forged = format_consistency(honest.note(5), honest.note(who=signers(seed=50)), proof)
    assert code_of(verify_consistency(forged, KEYS)) == "CHECKPOINT_UNSIGNED"
    with pytest.raises(CorruptionFound, match="5 to 12 entries"):
        build_consistency(honest.note(5), rewritten_log.note(), proof)


def test_every_flipped_bit_of_a_consistency_file_is_refused() -> None:
    content = consistency(5, 12).encode()
    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        assert isinstance(verify_consistency(bytes(changed), KEYS), Refusal), position


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 100_000, b"\xff", '{"format": "qenex-consistency-v1"}\n', " " * 800_000,
     consistency(5, 12).replace('"proof": [', '"proof": [\n    1,'),
     consistency(5, 12).replace('"proof": [', '"proof": [\n    "AAAA",'),
     consistency(5, 12).replace("  ", " ")],
)  # fmt: skip
def test_what_is_not_a_consistency_file_is_refused(content: str | bytes) -> None:
    assert code_of(verify_consistency(content, KEYS)) == "CONSISTENCY_MALFORMED"


# The stand-alone verifier


def run_verifier(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qenex.chain.verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_stand_alone_verifier_answers_with_its_exit_code(tmp_path: Path, disclosed: tuple[World, str]) -> None:
    _, receipt = disclosed
    receipt_file, key_file, policy_file = tmp_path / "receipt.json", tmp_path / "bank.keys", tmp_path / "policy"
    receipt_file.write_text(receipt)
    key_file.write_text(format_key_file(KEYS))
    policy_file.write_text(f"witness w1 {witness(1).verifier_key.encode()}\nquorum w1\n")
    answer = run_verifier(receipt_file, key_file, "--policy", policy_file)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"OK  transfer is entry 3 of 7 in {ORIGIN}" in answer.stdout
    assert "    amount 103 (1.03 EUR)\n" in answer.stdout
    assert "witnessed by witness.example/w1 at 2026-11-18T" in answer.stdout
    policy_file.write_text(f"witness w2 {witness(2).verifier_key.encode()}\nquorum w2\n")
    answer = run_verifier(receipt_file, key_file, "--policy", policy_file)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "[WITNESSES_MISSING]" in answer.stderr
    receipt_file.write_text(receipt.replace('"amount": "103"', '"amount": "104"'))
    answer = run_verifier(receipt_file, key_file)
    assert answer.returncode == 1
    assert "[RECEIPT_FIELDS_DIFFER]" in answer.stderr
    receipt_file.write_text(consistency(5, 12))
    answer = run_verifier(receipt_file, key_file)
    assert (answer.returncode, answer.stdout) == (
        0, f"OK  {ORIGIN}: the log of 12 entries continues the one of 5\n"
    )  # fmt: skip
    for arguments in ((), (receipt_file,), (tmp_path / "none", key_file), (receipt_file, receipt_file)):
        assert run_verifier(*arguments).returncode == 2


def test_the_stand_alone_verifier_loads_nothing_of_the_bank() -> None:
    script = (
        "import sys; sys.argv = ['verify']; import qenex.chain.verify\n"
        "print(*sorted({'.'.join(name.split('.')[:2]) for name in sys.modules if name.split('.')[0] in "
        "('qenex', 'numpy', 'lxml', 'sqlalchemy', 'cffi')}))\n"
        "print('qenex.chain._merkle' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "qenex qenex.chain qenex.values\nFalse\n"


def test_struct_and_layout_agree_on_the_last_field() -> None:
    assert struct.unpack_from("<Q", transfer_record(4), 120) == (1_795_000_000_000_000_004,)
    assert sign_checkpoint(signers(), 0, bytes(32)).startswith(f"{ORIGIN}\n0\n")
