"""Run one import: fetch its files, share their slices out, and keep how far it came.

How far is kept as the beginning of each file of which every line is decided, with its
counts and its errors. What was committed behind it when a run is killed is found in the
journal, whose lines name source and row: nothing is written twice, whatever others wrote
meanwhile.
"""

import gzip
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard

from trucyte.base.crew import Crew
from trucyte.base.disk import DiskState, check_room
from trucyte.base.problem import Kind, Problem
from trucyte.base.working import WAIT_SECONDS, Inline, Workers, work_through
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolder
from trucyte.intake.bulk.accept import Done, SliceAcceptor, Task, make_acceptor
from trucyte.intake.bulk.fetch import FetchRules, check_url, fetch
from trucyte.intake.bulk.request import Input
from trucyte.intake.bulk.slices import SLICE_BYTES, slices
from trucyte.intake.keeping.statements import statements
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.tools import Build
from trucyte.journal.journal import Journal

_INLINE_BYTES_MAX = 2 << 20  # less is done before a process has started
_ANALYZED_FROM = 20_000  # versions written, from which the planner is told
ERRORS = "errors.ndjson"


class PathNotAllowed(Problem):
    """{name} is not a file in a folder that this node imports from (bulk.import_folders)."""

    kind = Kind.FORBIDDEN
    code = "import-path"


class FileState(msgspec.Struct):
    """How far one file is."""

    source: int  # its number in the journal
    size: int = 0
    offset: int = 0  # bytes of which every line is decided
    line: int = 1  # that begins there
    written: int = 0
    unchanged: int = 0
    failed: int = 0
    warned: int = 0  # lines in which someone signs whose licence was not in force
    is_done: bool = False


