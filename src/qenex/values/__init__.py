"""Values that cannot be wrong once parsed: money, currency, IBAN, BIC, LEI, reference, id, clock, refusal."""

from qenex.values import refusals as _refusals  # noqa: F401  registers the codes of this package
from qenex.values.bic import Bic, parse_bic
from qenex.values.clock import Clock, ManualClock, SystemClock
from qenex.values.country import COUNTRIES
from qenex.values.creditor_reference import CreditorReference, parse_creditor_reference
from qenex.values.currency import (
    CURRENCIES,
    FIRST_REGISTERED_ASSET,
    Currency,
    CurrencyKind,
    currency,
    currency_by_numeric,
)
from qenex.values.fault import CorruptionFound, Fault
from qenex.values.iban import IBAN_STRUCTURES, Iban, IbanStructure, parse_iban
from qenex.values.ids import ID_MAX, IdSource, derive_id
from qenex.values.invariant import InvariantBroken, invariant
from qenex.values.lei import Lei, parse_lei
from qenex.values.money import MINOR_MAX, Money
from qenex.values.refusal import EXIT_REFUSED, EXIT_USAGE, REFUSALS, Refusal, RefusalCode, refuse, register
from qenex.values.rounding import Rounding

__all__ = [
    "COUNTRIES",
    "CURRENCIES",
    "EXIT_REFUSED",
    "EXIT_USAGE",
    "FIRST_REGISTERED_ASSET",
    "IBAN_STRUCTURES",
    "ID_MAX",
    "MINOR_MAX",
    "REFUSALS",
    "Bic",
    "Clock",
    "CorruptionFound",
    "CreditorReference",
    "Currency",
    "CurrencyKind",
    "Fault",
    "Iban",
    "IbanStructure",
    "IdSource",
    "InvariantBroken",
    "Lei",
    "ManualClock",
    "Money",
    "Refusal",
    "RefusalCode",
    "Rounding",
    "SystemClock",
    "currency",
    "currency_by_numeric",
    "derive_id",
    "invariant",
    "parse_bic",
    "parse_creditor_reference",
    "parse_iban",
    "parse_lei",
    "refuse",
    "register",
]
