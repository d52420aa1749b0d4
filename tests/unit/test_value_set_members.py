"""Membership of value sets, by their compose; None where it cannot be told."""

from typing import Any

import pytest

from tests.support.profiles import library_of
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.codes import PackageTerminology
from trucyte.fhir.packages.structures import Cache

ANIMALS = "http://test.vn/animals"
SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": ANIMALS,
    "content": "complete",
    "concept": [
        {
            "code": "mammal",
            "concept": [
                {
                    "code": "dog",
                    "display": "Con chó",
                    "designation": [{"value": "Dog"}],
                    "property": [{"code": "legs", "valueInteger": 4}],
                },
                {"code": "bat", "property": [{"code": "flies", "valueBoolean": True}]},
            ],
        },
        {"code": "bird"},
    ],
}
FRAGMENT = {**SYSTEM, "url": "http://test.vn/part", "content": "fragment"}


def value_set(name: str, *include: dict[str, Any], **more: Any) -> dict[str, Any]:
    url = f"http://test.vn/ValueSet/{name}"
    compose = {"include": list(include), **more}
    return {"resourceType": "ValueSet", "url": url, "compose": compose}


def filtered(name: str, property_: str, op: str, value: str) -> dict[str, Any]:
    rule = {"property": property_, "op": op, "value": value}
    return value_set(name, {"system": ANIMALS, "filter": [rule]})


ALL = {"system": ANIMALS}
SETS = [
    value_set("all", ALL),
    value_set("some", {"system": ANIMALS, "concept": [{"code": "dog"}]}),
    value_set("but", ALL, exclude=[{"system": ANIMALS, "concept": [{"code": "dog"}]}]),
    value_set("both", {**ALL, "valueSet": ["http://test.vn/ValueSet/some"]}),
    value_set("nested", {"valueSet": ["http://test.vn/ValueSet/some"]}),
    value_set("itself", {"valueSet": ["http://test.vn/ValueSet/itself"]}),
    value_set("lost", {"valueSet": ["http://test.vn/ValueSet/nowhere"]}),
    value_set("elsewhere", {"system": "http://nowhere"}),
    value_set("part", {"system": "http://test.vn/part"}),
    filtered("below", "concept", "is-a", "mammal"),
    filtered("under", "concept", "descendent-of", "mammal"),
    filtered("beside", "concept", "is-not-a", "mammal"),
    filtered("legs", "legs", "=", "4"),
    filtered("flies", "flies", "=", "true"),
    filtered("has", "legs", "exists", "true"),
    filtered("regex", "code", "regex", "d.g"),
    filtered("in", "code", "in", "dog,bird"),
    filtered("explodes", "code", "regex", "(a+)+b"),
    filtered("broken", "code", "regex", "("),
    filtered("unknown", "code", "generalizes", "dog"),
    {
        "resourceType": "ValueSet",
        "url": "http://test.vn/ValueSet/expanded",
        "expansion": {
            "contains": [
                {"system": ANIMALS, "code": "dog"},
                {"system": ANIMALS, "code": "mammal", "abstract": True},
            ]
        },
    },
    {"resourceType": "ValueSet", "url": "http://test.vn/ValueSet/empty"},
    {"resourceType": "ValueSet", "url": "http://test.vn/ValueSet/odd", "compose": {"include": [1]}},
]


@pytest.fixture(scope="module")
def terminology(definitions: Definitions, structures: Cache) -> PackageTerminology:
    return PackageTerminology(library_of(definitions, structures, [SYSTEM, FRAGMENT, *SETS]))


CASES = [
    ("all", "dog", True),
    ("all", "cat", False),
    ("some", "dog", True),
    ("some", "bat", False),
    ("but", "dog", False),
    ("but", "bat", True),
    ("both", "dog", True),
    ("both", "bat", False),
    ("nested", "dog", True),
    ("itself", "dog", None),
    ("lost", "dog", None),
    ("below", "mammal", True),
    ("below", "dog", True),
    ("below", "bird", False),
    ("under", "mammal", False),
    ("under", "dog", True),
    ("beside", "bird", True),
    ("beside", "dog", False),
    ("legs", "dog", True),
    ("legs", "bat", False),
    ("flies", "bat", True),
    ("has", "dog", True),
    ("has", "bat", False),
    ("regex", "dog", True),
    ("regex", "bat", False),
    ("in", "bird", True),
    ("explodes", "dog", False),
    ("broken", "dog", None),
    ("unknown", "dog", None),
    ("expanded", "dog", True),
    ("expanded", "mammal", False),
    ("empty", "dog", None),
    ("odd", "dog", None),
]


@pytest.mark.parametrize(("name", "code", "answer"), CASES)
def test_a_code_is_in_a_value_set_or_not(
    terminology: PackageTerminology, name: str, code: str, answer: bool | None
) -> None:
    assert terminology.member_of(f"http://test.vn/ValueSet/{name}", ANIMALS, code) is answer


def test_another_system_is_outside_and_no_system_is_any(terminology: PackageTerminology) -> None:
    url = "http://test.vn/ValueSet/all"
    assert terminology.member_of(url, "http://other", "dog") is False
    assert terminology.member_of(url, None, "dog") is True
    assert terminology.member_of(url, "", "dog") is False
    assert terminology.member_of("http://test.vn/ValueSet/elsewhere", "http://nowhere", "x") is None
    assert terminology.member_of("http://test.vn/ValueSet/part", "http://test.vn/part", "x") is None
    assert not terminology.knows("http://test.vn/ValueSet/nowhere")


def test_codes_are_known_subsumed_and_called_by_their_names(
    terminology: PackageTerminology,
) -> None:
    assert terminology.has_code(ANIMALS, "dog") is True
    assert terminology.has_code(ANIMALS, "cat") is False
    assert terminology.has_code("http://test.vn/part", "cat") is None
    assert terminology.has_code("http://nowhere", "cat") is None
    assert terminology.subsumes(ANIMALS, "mammal", "dog") is True
    assert terminology.subsumes(ANIMALS, "bird", "dog") is False
    assert terminology.displays(ANIMALS, "dog") == {"con chó", "dog"}


def test_r4s_own_sets_answer_and_the_open_ones_say_what_they_can(
    terminology: PackageTerminology,
) -> None:
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert terminology.member_of(gender, None, "male") is True
    assert terminology.member_of(gender + "|4.0.1", None, "man") is False
    open_set = "http://hl7.org/fhir/ValueSet/ucum-units"
    assert terminology.member_of(open_set, "http://loinc.org", "x") is False
    assert terminology.member_of(open_set, "http://unitsofmeasure.org", "x") is None
