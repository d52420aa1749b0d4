"""The population is shaped like the country, and no number in it is anybody's."""

from collections import Counter
from datetime import date
from functools import cache

import pytest

from trucyte.synth.catalogue import load_catalogue
from trucyte.synth.population import numbers
from trucyte.synth.population.composition import YEAR
from trucyte.synth.population.corruptions import Corruptions
from trucyte.synth.population.homes import former_addresses
from trucyte.synth.population.people import END, Make, make_household
from trucyte.synth.population.run import Options, TooManyPeople
from trucyte.synth.population.shapes import Household, Person
from trucyte.vietnam.numbers.card import parse_card
from trucyte.vietnam.numbers.personal import inconsistencies
from trucyte.vietnam.numbers.phone import phone_kind
from trucyte.vietnam.places.history import load_history
from trucyte.vietnam.places.units import load_units

HOUSEHOLDS = 8_000


@cache
def households() -> tuple[Household, ...]:
    return tuple(make_household(Make(11), index) for index in range(HOUSEHOLDS))


@cache
def persons() -> tuple[Person, ...]:
    return tuple(person for home in households() for person in home.persons)


def test_ages_follow_the_pyramid_of_each_sex() -> None:
    found = Counter(
        (person.sex, min(int((END - person.birth) / YEAR / 5), 18)) for person in persons()
    )
    ages = load_catalogue().ages
    whole = ages["1"][-1] + ages["2"][-1]
    for sex in ("1", "2"):
        before = 0.0
        for band, upto in enumerate(ages[sex]):
            share = (upto - before) / whole
            before = upto
            assert abs(found[sex, band] / len(persons()) - share) < 0.006, (sex, band)


def test_family_names_have_their_published_shares() -> None:
    kinh = [person.name.family[0] for person in persons() if person.ethnicity == "01"]
    counts = Counter(kinh)
    for surname, share in (
        ("Nguyễn", 0.384),
        ("Trần", 0.110),
        ("Lê", 0.095),
        ("Phạm", 0.071),
        ("Phan", 0.045),
        ("Đặng", 0.021),
    ):
        assert abs(counts[surname] / len(kinh) - share) < 0.012, surname
    assert abs((counts["Hoàng"] + counts["Huỳnh"]) / len(kinh) - 0.051) < 0.01
    assert abs((counts["Vũ"] + counts["Võ"]) / len(kinh) - 0.039) < 0.01


def test_the_names_of_an_era_are_those_of_its_tables() -> None:
    old = [p for p in persons() if p.sex == "2" and date.fromordinal(p.birth).year < 1975]
    new = [p for p in persons() if p.sex == "2" and date.fromordinal(p.birth).year >= 2000]
    thi = [sum("Thị" in p.name.middle for p in group) / len(group) for group in (old, new)]
    assert thi[0] > 0.75
    assert thi[1] < 0.35


def test_few_pairs_of_people_have_one_name() -> None:
    counts = Counter(person.name.text for person in persons())
    total = len(persons())
    same = sum(count * (count - 1) for count in counts.values()) / (total * (total - 1))
    assert 1e-5 < same < 2e-4  # a list of real names has 5.5e-5


def test_minorities_have_their_shares_and_live_where_they_live() -> None:
    shares = Counter(person.ethnicity for person in persons())
    assert 0.85 < shares["01"] / len(persons()) < 0.90
    assert set(shares) == {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "12"}
    khmer = [home for home in households() if home.persons[0].ethnicity == "05"]
    delta = sum(home.homes[0].new.province in ("86", "92", "91", "96") for home in khmer)
    assert delta > 0.7 * len(khmer)


def test_children_have_parents_of_an_age_and_the_family_name_of_one_of_them() -> None:
    children = [person for person in persons() if person.mother]
    assert len(children) > 0.25 * len(persons())
    for child in children:
        mother, father = child.mother, child.father
        assert mother is not None
        assert 18 <= (child.birth - mother.birth) / YEAR <= 46
        assert child.name.family == (father or mother).name.family


def test_there_are_grandparents_and_twins_and_sons_with_the_name_of_their_father() -> None:
    spans = [
        (max(p.birth for p in home.persons) - min(p.birth for p in home.persons)) / YEAR
        for home in households()
    ]
    assert sum(span > 45 for span in spans) > 0.08 * HOUSEHOLDS
    twins = [person for person in persons() if "twin" in person.situations]
    births = [person for person in persons() if person.mother]
    assert 0.012 < len(twins) / len(births) < 0.04
    sons = [person for person in persons() if "father_and_son" in person.situations]
    assert sons
    assert all(son.father and son.father.name == son.name for son in sons)


def test_twins_share_birthday_and_parents_and_no_number() -> None:
    for home in households():
        twins = [person for person in home.persons if "twin" in person.situations]
        for one, other in zip(twins[::2], twins[1::2], strict=True):
            assert (one.birth, one.mother) == (other.birth, other.mother)
            assert one.name != other.name
            assert one.personal_number != other.personal_number


def test_numbers_agree_with_sex_and_year_and_lie_where_nobody_has_one() -> None:
    for person in persons():
        year = date.fromordinal(person.birth).year
        if person.personal_number:
            assert person.personal_number.startswith("000")
            assert not inconsistencies(person.personal_number, sex=person.sex, birth_year=year)
        assert person.social_number.startswith("00")
        assert person.social_number.strip("0")
        if person.card_number:
            card = parse_card(person.card_number)
            assert card is not None
            assert (card.unit, card.social_number) == ("00", person.social_number)
        assert not person.identity_number or person.identity_number.startswith("00")
        assert not person.passport_number or person.passport_number.startswith("X")
        assert not person.phone or phone_kind(person.phone) == "sample"


@pytest.mark.parametrize(
    "attribute",
    ["personal_number", "identity_number", "passport_number", "card_number", "social_number"],
)
def test_no_two_people_have_one_number(attribute: str) -> None:
    found = [getattr(person, attribute) for person in persons() if getattr(person, attribute)]
    assert len(set(found)) == len(found) > 100


def test_rings_of_households_share_no_personal_number() -> None:
    make = Make(4, rings=3)
    indexes = [ring * numbers.RING + index for index in range(400) for ring in range(3)]
    found = [
        person.personal_number
        for index in indexes
        for person in make_household(make, index).persons
        if person.personal_number
    ]
    assert len(set(found)) == len(found) > 2_000


def test_addresses_are_units_of_both_times() -> None:
    units, history = load_units(), load_history()
    for home in households()[:500]:
        for place in home.homes:
            commune = units.by_commune[place.new.commune]
            assert commune.name in place.new.text
            assert commune.province == place.new.province
            if not place.old.commune:  # its code is in no source
                continue
            former = history.former[place.old.commune]
            assert place.old.province == former.province
            assert former.name in place.old.text
            assert history.former[former.parent].name in place.old.text
            assert place.new.commune in [to for to, _ in history.ways[former.code]]


def test_nearly_every_commune_has_addresses_of_before() -> None:
    former = former_addresses()
    assert set(former) <= set(load_units().by_commune)
    assert len(former) > 3_280  # of 3,321
    assert sum(not rows[0].commune for rows in former.values()) < 40


def test_more_people_than_there_are_numbers_are_refused() -> None:
    with pytest.raises(TooManyPeople):
        _ = Options(10**9, 1, Corruptions()).make
    with pytest.raises(TooManyPeople):
        _ = Options(10**7, 1, Corruptions(), is_hard=True).make
