"""Arithmetic of grants: what two let through together, what is left when some is taken.

Scopes of a token are grants too (SMART App Launch v2, "Scopes for requesting FHIR
Resources"), so a scope can only narrow.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import Grant

ALL_TYPES: Final = frozenset(TYPE_NUMBERS)
_SCOPE: Final = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{2,63})"
    r"\.(?:(?P<letters>c?r?u?d?s?)|(?P<old>read|write|\*))(?:\?(?P<query>[^#?]{1,1000}))?"
)
_OLD: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_CONTEXTS: Final = {
    "staff": frozenset({"user", "patient"}),
    "citizen": frozenset({"user", "patient"}),
    "system": frozenset({"system"}),
}


def together(one: Grant, other: Grant) -> Grant | None:
    """Return what both let through, None where that is nothing."""
    if one.types is None or other.types is None:
        types = other.types if one.types is None else one.types
    else:
        types = one.types & other.types
    letters = one.letters & other.letters
    if not letters or types == frozenset():
        return None
    # Asked for twice is asked for once; what differs must both hold.
    query = tuple(dict.fromkeys((*one.query, *other.query)))
    return Grant(types, letters, query)


def narrowed(grants: Sequence[Grant], by: Sequence[Grant]) -> tuple[Grant, ...]:
    """Return what `grants` let through that `by` lets through as well."""
    both = (together(grant, other) for grant in grants for other in by)
    return tuple(dict.fromkeys(grant for grant in both if grant is not None))


def without(
    grants: Iterable[Grant], types: frozenset[str], letters: frozenset[str]
) -> tuple[Grant, ...]:
    """Return `grants` without some letters of some types."""
    return tuple(left for grant in grants for left in _parts(grant, types, letters))


def _parts(grant: Grant, types: frozenset[str], letters: frozenset[str]) -> Iterable[Grant]:
    if not grant.letters & letters:
        yield grant
        return
    own = ALL_TYPES if grant.types is None else grant.types
    if not own & types:
        yield grant
        return
    if own - types:
        yield Grant(own - types, grant.letters, grant.query)
    if grant.letters - letters:
        yield Grant(own & types, grant.letters - letters, grant.query)


@dataclass(frozen=True, slots=True)
class Scoped:
    """What the scopes of a token let through."""

    grants: tuple[Grant, ...]
    is_of_patient: bool  # of the person of the launch alone


def read_scopes(scopes: Sequence[str], kind: str) -> Scoped:
    """Read SMART scopes, of version 1 and 2; those of another context give nothing.

    One `patient/` scope among others keeps the whole token to that person: an access has one
    circle of persons, and the narrower is the safe one.
    """
    contexts = _CONTEXTS.get(kind, frozenset())
    found = [(told, grant) for told in scopes for grant in (_grant(told, contexts),) if grant]
    is_of_patient = any(told.startswith("patient/") for told, _ in found)
    return Scoped(tuple(dict.fromkeys(grant for _, grant in found)), is_of_patient)


def _grant(scope: str, contexts: frozenset[str]) -> Grant | None:
    """Return a scope as a grant; None where it is none of ours."""
    read = _SCOPE.fullmatch(scope)
    if read is None or read["context"] not in contexts:
        return None
    letters = frozenset(read["letters"] or _OLD.get(read["old"] or "", ""))
    if not letters or (read["type"] != "*" and read["type"] not in TYPE_NUMBERS):
        return None
    types = None if read["type"] == "*" else frozenset({read["type"]})
    if not read["query"]:
        return Grant(types, letters)
    try:
        query = parse_qsl(read["query"], keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None  # a narrowing that cannot be read must not become none at all
    return Grant(types, letters, tuple(query))
