"""An export on disk: what it is, how far it came, and its files.

Everything is written beside and renamed, so what is there is whole. Parts that are marked
done survive any crash; a part without a mark is written again.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from trucyte.exchange.bulk.request import ExportRequest

Value = TypeVar("Value")

_NAME = re.compile(r"[A-Za-z]{2,64}\.\d{4,9}\.ndjson")
_ID = re.compile(r"[0-9a-f]{32}")
_CANCELLED = "cancelled"


class Kept(msgspec.Struct, frozen=True):
    """What an export is."""

    job: int
    created_at: datetime
    request: ExportRequest


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
    ended_at: datetime
    files: tuple[File, ...]
    deleted: tuple[File, ...]


class ExportFolder:
    """The folder of one export."""

    def __init__(self, path: Path) -> None:
        """Work on `path`, which `create` makes."""
        self.path = path

    @property
    def id(self) -> str:
        """The opaque name of the export."""
        return self.path.name

    def create(self, kept: Kept) -> None:
        """Begin an export."""
        self.path.mkdir(parents=True, mode=0o700)
        self._write("request.json", kept)

    def kept(self) -> Kept | None:
        """Return what the export is; None where there is none."""
        return self._read("request.json", Kept)

    def plan(self) -> Plan | None:
        """Return the plan; None before there is one."""
        return self._read("plan.json", Plan)

    def set_plan(self, plan: Plan) -> None:
        """Begin anew under a plan."""
        for path in self.path.glob("part-*.json"):
            path.unlink()
        self._write("plan.json", plan)

    def parts(self) -> dict[int, Part]:
        """Return the parts that are done."""
        found = (self._read(path.name, Part) for path in self.path.glob("part-*.json"))
        return {part.number: part for part in found if part is not None}

    def add_part(self, part: Part) -> None:
        """Mark a part as done; its files are durable."""
        self._write(f"part-{part.number:06}.json", part)

    def finished(self) -> Finished | None:
        """Return what the export gave; None before it is done."""
        return self._read("finished.json", Finished)

    def finish(self, finished: Finished) -> None:
        """Mark the whole as done."""
        self._write("finished.json", finished)

    def file(self, name: str) -> Path | None:
        """Return where a file of the finished export lies; None for any other name."""
        finished = self.finished() if _NAME.fullmatch(name) else None
        files = (*finished.files, *finished.deleted) if finished else ()
        return self.path / name if name in {file.name for file in files} else None

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller wants it no more."""
        return (self.path / _CANCELLED).exists()

    def cancel(self) -> None:
        """Say that nobody wants it any more."""
        (self.path / _CANCELLED).touch()

    def remove(self) -> None:
        """Delete everything; a second time does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _read(self, name: str, kind: type[Value]) -> Value | None:
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None

    def _write(self, name: str, value: object) -> None:
        write_whole(self.path / name, msgspec.json.encode(value))


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place, whole or not at all, also across a loss of power."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find_folder(root: Path, id: str) -> ExportFolder | None:
    """Return the export of that name; None where there is none, or nobody wants it."""
    if not _ID.fullmatch(id):
        return None
    folder = ExportFolder(root / id)
    return None if folder.kept() is None or folder.is_cancelled else folder


def all_folders(root: Path) -> Iterator[ExportFolder]:
    """Yield every export there is."""
    names: Sequence[Path] = sorted(root.iterdir()) if root.is_dir() else ()
    yield from (ExportFolder(path) for path in names if _ID.fullmatch(path.name))
