"""What this node's registers say of a practitioner, read through the gate and remembered.

What is remembered is dropped as soon as the journal holds a newer line of a register,
whatever process wrote it, and after a minute in any case. So a licence that is revoked
here stops signing here with the very next question.

Who sends records may describe any practitioner; only what the node's own operators wrote
is the register. Where the register knows a number, it alone counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.hashing import opaque_id
from trucyte.database.connect import Database
from trucyte.fhir.exact import write_exact
from trucyte.fhir.parse import parse
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.owners import EVERYBODY, owners_of_keys
from trucyte.records.shown import Resource, ResourceGone, ResourceNotFound
from trucyte.shared.identity.registers.licence import (
    NUMBERS,
    licences_of,
    normal_number,
    numbers_of,
    practice_of,
    register_number,
)
from trucyte.shared.identity.registers.standing import Facts, Standing, standing_of

TYPES: Final = ("Practitioner", "PractitionerRole")
FRESH_SECONDS: Final = 60.0
_LINES_LOOKED_MAX: Final = 20_000  # further behind, it is taken for granted that one changed
_REMEMBERED_MAX: Final = 10_000
_MOST: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Json = Mapping[str, Any]
Key = tuple[str, tuple[str, str] | None]
_NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})


def register_id(key: bytes, number: str) -> str:
    """Return the id of the register's own Practitioner of a licence; `key` is that of ids."""
    return opaque_id(key, "Practitioner", "register", normal_number(number))


def key_of(reference: Json) -> Key:
    """Return what a Reference says of who is meant: the target, and a number of registers."""
    identifier = reference.get("identifier")
    number = register_number(identifier) if isinstance(identifier, Mapping) else None
    return str(reference.get("reference", "")), number


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: Facts
    until: datetime


