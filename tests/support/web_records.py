"""Invented people and visits for the pages, in the form the claims mapping gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trucyte.records import Access
from trucyte.records.shown import ResourceNotFound, ResourceRestricted
from trucyte.web.reader import OF_PERSON, PeopleQuery, Shown

EXT = "https://trucyte.vn/fhir/StructureDefinition/"
CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
BHYT = "http://fhir.hl7.org.vn/core/sid/bhyt"
MRN = "http://fhir.ehealth.gov.vn/core/sid/patient-internal-id"
ICD = "http://hl7.org/fhir/sid/icd-10"
ACCEPTED = datetime(2026, 11, 22, 2, 4, tzinfo=UTC)


def patient(id: str, name: str, birth: str, sex: str, cccd: str, card: str = "") -> dict[str, Any]:
    numbers = [{"system": MRN, "value": f"BN-{id}"}]
    if cccd:
        numbers.append({"system": CCCD, "value": cccd})
    if card:
        numbers.append({"system": BHYT, "value": card})
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": numbers,
        "name": [{"use": "official", "text": name}],
        "gender": sex,
        "birthDate": birth,
        "address": [{"use": "home", "text": "Số 1 đường Mẫu, phường Mẫu, thành phố Mẫu"}],
        "telecom": [{"system": "phone", "value": "0900000001"}],
    }


def encounter(id: str, person: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"code": more.pop("kind", "AMB")},
        "subject": {"reference": f"Patient/{person}/_history/1"},
        "period": {"start": start, "end": end} if end else {"start": start},
        "serviceProvider": {"display": "Bệnh viện Đa khoa Mẫu"},
        "reasonCode": [{"text": more.pop("reason", "Đau họng, sốt hai ngày")}],
        **more,
    }


def condition(id: str, visit: str, code: str, display: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": id,
        "code": {"coding": [{"system": ICD, "code": code, "display": display}]},
        "encounter": {"reference": f"Encounter/{visit}"},
    }


def result(id: str, visit: str, name: str, value: str, unit: str, at: str, **more: Any) -> Any:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"code": more.pop("category", "laboratory")}]}],
        "code": {"text": name},
        "encounter": {"reference": f"Encounter/{visit}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": Decimal(value), "unit": unit},
        **more,
    }


def limits(low: str | None, high: str | None) -> list[dict[str, Any]]:
    given = {"low": low, "high": high}
    return [{key: {"value": Decimal(text)} for key, text in given.items() if text}]


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": EXT + name, **value}


def drug(id: str, visit: str, name: str, strength: str, dose: str, how: str, count: str) -> Any:
    return [
        {
            "resourceType": "MedicationRequest",
            "id": id,
            "status": "completed",
            "intent": "order",
            "encounter": {"reference": f"Encounter/{visit}"},
            "medicationCodeableConcept": {"text": name},
            "extension": [extension("strength", valueString=strength)],
            "dosageInstruction": [{"text": dose, "patientInstruction": how}],
            "authoredOn": "2026-11-22T08:45:00+07:00",
            "requester": {"identifier": {"value": "000001/XX-CCHN"}},
        },
        {
            "resourceType": "MedicationDispense",
            "id": f"{id}d",
            "status": "completed",
            "context": {"reference": f"Encounter/{visit}"},
            "medicationCodeableConcept": {"text": name},
            "authorizingPrescription": [{"reference": f"MedicationRequest/{id}"}],
            "quantity": {"value": Decimal(count), "unit": "Viên"},
            "whenHandedOver": "2026-11-22T09:30:00+07:00",
        },
    ]


def document(id: str, visit: str, code: str, title: str, date: str, text: str = "") -> Any:
    made = {
        "resourceType": "Composition",
        "id": id,
        "status": "final",
        "type": {"coding": [{"code": code}], "text": title},
        "title": title,
        "date": date,
        "encounter": {"reference": f"Encounter/{visit}"},
        "author": [{"identifier": {"value": "000001/XX-CCHN"}}],
    }
    if text:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'
        made["section"] = [{"title": title, "text": {"status": "additional", "div": div}}]
    return made


def claim(id: str, visit: str) -> dict[str, Any]:
    rows = [
        ("Khám bệnh", "1.00", "lần", "45000.00"),
        ("Tổng phân tích tế bào máu ngoại vi", "1.00", "lần", "49700.00"),
        ("Thuốc mẫu A 500mg", "10.000", "Viên", "3500.00"),
        ("Thuốc mẫu B 250mg", "20.000", "Viên", "493826.90"),
    ]
    split = {"fund-pays": "473621.52", "patient-shares": "118405.38", "patient-pays": "0.00"}
    return {
        "resourceType": "Claim",
        "id": id,
        "status": "active",
        "total": {"value": Decimal("592026.90"), "currency": "VND"},
        "extension": [
            {
                "url": EXT + "requested-split",
                "extension": [{"url": k, "valueDecimal": Decimal(v)} for k, v in split.items()],
            }
        ],
        "item": [
            {
                "sequence": number,
                "encounter": [{"reference": f"Encounter/{visit}"}],
                "productOrService": {"text": name},
                "quantity": {"value": Decimal(count), "unit": unit},
                "unitPrice": {"value": Decimal(net) / Decimal(count)},
                "net": {"value": Decimal(net)},
            }
            for number, (name, count, unit, net) in enumerate(rows, start=1)
        ],
    }


def diagnosed(*ids: str, admission: str = "") -> list[dict[str, Any]]:
    rows = [
        {
            "condition": {"reference": f"Condition/{id}"},
            "use": {"coding": [{"code": "DD"}]},
            "rank": rank,
        }
        for rank, id in enumerate(ids, start=1)
    ]
    if admission:
        use = {"coding": [{"code": "AD"}]}
        rows.append({"condition": {"reference": f"Condition/{admission}"}, "use": use})
    return rows


def first_visit() -> list[dict[str, Any]]:
    at = "2026-11-22T08:40:00+07:00"
    blood = [
        result(
            "o1", "v1", "Bạch cầu (WBC)", "12.4", "G/L", at, referenceRange=limits("4.0", "10.0")
        ),
        result("o2", "v1", "Hemoglobin", "138", "g/L", at, referenceRange=limits("130", "170")),
        result("o3", "v1", "Tiểu cầu (PLT)", "142", "G/L", at, referenceRange=limits("150", "400")),
        result("o4", "v1", "CRP", "38.50", "mg/L", at, referenceRange=limits(None, "5")),
        result("o5", "v1", "Glucose", "5.6", "mmol/L", at),
    ]
    awaited = result("o6", "v1", "Cấy dịch họng", "0", "", at)
    del awaited["valueQuantity"]
    awaited["status"] = "registered"
    weight = result(
        "o7", "v1", "", "60.00", "kg", "2026-11-22T08:00:00+07:00", category="vital-signs"
    )
    weight["code"] = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    admission = {
        "resourceType": "Condition",
        "id": "c3",
        "code": {"text": "Viêm họng cấp"},
        "verificationStatus": {"coding": [{"code": "provisional"}]},
        "encounter": {"reference": "Encounter/v1"},
    }
    outcome = {"system": "treatment-result", "code": "2"}
    return [
        encounter(
            "v1",
            "p1",
            "2026-11-22T08:00:00+07:00",
            "2026-11-22T09:30:00+07:00",
            diagnosis=diagnosed("c1", "c2", admission="c3"),
            location=[{"location": {"identifier": {"value": "79001:K01"}}}],
            extension=[
                extension("final-diagnosis-text", valueString="Viêm họng cấp, không đặc hiệu; Sốt"),
                extension("treatment-method", valueString="Điều trị nội khoa"),
                extension("treatment-result", valueCoding=outcome),
                extension("advice", valueString="Uống thuốc theo đơn, uống nhiều nước, nghỉ ngơi."),
                extension("follow-up-date", valueDate="2026-11-29"),
            ],
        ),
        condition("c1", "v1", "J02.9", "Viêm họng cấp, không đặc hiệu"),
        condition("c2", "v1", "R50.9", "Sốt, không đặc hiệu"),
        admission,
        *blood,
        awaited,
        weight,
        {
            "resourceType": "DiagnosticReport",
            "id": "r1",
            "status": "partial",
            "code": {"text": "Tổng phân tích tế bào máu ngoại vi"},
            "encounter": {"reference": "Encounter/v1"},
            "issued": "2026-11-22T08:55:00+07:00",
            "result": [{"reference": f"Observation/o{number}"} for number in range(1, 7)],
            "conclusion": "Bạch cầu tăng, nghĩ tới nhiễm trùng cấp.",
        },
        *drug(
            "m1",
            "v1",
            "Thuốc mẫu A 500mg",
            "500mg",
            "1 viên/lần * 2 lần/ngày * 5 ngày [2 viên/ngày]",
            "Uống sau ăn",
            "10.000",
        ),
        *drug(
            "m2",
            "v1",
            "Thuốc mẫu B",
            "250mg",
            "2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]",
            "Uống khi sốt trên 38,5 °C, cách nhau ít nhất 4 giờ",
            "20.000",
        ),
        {
            "resourceType": "Procedure",
            "id": "q1",
            "status": "completed",
            "code": {"text": "Khám bệnh", "coding": [{"code": "02.03"}]},
            "encounter": {"reference": "Encounter/v1"},
            "performedPeriod": {"start": "2026-11-22T08:05:00+07:00"},
        },
        document(
            "n1",
            "v1",
            "XML5",
            "Diễn biến lâm sàng",
            "2026-11-22T08:10:00+07:00",
            "<p>Tỉnh, tiếp xúc tốt. Sốt 38,6 °C.</p><p>Họng đỏ, amidan sưng, không giả mạc.</p>",
        ),
        document("d1", "v1", "XML14", "Giấy hẹn khám lại", "2026-11-22"),
        claim("k1", "v1"),
    ]


def earlier_visits() -> list[dict[str, Any]]:
    glucose = [
        result("g1", "v3", "Glucose", "6.4", "mmol/L", "2026-02-12T07:00:00+07:00"),
        result("g2", "v4", "Glucose", "5.9", "mmol/L", "2025-09-03T08:00:00+07:00"),
        result("h1", "v3", "Hemoglobin", "131", "g/L", "2026-02-12T07:00:00+07:00"),
    ]
    return [
        {
            "resourceType": "Coverage",
            "id": "b1",
            "identifier": [{"system": BHYT, "value": "GD4000000000001"}],
            "period": {"start": "2026-01-01", "end": "2026-12-31"},
        },
        encounter("v2", "p1", "2026-05-02T00:00:00+07:00", ""),
        encounter(
            "v3",
            "p1",
            "2026-02-11T22:40:00+07:00",
            "2026-02-16T10:00:00+07:00",
            kind="IMP",
            priority={"coding": [{"code": "EM"}]},
            reason="Ho, khó thở, sốt cao",
            diagnosis=diagnosed("c4"),
        ),
        condition("c4", "v3", "J18.9", "Viêm phổi, không đặc hiệu"),
        encounter(
            "v4",
            "p1",
            "2025-09-03T08:00:00+07:00",
            "2025-09-03T09:00:00+07:00",
            diagnosis=diagnosed("c5"),
            reason="Khám định kỳ",
        ),
        condition("c5", "v4", "I10", "Tăng huyết áp vô căn"),
        encounter(
            "v5",
            "p1",
            "2025-01-20T14:00:00+07:00",
            "2025-01-24T09:00:00+07:00",
            kind="IMP",
            reason="Gãy xương",
            diagnosis=diagnosed("c6"),
        ),
        condition("c6", "v5", "S52.5", "Gãy đầu dưới xương quay"),
        *glucose,
    ]


HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnart\u202c " + "Ẩ" * 1000
)


def people() -> list[dict[str, Any]]:
    return [
        patient("p1", "Nguyễn Văn Mẫu", "1985-03-15", "male", "000085000001", "GD4000000000001"),
        patient("p2", "Nguyễn Thị Mẫu", "1985", "female", "000185000002"),
        patient("p3", "Nguyễn Văn Mậu", "1985-11", "male", "", "HN2000000000003"),
        patient("p4", HOSTILE, "2001-01-01", "unknown", ""),
    ]


@dataclass
class FakeRecords:
    """A `Reader` over resources in memory."""

    resources: list[dict[str, Any]] = field(
        default_factory=lambda: [*people(), *first_visit(), *earlier_visits()]
    )
    restricted: frozenset[str] = frozenset({"v2"})

    def read(self, access: Access, type: str, id: str) -> Shown:
        for shown in self._all(access):
            if shown.type == type and shown.id == id:
                if shown.resource is None:
                    raise ResourceRestricted(type=type)
                return shown
        raise ResourceNotFound(type=type)

    def of_visit(self, access: Access, encounter: str) -> Sequence[Shown]:
        return [one for one in self._all(access) if _visit_of(one.resource) == encounter]

    def of_person(self, access: Access, person: int) -> Sequence[Shown]:
        return [one for one in self._all(access) if one.person == person and one.type in OF_PERSON]

    def find_people(self, access: Access, query: PeopleQuery, *, count: int) -> Sequence[Shown]:
        def fits(resource: Mapping[str, Any]) -> bool:
            numbers = {one["value"] for one in resource["identifier"]}
            name = resource["name"][0]["text"].casefold()
            return (
                (not query.number or query.number in numbers)
                and (not query.name or query.name.casefold() in name)
                and (not query.year or resource["birthDate"].startswith(query.year))
            )

        patients = [one for one in self._all(access) if one.type == "Patient"]
        return [one for one in patients if one.resource and fits(one.resource)][:count]

    def _all(self, access: Access) -> list[Shown]:
        return [self._shown(access, one, n) for n, one in enumerate(self.resources, start=18_201)]

    def _shown(self, access: Access, resource: dict[str, Any], seq: int) -> Shown:
        is_masked = resource["id"] in self.restricted and not access.sees_restricted
        own = resource["resourceType"] == "Patient" and resource["id"] != "p1"
        return Shown(
            type=resource["resourceType"],
            id=resource["id"],
            version=1,
            resource=None if is_masked else resource,
            seq=seq,
            accepted_at=ACCEPTED,
            source=8,
            person=seq if own else 1,
            month=resource.get("period", {}).get("start", "")[:7] if is_masked else "",
        )


def _visit_of(resource: Mapping[str, Any] | None) -> str:
    if resource is None:
        return ""
    for key in ("encounter", "context"):
        if key in resource:
            return str(resource[key]["reference"].partition("/")[2])
    for item in resource.get("item", ()):
        return str(item["encounter"][0]["reference"].partition("/")[2])
    return ""
