"""The projections that keep facts for permission: rows of the versions that are current.

A version says some rows, the next one others in their place, a deletion none. What is
written depends on the version and the time of its acceptance alone, so that a replay gives
the same rows. Most resources say nothing and cost a look at their type.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from trucyte.database.connect import Cursor
from trucyte.journal.change import Change, Entry, Operation
from trucyte.records.persons.spans import microseconds

_OWN = 0


class Fact(Protocol):
    """One row in the making, before its place and time are known."""

    def row(self, person: int, seq: int, at: int) -> tuple[Any, ...] | None:
        """Return the row of a version accepted at `at` (µs); None where it says nothing then."""
        ...


Rows = Sequence[tuple[Any, ...]]
Reader = Callable[[Mapping[str, Any]], Sequence[Fact]]
Write = Callable[[Cursor, Rows], None]


def by_columns(query: str) -> Write:
    """Write rows by a query that takes an array for each column: one way to the server."""

    def write(cursor: Cursor, rows: Rows) -> None:
        cursor.execute(query, [list(column) for column in zip(*rows, strict=True)])

    return write


def by_copy(query: str) -> Write:
    """Write rows that hold arrays themselves."""

    def write(cursor: Cursor, rows: Rows) -> None:
        with cursor.copy(query) as copy:
            for row in rows:
                copy.write_row(row)

    return write


class Facts:
    """A projection of what versions of some types say; see `journal.change.Projection`."""

    def __init__(
        self,
        name: str,
        tables: Sequence[str],
        readers: Mapping[str, Reader],
        *,
        end: str,
        write: Write,
        clear: str,
        sides: Sequence[str] = (),
    ) -> None:
        """Take what is read of each type, and the queries that write it.

        `end` removes the rows of the versions before `seqs`; `sides` are the tables behind
        `tables` that are views: an erasure removes rows there.
        """
        self.name = name
        self.tables = tables
        self.sides = sides
        self._readers = readers
        self._end = end
        self._write = write
        self._clear = clear

    def prepare(self, change: Change) -> Sequence[Fact] | None:
        """Return what a version says; None for a type that says nothing."""
        reader = self._readers.get(change.type)
        if reader is None or change.origin != _OWN:
            return None
        if change.operation is Operation.DELETE:
            return ()
        resource = change.resource
        if resource is None:
            resource = msgspec.json.decode(change.body)
        return reader(resource)

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Any]) -> None:
        """Write what the last versions say, in place of what was said before."""
        said = [pair for pair in zip(entries, prepared, strict=True) if pair[1] is not None]
        if not said:
            return
        replacing = [entry.seq for entry, _ in said if entry.version > 1]
        if replacing:
            cursor.execute(self._end, {"seqs": replacing})
        last = {(entry.type, entry.id): (entry, facts) for entry, facts in said}
        rows = [row for entry, facts in last.values() for row in _rows(entry, facts)]
        if rows:
            self._write(cursor, rows)

    def clear(self, cursor: Cursor) -> None:
        """Empty the table."""
        cursor.execute(self._clear)


def _rows(entry: Entry, facts: Sequence[Fact]) -> list[tuple[Any, ...]]:
    if not facts or entry.operation is Operation.DELETE:
        return []
    at = microseconds(entry.accepted_at)
    made = (fact.row(entry.person, entry.seq, at) for fact in facts)
    return [row for row in made if row is not None]
