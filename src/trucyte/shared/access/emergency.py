"""Break-glass: a person's whole record for half an hour, with a reason, told and reviewed.

Who treats and has no relation to a person yet opens an emergency. It is one row, open to
one account; the person and the security officers are told in the same transaction, and it
waits for a review with a deadline. Nobody reviews what they opened themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.alerts import raise_alert
from trucyte.shared.access.subject import Subject
from trucyte.vietnam.calendar import add_working_days

LIFE: Final = timedelta(minutes=30)
REVIEW_WORKING_DAYS: Final = 3
REASON_LETTERS: Final = (10, 1000)
MANY_A_DAY: Final = 5  # of one account: then the officers are told of that as well
PURPOSE: Final = "ETREAT"
REVIEWERS: Final = frozenset({"security_officer", "auditor"})


class EmergencyReasonMissing(Problem):
    """Say why in {least} to {most} letters; it is read when this is reviewed."""

    code = "emergency-reason-missing"


class EmergencyUnknown(Problem):
    """There is no such emergency."""

    kind = Kind.NOT_FOUND
    code = "emergency-unknown"


class EmergencyReviewed(Problem):
    """This emergency was reviewed already."""

    kind = Kind.CONFLICT
    code = "emergency-reviewed"


class OwnEmergency(Problem):
    """Nobody reviews an emergency that they opened themselves."""

    kind = Kind.FORBIDDEN
    code = "own-emergency"


class Ground(StrEnum):
    """Why it cannot wait."""

    LIFE = "life"  # the person's life or health is in danger
    UNCONSCIOUS = "unconscious"  # the person cannot be asked
    REFERRAL = "referral"  # just arrived, nothing is recorded yet
    OTHER = "other"


class Verdict(StrEnum):
    """What a review finds."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@dataclass(frozen=True, slots=True)
class Review:
    """Who judged it, and how."""

    by: str
    at: datetime
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Emergency:
    """One time that the glass was broken."""

    number: int
    account: str
    organisation: str
    person: int  # key
    patient: str  # id of the Patient it was opened at
    ground: Ground
    reason: str
    opened_at: datetime
    until: datetime
    due_at: datetime  # when it is to be reviewed by
    review: Review | None = None

    def is_open(self, now: datetime) -> bool:
        """Say whether it still lets in."""
        return self.opened_at <= now < self.until

    def is_overdue(self, now: datetime) -> bool:
        """Say whether its review should have been made."""
        return self.review is None and now >= self.due_at


class Queries(NamedTuple):
    """The named queries of this module."""

    open_emergency: str
    find_open: str
    find_emergency: str
    list_waiting: str
    list_reviewed: str
    count_since: str
    end_emergency: str
    review_emergency: str


QUERIES: Final = load_queries(Queries, "trucyte.shared.access", "emergency.sql")


def _allowed(subject: Subject, emergency: Emergency) -> None:
    """Let everyone; the node gives what asks the rules."""


