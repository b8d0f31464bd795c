"""Refusals have stable codes and harmless texts; faults carry fields; broken invariants stop."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.values import (
    REFUSALS,
    CorruptionFound,
    Fault,
    InvariantBroken,
    ManualClock,
    Refusal,
    SystemClock,
    invariant,
    refuse,
    register,
)


def test_a_refusal_fills_its_sentence_and_says_where_and_how_to_go_on() -> None:
    answer = refuse("AMOUNT_TOO_PRECISE", where="line 3", given="1.005", currency="EUR", decimals=2)
    assert answer.message == "1.005 has more decimals than EUR has (2)."
    assert str(answer) == "line 3: 1.005 has more decimals than EUR has (2). [AMOUNT_TOO_PRECISE]"
    assert answer.fix == REFUSALS["AMOUNT_TOO_PRECISE"].fix
    assert answer.exit_code == 1
    assert pickle.loads(pickle.dumps(answer)) == copy.copy(answer) == answer


@given(st.text(max_size=300))
def test_a_message_is_one_short_printable_line_whatever_came_in(text: str) -> None:
    for code in ("CURRENCY_UNKNOWN", "IBAN_CHECK_DIGITS_WRONG"):
        message = refuse(code, given=text).message
        assert message.isprintable()
        assert len(message) < 1000


def test_an_unregistered_code_is_a_bug() -> None:
    with pytest.raises(InvariantBroken, match="NO_SUCH_CODE"):
        refuse("NO_SUCH_CODE")


def test_a_code_has_one_meaning() -> None:
    old = REFUSALS["CURRENCY_UNKNOWN"]
    register(old.code, old.sentence, old.meaning, old.fix, old.exit_code)  # the same again is no harm
    with pytest.raises(InvariantBroken):
        register(old.code, "Another sentence.", old.meaning, old.fix)
    with pytest.raises(InvariantBroken):
        register("lower_case", "A sentence.", "A meaning.", "A fix.")
    with pytest.raises(InvariantBroken):
        register("NO_FULL_STOP", "A sentence", "A meaning.", "A fix.")
    assert "NO_FULL_STOP" not in REFUSALS


def test_corruption_names_the_place() -> None:
    found = CorruptionFound(place="journal/000001 at byte 4096", detail="the checksum does not match")
    assert isinstance(found, Fault)
    assert (found.place, found.detail, found.exit_code) == (
        "journal/000001 at byte 4096",
        "the checksum does not match",
        3,
    )
    assert str(found) == "journal/000001 at byte 4096: the checksum does not match"
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_an_invariant_stops_with_its_sentence() -> None:
    invariant(True, "unused")
    with pytest.raises(InvariantBroken, match="every sum is zero"):
        invariant(False, "every sum is zero")
    assert not issubclass(InvariantBroken, Fault)


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(10)
    assert clock.now_ns() == clock.now_ns() == 10
    clock.advance(5)
    assert clock.now_ns() == 15
    clock.set(3)
    assert clock.now_ns() == 3


def test_the_system_clock_tells_unix_time() -> None:
    assert SystemClock().now_ns() > 1_700_000_000 * 10**9


def test_a_refusal_is_frozen() -> None:
    with pytest.raises(AttributeError):
        refuse("CURRENCY_UNKNOWN", given="X").code = "Y"  # type: ignore[misc]
    assert Refusal("A", "b") == Refusal("A", "b", "", "")
