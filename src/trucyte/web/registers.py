"""How pages read the registers: practitioners with their standing, facilities with theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from trucyte.fhir.parse import parse
from trucyte.records import Access, Records
from trucyte.records import Resource as Record
from trucyte.shared.identity.registers.facilities import Facilities
from trucyte.shared.identity.registers.licence import normal_number
from trucyte.shared.identity.registers.reader import Registers
from trucyte.shared.identity.registers.standing import Facts, Standing

Resource = Mapping[str, Any]
VERSIONS_MAX = 20
LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Practitioner:
    """One practitioner with the standing of this moment."""

    resource: Resource
    standing: Standing
    facts: Facts
    roles: Sequence[Resource] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an Organization."""

    number: int
    at: datetime
    name: str  # as it was called then


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility with what it offers and what became of it."""

    resource: Resource
    services: Sequence[Resource] = ()
    endpoints: Sequence[Resource] = ()
    places: Sequence[Resource] = ()
    before: Sequence[Resource] = ()
    after: Sequence[Resource] = ()
    versions: Sequence[Version] = ()
    practitioners: int = 0


class RegisterBook(Protocol):
    """The registers of this node, as pages ask for them."""

    def practitioners(
        self, access: Access, words: str, at: datetime, *, count: int
    ) -> Sequence[Practitioner]:
        """Return practitioners by a licence number or by words of their names."""
        ...

    def practitioner(self, access: Access, id: str, at: datetime) -> Practitioner:
        """Return one with all places; raises a NOT_FOUND or GONE Problem."""
        ...

    def facilities(self, access: Access, words: str, *, count: int) -> Sequence[Resource]:
        """Return Organizations by a code or by words of their names; by no words the first."""
        ...

    def facility(self, access: Access, id: str, day: date) -> Facility:
        """Return one with all it has; raises a NOT_FOUND or GONE Problem."""
        ...


class RecordsRegisterBook:
    """The `RegisterBook` over the gate."""

    def __init__(self, records: Records, registers: Registers, facilities: Facilities) -> None:
        """Read through `records`."""
        self._records = records
        self._registers = registers
        self._facilities = facilities

    def practitioners(
        self, access: Access, words: str, at: datetime, *, count: int
    ) -> Sequence[Practitioner]:
        """Return practitioners: by number exactly, else by every word of the name."""
        found = [
            self._standing(access, one, at)
            for one in self._found(access, "Practitioner", words, normal_number(words), count)
        ]
        return sorted(found, key=lambda one: not one.facts.is_register)

    def practitioner(self, access: Access, id: str, at: datetime) -> Practitioner:
        """Return one with all places; raises ResourceNotFound, ResourceGone."""
        one = parse(self._records.read(access, "Practitioner", id).body)
        found = self._standing(access, one, at)
        roles = self._listed(access, "PractitionerRole", ("practitioner", f"Practitioner/{id}"))
        return Practitioner(one, found.standing, found.facts, roles)

    def facilities(self, access: Access, words: str, *, count: int) -> Sequence[Resource]:
        """Return Organizations: by code exactly, else by every word of the name."""
        return self._found(access, "Organization", words, words.strip().upper(), count)

    def facility(self, access: Access, id: str, day: date) -> Facility:
        """Return one with all it has; raises ResourceNotFound, ResourceGone."""
        own = f"Organization/{id}"
        resource = parse(self._records.read(access, "Organization", id).body)
        history = self._records.history(access, "Organization", id, count=VERSIONS_MAX)
        count = [("organization", own), ("_summary", "count")]
        after = [one for one in self._facilities.successors(access, id, day) if one != id]
        return Facility(
            resource=resource,
            services=self._listed(access, "HealthcareService", ("organization", own)),
            endpoints=self._listed(access, "Endpoint", ("organization", own)),
            places=self._listed(access, "Location", ("organization", own)),
            before=self._named(access, self._facilities.predecessors(access, id, day)),
            after=self._named(access, after),
            versions=[_version(one) for one in history.entries if one.body],
            practitioners=self._records.search(access, "PractitionerRole", count).total or 0,
        )

    def _standing(self, access: Access, resource: Resource, at: datetime) -> Practitioner:
        reference = f"Practitioner/{resource['id']}"
        standing = self._registers.standing(access, reference, at=at)
        return Practitioner(resource, standing, self._registers.facts(access, reference))

    def _found(
        self, access: Access, type: str, words: str, number: str, count: int
    ) -> list[Resource]:
        if any(sign.isdigit() for sign in words):
            return self._listed(access, type, ("identifier", _escaped(number)), count=count)
        pairs = [("name:contains", _escaped(word)) for word in words.split()]
        return self._listed(access, type, *pairs, ("_sort", "name"), count=count)

    def _named(self, access: Access, ids: Sequence[str]) -> list[Resource]:
        return self._listed(access, "Organization", ("_id", ",".join(ids))) if ids else []

    def _listed(
        self, access: Access, type: str, *pairs: tuple[str, str], count: int = LISTED_MAX
    ) -> list[Resource]:
        page = self._records.search(access, type, [*pairs, ("_count", str(count))])
        return [parse(one.body) for one in page.entries]


def _version(record: Record) -> Version:
    return Version(record.version, record.last_updated, str(parse(record.body).get("name", "")))


def _escaped(text: str) -> str:
    """Write a value so that a search reads it whole (R4 3.1.1.5.7)."""
    for sign in "\\,$|":
        text = text.replace(sign, f"\\{sign}")
    return text
