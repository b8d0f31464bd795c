"""Customers: added, shown, and erased."""

from __future__ import annotations

from dataclasses import dataclass

from qenex.products.approval import Signatures, approved
from qenex.products.bank import Bank
from qenex.storage.relational import BANK_ID, Customer
from qenex.values import Refusal, refuse


@dataclass(frozen=True, slots=True)
class NewCustomer:
    name: str
    kind: str
    """natural or legal"""
    country: str = ""
    email: str = ""


def add_customer(bank: Bank, new: NewCustomer) -> int | Refusal:
    """The id of the new customer."""
    name = " ".join(new.name.split())
    if not name:
        return refuse("NAME_MISSING")
    details = {"name": name, "country": new.country.upper(), "email": new.email}
    customer_id = bank.ids.next()
    refusal = bank.store.add_customer(customer_id, {key: text for key, text in details.items() if text}, kind=new.kind)
    return refusal if isinstance(refusal, Refusal) else customer_id


def customers(bank: Bank) -> list[Customer]:
    """All customers but the bank itself, oldest first."""
    return sorted(
        (customer for customer in bank.store.customers() if customer.id != BANK_ID), key=lambda customer: customer.id
    )


def erase_customer(bank: Bank, customer_id: int, signatures: Signatures) -> None | Refusal:
    """Destroy the customer's key. The ledger keeps every transfer, and every proof still verifies."""
    customer = bank.store.customer(customer_id)
    if isinstance(customer, Refusal):
        return customer
    if customer.details is None:
        return refuse("CUSTOMER_ERASED", customer_id=customer_id)
    open_accounts = [row for row in bank.store.accounts(owner_id=customer_id) if row.status != "closed"]
    if open_accounts:
        return refuse("CUSTOMER_HAS_OPEN_ACCOUNTS", customer=customer_id, count=len(open_accounts))
    approval = approved(bank, "erase", customer_id, f"erase {customer_id}", signatures)
    if isinstance(approval, Refusal):
        return approval
    # The person's words stay with the approval; the list of erasures holds a code only.
    return bank.store.erase_customer(customer_id, "requested")
