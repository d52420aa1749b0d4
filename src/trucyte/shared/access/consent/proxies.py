"""Who may act for a person: a parent for a child, a carer for an elder; given and taken back.

A proxy is a RelatedPerson of the person, with a consent of purpose `proxy` that names it. What
a proxy may do ends with that consent, and for a child at the birthday from which it decides by
itself (`ages.toml`), computed anew at every look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.new_ids import new_id
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.shared.access.consent import ages
from trucyte.shared.access.consent.consent import Given
from trucyte.shared.access.consent.persons import Persons
from trucyte.shared.access.consent.scans import Scan
from trucyte.shared.access.consent.service import PROXY, Asked, Consents
from trucyte.shared.access.local import system_access

TYPE: Final = "RelatedPerson"
ACTS_AS: Final = "https://trucyte.vn/fhir/sid/acts-as"  # "Patient/y": the proxy's own record
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
# Codes of v3 RoleCode. Those of parents and guardians act by law while a child is young.
GUARDIANS: Final = frozenset({"MTH", "FTH", "GUARD"})
RELATIONS: Final = ("MTH", "FTH", "GUARD", "CHILD", "SPS", "SIB", "GRPRN", "GRNDCHILD", "EXT")
_MOST: Final = "200"


class RelationUnknown(Problem):
    """The relation of a proxy to the person is one of those that the form lists."""

    kind = Kind.INVALID
    code = "proxy-relation"


class ProxyIsSelf(Problem):
    """Nobody is a proxy of their own."""

    kind = Kind.INVALID
    code = "proxy-self"


class GuardianNotNeeded(Problem):
    """This person is old enough to decide; a guardian acts for nobody of that age."""

    kind = Kind.INVALID
    code = "proxy-too-old"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Somebody who may act for a person, or might."""

    reference: str  # "RelatedPerson/x"
    person: str  # "Patient/x", for whom
    holder: str  # "Patient/y": the proxy's own record, "" where it has none here
    name: str
    relation: str
    consent: Given
    until: date | None  # the birthday that ends it; None: by the consent alone
    is_in_force: bool

    @property
    def ends_on(self) -> date | None:
        """The first day on which it holds no more, for one reason or the other."""
        ends = [self.consent.ends_at.astimezone(VIETNAM).date()] if self.consent.ends_at else []
        return min([*ends, *([self.until] if self.until else [])], default=None)


@dataclass(frozen=True, slots=True)
class Appointing:
    """Who is to act for whom."""

    person: str
    holder: str  # "Patient/y", "" where the proxy has no record here
    name: str  # as the papers have it
    relation: str
    text: str  # version of the words shown
    language: str
    channel: str
    scan: Scan | None = None


