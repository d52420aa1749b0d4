"""The walk: rows from before a SearchParameter get its values, or lose those it had.

Rows are made anew outside any lock, a few at a time, and laid under the journal's lock for
some milliseconds: writers come in between. How far a parameter's walk is stands in the
same transaction as the rows, so that a killed walk goes on where it was, and two walks
cannot write for each other.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Rollback

from trucyte.base.clock import Clock
from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.database.jobs import add_job
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Change, Stored
from trucyte.journal.journal import Journal
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import read_tail
from trucyte.records.index import SearchIndex
from trucyte.records.parameters.book import JOB, read_kept, turn
from trucyte.records.parameters.plan import Kept, Plan, State
from trucyte.records.parameters.statements import statements
from trucyte.records.rows import IndexRow

LOCK_SECONDS: Final = 0.01  # what is aimed at; none may hold writers for 0.05
WINDOW: Final = 20_000  # lines of the journal one look goes through at most
_ROWS_FIRST: Final = 20
_ROWS_MAX: Final = 1_000
_WALKED = (State.BUILDING, State.LEAVING)

Report = Callable[[int, int], bool]  # (rows done, rows in all) -> go on?


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the way: whose it is, from where to where, and its rows."""

    group: tuple[Kept, ...]
    begin: int
    end: int
    lines: tuple[Stored, ...]


