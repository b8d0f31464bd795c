"""A bank that stays: holds its folder, runs commands that come over its socket, and serves the status page.

Everything that listens is on this machine only: a Unix socket of this user, and loopback for the page.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import qenex.cli.refusals  # noqa: F401  (registers the codes used here)
from qenex.cli.forward import EXIT, FRAME, REQUEST_BYTES_MAX, SOCKET, STDERR, STDOUT, connect
from qenex.cli.output import Output
from qenex.cli.session import BankBusy, Execute, NewBank, Session
from qenex.main.compose import close_bank, create_bank, holds_a_bank, open_bank
from qenex.main.status_page import StatusPage
from qenex.payments import execute_due
from qenex.products.bank import SINGLE_OPERATOR_NOTICE, Bank
from qenex.values import Refusal, refuse

if TYPE_CHECKING:
    from qenex.main.host import EmbeddedHost

DAY_CHECK_SECONDS = 30.0
DASHBOARD_SECONDS = 1.0
FLUSH_BYTES = 1 << 16
PEER_CREDENTIALS = struct.Struct("3i")
LOOPBACK = "127.0.0.1"


def serve(session: Session, *, port: int, demo_allowed: bool, execute: Execute, host: EmbeddedHost) -> int:
    """`qenex up`. Returns when SIGTERM, SIGINT or `qenex down` says so."""
    folder = session.folder
    running = connect(folder)
    if running is not None:
        running.close()
        return _refused(session, refuse("BANK_RUNS", folder=folder))
    listening = _page_sockets(port)
    if isinstance(listening, Refusal):
        return _refused(session, listening)
    bank, fresh = _bank_of(session, demo_allowed, host)
    if isinstance(bank, Refusal):
        return _refused(session, bank)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    turn = threading.RLock()
    door = _Door(bank, execute, turn, stop)
    page = StatusPage(bank, listening, started=time.time())
    try:
        door.open()
        page.start()
        _say_ready(session, bank, page.port, fresh)
        _stay(session, bank, turn, stop, page)
    finally:
        page.stop()
        door.close()
        with turn:
            close_bank(bank)
    return 0


def _refused(session: Session, refusal: Refusal) -> int:
    from qenex.cli.run import told_refusal

    return told_refusal(session, refusal)


def _bank_of(session: Session, demo_allowed: bool, host: EmbeddedHost) -> tuple[Bank | Refusal, bool]:
    """The bank of the folder, made when the folder is empty; and whether it was made now."""
    folder = session.folder
    if holds_a_bank(folder):
        for _ in range(200):
            # A short command may have the folder open just now.
            try:
                return open_bank(folder), False
            except BankBusy:
                time.sleep(0.05)
        return open_bank(folder), False
    if demo_allowed:
        with session.out.progress("making the DEMO bank") as progress:
            return host.make_demo(folder, seed=2026, customers=12, progress=progress), True
    return create_bank(folder, NewBank()), True


def _say_ready(session: Session, bank: Bank, port: int, fresh: bool) -> None:
    mark = "DEMO " if bank.settings.demo else ""
    address = f"http://localhost:{port}"
    if fresh:
        # The one secret that exists is random, and this is the only time its place is told.
        session.out.note(
            f"{mark}bank made; its random master key is in {bank.folder.resolve() / 'master.key'}: keep a copy elsewhere."
        )
        if not bank.settings.four_eyes:
            session.out.note(f"mode: {SINGLE_OPERATOR_NOTICE}")
    if session.json:
        session.out.document(
            {
                "ready": True,
                "address": address,
                "folder": str(bank.folder.resolve()),
                "demo": bank.settings.demo,
                "pid": os.getpid(),
            }
        )
    else:
        session.out.line(
            f"{mark}{bank.settings.name} is ready on {address} (data {bank.folder.resolve()}, process {os.getpid()})"
        )
    session.out.stdout.flush()


def _stay(session: Session, bank: Bank, turn: threading.RLock, stop: threading.Event, page: StatusPage) -> None:
    """Until told to stop: begin each business date, pay what was waiting for it, draw the dashboard on a terminal."""
    checked = 0.0
    dashboard = _Dashboard(session.out, page) if session.out.stdout_is_terminal and not session.json else None
    while not stop.wait(DASHBOARD_SECONDS):
        if time.monotonic() - checked > DAY_CHECK_SECONDS:
            checked = time.monotonic()
            with turn:
                execute_due(bank)
        if dashboard is not None:
            dashboard.draw()
    if dashboard is not None:
        dashboard.end()


class _Dashboard:
    """A few lines on the terminal, redrawn in place."""

    def __init__(self, out: Output, page: StatusPage) -> None:
        self._out, self._page, self._drawn = out, page, 0

    def draw(self) -> None:
        facts = self._page.facts()
        lines = [f"  {name:16} {value}" for name, value in facts.items()]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._out.stdout.write((up + "".join(f"\x1b[2K{line}\n" for line in lines)).encode())
        self._out.stdout.flush()
        self._drawn = len(lines)

    def end(self) -> None:
        self._out.line("stopping")


def _page_sockets(port: int) -> list[socket.socket] | Refusal:
    """Loopback of IPv4, and of IPv6 where the machine has it: a browser may try either for `localhost`."""
    try:
        first = socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        return refuse("PORT_TAKEN", port=port, why=why)
    sockets = [first]
    if socket.has_ipv6:
        with suppress(OSError):
            sockets.append(socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6))
    return sockets


class _Door:
    """The Unix socket in the folder: one thread per caller, who must be this user."""

    def __init__(self, bank: Bank, execute: Execute, turn: threading.RLock, stop: threading.Event) -> None:
        self._bank, self._execute, self._turn, self._stop = bank, execute, turn, stop
        self._path = bank.folder / SOCKET
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._callers: list[threading.Thread] = []

    def open(self) -> None:
        # The folder's lock is ours, so a socket that lies here is left from a process that died.
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._bank.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        mask = os.umask(0o177)
        try:
            self._socket.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
        finally:
            os.umask(mask)
            os.close(descriptor)
        self._socket.listen(64)
        threading.Thread(target=self._accept, name="door", daemon=True).start()

    def close(self) -> None:
        """No new callers; those who are in are answered first."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for caller in self._callers:
            caller.join(timeout=60)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._callers = [caller for caller in self._callers if caller.is_alive()]
            caller = threading.Thread(target=self._answer, args=(client,), name="caller", daemon=True)
            self._callers.append(caller)
            caller.start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
            _, uid, _ = PEER_CREDENTIALS.unpack(credentials)
            if uid not in (os.getuid(), 0):
                return
            try:
                with client.makefile("rb") as reader:
                    line = reader.readline(REQUEST_BYTES_MAX)
                if not line.endswith(b"\n"):
                    return
                request = _request(line)
                if request is not None:
                    code = self._run(request, client)
                    client.sendall(FRAME.pack(EXIT, 1) + bytes([code]))
            except OSError as error:
                # The caller went away; what was booked is booked.
                if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise

    def _run(self, request: _Request, client: socket.socket) -> int:
        if request.argv == ["down"]:
            self._stop.set()
            return 0
        stdout, stderr = _Frames(client, STDOUT), _Frames(client, STDERR)
        out = Output(
            stdout,  # type: ignore[arg-type]
            stderr,  # type: ignore[arg-type]
            request.stdout_is_terminal,
            request.stderr_is_terminal,
            request.colour,
            request.columns,
        )
        code = self._execute(request.argv, out, Path(request.cwd), self._bank, self._turn)
        stdout.flush()
        stderr.flush()
        return code


@dataclass(frozen=True, slots=True)
class _Request:
    argv: list[str]
    cwd: str
    stdout_is_terminal: bool
    stderr_is_terminal: bool
    colour: bool
    columns: int


def _request(line: bytes) -> _Request | None:
    """What a caller asks for; None for anything that `qenex` did not write."""
    try:
        asked = _Request(**json.loads(line))
    except (ValueError, TypeError):
        return None
    right = (
        isinstance(asked.argv, list)
        and all(isinstance(word, str) for word in asked.argv)
        and isinstance(asked.cwd, str)
    )
    return asked if right and isinstance(asked.columns, int) else None


class _Frames:
    """A stream whose bytes travel as frames of one kind. A caller who went away is not waited for: the work goes on."""

    def __init__(self, client: socket.socket, kind: int) -> None:
        self._client, self._kind, self._kept, self._gone = client, kind, bytearray(), False

    def write(self, data: bytes) -> int:
        self._kept += data
        if len(self._kept) >= FLUSH_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        data, self._kept = bytes(self._kept), bytearray()
        if not data or self._gone:
            return
        try:
            self._client.sendall(FRAME.pack(self._kind, len(data)) + data)
        except OSError:
            self._gone = True
