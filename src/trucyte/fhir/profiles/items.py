"""The values of an element in parsed JSON, with their places and types."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from trucyte.fhir.definitions import Definitions, Element
from trucyte.fhir.profiles.scope import Item

Read = Callable[[Mapping[str, Any]], list[Item]]


def holder_of(definitions: Definitions, type_name: str) -> str:
    """Return the type whose elements a value has: of a primitive those beside its value."""
    known = definitions.types.get(type_name)
    return "Element" if known is None or known.kind == "primitive-type" else type_name


def element_of(definitions: Definitions, holder: str, name: str) -> Element | None:
    """Return an element of a type by the name it has in a path: `value[x]`, `code`."""
    known = definitions.types.get(holder)
    return None if known is None else known.elements.get(name.removesuffix("[x]"))


@lru_cache(maxsize=4096)
def reader(definitions: Definitions, holder: str, name: str) -> Read | None:
    """Return what reads an element out of its parent; None where the type has none such."""
    element = element_of(definitions, holder, name)
    if element is None:
        return _narrowed_reader(definitions, holder, name)
    if element.is_choice:
        return _choice(element)
    return _plain(name, element.types[0], f".{name}")


def _narrowed_reader(definitions: Definitions, holder: str, name: str) -> Read | None:
    """Read `valueQuantity`, as older snapshots name it."""
    known = definitions.types.get(holder)
    found = None if known is None else known.keys.get(name)
    if found is None:
        return None
    return _plain(name, found[1], f".{found[0].name}.ofType({found[1]})")


def _plain(key: str, type_name: str, step: str) -> Read:
    sibling = "_" + key

    def read(parent: Mapping[str, Any]) -> list[Item]:
        value = parent.get(key)
        extra = parent.get(sibling)
        if value is None and extra is None:
            return []
        if type(value) is list or type(extra) is list:
            return _listed(value, extra, step, type_name)
        return [Item(value, extra if type(extra) is dict else None, step, type_name)]

    return read


def _listed(value: Any, extra: Any, step: str, type_name: str) -> list[Item]:
    values = value if type(value) is list else []
    extras = extra if type(extra) is list else []
    found = []
    for index in range(max(len(values), len(extras))):
        one = values[index] if index < len(values) else None
        beside = extras[index] if index < len(extras) else None
        if one is not None or beside is not None:
            kept = beside if type(beside) is dict else None
            found.append(Item(one, kept, f"{step}[{index}]", type_name))
    return found


def _choice(element: Element) -> Read:
    keys = tuple(element.choices.items())

    def read(parent: Mapping[str, Any]) -> list[Item]:
        for key, type_name in keys:
            value, extra = parent.get(key), parent.get("_" + key)
            if value is not None or extra is not None:
                step = f".{element.name}.ofType({type_name})"
                return [Item(value, extra if type(extra) is dict else None, step, type_name)]
        return []

    return read
