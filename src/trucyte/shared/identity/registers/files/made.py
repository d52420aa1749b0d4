"""From rows to resources: what a list tells is laid over what is there already; pure.

What a list does not speak of stays. A state that a licence was in stays too, with its end
where the list says that the licence is in force again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from trucyte.base.hashing import opaque_id
from trucyte.shared.identity.registers.codes import (
    FACILITIES,
    GLN,
    HOURS,
    RELATIONS,
    SUCCEEDED,
    facility_id,
    facility_reference,
)
from trucyte.shared.identity.registers.communes import coded
from trucyte.shared.identity.registers.files.hours import available_time, opening
from trucyte.shared.identity.registers.files.offers import endpoint_id, endpoints, services
from trucyte.shared.identity.registers.files.rows import (
    FacilityRow,
    PractitionerRow,
    title_code,
)
from trucyte.shared.identity.registers.licence import (
    NUMBERS,
    SCOPE,
    SOCIAL,
    STATE,
    TITLES,
    normal_number,
)
from trucyte.shared.identity.registers.reader import register_id

_TYPE: Final = "http://terminology.hl7.org/CodeSystem/organization-type"
_PHYSICAL: Final = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_ONE_DAY: Final = timedelta(days=1)

Json = dict[str, Any]


def facility_resources(key: bytes, row: FacilityRow, here: Mapping[str, Json]) -> list[Json]:
    """Return the resources of a facility; `here` has those that are there, by "Type/id"."""
    id_ = facility_id(key, row.code)
    told: Json = {
        "resourceType": "Organization",
        "id": id_,
        "active": row.closed is None,
        "type": _types(row),
        "name": row.name,
        "telecom": [{"system": "phone", "value": row.phone}] if row.phone else None,
        "address": [_address(row)] if _is_placed(row) else None,
    }
    if row.endpoint:
        told["endpoint"] = [{"reference": f"Endpoint/{endpoint_id(key, row)}"}]
    organisation = laid_over(here.get(f"Organization/{id_}"), told)
    organisation["identifier"] = _identifiers(
        organisation, [(FACILITIES, row.code), *([(GLN, row.gln)] if row.gln else [])]
    )
    found = [organisation, _location(key, row, here)]
    offered = [*services(key, row), *endpoints(key, row)]
    found += [laid_over(here.get(f"{o['resourceType']}/{o['id']}"), o) for o in offered]
    found += [_succession(key, row, old) for old in row.replaces]
    return found


def _types(row: FacilityRow) -> list[Json]:
    first: Json = {"coding": [{"system": _TYPE, "code": "prov"}]}
    if row.kind:
        first["text"] = row.kind
    return [first, *([{"text": row.level}] if row.level else [])]


def _address(row: FacilityRow) -> Json:
    written: Json = {
        "extension": [coded(row.commune)] if row.commune else None,
        "text": row.address,
        "state": row.province,
        "country": "VN",
    }
    return {name: value for name, value in written.items() if value}


def _is_placed(row: FacilityRow) -> bool:
    return bool(row.address or row.province or row.commune)


def _location(key: bytes, row: FacilityRow, here: Mapping[str, Json]) -> Json:
    id_ = opaque_id(key, "Location", "cskcb", row.code)
    told: Json = {
        "resourceType": "Location",
        "id": id_,
        "identifier": [{"system": FACILITIES, "value": row.code}],
        "status": "active" if row.closed is None else "inactive",
        "name": row.name,
        "mode": "instance",
        "address": _address(row) if _is_placed(row) else None,
        "hoursOfOperation": opening(row.hours),
        "physicalType": {"coding": [{"system": _PHYSICAL, "code": "si"}]},
        "position": _position(row),
        "managingOrganization": facility_reference(key, row.code),
    }
    return laid_over(here.get(f"Location/{id_}"), told)


def _position(row: FacilityRow) -> Json | None:
    if row.place is None:
        return None
    return {"longitude": Decimal(row.place[1]), "latitude": Decimal(row.place[0])}


def _succession(key: bytes, row: FacilityRow, old: str) -> Json:
    """Say that a facility became another; several may become one, and one several."""
    made: Json = {
        "resourceType": "OrganizationAffiliation",
        "id": opaque_id(key, "OrganizationAffiliation", "succeeded", old, row.code),
        "active": True,
        "organization": facility_reference(key, old),
        "participatingOrganization": facility_reference(key, row.code),
        "code": [{"coding": [{"system": RELATIONS, "code": SUCCEEDED}]}],
    }
    if row.replaced_from:
        made["period"] = {"start": row.replaced_from.isoformat()}
    return made


def practitioner_resources(
    key: bytes, rows: Sequence[PractitionerRow], here: Mapping[str, Json], today: date
) -> list[Json]:
    """Return the register's Practitioner of one licence, and a role for each place."""
    first = rows[0]
    id_ = register_id(key, first.number)
    before = here.get(f"Practitioner/{id_}")
    told: Json = {"resourceType": "Practitioner", "id": id_, "name": [{"text": first.name}]}
    made = laid_over(before, told)
    made.setdefault("active", True)
    numbers = [(NUMBERS, first.number), *((SOCIAL, r.social) for r in rows if r.social)]
    made["identifier"] = _identifiers(made, numbers)
    made["qualification"] = _qualifications(first, made, today)
    roles = [_role(key, row, id_) for row in rows if row.facility]
    return [made, *{role["id"]: role for role in roles}.values()]


