"""The one gate through which records are read.

Every method takes an `Access` first, compiles it into the query before any limit, and
records whose data was shown before it returns. Restricted resources never show in a
search, a count or a history of a caller who may not see them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast

from psycopg.errors import QueryCanceled

from trucyte.base.clock import VIETNAM, Clock
from trucyte.database.connect import Cursor, Database
from trucyte.fhir.parse import head, parse
from trucyte.fhir.text import with_meta
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Operation, Stored
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.index import SearchIndex
from trucyte.records.rows import sensitivity_of_label
from trucyte.records.search.asked.codes import Codes, CodesOf
from trucyte.records.search.asked.leaf import shown_name
from trucyte.records.search.compile import Conditions
from trucyte.records.search.expectation import (
    SearchExpectation,
    expectation_statement,
    is_local,
)
from trucyte.records.search.links import Links
from trucyte.records.search.match import Matcher
from trucyte.records.search.page_token import PageExpired, PageSeal, PageState
from trucyte.records.search.permission import permitted
from trucyte.records.search.query import Query, read_query
from trucyte.records.search.steps import count_statement, page_statement
from trucyte.records.shown import (
    HistoryPage,
    Page,
    Resource,
    ResourceGone,
    ResourceNotFound,
    ResourceRestricted,
    SearchTooSlow,
    TimelineEntry,
    UnknownType,
)
from trucyte.records.statements import statements

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What a search may cost at most: those that ask what is *not* there look at every row.
SECONDS_MAX = 30
# For what links keep hashed: many tokens of many resources.
HASHED_MEGABYTES = 32
_OWN = 0  # the origin of this node's own resources
# Lines one page of a history looks at, so that a rare type cannot ask for all of them.
_HISTORY_LINES_MAX = 20_000

Row = tuple[int, int | None, int]  # seq, date_low, person


class Records:
    """What is true now, and what was."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        index: SearchIndex,
        clock: Clock,
        key: bytes,
        *,
        codes: Codes | None = None,
    ) -> None:
        """Take the index that the journal keeps, and the node's index key.

        `codes` answers searches by value sets and hierarchies; without it they are refused.
        """
        self._database = database
        self._journal = journal
        self._index = index
        self._clock = clock
        self._seal = PageSeal(key)
        self._codes = codes

    def read(self, access: Access, type: str, id: str) -> Resource:
        """Return the current version.

        Raises ResourceNotFound, ResourceGone, ResourceRestricted.
        """
        _check_type(type)
        key = (_OWN, type, id)
        current = self._journal.head([key]).get(key)
        if current is None:
            raise ResourceNotFound(type=type)
        if current.operation is Operation.DELETE:
            raise ResourceGone(type=type)
        stored = self._journal.bodies([current.seq]).get(current.seq)
        if stored is None or not stored.body:
            raise ResourceGone(type=type)
        # The current version's own label is the resource's.
        if _label(stored) and not access.sees_restricted:
            raise ResourceRestricted(type=type)
        return self._shown(access, [stored], f"read {type}")[0]

    def read_version(self, access: Access, type: str, id: str, version: int) -> Resource:
        """Return one version, also of a resource that was deleted later.

        Raises as `read`. Who may not see what is restricted now may not see what it was.
        """
        _check_type(type)
        stored = self._journal.version(_OWN, type, id, version)
        if stored is None:
            raise ResourceNotFound(type=type)
        self._check_shown(access, [stored])
        if not stored.body:
            raise ResourceGone(type=type)
        return self._shown(access, [stored], f"vread {type}")[0]

    def history(
        self,
        access: Access,
        type: str | None = None,
        id: str | None = None,
        *,
        count: int = 50,
        before: int | None = None,
    ) -> HistoryPage:
        """Return versions, newest first: of one resource, of a type, or of all.

        Raises ResourceNotFound, ResourceRestricted for one resource; of many, what is
        restricted is left out.
        """
        if type is not None:
            _check_type(type)
        if id is not None:
            assert type is not None
            return self._history_of_one(access, type, id, count, before)
        limit = {"before": before or (1 << 62), "count": count, "lines": _HISTORY_LINES_MAX}
        name = "history" if type is None else "history_of_type"
        with self._reading() as cursor:
            cursor.execute(statements()[name], {**limit, "type": TYPE_NUMBERS.get(type or "", 0)})
            rows = cursor.fetchall()
        seqs = [row[0] for row in rows if row[1]]
        bodies = self._journal.bodies(seqs)
        lines = [bodies[seq] for seq in seqs if seq in bodies]
        visible = self._visible(access, lines)
        # A row that is not wanted only says how far the walk came.
        goes_on = len(seqs) == count or len(seqs) < len(rows)
        following = rows[-1][0] if goes_on else None
        return HistoryPage(tuple(self._shown(access, visible, f"history {type or '*'}")), following)

    def search(
        self,
        access: Access,
        type: str,
        query: Sequence[tuple[str, str]],
        *,
        lenient: bool = False,
    ) -> Page:
        """Return the first page of what meets the query, newest first unless sorted.

        `query` has decoded names and values in their order. Raises a Problem that names the
        parameter where one is unknown, not supported or has a bad value; `lenient` leaves out
        those that are unknown or not supported, and the page names them.
        """
        _check_type(type)
        read = self._read_query(access, type, query, lenient=lenient)
        query = [pair for pair in query if pair[0] not in read.ignored]
        now = self._now()
        with self._reading() as cursor:
            snapshot, epoch, _ = self._position(cursor)
            links = self._links(cursor, access, now)
            total = self._count(links, read) if read.total or read.only_count else None
            if read.only_count:
                access.recorder.shown(access, (), f"count {type}")
                return Page((), None, total, _shown_names(read))
            rows = self._rows(links, read, snapshot, None)
        state = PageState(type, tuple(query), snapshot, epoch, 0, None, now)
        return self._page(access, read, state, links, rows, total)

    def next_page(self, access: Access, token: str) -> Page:
        """Return the page behind the one that gave `token`, as of that search's position.

        Neither writes nor restarts shift it: a resource changed since shows as it was, a
        deleted or newly restricted one not at all. Raises PageTokenUnknown, PageExpired.
        """
        state = self._seal.open(token)
        read = self._read_query(access, state.type, state.pairs)
        with self._reading() as cursor:
            _, epoch, horizon = self._position(cursor)
            if epoch != state.epoch or state.snapshot < horizon:
                raise PageExpired()
            links = self._links(cursor, access, state.now, at=state.snapshot)
            rows = self._rows(links, read, state.snapshot, state)
        return self._page(access, read, state, links, rows, None)

    def timeline(
        self, access: Access, person: int, *, count: int = 1000
    ) -> tuple[TimelineEntry, ...]:
        """Return a person's resources, the newest date first; restricted ones as stubs."""
        with self._reading() as cursor:
            cursor.execute(statements()["timeline"], {"person": person, "count": count})
            rows = cursor.fetchall()
        bodies = self._journal.bodies([row[0] for row in rows])
        hidden = {row[0] for row in rows if row[2] and not access.sees_restricted}
        open_lines = [s for seq, s in bodies.items() if seq not in hidden and s.body]
        shown = {r.seq: r for r in self._shown(access, open_lines, "timeline", person)}
        return tuple(
            TimelineEntry(
                type=bodies[seq].entry.type,
                id=bodies[seq].entry.id,
                month=_month(date_low),
                restricted=seq in hidden,
                resource=shown.get(seq),
            )
            for seq, date_low, _ in rows
            if seq in bodies and (seq in hidden or seq in shown)
        )

    def expectation(
        self, access: Access, type: str, pairs: Sequence[tuple[str, str]], *, limit: int = 2
    ) -> SearchExpectation:
        """Return what meets a query now, of all in the caller's scope, also restricted.

        For a conditional write to rest on: it shows nothing of what it finds. `expected` has
        at most `limit`; as many as that is not all. Raises as `search` does.
        """
        _check_type(type)
        query = self._read_query(access, type, pairs)
        now, widened = self._now(), replace(access, sees_restricted=True)

        def compiled(cursor: Cursor) -> tuple[str, Mapping[str, Any]]:
            conditions, built = self._conditions(self._links(cursor, widened, now), query)
            return expectation_statement(type, built, limit, _OWN), conditions.bound.values

        with self._reading() as cursor:
            links = self._links(cursor, widened, now)
            matcher = Matcher(
                type, query.criteria, self._index.extractor.parameters(type), now, links
            )
            expectation = SearchExpectation(
                type=type,
                origin=_OWN,
                compiled=compiled,
                matches=matcher.matches,
                extractor=self._index.extractor,
                limit=limit,
                is_local=is_local(query.criteria),
            )
            return expectation.asked(cursor)

    def visible(self, access: Access, lines: Sequence[Stored]) -> list[Stored]:
        """Return those lines that the caller may see now; nothing is shown by that."""
        return self._visible(access, lines)

    # Searching

    def _read_query(
        self,
        access: Access,
        type_name: str,
        pairs: Sequence[tuple[str, str]],
        *,
        lenient: bool = False,
    ) -> Query:
        codes = None
        if self._codes is not None:
            codes = CodesOf(self._codes, lambda id_: parse(self.read(access, "ValueSet", id_).body))
        extractor = self._index.extractor
        return read_query(type_name, pairs, extractor, codes=codes, lenient=lenient)

    def _links(self, cursor: Cursor, access: Access, now: int, at: int | None = None) -> Links:
        """Return what links of one search are asked through, with the caller's permission."""
        return Links(
            cursor=cursor,
            journal=self._journal,
            extractor=self._index.extractor,
            hasher=self._index.hasher,
            origin=_OWN,
            now=now,
            permitted=lambda bound: permitted(access, bound, _OWN),
            at=at,
            seconds_max=SECONDS_MAX,
        )

    def _conditions(self, links: Links, query: Query) -> tuple[Conditions, list[str]]:
        """Return the criteria, and what the caller may see, as conditions of one query."""
        conditions = links.conditions(query.type)
        return conditions, [
            *conditions.build(query.criteria),
            *links.permitted(conditions.bound),
        ]

    def _count(self, links: Links, query: Query) -> int:
        conditions, built = self._conditions(links, query)
        _execute(links.cursor, count_statement(built), conditions)
        row = links.cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _rows(
        self, links: Links, query: Query, snapshot: int, after: PageState | None
    ) -> list[Row]:
        conditions, built = self._conditions(links, query)
        statement = page_statement(query, conditions, built, snapshot, after)
        _execute(links.cursor, statement, conditions)
        return cast(list[Row], links.cursor.fetchall())

    def _page(
        self,
        access: Access,
        query: Query,
        state: PageState,
        links: Links,
        rows: Sequence[Row],
        total: int | None,
    ) -> Page:
        """Look at the bodies again, and seal where the next page goes on."""
        kept = rows[: query.count]
        token = None
        if len(rows) > query.count:
            seq, key, _ = kept[-1]
            following = PageState(
                state.type, state.pairs, state.snapshot, state.epoch, seq, key, state.now
            )
            token = self._seal.seal(following)
        extractor = self._index.extractor
        parameters = extractor.parameters(query.type)
        matcher = Matcher(query.type, query.criteria, parameters, state.now, links)
        bodies = self._journal.bodies([row[0] for row in kept])
        lines = [bodies[row[0]] for row in kept if row[0] in bodies and bodies[row[0]].body]
        met = [
            line
            for line in lines
            if line.entry.type == query.type
            and matcher.matches(line.entry.id, extractor.values(parse(line.body)))
        ]
        shown = self._shown(access, met, f"search {query.type}")
        return Page(tuple(shown), token, total, _shown_names(query))

    def _position(self, cursor: Cursor) -> tuple[int, int, int]:
        row = cursor.execute(statements()["position"]).fetchone()
        assert row is not None
        return row[0], row[1], row[2]

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        """Lend a cursor that sees one moment."""
        with self._database.connection() as connection, connection.cursor() as cursor:
            cursor.execute(
                "set transaction isolation level repeatable read, read only;"
                f"set local statement_timeout = {SECONDS_MAX * 1000};"
                f"set local work_mem = '{HASHED_MEGABYTES}MB';"
                # Workers would be started for steps that are then not needed.
                "set local max_parallel_workers_per_gather = 0"
            )
            try:
                yield cursor
            except QueryCanceled as error:
                raise SearchTooSlow(seconds=SECONDS_MAX) from error

    # Permission

    def _check_shown(self, access: Access, lines: Sequence[Stored]) -> None:
        if len(self._visible(access, lines)) < len(lines):
            raise ResourceRestricted(type=lines[0].entry.type)

    def _visible(self, access: Access, lines: Sequence[Stored]) -> list[Stored]:
        """Return the lines whose own label and whose resource's present one allow it."""
        if access.sees_restricted or not lines:
            return list(lines)
        keys = {(s.entry.origin, s.entry.type, s.entry.id) for s in lines}
        heads = self._journal.head(keys)
        with self._reading() as cursor:
            seqs = [place.seq for place in heads.values()]
            cursor.execute(statements()["sensitivity"], {"seqs": seqs})
            labels = dict(cursor.fetchall())
        hidden = {key for key, place in heads.items() if labels.get(place.seq, 0)}
        for key in keys - hidden:
            place = heads.get(key)
            # Nothing is left of a deleted resource in the index: ask all its versions.
            if place is not None and place.seq not in labels and self._was_restricted(key):
                hidden.add(key)
        return [
            line
            for line in lines
            if (line.entry.origin, line.entry.type, line.entry.id) not in hidden
            and not _label(line)
        ]

    def _was_restricted(self, key: tuple[int, str, str]) -> bool:
        return any(_label(line) for line in self._journal.history(*key))

    def _history_of_one(
        self, access: Access, type_name: str, id_: str, count: int, before: int | None
    ) -> HistoryPage:
        lines = self._journal.history(_OWN, type_name, id_)
        if not lines:
            raise ResourceNotFound(type=type_name)
        visible = self._visible(access, lines)
        if not visible:
            raise ResourceRestricted(type=type_name)
        wanted = [s for s in visible if before is None or s.entry.seq < before]
        following = wanted[count - 1].entry.seq if len(wanted) > count else None
        shown = self._shown(access, wanted[:count], f"history {type_name}")
        return HistoryPage(tuple(shown), following)

    def _shown(
        self, access: Access, lines: Sequence[Stored], reason: str, *persons: int
    ) -> list[Resource]:
        """Leave the trail, then give out."""
        seen = tuple(line.entry.person for line in lines)
        access.recorder.shown(access, seen or persons, reason)
        return [_resource(line) for line in lines]

    def _now(self) -> int:
        return (self._clock.now() - _EPOCH) // _MICROSECOND


