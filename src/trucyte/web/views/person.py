"""One person: the line above every page about them, and their visits in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trucyte.web import formats
from trucyte.web.language import marked
from trucyte.web.reader import Resource, Shown
from trucyte.web.views.elements import (
    concept_code,
    concept_text,
    extension_value,
    first,
    human_name,
    identifier_kind,
    period_start,
    reference_id,
    reference_words,
)

SEXES = {
    "male": marked("nam"),
    "female": marked("nữ"),
    "other": marked("giới khác"),
    "unknown": marked("không rõ giới"),
}
VISIT_KINDS = {
    "AMB": marked("Khám ngoại trú"),
    "IMP": marked("Nằm viện"),
    "ACUTE": marked("Nằm viện"),
    "NONAC": marked("Nằm viện"),
    "EMER": marked("Cấp cứu"),
    "SS": marked("Điều trị ban ngày"),
    "OBSENC": marked("Lưu theo dõi"),
    "HH": marked("Khám tại nhà"),
    "FLD": marked("Khám lưu động"),
    "VR": marked("Khám từ xa"),
}
OTHER_VISIT = marked("Lượt khám")
STAYS = {"IMP", "ACUTE", "NONAC"}


@dataclass(frozen=True, slots=True)
class Number:
    """An identifier of a person: what it is, and its characters."""

    kind: str  # "personal", "card", "other"
    value: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Who this is, as far as the record says."""

    id: str
    name: str
    sex: str  # word, to be translated; "" where the record is silent
    birth: str  # FHIR date
    age: int | None
    numbers: Sequence[Number]
    phone: str
    address: str
    is_deceased: bool


@dataclass(frozen=True, slots=True)
class VisitLine:
    """One visit on a timeline; a restricted one says when, and nothing else."""

    id: str
    is_restricted: bool
    start: str
    end: str
    year: str
    kind: str  # word, to be translated
    is_stay: bool
    is_emergency: bool
    nights: int
    facility: str
    diagnosis: str
    code: str
    reason: str


def person_line(patient: Resource, on: date) -> PersonLine:
    """Return the line of a Patient; the age is that of day `on`, or of death."""
    birth = str(patient.get("birthDate", ""))
    died = str(patient.get("deceasedDateTime", ""))
    end = date.fromisoformat(died[:10]) if len(died) >= 10 else on
    addresses = patient.get("address", ())
    return PersonLine(
        id=str(patient.get("id", "")),
        name=human_name(patient.get("name")),
        sex=SEXES.get(str(patient.get("gender", "")), ""),
        birth=birth,
        age=formats.age(birth, end) if birth else None,
        numbers=_numbers(patient),
        phone=str(first((t.get("value", "") for t in patient.get("telecom", ())), "")),
        address=str(first((_address(a) for a in addresses), "")),
        is_deceased=bool(died or patient.get("deceasedBoolean")),
    )


def visit_line(shown: Shown, diagnoses: Sequence[Resource]) -> VisitLine:
    """Return a visit for the timeline; `diagnoses` are its Conditions."""
    encounter = shown.resource
    if encounter is None:
        month = shown.month
        return VisitLine(shown.id, True, month, "", month[:4], "", False, False, 0, "", "", "", "")
    period = encounter.get("period", {})
    start, end = str(period.get("start", "")), str(period.get("end", ""))
    main = first(ranked(encounter, diagnoses))
    kind = str(encounter.get("class", {}).get("code", ""))
    return VisitLine(
        id=shown.id,
        is_restricted=False,
        start=start,
        end=end,
        year=formats.day(start)[-4:],
        kind=VISIT_KINDS.get(kind, OTHER_VISIT),
        is_stay=kind in STAYS,
        is_emergency=kind == "EMER" or concept_code(encounter.get("priority")) == "EM",
        nights=_nights(start, end),
        facility=reference_words(encounter.get("serviceProvider")),
        diagnosis=str(extension_value(encounter, "final-diagnosis-text") or "")
        or (concept_text(main.get("code")) if main else ""),
        code=concept_code(main.get("code"), "icd") if main else "",
        reason=str(first((concept_text(r) for r in encounter.get("reasonCode", ())), "")),
    )


def ranked(encounter: Resource, conditions: Sequence[Resource]) -> list[Resource]:
    """Return the final diagnoses of a visit by their rank; those without one come last."""
    ranks = {
        reference_id(row.get("condition"), "Condition"): int(row.get("rank", 99))
        for row in encounter.get("diagnosis", ())
        if concept_code(row.get("use")) != "AD"
    }
    mine = [condition for condition in conditions if condition.get("id") in ranks]
    return sorted(mine, key=lambda condition: ranks[condition["id"]])


def conditions_by_visit(conditions: Sequence[Shown]) -> Mapping[str, Sequence[Resource]]:
    """Return Conditions by the visit they were written in."""
    found: dict[str, list[Resource]] = {}
    for shown in conditions:
        if shown.resource is not None:
            visit = reference_id(shown.resource.get("encounter"), "Encounter")
            found.setdefault(visit, []).append(shown.resource)
    return found


def coverage_words(coverages: Sequence[Shown]) -> list[tuple[str, str, str]]:
    """Return insurance cards as number, first day, last day; self-pay is no card."""
    cards = []
    for shown in coverages:
        coverage = shown.resource
        if coverage is None or concept_code(coverage.get("type")) == "pay":
            continue
        number = coverage.get("subscriberId") or first(
            (i.get("value", "") for i in coverage.get("identifier", ())), ""
        )
        period = coverage.get("period", {})
        if number:
            cards.append((str(number), period_start(period), str(period.get("end", ""))))
    return list(dict.fromkeys(cards))


def _numbers(patient: Resource) -> list[Number]:
    found = [
        Number(identifier_kind(identifier), str(identifier["value"]))
        for identifier in patient.get("identifier", ())
        if identifier.get("value")
    ]
    order = {"personal": 0, "card": 1, "other": 2}
    return sorted(dict.fromkeys(found), key=lambda number: order[number.kind])


def _address(address: Mapping[str, object]) -> str:
    if address.get("text"):
        return str(address["text"])
    lines = address.get("line")
    parts = [*(lines if isinstance(lines, list) else ()), address.get("city"), address.get("state")]
    return ", ".join(str(part) for part in parts if part)


def _nights(start: str, end: str) -> int:
    if len(start) < 10 or len(end) < 10:
        return 0
    try:
        return (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days
    except ValueError:
        return 0
