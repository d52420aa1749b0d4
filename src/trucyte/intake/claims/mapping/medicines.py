"""XML2: what is charged, ordered, handed over, given.

A charge does not prove that a drug was given: an administration needs NGAY_TH_YL. Blood,
oxygen, NO, transport of blood (VM.) and packaging (BB.) are lines of money and never
stand in the medicine list; blood is a Procedure too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.claim import begin_line, finish_line
from trucyte.intake.claims.mapping.lexical import read_time
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.scope import CARE_DISPENSE, CARE_STAY, Scope
from trucyte.intake.claims.tables import Row

_BLOOD_GROUPS = frozenset({"7", "17"})
_GASES = frozenset({"40.17", "40.573"})  # oxygen, nitric oxide
_NOT_DRUGS = ("VM.", "BB.")


def kinds_of(row: Row, care: str) -> tuple[str, ...]:
    """Return the anchors of an XML2 row beside its line."""
    code = row.get("MA_THUOC", "").strip()
    if row.get("MA_NHOM", "").strip() in _BLOOD_GROUPS:
        return ("transfusion",)
    if code in _GASES or code.startswith(_NOT_DRUGS):
        return ()
    if care in CARE_DISPENSE:
        return ("request", "dispense")
    if care in CARE_STAY and read_time(row.get("NGAY_TH_YL", "")):
        return ("request", "administration")
    return ("request",)


TYPES = {
    "request": "MedicationRequest",
    "dispense": "MedicationDispense",
    "administration": "MedicationAdministration",
    "transfusion": "Procedure",
}


def make_medicines(
    scope: Scope, plan: TablePlan, rows: Sequence[Row], services: Mapping[str, Sequence[str]]
) -> tuple[list[Draft], list[dict[str, Any]]]:
    """Return the resources and the lines of XML2; `services` are procedure ids by code."""
    drafts: list[Draft] = []
    lines = []
    implied = {"MA_LK": scope.visit.link}
    for place, row in enumerate(rows, start=1):
        line = begin_line(scope, place)
        natural = tuple(
            row.get(name, "") for name in ("MA_THUOC", "SO_DANG_KY", "NGAY_YL", "MA_KHOA")
        )
        made = {kind: _begin(scope, kind, natural) for kind in kinds_of(row, scope.care)}
        plan.write(row, {"item": line, **made}, scope, implied=implied)
        finish_line(scope, line, "drug", _target(made))
        _finish(scope, made, line, services.get(row.get("MA_DICH_VU", ""), ()))
        lines.append(line)
        drafts += [Draft(resource, "XML2", place) for resource in made.values()]
    return drafts, lines


def _target(made: Mapping[str, Resource]) -> str | None:
    first = next(iter(made.values()), None)
    return f"{first['resourceType']}/{first['id']}" if first else None


def _begin(scope: Scope, kind: str, natural: tuple[str, ...]) -> Resource:
    resource_type = TYPES[kind]
    resource = scope.begin(resource_type, scope.row_id(resource_type, "XML2", *natural), "XML2")
    if kind in {"administration", "dispense"}:
        resource["context"] = scope.reference("Encounter")
    else:
        resource["encounter"] = scope.reference("Encounter")
    resource["subject"] = scope.patient()
    resource["status"] = "completed"
    if kind == "request":
        resource["intent"] = "order"
    return resource


def _finish(
    scope: Scope, made: Mapping[str, Resource], line: dict[str, Any], procedures: Sequence[str]
) -> None:
    concept = line["productOrService"]
    request = made.get("request")
    order = {"reference": f"MedicationRequest/{request['id']}"} if request else None
    for kind, resource in made.items():
        if kind == "transfusion":
            resource["code"] = concept
            if "performedDateTime" not in resource:
                resource["status"] = "unknown"
            continue
        resource["medicationCodeableConcept"] = concept
        if kind == "dispense":
            resource["authorizingPrescription"] = [order]
            resource["performer"] = [{"actor": scope.here()}]
        if kind == "administration":
            resource["request"] = order
            _mend_dosage(resource)
            if len(procedures) == 1:
                resource["partOf"] = [{"reference": f"Procedure/{procedures[0]}"}]


def _mend_dosage(administration: Resource) -> None:
    """Drop a dosage that says neither dose nor rate (mad-1); the line holds the rest."""
    dosage = administration.get("dosage")
    if dosage and "dose" not in dosage:
        del administration["dosage"]
