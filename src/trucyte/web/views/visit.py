"""One visit as a clinician reads it, from the resources that belong to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.web.language import marked
from trucyte.web.reader import Resource, Shown
from trucyte.web.views.elements import (
    concept_code,
    concept_has,
    concept_text,
    extension_parts,
    extension_value,
    first,
    narrative_text,
    period_start,
    quantity_text,
    reference_id,
    reference_words,
)

GONE = {"entered-in-error", "cancelled"}
NOTE = "XML5"  # the code of a clinical note among documents
# LOINC codes of vital signs, which come without words.
VITAL_NAMES = {
    "8867-4": marked("Mạch"),
    "8310-5": marked("Nhiệt độ"),
    "85354-9": marked("Huyết áp"),
    "9279-1": marked("Nhịp thở"),
    "2708-6": marked("SpO₂"),
    "29463-7": marked("Cân nặng"),
}
SHARES = (
    ("fund-pays", marked("Quỹ bảo hiểm y tế")),
    ("patient-shares", marked("Người bệnh cùng chi trả")),
    ("patient-pays", marked("Người bệnh tự trả")),
    ("other-sources", marked("Nguồn khác")),
)
# KET_QUA_DTRI; "grave" is not death: the family takes the person home.
OUTCOMES = {
    "1": marked("khỏi"),
    "2": marked("đỡ"),
    "3": marked("không thay đổi"),
    "4": marked("nặng hơn"),
    "5": marked("tử vong"),
    "6": marked("tiên lượng nặng, xin về"),
    "7": marked("chưa xác định"),
    "8": marked("tử vong ngoài viện"),
}
PERFORMED = {"completed": "", "in-progress": marked("đang làm"), "stopped": marked("đã dừng")}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis with its code, main one first."""

    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Result:
    """One measured value; limits only where the sender gave them."""

    name: str
    value: str  # digits as sent, or words
    unit: str
    low: str
    high: str
    range: str  # the sender's own words for it, "" where there are only limits
    outside: str  # "high", "low" or ""
    is_awaited: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Results of one service, with what the reader concluded."""

    name: str  # a service's own words; "" where results stand alone
    at: str
    description: str
    conclusion: str
    results: Sequence[Result]


@dataclass(frozen=True, slots=True)
class Vitals:
    """Vital signs by time: the columns there are, and each moment's values by column."""

    names: Sequence[str]  # words, to be translated
    rows: Sequence[tuple[str, Mapping[str, Result]]]


@dataclass(frozen=True, slots=True)
class Act:
    """A procedure or service done."""

    name: str
    code: str
    at: str
    status: str  # word, to be translated


@dataclass(frozen=True, slots=True)
class Note:
    """What was written, when and by whom."""

    at: str
    author: str
    sections: Sequence[tuple[str, str]]  # title, text


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate or letter of the visit."""

    title: str
    at: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of money."""

    name: str
    quantity: str
    unit: str
    price: Any
    net: Any


@dataclass(frozen=True, slots=True)
class Money:
    """What the hospital asks for, and how it asks to split it."""

    total: Any
    currency: str
    shares: Sequence[tuple[str, Any]]  # word, amount
    items: Sequence[Item]


def diagnoses_of(conditions: Iterable[Resource]) -> list[Diagnosis]:
    """Return diagnoses in the order given, with their ICD code."""
    return [
        Diagnosis(concept_text(c.get("code")), concept_code(c.get("code"), "icd"))
        for c in conditions
    ]


def admission_diagnosis(encounter: Resource, conditions: Sequence[Resource]) -> str:
    """Return what was thought on arrival (use AD), in words."""
    wanted = {
        reference_id(row.get("condition"), "Condition")
        for row in encounter.get("diagnosis", ())
        if concept_code(row.get("use")) == "AD"
    }
    return "; ".join(concept_text(c.get("code")) for c in conditions if c.get("id") in wanted)


def reports_of(resources: Mapping[str, Sequence[Resource]]) -> list[Report]:
    """Return reports with their results, then results that stand alone."""
    observations = {str(o["id"]): o for o in resources.get("Observation", ())}
    reports = [_report(report, observations) for report in resources.get("DiagnosticReport", ())]
    used = {
        reference_id(result, "Observation")
        for report in resources.get("DiagnosticReport", ())
        for result in report.get("result", ())
    }
    alone: dict[str, list[Result]] = {}
    for id, observation in observations.items():
        if id not in used and not _is_vital(observation):
            alone.setdefault(_at(observation), []).append(result_of(observation))
    reports.extend(Report("", at, "", "", rows) for at, rows in alone.items())
    return sorted(reports, key=lambda report: report.at)


def vitals_of(resources: Mapping[str, Sequence[Resource]]) -> Vitals | None:
    """Return vital signs as a chart at the bed has them; None where there are none."""
    rows: dict[str, dict[str, Result]] = {}
    for observation in resources.get("Observation", ()):
        if _is_vital(observation):
            result = result_of(observation)
            rows.setdefault(_at(observation), {})[result.name] = result
    if not rows:
        return None
    known = {name for row in rows.values() for name in row}
    ordered = [name for name in VITAL_NAMES.values() if name in known]
    names = [*ordered, *sorted(known - set(ordered))]
    return Vitals(names, sorted(rows.items()))


