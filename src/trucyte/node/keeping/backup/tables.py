"""What a backup takes of each table, and in what order a restore lays it down.

Growing   rows that are only added, by a column that grows: a later backup takes the new ones.
          Of lines, what an erasure by law takes from old rows is in the list of erasures.
Derived   what the journal gives again: in a base, so that a restore is quick; never later.
Passing   what counts for hours (sessions, links of a day): in none, so that nobody who
          was logged in then is so again.
Whole     everything else, and whatever table is new: in every backup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from trucyte.database.connect import Connection
from trucyte.node.keeping.backup.named import QUERIES

GROWING: Final[Mapping[str, str]] = {
    "journal.change": "seq",
    "journal.batch": "last_seq",
    "journal.erasure": "seq",
    "audit.change": "seq",
    "audit.batch": "last_seq",
    "audit.shown": "seq",
    "intake.part": "source",
}
PASSING: Final = frozenset({
    "access.session", "access.challenge", "access.lane", "access.staff_link", "access.ticket",
})  # fmt: skip
ELSEWHERE: Final = frozenset({"database.migration", "database.restoring"})
# Laid out from the journal beside what its projections keep.
FOLLOWED: Final = frozenset({
    "terminology.artefact", "terminology.concept", "identity.key", "identity.person",
    "journal.head",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the database."""

    name: str
    columns: Sequence[str]
    size: int  # bytes on the disk, with its indexes

    @property
    def named(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(*self.name.split("."))

    @property
    def listed(self) -> sql.Composed:
        """Its columns in a statement."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


def read_tables(connection: Connection) -> list[Table]:
    """Return the tables of the database that a backup knows of, those that others name first."""
    found = {
        name: Table(name, columns, size)
        for name, columns, size in connection.execute(QUERIES.tables).fetchall()
        if name not in ELSEWHERE and name not in PASSING
    }
    needs: dict[str, set[str]] = {name: set() for name in found}
    for child, parent, *_ in connection.execute(QUERIES.references).fetchall():
        if child in found and parent in found and child != parent:
            needs[child].add(parent)
    ordered: list[Table] = []
    while needs:
        free = sorted(name for name, parents in needs.items() if not parents & needs.keys())
        assert free, "tables name each other in a circle"
        ordered += [found[name] for name in free]
        for name in free:
            del needs[name]
    return ordered


def derived_tables(projected: Sequence[str]) -> frozenset[str]:
    """Return the tables that the journal gives again; `projected` are those of projections."""
    return FOLLOWED | frozenset(projected)


def selection(table: Table, after: int | None) -> sql.Composed:
    """Return the statement that gives a table's rows: all, or those that grew behind `after`."""
    column = GROWING.get(table.name)
    where = order = sql.Composed([])
    if column is not None:
        order = sql.SQL(" order by {}").format(sql.Identifier(column))
    if column is not None and after is not None:
        where = sql.SQL(" where {} > {}").format(sql.Identifier(column), sql.Literal(after))
    return sql.SQL("copy (select {} from {}{}{}) to stdout (format binary)").format(
        table.listed, table.named, where, order
    )
