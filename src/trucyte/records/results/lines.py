"""Lines of the journal as they are given out, and whether a caller may see them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from psycopg.errors import QueryCanceled

from trucyte.base.clock import VIETNAM
from trucyte.database.connect import READING_SECONDS_MAX, Connection, Cursor, Database
from trucyte.fhir.parse import head
from trucyte.fhir.text import with_meta
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.change import Stored
from trucyte.journal.journal import Journal
from trucyte.journal.rows import binary_cursor
from trucyte.records.access import Access
from trucyte.records.rows import sensitivity_of_label
from trucyte.records.search.bound import Parameters
from trucyte.records.search.permission import belonging
from trucyte.records.shown import Resource, SearchTooSlow, UnknownType
from trucyte.records.statements import statements

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


def label_of(line: Stored) -> int:
    """Return how restricted a line's own label says it is."""
    # Nothing of a body is longer than its label's system, so most are told without parsing.
    if not line.body or b"v3-Confidentiality" not in line.body:
        return _escaped_label(line) if b"\\" in line.body else 0
    return _escaped_label(line)


def _escaped_label(line: Stored) -> int:
    labels = head(line.body).meta.security
    return max((sensitivity_of_label(label.system, label.code) for label in labels), default=0)


def of_those_seen(access: Access, lines: Sequence[Stored], connection: Connection) -> list[Stored]:
    """Return the lines of organisations that the caller sees; others are as if not there."""
    bound = Parameters()
    conditions = belonging(access, bound, "c")
    if not conditions or not lines:
        return list(lines)
    seqs = bound.add([line.entry.seq for line in lines], "bigint[]")
    joined = " and ".join([f"c.seq = any({seqs})", *conditions])
    rows = connection.execute(
        f"select c.seq from journal.change c where {joined}".encode(),  # noqa: S608 - own text
        bound.values,
    )
    seen = {row[0] for row in rows}
    return [line for line in lines if line.entry.seq in seen]


def visible(
    access: Access, lines: Sequence[Stored], journal: Journal, connection: Connection
) -> list[Stored]:
    """Return the lines that are of those seen, whose own label and present one allow it."""
    lines = of_those_seen(access, lines, connection)
    if access.sees_restricted or not lines:
        return lines
    keys = {(s.entry.origin, s.entry.type, s.entry.id) for s in lines}
    heads = journal.current(keys, connection)
    seqs = [line.entry.seq for line in heads.values()]
    cursor = connection.cursor()
    labels: dict[int, int] = dict(
        cursor.execute(statements()["sensitivity"], {"seqs": seqs}).fetchall()
    )
    hidden = {key for key, line in heads.items() if labels.get(line.entry.seq, 0)}
    for key in keys - hidden:
        # Nothing is left of a deleted resource in the index: ask all its versions.
        if heads[key].entry.seq not in labels and any(map(label_of, journal.history(*key))):
            hidden.add(key)
    return [
        line
        for line in lines
        if (line.entry.origin, line.entry.type, line.entry.id) not in hidden and not label_of(line)
    ]


def check_type(type_name: str) -> None:
    """Raise UnknownType for what is no resource type; show it only where it may be."""
    if type_name not in TYPE_NUMBERS:
        known = type_name.isascii() and type_name.isalpha() and len(type_name) < 64
        raise UnknownType(type=type_name if known else "(unreadable)")


def microseconds(moment: datetime) -> int:
    """Return µs since 1970."""
    return (moment - _EPOCH) // _MICROSECOND
