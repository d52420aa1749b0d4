"""FHIRPath Patch as R4 says it."""

from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch import read_fhirpath_patch
from trucyte.fhir.patch.problems import PatchNotApplicable, PatchTooLarge, PatchUnreadable
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import PathSyntax

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "birthDate": "1990-05",
    "_birthDate": {"extension": [{"url": "urn:x", "valueString": "y"}]},
    "active": True,
    "name": [
        {"use": "official", "given": ["A", "B", "C"], "_given": [None, {"id": "b"}, None]},
        {"use": "usual", "text": "A"},
    ],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "maritalStatus": {"text": "x"},
}


@pytest.fixture(scope="module")
def paths(definitions: Definitions) -> Paths:
    return Paths(definitions)


def operation(type: str, path: str, **parts: Any) -> dict:
    listed = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if name in ("index", "source", "destination"):
            listed.append({"name": name, "valueInteger": value})
        elif name == "name":
            listed.append({"name": name, "valueString": value})
        else:
            listed.append({"name": name, **value})
    return {"name": "operation", "part": listed}


def patched(paths: Paths, *operations: dict, resource: dict | None = None) -> dict:
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    return read_fhirpath_patch(parameters, paths).apply(resource or PATIENT)


def changed(**members: Any) -> dict:
    found = {**PATIENT, **members}
    return {name: value for name, value in found.items() if value is not None}


def test_add_puts_what_is_not_there_and_appends_to_lists(paths: Paths) -> None:
    assert patched(paths, operation("add", "Patient", name="gender", value={"valueCode": "male"}))[
        "gender"
    ] == "male"  # fmt: skip
    added = patched(
        paths,
        operation(
            "add", "Patient.name[1]", name="given", value={"valueString": "D"}
        ),
        operation("add", "Patient", name="telecom", value={"valueContactPoint": {"value": "3"}}),
    )  # fmt: skip
    assert added["name"][1]["given"] == ["D"]
    assert added["telecom"][2] == {"value": "3"}


def test_add_chooses_the_key_of_a_choice_by_the_type_of_the_value(paths: Paths) -> None:
    for name in ("deceased", "deceasedBoolean"):
        made = patched(paths, operation("add", "Patient", name=name, value={"valueBoolean": False}))
        assert made["deceasedBoolean"] is False


def test_add_takes_the_parts_of_a_backbone_element(paths: Paths) -> None:
    parts = [
        {"name": "name", "valueHumanName": {"text": "N"}},
        {"name": "telecom", "valueContactPoint": {"value": "9"}},
        {"name": "relationship", "part": [{"name": "text", "valueString": "mẹ"}]},
        {"name": "gender", "valueCode": "female"},
    ]
    made = patched(paths, operation("add", "Patient", name="contact", value={"part": parts}))
    assert made["contact"] == [
        {
            "name": {"text": "N"},
            "telecom": [{"value": "9"}],
            "relationship": [{"text": "mẹ"}],
            "gender": "female",
        }
    ]


def test_add_puts_an_extension_at_a_primitive(paths: Paths) -> None:
    value = {"valueExtension": {"url": "urn:z", "valueCode": "c"}}
    made = patched(paths, operation("add", "Patient.active", name="extension", value=value))
    assert made["_active"] == {"extension": [value["valueExtension"]]}


@pytest.mark.parametrize(
    ("path", "key", "left"),
    [
        ("Patient.birthDate", "birthDate", None),
        ("Patient.name[1]", "name", PATIENT["name"][:1]),
        ("Patient.telecom.where(system = 'phone')", "telecom", PATIENT["telecom"][1:]),
        ("Patient.maritalStatus", "maritalStatus", None),
        ("Patient.maritalStatus.text", "maritalStatus", None),
        ("Patient.contact", "contact", None),
    ],
)
def test_delete_takes_out_one_element_and_no_empty_one_is_left(
    paths: Paths, path: str, key: str, left: Any
) -> None:
    more = {"_birthDate": None} if key == "birthDate" else {}
    assert patched(paths, operation("delete", path)) == changed(**{key: left}, **more)


