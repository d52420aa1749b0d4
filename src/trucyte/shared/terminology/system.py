"""The concepts of one code system in memory: found by code, walked by hierarchy."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from trucyte.shared.terminology.concept import Concept

_CLOSURES_MAX: Final = 64  # sets of descendants kept, the last used


class SystemContent:
    """One edition of a code system. Frozen once made; may be shared between threads."""

    def __init__(
        self, url: str, edition: str, concepts: Iterable[Concept], *, is_complete: bool = True
    ) -> None:
        """Take the terms in order: parents before children, older terms before newer."""
        self.url = url
        self.edition = edition
        self.is_complete = is_complete
        self._newest: dict[str, Concept] = {}
        self._earlier: dict[str, list[Concept]] = {}
        for concept in concepts:
            before = self._newest.get(concept.code)
            if before is not None:
                self._earlier.setdefault(concept.code, []).append(before)
            self._newest[concept.code] = concept
        self._children: Mapping[str, list[str]] | None = None
        self._closures: dict[str, frozenset[str]] = {}
        self._values: dict[str, Mapping[str, tuple[Any, ...]]] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def __contains__(self, code: object) -> bool:
        return code in self._newest

    @property
    def codes(self) -> Iterable[str]:
        """The codes, in the order of the list."""
        return self._newest.keys()

    def newest(self, code: str) -> Concept | None:
        """Return the newest term of a code, whatever its dates."""
        return self._newest.get(code)

    def terms(self, code: str) -> list[Concept]:
        """Return every term of a code, the newest first."""
        newest = self._newest.get(code)
        return [] if newest is None else [newest, *reversed(self._earlier.get(code, ()))]

    def find(self, code: str, on: date | None) -> Concept | None:
        """Return the term in force that day (None: the newest), or None."""
        newest = self._newest.get(code)
        if newest is None or newest.is_in_force(on):
            return newest
        earlier = reversed(self._earlier.get(code, ()))
        return next((term for term in earlier if term.is_in_force(on)), None)

    def in_force(self, on: date | None) -> Iterator[Concept]:
        """Give the term of every code that holds that day, in the order of the list."""
        for code, newest in self._newest.items():
            term = newest if newest.is_in_force(on) else self.find(code, on)
            if term is not None:
                yield term

    # Hierarchy

    @property
    def children(self) -> Mapping[str, list[str]]:
        """Code to the codes right below it, in the order of the list."""
        if self._children is None:
            children: dict[str, list[str]] = {}
            for code, concept in self._newest.items():
                for parent in concept.parents:
                    children.setdefault(parent, []).append(code)
            self._children = children
        return self._children

    def below(self, root: str) -> frozenset[str]:
        """Return every code under `root`, without it; a circle in the list ends the walk."""
        found = self._closures.get(root)
        if found is None:
            found = frozenset(self._reached(root, self.children)) - {root}
            while len(self._closures) >= _CLOSURES_MAX:
                self._closures.pop(next(iter(self._closures)), None)
            self._closures[root] = found
        return found

    def above(self, code: str) -> frozenset[str]:
        """Return every ancestor of a code, without it."""
        parents = {c: concept.parents for c, concept in self._ancestry(code)}
        return frozenset(self._reached(code, parents)) - {code}

    def subsumes(self, ancestor: str, code: str) -> bool:
        """Say whether `ancestor` is `code` or above it; walks up, which is the short way."""
        return ancestor == code or ancestor in self.above(code)

    def _ancestry(self, code: str) -> Iterator[tuple[str, Concept]]:
        waiting, seen = [code], {code}
        while waiting:
            here = waiting.pop()
            concept = self._newest.get(here)
            if concept is None:
                continue
            yield here, concept
            waiting += [parent for parent in concept.parents if parent not in seen]
            seen.update(concept.parents)

    def _reached(self, start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
        waiting, seen = [start], {start}
        while waiting:
            for following in edges.get(waiting.pop(), ()):
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return {code for code in seen if code in self._newest}

    # Properties

    def values(self, name: str) -> Mapping[str, tuple[Any, ...]]:
        """Return code to the values of one property, of the codes that have it."""
        found = self._values.get(name)
        if found is None:
            found = {
                code: values
                for code, concept in self._newest.items()
                if (values := property_values(concept, name))
            }
            self._values[name] = found
        return found


def property_values(concept: Concept, name: str) -> tuple[Any, ...]:
    """Return the values of a property of a concept; a Coding by its code."""
    if name == "parent":
        return concept.parents
    return tuple(
        value["code"] if isinstance(value, dict) else value
        for item in concept.more.get("property", ())
        if item.get("code") == name
        for key, value in item.items()
        if key.startswith("value")
    )
