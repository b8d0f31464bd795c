"""One command from its arguments to its exit code: parse, find the bank, run the verb, print what came of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from qenex.cli.parser import DEFAULT_DATA, UsageError, build_parser
from qenex.values import Fault, InvariantBroken, Refusal

if TYPE_CHECKING:
    import argparse

    from qenex.cli.output import Output
    from qenex.cli.session import Host, Session
    from qenex.products.bank import Bank

EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_FAULT, EXIT_BUG = 0, 1, 2, 3, 70
WAIT_SECONDS = 60.0
"""How long a command waits for another short command that has the bank open."""

WITHOUT_BANK = frozenset(
    {
        "bank:init",
        "bank:demo",
        "bank:completion",
        "bank:doctor",
        "running:up",
        "running:down",
        "proofs:verify",
        "journal:restore",
    }
)
"""Verbs that open no bank, or make one themselves."""


WITHOUT_TURN = frozenset({"journal:verify", "journal:inspect", "journal:export"})
"""Verbs that only read journal files, so that a running bank need not stop for them."""


def run(argv: list[str], host: Host) -> int:
    """The whole command, for the process that the user started."""
    out = process_output()
    try:
        code = run_command(argv, host, out, Path.cwd())
        out.stdout.flush()
    except BrokenPipeError:
        # Whoever read our answer has seen enough; nothing that was booked depends on it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    return code


def process_output() -> Output:
    from qenex.cli.output import Output

    stdout, stderr = sys.stdout, sys.stderr
    terminal = stdout.isatty()
    columns = 80
    if terminal or stderr.isatty():
        import shutil

        columns = shutil.get_terminal_size().columns
    return Output(
        stdout.buffer, stderr.buffer, terminal, stderr.isatty(), terminal and "NO_COLOR" not in os.environ, columns
    )


def run_command(argv: list[str], host: Host, out: Output, cwd: Path) -> int:
    """One command with its streams and folder given."""
    arguments = _parsed(argv, out)
    if isinstance(arguments, int):
        return arguments
    from qenex.cli.session import BankBusy, Session

    folder = cwd / getattr(arguments, "data", DEFAULT_DATA)
    session = Session(folder, cwd, getattr(arguments, "json", False), out, host)
    if arguments.run in WITHOUT_BANK:
        return _guarded(arguments, session)
    from qenex.cli.forward import ConnectionLost, forwarded

    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            code = forwarded(folder, argv, cwd, out)
            if code is not None:
                return code
            return _guarded(arguments, session, busy_is_final=time.monotonic() > deadline)
        except ConnectionLost as fault:
            return _told(out, fault)
        except BankBusy:
            time.sleep(0.03)


def run_served(
    argv: list[str], out: Output, cwd: Path, host: Host, bank: Bank, turn: AbstractContextManager[object]
) -> int:
    """The same inside a running bank, which stays open. Commands take turns, but for those that only read the journal."""
    arguments = _parsed(argv, out)
    if isinstance(arguments, int):
        return arguments
    from qenex.cli.session import Session

    session = Session(bank.folder, cwd, getattr(arguments, "json", False), out, host, opened=bank, is_served=True)
    with nullcontext() if arguments.run in WITHOUT_TURN else turn:
        return _guarded(arguments, session)


def _parsed(argv: list[str], out: Output) -> argparse.Namespace | int:
    import io
    from contextlib import redirect_stdout

    parser = build_parser()
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            arguments = parser.parse_args(argv)
    except UsageError as error:
        out.note(str(error))
        return EXIT_USAGE
    except SystemExit:
        # argparse prints help and asks to leave.
        out.bytes(said.getvalue().encode())
        return EXIT_DONE
    if arguments.version:
        from qenex import __version__

        out.line(f"qenex {__version__}")
        return EXIT_DONE
    if not hasattr(arguments, "run"):
        out.bytes(parser.format_help().encode())
        return EXIT_USAGE
    return arguments


def _guarded(arguments: argparse.Namespace, session: Session, *, busy_is_final: bool = True) -> int:
    """Run the verb; every way it can end becomes an exit code and, unless it went well, one line on stderr."""
    from qenex.cli.session import BankBusy, Refused

    module, _, function = arguments.run.partition(":")
    verb: Callable[[argparse.Namespace, Session], int | Refusal] = getattr(
        import_module(f"qenex.cli.verbs.{module}"), function
    )
    try:
        try:
            answer = verb(arguments, session)
            _mark_demo(session)
        finally:
            session.close()
        return told_refusal(session, answer) if isinstance(answer, Refusal) else answer
    except Refused as refused:
        return told_refusal(session, refused.refusal)
    except BankBusy as fault:
        if not busy_is_final:
            raise
        return _told(session.out, fault)
    except BrokenPipeError:
        raise
    except UsageError as error:
        session.out.note(f"qenex: {error}")
        return EXIT_USAGE
    except Fault as fault:
        return _told(session.out, fault)
    except OSError as error:
        # Input files are read where refusals are made, so what arrives here is the bank's own disk.
        place = f"{error.filename}: " if error.filename else ""
        session.out.note(
            f"qenex: fault: {place}{error.strerror or error}. Check the disk and its permissions, then repeat the command."
        )
        return EXIT_FAULT
    except InvariantBroken as error:
        session.out.note(f"qenex: bug: {error}. Nothing more was written; please report this.")
        return EXIT_BUG
    except KeyboardInterrupt:
        session.out.note("qenex: stopped by the keyboard. What was booked is booked.")
        return 130
    except Exception as error:
        if os.environ.get("QENEX_DEBUG"):
            raise
        session.out.note(
            f"qenex: bug: {type(error).__name__}: {_one_line(error)}. Run with QENEX_DEBUG=1 for the place, and report it."
        )
        return EXIT_BUG


def _mark_demo(session: Session) -> None:
    """A person at a terminal must never take the demo bank for a real one."""
    if session.opened is not None and session.opened.settings.demo and session.out.stderr_is_terminal:
        session.out.note("DEMO bank: everybody and everything in it is invented.")


def told_refusal(session: Session, refusal: Refusal) -> int:
    """One line: what, where, what to do. With --json also a document on stdout."""
    if session.json:
        session.out.document(
            {"error": {"code": refusal.code, "message": refusal.message, "where": refusal.where, "fix": refusal.fix}}
        )
    session.out.note(f"qenex: {_one_line(refusal)} {refusal.fix}".rstrip())
    return refusal.exit_code


def _told(out: Output, fault: Fault) -> int:
    out.note(f"qenex: fault: {_one_line(fault)}")
    return fault.exit_code


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
