"""Runs `qenex` commands for tests: in a process of its own, or in this one where many commands would take too long."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qenex.cli.output import Output
from qenex.cli.run import run_command
from qenex.main.host import EmbeddedHost

BINARY = Path(sys.executable).with_name("qenex")


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of the answer as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass
class Here:
    """Commands in this process, through everything but the interpreter's start."""

    data: Path
    cwd: Path | None = None

    def __call__(self, *argv: str, code: int | None = 0) -> Ran:
        out, err = io.BytesIO(), io.BytesIO()
        got = run_command(
            ["--data", str(self.data), *argv], EmbeddedHost(), Output(out, err), self.cwd or self.data.parent
        )
        ran = Ran(got, out.getvalue().decode(), err.getvalue().decode())
        assert code is None or ran.code == code, f"{argv}: exit {ran.code}, wanted {code}\n{ran.out}\n{ran.err}"
        return ran


@dataclass
class Process:
    """Commands as processes: the installed `qenex`."""

    data: Path
    cwd: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *argv: str, code: int | None = 0) -> Ran:
        done = subprocess.run(
            [str(BINARY), "--data", str(self.data), *argv], cwd=self.cwd or self.data.parent, capture_output=True, timeout=100,
            env={**os.environ, **self.environment}, check=False,
        )  # fmt: skip
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert code is None or ran.code == code, f"{argv}: exit {ran.code}, wanted {code}\n{ran.out}\n{ran.err}"
        return ran


@dataclass
class Running:
    """A bank started by `qenex up` on a free port."""

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def start_up(data: Path, *options: str) -> Running:
    process = subprocess.Popen(
        [str(BINARY), "--data", str(data), "up", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"the bank did not start: {process.stderr.read().decode()}")
    return Running(process, json.loads(line))


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def new_bank(qenex: Here | Process, *options: str) -> str:
    """init, one customer; returns the customer's id."""
    qenex("init", *options)
    return str(qenex("customer", "add", "Ada Lovelace", "--json").json["id"])


def new_account(qenex: Here | Process, owner: str, currency: str = "EUR", *options: str) -> str:
    return str(qenex("account", "open", "--owner", owner, "--currency", currency, "--json", *options).json["iban"])


def balance(qenex: Here | Process, iban: str) -> dict[str, Any]:
    found = [row for row in qenex("account", "list", "--json").json if row["iban"] == iban]
    assert len(found) == 1
    return dict(found[0])
