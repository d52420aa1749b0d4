"""What an export asks for, read from its parameters and kept until it is done.

Names and meanings are those of the Bulk Data Access IG 2.0 (§ Query Parameters), with
`_until` of its next version. What is not honoured is refused by name; a caller who says
`handling=lenient` has it passed over instead.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.records.access import Access
from trucyte.records.asker import Asker, asker_of

FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
_FILTERS = re.compile(r",(?=[A-Z][A-Za-z]{1,63}\?)")
_PATIENT = re.compile(r"(?:.*/)?(Patient/[A-Za-z0-9.-]{1,64})")
_ELEMENT = re.compile(r"(?:[A-Z][A-Za-z]{1,63}\.)?[a-z][A-Za-z0-9]{0,63}(?:\[x\])?")
_VALUES_MAX = 200
_PATIENTS_MAX = 100_000

# What can belong to a Patient (R4 CompartmentDefinition patient).
_COMPARTMENT = (
    "Account AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic"
    " BodyStructure CarePlan CareTeam ChargeItem Claim ClaimResponse ClinicalImpression"
    " Communication CommunicationRequest Composition Condition Consent Coverage"
    " CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue DeviceRequest"
    " DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter"
    " EnrollmentRequest EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal Group"
    " ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation Invoice List"
    " MeasureReport Media MedicationAdministration MedicationDispense MedicationRequest"
    " MedicationStatement MolecularSequence NutritionOrder Observation Patient Person Procedure"
    " Provenance QuestionnaireResponse RelatedPerson RequestGroup ResearchSubject RiskAssessment"
    " Schedule ServiceRequest Specimen SupplyDelivery SupplyRequest VisionPrescription"
)
COMPARTMENT = frozenset(_COMPARTMENT.split())


class BadExport(Problem):
    """The parameter {parameter} of the export is wrong: {expected} is expected."""

    code = "export-parameter"


class ExportUnsupported(Problem):
    """The export parameter {parameter} is not supported here; leave it out."""

    kind = Kind.UNSUPPORTED
    code = "export-unsupported"


class Level(StrEnum):
    """What an export is about."""

    SYSTEM = "system"
    PATIENT = "patient"
    GROUP = "group"


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One export as it was asked for."""

    level: Level
    asker: Asker
    url: str  # of the kick-off
    types: tuple[str, ...] = ()  # empty: all of the level
    since: datetime | None = None
    until: datetime | None = None
    filters: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {}
    elements: tuple[str, ...] = ()
    patients: tuple[str, ...] | None = None  # "Patient/p1"; None: all of the level
    group: str = ""

    @property
    def chosen_types(self) -> tuple[str, ...]:
        """The types of the walk; empty for all."""
        if self.types or self.level is Level.SYSTEM:
            return self.types
        return tuple(sorted(COMPARTMENT))


Pairs = Sequence[tuple[str, str]]


def read_request(
    pairs: Pairs, *, level: Level, access: Access, url: str, is_lenient: bool = False
) -> ExportRequest:
    """Return what the parameters ask for. Raises BadExport, ExportUnsupported."""
    by_name: dict[str, list[str]] = {}
    for name, value in pairs:
        by_name.setdefault(name, []).append(value)
    _check_known(by_name, level, is_lenient)
    request = ExportRequest(
        level=level,
        asker=asker_of(access),
        url=url,
        types=_types(by_name, level, is_lenient),
        since=_moment(by_name, "_since"),
        until=_moment(by_name, "_until"),
        filters=_filters(by_name),
        elements=_elements(by_name),
        patients=_patients(by_name),
    )
    for name in request.filters:
        if request.chosen_types and name not in request.chosen_types:
            raise BadExport(parameter="_typeFilter", expected="a type that is exported")
    return request


