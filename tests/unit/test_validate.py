"""Each fault of structure is found at its place, and nothing else is."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.outcome import message
from trucyte.fhir.validate import ISSUES_MAX, Validator
from trucyte.fhir.validation.fault import RULES
from trucyte.fhir.wording import LANGUAGES, WORDINGS


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">%s</div>'

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "hb-1",
    "meta": {"profile": ["http://example.vn/p"], "lastUpdated": "2026-11-22T09:12:00.5+07:00"},
    "language": "vi",
    "text": {"status": "generated", "div": DIV % "Hb&nbsp;<b>120</b>"},
    "contained": [{"resourceType": "Practitioner", "id": "bs", "birthDate": "1980-02-29"}],
    "extension": [
        {"url": "http://example.vn/a", "valueMoney": {"value": Decimal("1.50"), "currency": "VND"}},
        {"url": "http://example.vn/b", "extension": [{"url": "c", "valueInteger": -1}]},
    ],
    "identifier": [{"use": "usual", "system": "urn:oid:1.2.3", "value": "12"}],
    "basedOn": [{"reference": "ServiceRequest/1/_history/2"}],
    "status": "final",
    "category": [{"text": "xét nghiệm"}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "subject": {"reference": "Patient/7", "type": "Patient"},
    "encounter": {"reference": "urn:uuid:6f1d1a52-8f0a-4bb5-b7f6-0a1f9a3c1b5e"},
    "effectiveDateTime": "2026-11-22T09:12:00+07:00",
    "issued": "2026-11-22T09:12:00Z",
    "performer": [{"reference": "#bs"}, {"reference": "http://a.vn/fhir/Practitioner/3"}],
    "valueQuantity": {"value": Decimal("120.0"), "unit": "g/L"},
    "referenceRange": [{"low": {"value": 115}, "text": "nữ"}],
    "component": [
        {"code": {"text": "a"}, "valueBoolean": False},
        {"code": {"text": "b"}, "valueString": "x", "_valueString": {"id": "e"}},
    ],
}  # fmt: skip

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": True,
    "name": [
        {
            "given": ["Văn", None, "An"],
            "_given": [None, {"extension": [{"url": "http://x", "valueCode": "masked"}]}, None],
        }
    ],
    "_birthDate": {"extension": [{"url": "http://x", "valueCode": "unknown"}]},
    "photo": [{"contentType": "image/png", "data": "aGVs bG8=", "size": 5}],
    "multipleBirthInteger": 2,
    "communication": [{"language": {"text": "Tiếng Việt"}}],
}

CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
        ]
    },
    "subject": {"reference": "Patient/7"},
}

BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "http://a.vn/fhir/Observation/hb-1", "resource": OBSERVATION},
        {"fullUrl": "urn:uuid:6f1d1a52-8f0a-4bb5-b7f6-0a1f9a3c1b5e", "resource": PATIENT},
    ],
}

SOUND = {"observation": OBSERVATION, "patient": PATIENT, "condition": CONDITION, "bundle": BUNDLE}
ABSENT = object()


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_resource_has_no_issue(validator: Validator, name: str) -> None:
    assert validator.check(SOUND[name]) == []


def changed(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one place set (or removed): "name.0.given"."""
    result = copy.deepcopy(resource)
    *way, last = path.split(".")
    target: Any = result
    for step in way:
        target = target[int(step)] if step.isdigit() else target[step]
    if value is ABSENT:
        del target[last]
    elif isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value
    return result


