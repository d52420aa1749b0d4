"""Extensions by their own definitions, units of UCUM, and slices that lie behind a slice."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support.profiles import URL, errors, library_of, profile
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator

Check = Callable[..., list[tuple[str, str]]]
Resource = dict[str, Any]
PATIENT: Resource = {"resourceType": "Patient", "active": True}
DEMAND = profile("x", "Patient")
VALUE = ({"path": "url", "fixedUri": URL + "ext"}, {"path": "value[x]", "min": 1})
ON_PATIENT = [{"type": "element", "expression": "Patient"}]


@pytest.fixture(scope="module")
def check(definitions: Definitions, structures: Cache) -> Check:
    def run(resource: Resource, *made: Resource) -> list[tuple[str, str]]:
        validator = full_validator(library_of(definitions, structures, made))
        return errors(validator.check(resource, [URL + "x"] if made else []))

    return run


def extended(*texts: str, key: str = "extension") -> Resource:
    return {**PATIENT, key: [{"url": URL + "ext", "valueString": text} for text in texts]}


def extension(*elements: Resource, name: str = "ext") -> Resource:
    return profile(name, "Extension", *elements, context=ON_PATIENT)


def test_an_extension_stands_no_more_often_than_its_definition_lets_it(check: Check) -> None:
    once = extension({"path": "", "max": "1"}, *VALUE)
    assert check(extended("a", "b"), once, DEMAND) == [("extension-too-many", "Patient")]
    assert check(extended("a"), once, DEMAND) == []
    assert check(extended("a", "b"), extension(*VALUE), DEMAND) == []


def test_the_value_of_an_extension_is_of_its_definitions_type(check: Check) -> None:
    made = extension(*VALUE[:1], {"path": "value[x]", "type": [{"code": "date"}]})
    place = "Patient.extension[0].value.ofType(string)"
    assert check(extended("a"), made, DEMAND) == [("profile-type-not-allowed", place)]


def test_a_profile_counts_extensions_and_modifier_extensions_without_slices(check: Check) -> None:
    demand = profile(
        "x", "Patient", {"path": "extension", "min": 1}, {"path": "modifierExtension", "max": "0"}
    )
    made = extension({"path": "", "isModifier": True}, *VALUE)
    assert check(extended("a", key="modifierExtension"), demand, made) == [
        ("profile-too-few", "Patient"),
        ("profile-too-many", "Patient"),
    ]


def test_a_part_that_an_extension_does_not_have_is_an_error(check: Check) -> None:
    url = URL + "parts"
    made = extension(
        {"path": "extension", "sliceName": "ngay", "id": "Extension.extension:ngay", "min": 1},
        {"path": "extension.url", "fixedUri": "ngay", "id": "Extension.extension:ngay.url"},
        {"path": "url", "fixedUri": url},
        name="parts",
    )
    day, hour = ({"url": name, "valueString": "1"} for name in ("ngay", "gio"))
    sound = {**PATIENT, "extension": [{"url": url, "extension": [day]}]}
    assert check(sound, made, DEMAND) == []
    wrong = {**PATIENT, "extension": [{"url": url, "extension": [day, hour]}]}
    place = "Patient.extension[0].extension[1]"
    assert check(wrong, made, DEMAND) == [("extension-part-unknown", place)]


OBSERVATION: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2026-01-01",
}


def amount(code: str) -> Resource:
    return {"value": Decimal(120), "unit": "x", "system": "http://unitsofmeasure.org", "code": code}


def test_a_code_that_is_no_unit_of_ucum_is_an_error_at_the_code(check: Check) -> None:
    place = "Observation.value.ofType(Quantity).code"
    assert check({**OBSERVATION, "valueQuantity": amount("mcg")}) == [("code-unknown", place)]
    assert check({**OBSERVATION, "valueQuantity": amount("ug/(24.h)")}) == []


@pytest.mark.parametrize(("code", "is_fine"), [("mg/dL", True), ("mcg", False)])
def test_a_binding_to_all_units_holds_those_of_ucum(code: str, is_fine: bool, check: Check) -> None:
    units = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/ucum-units"}
    demand = profile(
        "x",
        "Observation",
        {"path": "value[x]", "type": [{"code": "Quantity"}], "binding": units},
    )
    found = check({**OBSERVATION, "valueQuantity": amount(code)}, demand)
    assert (("binding-required", "Observation.value.ofType(Quantity)") not in found) is is_fine


def test_a_type_of_reference_that_is_none_is_an_error_at_the_reference(check: Check) -> None:
    wrong = {**OBSERVATION, "subject": {"type": "patient", "display": "A"}}
    assert check(wrong) == [("reference-unknown-type", "Observation.subject")]
    named = {**OBSERVATION, "subject": {"type": "http://test.vn/Thing", "display": "A"}}
    assert check(named) == []


def pressure(*codes: str) -> Resource:
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        **OBSERVATION,
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "category": [{"coding": [{"system": category, "code": "vital-signs"}]}],
        "component": [
            {
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": amount("mm[Hg]"),
            }
            for code in codes
        ],
    }


def test_a_slice_is_told_by_the_only_slice_its_discriminator_leads_through(check: Check) -> None:
    assert check(pressure("8480-6", "8462-4")) == []
    found = check(pressure("8480-6", "8867-4"))
    assert found == [("profile-slice-too-few", "Observation")]
