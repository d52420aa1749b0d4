"""The questions every service asks of codes: R4's terminology operations, as calls.

`on` is a day; None is today for what holds now (`lookup`, `validate_code`, `expand`). A
code system or value set that is not here is a Problem, never an empty answer.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.answers import (
    Expanded,
    Looked,
    Node,
    Subsumed,
    Translated,
    Validated,
)
from trucyte.shared.terminology.artefact import Artefact
from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.library import Library
from trucyte.shared.terminology.members import Member, Members
from trucyte.shared.terminology.names import NOT_SELECTABLE
from trucyte.shared.terminology.problems import (
    CodeSystemUnknown,
    CodeUnknown,
    ConceptMapUnknown,
    ExpansionTooCostly,
    PagingRefused,
)
from trucyte.shared.terminology.statements import statements
from trucyte.shared.terminology.system import SystemContent, property_values
from trucyte.shared.terminology.translate import matches

COUNT_MAX: Final = 10_000  # members of one page
_EDITIONS_MAX: Final = 20
_WORDS_MAX: Final = 16
_URLS: Final = uuid.UUID("5bb6b1a5-7e4b-4f0f-9d8c-0f3f0b7f2f11")
_NEEDS_ESCAPE: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


@dataclass(frozen=True, slots=True)
class Hit:
    """One code that a search found."""

    system: str
    code: str
    display: str
    valid_from: date | None
    valid_to: date | None
    verified: bool


class Terminology:
    """What codes mean at this node. Safe to share between threads."""

    def __init__(self, database: Database, library: Library, clock: Clock) -> None:
        """Ask `library`; `clock` says what today is."""
        self._database = database
        self._library = library
        self._clock = clock

    def systems(self) -> Mapping[str, Sequence[str]]:
        """Return the code systems of the journal with the versions that are here, newest first."""
        found: dict[str, list[str]] = {}
        for one in self._library.artefacts():
            if one.type == "CodeSystem" and one.url and one.content != "supplement":
                found.setdefault(one.url, []).append(one.edition)
        return found

    # CodeSystem

    def lookup(self, system: str, code: str, on: date | None = None) -> Looked:
        """Return what is known of a code, also of one that is no longer in force.

        Raises CodeSystemUnknown, CodeUnknown.
        """
        day = on or self._today()
        editions = self._known_system(system)
        for is_inactive, moment in ((False, day), (True, None)):
            for content in editions if is_inactive else self._in_force(system, day):
                concept = content.find(code, moment)
                if concept is not None:
                    name = self._title(content)
                    return Looked(content.url, name, content.edition, concept, is_inactive)
        raise CodeUnknown(system=system)

    def subsumes(self, system: str, a: str, b: str) -> Subsumed:
        """Say how code `a` stands to code `b`. Raises CodeSystemUnknown, CodeUnknown."""
        content = self._known_system(system)[0]
        if a not in content or b not in content:
            raise CodeUnknown(system=system)
        if a == b:
            return Subsumed("equivalent")
        if content.subsumes(a, b):
            return Subsumed("subsumes")
        return Subsumed("subsumed-by" if content.subsumes(b, a) else "not-subsumed")

    # ValueSet

    def validate_code(
        self,
        target: str | Mapping[str, Any],
        code: str,
        display: str | None = None,
        on: date | None = None,
        *,
        system: str | None = None,
    ) -> Validated:
        """Say whether a code is of a value set, or of a code system, on a day.

        `target` is the canonical of either, or the value set itself; `system` narrows a code
        of a value set. A wrong display makes it false and tells the right one (R4
        $validate-code). Raises ValueSetUnknown and what composing raises.
        """
        day = on or self._today()
        if isinstance(target, str) and self._library.systems(target, None):
            return self._validated(self._find_in_system(target, code, day), target, display)
        members, url, _ = self._members(target, day)
        member = members.find(system, code)
        if member is None and not members.is_whole:
            return Validated(False, "The code is not in the part of the list that is here")
        found = (member.display, member.concept) if member else None
        return self._validated(found, system or url, display)

    def expand(
        self,
        value_set: str | Mapping[str, Any],
        filter: str | None = None,
        offset: int | None = None,
        count: int | None = None,
        on: date | None = None,
        *,
        hierarchy: bool = False,
        active_only: bool = False,
        selectable_only: bool = False,
    ) -> Expanded:
        """Return the members of a value set (its canonical, or the resource), or a page of them.

        `filter` keeps those with every word of it, with or without marks. `hierarchy` puts
        members below their parents; it cannot be paged. Without `offset` and `count` all are
        given. A member out of force that day is never there; `active_only` leaves out those
        that the system itself calls inactive, `selectable_only` abstract ones. Raises
        ValueSetUnknown, ExpansionTooCostly, PagingRefused and what composing raises.
        """
        _check_page(offset, count, hierarchy=hierarchy)
        day = on or self._today()
        members, url, title = self._members(value_set, day)
        found: Sequence[Member] = members.matching(filter) if filter else members.all()
        if active_only:
            found = [member for member in found if not _is_inactive(member)]
        if selectable_only:
            found = [member for member in found if not _has(member, NOT_SELECTABLE, True)]
        is_page = offset is not None or count is not None
        start = offset or 0
        end = len(found) if count is None else start + count
        page = found[start:end]
        if not is_page and len(page) > COUNT_MAX:
            raise ExpansionTooCostly(most=COUNT_MAX)
        nodes = _nested(page) if hierarchy else [Node(member) for member in page]
        asked = _asked(filter, offset, count, day, hierarchy=hierarchy)
        flags = {"activeOnly": active_only, "excludeNotForUI": selectable_only}
        asked += [(name, "valueBoolean", True) for name, is_on in flags.items() if is_on]
        identity = "\n".join(f"{name}={value}" for name, _, value in asked)
        return Expanded(
            url=url,
            title=title,
            identifier=uuid.uuid5(_URLS, f"{url}\n{identity}\n{self._library.generation}").urn,
            at=self._clock.now(),
            total=len(found),
            offset=start if is_page else None,
            nodes=nodes,
            asked=asked,
        )

    # ConceptMap

    def translate(
        self,
        concept_map: str | Mapping[str, Any] | None,
        system: str,
        code: str,
        *,
        reverse: bool = False,
        target_system: str = "",
        source: str = "",
        target: str = "",
    ) -> Translated:
        """Return what a code is on the other side of a map: its canonical, or the resource.

        Without a map, of the first in force that says something; `source` and `target` are
        value sets that such a map must be between. `target_system` leaves only codes of
        that system. Raises ConceptMapUnknown.
        """
        for url, resource in self._maps(concept_map):
            if not (
                _is_between(resource, "source", source) and _is_between(resource, "target", target)
            ):
                continue
            found = tuple(
                match
                for match in matches(resource, system, code, reverse=reverse)
                if target_system in ("", match.system)
            )
            if found:
                return Translated(url, found)
        asked = concept_map if isinstance(concept_map, str) else ""
        return Translated(asked, (), "No mapping for this code")

    def _maps(
        self, asked: str | Mapping[str, Any] | None
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if isinstance(asked, Mapping):
            yield str(asked.get("url", "")), asked
            return
        if asked is None:
            on = self._today()
            all_ = self._library.artefacts()
            editions = [one for one in all_ if one.type == "ConceptMap" and one.is_in_force(on)]
        else:
            editions = list(self._library.editions("ConceptMap", asked, self._today()))[:1]
            if not editions:
                raise ConceptMapUnknown(url=asked)
        for one in editions:
            yield one.url, self._library.resource(one)

    def has_system(self, url: str) -> bool:
        """Say whether a code system, or the version of it behind `|`, is here."""
        return bool(self._library.systems(url, None))

    # Searching

    def search(self, system: str, text: str, count: int = 20) -> Sequence[Hit]:
        """Return codes of a system whose code or words have every word of `text`.

        With or without marks; where the text has marks, codes whose words have the very same
        come first, then short ones. Raises CodeSystemUnknown.
        """
        words = text.split()[:_WORDS_MAX]
        editions = self._library.editions("CodeSystem", system, self._today())
        if not editions:
            return self._search_language(system, words, count)
        values = {
            "artefacts": [one.id for one in editions],
            "patterns": [_pattern(fold(word)) for word in words],
            "precise": [_pattern(word.lower()) for word in words],
            "count": max(0, min(count, COUNT_MAX)),
        }
        with self._database.connection() as connection, connection.cursor() as cursor:
            rows = cursor.execute(statements()["search"], values).fetchall()
        url = editions[0].url
        return [Hit(url, code, display, *rest) for _, code, display, *rest in rows]

    # What FHIRPath and validation ask (`fhir.path.environment.Terminology`)

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Say whether a code is in a value set, whatever the day; None where it cannot be told.

        It cannot where the value set is not here, or rests on a list that is not whole.
        """
        try:
            members = self._library.members(value_set, None)
        except Problem:
            return None
        if members.find(system, code) is not None:
            return True
        if self._was_member(value_set, system, code):
            return True
        return False if members.is_whole else None

    def _was_member(self, value_set: str, system: str | None, code: str) -> bool:
        """Say whether an earlier edition had the code: records outlive lists."""
        editions = self._library.editions("ValueSet", value_set)
        if system is None or not editions:
            return False
        include = self._library.resource(editions[0]).get("compose", {}).get("include", ())
        whole = any(part.keys() == {"system"} and part["system"] == system for part in include)
        return whole and self._find_in_system(system, code, None) is not None

    def knows(self, value_set: str) -> bool:
        """Say whether the value set itself is at hand."""
        try:
            self._library.members(value_set, None)
        except Problem:
            return False
        return True

    def has_code(self, system: str, code: str) -> bool | None:
        """Say whether a code system has a code, whatever the day; None where it cannot be told."""
        editions = self._library.systems(system, None, most=_EDITIONS_MAX)
        if any(code in content for content in editions):
            return True
        return False if editions and editions[0].is_complete else None

    def displays(self, system: str, code: str) -> frozenset[str]:
        """Return what a code may be called, without case and doubled blanks; empty: not known."""
        found = (
            term
            for content in self._library.systems(system, None, most=_EDITIONS_MAX)
            for term in content.terms(code)
        )
        return frozenset(
            _worded(word)
            for term in found
            for word in (term.display, *(w["value"] for w in term.more.get("designation", ())))
            if word
        )

    # Asking the library

    def _known_system(self, url: str) -> Sequence[SystemContent]:
        found = self._library.systems(url, None, most=_EDITIONS_MAX)
        if not found:
            raise CodeSystemUnknown(system=url)
        return found

    def _in_force(self, url: str, on: date) -> Sequence[SystemContent]:
        return self._library.systems(url, on, most=_EDITIONS_MAX)

    def _find_in_system(
        self, url: str, code: str, on: date | None
    ) -> tuple[str, Concept | None] | None:
        for content in self._library.systems(url, on, most=_EDITIONS_MAX):
            concept = content.find(code, on)
            if concept is not None:
                return concept.display, concept
        return None

    def _validated(
        self, found: tuple[str, Concept | None] | None, where: str, display: str | None
    ) -> Validated:
        if found is None:
            return Validated(False, f"The code is not in {where}, or not in force that day")
        right, concept = found
        if display and not _is_same_wording(display, right, concept):
            return Validated(False, "The display is not one of this code", right)
        return Validated(True, display=right)

    def _members(self, value_set: str | Mapping[str, Any], on: date) -> tuple[Members, str, str]:
        if not isinstance(value_set, str):
            url = str(value_set.get("url", ""))
            return self._library.composed(value_set, on), url, str(value_set.get("title", ""))
        editions = self._library.editions("ValueSet", value_set, on)
        title = editions[0].title if editions else ""
        return self._library.members(value_set, on), value_set.partition("|")[0], title

    def _title(self, content: SystemContent) -> str:
        editions: Sequence[Artefact] = self._library.editions("CodeSystem", content.url)
        named = (one.title for one in editions if one.edition == content.edition)
        return next(named, "")

    def _search_language(self, system: str, words: Sequence[str], count: int) -> Sequence[Hit]:
        content = self._known_system(system)[0]
        wanted = [fold(word) for word in words]
        found = (
            Hit(content.url, term.code, term.display, None, None, term.verified)
            for term in content.in_force(None)
            if all(word in term.folded for word in wanted)
        )
        return [hit for hit, _ in zip(found, range(count), strict=False)]

    def _today(self) -> date:
        return self._clock.now().astimezone(VIETNAM).date()


