"""The invariants that are plain Python say what their FHIRPath says, over all examples."""

import tarfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.suites import suite
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.path.path import Paths
from trucyte.fhir.profiles.invariants.evaluation import PathEvaluator
from trucyte.fhir.profiles.invariants.natives import NATIVE
from trucyte.fhir.profiles.scope import Run, Scope

Place = tuple[str, Any]


def rules(definitions: Definitions) -> dict[str, set[str]]:
    """The types at which each plain rule stands."""
    found: dict[str, set[str]] = {expression: set() for expression in NATIVE}
    for definition in definitions.types.values():
        for rule in definition.invariants:
            if rule.expression in found:
                found[rule.expression].add(definition.name)
        for element in definition.elements.values():
            for rule in element.invariants:
                if rule.expression in found:
                    found[rule.expression].update(element.types)
    return found


def places(definitions: Definitions, type_name: str, value: Any) -> Iterator[Place]:
    """Every object in a resource with its type."""
    if not isinstance(value, dict):
        return
    yield type_name, value
    keys = definitions.types[type_name].keys
    for key, item in value.items():
        if key not in keys:
            continue
        inner = keys[key][1]
        for one in item if isinstance(item, list) else [item]:
            if inner == "Resource" and isinstance(one, dict):
                inner = str(one.get("resourceType"))
            if inner in definitions.types:
                yield from places(definitions, inner, one)


def test_every_plain_rule_stands_in_r4(definitions: Definitions) -> None:
    assert [expression for expression, types in rules(definitions).items() if not types] == []


BREAKING: list[tuple[str, dict[str, Any]]] = [
    ("Period", {"start": "2021-01-01", "end": "2020-01-01"}),
    ("Period", {"start": "2020-01-01T10:00:00+07:00", "end": "2020-01-01T02:00:00Z"}),
    ("Range", {"low": {"value": 5}, "high": {"value": 4}}),
    ("Quantity", {"code": "g"}),
    ("ContactPoint", {"value": "1"}),
    ("Attachment", {"data": "aaaa"}),
    ("Ratio", {"numerator": {"value": 1}}),
    ("Timing.repeat", {"duration": -1, "period": -1, "periodMax": 1}),
    ("Timing.repeat", {"timeOfDay": ["10:00:00"], "when": ["C"], "countMax": 2}),
    ("Patient.contact", {"gender": "male"}),
    ("Bundle.entry", {"fullUrl": "urn:x"}),
    ("Goal.target", {"detailString": "a"}),
    ("CarePlan.activity", {"detail": {"status": "x"}, "reference": {"display": "a"}}),
]


@pytest.fixture(scope="module")
def evaluator(definitions: Definitions) -> PathEvaluator:
    return PathEvaluator(Paths(definitions))


def compare(
    evaluator: PathEvaluator, expression: str, type_name: str, value: Any, scope: Scope
) -> tuple[bool, bool | None]:
    path = evaluator.rule(expression, type_name)
    assert path is not None
    return NATIVE[expression](value, None, scope), path(value, None, scope)


def test_plain_rules_and_fhirpath_agree_on_all_examples(
    definitions: Definitions, evaluator: PathEvaluator
) -> None:
    by_type: dict[str, list[str]] = {}
    for expression, types in rules(definitions).items():
        for name in types:
            by_type.setdefault(name, []).append(expression)
    compared: Counter[str] = Counter()
    with tarfile.open(suite("r4-examples.tar.xz")) as archive:
        for member in archive:
            file = archive.extractfile(member)
            resource = parse(file.read()) if file is not None else {}
            kind = resource.get("resourceType")
            if kind not in definitions.resource_types or len(str(resource)) > 300_000:
                continue
            for name, value in places(definitions, kind, resource):
                names = (name, *definitions.bases(name))
                scope = Scope(value if "resourceType" in value else resource, resource, Run())
                for expression in [e for one in names for e in by_type.get(one, ())]:
                    native, path = compare(evaluator, expression, name, value, scope)
                    assert native is path, (member.name, expression, value)
                    compared[expression] += 1
    assert sum(compared.values()) > 15_000


@pytest.mark.parametrize(("type_name", "value"), BREAKING)
def test_plain_rules_and_fhirpath_agree_on_what_is_broken(
    definitions: Definitions, evaluator: PathEvaluator, type_name: str, value: dict[str, Any]
) -> None:
    scope = Scope({"resourceType": "Basic"}, {"resourceType": "Basic"}, Run())
    broken = 0
    for expression, types in rules(definitions).items():
        if type_name in types:
            native, path = compare(evaluator, expression, type_name, value, scope)
            assert native is path, expression
            broken += not native
    assert broken
