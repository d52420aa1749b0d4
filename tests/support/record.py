"""A made person's record: what a summary takes, and what it leaves."""

from typing import Any

from tests.support.records import RESTRICTED

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
SUBJECT = {"reference": "Patient/p1"}


def condition(id: str, text: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": status}]},
        "code": {"text": text},
        "subject": SUBJECT,
        **more,
    }


def observation(id: str, category: str, code: str, date: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": code},
        "subject": SUBJECT,
        "effectiveDateTime": date,
        "performer": [{"reference": "Practitioner/d1"}],
        **value,
    }


WEIGHT = {
    "value": 72.5,
    "unit": "kg",
    "system": "http://unitsofmeasure.org",
    "code": "kg",
}


def record() -> list[dict[str, Any]]:
    """Return the resources of Patient p1, and one of another's."""
    wrong = {"verificationStatus": {"coding": [{"system": _VERIFIED, "code": "refuted"}]}}
    return [
        {
            "resourceType": "Patient",
            "id": "p1",
            "identifier": [{"system": "urn:test", "value": "1"}],
            "name": [{"text": "Nguyễn Văn <Mẫu>"}],
            "gender": "male",
            "birthDate": "1980-03-02",
            "managingOrganization": {"reference": "Organization/o1"},
        },
        {"resourceType": "Patient", "id": "p2", "identifier": [{"system": "t", "value": "2"}]},
        {"resourceType": "Organization", "id": "o1", "name": "Trạm y tế Mẫu"},
        {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "Bác sĩ Mẫu"}]},
        {"resourceType": "Medication", "id": "m1", "code": {"text": "Metformin 500 mg"}},
        condition("c1", "Đái tháo đường típ 2", "active", onsetDateTime="2019-05"),
        condition("c2", "Viêm phổi", "resolved", abatementDateTime="2020-02-01"),
        condition("c3", "Sai", "active", **wrong),
        condition("c4", "Kín đáo", "active", meta=RESTRICTED),
        condition("c5", "Của người khác", "active", subject={"reference": "Patient/p2"}),
        {
            "resourceType": "MedicationRequest",
            "id": "r1",
            "status": "active",
            "intent": "order",
            "medicationReference": {"reference": "Medication/m1"},
            "subject": SUBJECT,
            "authoredOn": "2026-10-01",
            "dosageInstruction": [{"text": "1 viên, sáng & tối"}],
        },
        {
            "resourceType": "MedicationRequest",
            "id": "r2",
            "status": "completed",
            "intent": "order",
            "medicationCodeableConcept": {"text": "Amoxicillin"},
            "subject": SUBJECT,
        },
        observation("w1", "vital-signs", "29463-7", "2025-01-01", valueQuantity=WEIGHT),
        observation("w2", "vital-signs", "29463-7", "2026-01-01", valueQuantity=WEIGHT),
        observation(
            "g1", "laboratory", "4548-4", "2026-02-01",
            valueQuantity={**WEIGHT, "value": 6.5, "unit": "%", "code": "%"},
        ),
        observation("s1", "social-history", "72166-2", "2026-02-01",
                    valueCodeableConcept={"text": "Không hút thuốc"}),
        observation("x1", "laboratory", "82810-3", "2026-02-01",
                    valueCodeableConcept={"text": "Không mang thai"}),
        {
            "resourceType": "Immunization",
            "id": "i1",
            "status": "completed",
            "vaccineCode": {"text": "Uốn ván"},
            "patient": SUBJECT,
            "occurrenceDateTime": "2024-06-07",
        },
    ]  # fmt: skip
