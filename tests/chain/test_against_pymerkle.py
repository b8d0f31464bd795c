"""An implementation we did not write builds the same tree and accepts the same proofs."""

from __future__ import annotations

import pytest
from tests.chain import merkle_by_the_book as book

from qenex.chain.proofs import entry_hash

pymerkle = pytest.importorskip("pymerkle")


def test_pymerkle_builds_the_same_tree_and_the_same_proofs() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    hashes = []
    for number in range(40):
        data = f"entry {number}".encode()
        tree.append_entry(data)
        hashes.append(entry_hash(data))
    for size in range(1, 41):
        assert tree.get_root(size) == book.mth(hashes[:size])
        for index in range(0, size, 3):
            proof = tree.prove_inclusion(index + 1, size)
            pymerkle.verify_inclusion(hashes[index], book.mth(hashes[:size]), proof)
            assert proof.path[0] == hashes[index]
            assert proof.path[1:] == book.path(index, hashes[:size])
        for old in range(1, size, 3):
            proof = tree.prove_consistency(old, size)
            pymerkle.verify_consistency(book.mth(hashes[:old]), book.mth(hashes[:size]), proof)
