"""book, reverse, statement, trial-balance, chart, close-day."""

from __future__ import annotations

from argparse import Namespace
from datetime import date

from qenex.cli.approvals import approval_number
from qenex.cli.session import Session, taken
from qenex.cli.verbs.money import answered
from qenex.payments import Details, execute_due
from qenex.payments import book as book_manually
from qenex.payments import reverse as reverse_booking
from qenex.products.approval import sign
from qenex.products.bank import money_of, parse_number
from qenex.products.business_day import date_of, parse_date
from qenex.products.chart import CHART
from qenex.products.day_end import close_business_day
from qenex.reporting import TrialBalance, issue_statement, statement_csv, write_statement_camt053
from qenex.reporting import trial_balance as sum_up
from qenex.values import Currency, Money, Refusal, currency, refuse


def book(arguments: Namespace, session: Session) -> int | Refusal:
    bank = session.bank()
    signatures = taken(
        sign(bank, arguments.reason, arguments.requested_by, arguments.approved_by, approval_number(arguments))
    )
    details = Details(text=arguments.text or "", value_date=arguments.value_date or "")
    return answered(
        session, book_manually(bank, arguments.debit, arguments.credit, arguments.amount, details, signatures)
    )


def reverse(arguments: Namespace, session: Session) -> int | Refusal:
    bank = session.bank()
    transfer_id = taken(parse_number(arguments.transfer_id, "a transfer's id"))
    signatures = taken(
        sign(bank, arguments.reason, arguments.requested_by, arguments.approved_by, approval_number(arguments))
    )
    answer = taken(reverse_booking(bank, transfer_id, signatures))
    if session.json:
        session.out.document(
            {
                "original": str(answer.original_id), "transfer_id": str(answer.transfer_id),
                "amount_minor": str(answer.amount.minor), "currency": answer.amount.currency.code,
            }
        )  # fmt: skip
    else:
        session.out.line(f"{answer.transfer_id}  reverses {answer.original_id}  {answer.amount}")
    return 0


def statement(arguments: Namespace, session: Session) -> int | Refusal:
    bank = session.bank()
    made = taken(issue_statement(bank, arguments.iban, _date(arguments.from_date), _date(arguments.to_date)))
    target = session.path(arguments.out) if arguments.out else None
    if arguments.format == "table" and target is None and not session.json:
        _statement_table(session, made)
        return 0
    import io

    out = io.BytesIO()
    if arguments.format == "camt053":
        write_statement_camt053(bank, made, out)
    elif arguments.format == "csv":
        out.write(statement_csv(made).encode())
    else:
        from qenex.cli.output import Output

        plain = Output(out, session.out.stderr)
        _statement_table(Session(session.folder, session.cwd, False, plain, session.host), made)
    if target is not None:
        _write_whole(target, out.getvalue())
    if session.json:
        session.out.document(
            {
                "iban": made.row.iban, "currency": made.row.currency, "number": made.number, "provisional": made.provisional,
                "from": date_of(made.from_day).isoformat(), "to": date_of(made.to_day).isoformat(), "entries": len(made),
                "opening_minor": str(made.opening_minor), "closing_minor": str(made.closing_minor),
                "format": arguments.format, "out": str(target.resolve()) if target else None,
                **({} if target else {"content": out.getvalue().decode()}),
            }
        )  # fmt: skip
    elif target is not None:
        kind = "provisional statement" if made.provisional else f"statement {made.number}"
        session.out.line(f"{kind} with {len(made)} entries: {target}")
    else:
        session.out.bytes(out.getvalue())
    return 0


def _statement_table(session: Session, made: object) -> None:
    from qenex.reporting.statement import StatementOf, statement_rows

    assert isinstance(made, StatementOf)
    row = made.row
    number = f"{made.number} (provisional)" if made.provisional else str(made.number)
    session.out.line(f"Statement {number}  {row.iban}  {row.currency}  {made.owner_name}")
    session.out.line(f"{date_of(made.from_day)} to {date_of(made.to_day)}")
    session.out.line(f"opening balance  {money_of(made.opening_minor, row.ledger)}")
    rows = [[r[1], r[2], r[6], r[8] or r[7], r[9], r[10], r[3], r[5]] for r in statement_rows(made)]
    session.out.table(["booked", "value", "kind", "with", "reference", "text", "amount", "balance"], rows, right=(6, 7))
    session.out.line(f"closing balance  {money_of(made.closing_minor, row.ledger)}")


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    return parse_date(text) or taken(refuse("DATE_MALFORMED", given=text))


