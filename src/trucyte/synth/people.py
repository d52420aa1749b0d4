"""The synthetic population: households of four whose ages follow the country's pyramid.

A person is computed from (seed, household, place in it) whenever asked for, so that a
population of any size needs no memory. Nobody is real: personal numbers begin with 000,
cards carry unit 00, social-insurance numbers begin with 00, phones with 0600.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from trucyte.synth.catalogue import load_catalogue
from trucyte.synth.country import Facility
from trucyte.synth.dice import Dice, pick_index
from trucyte.synth.times import day_text
from trucyte.vietnam.people.frequencies import (
    FEMALE,
    MALE,
    draw_minority_name,
    draw_name,
    draw_surname,
)
from trucyte.vietnam.places.units import Commune

HOUSEHOLD = 4
_STREAM_HOUSEHOLD, _STREAM_PERSON = 3, 4
_ADULT_BAND = 4  # five-year bands from here on are adults
_CHILD_SHARE = 0.596  # of places 2 and 3, so that the whole keeps the pyramid
_MINORITIES = ("02", "03", "04", "05", "06", "07", "08", "09", "10", "12")
_STREETS = ("Nguyễn Trãi", "Lê Lợi", "Trần Hưng Đạo", "Quang Trung", "Hai Bà Trưng", "Lý Tự Trọng")
_EMPLOYERS = ("Công ty May SYN", "Công ty Điện tử SYN", "Trường THCS SYN", "UBND xã SYN")
_JOBS = ("00000", "61111", "52230", "81530", "23410", "33130", "93290", "71110", "62210")


@dataclass(frozen=True, slots=True)
class Card:
    """A health-insurance card; days are ordinals."""

    code: str
    registered_at: str
    start: int
    end: int

    @property
    def digit(self) -> str:
        """The benefit digit."""
        return self.code[2]


@dataclass(frozen=True, slots=True)
class Home:
    """An address."""

    text: str
    commune: Commune


@dataclass(frozen=True, slots=True)
class Household:
    """Those who live together, and when they moved."""

    index: int
    surname: str
    ethnicity: str
    homes: tuple[Home, Home]
    moved_on: int  # ordinal; the second home from then on
    phones: tuple[str, str]
    phone_changed_on: int
    area: str  # MA_KHUVUC


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic person."""

    household: Household
    place: int
    serial: int
    sex: str
    birth: int  # ordinal
    is_year_only: bool
    name: str
    personal_number: str
    social_number: str
    job: str
    employer: str
    cards: Sequence[Card]
    leaning: float  # picks the chronic disease, always the same
    weight: int  # hundredths of a kilogram, as an adult
    blood: str

    def age(self, ordinal: int) -> int:
        """Return the age in whole years on a day."""
        born, now = date.fromordinal(self.birth), date.fromordinal(ordinal)
        return now.year - born.year - ((now.month, now.day) < (born.month, born.day))

    def card(self, ordinal: int) -> Card | None:
        """Return the card in force on a day; None for someone not insured."""
        for card in self.cards:
            if card.start <= ordinal <= card.end:
                return card
        return None

    def home(self, ordinal: int) -> Home:
        """Return where the person lives on a day."""
        return self.household.homes[ordinal >= self.household.moved_on]

    def phone(self, ordinal: int) -> str:
        """Return the household's phone on a day."""
        return self.household.phones[ordinal >= self.household.phone_changed_on]

    @property
    def birth_text(self) -> str:
        """NGAY_SINH, year only where nothing more is known."""
        text = day_text(self.birth)
        return f"{text[:4]}00000000" if self.is_year_only else f"{text}0000"

    def weight_text(self, ordinal: int) -> str:
        """CAN_NANG in kilograms for the age."""
        age = self.age(ordinal)
        grown = self.weight if age >= 18 else 350 + (self.weight - 350) * (age + 1) // 19
        return f"{grown // 100}.{grown % 100:02d}"


@dataclass(frozen=True, slots=True)
class Population:
    """Where people are drawn from: the households of one country and period."""

    seed: int
    facilities: int
    start: int  # first and last day of the period, as ordinals
    end: int

    def household(self, index: int, home: Facility) -> Household:
        """Return a household that lives in the facility's province."""
        return _household(self.seed, index, home, self.start, self.end)

    def person(self, index: int, place: int, home: Facility) -> Person:
        """Return the person at a place (0 to 3) of a household."""
        return _person(self, index, place, home)


@lru_cache(maxsize=2048)
def _household(seed: int, index: int, home: Facility, start: int, end: int) -> Household:
    dice = Dice(seed, _STREAM_HOUSEHOLD, index)
    ethnicity = "01" if dice.happens(0.853) else dice.pick(_MINORITIES)
    span = end - start
    return Household(
        index=index,
        surname=draw_surname(dice.chance),
        ethnicity=ethnicity,
        homes=(_home(dice, home), _home(dice, home)),
        moved_on=start + dice.between(0, span) if dice.happens(0.15) else end + 1,
        phones=(f"0600{index % 1_000_000:06d}", f"0600{(index + 500_000) % 1_000_000:06d}"),
        phone_changed_on=start + dice.between(0, span) if dice.happens(0.12) else end + 1,
        area=dice.pick(("K1", "K2", "K3")) if dice.happens(0.12) else "",
    )


