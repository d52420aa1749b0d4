"""Who else holds data of a person, and that they were told of a withdrawal.

Holders are known from the trail (organisations that read or got data here) and from what staff
wrote down. A withdrawal puts a notice for each in a queue. Whoever carries notices to other nodes
takes them from it; while nobody does, each holder counts as unreachable and is named to the
person, who can then be helped by letter: staff mark by hand what was sent and confirmed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Database
from trucyte.records.access import Access
from trucyte.shared.access.consent.catalogue import purposes
from trucyte.shared.access.consent.consent import Given
from trucyte.shared.access.consent.persons import Persons
from trucyte.shared.access.consent.statements import QUERIES

NO_CARRIER: Final = "no-exchange"  # nodes do not talk to each other here
_HOLDER_MAX: Final = 120


class NoticeState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    SENT = "sent"
    CONFIRMED = "confirmed"
    UNREACHABLE = "unreachable"


# From which states a notice may come to one.
_FROM: Final = {
    NoticeState.SENT: (NoticeState.WAITING, NoticeState.UNREACHABLE),
    NoticeState.CONFIRMED: (NoticeState.WAITING, NoticeState.SENT, NoticeState.UNREACHABLE),
    NoticeState.UNREACHABLE: (NoticeState.WAITING, NoticeState.SENT),
}


class NoticeUnknown(Problem):
    """There is no such notice, or it went further already."""

    kind = Kind.CONFLICT
    code = "notice-unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """One time data of a person went to an organisation, as the trail tells."""

    holder: str  # "Organization/x"
    how: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds data of a person."""

    name: str
    how: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """That a holder is to be told of a withdrawal, and how far that came."""

    consent: str
    version: int
    holder: str
    person: int
    state: NoticeState
    why: str
    made_at: datetime
    changed_at: datetime
    changed_by: str


Looks = Callable[[int], Iterable[Look]]  # by person key, from the trail


def nobody_looked(person: int) -> Iterable[Look]:
    """Tell of no look: a node without a trail."""
    return ()


class Holders:
    """The holders of a node's persons. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        persons: Persons,
        clock: Clock,
        *,
        own: frozenset[str] = frozenset(),
        looks: Looks = nobody_looked,
        has_carrier: bool = False,
    ) -> None:
        """`own` are organisations of this node; `has_carrier`: somebody takes from the queue."""
        self._database = database
        self._persons = persons
        self._clock = clock
        self._own = own
        self._looks = looks
        self.has_carrier = has_carrier

    def note(self, patient: str, holder: str, how: str) -> None:
        """Write down that somebody holds data of a person: sent on paper, exported, exchanged."""
        look = Look(holder.strip()[:_HOLDER_MAX], how, self._clock.now())
        with self._database.connection() as connection:
            self._keep(connection, self._persons.key(patient), [look])

    def of(self, patient: str) -> Sequence[Holder]:
        """Return who holds data of a person, who got them last first."""
        key = self._persons.key(patient)
        with self._database.connection() as connection:
            self._keep(connection, key, self._looks(key))
            values = {"persons": list(self._persons.circle(patient))}
            return [Holder(*row) for row in connection.execute(QUERIES.holders_of, values)]

    def withdrawn(self, given: Given) -> None:
        """Queue a notice for each holder that a withdrawal concerns; may be said again."""
        purpose = purposes().get(given.purpose)
        if purpose is None or not purpose.shares or given.withdrawn_at is None:
            return
        state = NoticeState.WAITING if self.has_carrier else NoticeState.UNREACHABLE
        names = {holder.name for holder in self.of(given.person)}
        if given.receiver.startswith("Organization/"):
            names.add(given.receiver)  # it was named as who gets the data
        with self._database.connection() as connection:
            for name in sorted(names):
                values = {
                    "consent": given.id,
                    "version": given.version,
                    "holder": name,
                    "person": self._persons.key(given.person),
                    "state": state.value,
                    "why": "" if self.has_carrier else NO_CARRIER,
                    "now": self._clock.now(),
                }
                connection.execute(QUERIES.add_notice, values)

    def notices(self, patient: str) -> Sequence[Notice]:
        """Return the notices about a person, the newest first."""
        values = {"persons": list(self._persons.circle(patient))}
        with self._database.reader() as connection:
            return [_notice(row) for row in connection.execute(QUERIES.notices_of, values)]

    def waiting(self, count: int = 100) -> Sequence[Notice]:
        """Return the notices that somebody must still carry, the oldest first."""
        with self._database.reader() as connection:
            rows = connection.execute(QUERIES.open_notices, {"count": count}).fetchall()
        return [_notice(row) for row in rows]

    def move(
        self, access: Access, notice: tuple[str, int, str], state: NoticeState, why: str = ""
    ) -> None:
        """Say what became of a notice (consent, version, holder); raises NoticeUnknown."""
        consent, version, holder = notice
        values = {
            "consent": consent,
            "version": version,
            "holder": holder,
            "state": state.value,
            "why": why,
            "now": self._clock.now(),
            "by": access.caller,
            "from": [one.value for one in _FROM.get(state, ())],
        }
        with self._database.connection() as connection:
            if connection.execute(QUERIES.move_notice, values).fetchone() is None:
                raise NoticeUnknown

    def _keep(self, connection: Connection, key: int, looks: Iterable[Look]) -> None:
        for look in looks:
            if look.holder and look.holder not in self._own:
                values = {"person": key, "holder": look.holder, "how": look.how, "at": look.at}
                connection.execute(QUERIES.note_holder, values)


def _notice(row: Sequence[object]) -> Notice:
    consent, version, holder, person, state, *rest = row
    return Notice(consent, version, holder, person, NoticeState(str(state)), *rest)  # type: ignore[arg-type] # columns as the table has them
