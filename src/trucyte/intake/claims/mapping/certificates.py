"""What follows from certificates: the child of XML9, referral of XML13, appointment of XML14.

Nothing is read back from these resources: the Composition holds every field.
"""

from collections.abc import Mapping
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.documents import LOINC
from trucyte.intake.claims.mapping.lexical import (
    clean_code,
    clean_text,
    read_day,
    read_decimal,
    read_time,
    split_list,
)
from trucyte.intake.claims.mapping.paths import EXTENSION, absent
from trucyte.intake.claims.mapping.results import CATEGORY, UCUM
from trucyte.intake.claims.mapping.rules import personal_number
from trucyte.intake.claims.mapping.scope import Scope
from trucyte.intake.claims.tables import Row

_GENDERS = {"1": "male", "2": "female", "3": "unknown"}


def make_consequences(scope: Scope, table: str, row: Row, document: Draft) -> list[Draft]:
    """Return the resources that one certificate makes beside its document."""
    makers = {"XML9": _birth, "XML13": _referral, "XML14": _appointment}
    maker = makers.get(table)
    if maker is None:
        return []
    reference = {"reference": f"Composition/{document.resource['id']}"}
    return [Draft(made, table, document.row) for made in maker(scope, row, reference)]


def _birth(scope: Scope, row: Row, document: dict[str, Any]) -> list[Resource]:
    natural = ("XML9", row.get("QUYEN_SO", ""), row.get("SO", ""))
    child = scope.begin("Patient", scope.row_id("Patient", *natural))
    child["extension"] = [{"url": EXTENSION + "no-automatic-merge", "valueBoolean": True}]
    if name := clean_text(row.get("HO_TEN_CON", "")):
        child["name"] = [{"use": "temp", "text": name}]
    if gender := _GENDERS.get(row.get("GIOI_TINH_CON", "").strip()):
        child["gender"] = gender
    if born := read_day(row.get("NGAY_SINH_CON", "")):
        child["birthDate"] = born
    subject = {"reference": f"Patient/{child['id']}"}
    carer = _carer(scope, row, subject, natural)
    weight = _birth_weight(scope, row, subject, natural)
    return [child, carer, *([weight] if weight else [])]


def _carer(scope: Scope, row: Row, child: dict[str, Any], natural: tuple[str, ...]) -> Resource:
    """Return the mother or carer: her number stays hers, off the child."""
    systems = scope.node.systems
    carer = scope.begin("RelatedPerson", scope.row_id("RelatedPerson", *natural))
    carer["patient"] = child
    role = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    carer["relationship"] = [{"coding": [{"system": role, "code": "PRN"}]}]
    identifiers = [
        number
        for number in (
            personal_number(row.get("SO_CCCD_NND", ""), systems),
            _numbered(systems["bhxh"].uri, row.get("MA_BHXH_NND")),
            _numbered(systems["bhyt"].uri, row.get("MA_THE_NND")),
        )
        if number
    ]
    if identifiers:
        carer["identifier"] = identifiers
    if name := clean_text(row.get("HO_TEN_NND", "")):
        carer["name"] = [{"text": name}]
    if born := read_day(row.get("NGAYSINH_NND", "")):
        carer["birthDate"] = born
    if address := clean_text(row.get("NOI_CU_TRU_NND", "")):
        carer["address"] = [{"text": address}]
    return carer


def _numbered(uri: str, raw: str | None) -> dict[str, str] | None:
    text = clean_text(raw) if raw else None
    return {"system": uri, "value": text} if text else None


def _birth_weight(
    scope: Scope, row: Row, child: dict[str, Any], natural: tuple[str, ...]
) -> Resource | None:
    grams = read_decimal(row.get("CAN_NANG_CON", ""))
    if grams is None:
        return None
    weight = scope.begin("Observation", scope.row_id("Observation", *natural))
    weight["status"] = "final"
    weight["category"] = [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}]
    weight["code"] = {"coding": [{"system": LOINC, "code": "8339-4"}]}
    weight["subject"] = child
    weight["encounter"] = scope.reference("Encounter")
    if born := read_time(row.get("NGAY_SINH_CON", "")):
        weight["effectiveDateTime"] = born
    else:
        weight["_effectiveDateTime"] = absent()
    weight["valueQuantity"] = {"value": grams, "unit": "g", "system": UCUM, "code": "g"}
    return weight


def _referral(scope: Scope, row: Row, document: dict[str, Any]) -> list[Resource]:
    identity = scope.row_id("ServiceRequest", "XML13", row.get("GIAY_CHUYEN_TUYEN", ""))
    request = scope.begin("ServiceRequest", identity)
    request["status"] = "completed"
    request["intent"] = "order"
    request["code"] = {"text": "Chuyển cơ sở khám bệnh, chữa bệnh"}
    request["subject"] = scope.patient()
    request["encounter"] = scope.reference("Encounter")
    if number := clean_text(row.get("GIAY_CHUYEN_TUYEN", "")):
        uri = scope.node.systems["transfer-letter"].uri
        request["identifier"] = [{"system": uri, "value": number, "assigner": scope.here()}]
    if left := read_time(row.get("NGAY_RA", "")):
        request["authoredOn"] = left
    _put_people(scope, request, row)
    if code := clean_code(row.get("MA_CSKCB_DEN") or row.get("MA_NOI_DEN", "")):
        request["performer"] = [scope.facility(code)]
    if reasons := _reasons(scope, row):
        request["reasonCode"] = reasons
    request["supportingInfo"] = [document]
    return [request]


def _put_people(scope: Scope, request: Resource, row: Mapping[str, str]) -> None:
    for piece in split_list(row.get("MA_BAC_SI", ""))[:1]:
        if person := scope.person(piece):
            request["requester"] = person


def _reasons(scope: Scope, row: Row) -> list[dict[str, Any]]:
    uri = scope.node.systems["icd-10"].uri
    code = clean_code(row.get("MA_BENH_CHINH", ""))
    return [{"coding": [{"system": uri, "code": code}]}] if code else []


def _appointment(scope: Scope, row: Row, document: dict[str, Any]) -> list[Resource]:
    """Return the appointment: proposed, for a slip names a day or hour and no end (app-3)."""
    identity = scope.row_id("Appointment", "XML14", row.get("SO_GIAYHEN_KL", ""))
    appointment = scope.begin("Appointment", identity)
    appointment["status"] = "proposed"
    if when := read_time(row.get("NGAY_HEN_KL", "")):
        appointment["requestedPeriod"] = [{"start": when}]
    if reasons := _reasons(scope, row):
        appointment["reasonCode"] = reasons
    appointment["supportingInformation"] = [document, scope.reference("Encounter")]
    appointment["participant"] = [
        {"actor": scope.patient(), "status": "accepted"},
    ]
    return [appointment]
