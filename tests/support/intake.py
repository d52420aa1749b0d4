"""Intake over a real journal, mapping, rules and validator, in one process or several."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor
from trucyte.fhir.validate import Validator
from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.table_mapping import TableMapping
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.door import Door, work_on
from trucyte.intake.keeping.vault import Vault
from trucyte.intake.latest import Latest
from trucyte.intake.receipts import ReceivedFile
from trucyte.intake.store import PostgresReceipts
from trucyte.intake.tools import Tools
from trucyte.journal.change import Stored
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records.hashing import Hasher
from trucyte.records.index import SearchIndex
from trucyte.records.person import person_reference


class NoLists:
    """No list is loaded."""

    def is_loaded(self, name: str) -> bool:
        return False

    def find(self, name: str, code: str, on: object = None) -> None:
        return None


class NoFinder:
    """The index holds nothing."""

    def find(self, type: str, query: str) -> Sequence[str]:
        return []


def build(url: str, folder: Path, definitions: Path, is_indexed: bool = False) -> Tools:
    """Make the tools of one process."""
    keyring = Keyring.open(folder / "keys")
    database = Database(url)
    hasher = Hasher(keyring.tokens)
    language = Definitions.load(definitions.read_bytes())
    projections = [Latest()]
    if is_indexed:
        projections.append(SearchIndex(Extractor(language), hasher))
    return Tools(
        database=database,
        journal=Journal(database, keyring, SystemClock(), projections),
        mapping=TableMapping(keyring.ids, NoLists()),
        rules=RuleBook(packaged_rules(), NoLists()),
        checker=Validator(language),
        finder=NoFinder(),
        person=hasher.person,
        person_of=person_reference,
        ids=keyring.ids,
        clock=SystemClock(),
    )


class Node:
    """One node in a test: what is sent to it, and what it holds then."""

    def __init__(
        self, database: Database, folder: Path, definitions: Path, *, workers: int = 0
    ) -> None:
        self.database = database
        self.build = partial(build, database.url, folder, definitions)
        self.tools = self.build()
        journal = self.tools.journal
        self._sealing = journal  # its keys seal what is received, whatever tools come later
        vault = Vault(journal.body_keys, blocked=journal.blocked_rows)
        receipts = PostgresReceipts(database, b"k" * 32, SystemClock(), vault=vault)
        self.door = Door(database, receipts, SystemClock(), self.build, workers)
        self.receipts = receipts
        self.journal = self.tools.journal

    def build_with(self, finder: object) -> Tools:
        return replace(self.build(), finder=finder)

    def send(self, data: bytes, name: str = "hoso.xml") -> ReceivedFile:
        """Receive a file and work on it to the end."""
        file = self.receipts.receive(name, "cli", [data])
        work_on(self.door, [file.number], 0, Event())
        return self.receipts.file(file.number)

    def outcomes(self, file: ReceivedFile) -> list[str]:
        return [visit.outcome for visit in self.receipts.visits(file.number)]

    def lines(self, *types: str) -> list[Stored]:
        """All lines of the journal, in order."""
        return self.journal.follow(0, 100_000, types or None)

    def current(self, type: str) -> dict[str, Resource]:
        """What is current of a type, by id."""
        found = {line.entry.id: line for line in self.lines(type)}
        return {id: parse(line.body) for id, line in found.items() if line.body}

    def one(self, type: str) -> Resource:
        (resource,) = self.current(type).values()
        return resource

    def versions(self, type: str) -> dict[str, int]:
        return {line.entry.id: line.entry.version for line in self.lines(type)}

    def close(self) -> None:
        self.tools.journal.close()
        self._sealing.close()
        self.tools.database.close()