class Proxies:
    """The proxies of a node. Safe to share between threads."""

    def __init__(
        self, records: Records, consents: Consents, persons: Persons, clock: Clock
    ) -> None:
        """Read through `records`, write through `consents`."""
        self._records = records
        self._consents = consents
        self._persons = persons
        self._clock = clock

    def appoint(self, access: Access, wish: Appointing) -> Proxy:
        """Let somebody act for a person; a guardian of a child by law, another by its word.

        Raises RelationUnknown, ProxyIsSelf, GuardianNotNeeded, NotTheirsToGive where somebody
        is to act for a child who is no parent or guardian, and as `Consents.give`.
        """
        if wish.relation not in RELATIONS:
            raise RelationUnknown
        if wish.holder and self._persons.key(wish.holder) in self._persons.circle(wish.person):
            raise ProxyIsSelf
        patient = self._patient(access, wish.person)
        band = ages.band_of(str(patient.get("birthDate", "")), self._today())
        is_guardian = wish.relation in GUARDIANS
        if is_guardian and band.decides == ages.OWN:
            raise GuardianNotNeeded
        related = _related(new_id(self._clock), wish)
        reference = f"{TYPE}/{related['id']}"
        until = _until(patient, wish.relation)
        asked = Asked(
            person=wish.person,
            purpose=PROXY,
            text=wish.text,
            language=wish.language,
            by=(reference,) if is_guardian else (wish.person,),
            channel=wish.channel,
            receiver=reference,
            relation=wish.relation,
            scan=wish.scan,
            ends_at=datetime(until.year, until.month, until.day, tzinfo=VIETNAM) if until else None,
        )
        given = self._consents.give(access, asked, (related, 0))
        return self._proxy(related, given, patient)

    def revoke(self, access: Access, person: str, reference: str, reason: str = "") -> None:
        """End what a proxy may do, at once; raises ConsentUnknown."""
        for one in self._consents.all_of(access, person):
            if one.purpose == PROXY and one.receiver == reference:
                self._consents.withdraw(access, person, one.id, reason)

    def of(self, access: Access, person: str) -> Sequence[Proxy]:
        """Return who may act for a person or once might, those in force first."""
        found = []
        for given in self._consents.all_of(access, person):
            if given.purpose != PROXY:
                continue
            related = self._related(access, given.receiver)
            if related is not None:
                found.append(self._proxy(related, given, self._patient(access, given.person)))
        return sorted(found, key=lambda one: (not one.is_in_force, -one.consent.at.timestamp()))

    def held_by(self, holder: str) -> Sequence[Proxy]:
        """Return the proxies in force that a Patient holds for others; shows nothing to anyone."""
        access = system_access("consents")
        values = ",".join(f"{ACTS_AS}|{patient}" for patient in self._persons.group(holder))
        page = self._records.search(access, TYPE, [("identifier", values), ("_count", _MOST)])
        found = []
        for one in page.entries:
            related = parse(one.body)
            person = str(related["patient"]["reference"])
            found += [
                proxy
                for proxy in self.of(access, person)
                if proxy.is_in_force and proxy.reference == f"{TYPE}/{one.id}"
            ]
        return found

    def persons_of(self, holder: str) -> frozenset[int]:
        """Return the person keys that a Patient may look at: its own and those it acts for."""
        keys = [self._persons.key(proxy.person) for proxy in self.held_by(holder)]
        return frozenset(self._persons.circles([self._persons.key(holder), *keys]))

    def acting(self, holder: str, person: str) -> Proxy | None:
        """Return the proxy by which one Patient acts for another now, None where there is none."""
        circle = set(self._persons.circle(person))
        held = self.held_by(holder)
        return next((one for one in held if self._persons.key(one.person) in circle), None)

    def _proxy(self, related: dict[str, Any], given: Given, patient: dict[str, Any]) -> Proxy:
        until = _until(patient, given.relation)
        now = self._clock.now()
        is_young = until is None or self._today() < until
        return Proxy(
            reference=f"{TYPE}/{related['id']}",
            person=given.person,
            holder=_holder(related),
            name=str((related.get("name") or [{}])[0].get("text", "")),
            relation=given.relation,
            consent=given,
            until=until,
            is_in_force=given.holds(now) and is_young and patient.get("active") is not False,
        )

    def _related(self, access: Access, reference: str) -> dict[str, Any] | None:
        id = reference.partition("/")[2]
        found = self._records.read_all(access, TYPE, [id], f"read {TYPE}")
        return parse(found[0].body) if found else None

    def _patient(self, access: Access, person: str) -> dict[str, Any]:
        return parse(self._records.read(access, "Patient", person.partition("/")[2]).body)

    def _today(self) -> date:
        return self._clock.now().astimezone(VIETNAM).date()


def _related(id: str, wish: Appointing) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": TYPE, "id": id}
    if wish.holder:
        resource["identifier"] = [{"system": ACTS_AS, "value": wish.holder}]
    resource["active"] = True
    resource["patient"] = {"reference": wish.person}
    resource["relationship"] = [{"coding": [{"system": _ROLES, "code": wish.relation}]}]
    if wish.name:
        resource["name"] = [{"text": wish.name}]
    return resource


def _until(patient: dict[str, Any], relation: str) -> date | None:
    """Return the birthday that ends what a guardian may; None for others."""
    if relation not in GUARDIANS:
        return None
    return ages.guardian_until(str(patient.get("birthDate", "")))


def _holder(related: dict[str, Any]) -> str:
    for one in related.get("identifier", ()):
        if one.get("system") == ACTS_AS:
            return str(one.get("value", ""))
    return ""
