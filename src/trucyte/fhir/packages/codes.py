"""Which codes belong to a value set, as far as the given definitions can tell.

A value set is compiled to a test by its `compose` (R4 4.9.5): includes, excludes,
filters over the code systems at hand. Where those are not complete the answer is None:
nobody is refused for what this node cannot look up.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.systems import System, matches_filter

# (system, code) -> in it, not in it, cannot tell. No system: whatever its system.
Member = Callable[[str | None, str], bool | None]
_DEPTH_MAX = 20
_ANSWERS_KEPT = 8  # of one value set, for as long as one question takes
_UCUM = "http://unitsofmeasure.org"


def _unknown(system: str | None, code: str) -> bool | None:
    return None


def _nothing(system: str | None, code: str) -> bool | None:
    return False


class PackageTerminology:
    """Answers from code systems and value sets of packages."""

    def __init__(
        self, library: Library, is_unit: Callable[[str], bool | None] | None = None
    ) -> None:
        """Keep the library; `is_unit` says whether a code is UCUM, which no list can."""
        self._library = library
        self._is_unit = is_unit
        self._members: dict[str, Member | None] = {}
        self._systems: dict[str, System | None] = {}

    # --- the questions ------------------------------------------------------------------

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Say whether a code is in a value set; without a system, whatever its system."""
        member = self._member(value_set, 0)
        return None if member is None else member(system, code)

    def knows(self, value_set: str) -> bool:
        """Say whether the value set itself is at hand."""
        return self._member(value_set, 0) is not None

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        """Say whether `code` is `other` or an ancestor of it."""
        known = self.system(system)
        if known is None or not known.is_complete:
            return None
        return known.is_below(other, code)

    def has_code(self, system: str, code: str) -> bool | None:
        """Say whether a code system has a code."""
        if system == _UCUM and self._is_unit is not None:
            return self._is_unit(code)
        known = self.system(system)
        if known is None:
            return None
        return known.has(code) or (None if not known.is_complete else False)

    def displays(self, system: str, code: str) -> frozenset[str]:
        """Return what a code may be called, folded; empty where it is not known."""
        known = self.system(system)
        return frozenset() if known is None else known.displays(code)

    def system(self, url: str) -> System | None:
        """Return a code system, or None; a version behind `|` is looked at."""
        if url not in self._systems:
            self._systems[url] = self._find_system(url)
        return self._systems[url]

    def _find_system(self, url: str) -> System | None:
        added = self._library.find(url, "CodeSystem")
        if added is not None:
            try:
                return System.of_resource(added)
            except (TypeError, AttributeError):
                return None  # malformed: as if it were not at hand
        core = self._library.core.code_system(url.partition("|")[0])
        return None if core is None else System.of_core(core)

    # --- value sets ---------------------------------------------------------------------

    def _member(self, canonical: str, depth: int) -> Member | None:
        if canonical not in self._members:
            if depth > _DEPTH_MAX:
                return _unknown
            self._members[canonical] = _unknown  # a value set that includes itself
            self._members[canonical] = self._compiled(canonical, depth)
        return self._members[canonical]

    def _compiled(self, canonical: str, depth: int) -> Member | None:
        added = self._library.find(canonical, "ValueSet")
        if added is None:
            core = self._library.core.value_set(canonical)
            if core is not None:
                return _of_lists(core.systems)
            added = self._library.value_set_source(canonical)
        if added is None:
            return None
        try:
            return self._of_resource(added, depth)
        except (KeyError, TypeError, ValueError, AttributeError):
            return _unknown

    def _of_resource(self, source: Mapping[str, Any], depth: int) -> Member:
        compose = source.get("compose")
        if not compose:
            return _of_expansion(source.get("expansion", {}))
        included = [self._part(part, depth) for part in compose.get("include", ())]
        excluded = [self._part(part, depth) for part in compose.get("exclude", ())]

        def member(system: str | None, code: str) -> bool | None:
            found = _any(one(system, code) for one in included)
            if found is False or not excluded:
                return found
            out = _any(one(system, code) for one in excluded)
            if out:
                return False
            return None if out is None else found

        # Sets that include the same set over and over ask it once for a code.
        return lru_cache(maxsize=_ANSWERS_KEPT)(member)

    def _part(self, part: Mapping[str, Any], depth: int) -> Member:
        """Compile one include: all it names must hold."""
        urls = dict.fromkeys(_text(url) for url in part.get("valueSet", ()))
        tests = [self._member(url, depth + 1) or _unknown for url in urls]
        if "system" in part:
            tests.append(self._of_system(part))
        if not tests:
            return _nothing
        return tests[0] if len(tests) == 1 else _all_of(tests)

    def _of_system(self, part: Mapping[str, Any]) -> Member:
        url = _text(part["system"])
        if "concept" in part:
            return _of_lists({url: [concept["code"] for concept in part["concept"]]})
        filters = [dict(rule) for rule in part.get("filter", ())]

        def member(system: str | None, code: str) -> bool | None:
            if system is not None and system != url:
                return False
            has = self.has_code(url, code)
            if not has or not filters:
                return has
            known = self.system(url)
            return None if known is None else _all(matches_filter(known, f, code) for f in filters)

        return member


def _text(value: Any) -> str:
    """Return what must be a text; raises TypeError, as reading the malformed does."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _of_lists(systems: Mapping[str, Iterable[str]]) -> Member:
    sets = {url: frozenset(codes) for url, codes in systems.items()}
    whole = frozenset(code for codes in sets.values() for code in codes)
    none: frozenset[str] = frozenset()

    def member(system: str | None, code: str) -> bool | None:
        return code in (whole if system is None else sets.get(system, none))

    return member


def _of_expansion(expansion: Mapping[str, Any]) -> Member:
    """Compile a value set that comes with its expansion only."""
    if "contains" not in expansion:
        return _unknown
    systems: dict[str, list[str]] = {}
    waiting = list(expansion["contains"])
    while waiting:
        one = waiting.pop()
        waiting += one.get("contains", ())
        if "code" in one and not one.get("abstract"):
            systems.setdefault(one.get("system", ""), []).append(one["code"])
    return _of_lists(systems)


def _all_of(tests: list[Member]) -> Member:
    return lambda system, code: _all(test(system, code) for test in tests)


def _any(answers: Iterable[bool | None]) -> bool | None:
    found: bool | None = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            found = None
    return found


def _all(answers: Iterable[bool | None]) -> bool | None:
    found: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            found = None
    return found
