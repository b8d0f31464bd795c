"""The Merkle tree over accepted events, its checkpoints and their signatures.

Names are loaded on first use: checking a receipt needs neither numpy nor the compiled module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qenex.chain.hashing import leaf_hashes as leaf_hashes
    from qenex.chain.log import Damage as Damage
    from qenex.chain.log import LogWriteFailed as LogWriteFailed
    from qenex.chain.log import MerkleLog as MerkleLog

_HOMES = {
    "leaf_hashes": "hashing",
    "Damage": "log",
    "LogWriteFailed": "log",
    "MerkleLog": "log",
}
__all__ = list(_HOMES)  # noqa: PLE0604


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'qenex.chain' has no attribute {name!r}")
    value: object = getattr(import_module(f"qenex.chain.{home}"), name)
    globals()[name] = value
    return value
