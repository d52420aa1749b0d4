"""Decide which proposed changes become lines, and with which seq and version.

Pure: heads and position go in, lines come out. This is the compare-and-set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.base.problem import Problem
from trucyte.journal.change import Change, Entry, Head, VersionConflict


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change with everything done to it that needs no lock."""

    change: Change
    key: bytes  # of its head
    type_number: int
    id_bytes: bytes
    codec: int
    inner: bytes
    front: bytes  # of its row, around the leaf
    back: bytes
    prepared: Sequence[Any]  # one for each projection


@dataclass(frozen=True, slots=True)
class Line:
    """A proposal with its place in the journal."""

    proposal: Proposal
    seq: int
    version: int
    previous: int


Unit = Sequence[Proposal]
Outcome = list[Entry] | Problem


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a batch will write: its lines in order, and for each unit its lines or its Problem."""

    lines: Sequence[Line]
    outcomes: Sequence[Sequence[Line] | VersionConflict]
    heads: Mapping[bytes, Head]  # as they will be, of the resources the lines touch


def arrange(units: Sequence[Unit], heads: Mapping[bytes, Head], after: int) -> Arrangement:
    """Place the units that hold behind seq `after`; one that does not leaves no trace."""
    lines: list[Line] = []
    outcomes: list[Sequence[Line] | VersionConflict] = []
    moved: dict[bytes, Head] = {}
    for unit in units:
        try:
            placed, touched = _place(unit, heads, moved, after + len(lines))
        except VersionConflict as conflict:
            outcomes.append(conflict)
        else:
            lines += placed
            outcomes.append(placed)
            moved.update(touched)
    return Arrangement(lines, outcomes, moved)


def _place(
    unit: Unit, heads: Mapping[bytes, Head], moved: Mapping[bytes, Head], seq: int
) -> tuple[list[Line], dict[bytes, Head]]:
    lines: list[Line] = []
    touched: dict[bytes, Head] = {}
    for place, proposal in enumerate(unit):
        key = proposal.key
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
