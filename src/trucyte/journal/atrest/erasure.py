"""Erase by law: bodies, their salts, what was derived from them and their keys; never a line.

What is asked for is written down first. Then it is done in steps, each a transaction that
holds the tail: a kill at any point leaves steps done or not done, and `resume` goes on.
A key is destroyed with the last body that its person had under it, so copies of that body
elsewhere are gone with it.

What is of several persons has a key of its own and is blocked, not erased: it is given out
to nobody until its retention ends. So is the row of an original that an erased line came from.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import sql

from trucyte.base.clock import Clock
from trucyte.database.connect import Cursor, Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal import leaf, pack
from trucyte.journal.atrest.body_keys import BodyKeys
from trucyte.journal.atrest.named import QUERIES
from trucyte.journal.atrest.sealed import key_of
from trucyte.journal.change import Change, Key, Operation, Projection
from trucyte.journal.codec import BLOCKED, SEALED, Codec
from trucyte.journal.named import QUERIES as JOURNAL_QUERIES
from trucyte.journal.rows import ChangeRow, binary_cursor, entry_of

_LINES_AT_ONCE: Final = 500  # under the lock: some 30 ms


@dataclass(frozen=True, slots=True)
class Order:
    """Why something is erased, and who had it done."""

    rule: str  # the id of the rule that decided
    by: str  # the account
    article: str  # of law
    blocked_until: datetime | None = None  # when the retention of what is only blocked ends


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure that is done."""

    number: int
    at: datetime
    by: str
    rule: str
    article: str
    blocked_until: datetime | None
    lines: int
    blocked: int  # lines of several persons, and rows of originals


class PastErasure(msgspec.Struct, frozen=True):
    """An erasure with all it takes to do it again in an older copy of the database."""

    number: int
    at: datetime
    by: str
    rule: str
    article: str
    blocked_until: datetime | None
    finished_at: datetime
    lines: list[tuple[int, bytes]]  # seq and leaf: the same line, or another history
    blocks: list[tuple[int, int, int]]  # source, its row, seq


_Left = tuple[int, int, int, str]  # person, origin, type, id
Keeper = Callable[[Change], int]  # whose key seals what is of several persons; 0: the person's


