"""Workers: processes that accept pieces, or none for work too small to start any.

The parent never waits on a worker that waits on the parent: a thread in each worker
takes whatever is sent at once. A worker that dies is started again with what it had
left; commits are decided by versions, so doing that twice does nothing twice.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from typing import Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.intake.claims.accept import Task, Told
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.running.accept import Acceptor
from trucyte.intake.tools import Build

_OUTSTANDING_MAX = 2  # batches a worker has, the one it works on included
_DEATHS_MAX = 3  # in a row, without a batch done between


class WorkersDie(Problem):
    """The processes that take visits in end before their work is done."""

    kind = Kind.UNAVAILABLE
    code = "workers-die"


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


class _Worker:
    """One process, and what it was given and has not told of."""

    def __init__(self, build: Build, limits: Limits) -> None:
        self._build = build
        self._limits = limits
        self._deaths = 0
        self.outstanding: deque[Sequence[Task]] = deque()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=work, args=(far, self._build, self._limits), daemon=True
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


class ProcessPool:
    """Accepts pieces in processes of their own, one journal connection each."""

    def __init__(self, build: Build, size: int, limits: Limits = DEFAULT) -> None:
        """Start `size` workers."""
        self.size = size
        self._workers = [_Worker(build, limits) for _ in range(size)]

    def has_room(self, index: int) -> bool:
        """Say whether worker `index` has less than it can be given."""
        return len(self._workers[index].outstanding) < _OUTSTANDING_MAX

    def give(self, index: int, tasks: Sequence[Task]) -> None:
        """Give a batch to a worker."""
        self._workers[index].give(tasks)

    def collect(self, seconds_max: float) -> list[Told]:
        """Return what the workers told, waiting for something at most so long."""
        busy = {worker.line: worker for worker in self._workers if worker.outstanding}
        told: list[Told] = []
        for line in wait(list(busy), seconds_max) if busy else ():
            told += busy[line].hear()  # type: ignore[index]  # what was waited for
        return told

    def close(self) -> None:
        """Let the workers end after the batch they are at."""
        for worker in self._workers:
            worker.end()


def work(line: Connection, build: Build, limits: Limits) -> None:
    """Accept what comes over `line` until it closes: the life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    stop = Event()
    inbox: SimpleQueue[Sequence[Task] | None] = SimpleQueue()
    Thread(target=_take_in, args=(line, inbox, stop), daemon=True).start()
    try:
        acceptor = Acceptor(build(), limits)
    except Problem as problem:
        _tell(line, problem)
        return
    while not stop.is_set() and (tasks := inbox.get()) is not None:
        try:
            told: list[Told] | Problem = acceptor.accept(tasks, stop)
        except Problem as problem:
            told = problem
        _tell(line, told)
        if isinstance(told, Problem):
            break
    acceptor.close()


def _take_in(line: Connection, inbox: "SimpleQueue[Sequence[Task] | None]", stop: Event) -> None:
    """Take what is sent at once, so that the sender never waits; stop when the line closes."""
    while True:
        try:
            inbox.put(line.recv())
        except (EOFError, OSError):
            stop.set()
            inbox.put(None)
            return


def _tell(line: Connection, told: list[Told] | Problem) -> None:
    # The parent may be gone; the journal has it, and the next run will find it there.
    with suppress(OSError):
        line.send(told)
