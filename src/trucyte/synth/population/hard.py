"""The hard set: people whom no program may take for one another, and records of each.

Cases come in turn, seven kinds (`CASES`). Those who live apart are two households. All are
damaged like anybody else, so the set also says what is missed by being careful.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from trucyte.synth.dice import Dice
from trucyte.synth.population.composition import YEAR, Seat
from trucyte.synth.population.homes import draw_province
from trucyte.synth.population.names import KINH, draw_family, draw_person_name, is_southern
from trucyte.synth.population.numbers import RING
from trucyte.synth.population.people import END, START, Draft, Make, numbered, settled
from trucyte.synth.population.records import DUMMY_NUMBERS
from trucyte.synth.population.shapes import FEMALE, MALE, Household, Name, Person

STREAM_HARD: Final = 22
CASES_MAX: Final = RING // 2  # a case takes two places in the row of households

# Given names that differ by a mark or a letter: twins often have such.
_ALIKE: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    MALE: (
        ("Hùng", "Hưng"),
        ("Tuấn", "Tuân"),
        ("Quân", "Quang"),
        ("Minh", "Vinh"),
        ("Sơn", "Sang"),
        ("Tài", "Tái"),
        ("Đạt", "Đắc"),
        ("Long", "Lộng"),
        ("Phúc", "Phú"),
        ("Tân", "Tấn"),
    ),
    FEMALE: (
        ("Hà", "Hạ"),
        ("Thu", "Thư"),
        ("Thủy", "Thúy"),
        ("An", "Ân"),
        ("Hân", "Hằng"),
        ("Linh", "Ninh"),
        ("Phương", "Phượng"),
        ("Hoa", "Hòa"),
        ("Trâm", "Trầm"),
        ("Ánh", "Anh"),
    ),
}


def make_case(make: Make, number: int) -> list[Household]:
    """Return the households of a case: one, or two that have nothing to do with each other."""
    assert number < CASES_MAX
    return CASES[number % len(CASES)](make, number)


def _draft(make: Make, number: int, side: int = 0) -> Draft:
    index = number * 2 + side
    dice = Dice(make.seed, STREAM_HARD, index)
    province = draw_province(dice)
    family = draw_family(dice, KINH, is_south=is_southern(province))
    return Draft(make, index, dice, family, Counter(), [])


def _born(dice: Dice, youngest: float, eldest: float) -> int:
    return END - int((youngest + (eldest - youngest) * dice.chance()) * YEAR)


def _add(draft: Draft, sex: str, birth: int, name: Name, *situations: str) -> Person:
    parents: tuple[Person | None, Person | None] = (None, None)
    if len(draft.persons) >= 2:
        parents = (draft.persons[0], draft.persons[1])
    role = ("wife", "husband")[len(draft.persons)] if len(draft.persons) < 2 else "child"
    person = numbered(draft, Seat(role, sex, END - birth), birth, name, parents, situations)
    draft.persons.append(person)
    return person


def _couple(draft: Draft, birth: int) -> None:
    """Add mother and father of someone born on that day."""
    dice = draft.dice
    for sex in (FEMALE, MALE):
        born = birth - int((20 + 15 * dice.chance()) * YEAR)
        name = _name(draft, sex, born, own=sex == FEMALE)
        _add(draft, sex, born, name)


def _name(draft: Draft, sex: str, birth: int, *, own: bool = False) -> Name:
    year = date.fromordinal(birth).year
    return draw_person_name(draft.dice, draft.family, sex, year, own=own)


def _home(draft: Draft, persons: Sequence[Person] | None = None) -> Household:
    province = draw_province(draft.dice)
    return settled(
        draft.dice, draft.index, province, list(draft.persons if persons is None else persons)
    )


def _twins(make: Make, number: int, *, alike: bool) -> list[Household]:
    draft = _draft(make, number)
    dice = draft.dice
    sex = MALE if dice.happens(0.5) else FEMALE
    birth = _born(dice, 0.1, 40)
    _couple(draft, birth)
    name = _name(draft, sex, birth)
    if alike:
        given, other = dice.pick(_ALIKE[sex])
        first, second = (Name(name.family, name.middle, word) for word in (given, other))
    else:
        sex = FEMALE if sex == MALE and dice.happens(0.5) else sex
        first = second = name
        while second.words == first.words:  # nobody gives one name to two children
            second = _name(draft, sex, birth)
    for twin in (first, second):
        _add(draft, sex, birth, twin, "twin")
    return [_home(draft)]


def _alike_twins(make: Make, number: int) -> list[Household]:
    return _twins(make, number, alike=True)


def _other_twins(make: Make, number: int) -> list[Household]:
    return _twins(make, number, alike=False)


def _father_and_son(make: Make, number: int) -> list[Household]:
    """One name, one address, one phone; a third of them were born on one day of the year."""
    draft = _draft(make, number)
    dice = draft.dice
    birth = _born(dice, 1, 45)
    _couple(draft, birth)
    father = draft.persons[1]
    if dice.happens(0.35):
        born = date.fromordinal(father.birth)
        year = date.fromordinal(birth).year
        birth = date(year, born.month, min(born.day, 28)).toordinal()
    draft.persons[1] = msgspec.structs.replace(father, phone="", situations=("father_and_son",))
    _add(draft, MALE, birth, father.name, "father_and_son")
    return [_home(draft, draft.persons[1:])]


def _mother_and_newborn(make: Make, number: int) -> list[Household]:
    draft = _draft(make, number)
    dice = draft.dice
    birth = dice.between(START, END - 40)
    _couple(draft, birth)
    draft.persons[0] = msgspec.structs.replace(draft.persons[0], situations=("mother",))
    sex = MALE if dice.happens(0.5) else FEMALE
    child = _add(draft, sex, birth, _name(draft, sex, birth))
    if dice.happens(0.2):  # newborn twins have one name between them: their mother's
        draft.persons[-1] = msgspec.structs.replace(child, situations=("twin",))
        _add(draft, sex, birth, _name(draft, sex, birth), "twin")
    return [_home(draft, [draft.persons[0], *draft.persons[2:]])]


def _strangers(
    make: Make, number: int, situation: str, *, years_apart: float
) -> tuple[list[Draft], list[Person]]:
    """Return two people of one sex and name who live apart, born so many years apart at most."""
    drafts = [_draft(make, number, side) for side in (0, 1)]
    dice = drafts[0].dice
    sex = MALE if dice.happens(0.5) else FEMALE
    birth = _born(dice, 18, 80)
    name = _name(drafts[0], sex, birth)
    births = (birth, birth - int(years_apart * YEAR * dice.chance()))
    persons = [
        _add(draft, sex, born, name, situation) for draft, born in zip(drafts, births, strict=True)
    ]
    return drafts, persons


def _shared_dummy(make: Make, number: int) -> list[Household]:
    drafts, persons = _strangers(make, number, "shared_dummy", years_apart=12)
    dummy = drafts[0].dice.pick(DUMMY_NUMBERS)
    found = [msgspec.structs.replace(person, dummy_number=dummy) for person in persons]
    return [_home(draft, [person]) for draft, person in zip(drafts, found, strict=True)]


def _reused_phone(make: Make, number: int) -> list[Household]:
    drafts, persons = _strangers(make, number, "reused_phone", years_apart=12)
    homes = [_home(draft, []) for draft in drafts]
    phone = homes[0].phones[0]
    found = [msgspec.structs.replace(person, phone=phone, is_phone_kept=True) for person in persons]
    return [
        msgspec.structs.replace(home, persons=(person,))
        for home, person in zip(homes, found, strict=True)
    ]


def _namesakes(make: Make, number: int) -> list[Household]:
    """Two strangers of one name, born on the same day."""
    drafts, persons = _strangers(make, number, "namesake", years_apart=0)
    return [_home(draft, [person]) for draft, person in zip(drafts, persons, strict=True)]


CASES: Final[Sequence[Callable[[Make, int], list[Household]]]] = (
    _alike_twins,
    _other_twins,
    _father_and_son,
    _mother_and_newborn,
    _shared_dummy,
    _reused_phone,
    _namesakes,
)
