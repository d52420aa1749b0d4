"""Writes entries of many requests with one flush to the disk, beside the threads that answer.

Whoever gives an entry gets a future and may go on with other work; the answer waits for the
future. While a commit runs, what comes gathers for the next one. Where requests come side by
side, a commit waits a moment for more of them: one flush, one lock and one round of
statements for all. A request that comes alone never waits.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from trucyte.base.problem import Problem
from trucyte.journal.arrange import Outcome
from trucyte.journal.change import Change

Unit = Sequence[Change]
Commit = Callable[[Sequence[Unit]], Sequence[Outcome]]
_GATHERED_MAX: Final = 256  # entries of one commit
_LINGER_SECONDS: Final = 0.002


class Scribe:
    """One thread that commits what was entered, in the order it came."""

    def __init__(self, commit: Commit) -> None:
        """Commit by `commit`, which tells for each unit its lines or its Problem."""
        self._commit = commit
        self._mutex = Lock()
        self._entered: SimpleQueue[tuple[Unit, Future[None]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def enter(self, unit: Unit) -> Future[None]:
        """Return at once a future that is done when the lines of `unit` are durable.

        It fails with the Problem that keeps them from being so.
        """
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # what was done is entered, whoever goes away
        with self._mutex:
            if self._thread is None:
                self._thread = Thread(target=self._write, name="trail", daemon=True)
                self._thread.start()
            self._entered.put((unit, future))
        return future

    def close(self) -> None:
        """Write what waits, and end the thread; it begins again when used."""
        with self._mutex:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._entered.put(None)
                thread.join()

    def _write(self) -> None:
        is_open, is_busy = True, False
        while is_open:
            gathered, is_open = self._gather(_LINGER_SECONDS if is_busy else 0)
            if gathered:
                self._write_all(gathered)
            # Others came meanwhile, or together: more will.
            is_busy = len(gathered) > 1 or not self._entered.empty()

    def _gather(self, linger_seconds: float) -> tuple[list[tuple[Unit, Future[None]]], bool]:
        """Wait for an entry, a moment for others; False once there will be no more."""
        gathered = []
        entry = self._entered.get()
        if entry is not None and linger_seconds:
            time.sleep(linger_seconds)
        while entry is not None:
            gathered.append(entry)
            if len(gathered) == _GATHERED_MAX:
                break
            try:
                entry = self._entered.get_nowait()
            except Empty:
                break
        return gathered, entry is not None

    def _write_all(self, gathered: Sequence[tuple[Unit, Future[None]]]) -> None:
        try:
            outcomes = self._commit([unit for unit, _ in gathered])
        except BaseException as error:  # noqa: BLE001 - it belongs to those who wait
            for _, future in gathered:
                future.set_exception(error)
            return
        for (_, future), outcome in zip(gathered, outcomes, strict=True):
            if isinstance(outcome, Problem):
                future.set_exception(outcome)
            else:
                future.set_result(None)
