"""Generate plain Python that takes search values out of one resource type.

The paths of all parameters are merged into one tree, so an element that several
parameters use is visited once. The result is a function over parsed JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import converters
from trucyte.fhir.search.definitions import ComponentDefinition, ParameterDefinition
from trucyte.fhir.search.expression import (
    As,
    Equal,
    Extension,
    FirstEntry,
    HasExtension,
    Key,
    NotSupported,
    Path,
    ResolvesTo,
    Step,
    parse,
)
from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.search.values import Json, SearchValues


class Extract(Protocol):
    """A generated function."""

    def __call__(self, out: SearchValues, resource: Json) -> None:
        """Append the values of `resource` to `out`."""
        ...


@dataclass(frozen=True, slots=True)
class _Get:
    """Read a key; loop where it is an array. Primitive arrays may hold nulls."""

    key: str
    many: bool
    nullable: bool


_Move = _Get | Equal | ResolvesTo | Extension | HasExtension


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path has come to: the moves in JSON, and the type of what is there."""

    moves: tuple[_Move, ...]
    type: str


@dataclass(slots=True)
class _Node:
    """A place in the tree of all paths."""

    children: dict[_Move, "_Node"] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def at(self, moves: Sequence[_Move]) -> "_Node":
        """Return the node behind `moves`, made where it is not there."""
        node = self
        for move in moves:
            node = node.children.setdefault(move, _Node())
        return node


class Generator:
    """Writes and compiles the extractor of one resource type."""

    def __init__(self, definitions: Definitions, resource_type: str) -> None:
        """Keep the definitions."""
        self._definitions = definitions
        self._type = resource_type
        self._functions: list[str] = []

    def source(
        self, parameters: Sequence[Parameter], defined: Mapping[str, ParameterDefinition]
    ) -> str:
        """Return the Python source; its function `extract` is the extractor."""
        root = _Node()
        for parameter in parameters:
            if not parameter.stored or parameter.is_by_path:
                continue
            if parameter.type == "composite":
                self._add_composite(root, parameter, defined[parameter.code].components)
            else:
                self._add_parameter(root, parameter)
        self._functions.append(_function("extract", root))
        return "\n\n".join(self._functions) + "\n"

    def ends(self, path: Path, kind: str) -> tuple[str, ...]:
        """Return the types a path of the resource ends at; raises NotSupported."""
        return tuple(end.type for end in self._walk(self._root(), path[1:], kind))

    def component_ends(self, component: ComponentDefinition, base: str) -> None:
        """Walk a component from a base of a type; raises NotSupported."""
        self._add_component(_Node(), _Node(), _Place((), base), component, 0)

    def _add_parameter(self, root: _Node, parameter: Parameter) -> None:
        if parameter.code == "deceased" and not parameter.is_custom:
            root.calls.append(f"deceased_token(out, {parameter.number}, {{v}})")
            return
        for path in parameter.paths:
            last = path[-1]
            if isinstance(last, FirstEntry):
                root.calls.append(f"first_entry(out, {parameter.number}, {{v}}, {last.type!r})")
            else:
                self._add_path(root, path[1:], self._root(), parameter.type, parameter.number)

    def _root(self) -> _Place:
        return _Place((), self._type)

    def _add_path(self, root: _Node, steps: Path, place: _Place, kind: str, number: int) -> None:
        known = converters.CONVERTERS[kind]
        for end in self._walk(place, steps, kind):
            if end.type in known:
                call = f"{known[end.type].__name__}(out, {number}, {{v}})"
                calls = root.at(end.moves).calls
                if call not in calls:
                    calls.append(call)

    def _add_composite(
        self, root: _Node, parameter: Parameter, components: Sequence[ComponentDefinition]
    ) -> None:
        """Values in pairs from a repeating element; the resource itself needs none."""
        for path in parameter.paths:
            if len(path) == 1 and parameter.components:
                continue
            for base in self._walk(self._root(), path[1:], "composite"):
                name = f"pairs_{parameter.number}_{len(self._functions)}"
                inner, whole = _Node(), _Node()
                for place, component in enumerate(components):
                    self._add_component(inner, whole, base, component, place)
                self._functions.append(_function(name, inner))
                self._functions.append(_function(name + "_resource", whole))
                root.at(base.moves).calls.append(
                    f"pair_up(out, {parameter.number}, {name}, {name}_resource, {{v}}, resource)"
                )

    def _add_component(
        self, inner: _Node, whole: _Node, base: _Place, component: ComponentDefinition, place: int
    ) -> None:
        if component.expression.startswith("%resource."):
            for path in parse(component.expression.removeprefix("%resource.")):
                self._add_path(whole, path, self._root(), component.type, place)
            return
        start = _Place((), base.type)
        for path in parse(component.expression):
            self._add_path(inner, path, start, component.type, place)

    def _walk(self, place: _Place, steps: Path, kind: str) -> list[_Place]:
        places = [place]
        for index, step in enumerate(steps):
            following = steps[index + 1] if index + 1 < len(steps) else None
            places = [p for here in places for p in self._step(here, step, following, kind)]
        return places

    def _step(self, place: _Place, step: Step, following: Step | None, kind: str) -> list[_Place]:
        match step:
            case Key(name):
                return self._children(place, name)
            case As(type_name):
                wanted = type_name[0].lower() + type_name[1:]
                same = place.type[0].lower() + place.type[1:] == wanted
                return [place] if same else []
            case Extension():
                moves = (*place.moves, step)
                types = tuple(converters.CONVERTERS.get(kind, ()))
                return [
                    _Place((*moves, _Get(_choice_key("value", t), False, False)), t) for t in types
                ]
            case Equal(name):
                if not self._is_one_text(place.type, name):
                    raise NotSupported(f"{place.type}.{name} = …")
                return [_Place((*place.moves, step), place.type)]
            case ResolvesTo() | HasExtension():
                return [_Place((*place.moves, step), place.type)]
            case FirstEntry():
                raise NotSupported("an entry of a Bundle")

    def _is_one_text(self, type_name: str, name: str) -> bool:
        """Whether the element is one string in JSON, which `=` compares as it is."""
        element = self._definitions.types[type_name].elements.get(name)
        return (
            element is not None
            and not element.is_array
            and not element.is_choice
            and element.types[0] in converters.STRINGS
        )

    def _children(self, place: _Place, name: str) -> list[_Place]:
        element = self._definitions.types[place.type].elements.get(name)
        if element is None:
            raise NotSupported(f"{place.type}.{name}")
        choices = element.choices or dict.fromkeys([name], element.types[0])
        return [
            _Place((*place.moves, _Get(key, element.is_array, _primitive(kind))), kind)
            for key, kind in choices.items()
        ]


