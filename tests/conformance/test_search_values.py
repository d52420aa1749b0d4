"""Search values as R4's search parameters and 3.1.1.4 demand them."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tests.conformance.suites import suite
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.search.moments import EARLIEST, LATEST, moment_range
from trucyte.fhir.search.parameters import BUILT_IN, KINDS
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.records.hashing import Hasher
from trucyte.records.index import FORM
from trucyte.records.measures import COMMON_UNITS
from trucyte.records.rows import RowMaker


@pytest.fixture(scope="module")
def extractor(definitions: Definitions) -> Extractor:
    return Extractor(definitions)


def found(extractor: Extractor, code: str, resource: dict) -> list[tuple]:
    """All values of a parameter, without its number; those of its sources if it has none."""
    parameter = {p.code: p for p in extractor.parameters(resource["resourceType"])}[code]
    values = extractor.values(resource)
    return [
        value[1:]
        for name in SearchValues.__slots__
        for value in getattr(values, name)
        if value[0] in parameter.sources and parameter.target_only in (None, value[1])
    ]


def observation(**more: object) -> dict:
    return {"resourceType": "Observation", "status": "final", **more}


def patient(**more: object) -> dict:
    return {"resourceType": "Patient", **more}


QUANTITY = {"value": 5.40, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"}
CONCEPT = {
    "coding": [
        {"system": "http://loinc.org", "code": "8302-2", "display": "Chiều cao"},
        {"code": "CC"},
    ],
    "text": "Cao",
}
DAY = moment_range("2024-02-29")

CASES = [
    # token
    ("code", observation(code=CONCEPT), [
        ("http://loinc.org", "8302-2", "Chiều cao"), (None, "CC", None), (None, None, "Cao")]),
    ("status", observation(), [("", "final", None)]),
    ("active", patient(active=True), [("", "true", None)]),
    ("phone", patient(telecom=[{"system": "phone", "value": "0901"}, {"system": "email",
        "value": "a@b"}]), [(None, "0901", None)]),
    ("telecom", patient(telecom=[{"system": "phone", "value": "0901"}, {"system": "email",
        "value": "a@b"}]), [(None, "0901", None), (None, "a@b", None)]),
    ("identifier", patient(identifier=[{"system": "urn:x", "value": "1", "type": {"coding": [
        {"system": "urn:t", "code": "MR"}], "text": "Số hồ sơ"}}, {"value": "2"}]), [
        ("urn:x", "1", (("urn:t", "MR"),), "Số hồ sơ"), (None, "2", (), "")]),
    ("deceased", patient(deceasedBoolean=False), [("", "false", None)]),
    ("deceased", patient(), [("", "false", None)]),
    ("deceased", patient(deceasedDateTime="2020"), [("", "true", None)]),
    ("death-date", patient(deceasedDateTime="2024-02-29"), [DAY]),
    ("death-date", patient(deceasedBoolean=True), []),
    ("_tag", patient(meta={"tag": [{"system": "urn:t", "code": "x"}]}), [("urn:t", "x", None)]),
    ("_security", patient(meta={"security": [{"code": "R"}]}), [(None, "R", None)]),
    ("combo-code", observation(code={"coding": [{"code": "a"}]}, component=[{"code": {"coding": [
        {"code": "b"}]}}]), [(None, "a", None), (None, "b", None)]),
    # reference
    ("subject", observation(subject={"reference": "Patient/1"}),
        [("Patient", "1", None, None, None)]),
    ("patient", observation(subject={"reference": "Patient/1/_history/3"}),
        [("Patient", "1", None, None, None)]),
    ("subject", observation(subject={"reference": "https://x.vn/fhir/Patient/1"}),
        [("Patient", None, "https://x.vn/fhir/Patient/1", None, None)]),
    ("subject", observation(subject={"reference": "#p"}), []),
    ("subject", observation(subject={"type": "Patient", "identifier": {"system": "urn:x",
        "value": "9"}}), [("Patient", None, None, "urn:x", "9")]),
    ("subject", observation(subject={"reference": "urn:uuid:7"}),
        [(None, None, "urn:uuid:7", None, None)]),
    ("medication", {"resourceType": "MedicationRequest", "medicationReference": {"reference":
        "Medication/2"}}, [("Medication", "2", None, None, None)]),
    ("instantiates-canonical", {"resourceType": "CarePlan", "instantiatesCanonical": ["urn:p|1"]},
        [(None, None, "urn:p|1", None, None)]),
    ("location", {"resourceType": "Appointment", "participant": [{"actor": {"reference":
        "Location/1"}}, {"actor": {"reference": "Patient/1"}}]},
        [("Location", "1", None, None, None)]),
    # date
    ("date", observation(effectiveDateTime="2024-02-29"), [DAY]),
    ("date", observation(effectivePeriod={"start": "2024-02-29"}), [(DAY[0], LATEST)]),
    ("date", observation(effectivePeriod={"end": "2024-02-29"}), [(EARLIEST, DAY[1])]),
    ("date", observation(effectivePeriod={"start": "2024-02-29", "end": "2024-03-02"}),
        [(DAY[0], moment_range("2024-03-02")[1])]),
    ("date", observation(effectivePeriod={}), []),
    ("date", observation(effectiveTiming={"event": ["2024-02-29", "2024-03-02"]}),
        [(DAY[0], moment_range("2024-03-02")[1])]),
    ("date", observation(effectiveTiming={"repeat": {"boundsPeriod": {"start": "2024-02-29",
        "end": "2024-02-29"}}}), [DAY]),
    ("birthdate", patient(birthDate="1950"), [moment_range("1950")]),
    ("start-date", {"resourceType": "Goal", "startDate": "2024-02-29"}, [DAY]),
    ("target-date", {"resourceType": "Goal", "target": [{"dueDate": "2024-02-29"}]}, [DAY]),
    # string
    ("name", patient(name=[{"family": "Nguyễn", "given": ["Văn", "An"]}]),
        [("Nguyễn",), ("Văn",), ("An",), ("Nguyễn Văn An",)]),
    ("name", patient(name=[{"text": "Lê Bình", "prefix": ["Bà"]}]), [("Bà",), ("Lê Bình",)]),
    ("family", patient(name=[{"family": "Nguyễn", "given": ["Văn"]}]), [("Nguyễn",)]),
    ("given", patient(name=[{"family": "Nguyễn", "given": ["Văn", None, "An"]}]),
        [("Văn",), ("An",)]),
    ("address", patient(address=[{"line": ["12 Lê Lợi"], "city": "Huế", "country": "VN"}]),
        [("12 Lê Lợi",), ("Huế",), ("VN",)]),
    ("address-city", patient(address=[{"line": ["12 Lê Lợi"], "city": "Huế"}]), [("Huế",)]),
    ("value-string", observation(valueString="âm tính"), [("âm tính",)]),
    ("mothersMaidenName", patient(extension=[{"url":
        "http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName",
        "valueString": "Lý"}]), [("Lý",)]),
    ("mothersMaidenName", patient(extension=[{"url":
        "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
        "valueString": "Lý"}]), [("Lý",)]),
    # quantity, number, uri
    ("value-quantity", observation(valueQuantity=QUANTITY),
        [(5.4, 5.4, "http://unitsofmeasure.org", "mg", "mg")]),
    ("value-quantity", observation(valueQuantity={**QUANTITY, "comparator": "<="}),
        [(float("-inf"), 5.4, "http://unitsofmeasure.org", "mg", "mg")]),
    ("value-quantity", observation(valueQuantity={"unit": "mg"}), []),
    ("value-quantity", observation(valueSampledData={"origin": {"value": 10}, "period": 1,
        "factor": 0.5, "dimensions": 1, "data": "-2 E 4"}), [(9.0, 12.0, None, None, None)]),
    ("onset-age", {"resourceType": "Condition", "onsetRange": {"low": {"value": 3, "unit": "a"}}},
        [(3.0, float("inf"), None, None, "a")]),
    ("probability", {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal":
        0.25}]}, [(0.25, 0.25, None, None, None)]),
    ("price-override", {"resourceType": "ChargeItem", "priceOverride": {"value": 15000,
        "currency": "VND"}}, [(15000.0, 15000.0, "urn:iso:std:iso:4217", "VND", None)]),
    ("_profile", patient(meta={"profile": ["http://x/p|1.0"]}), [("http://x/p|1.0",)]),
    # a Bundle's first entry, special
    ("composition", {"resourceType": "Bundle", "type": "document", "entry": [
        {"fullUrl": "urn:uuid:7", "resource": {"resourceType": "Composition", "id": "c"}},
        {"resource": {"resourceType": "Composition", "id": "d"}}]},
        [("Composition", "c", "urn:uuid:7", None, None)]),
    ("message", {"resourceType": "Bundle", "type": "message", "entry": [
        {"resource": {"resourceType": "MessageHeader", "id": "m"}}]},
        [("MessageHeader", "m", None, None, None)]),
    ("near", {"resourceType": "Location", "position": {"latitude": 21.03, "longitude": 105.85}},
        [(21.03, 105.85)]),
    ("near", {"resourceType": "Location", "position": {"longitude": 105.85}}, []),
    ("url", {"resourceType": "ValueSet", "url": "http://x/v"}, [("http://x/v",)]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "resource", "expected"), CASES)
def test_a_parameter_finds(
    extractor: Extractor, code: str, resource: dict, expected: list[tuple]
) -> None:
    assert sorted(map(repr, found(extractor, code, resource))) == sorted(map(repr, expected))


def test_a_pair_keeps_the_values_of_one_component_together(extractor: Extractor) -> None:
    resource = observation(
        component=[
            {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}}
            for code, value in (("sys", 120), ("dia", 80))
        ]
    )
    pairs = [p for (p,) in found(extractor, "component-code-value-quantity", resource)]
    assert [(p.tokens[0][2], p.quantities[0][1]) for p in pairs] == [("sys", 120), ("dia", 80)]
    assert found(extractor, "combo-code-value-quantity", resource) == [(p,) for p in pairs]


def test_what_other_parameters_say_already_has_no_values_of_its_own(extractor: Extractor) -> None:
    of = {p.code: p for p in extractor.parameters("Observation")}
    assert of["patient"].sources == of["subject"].sources
    assert of["patient"].target_only == "Patient"
    assert set(of["combo-code"].sources) == {of["code"].number, of["component-code"].number}
    assert of["subject"].stored and not of["patient"].stored


def test_no_parameter_of_r4_is_left_without_values(
    extractor: Extractor, definitions: Definitions
) -> None:
    for name in RESOURCE_TYPES:
        assert extractor.left_to_full_language(name) == ()
        read = {parameter.code for parameter in extractor.parameters(name)}
        defined = definitions.search_parameters(name)
        assert read == {code for code, p in defined.items() if p.expression} - BUILT_IN


def test_every_parameter_type_of_r4_is_there(extractor: Extractor) -> None:
    types = {p.type for name in RESOURCE_TYPES for p in extractor.parameters(name)}
    assert types == KINDS


# Bits of `records.entry.present` are kept in indexes: another digest is another `FORM`.
FORM_OF_DIGEST = 5
DIGEST = "8b32ad5f692bf41a"


def test_parameters_have_the_bits_that_indexes_of_this_form_have(extractor: Extractor) -> None:
    listed = [
        (name, p.code, p.number, p.type, p.sources, p.target_only)
        for name in sorted(RESOURCE_TYPES)
        for p in extractor.parameters(name)
    ]
    assert FORM_OF_DIGEST == FORM
    assert hashlib.sha256(repr((listed, COMMON_UNITS)).encode()).hexdigest()[:16] == DIGEST


def test_late_parameters_move_no_bit(extractor: Extractor) -> None:
    assert [p.code for p in extractor.parameters("Bundle")][-2:] == ["composition", "message"]
    assert extractor.parameters("Location")[-1].code == "near"


@pytest.mark.parametrize("bundle", [
    {"entry": []}, {"entry": [{}]}, {"entry": [{"fullUrl": "urn:uuid:1"}]},
    {"entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]},
    {"entry": [{"resource": {"resourceType": "Composition"}}]},
])  # fmt: skip
def test_a_bundle_that_begins_with_something_else_has_no_composition(
    extractor: Extractor, bundle: dict
) -> None:
    values = extractor.values({"resourceType": "Bundle", "type": "document", **bundle})
    assert values.references == []


def test_a_place_off_the_earth_is_no_place(extractor: Extractor) -> None:
    for latitude, longitude in ((91, 0), (0, 181), (float("nan"), 0), (1e400, 0)):
        position = {"latitude": latitude, "longitude": longitude}
        assert extractor.values({"resourceType": "Location", "position": position}).positions == []


def test_every_type_has_an_extractor(extractor: Extractor) -> None:
    for name in RESOURCE_TYPES:
        assert len(extractor.parameters(name)) <= 64, "presence is a 64-bit map"
        assert extractor.values({"resourceType": name}) is not None


def test_every_parameter_has_a_value_in_some_official_example(extractor: Extractor) -> None:
    """Generated code reaches the elements: of types with many examples, most parameters."""
    met: dict[str, set[int]] = {}
    positions = 0
    maker = RowMaker(extractor, Hasher(b"key"))
    with tarfile.open(suite("r4-examples.tar.xz")) as archive:
        for member in archive:
            if not member.name.endswith(".json"):
                continue
            resource = json.load(archive.extractfile(member))
            if resource.get("resourceType") not in RESOURCE_TYPES:
                continue
            values = extractor.values(resource)
            positions += len(values.positions)
            maker.row(resource, resource.get("id", "x"), 0, 0)
            numbers = {v[0] for name in SearchValues.__slots__ for v in getattr(values, name)}
            met.setdefault(resource["resourceType"], set()).update(numbers)
    assert len(met) > 100
    assert positions
    for name in ("Observation", "Patient", "Encounter", "MedicationRequest", "Condition"):
        stored = [
            p for p in extractor.parameters(name) if p.stored and (p.type != "composite" or p.pairs)
        ]
        silent = [p.code for p in stored if p.number not in met[name]]
        assert len(silent) <= len(stored) // 3, silent


def test_the_suite_folder_is_a_folder() -> None:
    assert isinstance(suite("README.md"), Path)
