"""What the commands of the language ask about codes: packages, the node, the national pack.

R4 and the packages answer first. What they cannot tell is asked of the node's own lists,
if its database runs already (it is never started for a question), then of the national
pack, which travels with the program. Each is opened when it is first needed.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.base.settings import Settings
from trucyte.fhir.packages.codes import PackageTerminology
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.read import read_definition
from trucyte.fhir.path.units.ucum import is_unit
from trucyte.fhir.profiles.scope import Terminology

Open = Callable[[], Terminology | None]
# Of the language itself: neither a node nor the country has more to say of these.
_SETTLED = ("http://unitsofmeasure.org", "urn:")


@contextmanager
def codes_of(settings: Settings, library: Library) -> Iterator[Terminology]:
    """Answer by a library, the node of `settings` where it runs, and the national pack."""
    with ExitStack() as closing:
        first = PackageTerminology(library, is_unit)
        yield layered(first, library, lambda: _of_node(settings, closing))


def layered(first: Terminology, library: Library, of_node: Open) -> Terminology:
    """Answer by `first`, then by what `of_node` opens, then by the national pack."""
    return Codes(first, [of_node, lambda: _of_pack(library)])


class Codes:
    """Asks one source after another until one can tell. Safe to share between threads."""

    def __init__(self, first: Terminology, others: Sequence[Open]) -> None:
        """Keep the sources; `others` are opened, in their order, when `first` cannot tell."""
        self._first = first
        self._waiting = list(others)
        self._open: list[Terminology] = []
        self._mutex = Lock()

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Say whether a code is in a value set; None where nobody can tell."""
        return self._told(value_set, lambda one: one.member_of(value_set, system, code))

    def knows(self, value_set: str) -> bool:
        """Say whether the value set itself is at hand."""
        return bool(self._told(value_set, lambda one: one.knows(value_set) or None))

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        """Say whether `code` is `other` or an ancestor of it; None where nobody can tell."""
        return self._told(system, lambda one: one.subsumes(system, code, other))

    def has_code(self, system: str, code: str) -> bool | None:
        """Say whether a code system has a code; None where nobody can tell."""
        return self._told(system, lambda one: one.has_code(system, code))

    def displays(self, system: str, code: str) -> frozenset[str]:
        """Return all that a code may be called by those who know it."""
        found = self._first.displays(system, code)
        if found or system.startswith(_SETTLED):
            return found
        return frozenset().union(*(one.displays(system, code) for one in self._others()))

    def _told(self, canonical: str, ask: Callable[[Terminology], bool | None]) -> bool | None:
        answer = ask(self._first)
        if answer is not None or canonical.startswith(_SETTLED):
            return answer
        for one in self._others():
            answer = ask(one)
            if answer is not None:
                return answer
        return None

    def _others(self) -> Iterator[Terminology]:
        place = 0
        while True:
            with self._mutex:
                while place == len(self._open):
                    if not self._waiting:
                        return
                    made = self._waiting.pop(0)()
                    if made is not None:
                        self._open.append(made)
                one = self._open[place]
            place += 1
            yield one


def _of_node(settings: Settings, closing: ExitStack) -> Terminology | None:
    """Return the lists of a node that runs; None where none does, or it cannot be entered."""
    from trucyte.database.server import is_running  # noqa: PLC0415 - only where it is asked

    if not settings.database.url and not is_running(settings.data):
        return None
    from trucyte.node.terminology import open_terminology  # noqa: PLC0415 - half a second
    from trucyte.node.wiring import open_node  # noqa: PLC0415
    from trucyte.shared.terminology.service import FhirTerminology  # noqa: PLC0415

    try:
        node = closing.enter_context(open_node(settings, needs_room=False))
        return FhirTerminology(open_terminology(node))
    except Problem as problem:
        sys.stderr.write(f"Chưa dùng danh mục của nút · Lists of the node not used: {problem}\n")
        return None


def _of_pack(library: Library) -> Terminology:
    """Return the national pack as code systems and value sets of a package."""
    from trucyte.shared.terminology.national import national_pack  # noqa: PLC0415 - 60 ms

    pack = national_pack()
    resources = [_whole(edition) for edition in pack.editions]
    resources += [one for one in pack.others if one["resourceType"] == "ValueSet"]
    encode = msgspec.json.Encoder(enc_hook=str).encode
    made = library.beside(read_definition(encode(resource)) for resource in resources)
    return PackageTerminology(made)


def _whole(edition: Any) -> Mapping[str, Any]:
    """Return an edition as one CodeSystem, however long it is."""
    from trucyte.shared.terminology.edition import resources_of  # noqa: PLC0415 - with the pack

    parts, main = resources_of(edition)
    if not parts:
        return main
    concepts = [concept for part in parts for concept in part["concept"]]
    return {**main, "content": "complete" if edition.is_whole else "fragment", "concept": concepts}
