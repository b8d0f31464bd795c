"""Where the official schemas and the messages of others are: outside this repository, in ../shared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("QENEX_SHARED", Path(__file__).parents[2].parent / "shared")) / "rails"


@pytest.fixture(scope="session")
def schemas() -> Path:
    """The folder of official ISO 20022 schemas; tests that need it are skipped, and say so, where it is absent."""
    if not (SHARED / "xsd").is_dir():
        pytest.skip(f"the official schemas are not in {SHARED / 'xsd'} (set QENEX_SHARED)")
    return SHARED / "xsd"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of messages written by others."""
    if not (SHARED / "corpus").is_dir():
        pytest.skip(f"the messages of others are not in {SHARED / 'corpus'} (set QENEX_SHARED)")
    return SHARED / "corpus"
