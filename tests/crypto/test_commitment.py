"""Canonical records have one form only, and commitments bind every byte of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.crypto import (
    CommitmentMismatch,
    RecordMalformed,
    canonical_record,
    canonical_records,
    commit_records,
    commitment,
    fields_of,
    fields_of_many,
    parse_record,
    verify_commitment,
)
from qenex.values import InvariantBroken

names = st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_the_canonical_form_is_the_documented_one():
    record = canonical_record("payment", {"b": 'say "hi"\n\u0007', "a": "Müller €", "amount_minor": "1234"})
    assert record == (
        b'QENEX-RECORD-1\npayment\n{"a":"M\xc3\xbcller \xe2\x82\xac","amount_minor":"1234","b":"say \\"hi\\"\\n\\u0007"}'
    )


@given(names, st.dictionaries(names, texts, max_size=8))
def test_a_record_reads_back_as_it_was_written(kind: str, fields: dict[str, str]):
    record = canonical_record(kind, fields)
    assert parse_record(record) == (kind, fields)
    assert fields_of(record) == fields
    assert canonical_record(kind, dict(reversed(fields.items()))) == record


@given(names, st.lists(names, unique=True, max_size=5), st.integers(0, 4), st.data())
def test_records_made_from_columns_are_those_made_one_by_one(
    kind: str, fields: list[str], rows: int, data: st.DataObject
):
    columns = {name: data.draw(st.lists(st.just("") | texts, min_size=rows, max_size=rows)) for name in fields}
    present = [{name: columns[name][row] for name in fields if columns[name][row]} for row in range(rows)]
    expected = [canonical_record(kind, row) for row in present] if fields else []
    assert canonical_records(kind, columns) == expected
    assert fields_of_many(expected) == (present if fields else [])


def test_columns_hold_text_only_and_no_lone_surrogate():
    for columns in ({"a": [1]}, {"A": ["x"]}, {"a": [None]}):
        with pytest.raises(InvariantBroken):
            canonical_records("payment", columns)  # type: ignore[arg-type]
    with pytest.raises(RecordMalformed, match="surrogate"):
        canonical_records("payment", {"a": ["\ud800"]})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"QENEX-RECORD-2\npayment\n{}",
        b"QENEX-RECORD-1\npayment{}",
        b"QENEX-RECORD-1\nPayment\n{}",
        b"QENEX-RECORD-1\npayment\n[]",
        b'QENEX-RECORD-1\npayment\n{"a":1}',
        b'QENEX-RECORD-1\npayment\n{"A":"1"}',
        b'QENEX-RECORD-1\npayment\n{"a": "1"}',
        b'QENEX-RECORD-1\npayment\n{"b":"1","a":"1"}',
        b'QENEX-RECORD-1\npayment\n{"a":"1","a":"2"}',
        b'QENEX-RECORD-1\npayment\n{"a":"\\u0041"}',
        b'QENEX-RECORD-1\npayment\n{"a":"\xff"}',
        b'QENEX-RECORD-1\npayment\n{"a":"1"}\n',
        b'QENEX-RECORD-1\npayment\n{"a":"\\ud800"}',
    ],
)
def test_any_other_form_is_refused(data: bytes):
    with pytest.raises(RecordMalformed):
        parse_record(data)


def test_values_are_text_and_names_are_plain():
    for fields in ({"a": 1}, {"A": "1"}, {"a b": "1"}, {"": "1"}, {"ä": "1"}):
        with pytest.raises(InvariantBroken):
            canonical_record("payment", fields)  # type: ignore[arg-type]
    with pytest.raises(RecordMalformed):
        canonical_record("payment", {"a": "\ud800"})


def test_every_changed_bit_of_salt_record_or_commitment_is_found():
    record = canonical_record("payment", {"amount_minor": "1"})
    made = commit_records([record])
    salt, digest = made.salts[0], made.digests
    verify_commitment(digest, salt, record)
    verify_commitment(digest[:16], salt, record)
    for at in range(16):
        damaged = bytearray(digest[:16])
        damaged[at] ^= 1
        with pytest.raises(CommitmentMismatch):
            verify_commitment(bytes(damaged), salt, record)
    for at in range(32):
        damaged = bytearray(salt)
        damaged[at] ^= 1
        with pytest.raises(CommitmentMismatch):
            verify_commitment(digest, bytes(damaged), record)
    for at in range(len(record)):
        damaged = bytearray(record)
        damaged[at] ^= 1
        with pytest.raises(CommitmentMismatch):
            verify_commitment(digest, salt, bytes(damaged))


def test_a_batch_commits_each_record_with_a_salt_of_its_own():
    records = [canonical_record("payment", {"amount_minor": str(amount % 3)}) for amount in range(50)]
    made = commit_records(records)
    assert len(set(made.salts)) == 50
    assert made.full.shape == (50, 32)
    assert [bytes(row) for row in made.full] == [commitment(s, r) for s, r in zip(made.salts, records, strict=True)]
    lo, hi = made.words()
    assert [
        int(low).to_bytes(8, "little") + int(high).to_bytes(8, "little") for low, high in zip(lo, hi, strict=True)
    ] == [bytes(row[:16]) for row in made.full]


def test_an_empty_batch_commits_to_nothing():
    made = commit_records([])
    assert made.full.shape == (0, 32)
    assert made.words()[0].shape == (0,)


def test_the_json_part_is_what_any_json_library_reads():
    record = canonical_record("payment", {"x": "\u2028 \x7f / é"})
    assert json.loads(record.split(b"\n", 2)[2]) == {"x": "\u2028 \x7f / é"}
