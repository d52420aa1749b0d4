"""The parent of a node that serves: it starts the processes, watches them, ends them.

Guarantees: a process that ends by itself is told in the log and started again, later and
later while it keeps ending at once; a connection that waits to be accepted stays queued
meanwhile, because the listening socket is the supervisor's; the background work is in one
process at a time; SIGTERM or SIGINT lets run what runs and then ends, a second one ends at
once; SIGHUP replaces the processes one by one by new ones that read the settings again.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Any, Final

import msgspec

from trucyte.base.metrics import Board, Layout, State
from trucyte.base.problem import Kind, Problem
from trucyte.base.tracing import Event
from trucyte.node.serving.child import MODULE, UNREACHABLE, Told
from trucyte.node.serving.figures import METRICS, SAMPLE_SECONDS, STARTS, sample_process

LOOK_SECONDS: Final = 0.05
KEEP_SECONDS: Final = 1.0  # how often the database is looked at
PAUSE_SECONDS: Final = 0.2  # before a process is started again, doubled each time
PAUSE_SECONDS_MAX: Final = 30.0
STEADY_SECONDS: Final = 30.0  # who worked so long is not failing
KILL_SECONDS: Final = 5.0  # beyond what runs may take to finish

STARTED = Event("serving.process-started", role=str, slot=int)
ENDED = Event("serving.process-ended", logging.WARNING, role=str, slot=int, code=int)
RELOADED = Event("serving.reloaded")
KILLED = Event("serving.process-killed", logging.WARNING, role=str, slot=int)
STOPS = Event("serving.stops")


class ProcessesDoNotStart(Problem):
    """The processes of the node do not start; the lines above say why."""

    kind = Kind.UNAVAILABLE
    code = "processes-do-not-start"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a supervisor starts, and on what."""

    workers: int
    listener: socket.socket
    environment: Mapping[str, str] = field(repr=False)  # with the address of the database
    watch: str = ""
    stop_seconds_max: float = 30.0
    output: IO[Any] | int | None = None  # where the processes write their log; None: as this one
    keep: Callable[[], None] = lambda: None  # called about once a second: is the database there?


@dataclass(slots=True)
class Seat:
    """One place for a process: who sits there, and when the next may."""

    role: str
    slot: int
    process: subprocess.Popen[bytes] | None = None
    is_old: bool = False  # to be replaced
    failures: int = 0  # in a row
    start_at: float = 0.0
    started_at: float = 0.0


@dataclass(slots=True)
class _Change:
    """A seat whose process is being replaced: the next one, in a slot of its own."""

    seat: Seat
    next: Seat | None = None  # None: the old one ends first


