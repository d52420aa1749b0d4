"""Which parts of a resource are acts of signing: read from a table, `signing_acts.toml`."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

_FILE: Final = "signing_acts.toml"

Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: a kind of act."""

    name: str
    type: str
    signer: str
    each: str
    where: Mapping[str, Sequence[str]]
    moment: Sequence[str]
    is_now: bool
    basis: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Act:
    """Someone signs."""

    kind: Kind
    place: str  # as FHIRPath has it: "Composition.attester[0]"
    signer: Element  # a Reference
    moment: str  # date, dateTime or instant; "" where the resource is silent


@cache
def kinds() -> Mapping[str, Sequence[Kind]]:
    """Return the rows by resource type."""
    text = files("trucyte.shared.identity.registers").joinpath(_FILE).read_text(encoding="utf-8")
    found: dict[str, list[Kind]] = {}
    for row in tomllib.loads(text)["act"]:
        kind = Kind(
            name=row["name"],
            type=row["type"],
            signer=row["signer"],
            each=row.get("each", ""),
            where=row.get("where", {}),
            moment=row["moment"],
            is_now=row.get("now", False),
            basis=row["basis"],
            verified=row["verified"],
        )
        found.setdefault(kind.type, []).append(kind)
    return found


def acts_of(resource: Element) -> Sequence[Act]:
    """Return the acts of signing in a resource, those that name who signs."""
    rows = kinds().get(str(resource.get("resourceType", "")), ())
    return [act for kind in rows for act in _acts(kind, resource)]


def _acts(kind: Kind, resource: Element) -> Iterator[Act]:
    for place, element in _elements(kind, resource):
        signer = _at(kind.signer, element, resource) if kind.signer else element
        if isinstance(signer, Mapping) and _holds(kind, element, resource):
            moments = (_at(path, element, resource) for path in kind.moment)
            moment = next((one for one in moments if isinstance(one, str)), "")
            yield Act(kind, place, signer, moment)


def _elements(kind: Kind, resource: Element) -> Iterable[tuple[str, Element]]:
    if not kind.each:
        return [(f"{kind.type}.{kind.signer}", resource)]
    held = resource.get(kind.each)
    if isinstance(held, Mapping):
        return [(f"{kind.type}.{kind.each}", held)]
    listed = held if isinstance(held, list) else []
    return [
        (f"{kind.type}.{kind.each}[{place}]", one)
        for place, one in enumerate(listed)
        if isinstance(one, Mapping)
    ]


def _holds(kind: Kind, element: Element, resource: Element) -> bool:
    return all(_at(path, element, resource) in allowed for path, allowed in kind.where.items())


def _at(path: str, element: Element, resource: Element) -> object:
    return resource.get(path[1:]) if path.startswith("/") else element.get(path)
