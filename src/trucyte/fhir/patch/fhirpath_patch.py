"""FHIRPath Patch (R4 3.1.0.6.1, http://hl7.org/fhir/R4/fhirpatch.html)."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from trucyte.fhir.definitions import Element
from trucyte.fhir.patch.places import Place, marked
from trucyte.fhir.patch.problems import PatchNotApplicable, PatchTooLarge, PatchUnreadable
from trucyte.fhir.patch.slots import (
    Slot,
    Value,
    beside_at,
    count_at,
    delete_at,
    insert_at,
    move_at,
    put,
    replace_at,
    slot_at,
)
from trucyte.fhir.path.environment import Environment
from trucyte.fhir.path.model import Kind, Model, Node
from trucyte.fhir.path.path import Paths

OPERATIONS_MAX: Final = 500
# Each operation walks the resource: elements times operations, a few seconds at most.
WALKED_MAX: Final = 2_000_000
_PARTS_DEEP: Final = 20
_ENVIRONMENT: Final = Environment(work_max=500_000)
# What each type of operation needs besides its path.
_NEEDS: Final[Mapping[str, Sequence[str]]] = {
    "add": ("name", "value"),
    "insert": ("value", "index"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}


class _Misfit(Exception):  # noqa: N818 - told to the caller as PatchNotApplicable
    """The operation does not fit what is there."""


@dataclass(frozen=True, slots=True)
class _Operation:
    type: str
    path: str
    parts: Mapping[str, Mapping[str, Any]]

    def number(self, name: str) -> int:
        """Return a part that is a number from 0; checked on reading."""
        return int(self.parts[name]["valueInteger"])


@dataclass(frozen=True, slots=True)
class _Found:
    """An element that a path gave."""

    node: Node
    place: Place


class FhirPathPatch:
    """A FHIRPath Patch, read."""

    def __init__(self, operations: Sequence[_Operation], paths: Paths) -> None:
        """Keep the operations, and what compiles their paths."""
        self._operations = operations
        self._paths = paths

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource; raises PatchNotApplicable and the Problems of paths."""
        if marked(resource).size * (len(self._operations) - 1) > WALKED_MAX:
            raise PatchTooLarge(most=WALKED_MAX, what="elements to look at")
        root: dict[str, Any] = deepcopy(dict(resource))
        for number, operation in enumerate(self._operations):
            try:
                _APPLY[operation.type](self, root, operation)
            except _Misfit as misfit:
                raise PatchNotApplicable(operation=number, reason=str(misfit)) from None
        return root

    def _found(self, root: dict[str, Any], operation: _Operation) -> list[_Found]:
        copy = marked(root)
        node = self._paths.model.resource(copy.root)
        items = self._paths.compile(operation.path).evaluate(node, _ENVIRONMENT)
        found = []
        for item in items:
            place = copy.place(item)
            if place is None:
                raise _Misfit("the path gives something that is no element of the resource")
            found.append(_Found(item, place))
        return found

    def _single(self, root: dict[str, Any], operation: _Operation) -> _Found:
        found = self._found(root, operation)
        if len(found) != 1:
            raise _Misfit(f"the path must give one element and gives {len(found)}")
        return found[0]

    def _add(self, root: dict[str, Any], operation: _Operation) -> None:
        found = self._single(root, operation)
        name = str(operation.parts["name"].get("valueString", ""))
        self._add_to(root, found, name, operation.parts["value"])

    def _add_to(
        self, root: dict[str, Any], found: _Found, name: str, part: Mapping[str, Any]
    ) -> None:
        holder: dict[str, Any] = root
        if found.node.kind.is_primitive:
            holder = beside_at(slot_at(root, found.place))
        elif found.place:
            holder = _held(slot_at(root, found.place))
        add_element(self._paths.model, holder, found.node.kind, name, part)

    def _insert(self, root: dict[str, Any], operation: _Operation) -> None:
        number = operation.number("index")
        if not number and not self._found(root, operation):
            self._begin_list(root, operation)
            return
        slot, kind = self._list(root, operation)
        if number > count_at(slot):
            raise _Misfit("the index is behind the end of the list")
        value = value_of(self._paths.model, kind, operation.parts["value"])
        insert_at(slot.holder, slot.key, number, value)

    def _begin_list(self, root: dict[str, Any], operation: _Operation) -> None:
        """Put the first element into a list that is not there: its name ends the path."""
        base, _, name = operation.path.rpartition(".")
        if not base:
            raise _Misfit("the path gives no list")
        found = self._single(root, replace(operation, path=base))
        child = _element(self._paths.model, found.node.kind, name)
        if child is None or not child[0].is_array:
            raise _Misfit("the path gives no list")
        self._add_to(root, found, name, operation.parts["value"])

    def _delete(self, root: dict[str, Any], operation: _Operation) -> None:
        found = self._found(root, operation)
        if not found:
            return  # R4: to delete what is not there is no error
        if len(found) > 1:
            raise _Misfit(f"one element can be deleted; the path gives {len(found)}")
        if not found[0].place:
            raise _Misfit("the whole resource cannot be deleted")
        delete_at(root, found[0].place)

    def _replace(self, root: dict[str, Any], operation: _Operation) -> None:
        found = self._single(root, operation)
        if not found.place:
            raise _Misfit("the whole resource cannot be replaced")
        kind, slot = found.node.kind, slot_at(root, found.place)
        value = value_of(self._paths.model, kind, operation.parts["value"])
        key = slot.key
        if kind.path.endswith("[x]") and value.type:
            key = kind.path.rpartition(".")[2].removesuffix("[x]") + value.type
        replace_at(slot, key, value)

    def _move(self, root: dict[str, Any], operation: _Operation) -> None:
        slot, _ = self._list(root, operation)
        source, target = operation.number("source"), operation.number("destination")
        if max(source, target) >= count_at(slot):
            raise _Misfit("source or destination is behind the end of the list")
        move_at(slot.holder, slot.key, source, target)

    def _list(self, root: dict[str, Any], operation: _Operation) -> tuple[Slot, Kind]:
        """Return the list that a path gives as a whole, and the type of its elements."""
        found = self._found(root, operation)
        if not found:
            raise _Misfit("the path gives no list")
        slots = [slot_at(root, one.place) for one in found if one.place]
        first = slots[0] if slots else None
        is_one = first is not None and all(
            slot.holder is first.holder and slot.key == first.key and slot.number is not None
            for slot in slots
        )
        if first is None or not is_one or len(slots) != count_at(first):
            raise _Misfit("the path must give one list as a whole")
        return first, found[0].node.kind


