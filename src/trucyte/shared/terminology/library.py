"""Finds code systems, value sets and concept maps: the journal's first, then the language's own.

Everything is kept in memory within bounds and known by the line it came from, so a new
version is never answered from the old one. That something changed is noticed within
`fresh_seconds`.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.search.fold import fold
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records import Access, Records
from trucyte.shared.terminology.artefact import Artefact
from trucyte.shared.terminology.compose import Composer, member_of
from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.kept import Kept
from trucyte.shared.terminology.members import Member, Members
from trucyte.shared.terminology.names import TYPES
from trucyte.shared.terminology.problems import ValueSetUnknown
from trucyte.shared.terminology.statements import statements
from trucyte.shared.terminology.system import SystemContent
from trucyte.vietnam.systems import load_systems

CONCEPTS_MAX: Final = 500_000  # in memory, all systems together; about 0.5 kB each
MEMBERS_KEPT_MAX: Final = 500_000
RESOURCES_KEPT_MAX: Final = 64

_NAMES = {TYPE_NUMBERS[name]: name for name in TYPES}
Json = Mapping[str, Any]


class Library:
    """What there is. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        records: Records,
        access: Access,
        definitions: Definitions,
        *,
        fresh_seconds: float = 1.0,
    ) -> None:
        """Read through `records` as `access`; `definitions` is the language's own content."""
        self._database = database
        self._records = records
        self._access = access
        self._definitions = definitions
        self._fresh_seconds = fresh_seconds
        self._looked = -fresh_seconds - 1.0
        self._generation = -1
        self._artefacts: Mapping[tuple[str, str], Sequence[Artefact]] = {}
        self._systems: Kept[SystemContent] = Kept(CONCEPTS_MAX, lambda s: len(s) + 1)
        self._members: Kept[Members] = Kept(MEMBERS_KEPT_MAX, lambda m: len(m) + 1)
        self._resources: Kept[Json] = Kept(RESOURCES_KEPT_MAX, lambda _: 1)
        self._known = {
            alias: system.uri for system in load_systems().values() for alias in system.aliases
        }

    @property
    def generation(self) -> int:
        """A number that grows with every change of what there is."""
        self._refresh()
        return self._generation

    def artefacts(self) -> Sequence[Artefact]:
        """Return everything in the journal, by type and URL."""
        self._refresh()
        return [one for same in self._artefacts.values() for one in same]

    def editions(self, type: str, url: str, on: date | None = None) -> Sequence[Artefact]:
        """Return the editions of a canonical that hold that day, the one to ask first at the front.

        A version behind `|` leaves the edition of that version alone.
        """
        self._refresh()
        url, _, version = url.partition("|")
        found = self._artefacts.get((type, url)) or self._artefacts.get(
            (type, self._known.get(url, url)), ()
        )
        return [one for one in found if one.is_in_force(on) and version in ("", one.edition)]

    def system(self, url: str, on: date | None, version: str = "") -> SystemContent | None:
        """Return the edition of a code system in force that day (None: the newest), or None."""
        found = self.systems(url, on, version)
        return found[0] if found else None

    def systems(
        self, url: str, on: date | None, version: str = "", most: int = 1
    ) -> Sequence[SystemContent]:
        """Return up to `most` editions of a code system, the one to ask first at the front."""
        editions = [
            one
            for one in self.editions("CodeSystem", url, on)
            if one.content != "supplement" and (not version or one.edition == version)
        ]
        with_concepts = [one for one in editions if one.concepts] or editions
        if with_concepts:
            return [self.content(one) for one in with_concepts[:most]]
        own = self._of_language(url.partition("|")[0])
        return [own] if own is not None else []

    def content(self, artefact: Artefact) -> SystemContent:
        """Return the concepts of one edition."""
        key = (artefact.id, artefact.seq)
        found = self._systems.get(key)
        if found is None:
            # Parts make a system complete that has no concept in the resource itself.
            complete = artefact.content == "complete" or (
                artefact.content == "not-present" and artefact.concepts > 0
            )
            found = SystemContent(
                artefact.url, artefact.edition, self._concepts(artefact.id), is_complete=complete
            )
            self._systems.put(key, found)
        return found

    def resource(self, artefact: Artefact) -> Json:
        """Read a resource through the gate."""
        key = (artefact.type, artefact.id, artefact.seq)
        found = self._resources.get(key)
        if found is None:
            shown = self._records.read_version(
                self._access, artefact.type, artefact.id, artefact.version
            )
            found = parse(shown.body)
            self._resources.put(key, found)
        return found

    def members(self, url: str, on: date | None, within: tuple[str, ...] = ()) -> Members:
        """Return what a value set holds that day (None: whatever its dates).

        Raises ValueSetUnknown and as `Composer.compose`.
        """
        editions = self.editions("ValueSet", url, on)
        own = editions[0].id if editions else ""
        key = (url, own, on, self._generation)
        found = self._members.get(key)
        if found is None:
            found = self._composed(url, editions, on, within)
            self._members.put(key, found)
        return found

    def composed(self, resource: Json, on: date | None) -> Members:
        """Return what a value set given as a resource holds. Raises as `members`."""
        url = resource.get("url", "urn:given")
        return Composer(self, on, (url,)).compose(resource.get("compose", {}))

    def _composed(
        self, url: str, editions: Sequence[Artefact], on: date | None, within: tuple[str, ...]
    ) -> Members:
        if editions:
            resource = self.resource(editions[0])
            if "compose" in resource:
                return Composer(self, on, (*within, url)).compose(resource["compose"])
            return _stored_expansion(resource)
        listed = self._definitions.value_set(url)
        if listed is not None:
            pairs = ((s, code) for s, codes in listed.systems.items() for code in codes)
            return Members(self._member(system, code, on) for system, code in pairs)
        return self._implicit(url, on, within)

    def _implicit(self, url: str, on: date | None, within: tuple[str, ...]) -> Members:
        """Return all codes of a system, or those under one, asked by R4's implicit URLs.

        `system?fhir_vs` and `system?fhir_vs=isa/code` (R4 4.3.1.3). Raises ValueSetUnknown.
        """
        system, mark, rest = url.partition("|")[0].partition("?fhir_vs")
        part: dict[str, Any] = {"system": system}
        if rest.startswith("=isa/"):
            value = rest.removeprefix("=isa/")
            part["filter"] = [{"property": "concept", "op": "is-a", "value": value}]
        elif rest or not mark:
            raise ValueSetUnknown(url=url)
        return Composer(self, on, (*within, url)).compose({"include": [part]})

    def _member(self, url: str, code: str, on: date | None) -> Member:
        system = self.system(url, None)
        term = system.find(code, on) if system else None
        if system is None or term is None:
            return Member(url, "", code, "", fold(code), None)
        return member_of(system, term)

    def _of_language(self, url: str) -> SystemContent | None:
        found = self._systems.get(url)
        if found is None:
            source = self._definitions.code_system(url)
            if source is None or not source.concepts:
                return None
            concepts = (
                Concept(
                    code=one.code,
                    display=one.display,
                    parents=one.parents,
                    verified=True,
                    folded=fold(f"{one.code} {one.display}"),
                )
                for one in source.concepts
            )
            found = SystemContent(
                url, self._definitions.version, concepts, is_complete=source.is_complete
            )
            self._systems.put(url, found)
        return found

    def _concepts(self, id: str) -> Sequence[Concept]:
        with self._database.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statements()["concepts_of"], {"id": id})
            return [
                Concept(
                    code=row[0], display=row[1], parents=tuple(row[2]), valid_from=row[3],
                    valid_to=row[4], verified=row[5], detail=row[6], folded=row[7],
                )
                for row in cursor
            ]  # fmt: skip

    def _refresh(self) -> None:
        """See whether something changed, at most every `fresh_seconds`."""
        now = time.monotonic()
        if now - self._looked < self._fresh_seconds:
            return
        with self._database.connection() as connection, connection.cursor() as cursor:
            row = cursor.execute(statements()["generation"]).fetchone()
            assert row is not None
            if row[0] != self._generation:
                rows = cursor.execute(statements()["artefacts"]).fetchall()
                self._artefacts = _by_url([Artefact(_NAMES[row[0]], *row[1:]) for row in rows])
                self._generation = row[0]
        self._looked = now


def _by_url(artefacts: Sequence[Artefact]) -> dict[tuple[str, str], list[Artefact]]:
    found: dict[tuple[str, str], list[Artefact]] = {}
    for artefact in artefacts:
        found.setdefault((artefact.type, artefact.url), []).append(artefact)
    for same in found.values():
        same.sort(key=lambda one: one.age, reverse=True)
    return found


def _stored_expansion(resource: Json) -> Members:
    """Return the members of a value set that has an expansion and no rule."""
    found: list[Member] = []
    waiting = list(reversed(resource.get("expansion", {}).get("contains", ())))
    while waiting:
        here = waiting.pop()
        waiting += reversed(here.get("contains", ()))
        if "code" in here and not here.get("abstract", False):
            code, display = here["code"], here.get("display", "")
            folded = fold(f"{code} {display}")
            edition = here.get("version", "")
            found.append(Member(here.get("system", ""), edition, code, display, folded, None))
    return Members(found)
