"""Putting elements into a resource and taking them out, ids and extensions with them.

JSON keeps those of primitives in a second property, `_name`; in lists the two run side
by side, filled up with null (R4 2.6.2.3).
"""

from typing import Any

Element = tuple[Any, Any]  # the value, and of a primitive what stands beside it


def length(holder: dict[str, Any], key: str) -> int:
    """Return how many elements a list has."""
    held = (holder.get(key), holder.get("_" + key))
    return max((len(one) for one in held if one.__class__ is list), default=0)


def put(holder: dict[str, Any], key: str, element: Element) -> None:
    """Set an element that stands by itself."""
    for name, value in zip((key, "_" + key), element, strict=True):
        if value is None:
            holder.pop(name, None)
        else:
            holder[name] = value


def insert(holder: dict[str, Any], key: str, index: int, element: Element) -> None:
    """Put an element into a list."""
    values, beside = _pair(holder, key)
    values.insert(index, element[0])
    beside.insert(index, element[1])
    _settle(holder, key, values, beside)


def set_at(holder: dict[str, Any], key: str, index: int, element: Element) -> None:
    """Put an element in the place of another of a list."""
    values, beside = _pair(holder, key)
    values[index], beside[index] = element
    _settle(holder, key, values, beside)


def remove(holder: dict[str, Any], key: str, index: int | None) -> Element:
    """Take an element out, from a list where there is an index, and return it."""
    if index is None:
        return holder.pop(key, None), holder.pop("_" + key, None)
    values, beside = _pair(holder, key)
    taken = values.pop(index), beside.pop(index)
    _settle(holder, key, values, beside)
    return taken


def _pair(holder: dict[str, Any], key: str) -> tuple[list[Any], list[Any]]:
    most = length(holder, key)
    values, beside = (list(holder.get(name) or ()) for name in (key, "_" + key))
    return values + [None] * (most - len(values)), beside + [None] * (most - len(beside))


def _settle(holder: dict[str, Any], key: str, values: list[Any], beside: list[Any]) -> None:
    for name, held in ((key, values), ("_" + key, beside)):
        if all(one is None for one in held):
            holder.pop(name, None)
        else:
            holder[name] = held
