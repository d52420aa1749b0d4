"""Searches by parameters that users defined, over the index they are kept in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import CompiledParameter, compile_parameter

HOME = "http://hl7.org/fhir/SearchParameter/"
UCUM = "http://unitsofmeasure.org"
MINE = "http://x.vn/"


def parameter(code: str, type: str, base: str, expression: str, **more: object) -> dict:
    return {"resourceType": "SearchParameter", "url": MINE + code, "code": code, "type": type,
            "base": [base], "expression": expression, **more}  # fmt: skip


def parts(*components: tuple[str, str]) -> list[dict]:
    return [{"definition": d, "expression": e} for d, e in components]


PARAMETERS = [
    parameter("name-use", "token", "Patient", "Patient.name.use"),
    parameter("first-family", "string", "Patient", "Patient.name.first().family"),
    parameter("born", "date", "Patient", "Patient.birthDate"),
    parameter("helper", "reference", "Patient", "Patient.contact.organization"),
    parameter("name-count", "number", "Patient", "Patient.name.count()"),
    parameter("role", "token", "Practitioner", "Practitioner.qualification.code"),
    parameter("held", "date", "Practitioner", "Practitioner.qualification.period"),
    parameter("issuer", "reference", "Practitioner", "Practitioner.qualification.issuer"),
    parameter("role-held", "composite", "Practitioner", "Practitioner.qualification",
        component=parts((MINE + "role", "code"), (MINE + "held", "period"),
            (MINE + "issuer", "issuer"))),
    parameter("dose", "quantity", "MedicationRequest",
        "MedicationRequest.dosageInstruction.doseAndRate.dose"),
    parameter("rate", "quantity", "MedicationRequest",
        "MedicationRequest.dosageInstruction.doseAndRate.rate"),
    parameter("dose-rate", "composite", "MedicationRequest",
        "MedicationRequest.dosageInstruction.doseAndRate.where(true)",
        component=parts((MINE + "dose", "dose"), (MINE + "rate", "rate"))),
    parameter("code-status", "composite", "MedicationRequest", "MedicationRequest",
        component=parts((HOME + "MedicationRequest-intent", "intent"),
            (HOME + "medications-status", "status"))),
]  # fmt: skip


def amount(value: float, unit: str) -> dict:
    return {"value": value, "system": UCUM, "code": unit}


RESOURCES = [
    {"resourceType": "Patient", "id": "p1", "birthDate": "1990-02-03", "contact": [
        {"organization": {"reference": "Organization/o"}}],
     "name": [{"use": "official", "family": "Lý"}, {"family": "Lê"}]},
    {"resourceType": "Patient", "id": "p2", "name": [{"family": "Lê"}]},
    {"resourceType": "Patient", "id": "p3"},
    {"resourceType": "Practitioner", "id": "d1", "qualification": [
        {"code": {"coding": [{"system": "urn:q", "code": "MD"}]}, "period": {"start": "2020"},
         "issuer": {"reference": "Organization/o"}},
        {"code": {"coding": [{"system": "urn:q", "code": "PhD"}]},
         "period": {"start": "2010", "end": "2015"}, "issuer": {"reference": "Organization/u"}}]},
    {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
     "medicationCodeableConcept": {}, "subject": {"reference": "Patient/p1"},
     "dosageInstruction": [{"doseAndRate": [
         {"doseQuantity": amount(5, "mg"), "rateQuantity": amount(1, "mL/h")},
         {"doseQuantity": amount(10, "mg"), "rateQuantity": amount(2, "dag/wk")}]}]},
]  # fmt: skip

ASKED = [
    ("Patient", "name-use", "official", "p1"),
    ("Patient", "name-use:missing", "true", "p2 p3"),
    ("Patient", "name-use:missing", "false", "p1"),
    ("Patient", "first-family", "le", "p2"),
    ("Patient", "born", "ge1990-02", "p1"),
    ("Patient", "helper", "Organization/o", "p1"),
    ("Patient", "helper", "o", "p1"),
    ("Patient", "name-count", "2", "p1"),
    ("Patient", "name-count", "lt2", "p2 p3"),
    ("Practitioner", "role-held", "MD$2021-05$Organization/o", ""),
    ("Practitioner", "role-held", "MD$ap2021-05$Organization/o", "d1"),
    ("Practitioner", "role-held", "urn:q|MD$ge2020$o", "d1"),
    ("Practitioner", "role-held", "urn:q|PhD$eb2016$u", "d1"),
    ("Practitioner", "role-held", "urn:q|PhD$eb2016$o", ""),
    ("Practitioner", "role-held", "urn:q|MD$eb2016$u", ""),
    ("MedicationRequest", "dose-rate", f"5|{UCUM}|mg$1|{UCUM}|mL/h", "m1"),
    ("MedicationRequest", "dose-rate", f"0.005|{UCUM}|g$1|{UCUM}|mL/h", "m1"),
    ("MedicationRequest", "dose-rate", f"10000|{UCUM}|ug$gt100|{UCUM}|g/mo", ""),
    ("MedicationRequest", "dose-rate", f"10000|{UCUM}|ug$gt80|{UCUM}|g/mo", "m1"),
    ("MedicationRequest", "dose-rate", f"5|{UCUM}|mg$gt80|{UCUM}|g/mo", ""),
    ("MedicationRequest", "dose-rate", "5$2", ""),
    ("MedicationRequest", "code-status", "order$active", "m1"),
    ("MedicationRequest", "code-status", "order$stopped", ""),
]


@pytest.fixture(scope="module")
def custom(definitions: Definitions) -> list[CompiledParameter]:
    made: list[CompiledParameter] = []
    for source in PARAMETERS:
        made.append(compile_parameter(source, definitions, made))
    return made


@pytest.fixture
def node(
    database: Database,
    tmp_path: Path,
    clock: FixedClock,
    definitions: Definitions,
    custom: list[CompiledParameter],
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions, custom=custom) as opened:
        opened.put(*RESOURCES)
        yield opened


def test_each_custom_parameter_finds_what_it_means(node: Node) -> None:
    for type, name, value, expected in ASKED:
        found = sorted(node.search(type, (name, value)))
        assert found == expected.split(), (type, name, value)
        assert node.total(type, (name, value)) == len(found), (type, name, value)


def test_a_rebuild_gives_the_same_rows(node: Node) -> None:
    assert node.journal.compare() is None
    node.journal.rebuild()
    assert node.search("Patient", ("first-family", "le")) == ["p2"]
