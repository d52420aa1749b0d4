"""Versions: of one resource, of a type, of all; as of a time, since a time (R4 3.1.0.9).

Pages are walked in the journal, a bounded number of lines each. A page's token is sealed
like a search's and holds the position of the first page, so that what is written between
two pages does not shift them.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from trucyte.database.connect import READING_SECONDS_MAX, Connection, Cursor, Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Stored
from trucyte.journal.journal import Journal
from trucyte.journal.leaf import head_key
from trucyte.journal.rows import LINE_COLUMNS, line_of
from trucyte.records.access import Access
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.results.lines import (
    OWN,
    microseconds,
    reading,
    shown,
)
from trucyte.records.results.sight import Sight
from trucyte.records.search.bound import Parameters
from trucyte.records.search.page_token import HistoryState, PageExpired, PageSeal
from trucyte.records.search.permission import belonging, sees_statistics
from trucyte.records.shown import (
    HistoryPage,
    ResourceNotFound,
    ResourceRestricted,
    SearchTooSlow,
)
from trucyte.records.statements import statements

COUNT_MAX = 1000
# Lines one page of a history looks at, so that a rare type cannot ask for all of them.
LINES_MAX = 20_000
WALKS_MAX = 100
# Lines asked for at once, where a few are left to fill a page.
REST_MIN = 100
_BEHIND_ALL = 1 << 62
# The years 1 and 9999, as µs since 1970.
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_000_000


@dataclass(frozen=True, slots=True)
class Historian:
    """Answers histories."""

    database: Database
    journal: Journal
    seal: PageSeal
    sight: Callable[[Access, Connection], Sight]

    def first(
        self,
        access: Access,
        type: str,
        id: str,
        count: int,
        since: int | None,
        at: tuple[int, int] | None,
        *,
        oldest_first: bool,
    ) -> HistoryPage:
        """Return the first page; times in µs since 1970, `at` half open."""
        if id and not access.may("r", type):
            raise ResourceRestricted(type=type)
        count = max(1, min(count, COUNT_MAX))
        with reading(self.database, one_moment=True) as cursor:
            snapshot, epoch = self._position(cursor)
            seq = 0 if oldest_first else _BEHIND_ALL
            state = HistoryState(type, id, since, at, oldest_first, count, snapshot, epoch, seq)
            if id:
                self._check_one(access, state, cursor)
            return self._page(access, state, cursor)

    def following(self, access: Access, token: str) -> HistoryPage:
        """Return the page behind another. Raises PageTokenUnknown, PageExpired."""
        state = self.seal.open(token, HistoryState)
        with reading(self.database, one_moment=True) as cursor:
            if self._position(cursor)[1] != state.epoch:
                raise PageExpired()
            return self._page(access, state, cursor)

    def _position(self, cursor: Cursor) -> tuple[int, int]:
        row = cursor.execute(statements()["position"]).fetchone()
        assert row is not None
        return row[0], row[1]

    def _check_one(self, access: Access, state: HistoryState, cursor: Cursor) -> None:
        """Raise where there is no such resource, or nothing of it may be seen."""
        key = (OWN, state.type, state.id)
        sight = self.sight(access, cursor.connection)
        current = self.journal.current([key], cursor.connection).get(key)
        if current is None or not sight.known([current]):
            raise ResourceNotFound(type=state.type)
        if current.body and access.sees(sensitivity_of_body(current.body)):
            return
        every = HistoryState(
            state.type, state.id, None, None, False, COUNT_MAX, state.snapshot, state.epoch, 0
        )
        before = _BEHIND_ALL
        while not sees_statistics(access):
            lines = self._of_one(every, cursor, before)
            if sight.visible(lines):
                return
            if len(lines) <= every.count:
                raise ResourceRestricted(type=state.type)
            before = lines[-2].entry.seq

    def _page(self, access: Access, state: HistoryState, cursor: Cursor) -> HistoryPage:
        sight = self.sight(access, cursor.connection)
        if state.id:
            lines = self._of_one(state, cursor, state.seq)
            goes_on = len(lines) > state.count
            lines = lines[: state.count]
            last = lines[-1].entry.seq if lines else 0
            lines = sight.visible(lines)
        else:
            lines, last, goes_on = self._of_many(sight, state, cursor)
        token = None
        if goes_on:
            token = self.seal.seal(structs.replace(state, seq=last))
        if state.at is not None:
            lines = self._current_at(lines, state.at[0])
        return HistoryPage(shown(access, lines, f"history {state.type or '*'}"), token)

    def _of_one(self, state: HistoryState, cursor: Cursor, behind: int) -> list[Stored]:
        """Walk one resource's versions, one more than a page has."""
        number = TYPE_NUMBERS[state.type]
        values: dict[str, Any] = {
            "key": head_key(OWN, number, state.id.encode()).hex(),
            "snapshot": state.snapshot,
            "behind": behind,
            "since": _EARLIEST if state.since is None else state.since,
            "until": state.at[1] if state.at else _LATEST,
            "limit": state.count + 1,
        }
        name = "versions_upwards" if state.is_oldest_first else "versions"
        rows = cursor.execute(statements()[name], values).fetchall()
        return [line_of(row, self.journal.codec) for row in rows]

    def _of_many(
        self, sight: Sight, state: HistoryState, cursor: Cursor
    ) -> tuple[list[Stored], int, bool]:
        """Walk the journal; return the lines, the last seq looked at, and whether it goes on.

        Whom something is kept from gets whole pages, however much of that lies between: a
        short one would tell of it. Raises SearchTooSlow where that is too much.
        """
        found: list[Stored] = []
        for _ in range(WALKS_MAX):
            wanted = state.count if not found else max(state.count - len(found), REST_MIN)
            lines, last, goes_on = self._walked(sight, state, cursor, wanted)
            seen = sight.visible(lines)
            found += seen
            if len(found) >= state.count:
                found = found[: state.count]
                is_cut = goes_on or found[-1].entry.seq != last
                return found, found[-1].entry.seq, is_cut
            # A type that is rare in a long walk makes pages short for who sees all of it.
            if not goes_on or (len(seen) == len(lines) and not sight.access.is_narrowed):
                return found, last, goes_on
            state = structs.replace(state, seq=last)
        raise SearchTooSlow(seconds=READING_SECONDS_MAX)

    def _walked(
        self, sight: Sight, state: HistoryState, cursor: Cursor, count: int
    ) -> tuple[list[Stored], int, bool]:
        bound = Parameters()
        text = _walk(sight, state, bound, count)
        cursor.execute(text.encode(), bound.values, prepare=False)
        rows = cursor.fetchall()
        wanted = [row for row in rows if row[1]][:count]
        lines = [line_of(row[2:], self.journal.codec) for row in wanted]
        if len(wanted) == count:
            return lines, wanted[-1][0], True
        # A row that is not wanted only says how far the walk came.
        walked_all = not rows or rows[-1][1]
        return lines, rows[-1][0] if rows else 0, not walked_all

    def _current_at(self, lines: Sequence[Stored], begin: int) -> list[Stored]:
        """Keep the versions that were current at `begin` or came later."""
        old = [line for line in lines if microseconds(line.entry.accepted_at) < begin]
        over = set()
        for line in old:
            entry = line.entry
            later = self.journal.version(entry.origin, entry.type, entry.id, entry.version + 1)
            if later is not None and microseconds(later.entry.accepted_at) <= begin:
                over.add(entry.seq)
        return [line for line in lines if line.entry.seq not in over]


