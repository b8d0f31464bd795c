"""What only tests need: balances that no test could book its way to."""

from __future__ import annotations

from typing import Any

from qenex.ledger.types import U128_MAX, ids_array, u128_to_int


def set_balances(
    ledger: Any,
    account_id: int,
    *,
    debits_pending: int | None = None,
    debits_posted: int | None = None,
    credits_pending: int | None = None,
    credits_posted: int | None = None,
) -> None:
    """Overwrite the live balances of an account; those not given stay. Works on a Ledger and on an engine.

    The sums of debits and credits need not be equal any more, and history knows nothing of it. Raises KeyError when
    there is no such account.
    """
    engine = getattr(ledger, "engine", ledger)
    found = engine.lookup_accounts(ids_array([account_id]))
    if len(found) == 0:
        raise KeyError(f"there is no account {account_id}")
    given = {
        "debits_pending": debits_pending,
        "debits_posted": debits_posted,
        "credits_pending": credits_pending,
        "credits_posted": credits_posted,
    }
    balances = {}
    for name, value in given.items():
        balances[name] = u128_to_int(found[0], name) if value is None else value
        if not 0 <= balances[name] <= U128_MAX:
            raise ValueError(f"{name} does not fit 128 bits: {value}")
    engine._test_set_balances(account_id, **balances)
