"""The patient of a visit, the cards that pay, and the directory it points into.

A newborn without a card carries a parent's name: the name is `temp`, the parent's number
stays off the child, and the child is marked so that nothing merges it by itself.
"""

from collections.abc import Iterable
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.lexical import (
    clean_text,
    read_time,
    split_list,
    write_time,
)
from trucyte.intake.claims.mapping.paths import EXTENSION
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.raw import keep_raw
from trucyte.intake.claims.mapping.rules import Systems
from trucyte.intake.claims.mapping.scope import Scope, beds_of
from trucyte.intake.claims.tables import Row

CARD_FIELDS = ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DEATHS = frozenset({"5", "8"})  # KET_QUA_DTRI; 6 is not death: "nặng xin về"
# An assessment board (XML12) has no MA_LK or MA_BN: the reader makes them of the minutes'
# number and the person's number, which is no patient number of a facility.
BOARD = "XML12:"
_PRIMARY_CARE = EXTENSION + "primary-care-facility"


def make_patient(scope: Scope, plan: TablePlan, names: tuple[str, ...]) -> Resource:
    """Return the Patient as this visit tells it."""
    patient: Resource = {"resourceType": "Patient", "id": scope.patient_id()}
    if scope.visit.patient and not scope.visit.link.startswith(BOARD):
        uri = scope.node.systems["mrn"].uri
        patient["identifier"] = [_mrn(uri, scope)]
    plan.write(scope.summary, {"patient": patient}, scope, names=names)
    for contact in patient.get("telecom", ()):
        contact["system"] = "phone"
    for address in patient.get("address", ()):
        address["use"] = "home"
    if "name" in patient:
        patient["name"][0]["use"] = "temp" if scope.is_newborn else "official"
    if scope.is_newborn:
        patient.setdefault("extension", []).append(
            {"url": EXTENSION + "no-automatic-merge", "valueBoolean": True}
        )
    if scope.summary.get("KET_QUA_DTRI", "").strip() in DEATHS:
        patient["deceasedBoolean"] = True
    return patient


def _mrn(uri: str, scope: Scope) -> dict[str, Any]:
    """Return the facility's patient number, with its assigner: numbers repeat elsewhere."""
    return {"system": uri, "value": scope.visit.patient, "assigner": scope.here()}


def mrn_of(patient: Resource, systems: Systems) -> str:
    """Return MA_BN of a Patient, "" where it has none."""
    uri = systems["mrn"].uri
    for entry in patient.get("identifier", ()):
        if entry.get("system") == uri:
            value: str = entry["value"]
            return value
    return ""


def coverage_ids(scope: Scope) -> list[str]:
    """Return the ids of the visit's coverages: one a card in order, or self-pay."""
    cards = split_list(scope.summary.get("MA_THE_BHYT", "")) or [""]
    owner = (scope.visit.facility, scope.visit.patient or f"link:{scope.visit.link}")
    counts: dict[str, int] = {}
    ids = []
    for card in cards:
        counts[card] = counts.get(card, 0) + 1
        ids.append(scope.node.id_of("Coverage", *owner, card, str(counts[card])))
    return ids


def make_coverages(scope: Scope, plan: TablePlan, names: tuple[str, ...]) -> list[Resource]:
    """Return one Coverage a card, in order; a patient without card pays, as a Coverage too."""
    cards = split_list(scope.summary.get("MA_THE_BHYT", ""))
    coverages = [
        _coverage(scope, identity, cards[place] if cards else "")
        for place, identity in enumerate(coverage_ids(scope))
    ]
    _put_parallel(scope, coverages)
    plan.write(scope.summary, {"coverage": coverages[0]}, scope, names=names)
    return coverages


def _coverage(scope: Scope, identity: str, card: str) -> Resource:
    coverage: Resource = {
        "resourceType": "Coverage",
        "id": identity,
        "status": "active",
        "beneficiary": scope.patient(),
    }
    text = clean_text(card)
    if text is None:
        coverage["type"] = {"coding": [_SELF_PAY]}
        coverage["payor"] = [scope.patient()]
        return coverage
    coverage["identifier"] = [{"system": scope.node.systems["bhyt"].uri, "value": text}]
    coverage["type"] = {"coding": [{"system": ACT_CODE, "code": "PUBLICPOL"}]}
    coverage["payor"] = [payer(scope)]
    return coverage


_SELF_PAY = {
    "system": "http://terminology.hl7.org/CodeSystem/coverage-selfpay",
    "code": "pay",
}


def payer(scope: Scope) -> dict[str, Any]:
    """Return the Reference of Viet Nam Social Security."""
    value = "BHXH"
    return {
        "reference": f"Organization/{scope.node.id_of('Organization', 'payer', value)}",
        "identifier": {
            "system": scope.node.systems["social-insurance-payer"].uri,
            "value": value,
        },
    }


