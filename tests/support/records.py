"""A small node for one test: a journal, its index and the gate."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.journal import open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import CompiledParameter, Extractor
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Entry, Operation
from trucyte.journal.journal import Journal
from trucyte.records import (
    Access,
    Hasher,
    Page,
    Records,
    Resource,
    SearchIndex,
    person_key,
    person_reference,
)
from trucyte.records.persons.circles import Circles
from trucyte.records.persons.consents import consents
from trucyte.records.persons.memberships import memberships
from trucyte.records.persons.relations import relations

KEY = b"a key of tests, of no other use."
RESTRICTED = {
    "security": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    ]
}
VERY_RESTRICTED = {"security": [{**RESTRICTED["security"][0], "code": "V"}]}


@dataclass
class Trail:
    """Remembers what was shown."""

    shown_to: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        self.shown_to.append((access.caller, tuple(persons), reason))


@dataclass
class Node:
    """The parts, and short ways to use them."""

    database: Database
    journal: Journal
    index: SearchIndex
    circles: Circles
    records: Records
    clock: FixedClock
    trail: Trail
    full: Access  # sees all
    plain: Access  # sees no restricted record

    def put(self, *resources: dict) -> list[Entry]:
        """Accept resources as one unit."""
        return self.journal.commit([change_of(resource) for resource in resources])

    def delete(self, type: str, id: str) -> Entry:
        """Accept the end of a resource."""
        return self.journal.commit([Change(type, id, Operation.DELETE, b"", 0, 0)])[0]

    def search(self, type: str, *pairs: tuple[str, str], access: Access | None = None) -> list[str]:
        """Return the ids of all pages, in order."""
        used = access or self.full
        page = self.records.search(used, type, pairs)
        found = ids(page)
        while page.next:
            page = self.records.next_page(used, page.next)
            found += ids(page)
        return found

    def total(self, type: str, *pairs: tuple[str, str], access: Access | None = None) -> int:
        """Return the count the node gives."""
        page = self.records.search(access or self.full, type, [*pairs, ("_summary", "count")])
        assert page.total is not None
        return page.total


def ids(page: Page) -> list[str]:
    return [entry.id for entry in page.entries]


def body(resource: Resource) -> dict:
    return json.loads(resource.body)


def change_of(resource: dict) -> Change:
    accepted = accept(json.dumps(resource, ensure_ascii=False).encode())
    reference = person_reference(resource)
    return Change(
        resource["resourceType"],
        resource["id"],
        Operation.UPDATE,
        accepted.body,
        accepted.meta_offset,
        person_key(KEY, reference) if reference else 0,
    )


@contextmanager
def open_node(
    database: Database,
    folder: Path,
    clock: FixedClock,
    definitions: Definitions,
    hasher: Hasher | None = None,
    custom: Sequence[CompiledParameter] = (),
) -> Iterator[Node]:
    """Open a node, and close it."""
    trail = Trail()
    index = SearchIndex(Extractor(definitions, custom), hasher or Hasher(KEY))
    circles = Circles(index.hasher, Hasher(KEY), KEY)
    facts = relations(), memberships(), consents()
    journal = open_journal(database, folder, clock, [index, circles, *facts])
    try:
        yield Node(
            database,
            journal,
            index,
            circles,
            Records(database, journal, index, clock, KEY),
            clock,
            trail,
            Access("doctor", "TREAT", sees_restricted=True, recorder=trail, sees_secret=True),
            Access("clerk", "HOPERAT", sees_restricted=False, recorder=trail),
        )
    finally:
        journal.close()