OBS, PAT, CON, BUN = OBSERVATION, PATIENT, CONDITION, BUNDLE
FAULTS = [
    # resource, place, value put there, message id, location
    (OBS, "code", [{"text": "a"}], "not-single", "Observation.code"),
    (OBS, "status", ["final"], "not-single", "Observation.status"),
    (OBS, "category", [[{"text": "a"}]], "not-single", "Observation.category[0]"),
    (OBS, "code", "x", "not-an-object", "Observation.code"),
    (OBS, "component.0", None, "not-an-object", "Observation.component[0]"),
    (OBS, "category", {"text": "a"}, "not-an-array", "Observation.category"),
    (PAT, "name.0.given", "Văn", "not-an-array", "Patient.name[0].given"),
    (PAT, "name.0._prefix", {"id": "a"}, "not-an-array", "Patient.name[0].prefix"),
    (PAT, "name.0._prefix", [None, {"id": "a"}], "null-value", "Patient.name[0].prefix[0]"),
    (PAT, "name.0._prefix", [], "empty-array", "Patient.name[0].prefix"),
    (OBS, "code", {}, "empty-object", "Observation.code"),
    (OBS, "note", [], "empty-array", "Observation.note"),
    (PAT, "name.0.given", [], "empty-array", "Patient.name[0].given"),
    (OBS, "status", None, "null-value", "Observation.status"),
    (OBS, "meta.profile", [None], "null-value", "Observation.meta.profile[0]"),
    (PAT, "name.0._given", ABSENT, "null-value", "Patient.name[0].given[1]"),
    (PAT, "name.0._given", [None, None, {"id": "a"}], "null-value", "Patient.name[0].given[1]"),
    (PAT, "name.0._given", [None, {"id": "a"}], "sibling-length", "Patient.name[0].given"),
    (OBS, "colour", "red", "unknown-element", "Observation.colour"),
    (OBS, "code.colour", "red", "unknown-element", "Observation.code.colour"),
    (OBS, "_code", {"id": "a"}, "unknown-element", "Observation._code"),
    (OBS, "valueMoney", {"value": 1}, "unknown-element", "Observation.valueMoney"),
    (OBS, "value", 1, "unknown-element", "Observation.value"),
    (OBS, "code.resourceType", "CodeableConcept", "unknown-element",
     "Observation.code.resourceType"),
    (OBS, "status", ABSENT, "missing-element", "Observation.status"),
    (OBS, "code", ABSENT, "missing-element", "Observation.code"),
    (OBS, "component.1.code", ABSENT, "missing-element", "Observation.component[1].code"),
    (
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order",
         "subject": {"display": "a"}, "medicationReference": {"display": "b"}},
        "medicationReference", ABSENT, "missing-element", "MedicationRequest.medication",
    ),
    (OBS, "valueString", "x", "two-choices", "Observation.value"),
    (OBS, "_valueString", {"id": "a"}, "two-choices", "Observation.value"),
    (OBS, "status", 1, "wrong-json-type", "Observation.status"),
    (PAT, "active", "true", "wrong-json-type", "Patient.active"),
    (PAT, "multipleBirthInteger", True, "wrong-json-type", "Patient.multipleBirth.ofType(integer)"),
    (PAT, "multipleBirthInteger", Decimal("2.0"), "wrong-form",
     "Patient.multipleBirth.ofType(integer)"),
    (OBS, "valueQuantity.value", "120", "wrong-json-type",
     "Observation.value.ofType(Quantity).value"),
    (OBS, "id", "has space!", "wrong-form", "Observation.id"),
    (OBS, "id", "x" * 65, "wrong-form", "Observation.id"),
    (OBS, "id", "x\n", "wrong-form", "Observation.id"),
    (OBS, "contained.0.birthDate", "1981-02-29", "wrong-form",
     "Observation.contained[0].birthDate"),
    (OBS, "effectiveDateTime", "22/11/2026", "wrong-form",
     "Observation.effective.ofType(dateTime)"),
    (OBS, "effectiveDateTime", "2026-11-22T09:12:00", "wrong-form",
     "Observation.effective.ofType(dateTime)"),
    (OBS, "issued", "2026-11-22", "wrong-form", "Observation.issued"),
    (OBS, "issued", "2026-02-30T00:00:00Z", "wrong-form", "Observation.issued"),
    (PAT, "photo.0.data", "%%%2@()()", "wrong-form", "Patient.photo[0].data"),
    (PAT, "photo.0.data", "aGVsbG8", "wrong-form", "Patient.photo[0].data"),
    (PAT, "photo.0.size", -1, "wrong-form", "Patient.photo[0].size"),
    (PAT, "multipleBirthInteger", 2**31, "wrong-form", "Patient.multipleBirth.ofType(integer)"),
    (OBS, "valueQuantity.value", Decimal("NaN"), "wrong-form",
     "Observation.value.ofType(Quantity).value"),
    (OBS, "identifier.0.system", "a b", "wrong-form", "Observation.identifier[0].system"),
    (OBS, "code.text", "", "empty-text", "Observation.code.text"),
    (OBS, "id", "", "empty-text", "Observation.id"),
    (OBS, "code.text", "a\x07b", "control-character", "Observation.code.text"),
    (OBS, "code.text", "x" * (1024 * 1024 + 1), "text-too-long", "Observation.code.text"),
    (OBS, "status", "bogus", "code-not-allowed", "Observation.status"),
    (OBS, "extension.0.valueMoney.currency", "đồng", "code-not-allowed",
     "Observation.extension[0].value.ofType(Money).currency"),
    (OBS, "language", "tiếng Việt", "code-not-allowed", "Observation.language"),
    (PAT, "photo.0.contentType", "ảnh", "code-not-allowed", "Patient.photo[0].contentType"),
    (CON, "clinicalStatus.coding.0.code", "bogus", "concept-not-allowed",
     "Condition.clinicalStatus"),
    (CON, "clinicalStatus", {"id": "a"}, "concept-not-allowed", "Condition.clinicalStatus"),
    (CON, "clinicalStatus", {"text": "active"}, "concept-not-allowed", "Condition.clinicalStatus"),
    (OBS, "contained.0.resourceType", ABSENT, "no-resource-type", "Observation.contained[0]"),
    (OBS, "contained.0.resourceType", "Doctor", "unknown-resource-type",
     "Observation.contained[0]"),
    (OBS, "contained.0.resourceType", "DomainResource", "unknown-resource-type",
     "Observation.contained[0]"),
    (OBS, "contained.0.contained", [{"resourceType": "Patient", "id": "a"}], "nested-contained",
     "Observation.contained[0].contained"),
    (OBS, "subject.reference", "anna", "reference-form", "Observation.subject.reference"),
    (OBS, "subject.reference", "Patient/a b", "reference-form", "Observation.subject.reference"),
    (OBS, "subject.reference", "urn:uuid:1", "reference-urn", "Observation.subject.reference"),
    (OBS, "subject.reference", "Human/1", "reference-unknown-type",
     "Observation.subject.reference"),
    (OBS, "subject.reference", "Claim/1", "reference-target", "Observation.subject.reference"),
    (OBS, "subject.reference", "Claim?identifier=1", "reference-target",
     "Observation.subject.reference"),
    (OBS, "subject.reference", "https://a.vn/Claim/1", "reference-target",
     "Observation.subject.reference"),
    (OBS, "subject.type", "Claim", "reference-target", "Observation.subject.type"),
    (OBS, "performer.0.reference", "#ai", "reference-fragment",
     "Observation.performer[0].reference"),
    (OBS, "extension.0.extension", [{"url": "a", "valueCode": "b"}], "extension-content",
     "Observation.extension[0]"),
    (OBS, "extension.0.valueMoney", ABSENT, "extension-content", "Observation.extension[0]"),
    (OBS, "extension.0.url", ABSENT, "missing-element", "Observation.extension[0].url"),
    (OBS, "referenceRange.0.low.comparator", "<", "comparator-not-allowed",
     "Observation.referenceRange[0].low.comparator"),
    (OBS, "text.div", "<p>x</p>", "narrative-root", "Observation.text.div"),
    (OBS, "text.div", "<div>x</div>", "narrative-root", "Observation.text.div"),
    (OBS, "text.div", DIV % "<p>x", "narrative-xml", "Observation.text.div"),
    (OBS, "text.div", "chữ", "narrative-xml", "Observation.text.div"),
    (OBS, "text.div", '<!DOCTYPE d [<!ENTITY a "b">]>' + DIV % "&a;", "narrative-xml",
     "Observation.text.div"),
    (OBS, "text.div", DIV % "<script>x</script>", "narrative-element", "Observation.text.div"),
    (OBS, "text.div", DIV % "<p onclick='x()'>x</p>", "narrative-element", "Observation.text.div"),
    (OBS, "text.div", DIV % "<a href=' JavaScript:x()'>x</a>", "narrative-element",
     "Observation.text.div"),
    (OBS, "text.div", DIV % " <br/> ", "narrative-empty", "Observation.text.div"),
    (OBS, "text.div", "", "empty-text", "Observation.text.div"),
    (OBS, "text.div", 1, "wrong-json-type", "Observation.text.div"),
    (BUN, "entry.0.resource.status", "bogus", "code-not-allowed",
     "Bundle.entry[0].resource.status"),
    (BUN, "entry.0.fullUrl", "http://a.vn/Observation/2", "full-url-id", "Bundle.entry[0].fullUrl"),
    (BUN, "entry.1.resource", {"resourceType": "Patient", "contained": 1}, "not-an-array",
     "Bundle.entry[1].resource.contained"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "path", "value", "message_id", "location"), FAULTS)
