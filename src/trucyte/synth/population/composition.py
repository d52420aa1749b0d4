"""Who lives together, and how old they are: drawn so that the whole keeps the age pyramid.

A household is of a kind and has an anchor, a woman (or whoever lives alone) of a five-year
band. How often each pair of kind and band occurs is data, fitted by
`tools/fit_households.py` to the pyramid of `seasons.toml`; the rest is drawn here. The
steps between generations are plausible figures, not counts.
"""

from functools import cache
from itertools import accumulate

import msgspec

from trucyte.synth.dice import Dice, pick_index
from trucyte.synth.population.data import household_data
from trucyte.synth.population.shapes import FEMALE, MALE

YEAR = 365.25  # days
BAND = 5  # years
ELDEST = 99  # years

FAMILY, THREE, MOTHER, COUPLE, WOMAN, MAN = "family", "three", "mother", "couple", "woman", "man"
BANDS = {  # kind -> first and last band of its anchor, in years
    FAMILY: (20, 60),
    THREE: (25, 55),
    MOTHER: (20, 55),
    COUPLE: (20, 90),
    WOMAN: (15, 95),
    MAN: (15, 95),
}
_CHILDREN = tuple(accumulate((0.28, 0.45, 0.19, 0.06, 0.02)))  # one, two, …
_TWINS = 0.012  # of births
_SAME_SEX = 0.62  # of pairs of twins
_SON = 0.522


class Seat(msgspec.Struct, frozen=True):
    """A place in a household: who sits there, of which sex and age in days."""

    role: str  # wife, husband, child, twin (of the child before), grandmother, grandfather, alone
    sex: str
    age: int


def compose(dice: Dice) -> list[Seat]:
    """Draw a household."""
    keys, cumulative = _weights()
    kind, first = keys[pick_index(cumulative, dice.chance())]
    return seats(dice, kind, first)


@cache
def _weights() -> tuple[tuple[tuple[str, int], ...], tuple[float, ...]]:
    rows = household_data()["weights"]
    keys = tuple((kind, int(band)) for kind, bands in rows.items() for band in bands)
    return keys, tuple(accumulate(rows[kind][str(band)] for kind, band in keys))


def seats(dice: Dice, kind: str, first: int) -> list[Seat]:
    """Draw a household of a kind whose anchor is `first` to `first` + 5 years old."""
    age = first + BAND * dice.chance()
    if kind in (WOMAN, MAN):
        return [Seat("alone", FEMALE if kind == WOMAN else MALE, _days(age))]
    found = [Seat("wife", FEMALE, _days(age))]
    if kind != MOTHER:
        found.append(Seat("husband", MALE, _days(age + _around(dice, 2.8, 5))))
    if kind != COUPLE:
        found += _children(dice, age)
    if kind == THREE:
        found += _grandparents(dice, age)
    return found


def _children(dice: Dice, mother: float) -> list[Seat]:
    wanted = pick_index(_CHILDREN, dice.chance()) + 1
    found: list[Seat] = []
    at = 19 + 11 * dice.chance()  # the mother's age at the first birth
    for _ in range(wanted):
        age = mother - at
        at += 1.6 + 4.5 * dice.chance()
        if age < 0 or at > 44 or not _is_at_home(dice, age):
            continue
        sex = MALE if dice.happens(_SON) else FEMALE
        found.append(Seat("child", sex, _days(age)))
        if dice.happens(_TWINS):
            other = sex if dice.happens(_SAME_SEX) else _other(sex)
            found.append(Seat("twin", other, _days(age)))
    return found


def _is_at_home(dice: Dice, age: float) -> bool:
    if age < 18:
        return True
    return age < 35 and dice.happens(0.75 if age < 24 else 0.35)


def _grandparents(dice: Dice, mother: float) -> list[Seat]:
    age = mother + 20 + 12 * dice.chance()
    found = [Seat("grandmother", FEMALE, _days(age))]
    husband = age + _around(dice, 2.8, 5)
    if husband < ELDEST and dice.happens(0.85 - max(0.0, husband - 60) / 50):
        found.append(Seat("grandfather", MALE, _days(husband)))
    return found


def _around(dice: Dice, middle: float, spread: float) -> float:
    # the sum of two throws falls off on both sides
    return middle + spread * (dice.chance() + dice.chance() - 1)


def _days(age: float) -> int:
    return int(min(max(age, 0.0), float(ELDEST)) * YEAR)


def _other(sex: str) -> str:
    return FEMALE if sex == MALE else MALE
