"""Jobs: what must happen because something else did, once, even across a crash.

A job is added in the transaction of the fact that calls for it (the outbox), taken by one
worker at a time, tried again with growing pauses, and laid aside as `dead` when that does
not help. A worker that dies loses its job when its lease is over; one that was only slow
and lost it cannot end it any more.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection, Cursor, Database, problems_of_the_server
from trucyte.database.named import QUERIES

CHANNEL = "jobs"
_PAUSE_SECONDS_FIRST = 2.0
_PAUSE_SECONDS_MAX = 3600.0


class JobLost(Problem):
    """Job {id} was taken over by another worker; drop what was not committed."""

    kind = Kind.CONFLICT
    code = "job-lost"


class JobUnknown(Problem):
    """There is no job {id} for which that can be done."""

    kind = Kind.NOT_FOUND
    code = "job-unknown"


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """A job in the hands of a worker."""

    id: int
    kind: str
    body: bytes
    attempt: int
    attempts_max: int
    cancel_asked: bool


@dataclass(frozen=True, slots=True)
class JobState:
    """What can be shown of a job."""

    id: int
    kind: str
    state: State
    done: int
    total: int | None
    attempts: int
    attempts_max: int
    problem: str | None
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None


def add_job(
    cursor: Cursor,
    kind: str,
    body: bytes,
    *,
    now: datetime,
    key: str | None = None,
    due_at: datetime | None = None,
    priority: int = 0,
    attempts_max: int = 8,
) -> int | None:
    """Add a job in the transaction of `cursor`; workers hear of it when that commits.

    Returns its id, or None when a job of this kind and `key` waits already. `body` is for
    the handler alone; neither `key` nor `kind` may hold personal data.
    """
    facts = {
        "kind": kind,
        "key": key,
        "body": body,
        "priority": priority,
        "attempts_max": attempts_max,
        "due_at": due_at or now,
        "now": now,
    }
    row = cursor.execute(QUERIES.add_job, facts).fetchone()
    if row is None:
        return None
    cursor.execute(QUERIES.notify_job, {"kind": kind})
    return int(row[0])


def pause_seconds(attempt: int, *, spread: float) -> float:
    """Return how long to wait after failed `attempt` (1, 2, …); `spread` in 0–1 keeps a herd apart.

    Doubles from 2 s up to an hour, with up to half as much again.
    """
    whole = min(_PAUSE_SECONDS_FIRST * 2.0 ** min(attempt - 1, 30), _PAUSE_SECONDS_MAX)
    return whole * (1.0 + spread / 2.0)


class Jobs:
    """The job table, as one worker sees it."""

    def __init__(
        self, database: Database, clock: Clock, *, worker: str, lease_seconds: float = 60.0
    ) -> None:
        """Work as `worker` (a name no other worker has); a lease lasts `lease_seconds`."""
        self._database = database
        self._clock = clock
        self._worker = worker
        self._lease = timedelta(seconds=lease_seconds)
        self._random = random.Random(worker)  # noqa: S311 - spreads pauses, guards nothing

    def take(self, kinds: Sequence[str]) -> Job | None:
        """Take the next job of `kinds` that is due, or None. Raises DatabaseAway."""
        now = self._clock.now()
        facts = {
            "kinds": list(kinds),
            "worker": self._worker,
            "now": now,
            "lease_until": now + self._lease,
        }
        with self._database.connection() as connection:
            connection.execute(QUERIES.bury_lost_jobs, {"now": now})
            row = connection.execute(QUERIES.take_job, facts).fetchone()
        return Job(*row) if row else None

    def report(self, job: Job, *, done: int, total: int | None = None) -> bool:
        """Say how far the job is, and keep it; return False when it is to be stopped.

        Raises JobLost.
        """
        facts = {"done": done, "total": total, "lease_until": self._clock.now() + self._lease}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.report_job, self._mine(job) | facts).fetchone()
        if row is None:
            raise JobLost(id=job.id)
        return not row[0]

    def finish(self, job: Job, cursor: Cursor | None = None) -> None:
        """Mark the job done; within the transaction of `cursor`, so that its work is done once.

        Raises JobLost, and then nothing of that transaction may be committed.
        """
        self._end(job, State.DONE, None, cursor)

    def stop(self, job: Job) -> None:
        """Mark the job cancelled, as it was asked for. Raises JobLost."""
        self._end(job, State.CANCELLED, None, None)

    def fail(self, job: Job, code: str) -> State:
        """Let the job wait for its next attempt, or lay it aside after the last; say which.

        `code` is a Problem's code. Raises JobLost.
        """
        if job.attempt >= job.attempts_max:
            self._end(job, State.DEAD, code, None)
            return State.DEAD
        pause = pause_seconds(job.attempt, spread=self._random.random())
        facts = {"problem": code, "due_at": self._clock.now() + timedelta(seconds=pause)}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.postpone_job, self._mine(job) | facts).fetchone()
        if row is None:
            raise JobLost(id=job.id)
        return State.WAITING

    def give_up(self, job: Job, code: str) -> None:
        """Lay the job aside at once: trying again would not help. Raises JobLost."""
        self._end(job, State.DEAD, code, None)

    def cancel(self, id: int) -> State:
        """Ask for a job to be stopped; a waiting one is at once. Raises JobUnknown."""
        facts = {"id": id, "now": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.cancel_job, facts).fetchone()
        if row is None:
            raise JobUnknown(id=id)
        return State(row[0])

    def revive(self, id: int) -> None:
        """Let a dead or cancelled job be tried again from the start. Raises JobUnknown."""
        facts = {"id": id, "now": self._clock.now()}
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.revive_job, facts).fetchone()
            if row is None:
                raise JobUnknown(id=id)
            connection.execute(QUERIES.notify_job, {"kind": row[0]})

    def read(self, id: int) -> JobState:
        """Return where a job stands. Raises JobUnknown."""
        with self._database.connection() as connection:
            row = connection.execute(QUERIES.read_job, {"id": id}).fetchone()
        if row is None:
            raise JobUnknown(id=id)
        number, kind, state, *rest = row
        return JobState(number, kind, State(state), *rest)

    def counts(self) -> dict[tuple[str, State], int]:
        """Return how many jobs of each kind stand where."""
        with self._database.connection() as connection:
            rows = connection.execute(QUERIES.count_jobs).fetchall()
        return {(kind, State(state)): count for kind, state, count in rows}

    def sweep(self, *, before: datetime) -> int:
        """Delete jobs done or cancelled before that moment; dead ones stay to be looked at."""
        with self._database.connection() as connection:
            return connection.execute(QUERIES.sweep_jobs, {"before": before}).rowcount

    def _mine(self, job: Job) -> dict[str, object]:
        return {"id": job.id, "worker": self._worker, "attempt": job.attempt}

    def _end(self, job: Job, state: State, code: str | None, cursor: Cursor | None) -> None:
        facts = self._mine(job) | {"state": state, "problem": code, "now": self._clock.now()}
        if cursor is not None:
            row = cursor.execute(QUERIES.end_job, facts).fetchone()
        else:
            with self._database.connection() as connection:
                row = connection.execute(QUERIES.end_job, facts).fetchone()
        if row is None:
            raise JobLost(id=job.id)


class JobBell:
    """Hears of new jobs at once, so that an idle worker need not ask every moment."""

    def __init__(self, database: Database) -> None:
        """Listen on a connection of its own. Raises DatabaseAway."""
        self._connection: Connection = database.connect(autocommit=True)
        with problems_of_the_server():
            self._connection.execute(f"listen {CHANNEL}")

    def wait(self, seconds_max: float) -> bool:
        """Return True when a job was added, False after `seconds_max`. Raises DatabaseAway."""
        with problems_of_the_server():
            return any(True for _ in self._connection.notifies(timeout=seconds_max, stop_after=1))

    def close(self) -> None:
        """Stop listening."""
        self._connection.close()
