"""FHIRPath Patch (R4): add, insert, delete, replace, move, of elements of every form."""

from decimal import Decimal
from typing import Any

import pytest

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch import read_fhirpath_patch
from trucyte.fhir.patch.problems import PatchNotApplicable, PatchTooLarge
from trucyte.fhir.path.path import Paths
from trucyte.fhir.text import accept_own
from trucyte.fhir.validate import Validator

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {
            "family": "Nguyễn",
            "given": ["Văn", "Thử"],
            "_given": [None, {"extension": [{"url": "urn:a", "valueString": "x"}]}],
        },
        {"use": "usual", "text": "Thử"},
    ],
    "gender": "male",
    "birthDate": "1990-05-01",
    "_birthDate": {"extension": [{"url": "urn:gio", "valueTime": "07:30:00"}]},
    "deceasedBoolean": False,
    "contact": [{"gender": "female", "name": {"text": "Mẹ"}}],
}


@pytest.fixture(scope="module")
def paths(definitions: Definitions) -> Paths:
    return Paths(definitions)


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)


def operation(type: str, path: str, **parts: Any) -> dict[str, Any]:
    """One operation; `value` is a part of its own, the others are named by their type."""
    listed: list[dict[str, Any]] = [
        {"name": "type", "valueCode": type},
        {"name": "path", "valueString": path},
    ]
    for name, held in parts.items():
        if name == "value":
            listed.append({"name": "value", **held})
        else:
            kind = "valueInteger" if isinstance(held, int) else "valueString"
            listed.append({"name": name, kind: held})
    return {"name": "operation", "part": listed}


def patched(
    paths: Paths, *operations: dict[str, Any], on: dict[str, Any] = PATIENT
) -> dict[str, Any]:
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    return read_fhirpath_patch(parameters, paths).apply(on)


def test_a_single_element_is_added_replaced_and_deleted(paths: Paths) -> None:
    without = patched(paths, operation("delete", "Patient.birthDate"))
    assert "birthDate" not in without
    assert "_birthDate" not in without
    added = patched(
        paths,
        operation("add", "Patient", name="birthDate", value={"valueDate": "1930-01-01"}),
        on=without,
    )
    assert added["birthDate"] == "1930-01-01"
    changed = patched(paths, operation("replace", "Patient.gender", value={"valueCode": "other"}))
    assert changed["gender"] == "other"
    assert list(changed) == list(PATIENT)


def test_an_element_of_a_list_is_added_at_its_end(paths: Paths) -> None:
    name = {"valueHumanName": {"text": "Mới"}}
    changed = patched(paths, operation("add", "Patient", name="name", value=name))
    assert [one.get("text") for one in changed["name"]] == [None, "Thử", "Mới"]


def test_a_given_name_is_found_by_its_place_and_by_its_value(paths: Paths) -> None:
    new = {"valueString": "Thị"}
    by_place = patched(paths, operation("replace", "Patient.name[0].given[0]", value=new))
    path = "Patient.name.given.where($this = 'Văn')"
    by_value = patched(paths, operation("replace", path, value=new))
    assert by_place["name"][0]["given"] == by_value["name"][0]["given"] == ["Thị", "Thử"]
    assert by_place["name"][0]["_given"] == PATIENT["name"][0]["_given"]


def test_equal_values_at_two_places_are_told_apart(paths: Paths) -> None:
    twins = {"resourceType": "Patient", "id": "p", "name": [{"given": ["A", "A"]}]}
    change = operation("replace", "Patient.name.given[1]", value={"valueString": "B"})
    assert patched(paths, change, on=twins)["name"][0]["given"] == ["A", "B"]


def test_what_stands_beside_a_primitive_moves_and_goes_with_it(paths: Paths) -> None:
    given = "Patient.name[0].given"
    moved = patched(paths, operation("move", given, source=1, destination=0))["name"][0]
    assert moved["given"] == ["Thử", "Văn"]
    assert [bool(one) for one in moved["_given"]] == [True, False]
    gone = patched(paths, operation("delete", given + "[1]"))["name"][0]
    assert gone["given"] == ["Văn"]
    assert "_given" not in gone


def test_a_list_takes_an_element_at_any_place(paths: Paths) -> None:
    for index, expected in ((0, ["X", "Văn", "Thử"]), (2, ["Văn", "Thử", "X"])):
        step = operation("insert", "Patient.name[0].given", index=index, value={"valueString": "X"})
        assert patched(paths, step)["name"][0]["given"] == expected


def test_a_list_that_is_not_there_takes_its_first_element(paths: Paths) -> None:
    value = {"valueIdentifier": {"value": "1"}}
    changed = patched(paths, operation("insert", "Patient.identifier", index=0, value=value))
    assert changed["identifier"] == [{"value": "1"}]


