"""Keys at rest: every changed byte is found, and a crash while they change leaves the old keys or the new ones."""

import hmac
import json
from pathlib import Path

import pytest

from qenex.crypto import KeyFile, Keyring, KeysChanged, TamperFound, WrappedKey
from qenex.crypto.files import REPLACE_POINTS
from qenex.values import CorruptionFound, Refusal


class Stopped(Exception):
    """The process ended here."""


def stop_at(wanted: str):
    def inject(point: str) -> None:
        if point == wanted:
            raise Stopped(point)

    return inject


@pytest.fixture
def custody(tmp_path: Path) -> KeyFile:
    made = KeyFile.create(tmp_path / "unlock")
    assert isinstance(made, KeyFile)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bank").mkdir()
    return tmp_path / "bank"


def opened(folder: Path, custody: KeyFile) -> Keyring:
    keyring = Keyring.open(folder, custody)
    assert isinstance(keyring, Keyring), keyring
    return keyring


def test_every_changed_byte_of_the_key_file_is_found(folder: Path, custody: KeyFile):
    Keyring.create(folder, custody)
    path = folder / "keys.json"
    whole = path.read_bytes()
    for at in range(len(whole)):
        for mask in (0x01, 0x20, 0x80):
            damaged = bytearray(whole)
            damaged[at] ^= mask
            path.write_bytes(damaged)
            try:
                answer = Keyring.open(folder, custody)
            except CorruptionFound:
                continue
            assert isinstance(answer, Refusal), f"byte {at} ^ {mask:#x} was not noticed"
            assert answer.code in ("KEYS_WRONG_SECRET", "KEYS_OTHER_CUSTODY")
    path.write_bytes(whole)
    opened(folder, custody)


def test_every_cut_of_the_key_file_is_found(folder: Path, custody: KeyFile):
    Keyring.create(folder, custody)
    path = folder / "keys.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptionFound):
            Keyring.open(folder, custody)


def test_an_entry_taken_away_or_moved_is_found(folder: Path, custody: KeyFile):
    Keyring.create(folder, custody)
    path = folder / "keys.json"
    document = json.loads(path.read_text())
    for change in ("drop", "swap", "exchange"):
        changed = json.loads(json.dumps(document))
        if change == "drop":
            changed["keys"].pop()
        elif change == "swap":
            changed["keys"].reverse()
        else:
            a, b = changed["keys"][1], changed["keys"][2]
            a["wrapped"], b["wrapped"] = b["wrapped"], a["wrapped"]
        path.write_bytes(json.dumps(changed, indent=1).encode() + b"\n")
        answer = Keyring.open(folder, custody)
        assert isinstance(answer, Refusal)
        assert answer.code == "KEYS_WRONG_SECRET"


def test_folder_secrets_and_seeds_stay_the_same_through_every_rotation(folder: Path, custody: KeyFile, tmp_path: Path):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    before = (keyring.signing_seeds(), keyring.folder_secret("cookies"), keyring.index("e2e", [b"x"]))
    _, wrapped = keyring.new_customer_key(7, 1)
    assert keyring.add_master() == 2
    assert opened(folder, custody).master_version == 2
    rewrapped = keyring.rewrap_customer_key(7, 1, wrapped)
    assert rewrapped.master_version == 2
    keyring.retire_masters(keep=2)
    other = KeyFile.create(tmp_path / "other")
    assert isinstance(other, KeyFile)
    assert keyring.change_custody(other) is None
    answer = Keyring.open(folder, custody)
    assert isinstance(answer, Refusal)
    again = opened(folder, other)
    assert (again.signing_seeds(), again.folder_secret("cookies"), again.index("e2e", [b"x"])) == before
    again.unwrap_customer_key(7, 1, rewrapped)
    with pytest.raises(TamperFound):
        again.unwrap_customer_key(7, 1, wrapped)


