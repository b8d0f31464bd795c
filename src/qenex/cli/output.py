"""Where answers go: data to stdout, talk to stderr; tables for people, JSON for programs, colour only on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

QUIET_SECONDS = 0.5
"""A progress bar appears only when the work lasts longer than this."""


@dataclass(slots=True)
class Output:
    stdout: BinaryIO
    stderr: BinaryIO
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    colour: bool = False
    columns: int = 80

    def line(self, text: str = "") -> None:
        self.stdout.write(_harmless(text).encode("utf-8", "replace") + b"\n")

    def note(self, text: str) -> None:
        """A line for the person, not part of the answer."""
        self.stderr.write(_harmless(text).encode("utf-8", "replace") + b"\n")
        self.stderr.flush()

    def document(self, value: object) -> None:
        """One JSON document on one line."""
        self.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def bytes(self, data: bytes) -> None:
        self.stdout.write(data)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """`right`: indexes of the columns that hold numbers."""
        if self.stdout_is_terminal and self.colour:
            self._rich_table(columns, rows, right)
            return
        widths = [max([len(title), *(len(row[place]) for row in rows)]) for place, title in enumerate(columns)]
        for row in [columns, ["-" * width for width in widths], *rows]:
            cells = [
                text.rjust(width) if place in right else text.ljust(width)
                for place, (text, width) in enumerate(zip(row, widths))
            ]
            self.line("  ".join(cells).rstrip())

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> None:
        import io

        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False)
        for place, title in enumerate(columns):
            table.add_column(title, justify="right" if place in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_harmless(cell)) for cell in row))
        text = io.StringIO()
        Console(file=text, force_terminal=True, width=self.columns).print(table)
        self.stdout.write(text.getvalue().encode())

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A function to be told (done, total). Draws a bar on stderr when that is a terminal and the work takes a while."""
        if not self.stderr_is_terminal:
            yield lambda _done, _total: None
            return
        import time

        started = shown = time.monotonic()
        drawn = False

        def tell(done: int, total: int) -> None:
            nonlocal shown, drawn
            now = time.monotonic()
            if now - started < QUIET_SECONDS or now - shown < 0.1:
                return
            shown, drawn = now, True
            part = min(done / total, 1.0) if total else 0.0
            width = max(min(self.columns - len(what) - 30, 40), 10)
            filled = int(part * width)
            left = (now - started) * (1 - part) / part if part else 0.0
            bar = "#" * filled + "." * (width - filled)
            self.stderr.write(f"\r{what} [{bar}] {part:4.0%} {left:4.0f} s left ".encode())
            self.stderr.flush()

        try:
            yield tell
        finally:
            if drawn:
                self.stderr.write(b"\r" + b" " * (self.columns - 1) + b"\r")
                self.stderr.flush()


def _harmless(text: str) -> str:
    """Texts of others, such as a payer's remittance, must not command the terminal: control characters become U+FFFD."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)
