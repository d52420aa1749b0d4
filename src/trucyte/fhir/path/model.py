"""Elements of FHIR as FHIRPath walks them: JSON with its type beside it.

A `Node` is an element: its JSON value, its `Kind` (type), for a primitive the object of
its id and extensions, and the resource that holds it. Kinds read their children by
functions made when a name is first asked for, so a step of a path is one look-up.
What has no definition is walked by what the JSON itself shows.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from trucyte.fhir.definitions import Definitions, Element
from trucyte.fhir.path.moment import DATE, DATE_TIME, TIME, read
from trucyte.fhir.path.quantity import Quantity

UCUM = "http://unitsofmeasure.org"
_SCALARS = frozenset({str, int, bool, Decimal, float})
_MOMENTS = {"date": DATE, "dateTime": DATE_TIME, "instant": DATE_TIME, "time": TIME}
_SYSTEM = {
    "boolean": "Boolean", "integer": "Integer", "positiveInt": "Integer",
    "unsignedInt": "Integer", "decimal": "Decimal", "date": "Date", "dateTime": "DateTime",
    "instant": "DateTime", "time": "Time", "Quantity": "Quantity",
}  # fmt: skip

Reader = Callable[["Node", list[Any]], None]
Convert = Callable[["Node"], Any]


class Node:
    """An element of a resource, or the resource."""

    __slots__ = ("kind", "owner", "sibling", "value")

    def __init__(
        self,
        value: Any,
        kind: "Kind",
        sibling: dict[str, Any] | None = None,
        owner: "Node | None" = None,
    ) -> None:
        """Keep a value (None where a primitive has only extensions) with its type."""
        self.value = value
        self.kind = kind
        self.sibling = sibling
        self.owner = owner  # the resource around it, None at the top

    def __repr__(self) -> str:
        return f"Node({self.kind.name})"


class _Readers(dict[str, Reader | None]):
    """Readers of children by element name, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], Reader | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Reader | None:
        made = self._make(name)
        # Names out of hostile expressions must not pile up.
        if made is not None or len(self) < 1000:
            self[name] = made
        return made


class Kind:
    """A type of FHIR."""

    __slots__ = (
        "ancestors", "convert", "is_primitive", "is_resource", "name", "names", "path", "readers",
    )  # fmt: skip

    def __init__(
        self, name: str, ancestors: frozenset[str], *, is_primitive: bool, is_resource: bool
    ) -> None:
        """Describe a type; the model adds how its children are read."""
        self.name = name
        self.ancestors = ancestors  # itself included
        self.is_primitive = is_primitive
        self.is_resource = is_resource
        self.convert: Convert = _converter(name, ancestors, is_primitive=is_primitive)
        self.readers: Mapping[str, Reader | None] = {}
        self.names: Mapping[str, str] | None = {}  # JSON key to element name; None: any
        self.path = name  # of the element's definition, such as `Patient.name`

    def at(self, path: str) -> "Kind":
        """Return the type as the type of the element that is defined at `path`."""
        placed = copy(self)
        placed.path = path
        return placed