def result_of(observation: Resource) -> Result:
    """Return an Observation as a value with its range."""
    value, unit = quantity_text(observation.get("valueQuantity"))
    if not value and observation.get("component"):
        value, unit = _components(observation["component"])
    words = observation.get("valueString") or concept_text(observation.get("valueCodeableConcept"))
    given = first(observation.get("referenceRange", ()), {})
    low, _ = quantity_text(given.get("low"))
    high, _ = quantity_text(given.get("high"))
    return Result(
        name=VITAL_NAMES.get(concept_code(observation.get("code"), "loinc"))
        or concept_text(observation.get("code")),
        value=value or str(words or ""),
        unit=unit,
        low=low,
        high=high,
        range=str(given.get("text", "")),
        outside=_outside(value, low, high),
        is_awaited=observation.get("status") == "registered",
    )


def acts_of(resources: Mapping[str, Sequence[Resource]]) -> list[Act]:
    """Return procedures done, in the order of time."""
    acts = [
        Act(
            concept_text(p.get("code")),
            concept_code(p.get("code")),
            period_start(p.get("performedPeriod") or p.get("performedDateTime")),
            PERFORMED.get(str(p.get("status", "")), ""),
        )
        for p in resources.get("Procedure", ())
    ]
    return sorted(acts, key=lambda act: act.at)


def notes_of(resources: Mapping[str, Sequence[Resource]]) -> list[Note]:
    """Return clinical notes (Compositions of table XML5), in the order of time."""
    notes = [
        Note(
            at=str(composition.get("date", "")),
            author=", ".join(filter(None, map(reference_words, composition.get("author", ())))),
            sections=[
                (str(section.get("title", "")), narrative_text(section["text"]["div"]))
                for section in composition.get("section", ())
                if "text" in section
            ],
        )
        for composition in resources.get("Composition", ())
        if concept_has(composition.get("type"), NOTE)
    ]
    return sorted((note for note in notes if note.sections), key=lambda note: note.at)


def papers_of(resources: Mapping[str, Sequence[Resource]]) -> list[Paper]:
    """Return certificates and letters."""
    return [
        Paper(
            str(composition.get("title") or concept_text(composition.get("type"))),
            str(composition.get("date", "")),
        )
        for composition in resources.get("Composition", ())
        if not concept_has(composition.get("type"), NOTE)
    ]


def money_of(resources: Mapping[str, Sequence[Resource]]) -> Money | None:
    """Return what the hospital asks for, with the split it asks for; None without a claim."""
    claim = first(resources.get("Claim", ()))
    if claim is None:
        return None
    split = extension_parts(claim, "requested-split")
    return Money(
        total=claim.get("total", {}).get("value"),
        currency=str(claim.get("total", {}).get("currency", "VND")),
        shares=[(word, split[key]) for key, word in SHARES if split.get(key)],
        items=[_item(item) for item in claim.get("item", ())],
    )


def living(shown: Iterable[Shown]) -> dict[str, list[Resource]]:
    """Return resources by type, without those that were ended or are restricted."""
    found: dict[str, list[Resource]] = {}
    for one in shown:
        if one.resource is not None and one.resource.get("status") not in GONE:
            found.setdefault(one.type, []).append(one.resource)
    return found


def treated_by(encounter: Resource, resources: Mapping[str, Sequence[Resource]]) -> list[str]:
    """Return who treated and ordered: names where known, else the licence."""
    references = [row.get("individual") for row in encounter.get("participant", ())]
    references += [
        request.get("requester")
        for type in ("MedicationRequest", "ServiceRequest")
        for request in resources.get(type, ())
    ]
    return [name for name in dict.fromkeys(map(reference_words, references)) if name]


def departments_of(encounter: Resource) -> list[str]:
    """Return the departments and beds of a stay, in order."""
    places = (reference_words(row.get("location")) for row in encounter.get("location", ()))
    return [place for place in dict.fromkeys(places) if place]


def outcome_of(encounter: Resource) -> str:
    """Return the result of treatment as a word to be translated; "" where it is not told."""
    told = extension_value(encounter, "treatment-result")
    return OUTCOMES.get(str(told.get("code", "")), "") if isinstance(told, Mapping) else ""


def _is_vital(observation: Resource) -> bool:
    return any(concept_has(one, "vital-signs") for one in observation.get("category", ()))


def _at(resource: Resource) -> str:
    return str(resource.get("effectiveDateTime") or resource.get("issued") or "")


def _report(report: Resource, observations: Mapping[str, Resource]) -> Report:
    ids = [reference_id(result, "Observation") for result in report.get("result", ())]
    return Report(
        name=concept_text(report.get("code")),
        at=str(report.get("issued") or report.get("effectiveDateTime") or ""),
        description=narrative_text(report.get("text", {}).get("div", "")),
        conclusion=str(report.get("conclusion", "")),
        results=[result_of(observations[id]) for id in ids if id in observations],
    )


def _components(components: Sequence[Any]) -> tuple[str, str]:
    values = [quantity_text(part.get("valueQuantity")) for part in components]
    return "/".join(value for value, _ in values if value), first((u for _, u in values), "")


def _item(item: Any) -> Item:
    quantity, unit = quantity_text(item.get("quantity"))
    return Item(
        name=concept_text(item.get("productOrService")),
        quantity=quantity,
        unit=unit,
        price=item.get("unitPrice", {}).get("value"),
        net=item.get("net", {}).get("value"),
    )


def _outside(value: str, low: str, high: str) -> str:
    try:
        number = float(value)
        if high and number > float(high):
            return "high"
        return "low" if low and number < float(low) else ""
    except ValueError:
        return ""
