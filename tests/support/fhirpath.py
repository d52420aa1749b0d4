"""Evaluating FHIRPath in tests: values as plain Python, a still clock, a made-up patient."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.render import to_json

NOW = datetime(2026, 11, 22, 9, 12, 30, 250_000, tzinfo=timezone(timedelta(hours=7)))
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "thu-nghiem",
    "contained": [
        {"resourceType": "Organization", "id": "bv", "name": "Bệnh viện Thử Nghiệm"},
    ],
    "extension": [{"url": "urn:dan-toc", "valueCode": "01"}],
    "active": True,
    "name": [
        {"use": "official", "family": "Nguyễn", "given": ["Văn", "Thử"]},
        {"use": "usual", "_given": [{"extension": [{"url": "urn:ly-do", "valueString": "x"}]}]},
    ],
    "gender": "male",
    "birthDate": "1990-05",
    "_birthDate": {"extension": [{"url": "urn:gio", "valueTime": "07:30:00"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#bv"},
    "generalPractitioner": [{"reference": "Practitioner/x"}],
}


def results(
    paths: Paths,
    text: str,
    source: dict[str, Any] | None = None,
    environment: Environment | None = None,
    *,
    is_strict: bool = True,
) -> list[Any]:
    """Return what `trucyte fhirpath` would print, as Python values."""
    node = paths.resource(PATIENT if source is None else source)
    around = environment or Environment()
    around = replace(around, now=NOW)
    return to_json(paths.compile(text, is_strict=is_strict).evaluate(node, around))


def quantity(value: str, unit: str) -> dict[str, Any]:
    """Return a quantity of UCUM as it is printed."""
    system = "http://unitsofmeasure.org"
    return {"value": Decimal(value), "unit": unit, "system": system, "code": unit}
