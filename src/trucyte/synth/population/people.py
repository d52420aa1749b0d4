"""Make the households of the population: who they are, their numbers, where they live.

A household is a pure function of (seed, index, number of rings): any process can make any
of them, in no memory.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import accumulate
from typing import Final

import msgspec

from trucyte.synth.dice import Dice, pick_index
from trucyte.synth.population import numbers
from trucyte.synth.population.composition import YEAR, Seat, compose
from trucyte.synth.population.data import population_data
from trucyte.synth.population.homes import draw_home, draw_province
from trucyte.synth.population.names import (
    KINH,
    Family,
    another_given,
    draw_family,
    draw_person_name,
    is_southern,
)
from trucyte.synth.population.shapes import FEMALE, MALE, Household, Name, Person

# Records are of three years; ages are those of the last day.
START: Final = date(2023, 7, 1).toordinal()
END: Final = date(2026, 6, 30).toordinal()
STREAM_HOUSEHOLD: Final = 20
_NUMBERLESS_AGE = 72  # some of the elderly have only the old identity number
_IDENTITY_BORN_BEFORE = 2000


class Make(msgspec.Struct, frozen=True):
    """What households follow from."""

    seed: int
    rings: int = 1


class Draft(msgspec.Struct):
    """The household while its members are made."""

    make: Make
    index: int
    dice: Dice
    family: Family
    ranks: Counter[str]
    persons: list[Person]

    def find(self, role: str) -> Person | None:
        """Return the wife or the husband, None where there is none."""
        place = 0 if role == "wife" else 1
        if place < len(self.persons) and self.persons[place].sex == _SEXES[role]:
            return self.persons[place]
        return None


_SEXES: Mapping[str, str] = {"wife": FEMALE, "husband": MALE}


def make_household(make: Make, index: int) -> Household:
    """Return a household of the population."""
    dice = Dice(make.seed, STREAM_HOUSEHOLD, index)
    ethnicity, province = _origin(dice)
    family = draw_family(dice, ethnicity, is_south=is_southern(province))
    draft = Draft(make, index, dice, family, Counter(), [])
    seats = compose(dice)
    has_husband = any(seat.role == "husband" for seat in seats)
    for seat in seats:
        draft.persons.append(_person(draft, seat, has_husband=has_husband))
    return settled(dice, index, province, draft.persons)


def settled(dice: Dice, index: int, province: str, persons: list[Person]) -> Household:
    """Return the household of these persons, with homes and phones."""
    home = draw_home(dice, province)
    moved_on, other = END + 1, home
    if dice.happens(0.12):
        moved_on = dice.between(START, END)
        other = draw_home(dice, province if dice.happens(0.7) else draw_province(dice))
    changes = dice.happens(0.12)
    return Household(
        index=index,
        homes=(home, other),
        moved_on=moved_on,
        phones=(numbers.phone_number(index, 0), numbers.phone_number(index, 1)),
        phone_changed_on=dice.between(START, END) if changes else END + 1,
        persons=tuple(persons),
    )


@cache
def _peoples() -> tuple[tuple[str, ...], tuple[float, ...], dict[str, list[str]]]:
    rows = population_data()["peoples"]
    shares = [row["share"] for row in rows.values()]
    return (
        (*rows, KINH),
        tuple(accumulate((*shares, 1000 - sum(shares)))),
        {code: row["provinces"] for code, row in rows.items()},
    )


def _origin(dice: Dice) -> tuple[str, str]:
    """Draw a people and a province: minorities live mostly in theirs."""
    codes, cumulative, provinces = _peoples()
    ethnicity = codes[pick_index(cumulative, dice.chance())]
    if ethnicity in provinces and dice.happens(0.85):
        return ethnicity, dice.pick(provinces[ethnicity])
    return ethnicity, draw_province(dice)


def _person(draft: Draft, seat: Seat, *, has_husband: bool) -> Person:
    dice = draft.dice
    if seat.role == "twin":
        return _twin(draft, seat)
    birth = _birth(draft, seat)
    year = date.fromordinal(birth).year
    own = seat.role == "grandmother" or (seat.role == "wife" and has_husband)
    mother = father = None
    if seat.role == "child":
        mother, father = draft.find("wife"), draft.find("husband")
    name = draw_person_name(dice, draft.family, seat.sex, year, own=own)
    situations: tuple[str, ...] = ()
    if father and seat.sex == MALE and dice.happens(0.002):
        name, situations = father.name, ("father_and_son",)
    return numbered(draft, seat, birth, name, (mother, father), situations)


def _birth(draft: Draft, seat: Seat) -> int:
    birth = date.fromordinal(END - seat.age)
    year = numbers.year_for(birth.year, draft.index, rings=draft.make.rings)
    # Where only the year was known when papers were made, papers say 1 January.
    if seat.age > 40 * YEAR and draft.dice.happens(0.04):
        return date(year, 1, 1).toordinal()
    if year == birth.year:
        return birth.toordinal()
    return date(year, birth.month, min(birth.day, 28)).toordinal()


def _twin(draft: Draft, seat: Seat) -> Person:
    first = draft.persons[-1]
    year = date.fromordinal(first.birth).year
    draft.persons[-1] = msgspec.structs.replace(first, situations=(*first.situations, "twin"))
    if seat.sex == first.sex:
        name = another_given(draft.dice, first.name, seat.sex, year)
    else:
        name = draw_person_name(draft.dice, draft.family, seat.sex, year)
    return numbered(draft, seat, first.birth, name, (first.mother, first.father), ("twin",))


def numbered(
    draft: Draft,
    seat: Seat,
    birth: int,
    name: Name,
    parents: tuple[Person | None, Person | None],
    situations: tuple[str, ...],
) -> Person:
    """Return the person with numbers; `parents` are mother and father."""
    dice, index, place = draft.dice, draft.index, len(draft.persons)
    year = date.fromordinal(birth).year
    age = (END - birth) / YEAR
    social = numbers.social_number(index, place)
    return Person(
        place=place,
        sex=seat.sex,
        birth=birth,
        is_year_only=age >= 60 and dice.happens(0.25),
        ethnicity=draft.family.ethnicity,
        name=name,
        personal_number=_personal(draft, seat.sex, year, age),
        identity_number=_identity(draft, year),
        passport_number=_passport(draft),
        card_number=f"{_group(dice, age)}00{social}" if dice.happens(0.93) else "",
        social_number=social,
        phone=_phone(dice, index, seat.role),
        mother=parents[0],
        father=parents[1],
        situations=situations,
    )


def _rank(draft: Draft, kind: str) -> int:
    rank = draft.ranks[kind]
    draft.ranks[kind] += 1
    return rank


def _personal(draft: Draft, sex: str, year: int, age: float) -> str:
    rank = _rank(draft, f"{sex}{year}")
    if rank > 1 or (age >= _NUMBERLESS_AGE and draft.dice.happens(0.15)):
        return ""
    return numbers.personal_number(sex, year, draft.index, rank)


def _identity(draft: Draft, year: int) -> str:
    if year >= _IDENTITY_BORN_BEFORE or not draft.dice.happens(0.6 if year < 1975 else 0.1):
        return ""
    rank = _rank(draft, "identity")
    return numbers.identity_number(draft.index, rank) if rank < 2 else ""


def _passport(draft: Draft) -> str:
    if not draft.dice.happens(0.03):
        return ""
    rank = _rank(draft, "passport")
    return numbers.passport_number(draft.index, rank) if rank < 2 else ""


def _phone(dice: Dice, index: int, role: str) -> str:
    if role in ("wife", "husband") and dice.happens(0.6):
        return numbers.phone_number(index, 2 + (role == "wife"))
    return ""


def _group(dice: Dice, age: float) -> str:
    if age < 6:
        return "TE1"
    if age < 18:
        return "HS4" if dice.happens(0.85) else "HN2"
    if age < 60:
        return dice.pick(("DN4", "DN4", "DN4", "HC4", "GD4", "GD4", "GD4", "HN2", "CN3", "DT2"))
    return dice.pick(("HT3", "HT3", "BT2", "GD4", "CC1", "CN3"))
