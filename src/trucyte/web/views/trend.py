"""What was measured more than once: the newest value and the course that led to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.web.reader import Shown
from trucyte.web.views.visit import GONE, Result, result_of

ROWS_MAX = 8
POINTS_MAX = 12


@dataclass(frozen=True, slots=True)
class Trend:
    """One measurement over time; `course` is oldest first."""

    result: Result
    at: str
    course: Sequence[float]


def trends_of(observations: Sequence[Shown]) -> list[Trend]:
    """Return the newest value of each measurement with a number, most recent first."""
    found: dict[tuple[str, str], list[tuple[str, Result]]] = {}
    for shown in observations:
        if shown.resource is None or shown.resource.get("status") in GONE:
            continue
        result = result_of(shown.resource)
        at = str(shown.resource.get("effectiveDateTime") or shown.resource.get("issued") or "")
        if result.value and result.name and at:
            found.setdefault((result.name, result.unit), []).append((at, result))
    trends = [_trend(sorted(rows, key=lambda row: row[0])) for rows in found.values()]
    return sorted(trends, key=lambda trend: trend.at, reverse=True)[:ROWS_MAX]


def _trend(rows: Sequence[tuple[str, Result]]) -> Trend:
    at, newest = rows[-1]
    numbers = [number for _, result in rows if (number := _number(result.value)) is not None]
    return Trend(newest, at, numbers[-POINTS_MAX:])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
