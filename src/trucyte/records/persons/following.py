"""Following links: a search that names one Patient of a circle asks for all of them.

The tree of a search is rewritten, so the statement and the look at bodies both follow without
knowing of links. What is asked of Patients and Linkages themselves is taken as it is said:
there a reference means that resource and no other. `_links=exact` takes all so.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from trucyte.database.connect import Cursor
from trucyte.fhir.search.converters import split_reference
from trucyte.fhir.search.values import SearchValues
from trucyte.records.hashing import Hasher
from trucyte.records.persons.statements import QUERIES
from trucyte.records.search.asked.leaf import CENTRE, Criterion, Value
from trucyte.records.search.asked.tree import And, Chain, Has, Node, Not, Or

AS_SAID: Final = frozenset({"Patient", "Linkage"})  # their references are followed by nobody
_MODIFIERS: Final = frozenset({"", "Patient"})
_OWN: Final = 0

# By the id of a Patient of this node, the ids of all Patients of this node it is one person with.
Circles = Mapping[str, Sequence[str]]
NOBODY: Final[Circles] = {}


def named(resource_type: str, node: Node) -> Iterator[str]:
    """Yield the ids of the Patients whose links a condition on a type may follow."""
    if isinstance(node, Criterion):
        yield from _named_here(resource_type, node)
    for kind, part in _below(resource_type, node):
        yield from named(kind, part)


def _below(resource_type: str, node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the conditions below one, each with the type it is asked of."""
    match node:
        case And(parts) | Or(parts):
            yield from ((resource_type, part) for part in parts)
        case Not(part):
            yield resource_type, part
        case Chain(targets=targets):
            yield from targets
        case Has(type=kind, part=part):
            yield kind, part


def _named_here(resource_type: str, node: Criterion) -> Iterator[str]:
    if _is_centre(resource_type, node):
        yield from (value.parts[0] for value in node.values)
    elif _follows(resource_type, node):
        yield from (id_ for value in node.values if (id_ := _patient(node, value)))


def followed(resource_type: str, node: Node, circles: Circles) -> Node:
    """Return a condition that asks for all Patients of a circle where it names one."""
    below = tuple(followed(kind, part, circles) for kind, part in _below(resource_type, node))
    match node:
        case Criterion():
            return _criterion(resource_type, node, circles)
        case And() | Or():
            return replace(node, parts=below)
        case Not() | Has():
            return replace(node, part=below[0])
        case Chain(targets=targets):
            kinds = [kind for kind, _ in targets]
            return replace(node, targets=tuple(zip(kinds, below, strict=True)))
        case _:
            return node


def _is_centre(resource_type: str, node: Criterion) -> bool:
    return node.name == CENTRE and resource_type == "Patient"


def _follows(resource_type: str, node: Criterion) -> bool:
    parameter = node.parameter
    if parameter is None or resource_type in AS_SAID:
        return False
    return parameter.type == "reference" and node.modifier in _MODIFIERS


def _criterion(resource_type: str, node: Criterion, circles: Circles) -> Criterion:
    values = dict.fromkeys(node.values)
    if _is_centre(resource_type, node):
        for value in node.values:
            values |= dict.fromkeys(Value((id_,)) for id_ in circles.get(value.parts[0], ()))
    elif _follows(resource_type, node):
        for value in node.values:
            circle = circles.get(_patient(node, value) or "", ())
            values |= dict.fromkeys(Value((f"Patient/{id_}",)) for id_ in circle)
    return node if len(values) == len(node.values) else replace(node, values=tuple(values))


def _patient(node: Criterion, value: Value) -> str | None:
    """Return the id of the Patient that a value names, or may name."""
    kind, id_, url = split_reference(value.parts[0])
    if kind == "Patient":
        return id_
    assert node.parameter is not None
    is_bare = url is not None and kind is None and "/" not in url and ":" not in url
    targets = node.parameter.targets
    only = node.parameter.target_only
    may = only in (None, "Patient") and (not targets or "Patient" in targets)
    return url if is_bare and may else None


def circles_column(place: str) -> str:
    """Return the column that tells who is one person with the Patients at `place`.

    `place` stands for their hashed references; the column is "x y" for each y of x's circle.
    """
    return (
        "array(select own.id || ' ' || member.id from records.linked own"
        " join records.linked member on member.circle = own.circle"
        f" where own.reference = any({place}) and member.node = ''"
        " order by own.id, member.id)"
    )


def read_circles(pairs: Iterable[str] | None) -> dict[str, tuple[str, ...]]:
    """Read the column."""
    found: dict[str, list[str]] = {}
    for pair in pairs or ():
        id_, _, other = pair.partition(" ")
        found.setdefault(id_, []).append(other)
    return {id_: tuple(others) for id_, others in found.items()}


def references(hasher: Hasher, ids: Iterable[str]) -> list[int]:
    """Return the hashed references of Patients of this node."""
    return [hasher.reference(_OWN, "Patient", id_) for id_ in sorted(ids)]


def circles_of_ids(cursor: Cursor, hasher: Hasher, ids: Iterable[str]) -> Circles:
    """Ask for the circles of Patients of this node; those without links are left out."""
    wanted = references(hasher, set(ids))
    if not wanted:
        return NOBODY
    rows = cursor.execute(QUERIES.members_of_ids, {"references": wanted}).fetchall()
    return read_circles(f"{own} {id_}" for own, node, id_ in rows if not node)


def persons_with(cursor: Cursor, persons: Iterable[int]) -> list[int]:
    """Return person keys, and those of all who are one person with one of them."""
    rows = cursor.execute(QUERIES.persons_with, {"persons": list(persons)}).fetchall()
    return sorted(row[0] for row in rows)


def with_circles(values: SearchValues, circles: Circles) -> None:
    """Let the values of a version be met by what names another Patient of the circle."""
    for number, kind, id_, url, system, value in list(values.references):
        if kind == "Patient" and id_ is not None:
            others = [other for other in circles.get(id_, ()) if other != id_]
            values.references += [(number, kind, one, url, system, value) for one in others]
