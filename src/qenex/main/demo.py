"""The demo bank: a dozen invented customers and a year of what customers do, made with the public calls only.

The same seed gives the same amounts on the same days. The clock is turned by hand from a year ago to now, so the
ledger's timestamps, business dates and statements are those of a bank that lived through the year.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from qenex.books import Freeze
from qenex.cli.session import NewBank
from qenex.main.compose import close_bank, create_bank, open_bank
from qenex.payments import (
    Booked,
    Details,
    Exchanged,
    Paid,
    Payments,
    book,
    capture,
    deposit,
    exchange,
    hold,
    pay_file,
    release,
    reverse,
    settle,
    submit,
    transfer,
)
from qenex.products.accounts import change_limit, freeze, open_account, unfreeze
from qenex.products.approval import sign
from qenex.products.bank import Bank
from qenex.products.customers import NewCustomer, add_customer
from qenex.products.day_end import close_business_day
from qenex.rails import TransferColumns, TransferOrder, write_pain001
from qenex.reporting import issue_statement
from qenex.storage.relational import AccountRow
from qenex.values import Clock, Iban, ManualClock, Refusal, SystemClock, invariant

DAYS = 365
PEOPLE = (
    "Ada Morgenstern", "Ben Okafor", "Chiara Lindqvist", "Dimitri Vale", "Elif Sander", "Farid Ostberg", "Greta Nakamura",
    "Hugo Petrescu", "Ines Calloway", "Jonas Abara", "Kaja Winterfeld", "Liam Duarte", "Mira Solberg", "Noah Castellan",
    "Olga Brandt", "Pavel Quist",
)  # fmt: skip
COMPANIES = ("Northlight Bakery (invented)", "Tern Street Software (invented)", "Harbour Rents (invented)")
GOODS = ("groceries", "train ticket", "books", "restaurant", "pharmacy", "hardware", "cinema", "shoes")
NS = 1_000_000_000
T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class _Cast:
    """Who plays: account numbers by role."""

    bank: Bank
    clock: ManualClock
    chance: random.Random
    people: list[AccountRow]
    dollars: dict[str, AccountRow]
    shop: AccountRow
    employer: AccountRow
    landlord: AccountRow


def make_demo(
    folder: Path, *, seed: int, customers: int, progress: Progress | None = None, clock: Clock | None = None
) -> Bank | Refusal:
    """A new DEMO bank in an empty folder, open and at the present."""
    now = clock or SystemClock()
    end = datetime.fromtimestamp(now.now_ns() // NS, UTC)
    first = end.date() - timedelta(days=DAYS)
    turned = ManualClock(_at(first, 8))
    bank = create_bank(folder, NewBank(name="QENEX Demo Bank", demo=True), clock=turned)
    if isinstance(bank, Refusal):
        return bank
    try:
        cast = _open_doors(bank, turned, random.Random(seed), max(2, min(customers, len(PEOPLE))))
        for day in range(1, DAYS):
            _live(cast, first + timedelta(days=day))
            if progress is not None:
                progress(day, DAYS)
    finally:
        close_bank(bank)
    return open_bank(folder, clock=clock)


def _at(day: date, hour: int) -> int:
    return int(datetime.combine(day, time(hour), UTC).timestamp()) * NS


def _good(answer: T | Refusal) -> T:
    """The script only does what a bank accepts; a refusal here is a mistake in the script."""
    invariant(not isinstance(answer, Refusal), f"the demo's script is accepted, not {answer}")
    assert not isinstance(answer, Refusal)
    return answer


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _open_doors(bank: Bank, clock: ManualClock, chance: random.Random, count: int) -> _Cast:
    """The founding day: capital, companies, customers, first deposits."""
    signatures = _good(sign(bank, "founding capital", None, None))
    for label in ("EUR", "USD"):
        answer = book(bank, f"1100-{label}", f"3100-{label}", "5000000.00", Details(), signatures)
        invariant(isinstance(answer, Booked), "the founding capital is booked")
        # The liquidity to exchange from comes out of the capital.
        answer = book(
            bank, f"1300-{label}", f"1100-{label}", "1000000.00", Details(text="exchange liquidity"), signatures
        )
        invariant(isinstance(answer, Booked), "the liquidity is booked")
    companies = []
    for name in COMPANIES:
        owner = _good(add_customer(bank, NewCustomer(name, "legal", "DE")))
        companies.append(_good(open_account(bank, owner, "EUR", iban=None, overdraft="0", product="business")))
    shop, employer, landlord = companies
    people: list[AccountRow] = []
    dollars: dict[str, AccountRow] = {}
    for number, name in enumerate(PEOPLE[:count]):
        owner = _good(add_customer(bank, NewCustomer(name, "natural", "DE")))
        overdraft = "500.00" if number % 3 == 0 else "0"
        row = _good(open_account(bank, owner, "EUR", iban=None, overdraft=overdraft, product="current"))
        people.append(row)
        if number % 4 == 1:
            dollars[row.iban] = _good(open_account(bank, owner, "USD", iban=None, overdraft="0", product="current"))
    cast = _Cast(bank, clock, chance, people, dollars, shop, employer, landlord)
    _booked(deposit(bank, employer.iban, "900000.00", Details(text="seed capital")))
    for row in people:
        _booked(deposit(bank, row.iban, _text(chance.randrange(80_000, 400_000)), Details(text="first deposit")))
    return cast


def _live(cast: _Cast, day: date) -> None:
    """One day: most days nothing happens but shopping, now and then something of everything."""
    bank, chance = cast.bank, cast.chance
    cast.clock.set(_at(day, 9) + chance.randrange(3600 * NS))
    bank.books.expire(cast.clock.now_ns())
    if day.weekday() == 2:
        _shopping(cast, day)
    if day.day == 1:
        _rents(cast, day)
    if day.day == 5 and day.month % 3 == 0:
        _fees(cast)
    if day.day == 12:
        _abroad(cast, day)
    if day.day == 17:
        _holiday_money(cast)
    if day.day == 20:
        _holds(cast)
    if day.day == 25:
        _salaries(cast, day)
    if (day.month, day.day) == (3, 9):
        _mishaps(cast)
    if (day + timedelta(days=1)).day == 1:
        cast.clock.set(_at(day, 22))
        _good(close_business_day(bank))
        monthly = [*cast.people[:4], cast.shop]
        yearly = [*cast.people[4:], *cast.dollars.values(), cast.employer, cast.landlord] if day.month == 12 else []
        for row in [*monthly, *yearly]:
            _good(issue_statement(bank, row.iban, None, day))


def _submit(cast: _Cast, kind: str, rows: list[tuple[str, str, int, str, str]]) -> list[str]:
    """(debtor, creditor, amount, end-to-end id, text) each, as one batch; returns the statuses."""
    today = cast.bank.today()
    columns = list(zip(*rows))
    payments = Payments(
        kind=kind, ids=[cast.bank.ids.next() for _ in rows], debtors=columns[0], creditors=columns[1],
        debtor_names=[""] * len(rows), creditor_names=[""] * len(rows), creditor_bics=[""] * len(rows), end_to_end_ids=columns[3],
        remittances=columns[4], amounts_minor=columns[2], currencies=["EUR"] * len(rows), value_days=[today] * len(rows),
        reasons=[None] * len(rows),
    )  # fmt: skip
    return submit(cast.bank, payments).statuses


def _shopping(cast: _Cast, day: date) -> None:
    chance = cast.chance
    rows = [
        (
            row.iban,
            cast.shop.iban,
            chance.randrange(300, 9_000),
            f"SHOP-{day:%y%m%d}-{number}-{place}",
            chance.choice(GOODS),
        )
        for number, row in enumerate(cast.people)
        for place in range(chance.randrange(1, 4))
    ]
    _submit(cast, "transfer", rows)


def _rents(cast: _Cast, day: date) -> None:
    rows = [
        (row.iban, cast.landlord.iban, 45_000 + 2_500 * number, f"RENT-{day:%y%m}-{number}", f"Rent {day:%B %Y}")
        for number, row in enumerate(cast.people)
    ]
    _submit(cast, "transfer", rows)


def _salaries(cast: _Cast, day: date) -> None:
    """The employer sends a pain.001, in turn of the one and the other version."""
    transfers = TransferColumns(
        end_to_end_id=[f"PAY-{day:%y%m}-{number}" for number in range(len(cast.people))],
        amount_minor=[180_000 + 7_300 * number for number in range(len(cast.people))],
        currency=["EUR"] * len(cast.people),
        creditor_name=[PEOPLE[number] for number in range(len(cast.people))],
        creditor_iban=[row.iban for row in cast.people],
        remittance_unstructured=[f"Salary {day:%B %Y}"] * len(cast.people),
    )
    version = "pain.001.001.09" if day.month % 2 else "pain.001.001.03"
    order = TransferOrder(f"SALARY-{day:%y%m}", day, COMPANIES[1], cast.employer.iban, transfers)
    file = io.BytesIO()
    created = datetime.combine(day, time(9), UTC)
    write_pain001(
        file, version, message_id=f"SALARY-{day:%y%m}", created=created, initiating_party=COMPANIES[1], orders=[order]
    )
    paid = _good(pay_file(cast.bank, file.getvalue()))
    assert isinstance(paid, Paid)
    # What comes back to the employer keeps it able to pay: its customers pay through the shop.
    _booked(deposit(cast.bank, cast.employer.iban, _text(sum(transfers.amount_minor)), Details(text="sales")))


def _fees(cast: _Cast) -> None:
    signatures = _good(sign(cast.bank, "quarterly account fee", None, None))
    for row in cast.people[:3]:
        book(cast.bank, row.iban, "4100-EUR", "2.90", Details(text="Account fee"), signatures)


def _abroad(cast: _Cast, day: date) -> None:
    """Payments to other banks: two arrive, every third comes back."""
    for number in range(3):
        row = cast.chance.choice(cast.people)
        outside = _good(Iban.build("AT", f"{19043:05}{cast.chance.randrange(10**11):011}"))
        details = Details(f"OUT-{day:%y%m}-{number}", "Invoice", creditor_name="Somebody Elsewhere")
        answer = transfer(cast.bank, row.iban, outside.compact, _text(cast.chance.randrange(1_000, 20_000)), details)
        if isinstance(answer, Booked):
            cast.clock.advance(3600 * NS)
            _good(settle(cast.bank, answer.transfer_id, "AC01" if number == 2 else None))


def _holiday_money(cast: _Cast) -> None:
    for iban, dollar in cast.dollars.items():
        rate = f"1.{cast.chance.randrange(500, 1500):04}"
        amount = _text(cast.chance.randrange(2_000, 15_000))
        answer = exchange(cast.bank, iban, dollar.iban, amount, rate=rate, spread_basis_points=25, details=Details())
        assert not isinstance(answer, Refusal)
        invariant(isinstance(answer, Exchanged) or answer.reason == "AM04", "an exchange fails only for want of money")


def _holds(cast: _Cast) -> None:
    """Reservations: one is captured in part, one released, one runs out by itself."""
    amounts = [cast.chance.randrange(5_000, 15_000) for _ in range(3)]
    for number, row in enumerate(cast.people[:3]):
        timeout = 600 if number == 2 else 0
        answer = hold(cast.bank, row.iban, cast.shop.iban, _text(amounts[number]), Details(text="reservation"), timeout)
        if not isinstance(answer, Booked):
            continue
        cast.clock.advance(1800 * NS)
        if number == 0:
            _good(capture(cast.bank, answer.transfer_id, _text(amounts[number] // 2)))
        elif number == 1:
            _good(release(cast.bank, answer.transfer_id))


def _mishaps(cast: _Cast) -> None:
    """Once a year: a wrong payment reversed, an account frozen for an hour, a limit raised."""
    bank, row = cast.bank, cast.people[0]
    wrong = transfer(bank, cast.employer.iban, row.iban, "77.70", Details("WRONG-1", "paid to the wrong person"))
    invariant(isinstance(wrong, Booked), "the employer has money")
    assert isinstance(wrong, Booked)
    _good(reverse(bank, wrong.transfer_id, _good(sign(bank, "wrong payee", None, None))))
    signatures = _good(sign(bank, "stolen phone", None, None))
    _good(freeze(bank, row.iban, Freeze.debits, signatures))
    cast.clock.advance(3600 * NS)
    _good(unfreeze(bank, row.iban, signatures))
    _good(change_limit(bank, row.iban, "750.00", _good(sign(bank, "steady income", None, None))))


def _booked(answer: object) -> None:
    invariant(isinstance(answer, Booked), f"the demo's script is booked, not {answer}")
