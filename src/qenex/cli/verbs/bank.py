"""init, demo, completion, doctor."""

from __future__ import annotations

from argparse import Namespace

from qenex.cli.session import NewBank, Session, taken
from qenex.values import Refusal


def init(arguments: Namespace, session: Session) -> int | Refusal:
    new = NewBank(
        name=arguments.name,
        bic=arguments.bic,
        country=arguments.country,
        bank_code=arguments.bank_code,
        currencies=arguments.currencies,
        cut_off=arguments.cut_off,
        four_eyes=arguments.four_eyes,
        key_file=session.path(arguments.key_file) if arguments.key_file else None,
    )
    bank = taken(session.host.create(session.folder, new))
    try:
        settings, place = bank.settings, session.folder.resolve()
        mode = "four eyes" if settings.four_eyes else "single operator"
        if session.json:
            session.out.document(
                {
                    "folder": str(place), "name": settings.name, "bic": settings.bic, "country": settings.country,
                    "bank_code": settings.bank_code, "mode": mode, "log": bank.signers.origin,
                }
            )  # fmt: skip
        else:
            session.out.line(f"{settings.name} ({settings.bic}) is ready in {place}")
            session.out.line(f"mode: {_mode_sentence(settings.four_eyes)}")
            session.out.line(
                "Keep master.key and keys.json apart from the backups: without them nobody can open the bank."
            )
    finally:
        session.host.close(bank)
    return 0


def _mode_sentence(four_eyes: bool) -> str:
    if four_eyes:
        return "four eyes: freezes, limits and manual bookings need a reason and two persons"
    from qenex.products.bank import SINGLE_OPERATOR_NOTICE

    return SINGLE_OPERATOR_NOTICE


def demo(arguments: Namespace, session: Session) -> int | Refusal:
    with session.out.progress("a year of activity") as progress:
        bank = taken(
            session.host.make_demo(
                session.folder, seed=arguments.seed, customers=arguments.customers, progress=progress
            )
        )
    try:
        accounts = [row for row in bank.store.accounts() if row.iban]
        if session.json:
            session.out.document(
                {
                    "folder": str(session.folder.resolve()),
                    "name": bank.settings.name,
                    "demo": True,
                    "accounts": len(accounts),
                }
            )
        else:
            session.out.line(f"DEMO bank with {len(accounts)} accounts is ready in {session.folder.resolve()}")
            session.out.line("Everybody and everything in it is invented. Try: qenex account list")
    finally:
        session.host.close(bank)
    return 0


def completion(arguments: Namespace, session: Session) -> int:
    if arguments.shell == "fish":
        from qenex.cli.fish import fish_completion

        script = fish_completion()
    else:
        import shtab

        from qenex.cli.parser import build_parser

        script = shtab.complete(build_parser(), arguments.shell)
    if session.json:
        session.out.document({"shell": arguments.shell, "script": script})
    else:
        session.out.line(script)
    return 0


def doctor(arguments: Namespace, session: Session) -> int:
    """Look, and change nothing."""
    del arguments
    import os
    import stat
    import sys

    from qenex.cli.forward import connect
    from qenex.platform import file_system, this_machine

    findings: list[tuple[str, bool, str]] = [("python", sys.version_info >= (3, 11), sys.version.split()[0])]
    machine = this_machine()
    findings.append(("machine", True, str(machine)))
    folder = session.folder
    if folder.exists():
        mode = stat.S_IMODE(folder.stat().st_mode)
        findings.append(
            (
                "folder",
                mode & 0o077 == 0,
                f"{folder.resolve()} mode {mode:o}" + ("" if mode & 0o077 == 0 else ": chmod 700 it"),
            )
        )
        findings.append(("file system", True, str(file_system(folder))))
        free = os.statvfs(folder)
        free_bytes = free.f_bavail * free.f_frsize
        findings.append(("free space", free_bytes > 2 << 30, f"{free_bytes / 2**30:.1f} GiB; a bank wants 2"))
        key = folder / "master.key"
        if key.exists():
            mode = stat.S_IMODE(key.stat().st_mode)
            findings.append(("master key", mode & 0o077 == 0, f"mode {mode:o}"))
        running = connect(folder)
        findings.append(("running", True, "yes" if running is not None else "no"))
        if running is not None:
            running.close()
    else:
        findings.append(("folder", True, f"{folder.resolve()} does not exist yet: 'qenex init' makes it"))
    if session.json:
        session.out.document([{"what": what, "ok": good, "detail": detail} for what, good, detail in findings])
    else:
        session.out.table(
            ["what", "", "detail"], [[what, "ok" if good else "LOOK", detail] for what, good, detail in findings]
        )
    return 0 if all(good for _, good, _ in findings) else 1