def pairs_of(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a Parameters resource as names and values. Raises BadExport."""
    if parameters.get("resourceType") != "Parameters":
        raise BadExport(parameter="body", expected="Parameters")
    found = []
    for part in parameters.get("parameter", ()):
        name = part.get("name") if isinstance(part, dict) else None
        values = [v for k, v in part.items() if k.startswith("value")] if name else []
        if not isinstance(name, str) or len(values) != 1:
            raise BadExport(parameter="body", expected="Parameters of one value each")
        value = values[0].get("reference") if isinstance(values[0], dict) else values[0]
        if value is None:
            raise BadExport(parameter="body", expected="references, texts and times")
        found.append((name, value if isinstance(value, str) else str(value).lower()))
    return found


def _check_known(by_name: Mapping[str, Sequence[str]], level: Level, is_lenient: bool) -> None:
    known = {"_outputFormat", "_type", "_since", "_until", "_typeFilter", "_elements"}
    known |= {"_format", "_pretty"}
    known |= set() if level is Level.SYSTEM else {"patient"}
    for name in by_name:
        if name not in known and not is_lenient:
            shown = name if re.fullmatch(r"\w{1,40}", name, re.ASCII) else "?"
            raise ExportUnsupported(parameter=shown)
    for value in by_name.get("_outputFormat", ()):
        if value.replace(" ", "+") not in FORMATS:
            raise BadExport(parameter="_outputFormat", expected="application/fhir+ndjson")


def _split(by_name: Mapping[str, Sequence[str]], name: str) -> list[str]:
    found = [part.strip() for value in by_name.get(name, ()) for part in value.split(",")]
    if len(found) > _VALUES_MAX:
        raise BadExport(parameter=name, expected=f"at most {_VALUES_MAX} values")
    return [part for part in dict.fromkeys(found) if part]


def _types(by_name: Mapping[str, Sequence[str]], level: Level, is_lenient: bool) -> tuple[str, ...]:
    allowed = frozenset(RESOURCE_TYPES) if level is Level.SYSTEM else COMPARTMENT
    asked = _split(by_name, "_type")
    kept = tuple(name for name in asked if name in allowed)
    if len(kept) < len(asked) and not (is_lenient and kept):
        what = "resource types" if level is Level.SYSTEM else "types of the Patient compartment"
        raise BadExport(parameter="_type", expected=what)
    return kept


def _moment(by_name: Mapping[str, Sequence[str]], name: str) -> datetime | None:
    values = by_name.get(name, ())
    if not values:
        return None
    try:
        # In a query, "+" that was not escaped comes as a blank.
        moment = datetime.fromisoformat(values[-1].strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if len(values) > 1 or moment is None or moment.tzinfo is None:
        raise BadExport(parameter=name, expected="an instant, 2026-07-01T00:00:00+07:00")
    return moment


def _filters(
    by_name: Mapping[str, Sequence[str]],
) -> dict[str, tuple[tuple[tuple[str, str], ...], ...]]:
    parts = [part for value in by_name.get("_typeFilter", ()) for part in _FILTERS.split(value)]
    if len(parts) > _VALUES_MAX:
        raise BadExport(parameter="_typeFilter", expected=f"at most {_VALUES_MAX} searches")
    found: dict[str, list[tuple[tuple[str, str], ...]]] = {}
    for part in parts:
        name, mark, query = part.strip().partition("?")
        if name not in TYPE_NUMBERS or not mark:
            raise BadExport(parameter="_typeFilter", expected="Type?parameter=value")
        found.setdefault(name, []).append(tuple(parse_qsl(query, keep_blank_values=True)))
    return {name: tuple(searches) for name, searches in found.items()}


def _elements(by_name: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    names = _split(by_name, "_elements")
    if not all(_ELEMENT.fullmatch(name) for name in names):
        raise BadExport(parameter="_elements", expected="name,Patient.name")
    return tuple(names)


def _patients(by_name: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    values = by_name.get("patient")
    if values is None:
        return None
    found = [_PATIENT.fullmatch(part.strip()) for value in values for part in value.split(",")]
    if len(found) > _PATIENTS_MAX or None in found:
        raise BadExport(parameter="patient", expected="Patient/id")
    return tuple(dict.fromkeys(match[1] for match in found if match))


def members_of(group: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the Patients who are active members of a Group (R4 Group.member)."""
    members = [m for m in group.get("member", ()) if m.get("inactive") is not True]
    references = [str(m.get("entity", {}).get("reference", "")) for m in members]
    found = [_PATIENT.fullmatch(reference) for reference in references]
    return tuple(dict.fromkeys(match[1] for match in found if match))
