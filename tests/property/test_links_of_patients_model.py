"""Whatever is linked, parted and broken in whatever order, groups and answers are the model's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.identity import CLERK, Naive, links_of, observation, patient, references
from tests.support.records import Node, open_node
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.records.persons.circles import LinkContradicts, circles_of
from trucyte.shared.identity.links.links import Links, NotLinked

PEOPLE = "abcdefg"
PAIRS = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)).filter(lambda p: p[0] != p[1])
MOVES = st.lists(
    st.tuples(st.sampled_from(("link", "link", "unlink", "differ")), PAIRS),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module")
def node(
    server_url: str,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    definitions: Definitions,
) -> Iterator[Node]:
    needs_definitions()
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    folder: Path = tmp_path_factory.mktemp("links")
    with (
        fresh_database(server_url, template=migrated_template) as database,
        open_node(database, folder, clock, definitions) as opened,
    ):
        opened.put(*(patient(one, birthDate="1990") for one in PEOPLE))
        opened.put(*(observation(f"o{one}", one) for one in PEOPLE))
        yield opened


def step(links: Links, node: Node, naive: Naive, move: str, pair: tuple[str, str]) -> None:
    """Do one move in both, and hold the refusal of the one against the other's."""
    one, other = (f"Patient/{end}" for end in pair)
    if move == "link":
        if naive.may_link(*pair):
            links.link(node.full, one, other, CLERK)
            naive.link(*pair)
        else:
            with pytest.raises(LinkContradicts):
                links.link(node.full, one, other, CLERK)
    elif move == "differ":
        if naive.may_differ(*pair):
            links.differ(node.full, one, other, CLERK)
            naive.differ(*pair)
        else:
            with pytest.raises(LinkContradicts):
                links.differ(node.full, one, other, CLERK)
    else:
        try:
            links.unlink(node.full, one, other, CLERK)
        except NotLinked:
            assert frozenset(pair) not in naive.linked
        naive.unlink(*pair)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES)
def test_groups_and_answers_are_those_of_the_model(node: Node, moves: list) -> None:
    links, naive = links_of(node), Naive()
    forget(node)
    for move, pair in moves:
        step(links, node, naive, move, pair)
        for end in pair:
            assert links.group(f"Patient/{end}") == references(naive.group(end))
    for one in PEOPLE:
        found = node.search("Observation", ("patient", one))
        assert sorted(found) == sorted(f"o{member}" for member in naive.group(one))
    assert node.journal.compare() is None


def forget(node: Node) -> None:
    """End every link, so that the next example begins anew."""
    for id_ in node.search("Linkage", ("_count", "1000")):
        node.delete("Linkage", id_)


@given(
    st.sets(st.integers(0, 30)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40),
)
def test_circles_are_what_hangs_together(members: set[int], edges: list) -> None:
    kept = [(a, b) for a, b in edges if a in members and b in members and a != b]
    naive = Naive({frozenset({str(a), str(b)}) for a, b in kept})
    found = circles_of(members, kept)
    assert found.keys() == {end for edge in kept for end in edge}
    for one, circle in found.items():
        assert str(circle) == min(naive.group(str(one)), key=int)