@pytest.mark.parametrize("point", REPLACE_POINTS)
@pytest.mark.parametrize("change", ["custody", "master", "retire", "secret"])
def test_a_crash_while_keys_change_leaves_the_old_file_or_the_new_one(
    folder: Path, custody: KeyFile, tmp_path: Path, point: str, change: str
):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    keyring.add_master()
    key, wrapped = keyring.new_customer_key(9, 1)
    sealed = key.seal("payments", b"r" * 16, b"record")
    seeds = keyring.signing_seeds()
    other = KeyFile.create(tmp_path / "other")
    assert isinstance(other, KeyFile)

    crashing = Keyring.open(folder, custody, inject=stop_at(point))
    assert isinstance(crashing, Keyring)
    with pytest.raises(Stopped):
        if change == "custody":
            crashing.change_custody(other)
        elif change == "master":
            crashing.add_master()
        elif change == "retire":
            crashing.retire_masters(keep=2)
        else:
            crashing.folder_secret("new")

    placed = point in ("replace: renamed", "replace: done")
    after = opened(folder, other if change == "custody" and placed else custody)
    assert after.signing_seeds() == seeds
    assert after.unwrap_customer_key(9, 1, wrapped).open("payments", b"r" * 16, sealed) == b"record"
    assert after.master_version == (3 if change == "master" and placed else 2)
    # And the next change works, whatever the crash left behind.
    after.add_master()
    assert not (folder / "keys.json.new").exists()


@pytest.mark.parametrize("point", REPLACE_POINTS)
def test_a_crash_while_a_keyring_is_made_leaves_none_or_a_whole_one(folder: Path, custody: KeyFile, point: str):
    with pytest.raises(Stopped):
        Keyring.create(folder, custody, inject=stop_at(point))
    if point in ("replace: renamed", "replace: done"):
        opened(folder, custody)
    else:
        assert isinstance(Keyring.create(folder, custody), Keyring)


def test_a_disk_that_fails_to_sync_changes_nothing(folder: Path, custody: KeyFile, monkeypatch: pytest.MonkeyPatch):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    before = (folder / "keys.json").read_bytes()

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        keyring.add_master()
    monkeypatch.undo()
    assert (folder / "keys.json").read_bytes() == before
    assert keyring.master_version == 1


def test_a_second_process_that_changed_the_keys_is_noticed(folder: Path, custody: KeyFile):
    first = Keyring.create(folder, custody)
    assert isinstance(first, Keyring)
    second = opened(folder, custody)
    second.add_master()
    with pytest.raises(KeysChanged):
        first.folder_secret("mine")
    assert opened(folder, custody).master_version == 2


def test_a_wrapped_customer_key_is_bound_to_customer_version_and_master(folder: Path, custody: KeyFile):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    _, wrapped = keyring.new_customer_key(7, 1)
    keyring.add_master()
    keyring.unwrap_customer_key(7, 1, wrapped)
    for customer_id, version, master in [(8, 1, 1), (7, 2, 1), (7, 1, 2), (7, 1, 3)]:
        with pytest.raises(TamperFound):
            keyring.unwrap_customer_key(customer_id, version, WrappedKey(master, wrapped.wrapped))


def test_every_changed_byte_of_a_wrapped_customer_key_is_found(folder: Path, custody: KeyFile):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    _, wrapped = keyring.new_customer_key(7, 1)
    assert len(wrapped.wrapped) == 60
    for at in range(60):
        for bit in range(8):
            damaged = bytearray(wrapped.wrapped)
            damaged[at] ^= 1 << bit
            with pytest.raises(TamperFound):
                keyring.unwrap_customer_key(7, 1, WrappedKey(1, bytes(damaged)))
    for length in range(60):
        with pytest.raises(TamperFound):
            keyring.unwrap_customer_key(7, 1, WrappedKey(1, wrapped.wrapped[:length]))


def test_blind_indexes_depend_on_label_value_and_bank(folder: Path, custody: KeyFile, tmp_path: Path):
    keyring = Keyring.create(folder, custody)
    (tmp_path / "other bank").mkdir()
    other = Keyring.create(tmp_path / "other bank", custody)
    assert isinstance(keyring, Keyring)
    assert isinstance(other, Keyring)
    values = [b"", b"a", b"b"]
    found = keyring.index("one", values) + keyring.index("two", values) + other.index("one", values)
    assert len(set(found)) == 9
    assert all(len(index) == 16 for index in found)
    assert opened(folder, custody).index("one", values) == found[:3]


def test_a_blind_index_is_the_start_of_an_hmac(folder: Path, custody: KeyFile):
    keyring = Keyring.create(folder, custody)
    assert isinstance(keyring, Keyring)
    values = [b"", b"a", b"x" * 1000]
    label_key = hmac.digest(keyring._plain["index", 1], b"qenex/index/1\0one", "sha256")
    assert keyring.index("one", values) == [hmac.digest(label_key, value, "sha256")[:16] for value in values]
