"""A bounded memory: what was used last stays, up to a total weight."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by key, weighed; safe to share between threads."""

    def __init__(self, weight_max: int, weigh: Callable[[Value], int]) -> None:
        """Keep values up to a weight in all; one that alone is heavier is not kept."""
        self._weight_max = weight_max
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._mutex = Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return a value and remember that it was used."""
        with self._mutex:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value and let go of those used longest ago."""
        weight = self._weigh(value)
        if weight > self._weight_max:
            return
        with self._mutex:
            before = self._values.pop(key, None)
            if before is not None:
                self._weight -= self._weigh(before)
            self._values[key] = value
            self._weight += weight
            while self._weight > self._weight_max:
                _, gone = self._values.popitem(last=False)
                self._weight -= self._weigh(gone)

    def clear(self) -> None:
        """Let go of everything."""
        with self._mutex:
            self._values.clear()
            self._weight = 0