class Supervisor:
    """Runs the processes of one node. `run` in one thread; `stop` from any."""

    def __init__(self, plan: Plan) -> None:
        """Lay the board; nothing is started before `run`."""
        assert plan.workers >= 1
        self._plan = plan
        roles = [*["worker"] * plan.workers, "background"]
        self.seats = [Seat(role, slot) for slot, role in enumerate(roles)]
        self._own, self._spare = len(roles), len(roles) + 1
        self.board = Board(Layout(METRICS), len(roles) + 2)
        self._meters = self.board.meters(self._own)
        self._lifeline, self._held = os.pipe()
        self._was_ready: set[str] = set()
        self._changes: list[_Change] = []
        self._stops = 0  # how often it was asked to
        self._reloads = False
        self._kept_at = self._sampled_at = 0.0
        self._on_ready: Callable[[], None] = lambda: None
        plan.listener.listen(2048)

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start all, and keep them until told to stop; `on_ready` once when all work.

        Raises ProcessesDoNotStart where one of them cannot at all.
        """
        self._on_ready = on_ready
        try:
            for seat in self.seats:
                self._start(seat)
            while not self._stops:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:
            self._end()

    def stop(self) -> None:
        """Ask for the end: once to finish what runs, again to end at once."""
        self._stops += 1

    def reload(self) -> None:
        """Ask for all processes to be replaced, without a gap."""
        self._reloads = True

    @contextmanager
    def answering_signals(self) -> Iterator[None]:
        """Let signals to this process mean stop and reload. In the main thread only."""

        def asked(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGHUP:
                self.reload()
            else:
                self.stop()

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, asked) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _look(self) -> None:
        """Look at everything once."""
        now = time.monotonic()
        for seat in self.seats:
            if seat.process is None:
                if now >= seat.start_at and not self._is_replaced(seat):
                    self._start(seat)
            elif seat.process.poll() is not None:
                self._ended(seat, now)
            elif self.board.state(seat.slot) is State.READY:
                self._works(seat, now)
        if self._reloads and not self._changes:
            self._reloads = False
            self._changes = [_Change(seat) for seat in self.seats]
        if self._changes:
            self._replace(self._changes[0])
        self._keep(now)

    def _keep(self, now: float) -> None:
        if now - self._kept_at >= KEEP_SECONDS:
            self._kept_at = now
            self._plan.keep()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = now
            sample_process(self._meters, "supervisor")

    def _start(self, seat: Seat) -> None:
        plan = self._plan
        self.board.clear(seat.slot)
        told = Told(
            role=seat.role,
            slot=seat.slot,
            slots=self.board.slots,
            workers=plan.workers,
            board=self.board.handle,
            lifeline=self._lifeline,
            listener=plan.listener.fileno(),
            watch=plan.watch,
        )
        # -P: the folder this was started in is no place for modules. A group of its own: what
        # is typed at the terminal reaches the supervisor alone.
        seat.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", MODULE, msgspec.json.encode(told).decode()],
            stdin=subprocess.DEVNULL,
            stderr=plan.output,
            stdout=plan.output,
            env=dict(plan.environment),
            pass_fds=(told.board, told.lifeline, told.listener),
            process_group=0,
        )
        seat.started_at = time.monotonic()
        self._meters.add(STARTS, seat.role)
        STARTED.log(role=seat.role, slot=seat.slot)

    def _works(self, seat: Seat, now: float) -> None:
        if now - seat.started_at > STEADY_SECONDS:
            seat.failures = 0
        self._was_ready.add(seat.role)
        if all(self._is_ready(seat) for seat in self.seats):
            on_ready, self._on_ready = self._on_ready, lambda: None
            on_ready()

    def _is_ready(self, seat: Seat) -> bool:
        return seat.process is not None and self.board.state(seat.slot) is State.READY

    def _ended(self, seat: Seat, now: float) -> None:
        """A process ended by itself: say so, and when the next one starts."""
        assert seat.process is not None
        code = seat.process.returncode
        seat.process = None
        self.board.clear(seat.slot)
        ENDED.log(role=seat.role, slot=seat.slot, code=code)
        if code == UNREACHABLE and seat.role not in self._was_ready:
            raise ProcessesDoNotStart
        pause = min(PAUSE_SECONDS * 2**seat.failures, PAUSE_SECONDS_MAX)
        seat.failures = min(seat.failures + 1, 16)
        seat.start_at = now + pause

    # Replacing

    def _is_replaced(self, seat: Seat) -> bool:
        return bool(self._changes) and self._changes[0].seat is seat

    def _replace(self, change: _Change) -> None:
        """Go one step on with replacing one process; a step never waits."""
        old = change.seat
        if change.next is None and old.role == "worker":
            change.next = Seat(old.role, self._spare)
            self._start(change.next)
        elif change.next is None:  # one at a time: the old one first
            self._ask_to_end(old)
            if old.process is None:
                change.next = Seat(old.role, old.slot)
                self._start(change.next)
        elif change.next.process is not None and change.next.process.poll() is not None:
            change.next.process = None  # it does not start: keep the old one
            self.board.clear(change.next.slot)
            ENDED.log(role=old.role, slot=change.next.slot, code=1)
            self._changes.clear()
        elif self._is_ready(change.next):
            self._hand_over(change, change.next)

    def _hand_over(self, change: _Change, following: Seat) -> None:
        old = change.seat
        self._ask_to_end(old)
        if old.process is not None:
            return
        if following.slot == self._spare:
            self._spare = old.slot
        old.process, old.slot = following.process, following.slot
        old.started_at, old.failures, old.is_old = following.started_at, 0, False
        self._changes.pop(0)
        if not self._changes:
            RELOADED.log()

    def _ask_to_end(self, seat: Seat) -> None:
        """Ask the process of a seat to end, once; see whether it has."""
        if seat.process is None:
            return
        if seat.process.poll() is not None:
            seat.process = None
            self.board.clear(seat.slot)
        elif not seat.is_old:
            seat.is_old = True
            seat.process.terminate()

    # The end

    def _end(self) -> None:
        """End all processes: after what they run, or at once when asked again."""
        STOPS.log()
        self._plan.listener.close()
        following = [change.next for change in self._changes if change.next]
        seats = [seat for seat in (*self.seats, *following) if seat.process is not None]
        for seat in seats:
            _signal(seat, signal.SIGTERM)
        until = time.monotonic() + self._plan.stop_seconds_max + KILL_SECONDS
        asked = self._stops
        while any(seat.process and seat.process.poll() is None for seat in seats):
            if time.monotonic() > until or self._stops > max(asked, 1):
                break
            time.sleep(LOOK_SECONDS)
        for seat in seats:
            if seat.process is not None and seat.process.poll() is None:
                KILLED.log(role=seat.role, slot=seat.slot)
                _signal(seat, signal.SIGKILL)
                seat.process.wait()
        os.close(self._held)
        os.close(self._lifeline)


def _signal(seat: Seat, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if seat.process is not None:
            seat.process.send_signal(number)
