"""The paths of discriminators: a small part of FHIRPath (R4 5.1.0.13)."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.tree import Node
from trucyte.fhir.profiles.items import holder_of, reader
from trucyte.fhir.profiles.scope import Item, Scope

_STEP = re.compile(r"(\$?\w+)(?:\(\s*(?:'([^']*)'|([\w.]+))?\s*\))?(?:\.|$)")


class Step(NamedTuple):
    """A name, or a function with its argument."""

    name: str
    argument: str = ""
    is_call: bool = False


def parse(path: str) -> tuple[Step, ...] | None:
    """Read a discriminator's path; None where it is none."""
    steps = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, text, word = found.groups()
        if name != "$this":
            steps.append(Step(name, text or word or "", "(" in found[0]))
        at = found.end()
    return tuple(steps)


def values_at(
    definitions: Definitions, item: Item, steps: Iterable[Step], scope: Scope
) -> list[Item]:
    """Follow a path through an instance."""
    items = [item]
    for step in steps:
        found: list[Item] = []
        for one in items:
            found += _stepped(definitions, one, step, scope)
        items = found
    return items


def _stepped(definitions: Definitions, item: Item, step: Step, scope: Scope) -> list[Item]:
    if step.name == "resolve":
        target = resolved(item.value, scope)
        return [] if target is None else [Item(target, None, "", kind_of(target))]
    if step.name in ("ofType", "as"):
        return [item] if item.type == step.argument or kind_of(item.value) == step.argument else []
    parent = item.value if type(item.value) is dict else item.extra
    if type(parent) is not dict:
        return []
    name = "extension" if step.name == "extension" and step.is_call else step.name
    type_name = kind_of(parent) or item.type
    read = reader(definitions, holder_of(definitions, type_name), name)
    found = [] if read is None else read(parent)
    if step.is_call and name == "extension":
        return [e for e in found if type(e.value) is dict and e.value.get("url") == step.argument]
    return found


def resolved(value: Any, scope: Scope) -> dict[str, Any] | None:
    """Return the resource that a Reference or canonical points to."""
    link = value.get("reference") if type(value) is dict else value
    return scope.resolve(link) if type(link) is str else None


def kind_of(value: Any) -> str:
    """Return the type a resource says it is, "" for what is none."""
    kind = value.get("resourceType") if type(value) is dict else None
    return kind if type(kind) is str else ""


def node_at(library: Library, node: Node, step: Step) -> Node | None:
    """Follow one step through a definition; data types and profiles open as needed."""
    if step.name == "resolve":
        return _target(library, node)
    if step.name in ("ofType", "as"):
        for one in node.slices.values():
            if any(given.get("code") == step.argument for given in one.types):
                return one
        return node
    if step.is_call and step.name == "extension":
        holder = child_of(library, node, "extension")
        for one in holder.slices.values() if holder is not None else ():
            if step.argument in profiles_of(one):
                return opened(library, one)
        return None
    return child_of(library, node, step.name)


def child_of(library: Library, node: Node, name: str) -> Node | None:
    """Return a child, where there is none yet that of the node's profile or type."""
    found = _named(node, name)
    if found is None:
        source = opened(library, node)
        found = None if source is None else _named(source, name)
    return found


def _named(node: Node, name: str) -> Node | None:
    found = node.children.get(name) or node.children.get(name + "[x]")
    if found is None or len(found.slices) != 1:
        return found
    # Of a choice the type that is meant; else a slice that must be there speaks for the element,
    # as in R4's blood pressure, where the code of a component lies in a slice of its codings.
    only = next(iter(found.slices.values()))
    return only if name + "[x]" in node.children or only.own.get("min") else found


def profiles_of(node: Node) -> list[str]:
    """Return the profiles on the types of an element, without versions."""
    return [url.partition("|")[0] for one in node.types for url in one.get("profile", ())]


def opened(library: Library, node: Node) -> Node | None:
    """Return the tree of an element's only profile, else of its only type."""
    types = node.types
    if len(types) != 1:
        return None
    profiles = types[0].get("profile", ())
    if len(profiles) == 1 and library.source(profiles[0]) is not None:
        return library.structure(profiles[0]).tree
    code = types[0].get("code", "")
    source = library.source("http://hl7.org/fhir/StructureDefinition/" + code)
    return None if source is None else library.type_structure(code).tree


def _target(library: Library, node: Node) -> Node | None:
    targets = [url for one in node.types for url in one.get("targetProfile", ())]
    if len(targets) != 1 or library.source(targets[0]) is None:
        return None
    return library.structure(targets[0]).tree
