"""Leaf hashes of many records at once, in C: SHA-256(0x00 || kind || record) as RFC 9162 2.1.1 hashes an entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qenex.chain._merkle import ffi, lib
from qenex.chain.proofs import HASH_BYTES
from qenex.chain.records import RECORD_BYTES

TILE_WIDTH = 256

Hashes = npt.NDArray[np.uint8]
"""uint8[n, 32]: one SHA-256 value per row."""


def leaf_hashes(kind: int, records: npt.NDArray[Any], out: Hashes | None = None) -> Hashes:
    """The leaf hashes of n records of 128 bytes each, which share one kind byte (0..255).

    `records` is C-contiguous: any dtype of 128 bytes, or uint8[n, 128]. The result is uint8[n, 32], `out` if given.
    The GIL is released while hashing.
    """
    if not records.flags.c_contiguous or records.nbytes % RECORD_BYTES:
        raise ValueError("records must be C-contiguous and a whole number of 128-byte records")
    if not 0 <= kind <= 255:
        raise ValueError(f"a leaf kind is one byte, not {kind}")
    count = records.nbytes // RECORD_BYTES
    if out is None:
        out = np.empty((count, HASH_BYTES), dtype=np.uint8)
    elif out.shape != (count, HASH_BYTES) or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ValueError(f"out must be a C-contiguous uint8[{count}, 32]")
    if count:
        lib.qx_leaf_hashes(
            kind,
            ffi.from_buffer("uint8_t[]", records.view(np.uint8)),
            count,
            ffi.from_buffer("uint8_t[]", out, require_writable=True),
        )
    return out


def tree_hash(nodes: bytes) -> bytes:
    """The Merkle tree hash over 1 to 257 subtree hashes of one height; the last may be that of a smaller subtree."""
    count = len(nodes) // HASH_BYTES
    if not 1 <= count <= TILE_WIDTH + 1 or len(nodes) % HASH_BYTES:
        raise ValueError(f"a tree hash takes 1 to 257 hashes of 32 bytes, not {len(nodes)} bytes")
    out = ffi.new("uint8_t[32]")
    lib.qx_tree_hash(ffi.from_buffer("uint8_t[]", nodes), count, out)
    return bytes(ffi.buffer(out))


class OpenTile:
    """The hashes of one level's last, not yet full tile; folds full tiles into their roots."""

    def __init__(self, hashes: bytes = b"") -> None:
        if len(hashes) % HASH_BYTES or len(hashes) >= TILE_WIDTH * HASH_BYTES:
            raise ValueError("an open tile holds 0 to 255 hashes")
        self._hashes = ffi.new("uint8_t[]", TILE_WIDTH * HASH_BYTES)
        ffi.memmove(self._hashes, hashes, len(hashes))
        self._count = ffi.new("uint32_t *", len(hashes) // HASH_BYTES)

    @property
    def width(self) -> int:
        return int(self._count[0])

    def fold(self, hashes: Hashes) -> Hashes:
        """Appends hashes; returns the roots of the tiles that became full, uint8[k, 32]. GIL released."""
        roots = np.empty(((self.width + len(hashes)) // TILE_WIDTH, HASH_BYTES), dtype=np.uint8)
        lib.qx_fold_tiles(
            self._hashes,
            self._count,
            ffi.from_buffer("uint8_t[]", hashes),
            len(hashes),
            ffi.from_buffer("uint8_t[]", roots, require_writable=True),
        )
        return roots
