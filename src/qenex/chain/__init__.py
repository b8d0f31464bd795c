"""The Merkle tree over accepted events, its checkpoints and their signatures.

Names are loaded on first use: checking a receipt needs neither numpy nor the compiled module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qenex.chain.checkpoints import Checkpoint as Checkpoint
    from qenex.chain.checkpoints import SignedCheckpoint as SignedCheckpoint
    from qenex.chain.checkpoints import Signers as Signers
    from qenex.chain.checkpoints import open_checkpoint as open_checkpoint
    from qenex.chain.checkpoints import parse_checkpoint as parse_checkpoint
    from qenex.chain.checkpoints import read_checkpoint as read_checkpoint
    from qenex.chain.checkpoints import sign_checkpoint as sign_checkpoint
    from qenex.chain.consistency import VerifiedConsistency as VerifiedConsistency
    from qenex.chain.consistency import build_consistency as build_consistency
    from qenex.chain.consistency import verify_consistency as verify_consistency
    from qenex.chain.hashing import leaf_hashes as leaf_hashes
    from qenex.chain.log import EMPTY_ROOT as EMPTY_ROOT
    from qenex.chain.log import Damage as Damage
    from qenex.chain.log import LogWriteFailed as LogWriteFailed
    from qenex.chain.log import MerkleLog as MerkleLog
    from qenex.chain.notes import Note as Note
    from qenex.chain.notes import SignatureLine as SignatureLine
    from qenex.chain.notes import SignatureType as SignatureType
    from qenex.chain.notes import VerifierKey as VerifierKey
    from qenex.chain.notes import format_key_file as format_key_file
    from qenex.chain.notes import parse_key_file as parse_key_file
    from qenex.chain.notes import parse_note as parse_note
    from qenex.chain.notes import parse_verifier_key as parse_verifier_key
    from qenex.chain.origins import ParentLog as ParentLog
    from qenex.chain.origins import parse_origin_record as parse_origin_record
    from qenex.chain.proofs import entry_hash as entry_hash
    from qenex.chain.proofs import is_consistent as is_consistent
    from qenex.chain.proofs import root_from_inclusion_proof as root_from_inclusion_proof
    from qenex.chain.receipts import Disclosure as Disclosure
    from qenex.chain.receipts import VerifiedReceipt as VerifiedReceipt
    from qenex.chain.receipts import build_receipt as build_receipt
    from qenex.chain.receipts import entry as entry
    from qenex.chain.receipts import verify_receipt as verify_receipt
    from qenex.chain.records import LeafKind as LeafKind
    from qenex.chain.tiles import entry_bundle as entry_bundle
    from qenex.chain.tiles import export_tiles as export_tiles
    from qenex.chain.tiles import parse_tile_path as parse_tile_path
    from qenex.chain.tiles import tile_path as tile_path
    from qenex.chain.tiles import tiles_of_size as tiles_of_size
    from qenex.chain.witnesses import Cosignature as Cosignature
    from qenex.chain.witnesses import Policy as Policy
    from qenex.chain.witnesses import Witness as Witness
    from qenex.chain.witnesses import WitnessPolicy as WitnessPolicy
    from qenex.chain.witnesses import check_cosignatures as check_cosignatures
    from qenex.chain.witnesses import check_witnesses as check_witnesses
    from qenex.chain.witnesses import cosign as cosign
    from qenex.chain.witnesses import parse_policy as parse_policy
    from qenex.chain.witnesses import witness_request as witness_request

_NAMES = {
    "checkpoints": "Checkpoint SignedCheckpoint Signers open_checkpoint parse_checkpoint read_checkpoint sign_checkpoint",
    "consistency": "VerifiedConsistency build_consistency verify_consistency",
    "hashing": "leaf_hashes",
    "log": "EMPTY_ROOT Damage LogWriteFailed MerkleLog",
    "notes": "Note SignatureLine SignatureType VerifierKey format_key_file parse_key_file parse_note parse_verifier_key",
    "origins": "ParentLog parse_origin_record",
    "proofs": "entry_hash is_consistent root_from_inclusion_proof",
    "receipts": "Disclosure VerifiedReceipt build_receipt entry verify_receipt",
    "records": "LeafKind",
    "tiles": "entry_bundle export_tiles parse_tile_path tile_path tiles_of_size",
    "witnesses": "Cosignature Policy Witness WitnessPolicy check_cosignatures check_witnesses cosign parse_policy "
    "witness_request",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'qenex.chain' has no attribute {name!r}")
    value: object = getattr(import_module(f"qenex.chain.{home}"), name)
    globals()[name] = value
    return value
