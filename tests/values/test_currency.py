"""The frozen list of currencies is ISO 4217's."""

from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qenex.values import CURRENCIES, Currency, CurrencyKind, Refusal, currency, currency_by_numeric
from qenex.values.iso4217 import PUBLISHED


def test_every_line_equals_the_maintenance_agencys_table() -> None:
    table = ET.fromstring((files("iso4217") / "table.xml").read_bytes())
    assert table.get("Pblshd") == PUBLISHED
    theirs = {}
    for entry in table.iter("CcyNtry"):
        name = entry.find("CcyNm")
        code, numeric, decimals = (entry.findtext(tag) for tag in ("Ccy", "CcyNbr", "CcyMnrUnts"))
        if code is None or numeric is None or decimals is None or name is None or name.text is None:
            continue  # a territory without a currency of its own
        if name.get("IsFund") == "true":
            kind = CurrencyKind.FUND
        else:
            kind = CurrencyKind.UNIT if decimals == "N.A." else CurrencyKind.CURRENCY
        minor_units = 0 if decimals == "N.A." else int(decimals)
        theirs[code] = Currency(code, int(numeric), minor_units, name.text.strip(), kind)
    assert theirs == CURRENCIES
    assert list(CURRENCIES) == sorted(CURRENCIES)


@pytest.mark.parametrize(
    ("code", "numeric", "minor_units"),
    [
        ("EUR", 978, 2),
        ("USD", 840, 2),
        ("JPY", 392, 0),
        ("BHD", 48, 3),
        ("CLF", 990, 4),
        ("UYW", 927, 4),
        ("ALL", 8, 2),
    ],
)
def test_currencies_have_their_numbers_and_decimals(code: str, numeric: int, minor_units: int) -> None:
    found = currency(code)
    assert isinstance(found, Currency)
    assert (found.numeric, found.minor_units) == (numeric, minor_units)
    assert currency_by_numeric(numeric) is found
    assert str(found) == code


@pytest.mark.parametrize(("code", "kind"), [("CHW", "FUND"), ("XAU", "UNIT"), ("XXX", "UNIT"), ("CHF", "CURRENCY")])
def test_funds_and_units_are_told_from_currencies(code: str, kind: str) -> None:
    assert CURRENCIES[code].kind is CurrencyKind[kind]


@pytest.mark.parametrize("code", ["", "eur", "EURO", "BGN", "HRK", "DEM", "€"])
def test_an_unknown_or_withdrawn_currency_is_refused(code: str) -> None:
    answer = currency(code)
    assert isinstance(answer, Refusal)
    assert answer.code == "CURRENCY_UNKNOWN"


@given(st.text(max_size=5), st.integers())
def test_any_text_and_any_number_is_a_currency_or_a_refusal(text: str, numeric: int) -> None:
    assert isinstance(currency(text), Currency | Refusal)
    assert isinstance(currency_by_numeric(numeric), Currency | Refusal)


@pytest.mark.parametrize(
    ("numeric", "minor_units", "kind"),
    [
        (0, 2, CurrencyKind.CURRENCY),
        (2**32, 2, CurrencyKind.REGISTERED),
        (1000, -1, CurrencyKind.REGISTERED),
        (1000, 19, CurrencyKind.REGISTERED),
        (999, 2, CurrencyKind.REGISTERED),
        (1000, 2, CurrencyKind.CURRENCY),
    ],
)
def test_a_currency_that_the_ledger_could_not_number_cannot_be_made(
    numeric: int, minor_units: int, kind: CurrencyKind
) -> None:
    with pytest.raises(ValueError):
        Currency("QTK", numeric, minor_units, "a token", kind)
