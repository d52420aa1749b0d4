"""Searches: criteria and wishes become one statement, its rows are looked at again.

A plain search is one round trip: where the journal stands, the page's rows and their
lines come in one answer. Links, totals and what comes along are asked in one moment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from msgspec import structs

from trucyte.base.clock import Clock
from trucyte.database.connect import READING_SECONDS_MAX, Connection, Cursor, Database
from trucyte.fhir.definitions import Compartment
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.journal import Journal
from trucyte.journal.rows import line_of
from trucyte.records.access import Access
from trucyte.records.index import SearchIndex
from trucyte.records.parameters.plan import Vocabulary
from trucyte.records.persons.following import circles_column, read_circles, references
from trucyte.records.results import by_body
from trucyte.records.results.asking import Search
from trucyte.records.results.compartments import types_within, within
from trucyte.records.results.include import Gathering, Included
from trucyte.records.results.kept import Kept, KeptLines
from trucyte.records.results.lines import OWN, check_type, microseconds, reading, resource_of
from trucyte.records.results.order import Order, order_of
from trucyte.records.results.sight import Sight
from trucyte.records.results.traits import (
    are_several,
    brings_lines,
    is_few,
    is_several_statements,
    is_told_by_index,
    named_numbers,
)
from trucyte.records.results.wishes import Include, Total
from trucyte.records.search.asked.codes import CodesOf
from trucyte.records.search.asked.leaf import BadSearchValue, shown_name
from trucyte.records.search.bound import NOTHING, Parameters, any_of
from trucyte.records.search.expectation import (
    SearchExpectation,
    expectation_statement,
    is_local,
)
from trucyte.records.search.links import Links
from trucyte.records.search.match import Matcher
from trucyte.records.search.page_token import Key, PageExpired, PageSeal, PageState
from trucyte.records.search.permission import Basis, permitted, sees_statistics
from trucyte.records.search.query import Query, read_query
from trucyte.records.search.steps import NO_CIRCLES, Asked, count_statement, page_statement
from trucyte.records.shown import Page, SearchTooSlow

CodesFor = Callable[[Access], CodesOf | None]
Pairs = Sequence[tuple[str, str]]
FOLLOWS_MAX = 8  # times that links may change while one search looks


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a page: its sort keys and its line."""

    keys: tuple[Key, ...]
    kept: Kept

    @property
    def seq(self) -> int:
        """Its place in the journal."""
        return self.kept.line.entry.seq


