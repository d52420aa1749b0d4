"""From ValueSet.compose to members (R4 4.9.5).

Includes are united, excludes taken away; within one of them everything narrows: system
with its codes or filters, and each value set. A value set that rests on a code system
this node does not have is refused by name, unless it lists its codes itself.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import chain
from typing import Any, Final, Protocol

from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.filters import filtered
from trucyte.shared.terminology.members import Member, Members
from trucyte.shared.terminology.problems import (
    CodeSystemUnknown,
    ExpansionTooCostly,
    ValueSetCircular,
)
from trucyte.shared.terminology.system import SystemContent

MEMBERS_MAX: Final = 500_000
_DEPTH_MAX: Final = 16

Json = Mapping[str, Any]
Keys = frozenset[tuple[str, str]]


class Finder(Protocol):
    """What composing asks of the world."""

    def system(self, url: str, on: date | None, version: str = "") -> SystemContent | None:
        """Return a code system as of a day, or None."""

    def members(self, url: str, on: date | None, within: tuple[str, ...]) -> Members:
        """Return what another value set holds; `within` names those being composed."""


class Composer:
    """Composes one value set as of one day."""

    def __init__(self, finder: Finder, on: date | None, within: tuple[str, ...]) -> None:
        """Compose below the value sets `within`, the last of which is the one itself."""
        self._finder = finder
        self._on = on
        self._within = within
        self._is_whole = True

    def compose(self, compose: Json) -> Members:
        """Return the members.

        Raises CodeSystemUnknown, ValueSetUnknown, ValueSetCircular, FilterUnsupported,
        PatternRefused and ExpansionTooCostly.
        """
        if len(self._within) > _DEPTH_MAX or self._within[-1] in self._within[:-1]:
            raise ValueSetCircular(url=self._within[-1])
        excluded = self._keys(compose.get("exclude", ()))
        members = self._included(compose.get("include", ()))
        wanted = (member for member in members if (member.system, member.code) not in excluded)
        kept = list(_bounded(wanted))  # the walk tells whether every list was whole
        return Members(kept, is_whole=self._is_whole)

    def _included(self, parts: Iterable[Json]) -> Iterable[Member]:
        return chain.from_iterable(self._part(part) for part in parts)

    def _keys(self, parts: Iterable[Json]) -> Keys:
        return frozenset((m.system, m.code) for part in parts for m in self._part(part))

    def _part(self, part: Json) -> Iterable[Member]:
        nested = [
            self._finder.members(url, self._on, self._within) for url in part.get("valueSet", ())
        ]
        self._is_whole = self._is_whole and all(members.is_whole for members in nested)
        if "system" in part:
            found: Iterable[Member] = self._of_system(part)
        elif nested:
            found = nested.pop(0).all()
        else:
            found = ()
        for members in nested:
            found = [m for m in found if members.find(m.system, m.code) is not None]
        return found

    def _of_system(self, part: Json) -> Iterable[Member]:
        url = part["system"]
        system = self._finder.system(url, self._on, part.get("version", ""))
        if "concept" in part:
            return self._listed(url, system, part["concept"])
        if system is None:
            raise CodeSystemUnknown(system=url)
        self._is_whole = self._is_whole and system.is_complete
        rules = part.get("filter", ())
        if not rules:
            return (member_of(system, term) for term in system.in_force(self._on))
        kept = frozenset.intersection(*(frozenset(filtered(system, rule)) for rule in rules))
        # Walk the system, not the set: the order of the list is the order of the value set.
        return (member_of(system, term) for term in system.in_force(self._on) if term.code in kept)

    def _listed(
        self, url: str, system: SystemContent | None, concepts: Iterable[Json]
    ) -> Iterable[Member]:
        for listed in concepts:
            code = listed["code"]
            term = system.find(code, self._on) if system else None
            if system is not None and term is None and code in system:
                continue  # it was, or will be, but is not in force that day
            display = listed.get("display") or (term.display if term else "")
            folded = fold(f"{code} {display}")
            if term is not None:
                folded = f"{folded} {term.folded}"
            yield Member(url, system.edition if system else "", code, display, folded, term)


def member_of(system: SystemContent, term: Concept) -> Member:
    """Return a concept as a member."""
    return Member(system.url, system.edition, term.code, term.display, term.folded, term)


def _bounded(members: Iterable[Member]) -> Iterable[Member]:
    for count, member in enumerate(members):
        if count >= MEMBERS_MAX:
            raise ExpansionTooCostly(most=MEMBERS_MAX)
        yield member
