"""FHIRPath Patch (R4): Parameters that say what to add, insert, delete, replace and move.

Paths name one element; deleting what is not there is no fault. Values come as `value[x]`,
or as parts where the element has no type of its own (R4 3.1.0.6.1, fhirpatch).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trucyte.fhir.patch import lists
from trucyte.fhir.patch.lists import Element
from trucyte.fhir.patch.made import Maker
from trucyte.fhir.patch.patch import (
    OPERATIONS_MAX,
    Growth,
    PatchNotApplicable,
    PatchTooLarge,
    PatchUnreadable,
    check_identity,
)
from trucyte.fhir.patch.places import Found, Place, Places
from trucyte.fhir.path.path import Paths

_NAMES = ("add", "insert", "delete", "replace", "move")
# What each needs, besides type and path.
_NEEDS: Mapping[str, Sequence[str]] = {
    "add": ("name", "value"),
    "insert": ("value", "index"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
_TEXTS = ("type", "path", "name")
_NUMBERS = ("index", "source", "destination")
_WORK_MAX: Final = 2_000_000  # elements walked, all operations together


@dataclass(frozen=True, slots=True)
class Operation:
    """One step, read."""

    place: int  # among the operations, from 0
    type: str
    path: str
    name: str
    value: Mapping[str, Any]  # the part that holds it
    index: int
    source: int
    destination: int


@dataclass(frozen=True, slots=True)
class FhirPathPatch:
    """A FHIRPath Patch, read; see `Patch`."""

    operations: Sequence[Operation]
    paths: Paths

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out the operations in their order, all or none."""
        growth = Growth()
        changed = growth.copied(dict(resource), 0)
        maker = Maker(self.paths.model.definitions, growth)
        work = 0
        for operation in self.operations:
            places = Places(changed, self.paths)
            work += places.size
            if work > _WORK_MAX:
                raise PatchTooLarge(most=_WORK_MAX, what="elements looked at")
            _STEPS[operation.type](_Step(operation, changed, places, maker))
        return check_identity(resource, changed)


def read_fhirpath_patch(parameters: Mapping[str, Any], paths: Paths) -> FhirPathPatch:
    """Read a FHIRPath Patch out of parsed Parameters.

    Raises PatchUnreadable, PatchTooLarge, and the Problems of a path that cannot be read.
    """
    listed = parameters.get("parameter")
    if parameters.get("resourceType") != "Parameters" or listed.__class__ is not list:
        raise PatchUnreadable(place=0, reason="the patch is no Parameters")
    assert isinstance(listed, list)
    if len(listed) > OPERATIONS_MAX:
        raise PatchTooLarge(most=OPERATIONS_MAX, what="operations")
    operations = tuple(_read(place, one) for place, one in enumerate(listed))
    for operation in operations:
        paths.compile(operation.path)
    return FhirPathPatch(operations, paths)


def _read(place: int, parameter: Any) -> Operation:
    parts = parameter.get("part") if parameter.__class__ is dict else None
    if parts.__class__ is not list or parameter.get("name") != "operation":
        raise PatchUnreadable(place=place, reason="it is no operation with parts")
    assert isinstance(parts, list)
    said = {part.get("name"): part for part in parts if part.__class__ is dict}
    texts = {name: _text(said.get(name)) for name in _TEXTS}
    kind = texts["type"]
    if kind not in _NAMES:
        raise PatchUnreadable(place=place, reason=f"type is one of {', '.join(_NAMES)}")
    if not texts["path"]:
        raise PatchUnreadable(place=place, reason="path is missing")
    missing = next((name for name in _NEEDS[kind] if name not in said), None)
    if missing is not None:
        raise PatchUnreadable(place=place, reason=f"{missing} is missing")
    numbers = {name: _number(place, name, said.get(name)) for name in _NUMBERS}
    value = said.get("value", {})
    return Operation(place, kind, texts["path"], texts["name"], value, **numbers)


def _text(part: Mapping[str, Any] | None) -> str:
    found = (part or {}).get("valueString") or (part or {}).get("valueCode")
    return found if isinstance(found, str) else ""


def _number(place: int, name: str, part: Mapping[str, Any] | None) -> int:
    found = 0 if part is None else part.get("valueInteger")
    if found.__class__ is not int or found < 0:
        raise PatchUnreadable(place=place, reason=f"{name} is no valueInteger from 0")
    assert isinstance(found, int)
    return found


