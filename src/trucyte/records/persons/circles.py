"""Circles: Patients that are one person, kept inside every commit.

What is linked is an edge, a circle is what hangs together. With a link that is broken the
circle of its two ends is laid anew from the edges that are left, so each has at once what is
its own. Replaying the journal gives the same rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Cursor
from trucyte.journal.change import Change, Entry, Operation
from trucyte.records.hashing import Hasher
from trucyte.records.persons.linkage import (
    TYPE,
    LinkageRefused,
    LinkState,
    PatientAt,
    pair_id,
    read_statement,
)
from trucyte.records.persons.statements import QUERIES

# One person has a few Patients. More are a number that many share, or a fault of a machine.
MEMBERS_MAX: Final = 64
_OWN: Final = 0
STATES: Final = {LinkState.LINKED: 1, LinkState.DIFFERENT: 2, LinkState.BROKEN: 3}
_LINKED: Final = STATES[LinkState.LINKED]
_DIFFERENT: Final = STATES[LinkState.DIFFERENT]

Edge = tuple[int, int]


class GroupTooLarge(Problem):
    """By this link more than {most} Patients would be one person; look at those linked first."""

    kind = Kind.CONFLICT
    code = "link-group-large"


class LinkContradicts(Problem):
    """Two Patients known to be different persons would be one by their links; break those first."""

    kind = Kind.CONFLICT
    code = "link-contradicts"


@dataclass(frozen=True, slots=True)
class Member:
    """A Patient as a circle has it."""

    person: int
    reference: int
    at: PatientAt


@dataclass(frozen=True, slots=True)
class Said:
    """What one version of a Linkage says; `members` is empty where it says nothing any more."""

    linkage: int
    members: tuple[Member, ...] = ()
    state: int = 0

    @property
    def edge(self) -> Edge:
        """The two person keys, the lesser one first."""
        first, second = sorted(member.person for member in self.members)
        return first, second


class Circles:
    """The projection that keeps circles; see `journal.change.Projection`."""

    name = "persons"
    tables: Sequence[str] = ("records.pair", "records.linked")

    def __init__(self, hasher: Hasher, persons: Hasher, ids: bytes) -> None:
        """Take the hashes of the index, those of persons, and the key that ids are made with."""
        self._hasher = hasher
        self._persons = persons
        self._ids = ids

    def prepare(self, change: Change) -> Said | None:
        """Return what a change says of two Patients; raises LinkageRefused."""
        if change.type != TYPE or change.origin != _OWN:
            return None
        linkage = self._hasher.reference(_OWN, TYPE, change.id)
        if change.operation is Operation.DELETE:
            return Said(linkage)
        resource = change.resource
        if resource is None:
            resource = msgspec.json.decode(change.body)
        statement = read_statement(resource)
        if statement is None:
            return Said(linkage)
        pair = statement.source, statement.alternate
        if change.id != pair_id(self._ids, *pair):
            raise LinkageRefused(reason="its id is made of the pair")
        return Said(linkage, tuple(map(self.member, pair)), STATES[statement.state])

    def member(self, patient: PatientAt) -> Member:
        """Return a Patient with its hashes."""
        if patient.node:
            reference = self._hasher.form("reference", f"@{patient.node}", "Patient", patient.id)
        else:
            reference = self._hasher.reference(_OWN, "Patient", patient.id)
        return Member(self._persons.person(patient.reference), reference, patient)

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[Any]) -> None:
        """Keep what was said last of each pair, and lay the circles of both anew.

        Raises GroupTooLarge, LinkContradicts.
        """
        last = {said.linkage: said for said in prepared if said is not None}
        if last:
            _keep(cursor, list(last.values()))

    def clear(self, cursor: Cursor) -> None:
        """Empty the tables."""
        cursor.execute(QUERIES.clear)


def _keep(cursor: Cursor, last: Sequence[Said]) -> None:
    linkages = [said.linkage for said in last]
    before: list[Edge] = cursor.execute(QUERIES.forget_pairs, {"linkages": linkages}).fetchall()
    told = [said for said in last if said.members]
    if told:
        edges = [said.edge for said in told]
        columns = {
            "linkages": [said.linkage for said in told],
            "persons": [person for person, _ in edges],
            "others": [other for _, other in edges],
            "states": [said.state for said in told],
        }
        cursor.execute(QUERIES.add_pairs, columns)
    touched = {person for edge in before for person in edge}
    new = {member.person: member for said in told for member in said.members}
    if touched or new:
        _lay_circles(cursor, touched | new.keys(), new)


def _lay_circles(cursor: Cursor, touched: Collection[int], new: Mapping[int, Member]) -> None:
    """Find who hangs together now, of all whom the changed pairs may concern."""
    rows = cursor.execute(QUERIES.circles_of, {"persons": list(touched)}).fetchall()
    were = {person: circle for person, circle, *_ in rows}
    members = {
        person: Member(person, reference, PatientAt(node, id))
        for person, _, reference, node, id in rows
    } | dict(new)
    # A person whose links are all gone has no row, and none to get.
    among = {"persons": list(members)}
    pairs = cursor.execute(QUERIES.pairs_among, among).fetchall()
    known = [(one, two, state) for one, two, state in pairs if one in members and two in members]
    circles = circles_of(members, [(one, two) for one, two, state in known if state == _LINKED])
    _check(circles, [(one, two) for one, two, state in known if state == _DIFFERENT])
    if circles == were:
        return
    cursor.execute(QUERIES.forget_linked, {"persons": list(were)})
    kept = [members[person] for person in circles]
    cursor.execute(
        QUERIES.add_linked,
        {
            "persons": [one.person for one in kept],
            "circles": [circles[one.person] for one in kept],
            "references": [one.reference for one in kept],
            "nodes": [one.at.node for one in kept],
            "ids": [one.at.id for one in kept],
        },
    )


def circles_of(members: Iterable[int], edges: Iterable[Edge]) -> dict[int, int]:
    """Return the circle of each member that has a link, by the least key in it; pure."""
    beside: dict[int, set[int]] = {member: set() for member in members}
    for one, other in edges:
        beside[one].add(other)
        beside[other].add(one)
    found: dict[int, int] = {}
    for begin in sorted(one for one, others in beside.items() if others):
        if begin in found:
            continue
        waiting = [begin]
        while waiting:
            member = waiting.pop()
            if member not in found:
                found[member] = begin
                waiting += beside[member]
    return found


def _check(circles: Mapping[int, int], different: Iterable[Edge]) -> None:
    sizes: dict[int, int] = {}
    for circle in circles.values():
        sizes[circle] = sizes.get(circle, 0) + 1
    if max(sizes.values(), default=0) > MEMBERS_MAX:
        raise GroupTooLarge(most=MEMBERS_MAX)
    if any(one in circles and circles[one] == circles.get(other) for one, other in different):
        raise LinkContradicts
