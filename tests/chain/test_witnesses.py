"""Witnesses cosign only what continues what they saw, and policies count them as written."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain import merkle_by_the_book as book
from tests.chain.worlds import ORIGIN, signers, witness, world

from qenex.chain import (
    Checkpoint,
    Note,
    Policy,
    SignatureLine,
    SignedCheckpoint,
    VerifierKey,
    WitnessPolicy,
    check_cosignatures,
    check_witnesses,
    cosign,
    open_checkpoint,
    parse_note,
    parse_policy,
    verify_receipt,
    witness_request,
)
from qenex.chain.witnesses import Cosigned, WitnessRequest, answer, cosigned_message, parse_witness_request
from qenex.values import Refusal

KEYS = signers().verifier_keys
TIME = 1_795_000_000


def signed_checkpoint(size: int = 5) -> SignedCheckpoint:
    signed = open_checkpoint(world(12).note(size), KEYS)
    assert isinstance(signed, SignedCheckpoint)
    return signed


def code_of(value: object) -> str:
    assert isinstance(value, Refusal), value
    return value.code


def test_the_cosigned_messages_are_those_of_the_specification() -> None:
    checkpoint = Checkpoint("example.com/log", 20852163, bytes(range(32)))
    assert cosigned_message(witness(1).verifier_key, checkpoint, 1679315147) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/log\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )
    assert cosigned_message(witness(2, post_quantum=True).verifier_key, checkpoint, 1679315147) == bytes.fromhex(
        "737562747265652f76310a00"  # subtree/v1\n\0
        "127769746e6573732e6578616d706c652f7732"  # witness.example/w2
        "00000000641850cb"
        "0f6578616d706c652e636f6d2f6c6f67"  # example.com/log
        "0000000000000000"
        "00000000013e2dc3" + bytes(range(32)).hex()
    )


@pytest.mark.parametrize("post_quantum", [False, True])
def test_a_cosignature_holds_for_its_checkpoint_time_and_key_only(post_quantum: bool) -> None:
    signed = signed_checkpoint()
    someone = witness(1, post_quantum=post_quantum)
    key = someone.verifier_key
    line = cosign(someone, signed.checkpoint, TIME)
    note = signed.note.signed_again([line])
    assert parse_note(str(note)) == note
    (found,) = check_cosignatures(note, signed.checkpoint, [key])
    assert (found.key, found.time) == (key, TIME)
    assert check_cosignatures(note, signed.checkpoint, [witness(2).verifier_key, *KEYS]) == ()
    later = (TIME + 1).to_bytes(8, "big") + line.signature[8:]
    for wrong in (later, line.signature[:8], b"", b"\xff" * 8 + line.signature[8:], line.signature[:-1] + b"\0"):
        bad = signed.note.signed_again([SignatureLine(line.name, line.key_id, wrong)])
        assert code_of(check_cosignatures(bad, signed.checkpoint, [key])) == "CHECKPOINT_SIGNATURE_WRONG"
    assert code_of(check_cosignatures(note, signed_checkpoint(6).checkpoint, [key])) == "CHECKPOINT_SIGNATURE_WRONG"
    with pytest.raises(ValueError, match="time"):
        cosign(someone, signed.checkpoint, 1 << 63)


def test_a_receipt_needs_k_of_the_witnesses() -> None:
    small, someone = world(5), [witness(number, post_quantum=number == 2) for number in range(3)]
    signed = open_checkpoint(small.note(), KEYS)
    assert isinstance(signed, SignedCheckpoint)
    lines = [cosign(each, signed.checkpoint, TIME) for each in someone]
    for threshold in range(4):
        policy = WitnessPolicy(threshold, tuple(each.verifier_key for each in someone))
        for count in range(4):
            for chosen in combinations(lines, count):
                note = str(signed.note.signed_again(chosen))
                result = verify_receipt(small.receipt(2, note), KEYS, policy)
                if count < threshold:
                    assert code_of(result) == "WITNESSES_MISSING"
                else:
                    assert not isinstance(result, Refusal)
                    assert len(result.cosignatures) == count


def test_a_witness_who_signs_twice_counts_once() -> None:
    signed = signed_checkpoint()
    policy = WitnessPolicy(2, (witness(0).verifier_key, witness(1).verifier_key))
    lines = [cosign(witness(0), signed.checkpoint, TIME), cosign(witness(0), signed.checkpoint, TIME + 1)]
    doubled = SignedCheckpoint(signed.checkpoint, signed.note.signed_again(lines), signed.signed_by)
    assert code_of(check_witnesses(doubled, policy)) == "WITNESSES_MISSING"
    assert code_of(parse_note(str(doubled.note))) == "NOTE_MALFORMED"


def test_policies_that_cannot_mean_what_they_say_are_a_mistake_of_the_caller() -> None:
    one, other = witness(0).verifier_key, witness(1).verifier_key
    same_key = VerifierKey("another.name", one.type, one.public_key)
    for threshold, members in ((3, (one, other)), (-1, (one,)), (1, (one, same_key)), (1, (KEYS[0],))):
        with pytest.raises(ValueError):
            WitnessPolicy(threshold, members)


LOG_KEY = KEYS[0].encode()
W = [witness(number).verifier_key.encode() for number in range(6)]
TWO_GROUPS = f"""
# The example of [C2SP tlog-policy], with keys.
log {LOG_KEY} https://bank.example/log

