"""Whatever anyone does, in any order: the native engine answers what the specification answers.

Hypothesis draws the decisions of tests/ledger/imagination.py and shrinks what fails; the soak plays long lives from
printed seeds.
"""

from __future__ import annotations

import os
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.ledger.imagination import Imagination
from tests.ledger.twins import Twins
from tests.ledger.worlds import AF, SECOND

from qenex.ledger import ACCOUNT, ACCOUNT_UPDATE, TRANSFER, Account

START = 1_000 * SECOND
LATE = (1 << 63) - 4 * (1 << 32) * SECOND // 10
"""From here the longest timeout does not fit any more."""

randoms = st.randoms(use_true_random=False)


def opened(start: int) -> Imagination:
    """A world with a few accounts, so that the first transfers find some."""
    imagination = Imagination(Twins(start, variants=True))
    flags = [0, AF.history, AF.debits_must_not_exceed_credits, AF.overdraft | AF.history]
    imagination.twins.create_accounts(
        [
            Account(id=index + 1, ledger=1, code=1, flags=flag, user_data_64=10 if flag & AF.overdraft else 0)
            for index, flag in enumerate(flags)
        ]
    )
    imagination.twins.now += 1_000
    return imagination


class Differential(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.life: Imagination

    @initialize(late=st.booleans())
    def open(self, late: bool) -> None:
        self.life = opened(LATE if late else START)

    @rule(random=randoms)
    def create_accounts(self, random: Random) -> None:
        self.life.twins.create_accounts(self.life.accounts(random))

    @rule(random=randoms)
    def create_transfers(self, random: Random) -> None:
        self.life.twins.create_transfers(self.life.transfers(random))

    @rule(random=randoms)
    def step(self, random: Random) -> None:
        self.life.step(random)

    @rule(random=randoms)
    def a_few_steps(self, random: Random) -> None:
        for _ in range(4):
            self.life.step(random)

    @invariant()
    def what_always_holds_does(self) -> None:
        if hasattr(self, "life"):
            self.life.twins.check_invariants()

    def teardown(self) -> None:
        if hasattr(self, "life"):
            self.life.ask_everything()


def test_the_engines_agree_on_whatever_anyone_does():
    run_state_machine_as_test(
        Differential,
        settings=settings(
            max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def live(seed: int, steps: int) -> Imagination:
    random = Random(seed)
    life = opened(random.choice([START, START, LATE]))
    for _ in range(steps):
        life.step(random)
        life.twins.check_invariants()
    life.ask_everything()
    return life


@pytest.mark.parametrize("seed", range(40))
def test_the_engines_agree_for_a_whole_life(seed):
    live(seed, steps=150)


def test_the_engines_agree_on_noise():
    """Records of random bytes, with ever more fields put right, so that the noise gets ever deeper."""
    random = Random(1)
    twins = opened(START).twins
    for kind, method in (
        (ACCOUNT, "create_accounts"),
        (TRANSFER, "create_transfers"),
        (ACCOUNT_UPDATE, "update_accounts"),
    ):
        names = [name for name in kind.names if not name.endswith("_hi")]
        for _ in range(60):
            events = np.frombuffer(bytearray(random.randbytes(128 * 8)), dtype=kind)
            for name in random.sample(names, random.randrange(len(names) + 1)):
                for event in events:
                    event[name] = _plausible(random, kind, name)
                if name.endswith("_lo"):
                    events[name[:-3] + "_hi"] = 0
            twins.apply_records(method, events)
    twins.check_invariants()


def _plausible(random: Random, kind: np.dtype, name: str) -> object:
    if kind[name].kind == "V":
        return bytes(kind[name].itemsize)
    if name in ("ledger", "code"):
        return 1
    if name == "flags":
        return random.choice([0, 0, 1, 2, 4, 8, 16]) if kind is not ACCOUNT_UPDATE else 0
    if name == "kind":
        return random.choice([1, 2, 4, 8])
    if name.endswith("_id_lo") or name == "id_lo":
        return random.randrange(40)
    return 0 if "amount" not in name else random.randrange(100)


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_the_engines_agree_for_hours():
    first = int(os.environ.get("SEED", "1000"))
    for seed in range(first, first + int(os.environ.get("LIVES", "2000"))):
        print(f"seed {seed}")
        live(seed, steps=400)
