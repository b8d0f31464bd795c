"""Money is exact, and what cannot be exact is rounded by name."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    localcontext,
)

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qenex.values import CURRENCIES, MINOR_MAX, Currency, CurrencyKind, Money, Refusal, Rounding, currency
from qenex.values.rounding import divide


def known(code: str) -> Currency:
    found = currency(code)
    assert isinstance(found, Currency)
    return found


EUR, JPY, BHD, CLF, USD = (known(code) for code in ("EUR", "JPY", "BHD", "CLF", "USD"))
TOKEN = Currency("QTK", 1000, 18, "a token", CurrencyKind.REGISTERED)

currencies = st.sampled_from([*CURRENCIES.values(), TOKEN])
amounts = st.builds(Money, st.integers(-MINOR_MAX, MINOR_MAX), currencies)


@pytest.mark.parametrize(
    ("text", "asset", "minor"),
    [
        ("12.34", EUR, 1234),
        ("12.3", EUR, 1230),
        ("12", EUR, 1200),
        ("0", EUR, 0),
        ("-0.05", EUR, -5),
        ("-0", EUR, 0),
        ("007", EUR, 700),
        ("500", JPY, 500),
        ("1.234", BHD, 1234),
        ("1.2345", CLF, 12345),
        ("0.000000000000000001", TOKEN, 1),
        ("3402823669209384634633746074317682114.55", EUR, MINOR_MAX),
    ],
)
def test_an_amount_is_read_exactly(text: str, asset: Currency, minor: int) -> None:
    assert Money.parse(text, asset) == Money(minor, asset)


@pytest.mark.parametrize(
    ("text", "asset", "code"),
    [
        ("", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("+1", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("--1", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("- 1", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1e3", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1,50", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1,234.50", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1.", EUR, "AMOUNT_NOT_A_DECIMAL"),
        (".5", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1.2.3", EUR, "AMOUNT_NOT_A_DECIMAL"),
        (" 1", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1\n", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1_000", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("١٢", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("NaN", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("Infinity", EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("x" * 100, EUR, "AMOUNT_NOT_A_DECIMAL"),
        ("1.005", EUR, "AMOUNT_TOO_PRECISE"),
        ("100.000", EUR, "AMOUNT_TOO_PRECISE"),
        ("1.0", JPY, "AMOUNT_TOO_PRECISE"),
        ("1.2345", BHD, "AMOUNT_TOO_PRECISE"),
        ("3402823669209384634633746074317682114.56", EUR, "AMOUNT_TOO_LARGE"),
        ("9" * 10_000, EUR, "AMOUNT_TOO_LARGE"),
    ],
)
def test_what_is_not_exactly_an_amount_is_refused(text: str, asset: Currency, code: str) -> None:
    answer = Money.parse(text, asset)
    assert isinstance(answer, Refusal)
    assert answer.code == code


@given(st.text(), currencies)
def test_any_text_is_an_amount_or_a_refusal(text: str, asset: Currency) -> None:
    assert isinstance(Money.parse(text, asset), Money | Refusal)


@given(st.from_regex(r"-?[0-9]{1,45}(\.[0-9]{1,20})?", fullmatch=True), currencies)
def test_an_amount_that_is_read_has_the_value_of_the_decimal(text: str, asset: Currency) -> None:
    money = Money.parse(text, asset)
    assume(isinstance(money, Money))
    assert isinstance(money, Money)
    with localcontext() as context:
        context.prec = 100
        assert Decimal(money.decimal_text()) == Decimal(text)


@given(amounts)
def test_writing_and_reading_an_amount_gives_it_back(money: Money) -> None:
    assert Money.parse(money.decimal_text(), money.currency) == money
    assert str(money) == f"{money.decimal_text()} {money.currency.code}"


@pytest.mark.parametrize(
    ("minor", "asset", "text"),
    [
        (1234, EUR, "12.34 EUR"),
        (-5, EUR, "-0.05 EUR"),
        (0, EUR, "0.00 EUR"),
        (500, JPY, "500 JPY"),
        (1, CLF, "0.0001 CLF"),
    ],
)
def test_an_amount_is_written_with_all_decimals_of_its_currency(minor: int, asset: Currency, text: str) -> None:
    assert str(Money(minor, asset)) == text


def test_amounts_of_one_currency_add_and_compare() -> None:
    small, large = Money(5, EUR), Money(7, EUR)
    assert small + large == Money(12, EUR)
    assert small - large == Money(-2, EUR)
    assert small < large
    assert small <= small
    assert large > small
    assert large >= large
    assert -small == Money(-5, EUR)
    assert abs(Money(-5, EUR)) == small
    assert small * 3 == 3 * small == Money(15, EUR)
    assert not Money.zero(EUR)
    assert small
    assert Money(5, EUR) != Money(5, USD)


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_amounts_of_two_currencies_never_meet(operation: str) -> None:
    with pytest.raises(ValueError, match="EUR and USD"):
        getattr(Money(1, EUR), operation)(Money(1, USD))
    with pytest.raises(TypeError):
        getattr(Money(1, EUR), operation)(1)


@pytest.mark.parametrize("minor", [1.0, Decimal(1), "1", True, None])
def test_minor_units_are_a_whole_number(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, EUR)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rounding", "results"),
    [  # of 5/2, 7/2, 9/4, 11/4 and their negatives
        (Rounding.HALF_EVEN, [2, 4, 2, 3, -2, -4, -2, -3]),
        (Rounding.HALF_UP, [3, 4, 2, 3, -3, -4, -2, -3]),
        (Rounding.HALF_DOWN, [2, 3, 2, 3, -2, -3, -2, -3]),
        (Rounding.UP, [3, 4, 3, 3, -3, -4, -3, -3]),
        (Rounding.DOWN, [2, 3, 2, 2, -2, -3, -2, -2]),
        (Rounding.CEILING, [3, 4, 3, 3, -2, -3, -2, -2]),
        (Rounding.FLOOR, [2, 3, 2, 2, -3, -4, -3, -3]),
    ],
)
def test_each_rounding_does_what_its_name_says(rounding: Rounding, results: list[int]) -> None:
    fractions = [(5, 2), (7, 2), (9, 4), (11, 4), (-5, 2), (-7, 2), (-9, 4), (-11, 4)]
    assert [divide(numerator, denominator, rounding) for numerator, denominator in fractions] == results
    assert [divide(-numerator, -denominator, rounding) for numerator, denominator in fractions] == results


OF_DECIMAL = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_DOWN: ROUND_HALF_DOWN,
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.CEILING: ROUND_CEILING,
    Rounding.FLOOR: ROUND_FLOOR,
}


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**4).map(lambda n: n * 2), st.sampled_from(Rounding))
def test_rounding_agrees_with_the_decimal_module(minor: int, denominator: int, rounding: Rounding) -> None:
    with localcontext() as context:
        # A quotient has too many digits to be exact, so the numerator is made a multiple of half the denominator.
        context.prec = 60
        numerator = minor * (denominator // 2)
        expected = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), rounding=OF_DECIMAL[rounding])
    assert divide(numerator, denominator, rounding) == expected


@given(st.integers(), st.integers().filter(bool), st.sampled_from(Rounding))
def test_rounding_moves_a_value_by_less_than_one(numerator: int, denominator: int, rounding: Rounding) -> None:
    result = divide(numerator, denominator, rounding)
    assert abs(result * denominator - numerator) < abs(denominator)


def test_a_portion_is_rounded_once() -> None:
    assert Money(1050, EUR).portion(15, 1000) == Money(16, EUR)  # 15.75
    assert Money(100, EUR).portion(1, 8, rounding=Rounding.DOWN) == Money(12, EUR)
    assert Money(-100, EUR).portion(1, 8, rounding=Rounding.HALF_UP) == Money(-13, EUR)
    with pytest.raises(ValueError, match="denominator"):
        Money(1, EUR).portion(1, 0)


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_the_parts_of_a_split_sum_to_the_whole(money: Money, weights: list[int]) -> None:
    parts = money.split(weights)
    assert sum(part.minor for part in parts) == money.minor
    total = sum(weights)
    for part, weight in zip(parts, weights):
        assert abs(part.minor * total - money.minor * weight) < total


def test_what_is_left_of_a_split_goes_to_the_largest_remainders() -> None:
    assert [part.minor for part in Money(100, EUR).split([1, 1, 1])] == [34, 33, 33]
    assert [part.minor for part in Money(-100, EUR).split([1, 1, 1])] == [-34, -33, -33]
    assert [part.minor for part in Money(10, EUR).split([15, 85])] == [2, 8]
    assert [part.minor for part in Money(1, EUR).split([0, 1])] == [0, 1]
    for weights in ([], [0], [-1, 2]):
        with pytest.raises(ValueError, match="weights"):
            Money(1, EUR).split(weights)
