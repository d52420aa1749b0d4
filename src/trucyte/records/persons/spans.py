"""Spans of time of what is true for a while; pure.

Half-open ranges of µs since 1970-01-01T00:00Z. What cannot be read is None, and so is a
period that ends before it begins: the caller decides which way is the strict one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trucyte.fhir.search.moments import EARLIEST, LATEST, moment_range

DAY: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From `begins` until before `ends`."""

    begins: int = EARLIEST
    ends: int = LATEST

    def within(self, other: "Span") -> "Span | None":
        """Return what both have in common; None where that is nothing."""
        begins, ends = max(self.begins, other.begins), min(self.ends, other.ends)
        return Span(begins, ends) if begins < ends else None


ALWAYS: Final = Span()


def microseconds(moment: datetime) -> int:
    """Return an aware moment as µs since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def read_moment(value: Any) -> Span | None:
    """Return what a date, dateTime or instant covers."""
    if not isinstance(value, str):
        return None
    try:
        return Span(*moment_range(value))
    except ValueError:
        return None


def read_period(value: Any) -> Span | None:
    """Return what a Period covers; one that is absent, always."""
    if value is None:
        return ALWAYS
    if not isinstance(value, dict):
        return None
    begins, ends = EARLIEST, LATEST
    if (start := value.get("start")) is not None:
        first = read_moment(start)
        if first is None:
            return None
        begins = first.begins
    if (end := value.get("end")) is not None:
        last = read_moment(end)
        if last is None:
            return None
        ends = last.ends
    return Span(begins, ends) if begins < ends else None


def later(moment: int, by: int) -> int:
    """Return a moment moved, which an open end is not."""
    return moment if moment in (EARLIEST, LATEST) else min(LATEST, max(EARLIEST, moment + by))