witness X1 {W[0]}
witness X2 {W[1]} https://witness.example/x2
witness X3 {W[2]}
group X-witnesses 2 X1 X2 X3

\twitness Y1   {W[3]}
witness Y2 {W[4]}
witness Y3 {W[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


@given(st.sets(st.integers(0, 5)))
def test_the_example_policy_wants_two_of_x_and_one_of_y(chosen: set[int]) -> None:
    policy = parse_policy(TWO_GROUPS)
    assert isinstance(policy, Policy)
    assert policy.logs == (KEYS[0],)
    assert policy.witnesses.keys == tuple(witness(number).verifier_key for number in range(6))
    signed = signed_checkpoint()
    lines = [cosign(witness(number), signed.checkpoint, TIME) for number in sorted(chosen)]
    cosigned = SignedCheckpoint(signed.checkpoint, signed.note.signed_again(lines), signed.signed_by)
    met = len(chosen & {0, 1, 2}) >= 2 and bool(chosen & {3, 4, 5})
    assert isinstance(check_witnesses(cosigned, policy.witnesses), tuple) is met


def test_a_policy_without_witnesses_asks_for_none() -> None:
    policy = parse_policy(b"quorum none\n")
    assert isinstance(policy, Policy)
    assert check_witnesses(signed_checkpoint(), policy.witnesses) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("quorum X\n", 1),
        ("quorum none\nquorum none\n", 2),
        ("something else\n", 1),
        ("quorum none extra\n", 1),
        ("quorum none\r\n", 1),
        (f"witness none {W[0]}\nquorum none\n", 1),
        (f"witness A {W[0]}\nwitness A {W[1]}\nquorum A\n", 2),
        (f"witness A {W[0]}\nwitness B {W[0]}\nquorum A\n", 2),
        (f"witness A {LOG_KEY}\nquorum A\n", 1),
        (f"log {LOG_KEY}\nlog {LOG_KEY}\nquorum none\n", 2),
        (f"witness A {W[0]}\ngroup G 0 A\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup G 2 A\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup G 01 A\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup G any\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup G any A A\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup A any A\nquorum A\n", 2),
        (f"witness A {W[0]}\ngroup G any A B\nquorum G\n", 2),
        (f"witness A {W[0]}\ngroup G any A\ngroup H any A\nquorum G\n", 3),
        (f"witness A {W[0]}\ngroup G any G\nquorum G\n", 2),
        ("witness A x\nquorum A\n", 1),
        ("log x\nquorum none\n", 1),
    ],
)
def test_wrong_policies_name_their_line(text: str, line: int) -> None:
    refusal = parse_policy(text)
    assert code_of(refusal) in ("POLICY_MALFORMED", "KEY_MALFORMED")
    assert f"line {line} " in str(refusal)