class Registers:
    """The practitioners of one node. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        records: Records,
        ids: bytes,
        clock: Clock,
        *,
        accepts_unknown: bool = True,
    ) -> None:
        """Read through `records`; nothing is read before it is asked.

        `accepts_unknown`: whether someone may sign of whom no licence is recorded.
        """
        self._database = database
        self._journal = journal
        self._records = records
        self._ids = ids
        self._clock = clock
        self._accepts_unknown = accepts_unknown
        self._mutex = Lock()
        self._seen = -1  # the journal's line up to which what is kept is right
        self._kept: dict[Key, _Kept] = {}

    def standing(
        self,
        access: Access,
        practitioner: str | Json,
        *,
        at: datetime,
        scope: str | None = None,
        place: str | None = None,
    ) -> Standing:
        """Say whether a practitioner may sign at a moment, and why.

        `practitioner` is a Reference, or the text of one: `Practitioner/x`,
        `PractitionerRole/x`. A Reference may name a licence by its identifier instead.
        """
        facts = self.facts(access, practitioner)
        return standing_of(
            facts, at, scope=scope, place=place, accepts_unknown=self._accepts_unknown
        )

    def asked(
        self, access: Access, practitioner: str | Json, coming: Mapping[str, Json] = _NOTHING
    ) -> Callable[[datetime], Standing]:
        """Return what says of any moment whether a practitioner may sign, as known now."""
        facts = self.facts(access, practitioner, coming)
        return lambda at: standing_of(facts, at, accepts_unknown=self._accepts_unknown)

    def facts(
        self,
        access: Access,
        practitioner: str | Json,
        coming: Mapping[str, Json] = _NOTHING,
    ) -> Facts:
        """Return all that is known of a practitioner's right to practise.

        `coming` are Practitioners and roles that are being written, by "Type/id".
        """
        reference = {"reference": practitioner} if isinstance(practitioner, str) else practitioner
        key = key_of(reference)
        if coming and key[0].partition("/")[0] in TYPES:
            return self._read(access, *key, coming)
        now = self._clock.now()
        self._forget_changed()
        kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            return kept.facts
        seen = self._seen
        facts = self._read(access, *key)
        with self._mutex:
            if self._seen == seen:  # else something changed while this was read
                if len(self._kept) >= _REMEMBERED_MAX:
                    self._kept.clear()
                self._kept[key] = _Kept(facts, now + timedelta(seconds=FRESH_SECONDS))
        return facts

    def _forget_changed(self) -> None:
        """Follow the journal: forget everything where a register has a newer line."""
        tail = self._journal.tail()
        with self._mutex:
            behind = tail - self._seen
        if behind == 0:
            return
        is_near = 0 < behind <= _LINES_LOOKED_MAX
        if is_near and not self._journal.follow(self._seen, 1, TYPES):
            with self._mutex:
                self._seen = max(self._seen, tail)
            return
        with self._mutex:
            self._kept.clear()
            self._seen = tail

    def _read(
        self,
        access: Access,
        target: str,
        number: tuple[str, str] | None,
        coming: Mapping[str, Json] = _NOTHING,
    ) -> Facts:
        named = self._named(access, target, coming)
        numbers = {number} if number else set()
        for one in named:
            numbers |= numbers_of(parse(one.body))
        entries = self._entries(access, numbers)
        if any(licences_of(parse(one.body)) for one in entries):
            return self._facts(access, entries, is_register=True)
        return self._facts(access, named, is_register=False)

    def _facts(self, access: Access, lines: Sequence[Resource], *, is_register: bool) -> Facts:
        roles = [role for one in lines for role in self._roles(access, one.id)]
        if is_register:
            roles = self.of_node(roles)
        practices = tuple(practice_of(parse(role.body)) for role in roles)
        return replace(facts_of(lines, is_register=is_register), practices=practices)

    def _named(self, access: Access, target: str, coming: Mapping[str, Json]) -> list[Resource]:
        """Return the Practitioner that a reference is to, by way of a role too.

        What is there and what is being written in its place both count.
        """
        found: list[Resource] = []
        for line in self._lines(access, target, coming):
            if line.type == "Practitioner":
                found.append(line)
                continue
            held = parse(line.body).get("practitioner", {})
            name = str(held.get("reference", "")) if isinstance(held, Mapping) else ""
            people = self._lines(access, name, coming)
            found += [one for one in people if one.type == "Practitioner"]
        return found

    def _lines(self, access: Access, target: str, coming: Mapping[str, Json]) -> list[Resource]:
        kind, _, rest = target.partition("/")
        id_ = rest.partition("/")[0]
        found = self._find(access, kind, id_) if kind in TYPES and id_ else None
        among = coming.get(target)
        lines = [found] if found else []
        if among is not None and among.get("resourceType") in TYPES:
            lines.append(self._to_be(among))
        return lines

    def _to_be(self, resource: Json) -> Resource:
        kind, id_ = str(resource["resourceType"]), str(resource["id"])
        return Resource(kind, id_, 0, self._clock.now(), write_exact(dict(resource)), 0, 0)

    def _find(self, access: Access, kind: str, id_: str) -> Resource | None:
        try:
            return self._records.read(access, kind, id_)
        except (ResourceNotFound, ResourceGone):
            return None

    def _entries(self, access: Access, numbers: Iterable[tuple[str, str]]) -> list[Resource]:
        """Return what the register itself has under any of some numbers."""
        found: dict[str, Resource] = {}
        for system, value in sorted(numbers):
            if system == NUMBERS:
                own = self._find(access, "Practitioner", register_id(self._ids, value))
                found |= {own.id: own} if own else {}
            query = [("identifier", f"{system}|{value}"), ("_count", str(_MOST))]
            page = self._records.search(access, "Practitioner", query)
            found |= {one.id: one for one in page.entries}
        return self.of_node(list(found.values()))

    def _roles(self, access: Access, id_: str) -> list[Resource]:
        query = [("practitioner", f"Practitioner/{id_}"), ("_count", str(_MOST))]
        return list(self._records.search(access, "PractitionerRole", query).entries)

    def of_node(self, lines: Sequence[Resource]) -> list[Resource]:
        """Keep what only this node's operators wrote."""
        return lines_of_node(self._database, lines)


def lines_of_node(database: Database, lines: Sequence[Resource]) -> list[Resource]:
    """Return of some lines those that only the node's own operators wrote."""
    if not lines:
        return []
    with database.reader() as connection:
        owners = owners_of_keys([(one.type, one.id) for one in lines], connection)
    nobody = frozenset({EVERYBODY})
    return [one for one in lines if _is_of(nobody, owners.get((one.type, one.id)))]


def facts_of(lines: Sequence[Resource], *, is_register: bool) -> Facts:
    """Return what lines of one practitioner say, but for the places."""
    people = [parse(one.body) for one in lines]
    return Facts(
        is_known=bool(people),
        licences=tuple(licence for one in people for licence in licences_of(one)),
        inactive_from=_inactive_from(lines, people),
        is_register=is_register,
    )


def _is_of(nobody: frozenset[int], owners: frozenset[int] | None) -> bool:
    return owners is not None and owners <= nobody


def _inactive_from(lines: Sequence[Resource], people: Sequence[Json]) -> int | None:
    """Return since when all of them are said not to be active, None where one is."""
    if not people or any(one.get("active") is not False for one in people):
        return None
    latest = max(one.last_updated for one in lines)
    return (latest - _EPOCH) // timedelta(microseconds=1)
