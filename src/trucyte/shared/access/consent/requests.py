"""Requests of persons about their data, each step with who and when. Safe between threads.

A request is of a person; those it is one person with see it as theirs. Deadlines are fixed when
it is received, and again only by an extension. Steps are never altered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.records.access import Access
from trucyte.shared.access.consent.moves import ENDED, Event, State, clocks, moved
from trucyte.shared.access.consent.persons import Persons
from trucyte.shared.access.consent.statements import QUERIES

WORDS_MAX: Final = 2000
COUNT_MAX: Final = 200
_NUMBERS_END: Final = 1 << 63
_RECEIVE: Final = "receive"


class RequestUnknown(Problem):
    """There is no such request."""

    kind = Kind.NOT_FOUND
    code = "request-unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did with a request."""

    at: datetime
    account: str
    event: str
    state: State
    note: str
    article: str
    digest: bytes | None  # SHA-256 of the package handed over


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and its course where it was asked for."""

    number: int
    person: int
    patient: str  # "Patient/x"
    kind: str
    state: State
    words: str
    channel: str
    by: str
    organisation: str
    received_at: datetime
    acknowledge_by: date
    answer_by: date
    ended_at: datetime | None
    steps: Sequence[Step] = ()

    @property
    def due(self) -> date:
        """The day of the next deadline."""
        return self.acknowledge_by if self.state is State.RECEIVED else self.answer_by

    def days_left(self, today: date) -> int:
        """Return how many days remain; negative: so many overdue."""
        return (self.due - today).days

    def is_overdue(self, today: date) -> bool:
        """Say whether the clock of the law has run out."""
        return self.ended_at is None and today > self.due


class Requests:
    """The requests of a node."""

    def __init__(self, database: Database, persons: Persons, clock: Clock) -> None:
        """Keep them in `database`."""
        self._database = database
        self._persons = persons
        self._clock = clock

    def receive(
        self, access: Access, patient: str, kind: str, *, words: str = "", channel: str, by: str
    ) -> Request:
        """Take a request in and start its clocks; raises KindUnknown."""
        now = self._clock.now()
        day = now.astimezone(VIETNAM).date()
        answer_by = clocks().answer_by(kind, day, is_extended=False)
        values = {
            "person": self._persons.key(patient),
            "patient": patient,
            "kind": kind,
            "state": State.RECEIVED.value,
            "words": words[:WORDS_MAX],
            "channel": channel,
            "by": by,
            "organisation": access.organisation,
            "now": now,
            "acknowledge_by": clocks().acknowledge_by(day),
            "answer_by": answer_by,
        }
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.add_request, values).fetchone()
            assert row is not None
            number = int(row[0])
            step = _step(number, now, access, _RECEIVE, State.RECEIVED)
            connection.execute(QUERIES.add_step, step)
        return self.one(access, number)

    def move(
        self,
        access: Access,
        number: int,
        event: Event,
        *,
        note: str = "",
        article: str = "",
        digest: bytes | None = None,
    ) -> Request:
        """Take a step; of two at once the second finds the request moved.

        Raises RequestUnknown, MoveRefused, NoteMissing.
        """
        now = self._clock.now()
        note, article = note.strip()[:WORDS_MAX], article.strip()[:WORDS_MAX]
        with self._database.connection() as connection:
            request = self._kept(connection, access, number)
            state = moved(request.state, event, note=note, article=article)
            received = request.received_at.astimezone(VIETNAM).date()
            is_extended = state is State.EXTENDED
            values = {
                "number": number,
                "state": state.value,
                "answer_by": clocks().answer_by(request.kind, received, is_extended=True)
                if is_extended
                else request.answer_by,
                "ended_at": now if state in ENDED else None,
            }
            connection.execute(QUERIES.move_request, values)
            step = _step(number, now, access, event.value, state)
            step |= {"note": note, "article": article, "digest": digest}
            connection.execute(QUERIES.add_step, step)
        return self.one(access, number)

    def one(self, access: Access, number: int) -> Request:
        """Return a request with its steps; raises RequestUnknown."""
        with self._database.reader() as connection:
            values = {"number": number if 0 < number < _NUMBERS_END else 0}
            row = connection.execute(QUERIES.one_request, values).fetchone()
            steps = connection.execute(QUERIES.steps_of, values).fetchall()
        if row is None or not _may(access, _request(row)):
            raise RequestUnknown
        return _request(row, [_read_step(step) for step in steps])

    def open(self, access: Access, count: int = COUNT_MAX) -> Sequence[Request]:
        """Return those that wait, the longest overdue first."""
        return self._listed(QUERIES.open_requests, access, count)

    def ended(self, access: Access, count: int = 50) -> Sequence[Request]:
        """Return those that ended, the last first."""
        return self._listed(QUERIES.ended_requests, access, count)

    def of_person(self, patient: str) -> Sequence[Request]:
        """Return the requests of a person with their steps, the newest first."""
        values = {"persons": list(self._persons.circle(patient)), "count": COUNT_MAX}
        with self._database.reader() as connection:
            rows = connection.execute(QUERIES.requests_of, values).fetchall()
            return [
                _request(
                    row,
                    [
                        _read_step(step)
                        for step in connection.execute(QUERIES.steps_of, {"number": row[0]})
                    ],
                )
                for row in rows
            ]

    def _kept(self, connection: Connection, access: Access, number: int) -> Request:
        values = {"number": number if 0 < number < _NUMBERS_END else 0}
        row = connection.execute(QUERIES.keep_request, values).fetchone()
        if row is None or not _may(access, _request(row)):
            raise RequestUnknown
        return _request(row)

    def _listed(self, query: str, access: Access, count: int) -> list[Request]:
        seen = access.sees_organisations
        values = {
            "all": seen is None,
            "organisations": sorted(seen or ()),
            "count": min(count, COUNT_MAX),
        }
        with self._database.reader() as connection:
            return [_request(row) for row in connection.execute(query.encode(), values)]


def _may(access: Access, request: Request) -> bool:
    """Say whether a request is of whom the caller acts for, or of a person it may look at."""
    if access.persons is not None:
        return request.person in access.persons
    seen = access.sees_organisations
    return seen is None or request.organisation in seen


def _step(number: int, now: datetime, access: Access, event: str, state: State) -> dict[str, Any]:
    return {
        "number": number, "now": now, "account": access.caller, "event": event,
        "state": state.value, "note": "", "article": "", "digest": None,
    }  # fmt: skip


def _request(row: Sequence[Any], steps: Sequence[Step] = ()) -> Request:
    number, person, patient, kind, state, *rest = row
    words, channel, by, organisation, received, acknowledge_by, answer_by, ended = rest
    return Request(
        number, person, patient, kind, State(state), words, channel, by, organisation, received,
        acknowledge_by, answer_by, ended, steps,
    )  # fmt: skip


def _read_step(row: Sequence[Any]) -> Step:
    _, at, account, event, state, note, article, digest = row
    return Step(at, account, event, State(state), note, article, bytes(digest) if digest else None)
