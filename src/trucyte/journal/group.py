"""Group commit: whoever arrives while a commit is running joins the next one.

The first to arrive leads: it commits its own work and what has gathered meanwhile, hands
the results out, and makes the longest-waiting one the next leader. Nobody polls, and no
one leads for others after its own work is done. Where several came together, the next leader
waits a moment for those who have just been answered; who comes alone never waits.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Lock
from typing import Final, Generic, TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")
Item = TypeVar("Item")

_ROWS_FIRST: Final = 256
_ROWS_MIN: Final = 16
_ROWS_MAX: Final = 8192
_LINGER_SECONDS: Final = 0.002  # less than a commit takes


class _Ticket(Generic[Work, Result]):
    """One caller's work, and how it is told of the end."""

    __slots__ = ("error", "leads", "results", "wakened", "weight", "works")

    def __init__(self, works: Sequence[Work], weight: int) -> None:
        self.works = works
        self.weight = weight
        self.wakened = Event()
        self.leads = False
        self.results: Sequence[Result] | None = None
        self.error: BaseException | None = None


class Group(Generic[Work, Result]):
    """Runs one `perform` at a time over the works of several threads, in order of arrival."""

    def __init__(
        self,
        perform: Callable[[Sequence[Work]], Sequence[Result]],
        weight_max: Callable[[], int],
        broken: Callable[[], Exception],
    ) -> None:
        """Give `perform` works up to a total weight; `broken` is what members get if it dies."""
        self._perform = perform
        self._weight_max = weight_max
        self._broken = broken
        self._mutex = Lock()
        self._waiting: deque[_Ticket[Work, Result]] = deque()
        self._is_led = False
        self._is_busy = False  # the last commit had several members: more will come

    def run(self, works: Sequence[Work], weight: int) -> Sequence[Result]:
        """Return the results of `works`; waits for its turn and may lead a commit."""
        ticket: _Ticket[Work, Result] = _Ticket(works, weight)
        with self._mutex:
            self._waiting.append(ticket)
            if not self._is_led:
                self._is_led = ticket.leads = True
                ticket.wakened.set()
        self._await(ticket)
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.results is not None
        return ticket.results

    def _await(self, ticket: _Ticket[Work, Result]) -> None:
        try:
            ticket.wakened.wait()
        except BaseException:
            # Interrupted: leave the queue, and never take the lead along.
            with self._mutex:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    if ticket.leads:
                        self._appoint()
            raise

    def _lead(self) -> None:
        if self._is_busy:
            time.sleep(_LINGER_SECONDS)
        members = self._gather()
        try:
            results = self._perform([work for member in members for work in member.works])
        except BaseException:
            # The leader's own failure goes up; whoever waited must not wait for ever.
            for member in members[1:]:
                member.error = self._broken()
            raise
        else:
            self._hand_out(members, results)
        finally:
            with self._mutex:
                self._appoint()
            for member in members[1:]:
                member.wakened.set()

    def _gather(self) -> list[_Ticket[Work, Result]]:
        with self._mutex:
            members = [self._waiting.popleft()]
            room = self._weight_max() - members[0].weight
            while self._waiting and self._waiting[0].weight <= room:
                room -= self._waiting[0].weight
                members.append(self._waiting.popleft())
            self._is_busy = len(members) > 1
            return members

    def _hand_out(
        self, members: Sequence[_Ticket[Work, Result]], results: Sequence[Result]
    ) -> None:
        start = 0
        for member in members:
            end = start + len(member.works)
            member.results = results[start:end]
            start = end

    def _appoint(self) -> None:
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].wakened.set()
        else:
            self._is_led = False


class Pace:
    """Learns from measured lock times how many rows fit into the time allowed."""

    def __init__(self, seconds_max: float) -> None:
        """Aim at `seconds_max` of lock a batch."""
        self._seconds_max = seconds_max
        self.rows = _ROWS_FIRST

    def note(self, rows: int, seconds: float) -> None:
        """Learn from a batch: shrink at once, grow slowly, and only from full batches."""
        if seconds > self._seconds_max:
            fitting = int(rows * self._seconds_max / seconds * 0.8)
            self.rows = max(_ROWS_MIN, min(self.rows, fitting))
        elif rows * 2 > self.rows and seconds < self._seconds_max / 2:
            self.rows = min(_ROWS_MAX, self.rows + self.rows // 4)

    def cut(self, units: Sequence[Sequence[Item]]) -> Iterator[Sequence[Sequence[Item]]]:
        """Give the units in parts of about `rows` items; a unit is never cut."""
        part: list[Sequence[Item]] = []
        weight = 0
        for unit in units:
            if part and weight + len(unit) > self.rows:
                yield part
                part, weight = [], 0
            part.append(unit)
            weight += len(unit)
        if part:
            yield part
