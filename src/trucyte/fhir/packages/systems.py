"""A code system of a package: its codes, what they are called, what lies below what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trucyte.fhir.definitions import CodeSystem
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.path.regular.patterns import matches_full

_CODE_MATCHED_MAX = 128
_PATTERN_MAX = 200


@dataclass(slots=True)
class _Concept:
    names: list[str]
    parents: list[str]
    properties: list[tuple[str, Any]] = field(default_factory=list)


class System:
    """The codes of one system; `is_complete` says whether there are no others."""

    def __init__(self, url: str, *, is_complete: bool, is_case_sensitive: bool = True) -> None:
        """Begin without concepts."""
        self.url = url
        self.is_complete = is_complete
        self._is_case_sensitive = is_case_sensitive
        self._concepts: dict[str, _Concept] = {}

    @classmethod
    def of_core(cls, source: CodeSystem) -> "System":
        """Take a code system of R4's own package."""
        made = cls(source.url, is_complete=source.is_complete)
        for concept in source.concepts:
            made._concepts[concept.code] = _Concept([concept.display], list(concept.parents))
        return made

    @classmethod
    def of_resource(cls, source: Mapping[str, Any]) -> "System":
        """Take a CodeSystem resource."""
        made = cls(
            str(source.get("url", "")),
            is_complete=source.get("content") == "complete",
            is_case_sensitive=source.get("caseSensitive", True) is not False,
        )
        waiting: list[tuple[Any, str]] = [(one, "") for one in source.get("concept", ())]
        while waiting:
            concept, parent = waiting.pop()
            made._add(concept, parent)
            code = str(concept.get("code", ""))
            waiting += [(child, code) for child in concept.get("concept", ())]
        return made

    def _add(self, concept: Mapping[str, Any], parent: str) -> None:
        names = [str(concept.get("display", ""))]
        names += [str(one.get("value", "")) for one in concept.get("designation", ())]
        made = _Concept(names, [parent] if parent else [])
        for given in concept.get("property", ()):
            value = next((v for k, v in given.items() if k.startswith("value")), None)
            made.properties.append((str(given.get("code", "")), value))
            if given.get("code") in ("parent", "subsumedBy") and isinstance(value, str):
                made.parents.append(value)
        self._concepts[self._key(str(concept.get("code", "")))] = made

    def _key(self, code: str) -> str:
        return code if self._is_case_sensitive else code.casefold()

    def has(self, code: str) -> bool:
        """Say whether the code is among those known."""
        return self._key(code) in self._concepts

    def displays(self, code: str) -> frozenset[str]:
        """Return what the code may be called, folded by `folded`."""
        concept = self._concepts.get(self._key(code))
        if concept is None:
            return frozenset()
        return frozenset(folded(name) for name in concept.names if name)

    def is_below(self, code: str, ancestor: str) -> bool:
        """Say whether `code` is `ancestor` or lies below it."""
        waiting, seen = [self._key(code)], set[str]()
        wanted = self._key(ancestor)
        while waiting:
            one = waiting.pop()
            if one == wanted:
                return True
            concept = self._concepts.get(one)
            if concept is not None and one not in seen:
                seen.add(one)
                waiting += [self._key(parent) for parent in concept.parents]
        return False

    def values(self, code: str, name: str) -> list[Any]:
        """Return the values of a property of a code."""
        concept = self._concepts.get(self._key(code))
        if concept is None:
            return []
        if name in ("code", "concept"):
            return [code]
        if name == "display":
            return concept.names[:1]
        if name == "parent":
            return list(concept.parents)
        return [value for given, value in concept.properties if given == name]


def folded(name: str) -> str:
    """Return a display as displays are compared: without case and doubled spaces."""
    return " ".join(name.split()).casefold()


def matches_filter(system: System, rule: Mapping[str, Any], code: str) -> bool | None:
    """Say whether a code passes a filter of `ValueSet.compose`; None where it cannot tell."""
    operation, name, value = rule.get("op"), str(rule.get("property")), str(rule.get("value"))
    if name == "concept" and operation in ("is-a", "descendent-of", "is-not-a"):
        below = system.is_below(code, value)
        if operation == "is-not-a":
            return not below
        return below and (operation == "is-a" or code != value)
    given = [_text(one) for one in system.values(code, name)]
    compare = _COMPARISONS.get(str(operation))
    return None if compare is None else compare(value, given)


def _is_listed(value: str, given: list[str]) -> bool:
    return bool(set(given) & {one.strip() for one in value.split(",")})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


def _any_matches(pattern: str, given: list[str]) -> bool | None:
    """Match whole values; None for patterns that are refused."""
    if len(pattern) > _PATTERN_MAX or any(len(one) > _CODE_MATCHED_MAX for one in given):
        return None
    try:
        return any(matches_full(one, pattern) for one in given)
    except PathProblem:
        return None


_COMPARISONS: dict[str, Callable[[str, list[str]], bool | None]] = {
    "=": lambda value, given: value in given,
    "in": _is_listed,
    "not-in": lambda value, given: not _is_listed(value, given),
    "exists": lambda value, given: bool(given) == (value == "true"),
    "regex": _any_matches,
}
