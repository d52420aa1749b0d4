"""How many decisions of access one core makes a second, with the rules compiled.

    python -m bench.access [--decisions 20000] [--record] [--note TEXT]

No database: the questions that decisions ask of one are counted elsewhere.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bench.record import record
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.policy import AccessDenied, Decider, load_book
from trucyte.shared.access.subject import Subject

DOCTOR = Subject(
    "bs01",
    "staff",
    frozenset({"doctor", "hiv_care", "tb_care"}),
    "Organization/79001",
    ("Location/noi", "Location/icu"),
    "Practitioner/bs01",
)
SCOPES = tuple(f"user/{name}.rs" for name in ("Patient", "Condition", "Observation", "Encounter"))
ASKED = (
    ("staff", DOCTOR, "TREAT"),
    ("token", replace(DOCTOR, scopes=SCOPES), "TREAT"),
    ("denied", DOCTOR, "HRESCH"),
    ("system", Subject("his", "system", frozenset({"system"}), "Organization/79001"), "HOPERAT"),
)


def main() -> None:
    """Measure, and print or record what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--record", action="store_true", help="add rows to results.csv")
    parser.add_argument("--note", default="one core, rules as shipped")
    told = parser.parse_args()
    decider = Decider(load_book())
    unit = "decisions/s"
    figures = {
        name: (best_rate(decider, subject, purpose, told.decisions), unit)
        for name, subject, purpose in ASKED
    }
    rate = best(lambda: decider.explained(DOCTOR, "TREAT", door="pages"), told.decisions // 10)
    figures["explained"] = (rate, unit)
    if told.record:
        record("access", figures, told.note)
        return
    for name, (rate, _) in figures.items():
        print(f"{name:<10} {rate:>10,.0f} {unit}  {1e6 / rate:6.1f} µs")


def best_rate(decider: Decider, subject: Subject, purpose: str, count: int) -> float:
    """Return decisions a second, the best of five."""
    recorder = Unshown()

    def decide() -> None:
        with suppress(AccessDenied):
            decider.access(subject, purpose, recorder, door="fhir")

    return best(decide, count)


def best(work: Callable[[], object], count: int) -> float:
    """Return how often `work` is done in a second, the best of five."""
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(count):
            work()
        rates.append(count / (time.perf_counter() - began))
    return max(rates)


if __name__ == "__main__":
    main()
