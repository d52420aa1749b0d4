"""Facilities of the register: what they are called, and what became of them by a day.

Facilities merge and are split. What was known of the old one stays as it is; an
OrganizationAffiliation of this node's own says which came behind it from which day, and
who asks for a day is answered for that day.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.database.connect import Database
from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import Resource, ResourceGone, ResourceNotFound
from trucyte.shared.identity.registers.codes import (
    FACILITIES,
    RELATIONS,
    SUCCEEDED,
    facility_id,
)
from trucyte.shared.identity.registers.licence import range_of
from trucyte.shared.identity.registers.reader import lines_of_node

FRESH_SECONDS: Final = 60.0
_REMEMBERED_MAX: Final = 20_000
_STEPS_MAX: Final = 1000  # facilities looked at for one question: a circle ends too
_MOST: Final = 500
_NAME_MAX: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Facilities:
    """The facilities of one node. Safe to share between threads."""

    def __init__(self, database: Database, records: Records, ids: bytes, clock: Clock) -> None:
        """Read through `records`; nothing is read before it is asked."""
        self._database = database
        self._records = records
        self._ids = ids
        self._clock = clock
        self._mutex = Lock()
        self._names: dict[str, tuple[str, datetime]] = {}

    def name(self, access: Access, code: str) -> str:
        """Return what a facility is called, "" where that is not known; remembered a minute."""
        now = self._clock.now()
        kept = self._names.get(code)
        if kept is not None and now < kept[1]:
            return kept[0]
        found = self._read(access, code)
        name = str(parse(found.body).get("name", ""))[:_NAME_MAX] if found else ""
        with self._mutex:
            if len(self._names) >= _REMEMBERED_MAX:
                self._names.clear()
            self._names[code] = (name, now + timedelta(seconds=FRESH_SECONDS))
        return name

    def organisation(self, access: Access, code: str) -> Resource | None:
        """Return the Organization of a facility code; None where there is none."""
        return self._read(access, code)

    def successors(self, access: Access, id_: str, day: date) -> Sequence[str]:
        """Return the ids of the Organizations that a facility is on a day: often itself.

        Those that it became, directly or by way of others, and that had not become another.
        """
        return self._followed(access, id_, day, "primary-organization", "participatingOrganization")

    def predecessors(self, access: Access, id_: str, day: date) -> Sequence[str]:
        """Return the ids of the Organizations whose records a facility has taken over by a day."""
        found = self._followed(
            access, id_, day, "participating-organization", "organization", is_whole=True
        )
        return [one for one in found if one != id_]

    def _followed(
        self, access: Access, id_: str, day: date, ask: str, take: str, *, is_whole: bool = False
    ) -> list[str]:
        waiting, seen, ends = [id_], {id_}, []
        while waiting and len(seen) <= _STEPS_MAX:
            one = waiting.pop()
            nexts = list(self._related(access, one, day, ask, take))
            if is_whole or not nexts:
                ends.append(one)
            fresh = [other for other in nexts if other not in seen]
            seen.update(fresh)
            waiting += fresh
        return sorted(ends) or [id_]

    def _related(self, access: Access, id_: str, day: date, ask: str, take: str) -> Iterable[str]:
        query = [(ask, f"Organization/{id_}"), ("_count", str(_MOST))]
        page = self._records.search(access, "OrganizationAffiliation", query)
        begins = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
        moment = (begins - _EPOCH) // timedelta(microseconds=1)
        for line in self._of_node(page.entries):
            resource = parse(line.body)
            low, high = range_of(resource.get("period"))
            if _says_succession(resource) and low <= moment < high:
                target = str(resource.get(take, {}).get("reference", ""))
                if target.startswith("Organization/"):
                    yield target.partition("/")[2].partition("/")[0]

    def _of_node(self, lines: Sequence[Resource]) -> list[Resource]:
        """Keep what only this node's operators wrote: who sends records founds no facility."""
        return lines_of_node(self._database, lines)

    def _read(self, access: Access, code: str) -> Resource | None:
        try:
            return self._records.read(access, "Organization", facility_id(self._ids, code))
        except (ResourceNotFound, ResourceGone):
            query = [("identifier", f"{FACILITIES}|{_escaped(code)}"), ("_count", "1")]
            page = self._records.search(access, "Organization", query)
            return next(iter(page.entries), None)


def _escaped(code: str) -> str:
    """Write a code so that a search reads it whole (R4 3.1.1.5.7)."""
    for sign in "\\,$|":
        code = code.replace(sign, f"\\{sign}")
    return code


def _says_succession(affiliation: dict[str, Any]) -> bool:
    return affiliation.get("active") is not False and any(
        coding.get("system") == RELATIONS and coding.get("code") == SUCCEEDED
        for concept in affiliation.get("code", ())
        for coding in concept.get("coding", ())
    )
