"""The threads of a worker, in lanes: a slow search takes no thread from a read.

Work of one kind waits for its own kind alone. Most writing threads wait for a commit they
share, so there are many; the others compute under one interpreter lock, so there are few.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from trucyte.base.metrics import Meters
from trucyte.base.settings import ServingSettings
from trucyte.node.serving.figures import LANE_WAITING
from trucyte.web.api.interaction import Lane

Lanes = Mapping[Lane, ThreadPoolExecutor]


def sizes_of(settings: ServingSettings) -> Mapping[Lane, int]:
    """Return how many threads each lane has."""
    return {
        Lane.READS: settings.reads,
        Lane.SEARCHES: settings.searches,
        Lane.WRITES: settings.writes,
        Lane.LONG: settings.long,
    }


@contextmanager
def open_lanes(settings: ServingSettings) -> Iterator[Lanes]:
    """Open all lanes; on leaving, wait for what runs in them and forget what waits."""
    lanes = {
        lane: ThreadPoolExecutor(size, thread_name_prefix=lane.value)
        for lane, size in sizes_of(settings).items()
    }
    try:
        yield lanes
    finally:
        for threads in lanes.values():
            threads.shutdown(cancel_futures=True)


def sample_lanes(meters: Meters, lanes: Lanes) -> None:
    """Look at how much waits in each lane."""
    for lane, threads in lanes.items():
        # The executor tells its queue to nobody; its length is all that is read.
        meters.set(LANE_WAITING, lane.value, value=threads._work_queue.qsize())
