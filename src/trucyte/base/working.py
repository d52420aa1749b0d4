"""Long work in batches, by processes side by side or in this thread, in one way.

The parent gives a batch to whoever has room, hears what became of each task, and asks
between whether it is to go on: so long work keeps its place and can be stopped.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Final, Generic, Protocol, TypeVar

from trucyte.base.crew import Worker

Task = TypeVar("Task")
Told = TypeVar("Told")
Task_contra = TypeVar("Task_contra", contravariant=True)

WAIT_SECONDS: Final = 0.5  # between two questions whether to go on


class Workers(Protocol[Task_contra, Told]):
    """Who does the work: a `Crew`, or `Inline`."""

    size: int

    def has_room(self, index: int) -> bool:
        """Say whether worker `index` can be given a batch."""
        ...

    def give(self, index: int, tasks: Sequence[Task_contra]) -> None:
        """Give a batch."""
        ...

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what became of tasks meanwhile, waiting at most so long."""
        ...

    def close(self) -> None:
        """Let them end."""
        ...


class Inline(Generic[Task, Told]):
    """Does the work in this thread, one batch at a time."""

    size = 1

    def __init__(self, worker: Worker[Task, Told]) -> None:
        """Work with `worker`; it is closed with this."""
        self._worker = worker
        self._told: list[Told] = []

    def has_room(self, index: int) -> bool:
        """Say whether what was done last has been collected."""
        return not self._told

    def give(self, index: int, tasks: Sequence[Task]) -> None:
        """Do a batch now."""
        self._told += self._worker.accept(tasks, Event())

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what became of the batch."""
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Close the worker."""
        self._worker.close()


def nothing(batch: Sequence[object]) -> None:
    """Do nothing before a batch is given."""


def work_through(
    workers: Workers[Task, Told],
    batches: Iterator[Sequence[Task]],
    *,
    goes_on: Callable[[], bool],
    settle: Callable[[Told], None],
    begin: Callable[[Sequence[Task]], None] = nothing,
) -> bool:
    """Have every batch done; False where `goes_on` said to stop.

    A worker tells one thing of each task. `begin` hears of a batch before it is given,
    `settle` what became of a task; `goes_on` is asked at least every `WAIT_SECONDS`.
    """
    batch = next(batches, None)
    under_way = 0
    while goes_on():
        while batch is not None and (free := _free(workers)):
            for index in free:
                if batch is not None:
                    begin(batch)
                    under_way += len(batch)
                    workers.give(index, batch)
                    batch = next(batches, None)
        if not under_way:
            return True
        for told in workers.collect(WAIT_SECONDS):
            settle(told)
            under_way -= 1
    return False


def _free(workers: Workers[Task, Told]) -> list[int]:
    """Return who has room: each gets one before any gets a second."""
    return [index for index in range(workers.size) if workers.has_room(index)]
