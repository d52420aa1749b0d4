"""Lay out what the journal accepts of terminology, for asking.

Follows CodeSystem, ValueSet and ConceptMap; each step is one transaction with the cursor,
so what is laid out is whole, and laying out again gives the same rows. A large code system
is one resource that names its parts; it appears when that resource is accepted, never in
pieces. Only this node's own resources are laid out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Event
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.database.connect import Cursor, Database, problems_of_the_server
from trucyte.fhir.parse import parse
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Operation, Position, Stored
from trucyte.journal.journal import Journal
from trucyte.journal.rebuild import Difference, compare_tables
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import read_tail
from trucyte.shared.terminology.artefact import Artefact, parts_of, read_artefact
from trucyte.shared.terminology.concept import Concept, read_concepts
from trucyte.shared.terminology.names import TYPES
from trucyte.shared.terminology.statements import statements

NAME: Final = "terminology"
_OWN: Final = 0
_LINES_AT_ONCE: Final = 50
_TABLES: Final = ("terminology.artefact", "terminology.concept")
_LOOK_SECONDS: Final = 1.0  # how often a follower that waits looks whether it shall stop
_PAUSE_SECONDS: Final = 0.25  # between two rounds: a busy intake is not followed line by line
_AGAIN_SECONDS: Final = 5.0

Progress = Callable[[int, int], None]  # (lines seen, lines in all)


class Follower:
    """Keeps the tables of this package as the journal says."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Follow `journal` into its own `database`."""
        self._database = database
        self._journal = journal

    def catch_up(self, progress: Progress | None = None) -> int:
        """Lay out what was accepted since the last time; return the lines that changed something.

        After a restore (a new epoch) everything is laid out anew.
        """
        with self._database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            return self._catch_up(cursor, progress)

    def run(self, stop: Event, waits: Callable[[Problem], None]) -> None:
        """Lay out whatever is accepted, through any door, until `stop` is set.

        The cursor lies in the database, so that a run goes on where the last one ended. A
        Problem is told to `waits` and tried again.
        """
        while not stop.is_set():
            try:
                # The tail of before: what is accepted while this lays out wakes the wait.
                tail = self._journal.tail()
                self.catch_up()
                while not stop.is_set() and self._journal.wait(tail, _LOOK_SECONDS) == tail:
                    pass
                pause = _PAUSE_SECONDS
            except Problem as problem:
                waits(problem)
                pause = _AGAIN_SECONDS
            stop.wait(pause)

    def compare(self, progress: Progress | None = None) -> Difference | None:
        """Return the first row that laying out anew would not give; change nothing.

        What waits to be laid out is laid out first: being behind is no difference.
        """
        with problems_of_the_server(), self._database.connect() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            # Nothing is accepted from here on, so the journal that is walked stands still.
            read_tail(binary_cursor(connection), lock=True)
            self._catch_up(cursor, None)
            return compare_tables(connection, _TABLES, lambda: self._anew(cursor, progress))

    def rebuild(self, progress: Progress | None = None) -> int:
        """Empty the tables and lay everything out again; who asks meanwhile sees the old."""
        with self._database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            return self._anew(cursor, progress)

    def _catch_up(self, cursor: Cursor, progress: Progress | None) -> int:
        here = self._journal.cursor(NAME)
        end = self._journal.position()
        if here is None or here.epoch != end.epoch:
            return self._anew(cursor, progress)
        return self._walk(cursor, here.seq, end, progress)

    def _anew(self, cursor: Cursor, progress: Progress | None) -> int:
        end = self._journal.position()
        self._clear(cursor)
        return self._walk(cursor, 0, end, progress)

    def _walk(self, cursor: Cursor, after: int, end: Position, progress: Progress | None) -> int:
        changed = 0
        while after < end.seq:
            lines = self._journal.follow(after, _LINES_AT_ONCE, TYPES)
            for line in lines:
                changed += self._lay_out(cursor, line)
            after = lines[-1].entry.seq if len(lines) == _LINES_AT_ONCE else end.seq
            if progress is not None:
                progress(min(after, end.seq), end.seq)
        if changed:
            cursor.execute(statements()["raise_generation"])
        # A line behind `end` may be laid out already: it is then laid out once more.
        self._journal.move_cursor(NAME, end, cursor)
        return changed

    def _lay_out(self, cursor: Cursor, line: Stored) -> bool:
        entry = line.entry
        key = (entry.origin, entry.type, entry.id)
        if entry.origin != _OWN or self._journal.head([key])[key].seq != entry.seq:
            return False  # another node's, or replaced by a line that is yet to come
        resource = {} if entry.operation is Operation.DELETE or not line.body else parse(line.body)
        named = {"type": TYPE_NUMBERS[entry.type], "id": entry.id}
        cursor.execute(statements()["drop_artefact"], named)
        if entry.type == "CodeSystem":
            cursor.execute(statements()["drop_concepts"], named)
        if resource.get("url"):  # a part of a large system has none
            count = self._copy(cursor, entry.id, self._concepts(resource))
            artefact = read_artefact(resource, seq=entry.seq, version=entry.version, concepts=count)
            cursor.execute(statements()["add_artefact"], _row(artefact))
        return True

    def _concepts(self, resource: Mapping[str, Any]) -> Iterator[Concept]:
        if resource["resourceType"] != "CodeSystem":
            return
        yield from read_concepts(resource)
        for part in parts_of(resource):
            key = (_OWN, "CodeSystem", part)
            head = self._journal.head([key]).get(key)
            stored = self._journal.bodies([head.seq]).get(head.seq) if head else None
            if stored is not None and stored.body:
                yield from read_concepts(parse(stored.body))

    def _copy(self, cursor: Cursor, id: str, concepts: Iterable[Concept]) -> int:
        count = 0
        with cursor.copy(statements()["copy_concepts"]) as copy:
            for count, concept in enumerate(concepts, start=1):
                copy.write_row(
                    (id, count, concept.code, concept.display, concept.folded, concept.valid_from,
                     concept.valid_to, concept.verified, list(concept.parents), concept.detail)
                )  # fmt: skip
        return count

    def _clear(self, cursor: Cursor) -> None:
        cursor.execute(statements()["clear_artefacts"])
        cursor.execute(statements()["clear_concepts"])
        cursor.execute(statements()["raise_generation"])


def _row(artefact: Artefact) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(artefact, name) for name in artefact.__slots__}
    return row | {"type": TYPE_NUMBERS[artefact.type]}