def _shown_names(query: Query) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shown_name(name) for name in query.ignored))


def _execute(cursor: Cursor, statement: LiteralString, conditions: Conditions) -> None:
    # The text holds names and operators of `compile` and `steps` alone; values are parameters.
    # Never prepared: a plan must know its values.
    cursor.execute(statement, conditions.bound.values, prepare=False)


def _check_type(type_name: str) -> None:
    if type_name not in TYPE_NUMBERS:
        known = type_name.isascii() and type_name.isalpha() and len(type_name) < 64
        raise UnknownType(type=type_name if known else "(unreadable)")


def _label(line: Stored) -> int:
    if not line.body:
        return 0
    labels = head(line.body).meta.security
    return max((sensitivity_of_label(label.system, label.code) for label in labels), default=0)


def _resource(line: Stored) -> Resource:
    entry = line.entry
    body = line.body
    if body:
        moment = entry.accepted_at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
        body = with_meta(body, line.meta_offset, entry.version, moment)
    return Resource(
        entry.type,
        entry.id,
        entry.version,
        entry.accepted_at,
        body,
        entry.person,
        entry.seq,
        entry.source,
        entry.row,
    )


def _month(date_low: int | None) -> str | None:
    if date_low is None or date_low == -(1 << 63):
        return None
    return (_EPOCH + timedelta(microseconds=date_low)).astimezone(VIETNAM).strftime("%Y-%m")
