"""Connections: one pool a process, and dedicated ones for long work.

A server that goes away is a `DatabaseAway` for whoever is being served and nothing more:
the pool drops what broke and connects again by itself when the server is back. A full
disk is a `DatabaseFull`; the transaction is rolled back and nothing of it is left.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg.conninfo
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from trucyte.base.problem import Kind, Problem

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]

# A plan made for one value of a hashed token is wrong for the next, so each is planned anew;
# just-in-time compilation costs more than it saves on queries of milliseconds.
_SESSION = "-c plan_cache_mode=force_custom_plan -c jit=off -c timezone=UTC"

# What only reads: no transaction to begin and end, no workers for steps that are then not
# needed, and room for what links of a search keep hashed.
READING_SECONDS_MAX = 30
_READING = (
    "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
    f" -c statement_timeout={READING_SECONDS_MAX}s -c work_mem=32MB"
    " -c max_parallel_workers_per_gather=0"
    # Nothing is prepared here but what says so, and that has one plan whatever its values.
    " -c plan_cache_mode=auto"
)

_AWAY_CLASSES = ("08",)  # connection exceptions
_AWAY_STATES = ("57P01", "57P02", "57P03", "57P05")  # shut down, crashed, starting, idle cut
_FULL_STATES = ("53100",)  # disk full


class DatabaseAway(Problem):
    """The database does not answer; what was not acknowledged was not kept. Try again later."""

    kind = Kind.UNAVAILABLE
    code = "database-away"


class DatabaseFull(Problem):
    """The disk of the database is full; what was not acknowledged was not kept. Make room."""

    kind = Kind.NO_SPACE
    code = "database-full"


class Database:
    """A PostgreSQL database by URL. Opens lazily; safe to share between threads."""

    def __init__(self, url: str, *, connections_max: int = 8, wait_seconds: float = 10.0) -> None:
        """Remember the URL; connect on first use, waiting at most `wait_seconds`."""
        self.url = url
        self._pool = _pool(url, connections_max, wait_seconds, is_reading=False)
        self._readers = _pool(url, connections_max, wait_seconds, is_reading=True)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a pooled connection; commits on leaving, rolls back on an exception.

        Raises DatabaseAway when the server does not answer, DatabaseFull when its disk is full.
        """
        with _lent(self._pool) as connection:
            yield connection

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Lend a pooled connection that only reads; each statement is one moment by itself.

        A statement is planned anew unless it is executed with `prepare=True`.

        Several statements see one moment within `connection.transaction()`. A statement is
        stopped after `READING_SECONDS_MAX`. Raises as `connection`.
        """
        with _lent(self._readers) as connection:
            yield connection

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Open a connection of the caller's own; the caller closes it. Raises DatabaseAway."""
        with problems_of_the_server():
            return psycopg.connect(_with_session(self.url), autocommit=autocommit)

    def figures(self) -> tuple[int, int, int]:
        """Return how many pooled connections are lent and idle, and how many callers wait."""
        told = self._pool.get_stats()
        idle = told.get("pool_available", 0)
        return told.get("pool_size", 0) - idle, idle, told.get("requests_waiting", 0)

    def close(self) -> None:
        """Close the pools."""
        self._pool.close()
        self._readers.close()


def _pool(
    url: str, connections_max: int, wait_seconds: float, *, is_reading: bool
) -> ConnectionPool[Connection]:
    return ConnectionPool(
        _with_session(url, _READING if is_reading else ""),
        kwargs={"autocommit": True, "prepare_threshold": None} if is_reading else {},
        min_size=0,
        max_size=connections_max,
        open=False,
        name="trucyte",
        timeout=wait_seconds,
        reconnect_timeout=wait_seconds,
        check=_check_alive,
    )


@contextmanager
def _lent(pool: ConnectionPool[Connection]) -> Iterator[Connection]:
    with problems_of_the_server():
        pool.open()
        with pool.connection() as connection:
            yield connection


@contextmanager
def problems_of_the_server() -> Iterator[None]:
    """Turn what happens to any server into Problems; let a defect of ours through as it is.

    For work on a connection from `Database.connect`; pooled ones have it already.
    """
    try:
        yield
    except PoolClosed:
        raise  # used after its end: a defect
    except (psycopg.Error, PoolTimeout) as error:
        problem = _problem_of(error)
        if problem is None:
            raise
        raise problem from error


def _problem_of(error: psycopg.Error | PoolTimeout) -> Problem | None:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # Without a state the server said nothing: the line is cut, or was never there.
        return DatabaseAway() if isinstance(error, psycopg.OperationalError) else None
    if state in _FULL_STATES:
        return DatabaseFull()
    away = state in _AWAY_STATES or state.startswith(_AWAY_CLASSES)
    return DatabaseAway() if away else None


def _check_alive(connection: Connection) -> None:
    """Refuse a pooled connection whose server has gone, without a round trip when it is well.

    An idle connection has nothing to read; something there is a farewell or the end of file.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)


def _with_session(url: str, more: str = "") -> str:
    told: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
    told["options"] = " ".join(filter(None, (_SESSION, more, told.get("options"))))
    told.setdefault("application_name", "trucyte")
    told.setdefault("connect_timeout", 10)
    return psycopg.conninfo.make_conninfo(**told)