def _walk(sight: Sight, state: HistoryState, bound: Parameters, most: int) -> str:
    """Return the statement of one page of many: (seq, whether it is wanted, the line)."""
    behind, snapshot = bound.add(state.seq, "bigint"), bound.add(state.snapshot, "bigint")
    way, further = ("asc", ">") if state.is_oldest_first else ("desc", "<")
    here = [f"c.seq {further} {behind}", f"c.seq <= {snapshot}"]
    if state.since is not None:
        since = bound.add(state.since, "bigint")
        # A batch has one time, and batches have their times in order.
        here.append(
            "c.seq >= (select coalesce(min(b.first_seq), 9223372036854775807)"
            f" from journal.batch b where b.at >= {_TIME.format(since)})"
        )
    if state.at is not None:
        until = bound.add(state.at[1], "bigint")
        here.append(
            "c.seq <= (select coalesce(max(b.last_seq), 0)"
            f" from journal.batch b where b.at < {_TIME.format(until)})"
        )
    wanted = [f"w.origin = {OWN}"]
    if state.type:
        wanted.append(f"w.type = {TYPE_NUMBERS[state.type]}")
    wanted += belonging(sight.access, bound, "w", sight.basis)
    count = bound.add(most, "integer")
    return (
        f"with walked as materialized (select c.seq, c.origin, c.type, c.id from journal.change c"
        f" where {' and '.join(here)} order by c.seq {way} limit {LINES_MAX}),"
        f" found as materialized (select w.seq from walked w where {' and '.join(wanted)}"
        f" order by w.seq {way} limit {count}),"
        f" mark as (select f.seq, true as wanted from found f union all"
        f" (select {'max' if state.is_oldest_first else 'min'}(w.seq), false from walked w"
        f" where (select count(*) from found) < {count} having count(*) = {LINES_MAX}))"
        f" select m.seq, m.wanted, {LINE_COLUMNS} from mark m"
        f" join journal.change c on c.seq = m.seq order by m.seq {way}, m.wanted desc"
    )


_TIME = "(timestamptz '1970-01-01Z' + {} * interval '1 microsecond')"
