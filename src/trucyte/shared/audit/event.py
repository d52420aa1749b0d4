"""An entry as an R4 AuditEvent, in the manner of IHE's Basic Audit Log Patterns (BALP).

Who asked is the requesting agent, for whom it acts a second one; each person is an entity
of its own, by the reference of a Patient where there is one here, else by the person key;
what was shown is one entity by its type with how many; the request's id is one more.
Query strings are never kept, so the entity with the query that BALP has for searches is
absent, and no profile of BALP is claimed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trucyte.base.clock import VIETNAM
from trucyte.shared.audit.entry import Entry, Outcome
from trucyte.shared.audit.interaction import ACCOUNT_CHANGES, Coding, interaction_of

_SID: Final = "https://trucyte.vn/fhir/sid/"
_KINDS: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_BALP: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"

Json = dict[str, Any]


def rendered(
    entry: Entry, patients: Mapping[int, str], site: str, *, hides_others: bool = False
) -> Json:
    """Return an entry as AuditEvent; `patients` has a Patient's reference by person key.

    With `hides_others` the persons that `patients` does not have are left out.
    """
    deed, interaction = entry.deed, interaction_of(entry.deed.interaction)
    at = entry.at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
    event: Json = {
        "resourceType": "AuditEvent",
        "id": entry.id,
        "meta": {"versionId": "1", "lastUpdated": at},
        "type": _coding(interaction.type),
        "subtype": [_coding(interaction.subtype)],
        "action": interaction.action,
        "recorded": at,
        "outcome": str(int(deed.outcome)),
    }
    if deed.outcome is not Outcome.SUCCESS and deed.code:
        event["outcomeDesc"] = deed.code
    if deed.purpose:
        event["purposeOfEvent"] = [{"coding": [{"system": _REASONS, "code": deed.purpose}]}]
    shown = [person for person in deed.persons if not hides_others or person in patients]
    return event | {
        "agent": _agents(entry),
        "source": {"observer": {"display": site or "Trucyte"}},
        "entity": _entities(entry, shown, patients),
    }


def _agents(entry: Entry) -> Sequence[Json]:
    deed = entry.deed
    who = {"identifier": {"system": f"{_SID}account", "value": deed.caller or "unknown"}}
    agents: list[Json] = [{"who": who, "requestor": True}]
    if deed.caller:
        agents[0]["name"] = deed.caller
    if deed.organisation:
        agents.append({"who": {"reference": deed.organisation}, "requestor": False})
    return agents


def _entities(entry: Entry, persons: Sequence[int], patients: Mapping[int, str]) -> list[Json]:
    deed = entry.deed
    entities: list[Json] = [
        {
            "what": _person(person, patients),
            "type": {"system": _KINDS, "code": "1", "display": "Person"},
            "role": {"system": _ROLES, "code": "1", "display": "Patient"},
        }
        for person in persons
    ]
    if deed.type:
        entities.append(
            {
                "type": {"system": "http://hl7.org/fhir/resource-types", "code": deed.type},
                "role": {"system": _ROLES, "code": "4", "display": "Domain Resource"},
                "detail": [{"type": "resources", "valueString": str(deed.resources)}],
            }
        )
    if deed.interaction in ACCOUNT_CHANGES and deed.outcome is Outcome.SUCCESS and deed.code:
        entities.append(
            {
                "what": {"identifier": {"system": f"{_SID}account", "value": deed.code}},
                "role": {"system": _ROLES, "code": "11", "display": "Security User Entity"},
            }
        )
    entities.append(
        {
            "what": {"identifier": {"system": f"{_SID}request", "value": deed.request}},
            "type": {"system": _BALP, "code": "XrequestId"},
            **({"description": f"door {deed.door}"} if deed.door else {}),
        }
    )
    return entities


def _person(person: int, patients: Mapping[int, str]) -> Json:
    reference = patients.get(person)
    if reference:
        return {"reference": reference}
    value = person.to_bytes(8, "big", signed=True).hex()
    return {"identifier": {"system": f"{_SID}person-key", "value": value}}


def _coding(coding: Coding) -> Json:
    return {"system": coding.system, "code": coding.code, "display": coding.display}
