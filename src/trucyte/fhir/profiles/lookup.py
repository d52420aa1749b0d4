"""Answers of profiles for FHIRPath: what belongs to a slice, how an element is defined."""

from collections.abc import Callable
from typing import Any, NamedTuple

from trucyte.base.problem import Problem
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.tree import Node as Defined
from trucyte.fhir.packages.tree import walk
from trucyte.fhir.path.model import Node
from trucyte.fhir.profiles.scope import Item, Run, Scope
from trucyte.fhir.profiles.slicing import Matches

Matcher = Callable[[Defined, Defined], Matches | None]
_KEPT_MAX = 1000


class _Slice(NamedTuple):
    """A slice by where it lies and what its members are told apart by."""

    parent: str  # path of the element that holds it: "Observation"
    name: str  # of the sliced element: "component"
    matches: Matches


class Lookup:
    """Looks definitions up for expressions; each slice is compiled once."""

    def __init__(self, library: Library, matcher: Matcher) -> None:
        """Keep the library; `matcher` makes the test of a slice."""
        self._library = library
        self._matcher = matcher
        self._slices: dict[tuple[str, str], _Slice | None] = {}

    def in_slice(self, node: Node, profile: str, name: str) -> list[Node] | None:
        """Return an element that belongs to a slice, or those of its children that do.

        None where the profile or the slice in it is unknown.
        """
        key = (profile, name)
        if key not in self._slices:
            if len(self._slices) > _KEPT_MAX:
                self._slices.clear()
            self._slices[key] = self._found(profile, name)
        wanted = self._slices[key]
        if wanted is None:
            return None
        scope = _scope(node)
        return [one for one in _candidates(node, wanted) if wanted.matches(_item(one), scope)]

    def element_definition(self, path: str) -> dict[str, Any] | None:
        """Return the ElementDefinition of a path in R4's types, without its prose."""
        root, *names = path.split(".")
        try:
            node: Defined | None = self._library.type_structure(root).tree
        except Problem:
            return None
        for name in names:
            node = None if node is None else node.children.get(name)
        return None if node is None else {"id": path, **node.own, "path": path}

    def _found(self, profile: str, name: str) -> _Slice | None:
        try:
            structure = self._library.structure(profile)
        except Problem:
            return None
        for holder in walk(structure.tree):
            one = holder.slices.get(name)
            if one is None:
                continue
            matches = self._matcher(holder, one)
            if matches is not None:
                parent = holder.path.rpartition(".")[0]
                return _Slice(parent, holder.name.removesuffix("[x]"), matches)
        return None


def _candidates(node: Node, wanted: _Slice) -> list[Node]:
    """Return the sliced elements below an element, or the element as one of them."""
    if wanted.parent in (node.kind.path, node.kind.name):
        found: list[Node] = []
        read = node.kind.readers[wanted.name]
        if read is not None:
            read(node, found)
        return found
    return [node]


def _item(node: Node) -> Item:
    return Item(node.value, node.sibling, "", node.kind.name)


def _scope(node: Node) -> Scope:
    around = node if node.kind.is_resource or node.owner is None else node.owner
    outer = around.owner or around
    return Scope(around.value, outer.value, Run(is_sound=False))
