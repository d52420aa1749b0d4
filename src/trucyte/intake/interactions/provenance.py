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
from trucyte.intake.interactions.plans import Planner
from trucyte.journal.change import Change, Operation
from trucyte.records.access import Access
from trucyte.records.labels import SECRET, sensitivity_of_body
from trucyte.vietnam.sensitivity import RESTRICTED, load_triggers

TARGETS_MAX: Final = 500  # of one Provenance: each is a row's worth of tokens in the index
ACCOUNTS: Final = "https://trucyte.vn/fhir/sid/account"
_ACTIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PURPOSE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


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
    labels = _labels_of(access, targets)
    if labels:
        resource["meta"] = {"security": labels}
    return resource


def _labels_of(access: Access, targets: Sequence[Change]) -> Sequence[Mapping[str, str]]:
    masks = [sensitivity_of_body(change.body) for change in targets]
    # Of what is deleted no label is left: by who sees secrets it may have been one.
    may_be_secret = access.sees_secret and any(not change.body for change in targets)
    if may_be_secret or any(mask & SECRET for mask in masks):
        label = load_triggers().labels["SECRET"]
        return [{"system": label.system, "code": label.code}]
    return [RESTRICTED] if any(masks) else []


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
