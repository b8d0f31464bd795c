"""customer add, list, show, erase."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from qenex.cli.approvals import approval_number
from qenex.cli.session import Session, taken
from qenex.products.accounts import balances
from qenex.products.approval import sign
from qenex.products.bank import parse_number
from qenex.products.customers import NewCustomer, add_customer, customers, erase_customer
from qenex.storage.relational import Customer
from qenex.values import Refusal, refuse


def add(arguments: Namespace, session: Session) -> int | Refusal:
    name = arguments.name_option or arguments.name
    if not name:
        return refuse("NAME_MISSING")
    kind = "natural" if arguments.kind == "person" else "legal"
    new = NewCustomer(name, kind, arguments.country or "", arguments.email or "")
    bank = session.bank()
    customer_id = taken(add_customer(bank, new))
    if session.json:
        session.out.document(_as_json(taken(bank.store.customer(customer_id))))
    else:
        session.out.line(str(customer_id))
    return 0


def list_(arguments: Namespace, session: Session) -> int:
    del arguments
    found = customers(session.bank())
    if session.json:
        session.out.document([_as_json(customer) for customer in found])
        return 0
    rows = [[str(c.id), (c.details or {}).get("name", "(erased)"), _kind(c), c.status] for c in found]
    session.out.table(["id", "name", "kind", "status"], rows)
    return 0


def show(arguments: Namespace, session: Session) -> int:
    bank = session.bank()
    customer_id = taken(parse_number(arguments.customer, "a customer's id"))
    customer = taken(bank.store.customer(customer_id))
    accounts = balances(bank, bank.store.accounts(owner_id=customer_id))
    if session.json:
        from qenex.cli.verbs.accounts import as_json

        session.out.document({**_as_json(customer), "accounts": [as_json(account) for account in accounts]})
        return 0
    details = customer.details or {"name": "(erased)"}
    for label, value in [
        ("id", str(customer.id)),
        *details.items(),
        ("kind", _kind(customer)),
        ("status", customer.status),
    ]:
        session.out.line(f"{label:10} {value}")
    if accounts:
        from qenex.cli.verbs.accounts import write_table

        session.out.line()
        write_table(session, accounts)
    return 0


def erase(arguments: Namespace, session: Session) -> int | Refusal:
    bank = session.bank()
    customer_id = taken(parse_number(arguments.customer, "a customer's id"))
    if not arguments.yes:
        return refuse("ERASURE_NOT_CONFIRMED", customer=customer_id)
    signatures = taken(
        sign(bank, arguments.reason, arguments.requested_by, arguments.approved_by, approval_number(arguments))
    )
    refusal = erase_customer(bank, customer_id, signatures)
    if isinstance(refusal, Refusal):
        return refusal
    if session.json:
        session.out.document({"id": str(customer_id), "status": "erased"})
    else:
        session.out.line(f"customer {customer_id} is erased")
    return 0


def _kind(customer: Customer) -> str:
    return {"natural": "person", "legal": "company"}.get(customer.kind, customer.kind)


def _as_json(customer: Customer) -> dict[str, Any]:
    details = customer.details or {}
    return {
        "id": str(customer.id), "name": details.get("name"), "kind": _kind(customer), "status": customer.status,
        "country": details.get("country"), "email": details.get("email"),
    }  # fmt: skip