def test_a_fault_is_found_at_its_place_and_worded(
    validator: Validator,
    resource: dict[str, Any],
    path: str,
    value: Any,
    message_id: str,
    location: str,
) -> None:
    issues = validator.check(changed(resource, path, value))
    assert [(issue.message_id, issue.location) for issue in issues] == [(message_id, location)]
    for language in LANGUAGES:
        said = message(issues[0], language)
        assert said.startswith(location)
        assert "{" not in said.replace("{…}", "")


def test_every_rule_has_a_case_and_a_wording() -> None:
    told = {message_id for *_, message_id, _ in FAULTS}
    limits = {"too-deep", "more-issues"}
    assert {rule.message_id for rule in RULES} == told | limits
    assert {rule.message_id for rule in RULES} <= WORDINGS.keys()


def test_a_required_primitive_may_say_why_it_is_absent(validator: Validator) -> None:
    resource = changed(OBSERVATION, "status", ABSENT)
    resource["_status"] = {"extension": [{"url": "http://x", "valueCode": "unknown"}]}
    assert validator.check(resource) == []
    resource["_status"] = {"id": "a"}
    assert [issue.message_id for issue in validator.check(resource)] == ["missing-element"]


def test_a_concept_of_a_required_set_may_say_why_it_is_absent(validator: Validator) -> None:
    absent = {"extension": [{"url": "http://x", "valueCode": "unknown"}]}
    assert validator.check(changed(CONDITION, "clinicalStatus", absent)) == []