class Eraser:
    """Erases in one journal."""

    def __init__(
        self,
        database: Database,
        body_keys: BodyKeys,
        codec: Codec,
        projections: Sequence[Projection],
        clock: Clock,
        *,
        keeper: Keeper,
        followers: Sequence[str] = (),
    ) -> None:
        """Take what `Journal` has; `followers` are tables of those who follow it, by seq."""
        self._database = database
        self._body_keys = body_keys
        self._codec = codec
        self._projections = projections
        self._clock = clock
        self._keeper = keeper
        own = [table for one in projections for table in one.tables]
        # What a projection lays beside its tables, and compares by views over them.
        sides = [table for one in projections for table in getattr(one, "sides", ())]
        self._tables = [*own, *sides, *followers]

    def erase(self, keys: Iterable[Key], persons: Iterable[int], order: Order) -> Erased:
        """Erase all versions of resources, and all that is of persons, by their keys."""
        left: list[_Left] = [(0, origin, TYPE_NUMBERS[kind], id_) for origin, kind, id_ in keys]
        left += [(person, 0, 0, "") for person in persons]
        with self._database.connection() as connection:
            cursor = binary_cursor(connection)
            facts = (self._clock.now(), order.by, order.rule, order.article, order.blocked_until)
            row = cursor.execute(QUERIES.begin_erasing, facts).fetchone()
            assert row is not None
            number = int(row[0])
            if left:
                columns = list(zip(*left, strict=True))
                arrays = (
                    pack.bigints(columns[0]), pack.smallints(columns[1]),
                    pack.smallints(columns[2]), list(columns[3]),
                )  # fmt: skip
                cursor.execute(QUERIES.add_left, (number, *arrays))
        return self._go_on(number)

    def resume(self) -> list[Erased]:
        """Go on with what was begun and not finished."""
        with self._database.connection() as connection:
            rows = connection.execute(QUERIES.open_erasings).fetchall()
        return [self._go_on(number) for (number,) in rows]

    def since(self, number: int) -> list[PastErasure]:
        """Return the erasures that are done, behind one by its number, oldest first."""
        with self._database.connection() as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            rows = connection.execute(QUERIES.erasings_since, (number,)).fetchall()
            found = []
            for row in rows:
                lines = connection.execute(QUERIES.lines_of_erasing, row[:1]).fetchall()
                blocks = connection.execute(QUERIES.blocks_of_erasing, row[:1]).fetchall()
                found.append(PastErasure(*(*row, lines, blocks)))
            return found

    def replay(self, past: Iterable[PastErasure]) -> int:
        """Do again what an older copy of the database has not; return the lines erased.

        A line that is not the same by its leaf is left alone. Harmless when done twice.
        """
        return sum(self._replay(one) for one in past)

    def blocked_rows(self, source: int) -> frozenset[int]:
        """Return which rows of an original are not to be shown or read again; 0: all of it.

        Not even when their retention is over: then they are to be destroyed.
        """
        with self._database.reader() as connection:
            rows = connection.execute(QUERIES.blocked_rows, (source,)).fetchall()
        return frozenset(row for (row,) in rows)

    def _go_on(self, number: int) -> Erased:
        while self._step(number):
            pass
        self._body_keys.drop()
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.read_erasing, (number,)).fetchone()
        assert row is not None
        return Erased(*row)

    def _step(self, number: int) -> bool:
        """Do one step; return whether there are more."""
        with self._database.connection() as connection:
            cursor = binary_cursor(connection)
            cursor.execute(JOURNAL_QUERIES.hold_tail)
            left = cursor.execute(QUERIES.next_left, (number,)).fetchone()
            if left is None:
                cursor.execute(QUERIES.finish_erasing, (self._clock.now(), number))
                return False
            rows = self._lines_of(cursor, left)
            until = self._until(number, cursor)
            person = left[0]
            several = self._of_several(rows) if person else []
            own = [row for row in rows if row not in several]
            self._block(cursor, number, until, several, own)
            self._erase(cursor, number, own)
            if len(rows) < _LINES_AT_ONCE:
                if person:
                    self._purge(cursor, "person", [person])
                cursor.execute(QUERIES.drop_left, (number, *left))
            return True

    def _lines_of(self, cursor: Cursor, left: tuple[Any, ...]) -> list[ChangeRow]:
        person, origin, type_number, id_ = left
        if person:
            cursor.execute(QUERIES.lines_of_person, (person, _LINES_AT_ONCE))
        else:
            values = (origin, type_number, id_, _LINES_AT_ONCE)
            cursor.execute(QUERIES.lines_of_resource, values)
        return [ChangeRow(*row) for row in cursor.fetchall()]

    def _until(self, number: int, cursor: Cursor) -> datetime | None:
        row = cursor.connection.execute(QUERIES.read_erasing, (number,)).fetchone()
        assert row is not None
        until: datetime | None = row[5]
        return until

    def _of_several(self, rows: Sequence[ChangeRow]) -> list[ChangeRow]:
        """Return what is of others too."""
        found = []
        keys = self._codec.keys_for((row.codec, row.body) for row in rows)
        for row in rows:
            if row.codec & SEALED:
                key = keys.get(key_of(row.body))
                is_of_others = key is not None and key.person != row.person
            else:
                entry = entry_of(row)
                body = self._codec.open(row.codec, row.body, row.place)
                change = Change(entry.type, entry.id, entry.operation, body, 0, entry.person)
                is_of_others = bool(self._keeper(change))
            if is_of_others:
                found.append(row)
        return found

    def _block(
        self,
        cursor: Cursor,
        number: int,
        until: datetime | None,
        several: Sequence[ChangeRow],
        own: Sequence[ChangeRow],
    ) -> None:
        places = [(0, 0, row.seq) for row in several]
        # What an account writes has a standing source, below 0, of which nothing is kept.
        places += [(row.source, row.source_row, 0) for row in own if row.source > 0]
        if places:
            self._add_blocks(cursor, number, until, places)
        if several:
            seqs = [row.seq for row in several]
            cursor.execute(QUERIES.block_lines, (pack.bigints(seqs),))
            self._forget(cursor, several)

    def _add_blocks(
        self,
        cursor: Cursor,
        number: int,
        until: datetime | None,
        places: Sequence[tuple[int, int, int]],
    ) -> None:
        sources, rows, seqs = zip(*places, strict=True)
        columns = (pack.bigints(sources), pack.integers(rows), pack.bigints(seqs))
        cursor.execute(QUERIES.add_blocks, (number, until, *columns))

    def _erase(self, cursor: Cursor, number: int, rows: Sequence[ChangeRow]) -> None:
        if not rows:
            return
        keys = self._codec.keys_for((row.codec, row.body) for row in rows)
        inner = [
            leaf.inner_hash(
                row.salt, self._codec.open(row.codec & ~BLOCKED, row.body, row.place, keys)
            )
            for row in rows
        ]
        seqs = pack.bigints([row.seq for row in rows])
        sealed = [row for row in rows if row.codec & SEALED]
        cursor.execute(QUERIES.add_erasures, (number, seqs, inner))
        cursor.execute(QUERIES.clear_bodies, (seqs,))
        self._forget(cursor, rows)
        if sealed:
            numbers = pack.bigints([key_of(row.body) for row in sealed])
            persons = pack.bigints([row.person for row in sealed])
            cursor.execute(QUERIES.destroy_keys, (numbers, persons))

    def _forget(self, cursor: Cursor, rows: Sequence[ChangeRow]) -> None:
        """Have what is derived from lines removed, as if their resources had ended."""
        seqs = [row.seq for row in rows]
        cursor.execute(QUERIES.heads_among, (pack.bigints(seqs),))
        heads = {seq for (seq,) in cursor.fetchall()}
        entries = [
            replace(entry_of(row), operation=Operation.DELETE) for row in rows if row.seq in heads
        ]
        changes = [
            Change(one.type, one.id, Operation.DELETE, b"", 0, one.person, origin=one.origin)
            for one in entries
        ]
        for projection in self._projections if entries else ():
            prepared = [projection.prepare(change) for change in changes]
            with cursor.connection.cursor() as own:
                projection.apply(own, entries, prepared)
        self._purge(cursor, "seq", seqs)

    def _purge(self, cursor: Cursor, column: str, values: Sequence[int]) -> None:
        """Delete the rows of derived tables; by person where they do not say their line."""
        columns: dict[str, set[str]] = {}
        for table, name in cursor.execute(QUERIES.columns_of, (self._tables,)).fetchall():
            columns.setdefault(table, set()).add(name)
        for table, names in sorted(columns.items()):
            if column in names and (column == "seq" or "seq" not in names):
                cursor.execute(
                    sql.SQL("delete from {} where {} = any(%s)").format(
                        sql.Identifier(*table.split(".")), sql.Identifier(column)
                    ),
                    (pack.bigints(values),),
                )

    def _replay(self, past: PastErasure) -> int:
        with self._database.connection() as connection:
            cursor = binary_cursor(connection)
            cursor.execute(JOURNAL_QUERIES.hold_tail)
            cursor.execute(
                QUERIES.begin_erasing_again,
                (past.number, past.at, past.by, past.rule, past.article, past.blocked_until,
                 past.finished_at),
            )  # fmt: skip
            cursor.execute(QUERIES.move_erasing_number)
            leaves = dict(past.lines)
            rows = self._same(cursor, leaves)
            blocked = [seq for _, _, seq in past.blocks if seq]
            several = [row for row in self._numbered(cursor, blocked) if not row.codec & BLOCKED]
            self._block(cursor, past.number, past.blocked_until, several, rows)
            if past.blocks:
                self._add_blocks(cursor, past.number, past.blocked_until, past.blocks)
            self._erase(cursor, past.number, rows)
        self._body_keys.drop()
        return len(rows)

    def _same(self, cursor: Cursor, leaves: dict[int, bytes]) -> list[ChangeRow]:
        rows = self._numbered(cursor, list(leaves))
        return [row for row in rows if leaves[row.seq] == row.leaf]

    def _numbered(self, cursor: Cursor, seqs: Sequence[int]) -> list[ChangeRow]:
        cursor.execute(QUERIES.lines_numbered, (pack.bigints(seqs),))
        return [ChangeRow(*row) for row in cursor.fetchall()]
