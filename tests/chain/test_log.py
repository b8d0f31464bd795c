"""The stored tree gives what RFC 9162 says, at every size, after every crash, and finds its own damage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain import merkle_by_the_book as book

from qenex.chain.hashing import Hashes, leaf_hashes, tree_hash
from qenex.chain.log import EMPTY_ROOT, LogWriteFailed, MerkleLog
from qenex.values import CorruptionFound

# The eight entries and roots which Certificate Transparency implementations share
# (google/certificate-transparency, later transparency-dev/merkle testonly/constants.go, Apache-2.0).
CT_ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def as_array(hashes: list[bytes]) -> Hashes:
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), 32)


def leaves(count: int, seed: int = 0) -> list[bytes]:
    return [book.leaf(f"{seed}/{number}".encode()) for number in range(count)]


LARGE = leaves(70_000)


def filled(folder: Path, hashes: list[bytes]) -> MerkleLog:
    log = MerkleLog.open(folder)
    log.append(as_array(hashes))
    return log


def test_roots_of_the_certificate_transparency_test_tree(tmp_path: Path) -> None:
    log = filled(tmp_path, [book.leaf(entry) for entry in CT_ENTRIES])
    assert [log.root(size).hex() for size in range(9)] == CT_ROOTS


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [  # transparency-dev/merkle, proof/verify_test.go, Apache-2.0
        (0, 1, []),
        (0, 8, [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]),
        (5, 8, [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)  # fmt: skip
def test_inclusion_proofs_of_the_certificate_transparency_test_tree(
    tmp_path: Path, index: int, size: int, expected: list[str]
) -> None:
    log = filled(tmp_path, [book.leaf(entry) for entry in CT_ENTRIES])
    assert [value.hex() for value in log.inclusion_proof(index, size)] == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [  # transparency-dev/merkle, proof/verify_test.go, Apache-2.0
        (1, 1, []),
        (1, 8, [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]),
        (6, 8, [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]),
        (2, 5, [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]),
    ],
)  # fmt: skip
def test_consistency_proofs_of_the_certificate_transparency_test_tree(
    tmp_path: Path, old: int, new: int, expected: list[str]
) -> None:
    log = filled(tmp_path, [book.leaf(entry) for entry in CT_ENTRIES])
    assert [value.hex() for value in log.consistency_proof(old, new)] == expected


def test_leaf_hashes_are_sha256_of_zero_kind_and_record() -> None:
    records = np.random.default_rng(1).integers(0, 256, (300, 128), dtype=np.uint8)
    for kind in (0, 1, 2, 255):
        expected = [book.leaf(bytes([kind]) + record.tobytes()) for record in records]
        assert leaf_hashes(kind, records).tobytes() == b"".join(expected)
    typed = records.reshape(-1).view([("id", "<u8", 2), ("rest", "V112")])
    assert leaf_hashes(2, typed).tobytes() == leaf_hashes(2, records).tobytes()
    assert leaf_hashes(2, records[:0]).shape == (0, 32)


@pytest.mark.parametrize("wrong", ["stride", "bytes", "kind", "out"])
def test_leaf_hashes_refuse_what_they_would_misread(wrong: str) -> None:
    records = np.zeros((4, 128), dtype=np.uint8)
    with pytest.raises(ValueError):
        if wrong == "stride":
            leaf_hashes(1, records[::2])
        elif wrong == "bytes":
            leaf_hashes(1, records.reshape(-1)[:100].copy())
        elif wrong == "kind":
            leaf_hashes(256, records)
        else:
            leaf_hashes(1, records, np.empty((3, 32), dtype=np.uint8))


def test_a_tree_hash_follows_the_definition_at_every_width() -> None:
    for count in range(1, 258):
        assert tree_hash(b"".join(LARGE[:count])) == book.mth(LARGE[:count])
    for count in (0, 258):
        with pytest.raises(ValueError):
            tree_hash(bytes(32 * count))


def test_every_root_and_proof_of_every_small_tree(tmp_path: Path) -> None:
    hashes = LARGE[:70]
    log = filled(tmp_path, hashes)
    for size in range(71):
        assert log.root(size) == book.mth(hashes[:size])
        for index in range(size):
            assert log.inclusion_proof(index, size) == book.path(index, hashes[:size])
        for old in range(1, size + 1):
            assert log.consistency_proof(old, size) == book.consistency(old, hashes[:size])


SIZES = [255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 65_792, 66_000, 70_000]


@pytest.fixture(scope="module")
def large_log(tmp_path_factory: pytest.TempPathFactory) -> MerkleLog:
    return filled(tmp_path_factory.mktemp("large"), LARGE)


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_proofs_across_tile_borders(large_log: MerkleLog, size: int) -> None:
    hashes = LARGE[:size]
    assert large_log.root(size) == book.mth(hashes)
    for index in {0, 1, 254, 255 % size, 256 % size, size // 2, size - 1}:
        assert large_log.inclusion_proof(index, size) == book.path(index, hashes)
    for old in {1, 2, 255, 256 % size + 1, size // 2, size - 1, size}:
        assert large_log.consistency_proof(old, size) == book.consistency(old, hashes)
    assert large_log.consistency_proof(0, size) == []


def test_the_files_hold_only_complete_subtrees_in_under_33_bytes_per_leaf(large_log: MerkleLog) -> None:
    sizes = [path.stat().st_size for path in sorted(large_log._folder.glob("level-*"))]
    assert sizes == [70_000 * 32, 273 * 32, 1 * 32]
    assert sum(sizes) / 70_000 <= 33
    assert large_log.read_tile(1, 0, 1) == book.mth(LARGE[:256])
    assert large_log.read_tile(2, 0, 1) == book.mth(LARGE[:65_536])
    assert large_log.read_tile(0, 273, 112) == b"".join(LARGE[69_888:])
    for level, index, width in [(0, 273, 113), (1, 1, 18), (2, 0, 2), (3, 0, 1), (0, 0, 0), (0, 0, 257), (-1, 0, 1)]:
        with pytest.raises(ValueError):
            large_log.read_tile(level, index, width)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8), st.data())
def test_batches_of_any_size_and_cuts_give_the_same_tree(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    hashes: list[bytes] = []
    log = MerkleLog.open(folder)
    for number, count in enumerate(batches):
        new = leaves(count, number)
        hashes += new
        log.append(as_array(new))
        step = data.draw(st.sampled_from(["go on", "sync", "truncate", "reopen"]))
        if step == "sync":
            log.sync()
        elif step == "truncate":
            hashes = hashes[: data.draw(st.integers(0, len(hashes)))]
            log.truncate(len(hashes))
        elif step == "reopen":
            log.close()
            log = MerkleLog.open(folder)
        assert log.size == len(hashes)
        assert log.root() == (book.mth(hashes) if hashes else EMPTY_ROOT)
    assert log.find_damage([as_array(hashes)]) == []
    assert log.find_damage() == []
    log.close()
    shutil.rmtree(folder)


def crash(log: MerkleLog) -> None:
    """The process dies: nothing is synced on the way out."""
    log._close_files()


def test_only_what_was_synced_is_there_after_a_crash(tmp_path: Path) -> None:
    log = filled(tmp_path, LARGE[:1000])
    log.sync()
    log.append(as_array(LARGE[1000:2000]))
    assert log.synced_size == 1000
    crash(log)
    with MerkleLog.open(tmp_path) as log:
        assert (log.size, log.root()) == (1000, book.mth(LARGE[:1000]))
        log.append(as_array(LARGE[1000:3000]))
        assert log.root() == book.mth(LARGE[:3000])


def test_a_log_that_never_synced_opens_empty(tmp_path: Path) -> None:
    crash(filled(tmp_path, LARGE[:1000]))
    with MerkleLog.open(tmp_path) as log:
        assert (log.size, log.root()) == (0, EMPTY_ROOT)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 1000 * 32 + 5, 2000 * 32 - 1])
def test_torn_tails_beyond_the_synced_size_are_cut(tmp_path: Path, length: int) -> None:
    log = filled(tmp_path, LARGE[:1000])
    log.sync()
    log.append(as_array(LARGE[1000:2000]))
    crash(log)
    os.truncate(tmp_path / "level-0", max(length, 1000 * 32))
    os.truncate(tmp_path / "level-1", 3 * 32 + length % 64)
    with MerkleLog.open(tmp_path) as log:
        assert log.size == 1000
        log.append(as_array(LARGE[1000:2000]))
        assert log.root() == book.mth(LARGE[:2000])
        assert log.find_damage([as_array(LARGE[:2000])]) == []


def test_a_torn_mark_falls_back_to_the_mark_before_it(tmp_path: Path) -> None:
    log = filled(tmp_path, LARGE[:600])
    log.sync()
    before = (tmp_path / "synced").read_bytes()
    log.append(as_array(LARGE[600:900]))
    log.close()
    after = (tmp_path / "synced").read_bytes()
    for torn in range(len(after)):
        mixed = after[:torn] + before[torn:].ljust(len(after) - torn, b"\0")
        (tmp_path / "synced").write_bytes(mixed)
        log = MerkleLog.open(tmp_path)
        assert log.size in (600, 900)
        assert log.root() == book.mth(LARGE[: log.size])
        crash(log)
        if log.size == 600:
            os.truncate(tmp_path / "level-0", 0)
            (tmp_path / "level-0").write_bytes(b"".join(LARGE[:900]))
            (tmp_path / "level-1").write_bytes(b"".join(book.mth(LARGE[i : i + 256]) for i in (0, 256, 512)))


def test_cutting_below_the_synced_size_survives_a_crash(tmp_path: Path) -> None:
    log = filled(tmp_path, LARGE[:1000])
    log.sync()
    log.truncate(300)
    log.append(as_array(leaves(900, seed=7)))
    crash(log)
    with MerkleLog.open(tmp_path) as log:
        assert (log.size, log.root()) == (300, book.mth(LARGE[:300]))


def test_synced_hashes_that_were_lost_or_changed_are_corruption_and_never_repaired(tmp_path: Path) -> None:
    filled(tmp_path, LARGE[:1000]).close()
    content = (tmp_path / "level-0").read_bytes()
    os.truncate(tmp_path / "level-0", 999 * 32)
    with pytest.raises(CorruptionFound, match="level-0"):
        MerkleLog.open(tmp_path)
    (tmp_path / "level-0").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CorruptionFound, match="1000 leaves"):
        MerkleLog.open(tmp_path)
    with MerkleLog.open(tmp_path, discard=True) as log:
        assert log.size == 0
        log.append(as_array(LARGE[:1000]))
    with MerkleLog.open(tmp_path) as log:
        assert log.root() == book.mth(LARGE[:1000])


def test_every_flipped_byte_of_a_small_log_is_found_and_located(tmp_path: Path) -> None:
    count = 600
    filled(tmp_path, LARGE[:count]).close()
    expected = [as_array(LARGE[:count])]
    for path in sorted(tmp_path.iterdir()):
        content = path.read_bytes()
        step = 1 if len(content) < 2000 else 37
        for position in range(0, len(content), step):
            if path.name == "synced" and not any(content[position // 512 * 512 :][:512]):
                continue
            changed = bytearray(content)
            changed[position] ^= 1 << position % 8
            path.write_bytes(changed)
            try:
                log = MerkleLog.open(tmp_path)
            except CorruptionFound:
                assert path.name != "synced"
                continue
            places = [damage.place for damage in log.find_damage(expected)]
            assert places, f"byte {position} of {path.name} was not found"
            if path.name == "synced":
                assert f"synced slot {position // 512}" in places[0]
            else:
                assert f"{path.name} bytes {position // 32 * 32} to" in places[0]
                if path.name == "level-0" and position < 512 * 32:
                    alone = [damage.place for damage in log.find_damage()]
                    assert any(f"(tile {position // 8192})" in place for place in alone)
            crash(log)
        path.write_bytes(content)


def test_a_failed_write_or_sync_stops_the_log_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(tmp_path, LARGE[:300])
    log.sync()

    def failing(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", failing)
        log.append(as_array(LARGE[300:400]))
        with pytest.raises(LogWriteFailed, match="Input/output"):
            log.sync()
    with pytest.raises(LogWriteFailed, match="earlier write failed"):
        log.sync()
    with pytest.raises(LogWriteFailed, match="earlier write failed"):
        log.append(as_array(LARGE[:1]))
    log.close()
    with MerkleLog.open(tmp_path) as log:
        assert log.size == 300
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", failing)
            with pytest.raises(LogWriteFailed):
                log.append(as_array(LARGE[:1]))
        assert log.size == 300


class Disk:
    """Stands between the log and the system: counts its calls, lets one of them fail, and loses what was not synced."""

    def __init__(self, patch: pytest.MonkeyPatch, failing: int = -1) -> None:
        self.calls: list[tuple[str, str]] = []
        self.failing = failing
        for name in ("pwrite", "fdatasync", "fsync"):
            patch.setattr(os, name, self.wrapped(name, getattr(os, name)))

    def wrapped(self, name: str, real: Callable[..., int | None]) -> Callable[..., int | None]:
        def call(file: int, *rest: object) -> int | None:
            self.calls.append((name, Path(os.readlink(f"/proc/self/fd/{file}")).name))
            if len(self.calls) - 1 == self.failing:
                if name == "pwrite":
                    content, offset = rest
                    assert isinstance(content, memoryview)
                    real(file, content[: len(content) // 2], offset)  # torn
                raise OSError(28, "No space left on device")
            return real(file, *rest)

        return call


def life(folder: Path) -> Iterator[int]:
    """A log that grows over tiles and levels, syncs, is cut and grows again; yields every size it was synced at."""
    log = MerkleLog.open(folder)
    for first, last in ((0, 200), (200, 700), (700, 66_000)):
        log.append(as_array(LARGE[first:last]))
        log.sync()
        yield last
    log.truncate(300)
    yield 300
    log.append(as_array(LARGE[300:900]))
    log.sync()
    yield 900
    log.close()


def test_a_write_or_sync_that_fails_at_any_moment_leaves_the_last_synced_log_or_the_next(tmp_path: Path) -> None:
    steps = [0, 200, 700, 66_000, 300, 900]
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        assert list(life(tmp_path / "whole")) == steps[1:]
        calls = len(disk.calls)
    assert calls > 20
    for failing in range(calls):
        folder = tmp_path / str(failing)
        synced: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, failing)
            with pytest.raises(LogWriteFailed):
                synced.extend(life(folder))
        with MerkleLog.open(folder) as log:
            assert log.size in steps[len(synced) : len(synced) + 2]
            assert log.root() == (book.mth(LARGE[: log.size]) if log.size else EMPTY_ROOT)
            log.append(as_array(LARGE[log.size : log.size + 1]))
            log.sync()
            assert log.find_damage([as_array(LARGE[: log.size])]) == []
        shutil.rmtree(folder)


def test_a_mark_is_written_only_after_what_it_speaks_of(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        log = MerkleLog.open(tmp_path)
        log.append(as_array(LARGE[:700]))
        log.sync()
        assert disk.calls == [
            ("pwrite", "level-0"), ("pwrite", "level-1"),
            ("fdatasync", "level-0"), ("fdatasync", "level-1"), ("fsync", tmp_path.name),
            ("pwrite", "synced"), ("fdatasync", "synced"),
        ]  # fmt: skip
        disk.calls.clear()
        log.append(as_array(LARGE[700:710]))
        log.sync()
        log.sync()
        assert [call[1] for call in disk.calls] == ["level-0", "level-0", "synced", "synced"]
        disk.calls.clear()
        log.truncate(100)
        assert [call[1] for call in disk.calls] == ["synced", "synced"]
        log.close()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, offset: real(file, bytes(content[:1001]), offset))
    with filled(tmp_path, LARGE[:700]) as log:
        assert log.root() == book.mth(LARGE[:700])
    assert MerkleLog.open(tmp_path).root() == book.mth(LARGE[:700])


def test_sizes_and_indices_outside_the_log_are_refused(tmp_path: Path) -> None:
    log = filled(tmp_path, LARGE[:5])
    for call in (
        lambda: log.root(6),
        lambda: log.root(-1),
        lambda: log.inclusion_proof(5),
        lambda: log.inclusion_proof(-1),
        lambda: log.inclusion_proof(0, 6),
        lambda: log.consistency_proof(6),
        lambda: log.consistency_proof(3, 2),
        lambda: log.truncate(6),
        lambda: log.append(np.zeros((2, 31), dtype=np.uint8)),
        lambda: log.append(np.zeros((2, 32), dtype=np.int8)),
    ):
        with pytest.raises(ValueError):
            call()


def test_readers_see_whole_trees_while_the_log_grows(tmp_path: Path) -> None:
    log = filled(tmp_path, LARGE[:100])
    roots = {size: book.mth(LARGE[:size]) for size in range(100, 4000, 130)}
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            size = log.size
            if log.root(size) != roots[size]:
                wrong.append(size)
            log.inclusion_proof(size // 2, size)

    reader = threading.Thread(target=read)
    reader.start()
    for size in range(100, 3870, 130):
        log.append(as_array(LARGE[size : size + 130]))
    done.set()
    reader.join()
    assert wrong == []
    log.close()


WRITER = """
import sys
from tests.chain.test_log import LARGE, as_array
from qenex.chain.log import MerkleLog
log = MerkleLog.open(sys.argv[1])
step = int(sys.argv[2])
while log.size + step < len(LARGE):
    log.append(as_array(LARGE[log.size : log.size + step]))
    if log.size // step % 3 == 0:
        log.sync()
        print(log.size, flush=True)
"""


@pytest.mark.parametrize("kill_after", [1, 5, 30])
def test_a_killed_writer_loses_nothing_that_was_synced(tmp_path: Path, kill_after: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), "37"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None
        synced = [int(writer.stdout.readline()) for _ in range(kill_after)]
        writer.kill()
        synced += map(int, writer.stdout.read().split())
    with MerkleLog.open(tmp_path) as log:
        assert log.size >= synced[-1]
        assert log.root() == book.mth(LARGE[: log.size])
        assert log.find_damage([as_array(LARGE[: log.size])]) == []
