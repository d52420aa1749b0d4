"""Where the items of a FHIRPath lie in the JSON of a resource.

FHIRPath gives values; a patch needs places. The resource is walked in a copy whose
primitives each carry a mark beside them (where JSON keeps their ids and extensions), so
that what a path finds tells by its mark, or by being that very object, where it lies.
"""

from dataclasses import dataclass
from typing import Any

from trucyte.fhir.path.model import Kind, Node
from trucyte.fhir.path.path import Paths

_MARK = ""  # no element is called so


@dataclass(frozen=True, slots=True)
class Place:
    """One element: in `holder[key]`, or `holder[key][index]`."""

    holder: dict[str, Any]
    key: str
    index: int | None  # None: the element stands by itself

    @property
    def value(self) -> Any:
        """What is there; None of a primitive that has only extensions."""
        return self._of(self.holder.get(self.key))

    @property
    def beside(self) -> Any:
        """The id and extensions of a primitive."""
        return self._of(self.holder.get("_" + self.key))

    def _of(self, held: Any) -> Any:
        if self.index is None:
            return held
        # A primitive alone may stand where its extensions are a list, or the other way round.
        is_there = held.__class__ is list and self.index < len(held)
        return held[self.index] if is_there else None


@dataclass(frozen=True, slots=True)
class Found:
    """An element that a path gave."""

    kind: Kind
    place: Place | None  # None: the resource itself


class Places:
    """The places of all elements of one resource as it is now."""

    def __init__(self, resource: dict[str, Any], paths: Paths) -> None:
        """Walk the resource."""
        self._paths = paths
        self._marked: list[Place] = []
        self._objects: dict[int, Place | None] = {}
        self._copy = self._object(resource, None)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self._marked) + len(self._objects)

    def find(self, path: str) -> list[Found]:
        """Return what a path gives; what is computed and lies nowhere is left out.

        Raises the Problems of FHIRPath.
        """
        items = self._paths.compile(path).evaluate(self._paths.resource(self._copy))
        return [found for item in items if (found := self._found(item)) is not None]

    def _found(self, item: Any) -> Found | None:
        if item.__class__ is not Node:
            return None
        if item.kind.is_primitive:
            mark = (item.sibling or {}).get(_MARK)
            return None if mark is None else Found(item.kind, self._marked[mark])
        if id(item.value) not in self._objects:
            return None
        return Found(item.kind, self._objects[id(item.value)])

    def _object(self, value: dict[str, Any], place: Place | None) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, child in value.items():
            if key == "resourceType":
                copied[key] = child
            elif key.startswith("_") and key[1:] not in value:
                self._primitives(value, key[1:], copied)
            elif not key.startswith("_"):
                self._child(value, key, child, copied)
        self._objects[id(copied)] = place
        return copied

    def _child(self, holder: dict[str, Any], key: str, value: Any, copied: dict[str, Any]) -> None:
        if value.__class__ is dict:
            copied[key] = self._object(value, Place(holder, key, None))
        elif value.__class__ is list and any(one.__class__ is dict for one in value):
            copied[key] = [
                self._object(one, Place(holder, key, at)) if one.__class__ is dict else one
                for at, one in enumerate(value)
            ]
        else:
            self._primitives(holder, key, copied)

    def _primitives(self, holder: dict[str, Any], key: str, copied: dict[str, Any]) -> None:
        values, beside = holder.get(key), holder.get("_" + key)
        if key in holder:
            copied[key] = values
        if values.__class__ is list or beside.__class__ is list:
            length = max(len(one) for one in (values, beside) if one.__class__ is list)
            copied["_" + key] = [self._beside(Place(holder, key, at)) for at in range(length)]
        else:
            copied["_" + key] = self._beside(Place(holder, key, None))

    def _beside(self, place: Place) -> dict[str, Any]:
        held = place.beside
        copied: dict[str, Any] = {}
        if held.__class__ is dict:
            copied = self._object(held, None)
            del self._objects[id(copied)]  # it is found by its mark
        copied[_MARK] = len(self._marked)
        self._marked.append(place)
        return copied
