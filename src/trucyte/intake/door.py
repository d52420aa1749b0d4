"""The doors of this process: paths named on a command line, and whatever waits.

Files are kept first and worked on from there, so a run that is stopped or killed is gone
on with by naming the same paths again, or by whoever works on what waits.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from trucyte.base.clock import Clock
from trucyte.base.disk import DiskState
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.intake.keeping.ledger import Ledger
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.progress import Summary, Watchers
from trucyte.intake.receipts import ReceivedFile, State
from trucyte.intake.running.patience import patiently
from trucyte.intake.running.pipeline import Pipeline
from trucyte.intake.running.pool import InlinePool, Pool, process_pool
from trucyte.intake.scanning import Scan
from trucyte.intake.store import PostgresReceipts
from trucyte.intake.tools import Build

_SUFFIXES = frozenset({".xml", ".zip", ".json", ".ndjson"})
_CHUNK = 1 << 20
_INLINE_BYTES_MAX = 4 << 20  # less is done before a process has started
_IDLE_SECONDS = 1.0


class PathMissing(Problem):
    """There is no file or folder {path}."""

    kind = Kind.NOT_FOUND
    code = "path-missing"


class PathUnreadable(Problem):
    """{path} could not be read: {reason}; the rest was taken in, the same command goes on."""

    kind = Kind.BAD_INPUT
    code = "path-unreadable"


class WorkFailed(Problem):
    """Taking in failed by a defect of the program ({error}); the file waits, others go on."""

    kind = Kind.UNAVAILABLE
    code = "work-failed"


@dataclass(frozen=True, slots=True)
class Door:
    """What every door needs."""

    database: Database
    receipts: PostgresReceipts
    clock: Clock
    build: Build = field(repr=False)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    limits: Limits = DEFAULT
    room: Callable[[], DiskState] | None = None
    scan: Scan | None = None  # looks at each file before it is read


def ingest_paths(
    door: Door, paths: Sequence[Path], stop: Event, watchers: Watchers | None = None
) -> Summary:
    """Take in files and folders of claims and FHIR, and return what came of it.

    Folders are walked without following links; hidden files and files of other kinds in
    them are passed over; one that cannot be read (its HIS still holds it, say) is told to
    the watchers and counted. Raises PathMissing or PathUnreadable for a folder before
    anything is done, a NO_SPACE Problem when the disk is full, and an UNAVAILABLE one when
    stopped while the database is away.
    """
    files = list(find_files(paths))
    watchers = watchers or Watchers()
    numbers: dict[int, None] = {}
    unread: list[Path] = []

    def received() -> Iterator[int]:
        for path in files:
            try:
                number = patiently(lambda path=path: _receive(door, path), stop).number  # type: ignore[misc] # a default binds it
            except OSError as error:
                unread.append(path)
                watchers.warning(_unreadable(path, error))
                continue
            if number not in numbers:
                numbers[number] = None
                yield number

    began = time.monotonic()
    size = sum(map(size_of, files))
    resources = work_on(door, received(), size, stop, watchers)
    while not stop.is_set() and (open_ones := _open(door, numbers)):
        stop.wait(_IDLE_SECONDS)  # another process has them: wait, and take over if it ends
        resources += work_on(door, iter(open_ones), 0, stop, watchers)
    visits, findings, reasons = door.receipts.sums(list(numbers))
    seconds = time.monotonic() - began
    return Summary(len(files), visits, resources, findings, reasons, seconds, len(unread))


def work_on(
    door: Door, numbers: Iterable[int], size: int, stop: Event, watchers: Watchers | None = None
) -> int:
    """Work through kept sources of `size` bytes together; return how many versions it wrote."""
    with closing(make_pool(door, size, stop)) as pool:
        return _run(door, pool, numbers, stop, watchers)


def _run(
    door: Door, pool: Pool, numbers: Iterable[int], stop: Event, watchers: Watchers | None
) -> int:
    pipeline = Pipeline(
        door.database, door.clock, pool, stop,
        watchers=watchers, room=door.room, limits=door.limits,
        vault=door.receipts.vault, scan=door.scan,
    )  # fmt: skip
    pipeline.run(numbers)
    return pipeline.progress().resources


def make_pool(door: Door, size: int, stop: Event) -> Pool:
    """Return processes for much work, this thread for little."""
    if door.workers < 1 or size <= _INLINE_BYTES_MAX:
        return InlinePool(door.build, stop, door.limits)
    return process_pool(door.build, door.workers, door.limits)


def process_waiting(door: Door, stop: Event, watchers: Watchers | None = None) -> None:
    """Work on whatever is received, oldest first, until `stop` is set: the life of a worker.

    A Problem of one source (a full disk, say) is told to the watchers and tried again later.
    So is a defect: it must not end the only worker, and from then on each source is worked
    on by itself, so that the others are not held up.
    """
    ledger = Ledger(door.database, door.clock, door.receipts.vault)
    watchers = watchers or Watchers()
    with ExitStack() as opened:
        small: Pool | None = None  # kept, because most of what comes is small
        while not stop.is_set():
            try:
                numbers = patiently(ledger.open_sources, stop, waits=watchers.warning)
                size = sum(door.receipts.file(number).size for number in numbers)
                if numbers and size > _INLINE_BYTES_MAX:
                    work_on(door, numbers, size, stop, watchers)
                elif numbers:
                    small = small or opened.enter_context(closing(make_pool(door, 0, stop)))
                    _run(door, small, numbers, stop, watchers)
            except Problem as problem:
                if not stop.is_set():
                    watchers.warning(problem)
            except Exception as error:  # noqa: BLE001 - the outermost loop of a worker
                watchers.warning(WorkFailed(error=type(error).__name__))
                _each_alone(door, stop, watchers)
            stop.wait(_IDLE_SECONDS)


def _each_alone(door: Door, stop: Event, watchers: Watchers) -> None:
    """Work on every source that waits by itself; what fails is left waiting."""
    for number in Ledger(door.database, door.clock, door.receipts.vault).open_sources():
        if stop.is_set():
            return
        try:
            work_on(door, [number], door.receipts.file(number).size, stop, watchers)
        except Exception as error:  # noqa: BLE001 - told once already, by the loop
            if isinstance(error, Problem):
                watchers.warning(error)


def find_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that `paths` name, folders walked in the order of names.

    What is named itself is taken whatever it is called; raises PathMissing, and
    PathUnreadable for a folder.
    """
    for path in paths:
        if not path.exists():
            raise PathMissing(path=str(path))
    for path in paths:
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 where it went away or cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _unreadable(path: Path, error: OSError) -> PathUnreadable:
    return PathUnreadable(path=path.name, reason=error.strerror or type(error).__name__)


def _walk(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from None
    for entry in ordered:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in _SUFFIXES:
            yield Path(entry.path)


def _receive(door: Door, path: Path) -> ReceivedFile:
    if not path.is_file():  # a pipe nobody writes to would hold the run, deaf to Ctrl-C
        raise OSError(errno.EINVAL, "not a file")
    with path.open("rb") as file:
        return door.receipts.receive(path.name, "cli", iter(lambda: file.read(_CHUNK), b""))


def _open(door: Door, numbers: Iterable[int]) -> list[int]:
    states = {number: door.receipts.file(number).state for number in numbers}
    return [n for n, state in states.items() if state in (State.WAITING, State.RUNNING)]
