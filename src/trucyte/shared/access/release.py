"""Two-key release: what others than those who treat may read, where the law asks two to agree.

Decree 102/2025 article 10.2 c: other organisations and persons need the consent of both the
unit that manages the data and the person they are of. The first key is a row here, opened
by the unit for one account and purpose until a day. The second is never kept here: it is
each person's Consent, asked in the query itself, so a withdrawal holds at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.alerts import raise_alert
from trucyte.shared.access.subject import Subject

LIFE_MAX: Final = timedelta(days=366)
PURPOSES: Final = frozenset({"HRESCH"})
WHAT_FOR_LETTERS: Final = (10, 1000)
OPENERS: Final = frozenset({"administrator", "security_officer"})  # who speak for the unit


class ReleaseUnknown(Problem):
    """There is no such release, or it is not in a state for that."""

    kind = Kind.NOT_FOUND
    code = "release-unknown"


class ReleaseRefused(Problem):
    """This release cannot be asked for: {reason}."""

    code = "release-refused"


class ReleaseByTwo(Problem):
    """Who asked for a release, or would hold it, does not open it."""

    kind = Kind.FORBIDDEN
    code = "release-by-two"


class State(StrEnum):
    """How far a release has come."""

    ASKED = "asked"
    OPEN = "open"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Release:
    """The managing unit's key."""

    number: int
    account: str  # who may read by it
    purpose: str
    what_for: str
    asked_by: str
    asked_at: datetime
    until: datetime
    state: State
    decided_by: str = ""
    decided_at: datetime | None = None


class Queries(NamedTuple):
    """The named queries of this module."""

    ask_release: str
    decide_release: str
    end_release: str
    find_release: str
    find_open: str
    list_releases: str


QUERIES: Final = load_queries(Queries, "trucyte.shared.access", "release.sql")


class Releases:
    """The releases of this node. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep them in `database`."""
        self._database = database
        self._clock = clock

    def ask(
        self, by: str, *, account: str, purpose: str, what_for: str, until: datetime
    ) -> Release:
        """Ask the managing unit to open data to an account. Raises ReleaseRefused."""
        now, told = self._clock.now(), what_for.strip()
        reason = _fault(account, purpose, told, until - now)
        if reason:
            raise ReleaseRefused(reason=reason)
        values = {
            "account": account, "purpose": purpose, "what_for": told, "by": by, "now": now,
            "until": until,
        }  # fmt: skip
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(QUERIES.ask_release, values).fetchone()
            assert row is not None
            for role in sorted(OPENERS):
                raise_alert(connection, "release-asked", f"release/{row[0]}", now, role=role)
        return Release(row[0], account, purpose, told, by, now, until, State.ASKED)

    def decide(self, by: str, number: int, *, opens: bool) -> Release:
        """Open a release, or refuse it. Raises ReleaseUnknown, ReleaseByTwo."""
        found = self.one(number)
        if by in (found.asked_by, found.account):
            raise ReleaseByTwo
        state = State.OPEN if opens else State.REFUSED
        return self._moved(QUERIES.decide_release, number, by, state)

    def end(self, by: str, number: int) -> Release:
        """End a release at once. Raises ReleaseUnknown."""
        return self._moved(QUERIES.end_release, number, by, State.ENDED)

    def one(self, number: int) -> Release:
        """Return a release. Raises ReleaseUnknown."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_release, {"number": number}).fetchone()
        if row is None:
            raise ReleaseUnknown
        return _release(row)

    def open_of(self, subject: Subject, purpose: str) -> Release | None:
        """Return the open release of a subject for a purpose, the one that ends last."""
        values = {"account": subject.account, "purpose": purpose, "now": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_open, values).fetchone()
        return _release(row) if row else None

    def list(self, *, count: int = 200) -> Sequence[Release]:
        """Return releases, those that wait first."""
        with self._database.connection() as connection:
            rows = connection.execute(QUERIES.list_releases, {"count": count}).fetchall()
        return [_release(row) for row in rows]

    def _moved(self, query: str, number: int, by: str, state: State) -> Release:
        values = {"number": number, "by": by, "now": self._clock.now(), "state": state.value}
        with self._database.connection() as connection:
            if connection.execute(query, values).fetchone() is None:
                raise ReleaseUnknown
        return self.one(number)


def _fault(account: str, purpose: str, what_for: str, life: timedelta) -> str:
    least, most = WHAT_FOR_LETTERS
    checks = (
        ("no account is named", bool(account) and "\0" not in account),
        ("the purpose asks for none", purpose in PURPOSES),
        (f"say what for, in {least} to {most} letters", least <= len(what_for) <= most),
        ("what for is no text", "\0" not in what_for),
        ("it ends in the future, within a year", timedelta() < life <= LIFE_MAX),
    )
    return next((reason for reason, is_right in checks if not is_right), "")


def _release(row: tuple[Any, ...]) -> Release:
    number, account, purpose, what_for, asked_by, asked_at, until, state, by, at = row
    return Release(
        number, account, purpose, what_for, asked_by, asked_at, until, State(state), by, at
    )
