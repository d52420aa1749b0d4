"""Records as FHIR Patients, with the identifier systems and extensions of the claims mapping."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from trucyte.intake.claims.mapping.paths import EXTENSION
from trucyte.synth.population.columns import NAMES, Row
from trucyte.vietnam.systems import load_systems

Patient = dict[str, Any]

_NUMBERS: Final = (  # column, system, code of identifier-type
    ("personal_number", "cccd", "NI"),
    ("identity_number", "cmnd", "NI"),
    ("passport_number", "passport", "PPN"),
    ("card_number", "bhyt", "SN"),
    ("social_number", "bhxh", "SS"),
)
_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_GENDERS: Final = {"1": "male", "2": "female"}
_RELATIONS: Final = {"mother": "MTH", "father": "FTH"}


def people_as_patients(rows: Iterator[Row]) -> Iterator[Patient]:
    """Yield each record as a Patient whose id is the `record_id`."""
    for row in rows:
        yield patient_of(row)


def patient_of(row: Row) -> Patient:
    """Return one record as a Patient; columns of truth are not in it."""
    record = dict(zip(NAMES, row, strict=True))
    patient: Patient = {"resourceType": "Patient", "id": record["record_id"]}
    is_newborn = "newborn.parent_name" in record["errors"]
    extensions = [_coded("ethnicity", record["ethnicity"])]
    if is_newborn:
        extensions.append({"url": f"{EXTENSION}no-automatic-merge", "valueBoolean": True})
    patient["extension"] = extensions
    identifiers = _identifiers(record)
    if identifiers:
        patient["identifier"] = identifiers
    patient["name"] = [{"use": "temp" if is_newborn else "official", "text": record["name"]}]
    if record["phone"]:
        patient["telecom"] = [{"system": "phone", "value": record["phone"]}]
    patient["gender"] = _GENDERS[record["sex"]]
    if record["birth_date"]:
        patient["birthDate"] = record["birth_date"]
    if record["address"]:
        patient["address"] = [_address(record)]
    contacts = _contacts(record)
    if contacts:
        patient["contact"] = contacts
    patient["managingOrganization"] = {
        "identifier": {"system": _system("cskcb"), "value": record["facility"]}
    }
    return patient


def _identifiers(record: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "type": {"coding": [{"system": _TYPES, "code": code}]},
            "system": _system(system),
            "value": record[column],
        }
        for column, system, code in _NUMBERS
        if record[column]
    ]


def _address(record: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"use": "home", "text": record["address"]}
    parts = [_coded(name, record[name]) for name in ("province", "commune") if record[name]]
    if parts:
        found["extension"] = parts
    return found


def _contacts(record: Mapping[str, str]) -> list[dict[str, Any]]:
    relation, guardian = record["guardian_relation"], record["guardian_name"]
    found = [_contact(relation, guardian)] if guardian else []
    if record["mother_name"] and relation != "mother":
        found.append(_contact("mother", record["mother_name"]))
    return found


def _contact(relation: str, name: str) -> dict[str, Any]:
    coding = {"system": _ROLES, "code": _RELATIONS[relation]}
    return {"relationship": [{"coding": [coding]}], "name": {"text": name}}


def _coded(name: str, code: str) -> dict[str, Any]:
    coding = {"system": _system(name), "code": code}
    return {"url": f"{EXTENSION}{name}", "valueCodeableConcept": {"coding": [coding]}}


@cache
def _system(name: str) -> str:
    return load_systems()[name].uri
