"""The way of a payment through the bank, on one screen: who asks, within limits, screened, routed, posted."""

from __future__ import annotations

from qenex.payments.orders import Authorised, Payments, Posted, Screened, WithinLimits
from qenex.payments.posting import Started, finish, start
from qenex.payments.routing import route
from qenex.products.bank import Bank


def submit(bank: Bank, payments: Payments) -> Posted:
    """Execute a batch of payments and wait until everything that is accepted is durable."""
    return finish(bank, submit_ahead(bank, payments))


def submit_ahead(bank: Bank, payments: Payments) -> Started:
    """The same, without waiting for the journal: the next batch can be prepared while this one is written."""
    authorised = authorise(payments, bank.operator)
    within_limits = apply_limits(authorised)
    screened = screen(within_limits)
    routed = route(bank, screened)
    return start(bank, routed)


def authorise(payments: Payments, operator: str) -> Authorised:
    """The person at the command line operates the bank and may order payments for any of its accounts."""
    return Authorised(payments, operator)


def apply_limits(authorised: Authorised) -> WithinLimits:
    """The operator has no limits of amount or rate; what an account has available is the ledger's own check."""
    return WithinLimits(authorised.payments)


def screen(within_limits: WithinLimits) -> Screened:
    """No list or rule is configured: every payment passes."""
    return Screened(within_limits.payments)
