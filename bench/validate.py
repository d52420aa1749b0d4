"""How long the door, the splice, the check and the writing of one resource take.

    PYTHONPATH=src python bench/validate.py R4.definitions R4.structures [SUITES]

One core, CPU time, best of five runs, each over resources of about one kilobyte: an
Observation and a MedicationRequest of our own, and the Synthea bundles where they are.
Peers on the same kind of machine: about 2,000 resources/s (structure and profiles, in
JavaScript) and 20,000 resources/s (structure, in Rust).
"""

import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trucyte.fhir import text
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.structures import load
from trucyte.fhir.parse import bundle, parse
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator
from trucyte.fhir.validate import Validator

SAMPLES = Path(__file__).parent / "samples"
ROUNDS = 5


def microseconds(work: Callable[[Any], object], items: Sequence[Any], repeat: int = 1) -> float:
    """CPU time an item, the best of `ROUNDS`."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(repeat):
            for item in items:
                work(item)
        best = min(best, time.process_time() - begun)
    return best / len(items) / repeat * 1e6


def show(
    name: str, bodies: list[bytes], validator: Validator, full: ProfileValidator, repeat: int
) -> None:
    resources = [text.scan(body).resource for body in bodies]
    assert not any(validator.check(resource) for resource in resources)
    accepted = [text.accept(body, id="new") for body in bodies]
    steps: dict[str, float] = {
        "scan": microseconds(text.scan, bodies, repeat),
        "parse": microseconds(parse, bodies, repeat),
        "check": microseconds(validator.check, resources, repeat),
        "full": microseconds(full.check, resources, repeat),
        "accept": microseconds(lambda body: text.accept(body, id="new"), bodies, repeat),
        "accept_own": microseconds(text.accept_own, resources, repeat),
        "with_meta": microseconds(
            lambda one: text.with_meta(one.body, one.meta_offset, 1, "2026-11-22T00:00:00Z"),
            accepted,
            repeat,
        ),
    }
    size = sum(map(len, bodies)) // len(bodies)
    figures = "  ".join(f"{step} {figure:6.1f}" for step, figure in steps.items())
    rate, full_rate = 1e6 / steps["check"], 1e6 / steps["full"]
    print(f"{name:20} {len(bodies):6} × {size:5} B  µs: {figures}")
    print(f"{'':20} structure {rate:,.0f}/s, with codes, invariants, profiles {full_rate:,.0f}/s")


def synthea(suites: Path) -> list[bytes]:
    with tarfile.open(suites / "synthea-bundles.tar.xz") as archive:
        files = [archive.extractfile(member) for member in archive if member.isfile()]
        return [bytes(e.resource) for file in files if file for e in bundle(file.read()).entry]


def main() -> None:
    begun = time.perf_counter()
    definitions = Definitions.load(Path(sys.argv[1]).read_bytes())
    print(f"definitions loaded in {(time.perf_counter() - begun) * 1e3:.1f} ms")
    validator = Validator(definitions)
    library = Library(definitions, load(Path(sys.argv[2]).read_bytes()))
    full = full_validator(library, unknown_extension_is_error=False)
    for path in sorted(SAMPLES.glob("*.json")):
        show(path.stem, [path.read_bytes()], validator, full, 2000)
    if len(sys.argv) > 3:
        show("synthea, all types", synthea(Path(sys.argv[3])), validator, full, 1)


if __name__ == "__main__":
    main()
