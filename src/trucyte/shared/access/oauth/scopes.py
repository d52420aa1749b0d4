"""SMART scopes as grants: what an application may do, at most (SMART App Launch 2.2).

`patient/Observation.rs?category=laboratory` is v2; `patient/Observation.read` is v1 and is
read as what v2 says of it. A scope narrows what an account may and never widens it: two
sets of grants meet, they are never joined.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, quote

from trucyte.fhir.types import RESOURCE_TYPES as ALL_TYPES
from trucyte.records.access import Access, Grant

Context = Literal["patient", "user", "system"]
LETTERS: Final = "cruds"
SCOPES_MAX: Final = 64
LENGTH_MAX: Final = 4096
# What is no resource's: of OpenID Connect and of SMART's launch.
RESOURCE_TYPES: Final = frozenset(ALL_TYPES)
PLAIN: Final = frozenset(
    {
        "openid",
        "profile",
        "fhirUser",
        "launch",
        "launch/patient",
        "launch/encounter",
        "offline_access",
        "online_access",
    }
)
INTROSPECT: Final = "introspect"  # of a resource server that asks about all tokens
_V1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE: Final = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,40})"
    r"\.(?P<what>\*|[a-z]{1,8})(?:\?(?P<query>[\x21\x23-\x5b\x5d-\x7e]{1,256}))?"
)
# A parameter of the index, without chain or modifier: what a grant is narrowed by.
_PARAMETER: Final = re.compile(r"_?[a-z][a-z-]{0,40}")


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope of resources, its letters in the order of "cruds"."""

    context: Context
    type: str  # "*": every type
    letters: str
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        pairs = "&".join(f"{name}={quote(value, safe='|:/')}" for name, value in self.query)
        return f"{self.context}/{self.type}.{self.letters}" + (f"?{pairs}" if pairs else "")

    @property
    def grant(self) -> Grant:
        """What it grants."""
        types = None if self.type == "*" else frozenset({self.type})
        return Grant(types, frozenset(self.letters), self.query)


def read_scope(text: str) -> Scope | None:
    """Return a scope of resources, None for what is none or is not well formed."""
    found = _SCOPE.fullmatch(text)
    if found is None or (found["type"] != "*" and found["type"] not in RESOURCE_TYPES):
        return None
    letters = _V1.get(found["what"], found["what"])
    # v2 wants the letters each once and in their order: "rs", never "sr".
    if not letters or letters != "".join(one for one in LETTERS if one in letters):
        return None
    query = _read_query(found["query"])
    if query is None or (query and found["what"] in _V1):  # v1 knows no queries
        return None
    context: Context = found["context"]  # type: ignore[assignment] # as the pattern says
    return Scope(context, found["type"], letters, query)


def _read_query(text: str | None) -> tuple[tuple[str, str], ...] | None:
    if text is None:
        return ()
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=8)
    except ValueError:
        return None
    fine = all(_PARAMETER.fullmatch(name) and value for name, value in pairs)
    return tuple(sorted(set(pairs))) if fine else None


def words_of(text: str) -> tuple[str, ...] | None:
    """Return the scopes of a parameter, each once; None where there are too many."""
    if len(text) > LENGTH_MAX:
        return None
    words = tuple(dict.fromkeys(text.split(" ")))
    return tuple(one for one in words if one) if len(words) <= SCOPES_MAX else None


def granted(asked: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Return what is left of the scopes asked for within those allowed, in their order.

    A scope that is wider than what is allowed is cut down to it; what is unknown falls away.
    """
    known = tuple(allowed)
    most = [scope for scope in map(read_scope, known) if scope is not None]
    plain = set(known) - {INTROSPECT}
    found: dict[str, None] = {}
    for word in asked:
        scope = read_scope(word)
        if scope is None:
            if word in plain:
                found[word] = None
            continue
        met = [one for one in (meet(scope, other) for other in most) if one is not None]
        widest = [
            one for one in met if not any(other != one and _covers(other, one) for other in met)
        ]
        found |= dict.fromkeys(map(str, widest))
    return tuple(found)


def _covers(one: Scope, other: Scope) -> bool:
    """Say whether a scope allows all that another does."""
    return meet(one, other) == other


def meet(one: Scope, other: Scope) -> Scope | None:
    """Return what two scopes both allow; None where that is nothing."""
    if one.context != other.context:
        return None
    letters = "".join(letter for letter in one.letters if letter in other.letters)
    types = {one.type, other.type} - {"*"}
    if not letters or len(types) > 1:
        return None
    query = tuple(sorted({*one.query, *other.query}))
    return replace(one, type=next(iter(types), "*"), letters=letters, query=query)


def scopes_in(words: Iterable[str]) -> list[Scope]:
    """Return the scopes of resources among words."""
    return [scope for scope in map(read_scope, words) if scope is not None]


def grants_of(words: Iterable[str]) -> tuple[Grant, ...]:
    """Return what the scopes of a token grant."""
    return tuple(scope.grant for scope in scopes_in(words))


def needs_patient(words: Iterable[str]) -> bool:
    """Say whether scopes are of one patient, who must be known before they are given."""
    known = tuple(words)
    return "launch/patient" in known or any(one.context == "patient" for one in scopes_in(known))


def narrowed(access: Access, words: Sequence[str], patient: frozenset[int] | None) -> Access:
    """Return an access within the scopes of a token; it never sees or does more than before.

    Where a scope is of the patient, everything of persons is of that patient alone: `patient`
    are the person's keys, circles added. None where no patient is in the token.
    """
    grants = met_grants(access.grants, grants_of(words))
    if not any(one.context == "patient" for one in scopes_in(words)):
        return replace(access, grants=grants)
    persons = patient or frozenset()
    if access.persons is not None:
        persons &= access.persons
    return replace(access, grants=grants, persons=persons)


def met_grants(may: Sequence[Grant] | None, asked: Sequence[Grant]) -> tuple[Grant, ...]:
    """Return what both sets of grants allow; None stands for everything."""
    if may is None:
        return tuple(asked)
    found = (_met_grant(one, other) for one in may for other in asked)
    return tuple(dict.fromkeys(grant for grant in found if grant is not None))


def _met_grant(one: Grant, other: Grant) -> Grant | None:
    if one.types is None or other.types is None:
        types = other.types if one.types is None else one.types
    else:
        types = one.types & other.types
    letters = one.letters & other.letters
    if not letters or types == frozenset():
        return None
    return Grant(types, letters, tuple(sorted({*one.query, *other.query})))
