"""An entry as an R4 AuditEvent, in the manner of IHE's Basic Audit Log Patterns (BALP).

Agents: the account is the user, its door the client, this node the server, each in the role
that the pattern gives it; an organisation acted for is one more. Entities: each person, by
the reference of a Patient where there is one here, else by the person key; what was done
to, by its type; the request's id.

What the trail does not keep is not made up. Addresses are not kept, so the network of an
agent says its kind alone. Ids of resources and query strings are not kept either, so data
is named by its type, and the query of a search is the type that was searched.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trucyte.base.clock import VIETNAM
from trucyte.shared.audit.entry import Entry, Outcome
from trucyte.shared.audit.interaction import (
    ACCOUNT_CHANGES,
    Coding,
    Interaction,
    Pattern,
    interaction_of,
)

_SID: Final = "https://trucyte.vn/fhir/sid/"
_KINDS: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_BALP: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_PROFILE: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_SECURITY_ROLES: Final = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
_RULE: Final = "https://trucyte.vn/fhir/access-rule/"

_SOURCE: Final = Coding(_DICOM, "110153", "Source Role ID")
_DESTINATION: Final = Coding(_DICOM, "110152", "Destination Role ID")
_APPLICATION: Final = Coding(_DICOM, "110150", "Application")
_CUSTODIAN: Final = Coding(
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian"
)
_RECIPIENT: Final = Coding(_PARTICIPATION, "IRCP", "information recipient")
_AUTHOR: Final = Coding(_PARTICIPATION, "AUT", "author (originator)")
_HUMAN: Final = Coding(_SECURITY_ROLES, "humanuser", "human user")
_AUTHORITY: Final = Coding(_SECURITY_ROLES, "authserver", "authorization server")
_PROVIDER: Final = Coding(
    "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider"
)
# Who is what: client, server and user. BALP has a search flow from client to server, since
# the query does; what is read flows the other way.
_AGENTS: Final = {
    Pattern.READ: (_DESTINATION, _SOURCE, _RECIPIENT),
    Pattern.QUERY: (_SOURCE, _DESTINATION, _RECIPIENT),
    Pattern.CREATE: (_SOURCE, _DESTINATION, _AUTHOR),
    Pattern.UPDATE: (_SOURCE, _DESTINATION, _AUTHOR),
    Pattern.DELETE: (_APPLICATION, _CUSTODIAN, _AUTHOR),
    Pattern.EXPORT: (_DESTINATION, _SOURCE, _RECIPIENT),
    Pattern.IMPORT: (_SOURCE, _DESTINATION, _AUTHOR),
    Pattern.SECURITY: (_APPLICATION, _AUTHORITY, _HUMAN),
}
_AT_THE_MACHINE: Final = {"cli", ""}  # doors without a network
_MACHINE, _ADDRESS, _URI = "1", "2", "5"
_LIFECYCLES: Final = {"C": "1", "D": "14"}  # origination, logical deletion

Json = dict[str, Any]


def rendered(
    entry: Entry, patients: Mapping[int, str], site: str, *, hides_others: bool = False
) -> Json:
    """Return an entry as AuditEvent; `patients` has a Patient's reference by person key.

    With `hides_others` the persons that `patients` does not have are left out.
    """
    deed, interaction = entry.deed, interaction_of(entry.deed.interaction)
    at = entry.at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
    shown = [person for person in deed.persons if not hides_others or person in patients]
    profile = profile_of(entry, patients)
    event: Json = {
        "resourceType": "AuditEvent",
        "id": entry.id,
        "meta": {"versionId": "1", "lastUpdated": at} | ({"profile": [profile]} if profile else {}),
        "type": _coding(interaction.type),
        "subtype": [_coding(one) for one in (interaction.subtype, *interaction.more)],
        "action": interaction.action,
        "recorded": at,
        "outcome": str(int(deed.outcome)),
    }
    if deed.outcome is not Outcome.SUCCESS and deed.code:
        event["outcomeDesc"] = deed.code
    if deed.purpose:
        event["purposeOfEvent"] = [_purpose(deed.purpose)]
    return event | {
        "agent": _agents(entry, interaction, site),
        "source": {"observer": _server(site)},
        "entity": _entities(entry, interaction, shown, patients),
    }


def profile_of(entry: Entry, patients: Mapping[int, str]) -> str:
    """Return the profile of BALP that the event of an entry meets, "" where it meets none.

    BALP has profiles of what succeeded, for one patient or for none. It wants the query of a
    search, which is not kept, and the address of who was disclosed to.
    """
    deed, pattern = entry.deed, interaction_of(entry.deed.interaction).pattern
    is_whole = pattern.is_restful and pattern is not Pattern.QUERY and deed.type
    if not is_whole or deed.outcome is not Outcome.SUCCESS or len(deed.persons) > 1:
        return ""
    if interaction_of(deed.interaction).subtype.system != "http://hl7.org/fhir/restful-interaction":
        return ""
    if deed.interaction not in ("read", "vread", "create", "update", "delete"):
        return ""
    if not deed.persons:
        return f"{_PROFILE}{pattern}"
    return f"{_PROFILE}Patient{pattern}" if deed.persons[0] in patients else ""


def _agents(entry: Entry, interaction: Interaction, site: str) -> Sequence[Json]:
    deed = entry.deed
    client, server, user = _AGENTS[interaction.pattern]
    person: Json = {
        "type": _concept(user),
        "who": {"identifier": {"system": f"{_SID}account", "value": deed.caller or "unknown"}},
        "requestor": True,
    }
    if deed.caller:
        person["name"] = deed.caller
    if deed.rules:
        person["policy"] = [f"{_RULE}{rule}" for rule in deed.rules]
    if deed.purpose:
        person["purposeOfUse"] = [_purpose(deed.purpose)]
    network = _MACHINE if deed.door in _AT_THE_MACHINE else _ADDRESS
    door = {"identifier": {"system": f"{_SID}door", "value": deed.door or "program"}}
    agents: list[Json] = [
        person,
        {"type": _concept(client), "who": door, "requestor": False, "network": {"type": network}},
        {
            "type": _concept(server),
            "who": _server(site),
            "requestor": False,
            "network": {"type": _URI},
        },
    ]
    if deed.organisation:
        whose = {"reference": deed.organisation}
        agents.append({"type": _concept(_PROVIDER), "who": whose, "requestor": False})
    return agents


def _entities(
    entry: Entry, interaction: Interaction, persons: Sequence[int], patients: Mapping[int, str]
) -> list[Json]:
    deed = entry.deed
    entities: list[Json] = [
        {
            "what": _person(person, patients),
            "type": _object("1", "Person"),
            "role": _role("1", "Patient"),
        }
        for person in persons
    ]
    if interaction.pattern is Pattern.QUERY:
        entities.append(_query(deed.type))
    elif deed.type:
        entities.append(_data(deed.type, interaction))
    if deed.type:
        entities.append(
            {
                "type": {"system": "http://hl7.org/fhir/resource-types", "code": deed.type},
                "role": _role("4", "Domain Resource"),
                "detail": [{"type": "resources", "valueString": str(deed.resources)}],
            }
        )
    if deed.interaction in ACCOUNT_CHANGES and deed.outcome is Outcome.SUCCESS and deed.code:
        entities.append(
            {
                "what": {"identifier": {"system": f"{_SID}account", "value": deed.code}},
                "role": _role("11", "Security User Entity"),
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


def _query(type: str) -> Json:
    """Return what was searched as far as the trail keeps it: the type, without parameters."""
    return {
        "type": _object("2", "System Object"),
        "role": _role("24", "Query"),
        "description": "parameters are not kept",
        "query": base64.b64encode((type or "/").encode()).decode(),
    }


def _data(type: str, interaction: Interaction) -> Json:
    """Return what was read or written as far as the trail keeps it: its type."""
    data: Json = {
        "what": {"type": type, "display": type},
        "type": _object("2", "System Object"),
        "role": _role("4", "Domain Resource"),
    }
    if interaction.action in _LIFECYCLES:
        data["lifecycle"] = {
            "system": "http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle",
            "code": _LIFECYCLES[interaction.action],
        }
    return data


def _person(person: int, patients: Mapping[int, str]) -> Json:
    reference = patients.get(person)
    if reference:
        return {"reference": reference}
    value = person.to_bytes(8, "big", signed=True).hex()
    return {"type": "Patient", "identifier": {"system": f"{_SID}person-key", "value": value}}


def _server(site: str) -> Json:
    return {"display": site or "Trucyte"}


def _purpose(code: str) -> Json:
    return {"coding": [{"system": _REASONS, "code": code}]}


def _object(code: str, display: str) -> Json:
    return {"system": _KINDS, "code": code, "display": display}


def _role(code: str, display: str) -> Json:
    return {"system": _ROLES, "code": code, "display": display}


def _concept(coding: Coding) -> Json:
    return {"coding": [_coding(coding)]}


def _coding(coding: Coding) -> Json:
    return {"system": coding.system, "code": coding.code, "display": coding.display}