class Model:
    """The types of one package, as nodes are walked by."""

    def __init__(self, definitions: Definitions) -> None:
        """Keep the definitions; a type is prepared when it is first met."""
        self.definitions = definitions
        self._kinds: dict[str, Kind] = {}
        self._primitive_of: dict[type, str] = {
            str: "string", bool: "boolean", int: "integer", Decimal: "decimal", float: "decimal",
        }  # fmt: skip

    def kind(self, name: str) -> Kind:
        """Return a type by its name in the definitions; an unknown one is walked as it comes."""
        found = self._kinds.get(name)
        if found is None:
            found = self._make(name)
            if name in self.definitions.types or len(self._kinds) < 2000:
                self._kinds[name] = found
        return found

    def resource(self, value: dict[str, Any], owner: Node | None = None) -> Node:
        """Return the node of a resource in parsed JSON; what is no object is an empty one."""
        if value.__class__ is not dict:
            return Node({}, self.kind("Unknown"), None, owner)
        name = value.get("resourceType")
        kind = self.kind(name if type(name) is str else "Resource")
        # What calls itself a data type is walked as it comes.
        return Node(value, kind if kind.is_resource else self.kind("Unknown"), None, owner)

    def element(
        self,
        value: Any,
        type_name: str,
        sibling: dict[str, Any] | None = None,
        owner: Node | None = None,
    ) -> Node:
        """Return the node of an element whose type the caller knows.

        JSON that cannot be of the type, such as a null among objects, is an empty element.
        """
        kind = self.kind(type_name)
        if kind.is_primitive:
            value = value if value.__class__ in _SCALARS else None
        elif value.__class__ is not dict:
            value = {}
        return Node(value, kind, sibling if sibling.__class__ is dict else None, owner)

    def _make(self, name: str) -> Kind:
        definition = self.definitions.types.get(name)
        if definition is None:
            kind = Kind(name, frozenset({name}), is_primitive=False, is_resource=True)
            kind.readers = _Readers(self._guessed)
            kind.names = None
            return kind
        kind = Kind(
            name,
            frozenset({name, *self.definitions.bases(name)}),
            is_primitive=definition.kind == "primitive-type",
            is_resource=definition.kind == "resource",
        )
        if kind.is_primitive:
            kind.names = {"id": "id", "extension": "extension"}
        else:
            kind.names = {key: element.name for key, (element, _) in definition.keys.items()}
        kind.readers = _Readers(lambda child: self._reader(kind, definition.elements.get(child)))
        return kind

    def _reader(self, kind: Kind, element: Element | None) -> Reader | None:
        if element is None or (kind.is_primitive and element.name == "value"):
            return None
        if kind.is_primitive:
            return _sibling_reader(element.name, self.kind(element.types[0]).at(element.path))
        if element.is_choice:
            return self._choice_reader(element, kind.is_resource)
        child = self.kind(element.types[0]).at(element.path)
        if child.is_primitive:
            return _primitive_reader(element.name, child, kind.is_resource)
        if child.name in ("Resource", "DomainResource"):
            return self._resource_reader(element.name, kind.is_resource)
        return _complex_reader(element.name, child, kind.is_resource)

    def _choice_reader(self, element: Element, owns: bool) -> Reader:
        readers: dict[str, Reader] = {}
        for key, name in element.choices.items():
            child = self.kind(name).at(element.path)
            make = _primitive_reader if child.is_primitive else _complex_reader
            readers[key] = make(key, child, owns)
            if child.is_primitive:
                readers["_" + key] = _alone(key, readers[key])

        def read_choice(node: Node, out: list[Any]) -> None:
            for key in node.value:
                read_key = readers.get(key)
                if read_key is not None:
                    read_key(node, out)

        return read_choice

    def _resource_reader(self, key: str, owns: bool) -> Reader:
        def read_resources(node: Node, out: list[Any]) -> None:
            value = node.value.get(key)
            if value is None:
                return
            owner = node if owns else node.owner
            for one in value if value.__class__ is list else (value,):
                if one.__class__ is dict:
                    out.append(self.resource(one, owner))

        return read_resources

    def _guessed(self, name: str) -> Reader:
        """Read a child of something without a definition."""

        def read_guessed(node: Node, out: list[Any]) -> None:
            value = node.value.get(name)
            for one in value if value.__class__ is list else (value,):
                if one.__class__ is dict:
                    kind = "Resource" if "resourceType" in one else "Unknown"
                    out.append(self.resource(one, node) if kind == "Resource"
                               else Node(one, self.kind(kind), None, node))  # fmt: skip
                elif one.__class__ in _SCALARS:
                    out.append(Node(one, self.kind(self._primitive_of[one.__class__]), None, node))

        return read_guessed


def _alone(key: str, read_key: Reader) -> Reader:
    """Read `_key` where `key` itself, which would read both, is not there."""

    def read_alone(node: Node, out: list[Any]) -> None:
        if key not in node.value:
            read_key(node, out)

    return read_alone


def _complex_reader(key: str, kind: Kind, owns: bool) -> Reader:
    def read_complex(node: Node, out: list[Any]) -> None:
        value = node.value.get(key)
        if value is None:
            return
        owner = node if owns else node.owner
        if value.__class__ is dict:
            out.append(Node(value, kind, None, owner))
        elif value.__class__ is list:
            out.extend([Node(one, kind, None, owner) for one in value if one.__class__ is dict])

    return read_complex


