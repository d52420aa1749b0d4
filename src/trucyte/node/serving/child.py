"""A process of a node that serves: what it is told, how it lives, how it ends.

It is started anew, never forked, so that no connection, lock or thread is shared; it
inherits the listening socket, the memory of the metrics and a line to the supervisor.
When that line ends, the supervisor is gone, and the process ends too: nobody is left who
could stop it, and the port must become free.
"""

import os
import signal
import sys
from collections.abc import Callable
from threading import Event, Thread
from types import FrameType
from typing import NoReturn

import msgspec

from trucyte.base.metrics import Board, Layout, Meters, State
from trucyte.base.problem import Problem
from trucyte.base.settings import Settings, load_settings
from trucyte.base.tracing import write_logs
from trucyte.node.serving.figures import METRICS, sample, sample_process

MODULE = "trucyte.node.serving.child"
UNREACHABLE = 3


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor tells a process when it starts it."""

    role: str  # worker, background
    slot: int  # of the board, its own
    slots: int
    workers: int
    board: int  # open files
    lifeline: int
    listener: int
    watch: str = ""  # a folder whose files are taken in


class Life:
    """What a role needs to live: its settings, its figures, and when to end."""

    def __init__(self, told: Told, settings: Settings, board: Board, stop: Event) -> None:
        """Take what the supervisor told, and what was read from it."""
        self.told = told
        self.settings = settings
        self.board = board
        self.meters: Meters = board.meters(told.slot)
        self.stop = stop  # set when the process ends

    def ready(self) -> None:
        """Tell the supervisor that this process works."""
        self.meters.enter(State.READY)

    def sampling(self, *looks: Callable[[], None]) -> None:
        """Keep the gauges of this process current, beside what it does."""
        role = self.told.role
        looks = (lambda: sample_process(self.meters, role), *looks)
        Thread(target=sample, args=(self.stop, *looks), name="sampler", daemon=True).start()


def main(argument: str) -> int:
    """Live as told; return the exit code."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor answers the terminal
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    told = msgspec.json.decode(argument, type=Told)
    _end_with(told.lifeline)
    write_logs(sys.stderr)
    board = Board(Layout(METRICS), told.slots, told.board)
    life = Life(told, load_settings(os.environ), board, Event())
    life.meters.enter(State.STARTING)
    try:
        _role(told.role)(life)
    except Problem as problem:
        sys.stderr.write(f"trucyte {told.role}: {problem.message} [{problem.code}]\n")
        return UNREACHABLE
    finally:
        life.stop.set()
    return 0


def _role(name: str) -> Callable[[Life], None]:
    """Return what a role does; only what it needs is imported."""
    if name == "worker":
        from trucyte.node.serving.worker import work  # noqa: PLC0415 - large, and not needed by all

        return work
    from trucyte.node.serving.background import work as behind  # noqa: PLC0415 - as above

    return behind


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an orderly end: what is open is closed on the way out."""
    raise SystemExit(0)


def _end_with(lifeline: int) -> None:
    """End this process when the other end of `lifeline` is closed."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
