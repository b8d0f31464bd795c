"""The id of a payment's first transfer: the same in every try, in the order of time, and another for another payment."""

from hypothesis import given
from hypothesis import strategies as st

from qenex.payments.posting import first_transfer_id
from qenex.values import ID_MAX, IdSource, ManualClock

MILLISECOND_NS = 1_000_000


@given(st.integers(1, ID_MAX))
def test_it_is_an_id_that_follows_from_the_payment(payment_id: int):
    identifier = first_transfer_id(payment_id)
    assert 0 < identifier <= ID_MAX
    assert identifier == first_transfer_id(payment_id)


@given(st.integers(1, ID_MAX // 2))
def test_neighbouring_payments_have_transfers_of_their_own(payment_id: int):
    # A file numbers its payments one after another, so only the last bits of their ids differ.
    assert len({first_transfer_id(payment_id + place) for place in range(100)}) == 100


def test_a_later_payment_has_a_later_transfer():
    clock = ManualClock(1_800_000_000 * 1_000_000_000)
    ids = IdSource(clock)
    transfers = []
    for _ in range(100):
        transfers.append(first_transfer_id(ids.next()))
        clock.advance(MILLISECOND_NS)
    assert transfers == sorted(transfers)
