"""What must always hold: when it does not, the program has a bug and stops before it does harm."""

from __future__ import annotations


class InvariantBroken(Exception):
    """A sentence about the program that must be true is false. Nobody catches this to go on."""


def invariant(condition: bool, sentence: str) -> None:
    """Stop unless `condition`. The sentence states the rule that must hold. Also works under `python -O`."""
    if not condition:
        raise InvariantBroken(f"this must hold and does not: {sentence}")
