"""Workers in processes of their own: given batches of tasks, they tell what became of each.

The parent never waits on a worker that waits on the parent: a thread in each worker takes
whatever is sent at once. A worker that dies is started again with what it had left, so
what it does twice must do nothing twice. A worker ends when its parent does, however that
ended, after the batch it is at.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from typing import Any, Generic, Protocol, TypeVar

from trucyte.base.problem import Kind, Problem

Task = TypeVar("Task")
Told = TypeVar("Told")
Task_contra = TypeVar("Task_contra", contravariant=True)
Told_co = TypeVar("Told_co", covariant=True)

_OUTSTANDING_MAX = 2  # batches a worker has, the one it works on included
_DEATHS_MAX = 3  # in a row, without a batch done between


class WorkersDie(Problem):
    """The processes that take visits in end before their work is done."""

    kind = Kind.UNAVAILABLE
    code = "workers-die"


class Worker(Protocol[Task_contra, Told_co]):
    """What works in one process."""

    def accept(self, tasks: Sequence[Task_contra], stop: Event) -> Sequence[Told_co]:
        """Return what became of a batch; a Problem ends the whole work. `stop` says hurry."""
        ...

    def close(self) -> None:
        """Close what it holds open."""
        ...


Make = Callable[[], Worker[Task, Told]]  # something pickle can name


class _Member(Generic[Task, Told]):
    """One process, and what it was given and has not told of."""

    def __init__(self, make: Make[Task, Told]) -> None:
        self._make = make
        self._deaths = 0
        self.outstanding: deque[Sequence[Task]] = deque()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=work, args=(far, self._make), daemon=True
        )
        with _deaf_to_interrupts():
            self.process.start()
        far.close()

    def give(self, tasks: Sequence[Task]) -> None:
        self.outstanding.append(tasks)
        self._send(tasks)

    def _send(self, tasks: Sequence[Task]) -> None:
        with suppress(OSError):  # it died: `collect` starts it again with what is outstanding
            self.line.send(tasks)

    def hear(self) -> list[Told]:
        """Return what it told; raises the Problem that stopped it, or WorkersDie."""
        try:
            said = self.line.recv()
        except (EOFError, OSError):
            self._restart()
            return []
        if isinstance(said, Problem):
            raise said
        self._deaths = 0
        self.outstanding.popleft()
        told: list[Told] = said
        return told

    def _restart(self) -> None:
        self.process.join()
        self.line.close()
        self._deaths += 1
        if self._deaths > _DEATHS_MAX:
            raise WorkersDie()
        self._start()
        for tasks in self.outstanding:
            self._send(tasks)

    def end(self) -> None:
        self.line.close()
        self.process.join()
        self.process.close()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process start that a Ctrl-C does not reach, not even before its first line."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Crew(Generic[Task, Told]):
    """Several processes that work side by side."""

    def __init__(self, make: Make[Task, Told], size: int) -> None:
        """Start `size` workers, each made by `make` in its own process."""
        self.size = size
        self._members = [_Member(make) for _ in range(size)]

    def has_room(self, index: int) -> bool:
        """Say whether worker `index` has less than it can be given."""
        return len(self._members[index].outstanding) < _OUTSTANDING_MAX

    @property
    def is_idle(self) -> bool:
        """Whether all that was given has been told of."""
        return not any(member.outstanding for member in self._members)

    def give(self, index: int, tasks: Sequence[Task]) -> None:
        """Give a batch to a worker."""
        self._members[index].give(tasks)

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what the workers told, waiting for something at most so long.

        Raises the Problem that stopped one, or WorkersDie.
        """
        busy: dict[Any, _Member[Task, Told]] = {
            member.line: member for member in self._members if member.outstanding
        }
        told: list[Told] = []
        for line in wait(list(busy), seconds_max) if busy else ():
            told += busy[line].hear()
        return told

    def close(self) -> None:
        """Let the workers end after the batch they are at."""
        for member in self._members:
            member.end()


def work(line: Connection, make: Make[Task, Told]) -> None:
    """Accept what comes over `line` until it closes: the life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    stop = Event()
    inbox: SimpleQueue[Sequence[Task] | None] = SimpleQueue()
    Thread(target=_take_in, args=(line, inbox, stop), daemon=True).start()
    try:
        worker = make()
    except Problem as problem:
        _tell(line, problem)
        return
    while not stop.is_set() and (tasks := inbox.get()) is not None:
        try:
            told: Sequence[Told] | Problem = worker.accept(tasks, stop)
        except Problem as problem:
            told = problem
        _tell(line, told)
        if isinstance(told, Problem):
            break
    worker.close()


def _take_in(line: Connection, inbox: "SimpleQueue[Sequence[Task] | None]", stop: Event) -> None:
    """Take what is sent at once, so that the sender never waits; stop when the line closes."""
    while True:
        try:
            inbox.put(line.recv())
        except (EOFError, OSError):
            stop.set()
            inbox.put(None)
            return


def _tell(line: Connection, told: Sequence[Told] | Problem) -> None:
    # The parent may be gone; what was done is found again by whoever takes over.
    with suppress(OSError):
        line.send(told)
