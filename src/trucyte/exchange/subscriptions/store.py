"""The rows of subscriptions: what each asks, where it stands, which events it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.database.connect import Cursor, Database
from trucyte.exchange.subscriptions.statements import statements
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.change import Operation
from trucyte.records.access import Access
from trucyte.records.asker import asker_of

CHANNEL: Final = "subscriptions"  # of the database's notifications
_TYPES: Final = {TYPE_NUMBERS[name]: name for name in RESOURCE_TYPES}


class Status(StrEnum):
    """Where a subscription stands, as R4 names it."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Creator:
    """On whose behalf a subscription asks."""

    caller: str
    purpose: str
    organisation: str
    asker: str = ""  # the access it asked under, as JSON; "": none but the above keeps it


@dataclass(frozen=True, slots=True)
class Standing:
    """One subscription's row."""

    id: str
    version: int
    seq: int  # journal line of the version that asks
    creator: Creator
    channel: str
    status: Status
    problem: str
    reason: str  # the problem in words
    told_status: str
    events: int
    delivered: int
    failures: int
    due_at: datetime
    heartbeat_seconds: int | None
    ends_at: datetime | None
    tried_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One version that a subscription is told of."""

    number: int
    seq: int
    type: str
    id: str
    version: int
    operation: Operation
    at: datetime


class Store:
    """The tables, in transactions of their own or of a cursor. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self.database = database

    def every(self, cursor: Cursor) -> list[Standing]:
        """Return all rows."""
        return [_standing(row) for row in cursor.execute(statements().every).fetchall()]

    def listed(self) -> list[Standing]:
        """Return all rows."""
        with self.database.connection() as connection:
            return self.every(connection.cursor())

    def one(self, id: str, cursor: Cursor | None = None) -> Standing | None:
        """Return a row, None where there is none; in the transaction of `cursor` if given."""
        if cursor is not None:
            row = cursor.execute(statements().one, {"id": id}).fetchone()
            return _standing(row) if row else None
        with self.database.connection() as connection:
            return self.one(id, connection.cursor())

    def keep_bounds(self, access: Access, id: str, version: int) -> None:
        """Keep under which access a version of a subscription is about to be accepted."""
        asker = msgspec.json.encode(asker_of(access)).decode()
        told = {"id": id, "version": version, "caller": access.caller, "asker": asker}
        with self.database.connection() as connection:
            connection.execute(statements().keep_bounds, told)

    def events(
        self, id: str, *, after: int, until: int = (1 << 62), limit: int = 100
    ) -> list[Event]:
        """Return events behind a number, in order."""
        told = {"id": id, "after": after, "until": until, "limit": limit}
        with self.database.connection() as connection:
            rows = connection.execute(statements().events, told).fetchall()
        return [
            Event(number, seq, _TYPES[kind], resource, version, Operation(operation), at)
            for number, seq, kind, resource, version, operation, at in rows
        ]

    def due(self, now: datetime, busy: Sequence[str], limit: int) -> list[str]:
        """Return the ids of those that are to be told something now."""
        told = {"now": now, "busy": list(busy), "limit": limit}
        with self.database.connection() as connection:
            return [row[0] for row in connection.execute(statements().due, told).fetchall()]

    def next_due(self, busy: Sequence[str]) -> datetime | None:
        """Return when something is to be told next, as far as that is known."""
        with self.database.connection() as connection:
            row = connection.execute(statements().next_due, {"busy": list(busy)}).fetchone()
        return row[0] if row else None

    def taken(self, standing: Standing, number: int, now: datetime) -> bool:
        """Note that everything up to an event was taken; False where it asks anew meanwhile."""
        told = {"id": standing.id, "seq": standing.seq, "number": number, "now": now}
        with self.database.connection() as connection:
            return connection.execute(statements().taken, told).rowcount > 0

    def failed(
        self,
        standing: Standing,
        problem: Problem,
        now: datetime,
        due_at: datetime,
        attempts_max: int,
    ) -> Status | None:
        """Note a failure, and give up after the last; None where it asks anew meanwhile."""
        told = {
            "id": standing.id, "seq": standing.seq, "now": now, "due_at": due_at,
            "problem": problem.code, "reason": wording(problem, "en"), "attempts_max": attempts_max,
        }  # fmt: skip
        with self.database.connection() as connection:
            row = connection.execute(statements().failed, told).fetchone()
        return Status(row[0]) if row else None

    def retry(self, id: str, now: datetime) -> bool:
        """Let one that failed be tried again at once; False where there is nothing to try."""
        with self.database.connection() as connection:
            row = connection.execute(statements().retry, {"id": id, "now": now}).fetchone()
            connection.execute(statements().notify)
        return row is not None

    def settle(self, now: datetime) -> None:
        """Open what needs no handshake, and end what is over."""
        with self.database.connection() as connection:
            connection.execute(statements().open_socket, {"now": now})
            connection.execute(statements().end_over, {"now": now})

    def untold(self) -> list[tuple[str, int, Status, str]]:
        """Return (id, version, status, error) of those whose resource says another status."""
        with self.database.connection() as connection:
            rows = connection.execute(statements().untold).fetchall()
        return [
            (id, version, Status(status), f"{reason} [{problem}]")
            for id, version, status, problem, reason in rows
        ]

    def told(self, id: str, version: int, status: Status) -> None:
        """Note that the resource says it now."""
        facts = {"id": id, "version": version, "status": status}
        with self.database.connection() as connection:
            connection.execute(statements().told, facts)

    def sweep(self, before: datetime) -> int:
        """Forget the events before a moment that were taken; return how many."""
        with self.database.connection() as connection:
            return connection.execute(statements().sweep, {"before": before}).rowcount


def add_events(cursor: Cursor, found: Sequence[tuple[str, "NewEvent"]]) -> None:
    """Write events, numbered in their order, and wake whoever tells them."""
    more: dict[str, int] = {}
    for id, _ in found:
        more[id] = more.get(id, 0) + 1
    ids = sorted(more)  # one order of locks
    counted = cursor.execute(
        statements().count_events, {"ids": ids, "more": [more[id] for id in ids]}
    ).fetchall()
    following = {id: last - more[id] + 1 for id, last in counted}
    columns: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    for id, event in found:
        if id in following:
            row = (id, following[id], event.seq, TYPE_NUMBERS[event.type], event.id,
                   event.version, int(event.operation), event.at)  # fmt: skip
            following[id] += 1
            for name, value in zip(_COLUMNS, row, strict=True):
                columns[name].append(value)
    cursor.execute(statements().add_events, columns)
    cursor.execute(statements().notify)


_COLUMNS: Final = (
    "subscriptions", "numbers", "seqs", "types", "resources", "versions", "operations", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has no number yet."""

    seq: int
    type: str
    id: str
    version: int
    operation: Operation
    at: datetime


def _standing(row: tuple[object, ...]) -> Standing:
    id, version, seq, caller, purpose, organisation, asker, channel, status, *rest = row
    creator = Creator(str(caller), str(purpose), str(organisation), str(asker))
    return Standing(id, version, seq, creator, channel, Status(str(status)), *rest)  # type: ignore[arg-type]  # as the query has them
