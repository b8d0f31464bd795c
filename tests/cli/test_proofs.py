"""Proofs beyond a single receipt, by the command: the log only grows, witnesses count, tiles can be published."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chain.worlds import witness
from tests.cli.commands import Here, new_account, new_bank

from qenex.chain import cosign, parse_note, read_checkpoint


@pytest.fixture
def world(tmp_path: Path) -> tuple[Here, str, str]:
    qenex = Here(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "100.00")
    qenex("key", "export", "--out", "bank.vkey")
    return qenex, payer, payee


def test_anyone_can_check_that_a_newer_checkpoint_continues_an_older_one(world, tmp_path: Path) -> None:
    qenex, payer, payee = world
    qenex("checkpoint", "--out", "older.txt")
    qenex("transfer", payer, payee, "1.00", "--end-to-end-id", "E1")
    qenex("checkpoint", "--since", "older.txt", "--out", "continues.json")
    assert "continues the one of" in qenex("verify", "continues.json", "--key", "bank.vkey").out
    proof = tmp_path / "continues.json"
    start = proof.read_text().index('"', proof.read_text().index('"proof"') + 7) + 1
    forged = bytearray(proof.read_bytes())
    forged[start] = ord("A") if forged[start] != ord("A") else ord("B")
    proof.write_bytes(forged)
    qenex("verify", "continues.json", "--key", "bank.vkey", code=1)


def test_a_checkpoint_of_another_bank_is_not_continued(world, tmp_path: Path) -> None:
    qenex, _, _ = world
    other = Here(tmp_path / "other", tmp_path)
    new_bank(other)
    other("checkpoint", "--out", "foreign.txt")
    assert "KEYS_INCOMPLETE" in qenex("checkpoint", "--since", "foreign.txt", code=1).err


def cosigned(qenex: Here, folder: Path, numbers: range) -> None:
    """latest.txt cosigned by witnesses as cosigned.txt, and policy.txt that wants two of three of them."""
    qenex("checkpoint", "--out", "latest.txt")
    note = parse_note((folder / "latest.txt").read_bytes())
    checkpoint = read_checkpoint(str(note))
    witnesses = [witness(number) for number in (1, 2, 3)]
    lines = [cosign(witnesses[number], checkpoint, 1_795_000_000) for number in numbers]
    (folder / "cosigned.txt").write_text(str(note.signed_again(lines)))
    names = [f"witness w{index} {one.verifier_key.encode()}" for index, one in enumerate(witnesses)]
    (folder / "policy.txt").write_text("\n".join([*names, "group all 2 w0 w1 w2", "quorum all", ""]))


def test_cosignatures_of_witnesses_are_taken_over_and_asked_for_by_verify(world, tmp_path: Path) -> None:
    qenex, payer, payee = world
    moved = qenex("transfer", payer, payee, "1.00", "--end-to-end-id", "E1", "--json").json["transfer_id"]
    cosigned(qenex, tmp_path, range(2))
    qenex("receipt", moved, "--out", "before.txt")
    assert (
        "WITNESSES_MISSING" in qenex("verify", "before.txt", "--key", "bank.vkey", "--policy", "policy.txt", code=1).err
    )
    qenex("checkpoint", "--cosigned", "cosigned.txt", "--policy", "policy.txt")
    qenex("receipt", moved, "--out", "after.txt")
    proved = qenex("verify", "after.txt", "--key", "bank.vkey", "--policy", "policy.txt").out
    assert proved.count("witnessed by") == 2


def test_too_few_cosignatures_or_those_of_an_older_checkpoint_are_not_taken(world, tmp_path: Path) -> None:
    qenex, payer, payee = world
    cosigned(qenex, tmp_path, range(1))
    few = qenex("checkpoint", "--cosigned", "cosigned.txt", "--policy", "policy.txt", code=1)
    assert "WITNESSES_MISSING" in few.err
    cosigned(qenex, tmp_path, range(3))
    qenex("transfer", payer, payee, "1.00", "--end-to-end-id", "E1")
    qenex("checkpoint")
    late = qenex("checkpoint", "--cosigned", "cosigned.txt", "--policy", "policy.txt", code=1)
    assert "COSIGNED_ANOTHER_CHECKPOINT" in late.err


def test_cosignatures_without_a_policy_are_a_wrong_call(world) -> None:
    qenex, _, _ = world
    assert "--policy" in qenex("checkpoint", "--cosigned", "cosigned.txt", code=2).err


def test_the_log_can_be_published_as_static_files(world, tmp_path: Path) -> None:
    qenex, _, _ = world
    qenex("checkpoint", "--tiles", "public")
    note = (tmp_path / "public" / "checkpoint").read_bytes()
    assert note == (tmp_path / "bank" / "books" / "checkpoint").read_bytes()
    size = int(note.split(b"\n")[1])
    assert (tmp_path / "public" / f"tile/0/000.p/{size}").stat().st_size == 32 * size
    assert (tmp_path / "public" / f"tile/entries/000.p/{size}").stat().st_size == 131 * size
