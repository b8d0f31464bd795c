"""Sealed records open unchanged, in their own place, with their own key, and not otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.crypto import CustomerKey, TamperFound

KEY = bytes(range(32))


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(max_size=300)), max_size=20))
def test_a_batch_opens_to_what_was_sealed(records: list[tuple[bytes, bytes]]):
    key = CustomerKey(5, 1, KEY)
    rows, plain = [row for row, _ in records], [record for _, record in records]
    sealed = key.seal_many("payments", rows, plain)
    assert key.open_many("payments", rows, sealed) == plain
    assert [key.open("payments", row, box) for row, box in zip(rows, sealed, strict=True)] == plain
    assert all(len(box) == len(record) + 28 for box, record in zip(sealed, plain, strict=True))
    assert len({box[:12] for box in sealed}) == len(sealed)


def test_every_changed_bit_of_a_sealed_record_is_found():
    key = CustomerKey(5, 1, KEY)
    sealed = key.seal("payments", b"r" * 16, b"salt and canonical record")
    for at in range(len(sealed)):
        for bit in range(8):
            damaged = bytearray(sealed)
            damaged[at] ^= 1 << bit
            with pytest.raises(TamperFound):
                key.open("payments", b"r" * 16, bytes(damaged))
            with pytest.raises(TamperFound):
                key.open_many("payments", [b"r" * 16], [bytes(damaged)])
    for length in range(len(sealed)):
        with pytest.raises(TamperFound):
            key.open_many("payments", [b"r" * 16], [sealed[:length]])


@pytest.mark.parametrize(
    ("customer_id", "version", "table", "row"),
    [
        (6, 1, "payments", b"r" * 16),
        (5, 2, "payments", b"r" * 16),
        (5, 1, "customers", b"r" * 16),
        (5, 1, "payments", b"s" * 16),
    ],
)
def test_a_sealed_record_moved_elsewhere_does_not_open(customer_id: int, version: int, table: str, row: bytes):
    sealed = CustomerKey(5, 1, KEY).seal("payments", b"r" * 16, b"record")
    with pytest.raises(TamperFound):
        CustomerKey(customer_id, version, KEY).open(table, row, sealed)


def test_table_and_row_cannot_run_into_each_other():
    key = CustomerKey(5, 1, KEY)
    sealed = key.seal("pay", b"ments", b"record")
    with pytest.raises(TamperFound):
        key.open("payments", b"", sealed)


def test_a_fault_names_the_place_and_not_the_content():
    key = CustomerKey(5, 1, KEY)
    with pytest.raises(TamperFound) as found:
        key.open("payments", b"\x01\x02", b"x" * 40)
    assert str(found.value) == "payments row 0102: the sealed data does not verify"