class Emergencies:
    """The emergencies of this node. Safe to share between threads and processes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        check: Callable[[Subject, Emergency], None] = _allowed,
    ) -> None:
        """Keep them in `database`; `check` raises AccessDenied where rules let in no further."""
        self._database = database
        self._clock = clock
        self._check = check

    def open(
        self, subject: Subject, *, person: int, patient: str, ground: Ground, reason: str
    ) -> Emergency:
        """Break the glass: open a person's record, and tell the person and the officers.

        Raises EmergencyReasonMissing, and AccessDenied where no rule lets the subject.
        """
        told, now = reason.strip(), self._clock.now()
        least, most = REASON_LETTERS
        if not least <= len(told) <= most or "\0" in told:
            raise EmergencyReasonMissing(least=least, most=most)
        wanted = Emergency(
            0, subject.account, subject.organisation, person, patient, ground, told, now,
            now + LIFE, review_due(now),
        )  # fmt: skip
        self._check(subject, wanted)
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(QUERIES.open_emergency, _values(wanted)).fetchone()
            assert row is not None
            opened = replace(wanted, number=row[0])
            self._tell(connection, opened)
        return opened

    def _tell(self, connection: Connection, opened: Emergency) -> None:
        about, now = f"emergency/{opened.number}", opened.opened_at
        own = opened.organisation
        raise_alert(connection, "emergency-of-you", about, now, person=opened.person)
        raise_alert(connection, "emergency", about, now, role="security_officer", organisation=own)
        since = {"account": opened.account, "since": now - timedelta(days=1)}
        row = connection.execute(QUERIES.count_since, since).fetchone()
        if row is not None and row[0] >= MANY_A_DAY:
            raise_alert(
                connection, "emergencies-many", about, now, role="security_officer",
                organisation=own,
            )  # fmt: skip

    def open_of(self, subject: Subject, patient: str = "") -> Emergency | None:
        """Return the emergency of a subject that is open, for one Patient or the last."""
        if subject.kind != "staff":
            return None
        values = {"account": subject.account, "patient": patient, "now": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_open, values).fetchone()
        return _emergency(row) if row else None

    def open_numbered(self, subject: Subject, number: int) -> Emergency | None:
        """Return an emergency of a subject that is open; None where it is none of those."""
        try:
            found = self.one(number)
        except EmergencyUnknown:
            return None
        is_own = found.account == subject.account
        return found if is_own and found.is_open(self._clock.now()) else None

    def one(self, number: int) -> Emergency:
        """Return an emergency. Raises EmergencyUnknown."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_emergency, {"number": number}).fetchone()
        if row is None:
            raise EmergencyUnknown
        return _emergency(row)

    def waiting(self, *, count: int = 200) -> Sequence[Emergency]:
        """Return those that wait for a review, by deadline: overdue ones stand first."""
        return self._listed(QUERIES.list_waiting, count)

    def reviewed(self, *, count: int = 50) -> Sequence[Emergency]:
        """Return those that were reviewed, the last first."""
        return self._listed(QUERIES.list_reviewed, count)

    def end(self, subject: Subject, number: int) -> None:
        """End one's own emergency before its time. Raises EmergencyUnknown."""
        values = {"number": number, "account": subject.account, "now": self._clock.now()}
        with self._database.connection() as connection:
            if connection.execute(QUERIES.end_emergency, values).fetchone() is None:
                raise EmergencyUnknown

    def review(self, subject: Subject, number: int, verdict: Verdict, reason: str) -> Emergency:
        """Judge an emergency of another; one found unjustified is told to the officers.

        Raises EmergencyUnknown, OwnEmergency, EmergencyReviewed, EmergencyReasonMissing.
        """
        told, now = reason.strip(), self._clock.now()
        least, most = REASON_LETTERS
        if not least <= len(told) <= most or "\0" in told:
            raise EmergencyReasonMissing(least=least, most=most)
        found = self.one(number)
        if found.account == subject.account:
            raise OwnEmergency
        values = {
            "number": number, "by": subject.account, "now": now, "verdict": verdict.value,
            "reason": told,
        }  # fmt: skip
        with self._database.connection() as connection, connection.transaction():
            if connection.execute(QUERIES.review_emergency, values).fetchone() is None:
                raise EmergencyReviewed
            if verdict is Verdict.UNJUSTIFIED:
                raise_alert(
                    connection, "emergency-unjustified", f"emergency/{number}", now,
                    role="security_officer", organisation=found.organisation,
                )  # fmt: skip
        return replace(found, review=Review(subject.account, now, verdict, told))

    def _listed(self, query: str, count: int) -> Sequence[Emergency]:
        with self._database.connection() as connection:
            rows = connection.execute(query, {"count": count}).fetchall()
        return [_emergency(row) for row in rows]


def review_due(opened_at: datetime) -> datetime:
    """Return the end of the third working day after an opening, in Viet Nam."""
    day = add_working_days(opened_at.astimezone(VIETNAM).date(), REVIEW_WORKING_DAYS)
    return datetime.combine(day + timedelta(days=1), time(), VIETNAM)


def _values(emergency: Emergency) -> dict[str, object]:
    return {
        "account": emergency.account,
        "organisation": emergency.organisation,
        "person": emergency.person,
        "patient": emergency.patient,
        "ground": emergency.ground.value,
        "reason": emergency.reason,
        "opened_at": emergency.opened_at,
        "until": emergency.until,
        "due_at": emergency.due_at,
    }


def _emergency(row: tuple[Any, ...]) -> Emergency:
    *told, by, at, verdict, reason = row
    number, account, organisation, person, patient, ground, why, opened, until, due = told
    review = Review(by, at, Verdict(verdict), reason) if by else None
    return Emergency(
        number, account, organisation, person, patient, Ground(ground), why, opened, until, due,
        review,
    )  # fmt: skip
