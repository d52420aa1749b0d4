"""How many evaluations a second the invariants of R4 make on one core, and what compiling costs.

    PYTHONPATH=src python bench/fhirpath.py R4.definitions [--profile]

CPU time, best of five runs. The constraints are R4's own, on an Observation, a Patient
and a Period of our own; the search expressions are the ones that generated code leaves
to the language. Required: 50,000 evaluations a second.
"""

import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path as File
from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Path, Paths

ROUNDS = 5
SECONDS = 0.2

CODING = {"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure"}
UCUM = "http://unitsofmeasure.org"
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},
    "status": "final",
    "code": {"coding": [CODING], "text": "Huyết áp"},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-11-22T09:12:00+07:00",
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": Decimal(value), "system": UCUM, "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", "120"), ("8462-4", "80.0"))
    ],
    "referenceRange": [{"low": {"value": Decimal(90)}, "high": {"value": Decimal(130)}}],
}
PERIOD = {"start": "2026-11-20T08:00:00+07:00", "end": "2026-11-22T09:12:00+07:00"}
CONDITION = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    },
    "subject": {"reference": "Patient/p"},
}
TIMING = {"frequency": 2, "period": Decimal(1), "periodUnit": "d", "when": ["MORN"]}

# Key of the rule, the type it is asked of, the value.
CASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("obs-6", "Observation", OBSERVATION),
    ("obs-7", "Observation", OBSERVATION),
    ("obs-3", "Observation.referenceRange", OBSERVATION["referenceRange"][0]),
    ("dom-2", "Observation", OBSERVATION),
    ("dom-3", "Observation", OBSERVATION),
    ("dom-6", "Observation", OBSERVATION),
    ("ele-1", "CodeableConcept", OBSERVATION["code"]),
    ("ext-1", "Extension", {"url": "urn:x", "valueCode": "01"}),
    ("ref-1", "Reference", OBSERVATION["subject"]),
    ("qty-3", "Quantity", OBSERVATION["component"][0]["valueQuantity"]),
    ("per-1", "Period", PERIOD),
    ("con-3", "Condition", CONDITION),
    ("con-4", "Condition", CONDITION),
    ("tim-9", "Timing.repeat", TIMING),
    ("rng-2", "Range", OBSERVATION["referenceRange"][0]),
)


def expressions(definitions: Definitions) -> dict[str, str]:
    found = {}
    for one in definitions.types.values():
        found.update({rule.key: rule.expression for rule in one.invariants})
        for element in one.elements.values():
            found.update({rule.key: rule.expression for rule in element.invariants})
    return {key: text for key, text in found.items() if text}


def rate(work: Callable[[], object]) -> float:
    """Calls a second, the best of `ROUNDS`."""
    best = 0.0
    for _ in range(ROUNDS):
        calls, begun = 0, time.process_time()
        while (spent := time.process_time() - begun) < SECONDS:
            for _ in range(200):
                work()
            calls += 200
        best = max(best, calls / spent)
    return best


def prepared(paths: Paths, text: str, type_name: str, value: Any) -> tuple[Path, Node, Environment]:
    root = paths.resource(OBSERVATION)
    node = root if type_name == "Observation" else paths.model.element(value, type_name, None, root)
    environment = Environment(resource=root, root_resource=root)
    return paths.compile(text, is_strict=False), node, environment


def main() -> None:
    definitions = Definitions.load(File(sys.argv[1]).read_bytes())
    texts = expressions(definitions)
    begun = time.process_time()
    paths = Paths(definitions)
    for text in set(texts.values()):
        paths.compile(text, is_strict=False)
    spent = time.process_time() - begun
    count = len(set(texts.values()))
    print(f"compile  {count} invariants in {spent * 1e3:.0f} ms, {spent / count * 1e6:.0f} µs each")
    made = {key: prepared(paths, texts[key], kind, value) for key, kind, value in CASES}
    rates = {
        key: rate(lambda one=one: one[0].holds(one[1], one[2]))  # type: ignore[misc]
        for key, one in made.items()
    }
    for key, figure in rates.items():
        print(f"{key:8} {figure:12,.0f}/s  {texts[key][:80]}")
    mean = len(rates) / sum(1 / figure for figure in rates.values())
    print(f"all together {mean:,.0f} evaluations/s (harmonic mean)")
    if "--profile" in sys.argv:
        profile(list(made.values()))


def profile(made: list[tuple[Path, Node, Environment]]) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(3000):
        for path, node, environment in made:
            path.holds(node, environment)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
