"""journal verify, inspect, export; backup and restore."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import qenex.cli.refusals
import qenex.products.refusals  # noqa: F401  (both register the codes used here)
from qenex.cli.files import read_file
from qenex.cli.session import Restoring, Session, taken
from qenex.values import Refusal, refuse

EXIT_FAULT = 3
FILE_BYTES_MAX = 1 << 26


def verify(arguments: Namespace, session: Session) -> int | Refusal:
    """Read everything again. A damaged journal can be looked at although the bank cannot be opened with it."""
    del arguments
    with session.out.progress("verifying") as progress:
        try:
            report = session.host.verify_journal(session.folder, progress)
        except FileNotFoundError:
            return refuse("BANK_NOT_FOUND", folder=session.folder)
    if session.json:
        session.out.document(
            {
                "batches": report.batches, "transfers": report.transfers, "state_hash": report.state_hash, "ok": report.ok,
                "findings": [{"place": finding.place, "detail": finding.detail} for finding in report.findings],
            }
        )  # fmt: skip
    else:
        session.out.line(f"batches {report.batches}, transfers {report.transfers}, state hash {report.state_hash}")
        session.out.line("ok" if report.ok else "DAMAGED")
    if not report.ok:
        for finding in report.findings:
            session.out.note(f"qenex: fault: {finding.place}: {finding.detail}")
    return 0 if report.ok else EXIT_FAULT


def inspect(arguments: Namespace, session: Session) -> int:
    from qenex.books import maintenance

    if arguments.batch is not None:
        return _inspect_batch(arguments.batch, session)
    batches = maintenance.inspect(_books_folder(session), last=arguments.last)
    if session.json:
        session.out.document([batch.as_json() for batch in batches])
        return 0
    session.out.table(
        ["batch", "kind", "events", "created", "time", "hash"],
        [[str(b.number), b.kind, str(b.events), str(b.created), _time(b.timestamp), b.hash[:16]] for b in batches],
        right=(0, 2, 3),
    )
    return 0


def _inspect_batch(number: int, session: Session) -> int:
    from qenex.books import maintenance

    detail = taken(maintenance.inspect_batch(_books_folder(session), number))
    if session.json:
        session.out.document({**detail.batch.as_json(), "rows": detail.rows})
        return 0
    batch = detail.batch
    session.out.line(
        f"batch {batch.number}: {batch.kind}, {batch.events} events, {batch.created} created, {_time(batch.timestamp)}"
    )
    session.out.line(f"hash {batch.hash}, after {batch.previous_hash}")
    for row in detail.rows:
        session.out.line(" ".join(f"{name}={value}" for name, value in row.items() if value not in (0, "0", "", None)))
    return 0


def export(arguments: Namespace, session: Session) -> int:
    from qenex.books import maintenance

    target = session.path(arguments.out) if arguments.out else None
    with session.out.progress("exporting") as progress:
        count = maintenance.export(
            _books_folder(session), arguments.format, target or session.out.stdout, progress=progress
        )
    if target is not None:
        if session.json:
            session.out.document({"records": count, "format": arguments.format, "out": str(target.resolve())})
        else:
            session.out.line(f"{count} records: {target}")
    return 0


def backup(arguments: Namespace, session: Session) -> int | Refusal:
    target = session.path(arguments.target)
    with session.out.progress("backing up") as progress:
        refusal = session.host.backup(session.bank(), target, progress)
    if isinstance(refusal, Refusal):
        return refusal
    if session.json:
        session.out.document({"backup": str(target.resolve())})
    else:
        session.out.line(f"backup: {target}")
        session.out.note("qenex: the master key is not in the backup: keep a copy of it elsewhere.")
    return 0


def restore(arguments: Namespace, session: Session) -> int | Refusal:
    until = None
    if arguments.until is not None:
        try:
            moment = datetime.fromisoformat(arguments.until)
        except ValueError:
            return refuse("INSTANT_MALFORMED", given=arguments.until)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        whole = moment.replace(microsecond=0)
        until = int(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
    wanted = Restoring(
        until_ns=until,
        key_file=session.path(arguments.key_file) if arguments.key_file else None,
        known_checkpoint=read_file(session.path(arguments.checkpoint), FILE_BYTES_MAX)
        if arguments.checkpoint
        else None,
        erasures=read_file(session.path(arguments.erasures), FILE_BYTES_MAX) if arguments.erasures else None,
    )
    with session.out.progress("restoring") as progress:
        bank = taken(session.host.restore(session.path(arguments.source), session.folder, wanted, progress))
    try:
        facts = {
            "folder": str(session.folder.resolve()),
            "log": bank.signers.origin,
            "state_hash": bank.books.state_hash().hex(),
        }
        if session.json:
            session.out.document(facts)
        else:
            session.out.line(f"restored into {session.folder}; log {bank.signers.origin}")
    finally:
        session.host.close(bank)
    return 0


def _books_folder(session: Session) -> Path:
    """Where the journal is; refused when there is no bank."""
    folder = session.folder / "books"
    return folder if folder.is_dir() else taken(refuse("BANK_NOT_FOUND", folder=session.folder))


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds")
