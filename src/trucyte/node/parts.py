"""The parts of a node that hold no connection: definitions, lists, mapping, rules, index.

They are the same in the process that serves and in every worker; each process makes its
own once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from trucyte.base.clock import Clock, SystemClock
from trucyte.database.connect import Database
from trucyte.exchange.subscriptions.store import Store
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.search import Extractor
from trucyte.fhir.validate import Validator
from trucyte.intake.claims.mapping.table_mapping import TableMapping
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.interactions import Interactions
from trucyte.intake.interactions.plans import unsigned
from trucyte.intake.keeping.api_originals import ApiOriginals
from trucyte.intake.latest import Latest
from trucyte.intake.tools import Build, Tools
from trucyte.journal.change import Projection
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.node.language import load_definitions
from trucyte.records import Hasher, Records, SearchIndex, person_reference
from trucyte.records.persons.circles import Circles
from trucyte.records.persons.consents import consents
from trucyte.records.persons.memberships import memberships
from trucyte.records.persons.relations import relations
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.links.links import Links
from trucyte.shared.identity.registers.many import Many
from trucyte.shared.identity.registers.past import Past
from trucyte.shared.identity.registers.reader import Registers, lines_of_node
from trucyte.shared.identity.registers.signing import Signing
from trucyte.shared.terminology.lists import LoadedLists
from trucyte.vietnam.lists import CodeLists
from trucyte.vietnam.packaged_lists import MergedLists, PackagedLists, Terms

if TYPE_CHECKING:
    from trucyte.shared.terminology.service import Terminology


@dataclass(frozen=True, slots=True)
class Parts:
    """What needs no database."""

    definitions: Definitions
    index: SearchIndex
    circles: Circles
    lists: CodeLists
    rules: RuleBook

    @property
    def projections(self) -> Sequence[Projection]:
        """What is derived inside every commit, in this order."""
        return self.index, Latest(), self.circles, relations(), memberships(), consents()


def make_parts(keyring: Keyring, loaded: Mapping[str, Terms] | None = None) -> Parts:
    """Make the parts under the node's keys; `loaded` are lists of the operator's own.

    Raises ContentNotBuilt.
    """
    definitions = load_definitions()
    hasher, persons = Hasher(keyring.tokens), Hasher(keyring.persons)
    lists = PackagedLists() if loaded is None else MergedLists(loaded)
    return Parts(
        definitions=definitions,
        index=SearchIndex(Extractor(definitions), hasher),
        circles=Circles(hasher, persons, keyring.ids),
        lists=lists,
        rules=RuleBook(packaged_rules(), lists),
    )


def worker_build(url: str, keys: Path) -> Build:
    """Return what makes a worker's tools, in this process or in one of its own."""
    return partial(build_tools, url, keys)


def build_tools(url: str, keys: Path) -> Tools:
    """Make one worker's tools: its own connections, journal and parts."""
    keyring = Keyring.open(keys)
    database = Database(url)
    parts = make_parts(keyring, LoadedLists(database))
    clock: Clock = SystemClock()
    journal = Journal(database, keyring, clock, parts.projections)
    records = Records(database, journal, parts.index, clock, keyring.tokens)
    own = partial(lines_of_node, database)
    past = Past(Many(records, system_access("registers"), own), clock)
    return Tools(
        database=database,
        journal=journal,
        mapping=TableMapping(keyring.ids, parts.lists),
        rules=parts.rules.asking(past),
        checker=Validator(parts.definitions),
        finder=IndexFinder(records),
        person=Hasher(keyring.persons).person,
        person_of=person_reference,
        ids=keyring.ids,
        clock=clock,
        signers=past,
    )


def make_interactions(
    parts: Parts,
    keyring: Keyring,
    journal: Journal,
    records: Records,
    clock: Clock,
    registers: Registers | None = None,
) -> Interactions:
    """Make the write side of the API: one a process; `registers` tell who may sign."""
    signing = None
    if registers is not None:
        signing = Signing(registers, system_access("registers"), clock)
    return Interactions(
        journal,
        records,
        Validator(parts.definitions),
        person=Hasher(keyring.persons).person,
        person_of=person_reference,
        clock=clock,
        paths=Paths(parts.definitions),
        signed=signing.check if signing else unsigned,
        originals=ApiOriginals(journal.database, clock),
        lasting=Store(journal.database).keep_bounds,
    )


def make_links(keyring: Keyring, journal: Journal, records: Records, clock: Clock) -> Links:
    """Make what links Patients: one a process."""
    person = Hasher(keyring.persons).person
    return Links(journal, records, clock, ids=keyring.ids, person=person)


class IndexFinder:
    """Answers the conditions of FHIR transactions from the index."""

    def __init__(self, records: Records) -> None:
        """Search `records`, as intake."""
        self._records = records

    def find(self, type: str, query: str, organisation: str = "") -> Sequence[str]:
        """Return the ids of at most two current resources that meet a search query.

        `organisation` keeps to what that one may see.
        """
        pairs = [*parse_qsl(query, keep_blank_values=True), ("_count", "2")]
        page = self._records.search(system_access("intake", organisation), type, pairs)
        return [entry.id for entry in page.entries]


class SearchCodes:
    """Which codes a search by value set or hierarchy stands for. Safe to share between threads."""

    def __init__(
        self, database: Database, records: Records, definitions: Definitions, clock: Clock
    ) -> None:
        """Read code lists through `records`; nothing is read before a search asks."""
        self._database = database
        self._records = records
        self._definitions = definitions
        self._clock = clock

    def codings(self, value_set: str | Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return (system, code) of the members of a value set in force today.

        Raises ValueSetUnknown, ExpansionTooCostly and what composing raises.
        """
        found = self.terminology.expand(value_set)
        return [(node.member.system, node.member.code) for node in found.nodes]

    def systems(self) -> Mapping[str, Sequence[str]]:
        """Return the code systems that are here, with their versions."""
        return self.terminology.systems()

    @cached_property
    def terminology(self) -> "Terminology":
        """The node's terminology, made when it is first asked for; one a process."""
        from trucyte.shared.terminology.library import Library  # noqa: PLC0415 - half a second
        from trucyte.shared.terminology.service import Terminology  # noqa: PLC0415 - as above

        access = system_access("terminology")
        library = Library(self._database, self._records, access, self._definitions)
        return Terminology(self._database, library, self._clock)
