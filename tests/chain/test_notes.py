"""Notes and keys: other implementations' vectors verify, and no other spelling of them does."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st
from tests.chain.worlds import signers, witness, world

from qenex.chain import (
    Checkpoint,
    Note,
    SignatureLine,
    SignatureType,
    VerifierKey,
    check_cosignatures,
    format_key_file,
    open_checkpoint,
    parse_checkpoint,
    parse_key_file,
    parse_note,
    parse_verifier_key,
    sign_checkpoint,
)
from qenex.chain.text import from_base64, from_decimal, to_base64
from qenex.values import Refusal

DATA = Path(__file__).parent / "data"

# [C2SP signed-note], section "Verifier keys", example.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# golang.org/x/mod, sumdb/note/note.go and note_test.go (BSD-3-Clause).
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = "YEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def key_of(text: str) -> VerifierKey:
    key = parse_verifier_key(text)
    assert isinstance(key, VerifierKey)
    return key


def note_of(text: str | bytes) -> Note:
    note = parse_note(text)
    assert isinstance(note, Note), note
    return note


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


@pytest.mark.parametrize(("vkey", "text"), [(SPEC_KEY, SPEC_NOTE), (GO_KEY, GO_NOTE)])
def test_published_notes_verify(vkey: str, text: str) -> None:
    key, note = key_of(vkey), note_of(text)
    assert key.encode() == vkey
    assert str(note) == text
    (line,) = note.signatures
    assert line.is_by(key)
    key.verify(line.signature, note.text.encode())
    with pytest.raises(InvalidSignature):
        key.verify(line.signature, note.text.replace("e", "E").encode())


def test_we_sign_the_published_go_note_byte_for_byte() -> None:
    # The first byte of a Go signer key names the algorithm, like that of a verifier key.
    content = from_base64("A" + GO_SEED)
    assert content is not None
    assert content[0] == 1
    private = Ed25519PrivateKey.from_private_bytes(content[1:])
    key = key_of(GO_KEY)
    text = note_of(GO_NOTE).text
    line = SignatureLine("PeterNeumann", key.key_id, private.sign(text.encode()))
    assert str(Note(text, (line,))) == GO_NOTE


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [  # [RFC 8032] 7.1, tests 1 to 3
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_ed25519_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    assert private.public_key().public_bytes_raw().hex() == public
    assert private.sign(bytes.fromhex(message)).hex() == signature
    key = VerifierKey("rfc8032.example", SignatureType.ED25519, bytes.fromhex(public))
    key.verify(bytes.fromhex(signature), bytes.fromhex(message))


def test_an_ml_dsa_44_checkpoint_of_torchwood_verifies() -> None:
    """A log checkpoint signed with C2SP type 0x06 by filippo.io/torchwood (cmd/litewitness/testdata/mldsa.txt, ISC)."""
    key = key_of((DATA / "torchwood-ml-dsa-44.vkey").read_text().strip())
    note = note_of((DATA / "torchwood-ml-dsa-44.note").read_bytes())
    checkpoint = parse_checkpoint(note.text)
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/mldsa-log", 1)
    (cosignature,) = check_cosignatures(note, checkpoint, [key])
    assert cosignature.time == 0
    other = Checkpoint(checkpoint.origin, 2, checkpoint.root)
    assert code_of(check_cosignatures(note, other, [key])) == "CHECKPOINT_SIGNATURE_WRONG"


def test_key_ids_and_encodings_of_our_own_keys() -> None:
    ed25519, ml_dsa = signers().verifier_keys
    assert [len(key.public_key) for key in (ed25519, ml_dsa)] == [32, 1952]
    content = from_base64(ml_dsa.encode().split("+", 2)[2])
    assert content is not None
    assert content.startswith(b"\xffqenex-note-ml-dsa-65-v1")
    for key in (ed25519, ml_dsa, witness(1).verifier_key, witness(2, post_quantum=True).verifier_key):
        assert parse_verifier_key(key.encode()) == key
    assert parse_key_file(format_key_file([ed25519, ml_dsa])) == (ed25519, ml_dsa)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/f o+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+",
        "example.com/\ud800+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "x" * 256 + "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+" + "A" * 5000,
    ],
)
def test_keys_in_any_other_form_are_refused(text: str) -> None:
    assert code_of(parse_verifier_key(text)) == "KEY_MALFORMED"


def test_no_part_of_a_key_is_a_key_and_no_changed_letter_goes_unseen() -> None:
    for start in range(len(GO_KEY)):
        for end in range(start, len(GO_KEY) + 1):
            if (start, end) != (0, len(GO_KEY)):
                assert isinstance(parse_verifier_key(GO_KEY[start:end]), Refusal)
    for position, letter in enumerate(GO_KEY):
        changed = GO_KEY[:position] + chr(ord(letter) + 1) + GO_KEY[position + 1 :]
        assert isinstance(parse_verifier_key(changed), Refusal)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 1),
        ("# nothing\n\n", 1),
        (f"{GO_KEY}\nx\n", 2),
        (f"{GO_KEY}\n{GO_KEY}\n", 2),
        (b"\xff", 1),
        ("\n" * 300_000, 1),
    ],
)
def test_wrong_key_files_name_the_line(content: str | bytes, line: int) -> None:
    refusal = parse_key_file(content)
    assert code_of(refusal) == "KEY_MALFORMED"
    assert f"line {line} " in str(refusal)


def test_key_files_may_hold_comments_and_blank_lines() -> None:
    assert parse_key_file(f"# ours\n\n  {GO_KEY}  \r\n{SPEC_KEY}") == (key_of(GO_KEY), key_of(SPEC_KEY))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "text",
        "text\n",
        "text\n\n",
        "text\n— a AAAAAAA=\n",
        SPEC_NOTE[:-1],
        SPEC_NOTE + "\n",
        SPEC_NOTE.replace("— ", "- "),
        SPEC_NOTE.replace("— ", "—  "),
        SPEC_NOTE.replace("aQM=", "aQN="),
        SPEC_NOTE.replace("aQM=", "aQM"),
        SPEC_NOTE.replace("aQM=", "aQM=="),
        SPEC_NOTE.replace("foo ", "f+o "),
        SPEC_NOTE.replace("example message", "example\tmessage"),
        SPEC_NOTE.replace("example message", "example\rmessage"),
        SPEC_NOTE.replace("example message", "example\ud800message"),
        SPEC_NOTE + SPEC_NOTE.split("\n\n")[1],
        "text\n\n— a AAAAAA==\n",
        "text\n\n" + "".join(f"— a{number} AAAAAAA=\n" for number in range(33)),
        "x" * 262_144 + "\n\n— a AAAAAAA=\n",
    ],
)
def test_notes_in_any_other_form_are_refused(text: str) -> None:
    assert code_of(parse_note(text)) == "NOTE_MALFORMED"
    if "\ud800" not in text:
        assert code_of(parse_note(text.encode())) == "NOTE_MALFORMED"


def test_a_note_that_is_not_utf8_is_refused() -> None:
    assert code_of(parse_note(SPEC_NOTE.encode().replace(b"example message", b"example\xff"))) == "NOTE_MALFORMED"


def test_a_note_with_sixteen_post_quantum_signatures_is_read() -> None:
    """[C2SP signed-note]: verifiers accept at least 16 signatures, each of nearly 5 kB."""
    lines = tuple(SignatureLine(f"w{number}", b"abcd", bytes(4627)) for number in range(16))
    note = Note("text\n", lines)
    assert parse_note(str(note)) == note


@given(st.text(alphabet=st.sampled_from("\n —a+AB=/ \t\u2028"), max_size=60))
@example("\n\n\n— a AAAAAAA=\n")
@example("a\n\n\n— a AAAAAAA=\n")
def test_what_is_read_as_a_note_is_written_the_same(text: str) -> None:
    note = parse_note(text)
    if isinstance(note, Note):
        assert str(note) == text


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_without_a_fault(content: bytes) -> None:
    assert isinstance(parse_note(content), Note | Refusal)
    assert isinstance(parse_key_file(content), tuple | Refusal)


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n",
        "o\n1\nAAAA\n",
        "o\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n١\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
    ],
)
def test_checkpoints_in_any_other_form_are_refused(text: str) -> None:
    assert code_of(parse_checkpoint(text)) == "CHECKPOINT_MALFORMED"


def test_the_checkpoint_of_the_specification_is_read() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(text)
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    extended = parse_checkpoint(text + "extension\n")
    assert isinstance(extended, Checkpoint)
    assert extended.extensions == ("extension",)


def test_a_checkpoint_needs_both_signatures_by_the_logs_own_keys() -> None:
    small, keys = world(5), signers().verifier_keys
    note = note_of(small.note())
    ed25519_line, ml_dsa_line = note.signatures
    assert [key.type.title for key in open_checkpoint(str(note), keys).signed_by] == ["Ed25519", "ML-DSA-65"]
    for kept, missing in ((ed25519_line, "ML-DSA-65"), (ml_dsa_line, "Ed25519")):
        refusal = open_checkpoint(str(Note(note.text, (kept,))), keys)
        assert code_of(refusal) == "CHECKPOINT_UNSIGNED"
        assert missing in str(refusal)
    for known, missing in zip(keys, ("ML-DSA-65", "Ed25519")):
        refusal = open_checkpoint(str(note), [known])
        assert code_of(refusal) == "KEYS_INCOMPLETE"
        assert missing in str(refusal)
    assert code_of(open_checkpoint(str(note), signers("other.example").verifier_keys)) == "KEYS_INCOMPLETE"
    assert code_of(open_checkpoint(str(note), signers(seed=9).verifier_keys)) == "CHECKPOINT_UNSIGNED"
    other = note_of(small.note(4)).signatures
    for lines in ((ed25519_line, other[1]), (other[0], ml_dsa_line)):
        assert code_of(open_checkpoint(str(Note(note.text, lines)), keys)) == "CHECKPOINT_SIGNATURE_WRONG"


def test_a_checkpoint_stays_good_when_keys_change() -> None:
    note = world(5).note()
    both = (*signers().verifier_keys, *signers(seed=9).verifier_keys)
    assert open_checkpoint(note, both) == open_checkpoint(note, signers().verifier_keys)


def test_a_cosignature_key_never_stands_in_for_the_logs_signature() -> None:
    note = note_of(world(5).note())
    ed25519, ml_dsa = signers().verifier_keys
    posing = VerifierKey(ed25519.name, SignatureType.ED25519_COSIGNATURE, ed25519.public_key)
    line = SignatureLine(posing.name, posing.key_id, note.signatures[0].signature)
    answer = open_checkpoint(str(Note(note.text, (line, note.signatures[1]))), [ed25519, posing, ml_dsa])
    assert code_of(answer) == "CHECKPOINT_UNSIGNED"


@pytest.mark.parametrize("origin", ["", "two words", "plus+sign", "tab\t", "x" * 65, "\u00a0"])
def test_origins_that_cannot_name_a_key_are_a_mistake_of_the_caller(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        signers(origin)


def test_only_tree_heads_are_signed() -> None:
    for size, root in ((-1, bytes(32)), (1 << 63, bytes(32)), (1, bytes(31))):
        with pytest.raises(ValueError, match="tree head"):
            sign_checkpoint(signers(), size, root)


@given(st.binary(max_size=50))
def test_base64_has_one_spelling(value: bytes) -> None:
    text = to_base64(value)
    assert from_base64(text) == value
    for other in (text + "=", text + "\n", " " + text, text.rstrip("=") if "=" in text else text + "A"):
        assert from_base64(other) is None


@pytest.mark.parametrize("text", ["", "-0", "00", "1_0", " 1", "1 ", "+1", "1.0", "９", str(1 << 63), "1" * 5000])
def test_decimal_numbers_have_one_spelling(text: str) -> None:
    assert from_decimal(text) is None


def test_decimal_numbers_go_up_to_the_largest_size() -> None:
    assert [from_decimal(text) for text in ("0", "10", str((1 << 63) - 1))] == [0, 10, (1 << 63) - 1]
