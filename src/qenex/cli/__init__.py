"""The command line: translates arguments into calls and answers into lines, and decides nothing."""

from qenex.cli.run import run, run_served

__all__ = ["run", "run_served"]
