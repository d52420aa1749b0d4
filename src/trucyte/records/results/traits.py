"""What a search asks, as it decides how it is answered: of how many, of what, by whom told."""

from collections.abc import Iterator, Sequence
from typing import Final

from trucyte.records.results.wishes import Total
from trucyte.records.search.asked.leaf import Criterion
from trucyte.records.search.asked.tree import And, Chain, Node, Not, Or, every_node
from trucyte.records.search.query import Query

# Tokens that name somebody or something; identifiers of all types, and how to reach a person.
_NAMING_TOKENS: Final = frozenset({"identifier", "phone", "email", "telecom"})

# What the index holds whole, and what it may hold of an element beside others.
_TOLD: Final = frozenset({"date", "number", "quantity"})
_TOLD_IN_PARTS: Final = _TOLD | {"token", "string"}
_MODIFIERS_OF_TEXTS: Final = frozenset({"", "contains", "ends", "equals"})
_FEW_LINES: Final = 5  # so few come along with their places


def named_numbers(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the parameters whose values a match needs, of those of the type itself."""
    numbers: set[int] = set()
    for node in nodes:
        for one in _own_nodes(node):
            parameter = one.parameter if isinstance(one, Criterion | Chain) else None
            if parameter is None:
                continue
            numbers.update(parameter.sources)
            numbers.update(c.source for c in parameter.components if c.source >= 0)
    return frozenset(numbers)


def _own_nodes(node: Node) -> Iterator[Node]:
    """Yield a node and those below it that are asked of the same resource."""
    yield node
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _own_nodes(part)
        case Not(part):
            yield from _own_nodes(part)


def is_told_by_index(node: Node) -> bool:
    """Say whether the index is trusted with a criterion, as counts trust it.

    Dates, numbers and folded texts are kept as they are. Codes and units are hashes of 64 bits
    under a key of the node's own: two that meet are not to be expected in the life of a node.
    What names a person or a thing by a hash is looked at again all the same, for there a wrong
    row would be of somebody else.
    """
    if not isinstance(node, Criterion):
        return False
    if node.type == "string":
        return node.modifier in _MODIFIERS_OF_TEXTS
    if node.modifier:
        return False
    if node.type == "composite" and node.parameter is not None:
        parts = (*node.parameter.components, *node.parameter.pairs)
        return all(part.type in _TOLD_IN_PARTS for part in parts)
    return node.type in _TOLD or (node.type == "token" and node.name not in _NAMING_TOKENS)


def are_several(criteria: Sequence[Node]) -> bool:
    """Say whether different things are asked: from and to of one date are not."""
    names = {one.name if isinstance(one, Criterion) else id(one) for one in criteria}
    return len(names) > 1


def is_several_statements(query: Query) -> bool:
    """Say whether links, totals or what comes along take statements of their own."""
    wishes = query.wishes
    if wishes.includes or (wishes.total is not Total.NONE and not wishes.only_count):
        return True
    return any(
        not isinstance(one, Criterion | And | Or | Not)
        for node in query.criteria
        for one in every_node(node)
    )


def brings_lines(query: Query) -> bool:
    """Say whether so few are asked for that another question would cost more than their lines."""
    return (
        query.wishes.count <= _FEW_LINES
        or query.is_by_id
        or any(
            isinstance(node, Criterion) and node.type == "token" and _names_few(node)
            for node in query.criteria
        )
    )


def is_few(query: Query) -> bool:
    """Say whether ids, persons or identifiers are named: few rows meet that."""
    return query.is_by_id or any(
        isinstance(node, Criterion) and _names_few(node) for node in query.criteria
    )


def _names_few(criterion: Criterion) -> bool:
    parameter = criterion.parameter
    if parameter is None or criterion.modifier not in ("", "Patient"):
        return False
    if parameter.type == "reference":
        only = parameter.target_only == "Patient" or parameter.targets == ("Patient",)
        return only or all(v.parts[0].startswith("Patient/") for v in criterion.values)
    if parameter.code != "identifier" or parameter.type != "token":
        return False
    return all(value.parts[-1] for value in criterion.values)
