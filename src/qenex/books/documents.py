"""Small files beside the journal: JSON in one exact form, with its own hash, written so that they are whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from qenex.values import CorruptionFound


def write_document(path: Path, content: dict[str, Any]) -> None:
    """Durable, with its name, when this returns."""
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(_encode(content))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def read_document(path: Path, format_: str) -> dict[str, Any]:
    """The content of a file of this format. Raises CorruptionFound when a single byte is not as written."""
    content = path.read_bytes()
    try:
        document = json.loads(content)
        document.pop("sha256")
        whole = content == _encode(document) and document["format"] == format_
    except (ValueError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise CorruptionFound(place=path.name, detail=f"this is not a whole document of format {format_}")
    assert isinstance(document, dict)
    return document


def _encode(content: dict[str, Any]) -> bytes:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return (json.dumps({**content, "sha256": digest}, indent=1, sort_keys=True) + "\n").encode()


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
