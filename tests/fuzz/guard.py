"""Watch one check of one input: what it raises, how long it takes, how much it holds.

A fault is an exception that a target's documents do not name, more than `SECONDS_MAX` of
CPU, or `GROWTH_MAX` bytes more than any input before. Faults of one place are one fault.
"""

import hashlib
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Any

from tests.fuzz.target import Check

SECONDS_MAX = 2.0
HANG_SECONDS = 15.0  # where a check is broken off
GROWTH_MAX = 400 * 1024 * 1024

_SOURCE = f"{Path('src', 'trucyte')}/"


class Hang(BaseException):
    """A check did not come to an end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong; `sign` is the same for the same place in the code."""

    sign: str
    story: str

    @property
    def name(self) -> str:
        """A name for files."""
        return hashlib.sha256(self.sign.encode()).hexdigest()[:12]


def watched(check: Check, data: bytes, *, seconds_max: float = SECONDS_MAX) -> Fault | None:
    """Run a check and return its fault, if there is one."""
    begin, before = process_time(), _peak()
    try:
        with _alarm():
            check(data)
    except RecursionError as error:
        return Fault(f"RecursionError {_place(error.__traceback__)}", _story(error))
    except (Exception, Hang) as error:
        return Fault(f"{type(error).__name__} {_place(error.__traceback__)}", _story(error))
    seconds, growth = process_time() - begin, _peak() - before
    if seconds > seconds_max:
        return Fault("slow", f"{seconds:.1f} s of CPU for {len(data)} bytes")
    if growth > GROWTH_MAX:
        return Fault("memory", f"{growth >> 20} MiB for {len(data)} bytes")
    return None


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(trace: Any) -> str:
    """Name the last line of ours before the exception."""
    ours = [one for one in traceback.extract_tb(trace) if _SOURCE in one.filename]
    last = ours[-1] if ours else traceback.extract_tb(trace)[-1]
    return f"{last.filename.partition(_SOURCE)[2] or Path(last.filename).name}:{last.lineno}"


def _story(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return "".join(lines if len(lines) < 60 else [*lines[:20], "…\n", *lines[-20:]])
