"""How many rows go into one batch, so that no writer waits long for another."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

_ROWS_FIRST: Final = 256
_ROWS_MIN: Final = 16
_ROWS_MAX: Final = 8192


class Pace:
    """Learns from measured lock times how many rows fit into the time allowed."""

    def __init__(self, seconds_max: float) -> None:
        """Aim at `seconds_max` of lock a batch."""
        self._seconds_max = seconds_max
        self.rows = _ROWS_FIRST

    def note(self, rows: int, seconds: float) -> None:
        """Learn from a batch: shrink at once, grow slowly, and only from full batches."""
        if seconds > self._seconds_max:
            fitting = int(rows * self._seconds_max / seconds * 0.8)
            self.rows = max(_ROWS_MIN, min(self.rows, fitting))
        elif rows * 2 > self.rows and seconds < self._seconds_max / 2:
            self.rows = min(_ROWS_MAX, self.rows + self.rows // 4)

    def cut(self, units: Sequence[Sequence[Item]]) -> Iterator[Sequence[Sequence[Item]]]:
        """Give the units in parts of about `rows` items; a unit is never cut."""
        part: list[Sequence[Item]] = []
        weight = 0
        for unit in units:
            if part and weight + len(unit) > self.rows:
                yield part
                part, weight = [], 0
            part.append(unit)
            weight += len(unit)
        if part:
            yield part
