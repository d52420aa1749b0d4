"""Sessions: who is at a page, until when, and whether it must be said again.

A cookie holds a random text, the database its digest: who reads the database can act for
nobody. The text is a new one at every login, unlocking and change of rights; the session's
id stays, so forms open in another window still belong to it. Every question goes to the
database: what was ended is ended in every process at once.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.staff.roles import CITIZEN
from trucyte.shared.access.subject import Subject

HALF_LIFE = timedelta(minutes=5)  # of a login whose second factor is still missing
HALF_TRIES_MAX = 5
TOUCH_AFTER = timedelta(seconds=30)  # less is not worth a write
TEXT_MAX = 128


class Queries(NamedTuple):
    """The named queries of sessions."""

    add_session: str
    find_session: str
    touch_session: str
    renew_session: str
    lock_session: str
    try_session: str
    end_session: str
    end_session_of: str
    end_others: str
    sessions_of: str
    forget_ended: str


QUERIES = load_queries(Queries, "trucyte.shared.access.staff", "sessions.sql")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session stays open."""

    idle: timedelta = timedelta(minutes=15)  # then it locks
    life: timedelta = timedelta(hours=12)  # then it ends


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands now."""

    id: str
    subject: Subject
    display: str  # what the account is displayed as
    is_half: bool  # a second factor is still asked for: it opens nothing yet
    is_locked: bool  # idle, locked by hand, or its rights changed: it must be opened again
    form_key: str  # what its forms carry
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its holder sees it in a list."""

    id: str
    browser: str
    begun_at: datetime
    seen_at: datetime
    is_locked: bool


class Sessions:
    """The sessions of this node. Safe to share between threads and processes."""

    def __init__(
        self, database: Database, clock: Clock, key: bytes, limits: Limits | None = None
    ) -> None:
        """Keep them in `database`; `key` (32 bytes) makes what forms carry."""
        self._database = database
        self._clock = clock
        self._key = key
        self.limits = limits or Limits()

    def begin(
        self,
        account: str,
        *,
        kind: str = "staff",
        assurance: int = 1,
        is_half: bool = False,
        persons: Sequence[int] = (),
        rights: int = 0,
        browser: str = "",
    ) -> str:
        """Begin a session and return the text of its cookie, which is not kept.

        `persons` are the keys a citizen acts for. A half session lives five minutes.
        """
        text, now = secrets.token_urlsafe(32), self._clock.now()
        values = {
            "digest": _digest(text),
            "id": secrets.token_hex(8),
            "kind": kind,
            "account": account,
            "persons": list(persons),
            "assurance": assurance,
            "is_half": is_half,
            "rights": rights,
            "browser": browser[:60],
            "now": now,
            "ends_at": now + (HALF_LIFE if is_half else self.limits.life),
        }
        with self._database.connection() as connection:
            connection.execute(QUERIES.forget_ended, {"now": now})
            connection.execute(QUERIES.add_session, values)
        return text

    def find(self, text: str) -> Session | None:
        """Return the session of a cookie; None where there is none, or it or its account ended."""
        if not text or len(text) > TEXT_MAX:
            return None
        values = {
            "digest": _digest(text),
            "now": self._clock.now(),
            "idle_before": self._clock.now() - self.limits.idle,
        }
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.find_session, values).fetchone()
        return None if row is None else self._session(_Row(*row))

    def touch(self, text: str) -> None:
        """Remember that someone worked: what is idle is counted from here."""
        values = {
            "digest": _digest(text),
            "now": self._clock.now(),
            "stale": self._clock.now() - TOUCH_AFTER,
            "idle_before": self._clock.now() - self.limits.idle,
        }
        with self._database.connection() as connection:
            connection.execute(QUERIES.touch_session, values)

    def renew(self, text: str, *, assurance: int, rights: int) -> str | None:
        """Open a session (again) under a new text, whole and unlocked; None where it has ended."""
        fresh, now = secrets.token_urlsafe(32), self._clock.now()
        values = {
            "digest": _digest(text),
            "fresh": _digest(fresh),
            "assurance": assurance,
            "rights": rights,
            "now": now,
            "ends_at": now + self.limits.life,
        }
        with self._database.connection() as connection:
            renewed = connection.execute(QUERIES.renew_session, values).fetchone()
        return fresh if renewed else None

    def lock(self, text: str) -> None:
        """Lock a session until it is opened again."""
        values = {"digest": _digest(text), "now": self._clock.now()}
        with self._database.connection() as connection:
            connection.execute(QUERIES.lock_session, values)

    def note_wrong_code(self, text: str) -> bool:
        """Count a wrong code of a half session; True when it was one too many and it ended."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.try_session, {"digest": _digest(text)}).fetchone()
        if row is None or row[0] < HALF_TRIES_MAX:
            return row is None
        self.end(text)
        return True

    def end(self, text: str) -> None:
        """End a session."""
        with self._database.connection() as connection:
            connection.execute(QUERIES.end_session, {"digest": _digest(text)})

    def end_of(self, account: str, id: str) -> bool:
        """End a session of an account by its id; False where there is none."""
        values = {"account": account, "id": id.replace("\0", "")}
        with self._database.connection() as connection:
            return connection.execute(QUERIES.end_session_of, values).fetchone() is not None

    def end_all(self, account: str, *, but: str = "") -> None:
        """End all sessions of an account but that of the id `but`."""
        with self._database.connection() as connection:
            connection.execute(QUERIES.end_others, {"account": account, "id": but})

    def of(self, account: str) -> Sequence[ListedSession]:
        """Return the open sessions of an account, the latest first."""
        values = {
            "account": account,
            "now": self._clock.now(),
            "idle_before": self._clock.now() - self.limits.idle,
        }
        with self._database.connection() as connection:
            return [ListedSession(*row) for row in connection.execute(QUERIES.sessions_of, values)]

    def form_key(self, anchor: str) -> str:
        """Return what forms carry that belong to `anchor`: a session's id, or a browser's."""
        made = hmac.new(self._key, b"form " + anchor.encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(made[:18]).decode()

    def _session(self, row: "_Row") -> Session:
        subject = Subject(
            account=row.account,
            kind="citizen" if row.kind == "citizen" else "staff",
            roles=frozenset((CITIZEN,) if row.kind == "citizen" else row.roles),
            organisation=row.organisation,
            wards=tuple(row.wards),
            practitioner=row.practitioner,
            persons=frozenset(row.persons),
            assurance=row.assurance,
            session=row.id,
        )
        return Session(
            id=row.id,
            subject=subject,
            display=row.display,
            is_half=row.is_half,
            is_locked=row.is_locked,
            form_key=self.form_key(row.id),
            ends_at=row.ends_at,
        )


class _Row(NamedTuple):
    id: str
    kind: str
    account: str
    persons: Sequence[int]
    assurance: int
    is_half: bool
    is_locked: bool
    ends_at: datetime
    display: str
    roles: Sequence[str]
    organisation: str
    wards: Sequence[str]
    practitioner: str


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
