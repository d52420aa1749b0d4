"""Whose key seals a body: its person's, or its own where it names several."""

import json

import pytest

from trucyte.journal.change import Change, Operation
from trucyte.records import Hasher
from trucyte.records.keepers import keeper

PERSONS = Hasher(b"a key of tests, of no other use.")


def owner(type: str, *references: str, **more: object) -> int:
    body = {"resourceType": type, "id": "x", "said": list(references), **more}
    data = json.dumps(body).replace("#", "\\/").encode()
    return keeper(PERSONS)(Change(type, "x", Operation.CREATE, data, 0, 7))


@pytest.mark.parametrize(
    "references",
    [(), ("Patient/a",), ("Patient/a", "Patient/a"), ("Patient/a", "Practitioner/b"),
     ("Patient/a", "a Patient/b in a text")],
)  # fmt: skip
def test_what_names_one_person_goes_with_that_person(references: tuple[str, ...]) -> None:
    assert owner("Observation", *references) == 0


@pytest.mark.parametrize("other", ["Patient/b", "https://his.vn/fhir/Patient/b", "Patient#b"])
def test_what_names_two_has_a_key_of_its_own(other: str) -> None:
    assert owner("Group", "Patient/a", other) == PERSONS.person("Group/x")


def test_a_patient_is_one_person_whoever_it_is_linked_to() -> None:
    assert owner("Patient", "Patient/a", "Patient/b") == 0
