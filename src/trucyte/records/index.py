"""The search index: what is acknowledged is searchable, in the same transaction.

One row a current resource in `records.entry`, side rows for what does not fit there.
Replaying the journal gives the same rows.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from trucyte.database.connect import Cursor, Database
from trucyte.fhir.search import Extractor
from trucyte.journal.change import Change, Entry, Operation
from trucyte.records.hashing import Hasher
from trucyte.records.owners import owners_of
from trucyte.records.parameters.book import ParameterBook
from trucyte.records.parameters.definition import TYPE as PARAMETER_TYPE
from trucyte.records.parameters.plan import Plan
from trucyte.records.rows import IndexRow, side_row
from trucyte.records.statements import statements

# What the rows of an index mean; another number wherever the same resource would give other
# rows: parameters of R4 and their bits, forms of values, main dates, common units, labels.
FORM = 5
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_TRAILER = struct.pack(">h", -1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row, by which plan it was made, and what to make it of again by another."""

    row: IndexRow
    plan: Plan
    change: Change


class SearchIndex:
    """The projection that keeps the index; see `journal.change.Projection`."""

    name = "search"
    tables: Sequence[str] = (
        "records.entry",
        "records.current_date",
        "records.current_quantity",
        "records.current_text",
        "records.current_phrase",
    )

    def __init__(self, extractor: Extractor, hasher: Hasher) -> None:
        """Take where values come from, and the hashes of this node's index key."""
        self.book = ParameterBook(extractor, hasher)
        self.hasher = hasher

    @property
    def extractor(self) -> Extractor:
        """Return what takes values out of resources, as far as this process knows."""
        return self.book.plan.extractor

    def prepare(self, change: Change) -> Prepared:
        """Make the row of a change by what this process knows to be in force.

        Raises the Problems of compiling for a SearchParameter that cannot be used.
        """
        if change.type == PARAMETER_TYPE:
            self.book.check(change)
        plan = self.book.plan
        return Prepared(self.row_by(plan, change), plan, change)

    def row_by(self, plan: Plan, change: Change) -> IndexRow:
        """Make the row of a change by a plan; pure. A deletion's row only says whose it is."""
        if change.operation is Operation.DELETE:
            reference = self.hasher.reference(change.origin, change.type, change.id)
            return IndexRow(reference, 0, b"", (), (), (), ())
        resource = change.resource
        if resource is None:
            resource = msgspec.json.decode(change.body)
        return plan.maker.row(resource, change.id, change.person, change.origin)

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Any]) -> None:
        """Write the rows of `entries` by what is in force, and end those they replace.

        Raises the Problems of compiling for a SearchParameter that cannot be used any more.
        """
        if any(entry.type == PARAMETER_TYPE for entry in entries):
            plan = self.book.accept(cursor, entries, [item.change for item in prepared])
        else:
            plan = self.book.refresh(cursor)
        rows = [self._row_now(plan, item) for item in prepared]
        last = {(entry.origin, entry.type, entry.id): entry.seq for entry in entries}
        current = []
        replacing = []
        for entry, row in zip(entries, rows, strict=True):
            if entry.version > 1:
                replacing.append((entry, row))
            is_last = last[entry.origin, entry.type, entry.id] == entry.seq
            if is_last and entry.operation is not Operation.DELETE:
                current.append((entry, row))
        owners = owners_of(cursor, [entry for entry, _ in current])
        if replacing:
            self._end(cursor, replacing)
        if current:
            self._write(cursor, current, owners)

    def clear(self, cursor: Cursor) -> None:
        """Empty the index; page tokens given before are refused from now on.

        What is in force stays so: a replay writes all rows by it.
        """
        self.book.finish_all(cursor)
        cursor.execute(statements()["clear"])
        cursor.execute(statements()["close_positions"])
        _stamp(cursor)

    def is_current(self, database: Database) -> bool:
        """Say whether the index has the form this program writes; one without rows takes it.

        Searches in an index of another form miss what it does not have: a rebuild is due.
        """
        with database.connection() as connection, connection.cursor() as cursor:
            row = cursor.execute(statements()["form"]).fetchone()
            assert row is not None
            form, is_empty = row
            if form is None and is_empty:
                _stamp(cursor)
                return True
            return bool(form == FORM)

    def sweep(self, database: Database, before: datetime) -> int:
        """Forget rows that were replaced before a time; return how many.

        Page tokens of older positions end with it. An hour is a long time to turn a page.
        """
        with database.connection() as connection, connection.cursor() as cursor:
            limit = {"before": _microseconds(before)}
            swept = cursor.execute(statements()["sweep"], limit).fetchone()
            return int(swept[0]) if swept else 0

    def sweep_phrases(self, database: Database) -> int:
        """Forget displays that no current resource has any more; return how many."""
        with database.connection() as connection, connection.cursor() as cursor:
            return cursor.execute(statements()["sweep_phrases"]).rowcount

    def _end(self, cursor: Cursor, replacing: Sequence[tuple[Entry, IndexRow]]) -> None:
        cursor.execute(
            statements()["end_rows"],
            {
                "seqs": [entry.seq for entry, _ in replacing],
                "sensitivities": [row.sensitivity for _, row in replacing],
                "ats": [_microseconds(entry.accepted_at) for entry, _ in replacing],
            },
        )
        restricted = [row for _, row in replacing if row.sensitivity]
        if restricted:
            cursor.execute(
                statements()["restrict_ended"],
                {
                    "references": [row.reference for row in restricted],
                    "sensitivities": [row.sensitivity for row in restricted],
                },
            )
        deleted = [row.reference for entry, row in replacing if entry.operation == Operation.DELETE]
        if deleted:
            cursor.execute(statements()["remove_ended"], {"references": deleted})

    def _row_now(self, plan: Plan, item: Prepared) -> IndexRow:
        """Return a row by the plan that is in force under the lock; seldom another than before."""
        type_name = item.change.type
        if item.plan is plan or item.plan.custom_of(type_name) == plan.custom_of(type_name):
            return item.row
        return self.row_by(plan, item.change)

    def _write(
        self,
        cursor: Cursor,
        rows: Sequence[tuple[Entry, IndexRow]],
        owners: Mapping[int, Sequence[int]],
    ) -> None:
        packed = [
            row.packed(entry.seq, _microseconds(entry.accepted_at), owners.get(entry.seq, ()))
            for entry, row in rows
        ]
        _copy(cursor, "copy_entries", packed)
        self.write_sides(cursor, [(entry.seq, row) for entry, row in rows])

    @staticmethod
    def write_sides(cursor: Cursor, rows: Sequence[tuple[int, IndexRow]]) -> None:
        """Write the side rows of (seq, row), and the phrases that are new."""
        for name, columns, attribute in (
            ("copy_dates", 4, "dates"),
            ("copy_quantities", 6, "quantities"),
            ("copy_texts", 3, "texts"),
        ):
            sides = [
                side_row(columns, seq, side)
                for seq, row in rows
                for side in getattr(row, attribute)
            ]
            if sides:
                _copy(cursor, name, sides)
        phrases = {phrase[0]: phrase for _, row in rows for phrase in row.phrases}
        if phrases:
            tokens, parameters, values = zip(*phrases.values(), strict=True)
            cursor.execute(
                statements()["add_phrases"],
                {"tokens": list(tokens), "parameters": list(parameters), "values": list(values)},
            )


def _stamp(cursor: Cursor) -> None:
    cursor.execute(statements()["stamp_form"], {"form": FORM})


def _copy(cursor: Cursor, name: str, rows: Sequence[bytes]) -> None:
    with cursor.copy(statements()[name]) as copy:
        copy.write(b"".join((_COPY_HEADER, *rows, _COPY_TRAILER)))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
