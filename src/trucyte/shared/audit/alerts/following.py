"""Follows the trail and raises what the engine finds: each alert once, none lost.

The cursor moves in the transaction that raises, so what was raised is not read again. What
the windows held is not kept: whoever begins reads back as far as the longest window reaches
and counts again, raising nothing twice, since each alert is claimed by its key.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from trucyte.base.problem import Problem
from trucyte.database.connect import Connection, Cursor, Database
from trucyte.journal.change import Position, Stored
from trucyte.journal.journal import Journal
from trucyte.shared.access.alerts import raise_alert
from trucyte.shared.audit.alerts.engine import Engine, Known, Raised
from trucyte.shared.audit.alerts.knowledge import QUERIES
from trucyte.shared.audit.alerts.rule import Rule
from trucyte.shared.audit.entry import entry_of
from trucyte.shared.audit.reading import last_before

NAME: Final = "alerts"
ROLE: Final = "security_officer"
LINES_AT_ONCE: Final = 500
_FIRST_LOOK: Final = timedelta(days=1)  # a node that begins to watch looks back so far
_CLAIMS_KEPT: Final = timedelta(days=62)  # twice the longest period
_LOOK_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 30.0


class Watching:
    """The follower. One thread at a time; another process may follow too, raising nothing twice."""

    def __init__(
        self, database: Database, trail: Journal, rules: Sequence[Rule], known: Known
    ) -> None:
        """Follow `trail`, which lies in `database`."""
        self._database = database
        self._trail = trail
        self._rules = rules
        self._known = known
        self._engine: Engine | None = None
        self._after = 0
        self._epoch = 0

    def catch_up(self) -> list[Raised]:
        """Look at what was entered since the last time; return what was raised."""
        raised: list[Raised] = []
        while True:
            engine = self._begun()
            lines = self._trail.follow(self._after, LINES_AT_ONCE)
            if not lines:
                return raised
            found = _taken(engine, lines)
            with self._database.connection() as connection, connection.transaction():
                raised += [one for one in found if _claimed(connection, one)]
                here = Position(lines[-1].entry.seq, self._epoch)
                self._trail.move_cursor(NAME, here, connection.cursor())
            self._after = here.seq

    def run(self, stop: Event, waits: Callable[[Problem], None]) -> None:
        """Follow until `stop` is set; a Problem is told to `waits` and tried again."""
        while not stop.is_set():
            pause = _LOOK_SECONDS
            try:
                self.catch_up()
            except Problem as problem:
                waits(problem)
                self._engine, pause = None, _AGAIN_SECONDS
            stop.wait(pause)

    def _begun(self) -> Engine:
        """Return the engine; one that begins, or after a restore, counts what it must know."""
        position = self._trail.position()
        if self._engine is not None and position.epoch == self._epoch:
            return self._engine
        engine = Engine(self._rules, self._known)
        here = self._trail.cursor(NAME)
        with self._database.connection() as connection, connection.cursor() as cursor:
            if here is None or here.epoch != position.epoch:
                after = self._back(cursor, position.seq, _FIRST_LOOK)
                start = after
            else:
                after = min(here.seq, position.seq)
                start = self._back(cursor, after, max(rule.within for rule in self._rules))
        while start < after:
            lines = self._trail.follow(start, min(LINES_AT_ONCE, after - start))
            _taken(engine, lines)
            start = lines[-1].entry.seq if lines else after
        self._engine, self._after, self._epoch = engine, after, position.epoch
        return engine

    def _back(self, cursor: Cursor, seq: int, length: timedelta) -> int:
        """Return the last line before a time that lies `length` before that of a line."""
        lines = self._trail.bodies([seq]) if seq else {}
        if seq not in lines:
            return 0
        return last_before(cursor, lines[seq].entry.accepted_at - length, seq)


def _taken(engine: Engine, lines: Sequence[Stored]) -> list[Raised]:
    return [one for line in lines if line.body for one in engine.take(entry_of(line))]


def _claimed(connection: Connection, raised: Raised) -> bool:
    """Raise an alert with what `connection` commits, unless that was done before."""
    values = {"key": raised.key, "at": raised.at}
    if connection.execute(QUERIES.claim_alert, values).fetchone() is None:
        return False
    raise_alert(
        connection, f"trail-{raised.rule}", about_of(raised.account), raised.at, role=ROLE,
        organisation=raised.organisation, evidence=raised.evidence,
    )  # fmt: skip
    return True


def about_of(account: str) -> str:
    """Return what an alert is about."""
    return f"account/{account}" if account else "account"


def forget_old(database: Database, now: datetime) -> None:
    """Forget which alerts were raised long ago: their periods are over."""
    with database.connection() as connection:
        connection.execute(QUERIES.forget_claims, {"before": now - _CLAIMS_KEPT})
