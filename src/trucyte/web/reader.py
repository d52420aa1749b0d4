"""How pages read records: each question a page asks, as one call under one `Access`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trucyte.fhir.parse import parse
from trucyte.records import Access, Page, Records
from trucyte.records import Resource as Record
from trucyte.web.views.elements import reference_id

Resource = Mapping[str, Any]  # FHIR JSON; decimals are Decimal, so their digits stay

# What belongs to a visit, and the search parameter that says so.
OF_VISIT = {
    "Claim": "encounter",
    "Composition": "encounter",
    "Condition": "encounter",
    "DiagnosticReport": "encounter",
    "MedicationAdministration": "context",
    "MedicationDispense": "context",
    "MedicationRequest": "encounter",
    "Observation": "encounter",
    "Procedure": "encounter",
    "ServiceRequest": "encounter",
}
OF_VISIT_MAX = 2000  # of one type
# What the page of a person reads.
OF_PERSON = frozenset({"Condition", "Coverage", "Encounter", "Observation"})
OF_PERSON_MAX = 5000


@dataclass(frozen=True, slots=True)
class Shown:
    """One current resource as this caller may see it."""

    type: str
    id: str
    version: int
    resource: Resource | None  # None: restricted, and this caller may not read it
    seq: int  # its line in the journal
    accepted_at: datetime | None
    source: int  # number of the received file; 0: none
    person: int  # person key
    month: str = ""  # YYYY-MM of what is restricted; nothing else of it is known


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """What a person is looked for by; empty parts do not count."""

    name: str = ""  # with or without marks, in any order of words
    year: str = ""  # of birth, four digits
    number: str = ""  # personal number, card, or a hospital's own number


class Reader(Protocol):
    """The records of this node, as pages ask for them."""

    def read(self, access: Access, type: str, id: str) -> Shown:
        """Return a current resource; raises a NOT_FOUND, GONE or FORBIDDEN Problem."""
        ...

    def of_visit(self, access: Access, encounter: str) -> Sequence[Shown]:
        """Return what belongs to a visit, the Encounter apart; restricted parts are left out."""
        ...

    def of_person(self, access: Access, person: int) -> Sequence[Shown]:
        """Return a person's resources of `OF_PERSON`, newest first, restricted ones masked."""
        ...

    def find_people(self, access: Access, query: PeopleQuery, *, count: int) -> Sequence[Shown]:
        """Return Patients that fit a query, best first."""
        ...


class RecordsReader:
    """The `Reader` over the gate."""

    def __init__(self, records: Records) -> None:
        """Read through `records`."""
        self._records = records

    def read(self, access: Access, type: str, id: str) -> Shown:
        """Return a current resource; raises ResourceNotFound, ResourceGone, ResourceRestricted."""
        return _shown(self._records.read(access, type, id))

    def of_visit(self, access: Access, encounter: str) -> Sequence[Shown]:
        """Return what belongs to a visit, by one search a type."""
        found: list[Shown] = []
        for type, parameter in OF_VISIT.items():
            query = [(parameter, f"Encounter/{encounter}")]
            found += map(_shown, self._all(access, type, query, count=OF_VISIT_MAX))
        return found

    def of_person(self, access: Access, person: int) -> Sequence[Shown]:
        """Return a person's resources by the timeline; of restricted ones only visits."""
        entries = self._records.timeline(access, person, count=OF_PERSON_MAX)
        return [
            _shown(entry.resource) if entry.resource else _masked(entry.type, entry.id, entry.month)
            for entry in entries
            if entry.type in OF_PERSON and (entry.resource or entry.type == "Encounter")
        ]

    def find_people(self, access: Access, query: PeopleQuery, *, count: int) -> Sequence[Shown]:
        """Return Patients: by number exactly, by name first as it begins, then by its words."""
        born = [("birthdate", query.year)] if query.year else []
        searches: list[Callable[[], Iterable[Record]]] = []
        if query.number:
            number = ("identifier", _escaped(query.number))
            searches += [
                lambda: self._all(access, "Patient", [number, *born], count=count),
                lambda: self._holders(access, number, count),
            ]
        elif query.name:
            begins = [("name", _escaped(query.name)), *born]
            words = [("name:contains", _escaped(word)) for word in query.name.split()]
            searches += [
                lambda: self._all(access, "Patient", begins, count=count),
                lambda: self._all(access, "Patient", [*words, *born], count=count),
            ]
        found: dict[str, Shown] = {}
        for search in searches:
            if len(found) < count:
                found |= {one.id: _shown(one) for one in search() if one.id not in found}
        return list(found.values())[:count]

    def _holders(self, access: Access, number: tuple[str, str], count: int) -> Iterable[Record]:
        """Yield the people whose insurance card has a number."""
        for coverage in self._all(access, "Coverage", [number], count=count):
            person = reference_id(parse(coverage.body).get("beneficiary"), "Patient")
            if person:
                yield from self._all(access, "Patient", [("_id", person)], count=1)

    def _all(
        self, access: Access, type: str, query: Sequence[tuple[str, str]], *, count: int
    ) -> list[Record]:
        """Return up to `count` results, page by page."""
        page: Page = self._records.search(access, type, [*query, ("_count", str(min(count, 1000)))])
        found = list(page.entries)
        while page.next and len(found) < count:
            page = self._records.next_page(access, page.next)
            found += page.entries
        return found[:count]


def _shown(record: Record) -> Shown:
    return Shown(
        record.type,
        record.id,
        record.version,
        parse(record.body),
        record.seq,
        record.last_updated,
        record.source,
        record.person,
    )


def _masked(type: str, id: str, month: str | None) -> Shown:
    return Shown(type, id, 0, None, 0, None, 0, 0, month or "")


def _escaped(text: str) -> str:
    """Write a value so that a search reads it whole (R4 3.1.1.5.7)."""
    for sign in "\\,$|":
        text = text.replace(sign, f"\\{sign}")
    return text
