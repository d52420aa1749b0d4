"""Resources and profiles made to hurt: each ends in a clear issue, in bounded work."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support.profiles import URL, library_of, profile
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator

Resource = dict[str, Any]
Check = Callable[..., set[str]]


@pytest.fixture(scope="module")
def check(definitions: Definitions, structures: Cache) -> Check:
    def run(resource: Resource, *made: Resource) -> set[str]:
        validator = full_validator(library_of(definitions, structures, made))
        found: list[Issue] = validator.check(resource, [URL + "x"] if made else [])
        return {issue.message_id for issue in found}

    return run


def nested(depth: int) -> Resource:
    extension: Resource = {"url": "http://example.org/x", "valueString": "a"}
    for _ in range(depth):
        extension = {"url": "http://example.org/x", "extension": [extension]}
    return {"resourceType": "Patient", "extension": [extension]}


def test_ten_thousand_levels_are_too_deep(check: Check) -> None:
    assert "too-deep" in check(nested(10_000))


def test_a_text_of_a_hundred_megabytes_is_too_long(check: Check) -> None:
    assert "text-too-long" in check(
        {"resourceType": "Patient", "name": [{"text": "a" * 100_000_000}]}
    )


def test_a_number_beyond_all_measure_is_refused(check: Check) -> None:
    for number in (Decimal("1e1000000"), Decimal("1e-1000000"), 10**2000):
        quantity = {"valueQuantity": {"value": number}}
        observation = {"resourceType": "Observation", "status": "final", "code": {"text": "a"}}
        assert check(observation | quantity) == {"wrong-form"}


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<p onclick="x()">a</p>',
        '<a href="javascript:x()">a</a>',
        "<iframe src='http://x'/>",
    ],
)
def test_script_in_a_narrative_is_refused(check: Check, inside: str) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'
    assert "narrative-element" in check(
        {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    )


def test_links_without_end_take_linear_time(check: Check) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#' + "<a " * 300_000 + "</div>"
    assert "narrative-xml" in check(
        {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    )


def rule(expression: str) -> Resource:
    constraint = {"key": "x-1", "severity": "error", "human": "?", "expression": expression}
    return profile("x", "Patient", {"path": "name", "constraint": [constraint]})


EXPRESSIONS = {
    "exploding pattern": ("family.matches('(a+)+$').not()", set()),
    "no expression": ("((", {"invariant-not-evaluated"}),
    "endless": (
        "repeat($this | children()).select(%resource.descendants().descendants()).count() < 0",
        {"invariant", "invariant-not-evaluated", "check-too-costly"},
    ),
    "wrong type": ("family + 1 = 2", {"invariant-not-evaluated", "invariant"}),
    "deep": ("(" * 5000 + "true" + ")" * 5000, {"invariant-not-evaluated", "too-deep"}),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_hostile_rule_is_bounded(check: Check, name: str) -> None:
    expression, allowed = EXPRESSIONS[name]
    patient = {"resourceType": "Patient", "name": [{"family": "a" * 5000 + "!"}]}
    assert check(patient, rule(expression)) - {"no-issues"} <= allowed


def test_a_profile_of_a_member_that_is_of_the_same_profile_ends(check: Check) -> None:
    made = profile(
        "x",
        "Observation",
        {
            "path": "hasMember",
            "min": 1,
            "type": [{"code": "Reference", "targetProfile": [URL + "x"]}],
        },
    )
    one: Resource = {"resourceType": "Observation", "id": "a", "status": "final"}
    one |= {"code": {"text": "a"}, "hasMember": [{"reference": "#b"}]}
    other = {**one, "id": "b", "hasMember": [{"reference": "#"}]}
    assert check({**one, "contained": [other]}, made) == set()


def test_a_profile_within_itself_ends(check: Check) -> None:
    element = {"path": "extension", "type": [{"code": "Extension", "profile": [URL + "x"]}]}
    made = profile("x", "Extension", element, {"path": "extension.extension.extension", "min": 1})
    made["context"] = [{"type": "element", "expression": "Element"}]
    patient = nested(20)
    patient["extension"][0]["url"] = URL + "x"
    assert check(patient, made)


def test_many_slices_of_many_values_are_given_up(check: Check) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    elements: list[Resource] = [{"path": "identifier", "slicing": slicing}]
    for number in range(200):
        elements.append({"path": "identifier", "sliceName": f"s{number}"})
        elements.append({"path": "identifier.system", "fixedUri": f"http://{number}"})
    patient: Resource = {"resourceType": "Patient"}
    patient["identifier"] = [{"system": "http://x", "value": "1"}] * 20_000
    assert "check-too-costly" in check(patient, profile("x", "Patient", *elements))


def test_a_bundle_of_equal_references_is_bounded(check: Check) -> None:
    entry: Resource = {
        "fullUrl": "http://a/Patient/1",
        "resource": {
            "resourceType": "Patient",
            "id": "1",
            "link": [{"other": {"reference": "Patient/1/_history/2"}, "type": "seealso"}],
        },
    }
    found = check({"resourceType": "Bundle", "type": "collection", "entry": [entry] * 5_000})
    assert "check-too-costly" in found


def test_contained_resources_without_number_are_bounded(check: Check) -> None:
    inside = [{"resourceType": "Organization", "id": f"o{n}", "name": "A"} for n in range(20_000)]
    links = [{"reference": f"#o{n}"} for n in range(20_000)]
    found = check({"resourceType": "Patient", "contained": inside, "generalPractitioner": links})
    assert found == {"check-too-costly"}


def test_rules_meet_what_structure_has_refused_without_harm(check: Check) -> None:
    assert check({"resourceType": "CapabilityStatement", "rest": [None]})
    assert check({"resourceType": "Patient", "name": "a", "contact": [1]})
