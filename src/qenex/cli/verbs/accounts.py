"""account open, list, show, freeze, unfreeze, limit, close."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from qenex.books import Freeze
from qenex.cli.approvals import approval_number
from qenex.cli.session import Session, taken
from qenex.products import accounts as products
from qenex.products.accounts import AccountBalance
from qenex.products.approval import Signatures, sign
from qenex.products.bank import money_of, parse_number
from qenex.values import Refusal


def open_(arguments: Namespace, session: Session) -> int:
    bank = session.bank()
    owner = taken(parse_number(arguments.owner, "a customer's id"))
    row = taken(
        products.open_account(
            bank,
            owner,
            arguments.currency,
            iban=arguments.iban,
            overdraft=arguments.overdraft,
            product=arguments.product,
        )
    )
    if session.json:
        session.out.document(as_json(products.balance_of(bank, row)))
    else:
        session.out.line(row.iban)
    return 0


def list_(arguments: Namespace, session: Session) -> int:
    bank = session.bank()
    if arguments.internal:
        found = products.internal_balances(bank)
    else:
        owner = taken(parse_number(arguments.owner, "a customer's id")) if arguments.owner else None
        rows = sorted(bank.store.accounts(owner_id=owner), key=lambda row: row.id)
        found = products.balances(bank, rows)
    if session.json:
        session.out.document([as_json(account) for account in found])
    else:
        write_table(session, found)
    return 0


def show(arguments: Namespace, session: Session) -> int:
    bank = session.bank()
    account = products.balance_of(bank, taken(products.account_of(bank, arguments.iban)))
    if session.json:
        session.out.document(as_json(account))
        return 0
    row = account.row
    for label, text in (
        ("iban", row.iban),
        ("id", str(row.id)),
        ("owner", str(row.owner_id)),
        ("product", row.product),
        ("currency", row.currency),
        ("status", account.status),
        ("posted", _text(account, account.posted_minor)),
        ("held", _text(account, account.held_minor)),
        ("limit", _text(account, account.limit_minor)),
        ("available", _text(account, account.available_minor)),
    ):
        session.out.line(f"{label:10} {text}")
    return 0


def freeze(arguments: Namespace, session: Session) -> int:
    side = {"debit": Freeze.debits, "credit": Freeze.credits, "both": Freeze.debits | Freeze.credits}[arguments.side]
    return _changed(
        session, taken(products.freeze(session.bank(), arguments.iban, side, _signatures(arguments, session)))
    )


def unfreeze(arguments: Namespace, session: Session) -> int:
    return _changed(session, taken(products.unfreeze(session.bank(), arguments.iban, _signatures(arguments, session))))


def limit(arguments: Namespace, session: Session) -> int:
    signatures = _signatures(arguments, session)
    return _changed(session, taken(products.change_limit(session.bank(), arguments.iban, arguments.amount, signatures)))


def close(arguments: Namespace, session: Session) -> int:
    return _changed(
        session, taken(products.close_account(session.bank(), arguments.iban, _signatures(arguments, session)))
    )


def _signatures(arguments: Namespace, session: Session) -> Signatures:
    return taken(
        sign(
            session.bank(), arguments.reason, arguments.requested_by, arguments.approved_by, approval_number(arguments)
        )
    )


def _changed(session: Session, account: AccountBalance | Refusal) -> int:
    account = taken(account)
    if session.json:
        session.out.document(as_json(account))
    else:
        session.out.line(f"{account.row.iban} is {account.status}, limit {_text(account, account.limit_minor)}")
    return 0


def as_json(account: AccountBalance) -> dict[str, Any]:
    """The shape that scripts rely on; amounts are strings of minor units."""
    row = account.row
    return {
        "id": str(row.id),
        "iban": row.iban or None,
        "currency": row.currency,
        "owner": str(row.owner_id),
        "status": account.status,
        "posted_minor": str(account.posted_minor),
        "pending_minor": str(account.pending_minor),
        "available_minor": str(account.available_minor),
        "held_minor": str(account.held_minor),
        "limit_minor": str(account.limit_minor),
        "product": row.product,
    }


def write_table(session: Session, accounts: Sequence[AccountBalance]) -> None:
    rows = [
        [
            account.row.iban or account.row.product, account.row.currency, account.status, _text(account, account.posted_minor),
            _text(account, account.held_minor), _text(account, account.available_minor), str(account.row.owner_id),
        ]
        for account in accounts
    ]  # fmt: skip
    session.out.table(["account", "ccy", "status", "posted", "held", "available", "owner"], rows, right=(3, 4, 5))


def _text(account: AccountBalance, minor: int) -> str:
    return money_of(minor, account.row.ledger).decimal_text()
