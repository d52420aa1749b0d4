"""Who has to do with a person, and when: kept inside every commit, asked by permission.

Whoever takes part in a visit, episode, team or appointment of a person, has a task for it or
got it referred is related to it while that lasts and some time after. What cannot be read
relates nobody.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import islice
from typing import Any, Final

from trucyte.database.connect import Database
from trucyte.fhir.search.moments import EARLIEST, LATEST
from trucyte.records.access import Related
from trucyte.records.owners import OPEN_NUMBERS
from trucyte.records.persons.facts import Facts, by_columns
from trucyte.records.persons.holders import acting, number_of, read_holder
from trucyte.records.persons.spans import ALWAYS, DAY, Span, later, read_moment, read_period
from trucyte.records.persons.statements import FACTS
from trucyte.records.search.bound import Parameters

# After the end of a visit its record is still worked on: results come, letters are written,
# claims are made. Thirty days are the longest of these (see the decision record).
AFTER_END: Final = 30 * DAY
# Before and after an appointment, or a visit that is planned.
AROUND: Final = 1 * DAY
# A referral or task that nobody closes does not relate for ever.
UNCLOSED: Final = 90 * DAY
ROWS_MAX: Final = 200  # of one version
# So many persons are found at once for a page; where there are more, most rows are of them.
FEW: Final = 5_000

_LETTER: Final = "https://trucyte.vn/fhir/sid/transfer-letter"
_SNOMED: Final = "http://snomed.info/sct"
_REFERRALS: Final = frozenset({"3457005", "306206005"})  # patient referral, referral to service
_ORDERS: Final = frozenset({"order", "original-order", "filler-order", "instance-order"})


class Kind(IntEnum):
    """What makes a relation."""

    VISIT = 1
    EPISODE = 2
    TEAM = 3
    REFERRAL = 4
    APPOINTMENT = 5
    TASK = 6


@dataclass(frozen=True, slots=True)
class Relation:
    """One holder of a person; without `ends` it is over `lasts` µs after acceptance."""

    holder: str
    kind: Kind
    begins: int
    ends: int | None
    lasts: int = 0

    def row(self, person: int, seq: int, at: int) -> tuple[int, ...] | None:
        """Return the row; None where it is over when it is accepted, or never begins."""
        ends = at + self.lasts if self.ends is None else self.ends
        if ends <= max(at, self.begins):
            return None
        return person, number_of(self.holder), self.begins, ends, seq, self.kind


@dataclass(frozen=True, slots=True)
class _Course:
    """When something lasts, as its status and period tell it."""

    begins: int
    ends: int | None
    lasts: int = 0

    def narrowed(self, part: Span) -> "_Course | None":
        """Return the course of a part with a period of its own."""
        begins = max(self.begins, part.begins)
        own = later(part.ends, AFTER_END)
        if own == LATEST:
            return _Course(begins, self.ends, self.lasts)
        ends = own if self.ends is None else min(own, self.ends)
        return _Course(begins, ends) if begins < ends else None


_OPEN: Final = "open"
_PLANNED: Final = "planned"
_ENDED: Final = "ended"
# What a status says of the relation; those that are missing relate nobody.
_VISITS: Final = {
    "planned": _PLANNED, "arrived": _OPEN, "triaged": _OPEN, "in-progress": _OPEN,
    "onleave": _OPEN, "finished": _ENDED, "unknown": _ENDED,
}  # fmt: skip
_EPISODES: Final = {
    "planned": _PLANNED, "waitlist": _PLANNED, "active": _OPEN, "onhold": _OPEN,
    "finished": _ENDED,
}  # fmt: skip
_TEAMS: Final = {"active": _OPEN, "inactive": _ENDED}
_REFERRED: Final = {"active": _OPEN, "completed": _ENDED}
_TASKS: Final = {
    "requested": _OPEN, "received": _OPEN, "accepted": _OPEN, "ready": _OPEN,
    "in-progress": _OPEN, "on-hold": _OPEN, "completed": _ENDED,
}  # fmt: skip
_MET: Final = frozenset({"pending", "booked", "arrived", "fulfilled", "checked-in"})


def _course(state: str | None, span: Span | None) -> _Course | None:
    """Return when something of a period lasts; None where it relates nobody."""
    if state is None or span is None:
        return None
    if state == _PLANNED:
        return _planned(span)
    if span.ends != LATEST:
        return _Course(span.begins, later(span.ends, AFTER_END))
    if state == _OPEN:
        return _Course(span.begins, LATEST)
    # It ended and nobody says when: since its beginning at the latest, as far as is known.
    if span.begins == EARLIEST:
        return _Course(EARLIEST, None, AFTER_END)
    return _Course(span.begins, later(span.begins, AFTER_END))


def _planned(span: Span) -> _Course | None:
    if span.begins == EARLIEST:
        return None
    ends = span.begins if span.ends == LATEST else span.ends
    return _Course(later(span.begins, -AROUND), later(ends, AROUND))


def _request(state: str | None, span: Span | None, made: Any) -> _Course | None:
    """Return when a request lasts, that has an end only where it says so."""
    if state is None or span is None:
        return None
    since = read_moment(made) if made is not None else ALWAYS
    if since is None:
        return None
    begins = since.begins if span.begins == EARLIEST else span.begins
    if span.ends != LATEST:
        return _Course(begins, later(span.ends, AFTER_END))
    lasts = UNCLOSED if state == _OPEN else AFTER_END
    if begins == EARLIEST:
        return _Course(EARLIEST, None, lasts)
    return _Course(begins, later(begins, lasts))


def _visit(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    course = _course(_state(_VISITS, resource), read_period(resource.get("period")))
    related = partial(_relation, Kind.VISIT)
    yield related(course, resource.get("serviceProvider"), "Organization")
    for part in _objects(resource.get("participant")):
        yield related(course, part.get("individual"), "Practitioner", part.get("period"))
    for place in _objects(resource.get("location")):
        if place.get("status") in (None, "active", "completed"):
            yield related(course, place.get("location"), "Location", place.get("period"))


def _episode(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    course = _course(_state(_EPISODES, resource), read_period(resource.get("period")))
    yield _relation(Kind.EPISODE, course, resource.get("managingOrganization"), "Organization")
    yield _relation(Kind.EPISODE, course, resource.get("careManager"), "Practitioner")
    for team in _objects(resource.get("team")):
        yield _relation(Kind.EPISODE, course, team, "CareTeam")


def _team(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    course = _course(_state(_TEAMS, resource), read_period(resource.get("period")))
    for organisation in _objects(resource.get("managingOrganization")):
        yield _relation(Kind.TEAM, course, organisation, "Organization")
    for part in _objects(resource.get("participant")):
        yield _relation(Kind.TEAM, course, part.get("member"), "", part.get("period"))


def _referral(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    if not _is_referral(resource):
        return
    span = read_period(resource.get("occurrencePeriod"))
    course = _request(_state(_REFERRED, resource), span, resource.get("authoredOn"))
    for performer in _objects(resource.get("performer")):
        yield _relation(Kind.REFERRAL, course, performer)
    for place in _objects(resource.get("locationReference")):
        yield _relation(Kind.REFERRAL, course, place, "Location")


def _is_referral(resource: Mapping[str, Any]) -> bool:
    if resource.get("intent") not in _ORDERS or resource.get("doNotPerform") is True:
        return False
    concepts = [*_objects(resource.get("category")), *_objects(resource.get("code"))]
    codings = (coding for concept in concepts for coding in _objects(concept.get("coding")))
    return any(
        coding.get("system") == _SNOMED and str(coding.get("code")) in _REFERRALS
        for coding in codings
    ) or any(one.get("system") == _LETTER for one in _objects(resource.get("identifier")))


def _appointment(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    if str(resource.get("status")) not in _MET:
        return
    start, end = read_moment(resource.get("start")), resource.get("end")
    last = start if end is None else read_moment(end)
    if start is None or last is None or last.ends <= start.begins:
        return
    course = _Course(later(start.begins, -AROUND), later(last.ends, AROUND))
    for part in _objects(resource.get("participant")):
        if part.get("status") != "declined":
            yield _relation(Kind.APPOINTMENT, course, part.get("actor"))


def _task(resource: Mapping[str, Any]) -> Iterator[Relation | None]:
    span = read_period(resource.get("executionPeriod"))
    course = _request(_state(_TASKS, resource), span, resource.get("authoredOn"))
    yield _relation(Kind.TASK, course, resource.get("owner"))


def _state(table: Mapping[str, str], resource: Mapping[str, Any]) -> str | None:
    return table.get(str(resource.get("status")))


def _relation(
    kind: Kind, course: _Course | None, value: Any, type: str = "", period: Any = None
) -> Relation | None:
    """Return the relation of who is named, for as long as its own period within the course."""
    holder, part = read_holder(value, type), read_period(period)
    if course is None or holder is None or part is None:
        return None
    own = course.narrowed(part)
    return None if own is None else Relation(holder, kind, own.begins, own.ends, own.lasts)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a value that may be one, many or something else."""
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


