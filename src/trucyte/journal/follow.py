"""Following: reading lines in order, waiting for more, and remembering how far one came.

A follower never skips. The writer holds the tail row until its commit is visible, so
line n is visible before n+1 is even given its number: whoever sees n+1 sees n, on this
server and, since a replica replays commits in order, on a replica.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from psycopg import sql

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.journal.change import Position
from trucyte.journal.named import Queries, queries_of
from trucyte.journal.rows import binary_cursor
from trucyte.journal.tail import read_tail


class CursorMovedBack(Problem):
    """The cursor {name} is already past that position."""

    kind = Kind.CONFLICT
    code = "cursor-moved-back"


class Listener:
    """Waits for the journal to grow, by LISTEN; safe to share between threads.

    Each waiting thread holds a connection of its own, kept for the next one that waits.
    """

    def __init__(self, database: Database, schema: str) -> None:
        """Connect on first use; listen to the journal of `schema`."""
        self._database = database
        self._queries = queries_of(schema)
        self._channel = sql.Identifier(schema)
        self._mutex = Lock()
        self._idle: list[Connection] = []

    def wait(self, after: int, timeout_seconds: float) -> int:
        """Return the last seq as soon as it is above `after`, or what it is after the time."""
        deadline = time.monotonic() + timeout_seconds
        with problems_of_the_server(), self._listening() as connection:
            while True:
                tail = read_tail(binary_cursor(connection), self._queries).last_seq
                left = deadline - time.monotonic()
                if tail > after or left <= 0:
                    return tail
                for _ in connection.notifies(timeout=left, stop_after=1):
                    pass

    def close(self) -> None:
        """Close the connections that nobody waits on."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _listening(self) -> Iterator[Connection]:
        with self._mutex:
            connection = self._idle.pop() if self._idle else None
        if connection is None or connection.closed:
            connection = self._database.connect(autocommit=True)
        try:
            connection.execute(sql.SQL("listen {}").format(self._channel))
            yield connection
            # Nobody reads while it rests: an unread queue would fill the server's.
            connection.execute(sql.SQL("unlisten {}").format(self._channel))
        except BaseException:
            connection.close()
            raise
        with self._mutex:
            self._idle.append(connection)


def read_cursor(cursor: Cursor, queries: Queries, name: str) -> Position | None:
    """Return where the follower `name` stands, None where it never moved."""
    row = cursor.execute(queries.read_cursor, (name,)).fetchone()
    return Position(*row) if row else None


def move_cursor(cursor: Cursor, queries: Queries, name: str, position: Position) -> None:
    """Remember how far the follower `name` came; raises CursorMovedBack."""
    cursor.execute(queries.move_cursor, (name, position.seq, position.epoch))
    if cursor.rowcount == 0:
        raise CursorMovedBack(name=name)
