"""Deaths, and deaths that were none: what a node's services are told as they happen.

A service gives its name and what it does with a notice; its cursor is its own, so one that
was away goes on where it stood. A notice may come twice, after a crash; `seq` tells it from
others. A false death is a notice like any other: whoever stopped something starts it again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trucyte.fhir.parse import parse
from trucyte.journal.change import Position, Stored
from trucyte.journal.journal import Journal
from trucyte.shared.identity.life import Change, Event, died, event_of
from trucyte.shared.identity.links.links import Links

_LINES: Final = 500
_OWN: Final = 0
_DEATHS: Final = frozenset({Event.DIED, Event.DEATH_REVERSED})


@dataclass(frozen=True, slots=True)
class DeathNotice:
    """That a person died, or that a notice of death was false."""

    seq: int  # of the version that says so
    event: Event  # DIED or DEATH_REVERSED
    patient: str  # "Patient/x"
    members: Sequence[str]  # all Patients that are this person now, it among them
    died_on: str  # as the record has it, a day or a time; "" where it does not say
    accepted_at: datetime  # aware, UTC


class Deaths:
    """Tells one service of deaths. One thread."""

    def __init__(self, journal: Journal, links: Links, service: str) -> None:
        """Follow `journal` under the cursor of a service, e.g. "appointments"."""
        self._journal = journal
        self._links = links
        self._name = f"identity.deaths.{service}"

    def catch_up(self, tell: Callable[[DeathNotice], None]) -> int:
        """Tell of everything up to now, in order; return how many notices there were.

        What `tell` raises leaves the cursor where it was.
        """
        told = 0
        end = self._journal.position()
        after = self._begin(end)
        while after < end.seq:
            lines = self._journal.follow(after, _LINES, ["Patient"])
            for notice in self._notices(lines):
                tell(notice)
                told += 1
            after = lines[-1].entry.seq if len(lines) == _LINES else max(end.seq, after)
            if lines:
                after = max(after, lines[-1].entry.seq)
            self._journal.move_cursor(self._name, Position(after, end.epoch))
        return told

    def _begin(self, end: Position) -> int:
        """A restore voids positions: then all is told again, as after a crash."""
        here = self._journal.cursor(self._name)
        return 0 if here is None or here.epoch != end.epoch else here.seq

    def _notices(self, lines: Sequence[Stored]) -> Iterator[DeathNotice]:
        for line in lines:
            entry = line.entry
            if entry.origin != _OWN or not line.body:
                continue
            after = parse(line.body)
            earlier = self._journal.version(_OWN, "Patient", entry.id, entry.version - 1)
            before = parse(earlier.body) if earlier is not None and earlier.body else {}
            event = event_of(Change(before, after))
            if event not in _DEATHS or (not before and not died(after)):
                continue
            patient = f"Patient/{entry.id}"
            yield DeathNotice(
                entry.seq,
                event,
                patient,
                self._links.group(patient),
                str(after.get("deceasedDateTime") or ""),
                entry.accepted_at,
            )
