"""Decide which proposed changes become lines, and with which seq and version.

Pure: heads and position go in, lines come out. This is the compare-and-set.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.base.problem import Problem
from trucyte.journal.atrest.sealed import BodyKey
from trucyte.journal.change import (
    Change,
    Entry,
    Expectation,
    ExpectationFailed,
    Head,
    Key,
    KeyDestroyed,
    Operation,
    VersionConflict,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change with everything done to it that needs no lock."""

    change: Change
    head: bytes  # the key of its head
    type_number: int
    id_bytes: bytes
    codec: int
    inner: bytes
    front: bytes  # of its row, around the leaf
    packed: bytes  # the compressed body
    body: bytes  # as it lies: sealed where there is a key
    prepared: Sequence[Any]  # one for each projection
    key: BodyKey | None = None  # what the body is sealed under
    sealed_as: int = 0  # the version that it is sealed for


@dataclass(frozen=True, slots=True)
class Line:
    """A proposal with its place in the journal."""

    proposal: Proposal
    seq: int
    version: int
    previous: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Proposals that are accepted all or none, and what they take for granted."""

    proposals: Sequence[Proposal]
    expectations: Sequence[Expectation] = ()


Outcome = list[Entry] | Problem
Refused = VersionConflict | ExpectationFailed | KeyDestroyed
Found = Mapping[int, frozenset[Key]]  # by id() of the expectation: what the database says
_NOTHING_ASKED: Found = {}


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a batch will write: its lines in order, and for each unit its lines or its Problem."""

    lines: Sequence[Line]
    outcomes: Sequence[Sequence[Line] | Refused]
    heads: Mapping[bytes, Head]  # as they will be, of the resources the lines touch


def arrange(
    units: Sequence[Unit],
    heads: Mapping[bytes, Head],
    after: int,
    found: Found = _NOTHING_ASKED,
    destroyed: Container[int] = frozenset(),
) -> Arrangement:
    """Place the units that hold behind seq `after`; one that does not leaves no trace.

    `found` has what meets the expectations of the units in the database; `destroyed` are
    the keys that were there when a body was sealed and are no more.
    """
    lines: list[Line] = []
    outcomes: list[Sequence[Line] | Refused] = []
    moved: dict[bytes, Head] = {}
    for unit in units:
        try:
            if any(one.key is not None and one.key.number in destroyed for one in unit.proposals):
                raise KeyDestroyed
            for expectation in unit.expectations:
                _check(expectation, found[id(expectation)], lines)
            placed, touched = _place(unit, heads, moved, after + len(lines))
        except (VersionConflict, ExpectationFailed, KeyDestroyed) as conflict:
            outcomes.append(conflict)
        else:
            lines += placed
            outcomes.append(placed)
            moved.update(touched)
    return Arrangement(lines, outcomes, moved)


def _check(expectation: Expectation, found: frozenset[Key], before: Sequence[Line]) -> None:
    """Raise ExpectationFailed unless what is expected meets the condition, and nothing else."""
    # As many as were asked for: there may be more, of which nothing is known. And what others
    # say may have changed in the lines before. Who tries again finds both settled.
    if len(found) >= expectation.limit or (before and not expectation.is_local):
        raise ExpectationFailed
    now = set(found)
    for line in before:
        change = line.proposal.change
        if change.type == expectation.type:
            key = (change.origin, change.type, change.id)
            is_met = change.operation is not Operation.DELETE and expectation.meets(change)
            (now.add if is_met else now.discard)(key)
    if now != expectation.expected:
        raise ExpectationFailed


def _place(
    unit: Unit, heads: Mapping[bytes, Head], moved: Mapping[bytes, Head], seq: int
) -> tuple[list[Line], dict[bytes, Head]]:
    lines: list[Line] = []
    touched: dict[bytes, Head] = {}
    for place, proposal in enumerate(unit.proposals):
        key = proposal.head
        head = touched.get(key) or moved.get(key) or heads.get(key)
        version, previous = (head.version, head.seq) if head else (0, 0)
        change = proposal.change
        if change.expected is not None and change.expected != version:
            raise VersionConflict(
                type=change.type, place=place, expected=change.expected, current=version
            )
        seq += 1
        lines.append(Line(proposal, seq, version + 1, previous))
        touched[key] = Head(version + 1, seq, change.operation)
    return lines, touched
