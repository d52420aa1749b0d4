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
from trucyte.records.access import Agreed, Labels
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
