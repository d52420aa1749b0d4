"""Write down what a database holds, the same on every version of PostgreSQL.

`schema.sql` is this text of a migrated database. It is SQL that builds the same database
again, which is how the two are held together (tests/unit/test_schema.py).
"""

from typing import NamedTuple

from trucyte.database.connect import Connection
from trucyte.database.queries import load_queries

HEADER = "-- What the migrations build. Written by `make schema`; do not edit.\n"


class _Queries(NamedTuple):
    list_schemas: str
    list_types: str
    list_sequences: str
    list_tables: str
    list_columns: str
    list_constraints: str
    list_indexes: str
    list_views: str
    list_functions: str
    list_triggers: str


_QUERIES = load_queries(_Queries, "trucyte.database", "describe.sql")


def describe(connection: Connection) -> str:
    """Return SQL that builds the schemas of this database: everything but the rows."""
    parts = [
        *_lines(connection, _QUERIES.list_schemas),
        *_lines(connection, _QUERIES.list_types),
        *_lines(connection, _QUERIES.list_sequences),
        *_tables(connection),
        *_lines(connection, _QUERIES.list_constraints),
        *_lines(connection, _QUERIES.list_indexes),
        *_lines(connection, _QUERIES.list_functions),
        *_lines(connection, _QUERIES.list_views),
        *_lines(connection, _QUERIES.list_triggers),
    ]
    return "\n".join((HEADER, *parts))


def _lines(connection: Connection, query: str) -> list[str]:
    statements = [row[0].strip() for row in connection.execute(query).fetchall()]
    return [f"{statement};\n" for statement in statements]


def _tables(connection: Connection) -> list[str]:
    """Return one statement a table, partitions after what they are part of."""
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(_QUERIES.list_columns).fetchall():
        columns.setdefault(table, []).append(f"    {column}")
    statements = []
    for table, kind, partition_of, tail in connection.execute(_QUERIES.list_tables).fetchall():
        if partition_of:
            statements.append(f"create {kind} {table} partition of {partition_of}{tail};\n")
        else:
            body = ",\n".join(columns.get(table, []))
            statements.append(f"create {kind} {table} (\n{body}\n){tail};\n")
    return statements
