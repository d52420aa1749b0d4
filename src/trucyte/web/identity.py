"""How pages read and decide who is who: the worklist, and what is linked to a Patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trucyte.base.problem import Problem
from trucyte.fhir.parse import parse
from trucyte.records import Access, Records
from trucyte.shared.identity.links import Link, LinkState
from trucyte.shared.identity.links.links import Links
from trucyte.shared.identity.newcomers import (
    DayDone,
    Pair,
    PairPage,
    PairState,
    Verdict,
    Waiting,
    Worklist,
)
from trucyte.web.views.elements import reference_words

Resource = Mapping[str, Any]
VISITS_MAX = 200
DECIDED_MAX = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was used."""

    facility: str  # code
    first: str  # FHIR dates of visits
    last: str
    visits: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of two records, with where it comes from."""

    resource: Resource
    first_seen: datetime | None  # when its first version came; None: not for this caller
    changed: datetime | None
    version: int
    places: Sequence[Place]
    is_cut: bool = False  # whether it has more visits than were looked at


@dataclass(frozen=True, slots=True)
class Told:
    """One decision on a pair, and who made it."""

    link: Link
    by: str  # account, or part of the program; "" where that is not known


@dataclass(frozen=True, slots=True)
class TwoRecords:
    """Two records side by side."""

    low: Side
    high: Side
    history: Sequence[Told]  # the last decision first
    pair: Pair | None = None  # the worklist's, where it has one
    sentences: Sequence[str] = ()  # why the worklist asks


@dataclass(frozen=True, slots=True)
class Linked:
    """A record that is one person with another; `told` is None where others link the two."""

    reference: str  # "Patient/x", or one of another node
    resource: Resource | None  # None: of another node, or not for this caller
    told: Told | None


class IdentityBook(Protocol):
    """Who is who on this node, as pages ask."""

    def page(
        self, access: Access, states: Sequence[PairState], *, facility: str, after: int, count: int
    ) -> PairPage:
        """Return pairs, the oldest first; nothing personal in them."""
        ...

    def decided(self, access: Access) -> Sequence[Pair]:
        """Return what people decided, the last first."""
        ...

    def waiting(self, access: Access) -> Waiting:
        """Count what waits."""
        ...

    def done(self, access: Access, since: datetime) -> DayDone:
        """Count what was decided since a moment."""
        ...

    def one(self, access: Access, number: int) -> Pair:
        """Return a pair without its Patients; raises a NOT_FOUND Problem."""
        ...

    def beside(self, access: Access, number: int, facility: str) -> tuple[int | None, int | None]:
        """Return the pairs that wait before and behind one."""
        ...

    def pair(self, access: Access, number: int, language: str) -> TwoRecords:
        """Return a pair of the worklist side by side; raises a NOT_FOUND Problem."""
        ...

    def decide(self, access: Access, number: int, verdict: Verdict, note: str) -> Pair:
        """Decide; raises a CONFLICT Problem where nothing waits any more."""
        ...

    def revise(
        self, access: Access, number: int, verdict: Verdict, *, was: PairState, reason: str
    ) -> Pair:
        """Take a decision back; raises a CONFLICT Problem where it is not as it was."""
        ...

    def linked(self, access: Access, id: str) -> Sequence[Linked]:
        """Return the other records of a Patient's person."""
        ...

    def two(self, access: Access, one: str, other: str) -> TwoRecords:
        """Return two Patients that are linked directly; raises a NOT_FOUND Problem."""
        ...

    def unlink(self, access: Access, one: str, other: str, reason: str) -> None:
        """Break the link of two Patients; raises a CONFLICT Problem where there is none."""
        ...

    def organisation(self, access: Access, reference: str) -> str:
        """Return what to call an organisation."""
        ...