class FhirTerminology:
    """The answers that the language asks for: FHIRPath and validation.

    Has what `fhir.path.environment.Terminology` and the validator's `Terminology` ask.
    """

    def __init__(self, terminology: Terminology) -> None:
        """Answer from the node's terminology."""
        self.member_of = terminology.member_of
        self.knows = terminology.knows
        self.has_code = terminology.has_code
        self.displays = terminology.displays
        self._subsumes = terminology.subsumes

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        """Say whether `code` is `other` or an ancestor of it; None where it cannot be told."""
        try:
            return self._subsumes(system, code, other).outcome in ("equivalent", "subsumes")
        except Problem:
            return None


def _check_page(offset: int | None, count: int | None, *, hierarchy: bool) -> None:
    if (offset or 0) < 0 or (count or 0) < 0:
        raise PagingRefused(reason="offset and count are not negative")
    if (count or 0) > COUNT_MAX:
        raise PagingRefused(reason=f"a page has at most {COUNT_MAX} codes")
    if hierarchy and (offset or count is not None):
        raise PagingRefused(reason="a hierarchy is given whole, not in pages")


def _asked(
    filter: str | None, offset: int | None, count: int | None, on: date, *, hierarchy: bool
) -> list[tuple[str, str, str | int | bool]]:
    asked: list[tuple[str, str, str | int | bool]] = []
    if filter:
        asked.append(("filter", "valueString", filter))
    if offset is not None:
        asked.append(("offset", "valueInteger", offset))
    if count is not None:
        asked.append(("count", "valueInteger", count))
    asked.append(("date", "valueDateTime", on.isoformat()))
    asked.append(("excludeNested", "valueBoolean", not hierarchy))
    return asked


