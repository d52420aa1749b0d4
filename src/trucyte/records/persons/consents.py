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
from trucyte.records.persons.facts import Facts
from trucyte.records.persons.holders import acting
from trucyte.records.persons.provisions import UNLABELLED, Rule, Scope, rules_of
from trucyte.records.persons.purposes import with_those_above
from trucyte.records.persons.spans import Span
from trucyte.records.persons.statements import FACTS
from trucyte.records.search.bound import Parameters

TYPE: Final = "Consent"


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
        copy=FACTS.copy_provisions,
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


def agreed_conditions(agreed: Agreed, bound: Parameters, row: str, now: int) -> list[str]:
    """Return as SQL that consents let rows be seen at `now` (µs since 1970).

    `row` has columns person, type and sensitivity. Types that are of nobody are not asked.
    """
    asking = _Asking(agreed, bound, row, now)
    conditions = [f"not ({asking.concerned('not p.is_permit')} and {asking.refused()})"]
    if agreed.needs_permit:
        permitted = f"({asking.concerned('p.is_permit')} and {asking.permitted()})"
        open_types = bound.add(OPEN_NUMBERS, "smallint[]")
        conditions.append(f"({row}.type = any({open_types}) or {permitted})")
    return conditions


class _Asking:
    """The conditions of one question."""

    def __init__(self, agreed: Agreed, bound: Parameters, row: str, now: int) -> None:
        self._row = row
        self._now = bound.add(now, "bigint")
        self._held = acting(agreed.actors, bound, self._now)
        self._purposes = bound.add(list(with_those_above(agreed.purpose)), "text[]")

    def concerned(self, which: str) -> str:
        """Say that a rule for this question is there at all, whatever the row: most have none.

        What does not hang on the row but by its person PostgreSQL may ask once for all rows.
        """
        asked = f"{which} and {self._asks('p')}"
        return (
            f"(exists (select from records.provision p where p.person = {self._row}.person"
            f" and {asked}) or exists (select from records.linked own, records.linked other,"
            f" records.provision p where own.person = {self._row}.person"
            f" and other.circle = own.circle and p.person = other.person and {asked}))"
        )

    def refused(self) -> str:
        """Say that a refusal decides, and no permit of the same scope is newer."""
        newer = (
            f"select from records.provision q where {self._of_person('q')}"
            " and q.is_permit and q.scope = p.scope and (q.made, q.seq) > (p.made, p.seq)"
            f" and {self._decides('q')}"
        )
        return (
            f"exists (select from records.provision p where {self._of_person('p')}"
            f" and not p.is_permit and {self._decides('p')} and not exists ({newer}))"
        )

    def permitted(self) -> str:
        """Say that a permit decides; whether a refusal does is asked beside it."""
        return (
            f"exists (select from records.provision p where {self._of_person('p')}"
            f" and p.is_permit and {self._decides('p')})"
        )

    def _of_person(self, rule: str) -> str:
        person = f"{self._row}.person"
        return (
            f"{rule}.person in (select {person} union all select other.person"
            " from records.linked own join records.linked other on other.circle = own.circle"
            f" where own.person = {person})"
        )

    def _decides(self, rule: str) -> str:
        hangs = f"x.person = {rule}.person and x.seq = {rule}.seq and x.parent = {rule}.number"
        return (
            f"{self._matches(rule)} and not exists"
            f" (select from records.provision x where {hangs} and {self._matches('x')})"
        )

    def _asks(self, rule: str) -> str:
        return (
            f"{rule}.begins <= {self._now} and {rule}.ends > {self._now}"
            f" and ({rule}.purposes = '{{}}' or {rule}.purposes && {self._purposes})"
            f" and ({rule}.actors = '{{}}' or {rule}.actors && {self._held})"
        )

    def _matches(self, rule: str) -> str:
        label, mask = f"{self._row}.sensitivity", f"{rule}.labels"
        shown = (
            f"case when {label} = 0 then {mask} & {UNLABELLED}::smallint <> 0"
            f" else {label} & ~{mask} = 0 end"
        )
        labelled = f"case when {rule}.is_permit then {shown} else {label} & {mask} <> 0 end"
        return (
            f"{self._asks(rule)}"
            f" and ({rule}.types = '{{}}' or {self._row}.type = any({rule}.types))"
            f" and ({mask} = 0 or {labelled})"
        )
