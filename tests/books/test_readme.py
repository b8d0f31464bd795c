"""What the README and the journal's page say is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qenex.storage.journal import format as journal_format

ROOT = Path(__file__).parents[2]


def test_the_python_example_of_the_readme_runs(tmp_path: Path) -> None:
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(example) == 1
    done = subprocess.run([sys.executable, "-c", example[0]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[1234]\n"), done.stderr


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("segment header", journal_format.SEGMENT_HEADER),
        ("batch header", journal_format.HEADER),
        ("batch trailer", journal_format.TRAILER),
        ("commit mark", journal_format.MARK),
    ],
)
def test_the_journals_page_lists_the_fields_of_each_unit(title: str, unit: np.dtype) -> None:
    page = (ROOT / "docs" / "journal.md").read_text()
    (row,) = re.findall(rf"^\| {title}[^|]*\| (.*) \|$", page, re.MULTILINE)
    fields = [field.strip() for field in row.split(",")]
    assert len(fields) == len(unit.names or ())
    sizes = {"u16": 2, "u32": 4, "u64": 8}
    for field, name in zip(fields, unit.names or (), strict=True):
        size = unit[name].itemsize
        last = field.split()[-1]
        said = 8 if field.startswith("magic") else sizes[last] if last in sizes else int(last)
        assert said == size, f"{title}: {field} has {size} bytes"
