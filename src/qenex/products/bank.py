"""The open bank: the things every operation on it is handed, and nothing it can do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from qenex.books import Books, Signers
from qenex.crypto import Keyring
from qenex.products.business_day import business_day
from qenex.storage.relational import Store
from qenex.values import Clock, Currency, Iban, IdSource, Money, Refusal, currency_by_numeric, invariant, refuse

SINGLE_OPERATOR_NOTICE = (
    "single operator: freezes, limits and manual bookings need no second person (init --four-eyes changes that)"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What was decided when the bank was made."""

    name: str
    bic: str
    country: str
    bank_code: str
    cut_off_minutes: int
    four_eyes: bool
    demo: bool

    def to_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_text(text: str) -> Settings:
        return Settings(**json.loads(text))


@dataclass(slots=True)
class Bank:
    folder: Path
    books: Books
    store: Store
    keyring: Keyring
    signers: Signers
    clock: Clock
    ids: IdSource
    settings: Settings
    operator: str
    currencies_opened: set[int] = field(default_factory=set)
    """ledger numbers in which the bank's own accounts are known to be open"""
    _last_closed_day: int = 0
    _open_day: int = 0

    def __post_init__(self) -> None:
        days = self.store.business_dates()
        self._last_closed_day = max((day.day for day in days if day.state == "closed"), default=0)
        self._open_day = max((day.day for day in days), default=0)

    @property
    def reports(self) -> Path:
        """Where answers to payment files are written."""
        return self.folder / "reports"

    def today(self) -> int:
        """The business date for a booking made now, as days since 1970-01-01."""
        day = business_day(
            self.clock.now_ns(),
            cut_off_minutes=self.settings.cut_off_minutes,
            last_closed_day=self._last_closed_day,
            last_booked_day=self._open_day,
        )
        if day > self._open_day:
            if self._open_day > self._last_closed_day:
                # A date also closes when the next one begins; `close-day` only does it earlier, after checking the books.
                self.store.close_day(self._open_day)
                self._last_closed_day = self._open_day
            self.store.open_day(day)
            self._open_day = day
        return day

    @property
    def open_day(self) -> int:
        """The last business date that was begun, without beginning a new one."""
        return self._open_day

    @property
    def last_closed_day(self) -> int:
        return self._last_closed_day

    def day_closed(self, day: int) -> None:
        """Told by `close_day` after the store has it: later bookings get a later date."""
        invariant(day > self._last_closed_day, "a business date is closed once, and after all earlier ones")
        self._last_closed_day = day


def money_of(minor: int, numeric: int) -> Money:
    """An amount in the currency of a ledger that exists; an unknown number is a bug, not a refusal."""
    found = currency_by_numeric(numeric)
    invariant(isinstance(found, Currency), "every ledger number in the bank is a currency")
    assert isinstance(found, Currency)
    return Money(minor, found)


def is_ours(iban: Iban, settings: Settings) -> bool:
    """True when the number carries our country and bank code: then it is an account here, or nowhere."""
    return iban.country == settings.country and iban.bban.startswith(settings.bank_code)


def parse_number(text: str, what: str) -> int | Refusal:
    """A decimal u128, as printed by other commands."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 39 and 0 < int(text) < 2**128 - 1):
        return refuse("NUMBER_MALFORMED", given=text, what=what)
    return int(text)