def test_lists_of_primitives_keep_what_stands_beside_each(paths: Paths) -> None:
    deleted = patched(paths, operation("delete", "Patient.name[0].given[0]"))["name"][0]
    assert (deleted["given"], deleted["_given"]) == (["B", "C"], [{"id": "b"}, None])
    moved = patched(paths, operation("move", "Patient.name[0].given", source=1, destination=2))[
        "name"
    ][0]
    assert (moved["given"], moved["_given"]) == (["A", "C", "B"], [None, None, {"id": "b"}])
    inserted = patched(
        paths, operation("insert", "Patient.name[0].given", index=1, value={"valueString": "X"})
    )["name"][0]
    assert inserted["given"] == ["A", "X", "B", "C"]
    assert inserted["_given"] == [None, None, {"id": "b"}, None]


def test_replace_puts_a_value_in_place_of_another(paths: Paths) -> None:
    made = patched(
        paths,
        operation("replace", "Patient.birthDate", value={"valueDate": "1991"}),
        operation(
            "replace", "Patient.name[0].given.where($this = 'C')", value={"valueString": "Z"}
        ),
        operation("replace", "Patient.maritalStatus", value={"valueCodeableConcept": {"id": "m"}}),
    )
    assert made["birthDate"] == "1991"
    assert "_birthDate" not in made
    assert made["name"][0]["given"] == ["A", "B", "Z"]
    assert made["maritalStatus"] == {"id": "m"}
    assert list(made) == [key for key in PATIENT if key != "_birthDate"]


def test_replace_of_a_choice_changes_its_key(paths: Paths) -> None:
    observation = {"resourceType": "Observation", "valueString": "a", "status": "final"}
    made = patched(
        paths,
        operation("replace", "Observation.value", value={"valueQuantity": {"value": 1}}),
        resource=observation,
    )
    assert made == {
        "resourceType": "Observation", "valueQuantity": {"value": 1}, "status": "final",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        operation("delete", "Patient.name"),
        operation("delete", "Patient"),
        operation("replace", "Patient.gender", value={"valueCode": "male"}),
        operation("replace", "Patient.name", value={"valueHumanName": {}}),
        operation("replace", "Patient", value={"valueHumanName": {}}),
        operation("replace", "'a'", value={"valueString": "b"}),
        operation("add", "Patient", name="active", value={"valueBoolean": True}),
        operation("add", "Patient", name="colour", value={"valueString": "red"}),
        operation("add", "Patient", name="deceased", value={"valueString": "no"}),
        operation("add", "Patient", name="gender", value={}),
        operation("add", "Patient.name", name="text", value={"valueString": "x"}),
        operation("insert", "Patient.name", index=3, value={"valueHumanName": {}}),
        operation("insert", "Patient.contact", index=1, value={"part": []}),
        operation("insert", "Patient.active", index=0, value={"valueBoolean": True}),
        operation("insert", "Patient.name.tail()", index=0, value={"valueHumanName": {}}),
        operation("move", "Patient.name", source=0, destination=2),
    ],
)
def test_what_does_not_fit_the_resource_is_told(paths: Paths, wrong: dict) -> None:
    with pytest.raises(PatchNotApplicable):
        patched(paths, wrong)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"resourceType": "Patient", "parameter": []},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [1]},
        {"resourceType": "Parameters", "parameter": [{"name": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": 1}]},
        {"resourceType": "Parameters", "parameter": [operation("turn", "Patient")]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "")]},
        {"resourceType": "Parameters", "parameter": [operation("add", "Patient")]},
        {"resourceType": "Parameters", "parameter": [
            operation("move", "Patient.name", source=-1, destination=0)]},
        {"resourceType": "Parameters", "parameter": [
            operation("move", "Patient.name", source=True, destination=0)]},
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused_on_reading(paths: Paths, parameters: dict) -> None:
    with pytest.raises(PatchUnreadable):
        read_fhirpath_patch(parameters, paths)


def test_a_path_that_cannot_be_read_is_refused_on_reading(paths: Paths) -> None:
    with pytest.raises(PathSyntax):
        patched(paths, operation("delete", "Patient.("))


def test_too_many_operations_are_refused_as_a_whole(paths: Paths) -> None:
    with pytest.raises(PatchTooLarge):
        patched(paths, *[operation("delete", "Patient.active")] * 501)


def test_the_same_patch_can_be_applied_again(paths: Paths) -> None:
    value = {"valueContactPoint": {"system": "phone"}}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            operation("add", "Patient", name="telecom", value=value),
            operation("add", "Patient.telecom[2]", name="value", value={"valueString": "3"}),
        ],
    }
    patch = read_fhirpath_patch(parameters, paths)
    assert patch.apply(PATIENT) == patch.apply(PATIENT)
    assert len(PATIENT["telecom"]) == 2
