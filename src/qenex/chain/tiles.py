"""The log as static files of [C2SP tlog-tiles]: checkpoint, hash tiles and entry bundles."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from qenex.chain.hashing import TILE_WIDTH
from qenex.chain.log import LEVELS, MerkleLog

ENTRY_BYTES_MAX = 65_535
_TILE_PATH = re.compile(
    r"tile/(?P<level>[0-9]{1,2}|entries)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


def tile_path(level: int | None, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile below the log's prefix; level None names entry bundles."""
    if (level is not None and not 0 <= level <= 63) or index < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"there is no tile {level}/{index} of width {width}")
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return f"tile/{'entries' if level is None else level}/{'/'.join(reversed(groups))}{partial}"


def parse_tile_path(path: str) -> tuple[int | None, int, int] | None:
    """(level, index, width) of the path of a tile, level None for entry bundles; None for any other text."""
    found = _TILE_PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    index = int(found["index"].replace("x", "").replace("/", ""))
    tile = level, index, int(found["width"] or TILE_WIDTH)
    # Leading zeros, a level above 63 or a width above 255 come back as another path.
    valid = (level is None or level <= 63) and tile[2] <= TILE_WIDTH and tile_path(*tile) == path
    return tile if valid else None


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length as a big-endian uint16."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry has at most {ENTRY_BYTES_MAX} bytes")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def tiles_of_size(size: int, since: int = 0) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a log of `size` entries that one of `since` entries does not have."""
    for level in range(LEVELS):
        count, known = size >> (8 * level), since >> (8 * level)
        if not count:
            return
        for index in range(known // TILE_WIDTH, -(-count // TILE_WIDTH)):
            width = min(TILE_WIDTH, count - index * TILE_WIDTH)
            if index * TILE_WIDTH + width > known:
                yield level, index, width


def export_tiles(
    log: MerkleLog,
    size: int,
    checkpoint_note: str,
    read_entries: Callable[[int, int], Iterable[bytes]],
    folder: str | os.PathLike[str],
    *,
    since: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Writes what a client needs to follow the log up to the checkpoint of `size` entries into `folder`.

    `read_entries(start, end)` gives the entries (kind byte and record) start to end - 1. `since` is the size of the
    checkpoint exported last; only newer tiles are written. The checkpoint comes last, so that a reader never finds
    one whose tiles are missing. `progress(done, all)` is told the number of tiles written.
    """
    target = Path(folder)
    tiles = list(tiles_of_size(size, since))
    for done, (level, index, width) in enumerate(tiles):
        _write_whole(target / tile_path(level, index, width), log.read_tile(level, index, width))
        if level == 0:
            start = index * TILE_WIDTH
            _write_whole(target / tile_path(None, index, width), entry_bundle(read_entries(start, start + width)))
        progress(done + 1, len(tiles))
    _write_whole(target / "checkpoint", checkpoint_note.encode())


def _write_whole(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one, never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".new")
    partial.write_bytes(content)
    partial.replace(path)
