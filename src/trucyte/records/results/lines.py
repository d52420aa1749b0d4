"""Lines of the journal as they are given out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from psycopg.errors import QueryCanceled

from trucyte.base.clock import VIETNAM
from trucyte.database.connect import READING_SECONDS_MAX, Cursor, Database
from trucyte.fhir.text import with_meta
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Stored
from trucyte.journal.rows import binary_cursor
from trucyte.records.access import Access
from trucyte.records.shown import Resource, SearchTooSlow, UnknownType

OWN = 0  # the origin of this node's own resources
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@contextmanager
def reading(database: Database, *, one_moment: bool = False) -> Iterator[Cursor]:
    """Lend a cursor; all its statements see one moment where asked. Raises SearchTooSlow."""
    with database.reader() as connection:
        try:
            if not one_moment:
                yield binary_cursor(connection)
            else:
                with connection.transaction():
                    yield binary_cursor(connection)
        except QueryCanceled as error:
            raise SearchTooSlow(seconds=READING_SECONDS_MAX) from error


def shown(
    access: Access, lines: Sequence[Stored], reason: str, *persons: int
) -> tuple[Resource, ...]:
    """Leave the trail, then give out."""
    seen = tuple(line.entry.person for line in lines)
    access.recorder.shown(access, seen or persons, reason)
    return tuple(resource_of(line) for line in lines)


def resource_of(line: Stored) -> Resource:
    """Return a line with the server's own `meta` in its body."""
    entry = line.entry
    body = line.body
    if body:
        body = with_meta(body, line.meta_offset, entry.version, instant(entry.accepted_at))
    return Resource(
        entry.type,
        entry.id,
        entry.version,
        entry.accepted_at,
        body,
        entry.person,
        entry.seq,
        entry.source,
        entry.row,
    )


@lru_cache(maxsize=4096)
def instant(moment: datetime) -> str:
    """Return a time as resources have it; all lines of a batch have one."""
    return moment.astimezone(VIETNAM).isoformat(timespec="milliseconds")


def check_type(type_name: str) -> None:
    """Raise UnknownType for what is no resource type; show it only where it may be."""
    if type_name not in TYPE_NUMBERS:
        known = type_name.isascii() and type_name.isalpha() and len(type_name) < 64
        raise UnknownType(type=type_name if known else "(unreadable)")


def microseconds(moment: datetime) -> int:
    """Return µs since 1970."""
    return (moment - _EPOCH) // _MICROSECOND
