"""Draw names of households: by sex and era, one family name for father and children.

Frequencies are those of `vietnam` with a tail of rarer given names and a second middle
word, so that as many people share a name as in a real register, not more.
"""

from functools import cache
from typing import Any

import msgspec

from trucyte.synth.dice import Dice
from trucyte.synth.population.data import population_data
from trucyte.synth.population.shapes import FEMALE, MALE, Name
from trucyte.vietnam.people.frequencies import NameTables, era_of, load_names
from trucyte.vietnam.tables import read_toml

KINH = "01"
_ERAS = ("old", "middle", "new")
_SOUTH_FROM = 44  # of the 34 provinces, those from Quảng Trị on say Huỳnh and Võ


class Family(msgspec.Struct, frozen=True):
    """What a household's names have in common."""

    ethnicity: str
    surname: tuple[str, ...]
    is_south: bool


class _Tail(msgspec.Struct, frozen=True):
    rare: dict[str, list[str]]
    second: dict[str, list[str]]
    four: dict[tuple[str, str], float]
    rare_share: float
    own_share: dict[str, float]
    own: dict[tuple[str, str], list[str]]


def draw_family(dice: Dice, ethnicity: str, *, is_south: bool) -> Family:
    """Draw what is common to a household of a people."""
    return Family(ethnicity, _surname(dice, ethnicity, is_south=is_south), is_south)


def _surname(dice: Dice, ethnicity: str, *, is_south: bool) -> tuple[str, ...]:
    tables = load_names()
    if ethnicity in tables.minority:
        families: list[str] = tables.minority[ethnicity]["families"]
        return tuple(dice.pick(families).split())
    if dice.happens(tables.compound_share):
        return _split(dice.pick(tables.compound))
    drawn = tables.surnames.at(dice.chance())
    return (_regional().get(drawn, (drawn, drawn))[is_south],)


@cache
def _regional() -> dict[str, tuple[str, str]]:
    # Which of the pair is written is a matter of the region: both draw as one family name.
    pairs = [pair for pair in read_toml("names")["regional"]["pairs"] if pair[0] in ("Hoàng", "Vũ")]
    return {name: (north, south) for north, south in pairs for name in (north, south)}


def draw_person_name(dice: Dice, family: Family, sex: str, year: int, *, own: bool = False) -> Name:
    """Draw a name; `own` for someone who married in, or whose family name is the mother's."""
    surname = family.surname
    if own:
        surname = _surname(dice, family.ethnicity, is_south=family.is_south)
    tables, tail = load_names(), _tail()
    if family.ethnicity in tables.minority and dice.happens(tail.own_share[family.ethnicity]):
        return _own_name(dice, tables, tail, family.ethnicity, sex, surname)
    return _common_name(dice, tables, tail, sex, year, surname)


def _common_name(
    dice: Dice, tables: NameTables, tail: _Tail, sex: str, year: int, surname: tuple[str, ...]
) -> Name:
    key = (sex, era_of(year))
    given = _given(dice, tables, tail, key)
    middle = tables.middle[key].at(dice.chance())
    words: tuple[str, ...] = (middle,) if middle and middle != given else ()
    if words and dice.happens(tail.four[key]):
        second = dice.pick(tail.second[sex])
        if second not in (middle, given):
            words = (middle, second)
    return Name(surname, words, given)


def _given(dice: Dice, tables: NameTables, tail: _Tail, key: tuple[str, str]) -> str:
    if dice.happens(tail.rare_share):
        return dice.pick(tail.rare[key[0]])
    return tables.given[key].at(dice.chance())


def _own_name(
    dice: Dice,
    tables: NameTables,
    tail: _Tail,
    ethnicity: str,
    sex: str,
    surname: tuple[str, ...],
) -> Name:
    words = dice.pick(tail.own[ethnicity, sex]).split()
    is_first = tables.minority[ethnicity].get("order") == "given first"
    return Name(surname, tuple(words[:-1]), words[-1], given_first=is_first)


def another_given(dice: Dice, name: Name, sex: str, year: int) -> Name:
    """Return the name with another given name: a brother's or a sister's."""
    tables, tail = load_names(), _tail()
    given = name.given
    while given == name.given:
        given = _given(dice, tables, tail, (sex, era_of(year)))
    return Name(name.family, name.middle, given, name.given_first)


@cache
def _tail() -> _Tail:
    data = population_data()["names"]
    words: dict[str, dict[str, list[str]]] = {
        part: {
            MALE: sorted(set(data[f"{part}_male"].split())),
            FEMALE: sorted(set(data[f"{part}_female"].split())),
        }
        for part in ("rare", "second_middle")
    }
    sexes = ((MALE, "male"), (FEMALE, "female"))
    return _Tail(
        rare=words["rare"],
        second=words["second_middle"],
        four={
            (sex, era): share / 1000
            for sex, key in sexes
            for era, share in zip(_ERAS, data[f"four_words_{key}"], strict=True)
        },
        rare_share=data["rare_share"] / 1000,
        own_share={code: share / 1000 for code, share in data["own_share"].items()},
        own={
            (ethnicity, sex): _own_words(row, data["own"].get(ethnicity, {}), key)
            for ethnicity, row in load_names().minority.items()
            for sex, key in sexes
        },
    )


def _own_words(row: dict[str, Any], more: dict[str, str], key: str) -> list[str]:
    added = more[key].split("|") if key in more else []
    return [*row[key], *added]


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def is_southern(province: str) -> bool:
    """Say whether a province (of the 34) writes family names the southern way."""
    return int(province) >= _SOUTH_FROM
