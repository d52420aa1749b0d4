"""How long a version takes to be matched: 1,000 subscriptions, versions of two shapes.

    PYTHONPATH=src python bench/subscriptions.py

Prints µs per version on one core: reading its values, and finding who asks for it, where
the subscriptions name a code or a person (a key), and where none can be looked up.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from trucyte.exchange.subscriptions.definition import Criteria
from trucyte.exchange.subscriptions.matching import Catalogue, Compiler, Rule, Version
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor
from trucyte.journal.change import Entry, Operation
from trucyte.node.language import load_definitions

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SUBSCRIPTIONS = 1_000
VERSIONS = 1_000
SHAPES = {
    "code": lambda n: (("code", f"http://loinc.org|{n % 500}-1"), ("status", "final")),
    "person": lambda n: (("patient", f"Patient/p{n}"), ("status", "final,amended")),
    "no key": lambda n: (("date", f"ge20{n % 100:02d}"), ("value-quantity", f"gt{n}")),
}


def main() -> None:
    extractor = Extractor(load_definitions())
    compiler = Compiler(extractor, None, lambda: 0)
    bodies = [_body(n) for n in range(VERSIONS)]
    began = time.perf_counter()
    values = [extractor.values(parse(body)) for body in bodies]
    print(f"read and extract: {_micros(began):.0f} µs a version")
    for name, shape in SHAPES.items():
        catalogue = Catalogue()
        began = time.perf_counter()
        for n in range(SUBSCRIPTIONS):
            test = compiler.test(Criteria("Observation", shape(n)))
            made = frozenset({Operation.CREATE, Operation.UPDATE})
            catalogue.put(f"s{n}", {"Observation": [Rule(made, None, (test,))]})
        compiled = _micros(began)
        began = time.perf_counter()
        met = 0
        for n, one in enumerate(values):
            version = Version(_entry(n), one, lambda: None)
            met += len(catalogue.met_by(version, lambda id: lambda *_: True))
        print(f"{name}: compile {compiled:.0f} µs each, match {_micros(began):.1f} µs a version"
              f" against {SUBSCRIPTIONS}, {met} met")  # fmt: skip


def _micros(began: float) -> float:
    return (time.perf_counter() - began) * 1e6 / VERSIONS


def _entry(n: int) -> Entry:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Entry(n, at, 0, "Observation", f"o{n}", 1, Operation.CREATE, 0, 0, 0, 0)


def _body(n: int) -> bytes:
    coding = {"system": "http://loinc.org", "code": f"{n % 500}-1", "display": "Glucose"}
    ucum = {"system": "http://unitsofmeasure.org", "code": "mmol/L"}
    resource = {
        "resourceType": "Observation",
        "id": f"o{n}",
        "status": "final",
        "code": {"coding": [coding], "text": "Đường huyết"},
        "subject": {"reference": f"Patient/p{n}"},
        "effectiveDateTime": f"2026-01-{n % 28 + 1:02d}T08:00:00+07:00",
        "valueQuantity": {"value": n + 0.5, "unit": "mmol/L", **ucum},
    }
    return json.dumps(resource).encode()


if __name__ == "__main__":
    assert Path(sys.argv[0]).exists()
    main()
