"""Which codes a value set of a package holds.

Expands `ValueSet.compose` (R4 4.9.5) over the code systems of the same package:
listed codes, whole systems, hierarchy filters, nested value sets, exclusions. A value
set that rests on codes the package does not list is left open: None, never a guess.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trucyte.fhir.definitions import CodeSystem, Concept, ValueSet

Codings = set[tuple[str, str]]


class _System:
    """A code system with its hierarchy upwards."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.url: str = source["url"]
        self.is_complete = source.get("content") == "complete"
        self.displays: dict[str, str] = {}
        self.parents: dict[str, list[str]] = {}
        self._walk(source.get("concept", ()))

    def _walk(self, concepts: Iterable[Mapping[str, Any]]) -> None:
        waiting = [(concept, "") for concept in reversed(list(concepts))]
        while waiting:
            concept, parent = waiting.pop()
            code = concept["code"]
            self.displays.setdefault(code, concept.get("display", ""))
            parents = self.parents.setdefault(code, [])
            if parent:
                parents.append(parent)
            # Polyhierarchies (v3) name further parents as properties.
            for property_ in concept.get("property", ()):
                if property_.get("code") == "subsumedBy":
                    parents.append(property_["valueCode"])
            waiting += [(child, code) for child in reversed(concept.get("concept", ()))]

    def below(self, root: str) -> set[str]:
        """Return every code under `root`, without it."""
        found: set[str] = set()
        grown = True
        while grown:
            more = {
                code
                for code, parents in self.parents.items()
                if code not in found and any(p == root or p in found for p in parents)
            }
            grown = bool(more)
            found |= more
        return found


class Terminology:
    """The code systems and value sets of one package."""

    def __init__(
        self, code_systems: Iterable[Mapping[str, Any]], value_sets: Iterable[Mapping[str, Any]]
    ) -> None:
        self._systems = {source["url"]: _System(source) for source in code_systems}
        self._value_sets = {source["url"]: source for source in value_sets}
        self._expanded: dict[str, Codings | None] = {}

    def code_systems(self) -> Iterator[CodeSystem]:
        """Yield the code systems with what is known of their concepts."""
        for system in self._systems.values():
            concepts = tuple(
                Concept(code, display, tuple(dict.fromkeys(system.parents[code])))
                for code, display in system.displays.items()
            )
            yield CodeSystem(system.url, system.is_complete, concepts)

    def expand_all(self) -> tuple[list[ValueSet], list[str]]:
        """Return the value sets that can be listed, and the URLs of the others."""
        listed, unlisted = [], []
        for url in sorted(self._value_sets):
            codings = self.expand(url)
            if codings is None:
                unlisted.append(url)
                continue
            systems: dict[str, list[str]] = {}
            for system, code in sorted(codings):
                systems.setdefault(system, []).append(code)
            listed.append(ValueSet(url, {s: tuple(codes) for s, codes in systems.items()}))
        return listed, unlisted

    def expand(self, url: str) -> Codings | None:
        """Return the (system, code) pairs of a value set, or None if it cannot be listed."""
        url = url.partition("|")[0]
        if url not in self._expanded:
            self._expanded[url] = None  # a value set that includes itself stays open
            source = self._value_sets.get(url)
            if source is not None and "compose" in source:
                self._expanded[url] = self._compose(source["compose"])
        return self._expanded[url]

    def _compose(self, compose: Mapping[str, Any]) -> Codings | None:
        codings: Codings = set()
        for part in compose.get("include", ()):
            included = self._part(part)
            if included is None:
                return None
            codings |= included
        for part in compose.get("exclude", ()):
            excluded = self._part(part)
            if excluded is None:
                return None
            codings -= excluded
        return codings

    def _part(self, part: Mapping[str, Any]) -> Codings | None:
        """Everything named in one include narrows it (R4 4.9.5: system and value sets: and)."""
        found: Codings | None = None
        if "system" in part:
            found = self._of_system(part)
            if found is None:
                return None
        for url in part.get("valueSet", ()):
            nested = self.expand(url)
            if nested is None:
                return None
            found = set(nested) if found is None else found & nested
        return found

    def _of_system(self, part: Mapping[str, Any]) -> Codings | None:
        url: str = part["system"]
        if "concept" in part:
            return {(url, concept["code"]) for concept in part["concept"]}
        system = self._systems.get(url)
        if system is None or not system.is_complete:
            return None
        codes = set(system.displays)
        for rule in part.get("filter", ()):
            kept = _filtered(system, rule)
            if kept is None:
                return None
            codes &= kept
        return {(url, code) for code in codes}


def _filtered(system: _System, rule: Mapping[str, Any]) -> set[str] | None:
    if rule["property"] != "concept":
        return None
    value = rule["value"]
    below = system.below(value)
    if rule["op"] == "is-a":
        return below | {value}
    if rule["op"] == "descendent-of":
        return below
    if rule["op"] == "is-not-a":
        return set(system.displays) - below - {value}
    return None
