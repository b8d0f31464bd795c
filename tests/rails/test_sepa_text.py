"""The SEPA character set: any text comes out in it, and SEPA text comes out unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.rails import is_sepa_text, sepa_reference, sepa_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Claire Dupont", "Claire Dupont"),
        ("Müller & Söhne", "Muller + Sohne"),
        ("Ærøskøbing Straße", "Aroskobing Strase"),
        ("Łódź, Çelik; Þór", "Lodz, Celik, Tor"),
        ("Ελλάς", "Ellas"),
        ("София", "Sofiya"),
        ("100 € @ [x]", "100 E . (x)"),
        ("a\tb\nc\u00a0d", "a b c d"),
        ("北京", ".."),
        ("e\u0301", "e"),
    ],
)
def test_letters_with_marks_lose_them_and_what_has_no_form_becomes_a_full_stop(text: str, expected: str):
    assert sepa_text(text) == expected


@given(st.text())
def test_every_text_comes_out_in_the_set_and_a_second_time_unchanged(text: str):
    once = sepa_text(text)
    assert is_sepa_text(once)
    assert sepa_text(once) == once
    assert len(sepa_text(text, 10)) <= 10


@given(st.text())
def test_a_reference_has_no_slash_at_its_ends_and_none_doubled(text: str):
    reference = sepa_reference(text)
    assert 1 <= len(reference) <= 35
    assert reference[0] != "/" != reference[-1]
    assert "//" not in reference
    assert is_sepa_text(reference)