class State(msgspec.Struct):
    """How far an import is."""

    files: list[FileState]
    after: int = 0  # what is not decided lies in the journal behind this position
    error_bytes: int = 0
    fetched_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has come to."""

    bytes: int
    bytes_total: int
    files: int
    files_total: int
    written: int
    unchanged: int
    failed: int


Report = Callable[[Progress], bool]  # says whether to go on


@dataclass(frozen=True, slots=True)
class Sources:
    """Where files may come from."""

    folders: tuple[Path, ...] = ()
    fetching: FetchRules = field(default_factory=FetchRules)

    def check(self, input: Input) -> None:
        """Raise PathNotAllowed or AddressRefused for what may not be taken in."""
        if _is_remote(input):
            check_url(input.url, self.fetching)
        else:
            self.path(input)

    def path(self, input: Input) -> Path:
        """Return the file of a path. Raises PathNotAllowed."""
        told = input.url.removeprefix("file://")
        for folder in self.folders:
            # Links are followed first: one that leads out of the folder is out of it.
            found = (folder / told).resolve()
            if found.is_relative_to(folder.resolve()) and found.is_file():
                return found
        raise PathNotAllowed(name=Path(told).name[:100] or "?")


@dataclass(frozen=True, slots=True)
class Importer:
    """Runs imports; safe to share between threads."""

    database: Database
    journal: Journal
    build: Build = field(repr=False)
    sources: Sources
    room: Callable[[], DiskState]
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    limits: Limits = DEFAULT
    language: str = "vi"

    def run(self, folder: JobFolder, inputs: Sequence[Input], report: Report) -> State | None:
        """Take in files to their end; None where `report` said to stop.

        Raises AddressRefused, FetchMissing, PathNotAllowed, NO_SPACE Problems, and
        UNAVAILABLE ones after which a later run goes on from there.
        """
        return _Run(self, folder, inputs, report).run()

    def number(self) -> int:
        """Return a number by which the journal knows a file: below 0, for it is not kept."""
        with self.database.connection() as connection:
            row = connection.execute(statements()["next_source"]).fetchone()
        assert row is not None
        return -int(row[0])


class _Run:
    """One run of an import."""

    def __init__(
        self, importer: Importer, folder: JobFolder, inputs: Sequence[Input], report: Report
    ) -> None:
        self._importer = importer
        self._folder = folder
        self._inputs = inputs
        self._report = report
        kept = folder.read("state.json", State)
        is_resumed = kept is not None
        self._state = kept or State(
            [FileState(importer.number()) for _ in inputs], after=importer.journal.tail()
        )
        # What was committed but is not in the state: by a run that was killed.
        self._rows = {
            file.source: frozenset(importer.journal.rows_of(file.source, self._state.after))
            for file in self._state.files
            if is_resumed and not file.is_done
        }
        # By file and first byte: what is decided behind a gap; the tail when a slice was given.
        self._decided: dict[tuple[int, int], Done] = {}
        self._begun: dict[tuple[int, int], int] = {}
        self._tail = self._state.after
        self._kept_at = 0.0
        self._paths: dict[int, Path] = {}

    def run(self) -> State | None:
        self._cut_errors()
        self._save()
        try:
            for number, input in enumerate(self._inputs):
                if not self._state.files[number].is_done:
                    self._paths[number] = self._fetched(number, input)
        except _Stopped:
            return None
        left = sum(self._state.files[n].size - self._state.files[n].offset for n in self._paths)
        with closing(self._acceptors(left)) as acceptors:
            if not self._work(acceptors):
                return None
        written = sum(file.written for file in self._state.files)
        if written >= _ANALYZED_FROM:
            self._analyze()
        for path in self._folder.path.glob("input-*"):
            path.unlink()
        return self._state

    # Files

    def _fetched(self, number: int, input: Input) -> Path:
        """Return where the file lies on this machine's disk, unpacked."""
        path = self._original(number, input)
        state = self._state.files[number]
        opener = _UNPACK.get(path.suffix.lower() if not _is_remote(input) else _suffix(input))
        if opener is not None:
            unpacked = self._folder.path / f"input-{number:05}.ndjson"
            if not state.size:
                self._unpack(opener, path, unpacked)
            path = unpacked
        state.size = path.stat().st_size
        self._save()
        return path

    def _original(self, number: int, input: Input) -> Path:
        if not _is_remote(input):
            return self._importer.sources.path(input)
        target = self._folder.path / f"input-{number:05}"
        if not self._state.files[number].size:
            fetch(input.url, target, self._importer.sources.fetching, self._hear_bytes)
        return target

    def _hear_bytes(self, count: int) -> None:
        check_room(self._importer.room())
        self._state.fetched_bytes = count
        if not self._report(self._progress()):
            raise _Stopped()

    def _unpack(self, opener: Callable[[Path], BinaryIO], path: Path, target: Path) -> None:
        with opener(path) as packed, target.open("wb") as file:
            while chunk := packed.read(1 << 20):
                self._hear_bytes(file.tell())
                file.write(chunk)

    # Slices

    def _acceptors(self, size: int) -> Workers[Task, Done]:
        importer = self._importer
        if importer.workers < 1 or size <= _INLINE_BYTES_MAX:
            return Inline(SliceAcceptor(importer.build(), importer.limits, importer.language))
        make = partial(make_acceptor, importer.build, importer.limits, importer.language)
        return Crew(make, importer.workers)

    def _work(self, acceptors: Workers[Task, Done]) -> bool:
        is_done = work_through(
            acceptors,
            _batches(self._tasks()),
            goes_on=self._goes_on,
            settle=self._settle,
            begin=self._begin,
        )
        self._save()
        return is_done

    def _begin(self, batch: Sequence[Task]) -> None:
        self._begun |= {(task.file, task.slice.start): self._tail for task in batch}

    def _goes_on(self) -> bool:
        """Now and then: keep how far it is, look at the disk, and ask whether to go on."""
        if time.monotonic() - self._kept_at < WAIT_SECONDS:
            return True
        self._save()
        self._kept_at = time.monotonic()
        check_room(self._importer.room())
        return self._report(self._progress())

    def _tasks(self) -> Iterator[Task]:
        for number, path in sorted(self._paths.items()):
            file, input = self._state.files[number], self._inputs[number]
            rows = self._rows.get(file.source, frozenset())
            for part in slices(path, self._importer.limits, start=file.offset, line=file.line):
                numbers = range(part.first_line, part.first_line + part.lines)
                done = rows.intersection(numbers) if rows else rows
                name = input.url.rpartition("/")[2]
                yield Task(number, path, name, file.source, input.type, part, done)

    def _settle(self, done: Done) -> None:
        """Count what is decided; the state moves on as far as there is no gap."""
        self._decided[done.file, done.slice.start] = done
        number, file = done.file, self._state.files[done.file]
        while (found := self._decided.pop((number, file.offset), None)) is not None:
            del self._begun[number, file.offset]
            file.offset, file.line = found.slice.end, file.line + found.slice.lines
            file.written += found.written
            file.unchanged += found.unchanged
            file.failed += found.failed
            file.warned += found.warned
            self._add_errors(found.errors)

    # What is kept

    def _save(self) -> None:
        self._tail = self._importer.journal.tail()
        self._state.after = min(self._begun.values(), default=self._tail)
        for number, file in enumerate(self._state.files):
            file.is_done = file.is_done or (number in self._paths and file.offset >= file.size)
        self._folder.write("state.json", self._state)

    def _add_errors(self, errors: bytes) -> None:
        if errors:
            with (self._folder.path / ERRORS).open("ab") as file:
                file.write(errors)
                file.flush()
                os.fsync(file.fileno())
            self._state.error_bytes += len(errors)

    def _cut_errors(self) -> None:
        """Forget errors of lines that are decided again."""
        path = self._folder.path / ERRORS
        if path.exists():
            os.truncate(path, min(self._state.error_bytes, path.stat().st_size))

    def _analyze(self) -> None:
        connection = self._importer.database.connect(autocommit=True)
        with closing(connection):
            connection.execute(statements()["analyze_records"])

    def _progress(self) -> Progress:
        files = self._state.files
        return Progress(
            bytes=sum(file.offset for file in files),
            bytes_total=sum(file.size for file in files),
            files=sum(file.is_done for file in files),
            files_total=len(files),
            written=sum(file.written for file in files),
            unchanged=sum(file.unchanged for file in files),
            failed=sum(file.failed for file in files),
        )


def _batches(tasks: Iterator[Task]) -> Iterator[list[Task]]:
    """Give slices of small files together; of one file never two."""
    batch: list[Task] = []
    size = 0
    for task in tasks:
        if batch and (size >= SLICE_BYTES or batch[-1].file == task.file):
            yield batch
            batch, size = [], 0
        batch.append(task)
        size += task.slice.end - task.slice.start
    if batch:
        yield batch


class _Stopped(Exception):  # noqa: N818 - not an error: it was asked for
    """The import is to stop while a file is being fetched."""


def _is_remote(input: Input) -> bool:
    return input.url.lower().startswith(("http://", "https://"))


def _suffix(input: Input) -> str:
    return Path(input.url.partition("?")[0].partition("#")[0]).suffix.lower()


def _open_gzip(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb"))


def _open_zstd(path: Path) -> BinaryIO:
    return cast(BinaryIO, zstandard.open(path, "rb"))


_UNPACK: dict[str, Callable[[Path], BinaryIO]] = {".gz": _open_gzip, ".zst": _open_zstd}
