"""The exports of a node: asked for, looked after, cancelled, forgotten when they expire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from trucyte.database.job_folders import JobFolder, JobFolders, JobFolderUnknown, Owner, Report
from trucyte.database.jobs import Job, JobState
from trucyte.exchange.bulk.folder import ExportFolder, Finished
from trucyte.exchange.bulk.request import ExportRequest
from trucyte.exchange.bulk.run import Exporter, Progress
from trucyte.records.access import Access

JOB_KIND = "export"


@dataclass(frozen=True, slots=True)
class Status:
    """Where an export stands; `finished` once it is done."""

    request: ExportRequest
    job: JobState | None
    finished: Finished | None
    expires_at: datetime | None


class Exports:
    """What the HTTP side and the housekeeping call. Safe to share between threads."""

    def __init__(self, folders: JobFolders) -> None:
        """Keep exports in `folders`."""
        self.folders = folders

    def ask(self, request: ExportRequest, access: Access) -> str:
        """Queue an export and return its opaque name. Raises TooManyJobs."""
        return self.folders.ask(
            owner_of(access), lambda folder: ExportFolder(folder).set_request(request)
        )

    def status(self, access: Access, id: str) -> Status:
        """Return where an export of this caller stands. Raises JobFolderUnknown, JobFailed."""
        standing = self.folders.standing(owner_of(access), id)
        export = ExportFolder(standing.folder)
        return Status(export.request(), standing.job, export.finished(), standing.expires_at)

    def file(self, access: Access, id: str, name: str) -> Path:
        """Return where a file of a finished export lies. Raises JobFolderUnknown, JobFailed."""
        standing = self.folders.standing(owner_of(access), id)
        found = ExportFolder(standing.folder).file(name)
        if found is None:
            raise JobFolderUnknown()
        return found

    def cancel(self, access: Access, id: str) -> None:
        """End an export and delete its files. Raises JobFolderUnknown."""
        self.folders.cancel(owner_of(access), id)

    def run(self, exporter: Exporter, job: Job, stop: Event) -> None:
        """Do a job of this kind to its end. Raises JobLost, and what `Exporter.run` raises."""

        def work(folder: JobFolder, report: Report) -> bool:
            def tell(progress: Progress) -> bool:
                return report(progress.parts, progress.parts_total)

            return exporter.run(ExportFolder(folder), tell) is not None

        self.folders.run(job, work, stop)


def owner_of(access: Access) -> Owner:
    """Return whose the jobs of an access are."""
    return Owner(access.caller, access.organisation)


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
