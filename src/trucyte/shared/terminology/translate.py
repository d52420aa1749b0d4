"""From one code to another by a ConceptMap (R4 4.10), both ways."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from trucyte.shared.terminology.answers import Match

Json = Mapping[str, Any]

# What a relation is called when it is read from the target's side.
_REVERSED: Final = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}


def matches(resource: Json, system: str, code: str, *, reverse: bool) -> Iterator[Match]:
    """Give what a code becomes, in the order of the map; read backwards where asked."""
    for group in resource.get("group", ()):
        source, target = group.get("source", ""), group.get("target", "")
        if system and system != (target if reverse else source):
            continue
        if reverse:
            yield from _backwards(group, source, code)
        else:
            yield from _forwards(group, source, target, code)


def _forwards(group: Json, source: str, target: str, code: str) -> Iterator[Match]:
    found = False
    for element in group.get("element", ()):
        if element.get("code") != code:
            continue
        found = True
        for to in element.get("target", ()):
            yield _match(target, to)
    if not found and "unmapped" in group:
        yield from _unmapped(group["unmapped"], source, target, code)


def _backwards(group: Json, source: str, code: str) -> Iterator[Match]:
    for element in group.get("element", ()):
        for to in element.get("target", ()):
            if to.get("code") == code and "code" in element:
                relation = to.get("equivalence", "relatedto")
                yield Match(
                    _REVERSED.get(relation, relation),
                    source,
                    element["code"],
                    element.get("display", ""),
                    to.get("comment", ""),
                )


def _unmapped(unmapped: Json, source: str, target: str, code: str) -> Iterable[Match]:
    mode = unmapped.get("mode")
    if mode == "provided":
        return [Match("inexact", target or source, code)]
    if mode == "fixed" and "code" in unmapped:
        return [Match("inexact", target, unmapped["code"], unmapped.get("display", ""))]
    return []


def _match(system: str, to: Json) -> Match:
    return Match(
        to.get("equivalence", "relatedto"),
        system,
        to.get("code", ""),
        to.get("display", ""),
        to.get("comment", ""),
    )