@given(
    st.lists(
        st.sampled_from(["log", "witness", "group", "quorum", "none", "any", "all", "1", "A", "B", W[0], W[1], "\n"])
    )
)
def test_any_policy_text_is_read_or_refused_without_a_fault(words: list[str]) -> None:
    assert isinstance(parse_policy(" ".join(words)), Policy | Refusal)


# The protocol between log and witness


def request(old: int, new: int, count: int = 12) -> str:
    large = world(count)
    return witness_request(old, book.consistency(old, large.hashes[:new]) if old else [], large.note(new))


def test_a_witness_follows_a_log_step_by_step() -> None:
    known: Checkpoint | None = None
    for new in (1, 3, 3, 8, 12):
        parsed = parse_witness_request(request(known.size if known else 0, new))
        assert isinstance(parsed, WitnessRequest)
        result = answer(parsed, known, KEYS, [witness(1), witness(1, post_quantum=True)], TIME)
        assert isinstance(result, Cosigned)
        note = parse_note(parsed.note)
        assert isinstance(note, Note)
        keys = [witness(1).verifier_key, witness(1, post_quantum=True).verifier_key]
        assert len(check_cosignatures(note.signed_again(result.lines), result.checkpoint, keys)) == 2
        known = result.checkpoint
    assert known is not None
    assert known.size == 12


def asked(body: str, known: Checkpoint | None) -> Cosigned | Refusal:
    parsed = parse_witness_request(body)
    assert isinstance(parsed, WitnessRequest)
    return answer(parsed, known, KEYS, [witness(1)], TIME)


def test_a_witness_refuses_what_does_not_continue_what_it_saw() -> None:
    known = signed_checkpoint(5).checkpoint
    assert code_of(asked(request(3, 8), known)) == "WITNESS_STATE_DIFFERS"
    assert code_of(asked(request(3, 8), None)) == "WITNESS_STATE_DIFFERS"
    forked = Checkpoint(ORIGIN, 5, bytes(32))
    assert code_of(asked(request(5, 8), forked)) == "CONSISTENCY_BROKEN"
    assert code_of(asked(request(5, 5), forked)) == "CONSISTENCY_BROKEN"
    assert code_of(asked(witness_request(0, [bytes(32)], world(12).note()), None)) == "CONSISTENCY_BROKEN"
    shrunk = witness_request(5, [], world(12).note(4))
    assert code_of(asked(shrunk, known)) == "CONSISTENCY_BROKEN"
    other = Checkpoint("other.example/log", 5, known.root)
    assert code_of(asked(request(5, 8), other)) == "CHECKPOINT_OF_ANOTHER_LOG"
    unsigned = witness_request(0, [], world(12).note(who=signers(seed=50)))
    assert code_of(asked(unsigned, None)) == "CHECKPOINT_UNSIGNED"


def test_the_request_of_the_specification_is_read_and_written() -> None:
    """[C2SP tlog-witness], section add-checkpoint, example."""
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    parsed = parse_witness_request(body)
    assert isinstance(parsed, WitnessRequest)
    assert parsed.old_size == 20852014
    assert len(parsed.proof) == 4
    assert isinstance(parse_note(parsed.note), Note)
    assert witness_request(parsed.old_size, parsed.proof, parsed.note) == body


@pytest.mark.parametrize(
    "body",
    ["", "old 1\n", "old 01\n\nnote", "new 1\n\nnote", "old 1\nAAAA\n\nnote", "old 1\n" + "A" * 43 + "=\nx\n\nnote",
     "old 1\n" + ("A" * 43 + "=\n") * 64 + "\nnote"],
)  # fmt: skip
def test_requests_in_any_other_form_are_refused(body: str) -> None:
    assert code_of(parse_witness_request(body)) == "CONSISTENCY_MALFORMED"
