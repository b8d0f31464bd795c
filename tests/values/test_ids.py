"""Ids are unique, sort by time, and survive clocks that step back; derived ids are always the same."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.values import ID_MAX, IdSource, InvariantBroken, ManualClock, SystemClock, derive_id

MS = 1_000_000


@given(st.lists(st.integers(-(10**12), 10**12), max_size=200), st.randoms(use_true_random=False))
def test_ids_increase_strictly_however_the_clock_steps(steps, random) -> None:
    clock = ManualClock(1_700_000_000_000 * MS)
    source = IdSource(clock, random.randbytes)
    last = 0
    for step in steps:
        clock.advance(step)
        made = source.next()
        assert last < made <= ID_MAX
        last = made


def test_the_top_48_bits_are_the_milliseconds() -> None:
    clock = ManualClock(1_800_000_000_123 * MS + 999_999)
    assert IdSource(clock).next() >> 80 == 1_800_000_000_123


@pytest.mark.parametrize("random_byte", [0x00, 0xFF])
def test_a_million_ids_of_one_millisecond_do_not_run_into_the_next(random_byte: int) -> None:
    clock = ManualClock(5 * MS)
    source = IdSource(clock, lambda count: bytes([random_byte]) * count)
    for _ in range(100_000):
        made = source.next()
    assert made >> 80 == 5
    # 2^79 free numbers, and no step is above 2^32: room for 2^47 ids in a millisecond.
    clock.advance(MS)
    assert source.next() > made


def test_a_clock_before_1970_still_gives_an_id() -> None:
    source = IdSource(ManualClock(-5 * MS), bytes)
    assert source.next() == 1
    assert source.next() == 2


def test_a_clock_beyond_48_bits_stops() -> None:
    with pytest.raises(InvariantBroken, match="10889"):
        IdSource(ManualClock(2**48 * MS)).next()


def test_threads_that_share_a_source_never_get_the_same_id() -> None:
    source = IdSource(SystemClock())
    made: list[list[int]] = [[] for _ in range(4)]

    def make(into: list[int]) -> None:
        for _ in range(5_000):
            into.append(source.next())

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 20_000


def test_two_sources_do_not_meet() -> None:
    clock = ManualClock(MS)
    one, two = IdSource(clock), IdSource(clock, os.urandom)
    assert len({source.next() for _ in range(1000) for source in (one, two)}) == 2000


def test_a_derived_id_never_changes() -> None:
    """Golden values: ids in old journals were derived like this."""
    assert derive_id(1, "hold") == 0xB1CC1C6635A660DFE7B5B73ADD55DF38
    assert derive_id(ID_MAX, "post") == 0xC0D517F0C23FBF63DB53A4F34CB775E


@given(st.integers(1, ID_MAX), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_derived_id_is_one_the_ledger_accepts(payment_id: int, step: str) -> None:
    derived = derive_id(payment_id, step)
    assert 0 < derived <= ID_MAX
    assert derived == derive_id(payment_id, step)
    assert derived != derive_id(payment_id, step + "x")
    assert derived != payment_id


@pytest.mark.parametrize("payment_id", [0, -1, 2**128 - 1])
def test_only_an_id_derives_ids(payment_id: int) -> None:
    with pytest.raises(InvariantBroken):
        derive_id(payment_id, "hold")
