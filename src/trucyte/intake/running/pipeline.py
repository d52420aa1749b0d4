"""From kept sources to the journal: read, share out, accept, write down.

One process reads and keeps the receipts; workers do the rest. Visits of one patient go
to one worker, in order. Receipts follow the journal, so a run that was killed goes on at
the first piece without one, and what was committed just before is recognised there.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import BinaryIO, TypeVar

from trucyte.base.clock import Clock
from trucyte.base.disk import DiskNearlyFull, DiskState, Room, check_room
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.intake.claims.accept import Task, Told
from trucyte.intake.keeping.ledger import Claims, Ledger
from trucyte.intake.keeping.stored_file import open_stored
from trucyte.intake.keeping.vault import OPEN, Vault
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Piece
from trucyte.intake.progress import Progress, Watchers
from trucyte.intake.reading import Reading
from trucyte.intake.running.patience import patiently
from trucyte.intake.running.pool import Pool
from trucyte.intake.running.results import Outcome
from trucyte.intake.scanning import Scan
from trucyte.intake.unreadable import Unreadable

Value = TypeVar("Value")

_BATCH_PIECES = 32
_BATCH_BYTES = 4 << 20
_SETTLE_PIECES = 512
_SETTLE_SECONDS = 0.5
_ROOM_SECONDS = 2.0
_WAIT_SECONDS = 0.2


@dataclass(slots=True)
class _Source:
    """A source that is being worked on."""

    number: int
    reading: Reading
    seen: frozenset[int]  # ordinals done in an earlier run
    is_read: bool = False
    is_described: bool = False
    outstanding: int = 0


@dataclass(slots=True)
class _Batch:
    tasks: list[Task] = field(default_factory=list)
    size: int = 0


class Pipeline:
    """Works through sources until they are done, or until it is stopped."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pool: Pool,
        stop: Event,
        *,
        watchers: Watchers | None = None,
        room: Callable[[], DiskState] | None = None,
        limits: Limits = DEFAULT,
        vault: Vault = OPEN,
        scan: Scan | None = None,
    ) -> None:
        """Give pieces to `pool`; `room` measures the disk of the database, where it is here.

        What `scan` refuses is not read.
        """
        self._scan = scan
        self._database = database
        self._vault = vault
        self._ledger = Ledger(database, clock, vault)
        self._claims = Claims(database)
        self._pool = pool
        self._stop = stop
        self._watchers = watchers or Watchers()
        self._room = room
        self._limits = limits
        self._sources: dict[int, _Source] = {}
        self._batches = [_Batch() for _ in range(pool.size)]
        self._held: dict[tuple[int, int], Piece] = {}  # outstanding
        self._bad: dict[tuple[int, int], Piece] = {}  # for quarantine, not written down yet
        self._told: list[Told] = []  # not written down yet
        self._began = self._settled_at = self._room_at = time.monotonic()
        self._files = self._visits = self._resources = self._quarantined = self._bytes = 0
        self._files_total = 0

    def run(self, numbers: Iterable[int]) -> None:
        """Work through these sources; those that others work on or that are done are skipped.

        Returns when all are done or `stop` is set, with everything begun written down.
        Raises a NO_SPACE Problem when the disk is full, after writing down what it can; a
        later run goes on from there.
        """
        try:
            for number in numbers:
                self._files_total += 1
                if self._stop.is_set() or not self._open(number):
                    continue
                self._read(self._sources[number])
            self._drain()
        finally:
            self._claims.close()

    def progress(self) -> Progress:
        """Return how far it is."""
        seconds = time.monotonic() - self._began
        return Progress(
            self._files, self._files_total, self._visits, self._resources,
            self._quarantined, self._bytes, seconds,
        )  # fmt: skip

    def _open(self, number: int) -> bool:
        """Claim a source; say whether there is anything to do on it."""
        if number in self._sources or not self._patiently(lambda: self._claims.take(number)):
            return False
        seen = self._patiently(lambda: self._ledger.start(number))
        if seen is None:
            self._claims.give_back(number)
            return False
        file = open_stored(self._database, number, self._stop, self._vault)
        reading = Reading(file, self._limits, self._refusal(file))
        self._sources[number] = _Source(number, reading, seen)
        return True

    def _refusal(self, file: BinaryIO) -> Problem | None:
        """Return why a file is not to be read; waits for a scanner that is away."""
        if self._scan is None:
            return None
        try:
            self._patiently(partial(self._look_at, file, self._scan))
        except Unreadable as problem:
            return problem
        file.seek(0)
        return None

    def _look_at(self, file: BinaryIO, scan: Scan) -> None:
        file.seek(0)
        scan(file)

    def _read(self, source: _Source) -> None:
        """Give the pieces of a source to workers."""
        with source.reading:
            for piece in self._new_pieces(source):
                if self._stop.is_set():
                    return
                self._check_room()
                self._give(source, piece)
        if source.reading.has_signature:
            self._patiently(lambda: self._ledger.note_signature(source.number))
        source.is_read = True
        self._hear(0)

    def _new_pieces(self, source: _Source) -> Iterator[Piece]:
        for piece in source.reading:
            self._bytes += len(piece.data)
            if piece.ordinal not in source.seen:
                yield piece

    def _give(self, source: _Source, piece: Piece) -> None:
        index = self._index(source, piece)
        batch = self._batches[index]
        batch.tasks.append((source.number, piece))
        batch.size += len(piece.data)
        self._held[source.number, piece.ordinal] = piece
        source.outstanding += 1
        if len(batch.tasks) >= _BATCH_PIECES or batch.size >= _BATCH_BYTES:
            self._send(index)

    def _index(self, source: _Source, piece: Piece) -> int:
        if not piece.partition:
            return piece.ordinal % self._pool.size
        # Not by facility: a check-in document has no envelope to tell it.
        return zlib.crc32(piece.partition.encode()) % self._pool.size

    def _send(self, index: int) -> None:
        while not self._pool.has_room(index):
            self._hear(_WAIT_SECONDS)
        batch, self._batches[index] = self._batches[index], _Batch()
        self._pool.give(index, batch.tasks)
        self._hear(0)

    def _drain(self) -> None:
        """Finish what was begun; when stopped, drop what no worker has yet."""
        for index, batch in enumerate(self._batches):
            if batch.tasks and not self._stop.is_set():
                self._send(index)
            for number, piece in self._batches[index].tasks:
                self._held.pop((number, piece.ordinal))
                source = self._sources[number]
                source.outstanding -= 1
                source.is_read = False  # not to the end: it must not count as done
            self._batches[index] = _Batch()
        while self._held:
            self._hear(_WAIT_SECONDS)
        self._settle()

    def _hear(self, seconds_max: float) -> None:
        """Take in what workers told; write it down now and then."""
        told = self._pool.collect(seconds_max)
        for number, result in told:
            key = number, result.ordinal
            piece = self._held.pop(key)
            if result.outcome is Outcome.QUARANTINED:
                self._bad[key] = piece
            self._visits += 1
            self._resources += result.resources
            self._quarantined += result.outcome is Outcome.QUARANTINED
        self._told += told
        is_time = time.monotonic() - self._settled_at > _SETTLE_SECONDS
        if len(self._told) >= _SETTLE_PIECES or is_time:
            self._settle()

    def _settle(self) -> None:
        """Write down what became of pieces, and which sources are done."""
        self._settled_at = time.monotonic()
        told, self._told = self._told, []
        bad, self._bad = self._bad, {}
        for number, result in told:
            source = self._sources[number]
            source.outstanding -= 1
            if not source.is_described:
                self._describe(source, result.variant, result.facility)
        done = [s.number for s in self._sources.values() if s.is_read and not s.outstanding]
        if told or done:
            self._patiently(lambda: self._ledger.settle(told, bad, done))
        for number in done:
            del self._sources[number]
            self._patiently(lambda number=number: self._claims.give_back(number))  # type: ignore[misc] # a default binds it
            self._files += 1
        self._watchers.progress(self.progress())

    def _describe(self, source: _Source, variant: str, facility: str) -> None:
        reading = source.reading
        said = (variant, facility or reading.envelope.facility, reading.announced)
        source.is_described = bool(variant)
        self._patiently(lambda: self._ledger.describe(source.number, *said))

    def _check_room(self) -> None:
        """Warn when the disk gets full, and stop before it is."""
        now = time.monotonic()
        if self._room is None or now - self._room_at < _ROOM_SECONDS:
            return
        self._room_at = now
        state = self._room()
        if state.room is Room.LOW:
            self._watchers.warning(DiskNearlyFull(free=state.free, stop=state.stop))
        check_room(state)

    def _patiently(self, action: Callable[[], Value]) -> Value:
        return patiently(action, self._stop, waits=self._watchers.warning)
