"""The synthetic population: formally right, in ranges nobody has, shaped like the country."""

import re
from collections import Counter
from datetime import date

import pytest

from trucyte.intake.claims.tables import Variant
from trucyte.synth.country import facility
from trucyte.synth.people import HOUSEHOLD, Person, Population
from trucyte.synth.run import Options, visits
from trucyte.vietnam.numbers.card import is_social_number, parse_card
from trucyte.vietnam.numbers.personal import inconsistencies
from trucyte.vietnam.numbers.phone import phone_kind
from trucyte.vietnam.packaged_lists import PackagedLists
from trucyte.vietnam.people.frequencies import FEMALE, MALE, draw_surname, load_names
from trucyte.vietnam.places.units import load_units

END = date(2026, 10, 10)


def people(count: int) -> list[Person]:
    population = Population(1, 1, date(2026, 7, 1).toordinal(), END.toordinal())
    home = facility(1, 1)
    return [
        population.person(index, place, home)
        for index in range(count // HOUSEHOLD)
        for place in range(HOUSEHOLD)
    ]


def test_personal_numbers_are_right_in_form_and_invented() -> None:
    for person in people(2000):
        assert person.personal_number.startswith("000")
        year = date.fromordinal(person.birth).year
        assert inconsistencies(person.personal_number, sex=person.sex, birth_year=year) == []


def test_personal_numbers_are_of_one_person_each() -> None:
    numbers = [person.personal_number for person in people(4000)]
    assert len(set(numbers)) == len(numbers)


def test_cards_and_social_numbers_are_right_in_form_and_invented() -> None:
    for person in people(2000):
        assert is_social_number(person.social_number) or person.serial == 0
        assert person.social_number.startswith("00")
        for card in person.cards:
            parsed = parse_card(card.code)
            assert parsed is not None
            assert (parsed.unit, parsed.social_number) == ("00", person.social_number)
            assert card.start <= card.end


def test_phones_lie_in_a_block_that_is_not_assigned() -> None:
    for person in people(400):
        assert {phone_kind(phone) for phone in person.household.phones} == {"sample"}


def test_addresses_are_real_units_in_force() -> None:
    units = load_units()
    for person in people(400):
        for home in person.household.homes:
            assert units.by_commune[home.commune.code] == home.commune
            assert home.commune.name in home.text


def test_ages_follow_the_pyramid() -> None:
    day = END.toordinal()
    found = people(24_000)
    for sex, kids, old in ((MALE, 0.162, 0.106), (FEMALE, 0.146, 0.152)):
        ages = [person.age(day) for person in found if person.sex == sex]
        share = sum(age < 15 for age in ages) / len(found)
        assert abs(share - kids / 1.29) < 0.02, (sex, share)
        share = sum(age >= 60 for age in ages) / len(ages)
        assert abs(share - old) < 0.04, (sex, share)


def test_surnames_have_their_real_frequencies() -> None:
    population = Population(3, 1, date(2026, 7, 1).toordinal(), END.toordinal())
    counts = Counter(
        population.household(index, facility(1, 1)).surname.split()[0] for index in range(20_000)
    )
    total = counts.total()
    for surname, share in (("Nguyễn", 0.39), ("Trần", 0.11), ("Lê", 0.095), ("Phạm", 0.07)):
        assert abs(counts[surname] / total - share) < 0.015, surname


def test_no_name_is_drawn_that_the_tables_do_not_hold() -> None:
    tables = load_names()
    known = set(tables.surnames.words) | set(tables.compound)
    chances = iter([n / 997 for n in range(996)] * 10)
    drawn = {draw_surname(lambda: next(chances)) for _ in range(2000)}
    assert drawn <= known


def test_nobody_is_treated_for_what_their_sex_or_age_cannot_have() -> None:
    lists = PackagedLists()
    for visit in visits(Options(visits=2500, seed=9, sensitive=0.05)):
        summary = visit.tables["XML1"][0]
        term = lists.find("icd10", summary["MA_BENH_CHINH"])
        assert term is not None
        assert term.extra.get("sex", summary["GIOI_TINH"]) == summary["GIOI_TINH"]
        age = int(summary["NGAY_VAO"][:4]) - int(summary["NGAY_SINH"][:4])
        assert age + 1 >= int(term.extra.get("age_min", 0))


def test_care_types_have_their_shares() -> None:
    counts = Counter(
        visit.tables["XML1"][0]["MA_LOAI_KCB"] for visit in visits(Options(visits=4000, seed=2))
    )
    share = {care: count / 4000 for care, count in counts.items()}
    assert 0.78 < share["01"] < 0.88
    assert 0.04 < share["05"] < 0.08
    assert 0.05 < share["03"] < 0.09
    assert set(counts) >= {"02", "04", "06", "07", "08", "09"}


@pytest.mark.long
def test_dengue_is_seen_in_its_season() -> None:
    months: Counter[str] = Counter()
    for seed in range(4):
        for visit in visits(Options(visits=3000, seed=seed, variant=Variant.D3176)):
            summary = visit.tables["XML1"][0]
            if summary["MA_BENH_CHINH"].startswith("A97"):
                months[summary["NGAY_VAO"][4:6]] += 1
    wet = sum(months[month] for month in ("07", "08", "09", "10", "11", "12"))
    dry = sum(months[month] for month in ("01", "02", "03", "04", "05"))
    assert wet > 2.5 * dry


def test_vital_signs_and_results_have_the_forms_of_laboratories() -> None:
    values, notes = set(), []
    for visit in visits(Options(visits=3000, seed=3)):
        values |= {row.get("GIA_TRI", "") for row in visit.tables.get("XML4", [])}
        notes += [row["DIEN_BIEN_LS"] for row in visit.tables.get("XML5", [])]
    assert all(re.search(r"CSST<M\d+_T[\d.]+_HA\d+/\d+(_NT\d+_SP\d+_HL\d)?>", n) for n in notes)
    for form in (r"\d+,\d", r"<[\d.]+", r"\(\+\)", r"1:\d+", r"Âm tính", r"\d+\.\d"):
        assert any(re.fullmatch(form, value) for value in values), form
