"""The business date: the day a booking belongs to, apart from the instant the ledger stamped on it.

A business date is a number of days since 1970-01-01. It is the calendar day in UTC, moved to the next day from the
cut-off on, never a day that is closed, and never earlier than a day already booked on. So the booking dates along an
account never fall, and the entries of a range of dates are one unbroken piece of the account's history.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

EPOCH = date(1970, 1, 1)
DAY_NS = 86_400 * 1_000_000_000
MINUTE_NS = 60 * 1_000_000_000
LAST_DAY = 0xFFFF
"""A day is stored in 16 bits beside the transfer, which lasts until 2149."""


def day_number(day: date) -> int:
    return (day - EPOCH).days


def date_of(day: int) -> date:
    return EPOCH + timedelta(days=day)


def business_day(now_ns: int, *, cut_off_minutes: int, last_closed_day: int, last_booked_day: int = 0) -> int:
    calendar_day = (now_ns + (1440 - cut_off_minutes) * MINUTE_NS) // DAY_NS
    return max(calendar_day, last_closed_day + 1, last_booked_day)


def packed_dates(booking_day: int, value_day: int) -> int:
    """Both days in the transfer's `user_data_32`: booking day in the upper half, value day in the lower."""
    return booking_day << 16 | value_day


def unpacked_dates(packed: int, timestamp_ns: int) -> tuple[int, int]:
    """Booking and value day of a transfer; a zero half means the day of the ledger's timestamp."""
    stamped = timestamp_ns // DAY_NS
    return (packed >> 16) or stamped, (packed & 0xFFFF) or stamped


def parse_date(text: str) -> date | None:
    """An ISO 8601 calendar date with dashes, or None."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def instant(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC)


def parse_cut_off(text: str) -> int | None:
    """`17:30` in minutes after midnight, `24:00` for no cut-off; None when it is no time of day."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and len(minutes) == 2):
        return None
    total = int(hours) * 60 + int(minutes)
    return total if 0 < total <= 1440 and int(minutes) < 60 else None
