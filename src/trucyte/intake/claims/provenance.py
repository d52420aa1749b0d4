"""The Provenance of a visit: which resources a file made of it, and from which table each.

It is the one place where the state of a visit lies, so that re-sends, corrections and
late files are decided from the journal alone. One resource a visit, one version a file
that changed something; its targets name versions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from trucyte.base.hashing import opaque_id
from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.tables import TABLES, Visit

EXTENSION = "https://trucyte.vn/fhir/StructureDefinition/"
SOURCE_SYSTEM = "https://trucyte.vn/fhir/NamingSystem/source"
_TABLE = EXTENSION + "claims-table"
_ENDED = EXTENSION + "claims-row-gone"
_VISIT = EXTENSION + "claims-visit"
_ROLE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_HAPPENED = ("NGAY_RA", "NGAY_VAO", "NGAY_YL", "NGAY_HOP", "NGAY_QD")


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a visit, in the version that this file left."""

    type: str
    id: str
    version: int
    table: str
    is_ended: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.type, self.id


@dataclass(frozen=True, slots=True)
class VisitState:
    """What a Provenance says."""

    made_on: date | None
    happened: str  # NGAY_RA or the next best, as written
    variant: str
    facility: str
    link: str
    patient: str
    source: int
    ordinal: int
    tables: tuple[str, ...]  # of the visit as it stands, those of earlier files included
    targets: tuple[Target, ...] = ()
    labels: Sequence[Mapping[str, Any]] = field(default=(), compare=False)

    @property
    def versions(self) -> dict[tuple[str, str], int]:
        """Version by (type, id), without rows that are gone."""
        return {target.key: target.version for target in self.targets if not target.is_ended}


def provenance_id(key: bytes, facility: str, link: str) -> str:
    """Return the id of a visit's Provenance."""
    return opaque_id(key, "Provenance", facility, link)


def happened(visit: Visit) -> str:
    """Return when a visit took place, as comparable text; "" where the file does not say."""
    rows = [visit.summary, *visit.tables.get("XML12", ())]
    found = (row.get(name, "") for row in rows for name in _HAPPENED)
    return next((text for text in found if text), "")


def state_of(
    visit: Visit, source: int, ordinal: int, targets: Sequence[Target], tables: Iterable[str]
) -> VisitState:
    """Return the state that a visit leaves."""
    return VisitState(
        made_on=visit.made_on,
        happened=happened(visit),
        variant=visit.variant.value,
        facility=visit.facility,
        link=visit.link,
        patient=visit.patient,
        source=source,
        ordinal=ordinal,
        tables=tuple(name for name in TABLES if name in set(tables)),
        targets=tuple(targets),
    )


def write_provenance(
    identity: str, state: VisitState, at: datetime, organization: Mapping[str, Any]
) -> Resource:
    """Return the Provenance resource of a state."""
    said = {
        "ngay-lap": state.made_on.isoformat() if state.made_on else "",
        "happened": state.happened,
        "variant": state.variant,
        "facility": state.facility,
        "link": state.link,
        "patient": state.patient,
        "tables": " ".join(state.tables),
    }
    parts = [{"url": name, "valueString": text} for name, text in said.items() if text]
    number = [{"url": "ordinal", "valueInteger": state.ordinal}]
    resource: Resource = {
        "resourceType": "Provenance",
        "id": identity,
        "extension": [{"url": _VISIT, "extension": [*parts, *number]}],
        "target": [_target(target) for target in state.targets],
        "recorded": at.isoformat(timespec="milliseconds"),
        "activity": {"coding": [{"system": _ACTIVITY, "code": "CREATE"}]},
        "agent": [{"type": {"coding": [{"system": _ROLE, "code": "author"}]}, "who": organization}],
        "entity": [{"role": "source", "what": {"identifier": _source(state.source)}}],
    }
    if state.labels:
        resource["meta"] = {"security": list(state.labels)}
    return resource


def _target(target: Target) -> dict[str, Any]:
    extensions: list[dict[str, Any]] = [{"url": _TABLE, "valueCode": target.table}]
    if target.is_ended:
        extensions.append({"url": _ENDED, "valueBoolean": True})
    reference = f"{target.type}/{target.id}/_history/{target.version}"
    return {"extension": extensions, "reference": reference}


def _source(number: int) -> dict[str, str]:
    return {"system": SOURCE_SYSTEM, "value": str(number)}


def read_provenance(resource: Mapping[str, Any]) -> VisitState | None:
    """Return the state that a Provenance holds; None for one that is not of a claims visit."""
    mine = next((part for part in resource.get("extension", ()) if part.get("url") == _VISIT), None)
    if mine is None:
        return None
    said = {part["url"]: part.get("valueString", "") for part in mine["extension"]}
    ordinal = next(p["valueInteger"] for p in mine["extension"] if p["url"] == "ordinal")
    made_on = said.get("ngay-lap", "")
    return VisitState(
        made_on=date.fromisoformat(made_on) if made_on else None,
        happened=said.get("happened", ""),
        variant=said.get("variant", ""),
        facility=said.get("facility", ""),
        link=said.get("link", ""),
        patient=said.get("patient", ""),
        source=int(resource["entity"][0]["what"]["identifier"]["value"]),
        ordinal=int(ordinal),
        tables=tuple(said.get("tables", "").split()),
        targets=tuple(_read_target(target) for target in resource["target"]),
        labels=resource.get("meta", {}).get("security", ()),
    )


def _read_target(target: Mapping[str, Any]) -> Target:
    kind, identity, _, version = target["reference"].split("/")
    said = {part["url"]: part for part in target["extension"]}
    return Target(kind, identity, int(version), said[_TABLE]["valueCode"], _ENDED in said)
