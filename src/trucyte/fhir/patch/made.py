"""The elements that a FHIRPath Patch brings along, as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.definitions import Element as Definition
from trucyte.fhir.patch import lists
from trucyte.fhir.patch.lists import Element
from trucyte.fhir.patch.patch import Growth, PatchNotApplicable
from trucyte.fhir.path.model import Kind

_PREFIX = "value"
_LEVELS_MAX = 20  # of parts within parts


@dataclass(frozen=True, slots=True)
class Child:
    """A new element, and where it goes."""

    key: str
    keys: tuple[str, ...]  # all that the element may stand under: those of a choice
    is_array: bool
    made: Element


class Maker:
    """Makes elements by their definitions."""

    def __init__(self, definitions: Definitions, growth: Growth) -> None:
        """Look names up in `definitions`; count what is made."""
        self._types = definitions.types
        self._growth = growth

    def child(self, place: int, kind: Kind, name: str, part: Mapping[str, Any]) -> Child:
        """Return a new child of a type. Raises PatchNotApplicable."""
        return self._child(place, kind.name, name, part, 0)

    def value(self, place: int, kind: Kind, part: Mapping[str, Any]) -> tuple[str, Element]:
        """Return a value of a type, and what the part calls its type ("Quantity", "" of parts)."""
        return self._value(place, kind.name, part, 0)

    def _child(
        self, place: int, type_name: str, name: str, part: Mapping[str, Any], level: int
    ) -> Child:
        definition = self._element(place, type_name, name)
        suffix, made = self._value(place, definition.types[0], part, level)
        if not definition.is_choice:
            return Child(definition.name, (definition.name,), definition.is_array, made)
        key = definition.name + suffix
        if key not in definition.choices:
            raise PatchNotApplicable(place=place, reason="the value has no type of the choice")
        return Child(key, tuple(definition.choices), definition.is_array, made)

    def _element(self, place: int, type_name: str, name: str) -> Definition:
        known = self._types.get(type_name)
        if known is not None:
            definition = known.elements.get(name.removesuffix("[x]"))
            if definition is None and name in known.keys:
                definition = known.keys[name][0]
            if definition is not None and not (known.kind == "primitive-type" and name == "value"):
                return definition
        raise PatchNotApplicable(place=place, reason="the element has no child of that name")

    def _value(
        self, place: int, type_name: str, part: Mapping[str, Any], level: int
    ) -> tuple[str, Element]:
        if "resource" in part:
            return "", (self._growth.copied(part["resource"], level), None)
        keys = [key.removeprefix("_") for key in part if key.lstrip("_").startswith(_PREFIX)]
        if len(set(keys)) == 1 and "part" not in part:
            held = (part.get(keys[0]), part.get("_" + keys[0]))
            value, beside = (self._growth.copied(one, level) for one in held)
            return keys[0].removeprefix(_PREFIX), (value, beside)
        nested = part.get("part")
        if keys or nested.__class__ is not list or not nested:
            raise PatchNotApplicable(place=place, reason="it has not exactly one value")
        return "", (self._object(place, type_name, nested, level + 1), None)

    def _object(self, place: int, type_name: str, parts: list[Any], level: int) -> dict[str, Any]:
        if level > _LEVELS_MAX:
            raise PatchNotApplicable(place=place, reason="its parts nest too deeply")
        made: dict[str, Any] = {}
        for part in parts:
            if part.__class__ is not dict or part.get("name").__class__ is not str:
                raise PatchNotApplicable(place=place, reason="a part has no name")
            child = self._child(place, type_name, part["name"], part, level)
            if child.is_array:
                lists.insert(made, child.key, lists.length(made, child.key), child.made)
            elif child.key in made or "_" + child.key in made:
                raise PatchNotApplicable(place=place, reason="a part stands twice")
            else:
                lists.put(made, child.key, child.made)
        return made
