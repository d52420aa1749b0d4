"""What decisions ask of the database: circles of persons, and who oversees whom."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.records import Records
from trucyte.records.persons.statements import QUERIES
from trucyte.shared.access.local import system_access

OVERSEEN_LIFE: Final = timedelta(seconds=60)
_OVERSEEN_MAX: Final = 10_000
_PAGE: Final = 500
_LEVELS_MAX: Final = 4  # ministry, province, commune, ward


def circles_in(database: Database) -> Callable[[frozenset[int]], frozenset[int]]:
    """Return what adds to person keys those of all records linked with them."""

    def circles(persons: frozenset[int]) -> frozenset[int]:
        with database.connection() as connection:
            rows = connection.execute(QUERIES.persons_with, {"persons": sorted(persons)})
            return frozenset(row[0] for row in rows)

    return circles


class Overseen:
    """The organisations below one: `Organization.partOf`, a few levels down. Kept a minute."""

    def __init__(self, records: Records, clock: Clock) -> None:
        """Look them up in `records`."""
        self._records = records
        self._clock = clock
        self._kept: dict[str, tuple[datetime, frozenset[str]]] = {}

    def __call__(self, organisation: str) -> frozenset[str]:
        """Return the references of the organisations below one, without itself."""
        now = self._clock.now()
        kept = self._kept.get(organisation)
        if kept is None or now - kept[0] >= OVERSEEN_LIFE:
            if len(self._kept) > _OVERSEEN_MAX:
                self._kept.clear()
            kept = self._kept[organisation] = now, self._looked_up(organisation)
        return kept[1]

    def _looked_up(self, organisation: str) -> frozenset[str]:
        found: set[str] = set()
        level = {organisation}
        for _ in range(_LEVELS_MAX):
            level = {below for one in sorted(level) for below in self._below(one)} - found
            level.discard(organisation)
            if not level:
                break
            found |= level
        return frozenset(found)

    def _below(self, organisation: str) -> list[str]:
        access = system_access("access")
        pairs = [("partof", organisation), ("_count", str(_PAGE))]
        page = self._records.search(access, "Organization", pairs)
        found = [f"Organization/{entry.id}" for entry in page.entries]
        while page.next:
            page = self._records.next_page(access, page.next)
            found.extend(f"Organization/{entry.id}" for entry in page.entries)
        return found
