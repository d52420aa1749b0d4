"""The node's health at one moment, for the page that shows it."""

import platform
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import trucyte
from trucyte.base.disk import Room, disk_state
from trucyte.base.problem import Problem
from trucyte.database.connect import Cursor
from trucyte.database.queries import load_queries
from trucyte.journal.checkpoint import Checkpoint as SignedCheckpoint
from trucyte.journal.rows import from_microseconds
from trucyte.node.access.people import make_book
from trucyte.node.wiring import Node
from trucyte.web.services import Checkpoint, NodeStatus, Rate

HOURS = 24


class Queries(NamedTuple):
    """The named queries of this module."""

    database_facts: str
    accepted_by_hour: str
    waiting_sources: str


QUERIES = load_queries(Queries, "trucyte.node")


def status_of(node: Node) -> NodeStatus:
    """Look at everything; what cannot be read is None, so that the page always shows."""
    disk = node.settings.disk
    room = disk_state(node.settings.data, warn_bytes=disk.warn_bytes, stop_bytes=disk.stop_bytes)
    try:
        facts: _Facts | None = _facts(node)
    except Problem:
        facts = None
    return NodeStatus(
        position=facts.position if facts else None,
        accepted_at=facts.accepted_at if facts else None,
        rates=facts.rates if facts else (),
        checkpoint=facts.checkpoint if facts else None,
        disk_free_bytes=room.free,
        disk_total_bytes=shutil.disk_usage(node.settings.data).total,
        disk_is_low=room.room is not Room.ENOUGH,
        database_version=facts.version if facts else None,
        database_bytes=facts.size if facts else None,
        waiting_jobs=facts.waiting if facts else 0,
        versions=(
            ("Trucyte", trucyte.__version__),
            ("Python", platform.python_version()),
            ("FHIR", "R4 (4.0.1)"),
        ),
        reviews_overdue=facts.overdue if facts else 0,
    )


class _Facts(NamedTuple):
    """What the database says."""

    position: int
    accepted_at: datetime | None
    rates: Sequence[Rate]
    checkpoint: Checkpoint | None
    version: str
    size: int
    waiting: int
    overdue: int


def _facts(node: Node) -> _Facts:
    now = node.clock.now()
    tail = node.journal.read_tail()
    with node.database.connection() as connection, connection.cursor() as cursor:
        row = cursor.execute(QUERIES.database_facts).fetchone()
        assert row is not None
        waiting = cursor.execute(QUERIES.waiting_sources).fetchone()
        assert waiting is not None
        rates = _rates(cursor, now)
    return _Facts(
        position=tail.last_seq,
        accepted_at=from_microseconds(tail.at) if tail.last_seq else None,
        rates=rates,
        checkpoint=_checked(node, node.journal.last_checkpoint(), now),
        version=f"PostgreSQL {row[0].split()[0]}",
        size=row[1],
        waiting=waiting[0],
        overdue=make_book(node, "pages").accounts.overdue(),
    )


def _rates(cursor: Cursor, now: datetime) -> Sequence[Rate]:
    """Return the last hours, those without work too, oldest first."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    begin = this_hour - timedelta(hours=HOURS - 1)
    cursor.execute(QUERIES.accepted_by_hour, {"begin": begin})
    counts: dict[datetime, int] = dict(cursor.fetchall())
    hours = [begin + timedelta(hours=number) for number in range(HOURS)]
    return [Rate(at=hour, versions=int(counts.get(hour, 0))) for hour in hours]


def _checked(node: Node, found: SignedCheckpoint | None, now: datetime) -> Checkpoint | None:
    """Check the last checkpoint's signature before saying anything of it."""
    if found is None:
        return None
    is_own = found.key == node.keyring.key_id
    return Checkpoint(
        position=found.last_seq,
        signed_at=from_microseconds(found.at),
        signer=found.key,
        is_valid=found.is_signed_by(node.keyring.public_key) if is_own else None,
        checked_at=now if is_own else None,
    )