class Walk:
    """Walks until every parameter is ready or gone. One at a time works; another loses."""

    def __init__(
        self, database: Database, journal: Journal, index: SearchIndex, clock: Clock
    ) -> None:
        """Work beside the writers of `index`."""
        self._clock = clock
        self._database = database
        self._journal = journal
        self._index = index
        self._rows = _ROWS_FIRST
        self._began, self._done = 0.0, 0
        self.lock_seconds_longest = 0.0

    def run(self, report: Report) -> bool:
        """Walk to the end; return False where `report` said to stop. Raises DatabaseAway."""
        self._began, self._done = time.monotonic(), 0
        with problems_of_the_server(), self._database.connect(autocommit=True) as connection:
            counted: set[tuple[str, int]] = set()
            while (state := self._pending(connection))[1]:
                plan, pending = state
                self._count(connection, [k for k in pending if (k.id, k.seq) not in counted])
                counted |= {(kept.id, kept.seq) for kept in pending}
                slowest = min(pending, key=lambda kept: kept.walked)
                if not report(slowest.done, max(slowest.total, slowest.done)):
                    return False
                self._step(connection, plan, pending)
        return True

    def stop(self, id: str | None = None) -> int:
        """Let a parameter that is being built rest, or all; return how many now do."""
        return self._put_by(id, State.BUILDING, State.STOPPED)

    def resume(self, id: str | None = None) -> int:
        """Let a parameter that rests be built on, or all; return how many now are."""
        return self._put_by(id, State.STOPPED, State.BUILDING)

    def _put_by(self, id_: str | None, from_: State, to: State) -> int:
        with self._database.connection() as connection:
            cursor = connection.cursor()
            read_tail(binary_cursor(connection), lock=True)
            named = [kept.id for kept in read_kept(cursor)] if id_ is None else [id_]
            moved = sum(_set_state(cursor, one, to, from_) for one in named)
            if moved:
                turn(cursor)
            if moved and to is State.BUILDING:
                add_job(cursor, JOB, b"", now=self._clock.now(), key=JOB)
        return moved

    def _pending(self, connection: Connection) -> tuple[Plan, list[Kept]]:
        with connection.transaction():
            plan = self._index.book.refresh(connection.cursor())
            rows = read_kept(connection.cursor())
        return plan, [kept for kept in rows if kept.state in _WALKED]

    def _count(self, connection: Connection, fresh: Sequence[Kept]) -> None:
        """Say once how many rows lie on the way, for those who watch."""
        for kept in fresh:
            numbers = [TYPE_NUMBERS[name] for name in kept.types]
            facts = {"types": numbers, "until": kept.seq}
            row = connection.execute(statements()["size"], facts).fetchone()
            assert row is not None
            connection.execute(statements()["set_total"], {"total": row[0], "ids": [kept.id]})

    def _step(self, connection: Connection, plan: Plan, pending: Sequence[Kept]) -> None:
        """Go a stretch with those that are furthest behind; others join as they are reached."""
        stretch = self._stretch(connection, pending)
        rows = [self._index.row_by(plan, _change(line)) for line in stretch.lines]
        began = 0.0
        with connection.transaction():
            read_tail(binary_cursor(connection), lock=True)
            began = time.perf_counter()
            cursor = connection.cursor()
            # What a crash takes of it is walked again: rows and position go together.
            cursor.execute("set local synchronous_commit = off")
            if self._index.book.refresh(cursor).stamp == plan.stamp:
                self._lay(cursor, plan, stretch, rows)
        self._pace(len(rows), time.perf_counter() - began)

    def _stretch(self, connection: Connection, pending: Sequence[Kept]) -> Stretch:
        begin = min(kept.walked for kept in pending)
        group = tuple(kept for kept in pending if kept.walked == begin)
        limits = [kept.walked for kept in pending if kept.walked > begin]
        end = min([begin + WINDOW, *limits, *(kept.seq for kept in group)])
        types = {TYPE_NUMBERS[name] for kept in group for name in kept.types}
        facts = {"after": begin, "until": end, "types": sorted(types), "limit": self._rows}
        seqs = [row[0] for row in connection.execute(statements()["window"], facts)]
        if len(seqs) == self._rows:
            end = seqs[-1]
        with connection.transaction():
            found = self._journal.bodies(seqs, connection.cursor())
        lines = (found[seq] for seq in seqs if seq in found)
        return Stretch(group, begin, end, tuple(line for line in lines if line.body))

    def _lay(self, cursor: Cursor, plan: Plan, stretch: Stretch, rows: Sequence[IndexRow]) -> None:
        """Write the rows that still stand, and how far that brings the group."""
        moved = cursor.execute(
            statements()["move"],
            {
                "ids": [kept.id for kept in stretch.group],
                "from": stretch.begin,
                "to": stretch.end,
                "rows": len(rows),
                "rate": self._rate(len(rows)),
            },
        )
        if moved.rowcount != len(stretch.group):
            raise Rollback  # another walk has been here
        if rows:
            lay_rows(cursor, [line.entry.seq for line in stretch.lines], rows, plan.sides)
        self._end(cursor, stretch)

    def _end(self, cursor: Cursor, stretch: Stretch) -> None:
        arrived = [kept for kept in stretch.group if stretch.end >= kept.seq]
        if not arrived:
            return
        gone = [kept.id for kept in arrived if kept.state is State.LEAVING]
        cursor.execute(statements()["remove"], {"ids": gone})
        for kept in arrived:
            _set_state(cursor, kept.id, State.READY, State.BUILDING)
        turn(cursor)

    def _rate(self, rows: int) -> int:
        """Return rows a second of this walk."""
        self._done += rows
        return int(self._done / max(time.monotonic() - self._began, 0.001))

    def _pace(self, rows: int, seconds: float) -> None:
        self.lock_seconds_longest = max(self.lock_seconds_longest, seconds)
        if rows < self._rows and seconds < LOCK_SECONDS:
            return
        fitting = int(rows * LOCK_SECONDS / max(seconds, 1e-6))
        self._rows = max(1, min(fitting, self._rows + self._rows // 8 + 1, _ROWS_MAX))


def lay_rows(
    cursor: Cursor, seqs: Sequence[int], rows: Sequence[IndexRow], sides: Sequence[int]
) -> None:
    """Give current rows their tokens anew, and the side rows of the parameters `sides`."""
    standing = {r[0] for r in cursor.execute(statements()["standing"], {"seqs": list(seqs)})}
    kept = [(seq, row) for seq, row in zip(seqs, rows, strict=True) if seq in standing]
    if not kept:
        return
    cursor.execute(statements()["give_tokens"], _tokens(kept))
    wanted = frozenset(sides)
    facts: dict[str, Any] = {"seqs": [seq for seq, _ in kept], "sides": list(sides)}
    for name in ("clear_dates", "clear_quantities", "clear_texts"):
        cursor.execute(statements()[name], facts)
    SearchIndex.write_sides(cursor, [(seq, row.only_sides(wanted)) for seq, row in kept])


def _tokens(rows: Sequence[tuple[int, IndexRow]]) -> dict[str, Any]:
    flat: list[int] = []
    firsts, lasts = [], []
    for _, row in rows:
        firsts.append(len(flat) + 1)
        flat += row.tokens()
        lasts.append(len(flat))
    return {"seqs": [seq for seq, _ in rows], "firsts": firsts, "lasts": lasts, "tokens": flat}


def _set_state(cursor: Cursor, id_: str, to: State, from_: State) -> int:
    return cursor.execute(
        statements()["set_state"], {"id": id_, "to": to, "from": [from_]}
    ).rowcount


def _change(line: Stored) -> Change:
    entry = line.entry
    return Change(
        entry.type, entry.id, entry.operation, line.body, line.meta_offset, entry.person,
        origin=entry.origin,
    )  # fmt: skip