class _Step:
    """One operation on a resource as it is now."""

    def __init__(
        self, operation: Operation, resource: dict[str, Any], places: Places, maker: Maker
    ) -> None:
        self._operation = operation
        self._resource = resource
        self._places = places
        self._maker = maker

    def add(self) -> None:
        """Put a new element under the one that the path names."""
        found = self._one(self._operation.path)
        self._add_to(found, self._operation.name, self._operation.value)

    def insert(self) -> None:
        """Put a new element into the list that the path names."""
        operation = self._operation
        items = self._places.find(operation.path)
        if not items:
            # A list that is not there yet: its name is the end of the path.
            base, _, name = operation.path.rpartition(".")
            if not base or operation.index:
                raise self._refused("the path names no list, or the index is beyond it")
            self._add_to(self._one(base), name, operation.value)
            return
        place = self._list_of(items)
        if operation.index > lists.length(place.holder, place.key):
            raise self._refused("the index is beyond the list")
        _, made = self._maker.value(operation.place, items[0].kind, operation.value)
        lists.insert(place.holder, place.key, operation.index, made)

    def delete(self) -> None:
        """Take the element away, if it is there."""
        items = self._places.find(self._operation.path)
        if len(items) > 1:
            raise self._refused(f"the path gives {len(items)} elements")
        if items:
            place = self._placed(items[0])
            lists.remove(place.holder, place.key, place.index)

    def replace(self) -> None:
        """Put another value in the element's place."""
        found = self._one(self._operation.path)
        place = self._placed(found)
        suffix, made = self._maker.value(self._operation.place, found.kind, self._operation.value)
        if place.index is not None:
            lists.set_at(place.holder, place.key, place.index, made)
            return
        key = place.key
        if found.kind.path.endswith("[x]") and suffix:
            key = found.kind.path.rpartition(".")[2].removesuffix("[x]") + suffix
        self._put_for(place, key, made)

    def move(self) -> None:
        """Move an element within its list."""
        operation = self._operation
        items = self._places.find(operation.path)
        if not items:
            raise self._refused("the path gives nothing")
        place = self._list_of(items)
        most = lists.length(place.holder, place.key)
        if operation.source >= most or operation.destination >= most:
            raise self._refused("source or destination is beyond the list")
        moved = lists.remove(place.holder, place.key, operation.source)
        lists.insert(place.holder, place.key, operation.destination, moved)

    def _add_to(self, found: Found, name: str, part: Mapping[str, Any]) -> None:
        child = self._maker.child(self._operation.place, found.kind, name, part)
        holder = self._holder(found)
        if child.is_array:
            lists.insert(holder, child.key, lists.length(holder, child.key), child.made)
            return
        if any(key in holder or "_" + key in holder for key in child.keys):
            raise self._refused("the element is there already")
        lists.put(holder, child.key, child.made)

    def _put_for(self, place: Place, key: str, made: Element) -> None:
        """Set what stands by itself; under another key of a choice in the same order."""
        if key != place.key:
            renamed = {place.key: key, "_" + place.key: "_" + key}
            kept = {renamed.get(name, name): held for name, held in place.holder.items()}
            place.holder.clear()
            place.holder.update(kept)
        lists.put(place.holder, key, made)

    def _holder(self, found: Found) -> dict[str, Any]:
        """Return the object that the children of an element lie in."""
        place = found.place
        if place is None:
            return self._resource
        if not found.kind.is_primitive:
            held: dict[str, Any] = place.value
            return held
        beside = place.beside
        if beside.__class__ is not dict:
            beside = {}
            if place.index is None:
                place.holder["_" + place.key] = beside
            else:
                lists.set_at(place.holder, place.key, place.index, (place.value, beside))
        assert isinstance(beside, dict)
        return beside

    def _one(self, path: str) -> Found:
        items = self._places.find(path)
        if len(items) != 1:
            raise self._refused(f"the path gives {len(items)} elements, not one")
        return items[0]

    def _placed(self, found: Found) -> Place:
        if found.place is None:
            raise self._refused("the resource itself stays")
        return found.place

    def _list_of(self, items: Sequence[Found]) -> Place:
        places = [self._placed(item) for item in items]
        first = places[0]
        if any(p.holder is not first.holder or p.key != first.key for p in places):
            raise self._refused("the path gives elements of several lists")
        if first.index is None:
            raise self._refused("the path names no list")
        return first

    def _refused(self, reason: str) -> PatchNotApplicable:
        return PatchNotApplicable(place=self._operation.place, reason=reason)


_STEPS: Mapping[str, Callable[[_Step], None]] = {
    "add": _Step.add,
    "insert": _Step.insert,
    "delete": _Step.delete,
    "replace": _Step.replace,
    "move": _Step.move,
}
