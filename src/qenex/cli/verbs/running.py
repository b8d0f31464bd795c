"""up and down."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from qenex.cli.session import Session
from qenex.values import Refusal

if TYPE_CHECKING:
    from qenex.cli.output import Output
    from qenex.products.bank import Bank

READY_SECONDS = 60.0


def up(arguments: Namespace, session: Session) -> int | Refusal:
    from qenex.cli.run import run_served

    if arguments.detach or os.environ.get("DETACH", "") not in ("", "0"):
        return _detached(arguments, session)

    def execute(argv: list[str], out: Output, cwd: Path, bank: Bank, turn: AbstractContextManager[object]) -> int:
        return run_served(argv, out, cwd, session.host, bank, turn)

    return session.host.serve(session, port=arguments.port, demo_allowed=not arguments.no_demo, execute=execute)


def _detached(arguments: Namespace, session: Session) -> int:
    """Start the bank in a process of its own and return when it says that it is ready."""
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "qenex",
        "--data",
        str(session.folder.resolve()),
        "up",
        "--port",
        str(arguments.port),
    ]
    command += ["--no-demo"] if arguments.no_demo else []
    command += ["--json"] if session.json else []
    environment = {name: value for name, value in os.environ.items() if name != "DETACH"}
    session.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_path = session.folder.parent / f"{session.folder.name}.up.log"
    told = log_path.stat().st_size if log_path.exists() else 0
    with open(log_path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=environment,
            cwd="/",
        )
    assert process.stdout is not None
    ready = False
    for line in process.stdout:
        session.out.bytes(line)
        if b"ready" in line:
            ready = True
            break
    if ready:
        # What the bank said while it started, such as where its new master key lies, is for the one who started it.
        with open(log_path, "rb") as log:
            log.seek(told)
            for said in log.read().decode("utf-8", "replace").splitlines():
                session.out.note(said)
        return 0
    code = process.wait()
    session.out.note(f"qenex: the bank did not start: {_last_line(log_path)}")
    return code or 3


def _last_line(path: os.PathLike[str]) -> str:
    with open(path, "rb") as log:
        lines = log.read()[-4096:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def down(arguments: Namespace, session: Session) -> int:
    """Ask the running bank to stop, and wait until it has released its folder."""
    del arguments
    import time

    from qenex.cli.forward import connect, forwarded

    code = forwarded(session.folder, ["down"], session.cwd, session.out)
    if code is None:
        session.out.note(f"qenex: no bank is running in {session.folder}.")
        if session.json:
            session.out.document({"stopped": False})
        return 0
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        probe = connect(session.folder)
        if probe is None:
            break
        probe.close()
        time.sleep(0.05)
    if session.json:
        session.out.document({"stopped": True})
    else:
        session.out.line("stopped")
    return code
