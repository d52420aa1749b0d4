"""Denials of those who did not say who they are, bounded: nobody fills a disk by being refused.

Whoever is known by an account is entered each time. Of the others each process enters so
many a second; the rest is counted and stands with the next entry, so none goes unsaid.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

A_SECOND: Final = 20.0
AT_ONCE: Final = 100.0


class Denials:
    """How many denials of unknown callers may be entered now. Safe to share between threads."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Measure time by `seconds`."""
        self._seconds = seconds
        self._mutex = Lock()
        self._room = AT_ONCE
        self._at = seconds()
        self._left_out = 0

    def counted(self) -> int:
        """Return for how many denials an entry is due now, 0 where this one waits."""
        with self._mutex:
            now = self._seconds()
            self._room = min(AT_ONCE, self._room + (now - self._at) * A_SECOND)
            self._at = now
            if self._room < 1:
                self._left_out += 1
                return 0
            self._room -= 1
            due, self._left_out = 1 + self._left_out, 0
            return due

    def left_out(self) -> int:
        """Return how many stand in no entry yet, and forget them: whoever ends enters them."""
        with self._mutex:
            due, self._left_out = self._left_out, 0
            return due
