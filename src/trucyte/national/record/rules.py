"""What belongs into a patient summary: one row a section, pure.

Sections, codes and their order are those of HL7 IPS 1.1; what counts as being in force is
decided by status elements of R4 alone, never by an age we would have to guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LOINC: Final = "http://loinc.org"
ABSENT: Final = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
ENTRIES_MAX: Final = 100  # of a section, the newest

Json = Mapping[str, Any]

_WRONG = frozenset({"entered-in-error", "refuted"})
_FINAL = frozenset({"final", "amended", "corrected", "appended"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_OVER = frozenset({"inactive", "remission", "resolved"})
# LOINC codes of pregnancy: its status, the expected day, and what went before (IPS 1.1).
_PREGNANCY = frozenset(
    {
        "82810-3", "11778-8", "11779-6", "11780-2", "11636-8", "11637-6", "11638-4", "11639-2",
        "11640-0", "11612-9", "11613-7", "11614-5", "33065-4",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One element that decides: its codes must be among these, or none of these."""

    element: str  # a code, a Coding, a CodeableConcept, or several
    codes: frozenset[str]
    is_among: bool = True
    or_absent: bool = False  # whether a resource without the element passes

    def holds(self, resource: Json) -> bool:
        """Say whether a resource passes."""
        found = codes_of(resource.get(self.element))
        if not found:
            return self.or_absent or not self.is_among
        return (not self.codes.isdisjoint(found)) == self.is_among


