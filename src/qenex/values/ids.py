"""Identifiers: u128 numbers that sort by the time they were made, and those that follow from another one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from hashlib import sha256

from qenex.values.clock import Clock
from qenex.values.invariant import invariant

ID_MAX = 2**128 - 2
"""The largest id; 0 and 2^128 - 1 name nothing, as in the ledger's records."""

_RANDOM_BITS = 80
_MILLISECONDS_MAX = 2**48 - 1
_NS_PER_MS = 1_000_000


class IdSource:
    """Makes ids of 48 bits of milliseconds and 80 random bits: unique, and strictly increasing within this source.

    Within one millisecond, and while the clock stands or steps back, the next id is the last one plus a random step
    below 2^32: still increasing, not guessable from its neighbour. Safe to share between threads.
    """

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """One id in 1..ID_MAX, larger than all before."""
        now_ms = self._clock.now_ns() // _NS_PER_MS
        invariant(now_ms <= _MILLISECONDS_MAX, "the clock is before the year 10889")
        with self._lock:
            if now_ms > self._last >> _RANDOM_BITS:
                # The top random bit stays free, so that the steps of a busy millisecond do not run into the next one.
                random = int.from_bytes(self._random_bytes(10), "big") >> 1
                self._last = now_ms << _RANDOM_BITS | random
            else:
                self._last += 1 + int.from_bytes(self._random_bytes(4), "big")
            invariant(self._last <= ID_MAX, "an id fits into 128 bits")
            return self._last


def derive_id(payment_id: int, step: str) -> int:
    """The id of `step` of a payment, in 1..ID_MAX: always the same, so a retry after a crash names the same one."""
    invariant(0 < payment_id <= ID_MAX, "a payment id is in 1..2^128-2")
    seed = b"qenex derived id 1\x00" + payment_id.to_bytes(16, "little") + step.encode()
    derived = 0
    while not 0 < derived <= ID_MAX:
        seed = sha256(seed).digest()
        derived = int.from_bytes(seed[:16], "little")
    return derived
