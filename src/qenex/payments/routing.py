"""Where a payment goes: to an account here, or out through the clearing account of its currency."""

from __future__ import annotations

import numpy as np

from qenex.payments.orders import Payments, Routed, Screened
from qenex.payments.reasons import (
    DUPLICATION,
    INCORRECT_ACCOUNT,
    NOT_ALLOWED_CURRENCY,
    TRANSACTION_FORBIDDEN,
)
from qenex.products.accounts import ensure_currency
from qenex.products.bank import Bank
from qenex.products.chart import CLEARING, BookingCode
from qenex.storage.relational import BANK_ID, AccountRow
from qenex.values import Currency, currency

_NOBODY = AccountRow(0, BANK_ID, "", "", "", 0, "", 0)


def route(bank: Bank, screened: Screened) -> Routed:
    """Find both accounts of every row, refuse rows whose accounts or currencies do not fit, and find repeated orders.

    Whether an account is frozen, closed or has enough is left to the ledger, which decides it at the instant of booking.
    """
    payments = screened.payments
    count = len(payments)
    wanted = {*payments.debtors, *payments.creditors} - {""}
    known = bank.store.accounts_by_iban(wanted)
    debtors = [known.get(iban, _NOBODY) for iban in payments.debtors]
    creditors = [known.get(iban, _NOBODY) for iban in payments.creditors]
    country, bank_code, our_bic = bank.settings.country, bank.settings.bank_code, bank.settings.bic[:8]
    clearing, ledgers = _clearing_accounts(bank, payments)
    leaves = [not row.id for row in creditors]

    reasons = payments.reasons
    for place, (reason, debtor, creditor, money) in enumerate(zip(reasons, debtors, creditors, payments.currencies)):
        if reason is not None:
            continue
        if not debtor.id:
            reasons[place] = INCORRECT_ACCOUNT
        elif not creditor.id and (
            (payments.creditors[place].startswith(country) and payments.creditors[place].startswith(bank_code, 4))
            or payments.creditor_bics[place].startswith(our_bic)
        ):
            # A number of this bank that is no account here is no account anywhere.
            reasons[place] = INCORRECT_ACCOUNT
        elif debtor.currency != money or (creditor.id and creditor.currency != money):
            reasons[place] = NOT_ALLOWED_CURRENCY
        elif debtor.id == creditor.id:
            reasons[place] = TRANSACTION_FORBIDDEN
    _find_repeated(bank, payments, debtors)

    code_here, code_out = (
        (BookingCode.HOLD, BookingCode.HOLD) if payments.held else (BookingCode.TRANSFER, BookingCode.OUTGOING)
    )
    return Routed(
        payments=payments,
        owners=[row.owner_id for row in debtors],
        debit_ids=[row.id for row in debtors],
        credit_ids=[row.id or clearing.get(money, 0) for row, money in zip(creditors, payments.currencies)],
        creditor_account_ids=[row.id for row in creditors],
        ledgers=[ledgers.get(money, 0) for money in payments.currencies],
        codes=np.where(np.fromiter(leaves, np.bool_, count), code_out, code_here).tolist(),
        leaves=leaves,
    )


def _clearing_accounts(bank: Bank, payments: Payments) -> tuple[dict[str, int], dict[str, int]]:
    """Clearing account and ledger number of each currency in the batch. Unknown currencies are refused before."""
    clearing: dict[str, int] = {}
    ledgers: dict[str, int] = {}
    for code in set(payments.currencies):
        money = currency(code)
        if isinstance(money, Currency):
            ensure_currency(bank, money)
            clearing[code], ledgers[code] = CLEARING.ledger_id(money), money.numeric
    return clearing, ledgers


def _find_repeated(bank: Bank, payments: Payments, debtors: list[AccountRow]) -> None:
    """Refuse what the same account ordered before under the same end-to-end id."""
    end_to_end_ids = payments.unique_ids()
    if not any(end_to_end_ids):
        return
    earlier = bank.store.find_duplicates([row.id for row in debtors], end_to_end_ids)
    for place, found in enumerate(earlier):
        # A file taken up again after a crash meets its own payments; those are no repetition.
        if found and found != payments.ids[place]:
            payments.reasons[place] = DUPLICATION