@dataclass(frozen=True, slots=True)
class Pick:
    """Resources of one type that a section takes."""

    type: str
    rules: tuple[Rule, ...]
    latest_of_code: bool = False  # only the newest of each code


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `absent` is the code for "no information" where it may not be missing."""

    code: str  # LOINC
    display: str  # LOINC's own
    vi: str
    en: str
    picks: tuple[Pick, ...]
    absent: str = ""


def _status(*codes: str, element: str = "status") -> Rule:
    return Rule(element, frozenset(codes))


_NOT_WRONG = Rule("verificationStatus", _WRONG, is_among=False)


def _observed(*rules: Rule, latest: bool = False) -> Pick:
    return Pick("Observation", (Rule("status", _FINAL), *rules), latest_of_code=latest)


_NOT_PREGNANCY = Rule("code", _PREGNANCY, is_among=False)

SECTIONS: Final[Sequence[Section]] = (
    Section(
        "10160-0", "History of Medication use Narrative", "Thuốc đang dùng", "Medications",
        (
            Pick("MedicationStatement", (_status("active", "intended", "on-hold"),)),
            Pick("MedicationRequest", (
                _status("active", "on-hold"),
                _status("order", "original-order", "reflex-order", "filler-order",
                        "instance-order", element="intent"),
            )),
        ),
        absent="no-medication-info",
    ),
    Section(
        "48765-2", "Allergies and adverse reactions Document", "Dị ứng", "Allergies",
        (Pick("AllergyIntolerance", (
            Rule("clinicalStatus", frozenset({"active"}), or_absent=True), _NOT_WRONG,
        )),),
        absent="no-allergy-info",
    ),
    Section(
        "11450-4", "Problem list - Reported", "Bệnh và vấn đề hiện tại", "Problems",
        (Pick("Condition", (
            Rule("clinicalStatus", _ACTIVE, or_absent=True), _NOT_WRONG,
        ), latest_of_code=True),),
        absent="no-problem-info",
    ),
    Section(
        "11369-6", "History of Immunization Narrative", "Tiêm chủng", "Immunizations",
        (Pick("Immunization", (_status("completed"),)),),
    ),
    Section(
        "47519-4", "History of Procedures Document", "Thủ thuật, phẫu thuật", "Procedures",
        (Pick("Procedure", (_status("completed", "in-progress", "stopped"),)),),
    ),
    Section(
        "46264-8", "History of medical device use", "Thiết bị y tế", "Medical devices",
        (Pick("DeviceUseStatement", (_status("active", "on-hold"),)),),
    ),
    Section(
        "30954-2", "Relevant diagnostic tests/laboratory data Narrative", "Kết quả", "Results",
        (
            _observed(Rule("category", frozenset({"laboratory", "imaging", "exam"})),
                      _NOT_PREGNANCY, latest=True),
            Pick("DiagnosticReport", (Rule("status", _FINAL),)),
        ),
    ),
    Section(
        "11348-0", "History of Past illness Narrative", "Bệnh đã qua", "History of past illness",
        (Pick("Condition", (Rule("clinicalStatus", _OVER), _NOT_WRONG), latest_of_code=True),),
    ),
    Section(
        "10162-6", "History of pregnancies Narrative", "Thai sản", "Pregnancy",
        (_observed(Rule("code", _PREGNANCY), latest=True),),
    ),
    Section(
        "29762-2", "Social history Narrative", "Tiền sử xã hội", "Social history",
        (_observed(Rule("category", frozenset({"social-history"})), _NOT_PREGNANCY, latest=True),),
    ),
    Section(
        "8716-3", "Vital signs", "Dấu hiệu sinh tồn", "Vital signs",
        (_observed(Rule("category", frozenset({"vital-signs"})), latest=True),),
    ),
    Section(
        "42348-3", "Advance directives", "Chỉ dẫn trước của người bệnh", "Advance directives",
        (Pick("Consent", (_status("active"), _status("adr", element="scope"))),),
    ),
    Section(
        "18776-5", "Plan of care note", "Kế hoạch chăm sóc", "Plan of care",
        (Pick("CarePlan", (_status("active", "on-hold"),)),),
    ),
)  # fmt: skip

# What narrows a search by what every rule of a type asks anyway: (type, pairs).
FETCHES: Final[Sequence[tuple[str, Sequence[tuple[str, str]]]]] = (
    ("MedicationStatement", ()),
    ("MedicationRequest", (("status", "active,on-hold"),)),
    ("AllergyIntolerance", ()),
    ("Condition", ()),
    ("Immunization", (("status", "completed"),)),
    ("Procedure", ()),
    ("DeviceUseStatement", ()),
    ("Observation", (("category", "laboratory,imaging,exam,social-history,vital-signs"),)),
    ("Observation", (("code", ",".join(f"{LOINC}|{code}" for code in sorted(_PREGNANCY))),)),
    ("DiagnosticReport", ()),
    ("Consent", (("status", "active"),)),
    ("CarePlan", ()),
)

# Where each type says when: the first that is there counts.
_DATES: Final[Mapping[str, Sequence[str]]] = {
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod", "dateAsserted"),
    "MedicationRequest": ("authoredOn",),
    "AllergyIntolerance": ("onsetDateTime", "recordedDate"),
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "Immunization": ("occurrenceDateTime",),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "DeviceUseStatement": ("timingDateTime", "timingPeriod", "recordedOn"),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "Consent": ("dateTime",),
    "CarePlan": ("period", "created"),
}


def codes_of(value: Any) -> frozenset[str]:
    """Return the codes of a code, Coding or CodeableConcept, one or several."""
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list):
        return frozenset().union(*(codes_of(one) for one in value))
    if not isinstance(value, dict):
        return frozenset()
    inner = [value.get("code"), *(one.get("code") for one in value.get("coding", ()))]
    return frozenset(code for code in inner if isinstance(code, str))


def date_of(resource: Json) -> str:
    """Return when it was, as FHIR writes it; "" where it does not say."""
    for element in _DATES.get(resource["resourceType"], ()):
        value = resource.get(element)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if isinstance(value, str):
            return value
    return ""


def chosen(section: Section, resources: Iterable[Json]) -> list[Json]:
    """Return what belongs into a section, the newest first, at most `ENTRIES_MAX`."""
    found: list[Json] = []
    ordered = sorted(resources, key=date_of, reverse=True)
    for pick in section.picks:
        seen: set[object] = set()
        for resource in ordered:
            if resource["resourceType"] != pick.type:
                continue
            if not all(rule.holds(resource) for rule in pick.rules):
                continue
            key = _code_key(resource) if pick.latest_of_code else None
            if key is not None and key in seen:
                continue
            seen.add(key)
            found.append(resource)
    found.sort(key=date_of, reverse=True)
    return found[:ENTRIES_MAX]


def _code_key(resource: Json) -> object:
    """Return what makes two resources of one code; None where none is told."""
    concept = resource.get("code") or {}
    codings = {(c.get("system", ""), c.get("code", "")) for c in concept.get("coding", ())}
    return frozenset(codings) or concept.get("text")
