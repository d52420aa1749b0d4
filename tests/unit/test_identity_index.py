"""The index of people follows the journal, and finds whoever shares a key."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.people import KEYS, People, open_people, patient
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.index import Follower, Grade, Matches
from trucyte.shared.identity.index import follower as following
from trucyte.shared.identity.matching.person import Person, person_of_patient

CROWD = 5
NUMBER = "079085000123"


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions, crowd=CROWD) as opened:
        yield opened


def asked(**more: Any) -> Person:
    return person_of_patient(patient("x", **more))


def ids(found: Matches) -> list[str]:
    return [one.id for one in found.candidates]


def found(people: People, **more: Any) -> list[str]:
    return ids(people.matcher.match(people.node.plain, asked(**more)))


def test_whoever_shares_a_number_or_name_and_birth_is_found_best_first(people: People) -> None:
    people.put(
        patient("same", number=NUMBER),
        patient("namesake", number="079085000999"),
        patient("other", "Lê Thị Hoa", "1990-01-05", number="079190000456"),
    )
    matches = people.matcher.match(people.node.plain, asked(number=NUMBER))
    assert ids(matches) == ["same", "namesake"]
    assert matches.candidates[0].grade is Grade.CERTAIN
    assert matches.is_whole and not matches.crowded


def test_a_changed_patient_is_found_by_what_it_says_now_alone(people: People) -> None:
    people.put(patient("p", number=NUMBER))
    people.put(patient("p", "Trần Thị Lan", "1970-05-06", sex="female"))
    assert found(people, number=NUMBER) == []
    assert found(people, name="Tran Thi Lan", birth="1970-05-06", sex="female") == ["p"]
    assert people.rows("select count(*) from identity.person") == [(1,)]


def test_a_deleted_patient_is_not_found_and_leaves_nothing(people: People) -> None:
    people.put(patient("p", number=NUMBER))
    people.node.delete("Patient", "p")
    assert found(people, number=NUMBER) == []  # at once, before anything was laid out
    people.follower.catch_up()
    assert people.rows("select count(*) from identity.key") == [(0,)]


def test_a_restricted_patient_is_found_by_those_alone_who_may_see_it(people: People) -> None:
    people.put(patient("hidden", number=NUMBER, meta=RESTRICTED), patient("open", number=NUMBER))
    assert found(people, number=NUMBER) == ["open"]
    assert set(ids(people.matcher.match(people.node.full, asked(number=NUMBER)))) == {
        "hidden",
        "open",
    }
    # What is restricted from now on is hidden from now on, laid out or not.
    people.node.put(patient("open", number=NUMBER, meta=RESTRICTED))
    assert found(people, number=NUMBER) == []


def test_what_is_hidden_takes_no_place_among_those_weighed(people: People) -> None:
    people.put(patient("a", number=NUMBER), patient("b", number=NUMBER, meta=RESTRICTED))
    matches = people.matcher.match(people.node.plain, asked(number=NUMBER), most=1)
    assert ids(matches) == ["a"]
    assert not matches.is_cut


def test_of_another_organisation_nobody_is_found(people: People) -> None:
    people.put(patient("p", number=NUMBER))
    elsewhere = replace(people.node.plain, sees_organisations=frozenset({"Organization/b"}))
    assert ids(people.matcher.match(elsewhere, asked(number=NUMBER))) == []


def test_a_number_that_too_many_share_is_no_key_and_is_reported(people: People) -> None:
    names = ("An", "Bình", "Cúc", "Dung", "Giang", "Hoa", "Khánh")
    people.put(
        *(
            patient(f"p{n}", f"Lê Thị {name}", f"19{n + 60}-01-{n + 2:02}", number=NUMBER)
            for n, name in enumerate(names)
        )
    )
    matches = people.matcher.match(people.node.plain, asked(number=NUMBER))
    assert matches.crowded == ("personal",)
    assert matches.candidates == ()
    near = people.matcher.match(
        people.node.plain, asked(name="Lê Thị Dung", birth="1963-01-05", number=NUMBER)
    )
    assert ids(near)[0] == "p3"
    assert near.crowded == ("personal",)


def test_of_more_than_are_weighed_the_rarest_keys_win(people: People) -> None:
    people.put(*(patient(f"p{n}") for n in range(4)), patient("best", number=NUMBER))
    matches = people.matcher.match(people.node.plain, asked(number=NUMBER), most=2)
    assert ids(matches)[0] == "best"
    assert len(matches.candidates) == 2
    assert matches.is_cut


def test_many_are_asked_for_at_once_with_the_same_answers(people: People) -> None:
    people.put(patient("a", number=NUMBER), patient("b", "Lê Thị Hoa", "1990-01-05"))
    everybody = [asked(number=NUMBER), asked(name="Lê Thị Hoa", birth="1990-01-05"), asked(name="")]
    together = people.matcher.match_many(people.node.plain, everybody)
    assert together == [people.matcher.match(people.node.plain, one) for one in everybody]
    assert [ids(one) for one in together] == [["a"], ["b"], []]


def test_somebody_without_any_key_is_nobody(people: People) -> None:
    people.put(patient("p", "", "", number=""))
    matches = people.matcher.match(people.node.plain, asked(name="", birth=""))
    assert (matches.asked, matches.candidates) == (0, ())


def test_laying_out_again_gives_the_same_rows(people: People) -> None:
    people.put(patient("a", number=NUMBER), patient("b"), patient("a", "Lê Văn Mới"))
    assert people.follower.compare() is None
    before = people.rows("select * from identity.person order by seq")
    people.follower.reindex()
    assert people.rows("select * from identity.person order by seq") == before


def test_a_row_that_the_journal_does_not_give_is_named(people: People) -> None:
    people.put(patient("a", number=NUMBER))
    people.rows("delete from identity.key where seq = 1 returning 1")
    difference = people.follower.compare()
    assert difference is not None
    assert (difference.table, difference.kind) == ("identity.key", "missing")


def test_being_behind_is_no_difference(people: People) -> None:
    people.node.put(patient("late"))
    assert people.follower.compare() is None


def test_rows_of_an_older_form_are_made_anew_and_answers_say_so_meanwhile(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put(patient("a", number=NUMBER), patient("b", number=NUMBER))
    people.rows("update identity.form set form = 'old' returning 1")
    fresh = type(people.matcher)(people.node.database, KEYS, people.matcher.model)
    assert not fresh.match(people.node.plain, asked(number=NUMBER)).is_whole
    monkeypatch.setattr(following, "_LINES_AT_ONCE", 1)
    following_anew = Follower(people.node.database, people.node.journal, KEYS)
    assert following_anew._step() == (1, 2)
    half = fresh.match(people.node.plain, asked(number=NUMBER))
    assert (ids(half), half.is_whole) == (["a"], False)
    following_anew.catch_up()
    whole = fresh.match(people.node.plain, asked(number=NUMBER))
    assert (sorted(ids(whole)), whole.is_whole) == (["a", "b"], True)


def test_a_restore_lays_everything_out_anew(people: People) -> None:
    people.put(patient("a", number=NUMBER))
    people.rows("delete from identity.person returning 1")
    people.node.journal.start_epoch()
    people.follower.catch_up()
    assert found(people, number=NUMBER) == ["a"]


def test_the_index_holds_no_key_that_can_be_guessed_without_the_nodes_own(people: People) -> None:
    from trucyte.shared.identity.index import Keys

    person = asked(number=NUMBER)
    assert not set(KEYS.of(person)) & set(Keys(b"another key 1234").of(person))


@pytest.mark.parametrize(
    "resource",
    [
        patient("h", "x" * 3000, "2999-01-01", number="1" * 500),
        patient("h", "王小明", "1900-01-01", number="000000000000"),
        patient("h", "\u0300\u200b", "0000-00-00"),
        {"resourceType": "Patient", "id": "h"},
        {"resourceType": "Patient", "id": "h", "name": [{}], "identifier": [{}]},
        patient("h", "O", "19", phone="+" * 50),
    ],
)
def test_whatever_a_patient_says_it_is_laid_out(people: People, resource: dict[str, Any]) -> None:
    people.put(resource)
    assert people.rows("select id from identity.person") == [("h",)]
    assert people.follower.compare() is None
