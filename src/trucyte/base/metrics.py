"""Figures of a running node: declared once, counted in memory that its processes share.

Every series is known beforehand: a metric names its labels and all their values, so a
label can never hold a person, a path or anything else that a caller sent, and what a
scrape costs does not grow. Each process writes to a slot of its own of one shared block
and anyone reads all of them. Counters outlive the process that counted, so that a restart
never makes one run backwards; gauges end with it. Text is that of Prometheus 0.0.4.
"""

import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate, product
from threading import Lock
from typing import Final

_HEAD: Final = 2  # doubles in front of a slot: its state, its process
_DOUBLE: Final = 8


class Kind(Enum):
    """What can be done with a metric's figures."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class State(Enum):
    """How far the process of a slot is."""

    NONE = 0
    STARTING = 1
    READY = 2
    STOPPING = 3


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: name (unit last), kind, a sentence, and every value each label can have."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bounds: Sequence[float] = ()  # of a histogram's buckets, rising; the endless one is added

    @property
    def width(self) -> int:
        """How many figures a series has: for a histogram its buckets and the sum."""
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1

    def series(self) -> Iterator[tuple[str, ...]]:
        """Yield the label values of every series."""
        return product(*self.labels.values())


class Layout:
    """Where each series of a table of metrics lies in a slot."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Lay them out in the order of the table."""
        self.metrics = tuple(metrics)
        self.places: dict[tuple[str, ...], int] = {}
        at = _HEAD
        for metric in self.metrics:
            for labels in metric.series():
                self.places[metric.name, *labels] = at
                at += metric.width
        self.size = at

    def gauges(self) -> Iterator[int]:
        """Yield the places of all gauges."""
        for metric in self.metrics:
            if metric.kind is Kind.GAUGE:
                yield from (self.places[metric.name, *labels] for labels in metric.series())


class Board:
    """The block of all slots. Handed from process to process as an open file."""

    def __init__(self, layout: Layout, slots: int, handle: int | None = None) -> None:
        """Make a block, or open the one behind `handle`."""
        self.layout = layout
        self.slots = slots
        size = layout.size * slots * _DOUBLE
        self.handle = _new_file(size) if handle is None else handle
        self._memory = mmap.mmap(self.handle, size)
        self._figures = memoryview(self._memory).cast("d")

    def slot(self, number: int) -> "memoryview[float]":
        """Return the figures of one slot."""
        assert 0 <= number < self.slots
        size = self.layout.size
        return self._figures[number * size : (number + 1) * size]

    def meters(self, number: int) -> "Meters":
        """Return what a process counts with in its slot."""
        return Meters(self.layout, self.slot(number))

    def state(self, number: int) -> State:
        """Return how far the process of a slot is."""
        return State(int(self.slot(number)[0]))

    def of_each(self, metric: Metric, *labels: str) -> list[float]:
        """Return one series of a counter or gauge, slot by slot."""
        place = self.layout.places[metric.name, *labels]
        size = self.layout.size
        return [self._figures[number * size + place] for number in range(self.slots)]

    def clear(self, number: int) -> None:
        """Forget a process that has ended: its state and gauges, never its counters."""
        slot = self.slot(number)
        for place in (0, 1, *self.layout.gauges()):
            slot[place] = 0.0

    def text(self) -> str:
        """Return the figures of all slots together, as Prometheus reads them."""
        slots = [self.slot(number).tolist() for number in range(self.slots)]
        total = [sum(values) for values in zip(*slots, strict=True)]
        lines: list[str] = []
        for metric in self.layout.metrics:
            lines += (
                f"# HELP {metric.name} {metric.help}",
                f"# TYPE {metric.name} {metric.kind.value}",
            )
            for labels in metric.series():
                at = self.layout.places[metric.name, *labels]
                figures = total[at : at + metric.width]
                lines += _written(metric, labels, figures)
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        """Let the memory go; other processes keep theirs."""
        self._figures.release()
        self._memory.close()
        os.close(self.handle)


class Meters:
    """What one process counts with. Safe between threads."""

    def __init__(self, layout: Layout, figures: "memoryview[float]") -> None:
        """Write to `figures`, laid out as `layout` says."""
        self._places = layout.places
        self._figures = figures
        self._mutex = Lock()

    def enter(self, state: State) -> None:
        """Say how far this process is."""
        self._figures[1] = float(os.getpid())
        self._figures[0] = float(state.value)

    def add(self, metric: Metric, *labels: str, amount: float = 1.0) -> None:
        """Add to a counter or a gauge."""
        place = self._places[metric.name, *labels]
        with self._mutex:
            self._figures[place] += amount

    def set(self, metric: Metric, *labels: str, value: float) -> None:
        """Set a gauge; a counter only to what another keeps count of in this process."""
        self._figures[self._places[metric.name, *labels]] = value

    def observe(self, metric: Metric, *labels: str, value: float) -> None:
        """Count one value of a histogram."""
        place = self._places[metric.name, *labels]
        bucket = place + bisect_left(metric.bounds, value)
        total = place + metric.width - 1
        with self._mutex:
            self._figures[bucket] += 1.0
            self._figures[total] += value


def private_meters(metrics: Sequence[Metric]) -> Meters:
    """Return meters that nobody reads, for a process that stands alone."""
    layout = Layout(metrics)
    return Meters(layout, memoryview(bytearray(layout.size * _DOUBLE)).cast("d"))


def _new_file(size: int) -> int:
    """Return an open file without a name, of zeros."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("trucyte-metrics")
    else:  # not Linux
        with tempfile.TemporaryFile() as file:
            handle = os.dup(file.fileno())
    os.truncate(handle, size)
    return handle


def _written(metric: Metric, labels: Sequence[str], figures: Sequence[float]) -> Iterator[str]:
    pairs = [f'{name}="{value}"' for name, value in zip(metric.labels, labels, strict=True)]
    if metric.kind is not Kind.HISTOGRAM:
        yield f"{metric.name}{_braced(pairs)} {_number(figures[0])}"
        return
    *buckets, total = figures
    counts = list(accumulate(buckets))
    for bound, count in zip([*map(_number, metric.bounds), "+Inf"], counts, strict=True):
        edge = f'le="{bound}"'
        yield f"{metric.name}_bucket{_braced([*pairs, edge])} {_number(count)}"
    yield f"{metric.name}_sum{_braced(pairs)} {_number(total)}"
    yield f"{metric.name}_count{_braced(pairs)} {_number(counts[-1])}"


def _braced(pairs: Sequence[str]) -> str:
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
