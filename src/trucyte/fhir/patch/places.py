"""Where an element that FHIRPath found stands in the JSON it came from.

Complex elements are known by the object they are. A primitive is a plain value, so a copy
of the resource is evaluated in which the object beside each primitive (`_birthDate`) has
a mark; the language looks at nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trucyte.fhir.path.model import Node

Place = tuple[str | int, ...]
_MARK: Final = "#"


@dataclass(slots=True)
class Marked:
    """A copy of a resource, and the place of everything in it."""

    root: dict[str, Any]
    _objects: dict[int, Place] = field(default_factory=dict)
    _primitives: list[Place] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._objects) + len(self._primitives)

    def place(self, item: Any) -> Place | None:
        """Return the place of a found element; None for what is no element of the resource."""
        if not isinstance(item, Node):
            return None
        if not item.kind.is_primitive:
            return self._objects.get(id(item.value))
        number = (item.sibling or {}).get(_MARK)
        return None if number is None else self._primitives[number]

    def mark_object(self, made: dict[str, Any], place: Place) -> None:
        """Remember where an object stands."""
        self._objects[id(made)] = place

    def mark_primitive(self, beside: dict[str, Any], place: Place) -> None:
        """Remember where a primitive stands, in the object beside it."""
        beside[_MARK] = len(self._primitives)
        self._primitives.append(place)


def marked(resource: Mapping[str, Any]) -> Marked:
    """Return a marked copy of a resource in parsed JSON."""
    found = Marked({})
    found.root = _object(found, resource, ())
    return found


def _object(found: Marked, source: Mapping[str, Any], place: Place) -> dict[str, Any]:
    made: dict[str, Any] = {}
    found.mark_object(made, place)
    for key, value in source.items():
        if key == "resourceType":
            made[key] = value
        elif not key.startswith("_"):
            made[key] = _value(found, value, (*place, key))
            _mark_beside(found, made, source, key, place)
        elif key[1:] not in source:  # a primitive of which only the extensions are there
            _mark_beside(found, made, source, key[1:], place)
    return made


def _value(found: Marked, value: Any, place: Place) -> Any:
    if isinstance(value, dict):
        return _object(found, value, place)
    if isinstance(value, list):
        return [_value(found, one, (*place, number)) for number, one in enumerate(value)]
    return value


def _mark_beside(
    found: Marked, made: dict[str, Any], source: Mapping[str, Any], key: str, place: Place
) -> None:
    value, beside = source.get(key), source.get("_" + key)
    if isinstance(value, list) or isinstance(beside, list):
        marks = _marks(found, _as_list(value), _as_list(beside), (*place, key))
        if any(mark is not None for mark in marks):
            made["_" + key] = marks
    elif not isinstance(value, dict):
        own = _sibling(found, beside, (*place, "_" + key))
        found.mark_primitive(own, (*place, key))
        made["_" + key] = own


def _marks(
    found: Marked, values: Sequence[Any], besides: Sequence[Any], place: Place
) -> list[dict[str, Any] | None]:
    marks: list[dict[str, Any] | None] = []
    for number in range(max(len(values), len(besides))):
        value = values[number] if number < len(values) else None
        beside = besides[number] if number < len(besides) else None
        if isinstance(value, (dict, list)):
            marks.append(None)
            continue
        own = _sibling(found, beside, (*place[:-1], f"_{place[-1]}", number))
        found.mark_primitive(own, (*place, number))
        marks.append(own)
    return marks


def _sibling(found: Marked, beside: Any, place: Place) -> dict[str, Any]:
    return _object(found, beside, place) if isinstance(beside, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
