"""Wait for a database that went away, and go on when it is back."""

from collections.abc import Callable
from threading import Event
from typing import TypeVar

from trucyte.base.problem import Kind, Problem

Value = TypeVar("Value")

_PAUSE_SECONDS_FIRST = 0.1
_PAUSE_SECONDS_MAX = 10.0


def patiently(
    action: Callable[[], Value],
    stop: Event,
    *,
    waits: Callable[[Problem], None] = lambda problem: None,
) -> Value:
    """Return what `action` gives, trying again with growing pauses while it is UNAVAILABLE.

    Raises any other Problem at once, and that one too when `stop` is set; `waits` hears
    of each pause.
    """
    pause = _PAUSE_SECONDS_FIRST
    while True:
        try:
            return action()
        except Problem as problem:
            if problem.kind is not Kind.UNAVAILABLE or stop.is_set():
                raise
            waits(problem)
            if stop.wait(pause):
                raise
            pause = min(2 * pause, _PAUSE_SECONDS_MAX)
