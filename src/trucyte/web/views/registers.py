"""Practitioners and facilities as pages show them. Words stand in Vietnamese."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from trucyte.base.clock import VIETNAM
from trucyte.fhir.search.fold import fold
from trucyte.fhir.search.moments import EARLIEST, LATEST
from trucyte.shared.identity.registers.codes import FACILITIES, GLN, HOURS
from trucyte.shared.identity.registers.communes import full_name, lies_in
from trucyte.shared.identity.registers.licence import (
    Licence,
    Spell,
    State,
    licences_of,
    numbers_of,
)
from trucyte.shared.identity.registers.standing import Why
from trucyte.web.language import marked
from trucyte.web.registers import Practitioner, Resource
from trucyte.web.views.elements import concept_text, human_name, reference_id

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS: Final[Mapping[Why, tuple[str, str, str]]] = {
    Why.IN_FORCE: (marked("giấy phép đang có hiệu lực"), "green", "good"),
    Why.REVOKED: (marked("đã bị thu hồi giấy phép"), "red", "stop"),
    Why.SUSPENDED: (marked("đang bị đình chỉ hành nghề"), "red", "stop"),
    Why.REPLACED: (marked("giấy phép đã cấp đổi"), "amber", "alert"),
    Why.NOT_YET: (marked("giấy phép chưa có hiệu lực"), "amber", "clock"),
    Why.EXPIRED: (marked("giấy phép đã hết hạn"), "red", "stop"),
    Why.OUT_OF_SCOPE: (marked("ngoài phạm vi hành nghề"), "amber", "alert"),
    Why.OUT_OF_PLACE: (marked("không hành nghề tại cơ sở này"), "amber", "alert"),
    Why.INACTIVE: (marked("không còn hành nghề"), "red", "stop"),
    Why.NO_LICENCE: (marked("chưa rõ giấy phép"), "plain", "info"),
    Why.UNKNOWN: (marked("chưa rõ giấy phép"), "plain", "info"),
}
_STATES: Final[Mapping[State, str]] = {
    State.SUSPENDED: marked("đình chỉ hành nghề"),
    State.REVOKED: marked("thu hồi giấy phép"),
    State.REPLACED: marked("cấp đổi giấy phép"),
}


@dataclass(frozen=True, slots=True)
class SpellLine:
    """A licence was in a state for some days."""

    word: str
    start: datetime | None
    end: datetime | None
    decision: str


@dataclass(frozen=True, slots=True)
class LicenceLine:
    """One licence, in the words of a register."""

    number: str
    title: str
    issuer: str
    start: datetime | None
    end: datetime | None  # last day
    scopes: Sequence[str]
    spells: Sequence[SpellLine]


@dataclass(frozen=True, slots=True)
class PractitionerLine:
    """One practitioner: name, numbers, and the state of the licence."""

    id: str
    name: str
    numbers: Sequence[str]
    title: str
    word: str
    tone: str
    drawing: str
    may_sign: bool
    until: datetime | None
    is_register: bool
    licences: Sequence[LicenceLine]


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """Where someone practises."""

    facility: str  # id of the Organization, "" where it is none here
    code: str
    scope: str
    hours: str
    start: str
    end: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class FacilityLine:
    """One facility of a list."""

    id: str
    name: str
    code: str
    gln: str
    kind: str
    address: str
    is_active: bool
    units: Sequence[str] = ()  # in which it lies today, where the address does not say so


@dataclass(frozen=True, slots=True)
class OfferLine:
    """Something a facility has: a service, a place, an address for messages."""

    name: str
    detail: str
    is_active: bool


def practitioner_line(one: Practitioner) -> PractitionerLine:
    """Return a practitioner with the state of the licence."""
    word, tone, drawing = _SIGNS[one.standing.why]
    licences = one.facts.licences or licences_of(one.resource)
    newest = sorted(licences, key=lambda licence: -licence.low)
    return PractitionerLine(
        id=str(one.resource["id"]),
        name=human_name(one.resource.get("name")),
        numbers=[value for _, value in sorted(numbers_of(one.resource))],
        title=newest[0].title if newest else "",
        word=word,
        tone=tone,
        drawing=drawing,
        may_sign=one.standing.may_sign,
        until=one.standing.until,
        is_register=one.facts.is_register,
        licences=[_licence(licence) for licence in newest],
    )


def place_line(role: Resource) -> PlaceLine:
    """Return a place of practice."""
    organisation = role.get("organization", {})
    period = role.get("period", {})
    hours = [e.get("valueString", "") for e in role.get("extension", ()) if e.get("url") == HOURS]
    return PlaceLine(
        facility=reference_id(organisation, "Organization"),
        code=str(
            organisation.get("display") or organisation.get("identifier", {}).get("value", "")
        ),
        scope=", ".join(filter(None, map(concept_text, role.get("specialty", ())))),
        hours=", ".join(filter(None, hours)),
        start=str(period.get("start", "")),
        end=str(period.get("end", "")),
        is_active=role.get("active") is not False,
    )


def facility_line(organisation: Resource, today: date | None = None) -> FacilityLine:
    """Return a facility; with a day also the units that it lies in then."""
    addresses = organisation.get("address", ())
    kinds = [t.get("text") for t in organisation.get("type", ()) if t.get("text")]
    address = addresses[0] if addresses else {}
    parts = [address.get("text"), address.get("state")]
    return FacilityLine(
        id=str(organisation["id"]),
        name=str(organisation.get("name", "")),
        code=_number(organisation, FACILITIES),
        gln=_number(organisation, GLN),
        kind=", ".join(kinds),
        address=", ".join(str(part) for part in parts if part),
        is_active=organisation.get("active") is not False,
        units=_units(address, today) if today else (),
    )


def _units(address: Resource, today: date) -> Sequence[str]:
    """Return the units of a day, but for one that the address names as it is."""
    found = [full_name(one.unit) for one in lies_in(address, today)]
    told = fold(str(address.get("text", "")))
    if len(found) == 1 and fold(found[0].partition(",")[0]) in told:
        return ()
    return found


def service_line(service: Resource) -> OfferLine:
    """Return a HealthcareService."""
    words = [
        *map(concept_text, service.get("type", ())),
        *map(concept_text, service.get("specialty", ())),
    ]
    name = str(service.get("name") or next(filter(None, words), ""))
    return OfferLine(name, ", ".join(w for w in words if w and w != name), _is_active(service))


def location_line(place: Resource, today: date) -> OfferLine:
    """Return a Location, with the units that it lies in today."""
    address = place.get("address", {})
    detail = ", ".join(filter(None, [str(address.get("text", "")), *_units(address, today)]))
    return OfferLine(str(place.get("name", "")), detail, place.get("status") != "inactive")


def endpoint_line(endpoint: Resource) -> OfferLine:
    """Return an Endpoint: what is spoken there, and where; never its headers."""
    kind = endpoint.get("connectionType", {})
    name = str(endpoint.get("name") or kind.get("display") or kind.get("code", ""))
    return OfferLine(name, str(endpoint.get("address", "")), endpoint.get("status") == "active")


def _licence(licence: Licence) -> LicenceLine:
    return LicenceLine(
        number=licence.number,
        title=licence.title,
        issuer=licence.issuer,
        start=_day(licence.low),
        end=_day(licence.high - 1) if licence.high != LATEST else None,
        scopes=sorted(licence.scopes),
        spells=[_spell(one) for one in sorted(licence.spells, key=lambda one: one.low)],
    )


def _spell(spell: Spell) -> SpellLine:
    end = _day(spell.high - 1) if spell.high != LATEST else None
    return SpellLine(_STATES[spell.state], _day(spell.low), end, spell.decision)


def _day(moment: int) -> datetime | None:
    if moment in (EARLIEST, LATEST):
        return None
    try:
        return (_EPOCH + timedelta(microseconds=moment)).astimezone(VIETNAM)
    except OverflowError:
        return None


def _number(resource: Resource, system: str) -> str:
    held: Iterable[Any] = resource.get("identifier", ())
    return next((str(i.get("value", "")) for i in held if i.get("system") == system), "")


def _is_active(resource: Resource) -> bool:
    return resource.get("active") is not False
