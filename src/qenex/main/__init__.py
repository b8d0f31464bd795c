"""The composition root: reads the configuration, chooses implementations, starts and stops all.

Only what every command needs is imported here; the bank itself is imported when a command needs one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The `qenex` command. Returns the exit code."""
    # numpy's linear algebra would start a thread per core, as long as a whole payment takes; nothing here uses it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from qenex.cli import run
    from qenex.main.host import EmbeddedHost

    return run(list(sys.argv[1:] if argv is None else argv), EmbeddedHost())
