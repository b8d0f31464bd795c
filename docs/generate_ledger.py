"""Write the tables of docs/ledger.md from the code: `python docs/generate_ledger.py`. A test says when it is stale."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from qenex.ledger import meanings
from qenex.ledger.types import (
    ACCOUNT,
    ACCOUNT_BALANCE,
    ACCOUNT_STATE,
    ACCOUNT_UPDATE,
    BALANCES,
    RESULT,
    TRANSFER,
    CreateTransferStatus,
)

PAGE = Path(__file__).with_name("ledger.md")
MARKER = re.compile(r"(<!-- table: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(header: str, rows: Iterable[str]) -> str:
    columns = header.count("|") + 1
    return "\n".join([f"| {header} |", "|" + "---|" * columns, *(f"| {row} |" for row in rows)]) + "\n"


def statuses(sentences: dict[Any, str]) -> str:
    def row(number: int, status: IntEnum) -> str:
        burns = isinstance(status, CreateTransferStatus) and status.is_transient
        value = f"{status.value:#x}" if status.value > 0xFFFF else str(status.value)
        return f"{number} | `{status.name}` | {value} | {sentences[status]}{' *Burns the id.*' if burns else ''}"

    members = list(type(next(iter(sentences))))
    created, checks = members[0], members[1:]
    rows = [row(number, status) for number, status in enumerate(checks, 1)]
    return table("order | status | number | meaning", [*rows, row(len(checks) + 1, created)])


def flags(sentences: dict[Any, str]) -> str:
    return table(
        "bit | flag | meaning",
        (f"{flag.value.bit_length() - 1} | `{flag.name}` | {text}" for flag, text in sentences.items()),
    )


def kinds(sentences: dict[Any, str]) -> str:
    return table(
        "number | kind | meaning", (f"{kind.value} | `{kind.name}` | {text}" for kind, text in sentences.items())
    )


def record(dtype: np.dtype[np.void]) -> str:
    """Fields with their offsets; lo and hi of a u128 in one row."""
    rows = []
    for name in dtype.names or ():
        field, offset = dtype.fields[name][:2]  # type: ignore[index]
        if name.endswith("_hi"):
            continue
        kind = {"u": f"u{field.itemsize * 8}", "V": f"{field.itemsize} bytes, 0"}[field.kind]
        rows.append(
            f"{offset} | `{name[:-3]}` | u128 (lo, hi)" if name.endswith("_lo") else f"{offset} | `{name}` | {kind}"
        )
    return table("offset | field | type", rows)


TABLES = {
    "account": lambda: record(ACCOUNT),
    "transfer": lambda: record(TRANSFER),
    "account_update": lambda: record(ACCOUNT_UPDATE),
    "result": lambda: record(RESULT),
    "balances": lambda: record(BALANCES),
    "account_balance": lambda: record(ACCOUNT_BALANCE),
    "account_state": lambda: record(ACCOUNT_STATE),
    "account_flags": lambda: flags(meanings.ACCOUNT_FLAG_MEANINGS),
    "transfer_flags": lambda: flags(meanings.TRANSFER_FLAG_MEANINGS),
    "update_kinds": lambda: kinds(meanings.UPDATE_KIND_MEANINGS),
    "account_statuses": lambda: statuses(meanings.ACCOUNT_MEANINGS),
    "transfer_statuses": lambda: statuses(meanings.TRANSFER_MEANINGS),
    "update_statuses": lambda: statuses(meanings.UPDATE_MEANINGS),
}


def render(page: str) -> str:
    """The page with every table between `<!-- table: name -->` and `<!-- end -->` made anew."""
    return MARKER.sub(lambda found: f"{found[1]}\n{TABLES[found['name']]()}\n{found[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