def _held(slot: Slot) -> dict[str, Any]:
    value = slot.holder[slot.key]
    held: dict[str, Any] = value if slot.number is None else value[slot.number]
    return held


# --- Values -----------------------------------------------------------------------------


def value_of(model: Model, kind: Kind, part: Mapping[str, Any], depth: int = 0) -> Value:
    """Return what a part holds: value[x], a resource, or the parts of an element of `kind`."""
    if "part" in part:
        return Value(_object_of(model, kind, part["part"], depth))
    if "resource" in part:
        return Value(deepcopy(part["resource"]))
    for key in part:
        name = key.removeprefix("_").removeprefix("value")
        if name and key.startswith(("value", "_value")):
            # Copies: what later operations change must not change the patch.
            value, beside = deepcopy((part.get(f"value{name}"), part.get(f"_value{name}")))
            return Value(value, beside if isinstance(beside, dict) else None, name)
    raise _Misfit("there is no value")


def _object_of(model: Model, kind: Kind, parts: Any, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if depth > _PARTS_DEEP:
        raise _Misfit("the parts of a value nest too deeply")
    for inner in parts if isinstance(parts, list) else ():
        if isinstance(inner, dict):
            add_element(model, made, kind, str(inner.get("name", "")), inner, depth + 1)
    if not made:
        raise _Misfit("there is no value")
    return made


def add_element(
    model: Model,
    holder: dict[str, Any],
    kind: Kind,
    name: str,
    part: Mapping[str, Any],
    depth: int = 0,
) -> None:
    """Add a named element to an object of `kind`: to its list, or where none is."""
    found = _element(model, kind, name)
    if found is None:
        raise _Misfit("the element has no child of that name")
    element, key, type_name = found
    value = value_of(model, model.kind(type_name), part, depth)
    if element.is_choice and key == element.name:
        key += value.type
        if key not in element.choices:
            raise _Misfit("the element cannot have a value of that type")
    if element.is_array:
        insert_at(holder, key, max(len(holder.get(key, ())), len(holder.get("_" + key, ()))), value)
        return
    keys = element.choices or {element.name: ""}
    if any(one in holder or "_" + one in holder for one in keys):
        raise _Misfit("the element is there already, and does not repeat")
    put(holder, key, value)


def _element(model: Model, kind: Kind, name: str) -> tuple[Element, str, str] | None:
    """Return an element by its name or JSON key, with that and the type of its value."""
    definition = model.definitions.types.get(kind.name)
    if definition is None:
        return None
    element = definition.elements.get(name)
    if element is not None:
        return element, name, "" if element.is_choice else element.types[0]
    for choice in definition.elements.values():
        if name in choice.choices:
            return choice, name, choice.choices[name]
    return None


# --- Reading ----------------------------------------------------------------------------


def read_fhirpath_patch(parameters: Mapping[str, Any], paths: Paths) -> FhirPathPatch:
    """Read a FHIRPath Patch out of Parameters in parsed JSON.

    Raises PatchUnreadable, PatchTooLarge, and PathSyntax or PathMeaning for its paths.
    """
    said = parameters.get("parameter")
    if parameters.get("resourceType") != "Parameters" or not isinstance(said, list):
        raise PatchUnreadable(operation=0, reason="a FHIRPath Patch is Parameters")
    if len(said) > OPERATIONS_MAX:
        raise PatchTooLarge(most=OPERATIONS_MAX, what="operations")
    operations = [_read(number, one) for number, one in enumerate(said)]
    for operation in operations:
        paths.compile(operation.path)
    return FhirPathPatch(operations, paths)


def _read(number: int, said: Any) -> _Operation:
    if not isinstance(said, dict) or said.get("name") != "operation":
        raise PatchUnreadable(operation=number, reason="a parameter is no operation")
    given = said.get("part")
    listed = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    parts = {str(one.get("name")): one for one in listed}
    kind, path = (_text(parts, name) for name in ("type", "path"))
    if kind not in _NEEDS:
        raise PatchUnreadable(operation=number, reason="its type is none of R4")
    if not path:
        raise PatchUnreadable(operation=number, reason="it has no path")
    _check_parts(number, kind, parts)
    return _Operation(kind, path, parts)


def _check_parts(number: int, kind: str, parts: Mapping[str, Mapping[str, Any]]) -> None:
    for needed in _NEEDS[kind]:
        if needed not in parts:
            raise PatchUnreadable(operation=number, reason=f"it has no {needed}")
    for name in ("index", "source", "destination"):
        if name in parts:
            place = parts[name].get("valueInteger")
            if not isinstance(place, int) or isinstance(place, bool) or place < 0:
                raise PatchUnreadable(operation=number, reason=f"its {name} is no place")


def _text(parts: Mapping[str, Mapping[str, Any]], name: str) -> str:
    part = parts.get(name, {})
    found = part.get("valueCode", part.get("valueString"))
    return found if isinstance(found, str) else ""


_APPLY: Mapping[str, Callable[[FhirPathPatch, dict[str, Any], _Operation], None]] = {
    "add": FhirPathPatch._add,
    "insert": FhirPathPatch._insert,
    "delete": FhirPathPatch._delete,
    "replace": FhirPathPatch._replace,
    "move": FhirPathPatch._move,
}
