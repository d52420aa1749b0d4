"""Lay out the Patients that the journal accepts, for matching.

Each step is one transaction with the cursor: a process that dies at any moment goes on where
the last step ended, and laying out again gives the same rows. Being made anew, also for a
newer form of the rows, is done in steps too; until it has come to the end, `Matches` say
that they may not be whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final

from trucyte.base.problem import Problem
from trucyte.database.connect import Cursor, Database, problems_of_the_server
from trucyte.fhir.parse import parse
from trucyte.journal.change import Operation, Position, Stored
from trucyte.journal.journal import Journal
from trucyte.journal.rebuild import Difference, compare_tables
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import read_tail
from trucyte.records.labels import is_secret
from trucyte.shared.identity.index.form import FORM, Keys, pack, unpack
from trucyte.shared.identity.index.statements import statements
from trucyte.shared.identity.matching.person import Person, person_of_patient

NAME: Final = "identity"
TYPE: Final = "Patient"
_TABLES: Final = ("identity.person", "identity.key")
_LINES_AT_ONCE: Final = 500
_LOOK_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.1  # a busy intake is not followed line by line
_AGAIN_SECONDS: Final = 5.0

Progress = Callable[[int, int], None]  # (journal position reached, position of its end)


@dataclass(frozen=True, slots=True)
class Row:
    """One person as it is laid out."""

    seq: int
    person_key: int
    origin: int
    id: str
    person: Person


class Follower:
    """Keeps the index as the journal says. Several processes take turns."""

    def __init__(self, database: Database, journal: Journal, keys: Keys) -> None:
        """Follow `journal` into its own `database`."""
        self._database = database
        self._journal = journal
        self.keys = keys

    def run(
        self,
        stop: Event,
        waits: Callable[[Problem], None],
        then: Callable[[], object] = lambda: None,
    ) -> None:
        """Lay out whatever is accepted, until `stop` is set; `then` runs behind each catching up.

        A Problem is told to `waits` and tried again.
        """
        while not stop.is_set():
            try:
                tail = self._journal.tail()
                self.catch_up(stop=stop)
                then()
                while not stop.is_set() and self._journal.wait(tail, _LOOK_SECONDS) == tail:
                    pass
                pause = _PAUSE_SECONDS
            except Problem as problem:
                waits(problem)
                pause = _AGAIN_SECONDS
            stop.wait(pause)

    def catch_up(self, progress: Progress | None = None, stop: Event | None = None) -> int:
        """Lay out what was accepted since the last time; return the position reached."""
        while True:
            reached, end = self._step()
            if progress is not None:
                progress(reached, end)
            if reached >= end or (stop is not None and stop.is_set()):
                return reached

    def reindex(self, progress: Progress | None = None) -> int:
        """Empty the index and lay everything out again; can be stopped, and goes on by itself."""
        with self._database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            self._begin(cursor)
        return self.catch_up(progress)

    def compare(self, progress: Progress | None = None) -> Difference | None:
        """Return the first row that laying out anew would not give; change nothing.

        What waits to be laid out is laid out first: being behind is no difference.
        """
        self.catch_up()
        with problems_of_the_server(), self._database.connect() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            # Nothing is accepted from here on, so the journal that is walked stands still.
            end = read_tail(binary_cursor(connection), lock=True).last_seq
            here = self._journal.cursor(NAME)
            self._lay_between(cursor, here.seq if here else 0, end, None)

            def anew() -> None:
                cursor.execute(statements()["clear_persons"])
                self._lay_between(cursor, 0, end, progress)

            return compare_tables(connection, _TABLES, anew)

    def _step(self) -> tuple[int, int]:
        with self._database.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statements()["lock"])
            form, is_whole = cursor.execute(statements()["read_form"]).fetchone() or ("", False)
            if form != FORM:
                self._begin(cursor)
                is_whole, here = False, None
            else:
                here = self._journal.cursor(NAME)
            end = self._journal.position()
            if here is not None and here.epoch != end.epoch:
                cursor.execute(statements()["clear_persons"])
                cursor.execute(statements()["write_form"], {"form": FORM, "is_whole": False})
                is_whole, here = False, None
            after = here.seq if here else 0
            reached = self._lay_next(cursor, after, end.seq)
            if here is None or reached > after:
                self._journal.move_cursor(NAME, Position(reached, end.epoch), cursor)
            if reached >= end.seq and not is_whole:
                cursor.execute(statements()["write_form"], {"form": FORM, "is_whole": True})
        return reached, end.seq

    def _begin(self, cursor: Cursor) -> None:
        cursor.execute(statements()["clear_persons"])
        cursor.execute(statements()["write_form"], {"form": FORM, "is_whole": False})
        self._journal.forget_cursor(NAME, cursor)

    def _lay_between(self, cursor: Cursor, after: int, end: int, progress: Progress | None) -> None:
        while after < end:
            after = self._lay_next(cursor, after, end)
            if progress is not None:
                progress(after, end)

    def _lay_next(self, cursor: Cursor, after: int, end: int) -> int:
        """Lay out the next lines, of an end that was read before; return how far that came."""
        if after >= end:
            return after
        lines = self._journal.follow(after, _LINES_AT_ONCE, [TYPE])
        self.lay_out(cursor, lines)
        return lines[-1].entry.seq if len(lines) == _LINES_AT_ONCE else end

    def lay_out(self, cursor: Cursor, lines: Sequence[Stored]) -> None:
        """Put the rows of these lines in place of those that their Patients had."""
        if not lines:
            return
        # What a later line replaces is left to that line.
        heads = self._journal.head({_key(line) for line in lines})
        current = [line for line in lines if heads[_key(line)].seq == line.entry.seq]
        drop_rows(cursor, self.keys, [(line.entry.origin, line.entry.id) for line in current])
        write_rows(cursor, self.keys, map(_row, filter(_is_there, current)))


def drop_rows(cursor: Cursor, keys: Keys, patients: Sequence[tuple[int, str]]) -> None:
    """Take Patients, by (origin, id), out of the index."""
    asked = {"origins": [origin for origin, _ in patients], "ids": [id for _, id in patients]}
    seqs: list[int] = []
    gone: list[tuple[int, int]] = []
    for seq, _, _, fields in cursor.execute(statements()["rows_of"], asked).fetchall():
        seqs.append(seq)
        gone += [(key, seq) for key in keys.of(unpack(fields))]
    if seqs:
        cursor.execute(statements()["drop_persons"], {"seqs": seqs})
        pairs = {"keys": [key for key, _ in gone], "seqs": [seq for _, seq in gone]}
        cursor.execute(statements()["drop_keys"], pairs)


def write_rows(cursor: Cursor, keys: Keys, rows: Iterable[Row]) -> None:
    """Copy persons that are not in the index into it."""
    keyed: list[tuple[int, int]] = []
    with cursor.copy(statements()["copy_persons"]) as copy:
        copy.set_types(["int8", "int8", "int2", "text", "bytea"])
        for row in rows:
            copy.write_row((row.seq, row.person_key, row.origin, row.id, pack(row.person)))
            keyed += [(key, row.seq) for key in keys.of(row.person)]
    with cursor.copy(statements()["copy_keys"]) as copy:
        copy.set_types(["int8", "int8"])
        for pair in sorted(keyed):
            copy.write_row(pair)


def _key(line: Stored) -> tuple[int, str, str]:
    return line.entry.origin, line.entry.type, line.entry.id


def _is_there(line: Stored) -> bool:
    """Say whether a Patient can be found: a state secret is in no answer, so in no index."""
    is_left = line.entry.operation is not Operation.DELETE and bool(line.body)
    return is_left and not is_secret(line.body)


def _row(line: Stored) -> Row:
    entry = line.entry
    person = person_of_patient(parse(line.body))
    return Row(entry.seq, entry.person, entry.origin, entry.id, person)