def test_a_choice_changes_its_type(paths: Paths) -> None:
    value = {"valueDateTime": "2026-01-01"}
    changed = patched(paths, operation("replace", "Patient.deceased", value=value))
    assert "deceasedBoolean" not in changed
    assert changed["deceasedDateTime"] == "2026-01-01"
    assert list(changed).index("deceasedDateTime") == list(PATIENT).index("deceasedBoolean")


def test_a_choice_is_added_by_its_bare_name(paths: Paths) -> None:
    value = {"valueInteger": 2}
    changed = patched(paths, operation("add", "Patient", name="multipleBirth", value=value))
    assert changed["multipleBirthInteger"] == 2


def test_a_backbone_element_comes_in_parts(paths: Paths, validator: Validator) -> None:
    value = {
        "part": [
            {"name": "gender", "valueCode": "male"},
            {"name": "name", "valueHumanName": {"text": "Bố"}},
            {"name": "telecom", "valueContactPoint": {"value": "1", "system": "phone"}},
            {"name": "telecom", "valueContactPoint": {"value": "2", "system": "phone"}},
        ]
    }
    changed = patched(paths, operation("add", "Patient", name="contact", value=value))
    assert changed["contact"][1]["name"] == {"text": "Bố"}
    assert [one["value"] for one in changed["contact"][1]["telecom"]] == ["1", "2"]
    assert not validator.check(changed)


def test_an_extension_goes_to_a_primitive(paths: Paths) -> None:
    value = {"valueExtension": {"url": "urn:b", "valueString": "y"}}
    changed = patched(paths, operation("add", "Patient.gender", name="extension", value=value))
    assert changed["_gender"] == {"extension": [{"url": "urn:b", "valueString": "y"}]}
    given = operation("add", "Patient.name[0].given[0]", name="extension", value=value)
    assert patched(paths, given)["name"][0]["_given"][0]["extension"][0]["url"] == "urn:b"


def test_deleting_what_is_not_there_changes_nothing(paths: Paths) -> None:
    assert patched(paths, operation("delete", "Patient.maritalStatus")) == PATIENT


def test_digits_of_decimals_stay(paths: Paths) -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "valueQuantity": {"value": Decimal("72.50")},
    }
    change = operation("replace", "Observation.status", value={"valueCode": "amended"})
    assert b"72.50" in accept_own(patched(paths, change, on=observation)).body


@pytest.mark.parametrize(
    "step",
    [
        operation("replace", "Patient.name.given", value={"valueString": "x"}),
        operation("replace", "Patient.maritalStatus", value={"valueString": "x"}),
        operation("replace", "Patient", value={"valueString": "x"}),
        operation("replace", "1 + 1", value={"valueInteger": 3}),
        operation("delete", "Patient.name.given"),
        operation("delete", "Patient"),
        operation("add", "Patient", name="gender", value={"valueCode": "male"}),
        operation("add", "Patient", name="colour", value={"valueCode": "red"}),
        operation("add", "Patient", name="deceased", value={"valueQuantity": {}}),
        operation("add", "Patient", name="name", value={}),
        operation("add", "Patient.missing", name="name", value={"valueString": "a"}),
        operation("insert", "Patient.name", index=3, value={"valueHumanName": {"text": "a"}}),
        operation("insert", "Patient.maritalStatus", index=0, value={"valueCodeableConcept": {}}),
        operation("insert", "Patient.contact.link", index=0, value={"valueString": "a"}),
        operation("insert", "Patient.photo", index=0, value={"part": []}),
        operation("insert", "Patient.gender", index=0, value={"valueCode": "male"}),
        operation("move", "Patient.name", source=0, destination=2),
        operation("move", "Patient.photo", source=0, destination=0),
    ],
)
def test_what_does_not_fit_the_resource_is_refused(paths: Paths, step: dict[str, Any]) -> None:
    with pytest.raises(PatchNotApplicable):
        patched(paths, step)


@pytest.mark.parametrize(
    "parameters",
    [
        {}, {"resourceType": "Patient"}, {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [1]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [1, {}]}]},
        {"resourceType": "Parameters", "parameter": [operation("jump", "Patient")]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "")]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.(")]},
        {"resourceType": "Parameters", "parameter": [operation("add", "Patient", name="a")]},
        {"resourceType": "Parameters",
         "parameter": [operation("move", "Patient.name", source=-1, destination=0)]},
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused_when_read(paths: Paths, parameters: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        read_fhirpath_patch(parameters, paths)


def test_many_operations_on_a_large_resource_end_in_time(paths: Paths) -> None:
    large = {"resourceType": "Patient", "id": "p", "name": [{"given": ["a"] * 9000}]}
    steps = [operation("delete", "Patient.photo")] * 400
    with pytest.raises(PatchTooLarge):
        patched(paths, *steps, on=large)