def _write_whole(target: object, data: bytes) -> None:
    from pathlib import Path

    from qenex.cli.files import write_file

    assert isinstance(target, Path)
    write_file(target, data)


def approvals(arguments: Namespace, session: Session) -> int:
    found = session.bank().store.approvals(arguments.state)
    if session.json:
        session.out.document(
            [
                {
                    "id": str(row.id),
                    "action": row.action,
                    "content": row.content,
                    "reason": row.reason,
                    "requested_by": row.requested_by,
                    "state": row.state,
                    "decided_by": row.decided_by or None,
                }
                for row in found
            ]
        )
        return 0
    rows = [[str(r.id), r.state, r.content, r.reason, r.requested_by, r.decided_by] for r in found]
    session.out.table(["number", "state", "what", "reason", "asked by", "decided by"], rows)
    return 0


def trial_balance(arguments: Namespace, session: Session) -> int:
    del arguments
    found = sum_up(session.bank())
    if session.json:
        session.out.document(
            {
                "assets": [
                    {
                        "currency": asset.currency,
                        "debits_minor": str(asset.debits_minor),
                        "credits_minor": str(asset.credits_minor),
                        "debit_balances_minor": str(asset.debit_balances_minor),
                        "credit_balances_minor": str(asset.credit_balances_minor),
                    }
                    for asset in found.assets
                ],
                "balanced": found.is_balanced,
            }
        )
    else:
        _trial_table(session, found)
    return 0 if found.is_balanced else 3


def _trial_table(session: Session, found: TrialBalance) -> None:
    rows = [
        [line.currency, str(line.number), line.name, str(line.accounts), _decimal(line.debits_minor, line.currency),
         _decimal(line.credits_minor, line.currency)]
        for line in found.lines
        if line.debits_minor or line.credits_minor
    ]  # fmt: skip
    for asset in found.assets:
        if asset.debits_minor or asset.credits_minor:
            rows.append(
                [
                    asset.currency,
                    "",
                    "Total",
                    "",
                    _decimal(asset.debits_minor, asset.currency),
                    _decimal(asset.credits_minor, asset.currency),
                ]
            )
    session.out.table(["ccy", "number", "account", "accounts", "debits", "credits"], rows, right=(3, 4, 5))
    session.out.line("balanced" if found.is_balanced else "NOT BALANCED")


def _decimal(minor: int, code: str) -> str:
    money = currency(code)
    return Money(minor, money).decimal_text() if isinstance(money, Currency) else str(minor)


def chart(arguments: Namespace, session: Session) -> int:
    del arguments
    if session.json:
        session.out.document(
            [
                {
                    "number": account.number, "name": account.name, "class": account.account_class.value,
                    "normal_side": account.normal_side.value, "internal": account.internal,
                }
                for account in CHART
            ]
        )  # fmt: skip
        return 0
    rows = [
        [
            str(a.number),
            a.name,
            a.account_class.value,
            a.normal_side.value,
            "one per currency" if a.internal else "one per customer account",
        ]
        for a in CHART
    ]
    session.out.table(["number", "name", "class", "normal side", "accounts"], rows)
    return 0


def close_day(arguments: Namespace, session: Session) -> int | Refusal:
    del arguments
    bank = session.bank()
    balance = sum_up(bank)
    if not balance.is_balanced:
        session.out.note(
            "qenex: fault: the trial balance does not balance; the day stays open. Run 'qenex journal verify'."
        )
        return 3
    closed, following = taken(close_business_day(bank))
    executed = execute_due(bank)
    if session.json:
        session.out.document(
            {
                "closed": date_of(closed).isoformat(),
                "business_date": date_of(following).isoformat(),
                "balanced": True,
                "executed": executed,
            }
        )
    else:
        session.out.line(f"closed {date_of(closed)}; the business date is {date_of(following)}")
    return 0
