"""Connections: one pool a process, and dedicated ones for long work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]


class Database:
    """A PostgreSQL database by URL. Opens lazily; safe to share between threads."""

    def __init__(self, url: str, *, connections_max: int = 8) -> None:
        """Remember the URL; connect on first use."""
        self.url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url, min_size=0, max_size=connections_max, open=False, name="trucyte"
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a pooled connection; commits on leaving, rolls back on an exception."""
        self._pool.open()
        with self._pool.connection() as connection:
            yield connection

    def connect(self) -> Connection:
        """Open a connection of the caller's own (no autocommit); the caller closes it."""
        return psycopg.connect(self.url)

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()