class NodeIdentityBook:
    """The `IdentityBook` over the worklist, the links and the gate."""

    def __init__(self, worklist: Worklist, links: Links, records: Records) -> None:
        """Read through `records`; decide through `worklist`."""
        self._worklist = worklist
        self._links = links
        self._records = records
        self.waiting = worklist.waiting
        self.done = worklist.done
        self.one = worklist.one
        self.decide = worklist.decide
        self.revise = worklist.revise

    def page(
        self, access: Access, states: Sequence[PairState], *, facility: str, after: int, count: int
    ) -> PairPage:
        """Return pairs, the oldest first."""
        return self._worklist.page(
            access, states=states, facility=facility, after=after, count=count
        )

    def decided(self, access: Access) -> Sequence[Pair]:
        """Return what people decided, the last first."""
        return self._worklist.decided(access, DECIDED_MAX)

    def beside(self, access: Access, number: int, facility: str) -> tuple[int | None, int | None]:
        """Return the pairs that wait before and behind one."""
        return self._worklist.beside(access, number, facility)

    def pair(self, access: Access, number: int, language: str) -> TwoRecords:
        """Return a pair side by side; raises PairUnknown."""
        found = self._worklist.pair(access, number, language)
        low, high = (
            self._side(access, parse(one.body), one.last_updated, one.version)
            for one in (found.low, found.high)
        )
        history = self._history(access, found.pair.low, found.pair.high)
        return TwoRecords(low, high, history, found.pair, found.sentences)

    def linked(self, access: Access, id: str) -> Sequence[Linked]:
        """Return the other records of a Patient's person."""
        own = f"Patient/{id}"
        others = [one for one in self._links.group(own) if one != own]
        if not others:
            return ()
        states = self._links.states((own, other) for other in others)
        ids = [other.partition("/")[2] for other in others if other.startswith("Patient/")]
        found = self._records.read_all(access, "Patient", ids, "read Patient")
        resources = {f"Patient/{one.id}": parse(one.body) for one in found}
        return [
            Linked(
                other,
                resources.get(other),
                self._last(access, own, other)
                if states[own, other] is LinkState.LINKED and other in resources
                else None,
            )
            for other in others
        ]

    def two(self, access: Access, one: str, other: str) -> TwoRecords:
        """Return two Patients with what was decided on them; raises as reading them does."""
        history = self._history(access, f"Patient/{one}", f"Patient/{other}")
        sides = []
        for id in (one, other):
            read = self._records.read(access, "Patient", id)
            sides.append(self._side(access, parse(read.body), read.last_updated, read.version))
        return TwoRecords(sides[0], sides[1], history)

    def unlink(self, access: Access, one: str, other: str, reason: str) -> None:
        """Break the link of two Patients."""
        self._worklist.unlink(access, f"Patient/{one}", f"Patient/{other}", reason)

    def organisation(self, access: Access, reference: str) -> str:
        """Return its name, or its code; the end of its reference where there is neither."""
        type, _, id = reference.partition("/")
        try:
            found = parse(self._records.read(access, type, id).body)
        except Problem:
            return id
        codes = [one.get("value") for one in found.get("identifier", ())]
        return str(found.get("name") or next(filter(None, codes), id))

    def _last(self, access: Access, one: str, other: str) -> Told | None:
        history = self._history(access, one, other)
        return history[0] if history else None

    def _history(self, access: Access, one: str, other: str) -> list[Told]:
        decisions = self._links.history(access, one, other)
        if not decisions:
            return []
        names = self._authors(access, decisions[0].id)
        return [Told(one, names.get((one.version, one.at), "")) for one in reversed(decisions)]

    def _authors(self, access: Access, linkage: str) -> dict[tuple[int, datetime], str]:
        """Return who made each version of a Linkage, by version and moment.

        The Provenance beside a version came with it, at one moment; another that names the
        version is somebody's word.
        """
        query = [("target", f"Linkage/{linkage}"), ("_count", "100")]
        found: dict[tuple[int, datetime], str] = {}
        for record in self._records.search(access, "Provenance", query).entries:
            resource = parse(record.body)
            version = str(resource["target"][0].get("reference", "")).rpartition("/")[2]
            who = resource["agent"][0].get("who", {}).get("identifier", {}).get("value", "")
            if version.isascii() and version.isdecimal():
                found[int(version[:9]), record.last_updated] = str(who)
        return found

    def _side(self, access: Access, resource: Resource, changed: datetime, version: int) -> Side:
        id = str(resource["id"])
        try:
            first = self._records.read_version(access, "Patient", id, 1).last_updated
        except Problem:  # it was restricted, or of another organisation, then
            first = None
        query = [
            ("subject", f"Patient/{id}"),
            ("_links", "exact"),
            ("_sort", "date"),
            ("_count", str(VISITS_MAX)),
        ]
        visits = self._records.search(access, "Encounter", query)
        places = places_of(parse(one.body) for one in visits.entries)
        return Side(resource, first, changed, version, places, visits.next is not None)


def places_of(encounters: Iterable[Resource]) -> list[Place]:
    """Return the facilities of visits, each with its first and last day; those used last first."""
    days: dict[str, list[str]] = {}
    for encounter in encounters:
        start = str(encounter.get("period", {}).get("start", ""))[:10]
        days.setdefault(reference_words(encounter.get("serviceProvider")), []).append(start)
    places = [Place(code, min(found), max(found), len(found)) for code, found in days.items()]
    return sorted(places, key=lambda place: place.last, reverse=True)
