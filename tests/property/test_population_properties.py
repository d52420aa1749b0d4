"""What holds for every population, whatever its seed."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.synth.population import numbers
from trucyte.synth.population.columns import NAMES
from trucyte.synth.population.corruptions import Corruptions, NameRates, packaged_corruptions
from trucyte.synth.population.people import Make, make_household
from trucyte.synth.population.run import Options, parts, rows
from trucyte.synth.population.scripts import tone_moved, unaccented
from trucyte.vietnam.people.fold import folded


def digest(options: Options, processes: int) -> str:
    found = hashlib.sha256()
    for part in parts(options, processes=processes):
        found.update(part.lines + part.truth)
    return found.hexdigest()


def test_the_number_of_processes_changes_no_byte() -> None:
    options = Options(14_000, 9, packaged_corruptions(), form="patients")
    assert digest(options, 1) == digest(options, 3)
    few = [Options(200, seed, packaged_corruptions(), form="patients") for seed in (9, 9, 10)]
    assert digest(few[0], 1) == digest(few[1], 1) != digest(few[2], 1)


@given(st.integers(-(2**40), 2**40), st.integers(1, 200))
@settings(max_examples=10, deadline=None)
def test_fewer_records_are_the_first_of_more(seed: int, count: int) -> None:
    rates = packaged_corruptions()
    more = rows(Options(count + 50, seed, rates))
    fewer = list(rows(Options(count, seed, rates)))
    assert fewer == [next(more) for _ in range(count)]
    assert len(fewer) == count
    assert all(len(row) == len(NAMES) for row in fewer)


@given(
    st.integers(1, numbers.RINGS_MAX),
    st.integers(0, numbers.RING - 1),
    st.integers(1900, 2026),
    st.integers(1900, 2026),
    st.data(),
)
def test_years_of_two_rings_never_meet(
    rings: int, residue: int, one: int, other: int, data: st.DataObject
) -> None:
    first, second = (data.draw(st.integers(0, rings - 1)) for _ in "ab")
    years = [
        numbers.year_for(year, ring * numbers.RING + residue, rings=rings)
        for year, ring in ((one, first), (other, second))
    ]
    assert one - rings < years[0] <= one
    assert first == second or years[0] != years[1]


@given(st.sets(st.integers(0, numbers.RING * numbers.RINGS_MAX - 1), min_size=2, max_size=50))
def test_numbers_of_different_households_differ(indexes: set[int]) -> None:
    for make in (numbers.identity_number, numbers.passport_number, numbers.social_number):
        found = [make(index, rank) for index in indexes for rank in (0, 1)]
        assert len(set(found)) == len(found)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_name_without_marks_is_its_folded_form_and_tones_move_both_ways(
    seed: int, index: int
) -> None:
    for person in make_household(Make(seed), index).persons:
        text = person.name.text
        assert unaccented(text).lower() == folded(text)
        assert tone_moved(tone_moved(text)) == text
        assert folded(tone_moved(text)) == folded(text)


@given(
    st.fixed_dictionaries(
        {name: st.floats(0, 1) for name in ("swapped", "initials", "spaced", "upper_case")}
    ),
    st.integers(0, 1000),
)
@settings(max_examples=15, deadline=None)
def test_a_record_without_errors_is_true_whatever_the_rates(
    rates: dict[str, float], seed: int
) -> None:
    make = Make(seed)
    options = Options(300, seed, Corruptions(name=NameRates(**rates)))
    for row in rows(options):
        record = dict(zip(NAMES, row, strict=True))
        if record["errors"]:
            continue
        index, place = int(record["person_id"][1:8]), int(record["person_id"][8:])
        person = make_household(make, index).persons[place]
        assert record["name"] == person.name.text
        assert record["sex"] == person.sex
        assert record["personal_number"] in ("", person.personal_number)
