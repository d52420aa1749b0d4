"""How pages read records: each question a page asks, as one call under one `Access`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trucyte.records.access import Access

Resource = Mapping[str, Any]  # FHIR JSON; decimals are Decimal, so their digits stay


@dataclass(frozen=True, slots=True)
class Shown:
    """One current resource as this caller may see it."""

    type: str
    id: str
    version: int
    resource: Resource | None  # None: restricted, and this caller may not read it
    is_restricted: bool
    seq: int  # its line in the journal
    accepted_at: datetime
    source: int  # number of the received file; 0: none
    row: int
    date: datetime | str | None = None  # the day of a restricted visit, which the timeline keeps


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """What a person is looked for by; empty parts do not count."""

    name: str = ""  # with or without marks, in any order of words
    year: str = ""  # of birth, four digits
    number: str = ""  # personal number, card, or a hospital's own number


class Reader(Protocol):
    """The records of this node, as pages ask for them."""

    def read(self, access: Access, type: str, id: str) -> Shown:
        """Return a current resource; raises a NOT_FOUND or GONE Problem."""
        ...

    def of_visit(self, access: Access, encounter: str) -> Sequence[Shown]:
        """Return everything that belongs to a visit, the Encounter apart."""
        ...

    def visits_of(self, access: Access, person: str, *, count: int) -> Sequence[Shown]:
        """Return the Encounters of a Patient, newest first, restricted ones masked."""
        ...

    def of_person(self, access: Access, person: str, type: str, *, count: int) -> Sequence[Shown]:
        """Return a Patient's resources of a type, newest first, restricted ones left out."""
        ...

    def find_people(self, access: Access, query: PeopleQuery, *, count: int) -> Sequence[Shown]:
        """Return Patients that fit a query, best first."""
        ...
