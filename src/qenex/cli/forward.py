"""Runs a command inside a bank that is already running, over its Unix socket.

Only one process may have a bank open. The client sends one JSON line (arguments, folder it stands in, terminal), and gets
frames back: one byte kind (1 stdout, 2 stderr, 0 exit code), four bytes length, data. The socket is mode 0600 and the
server asks the kernel who is calling.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path
from typing import BinaryIO

from qenex.cli.output import Output
from qenex.values import Fault

SOCKET = "bank.sock"
FRAME = struct.Struct("<BI")
EXIT, STDOUT, STDERR = 0, 1, 2
REQUEST_BYTES_MAX = 1 << 22


class ConnectionLost(Fault):
    """The running bank went away before it answered."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"{self.folder}: the running bank stopped before it answered. What was booked is booked: look, then repeat "
            "the command; an end-to-end id keeps it from being paid twice."
        )


def connect(folder: Path) -> socket.socket | None:
    """A connection to the bank running in a folder; None when none is."""
    try:
        # Through a descriptor of the folder, because a socket's path may not be longer than 107 bytes.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
    except OSError:
        client.close()
        return None
    finally:
        os.close(descriptor)
    return client


def forwarded(folder: Path, argv: list[str], cwd: Path, out: Output) -> int | None:
    """The exit code of the command run by the bank that has the folder open; None when no bank runs there."""
    client = connect(folder)
    if client is None:
        return None
    request = {
        "argv": argv,
        "cwd": str(cwd),
        "stdout_is_terminal": out.stdout_is_terminal,
        "stderr_is_terminal": out.stderr_is_terminal,
        "colour": out.colour,
        "columns": out.columns,
    }
    with client, client.makefile("rb") as answer:
        try:
            client.sendall(json.dumps(request).encode() + b"\n")
            return _copy(answer, out, folder)
        except (ConnectionError, EOFError) as error:
            raise ConnectionLost(folder) from error


def _copy(answer: BinaryIO, out: Output, folder: Path) -> int:
    while True:
        kind, length = FRAME.unpack(_exactly(answer, FRAME.size, folder))
        data = _exactly(answer, length, folder)
        if kind == EXIT:
            return data[0]
        stream = out.stdout if kind == STDOUT else out.stderr
        stream.write(data)
        if kind == STDERR:
            stream.flush()


def _exactly(answer: BinaryIO, length: int, folder: Path) -> bytes:
    data = answer.read(length)
    if len(data) != length:
        raise ConnectionLost(folder)
    return data