_READERS: Final = {
    "Encounter": _visit,
    "EpisodeOfCare": _episode,
    "CareTeam": _team,
    "ServiceRequest": _referral,
    "Appointment": _appointment,
    "Task": _task,
}


def relations_of(resource: Mapping[str, Any]) -> Sequence[Relation]:
    """Return whom a resource relates to its person, each once, `ROWS_MAX` at most; pure."""
    reader = _READERS.get(resource["resourceType"])
    if reader is None:
        return ()
    found = dict.fromkeys(one for one in reader(resource) if one is not None)
    return tuple(islice(found, ROWS_MAX))


def relations() -> Facts:
    """Make the projection that keeps relations."""
    return Facts(
        "relations",
        ("records.current_relation",),
        dict.fromkeys(_READERS, relations_of),
        end=FACTS.end_relations,
        write=by_columns(FACTS.add_relations),
        clear=FACTS.clear_relations,
        sides=("records.relation",),
    )


def sweep_relations(database: Database) -> int:
    """Forget relations that were over when the last line was accepted; return how many."""
    with database.connection() as connection:
        return connection.execute(FACTS.sweep_relations).rowcount


def related_condition(
    related: Related, bound: Parameters, row: str, now: int, *, is_whole: bool = False
) -> str:
    """Return as SQL that a row is of a person whom one of the holders has to do with at `now`.

    `row` has columns person and type; `now` is in µs since 1970. What is related to one
    Patient of a circle is related to the person. Types that are of nobody are not asked.
    `is_whole` says that most rows are looked at, as for a count: then who is related is found
    for all at once, and else so only where these are few.
    """
    moment = bound.add(now, "bigint")
    held = acting(related.holders, bound, moment)
    asked = f"r.holder = any({held}) and r.begins <= {moment} and r.ends > {moment}"
    persons = f"select r.person from records.relation r where {asked}"
    one = (
        f"exists (select from records.relation r where r.person = {row}.person and {asked}"
        " offset 0)"
    )
    if is_whole:
        own = f"{row}.person in ({persons})"
    else:
        few = f"(select count(*) from ({persons} limit {FEW + 1}) r) <= {FEW}"
        own = f"case when {few} then {row}.person in ({persons} limit {FEW}) else {one} end"
    return (
        f"({row}.type = any({bound.add(OPEN_NUMBERS, 'smallint[]')}) or {own}"
        f" or exists (select from records.linked l where l.person = {row}.person)"
        f" and exists (select from unnest(records.circle({row}.person)) c (person),"
        f" records.relation r where r.person = c.person and {asked} offset 0))"
    )
