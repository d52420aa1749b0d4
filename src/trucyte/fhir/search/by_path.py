"""Search values by the full language, for parameters that generated code does not read.

R4's own need none of it; parameters of users may be written in any FHIRPath. What an
expression cannot say of a resource gives no value: a resource is accepted all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trucyte.fhir.path.environment import NO_ENVIRONMENT, Environment
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Path
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.search.converters import CONVERTERS, split_reference
from trucyte.fhir.search.values import SearchValues

# Items one expression may look at in one resource: the index is made before every commit.
WORK_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class PathComponent:
    """One component of a composite, compiled; `of_resource` begins at the whole resource."""

    type: str
    path: Path
    of_resource: bool


Add = Callable[[SearchValues, Node, Environment], None]


class _ByName:
    """Resolves a reference to what its text says: a type and an id."""

    def resolve(self, reference: str) -> dict[str, Any] | None:
        """Return a resource of that type without content; None where the text names none."""
        kind, id_, _ = split_reference(reference)
        return None if kind is None else {"resourceType": kind, "id": id_ or ""}


def index_environment(resource: Node) -> Environment:
    """Return what expressions see when the index is made: the resource, and nothing outside."""
    return Environment(
        resource=resource, root_resource=resource, resolver=_ByName(), work_max=WORK_MAX
    )


def add_values_by_path(
    out: SearchValues,
    number: int,
    kind: str,
    path: Path,
    resource: Node,
    environment: Environment = NO_ENVIRONMENT,
) -> None:
    """Append what `path` finds in a resource as values of parameter `number`.

    `kind` is the parameter's type ("token", "reference" …). A resource where a
    reference is searched is found by its type and id. Raises as `Path.evaluate` does.
    """
    for item in path.evaluate(resource, environment):
        _add(out, number, kind, item)


def parameter_by_path(number: int, kind: str, path: Path) -> Add:
    """Return what adds a parameter's values; a resource it fails on has none."""

    def add(out: SearchValues, resource: Node, environment: Environment) -> None:
        found = SearchValues()
        try:
            add_values_by_path(found, number, kind, path, resource, environment)
        except PathProblem:
            return
        out.extend(found)

    return add


def composite_by_path(number: int, base: Path, components: Sequence[PathComponent]) -> Add:
    """Return what adds a composite's values, those of one element together."""

    def add(out: SearchValues, resource: Node, environment: Environment) -> None:
        try:
            made = [
                (number, _pairs(node, resource, components, environment))
                for node in base.evaluate(resource, environment)
                if isinstance(node, Node) and node.value is not None
            ]
        except PathProblem:
            return
        out.composites.extend(made)

    return add


def _pairs(
    node: Node, resource: Node, components: Sequence[PathComponent], environment: Environment
) -> SearchValues:
    pairs = SearchValues()
    for place, component in enumerate(components):
        start = resource if component.of_resource else node
        add_values_by_path(pairs, place, component.type, component.path, start, environment)
    return pairs


def _add(out: SearchValues, number: int, kind: str, item: Any) -> None:
    """Append one item: an element by its type, a value of the language by its own."""
    if not isinstance(item, Node):
        system_type = _SYSTEM_TYPES.get(type(item))
        converter = CONVERTERS[kind].get(system_type) if system_type else None
        if converter is not None:
            converter(out, number, item)
    elif item.value is None:
        return
    elif item.kind.is_resource and kind == "reference" and "id" in item.value:
        out.references.append((number, item.kind.name, item.value["id"], None, None, None))
    elif item.kind.name in CONVERTERS[kind]:
        CONVERTERS[kind][item.kind.name](out, number, item.value)


_SYSTEM_TYPES = {bool: "boolean", int: "integer", str: "string"}
