"""Small charts as SVG, drawn on the server.

Labels stand where the line ends, bars begin at zero, and a chart is read aloud by its
`label`; the page shows its numbers as a table beside it. Places are in per cent, so a
chart takes any width and its letters keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup

HEIGHT = 132
TOP = 20  # room for the label above the highest bar
FOOT = 22  # room for the words under the axis


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its word under the axis, its height, and the words that say it."""

    label: str
    value: float
    words: str
    is_now: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line, with its band of uncertainty where there is one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    is_alarm: bool = False


def sparkline(values: Sequence[float], label: str) -> Markup:
    """Draw the course of a value in the height of a line of text."""
    shown = [value for value in values if isfinite(value)]
    if len(shown) < 2:
        return Markup("")
    low, high = min(shown), max(shown)
    spread = (high - low) or 1
    places = [
        (index * 100 / (len(shown) - 1), 22 - (value - low) / spread * 20)
        for index, value in enumerate(shown)
    ]
    return Markup(
        '<svg class="spark" role="img" aria-label="{}">'
        '<svg viewBox="0 0 100 24" preserveAspectRatio="none">'
        '<polyline class="stroke" points="{}"/></svg>'
        '<circle class="end" cx="100%" cy="{:.1f}" r="2.5"/></svg>'
    ).format(label, _joined(places), places[-1][1])


def bars(rows: Sequence[Bar], label: str, *, every: int = 1) -> Markup:
    """Draw bars from zero; the highest carries its number, each `every`-th its word."""
    if not rows:
        return Markup("")
    highest = max(row.value for row in rows)
    step = 100 / len(rows)
    peak = max(range(len(rows)), key=lambda index: rows[index].value)
    drawn = [
        _bar(row, index * step, step, highest, is_peak=index == peak and highest > 0)
        for index, row in enumerate(rows)
    ]
    words = [
        Markup('<text x="{:.2f}%" y="{}">{}</text>').format(index * step, HEIGHT - 5, row.label)
        for index, row in enumerate(rows)
        if index % every == 0
    ]
    return _frame(label, [*drawn, _axis(), *words])


def line(points: Sequence[Point], label: str, *, every: int = 1, name: str = "") -> Markup:
    """Draw a line with its band; alarms are marks, and the name stands at the line's end."""
    if len(points) < 2:
        return Markup("")
    highest = max(max(point.value, point.high or 0) for point in points) or 1
    step = 100 / (len(points) - 1)
    places = [(i * step, _height(point.value, highest)) for i, point in enumerate(points)]
    last = places[-1]
    parts = [
        Markup('<svg viewBox="0 0 100 {0}" height="{0}" preserveAspectRatio="none">').format(
            HEIGHT
        ),
        _band(points, step, highest),
        Markup('<polyline class="stroke" points="{}"/></svg>').format(_joined(places)),
        *[
            Markup('<circle class="alarm" cx="{:.2f}%" cy="{:.1f}" r="4"/>').format(*place)
            for place, point in zip(places, points, strict=True)
            if point.is_alarm
        ],
        _axis(),
        Markup('<text class="label" x="100%" y="{:.1f}" text-anchor="end">{}</text>').format(
            max(last[1] - 8, 12), name
        ),
        *[
            Markup('<text x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
                index * step, HEIGHT - 5, _anchor(index, len(points)), point.label
            )
            for index, point in enumerate(points)
            if index % every == 0
        ],
    ]
    return _frame(label, parts)


def value_range(value: float, low: float | None, high: float | None, label: str) -> Markup:
    """Draw a value as a point over its reference range as a band; open ends stay open.

    The scale shows the range with half its width on either side; what lies beyond is
    drawn at the edge. Without any limit there is nothing to draw.
    """
    bounds = _bounds(low, high)
    if bounds is None or not isfinite(value):
        return Markup("")
    start, end = bounds
    margin = (end - start) / 2
    left, width = start - margin, (end - start) * 2
    place = min(max((value - left) / width, 0.02), 0.98) * 100
    is_out = (low is not None and value < low) or (high is not None and value > high)
    band_start = 0 if low is None else 25
    band_end = 100 if high is None else 75
    return Markup(
        '<svg class="range" role="img" aria-label="{}">'
        '<line class="axis" x1="0" x2="100%" y1="8" y2="8"/>'
        '<rect class="band" x="{}%" y="4" width="{}%" height="8" rx="2"/>'
        '<circle class="point{}" cx="{:.1f}%" cy="8" r="4.5"/></svg>'
    ).format(label, band_start, band_end - band_start, " is-out" if is_out else "", place)


def _bounds(low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is not None and high is not None:
        return (low, high) if high > low else None
    if high is not None and high > 0:
        return (0, high)
    if low is not None and low > 0:
        return (low, low * 2)
    return None


def _bar(row: Bar, left: float, step: float, highest: float, *, is_peak: bool) -> Markup:
    top = _height(row.value, highest or 1)
    kind = "is-none" if row.value == 0 else "is-now" if row.is_now else ""
    tall = max(HEIGHT - FOOT - top, 1)
    drawn = Markup(
        '<rect class="bar {}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}">'
        "<title>{}</title></rect>"
    ).format(kind, left + step * 0.09, HEIGHT - FOOT - tall, step * 0.82, tall, row.words)
    if is_peak:
        anchor = "start" if left < 15 else "end" if left > 85 else "middle"
        drawn += Markup(
            '<text class="label" x="{:.2f}%" y="{:.1f}" text-anchor="{}">{}</text>'
        ).format(left + step / 2, top - 6, anchor, row.words)
    return drawn


def _band(points: Sequence[Point], step: float, highest: float) -> Markup:
    edges = [(i, p.low, p.high) for i, p in enumerate(points)]
    known = [(i, low, high) for i, low, high in edges if low is not None and high is not None]
    if not known:
        return Markup("")
    above = [(i * step, _height(high, highest)) for i, _, high in known]
    below = [(i * step, _height(low, highest)) for i, low, _ in reversed(known)]
    return Markup('<polygon class="band" points="{}"/>').format(_joined(above + below))


def _height(value: float, highest: float) -> float:
    return TOP + (1 - value / highest) * (HEIGHT - TOP - FOOT)


def _anchor(index: int, count: int) -> str:
    return "start" if index == 0 else "end" if index == count - 1 else "middle"


def _axis() -> Markup:
    return Markup('<line class="axis" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(HEIGHT - FOOT)


def _joined(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in places)


def _frame(label: str, parts: Sequence[Markup]) -> Markup:
    return (
        Markup('<svg class="chart" role="img" height="{}" aria-label="{}">').format(HEIGHT, label)
        + Markup("").join(parts)
        + Markup("</svg>")
    )
