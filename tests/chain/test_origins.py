"""A restored log names its parent in 128 bytes, and only these bytes name it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.worlds import signers

from qenex.chain import LeafKind, ParentLog, build_receipt, entry_hash, parse_origin_record, verify_receipt
from qenex.chain import entry as log_entry
from qenex.chain.checkpoints import sign_checkpoint
from qenex.values import Refusal

PARENT = ParentLog("bank.example/log", 1234, bytes(range(32)), 1_795_000_000_000_000_000)


def test_the_layout_is_the_documented_one() -> None:
    record = PARENT.record()
    assert len(record) == 128
    assert record[:16] == b"QENEX-ORIGIN-1\n\0"
    assert record[16:24] == (1234).to_bytes(8, "little")
    assert record[24:56] == bytes(range(32))
    assert record[56:64] == (1_795_000_000_000_000_000).to_bytes(8, "little")
    assert record[64:] == b"bank.example/log".ljust(64, b"\0")


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1, max_size=64)


@given(names.filter(lambda name: len(name.encode()) <= 64 and not any(map(str.isspace, name))),
       st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32), st.integers(0, (1 << 63) - 1))  # fmt: skip
def test_every_parent_is_read_back(origin: str, size: int, root: bytes, restored_at_ns: int) -> None:
    parent = ParentLog(origin, size, root, restored_at_ns)
    assert parse_origin_record(parent.record()) == parent


@given(st.binary(min_size=128, max_size=128) | st.binary(max_size=200).map(lambda tail: PARENT.record()[:64] + tail))
def test_other_records_are_refused_or_written_back_the_same(record: bytes) -> None:
    answer = parse_origin_record(record)
    if isinstance(answer, ParentLog):
        assert answer.record() == record
    else:
        assert answer.code == "ORIGIN_ENTRY_MALFORMED"


@pytest.mark.parametrize(
    "parent",
    [
        ParentLog("", 1, bytes(32), 0),
        ParentLog("two words", 1, bytes(32), 0),
        ParentLog("x" * 65, 1, bytes(32), 0),
        ParentLog("x", -1, bytes(32), 0),
        ParentLog("x", 1 << 63, bytes(32), 0),
        ParentLog("x", 1, bytes(31), 0),
        ParentLog("x", 1, bytes(32), 1 << 63),
    ],
)
def test_parents_that_do_not_fit_are_a_mistake_of_the_caller(parent: ParentLog) -> None:
    with pytest.raises(ValueError):
        parent.record()


def test_the_first_entry_of_a_restored_log_has_a_receipt_of_its_own() -> None:
    restored = signers("bank.example/log-2")
    leaf = entry_hash(log_entry(LeafKind.ORIGIN, PARENT.record()))
    receipt = build_receipt(LeafKind.ORIGIN, PARENT.record(), 0, [], sign_checkpoint(restored, 1, leaf))
    answer = verify_receipt(receipt, restored.verifier_keys)
    assert not isinstance(answer, Refusal)
    assert parse_origin_record(answer.record) == PARENT


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (PARENT.record()[:127], "127 bytes"),
        (b"\0" + PARENT.record()[1:], "another kind"),
        (PARENT.record()[:64] + bytes(64), "empty"),
        (PARENT.record()[:64] + b"two words".ljust(64, b"\0"), "space"),
        (PARENT.record()[:64] + b"\xff".ljust(64, b"\0"), "UTF-8"),
        (PARENT.record()[:64] + b"a\0b".ljust(64, b"\0"), "space"),
        (PARENT.record()[:23] + b"\x80" + PARENT.record()[24:], "too large"),
        (PARENT.record()[:63] + b"\x80" + PARENT.record()[64:], "too large"),
    ],
)
def test_what_is_wrong_with_an_origin_entry_is_said(record: bytes, reason: str) -> None:
    answer = parse_origin_record(record)
    assert isinstance(answer, Refusal)
    assert reason in str(answer)
