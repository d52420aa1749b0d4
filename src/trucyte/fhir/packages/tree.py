"""A profile as a tree: elements, their children and their slices.

A snapshot is a list whose order and ids carry the structure; differentials add to it in
places. A tree has the structure itself, so both walk it, and it gives the list back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Own = dict[str, Any]


@dataclass(slots=True, eq=False)
class Node:
    """One element or slice; built once, then only read."""

    name: str  # last segment of its path, "value[x]"
    path: str
    own: Own  # its ElementDefinition
    slice_name: str = ""  # "cccd"; of a slice in a slice its own part alone
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: dict[str, "Node"] = field(default_factory=dict)

    def copy(self, path: str) -> "Node":
        """Return a deep copy that lies at another path."""
        return Node(
            self.name,
            path,
            dict(self.own),
            self.slice_name,
            {n: child.copy(f"{path}.{n}") for n, child in self.children.items()},
            {n: one.copy(path) for n, one in self.slices.items()},
        )

    def as_slice(self, name: str) -> "Node":
        """Return a new slice of this element: all that holds for it, but not required."""
        own = {key: value for key, value in self.own.items() if key != "slicing"}
        children = {n: child.copy(f"{self.path}.{n}") for n, child in self.children.items()}
        return Node(self.name, self.path, {**own, "min": 0}, name, children)

    @property
    def types(self) -> list[Mapping[str, Any]]:
        """The types the element may have."""
        found: list[Mapping[str, Any]] = self.own.get("type", [])
        return found


def read_tree(elements: Iterable[Mapping[str, Any]]) -> Node:
    """Build the tree of a snapshot; elements whose parent is missing are left out."""
    latest: dict[str, Node] = {}
    root: Node | None = None
    for element in elements:
        path: str = element["path"]
        if root is None:
            root = latest[path] = Node(path, path, dict(element))
            continue
        parent = latest.get(path.rpartition(".")[0])
        if parent is not None:
            latest[path] = _placed(parent, path, dict(element))
    assert root is not None, "a snapshot has a root"
    return root


def _placed(parent: Node, path: str, own: Own) -> Node:
    name = path.rpartition(".")[2]
    slice_name = own.get("sliceName", "")
    node = Node(name, path, own)
    if not slice_name:
        parent.children[name] = node
        return node
    holder = parent.children.get(name)
    if holder is None:
        holder = parent.children[name] = Node(name, path, {**own, "min": 0})
    first, _, rest = slice_name.partition("/")
    while rest and first in holder.slices:
        holder, slice_name = holder.slices[first], rest
        first, _, rest = slice_name.partition("/")
    node.slice_name = slice_name
    holder.slices[slice_name] = node
    return node


def flatten(root: Node) -> list[Own]:
    """Return the tree as the element list of a snapshot, with paths and ids."""
    return list(_flat(root, root.name, root.name, ""))


def _flat(node: Node, path: str, id: str, slice_name: str) -> Iterator[Own]:
    own = {"id": id, "path": path}
    if slice_name:
        own["sliceName"] = slice_name
    kept = ("id", "path", "sliceName")
    yield {**own, **{key: value for key, value in node.own.items() if key not in kept}}
    for name, child in node.children.items():
        yield from _flat(child, f"{path}.{name}", f"{id}.{name}", "")
    for name, one in node.slices.items():
        whole = f"{slice_name}/{name}" if slice_name else name
        base = id.rpartition(":")[0] if slice_name else id
        yield from _flat(one, path, f"{base}:{whole}", whole)


def walk(node: Node) -> Iterator[Node]:
    """Yield every element and slice of the tree."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [*one.children.values(), *one.slices.values()]


# Gives the children of an element that has none of its own yet.
Expand = Callable[[Node], Mapping[str, Node]]
