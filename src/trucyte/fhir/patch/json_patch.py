"""JSON Patch (RFC 6902) on parsed JSON whose decimals keep their digits.

Applied to a copy: an operation that fails leaves nothing. What can be copied in one patch
is bounded, since each copy may copy the copies before it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.patch.problems import (
    PatchNotApplicable,
    PatchTestFailed,
    PatchTooLarge,
    PatchUnreadable,
)
from trucyte.fhir.text import scan

OPERATIONS_MAX: Final = 1_000
COPIED_MAX: Final = 200_000  # elements, of all copies together
DEPTH_MAX: Final = 200
_INDEX: Final = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_WRAPPED: Final = b'{"patch":%b}'

Pointer = tuple[str, ...]


class Misfit(Exception):  # noqa: N818 - told to the caller as PatchNotApplicable
    """The operation does not fit what is there."""


class Unequal(Exception):  # noqa: N818 - told to the caller as PatchTestFailed
    """A test does not hold."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, read."""

    name: str
    path: Pointer
    source: Pointer = ()
    value: Any = None


@dataclass(slots=True)
class _Work:
    """A copy under way, and what may still be copied."""

    root: Any
    left: int = COPIED_MAX

    def copied(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if self.left < 0 or depth > DEPTH_MAX:
            raise PatchTooLarge(most=COPIED_MAX, what="copied elements")
        if isinstance(value, dict):
            return {key: self.copied(child, depth + 1) for key, child in value.items()}
        if isinstance(value, list):
            return [self.copied(child, depth + 1) for child in value]
        return value


class JsonPatch:
    """A JSON Patch document, read."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        """Keep the operations."""
        self._operations = operations

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource; raises PatchNotApplicable, PatchTestFailed."""
        work = _Work(None, COPIED_MAX + _size(resource))
        work.root = work.copied(dict(resource))
        for number, operation in enumerate(self._operations):
            try:
                _APPLY[operation.name](work, operation)
            except Misfit as misfit:
                raise PatchNotApplicable(operation=number, reason=str(misfit)) from None
            except Unequal:
                raise PatchTestFailed(operation=number) from None
        if not isinstance(work.root, dict):
            raise PatchNotApplicable(
                operation=len(self._operations) - 1, reason="what is left is no resource"
            )
        return work.root


def read_json_patch(body: bytes) -> JsonPatch:
    """Read a JSON Patch document; raises PatchUnreadable, PatchTooLarge, TooLarge.

    A key given twice, bad UTF-8 and the like are refused as in any body.
    """
    try:
        # The door's checks are for objects.
        scanned = scan(_WRAPPED % body).resource
    except Problem as problem:
        raise PatchUnreadable(operation=0, reason=problem.code) from None
    found = scanned["patch"]
    if len(scanned) != 1 or not isinstance(found, list):
        raise PatchUnreadable(operation=0, reason="a JSON Patch is an array")
    if len(found) > OPERATIONS_MAX:
        raise PatchTooLarge(most=OPERATIONS_MAX, what="operations")
    return JsonPatch(tuple(_read(number, one) for number, one in enumerate(found)))


def _read(number: int, said: Any) -> Operation:
    name = said.get("op") if isinstance(said, dict) else None
    if not isinstance(name, str) or name not in _APPLY:
        raise PatchUnreadable(operation=number, reason="no op of RFC 6902")
    if name in ("add", "replace", "test") and "value" not in said:
        raise PatchUnreadable(operation=number, reason="no value")
    path = _pointer(number, said.get("path"))
    source = _pointer(number, said.get("from")) if name in ("move", "copy") else ()
    return Operation(name, path, source, said.get("value"))


def _pointer(number: int, text: Any) -> Pointer:
    """Read a JSON Pointer (RFC 6901)."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchUnreadable(operation=number, reason="no JSON Pointer")
    if re.search(r"~(?![01])", text):
        raise PatchUnreadable(operation=number, reason="a tilde that escapes nothing")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def _size(value: Any) -> int:
    """Count the elements of a value; it came through the door, so it is not deep."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1


# --- The operations ---------------------------------------------------------------------


def _found(root: Any, pointer: Pointer) -> Any:
    for part in pointer:
        if isinstance(root, dict):
            if part not in root:
                raise Misfit("there is nothing at the path")
            root = root[part]
        elif isinstance(root, list):
            root = root[_index(part, len(root) - 1)]
        else:
            raise Misfit("the path goes through something without members")
    return root


def _index(part: str, last: int) -> int:
    if not _INDEX.fullmatch(part) or int(part) > last:
        raise Misfit("there is no such place in the list")
    return int(part)


def _add(work: _Work, operation: Operation) -> None:
    _put(work, operation.path, work.copied(operation.value))


def _put(work: _Work, pointer: Pointer, value: Any) -> None:
    if not pointer:
        work.root = value
        return
    parent, last = _found(work.root, pointer[:-1]), pointer[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)
    else:
        raise Misfit("the path goes through something without members")


def _take(work: _Work, pointer: Pointer) -> Any:
    if not pointer:
        raise Misfit("the whole resource cannot be removed")
    value = _found(work.root, pointer)
    parent, last = _found(work.root, pointer[:-1]), pointer[-1]
    if isinstance(parent, dict):
        del parent[last]
    else:
        del parent[int(last)]
    return value


def _remove(work: _Work, operation: Operation) -> None:
    _take(work, operation.path)


def _replace(work: _Work, operation: Operation) -> None:
    value = work.copied(operation.value)
    if not operation.path:
        work.root = value
        return
    _found(work.root, operation.path)
    parent, last = _found(work.root, operation.path[:-1]), operation.path[-1]
    parent[last if isinstance(parent, dict) else int(last)] = value


def _move(work: _Work, operation: Operation) -> None:
    if operation.path[: len(operation.source)] == operation.source:
        if operation.path != operation.source:
            raise Misfit("a value cannot be moved into itself")
        _found(work.root, operation.source)
        return
    _put(work, operation.path, _take(work, operation.source))


def _copy(work: _Work, operation: Operation) -> None:
    _put(work, operation.path, work.copied(_found(work.root, operation.source)))


def _test(work: _Work, operation: Operation) -> None:
    if not same(_found(work.root, operation.path), operation.value):
        raise Unequal


def same(one: Any, other: Any) -> bool:
    """Compare as RFC 6902 4.6 does: numbers by value, true is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, Decimal)) and isinstance(other, (int, Decimal)):
        return one == other
    return type(one) is type(other) and bool(one == other)


_APPLY: dict[str, Callable[[_Work, Operation], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