def _put_parallel(scope: Scope, coverages: list[Resource]) -> None:
    """Spread the ';' lists that run parallel to the cards; unequal counts stay raw."""
    row = scope.summary
    places = split_list(row.get("MA_DKBD", ""))
    if len(places) == len(coverages):
        for coverage, code in zip(coverages, places, strict=True):
            coverage.setdefault("extension", []).append(
                {"url": _PRIMARY_CARE, "valueReference": scope.facility(code)}
            )
    for name, end in (("GT_THE_TU", "start"), ("GT_THE_DEN", "end")):
        days = [read_time(piece) for piece in split_list(row.get(name, ""))]
        if len(days) != len(coverages):
            continue
        for coverage, day in zip(coverages, days, strict=True):
            if day and not (end == "end" and is_before(day, coverage.get("period"))):
                coverage.setdefault("period", {})[end] = day


def is_before(end: str, period: dict[str, str] | None) -> bool:
    """Say whether `end` lies before the period's start (per-1 forbids it)."""
    start = (period or {}).get("start")
    return start is not None and end[: len(start)] < start[: len(end)]


def keep_card_raws(scope: Scope, encounter: Resource, coverages: list[Resource]) -> None:
    """Let each card list travel raw on the Encounter where the coverages say it otherwise."""
    told = read_cards(coverages, scope.node.systems)
    for name in CARD_FIELDS:
        raw = scope.summary.get(name)
        if raw != told.get(name):
            keep_raw(encounter, name, raw)


def read_cards(coverages: Iterable[Resource], systems: Systems) -> Row:
    """Return the card lists as the coverages tell them."""
    found: dict[str, list[str]] = {name: [] for name in CARD_FIELDS}
    uri = systems["bhyt"].uri
    for coverage in coverages:
        for entry in coverage.get("identifier", ()):
            if entry.get("system") == uri:
                found["MA_THE_BHYT"].append(entry["value"])
        for entry in coverage.get("extension", ()):
            if entry["url"] == _PRIMARY_CARE:
                found["MA_DKBD"].append(entry["valueReference"]["identifier"]["value"])
        period = coverage.get("period", {})
        for name, end in (("GT_THE_TU", "start"), ("GT_THE_DEN", "end")):
            if end in period:
                found[name].append(write_time(period[end]))
    return {name: ";".join(values) for name, values in found.items() if values}


def directory(
    scope: Scope, plans: Iterable[TablePlan], tables: dict[str, list[Row]]
) -> list[Draft]:
    """Return the shared resources the visit points into, each once."""
    found: dict[str, Draft] = {}
    _add(found, scope, scope.here(), "XML1", 1)
    _add(found, scope, payer(scope), "XML1", 1)
    for plan in plans:
        for place, row in enumerate(tables.get(plan.name, ()), start=1):
            for reference in _pointed(scope, plan, row):
                _add(found, scope, reference, plan.name, place)
    return list(found.values())


def _pointed(scope: Scope, plan: TablePlan, row: Row) -> Iterable[dict[str, Any]]:
    for name, rule in plan.pointers:
        raw = row.get(name)
        if raw is None:
            continue
        value = rule.to_fhir(raw, scope)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value
    if plan.name == "XML1":
        yield from (scope.facility(code) for code in split_list(row.get("MA_DKBD", "")))
        yield from (scope.department(code) for code in split_list(row.get("MA_KHOA", "")))
    if plan.name == "XML3":
        yield from (scope.bed(department, bed) for department, bed in beds_of(row))


def _add(
    found: dict[str, Draft], scope: Scope, reference: dict[str, Any], table: str, place: int
) -> None:
    target = reference["reference"]
    if target in found:
        return
    kind, _, identity = target.partition("/")
    resource: Resource = {
        "resourceType": kind,
        "id": identity,
        "identifier": [reference["identifier"]],
    }
    if kind == "Location":
        _describe_place(scope, resource)
        for part in ("partOf", "managingOrganization"):
            if part in resource:
                _add(found, scope, resource[part], table, place)
    if kind == "Organization" and resource["identifier"][0]["value"] == "BHXH":
        resource["name"] = "Bảo hiểm xã hội Việt Nam"
    found[target] = Draft(resource=resource, table=table, row=place, is_shared=True)


def _describe_place(scope: Scope, place: Resource) -> None:
    _, _, code = place["identifier"][0]["value"].partition(":")
    place["managingOrganization"] = scope.here()
    if place["identifier"][0]["system"] == scope.node.systems["bed"].uri:
        department, _, bed = code.partition(":")
        place["name"] = bed or code
        place["physicalType"] = {"coding": [{"system": _PLACE, "code": "bd"}]}
        if department:
            place["partOf"] = scope.department(department)
    else:
        place["name"] = scope.display("khoa", code) or code or scope.visit.facility
        place["physicalType"] = {"coding": [{"system": _PLACE, "code": "wa"}]}


_PLACE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
