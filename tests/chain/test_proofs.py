"""Proof checking accepts what RFC 9162 defines, and nothing that differs from it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain import merkle_by_the_book as book

from qenex.chain.proofs import entry_hash, is_consistent, node_hash, root_from_inclusion_proof

LEAVES = [book.leaf(bytes([number])) for number in range(130)]


def test_every_proof_of_every_small_tree_leads_to_its_root() -> None:
    for size in range(1, 66):
        hashes = LEAVES[:size]
        root = book.mth(hashes)
        for index in range(size):
            proof = book.path(index, hashes)
            assert root_from_inclusion_proof(hashes[index], index, size, proof) == root
        for old in range(1, size + 1):
            assert is_consistent(old, book.mth(hashes[:old]), size, root, book.consistency(old, hashes))


@given(st.data())
def test_a_changed_inclusion_proof_never_leads_to_the_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    hashes = LEAVES[:size]
    root, proof = book.mth(hashes), book.path(index, hashes)
    changes = ["index", "size", "leaf", "longer"] + (["hash", "shorter", "order"] if proof else [])
    change = data.draw(st.sampled_from(changes))
    leaf = hashes[index]
    if change == "index":
        index = data.draw(st.integers(-2, 2 * size).filter(lambda other: other != index))
    elif change == "size":
        # A proof says nothing about the size beyond its shape: the size comes from the signed checkpoint. Another
        # size may lead to the same root only where the path has the same shape.
        other = data.draw(st.integers(0, 2 * size).filter(lambda other: other != size))
        found = root_from_inclusion_proof(leaf, index, other, proof)
        assert found != root or len(book.path(index, (LEAVES * 3)[:other])) == len(proof)
        return
    elif change == "leaf":
        leaf = hashlib.sha256(leaf).digest()
    elif change == "longer":
        proof = [*proof, leaf]
    elif change == "shorter":
        proof = proof[:-1]
    elif change == "order":
        if proof == proof[::-1]:
            return
        proof = proof[::-1]
    else:
        position = data.draw(st.integers(0, len(proof) - 1))
        proof = [*proof[:position], hashlib.sha256(proof[position]).digest(), *proof[position + 1 :]]
    assert root_from_inclusion_proof(leaf, index, size, proof) != root


@given(st.data())
def test_a_changed_consistency_proof_never_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 130))
    old = data.draw(st.integers(1, size - 1))
    hashes = LEAVES[:size]
    old_root, root, proof = book.mth(hashes[:old]), book.mth(hashes), book.consistency(old, hashes)
    assert is_consistent(old, old_root, size, root, proof)
    change = data.draw(st.sampled_from(["hash", "shorter", "longer", "old root", "root", "old size", "swap"]))
    if change == "hash":
        position = data.draw(st.integers(0, len(proof) - 1))
        proof = [*proof[:position], hashlib.sha256(proof[position]).digest(), *proof[position + 1 :]]
    elif change == "shorter":
        proof = proof[:-1]
    elif change == "longer":
        proof = [*proof, root]
    elif change == "old root":
        old_root = hashlib.sha256(old_root).digest()
    elif change == "root":
        root = hashlib.sha256(root).digest()
    elif change == "old size":
        old = data.draw(st.integers(0, size).filter(lambda other: other != old and book.consistency(other, hashes) != proof
                                                    if other else True))  # fmt: skip
    else:
        old, size = size, old
    assert not is_consistent(old, old_root, size, root, proof)


@pytest.mark.parametrize(
    ("old", "old_root", "size", "proof", "expected"),
    [
        (0, hashlib.sha256(b"").digest(), 3, [], True),
        (0, LEAVES[0], 3, [], False),
        (0, hashlib.sha256(b"").digest(), 3, [LEAVES[0]], False),
        (3, book.mth(LEAVES[:3]), 3, [], True),
        (3, LEAVES[0], 3, [], False),
        (3, book.mth(LEAVES[:3]), 3, [LEAVES[0]], False),
        (4, book.mth(LEAVES[:4]), 3, [], False),
        (-1, LEAVES[0], 3, [], False),
        (2, book.mth(LEAVES[:2]), 3, [], False),
        (3, book.mth(LEAVES[:3]), 4, [], False),
    ],
)
def test_consistency_at_the_edges(old: int, old_root: bytes, size: int, proof: list[bytes], expected: bool) -> None:
    assert is_consistent(old, old_root, size, book.mth(LEAVES[:size]), proof) is expected


def test_leaves_and_nodes_are_hashed_apart() -> None:
    assert entry_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])
    assert entry_hash(b"") == book.leaf(b"")
