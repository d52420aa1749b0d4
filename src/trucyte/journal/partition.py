"""Partitions of the table `change`, made ahead by the writer itself."""

from dataclasses import replace

from psycopg import sql

from trucyte.database.connect import Cursor
from trucyte.journal.named import Queries
from trucyte.journal.tail import Tail


def attach_partitions(
    cursor: Cursor, queries: Queries, schema: str, tail: Tail, last_seq: int
) -> None:
    """Make the next partition once the last one is half full; the caller holds the tail.

    A finished table is attached, which readers do not notice; `create … partition of`
    would wait for all of them.
    """
    while last_seq + tail.partition_rows // 2 >= tail.partition_end:
        end = tail.partition_end + tail.partition_rows
        name = sql.Identifier(schema, f"change_{tail.partition_end}")
        parent = sql.Identifier(schema, "change")
        cursor.execute(
            sql.SQL("create table {} (like {} including defaults including storage)").format(
                name, parent
            )
        )
        cursor.execute(
            sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
                parent, name, tail.partition_end, end
            )
        )
        cursor.execute(queries.move_partition_end, (end,))
        tail = replace(tail, partition_end=end)
