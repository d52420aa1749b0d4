"""Replay: build the projections again from the journal, or show that they would be the same.

Both hold the tail, so nothing is accepted meanwhile, and both are one transaction: who
reads sees the old tables until the new ones are whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from psycopg import sql

from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.journal.change import Change, Entry, Operation, Projection, Stored
from trucyte.journal.codec import Codec
from trucyte.journal.named import QUERIES
from trucyte.journal.rows import all_stored_of, binary_cursor
from trucyte.journal.tail import read_tail

Progress = Callable[[int, int], None]  # (lines done, lines in all)

_LINES_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row of a table that a replay does not give back as it is."""

    table: str
    row: str  # its primary key as text; the whole row's hash where it has none
    kind: str  # "missing": the replay has it, the table not; "extra"; "changed"


def rebuild(
    database: Database, projections: Sequence[Projection], codec: Codec, progress: Progress
) -> int:
    """Clear the projections and replay the whole journal into them; return its lines."""
    with problems_of_the_server(), database.connect() as connection:
        return _replay(connection, projections, codec, progress)


def extend(
    database: Database,
    projections: Sequence[Projection],
    codec: Codec,
    after: int,
    progress: Progress,
) -> int:
    """Replay the lines behind `after` into projections that are as they were then."""
    with problems_of_the_server(), database.connect() as connection:
        return _replay(connection, projections, codec, progress, after)


def compare(
    database: Database, projections: Sequence[Projection], codec: Codec, progress: Progress
) -> Difference | None:
    """Replay the journal and return the first row that differs; leaves everything as it was."""
    tables = [table for projection in projections for table in projection.tables]
    with problems_of_the_server(), database.connect() as connection:
        return compare_tables(
            connection, tables, lambda: _replay(connection, projections, codec, progress)
        )


def compare_tables(
    connection: Connection, tables: Sequence[str], lay_out: Callable[[], object]
) -> Difference | None:
    """Return the first row of `tables` that `lay_out` does not give back as it is.

    `lay_out` clears the tables and fills them from the journal in the transaction of
    `connection`, which ends with everything as it was. Nothing is accepted meanwhile.
    """
    cursor = connection.cursor()
    read_tail(binary_cursor(connection), lock=True)
    for number, table in enumerate(tables):
        cursor.execute(
            sql.SQL("create temporary table {} on commit drop as table {}").format(
                _kept(number), _named(table)
            )
        )
    lay_out()
    differences = (_difference(cursor, number, table) for number, table in enumerate(tables))
    first = next(filter(None, differences), None)
    connection.rollback()
    return first


def _replay(
    connection: Connection,
    projections: Sequence[Projection],
    codec: Codec,
    progress: Progress,
    after: int | None = None,
) -> int:
    """Replay all lines, or into what there is those behind `after`; return the last one."""
    cursor = binary_cursor(connection)
    total = read_tail(cursor, lock=True).last_seq
    for projection in projections if after is None else ():
        projection.clear(connection.cursor())
    for lines in _chunks(cursor, codec, after or 0):
        entries = [line.entry for line in lines]
        changes = [_change(line) for line in lines]
        for projection in projections:
            prepared = [projection.prepare(change) for change in changes]
            projection.apply(connection.cursor(), entries, prepared)
        progress(entries[-1].seq, total)
    return total


def _chunks(cursor: Cursor, codec: Codec, after: int) -> Iterator[list[Stored]]:
    while rows := cursor.execute(QUERIES.follow, (after, _LINES_AT_ONCE)).fetchall():
        lines = [_without_erased(line) for line in all_stored_of(rows, codec)]
        yield lines
        after = lines[-1].entry.seq


def _without_erased(line: Stored) -> Stored:
    """Replay an erased line as the end of its resource: there is nothing left to index."""
    if line.body or line.entry.operation is Operation.DELETE:
        return line
    return replace(line, entry=replace(line.entry, operation=Operation.DELETE))


def _change(line: Stored) -> Change:
    entry: Entry = line.entry
    return Change(
        entry.type, entry.id, entry.operation, line.body, line.meta_offset, entry.person,
        None, entry.data_group, entry.source, entry.row, entry.origin,
    )  # fmt: skip


def _difference(cursor: Cursor, number: int, table: str) -> Difference | None:
    """Compare a table with what it was, whole rows, and name the first that differs."""
    before, after = _kept(number), _named(table)
    key = _key_of(cursor, table)
    row = cursor.execute(
        sql.SQL(
            "select {key} as key, bool_or(was), bool_or(not was) from ("
            " select true as was, gone.* from (table {before} except all table {after}) gone"
            " union all"
            " select false, come.* from (table {after} except all table {before}) come"
            ") differing group by key order by key limit 1"
        ).format(key=key, before=before, after=after)
    ).fetchone()
    if row is None:
        return None
    found, was_there, is_there = row
    kind = "changed" if was_there and is_there else "extra" if was_there else "missing"
    return Difference(table, found, kind)


def _key_of(cursor: Cursor, table: str) -> sql.Composable:
    columns = cursor.execute(QUERIES.primary_key, (table,)).fetchall()
    if not columns:
        return sql.SQL("md5((differing.*)::text)")
    names = [sql.SQL("differing.{}::text").format(sql.Identifier(name)) for (name,) in columns]
    return sql.SQL("concat_ws('/', {})").format(sql.SQL(", ").join(names))


def _kept(number: int) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"before_{number}")


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
