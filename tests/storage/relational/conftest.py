"""An open store in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.relational.worlds import opened

from qenex.storage.relational import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path)
    yield made
    made.close()
