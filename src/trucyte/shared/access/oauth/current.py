"""An account as it is now, for a token that was given some time ago."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.subject import Subject


class Queries(NamedTuple):
    """The named queries of accounts."""

    staff_now: str
    has_session: str


QUERIES = load_queries(Queries, "trucyte.shared.access.oauth", "accounts.sql")


class CurrentAccounts:
    """Looks accounts up. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keys: Callable[[str], frozenset[int]],
        asks_login: Callable[[], bool],
    ) -> None:
        """Look in `database`; `keys` gives the person keys of a Patient."""
        self._database = database
        self._clock = clock
        self._keys = keys
        self._asks_login = asks_login

    def __call__(self, subject: Subject, *, lives_with_session: bool) -> Subject | None:
        """Return an account with its rights of now; None where it has ended.

        A token that lives with a session ends with it too.
        """
        session = subject.session if lives_with_session else ""
        if subject.kind == "citizen":
            # Whom one may act for is decided anew; so far, for oneself.
            is_open = not session or self._has_session(subject.account, session)
            return replace(subject, persons=self._keys(subject.account)) if is_open else None
        if subject.kind == "local":
            return None if self._asks_login() else subject
        return self._staff(subject, session) if subject.kind == "staff" else None

    def _staff(self, subject: Subject, session: str) -> Subject | None:
        values = {"account": subject.account, "session": session, "now": self._clock.now()}
        with self._database.reader() as connection:
            row = connection.execute(QUERIES.staff_now, values).fetchone()
        if row is None:
            return None
        roles, organisation, wards, practitioner = row
        return replace(
            subject,
            roles=frozenset(roles),
            organisation=organisation,
            wards=tuple(wards),
            practitioner=practitioner,
        )

    def _has_session(self, account: str, session: str) -> bool:
        values = {"account": account, "session": session, "now": self._clock.now()}
        with self._database.reader() as connection:
            row = connection.execute(QUERIES.has_session, values).fetchone()
        return bool(row and row[0])
