"""Take a register's file in: rows to resources, checked, into the journal.

Each facility, and each practitioner with all places, is one unit. The same file again
writes nothing; what a newer one leaves out is not ended, for lists are partial.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Problem
from trucyte.fhir.issue import Severity
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept_own
from trucyte.fhir.validate import Validator
from trucyte.journal.change import Change, Operation, Stored
from trucyte.journal.journal import Journal
from trucyte.shared.identity.registers.files.made import (
    facility_resources,
    practitioner_resources,
)
from trucyte.shared.identity.registers.files.rows import (
    FacilityRow,
    Kind,
    Notes,
    PractitionerRow,
    headings,
    read_facilities,
    read_practitioners,
)
from trucyte.shared.terminology.loaders.table import Names

_OWN: Final = 0
_UNITS_AT_ONCE: Final = 200
_PLACES_MAX: Final = 200  # of one practitioner

_WORST: Final = ("revoked", "suspended", "expired", "replaced", "in-force")
_OF_LICENCE: Final = ("state", "state_from", "state_to", "issued", "expires")

Json = dict[str, Any]
Progress = Callable[[int], None]  # lines taken
Made = tuple[int, list[Json]]  # line, resources


@dataclass(frozen=True, slots=True)
class Asked:
    """A file and what is known of it."""

    kind: Kind
    path: Path
    sheet: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # purpose -> a heading of its own
    only_check: bool = False  # write nothing


@dataclass(slots=True)
class Loaded:
    """What became of a file."""

    notes: Notes
    units: int = 0  # facilities or practitioners
    written: int = 0  # resource versions
    unchanged: int = 0


def _silent(lines: int) -> None:
    """Report to nobody."""


class Loader:
    """Writes registers. One a process."""

    def __init__(
        self,
        journal: Journal,
        checker: Validator,
        person: Callable[[str], int],
        ids: bytes,
        clock: Clock,
    ) -> None:
        """Write to `journal`; `person` is the node's keyed hash of a reference."""
        self._journal = journal
        self._checker = checker
        self._person = person
        self._ids = ids
        self._clock = clock

    def load(self, asked: Asked, progress: Progress = _silent) -> Loaded:
        """Take a file in. Raises ListFileUnreadable, ListFileTooLarge, and what commits raise."""
        loaded = Loaded(Notes())
        names = headings(asked.kind, asked.columns)
        if asked.kind is Kind.FACILITIES:
            rows = read_facilities(asked.path, loaded.notes, names, asked.sheet)
            for batch in _batches(rows):
                self._take(loaded, list(self._facilities(batch)), asked)
                progress(loaded.notes.rows)
            return loaded
        people = _by_number(asked, loaded.notes, names)
        for lines in _batches(people):
            self._take(loaded, list(self._practitioners(lines)), asked)
            progress(loaded.units)
        return loaded

    def _facilities(self, rows: Sequence[FacilityRow]) -> Iterator[Made]:
        bare = [(row, facility_resources(self._ids, row, {})) for row in rows]
        here = self._here(one for _, resources in bare for one in resources)
        for row in rows:
            yield row.line, facility_resources(self._ids, row, here)

    def _practitioners(self, people: Sequence[Sequence[PractitionerRow]]) -> Iterator[Made]:
        today = self._clock.now().astimezone(VIETNAM).date()
        bare = [practitioner_resources(self._ids, rows, {}, today) for rows in people]
        here = self._here(one for resources in bare for one in resources)
        for rows in people:
            yield rows[0].line, practitioner_resources(self._ids, rows, here, today)

    def _here(self, resources: Iterable[Json]) -> dict[str, Json]:
        """Return what is there now of these resources, by "Type/id"."""
        stored = self._stored([(_OWN, one["resourceType"], one["id"]) for one in resources])
        return {f"{key[1]}/{key[2]}": parse(line.body) for key, line in stored.items()}

    def _stored(self, keys: Sequence[tuple[int, str, str]]) -> dict[tuple[int, str, str], Stored]:
        heads = self._journal.head(keys)
        lines = self._journal.bodies(head.seq for head in heads.values())
        return {
            key: lines[head.seq]
            for key, head in heads.items()
            if head.operation is not Operation.DELETE and lines[head.seq].body
        }

    def _take(self, loaded: Loaded, made: Sequence[Made], asked: Asked) -> None:
        units: list[tuple[int, list[Change]]] = []
        for line, resources in made:
            fault = self._fault(resources)
            if fault:
                loaded.notes.fault(line, "invalid", fault)
                continue
            loaded.units += 1
            changes = self._changes(resources)
            loaded.unchanged += len(resources) - len(changes)
            if changes:
                units.append((line, changes))
        if asked.only_check:
            loaded.written += sum(len(changes) for _, changes in units)
            return
        outcomes = self._journal.commit_many([changes for _, changes in units]) if units else []
        for (line, changes), outcome in zip(units, outcomes, strict=True):
            if isinstance(outcome, Problem):
                loaded.notes.fault(line, outcome.code)
            else:
                loaded.written += len(changes)

    def _fault(self, resources: Sequence[Json]) -> str:
        """Return where the first resource breaks R4, "" where none does."""
        for resource in resources:
            for issue in self._checker.check(resource):
                if issue.severity in (Severity.ERROR, Severity.FATAL):
                    return issue.location
        return ""

    def _changes(self, resources: Sequence[Json]) -> list[Change]:
        keys = [(_OWN, one["resourceType"], one["id"]) for one in resources]
        heads, stored = self._journal.head(keys), self._stored(keys)
        changes = []
        for key, resource in zip(keys, resources, strict=True):
            accepted = accept_own(resource)
            before = stored.get(key)
            if before is not None and parse(before.body) == parse(accepted.body):
                continue
            head = heads.get(key)
            changes.append(
                Change(
                    type=key[1],
                    id=key[2],
                    operation=Operation.UPDATE if head else Operation.CREATE,
                    body=accepted.body,
                    meta_offset=accepted.meta_offset,
                    person=self._person(f"{key[1]}/{key[2]}"),
                    expected=head.version if head else 0,
                    resource=resource,
                )
            )
        return changes


def _by_number(asked: Asked, notes: Notes, names: Names) -> Iterator[Sequence[PractitionerRow]]:
    """Give the lines of each licence together; two people under one number are a fault."""
    people: dict[str, list[PractitionerRow]] = {}
    for row in read_practitioners(asked.path, notes, names, asked.sheet):
        rows = people.setdefault(row.number, [])
        if rows and row.name.casefold() != rows[0].name.casefold():
            notes.fault(row.line, "number-of-two-people", "number")
        elif len(rows) >= _PLACES_MAX:
            notes.fault(row.line, "too-many-places", "facility")
        else:
            _put(rows, row, notes)
    yield from people.values()


def _put(rows: list[PractitionerRow], row: PractitionerRow, notes: Notes) -> None:
    """Add a line; the one that tells the worst of the licence comes first and counts."""
    if rows and any(getattr(row, name) != getattr(rows[0], name) for name in _OF_LICENCE):
        notes.warn(row.line, "licence-told-differently", "state")
        if _WORST.index(row.state) < _WORST.index(rows[0].state):
            rows.insert(0, row)
            return
    rows.append(row)


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    walk = iter(items)
    while batch := list(islice(walk, _UNITS_AT_ONCE)):
        yield batch
