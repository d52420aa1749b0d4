"""Snapshots from differentials (R4 5.1.0.2, 5.1.0.12).

The base's tree is copied, and each element of the differential is laid over the place
it names: by its id where that is well formed, else by its path after what came before.
What lies below a data type, a profile on a type or a content reference is opened when
an element first goes there.
"""

from collections.abc import Callable, Mapping
from typing import Any

from trucyte.base.problem import Problem
from trucyte.fhir.packages.tree import Node, Own, walk

# Finds the children of a type: (type name, profiles of the type) -> element tree.
FindType = Callable[[str, tuple[str, ...]], Node | None]

_NEVER_MERGED = frozenset({"id", "path", "sliceName"})
_ELEMENTS_MAX = 20_000
_STEPS_MAX = 60


class BrokenProfile(Problem):
    """The profile {profile} constrains {path}, which its base does not have."""

    code = "profile-broken"


class ProfileTooLarge(Problem):
    """The snapshot of the profile {profile} grows beyond {size_max} elements."""

    code = "profile-too-large"


def snapshot(
    structure: Mapping[str, Any], base: Node, root: Node | None, find_type: FindType
) -> Node:
    """Lay a differential over a copy of `base`; `root` answers content references.

    Raises `BrokenProfile` where an element has no place.
    """
    tree = base.copy(base.path)
    merge = _Merge(structure.get("url", ""), tree, root or base, find_type)
    for element in structure.get("differential", {}).get("element", ()):
        merge.add(element)
    merge.close()
    return tree


class _Merge:
    """One differential on its way into one tree."""

    def __init__(self, url: str, tree: Node, root: Node, find_type: FindType) -> None:
        self._url = url
        self._tree = tree
        self._root = root
        self._find_type = find_type
        self._latest: dict[str, Node] = {}
        self._narrowed: dict[str, list[Mapping[str, Any]]] = {}
        self._size = 0

    def add(self, element: Mapping[str, Any]) -> None:
        path: str = element.get("path", "")
        steps = path.split(".")
        if len(steps) > _STEPS_MAX:
            raise BrokenProfile(profile=self._url, path=path[:100])
        if len(steps) == 1:
            node = self._tree
        else:
            node = self._by_id(element, steps) or self._by_path(element, path, steps)
        _lay(node.own, element)
        self._latest[path] = node

    def _by_id(self, element: Mapping[str, Any], steps: list[str]) -> Node | None:
        """Follow an id such as `Patient.identifier:cccd.value`, if it tells the path too."""
        parts = str(element.get("id", "")).split(".")
        if len(parts) != len(steps):
            return None
        pairs = [part.partition(":") for part in parts]
        last = element.get("sliceName", "")
        if pairs[-1][2] not in ("", last):
            return None
        if any(pair[0] != step for pair, step in zip(pairs[1:], steps[1:], strict=True)):
            return None
        node = self._tree
        for name, _, slice_name in pairs[1:-1]:
            node = self._child(node, name, slice_name)
        return self._child(node, steps[-1], last)

    def _by_path(self, element: Mapping[str, Any], path: str, steps: list[str]) -> Node:
        parent_path = path.rpartition(".")[0]
        parent = self._latest.get(parent_path)
        if parent is None:
            parent = self._tree
            for step in steps[1:-1]:
                parent = self._child(parent, step, "")
        return self._child(parent, steps[-1], element.get("sliceName", ""))

    # --- one step -----------------------------------------------------------------------

    def _child(self, node: Node, name: str, slice_name: str) -> Node:
        child = self._named(node, name)
        if child is None and not node.children:
            self._open(node)
            child = self._named(node, name)
        if child is None:
            raise BrokenProfile(profile=self._url, path=f"{node.path}.{name}")
        return self._sliced(child, slice_name) if slice_name else child

    def _named(self, node: Node, name: str) -> Node | None:
        child = node.children.get(name)
        if child is not None:
            return child
        for choice in node.children.values():
            stem = choice.name.removesuffix("[x]")
            if stem != choice.name and name.startswith(stem) and len(name) > len(stem):
                return self._typed(choice, name, name[len(stem) :])
        return None

    def _typed(self, choice: Node, name: str, type_name: str) -> Node:
        """Return the slice that `valueQuantity` is of `value[x]` (R4 5.1.0.7)."""
        made = choice.slices.get(name)
        if made is None:
            made = self._sliced(choice, name)
            wanted = {type_name, type_name[0].lower() + type_name[1:]}
            made.own["type"] = [one for one in choice.types if one.get("code") in wanted]
            # Named by its type alone, the choice is narrowed to the types so named.
            choice.own["slicing"] = {**_BY_TYPE, "rules": "closed"}
            self._narrowed.setdefault(choice.path, []).extend(made.types)
        return made

    def close(self) -> None:
        """Narrow the choices whose types were named, once all of them are known."""
        for path, types in self._narrowed.items():
            node: Node | None = self._tree
            for step in path.split(".")[1:]:
                node = None if node is None else node.children.get(step)
            if node is not None and path not in self._latest:
                node.own["type"] = types

    def _sliced(self, child: Node, slice_name: str) -> Node:
        """Return a slice, made where it is new; `a/b` is the slice b of the slice a."""
        first, _, rest = slice_name.partition("/")
        if rest and first in child.slices:
            return self._sliced(child.slices[first], rest)
        found = child.slices.get(slice_name)
        if found is None:
            found = child.slices[slice_name] = child.as_slice(slice_name)
            self._grow(sum(1 for _ in walk(found)))
            if child.name.endswith("[x]"):
                child.own.setdefault("slicing", dict(_BY_TYPE))
        return found

    def _open(self, node: Node) -> None:
        """Give an element the children of its type, its profile or its content reference."""
        for name, child in self._source(node).items():
            self._grow(sum(1 for _ in walk(child)))
            node.children[name] = child.copy(f"{node.path}.{name}")

    def _source(self, node: Node) -> Mapping[str, Node]:
        reference = node.own.get("contentReference")
        if reference:
            found: Node | None = self._root
            for step in reference.partition("#")[2].split(".")[1:]:
                found = None if found is None else found.children.get(step)
            return {} if found is None else found.children
        types = node.types
        if len(types) != 1:
            opened = self._find_type("Element", ())
        else:
            profiles = tuple(types[0].get("profile", ()))
            opened = self._find_type(types[0].get("code", ""), profiles)
        return {} if opened is None else opened.children

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > _ELEMENTS_MAX:
            raise ProfileTooLarge(profile=self._url, size_max=_ELEMENTS_MAX)


_BY_TYPE: Own = {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}


def _lay(own: Own, element: Mapping[str, Any]) -> None:
    """Lay one element of a differential over what was inherited."""
    for key, value in element.items():
        if key in _NEVER_MERGED:
            continue
        if key == "constraint":
            given = {rule.get("key") for rule in value}
            inherited = [rule for rule in own.get(key, ()) if rule.get("key") not in given]
            own[key] = [*inherited, *value]
        else:
            own[key] = value
