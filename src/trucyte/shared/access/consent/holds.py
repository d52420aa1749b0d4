"""Legal holds: while one stands, nothing of the person is erased. Safe between threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.records.access import Access
from trucyte.shared.access.consent.persons import Persons
from trucyte.shared.access.consent.statements import QUERIES

WHY_MAX: Final = 500


class HoldUnknown(Problem):
    """There is no such hold, or it ended already."""

    kind = Kind.NOT_FOUND
    code = "hold-unknown"


class HoldUnexplained(Problem):
    """A hold says why it is there."""

    kind = Kind.INVALID
    code = "hold-why"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why data of a person must stay for now."""

    number: int
    person: int
    patient: str
    why: str
    article: str
    begun_at: datetime
    begun_by: str
    until: date | None  # its last day
    ended_at: datetime | None
    ended_by: str

    def stands(self, today: date) -> bool:
        """Say whether it blocks erasing."""
        return self.ended_at is None and (self.until is None or today <= self.until)


class Holds:
    """The holds of a node."""

    def __init__(self, database: Database, persons: Persons, clock: Clock) -> None:
        """Keep them in `database`."""
        self._database = database
        self._persons = persons
        self._clock = clock

    def add(
        self, access: Access, patient: str, *, why: str, article: str = "", until: date | None
    ) -> int:
        """Begin a hold and return its number; raises HoldUnexplained."""
        if not why.strip():
            raise HoldUnexplained
        values = {
            "person": self._persons.key(patient),
            "patient": patient,
            "why": why.strip()[:WHY_MAX],
            "article": article.strip()[:WHY_MAX],
            "now": self._clock.now(),
            "by": access.caller,
            "until": until,
        }
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.add_hold, values).fetchone()
        assert row is not None
        return int(row[0])

    def end(self, access: Access, number: int) -> None:
        """End a hold; raises HoldUnknown."""
        values = {"number": number, "now": self._clock.now(), "by": access.caller}
        with self._database.connection() as connection:
            if connection.execute(QUERIES.end_hold, values).fetchone() is None:
                raise HoldUnknown

    def list(self, *, with_ended: bool = False, patient: str = "") -> Sequence[Hold]:
        """Return holds in their order, of one person where named."""
        persons = list(self._persons.circle(patient)) if patient else None
        values: dict[str, Any] = {"ended": with_ended, "persons": persons}
        with self._database.reader() as connection:
            return [Hold(*row) for row in connection.execute(QUERIES.list_holds, values)]

    def standing(self, patient: str) -> Sequence[Hold]:
        """Return the holds that block erasing data of a person today."""
        today = self._clock.now().astimezone(VIETNAM).date()
        return [hold for hold in self.list(patient=patient) if hold.stands(today)]
