"""Walk everything a caller may see, in the journal's order: what bulk exports are made of.

A walk stands at one position. A resource changed behind it is given as it was there, as
long as `records.ended` keeps that row (an hour at least, and longer while an export holds
it); one deleted or newly restricted behind it is left out. Parts of a walk are ranges of
seq: walked apart, by several processes or after a crash, they give together what one walk
would, each resource once. State secrets (Decision 440/QĐ-TTg) are in no walk, whoever asks.

Little is done for a row: the body is expanded, and version and time are put in as bytes.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from trucyte.base.clock import VIETNAM, Clock, SystemClock
from trucyte.database.connect import Cursor, Database, problems_of_the_server
from trucyte.fhir.parse import parse
from trucyte.fhir.text import meta_fields, with_fields
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.change import Position
from trucyte.journal.journal import Journal
from trucyte.journal.rows import binary_cursor
from trucyte.records.access import Access
from trucyte.records.index import SearchIndex
from trucyte.records.others import Others
from trucyte.records.persons.following import persons_with
from trucyte.records.results.sight import Sight
from trucyte.records.search.bound import Parameters
from trucyte.records.search.links import Links
from trucyte.records.search.match import Matcher
from trucyte.records.search.permission import Basis, belonging, permitted
from trucyte.records.search.query import Query, read_query
from trucyte.records.statements import statements

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = 0  # the origin of this node's own resources
_TIMES_MAX = 100_000
_ROWS = 2000

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources a walk is about."""

    types: tuple[str, ...] = ()  # empty: all
    persons: tuple[int, ...] | None = None  # person keys; None: everyone's and nobody's
    of_patients: bool = False  # only what belongs to a Patient of this node
    # Searches by type: one of them must be met. Types without any are taken whole.
    filters: Mapping[str, tuple[Pairs, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """Positions from `first` to `last`, both in."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Line:
    """One resource as it is sent, without a line end."""

    seq: int
    type: str
    person: int
    body: bytes  # one line of JSON, with `meta.versionId` and `meta.lastUpdated`


@dataclass(frozen=True, slots=True)
class Deleted:
    """A resource that is no more."""

    seq: int
    type: str
    id: str
    person: int


class Walker:
    """Walks for one process; not to be shared between threads."""

    def __init__(
        self, database: Database, journal: Journal, index: SearchIndex, clock: Clock | None = None
    ) -> None:
        """Read from `database`; bodies are expanded as `journal` packed them.

        `clock` tells when relations and consents are asked; without it, the system's.
        """
        self._clock = clock or SystemClock()
        self._database = database
        self._journal = journal
        self._index = index
        self._fields: dict[tuple[int, int], bytes] = {}  # (accepted at, version) -> meta

    def position(self) -> Position:
        """Return where a walk that begins now would stand."""
        return self._journal.position()

    def position_after(self, moment: datetime) -> int:
        """Return the first position whose lines were accepted after a moment."""
        with self._database.connection() as connection:
            row = connection.execute(statements()["position_after"], {"moment": moment}).fetchone()
        assert row is not None
        return int(row[0])

    def horizon(self) -> int:
        """Return the position before which what was replaced is forgotten."""
        with self._database.connection() as connection:
            row = connection.execute(statements()["position"]).fetchone()
        assert row is not None
        return int(row[2])

    def check_filters(
        self, access: Access, filters: Mapping[str, Sequence[Pairs]], now: int
    ) -> None:
        """Raise the Problem of a search that cannot be asked; `now` in µs since 1970."""
        access = access.leaving()
        with self._database.connection() as connection, connection.cursor() as cursor:
            links = self._links(access, cursor, now)
            for type_name, alternatives in filters.items():
                for pairs in alternatives:
                    self._compiled(self._read(type_name, pairs), links, Parameters())

    def lines(
        self, access: Access, selection: Selection, span: Span, *, snapshot: int, now: int
    ) -> Generator[list[Line], None, None]:
        """Yield what the caller may see of a selection within `span`, in chunks.

        What stands at position `snapshot`; `now` (µs since 1970) decides what is
        approximately. Whoever takes the lines writes the trail.
        """
        access = access.leaving()
        with problems_of_the_server(), self._database.connection() as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            connection.execute("set local cursor_tuple_fraction = 1")
            with binary_cursor(connection, "walk") as cursor, connection.cursor() as asking:
                links = self._links(access, asking, now, at=snapshot)
                selection = _with_circles(asking, selection)
                statement, bound = self._statement(access, selection, span, snapshot, links)
                matchers = self._matchers(selection, links)
                cursor.execute(statement, bound.values)
                chosen = selection.persons
                others = Others(self._index, frozenset(chosen)) if chosen is not None else None
                while rows := cursor.fetchmany(_ROWS):
                    lines = self._lines(rows)
                    if others is not None:
                        lines = [one for one in lines if not others.has(one.type, one.body)]
                    yield _met(lines, matchers, self._index) if matchers else lines

    def deleted(self, access: Access, selection: Selection, span: Span) -> list[Deleted]:
        """Return what was deleted within `span` and is still, as far as the caller may know.

        What was ever restricted is left out for a caller who may not see it.
        """
        access = access.leaving()
        types = set(selection.types or RESOURCE_TYPES)
        bound = Parameters({"first": span.first, "last": span.last})
        seen = "".join(
            f" and {part}"
            for part in belonging(access, bound, "change", self._basis(), letters="s")
        )
        text = f"{statements()['ended_lines']}{seen} order by change.seq"
        with self._database.connection() as connection, connection.cursor() as cursor:
            selection = _with_circles(cursor, selection)
            rows = cursor.execute(text.encode(), bound.values).fetchall()
            persons = None if selection.persons is None else set(selection.persons)
            found = [
                one
                for seq, number, id_, person in rows
                if (one := Deleted(seq, RESOURCE_TYPES[number - 1], id_, person)).type in types
                and (persons is None or one.person in persons)
            ]
            extractor = self._index.extractor
            sight = Sight(access, self._basis(), extractor, self._journal, connection, "s")
            return [one for one in found if sight.sees_gone(one.type, one.id, one.person)]

    def _basis(self) -> Basis:
        now = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        return Basis(now, self._index.extractor, self._index.hasher, is_whole=True)

    def _lines(self, rows: Sequence[tuple[Any, ...]]) -> list[Line]:
        expand, fields = self._journal.codec.decompress, self._fields
        made = []
        for seq, number, person, version, at, offset, packing, stored in rows:
            meta = fields.get((at, version)) or self._meta(at, version)
            body = with_fields(expand(packing, stored), offset, meta)
            # Between tokens alone can there be an end of line: in texts it is escaped.
            if b"\n" in body or b"\r" in body:
                body = body.replace(b"\n", b" ").replace(b"\r", b" ")
            made.append(Line(seq, RESOURCE_TYPES[number - 1], person, body))
        return made

    def _meta(self, at: int, version: int) -> bytes:
        """Return the fields of a version; a commit gives many lines one time."""
        if len(self._fields) >= _TIMES_MAX:
            self._fields.clear()
        moment = (_EPOCH + timedelta(microseconds=at)).astimezone(VIETNAM)
        made = meta_fields(version, moment.isoformat(timespec="milliseconds"))
        self._fields[at, version] = made
        return made

    # The query

    def _statement(
        self, access: Access, selection: Selection, span: Span, snapshot: int, links: Links
    ) -> tuple[str, Parameters]:
        bound = Parameters()
        conditions = [
            f"e.seq between {bound.add(span.first, 'bigint')} and {bound.add(span.last, 'bigint')}",
            *permitted(access, bound, _OWN, self._basis()),
            *self._selected(access, selection, links, bound),
        ]
        place = bound.add(snapshot, "bigint")
        current = [*conditions, f"e.seq <= {place}"]
        was = [*current, f"e.ended > {place}"]
        return (
            f"{_select('records.entry', current)} union all {_select('records.ended', was)}",
            bound,
        )

    def _selected(
        self, access: Access, selection: Selection, links: Links, bound: Parameters
    ) -> list[str]:
        conditions = []
        if selection.types:
            numbers = [TYPE_NUMBERS[name] for name in selection.types]
            conditions.append(f"e.type = any({bound.add(numbers, 'smallint[]')})")
        if selection.persons is not None:
            conditions.append(f"e.person = any({bound.add(list(selection.persons), 'bigint[]')})")
        if selection.of_patients:
            patient = bound.add(TYPE_NUMBERS["Patient"], "smallint")
            # A patient that the caller may not see draws nothing in.
            seen = " and ".join(
                [f"e.type = {patient}", *permitted(access, bound, _OWN, self._basis())]
            )
            conditions.append(f"e.person in (select e.person from records.entry e where {seen})")
        for type_name, alternatives in selection.filters.items():
            asked = " or ".join(
                self._compiled(self._read(type_name, pairs), links, bound) for pairs in alternatives
            )
            number = bound.add(TYPE_NUMBERS[type_name], "smallint")
            conditions.append(f"(e.type <> {number} or {asked})")
        return conditions

    def _links(self, access: Access, cursor: Cursor, now: int, at: int | None = None) -> Links:
        """Return what links of filters are asked through, with the caller's permission."""
        return Links(
            cursor=cursor,
            journal=self._journal,
            extractor=self._index.extractor,
            hasher=self._index.hasher,
            origin=_OWN,
            now=now,
            permitted=lambda bound, type: permitted(access, bound, _OWN, self._basis(), type=type),
            at=at,
        )

    def _read(self, type_name: str, pairs: Pairs) -> Query:
        return read_query(type_name, pairs, self._index.extractor)

    def _compiled(self, query: Query, links: Links, bound: Parameters) -> str:
        return f"({' and '.join(links.conditions(query.type, bound).build(query.criteria))})"

    def _matchers(self, selection: Selection, links: Links) -> dict[str, list[Matcher]]:
        """Return what looks again at bodies that were found by hashes."""
        extractor = self._index.extractor
        return {
            name: [
                Matcher(
                    name, self._read(name, p).criteria, extractor.parameters(name), links.now, links
                )
                for p in pairs
            ]
            for name, pairs in selection.filters.items()
        }


def _with_circles(cursor: Cursor, selection: Selection) -> Selection:
    """Return the selection with all who are one person with one of its persons."""
    if selection.persons is None:
        return selection
    return replace(selection, persons=tuple(persons_with(cursor, selection.persons)))


def _select(table: str, conditions: Sequence[str]) -> str:
    return (
        "select e.seq, e.type, e.person, c.version, c.accepted_at, c.meta_offset, c.codec, c.body"
        f" from {table} e join journal.change c on c.seq = e.seq"
        f" where {' and '.join(conditions)} and c.body <> ''"
    )


def _met(
    lines: Sequence[Line], matchers: Mapping[str, Sequence[Matcher]], index: SearchIndex
) -> list[Line]:
    met = []
    for line in lines:
        alternatives = matchers.get(line.type)
        if alternatives is not None:
            resource = parse(line.body)
            values = index.extractor.values(resource)
            if not any(one.matches(resource["id"], values) for one in alternatives):
                continue
        met.append(line)
    return met


def spans(first: int, last: int, *, size: int) -> list[Span]:
    """Return the ranges of at most `size` positions that `first` to `last` fall into."""
    return [Span(at, min(last, at + size - 1)) for at in _steps(first, last, size)]


def _steps(first: int, last: int, size: int) -> Iterator[int]:
    for at in count(first, size):
        if at > last:
            return
        yield at
