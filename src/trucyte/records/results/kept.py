"""Lines of the journal as they are given out, kept in this process for a while.

A line never changes, so what is kept of it is right for as long as the database it came
from is the same: an epoch. Whether a line may be shown, and whether it is still current, is
asked of the database each time; here lies only what it looks like. What the database no
longer has leaves the memory after `SECONDS_MAX` at the latest.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.journal.change import Stored
from trucyte.records.results.lines import resource_of
from trucyte.records.shown import Resource

BYTES_MAX: Final = 64 * 1024**2
SECONDS_MAX: Final = 300.0
# About what the objects around two bodies and the values of a few parameters take.
_OVERHEAD: Final = 3_000
_VALUES_MAX: Final = 4  # sets of parameters whose values are kept of one line


@dataclass(slots=True)
class Kept:
    """A line, how it is given out, and what searches asked of its body."""

    line: Stored
    resource: Resource
    born: float
    extractor: Extractor | None = None
    values: dict[frozenset[int], SearchValues] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.line.body) + len(self.resource.body) + _OVERHEAD

    def values_of(self, extractor: Extractor, numbers: frozenset[int]) -> SearchValues:
        """Return the values of some parameters; whoever gets them changes nothing of them."""
        if self.extractor is not extractor:
            self.extractor, self.values = extractor, {}
        kept = self.values
        found = kept.get(numbers)
        if found is None:
            found = extractor.values_of(parse(self.line.body), numbers)
            if len(kept) < _VALUES_MAX:
                kept[numbers] = found
        return found


class KeptLines:
    """Lines by their place in the journal, a bounded number of bytes. Safe between threads."""

    def __init__(
        self, bytes_max: int = BYTES_MAX, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep so many bytes at most, about; 0 keeps nothing."""
        self._bytes_max = bytes_max
        self._now = now
        self._mutex = Lock()
        self._epoch: int | None = None
        self._lines: dict[int, Kept] = {}  # the oldest first
        self.bytes = 0

    def known(self, epoch: int, seqs: Iterable[int]) -> dict[int, Kept]:
        """Return what is kept of these lines of an epoch."""
        since = self._now() - SECONDS_MAX
        with self._mutex:
            if epoch != self._epoch:
                self._epoch, self._lines, self.bytes = epoch, {}, 0
            lines = self._lines
        found = ((seq, lines.get(seq)) for seq in seqs)
        return {seq: kept for seq, kept in found if kept is not None and kept.born >= since}

    def keep(self, epoch: int, lines: Iterable[Stored]) -> dict[int, Kept]:
        """Keep lines that were read in an epoch, and return them."""
        now = self._now()
        made = {line.entry.seq: Kept(line, resource_of(line), now) for line in lines}
        with self._mutex:
            if epoch == self._epoch:
                for seq, kept in made.items():
                    self._drop(seq)
                    self._lines[seq] = kept
                    self.bytes += kept.size
                self._make_room(now - SECONDS_MAX)
        return made

    def forget(self) -> None:
        """Keep nothing of what was kept."""
        with self._mutex:
            self._lines, self.bytes = {}, 0

    def _make_room(self, since: float) -> None:
        while self._lines:
            oldest = next(iter(self._lines))
            if self.bytes <= self._bytes_max and self._lines[oldest].born >= since:
                return
            self._drop(oldest)

    def _drop(self, seq: int) -> None:
        dropped = self._lines.pop(seq, None)
        if dropped is not None:
            self.bytes -= dropped.size
