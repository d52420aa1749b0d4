"""Where pieces are accepted: in processes, or in this thread for work too small to start any.

Commits are decided by versions, so a batch that a dying worker had is simply given again.
"""

from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Protocol

from trucyte.base.crew import Crew
from trucyte.intake.claims.accept import Task, Told
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.running.accept import Acceptor
from trucyte.intake.tools import Build


class Pool(Protocol):
    """Where pieces are accepted."""

    size: int

    def has_room(self, index: int) -> bool:
        """Say whether a batch can be given to worker `index` now."""
        ...

    def give(self, index: int, tasks: Sequence[Task]) -> None:
        """Give a batch to a worker."""
        ...

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what became of pieces meanwhile, waiting for something at most so long."""
        ...

    def close(self) -> None:
        """Let the workers end after what they are at."""
        ...


class InlinePool:
    """Accepts pieces in this thread."""

    size = 1

    def __init__(self, build: Build, stop: Event, limits: Limits = DEFAULT) -> None:
        """Make the tools now."""
        self._stop = stop
        self._acceptor = Acceptor(build(), limits)
        self._told: list[Told] = []

    def has_room(self, index: int) -> bool:
        """There always is."""
        return True

    def give(self, index: int, tasks: Sequence[Task]) -> None:
        """Accept a batch."""
        self._told += self._acceptor.accept(tasks, self._stop)

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what became of the pieces given since."""
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Close what the tools hold open."""
        self._acceptor.close()


def process_pool(build: Build, size: int, limits: Limits = DEFAULT) -> Pool:
    """Start `size` workers in processes of their own, one journal connection each."""
    return Crew(partial(_make_acceptor, build, limits), size)


def _make_acceptor(build: Build, limits: Limits) -> Acceptor:
    return Acceptor(build(), limits)
