"""Chance that falls the same way everywhere.

Only `random.Random.random()` is used: its sequence for an integer seed is promised to
stay the same between versions of Python, which `choice` or `sample` do not promise.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_STREAM_BITS = 8
_INDEX_BITS = 48


class Dice:
    """A stream of chance of its own for each (seed, stream, index)."""

    __slots__ = ("chance",)

    def __init__(self, seed: int, stream: int, index: int) -> None:
        """Make the stream; equal arguments give equal throws."""
        key = ((abs(seed) << _STREAM_BITS) | stream) << _INDEX_BITS | index
        self.chance = random.Random(key).random  # noqa: S311 - reproducible on purpose

    def happens(self, probability: float) -> bool:
        """Say yes with that probability."""
        return self.chance() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Return one of `items`, each as likely."""
        return items[int(self.chance() * len(items))]

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.chance() * (high - low + 1))

    def weighed(self, items: Sequence[T], cumulative: Sequence[float]) -> T:
        """Return one of `items` by cumulative weights."""
        return items[pick_index(cumulative, self.chance())]

    def digits(self, count: int) -> str:
        """Return `count` decimal digits."""
        return f"{int(self.chance() * 10**count):0{count}d}"


def pick_index(cumulative: Sequence[float], chance: float) -> int:
    """Return the index at `chance` (0 to 1) of the way through cumulative weights."""
    return min(bisect_right(cumulative, chance * cumulative[-1]), len(cumulative) - 1)
