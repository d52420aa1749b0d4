"""Whose resources are: kept apart by organisation, or of nobody and there for all.

A resource belongs to the organisations on whose behalf its versions were accepted. What
describes the system itself, or who works where, belongs to nobody: all may read it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from trucyte.database.connect import Connection, Cursor
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.behalf import organisation_number, organisations_of
from trucyte.journal.change import Entry
from trucyte.journal.leaf import head_key
from trucyte.records.access import Access
from trucyte.records.statements import statements

EVERYBODY = 0  # the number that rows have which all may see
_OWN = 0

# Who there is and what they offer. A place is not among them: it may be a person's home.
# Nor is an endpoint, which may hold a secret in its headers.
REGISTERS = frozenset(
    {
        "HealthcareService",
        "InsurancePlan",
        "Organization",
        "OrganizationAffiliation",
        "Practitioner",
        "PractitionerRole",
    }
)
# What this node understands and how it behaves to everyone: for its operators to change.
DEFINITIONS = frozenset(
    {
        "ActivityDefinition",
        "CapabilityStatement",
        "ChargeItemDefinition",
        "CodeSystem",
        "CompartmentDefinition",
        "ConceptMap",
        "EventDefinition",
        "ExampleScenario",
        "GraphDefinition",
        "ImplementationGuide",
        "Library",
        "Measure",
        "MessageDefinition",
        "NamingSystem",
        "OperationDefinition",
        "PlanDefinition",
        "Questionnaire",
        "ResearchDefinition",
        "ResearchElementDefinition",
        "SearchParameter",
        "SpecimenDefinition",
        "StructureDefinition",
        "StructureMap",
        "TerminologyCapabilities",
        "ValueSet",
    }
)
OPEN = (REGISTERS | DEFINITIONS) & frozenset(RESOURCE_TYPES)
OPEN_NUMBERS = sorted(TYPE_NUMBERS[name] for name in OPEN)

Key = tuple[str, str]  # type, id


class May(Enum):
    """What a caller may do with a resource that is, or was, there."""

    NOTHING = "nothing"  # it is as if it were not there
    SEE = "see"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller may do with some resources; those that never were may be made."""

    of: Mapping[Key, May]
    makes: bool  # whether the caller may make resources at all
    sees_all: bool

    def hides(self, key: Key) -> bool:
        """Say whether there is such a resource and the caller is not to know."""
        return self.of.get(key) is May.NOTHING

    def without(self, hidden: Collection[Key]) -> "Standing":
        """Return the same where some more are as if they were not there."""
        return replace(self, of={**self.of, **dict.fromkeys(hidden, May.NOTHING)})

    def may_change(self, key: Key) -> bool:
        """Say whether the caller may write a resource that it may see, or a new one."""
        if self.sees_all:
            return True
        if not self.makes or key[0] in DEFINITIONS:
            return False
        return self.of.get(key, May.CHANGE) is May.CHANGE


def numbers_seen(access: Access) -> list[int] | None:
    """Return the numbers of the organisations whose resources a caller sees; None: of all."""
    if access.sees_organisations is None:
        return None
    return [EVERYBODY, *sorted(map(organisation_number, access.sees_organisations))]


def standing(access: Access, keys: Collection[Key], connection: Connection | None) -> Standing:
    """Return what a caller may do with resources, current or deleted.

    Without keys, or of who sees all, nothing is asked of the database.
    """
    seen = numbers_seen(access)
    makes = bool(access.organisation)
    if seen is None or not keys or connection is None:
        return Standing({}, makes, sees_all=seen is None)
    own = {organisation_number(access.organisation)} if makes else set()
    found = {
        key: _may(access, key, owners, seen, own)
        for key, owners in owners_of_keys(keys, connection).items()
    }
    return Standing(found, makes, sees_all=False)


def owners_of_keys(keys: Collection[Key], connection: Connection) -> dict[Key, frozenset[int]]:
    """Return the numbers of the organisations that resources are of, current or deleted."""
    heads = [head_key(_OWN, TYPE_NUMBERS[kind], id_.encode()).hex() for kind, id_ in keys]
    rows = connection.execute(statements()["owners_of_keys"], {"keys": heads}).fetchall()
    return {(RESOURCE_TYPES[number - 1], id_): frozenset(owners) for number, id_, owners in rows}


def _may(
    access: Access, key: Key, owners: frozenset[int], seen: Iterable[int], own: set[int]
) -> May:
    is_open = key[0] in OPEN
    if not is_open and not owners & set(seen):
        return May.NOTHING
    is_self = f"{key[0]}/{key[1]}" == access.organisation
    return May.CHANGE if is_self or owners & own else May.SEE


def owners_of(cursor: Cursor, entries: Iterable[Entry]) -> dict[int, tuple[int, ...]]:
    """Return by seq the numbers that the rows of new versions get; those without have none.

    To be asked inside the commit, before the rows of earlier versions end.
    """
    listed = list(entries)
    found: dict[int, tuple[int, ...]] = {
        entry.seq: (EVERYBODY,) for entry in listed if entry.type in OPEN
    }
    apart = [entry for entry in listed if entry.type not in OPEN]
    places = {(entry.source, entry.row) for entry in apart if entry.version == 1}
    told = organisations_of(cursor, places)
    for entry in apart:
        if (entry.source, entry.row) in told:
            found[entry.seq] = (told[entry.source, entry.row],)
    later = [entry.seq for entry in apart if entry.version > 1]
    if later:
        rows: Any = cursor.execute(statements()["owners_of_lines"], {"seqs": later}).fetchall()
        found |= {seq: tuple(owners) for seq, owners in rows}
    return found
