"""The Provenance this node writes of what came through its API (R4 Provenance).

It names the exact versions, when they were recorded, by which account for which
organisation and for what purpose: never a person's name. A change of a Provenance is
nothing it tells of.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.new_ids import new_id
from trucyte.fhir.text import accept_own
from trucyte.intake.claims.provenance import SOURCE_SYSTEM
from trucyte.intake.interactions.drafts import Ready
from trucyte.intake.interactions.plans import Planner, is_labelled
from trucyte.journal.change import Change, Operation
from trucyte.records.access import Access

TARGETS_MAX: Final = 500  # of one Provenance: each is a row's worth of tokens in the index
ACCOUNTS: Final = "https://trucyte.vn/fhir/sid/account"
_ACTIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PURPOSE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_LABELS: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


def provenances(
    planner: Planner, access: Access, changes: Sequence[Change], source: int = 0
) -> list[Change]:
    """Return the Provenances of changes that are accepted together with them.

    `source` is the number of the original they came in, where one is kept.
    """
    made = []
    for activity, targets in _grouped(changes):
        resource = _resource(planner.clock, access, activity, targets)
        if source:
            resource["entity"] = [_entity(source)]
        ready = Ready(accept_own(resource), resource)
        made.append(planner.change(access, "Provenance", resource["id"], ready, 0))
    return made


def _grouped(changes: Sequence[Change]) -> Iterator[tuple[str, Sequence[Change]]]:
    for operation in Operation:
        targets = [c for c in changes if c.operation is operation and c.type != "Provenance"]
        for start in range(0, len(targets), TARGETS_MAX):
            yield operation.name, targets[start : start + TARGETS_MAX]


def _resource(
    clock: Clock, access: Access, activity: str, targets: Sequence[Change]
) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": new_id(clock),
        "target": [{"reference": _version(change)} for change in targets],
        "recorded": clock.now().astimezone(VIETNAM).isoformat(timespec="milliseconds"),
        "activity": {"coding": [{"system": _ACTIVITY, "code": activity}]},
        "agent": [_agent(access)],
    }
    if access.purpose:
        reason = {"system": _PURPOSE, "code": access.purpose}
        resource["reason"] = [{"coding": [reason]}]
    # Which resources a restricted record consists of tells of it, too.
    if any(is_labelled(change.body) for change in targets if change.body):
        resource["meta"] = {"security": [{"system": _LABELS, "code": "R"}]}
    return resource


def _version(change: Change) -> str:
    assert change.expected is not None  # a plan names the version it was made on
    return f"{change.type}/{change.id}/_history/{change.expected + 1}"


def _entity(source: int) -> Mapping[str, Any]:
    number = {"system": SOURCE_SYSTEM, "value": str(source)}
    return {"role": "source", "what": {"identifier": number}}


def _agent(access: Access) -> Mapping[str, Any]:
    agent: dict[str, Any] = {
        "type": {"coding": [{"system": _AGENT, "code": "author"}]},
        "who": {"type": "Device", "identifier": {"system": ACCOUNTS, "value": access.caller}},
    }
    if access.organisation:
        agent["onBehalfOf"] = {"reference": access.organisation}
    return agent
