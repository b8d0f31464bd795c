"""Bookkeeping data: one open day, four eyes, one reversal, unbroken statements."""

from dataclasses import replace

import pytest
from tests.storage.relational.worlds import ANNA, DAY, NOON, anna_with_an_account, code_of

from qenex.storage.relational import (
    Approval,
    Booking,
    BusinessDate,
    ChartLine,
    FxQuote,
    HoldRow,
    Statement,
    Store,
)
from qenex.values import InvariantBroken


def test_one_business_day_is_open_at_a_time_and_none_opens_twice(store: Store):
    assert code_of(store.business_date()) == "NO_BUSINESS_DATE"
    assert store.open_day(DAY) is None
    assert store.open_day(DAY) is None
    assert store.business_date() == DAY
    assert code_of(store.open_day(DAY + 1)) == "BUSINESS_DAY_OPEN"
    assert code_of(store.close_day(DAY + 1)) == "BUSINESS_DAY_NOT_OPEN"
    assert store.close_day(DAY) is None
    assert code_of(store.close_day(DAY)) == "BUSINESS_DAY_NOT_OPEN"
    assert code_of(store.open_day(DAY)) == "BUSINESS_DAY_CLOSED"
    assert code_of(store.open_day(DAY - 1)) == "BUSINESS_DAY_CLOSED"
    assert store.open_day(DAY + 3) is None
    assert store.business_dates() == [BusinessDate(DAY, "closed", NOON, NOON), BusinessDate(DAY + 3, "open", NOON, 0)]


def test_whoever_asks_never_decides_and_an_approval_is_used_once_for_exactly_what_was_asked(store: Store):
    request = Approval(7, "set_limit", 12, "EUR 500.00", "good customer", "clerk")
    assert store.request_approval(request) is None
    assert store.request_approval(request) is None
    assert code_of(store.request_approval(replace(request, content="EUR 5000.00"))) == "APPROVAL_EXISTS"
    assert code_of(store.use_approval(7, "set_limit", 12, "EUR 500.00")) == "APPROVAL_MISSING"
    assert code_of(store.decide_approval(7, "clerk", True)) == "FOUR_EYES"
    assert code_of(store.decide_approval(7, "Clerk", True)) == "FOUR_EYES"
    assert code_of(store.decide_approval(8, "head", True)) == "APPROVAL_MISSING"
    assert store.decide_approval(7, "head", True) is None
    assert code_of(store.decide_approval(7, "other", False)) == "APPROVAL_DECIDED"
    for action, subject, content in [
        ("freeze", 12, "EUR 500.00"),
        ("set_limit", 13, "EUR 500.00"),
        ("set_limit", 12, ""),
    ]:
        assert code_of(store.use_approval(7, action, subject, content)) == "APPROVAL_MISSING"
    assert store.use_approval(7, "set_limit", 12, "EUR 500.00") is None
    assert code_of(store.use_approval(7, "set_limit", 12, "EUR 500.00")) == "APPROVAL_MISSING"
    [row] = store.approvals()
    assert (row.state, row.requested_by, row.decided_by) == ("used", "clerk", "head")
    assert store.approvals("requested") == []


def test_a_refused_request_cannot_be_used(store: Store):
    store.request_approval(Approval(7, "freeze", 12, "debits", "court order", "clerk"))
    assert store.decide_approval(7, "head", False) is None
    assert code_of(store.use_approval(7, "freeze", 12, "debits")) == "APPROVAL_MISSING"


def test_a_booking_is_written_once_and_says_when_it_is_back_dated(store: Store):
    booking = Booking(5, "back_dated", DAY, DAY - 3, "late notice")
    assert booking.is_back_dated
    assert store.add_booking(booking) is None
    assert store.add_booking(booking) is None
    assert store.booking(5) == booking
    assert store.booking(6) is None
    assert code_of(store.add_booking(replace(booking, reason="other"))) == "BOOKING_EXISTS"


