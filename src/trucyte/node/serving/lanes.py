"""The threads of a worker, in lanes: a slow search takes no thread from a read.

Threads that compute under one interpreter lock hinder each other: two that answer
searches side by side get through half of what one does (bench/serving.py). So a lane of
short work runs one piece after another in one thread, and lets the next piece go beside
only when the one that runs has taken longer than a short search does: it waits for the
database, or would hold up the others. Writing threads mostly wait for a commit they share,
so these all run at once.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from trucyte.base.metrics import Meters
from trucyte.base.settings import ServingSettings
from trucyte.node.serving.figures import LANE_WAITING
from trucyte.web.api.interaction import Lane

PATIENCE_SECONDS: Final = 0.1  # a short search is done by then, on a busy machine too
P = ParamSpec("P")
T = TypeVar("T")
Piece = tuple[Future[Any], Callable[[], Any]]


class Threads(Executor):
    """Threads of one lane; `together` of them run whatever comes, more only beside slow work.

    Work is given from one event loop.
    """

    def __init__(
        self, size: int, name: str, *, together: int, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Have at most `size` threads; the first `together` start without patience."""
        self._size = size
        self._together = min(together, size)
        self._patience = patience_seconds
        self._inner = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._pieces: deque[Piece] = deque()
        self._began: dict[int, float] = {}  # each run, when its present piece began
        self._runs = 0  # made so far
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How much waits for a thread."""
        return len(self._pieces)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` when it is its turn."""
        future: Future[T] = Future()
        self._pieces.append((future, lambda: fn(*args, **kwargs)))
        if len(self._began) < self._together:
            self._run_one_more()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._look)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let end what runs."""
        while cancel_futures and self._pieces:
            self._pieces.popleft()[0].cancel()
        self._inner.shutdown(wait, cancel_futures=cancel_futures)

    def _look(self) -> None:
        """Let one more run where all that run are slow, as long as anything waits."""
        self._timer = None
        if not self._pieces:
            return
        before = time.monotonic() - self._patience
        began = list(self._began.values())
        if all(at <= before for at in began) and len(began) < self._size:
            self._run_one_more()
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._look)

    def _run_one_more(self) -> None:
        self._runs += 1
        self._began[self._runs] = time.monotonic()
        self._inner.submit(self._run, self._runs)

    def _run(self, number: int) -> None:
        """Work piece by piece; leave when nothing waits, or others are there after slow work."""
        while True:
            try:
                future, work = self._pieces.popleft()
            except IndexError:
                del self._began[number]
                if not self._pieces or len(self._began) >= self._together:
                    return
                self._began[number] = time.monotonic()  # one came in between: nobody has it
                continue
            began = self._began[number] = time.monotonic()
            _do(future, work)
            is_slow = time.monotonic() - began > self._patience
            if is_slow and len(self._began) > self._together:
                del self._began[number]
                return


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for it
        future.set_exception(error)
    else:
        future.set_result(result)


Lanes = Mapping[Lane, Threads]


@contextmanager
def open_lanes(settings: ServingSettings) -> Iterator[Lanes]:
    """Open all lanes; on leaving, wait for what runs in them and forget what waits."""
    sizes = {
        Lane.READS: (settings.reads, 1),
        Lane.SEARCHES: (settings.searches, 1),
        Lane.WRITES: (settings.writes, settings.writes),
        Lane.LONG: (settings.long, settings.long),
    }
    lanes = {
        lane: Threads(size, lane.value, together=together)
        for lane, (size, together) in sizes.items()
    }
    try:
        yield lanes
    finally:
        for threads in lanes.values():
            threads.shutdown(cancel_futures=True)


def sample_lanes(meters: Meters, lanes: Lanes) -> None:
    """Look at how much waits in each lane."""
    for lane, threads in lanes.items():
        meters.set(LANE_WAITING, lane.value, value=threads.waiting)
