"""The worker that walks when a SearchParameter came or went; one in a node is enough.

A job asks for it, added in the transaction of the SearchParameter. How far a walk is stands
with the parameters themselves, so a worker that was killed costs a job's lease at most, and
not even that when the node starts again.
"""

import secrets
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.database.jobs import Job, Jobs, add_job
from trucyte.records.parameters.book import JOB, read_kept
from trucyte.records.parameters.plan import State
from trucyte.records.parameters.walk import Walk

_LOOK_SECONDS: Final = 1.0
_REPORT_SECONDS: Final = 1.0


class Reindexer:
    """Takes the jobs and walks."""

    def __init__(self, database: Database, walk: Walk, clock: Clock) -> None:
        """Work with `walk`."""
        self._database = database
        self._walk = walk
        self._clock = clock
        self._jobs = Jobs(database, clock, worker=f"reindex-{secrets.token_hex(4)}")

    def run(self, stop: Event, waits: Callable[[Problem], None]) -> None:
        """Work until `stop` is set; a Problem is told to `waits` and its job tried again."""
        is_first = True
        while not stop.is_set():
            try:
                if is_first:
                    self.go_on()
                    is_first = False
                if self.work(stop):
                    continue
            except Problem as problem:
                waits(problem)
            stop.wait(_LOOK_SECONDS)

    def work(self, stop: Event | None = None) -> bool:
        """Do one job that is due; say whether there was one. Raises DatabaseAway, JobLost."""
        job = self._jobs.take([JOB])
        if job is None:
            return False
        try:
            is_whole = self._walk.run(self._reporting(job, stop))
        except Problem as problem:
            self._jobs.fail(job, problem.code)
            raise
        if is_whole:
            self._jobs.finish(job)
        elif stop is not None and stop.is_set():
            self._jobs.fail(job, "node-stopped")
        else:
            self._walk.stop()
            self._jobs.stop(job)
        return True

    def _reporting(self, job: Job, stop: Event | None) -> Callable[[int, int], bool]:
        told = [0.0]

        def report(done: int, total: int) -> bool:
            if stop is not None and stop.is_set():
                return False
            if time.monotonic() - told[0] < _REPORT_SECONDS:
                return True
            told[0] = time.monotonic()
            return self._jobs.report(job, done=done, total=total)

        return report

    def go_on(self) -> None:
        """Ask for a walk where one was broken off: its job may still be another's by lease."""
        with self._database.connection() as connection:
            cursor = connection.cursor()
            states = {kept.state for kept in read_kept(cursor)}
            if states & {State.BUILDING, State.LEAVING}:
                add_job(cursor, JOB, b"", now=self._clock.now(), key=JOB)
