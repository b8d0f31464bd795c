"""deposit, withdraw, transfer, exchange, hold, capture, release, settle."""

from __future__ import annotations

from argparse import Namespace

from qenex.cli.session import Session, taken
from qenex.payments import (
    Answer,
    Booked,
    Details,
    Ended,
    Rejected,
)  # fmt: skip
from qenex.payments import (
    capture as capture_hold,
)
from qenex.payments import (
    deposit as deposit_cash,
)
from qenex.payments import (
    exchange as exchange_money,
)
from qenex.payments import (
    hold as hold_money,
)
from qenex.payments import (
    release as release_hold,
)
from qenex.payments import (
    settle as settle_payment,
)
from qenex.payments import (
    transfer as transfer_money,
)
from qenex.payments import (
    withdraw as withdraw_cash,
)
from qenex.products.bank import parse_number
from qenex.values import Refusal


def deposit(arguments: Namespace, session: Session) -> int | Refusal:
    return answered(session, deposit_cash(session.bank(), arguments.iban, arguments.amount, _details(arguments)))


def withdraw(arguments: Namespace, session: Session) -> int | Refusal:
    return answered(session, withdraw_cash(session.bank(), arguments.iban, arguments.amount, _details(arguments)))


def transfer(arguments: Namespace, session: Session) -> int | Refusal:
    answer = transfer_money(session.bank(), arguments.debtor, arguments.creditor, arguments.amount, _details(arguments))
    return answered(session, answer)


def hold(arguments: Namespace, session: Session) -> int | Refusal:
    answer = hold_money(
        session.bank(), arguments.debtor, arguments.creditor, arguments.amount, _details(arguments), arguments.timeout
    )
    return answered(session, answer, is_hold=True)


def exchange(arguments: Namespace, session: Session) -> int | Refusal:
    answer = exchange_money(
        session.bank(), arguments.debtor, arguments.creditor, arguments.amount,
        rate=arguments.rate, spread_basis_points=arguments.spread, details=_details(arguments),
    )  # fmt: skip
    if isinstance(answer, Refusal | Rejected):
        return answered(session, answer)
    if session.json:
        session.out.document(
            {
                "transfer_id": str(answer.transfer_id),
                "bought_transfer_id": str(answer.bought_transfer_id),
                "status": "ACSC",
                "sold_minor": str(answer.sold.minor),
                "sold_currency": answer.sold.currency.code,
                "bought_minor": str(answer.bought.minor),
                "bought_currency": answer.bought.currency.code,
                "spread_minor": str(answer.spread.minor),
                "rate": str(answer.rate),
                "spread_basis_points": answer.spread_basis_points,
            }
        )
    else:
        session.out.line(
            f"{answer.transfer_id}  {answer.sold} -> {answer.bought} at {answer.rate}, spread {answer.spread}"
        )
    return 0


def capture(arguments: Namespace, session: Session) -> int | Refusal:
    hold_id = taken(parse_number(arguments.hold, "a hold's id"))
    return _ended(session, capture_hold(session.bank(), hold_id, arguments.amount))


def release(arguments: Namespace, session: Session) -> int | Refusal:
    return _ended(session, release_hold(session.bank(), taken(parse_number(arguments.hold, "a hold's id"))))


def settle(arguments: Namespace, session: Session) -> int | Refusal:
    transfer_id = taken(parse_number(arguments.transfer_id, "a transfer's id"))
    return _ended(session, settle_payment(session.bank(), transfer_id, arguments.rejected))


def _details(arguments: Namespace) -> Details:
    return Details(
        end_to_end_id=getattr(arguments, "end_to_end_id", None) or "",
        text=getattr(arguments, "text", None) or "",
        value_date=getattr(arguments, "value_date", None) or "",
        creditor_name=getattr(arguments, "creditor_name", None) or "",
        creditor_bic=getattr(arguments, "creditor_bic", None) or "",
    )


def answered(session: Session, answer: Answer, *, is_hold: bool = False) -> int | Refusal:
    """One payment's answer; a rejected one also says so in its JSON document."""
    if isinstance(answer, Refusal):
        return answer
    if isinstance(answer, Rejected):
        if not session.json:
            return answer.refusal
        session.out.note(f"qenex: {answer.refusal} {answer.refusal.fix}")
    if session.json:
        refusal = answer.refusal if isinstance(answer, Rejected) else None
        session.out.document(
            {
                "transfer_id": str(answer.transfer_id) if isinstance(answer, Booked) else None,
                "status": answer.status if isinstance(answer, Booked) else "RJCT",
                "reason": answer.reason if isinstance(answer, Rejected) else None,
                "debtor": answer.debtor,
                "creditor": answer.creditor,
                "amount_minor": str(answer.amount.minor),
                "currency": answer.amount.currency.code,
                "end_to_end_id": answer.end_to_end_id or None,
                **({"hold": str(answer.transfer_id)} if is_hold and isinstance(answer, Booked) else {}),
                **({"error": {"code": refusal.code, "message": refusal.message}} if refusal else {}),
            }
        )
        return refusal.exit_code if refusal else 0
    assert isinstance(answer, Booked)
    session.out.line(f"{answer.transfer_id}  {answer.status}  {answer.amount}  {answer.debtor} -> {answer.creditor}")
    return 0


def _ended(session: Session, answer: Ended | Refusal) -> int | Refusal:
    if isinstance(answer, Refusal):
        return answer
    if session.json:
        session.out.document(
            {
                "hold": str(answer.hold_id), "transfer_id": str(answer.transfer_id), "state": answer.state,
                "amount_minor": str(answer.amount.minor), "currency": answer.amount.currency.code,
            }
        )  # fmt: skip
    else:
        session.out.line(f"{answer.transfer_id}  {answer.state}  {answer.amount}")
    return 0
