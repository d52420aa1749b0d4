"""The exports of a node: asked for, looked after, cancelled, forgotten when they expire."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.jobs import Job, Jobs, JobState, JobUnknown, State, add_job
from trucyte.exchange.bulk.folder import ExportFolder, Finished, Kept, all_folders, find_folder
from trucyte.exchange.bulk.request import ExportRequest
from trucyte.exchange.bulk.run import Exporter, Progress
from trucyte.records.access import Access

JOB_KIND = "export"
_OPEN_MAX = 4  # of one caller at a time
_OPEN_STATES = (State.WAITING, State.RUNNING)


class ExportUnknown(Problem):
    """There is no such export, or it is over: it was cancelled or has expired."""

    kind = Kind.NOT_FOUND
    code = "export-unknown"


class ExportFailed(Problem):
    """The export could not be finished ({problem}); ask for it again."""

    kind = Kind.UNAVAILABLE
    code = "export-failed"


class TooManyExports(Problem):
    """{most} exports of this caller are under way; wait for one, or cancel it."""

    kind = Kind.UNAVAILABLE
    code = "exports-too-many"


@dataclass(frozen=True, slots=True)
class Status:
    """Where an export stands; `finished` once it is done."""

    request: ExportRequest
    job: JobState | None
    finished: Finished | None
    expires_at: datetime | None


class Exports:
    """What the HTTP side and the housekeeping call. Safe to share between threads."""

    def __init__(
        self, root: Path, database: Database, jobs: Jobs, clock: Clock, *, keep: timedelta
    ) -> None:
        """Keep the files below `root`, each export for `keep` after it ended."""
        self._root = root
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._keep = keep

    def ask(self, request: ExportRequest, access: Access) -> str:
        """Queue an export and return its opaque name. Raises TooManyExports."""
        self._check_few(access)
        folder = ExportFolder(self._root / secrets.token_hex(16))
        now = self._clock.now()
        with self._database.connection() as connection, connection.cursor() as cursor:
            number = add_job(cursor, JOB_KIND, folder.id.encode(), now=now)
            assert number is not None
            # Before the job is seen: a job without its folder would have nothing to do.
            folder.create(Kept(number, now, request))
        return folder.id

    def _check_few(self, access: Access) -> None:
        kept = [
            kept
            for folder in all_folders(self._root)
            if folder.finished() is None and (kept := folder.kept()) is not None
            if kept.request.asker.is_same(access) and not folder.is_cancelled
        ]
        states = (self._state(one.job) for one in kept)
        if sum(state is not None and state.state in _OPEN_STATES for state in states) >= _OPEN_MAX:
            raise TooManyExports(most=_OPEN_MAX)

    def status(self, access: Access, id: str) -> Status:
        """Return where an export of this caller stands. Raises ExportUnknown, ExportFailed."""
        folder, kept = self._found(access, id)
        finished = folder.finished()
        if finished is not None:
            expires = finished.ended_at + self._keep
            if expires <= self._clock.now():
                raise ExportUnknown()
            return Status(kept.request, None, finished, expires)
        state = self._state(kept.job)
        if state is None or state.state is State.CANCELLED:
            raise ExportUnknown()
        if state.state is State.DEAD:
            raise ExportFailed(problem=state.problem or "unknown")
        return Status(kept.request, state, None, None)

    def file(self, access: Access, id: str, name: str) -> Path:
        """Return where a file of a finished export lies. Raises ExportUnknown."""
        self.status(access, id)
        found = self._found(access, id)[0].file(name)
        if found is None:
            raise ExportUnknown()
        return found

    def cancel(self, access: Access, id: str) -> None:
        """End an export and delete its files. Raises ExportUnknown."""
        folder, kept = self._found(access, id)
        folder.cancel()
        if self._stop(kept.job) is not State.RUNNING:
            folder.remove()  # else whoever runs it does

    def sweep(self) -> int:
        """Delete what has expired; return how many."""
        limit = self._clock.now() - self._keep
        swept = 0
        for folder in all_folders(self._root):
            kept, finished = folder.kept(), folder.finished()
            ended = finished.ended_at if finished else kept.created_at if kept else None
            if ended is not None and ended > limit:
                continue
            if kept is not None and self._stop(kept.job) is State.RUNNING:
                folder.cancel()
                continue
            folder.remove()
            swept += 1
        return swept

    def oldest_open(self) -> datetime | None:
        """Return since when the oldest unfinished export is under way.

        Rows that were replaced since then must stay: `SearchIndex.sweep` goes no further.
        """
        begun = [
            kept.created_at
            for folder in all_folders(self._root)
            if folder.finished() is None
            and not folder.is_cancelled
            and (kept := folder.kept()) is not None
        ]
        return min(begun, default=None)

    def run(self, exporter: Exporter, job: Job) -> None:
        """Do a job of this kind to its end. Raises JobLost, and what `Exporter.run` raises."""
        folder = find_folder(self._root, job.body.decode())
        if folder is None:
            ExportFolder(self._root / job.body.decode()).remove()
            self._jobs.stop(job)
            return

        def report(progress: Progress) -> bool:
            goes_on = self._jobs.report(job, done=progress.parts, total=progress.parts_total)
            return goes_on and not folder.is_cancelled

        if exporter.run(folder, report) is None:
            folder.remove()
            self._jobs.stop(job)
        else:
            self._jobs.finish(job)

    def _found(self, access: Access, id: str) -> tuple[ExportFolder, Kept]:
        folder = find_folder(self._root, id)
        kept = folder.kept() if folder else None
        # Somebody else's export is as unknown as none.
        if folder is None or kept is None or not kept.request.asker.is_same(access):
            raise ExportUnknown()
        return folder, kept

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


def manifest(status: Status, file_url: str) -> dict[str, Any]:
    """Return the manifest of a finished export (IG § Response - Output Manifest).

    `file_url` is what a file's name is put behind.
    """
    finished = status.finished
    assert finished is not None

    def listed(files: Any) -> list[Mapping[str, Any]]:
        return [{"type": f.type, "url": file_url + f.name, "count": f.count} for f in files]

    return {
        "transactionTime": finished.at.isoformat(timespec="milliseconds"),
        "request": status.request.url,
        "requiresAccessToken": False,
        "output": listed(finished.files),
        "deleted": listed(finished.deleted),
        "error": [],
    }
