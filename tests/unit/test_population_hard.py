"""The hard set holds those who are easily mistaken, and the truth tells them apart."""

from functools import cache

from trucyte.synth.population.columns import NAMES
from trucyte.synth.population.corruptions import packaged_corruptions
from trucyte.synth.population.hard import CASES, make_case
from trucyte.synth.population.people import Make
from trucyte.synth.population.records import DUMMY_NUMBERS
from trucyte.synth.population.run import Options, rows
from trucyte.synth.population.scripts import unaccented
from trucyte.synth.population.shapes import Household, Person

TURNS = 60


@cache
def cases(kind: int) -> tuple[tuple[Household, ...], ...]:
    make = Make(3)
    return tuple(tuple(make_case(make, turn * len(CASES) + kind)) for turn in range(TURNS))


def of(homes: tuple[Household, ...], situation: str) -> list[Person]:
    return [p for home in homes for p in home.persons if situation in p.situations]


def test_twins_share_all_but_their_given_name_and_number() -> None:
    for kind in (0, 1):
        for homes in cases(kind):
            one, other = of(homes, "twin")
            assert (one.birth, one.mother, one.name.family) == (
                other.birth, other.mother, other.name.family,
            )  # fmt: skip
            assert one.personal_number != other.personal_number


def test_some_twins_are_one_word_without_marks() -> None:
    same = [
        unaccented(one.name.text) == unaccented(other.name.text)
        for one, other in (of(homes, "twin") for homes in cases(0))
    ]
    assert any(same)
    assert not all(same)


def test_father_and_son_have_one_name_and_home() -> None:
    for homes in cases(2):
        father, son = of(homes, "father_and_son")
        assert len(homes) == 1
        assert father.name == son.name
        assert son.father is not None
        assert son.birth - father.birth > 18 * 365
        assert (father.phone, son.phone) == ("", "")


def test_newborns_come_with_their_mother_and_some_are_two() -> None:
    twins = 0
    for homes in cases(3):
        (mother,) = of(homes, "mother")
        children = [person for person in homes[0].persons if person.mother]
        assert children
        assert all(child.mother.name == mother.name for child in children if child.mother)
        twins += len(children) == 2
    assert 0 < twins < TURNS


def test_strangers_share_a_name_and_one_thing_more_and_live_apart() -> None:
    for kind, situation in ((4, "shared_dummy"), (5, "reused_phone"), (6, "namesake")):
        for homes in cases(kind):
            one, other = of(homes, situation)
            assert len(homes) == 2
            assert one.name == other.name
            assert one.personal_number != other.personal_number or not one.personal_number
            if kind == 4:
                assert one.dummy_number == other.dummy_number
                assert one.dummy_number in DUMMY_NUMBERS
            elif kind == 5:
                assert one.phone == other.phone != ""
            else:
                assert one.birth == other.birth


def test_all_records_of_the_hard_set_say_why_or_belong_to_one_that_does() -> None:
    options = Options(5_000, 2, packaged_corruptions(), is_hard=True)
    found = [dict(zip(NAMES, row, strict=True)) for row in rows(options)]
    said = {record["situation"].split(";")[0] for record in found}
    assert said >= {
        "twin", "father_and_son", "mother", "newborn", "shared_dummy", "reused_phone", "namesake",
    }  # fmt: skip
    dummies = [r for r in found if r["situation"] == "shared_dummy"]
    assert {r["personal_number"] for r in dummies} <= set(DUMMY_NUMBERS)
    assert all("personal_number.shared_dummy" in r["errors"] for r in dummies)