def _qualifications(row: PractitionerRow, made: Json, today: date) -> list[Json]:
    held: list[Json] = list(made.get("qualification", ()))
    mine = [one for one in held if row.number in _numbers(one)]
    others = [one for one in held if one not in mine]
    before = mine[0] if mine else {}
    licence: Json = {
        "extension": _extensions(row, before, today),
        "identifier": [{"system": NUMBERS, "value": row.number}],
        "code": _title(row, before),
        "period": _period(row.issued, _last_day(row)) or before.get("period"),
        "issuer": {"display": row.issuer} if row.issuer else before.get("issuer"),
    }
    return [{name: value for name, value in licence.items() if value}, *others]


def _last_day(row: PractitionerRow) -> date | None:
    """Return the last day in force; a list that says "expired" says when, one way or other."""
    if row.expires is None and row.state == "expired" and row.state_from:
        return row.state_from - _ONE_DAY
    return row.expires


def _title(row: PractitionerRow, before: Json) -> Json:
    if not row.title:
        return before.get("code") or {"text": "Giấy phép hành nghề"}
    code = title_code(row.title)
    coding = {"coding": [{"system": TITLES, "code": code, "display": row.title}]} if code else {}
    return {**coding, "text": row.title}


def _extensions(row: PractitionerRow, before: Json, today: date) -> list[Json]:
    held: list[Json] = list(before.get("extension", ()))
    states = [one for one in held if one.get("url") == STATE]
    scopes = [one for one in held if one.get("url") == SCOPE]
    others = [one for one in held if one.get("url") not in (STATE, SCOPE)]
    if row.scope:
        scopes = [{"url": SCOPE, "valueCodeableConcept": {"text": row.scope}}]
    return [*scopes, *_states(row, states, today), *others]


def _states(row: PractitionerRow, held: Sequence[Json], today: date) -> list[Json]:
    """Return the states of a licence with what a list says now; the same again adds nothing."""
    day = row.state_from or today
    if row.state in ("in-force", "expired"):
        ending = day if row.state == "in-force" else None
        return [_ended(one, ending) if ending else one for one in held]
    same = [one for one in held if _code(one) == row.state]
    running = [one for one in same if "end" not in _period_of(one)]
    if row.state_from is None and running:
        return list(held)  # it goes on
    wanted = _state(row, day)
    known = [one for one in same if _period_of(one).get("start") == day.isoformat()]
    return [*(one for one in held if one not in known), wanted]


def _state(row: PractitionerRow, day: date) -> Json:
    parts: list[Json] = [
        {"url": "state", "valueCode": row.state},
        {"url": "period", "valuePeriod": _period(day, row.state_to)},
    ]
    if row.decision:
        parts.append({"url": "decision", "valueString": row.decision})
    return {"url": STATE, "extension": parts}


def _ended(extension: Json, day: date) -> Json:
    """Return a state that ends the day before, where it has no end yet."""
    period = _period_of(extension)
    if "end" in period or _code(extension) == "replaced":
        return extension
    last = max((day - _ONE_DAY).isoformat(), period.get("start", ""))
    parts = [one for one in extension["extension"] if one.get("url") != "period"]
    return {
        **extension,
        "extension": [*parts, {"url": "period", "valuePeriod": {**period, "end": last}}],
    }


def _part(extension: Json, name: str) -> Json:
    return next((p for p in extension.get("extension", ()) if p.get("url") == name), {})


def _period_of(extension: Json) -> dict[str, str]:
    return dict(_part(extension, "period").get("valuePeriod", {}))


def _code(extension: Json) -> str:
    return str(_part(extension, "state").get("valueCode", ""))


def _role(key: bytes, row: PractitionerRow, id_: str) -> Json:
    title = title_code(row.title)
    role: Json = {
        "resourceType": "PractitionerRole",
        "id": opaque_id(key, "PractitionerRole", "register", row.number, row.facility),
        "extension": [{"url": HOURS, "valueString": row.hours}] if row.hours else None,
        "active": True,
        "availableTime": available_time(row.hours),
        "period": _period(row.role_from, row.role_to),
        "practitioner": {"reference": f"Practitioner/{id_}"},
        "organization": facility_reference(key, row.facility),
        "code": [{"coding": [{"system": TITLES, "code": title}]}] if title else None,
        "specialty": [{"text": row.scope}] if row.scope else None,
    }
    return {name: value for name, value in role.items() if value is not None and value != {}}


def _period(first: date | None, last: date | None) -> Json:
    both = {"start": first, "end": last}
    return {name: day.isoformat() for name, day in both.items() if day is not None}


def _numbers(qualification: Json) -> set[str]:
    return {
        normal_number(str(one.get("value", "")))
        for one in qualification.get("identifier", ())
        if one.get("system") == NUMBERS
    }


def _identifiers(resource: Json, wanted: Iterable[tuple[str, str]]) -> list[Json]:
    """Return the identifiers with those wanted; one of the same system is replaced."""
    told = list(dict.fromkeys(wanted))
    systems = {system for system, _ in told}
    kept = [one for one in resource.get("identifier", ()) if one.get("system") not in systems]
    return [*({"system": system, "value": value} for system, value in told), *kept]


def laid_over(before: Json | None, told: Json) -> Json:
    """Return a resource with what is told; None of it takes nothing away."""
    kept = {name: value for name, value in (before or {}).items() if name != "meta"}
    meta = {k: v for k, v in (before or {}).get("meta", {}).items()
            if k not in ("versionId", "lastUpdated")}  # fmt: skip
    found = {**kept, **{name: value for name, value in told.items() if value is not None}}
    return {**found, **({"meta": meta} if meta else {})}
