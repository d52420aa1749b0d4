"""`slice()` and `elementDefinition()` answer from profiles; broken JSON is no crash."""

from collections.abc import Callable
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.render import to_json
from trucyte.fhir.profiles.standard import full_validator

BP = "http://hl7.org/fhir/StructureDefinition/bp"
PRESSURE = {
    "resourceType": "Observation",
    "status": "final",
    "component": [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueInteger": value}
        for code, value in (("8480-6", 120), ("8462-4", 80), ("8867-4", 60))
    ],
}
Ask = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def ask(definitions: Definitions, structures: Cache) -> Ask:
    profiles = full_validator(Library(definitions, structures))
    paths = Paths(definitions)

    def run(expression: str) -> list[Any]:
        node = paths.resource(PRESSURE)
        return to_json(paths.compile(expression).evaluate(node, Environment(profiles=profiles)))

    return run


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (f"slice('{BP}', 'SystolicBP').value", [120]),
        (f"component.slice('{BP}', 'DiastolicBP').value", [80]),
        (f"component.where(value = 60).slice('{BP}', 'SystolicBP')", []),
        (f"{{}}.slice('{BP}', 'SystolicBP')", []),
        (f"slice('{BP}', 'VSCat')", []),
    ],
)
def test_a_slice_gives_what_belongs_to_it(expression: str, wanted: list[Any], ask: Ask) -> None:
    assert ask(expression) == wanted


@pytest.mark.parametrize(
    "call", [f"slice('{BP}', 'nope')", "slice('http://test.vn/x', 'a')", "slice({}, 'a')"]
)
def test_a_slice_that_nobody_knows_is_an_error(call: str, ask: Ask) -> None:
    with pytest.raises(PathEvaluation):
        ask(call)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("elementDefinition().path", ["Observation"]),
        ("status.elementDefinition().select(min.toString() & max)", ["11"]),
        ("component.first().elementDefinition().max", ["*"]),
        ("component.first().code.elementDefinition().path", ["Observation.component.code"]),
        ("component.first().value.elementDefinition().type.code.count()", [11]),
        ("component.code.coding.first().elementDefinition().path", ["CodeableConcept.coding"]),
        ("'a'.elementDefinition()", []),
    ],
)
def test_an_element_definition_is_that_of_its_type(
    expression: str, wanted: list[Any], ask: Ask
) -> None:
    assert ask(expression) == wanted


def test_without_definitions_both_are_errors(definitions: Definitions) -> None:
    paths = Paths(definitions)
    for expression in ("elementDefinition()", f"slice('{BP}', 'SystolicBP')"):
        with pytest.raises(PathEvaluation):
            paths.compile(expression).evaluate(paths.resource(PRESSURE))


BROKEN: list[dict[str, Any]] = [
    {"resourceType": "CapabilityStatement", "rest": [None]},
    {"resourceType": "CapabilityStatement", "rest": [1, [{"mode": "server"}], "a"]},
    {"resourceType": "Patient", "name": [None, {"given": [None, [1], {}]}], "contained": [None, 1]},
    {"resourceType": ["Patient"], "rest": None},
]


@pytest.mark.parametrize("source", BROKEN)
def test_broken_json_is_walked_as_far_as_it_goes(
    source: dict[str, Any], definitions: Definitions, structures: Cache
) -> None:
    paths = Paths(definitions)
    for expression in (
        "rest.mode",
        "name.given",
        "descendants().count() >= 0",
        "rest.resource.type",
    ):
        paths.compile(expression).evaluate(paths.resource(source))
    assert full_validator(Library(definitions, structures)).check(source)


@pytest.mark.parametrize("value", [None, 1, "a", [], [None], True])
def test_an_element_that_is_not_what_its_type_says_is_empty(
    value: Any, definitions: Definitions
) -> None:
    paths = Paths(definitions)
    rest = paths.model.element(value, "CapabilityStatement.rest")
    assert paths.compile("mode | resource.type | extension('a')").evaluate(rest) == []
    code = paths.model.element([value], "code", "beside")  # type: ignore[arg-type]  # as broken
    assert paths.compile("hasValue() or extension.exists()").evaluate(code) == [False]
    assert paths.compile("name").evaluate(paths.resource([value])) == []  # type: ignore[arg-type]  # as broken
