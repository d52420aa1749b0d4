"""A consent that refuses a kind hides a deleted resource that was of that kind once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.records import Node, open_node
from tests.support.seeing import consent, labelled, observation, patient
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.journal.change import Change, Operation
from trucyte.records.access import Agreed, Grant, Labels
from trucyte.records.shown import ResourceGone, ResourceNotFound
from trucyte.records.walk import Selection, Span, Walker

KEY = "Observation", "o1"


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


def test_what_was_of_a_refused_kind_is_not_told_of_when_it_is_gone(node: Node) -> None:
    plain = observation("o1", "p0", "laboratory")
    node.put(patient("p0"), {**plain, **labelled(Labels.HIV)})
    (entry,) = node.put(plain)
    person = node.records.read(node.full, *KEY).person
    node.journal.commit([Change(*KEY, Operation.DELETE, b"", 0, person)])
    asked = replace(node.full, agreed=Agreed("TREAT", (), needs_permit=False))
    walker = Walker(node.database, node.journal, node.index, node.clock)
    span = Span(1, entry.seq + 9)

    with pytest.raises(ResourceGone):
        node.records.read(asked, *KEY)
    assert [one.id for one in walker.deleted(asked, Selection(), span)] == ["o1"]
    node.put(consent("p0", "deny-hiv"))
    assert node.records.history(asked, "Observation").entries == ()
    with pytest.raises(ResourceNotFound):
        node.records.history(asked, *KEY)
    with pytest.raises(ResourceNotFound):
        node.records.read_version(asked, *KEY, 2)
    assert node.records.standing(asked, [KEY]).hides(KEY)
    assert walker.deleted(asked, Selection(), span) == []


def test_an_older_version_is_refused_by_whom_it_was_about_when_it_was_deleted(node: Node) -> None:
    node.put(patient("p0"), patient("p1"), observation("o1", "p1", "laboratory"))
    node.put({**observation("o1", "p0", "laboratory"), **labelled(Labels.HIV)})
    person = node.records.read(node.full, *KEY).person
    node.journal.commit([Change(*KEY, Operation.DELETE, b"", 0, person)])
    asked = replace(node.full, agreed=Agreed("TREAT", (), needs_permit=False))
    assert node.records.read_version(asked, *KEY, 1).version == 1
    node.put(consent("p0", "deny-hiv"))
    with pytest.raises(ResourceNotFound):
        node.records.read_version(asked, *KEY, 1)


def test_codes_grant_no_deletion_of_what_came_again(node: Node) -> None:
    again = observation("o1", "p0", "laboratory")
    node.put(patient("p0"), again)
    person = node.records.read(node.full, *KEY).person
    node.journal.commit([Change(*KEY, Operation.DELETE, b"", 0, person)])
    node.put(again)
    narrow = Grant(None, frozenset("rs"), (("category", "laboratory"),))
    asked = replace(node.full, grants=(narrow,))
    assert node.records.read_version(asked, *KEY, 3).version == 3
    with pytest.raises(ResourceNotFound):
        node.records.read_version(asked, *KEY, 2)
    assert [one.version for one in node.records.history(asked, *KEY).entries] == [3, 1]