def _home(dice: Dice, facility: Facility) -> Home:
    commune = dice.pick(facility.province.communes)
    number = dice.between(1, 300)
    street = dice.pick(_STREETS)
    lead = f"Số {number} đường {street}" if commune.kind == "P" else f"Thôn {number % 12 + 1}"
    text = f"{lead}, {commune.name}, {facility.province.full_name}"
    return Home(text, commune)


@lru_cache(maxsize=4096)
def _person(population: Population, index: int, place: int, facility: Facility) -> Person:
    serial = index * HOUSEHOLD + place
    dice = Dice(population.seed, _STREAM_PERSON, serial)
    household = population.household(index, facility)
    sex = MALE if place == 0 or (place > 1 and dice.happens(0.512)) else FEMALE
    birth = population.end - _age_days(dice, sex, place) - 1
    year = date.fromordinal(birth).year
    insured = dice.happens(0.93)
    age = (population.end - birth) // 365
    works = 18 <= age < 60 and dice.happens(0.4)
    return Person(
        household=household,
        place=place,
        serial=serial,
        sex=sex,
        birth=_habit(dice, birth),
        is_year_only=age >= 60 and dice.happens(0.25),
        name=_name(dice, household, sex, year),
        personal_number=personal_number(sex, year, serial),
        social_number=f"00{serial % 90_000_000:08d}",
        job=dice.pick(_JOBS[1:]) if works else "00000",
        employer=dice.pick(_EMPLOYERS) if works else "",
        cards=_cards(dice, population, facility, serial, age, works) if insured else (),
        leaning=dice.chance(),
        weight=dice.between(4200, 7800) + (600 if sex == MALE else 0),
        blood=dice.pick(("O+", "A+", "B+", "AB+", "O-")),
    )


def personal_number(sex: str, birth_year: int, serial: int) -> str:
    """Return a personal number of the right form in the invented province 000."""
    digit = (birth_year // 100 - 19) * 2 + (sex == FEMALE)
    return f"000{digit}{birth_year % 100:02d}{serial % 1_000_000:06d}"


def _age_days(dice: Dice, sex: str, place: int) -> int:
    bands = load_catalogue().ages[sex]
    adults = bands[_ADULT_BAND - 1] / bands[-1]
    if place < 2 or not dice.happens(_CHILD_SHARE):
        chance = adults + dice.chance() * (1 - adults)
    else:
        chance = dice.chance() * adults
    return pick_index(bands, chance) * 1826 + dice.between(0, 1825)


def _habit(dice: Dice, birth: int) -> int:
    # an unknown birthday is often written as 1 January
    return date(date.fromordinal(birth).year, 1, 1).toordinal() if dice.happens(0.05) else birth


def _name(dice: Dice, household: Household, sex: str, year: int) -> str:
    if household.ethnicity != "01":
        name = draw_minority_name(dice.chance, ethnicity=household.ethnicity, sex=sex, family=None)
    else:
        own = year < 2000 and sex == FEMALE  # wives keep their own family name
        surname = draw_surname(dice.chance) if own else household.surname
        name = draw_name(dice.chance, sex=sex, birth_year=year, surname=surname)
    return name.upper() if dice.happens(0.7) else name


def _cards(
    dice: Dice, population: Population, home: Facility, serial: int, age: int, works: bool
) -> tuple[Card, ...]:
    group = _group(dice, age, works)
    code = f"{group}00{serial % 90_000_000:010d}"
    first = date(date.fromordinal(population.start).year, 1, 1).toordinal()
    last = date(date.fromordinal(population.end).year, 12, 31).toordinal()
    if dice.happens(0.15):  # a new card in the period, of another group
        change = population.start + dice.between(10, max(11, population.end - population.start))
        other = "GD4" if group != "GD4" else "DN4"
        return (
            Card(code, home.code, first, change - 1),
            Card(f"{other}{code[3:]}", home.code, change, last),
        )
    return (Card(code, home.code, first, last),)


def _group(dice: Dice, age: int, works: bool) -> str:
    if age < 6:
        return "TE1"
    if age < 18:
        return "HS4" if dice.happens(0.85) else "HN2"
    if works:
        return dice.pick(("DN4", "DN4", "DN4", "HC4", "CH4", "QN5", "CA5"))
    if age >= 60:
        return dice.pick(("HT3", "HT3", "BT2", "GD4", "CC1", "CN3"))
    return dice.pick(("GD4", "GD4", "GD4", "GD4", "HN2", "CN3", "DT2", "SV4"))
