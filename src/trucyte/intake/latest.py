"""Which visit of a person is the latest: derived from the journal, inside its transactions.

Demographics and cards are those of the latest visit, not of the file that came last. A
visit of which only a check-in is here does not count: a check-in tells too little.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trucyte.database.connect import Cursor, Database
from trucyte.intake.claims.provenance import read_provenance
from trucyte.intake.keeping.statements import statements
from trucyte.journal.change import Change, Entry

PEOPLE = frozenset({"Patient", "Coverage", "RelatedPerson"})

Order = tuple[str, str]  # when the visit took place, and NGAYLAP: both as comparable text
_Prepared = tuple[Order, tuple[str, ...]]


class Latest:
    """A projection of the journal: the latest visit of each Patient and Coverage."""

    name = "intake.latest"
    tables: Sequence[str] = ("intake.latest",)

    def prepare(self, change: Change) -> _Prepared | None:
        """Return the order of a visit and the people it names; None for other resources."""
        if change.type != "Provenance" or not change.body:
            return None
        resource: Mapping[str, Any] = change.resource or msgspec.json.decode(change.body)
        state = read_provenance(resource)
        if state is None or state.tables == ("XML0",):
            return None
        people = tuple(f"{t.type}/{t.id}" for t in state.targets if t.type in PEOPLE)
        return (state.happened, state.made_on.isoformat() if state.made_on else ""), people

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Any]) -> None:
        """Move what is latest forward."""
        rows = [
            (entry.person, happened, made_on, person)
            for entry, found in zip(entries, prepared, strict=True)
            if found is not None
            for (happened, made_on), people in (found,)
            for person in people
        ]
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(statements()["move_latest"], columns)

    def clear(self, cursor: Cursor) -> None:
        """Empty the table, before a rebuild."""
        cursor.execute(statements()["clear_latest"])


def find_latest(database: Database, people: Sequence[str]) -> dict[str, Order]:
    """Return the order of the latest visit of each of these ("Patient/…")."""
    with database.connection() as connection:
        rows = connection.execute(statements()["find_latest"], (list(people),)).fetchall()
    return {person: (happened, made_on) for person, happened, made_on in rows}
