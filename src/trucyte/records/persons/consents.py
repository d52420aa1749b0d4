"""What persons agreed to: kept inside every commit, asked by permission.

A rule decides what it matches unless an exception that hangs on it matches too. Of the
consents of one scope the newest that decides wins, a refusal where two are as new; among
scopes a refusal wins. The consents of all Patients of a circle hold for the person.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trucyte.database.connect import Connection
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.records.access import Agreed, Labels
from trucyte.records.owners import OPEN_NUMBERS
from trucyte.records.persons.facts import Facts, by_copy
from trucyte.records.persons.holders import acting
from trucyte.records.persons.provisions import Rule, Scope, rules_of
from trucyte.records.persons.purposes import with_those_above
from trucyte.records.persons.spans import Span
from trucyte.records.persons.statements import FACTS
from trucyte.records.search.bound import Parameters

TYPE: Final = "Consent"
# So many rules are looked through at once for a page.
FEW: Final = 5_000


@dataclass(frozen=True, slots=True)
class Provision:
    """A rule in force as it is kept; actors as numbers (`holders.number_of`)."""

    seq: int  # of the version of the Consent
    number: int
    parent: int
    scope: Scope
    made: int  # µs since 1970
    span: Span
    is_permit: bool
    labels: int
    actors: tuple[int, ...]
    types: tuple[str, ...]
    purposes: tuple[str, ...]


def consents() -> Facts:
    """Make the projection that keeps what consents say."""
    return Facts(
        "consents",
        ("records.provision",),
        {TYPE: _rules},
        end=FACTS.end_provisions,
        write=by_copy(FACTS.copy_provisions),
        clear=FACTS.clear_provisions,
    )


def _rules(resource: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(rules_of(resource))


def provisions_of(connection: Connection, person: int) -> list[Provision]:
    """Return the rules of a person and of who is one with it, the newest consent first."""
    rows = connection.execute(FACTS.provisions_of, {"person": person}).fetchall()
    return [
        Provision(
            seq, number, parent, Scope(scope), made, Span(begins, ends), is_permit, labels,
            tuple(actors), tuple(RESOURCE_TYPES[type - 1] for type in types), tuple(purposes),
        )
        for seq, number, parent, scope, made, begins, ends, is_permit, labels, actors, types,
        purposes in rows
    ]  # fmt: skip


def permits(
    connection: Connection, person: int, agreed: Agreed, type: str, labels: Labels, *, now: int
) -> bool:
    """Say whether consents let a resource of a person be seen; `now` in µs since 1970."""
    bound = Parameters()
    row = (
        f"(select {bound.add(person, 'bigint')} as person,"
        f" {bound.add(TYPE_NUMBERS[type], 'smallint')} as type,"
        f" {bound.add(int(labels), 'smallint')} as sensitivity) e"
    )
    conditions = " and ".join(agreed_conditions(agreed, bound, "e", now))
    found = connection.execute(f"select from {row} where {conditions}".encode(), bound.values)
    return found.fetchone() is not None


def agreed_conditions(
    agreed: Agreed, bound: Parameters, row: str, now: int, *, is_whole: bool = False
) -> list[str]:
    """Return as SQL that consents let rows be seen at `now` (µs since 1970).

    `row` has columns person, type and sensitivity. Types that are of nobody are not asked.
    `is_whole` says that most rows are looked at, as for a count.
    """
    moment = bound.add(now, "bigint")
    held = acting(agreed.actors, bound, moment)
    purposes = bound.add(list(with_those_above(agreed.purpose)), "text[]")
    asked = f"records.is_asked(p, {held}, {purposes}, {moment})"
    of_row = f"({row}.person, {row}.type, {row}.sensitivity, {held}, {purposes}, {moment})"
    may = _concerned(row, f"not p.is_permit and {asked}", is_whole=is_whole)
    conditions = [f"not ({may} and records.refuses{of_row})"]
    if agreed.needs_permit:
        may = _concerned(row, f"p.is_permit and {asked}", is_whole=is_whole)
        open_types = bound.add(OPEN_NUMBERS, "smallint[]")
        conditions.append(f"({row}.type = any({open_types}) or {may} and records.permits{of_row})")
    return conditions


def _concerned(row: str, which: str, *, is_whole: bool) -> str:
    """Return as SQL that a person has a rule for the question at all: most have none.

    Only of those is the answer worked out, which takes longer.
    """
    persons = f"select p.person from records.provision p where {which}"
    one = (
        f"exists (select from records.provision p where p.person = {row}.person and {which}"
        " offset 0)"
    )
    if is_whole:
        own = f"{row}.person in ({persons})"
    else:
        few = f"(select count(*) from (select from records.provision limit {FEW + 1}) p) <= {FEW}"
        own = f"case when {few} then {row}.person in ({persons}) else {one} end"
    return (
        f"({own} or exists (select from records.linked l where l.person = {row}.person)"
        f" and exists (select from unnest(records.circle({row}.person)) c (person),"
        f" records.provision p where p.person = c.person and {which} offset 0))"
    )
