"""The published sample files become valid R4 and come back as they were."""

import os
from pathlib import Path

import pytest

from tests.claims_round_trip import KEY, NoLists, Shelf, name_of, write
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import Visit
from trucyte.intake.limits import DEFAULT
from trucyte.intake.reading import Reading

SAMPLES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites")).parent / "reference/samples"
NAMES = (
    "synthetic-giamdinhhs-outpatient.xml",
    "synthetic-giamdinhhs-outpatient.decoded.xml",
)


def sample(name: str) -> Visit:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"no {path}")
    with path.open("rb") as file:
        (piece,) = Reading(file, DEFAULT)
        return VisitReader(DEFAULT).read(piece)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_becomes_valid_r4_and_comes_back(name: str, definitions: Definitions) -> None:
    visit = sample(name)
    mapping, shelf, validator = TableMapping(KEY, NoLists()), Shelf(), Validator(definitions)
    resources = write(mapping, visit, shelf)
    for resource in (*shelf.kept.values(), *resources):
        assert validator.check(resource) == [], name_of(resource)
    assert mapping.claim(resources, shelf.at) == visit


def test_both_samples_are_one_visit_and_become_the_same_resources() -> None:
    mapping = TableMapping(KEY, NoLists())
    first, second = (write(mapping, sample(name), Shelf()) for name in NAMES)
    assert first == second
