"""The exported files are what C2SP tlog-tiles describes: a reader written from that text alone follows the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain import merkle_by_the_book as book
from tests.chain.worlds import signers, transfer_record

from qenex.chain import (
    LeafKind,
    MerkleLog,
    SignedCheckpoint,
    entry,
    entry_bundle,
    export_tiles,
    leaf_hashes,
    open_checkpoint,
    parse_tile_path,
    sign_checkpoint,
    tile_path,
    tiles_of_size,
)

COUNT = 70_000
RECORDS = np.zeros((COUNT, 128), dtype=np.uint8)
RECORDS[:1000] = np.frombuffer(b"".join(map(transfer_record, range(1000))), dtype=np.uint8).reshape(1000, 128)
RECORDS[1000:, :4] = np.arange(1000, COUNT, dtype="<u4").view(np.uint8).reshape(-1, 4)


def read_entries(start: int, end: int) -> list[bytes]:
    return [entry(LeafKind.TRANSFER, record.tobytes()) for record in RECORDS[start:end]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> MerkleLog:
    merkle = MerkleLog.open(tmp_path_factory.mktemp("log"))
    merkle.append(leaf_hashes(LeafKind.TRANSFER, RECORDS))
    return merkle


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [  # [C2SP tlog-tiles]: index 1234067 is x001/x234/067
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (0, 0, 256, "tile/0/000"),
        (1, 999, 255, "tile/1/999.p/255"),
        (2, 1000, 1, "tile/2/x001/000.p/1"),
        (63, 7, 256, "tile/63/007"),
        (None, 273, 112, "tile/entries/273.p/112"),
    ],
)
def test_tile_paths_are_those_of_the_specification(level: int | None, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path
    assert parse_tile_path(path) == (level, index, width)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_tile_path_is_read_back(level: int | None, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (level, index, width)


@pytest.mark.parametrize(
    "path",
    ["", "checkpoint", "tile", "tile/0", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
     "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
     "tile/0/000.p/999", "tile/0/000.p", "tile/0/000/", "/tile/0/000", "tile/0/٠٠٠", "tile/entries/../000", "tile/0/000\n",
     "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x999/" * 10_000 + "999"],
)  # fmt: skip
def test_other_paths_are_no_tiles(path: str) -> None:
    assert parse_tile_path(path) is None


@pytest.mark.parametrize(("level", "index", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tiles_that_cannot_exist_have_no_path(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError):
        tile_path(level, index, width)


def test_a_log_of_70000_entries_has_the_tiles_the_specification_counts() -> None:
    tiles = list(tiles_of_size(70_000))
    assert [sum(tile[0] == level for tile in tiles) for level in range(4)] == [274, 2, 1, 0]
    assert [tile for tile in tiles if tile[2] < 256] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tiles_of_size(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles_of_size(0)) == []


def test_growing_exports_together_write_every_tile_of_every_checkpoint() -> None:
    sizes = [0, 1, 200, 256, 257, 65_535, 65_536, 65_536, 70_000]
    for old, new in pairwise(sizes):
        before = {tile for size in sizes[: sizes.index(old) + 1] for tile in tiles_of_size(size)}
        assert set(tiles_of_size(new)) <= before | set(tiles_of_size(new, old))
        assert not set(tiles_of_size(new, old)) & set(tiles_of_size(old))


class StaticReader:
    """A client of [C2SP tlog-tiles], written from its text and RFC 9162 alone: it knows a folder and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, number: int, width: int) -> Path:
        digits = str(number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        return self.folder / "tile" / kind / (name if width == 256 else f"{name}.p/{width}")

    def width(self, level: int, number: int, size: int) -> int:
        entries = size // 256**level
        return 256 if number < entries // 256 else entries % 256

    def hashes(self, level: int, number: int, size: int) -> list[bytes]:
        width = self.width(level, number, size)
        content = self.path(str(level), number, width).read_bytes()
        assert len(content) == width * 32
        return [content[i : i + 32] for i in range(0, len(content), 32)]

    def entries(self, number: int, size: int) -> list[bytes]:
        content = self.path("entries", number, self.width(0, number, size)).read_bytes()
        found = []
        while content:
            length = int.from_bytes(content[:2], "big")
            found.append(content[2 : 2 + length])
            assert len(found[-1]) == length
            content = content[2 + length :]
        return found

    def subtree(self, start: int, height: int, size: int) -> bytes:
        """The hash of the complete subtree of 2**height entries from `start`, out of the tile that spans it."""
        level = height // 8
        first = start // 256**level
        tile = self.hashes(level, first // 256, size)
        return book.mth(tile[first % 256 : first % 256 + 2 ** (height % 8)])

    def range_hash(self, start: int, end: int, size: int) -> bytes:
        count = end - start
        if count & (count - 1) == 0:
            return self.subtree(start, count.bit_length() - 1, size)
        middle = start + book.split(count)
        return book.node(self.range_hash(start, middle, size), self.range_hash(middle, end, size))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        proof, start, end = [], 0, size
        while end - start > 1:
            middle = start + book.split(end - start)
            if index < middle:
                proof.append(self.range_hash(middle, end, size))
                end = middle
            else:
                proof.append(self.range_hash(start, middle, size))
                start = middle
        return proof[::-1]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000, 70_000])
def test_a_reader_written_from_the_specification_follows_the_export(log: MerkleLog, tmp_path: Path, size: int) -> None:
    note = sign_checkpoint(signers(), size, log.root(size))
    told: list[tuple[int, int]] = []
    export_tiles(log, size, note, read_entries, tmp_path, progress=lambda done, all_: told.append((done, all_)))
    assert told[-1] == (len(told), len(told))
    reader = StaticReader(tmp_path)
    signed = open_checkpoint((tmp_path / "checkpoint").read_bytes(), signers().verifier_keys)
    assert isinstance(signed, SignedCheckpoint)
    assert reader.range_hash(0, size, size) == signed.checkpoint.root
    for index in {0, size // 2, size - 1}:
        entries = reader.entries(index // 256, size)
        assert entries[index % 256] == b"\x02" + RECORDS[index].tobytes()
        leaves = reader.hashes(0, index // 256, size)
        assert [hashlib.sha256(b"\0" + each).digest() for each in entries] == leaves
        assert reader.inclusion_proof(index, size) == log.inclusion_proof(index, size)
    assert not list(tmp_path.rglob("*.new"))


def test_an_export_goes_on_from_the_last_one(log: MerkleLog, tmp_path: Path) -> None:
    written: list[int] = []

    def counting(start: int, end: int) -> list[bytes]:
        written.append(start)
        return read_entries(start, end)

    step: Callable[[int, int], None] = lambda new, old: export_tiles(  # noqa: E731
        log, new, sign_checkpoint(signers(), new, log.root(new)), counting, tmp_path, since=old
    )
    step(700, 0)
    step(1000, 700)
    assert written == [0, 256, 512, 512, 768]
    assert StaticReader(tmp_path).range_hash(0, 1000, 1000) == log.root(1000)
    assert StaticReader(tmp_path).range_hash(0, 700, 700) == log.root(700)


def test_an_entry_bundle_prefixes_each_entry_with_its_length() -> None:
    assert entry_bundle([b"", b"abc"]) == b"\0\0\0\3abc"
    assert entry_bundle([entry(2, bytes(128))]) == b"\0\x81\x02" + bytes(128)
    with pytest.raises(ValueError, match="65535"):
        entry_bundle([bytes(65_536)])
