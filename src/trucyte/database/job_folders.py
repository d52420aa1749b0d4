"""Long jobs that keep files: each has a folder with an opaque name, an owner and an end.

What stands in a folder is written whole or not at all, so a job that was killed finds
where it was. A finished folder is kept for a while and then deleted; a cancelled one goes
at once, or as soon as the worker that has it hears of it.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TypeVar

import msgspec

from trucyte.base.clock import Clock
from trucyte.base.files import write_whole
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.jobs import Job, Jobs, JobState, JobUnknown, State, add_job

Value = TypeVar("Value")
Report = Callable[[int, int | None], bool]  # done, total -> whether to go on

_ID = re.compile(r"[0-9a-f]{32}")
_OPEN = (State.WAITING, State.RUNNING)
_ATTEMPTS_MAX = 24  # each restart of the node is one
_KEPT, _FINISHED, _ENDED, _CANCELLED = "job.json", "finished.json", "ended.json", "cancelled"


class JobFolderUnknown(Problem):
    """There is no such job of yours, or it is over: it was cancelled or has expired."""

    kind = Kind.NOT_FOUND
    code = "job-folder-unknown"


class JobFailed(Problem):
    """The work could not be finished ({problem}); ask for it again."""

    kind = Kind.UNAVAILABLE
    code = "job-failed"


class TooManyJobs(Problem):
    """{most} jobs of this caller are under way; wait for one, or cancel it."""

    kind = Kind.UNAVAILABLE
    code = "jobs-too-many"


class Owner(msgspec.Struct, frozen=True):
    """Who asked for a job, and alone may see it."""

    caller: str
    organisation: str = ""


class Kept(msgspec.Struct, frozen=True):
    """What a folder is."""

    job: int
    created_at: datetime
    owner: Owner


class Ended(msgspec.Struct, frozen=True):
    """When a job was done."""

    at: datetime


class JobFolder:
    """The folder of one job."""

    def __init__(self, path: Path) -> None:
        """Work on `path`."""
        self.path = path

    @property
    def id(self) -> str:
        """The opaque name of the job."""
        return self.path.name

    def kept(self) -> Kept | None:
        """Return what the folder is; None where there is none."""
        return self.read(_KEPT, Kept)

    def read(self, name: str, kind: type[Value]) -> Value | None:
        """Return what was written under a name; None where nothing was."""
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None

    def write(self, name: str, value: object) -> None:
        """Write a value, whole or not at all."""
        write_whole(self.path / name, msgspec.json.encode(value))

    def finish(self, value: object) -> None:
        """Write what came of the job; done over again it is the same."""
        self.write(_FINISHED, value)

    def finished(self, kind: type[Value]) -> Value | None:
        """Return what came of the job; None before it is done."""
        return self.read(_FINISHED, kind)

    @property
    def ended_at(self) -> datetime | None:
        """When the job was done; None before."""
        ended = self.read(_ENDED, Ended)
        return ended.at if ended else None

    @property
    def is_cancelled(self) -> bool:
        """Whether the owner wants it no more."""
        return (self.path / _CANCELLED).exists()

    def cancel(self) -> None:
        """Say that nobody wants it any more."""
        (self.path / _CANCELLED).touch()

    def remove(self) -> None:
        """Delete everything; a second time does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands; `job` is None once it is finished."""

    folder: JobFolder
    job: JobState | None
    expires_at: datetime | None


class JobFolders:
    """The folders of one kind of job. Safe to share between threads."""

    def __init__(
        self,
        root: Path,
        kind: str,
        database: Database,
        jobs: Jobs,
        clock: Clock,
        *,
        keep: timedelta,
        open_max: int = 4,
    ) -> None:
        """Keep folders below `root`, each for `keep` after its job ended.

        One owner may have `open_max` jobs under way.
        """
        self.kind = kind
        self._root = root
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._keep = keep
        self._open_max = open_max

    def ask(self, owner: Owner, fill: Callable[[JobFolder], None]) -> str:
        """Queue a job whose folder `fill` fills; return its opaque name. Raises TooManyJobs."""
        mine = [kept for _, kept in self._unfinished() if kept.owner == owner]
        states = (self._state(kept.job) for kept in mine)
        if sum(state is not None and state.state in _OPEN for state in states) >= self._open_max:
            raise TooManyJobs(most=self._open_max)
        folder = JobFolder(self._root / secrets.token_hex(16))
        now = self._clock.now()
        with self._database.connection() as connection, connection.cursor() as cursor:
            number = add_job(
                cursor, self.kind, folder.id.encode(), now=now, attempts_max=_ATTEMPTS_MAX
            )
            assert number is not None
            # Before the job is seen: without its folder there would be nothing to do.
            folder.path.mkdir(parents=True, mode=0o700)
            fill(folder)
            folder.write(_KEPT, Kept(number, now, owner))
        return folder.id

    def standing(self, owner: Owner, id: str) -> Standing:
        """Return where a job stands. Raises JobFolderUnknown, JobFailed."""
        folder, kept = self._found(owner, id)
        if (ended := folder.ended_at) is not None:
            expires = ended + self._keep
            if expires <= self._clock.now():
                raise JobFolderUnknown()
            return Standing(folder, None, expires)
        state = self._state(kept.job)
        if state is None or state.state is State.CANCELLED:
            raise JobFolderUnknown()
        if state.state is State.DEAD:
            raise JobFailed(problem=state.problem or "unknown")
        return Standing(folder, state, None)

    def cancel(self, owner: Owner, id: str) -> None:
        """End a job and delete its files. Raises JobFolderUnknown."""
        folder, kept = self._found(owner, id)
        folder.cancel()
        if self._stop(kept.job) is not State.RUNNING:
            folder.remove()  # else whoever runs it does

    def sweep(self) -> int:
        """Delete what has expired; return how many."""
        limit = self._clock.now() - self._keep
        swept = 0
        for folder in self._all():
            kept = folder.kept()
            ended = folder.ended_at or (kept.created_at if kept else None)
            if kept is None or (ended is not None and ended > limit):
                continue
            folder.cancel()
            if self._stop(kept.job) is not State.RUNNING:
                folder.remove()
                swept += 1
        return swept

    def open_since(self) -> datetime | None:
        """Return since when the oldest unfinished job is under way, None where none is."""
        return min((kept.created_at for _, kept in self._unfinished()), default=None)

    def run(self, job: Job, work: Callable[[JobFolder, Report], bool], stop: Event) -> None:
        """Do a job to its end; `work` says whether it was done, or stopped as it was told.

        When `stop` is set the job waits for the next worker. Raises JobLost, and what
        `work` raises.
        """
        folder = JobFolder(self._root / job.body.decode())
        if folder.kept() is None or folder.is_cancelled:
            folder.remove()
            self._jobs.stop(job)
            return
        is_wanted = True

        def report(done: int, total: int | None) -> bool:
            nonlocal is_wanted
            is_wanted = self._jobs.report(job, done=done, total=total) and not folder.is_cancelled
            return is_wanted and not stop.is_set()

        if work(folder, report):
            folder.write(_ENDED, Ended(self._clock.now()))
            self._jobs.finish(job)
        elif is_wanted:
            self._jobs.fail(job, "interrupted")
        else:
            self._jobs.stop(job)
            folder.remove()

    def _found(self, owner: Owner, id: str) -> tuple[JobFolder, Kept]:
        folder = JobFolder(self._root / id)
        kept = folder.kept() if _ID.fullmatch(id) else None
        # Somebody else's is as unknown as none.
        if kept is None or kept.owner != owner or folder.is_cancelled:
            raise JobFolderUnknown()
        return folder, kept

    def _all(self) -> Iterator[JobFolder]:
        paths: Sequence[Path] = sorted(self._root.iterdir()) if self._root.is_dir() else ()
        yield from (JobFolder(path) for path in paths if _ID.fullmatch(path.name))

    def _unfinished(self) -> Iterator[tuple[JobFolder, Kept]]:
        for folder in self._all():
            kept = folder.kept()
            if kept and folder.ended_at is None and not folder.is_cancelled:
                yield folder, kept

    def _state(self, job: int) -> JobState | None:
        try:
            return self._jobs.read(job)
        except JobUnknown:
            return None

    def _stop(self, job: int) -> State | None:
        try:
            return self._jobs.cancel(job)
        except JobUnknown:
            return None