def _primitive_reader(key: str, kind: Kind, owns: bool) -> Reader:
    sibling_key = "_" + key

    def read_primitive(node: Node, out: list[Any]) -> None:
        source = node.value
        value = source.get(key)
        sibling = source.get(sibling_key)
        owner = node if owns else node.owner
        if value.__class__ is list or sibling.__class__ is list:
            _read_many(value, sibling, kind, owner, out)
        elif value.__class__ in _SCALARS:
            if sibling.__class__ is not dict:
                sibling = None
            out.append(Node(value, kind, sibling, owner))
        elif sibling.__class__ is dict and sibling:
            out.append(Node(None, kind, sibling, owner))

    return read_primitive


def _read_many(value: Any, sibling: Any, kind: Kind, owner: Node | None, out: list[Any]) -> None:
    values = value if value.__class__ is list else [value]
    siblings = sibling if sibling.__class__ is list else [sibling]
    for place in range(max(len(values), len(siblings))):
        one = values[place] if place < len(values) else None
        beside = siblings[place] if place < len(siblings) else None
        beside = beside if beside.__class__ is dict and beside else None
        if one.__class__ in _SCALARS:
            out.append(Node(one, kind, beside, owner))
        elif beside is not None:
            out.append(Node(None, kind, beside, owner))


def _sibling_reader(key: str, kind: Kind) -> Reader:
    """Read the id or the extensions of a primitive."""

    def read_beside(node: Node, out: list[Any]) -> None:
        if node.sibling is None:
            return
        value = node.sibling.get(key)
        if key == "id":
            if value.__class__ is str:
                out.append(Node(value, kind, None, node.owner))
        elif value.__class__ is list:
            out.extend([Node(o, kind, None, node.owner) for o in value if o.__class__ is dict])

    return read_beside


def children(node: Node) -> list[Node]:
    """Return all children of an element, in the order of its JSON."""
    found: list[Node] = []
    kind = node.kind
    source = node.sibling if kind.is_primitive else node.value
    if not source:
        return found
    seen = set()
    for key in source:
        name = _element_name(kind, key)
        if name is None or name in seen:
            continue
        seen.add(name)
        read_name = kind.readers[name]
        if read_name is not None:
            read_name(node, found)
    return found


def _element_name(kind: Kind, key: str) -> str | None:
    if kind.names is None:
        return None if key == "resourceType" or key.startswith("_") else key
    name = kind.names.get(key)
    if name is None and key.startswith("_"):
        name = kind.names.get(key[1:])
    return name


def descendants(node: Node) -> Iterator[Node]:
    """Walk all elements below a node, parents first."""
    waiting = [iter(children(node))]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            continue
        yield child
        below = children(child)
        if below:
            waiting.append(iter(below))


# --- From FHIR's primitives to the values of the language -------------------------------


def _converter(name: str, ancestors: frozenset[str], *, is_primitive: bool) -> Convert:
    if "Quantity" in ancestors:
        return _quantity
    if name in _MOMENTS:
        return _moment(_MOMENTS[name])
    if not is_primitive:
        return _itself
    system = _SYSTEM.get(name)
    if system == "Decimal":
        return _decimal
    return _scalar


def _itself(node: Node) -> Any:
    return node


def _scalar(node: Node) -> Any:
    value = node.value
    return Decimal(repr(value)) if value.__class__ is float else value


def _decimal(node: Node) -> Any:
    value = node.value
    if value.__class__ is int:
        return Decimal(value)
    return Decimal(repr(value)) if value.__class__ is float else value


def _moment(type: str) -> Convert:
    def convert(node: Node) -> Any:
        value = node.value
        if value.__class__ is str:
            moment = read(value, type)
            return value if moment is None else moment
        return value

    return convert


def _quantity(node: Node) -> Any:
    """Read a Quantity; with a comparator it is no number, and stays an element."""
    source = node.value
    if source.__class__ is not dict:
        return node
    value, system = source.get("value"), source.get("system")
    if value.__class__ is not Decimal:
        if value.__class__ not in (int, float):
            return node
        value = Decimal(repr(value))
    if source.get("comparator") is not None or not value.is_finite():
        return node
    if system is not None and system != UCUM:
        return Quantity(value, str(source.get("code", "")), str(system))
    unit = source.get("code") or source.get("unit") or "1"
    return Quantity(value, str(unit))


def system_type(kind: Kind) -> str | None:
    """Return the type of the language that a FHIR type is converted to."""
    if "Quantity" in kind.ancestors:
        return "Quantity"
    if not kind.is_primitive:
        return None
    return _SYSTEM.get(kind.name, "String")
