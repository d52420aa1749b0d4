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
    match node:
        case Criterion():
            if node.name == CENTRE and resource_type == "Patient":
                yield node.values[0].parts[0]
            elif _follows(resource_type, node):
                yield from (id_ for value in node.values if (id_ := _patient(node, value)))
        case And(parts) | Or(parts):
            for part in parts:
                yield from named(resource_type, part)
        case Not(part):
            yield from named(resource_type, part)
        case Chain(targets=targets):
            for target, part in targets:
                yield from named(target, part)
        case Has(type=kind, part=part):
            yield from named(kind, part)
        case _:
            return


def followed(resource_type: str, node: Node, circles: Circles) -> Node:
    """Return a condition that asks for all Patients of a circle where it names one."""
    match node:
        case Criterion():
            if node.name == CENTRE and resource_type == "Patient":
                return _centre(node, circles)
            return _criterion(node, circles) if _follows(resource_type, node) else node
        case And(parts):
            return And(tuple(followed(resource_type, part, circles) for part in parts))
        case Or(parts):
            return Or(tuple(followed(resource_type, part, circles) for part in parts))
        case Not(part):
            return Not(followed(resource_type, part, circles))
        case Chain(targets=targets):
            below = tuple((kind, followed(kind, part, circles)) for kind, part in targets)
            return replace(node, targets=below)
        case Has(type=kind, part=part):
            return replace(node, part=followed(kind, part, circles))
        case _:
            return node


def _follows(resource_type: str, node: Criterion) -> bool:
    parameter = node.parameter
    if parameter is None or resource_type in AS_SAID:
        return False
    return parameter.type == "reference" and node.modifier in _MODIFIERS


def _centre(node: Criterion, circles: Circles) -> Criterion:
    ids = circles.get(node.values[0].parts[0])
    return replace(node, values=tuple(Value(parts=(id_,)) for id_ in ids)) if ids else node


def _criterion(node: Criterion, circles: Circles) -> Criterion:
    values = dict.fromkeys(node.values)
    for value in node.values:
        for id_ in circles.get(_patient(node, value) or "", ()):
            values.setdefault(Value(parts=(f"Patient/{id_}",)))
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
    values.references += [
        (number, kind, other, *rest)
        for number, kind, id_, *rest in list(values.references)
        if kind == "Patient" and id_ in circles
        for other in circles[id_]
        if other != id_
    ]
