"""The number of a request for approval, as a verb's arguments give it."""

from __future__ import annotations

from argparse import Namespace

from qenex.cli.session import taken


def approval_number(arguments: Namespace) -> int:
    """`--approval NUMBER`, or 0 when it is not given."""
    from qenex.products.bank import parse_number

    return taken(parse_number(arguments.approval, "a request's number")) if arguments.approval else 0
