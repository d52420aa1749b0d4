"""JSON Patch (RFC 6902) over parsed resources, every digit of a decimal kept.

Pointers are those of RFC 6901. Numbers are the same in a `test` where they are
numerically equal (RFC 6902 4.6), so that `72.5` meets `72.50`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trucyte.fhir.patch.patch import (
    OPERATIONS_MAX,
    Growth,
    PatchNotApplicable,
    PatchTestFailed,
    PatchTooLarge,
    PatchUnreadable,
    check_identity,
)
from trucyte.fhir.text import NotAnObject, scan

_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")
_FRAME = b'{"operations":%b}'
_INDEX_DIGITS_MAX = 9

Pointer = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One step, read."""

    place: int  # in the document, from 0
    name: str
    path: Pointer
    source: Pointer | None  # `from`
    value: Any


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """A JSON Patch document, read; see `Patch`."""

    operations: Sequence[Operation]

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out the operations in their order, all or none."""
        document = Document(Growth(), resource)
        for operation in self.operations:
            document.carry_out(operation)
        return check_identity(resource, document.root)


def read_json_patch(body: bytes) -> JsonPatch:
    """Read a JSON Patch document.

    Raises PatchUnreadable, PatchTooLarge, and the Problems of `text.scan`.
    """
    body = body.strip(b" \t\r\n")
    if not body.startswith(b"["):
        raise PatchUnreadable(place=0, reason="the document is no array")
    try:
        listed = scan(_FRAME % body).resource
    except NotAnObject:
        raise PatchUnreadable(place=0, reason="the document is no array") from None
    # What closes the frame early and opens something of its own is no array either.
    steps = listed.get("operations")
    if len(listed) != 1 or steps.__class__ is not list:
        raise PatchUnreadable(place=0, reason="the document is no array")
    if len(steps) > OPERATIONS_MAX:
        raise PatchTooLarge(most=OPERATIONS_MAX, what="operations")
    return JsonPatch(tuple(_read(place, step) for place, step in enumerate(steps)))


def _read(place: int, step: Any) -> Operation:
    if step.__class__ is not dict:
        raise PatchUnreadable(place=place, reason="it is no object")
    name = step.get("op")
    if name not in _OPERATIONS:
        raise PatchUnreadable(place=place, reason=f"op is one of {', '.join(_OPERATIONS)}")
    if name in ("add", "replace", "test") and "value" not in step:
        raise PatchUnreadable(place=place, reason="value is missing")
    source = _pointer(place, step, "from") if name in ("move", "copy") else None
    path = _pointer(place, step, "path")
    if name == "move" and source != path and path[: len(source or ())] == source:
        raise PatchUnreadable(place=place, reason="nothing moves into itself")
    return Operation(place, name, path, source, step.get("value"))


def _pointer(place: int, step: Mapping[str, Any], name: str) -> Pointer:
    text = step.get(name)
    if text.__class__ is not str or (text and not text.startswith("/")):
        raise PatchUnreadable(place=place, reason=f"{name} is no JSON Pointer")
    if "~" in text.replace("~0", "").replace("~1", ""):
        raise PatchUnreadable(place=place, reason=f"{name} has a ~ that is not ~0 or ~1")
    parts = text.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


class Document:
    """A copy of a resource that operations change."""

    def __init__(self, growth: Growth, resource: Mapping[str, Any]) -> None:
        """Take a copy."""
        self._growth = growth
        self.root: Any = growth.copied(dict(resource), 0)

    def carry_out(self, operation: Operation) -> None:
        """Do one step. Raises PatchNotApplicable, PatchTestFailed, PatchTooLarge."""
        _STEPS[operation.name](self, operation)

    def _add(self, operation: Operation) -> None:
        self._put(operation, operation.value)

    def _remove(self, operation: Operation) -> None:
        self._take(operation, operation.path)

    def _replace(self, operation: Operation) -> None:
        if not operation.path:
            self._put(operation, operation.value)
            return
        parent, key = self._at(operation, operation.path)
        parent[key] = self._growth.copied(operation.value, len(operation.path))

    def _move(self, operation: Operation) -> None:
        assert operation.source is not None
        self._put(operation, self._take(operation, operation.source))

    def _copy(self, operation: Operation) -> None:
        assert operation.source is not None
        self._put(operation, self._value(operation, operation.source))

    def _test(self, operation: Operation) -> None:
        if not is_equal(self._value(operation, operation.path), operation.value):
            raise PatchTestFailed(place=operation.place)

    def _value(self, operation: Operation, path: Pointer) -> Any:
        if not path:
            return self.root
        parent, key = self._at(operation, path)
        return parent[key]

    def _take(self, operation: Operation, path: Pointer) -> Any:
        if not path:
            raise PatchNotApplicable(place=operation.place, reason="the resource itself stays")
        parent, key = self._at(operation, path)
        return parent.pop(key)

    def _put(self, operation: Operation, value: Any) -> None:
        value = self._growth.copied(value, len(operation.path))
        if not operation.path:
            self.root = value
            return
        parent = self._parent(operation, operation.path)
        key = operation.path[-1]
        if parent.__class__ is dict:
            parent[key] = value
            return
        parent.insert(len(parent) if key == "-" else _index(operation, key, len(parent)), value)

    def _at(self, operation: Operation, path: Pointer) -> tuple[Any, Any]:
        """Return the container and the key of what is there."""
        parent = self._parent(operation, path)
        return parent, _step(operation, parent, path[-1])

    def _parent(self, operation: Operation, path: Pointer) -> Any:
        found = self.root
        for part in path[:-1]:
            found = found[_step(operation, found, part)]
        if found.__class__ is not dict and found.__class__ is not list:
            raise PatchNotApplicable(place=operation.place, reason="the path leads nowhere")
        return found


_STEPS: Mapping[str, Callable[[Document, Operation], None]] = {
    "add": Document._add,
    "remove": Document._remove,
    "replace": Document._replace,
    "move": Document._move,
    "copy": Document._copy,
    "test": Document._test,
}


def _step(operation: Operation, container: Any, part: str) -> Any:
    if container.__class__ is dict and part in container:
        return part
    if container.__class__ is list:
        return _index(operation, part, len(container) - 1)
    raise PatchNotApplicable(place=operation.place, reason="the path leads nowhere")


def _index(operation: Operation, part: str, most: int) -> int:
    is_number = part.isascii() and part.isdigit() and len(part) <= _INDEX_DIGITS_MAX
    if not is_number or (part[0] == "0" and part != "0") or int(part) > most:
        raise PatchNotApplicable(place=operation.place, reason="the list has no such place")
    return int(part)


def is_equal(one: Any, other: Any) -> bool:
    """Compare JSON values as RFC 6902 4.6 does: numbers by their value."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return one == other
    if one.__class__ is not other.__class__:
        return False
    if one.__class__ is dict:
        return one.keys() == other.keys() and all(is_equal(one[key], other[key]) for key in one)
    if one.__class__ is list:
        return len(one) == len(other) and all(map(is_equal, one, other))
    return bool(one == other)
