"""An export on disk: where it stands, the parts that are done, and its files.

A part that is marked done survives any crash; one without a mark is written again.
"""

import re
from datetime import datetime
from pathlib import Path

import msgspec

from trucyte.database.job_folders import JobFolder
from trucyte.exchange.bulk.request import ExportRequest

_NAME = re.compile(r"[A-Za-z]{2,64}\.\d{4,9}\.ndjson")


class Plan(msgspec.Struct, frozen=True):
    """Where an export stands, and the parts it is written in."""

    snapshot: int
    epoch: int
    at: datetime  # transactionTime of the manifest
    now: int  # µs since 1970
    first: int  # the first position that is exported
    spans: tuple[tuple[int, int], ...]


class File(msgspec.Struct, frozen=True):
    """One file of an export."""

    type: str
    name: str
    count: int
    size: int


class Part(msgspec.Struct, frozen=True):
    """What one part wrote."""

    number: int
    files: tuple[File, ...]


class Finished(msgspec.Struct, frozen=True):
    """What a finished export gave."""

    at: datetime  # transactionTime
    files: tuple[File, ...]
    deleted: tuple[File, ...]


class ExportFolder:
    """The folder of one export."""

    def __init__(self, folder: JobFolder) -> None:
        """Read and write in `folder`."""
        self._folder = folder
        self.path = folder.path

    def request(self) -> ExportRequest:
        """Return what was asked for."""
        found = self._folder.read("request.json", ExportRequest)
        assert found is not None
        return found

    def set_request(self, request: ExportRequest) -> None:
        """Keep what is asked for."""
        self._folder.write("request.json", request)

    def plan(self) -> Plan | None:
        """Return the plan; None before there is one."""
        return self._folder.read("plan.json", Plan)

    def set_plan(self, plan: Plan) -> None:
        """Begin, or begin anew, under a plan."""
        for path in self.path.glob("part-*.json"):
            path.unlink()
        self._folder.write("plan.json", plan)

    def parts(self) -> dict[int, Part]:
        """Return the parts that are done."""
        names = [path.name for path in self.path.glob("part-*.json")]
        found = (self._folder.read(name, Part) for name in names)
        return {part.number: part for part in found if part is not None}

    def add_part(self, part: Part) -> None:
        """Mark a part as done; its files are durable."""
        self._folder.write(f"part-{part.number:06}.json", part)

    def finished(self) -> Finished | None:
        """Return what the export gave; None before it is done."""
        return self._folder.finished(Finished)

    def finish(self, finished: Finished) -> None:
        """Mark the whole as done."""
        self._folder.finish(finished)

    def file(self, name: str) -> Path | None:
        """Return where a file of the finished export lies; None for any other name."""
        finished = self.finished() if _NAME.fullmatch(name) else None
        files = (*finished.files, *finished.deleted) if finished else ()
        return self.path / name if name in {file.name for file in files} else None