def test_a_contained_resource_may_point_to_its_container(validator: Validator) -> None:
    resource = changed(
        OBSERVATION,
        "contained.0",
        {"resourceType": "PractitionerRole", "id": "bs", "practitioner": {"reference": "#kid"},
         "organization": {"reference": "#"}},
    )  # fmt: skip
    assert [issue.location for issue in validator.check(resource)] == [
        "Observation.contained[0].practitioner.reference"
    ]


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        (None, "not-an-object"),
        ([], "not-an-object"),
        ("Patient", "not-an-object"),
        ({}, "no-resource-type"),
        ({"resourceType": ["Patient"]}, "no-resource-type"),
        ({"resourceType": "Resource"}, "unknown-resource-type"),
        ({"resourceType": "patient"}, "unknown-resource-type"),
    ],
)
def test_what_is_no_resource_is_one_issue(
    validator: Validator, value: Any, message_id: str
) -> None:
    issues = validator.check(value)
    assert [(issue.message_id, issue.location) for issue in issues] == [(message_id, "Resource")]


def test_endless_nesting_is_an_issue_not_a_crash(validator: Validator) -> None:
    extension: dict[str, Any] = {"url": "a", "valueCode": "b"}
    for _ in range(5000):
        extension = {"url": "a", "extension": [extension]}
    issues = validator.check({"resourceType": "Patient", "extension": [extension]})
    assert [issue.message_id for issue in issues] == ["too-deep"]


def test_a_flood_of_faults_is_cut_and_counted(validator: Validator) -> None:
    issues = validator.check({"resourceType": "Patient", "name": [{}] * (ISSUES_MAX + 500)})
    assert len(issues) == ISSUES_MAX + 1
    assert issues[-1].message_id == "more-issues"


def test_a_flood_of_resolvable_links_hides_no_fault(validator: Validator) -> None:
    resource = changed(OBSERVATION, "performer", [{"reference": "#bs"}] * (ISSUES_MAX + 500))
    assert validator.check(resource) == []
    resource["valueQuantity"] = {}
    assert [issue.message_id for issue in validator.check(resource)] == ["empty-object"]


def test_no_message_repeats_what_was_sent(validator: Validator) -> None:
    secret = "Nguyễn Thị Bí Mật"
    for path in ("status", "id", "issued", "subject.reference", "text.div", "language"):
        for issue in validator.check(changed(OBSERVATION, path, secret)):
            assert all(secret not in message(issue, language) for language in LANGUAGES)
