"""The Claim: what the hospital asks for, a line of money once.

Answers (ClaimResponse, ExplanationOfBenefit) come only from an insurer. The requested
split is a named extension on Claim and line, never `adjudication`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.encounter import pinned
from trucyte.intake.claims.mapping.paths import EXTENSION, absent
from trucyte.intake.claims.mapping.people import payer
from trucyte.intake.claims.mapping.scope import Scope

LINE_OF = EXTENSION + "line-of"
_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
_PROCESS = "http://terminology.hl7.org/CodeSystem/processpriority"
WITHDRAWN = "8"  # MA_DOITUONG_KCB: withdraws the Claim, never the Encounter


def begin_claim(scope: Scope, versions: Mapping[str, int], coverages: Sequence[str]) -> Resource:
    """Return the Claim before its fields and lines are written."""
    claim = scope.begin("Claim", scope.visit_id("Claim"))
    is_withdrawn = scope.summary.get("MA_DOITUONG_KCB", "").strip() == WITHDRAWN
    claim.update(
        {
            "identifier": [{"system": scope.node.systems["ma-lk"].uri, "value": scope.visit.link}],
            "status": "cancelled" if is_withdrawn else "active",
            "type": {"coding": [{"system": _TYPE, "code": "institutional"}]},
            "use": "claim",
            "patient": pinned("Patient", scope.patient_id(), versions),
            **_created(scope),
            "provider": scope.here(),
            "priority": {"coding": [{"system": _PROCESS, "code": "normal"}]},
            "insurance": [
                {
                    "sequence": place,
                    "focal": place == 1,
                    "coverage": pinned("Coverage", identity, versions),
                }
                for place, identity in enumerate(coverages, start=1)
            ],
        }
    )
    if scope.summary.get("MA_THE_BHYT"):
        claim["insurer"] = payer(scope)
    return claim


def _created(scope: Scope) -> dict[str, Any]:
    if scope.visit.made_on:
        return {"created": scope.visit.made_on.isoformat()}
    return {"_created": absent()}


def finish_claim(
    claim: Resource,
    encounter: Resource,
    procedures: Sequence[Resource],
    lines: Sequence[dict[str, Any]],
) -> None:
    """Add diagnoses, coded procedures in the file's order, and lines."""
    diagnoses = [
        {
            "sequence": place,
            "diagnosisReference": entry["condition"],
            "type": [entry["use"]],
        }
        for place, entry in enumerate(encounter.get("diagnosis", ()), start=1)
    ]
    if diagnoses:
        claim["diagnosis"] = diagnoses
    if procedures:
        claim["procedure"] = [
            {"sequence": place, "procedureReference": {"reference": f"Procedure/{each['id']}"}}
            for place, each in enumerate(procedures, start=1)
        ]
    if "period" in encounter:
        claim["billablePeriod"] = encounter["period"]
    if lines:
        claim["item"] = list(lines)


def begin_line(scope: Scope, sequence: int) -> dict[str, Any]:
    """Return a line before its row is written."""
    return {
        "sequence": sequence,
        "productOrService": {},
        "encounter": [scope.reference("Encounter")],
    }


def finish_line(scope: Scope, line: dict[str, Any], system: str, target: str | None) -> None:
    """Name the code system of a line without code, and what the line is of."""
    concept = line["productOrService"]
    uri = scope.node.systems[system].uri
    codings = concept.setdefault("coding", [])
    if not any(coding["system"] == uri for coding in codings):
        codings.insert(0, {"system": uri, "_code": absent()})
    elif codings[0]["system"] != uri:
        codings.sort(key=lambda coding: bool(coding["system"] != uri))
    if target:
        line.setdefault("extension", []).append(
            {"url": LINE_OF, "valueReference": {"reference": target}}
        )


def line_system(line: dict[str, Any]) -> str:
    """Return the code system that says which table a line is of."""
    uri: str = line["productOrService"]["coding"][0]["system"]
    return uri


def line_target(line: dict[str, Any]) -> str | None:
    """Return the order a line is of, where there is one."""
    for entry in line.get("extension", ()):
        if entry["url"] == LINE_OF:
            target: str = entry["valueReference"]["reference"]
            return target
    return None
