"""Check the lines of a journal by several processes, each in the snapshot of the walk."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from trucyte.base.crew import Crew
from trucyte.database.connect import Connection, Database, problems_of_the_server
from trucyte.journal.atrest.body_keys import BodyKeys
from trucyte.journal.checking.lines import LineChecker, Span, Told
from trucyte.journal.codec import Codec, shipped_dictionaries
from trucyte.journal.keyring import Keyring
from trucyte.journal.named import queries_of
from trucyte.journal.verify import reading

_WAIT_SECONDS: Final = 1.0
_LINES_ALONE: Final = 300_000  # a process takes more than a second to start


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journal and its keys lie; travels to other processes."""

    url: str = field(repr=False)  # it may hold a password
    keys: Path
    master: Path | None
    schema: str


class CheckerWorker:
    """Checks spans in one process."""

    def __init__(self, place: Place, snapshot: str) -> None:
        """Open a connection in the snapshot."""
        self._database = Database(place.url)
        self._body_keys = BodyKeys(self._database, Keyring.open(place.keys, place.master))
        codec = Codec(shipped_dictionaries(), keys=self._body_keys)
        self._checker = LineChecker(queries_of(place.schema), codec)
        self._connection: Connection = reading(self._database, snapshot)

    def accept(self, tasks: Sequence[Span], stop: Event) -> Sequence[Told]:
        """Check spans."""
        with problems_of_the_server():
            return [self._checker.check(self._connection, span) for span in tasks]

    def close(self) -> None:
        """Close what it holds open."""
        self._connection.close()
        self._body_keys.close()
        self._database.close()


class SharedCheckers:
    """Gives spans to processes as they have room; a `Checkers` of `journal.verify`."""

    def __init__(self, place: Place, size: int) -> None:
        """Use `size` processes, started when the walk begins."""
        self._place = place
        self._size = size
        self._crew: Crew[Span, Told] | None = None

    def begin(self, snapshot: str) -> None:
        """Start the processes in the snapshot of the walk."""
        self._crew = Crew(partial(CheckerWorker, self._place, snapshot), self._size)

    def check(self, span: Span) -> Sequence[Told]:
        """Give a span to who has room, waiting for that; return what was told meanwhile."""
        crew = self._opened
        told: list[Told] = []
        while (index := self._free()) is None:
            told += crew.collect(_WAIT_SECONDS)
        crew.give(index, [span])
        return told + crew.collect(0)

    def rest(self) -> Iterator[Sequence[Told]]:
        """Yield what is told of the spans that are left."""
        crew = self._opened
        while not crew.is_idle:
            yield crew.collect(_WAIT_SECONDS)

    def close(self) -> None:
        """Let the processes end."""
        if self._crew is not None:
            self._crew.close()

    @property
    def _opened(self) -> Crew[Span, Told]:
        assert self._crew is not None, "the walk has begun"
        return self._crew

    def _free(self) -> int | None:
        crew = self._opened
        return next((index for index in range(crew.size) if crew.has_room(index)), None)


@contextmanager
def checkers_for(place: Place, lines: int, size: int | None) -> Iterator[SharedCheckers | None]:
    """Lend processes to check so many lines by; None where one process is quicker alone."""
    size = size or os.cpu_count() or 1
    if size == 1 or lines < _LINES_ALONE:
        yield None
        return
    checkers = SharedCheckers(place, size)
    try:
        yield checkers
    finally:
        checkers.close()
