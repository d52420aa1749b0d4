"""Make an input that shows a fault as small as it gets, with the same fault."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.fuzz.target import ENCODER, document

Shows = Callable[[bytes], bool]  # says whether an input still shows the fault

_TRIES_MAX = 4000


def reduced(data: bytes, shows: Shows) -> bytes:
    """Return the smallest input found: parts taken out for as long as the fault stays."""
    budget = iter(range(_TRIES_MAX))
    tree = document(data)
    written = None if tree is None else ENCODER.encode(tree)
    if written is not None and shows(written):
        return _settled(written, _lighter_trees, shows, budget)
    return _settled(data, _lighter_bytes, shows, budget)


def _settled(
    data: bytes, lighter: Callable[[bytes], Iterator[bytes]], shows: Shows, budget: Iterator[int]
) -> bytes:
    is_new = True
    while is_new:
        is_new = False
        for candidate in lighter(data):
            if next(budget, None) is None:
                return data
            if len(candidate) < len(data) and shows(candidate):
                data, is_new = candidate, True
                break
    return data


def _lighter_trees(data: bytes) -> Iterator[bytes]:
    tree = document(data)
    for path in sorted(_paths(tree, ()), key=len):
        for change in (_without, _hoisted, _halved):
            copied = deepcopy(tree)
            holder: Any = copied
            for step in path[:-1]:
                holder = holder[step]
            if change(holder, path[-1]):
                yield ENCODER.encode(copied)


def _paths(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if len(path) > 60:
        return
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*path, key))


def _without(holder: Any, key: Any) -> bool:
    del holder[key]
    return True


def _hoisted(holder: Any, key: Any) -> bool:
    """Put the only inner value in the place of what holds it."""
    value = holder[key]
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(inner, list) or len(inner) != 1:
        return False
    holder[key] = inner[0]
    return True


def _halved(holder: Any, key: Any) -> bool:
    value = holder[key]
    if not isinstance(value, str) or len(value) < 2:
        return False
    holder[key] = value[: len(value) // 2]
    return True


def _lighter_bytes(data: bytes) -> Iterator[bytes]:
    size = len(data) // 2
    while size:
        for at in range(0, len(data), size):
            yield data[:at] + data[at + size :]
        size //= 2
