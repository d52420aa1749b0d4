"""Whatever is written, mended, ended and linked, a replay of the journal gives the same facts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.identity import CLERK, links_of, patient
from tests.support.records import KEY, Node, open_node
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.records import person_key
from trucyte.records.access import Related
from trucyte.records.persons.relations import related_condition, sweep_relations
from trucyte.records.persons.spans import microseconds
from trucyte.records.search.bound import Parameters
from trucyte.shared.identity.links.links import NotLinked

TODAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
PEOPLE = "abc"
DOCTORS = ("Practitioner/x", "PractitionerRole/r", "CareTeam/one", "CareTeam/two")
STATES = ("in-progress", "finished", "cancelled")


def visit(id: str, person: str, doctor: str, state: str, ago: int) -> dict[str, Any]:
    made = {
        "resourceType": "Encounter",
        "id": id,
        "status": state,
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{person}"},
        "participant": [{"individual": {"reference": doctor}}],
        "period": {"start": (TODAY - timedelta(days=ago)).isoformat()},
    }
    if state == "finished":
        made["period"]["end"] = (TODAY - timedelta(days=ago - 1)).isoformat()
    return made


def role(doctor: str) -> dict[str, Any]:
    return {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": doctor}}


def team(id: str, member: str) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": "active",
        "participant": [{"member": {"reference": member}}],
    }


WRITES = st.one_of(
    st.builds(
        visit,
        st.sampled_from(("e1", "e2")),
        st.sampled_from(PEOPLE),
        st.sampled_from(DOCTORS),
        st.sampled_from(STATES),
        st.integers(0, 60),
    ),
    st.builds(role, st.sampled_from(("Practitioner/x", "Practitioner/y"))),
    # Teams may hold each other: a circle of members.
    st.builds(team, st.sampled_from(("one", "two")), st.sampled_from(DOCTORS)),
)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(WRITES, min_size=1, max_size=4)),
        st.tuples(st.just("end"), st.sampled_from((("Encounter", "e1"), ("CareTeam", "one")))),
        st.tuples(st.just("link"), st.sampled_from((("a", "b"), ("b", "c")))),
        st.tuples(st.just("unlink"), st.sampled_from((("a", "b"), ("b", "c")))),
        st.tuples(st.just("sweep"), st.none()),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture(scope="module")
def node(
    server_url: str,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    definitions: Definitions,
) -> Iterator[Node]:
    needs_definitions()
    folder: Path = tmp_path_factory.mktemp("facts")
    with (
        fresh_database(server_url, template=migrated_template) as database,
        open_node(database, folder, FixedClock(TODAY), definitions) as opened,
    ):
        opened.put(*(patient(one, birthDate="1990") for one in PEOPLE))
        yield opened


class Model:
    """What is there, as a reader would keep it."""

    def __init__(self) -> None:
        self.now: dict[tuple[str, str], dict[str, Any]] = {}
        self.linked: set[frozenset[str]] = set()

    def acts_as(self, reference: str) -> set[str]:
        found, waiting = set(), [reference]
        while waiting:
            one = waiting.pop()
            if one in found:
                continue
            found.add(one)
            for (kind, id_), resource in self.now.items():
                members = [
                    part["member"] for part in resource.get("participant", ()) if "member" in part
                ]
                if kind == "PractitionerRole":
                    members = [resource["practitioner"]]
                if any(member["reference"] == one for member in members):
                    waiting.append(f"{kind}/{id_}")
        return found

    def related(self, reference: str) -> set[str]:
        held = self.acts_as(reference)
        found = {
            resource["subject"]["reference"].removeprefix("Patient/")
            for (kind, _), resource in self.now.items()
            if kind == "Encounter" and resource["status"] != "cancelled"
            if resource["participant"][0]["individual"]["reference"] in held
            if self.lasts(resource)
        }
        grown = True
        while grown:
            more = {one for pair in self.linked if pair & found for one in pair}
            grown, found = not more <= found, found | more
        return found

    @staticmethod
    def lasts(resource: dict[str, Any]) -> bool:
        end = resource["period"].get("end")
        past = TODAY - timedelta(days=30)
        return end is None or datetime.fromisoformat(end) + timedelta(seconds=1) > past


def step(node: Node, model: Model, move: str, what: Any) -> None:
    """Do one move in both."""
    links = links_of(node)
    if move == "put":
        for one in what:  # several versions of one resource in a unit are refused
            node.put(one)
            model.now[one["resourceType"], one["id"]] = one
    elif move == "end" and what in model.now:
        node.delete(*what)
        del model.now[what]
    elif move == "link":
        links.link(node.full, *(f"Patient/{one}" for one in what), CLERK)
        model.linked.add(frozenset(what))
    elif move == "unlink":
        try:
            links.unlink(node.full, *(f"Patient/{one}" for one in what), CLERK)
        except NotLinked:
            assert frozenset(what) not in model.linked
        model.linked.discard(frozenset(what))
    elif move == "sweep":
        sweep_relations(node.database)


def forget(node: Node) -> None:
    """End what an example wrote, so that the next begins anew."""
    for kind in ("Encounter", "PractitionerRole", "CareTeam", "Linkage"):
        for id_ in node.search(kind, ("_count", "100")):
            node.delete(kind, id_)


def related_in_sql(node: Node, reference: str, *, is_whole: bool) -> set[str]:
    bound = Parameters()
    asked = related_condition(
        Related((reference,)), bound, "e", microseconds(TODAY), is_whole=is_whole
    )
    keys = {person_key(KEY, f"Patient/{one}"): one for one in PEOPLE}
    text = f"select e.person from records.entry e where {asked}"  # noqa: S608 - made of parameters
    with node.database.connection() as connection:
        rows = connection.execute(text.encode(), bound.values).fetchall()
    return {keys[person] for (person,) in rows if person in keys}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES)
def test_facts_are_those_of_a_replay_and_of_a_plain_reading(node: Node, moves: list) -> None:
    forget(node)
    model = Model()
    for move, what in moves:
        step(node, model, move, what)
    for reference in ("Practitioner/x", "PractitionerRole/r", "Practitioner/y"):
        for is_whole in (True, False):
            found = related_in_sql(node, reference, is_whole=is_whole)
            assert found == model.related(reference), reference
    assert node.journal.compare() is None
