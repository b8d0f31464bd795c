"""Who may unlock the keys, and every way in which they do not open."""

import os
import pickle
import stat
from pathlib import Path

import pytest

from qenex.crypto import KdfParameters, KeyFile, Keyring, Passphrase, Secret, custody_from_environment
from qenex.values import InvariantBroken, Refusal

QUICK = KdfParameters(memory_kib=19456, iterations=2, lanes=1)


def passphrase(text: str = "correct horse battery") -> Passphrase:
    parsed = Passphrase.parse(text)
    assert isinstance(parsed, Passphrase)
    return parsed


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("", False), ("eleven char", False), ("twelve chars", True), ("twelve chars\n", True), ("ü" * 12, True)],
)
def test_a_passphrase_has_at_least_twelve_characters(text: str, accepted: bool):
    assert isinstance(Passphrase.parse(text), Passphrase) == accepted


def test_composed_and_decomposed_letters_are_the_same_passphrase():
    assert passphrase("schlüsselbrett").secret == passphrase("schlu\u0308sselbrett").secret


def test_a_new_keyring_opens_with_its_passphrase_only(tmp_path: Path):
    made = Keyring.create(tmp_path, passphrase(), kdf=QUICK)
    assert isinstance(made, Keyring)
    opened = Keyring.open(tmp_path, passphrase())
    assert isinstance(opened, Keyring)
    assert opened.signing_seeds() == made.signing_seeds()
    refused = Keyring.open(tmp_path, passphrase("correct horse batterY"))
    assert isinstance(refused, Refusal)
    assert refused.code == "KEYS_WRONG_SECRET"


def test_the_default_parameters_are_rfc_9106_second_choice():
    assert KdfParameters() == KdfParameters(memory_kib=64 * 1024, iterations=3, lanes=4)


def test_weak_parameters_are_never_written(tmp_path: Path):
    with pytest.raises(InvariantBroken):
        Keyring.create(tmp_path, passphrase(), kdf=KdfParameters(memory_kib=1024, iterations=1, lanes=1))


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_the_bank_does_not_start_without_its_secret(tmp_path: Path):
    assert code_of(Keyring.create(tmp_path, None)) == "KEYS_LOCKED"
    assert not (tmp_path / "keys.json").exists()
    assert code_of(Keyring.open(tmp_path, passphrase())) == "KEYS_NOT_FOUND"
    key_file = KeyFile.create(tmp_path / "unlock")
    assert isinstance(key_file, KeyFile)
    assert isinstance(Keyring.create(tmp_path, key_file), Keyring)
    assert code_of(Keyring.open(tmp_path, None)) == "KEYS_LOCKED"
    assert code_of(Keyring.open(tmp_path, passphrase())) == "KEYS_OTHER_CUSTODY"
    assert code_of(Keyring.create(tmp_path, key_file)) == "KEYS_EXIST"
    assert code_of(KeyFile.create(tmp_path / "unlock")) == "KEY_FILE_EXISTS"
    assert code_of(Keyring.open(tmp_path, KeyFile(tmp_path / "nowhere"))) == "KEY_FILE_NOT_FOUND"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o001, 0o644])
def test_secret_files_that_others_can_read_are_refused(tmp_path: Path, mode: int):
    key_file = KeyFile.create(tmp_path / "unlock")
    assert isinstance(key_file, KeyFile)
    Keyring.create(tmp_path, key_file)
    os.chmod(tmp_path / "unlock", mode)
    assert code_of(Keyring.open(tmp_path, key_file)) == "KEY_FILE_TOO_OPEN"
    os.chmod(tmp_path / "unlock", 0o600)
    os.chmod(tmp_path / "keys.json", mode)
    assert code_of(Keyring.open(tmp_path, key_file)) == "KEYS_TOO_OPEN"


def test_a_link_is_no_key_file(tmp_path: Path):
    key_file = KeyFile.create(tmp_path / "unlock")
    assert isinstance(key_file, KeyFile)
    os.symlink(tmp_path / "unlock", tmp_path / "link")
    assert code_of(KeyFile(tmp_path / "link").read()) == "KEY_FILE_TOO_OPEN"


def test_everything_secret_is_written_with_mode_600_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        key_file = KeyFile.create(tmp_path / "unlock")
        assert isinstance(key_file, KeyFile)
        Keyring.create(tmp_path, key_file)
    finally:
        os.umask(before)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, "ä".encode() * 32, b"\xff" * 64])
def test_a_malformed_key_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "unlock"
    path.write_bytes(content)
    path.chmod(0o600)
    assert code_of(KeyFile(path).read()) == "KEY_FILE_MALFORMED"


def test_the_environment_names_the_custody_in_a_fixed_order(tmp_path: Path):
    secret = tmp_path / "phrase"
    secret.write_text("from a file, long enough\n")
    secret.chmod(0o600)
    assert custody_from_environment({}) is None
    assert custody_from_environment({"QENEX_KEY_FILE": "/k"}) == KeyFile(Path("/k"))
    from_file = custody_from_environment({"QENEX_KEY_FILE": "/k", "QENEX_PASSPHRASE_FILE": str(secret)})
    assert from_file == passphrase("from a file, long enough")
    assert custody_from_environment({"QENEX_PASSPHRASE": "x" * 12, "QENEX_KEY_FILE": "/k"}) == passphrase("x" * 12)
    assert code_of(custody_from_environment({"QENEX_PASSPHRASE": "short"})) == "PASSPHRASE_TOO_SHORT"
    secret.chmod(0o644)
    assert code_of(custody_from_environment({"QENEX_PASSPHRASE_FILE": str(secret)})) == "KEY_FILE_TOO_OPEN"


def test_secrets_never_show(tmp_path: Path):
    text = "correct horse battery"
    keyring = Keyring.create(tmp_path, passphrase(text), kdf=QUICK)
    assert isinstance(keyring, Keyring)
    seeds = keyring.signing_seeds()
    key, wrapped = keyring.new_customer_key(5, 1)
    shown = " ".join(map(repr, (keyring, seeds, passphrase(text), key, wrapped.master_version)))
    assert text not in shown
    assert seeds.ed25519.reveal().hex() not in shown
    assert "Secret(32 bytes)" in shown
    with pytest.raises(TypeError):
        pickle.dumps(seeds.ed25519)
    stored = (tmp_path / "keys.json").read_text()
    for secret in (seeds.ed25519, seeds.ml_dsa_65):
        assert secret.reveal().hex() not in stored
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
