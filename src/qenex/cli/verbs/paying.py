"""pay: payment files in, bookings and status reports out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from qenex.cli.session import Session
from qenex.payments import Paid, pay_file
from qenex.values import Refusal

EXIT_REJECTED, EXIT_UNREADABLE = 1, 2


def pay(arguments: Namespace, session: Session) -> int:
    """Each file is answered on its own; the exit code is the worst of them."""
    bank = session.bank()
    worst = 0
    for name in arguments.files:
        with session.out.progress(f"paying {name}") as progress:
            paid = pay_file(bank, session.path(name), progress)
        if isinstance(paid, Refusal):
            place = f"{paid.where}: " if paid.where and paid.where != str(session.path(name)) else ""
            session.out.note(f"qenex: {name}: {place}{paid.message} [{paid.code}] {paid.fix}")
            if session.json:
                session.out.document(
                    {
                        "file": name, "message_id": None, "accepted": 0, "rejected": 0, "transactions": [], "report": None,
                        "error": {"code": paid.code, "message": paid.message, "where": paid.where, "fix": paid.fix},
                    }
                )  # fmt: skip
            worst = max(worst, EXIT_UNREADABLE)
            continue
        if session.json:
            session.out.bytes(b"".join(_as_json(name, paid)))
        else:
            _tell(session, name, paid)
        if paid.duplicate:
            session.out.note(f"qenex: {name}: this file or its message id was paid before; nothing was booked [AM05]")
        if paid.rejected or paid.duplicate:
            worst = max(worst, EXIT_REJECTED)
    return worst


def _as_json(name: str, paid: Paid) -> Iterable[bytes]:
    """One line, written piece by piece: a file may hold a million transactions."""
    import json

    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    head = encode({"file": name, "message_id": paid.message_id, "accepted": paid.accepted, "rejected": paid.rejected})
    yield f'{head[:-1]},"transactions":['.encode()
    step = 8192
    for start in range(0, len(paid.statuses), step):
        rows = slice(start, start + step)
        part = encode(
            [
                {
                    "end_to_end_id": end_to_end,
                    "status": status,
                    "reason": reason,
                    "transfer_id": None if transfer is None else str(transfer),
                }
                for end_to_end, status, reason, transfer in zip(
                    paid.end_to_end_ids[rows], paid.statuses[rows], paid.reasons[rows], paid.transfer_ids[rows]
                )
            ]
        )
        yield (("," if start else "") + part[1:-1]).encode()
    yield f'],"report":{encode(str(paid.report.resolve()))}}}\n'.encode()


def _tell(session: Session, name: str, paid: Paid) -> None:
    session.out.line(f"{name}: message {paid.message_id}: {paid.accepted} accepted, {paid.rejected} rejected")
    shown = 0
    for end_to_end, reason in zip(paid.end_to_end_ids, paid.reasons):
        if reason is not None:
            shown += 1
            if shown > 20:
                session.out.line(f"  ... and {paid.rejected - 20} more; all of them are in the report")
                break
            session.out.line(f"  {end_to_end}: rejected, {reason}")
    session.out.line(f"  report: {paid.report}")
