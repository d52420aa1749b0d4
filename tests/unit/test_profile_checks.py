"""What a profile demands is found, each fault once and at its place."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support.profiles import URL, errors, library_of, profile
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import message
from trucyte.fhir.packages.library import CORES
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator

Check = Callable[..., list[Issue]]
Resource = dict[str, Any]
SYSTEM = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}


@pytest.fixture(scope="module")
def check(definitions: Definitions, structures: Cache) -> Check:
    def run(resource: Resource, *made: Resource, ask: str = URL + "x") -> list[Issue]:
        validator = full_validator(library_of(definitions, structures, made))
        return validator.check(resource, [ask] if made else [])

    return run


PATIENT: Resource = {
    "resourceType": "Patient",
    "active": True,
    "identifier": [{"system": "http://a", "value": "1"}, {"system": "http://b", "value": "2"}],
    "name": [{"family": "Nguyễn", "given": ["Văn", "An"]}],
    "gender": "male",
    "birthDate": "1990-01-01",
}
OBSERVATION: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://test.vn/codes", "code": "a"}]},
    "valueQuantity": {"value": Decimal("5.0"), "unit": "kg"},
    "subject": {"reference": "Patient/1"},
}

# One row a demand: profile elements, type, and what they find in the resource above.
DEMANDS: dict[str, tuple[str, list[dict[str, Any]], list[tuple[str, str]]]] = {
    "nothing": ("Patient", [], []),
    "at least": ("Patient", [{"path": "photo", "min": 1}], [("profile-too-few", "Patient")]),
    "at most": ("Patient", [{"path": "identifier", "max": "1"}], [("profile-too-many", "Patient")]),
    "none": ("Patient", [{"path": "active", "max": "0"}], [("profile-too-many", "Patient")]),
    "inside": (
        "Patient",
        [{"path": "name.prefix", "min": 1}],
        [("profile-too-few", "Patient.name[0]")],
    ),
    "fixed": (
        "Patient",
        [{"path": "gender", "fixedCode": "female"}],
        [("profile-fixed", "Patient.gender")],
    ),
    "fixed as it is": ("Patient", [{"path": "gender", "fixedCode": "male"}], []),
    "fixed object": (
        "Observation",
        [{"path": "code", "fixedCodeableConcept": {"coding": [{"system": "http://x"}]}}],
        [("profile-fixed", "Observation.code.coding[0].system")],
    ),
    "pattern": (
        "Observation",
        [{"path": "code", "patternCodeableConcept": {"coding": [{"code": "b"}]}}],
        [("profile-pattern", "Observation.code")],
    ),
    "pattern that fits": (
        "Observation",
        [{"path": "code", "patternCodeableConcept": {"coding": [{"code": "a"}]}}],
        [],
    ),
    "choice": (
        "Observation",
        [{"path": "value[x]", "type": [{"code": "string"}]}],
        [("profile-type-not-allowed", "Observation.value.ofType(Quantity)")],
    ),
    "choice by name": (
        "Observation",
        [{"path": "valueString", "min": 0}],
        [
            ("profile-type-not-allowed", "Observation.value.ofType(Quantity)"),
            ("profile-no-slice", "Observation.value.ofType(Quantity)"),
        ],
    ),
    "length": (
        "Patient",
        [{"path": "name.family", "maxLength": 3}],
        [("profile-text-too-long", "Patient.name[0].family")],
    ),
    "least date": (
        "Patient",
        [{"path": "birthDate", "minValueDate": "2000-01-01"}],
        [("profile-below-minimum", "Patient.birthDate")],
    ),
    "greatest quantity": (
        "Observation",
        [{"path": "value[x]", "type": [{"code": "Quantity"}], "maxValueQuantity": {"value": 4}}],
        [("profile-above-maximum", "Observation.value.ofType(Quantity)")],
    ),
    "binding": (
        "Patient",
        [
            {
                "path": "maritalStatus",
                "binding": {
                    "strength": "required",
                    "valueSet": "http://hl7.org/fhir/ValueSet/marital-status",
                },
            }
        ],
        [],
    ),
    "invariant": (
        "Patient",
        [
            {
                "path": "name",
                "constraint": [
                    {
                        "key": "t-1",
                        "severity": "error",
                        "human": "?",
                        "expression": "given.count() = 1",
                    }
                ],
            }
        ],
        [("invariant", "Patient.name[0]")],
    ),
    "slice too few": (
        "Patient",
        [
            {"path": "identifier", "slicing": SYSTEM},
            {"path": "identifier", "sliceName": "c", "min": 1},
            {"path": "identifier.system", "fixedUri": "http://c"},
        ],
        [("profile-slice-too-few", "Patient")],
    ),
    "slice with a demand": (
        "Patient",
        [
            {"path": "identifier", "slicing": SYSTEM},
            {"path": "identifier", "sliceName": "b", "min": 1},
            {"path": "identifier.system", "fixedUri": "http://b"},
            {"path": "identifier.use", "min": 1},
        ],
        [("profile-too-few", "Patient.identifier[1]")],
    ),
    "closed": (
        "Patient",
        [
            {"path": "identifier", "slicing": {**SYSTEM, "rules": "closed"}},
            {"path": "identifier", "sliceName": "a"},
            {"path": "identifier.system", "fixedUri": "http://a"},
        ],
        [("profile-no-slice", "Patient.identifier[1]")],
    ),
    "open at end": (
        "Patient",
        [
            {"path": "identifier", "slicing": {**SYSTEM, "rules": "openAtEnd"}},
            {"path": "identifier", "sliceName": "b"},
            {"path": "identifier.system", "fixedUri": "http://b"},
        ],
        [("profile-slice-at-end", "Patient.identifier[1]")],
    ),
    "ordered": (
        "Patient",
        [
            {"path": "identifier", "slicing": {**SYSTEM, "ordered": True}},
            {"path": "identifier", "sliceName": "b"},
            {"path": "identifier.system", "fixedUri": "http://b"},
            {"path": "identifier", "sliceName": "a"},
            {"path": "identifier.system", "fixedUri": "http://a"},
        ],
        [("profile-slice-order", "Patient.identifier[1]")],
    ),
    "two slices": (
        "Patient",
        [
            {"path": "identifier", "slicing": SYSTEM},
            {"path": "identifier", "sliceName": "one"},
            {"path": "identifier.system", "fixedUri": "http://b"},
            {"path": "identifier", "sliceName": "two"},
            {"path": "identifier.system", "fixedUri": "http://b"},
        ],
        [("profile-two-slices", "Patient.identifier[1]")],
    ),
    "slice by existence": (
        "Patient",
        [
            {
                "path": "identifier",
                "slicing": {
                    "discriminator": [{"type": "exists", "path": "period"}],
                    "rules": "open",
                },
            },
            {"path": "identifier", "sliceName": "dated", "min": 1},
            {"path": "identifier.period", "min": 1},
            {"path": "identifier", "sliceName": "undated", "max": "1"},
            {"path": "identifier.period", "max": "0"},
        ],
        [("profile-slice-too-few", "Patient"), ("profile-slice-too-many", "Patient")],
    ),
    "slice by pattern": (
        "Patient",
        [
            {
                "path": "identifier",
                "slicing": {
                    "discriminator": [{"type": "pattern", "path": "$this"}],
                    "rules": "open",
                },
            },
            {
                "path": "identifier",
                "sliceName": "a",
                "max": "0",
                "patternIdentifier": {"system": "http://a"},
            },
        ],
        [("profile-slice-too-many", "Patient")],
    ),
    "target": (
        "Observation",
        [
            {
                "path": "subject",
                "type": [
                    {
                        "code": "Reference",
                        "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Group"],
                    }
                ],
            }
        ],
        [("profile-target", "Observation.subject")],
    ),
}


@pytest.mark.parametrize("name", DEMANDS)
def test_a_demand_finds_what_breaks_it(name: str, check: Check) -> None:
    kind, elements, expected = DEMANDS[name]
    resource = PATIENT if kind == "Patient" else OBSERVATION
    found = check(resource, profile("x", kind, *elements))
    assert errors(found) == expected
    assert all(message(issue, language) for issue in found for language in ("vi", "en"))


def test_a_profile_the_resource_names_is_checked_and_an_unknown_one_is_said(check: Check) -> None:
    made = profile("x", "Patient", {"path": "photo", "min": 1})
    named = {**PATIENT, "meta": {"profile": [URL + "x", URL + "nowhere"]}}
    found = check(named, made)
    assert errors(found) == [("profile-too-few", "Patient")]
    assert [i.message_id for i in found if i.severity.value == "warning"] == ["profile-unknown"]


def test_a_profile_asked_for_that_is_unknown_is_an_error(check: Check) -> None:
    found = check(PATIENT, profile("x", "Patient"), ask=URL + "nowhere")
    assert errors(found) == [("profile-wanted-unknown", "Patient")]


def test_a_profile_of_another_type_is_an_error(check: Check) -> None:
    assert errors(check(PATIENT, profile("x", "Observation"))) == [("profile-type", "Patient")]


def test_a_cyclic_profile_is_an_error_that_names_it(check: Check) -> None:
    one = profile("x", "Patient", base=URL + "y")
    other = profile("y", "Patient", base=URL + "x")
    (issue,) = check(PATIENT, one, other)
    assert (issue.severity.value, issue.message_id) == ("error", "profile-cyclic")
    assert issue.facts["profile"] == URL + "x"


def test_a_target_in_the_same_resource_is_checked_by_its_profile(check: Check) -> None:
    wanted = profile("named", "Patient", {"path": "name", "min": 1})
    made = profile(
        "x",
        "Observation",
        {
            "path": "subject",
            "type": [{"code": "Reference", "targetProfile": [URL + "named"]}],
        },
    )
    inside: Resource = {"resourceType": "Patient", "id": "p", "gender": "male"}
    resource = {**OBSERVATION, "contained": [inside], "subject": {"reference": "#p"}}
    assert errors(check(resource, made, wanted)) == [("profile-target", "Observation.subject")]
    inside["name"] = [{"family": "Trần"}]
    assert errors(check(resource, made, wanted)) == []


def test_bundle_entries_are_sliced_by_profile(check: Check) -> None:
    wanted = profile("active", "Patient", {"path": "active", "min": 1})
    slicing = {"discriminator": [{"type": "profile", "path": "resource"}], "rules": "closed"}
    made = profile(
        "x",
        "Bundle",
        {"path": "entry", "slicing": slicing},
        {"path": "entry", "sliceName": "one", "min": 1},
        {"path": "entry.resource", "type": [{"code": "Patient", "profile": [URL + "active"]}]},
    )
    entry: Resource = {"fullUrl": "urn:uuid:" + "a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    entry["resource"] = {"resourceType": "Patient", "active": True}
    assert errors(check(bundle, made, wanted)) == []
    entry["resource"] = {"resourceType": "Patient", "gender": "male"}
    assert errors(check(bundle, made, wanted)) == [
        ("profile-no-slice", "Bundle.entry[0]"),
        ("profile-slice-too-few", "Bundle"),
    ]


# --- extensions ------------------------------------------------------------------------------

EXTENSION = profile(
    "ext",
    "Extension",
    {"path": "url", "fixedUri": URL + "ext"},
    {"path": "value[x]", "min": 1, "type": [{"code": "string"}]},
    context=[{"type": "element", "expression": "Patient.name"}],
)


def with_extension(place: str, **value: Any) -> Resource:
    extension = {"url": URL + "ext", **value}
    if place == "name":
        return {**PATIENT, "name": [{"family": "Lê", "extension": [extension]}]}
    return {**PATIENT, "extension": [extension]}


def test_an_extension_is_checked_by_its_definition(check: Check) -> None:
    assert (
        errors(check(with_extension("name", valueString="a"), EXTENSION, ask=URL + "ext"))[1:] == []
    )
    found = check(with_extension("name", valueCode="a"), EXTENSION, profile("x", "Patient"))
    place = "Patient.name[0].extension[0].value.ofType(code)"
    assert errors(found) == [("profile-type-not-allowed", place)]


def test_an_extension_of_one_core_may_be_named_by_the_other(check: Check) -> None:
    one, other = (f"{core}/StructureDefinition/ext" for core in CORES)
    made = profile("ext", "Extension", {"path": "url", "fixedUri": one}) | {"url": one}
    made["context"] = [{"type": "element", "expression": "Patient"}]
    named = {**PATIENT, "extension": [{"url": other, "valueString": "a"}]}
    assert errors(check(named, made, profile("x", "Patient"))) == []


def test_an_extension_out_of_its_context_is_shown_at_its_parent(check: Check) -> None:
    found = check(with_extension("top", valueString="a"), EXTENSION, profile("x", "Patient"))
    assert errors(found) == [("extension-context", "Patient")]


def test_an_unknown_extension_is_an_error_but_hl7s_and_examples_are_warnings(
    check: Check,
) -> None:
    urls = ["http://other.vn/ext", "http://example.org/ext"]
    urls.append("http://hl7.org/fhir/StructureDefinition/of-later")
    listed = [{"url": url, "valueString": "a"} for url in urls]
    found = check({**PATIENT, "extension": listed})
    assert [(i.severity.value, i.location) for i in found] == [
        ("error", "Patient.extension[0]"),
        ("warning", "Patient.extension[1]"),
        ("warning", "Patient.extension[2]"),
    ]


def test_a_modifier_extension_must_be_one(check: Check) -> None:
    listed = [{"url": URL + "ext", "valueString": "a"}]
    made = profile("x", "Patient")
    found = check({**PATIENT, "modifierExtension": listed}, EXTENSION, made)
    assert ("extension-not-modifier", "Patient.modifierExtension[0]") in errors(found)


# --- R4 itself -------------------------------------------------------------------------------

R4: dict[str, tuple[Resource, list[tuple[str, str]]]] = {
    "sound": (PATIENT, []),
    "period": (
        {**PATIENT, "name": [{"text": "A", "period": {"start": "2020-02", "end": "2020-01-01"}}]},
        [("invariant", "Patient.name[0].period")],
    ),
    "contact": (
        {**PATIENT, "contact": [{"gender": "male"}]},
        [("invariant", "Patient.contact[0]")],
    ),
    "unused": (
        {**PATIENT, "contained": [{"resourceType": "Organization", "id": "o", "name": "A"}]},
        [("invariant", "Patient.contained[0]")],
    ),
    "unknown code": (
        {**OBSERVATION, "code": {"coding": [{"system": "http://hl7.org/fhir/administrative-gender",
                                             "code": "x"}]}},
        [("code-unknown", "Observation.code.coding[0].code")],
    ),
    "relative system": (
        {**OBSERVATION, "code": {"coding": [{"system": "codes", "code": "x"}]}},
        [("coding-system-relative", "Observation.code.coding[0].system")],
    ),
    "a value set as a system": (
        {**OBSERVATION, "code": {"coding": [
            {"system": "http://hl7.org/fhir/ValueSet/measure-type", "code": "x"}]}},
        [("coding-system-value-set", "Observation.code.coding[0].system")],
    ),
    "vital sign": (
        {**OBSERVATION, "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}},
        [
            ("profile-too-few", "Observation"),
            ("profile-slice-too-few", "Observation"),
            ("profile-too-few", "Observation.value.ofType(Quantity)"),  # system and code
        ],
    ),
    "script": (
        {**PATIENT, "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/'
                             'xhtml"><script>alert(1)</script></div>'}},
        [("narrative-element", "Patient.text.div")],
    ),
    "lost link": (
        {**PATIENT, "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/'
                             'xhtml"><a href="#x">x</a></div>'}},
        [("narrative-link", "Patient.text.div")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", R4)
def test_r4s_own_rules_hold_without_any_profile(name: str, check: Check) -> None:
    resource, expected = R4[name]
    assert list(dict.fromkeys(errors(check(resource)))) == expected


def question(link_id: str, asks: str = "") -> Resource:
    made: Resource = {"linkId": link_id, "type": "boolean"}
    if asks:
        made["enableWhen"] = [{"question": asks, "operator": "exists", "answerBoolean": True}]
    return made


MORE: dict[str, tuple[Resource, list[tuple[str, str, str]]]] = {
    "a condition that asks for nothing": (
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [question("a", "x"), question("b", "b"), question("c", "d"), question("d")],
        },
        [
            ("error", "condition-question", "Questionnaire.item[0].enableWhen[0]"),
            ("error", "condition-question", "Questionnaire.item[1].enableWhen[0]"),
            ("warning", "condition-later", "Questionnaire.item[2].enableWhen[0]"),
        ],
    ),
    "a contained target of a wrong type": (
        {
            **OBSERVATION,
            "contained": [{"resourceType": "Organization", "id": "o", "name": "A"}],
            "subject": {"reference": "#o"},
        },
        [("error", "reference-target", "Observation.subject")],
    ),
    "a urn that no entry has": (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {
                    "fullUrl": "urn:uuid:00000000-0000-0000-0000-000000000001",
                    "resource": {
                        **OBSERVATION,
                        "subject": {"reference": "urn:uuid:00000000-0000-0000-0000-000000000002"},
                    },
                }
            ],
        },
        [("warning", "bundle-urn-missing", "Bundle.entry[0].resource.subject")],
    ),
    "a rule that is no FHIRPath": (
        profile("Zed", "Patient", {
            "path": "", "id": "Patient",
            "constraint": [{"key": "a", "severity": "error", "human": "?", "expression": "(("}],
        }),
        [("error", "path-invalid",
          "StructureDefinition.differential.element[0].constraint[0].expression")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_rules_of_single_types_are_found(name: str, check: Check) -> None:
    resource, expected = MORE[name]
    found = check(resource)
    wanted = [(i.severity.value, i.message_id, i.location) for i in found]
    assert [one for one in wanted if one[1] not in ("binding-not-checked",)] == expected
