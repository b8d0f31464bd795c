"""Bookkeeping above the ledger: days, reversals, holds, exchange, closing, and what each refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.commands import Here, balance, new_account, new_bank
from tests.cli.files import pain001

import qenex.payments  # noqa: F401  (registers its refusals)
from qenex.payments.reasons import refusal_of
from qenex.products.business_day import DAY_NS, MINUTE_NS, business_day, packed_dates, parse_cut_off, unpacked_dates
from qenex.products.chart import CHART, INTERNAL, Side, internal_by_label, internal_label
from qenex.products.rate import exchange_amounts, parse_rate
from qenex.values import Currency, currency

EUR, USD, JPY, KWD = (currency(code) for code in ("EUR", "USD", "JPY", "KWD"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Here, str]:
    folder = tmp_path_factory.mktemp("books")
    qenex = Here(folder / "bank", folder)
    return qenex, new_bank(qenex)


def pair(world: tuple[Here, str], amount: str = "100.00") -> tuple[Here, str, str]:
    qenex, owner = world
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, amount)
    return qenex, payer, payee


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("AC01", "ACCOUNT_UNKNOWN"), ("AC04", "ACCOUNT_IS_CLOSED"), ("AC06", "ACCOUNT_IS_FROZEN"), ("AG01", "SAME_ACCOUNT"),
        ("AM02", "AMOUNT_NOT_ALLOWED"), ("AM03", "CURRENCY_MISMATCH"), ("AM04", "INSUFFICIENT_FUNDS"),
        ("AM05", "DUPLICATE_END_TO_END_ID"), ("RC01", "BANK_CODE_INVALID"), ("MS03", "PAYMENT_REJECTED"),
    ],
)  # fmt: skip
def test_each_iso_reason_has_one_refusal_for_people(reason: str, code: str) -> None:
    assert refusal_of(reason).code == code


def test_a_frozen_account_takes_nothing_on_the_frozen_side_and_is_not_closed(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    qenex("account", "freeze", payer, "--side", "debit")
    assert "ACCOUNT_IS_FROZEN" in qenex("transfer", payer, payee, "1.00", code=1).err
    qenex("deposit", payer, "1.00")
    qenex("account", "freeze", payee)
    assert "ACCOUNT_FROZEN" in qenex("account", "close", payee, code=1).err
    assert "ACCOUNT_IS_FROZEN" in qenex("deposit", payee, "1.00", code=1).err


def test_a_closed_account_takes_no_booking_and_no_change(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    qenex("account", "close", payee)
    assert balance(qenex, payee)["status"] == "closed"
    assert "ACCOUNT_IS_CLOSED" in qenex("transfer", payer, payee, "1.00", code=1).err
    for change in (("freeze", payee), ("unfreeze", payee), ("limit", payee, "5"), ("close", payee)):
        assert "ACCOUNT_CLOSED" in qenex("account", *change, code=1).err


def test_an_overdraft_goes_as_far_as_the_limit_and_the_limit_changes(world: tuple[Here, str]) -> None:
    qenex, owner = world
    payer, payee = new_account(qenex, owner, "EUR", "--overdraft", "10.00"), new_account(qenex, owner)
    qenex("transfer", payer, payee, "10.00")
    assert "INSUFFICIENT_FUNDS" in qenex("transfer", payer, payee, "0.01", code=1).err
    qenex("account", "limit", payer, "10.01")
    qenex("transfer", payer, payee, "0.01")
    row = balance(qenex, payer)
    assert (row["posted_minor"], row["available_minor"]) == ("-1001", "0")


def test_a_hold_is_captured_at_most_once_and_at_most_whole(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    held = qenex("hold", payer, payee, "30.00", "--json").json["transfer_id"]
    assert "INSUFFICIENT_FUNDS" in qenex("transfer", payer, payee, "70.01", code=1).err
    assert "CAPTURE_TOO_LARGE" in qenex("capture", held, "30.01", code=1).err
    assert "AMOUNT_NOT_POSITIVE" in qenex("capture", held, "0", code=1).err
    qenex("capture", held, "10.00")
    for again in (("capture", held), ("release", held)):
        assert "HOLD_NOT_OPEN" in qenex(*again, code=1).err
    assert balance(qenex, payer)["available_minor"] == "9000"


def test_a_capture_that_failed_does_not_stand_in_the_way_of_the_release(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    held = qenex("hold", payer, payee, "30.00", "--json").json["transfer_id"]
    qenex("account", "freeze", payer)
    assert "ACCOUNT_IS_FROZEN" in qenex("capture", held, code=1).err
    qenex("release", held)
    qenex("account", "unfreeze", payer)
    assert balance(qenex, payer)["available_minor"] == "10000"


def test_an_outgoing_payment_ends_as_the_other_bank_says(world: tuple[Here, str]) -> None:
    qenex, payer, _ = pair(world)
    paid, returned = (
        qenex("transfer", payer, "GB29NWBK60161331926819", "10.00", "--json").json["transfer_id"] for _ in range(2)
    )
    assert balance(qenex, payer)["available_minor"] == "8000"
    assert qenex("settle", paid, "--json").json["state"] == "captured"
    assert qenex("settle", returned, "--rejected", "AC01", "--json").json["state"] == "released"
    assert balance(qenex, payer)["posted_minor"] == "9000"
    clearing = next(
        row for row in qenex("account", "list", "--internal", "--json").json if row["product"].startswith("1200-EUR")
    )
    assert clearing["posted_minor"] == "-1000"


def test_a_reversal_is_linked_to_its_original_and_happens_once(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    moved = qenex("transfer", payer, payee, "40.00", "--json").json["transfer_id"]
    undone = qenex("reverse", moved, "--json").json
    assert balance(qenex, payer)["posted_minor"] == "10000"
    assert "ALREADY_REVERSED_BOOKING" in qenex("reverse", moved, code=1).err
    assert "NOT_REVERSIBLE" in qenex("reverse", undone["transfer_id"], code=1).err
    held = qenex("hold", payer, payee, "5.00", "--json").json["transfer_id"]
    assert "NOT_REVERSIBLE" in qenex("reverse", held, code=1).err


def test_a_reversal_without_funds_can_be_tried_again(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    moved = qenex("transfer", payer, payee, "40.00", "--json").json["transfer_id"]
    qenex("withdraw", payee, "40.00")
    for _ in range(2):
        assert "INSUFFICIENT_FUNDS" in qenex("reverse", moved, code=1).err
    qenex("deposit", payee, "40.00")
    qenex("reverse", moved)
    assert "ALREADY_REVERSED_BOOKING" in qenex("reverse", moved, code=1).err
    assert balance(qenex, payer)["posted_minor"] == "10000"


def test_an_exchange_is_reversed_with_all_its_legs(world: tuple[Here, str]) -> None:
    qenex, payer, _ = pair(world)
    dollars = new_account(qenex, world[1], "USD")
    exchanged = qenex("exchange", payer, dollars, "10.00", "--rate", "1.1", "--spread", "100", "--json").json
    assert (exchanged["bought_minor"], exchanged["spread_minor"]) == ("1089", "11")
    qenex("reverse", exchanged["bought_transfer_id"])
    assert balance(qenex, payer)["posted_minor"] == "10000"
    assert balance(qenex, dollars)["posted_minor"] == "0"
    assert "ALREADY_REVERSED_BOOKING" in qenex("reverse", exchanged["transfer_id"], code=1).err


def test_an_exchange_whose_second_leg_fails_leaves_no_first_leg(world: tuple[Here, str]) -> None:
    qenex, payer, _ = pair(world)
    dollars = new_account(qenex, world[1], "USD")
    qenex("account", "freeze", dollars)
    answer = qenex("exchange", payer, dollars, "10.00", "--rate", "1.1", "--json", code=1).json
    assert (answer["status"], answer["reason"]) == ("RJCT", "AC06")
    assert balance(qenex, payer)["posted_minor"] == "10000"


def test_a_back_dated_booking_is_booked_today_and_valued_then(world: tuple[Here, str]) -> None:
    qenex, payer, _ = pair(world)
    earlier = (datetime.now(UTC).date() - timedelta(days=10)).isoformat()
    qenex("deposit", payer, "1.00", "--value-date", earlier)
    row = qenex("statement", payer, "--format", "csv").out.splitlines()[-1].split(",")
    assert row[2] == earlier
    assert row[1] > earlier


def test_a_deposit_is_made_once_per_end_to_end_id_and_account(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    qenex("deposit", payer, "1.00", "--end-to-end-id", "SLIP 1")
    assert "DUPLICATE_END_TO_END_ID" in qenex("deposit", payer, "1.00", "--end-to-end-id", "SLIP 1", code=1).err
    qenex("deposit", payee, "1.00", "--end-to-end-id", "SLIP 1")
    assert "SLIP 1" in qenex("statement", payee).out


def test_a_rejected_payment_frees_its_end_to_end_id(world: tuple[Here, str]) -> None:
    qenex, payer, payee = pair(world)
    assert "INSUFFICIENT_FUNDS" in qenex("transfer", payer, payee, "999.00", "--end-to-end-id", "BIG", code=1).err
    qenex("transfer", payer, payee, "99.00", "--end-to-end-id", "BIG")


def test_a_payment_with_a_later_date_waits_for_it(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank", tmp_path)
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "10.00")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    (tmp_path / "later.xml").write_bytes(pain001("L-1", payer, [("E1", payee, 100, "EUR")], day=tomorrow))
    (tmp_path / "never.xml").write_bytes(
        pain001("L-2", payer, [("E2", payee, 100, "EUR")], day=tomorrow + timedelta(days=400))
    )
    answer = qenex("pay", "later.xml", "--json").json
    assert [(row["status"], row["reason"]) for row in answer["transactions"]] == [("PDNG", None)]
    assert qenex("pay", "never.xml", "--json", code=1).json["transactions"][0]["reason"] == "DT01"
    assert balance(qenex, payer)["available_minor"] == "1000"
    assert qenex("close-day", "--json").json["executed"] == 1
    assert balance(qenex, payee)["posted_minor"] == "100"
    assert answer["transactions"][0]["transfer_id"] in qenex("statement", payee, "--format", "csv").out


def test_no_account_number_is_left_when_the_bank_code_fills_it(tmp_path: Path) -> None:
    qenex = Here(tmp_path / "bank")
    owner = new_bank(qenex, "--country", "NO", "--bank-code", "99999999999")
    assert "ACCOUNT_NUMBERS_EXHAUSTED" in qenex("account", "open", "--owner", owner, "--currency", "NOK", code=1).err


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    assert "BACKUP_UNKNOWN" in Here(tmp_path / "bank")("restore", str(tmp_path), code=2).err
    assert "INSTANT_MALFORMED" in Here(tmp_path / "bank")("restore", str(tmp_path), "--until", "noon", code=2).err


# ---------------------------------------------------------------------------------------------------------------------
# The sums


@given(
    st.integers(0, 2**63), st.integers(1, 1440), st.integers(0, 60_000), st.integers(0, 60_000),
)  # fmt: skip
def test_the_business_date_is_never_closed_never_falls_and_never_before_the_calendar(
    now: int, cut_off: int, closed: int, booked: int
) -> None:
    day = business_day(now, cut_off_minutes=cut_off, last_closed_day=closed, last_booked_day=booked)
    assert day > closed
    assert day >= booked
    assert day >= now // DAY_NS


@pytest.mark.parametrize(("minutes", "day"), [(0, 100), (17 * 60 - 1, 100), (17 * 60, 101), (1439, 101)])
def test_bookings_from_the_cut_off_on_belong_to_the_next_day(minutes: int, day: int) -> None:
    now = 100 * DAY_NS + minutes * MINUTE_NS
    assert business_day(now, cut_off_minutes=17 * 60, last_closed_day=0) == day
    assert parse_cut_off("17:00") == 17 * 60


@given(st.integers(1, 0xFFFF), st.integers(1, 0xFFFF))
def test_both_dates_come_back_out_of_the_packed_number(booking: int, value: int) -> None:
    assert unpacked_dates(packed_dates(booking, value), 0) == (booking, value)


def test_chart_names_and_ledger_ids_belong_together() -> None:
    assert isinstance(EUR, Currency)
    for account in INTERNAL:
        label = internal_label(account.ledger_id(EUR))
        assert label == f"{account.number}-EUR"
        assert internal_by_label(label) == (account, EUR)
    assert internal_by_label("2100-EUR") is None
    assert len({account.number for account in CHART}) == len(CHART)
    assert {a.normal_side for a in CHART if a.account_class.value in ("asset", "expense")} == {Side.DEBIT}


@pytest.mark.parametrize(
    ("sold", "sold_minor", "bought", "rate", "spread", "expected"),
    [
        (EUR, 100_00, USD, "1.0850", 0, (108_50, 0)),
        (EUR, 100_00, USD, "1.0850", 25, (108_22, 28)),
        (EUR, 1, USD, "1.9999", 0, (1, 0)),
        (JPY, 1000, EUR, "0.0061", 0, (610, 0)),
        (EUR, 10_00, JPY, "163.999", 100, (1622, 17)),
        (KWD, 1, USD, "3.25", 0, (0, 0)),
        (KWD, 1000, USD, "3.25", 10_000, (0, 325)),
    ],
)
def test_an_exchange_rounds_the_worth_down_and_the_spread_up(
    sold: Currency, sold_minor: int, bought: Currency, rate: str, spread: int, expected: tuple[int, int]
) -> None:
    parsed = parse_rate(rate)
    assert parsed is not None
    got = exchange_amounts(sold_minor, sold, bought, parsed, spread)
    assert (got.bought, got.spread) == expected


@given(st.integers(1, 10**15), st.integers(1, 10**9), st.integers(0, 9), st.integers(0, 10_000))
def test_an_exchange_never_gives_more_than_the_rate(sold: int, numerator: int, decimals: int, spread: int) -> None:
    from qenex.products.rate import Rate

    assert isinstance(EUR, Currency)
    assert isinstance(USD, Currency)
    got = exchange_amounts(sold, EUR, USD, Rate(numerator, 10**decimals), spread)
    assert (got.bought + got.spread) * 10**decimals <= sold * numerator
    assert got.bought >= 0
    assert got.spread * 10_000 >= (got.bought + got.spread) * spread


def test_a_hold_that_runs_out_gives_the_money_back(tmp_path: Path) -> None:
    import time

    qenex = Here(tmp_path / "bank")
    owner = new_bank(qenex)
    payer, payee = new_account(qenex, owner), new_account(qenex, owner)
    qenex("deposit", payer, "10.00")
    held = qenex("hold", payer, payee, "4.00", "--timeout", "1", "--json").json["hold"]
    assert balance(qenex, payer)["available_minor"] == "600"
    time.sleep(1.2)
    assert balance(qenex, payer)["available_minor"] == "1000"
    refused = qenex("capture", held, code=1)
    assert "HOLD_NOT_OPEN" in refused.err
    assert "expired" in refused.err


def test_an_exchange_is_made_once_per_end_to_end_id(world: tuple[Here, str]) -> None:
    qenex, payer, _ = pair(world)
    dollars = new_account(qenex, world[1], "USD")
    order = ("exchange", payer, dollars, "1.00", "--rate", "1.1", "--end-to-end-id", "FX-1")
    qenex(*order)
    assert "DUPLICATE_END_TO_END_ID" in qenex(*order, code=1).err