def test_a_transfer_is_reversed_at_most_once(store: Store):
    assert store.reversal_of(5) is None
    assert store.add_reversal(5, 6, "wrong amount") is None
    assert store.add_reversal(5, 6, "wrong amount") is None
    assert store.reversal_of(5) == 6
    assert code_of(store.add_reversal(5, 7, "again")) == "ALREADY_REVERSED"


def test_statements_have_no_gap_in_number_time_or_balance(store: Store):
    account = anna_with_an_account(store)
    first = Statement(account, 1, DAY, DAY, 0, 1000, 0, 500, 2)
    second = Statement(account, 2, DAY + 1, DAY + 1, 1000, 2000, 500, -20, 1)
    assert store.last_statement(account) is None
    assert store.add_statement(first) is None
    assert store.add_statement(first) is None
    for wrong in (
        replace(first, closing_minor=501),
        replace(second, number=3),
        replace(second, opening_minor=501),
        replace(second, from_timestamp=1001),
        replace(second, from_timestamp=999),
        replace(second, entries=0),
    ):
        assert code_of(store.add_statement(wrong)) == "STATEMENT_BREAKS_CHAIN"
    assert store.add_statement(second) is None
    assert store.last_statement(account) == second
    assert store.statements(account) == [first, second]


def test_the_chart_keeps_class_and_side_and_takes_a_new_name(store: Store):
    line = ChartLine("2100", "Deposits", "liability", "credit")
    store.put_chart([line, ChartLine("1000", "Cash", "asset", "debit")])
    store.put_chart([ChartLine("2100", "Customer deposits", "asset", "debit")])
    assert store.chart() == [ChartLine("1000", "Cash", "asset", "debit"), replace(line, name="Customer deposits")]


def test_a_hold_ends_once(store: Store):
    account = anna_with_an_account(store)
    hold = HoldRow(9, ANNA, account, account + 1024, 100, "EUR", 0)
    store.add_hold(hold)
    store.add_hold(hold)
    assert store.hold(9) == hold
    assert store.hold(9, ANNA) == hold
    assert store.holds() == [hold]
    assert store.set_hold(9, ANNA, "captured", 60) is None
    assert store.set_hold(9, ANNA, "captured", 60) is None
    assert code_of(store.set_hold(9, ANNA, "released")) == "HOLD_FINAL"
    assert code_of(store.set_hold(10, ANNA, "released")) == "HOLD_NOT_FOUND"
    assert code_of(store.hold(10)) == "HOLD_NOT_FOUND"
    assert store.holds() == []
    assert store.holds(None) == [replace(hold, state="captured", captured_minor=60)]


def test_a_quote_serves_one_exchange_of_its_own_customer(store: Store):
    anna_with_an_account(store)
    quote = FxQuote(4, ANNA, "EUR", "USD", 11, 10, 50, 1, 2)
    store.add_fx_quote(quote)
    store.add_fx_quote(quote)
    assert store.fx_quotes() == [quote]
    assert code_of(store.use_fx_quote(5, ANNA, 77)) == "QUOTE_NOT_FOUND"
    assert code_of(store.use_fx_quote(4, ANNA + 1024, 77)) == "QUOTE_NOT_FOUND"
    assert store.use_fx_quote(4, ANNA, 77) == quote
    assert store.use_fx_quote(4, ANNA, 77) == replace(quote, used_by_transfer_id=77)
    assert code_of(store.use_fx_quote(4, ANNA, 78)) == "QUOTE_USED"


def test_settings_are_kept_and_the_position_in_the_journal_is_not_one_of_them(store: Store):
    assert store.setting("bank name") is None
    store.put_setting("bank name", "QENEX")
    store.put_setting("bank name", "QENEX Bank")
    assert store.setting("bank name") == "QENEX Bank"
    with pytest.raises(InvariantBroken):
        store.put_setting("last_applied_batch", "5")