@dataclass(slots=True)
class Finder:
    """Answers searches."""

    database: Database
    journal: Journal
    index: SearchIndex
    clock: Clock
    seal: PageSeal
    codes: CodesFor
    compartments: Mapping[str, Compartment]
    kept: KeptLines

    def first(
        self,
        access: Access,
        type: str,
        pairs: Pairs,
        compartment: tuple[str, ...] = (),
        *,
        lenient: bool = False,
    ) -> Page:
        """Return the first page."""
        return self.index.book.answered(
            self.database,
            lambda words: self._first(words, access, type, pairs, compartment, lenient=lenient),
        )

    def _first(
        self,
        words: Vocabulary,
        access: Access,
        type: str,
        pairs: Pairs,
        compartment: tuple[str, ...],
        *,
        lenient: bool,
    ) -> Page:
        queries = self.read(access, type, pairs, compartment, lenient=lenient, words=words)
        ignored = {name for query in queries.values() for name in query.ignored}
        pairs = [pair for pair in pairs if pair[0] not in ignored]
        now = microseconds(self.clock.now())
        with self._searching(access, type, queries, now, None) as search:
            if search.wishes.only_count:
                total: int | None = self._counted(search)
                access.recorder.shown(access, (), f"count {type or '*'}")
                return Page((), None, total, ignored_names(queries), count=0)
            position, rows = self._rows(search)
            total = self._total(search)
            state = PageState(type, tuple(pairs), compartment, position[0], position[1], 0, (), now)
            return self._page(search, state, rows, total)

    def following(self, access: Access, token: str) -> Page:
        """Return the page behind another."""
        return self.index.book.answered(
            self.database, lambda words: self._following(words, access, token)
        )

    def _following(self, words: Vocabulary, access: Access, token: str) -> Page:
        state = self.seal.open(token, PageState)
        queries = self.read(access, state.type, state.pairs, state.compartment, words=words)
        with self._searching(access, state.type, queries, state.now, state) as search:
            position, rows = self._rows(search)
            if position[1] != state.epoch or state.snapshot < position[2]:
                raise PageExpired()
            return self._page(search, state, rows, None)

    # Who asks

    def basis(self) -> Basis:
        """Return what accesses are compiled by, now."""
        return Basis(microseconds(self.clock.now()), self.index.extractor, self.index.hasher)

    def sight(self, access: Access, connection: Connection, letters: str = "r") -> Sight:
        """Return what looks at lines of the journal for a caller, by one of some letters."""
        extractor = self.index.extractor
        return Sight(access, self.basis(), extractor, self.journal, connection, letters)

    # Reading what is asked

    def read(
        self,
        access: Access,
        type: str,
        pairs: Pairs,
        compartment: tuple[str, ...],
        *,
        lenient: bool = False,
        words: Vocabulary | None = None,
    ) -> dict[str, Query]:
        """Return what is asked of each type; raises a Problem that names the parameter."""
        words = words or self.index.book.words(self.database)
        if type:
            check_type(type)
        types, rest = ((type,), pairs) if type else self._types(pairs, compartment)
        codes = self.codes(access)
        queries = {}
        for name in types:
            query = read_query(name, rest, words, codes=codes, lenient=lenient)
            if compartment:
                place = (compartment[0], compartment[1])
                node = within(self.compartments, place, name, self.index.extractor)
                query = replace(query, criteria=(node, *query.criteria))
            queries[name] = query
        _check_sort(queries)
        return queries

    def _types(self, pairs: Pairs, compartment: tuple[str, ...]) -> tuple[Sequence[str], Pairs]:
        """Return the types of a search on several, and the other parameters."""
        every: Sequence[str] = RESOURCE_TYPES
        if compartment:
            every = types_within(self.compartments, compartment[0])
        named = [text for name, text in pairs if name == "_type"]
        if not named:
            return every, pairs
        types = dict.fromkeys(part for text in named for part in text.split(","))
        for part in types:
            if part not in TYPE_NUMBERS:
                raise BadSearchValue(parameter="_type", expected="resource type")
        rest = [pair for pair in pairs if pair[0] != "_type"]
        return [part for part in types if part in every], rest

    @contextmanager
    def _searching(
        self,
        access: Access,
        type: str,
        queries: Mapping[str, Query],
        now: int,
        after: PageState | None,
    ) -> Iterator[Search]:
        """Read in one moment where one statement is not all."""
        several = any(is_several_statements(query) for query in queries.values())
        with reading(self.database, one_moment=several) as cursor:
            links = self.links(cursor, access, now, after.snapshot if after else None)
            links.follows = not next(iter(queries.values())).wishes.is_exact
            search = Search(access, type, queries, links, after)
            self.compile(search)
            yield search

    def links(self, cursor: Cursor, access: Access, now: int, at: int | None) -> Links:
        """Return what links of one search are asked through, with the caller's permission."""
        return Links(
            cursor=cursor,
            journal=self.journal,
            extractor=self.index.extractor,
            hasher=self.index.hasher,
            origin=OWN,
            now=now,
            permitted=lambda bound, type: permitted(access, bound, OWN, self.basis(), type=type),
            at=at,
        )

    def compile(self, search: Search) -> None:
        """Make the conditions of a search, and what the caller may see."""
        built = []
        search.bound, search.dated = Parameters(), []
        for name, query in search.queries.items():
            conditions = search.links.conditions(name, search.bound)
            own = conditions.build(query.criteria)
            if search.type:
                search.dated = conditions.dated
                search.conditions = own
                break
            number = search.bound.add(TYPE_NUMBERS[name], "smallint")
            built.append(
                NOTHING if NOTHING in own else f"(e.type = {number} and {' and '.join(own)})"
            )
        if not search.type:
            search.conditions = [any_of(built)]
        basis = replace(self.basis(), is_whole=search.wishes.only_count)
        seen = permitted(search.access, search.bound, OWN, basis, type=search.type)
        search.conditions = [*search.conditions, *seen]

    def expectation(self, access: Access, type: str, pairs: Pairs, limit: int) -> SearchExpectation:
        """Return what meets a query now; see `Records.expectation`."""
        check_type(type)
        return self.index.book.answered(
            self.database, lambda words: self._expectation(words, access, type, pairs, limit)
        )

    def _expectation(
        self, words: Vocabulary, access: Access, type: str, pairs: Pairs, limit: int
    ) -> SearchExpectation:
        query = self.read(access, type, pairs, (), words=words)[type]
        now, widened = microseconds(self.clock.now()), replace(access, sees_restricted=True)

        def compiled(cursor: Cursor) -> tuple[str, Mapping[str, Any]]:
            # What is written rests on what was said, not on who may be one person.
            far = self.links(cursor, widened, now, None)
            far.follows = False
            search = Search(widened, type, {type: query}, far, None)
            self.compile(search)
            return expectation_statement(type, search.conditions, limit, OWN), search.bound.values

        with reading(self.database, one_moment=True) as cursor:
            links = self.links(cursor, widened, now, None)
            links.follows = False
            parameters = self.index.extractor.parameters(type)
            expectation = SearchExpectation(
                type=type,
                origin=OWN,
                compiled=compiled,
                matches=Matcher(type, query.criteria, parameters, now, links).matches,
                extractor=self.index.extractor,
                limit=limit,
                is_local=is_local(query.criteria),
            )
            return expectation.asked(cursor)

    # Statements

    def statement(self, search: Search) -> tuple[str, Order]:
        """Return the statement of a page, and its order."""
        name, query = next(iter(search.queries.items()))
        parameters = self.index.extractor.parameters(name)
        order = order_of(name, query.wishes.sort, parameters, search.bound)
        count = by_body.ROWS_MAX if order.is_by_body else query.wishes.count
        asked = Asked(
            search.conditions,
            search.dated,
            search.type,
            is_several=bool(search.type) and are_several(query.criteria),
            is_few=bool(search.type) and is_few(query),
            is_linked=query.is_linked,
            circles=self.circles_column(search),
            brings_lines=brings_lines(query),
        )
        return page_statement(asked, order, search.bound, count, search.after), order

    def circles_column(self, search: Search) -> str:
        """Return the column that tells who is one person with those whom a search names."""
        ids = search.named()
        if not ids:
            return NO_CIRCLES
        known = references(self.index.hasher, ids)
        return circles_column(search.bound.add(known, "bigint[]"))

    def _agreed(
        self, search: Search, ask: Callable[[], Sequence[Any]], place: int
    ) -> Sequence[Any]:
        """Ask until the answer rests on the links of its own moment; nearly always once.

        `place` is where a row has the circles. Raises SearchTooSlow.
        """
        for _ in range(FOLLOWS_MAX):
            rows = ask()
            circles = read_circles(rows[0][place])
            if circles == search.circles:
                return rows
            search.follow(circles)
            self.compile(search)
        raise SearchTooSlow(seconds=READING_SECONDS_MAX)

    def _rows(self, search: Search) -> tuple[tuple[int, int, int], list[Row]]:
        """Return (journal position, epoch, horizon) and the page's rows, one more than asked."""
        orders: list[Order] = []

        def ask() -> Sequence[Any]:
            text, order = self.statement(search)
            orders[:] = [order]
            # A plan must know its values, but where ids are: one is as rare as another.
            search.links.cursor.execute(
                text.encode(), search.bound.values, prepare=_asks_ids_alone(search)
            )
            return search.links.cursor.fetchall()

        rows = self._agreed(search, ask, 3)
        (order,) = orders
        position = cast(tuple[int, int, int], rows[0][:3])
        begin = 4 + len(order.keys)
        there = [row for row in rows if row[begin] is not None]
        lines = self._lines(search.links.cursor, position[1], [row[begin:] for row in there])
        found = [Row(row[4:begin], lines[row[begin]]) for row in there if row[begin] in lines]
        if order.is_by_body:
            found = by_body.ordered(
                found, search.wishes.sort, order, self.index.extractor, search.after
            )[: search.wishes.count + 1]
        return position, found

    def _lines(
        self, cursor: Cursor, epoch: int, places: Sequence[tuple[Any, ...]]
    ) -> dict[int, Kept]:
        """Return the lines of rows by their seq, which come with their columns or alone."""
        known = self.kept.known(epoch, (place[0] for place in places))
        if len(known) == len(places):
            return known
        columns = [place for place in places if place[0] not in known]
        codec = self.journal.codec
        if len(columns[0]) > 1:
            lines = [line_of(row, codec) for row in columns]
        else:
            lines = self.journal.lines([seq for (seq,) in columns], cursor)
        return known | self.kept.keep(epoch, lines)

    def _total(self, search: Search) -> int | None:
        wishes = search.wishes
        if wishes.total is Total.NONE:
            return None
        # The statistics know of hidden resources too: who may not see them gets the count.
        if wishes.total is Total.ESTIMATE and sees_statistics(search.access):
            return self.estimate(search)
        return self._counted(search)

    def _counted(self, search: Search) -> int:
        def ask() -> Sequence[Any]:
            text = count_statement(search.conditions, circles=self.circles_column(search))
            search.links.cursor.execute(text.encode(), search.bound.values, prepare=False)
            return search.links.cursor.fetchall()

        return int(self._agreed(search, ask, 1)[0][0])

    def estimate(self, search: Search) -> int:
        """Return how many rows the planner expects."""
        text = count_statement(search.conditions).replace("select count(*), ", "select 1, ", 1)
        cursor = search.links.cursor
        cursor.execute(f"explain (format json) {text}".encode(), search.bound.values, prepare=False)
        row = cursor.fetchone()
        assert row is not None
        plan: Any = row[0]
        return int(plan[0]["Plan"]["Plan Rows"])

    # Pages

    def _page(
        self, search: Search, state: PageState, rows: Sequence[Row], total: int | None
    ) -> Page:
        """Look at the bodies again, fetch what comes along, seal where the next page goes on."""
        wishes = search.wishes
        kept = rows[: wishes.count]
        token = None
        if len(rows) > wishes.count:
            last = kept[-1]
            token = self.seal.seal(structs.replace(state, keys=last.keys, seq=last.seq))
        met = self.met(search, [row.kept for row in kept])
        included = Included()
        if wishes.includes:
            included = self.gathering(search.access, search.links, wishes.includes).gather(
                [one.line for one in met]
            )
        persons = [one.resource.person for one in met]
        persons += [line.entry.person for line in included.lines]
        search.access.recorder.shown(search.access, persons, f"search {state.type or '*'}")
        return Page(
            tuple([one.resource for one in met]),
            token,
            total,
            ignored_names(search.queries),
            included=tuple(resource_of(line) for line in included.lines),
            is_cut=included.is_cut,
            count=wishes.count,
        )

    def gathering(self, access: Access, links: Links, includes: Sequence[Include]) -> Gathering:
        """Return what fetches what comes along with a page, as far as the caller sees it."""
        return Gathering(self.sight(access, links.cursor.connection, "s"), links, includes)

    def met(self, search: Search, lines: Sequence[Kept]) -> list[Kept]:
        """Return the lines whose bodies meet what was asked: hashes may collide."""
        found = []
        extractor = self.index.extractor
        tests: dict[str, tuple[Matcher, frozenset[int]] | None] = {}
        for one in lines:
            name = one.resource.type
            if name not in search.queries or not one.line.body:
                continue
            if name not in tests:
                tests[name] = self._test(search, name)
            test = tests[name]
            if test is None or test[0].matches(one.resource.id, one.values_of(extractor, test[1])):
                found.append(one)
        return found

    def _test(self, search: Search, name: str) -> tuple[Matcher, frozenset[int]] | None:
        """Return how bodies of a type are asked, and for which values; None: the index told."""
        criteria = search.queries[name].criteria
        if all(map(is_told_by_index, criteria)):
            return None
        parameters = self.index.extractor.parameters(name)
        matcher = Matcher(name, criteria, parameters, search.links.now, search.links)
        return matcher, named_numbers(criteria)


def ignored_names(queries: Mapping[str, Query]) -> tuple[str, ...]:
    """Return the names of what was left out, as far as they may be shown."""
    names = (shown_name(name) for query in queries.values() for name in query.ignored)
    return tuple(dict.fromkeys(names))


def _asks_ids_alone(search: Search) -> bool:
    """Say whether ids of one type and nothing else are asked for, from the first page."""
    if not search.type or search.after is not None:
        return False
    query = search.queries[search.type]
    return len(query.criteria) == 1 and query.is_by_id and not query.wishes.sort


def _check_sort(queries: Mapping[str, Query]) -> None:
    """Of several types there is no order but by id and time."""
    if len(queries) > 1:
        keys = next(iter(queries.values())).wishes.sort
        if any(key.parameter is not None for key in keys):
            raise BadSearchValue(parameter="_sort", expected="_id or _lastUpdated")
