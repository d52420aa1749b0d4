"""The index answers as a naive one does: a list of people, looked through from end to end."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.people import People, open_people, patient
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.matching.blocking import blocking_keys
from trucyte.shared.identity.matching.deciding import Decision, resembles
from trucyte.shared.identity.matching.person import Person, person_of_patient

CROWD = 4
IDS = ("a", "b", "c", "d", "e", "f", "g", "h")

people_said = st.fixed_dictionaries(
    {
        "name": st.sampled_from(
            ("Nguyễn Văn An", "NGUYEN VAN AN", "Nguyễn Văn Ân", "Lê An", "An", "", "李", "x" * 300)
        ),
        "birth": st.sampled_from(("1985-03-02", "1985-02-03", "1985", "1990-01-01", "")),
        "sex": st.sampled_from(("male", "female", "unknown")),
        "number": st.sampled_from(("", "079085000123", "079085000124", "000000000000")),
        "phone": st.sampled_from(("", "0912000111", "0912000112")),
    }
)
steps = st.lists(
    st.tuples(st.sampled_from(IDS), st.one_of(st.none(), people_said), st.booleans()), max_size=14
)


@dataclass
class Naive:
    """Everybody in a list."""

    held: dict[str, tuple[int, Person, bool]] = field(default_factory=dict)

    def found(self, asked: Person, *, sees_restricted: bool) -> tuple[set[str], set[str]]:
        """Whoever shares a key that is not crowded, and the blocks of those that are."""
        bearers = Counter(
            key for _, person, _ in self.held.values() for key in set(blocking_keys(person))
        )
        own = set(blocking_keys(asked))
        open_keys = {key for key in own if bearers[key] <= CROWD}
        seen = {
            id
            for id, (_, person, is_restricted) in self.held.items()
            if open_keys & set(blocking_keys(person)) and (sees_restricted or not is_restricted)
        }
        return seen, {key.partition("=")[0] for key in own - open_keys}


@pytest.fixture(scope="module")
def opened(
    server_url: str,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    definitions: Definitions,
) -> Iterator[People]:
    clock = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    with (
        fresh_database(server_url, template=migrated_template) as database,
        open_people(
            database, tmp_path_factory.mktemp("people"), clock, definitions, crowd=CROWD
        ) as people,
    ):
        yield people


def empty(people: People) -> None:
    for id in IDS:
        people.node.delete("Patient", id)
    people.follower.catch_up()
    assert people.rows("select count(*) from identity.key") == [(0,)]


def with_questions(decided: dict[str, Decision]) -> dict[str, Decision]:
    """Make a question of whoever bears the asker's personal number, unless several do."""
    bearers = [id for id, one in decided.items() if one.evidence.level("personal") == "exact"]
    for id in bearers if len(bearers) <= 5 else ():
        if decided[id].verdict == "different":
            question = Decision("unsure", ("shared-personal-number",), decided[id].evidence)
            decided[id] = question
    return decided


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, people_said, st.booleans())
def test_the_index_finds_whom_a_naive_one_finds(
    opened: People, steps: list[tuple[str, Any, bool]], asked: dict[str, str], late: bool
) -> None:
    empty(opened)
    naive = Naive()
    for id, said, is_restricted in steps:
        if said is None:
            opened.node.delete("Patient", id)
            naive.held.pop(id, None)
        else:
            more = {"meta": RESTRICTED} if is_restricted else {}
            resource = patient(id, **said, **more)
            entry = opened.node.put(resource)[0]
            naive.held[id] = (entry.seq, person_of_patient(resource), is_restricted)
        if not late:
            opened.follower.catch_up()
    opened.follower.catch_up()
    person = person_of_patient(patient("x", **asked))
    for access, sees in ((opened.node.full, True), (opened.node.plain, False)):
        found = opened.matcher.match(access, person)
        expected, crowded = naive.found(person, sees_restricted=sees)
        assert found.compared == len(expected)
        decided = with_questions(
            {id: opened.matcher.decided(person, naive.held[id][1]) for id in expected}
        )
        resembling = {id for id in expected if resembles(decided[id], opened.matcher.model)}
        assert {one.id for one in found.candidates} == resembling
        assert set(found.crowded) == crowded
        for one in found.candidates:
            assert one.seq == naive.held[one.id][0]
            assert one.decision == decided[one.id]
    ranks = [one.decision.verdict for one in found.candidates]
    assert ranks == sorted(ranks, key=["sure", "unsure", "different"].index)
