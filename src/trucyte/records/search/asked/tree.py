"""What a search asks, as a tree: conditions, joined, negated, or asked of other resources."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from trucyte.fhir.search.parameters import Parameter
from trucyte.records.search.asked.leaf import Criterion


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold; what is absent does not hold."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference of the resource leads to one that meets the rest (R4 3.1.1.4.12)."""

    parameter: Parameter
    targets: tuple[tuple[str, "Node"], ...]  # the type referred to, and what it must meet


@dataclass(frozen=True, slots=True)
class Has:
    """A resource of another type refers to this one and meets the rest (R4 3.1.1.4.13)."""

    type: str  # that refers
    parameter: Parameter  # of that type: the reference
    part: "Node"


@dataclass(frozen=True, slots=True)
class Words:
    """Each of the words, folded, stands in the narrative, or anywhere in the resource."""

    in_narrative: bool
    alternatives: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The resource is an entry of one of these Lists."""

    lists: tuple[str, ...]  # their ids


Node: TypeAlias = Criterion | And | Or | Not | Chain | Has | Words | Listed


def nodes_below(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below."""
    match node:
        case And(parts) | Or(parts):
            yield from parts
        case Not(part) | Has(part=part):
            yield part
        case Chain(targets=targets):
            yield from (part for _, part in targets)


def every_node(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for below in nodes_below(node):
        yield from every_node(below)
