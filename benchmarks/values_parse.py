"""How many texts a second become values, on one core: IBANs and amounts as they stand in payment files."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable

from qenex.values import IBAN_STRUCTURES, Currency, Iban, Money, currency, parse_iban

COUNTRIES = ("DE", "FR", "NL", "ES", "IT", "GB")


def ibans(count: int, seed: int) -> list[str]:
    """Right IBANs of the countries that most SEPA payments come from."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        structure = IBAN_STRUCTURES[chance.choice(COUNTRIES)]
        alphabets = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEF"}
        bban = "".join("".join(chance.choices(alphabets[kind], k=length)) for length, kind in structure.fields)
        made.append(str(Iban.build(structure.country, bban)))
    return made


def per_second(parse: Callable[[str], object], texts: list[str], rounds: int) -> float:
    """Median over the rounds of texts per second."""
    figures = []
    for _ in range(rounds):
        started = time.perf_counter()
        for text in texts:
            parse(text)
        figures.append(len(texts) / (time.perf_counter() - started))
    return statistics.median(figures)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    count = 20_000 if arguments.parse_args().quick else 200_000
    euro = currency("EUR")
    assert isinstance(euro, Currency)
    chance = random.Random(7)
    amounts = [f"{chance.randrange(10**7)}.{chance.randrange(100):02d}" for _ in range(count)]
    for name, figure, goal in (
        ("values: IBANs parsed", per_second(parse_iban, ibans(count, 7), 5), 500_000),
        ("values: amounts parsed", per_second(lambda text: Money.parse(text, euro), amounts, 5), 500_000),
    ):
        print(json.dumps({"benchmark": name, "value": figure, "unit": "/s", "goal": goal, "note": "one core"}))


if __name__ == "__main__":
    main()
