"""Whoever is new: linked where sure, put before a person where not, never asked twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.identity import CLERK, links_of
from tests.support.people import PHONE, People, newcomers_of, open_people, patient
from tests.support.records import RESTRICTED, VERY_RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.links import Decided, LinkState
from trucyte.shared.identity.newcomers import Automatic, PairState, Policy
from trucyte.shared.identity.newcomers import run as running

NUMBER = "079085000123"
PAIRS = "select low_id, high_id, state, decided_by from identity.pair order by number"


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions, crowd=5) as opened:
        yield opened


def sure(people: People) -> None:
    people.put(patient("a", number=NUMBER), patient("b", number=NUMBER, phone=PHONE))


def likely(people: People) -> None:
    """The same name, birth date and phone, and two personal numbers."""
    people.put(
        patient("a", number=NUMBER, phone=PHONE),
        patient("b", number="079085000777", phone=PHONE),
    )


def test_two_with_one_number_and_name_are_linked_and_the_link_says_why(people: People) -> None:
    sure(people)
    tally = people.newcomers.catch_up()
    (caller, low, high, decided) = people.links.made[0]
    assert (caller, low, high) == ("identity", "Patient/a", "Patient/b")
    assert decided.rules == ("same-personal-number", "model-agrees")
    assert decided.model == people.matcher.model.version
    assert dict(decided.levels)["personal"] == "exact"
    assert people.rows(PAIRS) == [("a", "b", "linked", "identity")]
    assert (tally.persons, tally.linked, tally.proposed) == (2, 1, 0)


def test_what_is_likely_waits_for_a_person_and_is_not_linked(people: People) -> None:
    likely(people)
    tally = people.newcomers.catch_up()
    assert people.links.made == []
    assert people.rows(PAIRS) == [("a", "b", "open", "")]
    assert (tally.linked, tally.proposed) == (0, 1)


def test_two_different_people_leave_no_trace(people: People) -> None:
    people.put(patient("a", number=NUMBER), patient("b", "Lê Thị Hoa", "1990-01-05"))
    people.newcomers.catch_up()
    assert people.rows(PAIRS) == []


def strangers(count: int) -> list[dict[str, Any]]:
    """People who have nothing in common but a personal number."""
    said = (
        ("Lê Thị Hoa", "1990-01-05", "female"),
        ("Trần Quốc Dũng", "1955-11-23", "male"),
        ("Phạm Minh Khôi", "2012-07-19", "male"),
        ("Vũ Ngọc Ánh", "1971-04-12", "female"),
        ("Đỗ Gia Bảo", "2003-09-30", "male"),
        ("Bùi Thanh Tâm", "1948-06-08", "female"),
        ("Hồ Xuân Lộc", "1981-12-27", "male"),
    )
    return [
        patient(f"s{n}", name, birth, sex=sex, number=NUMBER)
        for n, (name, birth, sex) in enumerate(said[:count])
    ]


def test_two_people_with_one_personal_number_are_a_question_even_where_all_else_differs(
    people: People,
) -> None:
    people.put(*strangers(2))
    people.with_policy(Policy(Automatic.SURE)).catch_up()
    assert people.links.made == []
    assert people.rows(PAIRS) == [("s0", "s1", "open", "")]
    assert people.rows("select rules from identity.pair") == [(["shared-personal-number"],)]


def test_a_personal_number_that_several_bear_is_a_dummy_and_no_question(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_people(database, tmp_path, clock, definitions, crowd=100) as people:
        people.put(*strangers(7))
        people.newcomers.catch_up()
        assert people.rows(PAIRS) == []


def test_a_pair_follows_a_link_that_is_broken_or_made_through_another_door(people: People) -> None:
    links = links_of(people.node)
    newcomers = newcomers_of(people.node, people.matcher, links)
    sure(people)
    newcomers.catch_up()
    assert [row[2] for row in people.rows(PAIRS)] == ["linked"]
    links.unlink(people.node.full, "Patient/a", "Patient/b", CLERK)
    people.follower.catch_up()
    newcomers.catch_up()
    assert people.rows(PAIRS) == [("a", "b", "broken", "link")]
    people.put(patient("b", number=NUMBER, phone=PHONE, active=True))
    newcomers.catch_up()
    assert people.rows(PAIRS) == [("a", "b", "broken", "link")]
    assert links.state("Patient/a", "Patient/b") is LinkState.BROKEN
    links.link(people.node.full, "Patient/a", "Patient/b", CLERK)
    people.follower.catch_up()
    newcomers.catch_up()
    assert people.rows(PAIRS) == [("a", "b", "linked", "link")]


@pytest.mark.parametrize("label", [RESTRICTED, VERY_RESTRICTED])
def test_a_sensitive_person_is_suggested_to_nobody_who_may_not_see_it(
    people: People, label: dict[str, Any]
) -> None:
    people.put(
        patient("a", number=NUMBER, phone=PHONE),
        patient("b", number="079085000777", phone=PHONE, meta=label),
    )
    people.newcomers.catch_up()
    states = list(PairState)
    assert people.worklist.page(people.node.plain, states=states).pairs == ()
    assert len(people.worklist.page(people.node.full, states=states).pairs) == 1


def test_twins_are_never_linked_by_a_machine(people: People) -> None:
    people.put(
        patient("a", "Nguyễn Văn Hùng", "2015-03-02", phone=PHONE),
        patient("b", "Nguyễn Văn Hưng", "2015-03-02", phone=PHONE),
    )
    people.with_policy(Policy(Automatic.SURE)).catch_up()
    assert people.links.made == []


def test_nothing_is_linked_where_the_operator_says_never(people: People) -> None:
    sure(people)
    people.with_policy(Policy(Automatic.NEVER)).catch_up()
    assert people.links.made == []
    assert people.rows(PAIRS) == [("a", "b", "open", "")]


def test_the_weight_alone_links_only_where_the_operator_lets_it(people: People) -> None:
    card = [{"system": "http://fhir.hl7.org.vn/core/sid/other", "value": "1"}]
    home = [{"line": ["12 Lê Lợi"], "district": "Phường Mẫu", "state": "Tỉnh Mẫu"}]
    name = "Tôn Nữ Ngọc Quỳnh Giao"
    people.put(
        patient("a", name, phone=PHONE, identifier=card, address=home),
        patient("b", name, phone=PHONE, address=home),
    )
    people.newcomers.catch_up()
    weighed = people.rows("select verdict, rules from identity.pair")
    assert weighed == [("sure", [])]
    assert people.rows(PAIRS) == [("a", "b", "open", "")]
    people.put(patient("b", name, phone=PHONE, address=home, active=True))
    people.with_policy(Policy(Automatic.SURE)).catch_up()
    assert people.rows(PAIRS) == [("a", "b", "linked", "identity")]


@pytest.mark.parametrize("state", [LinkState.DIFFERENT, LinkState.BROKEN, LinkState.LINKED])
def test_what_was_decided_through_another_door_is_never_proposed(
    people: People, state: LinkState
) -> None:
    people.links.known["Patient/a", "Patient/b"] = state
    sure(people)
    people.newcomers.catch_up()
    assert people.links.made == []
    assert [row[2] for row in people.rows(PAIRS)] in ([], [state.value])


def test_a_pair_remembered_as_different_stays_so_when_its_patients_change(people: People) -> None:
    likely(people)
    people.newcomers.catch_up()
    people.worklist.decide(people.node.full, 1, running_verdict("differ"))
    people.put(patient("b", number=NUMBER, phone=PHONE))  # now it even looks sure
    people.newcomers.catch_up()
    assert [row[2] for row in people.rows(PAIRS)] == ["different"]
    assert people.links.known["Patient/a", "Patient/b"] is LinkState.DIFFERENT


def running_verdict(word: str) -> Any:
    from trucyte.shared.identity.newcomers import Verdict

    return Verdict(word)


def test_a_pair_goes_when_its_patients_no_longer_resemble_each_other(people: People) -> None:
    likely(people)
    people.newcomers.catch_up()
    people.put(patient("b", "Lê Thị Hoa", "1990-01-05", sex="female"))
    people.newcomers.catch_up()
    assert people.rows(PAIRS) == [("a", "b", "withdrawn", "identity")]
    people.put(patient("b", number="079085000777", phone=PHONE))
    people.newcomers.catch_up()
    assert [row[2] for row in people.rows(PAIRS)] == ["open"]


def test_a_pair_goes_with_a_patient_that_is_deleted(people: People) -> None:
    likely(people)
    people.newcomers.catch_up()
    people.node.delete("Patient", "b")
    people.follower.catch_up()
    people.newcomers.catch_up()
    assert [row[2] for row in people.rows(PAIRS)] == ["withdrawn"]


def test_newcomers_of_one_batch_find_each_other(people: People) -> None:
    people.node.journal.commit_many([])
    people.node.put(patient("a", number=NUMBER), patient("b", number=NUMBER))
    people.follower.catch_up()
    assert people.newcomers.catch_up().linked == 1


def test_the_run_waits_for_the_index(people: People) -> None:
    people.node.put(patient("a", number=NUMBER), patient("b", number=NUMBER))
    assert people.newcomers.catch_up().persons == 0
    people.follower.catch_up()
    assert people.newcomers.catch_up().persons == 2


def test_a_run_again_after_a_restore_doubles_nothing(people: People) -> None:
    sure(people)
    people.newcomers.catch_up()
    people.node.journal.start_epoch()
    people.follower.catch_up()
    people.newcomers.catch_up()
    assert len(people.links.made) == 1
    assert len(people.rows(PAIRS)) == 1


def test_small_steps_and_large_ones_come_to_the_same(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_PERSONS_AT_ONCE", 1)
    sure(people)
    people.put(patient("c", "Lê Thị Hoa", "1990-01-05"))
    assert people.newcomers.catch_up().persons == 3
    assert people.rows(PAIRS) == [("a", "b", "linked", "identity")]


class Contradicts(Problem):
    """They are known to differ through others."""

    kind = Kind.CONFLICT
    code = "link-contradicts"


class Away(Problem):
    """Not now."""

    kind = Kind.UNAVAILABLE
    code = "away"


def test_what_the_links_refuse_is_put_before_a_person(people: People) -> None:
    people.links.refusal = Contradicts()
    sure(people)
    people.newcomers.catch_up()
    assert people.rows(PAIRS) == [("a", "b", "open", "")]


def test_where_the_database_is_away_the_step_is_done_again_later(people: People) -> None:
    people.links.refusal = Away()
    sure(people)
    with pytest.raises(Away):
        people.newcomers.catch_up()
    assert people.rows(PAIRS) == []
    people.links.refusal = None
    assert people.newcomers.catch_up().linked == 1


def test_a_number_shared_by_a_flood_of_people_makes_no_pairs(people: People) -> None:
    people.put(
        *(
            patient(
                f"p{n:02}", f"{family} Văn {given}", f"19{n + 40}-0{n % 9 + 1}-15", number=NUMBER
            )
            for n, (family, given) in enumerate(
                (family, given)
                for family in ("Lê", "Trần", "Phạm", "Vũ")
                for given in ("An", "Bình", "Cường", "Dũng", "Giang")
            )
        )
    )
    tally = people.newcomers.catch_up()
    assert (tally.linked, tally.proposed, tally.crowded) == (0, 0, 20)


def test_nothing_personal_lies_in_the_table_of_pairs(people: People) -> None:
    people.put(
        patient("a", number=NUMBER, phone=PHONE),
        patient("b", number="079085000777", phone=PHONE),
    )
    people.newcomers.catch_up()
    (row,) = people.rows("select p::text from identity.pair p")
    for personal in (NUMBER, "079085000777", PHONE, "Hùng", "hung", "1985"):
        assert personal not in row[0]


def test_a_link_explains_itself_without_a_word_about_the_person(people: People) -> None:
    sure(people)
    people.newcomers.catch_up()
    decided: Decided = people.links.made[0][3]
    assert NUMBER not in repr(decided) and decided.note == ""
