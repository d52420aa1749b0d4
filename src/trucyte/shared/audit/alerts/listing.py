"""The list of sensitive persons: every look at them by a stranger is asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.shared.audit.alerts.knowledge import QUERIES

REASON_LETTERS_MAX = 1000


class WatchReasonMissing(Problem):
    """Say why in up to {most} letters."""

    code = "watch-reason-missing"


class NotWatched(Problem):
    """This person is not on the list."""

    kind = Kind.NOT_FOUND
    code = "not-watched"


@dataclass(frozen=True, slots=True)
class Watched:
    """One person on the list."""

    person: int  # key
    reason: str
    by: str
    at: datetime


class WatchList:
    """The list of this node."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep it in `database`."""
        self._database = database
        self._clock = clock

    def add(self, person: int, reason: str, by: str) -> None:
        """Put a person on the list; once is enough. Raises WatchReasonMissing."""
        told = reason.strip().replace("\0", "\ufffd")
        if not told or len(told) > REASON_LETTERS_MAX:
            raise WatchReasonMissing(most=REASON_LETTERS_MAX)
        values = {"person": person, "reason": told, "by": by, "at": self._clock.now()}
        with self._database.connection() as connection:
            connection.execute(QUERIES.watch, values)

    def end(self, person: int, by: str) -> None:
        """Take a person off the list. Raises NotWatched."""
        values = {"person": person, "by": by, "at": self._clock.now()}
        with self._database.connection() as connection:
            if connection.execute(QUERIES.unwatch, values).fetchone() is None:
                raise NotWatched

    def list(self, count: int = 500) -> Sequence[Watched]:
        """Return who is on the list, the last first."""
        with self._database.connection() as connection:
            rows = connection.execute(QUERIES.list_watched, {"count": count}).fetchall()
        return [Watched(*row) for row in rows]
