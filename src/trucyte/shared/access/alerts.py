"""Alerts: something happened that a person, or those of a role, should look at.

An alert says what kind, of what (`emergency/12`) and when; its words stand where it is
shown. It names nobody: whoever may open what it is about sees the rest there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.database.queries import load_queries
from trucyte.shared.access.subject import Subject

REASON_LETTERS_MAX: Final = 1000


class AlertUnknown(Problem):
    """There is no such alert for you, or it was dealt with."""

    kind = Kind.NOT_FOUND
    code = "alert-unknown"


class AlertReasonMissing(Problem):
    """Say why in up to {most} letters."""

    code = "alert-reason-missing"


class AlertWords(NamedTuple):
    """What an alert of a kind says."""

    vi: str
    en: str

    def of(self, language: str) -> str:
        """Return the sentence in a language."""
        return self.vi if language == "vi" else self.en


KINDS: Final = MappingProxyType(
    {
        "emergency-of-you": AlertWords(
            "Hồ sơ của bạn đã được mở trong trường hợp khẩn cấp.",
            "Your record was opened in an emergency.",
        ),
        "emergency": AlertWords(
            "Một hồ sơ đã được mở khẩn cấp và chờ xem xét lại.",
            "A record was opened in an emergency and waits for its review.",
        ),
        "emergencies-many": AlertWords(
            "Một tài khoản mở khẩn cấp nhiều lần trong một ngày.",
            "One account opened many emergencies in a day.",
        ),
        "emergency-unjustified": AlertWords(
            "Một lần mở khẩn cấp được kết luận là không có lý do chính đáng.",
            "An emergency was found to be unjustified.",
        ),
        "release-asked": AlertWords(
            "Có yêu cầu mở dữ liệu chờ đơn vị quản lý quyết định.",
            "A release of data waits for the managing unit.",
        ),
        "rules-changed": AlertWords(
            "Bộ quy tắc truy cập đã thay đổi.", "The rules of access were changed."
        ),
    }
)


class State(StrEnum):
    """How far an alert has come."""

    OPEN = "open"
    LOOKED_AT = "looked-at"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"


_MOVES: Final = MappingProxyType(
    {
        State.OPEN: (State.LOOKED_AT, State.DISMISSED, State.ESCALATED),
        State.LOOKED_AT: (State.DISMISSED, State.ESCALATED),
        State.ESCALATED: (State.DISMISSED,),
        State.DISMISSED: (),
    }
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert."""

    number: int
    kind: str
    about: str  # "emergency/12"
    raised_at: datetime
    organisation: str  # of what it is about; "": of the node
    state: State
    reason: str
    by: str  # account that moved it last
    evidence: tuple[str, ...]  # ids of entries of the trail


class Queries(NamedTuple):
    """The named queries of this module."""

    raise_alert: str
    of_person: str
    of_role: str
    count_open: str
    move_alert: str


QUERIES: Final = load_queries(Queries, "trucyte.shared.access", "alerts.sql")


def raise_alert(
    connection: Connection,
    kind: str,
    about: str,
    now: datetime,
    *,
    person: int = 0,
    role: str = "",
    organisation: str = "",
    evidence: Sequence[str] = (),
) -> None:
    """Raise an alert to a person, or to those of a role, with what `connection` commits."""
    assert bool(person) != bool(role), "an alert goes to a person or to a role"
    values = {
        "kind": kind,
        "about": about,
        "now": now,
        "person": person,
        "role": role,
        "organisation": organisation,
        "evidence": list(evidence),
    }
    connection.execute(QUERIES.raise_alert, values)


class Alerts:
    """The alerts of this node, as those read them whom they are for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Read and move alerts in `database`."""
        self._database = database
        self._clock = clock

    def of_person(self, persons: Sequence[int], *, count: int = 100) -> Sequence[Alert]:
        """Return the alerts to persons, by their keys, the last first."""
        return self._listed(QUERIES.of_person, {"persons": list(persons), "count": count})

    def of_roles(self, roles: frozenset[str], *, count: int = 200) -> Sequence[Alert]:
        """Return the alerts to those of some roles, open ones first."""
        return self._listed(QUERIES.of_role, {"roles": sorted(roles), "count": count})

    def count_open(self, roles: frozenset[str]) -> int:
        """Return how many alerts to some roles nobody has looked at."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.count_open, {"roles": sorted(roles)}).fetchone()
        return int(row[0]) if row else 0

    def move(self, subject: Subject, number: int, state: State, reason: str = "") -> None:
        """Move an alert on. Raises AlertUnknown, AlertReasonMissing.

        Dismissing and escalating need a reason.
        """
        told = reason.strip()
        if (state is not State.LOOKED_AT and not told) or len(told) > REASON_LETTERS_MAX:
            raise AlertReasonMissing(most=REASON_LETTERS_MAX)
        values = {
            "number": number,
            "state": state.value,
            "from": [before.value for before, after in _MOVES.items() if state in after],
            "roles": sorted(subject.roles),
            "by": subject.account,
            "reason": told.replace("\0", "\ufffd"),
            "now": self._clock.now(),
        }
        with self._database.connection() as connection:
            if connection.execute(QUERIES.move_alert, values).fetchone() is None:
                raise AlertUnknown

    def _listed(self, query: str, values: dict[str, object]) -> Sequence[Alert]:
        with self._database.connection() as connection:
            rows = connection.execute(query, values).fetchall()
        return [
            Alert(number, kind, about, at, whose, State(state), reason, by, tuple(evidence))
            for number, kind, about, at, whose, state, reason, by, evidence in rows
        ]
