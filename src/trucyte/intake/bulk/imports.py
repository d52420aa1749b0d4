"""The imports of a node: asked for, looked after, cancelled, forgotten when they expire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from trucyte.database.job_folders import JobFolder, JobFolders, JobFolderUnknown, Owner, Report
from trucyte.database.jobs import Job, JobState
from trucyte.intake.bulk.request import Input
from trucyte.intake.bulk.run import ERRORS, Importer, Progress, Sources, State
from trucyte.records.access import Access

JOB_KIND = "import"


class ImportRequest(msgspec.Struct, frozen=True):
    """One import as it was asked for."""

    url: str  # of the kick-off
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Where an import stands; it is finished where `job` is None."""

    request: ImportRequest
    job: JobState | None
    state: State | None
    ended_at: datetime | None
    expires_at: datetime | None


class Imports:
    """What the HTTP side and the housekeeping call. Safe to share between threads."""

    def __init__(self, folders: JobFolders, sources: Sources) -> None:
        """Keep imports in `folders`; files come from `sources`."""
        self.folders = folders
        self._sources = sources

    def ask(self, request: ImportRequest, access: Access) -> str:
        """Queue an import and return its opaque name.

        Raises PathNotAllowed, AddressRefused, TooManyJobs.
        """
        for input in request.inputs:
            self._sources.check(input)
        return self.folders.ask(
            _owner(access), lambda folder: folder.write("request.json", request)
        )

    def status(self, access: Access, id: str) -> Status:
        """Return where an import of this caller stands. Raises JobFolderUnknown, JobFailed."""
        standing = self.folders.standing(_owner(access), id)
        folder = standing.folder
        return Status(
            _request(folder), standing.job, folder.read("state.json", State),
            folder.ended_at, standing.expires_at,
        )  # fmt: skip

    def file(self, access: Access, id: str, name: str) -> Path:
        """Return where the errors of an import lie. Raises JobFolderUnknown, JobFailed."""
        standing = self.folders.standing(_owner(access), id)
        path = standing.folder.path / ERRORS
        if name != ERRORS or standing.job is not None or not path.exists():
            raise JobFolderUnknown()
        return path

    def cancel(self, access: Access, id: str) -> None:
        """Stop an import; what came in until then stays. Raises JobFolderUnknown."""
        self.folders.cancel(_owner(access), id)

    def run(self, importer: Importer, job: Job, stop: Event) -> None:
        """Do a job of this kind to its end. Raises JobLost, and what `Importer.run` raises."""

        def work(folder: JobFolder, report: Report) -> bool:
            def tell(progress: Progress) -> bool:
                return report(progress.bytes, progress.bytes_total)

            state = importer.run(folder, _request(folder).inputs, tell)
            if state is not None:
                folder.finish(state)
            return state is not None

        self.folders.run(job, work, stop)


def _request(folder: JobFolder) -> ImportRequest:
    found = folder.read("request.json", ImportRequest)
    assert found is not None
    return found


def _owner(access: Access) -> Owner:
    return Owner(access.caller, access.organisation)


def manifest(status: Status, file_url: str) -> dict[str, Any]:
    """Return what came of a finished import; `file_url` is what a file's name is put behind.

    `output` tells of each input how many lines were written, were here already, or failed,
    and `warned` in how many someone signs whose licence was not in force then;
    `error` names the OperationOutcomes, one a failed line, with file and line.
    """
    assert status.state is not None and status.ended_at is not None
    files = status.state.files
    failed = sum(file.failed for file in files)
    errors = [{"type": "OperationOutcome", "url": file_url + ERRORS, "count": failed}]
    return {
        "transactionTime": status.ended_at.isoformat(timespec="milliseconds"),
        "request": status.request.url,
        "requiresAccessToken": False,
        "output": [
            _output(input, n) for input, n in zip(status.request.inputs, files, strict=True)
        ],
        "error": errors if failed else [],
    }


def _output(input: Input, file: Any) -> dict[str, Any]:
    told = {
        "inputUrl": input.url,
        "count": file.written,
        "unchanged": file.unchanged,
        "failed": file.failed,
        **({"warned": file.warned} if file.warned else {}),
    }
    return {"type": input.type, **told} if input.type else told


def inputs_of(paths: Sequence[Path]) -> tuple[Input, ...]:
    """Return files of this machine as inputs."""
    return tuple(Input(str(path.absolute())) for path in paths)