def _is_between(resource: Mapping[str, Any], side: str, asked: str) -> bool:
    """Say whether a map is from or to a value set, where one was asked for."""
    return not asked or asked in (resource.get(f"{side}Canonical"), resource.get(f"{side}Uri"))


def _has(member: Member, name: str, *wanted: object) -> bool:
    values = property_values(member.concept, name) if member.concept else ()
    return any(value in wanted for value in values)


def _is_inactive(member: Member) -> bool:
    return _has(member, "inactive", True) or _has(member, "status", "retired", "inactive")


def _nested(members: Sequence[Member]) -> Sequence[Node]:
    """Put members below their first parent that is a member; a circle hangs from nowhere else."""
    by_key = {member.key: member for member in members}
    below: dict[tuple[str, str] | None, list[Member]] = {}
    for member in members:
        below.setdefault(_parent(member, by_key), []).append(member)
    placed: set[tuple[str, str]] = set()

    def build(found: Sequence[Member], depth: int) -> list[Node]:
        nodes = []
        for member in found:
            if member.key in placed:
                continue
            placed.add(member.key)
            deeper = below.get(member.key, ()) if depth < _DEPTH_MAX else ()
            nodes.append(Node(member, build(deeper, depth + 1)))
        return nodes

    roots = build(below.get(None, ()), 1)
    return [*roots, *(Node(m) for m in members if m.key not in placed)]


_DEPTH_MAX: Final = 40  # levels; what lies deeper is given flat


def _parent(member: Member, by_key: Mapping[tuple[str, str], Member]) -> tuple[str, str] | None:
    parents = member.concept.parents if member.concept else ()
    keys = ((member.system, parent) for parent in parents if parent != member.code)
    return next((key for key in keys if key in by_key), None)


def _is_same_wording(display: str, right: str, concept: Concept | None) -> bool:
    wanted = _worded(display)
    words = concept.more.get("designation", ()) if concept else ()
    return wanted == _worded(right) or any(wanted == _worded(w.get("value", "")) for w in words)


def _worded(text: str) -> str:
    """Return a text as R4 compares displays: in any case, with any blanks; marks count."""
    return " ".join(text.split()).casefold()


def _pattern(word: str) -> str:
    return f"%{word.translate(_NEEDS_ESCAPE)}%"
