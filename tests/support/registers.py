"""Practitioners and facilities who do not exist, as registers have them."""

from typing import Any

from trucyte.shared.identity.registers.licence import NUMBERS, SCOPE, STATE, TITLES

DOCTOR = {"system": TITLES, "code": "bac-si", "display": "Bác sĩ"}


def state(code: str, start: str = "", end: str = "") -> dict[str, Any]:
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    parts: list[dict[str, Any]] = [{"url": "state", "valueCode": code}]
    if period:
        parts.append({"url": "period", "valuePeriod": period})
    return {"url": STATE, "extension": parts}


def licence(
    number: str, start: str = "2020-01-01", end: str = "", *states: dict[str, Any], scope: str = ""
) -> dict[str, Any]:
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    extensions = list(states)
    if scope:
        extensions.append({"url": SCOPE, "valueCodeableConcept": {"text": scope}})
    return {
        **({"extension": extensions} if extensions else {}),
        "identifier": [{"system": NUMBERS, "value": number}],
        "code": {"coding": [DOCTOR]},
        "period": period,
    }


def practitioner(id: str, *licences: dict[str, Any], **more: Any) -> dict[str, Any]:
    numbers = [one for held in licences for one in held["identifier"]]
    return {
        "resourceType": "Practitioner",
        "id": id,
        "identifier": numbers,
        "name": [{"text": "Lê Thị Mẫu"}],
        "qualification": list(licences),
        **more,
    }


def prescription(by: str = "Practitioner/dr", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Paracetamol 500 mg"},
        "subject": {"display": "Người bệnh mẫu"},
        "requester": {"reference": by},
        "authoredOn": "2026-11-22",
        **more,
    }