def _choice_key(name: str, type_name: str) -> str:
    return name + type_name[0].upper() + type_name[1:]


def _primitive(type_name: str) -> bool:
    return type_name[0].islower()


def _function(name: str, root: _Node) -> str:
    lines = [f"def {name}(out, resource):"]
    _write(root, "resource", 1, lines)
    if len(lines) == 1:
        lines.append("    pass")
    return "\n".join(lines)


def _write(node: _Node, variable: str, depth: int, lines: list[str]) -> None:
    indent = "    " * depth
    lines.extend(indent + call.format(v=variable) for call in node.calls)
    inner = f"v{depth}"
    for move, child in node.children.items():
        head = _head(move, variable, inner)
        lines.extend(indent * (place == 0) + _deeper(depth, place) + line
                     for place, line in enumerate(head))  # fmt: skip
        new = variable if isinstance(move, Equal | ResolvesTo | HasExtension) else inner
        _write(child, new, depth + len([h for h in head if h.endswith(":")]), lines)


def _deeper(depth: int, place: int) -> str:
    return "" if place == 0 else "    " * (depth + place)


def _head(move: _Move, variable: str, inner: str) -> list[str]:
    """Return the lines that open a block where the child's value is `inner`."""
    match move:
        case _Get(key, many=True, nullable=nullable):
            loop = f"for {inner} in {variable}.get({key!r}, ()):"
            return [loop, f"if {inner} is not None:"] if nullable else [loop]
        case _Get(key):
            return [f"if ({inner} := {variable}.get({key!r})) is not None:"]
        case Equal(name, value):
            return [f"if {variable}.get({name!r}) == {value!r}:"]
        case ResolvesTo(type_name):
            return [f"if refers_to({variable}, {type_name!r}):"]
        case HasExtension(url):
            return [f"if any(x.get('url') == {url!r} for x in {variable}.get('extension', ())):"]
        case Extension(url):
            loop = f"for {inner} in {variable}.get('extension', ()):"
            return [loop, f"if {inner}.get('url') == {url!r}:"]
