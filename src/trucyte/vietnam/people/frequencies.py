"""How people in Viet Nam are named, and how often: for generating and for weighing matches.

Frequencies only; no list of persons. A name is family, middle, given; the given name is
the last word. Peoples with other ways of naming have their own rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

from trucyte.vietnam.tables import read_toml

Chance = Callable[[], float]  # a number in [0, 1)

MALE, FEMALE = "1", "2"


@dataclass(frozen=True, slots=True)
class Shares:
    """Words and their cumulative weights."""

    words: Sequence[str]
    cumulative: Sequence[float]

    def at(self, chance: float) -> str:
        """Return the word at `chance` of the way (0 to 1) through the weights."""
        target = chance * self.cumulative[-1]
        low, high = 0, len(self.cumulative) - 1
        while low < high:
            middle = (low + high) // 2
            if self.cumulative[middle] > target:
                high = middle
            else:
                low = middle + 1
        return self.words[low]


def shares(weights: dict[str, float]) -> Shares:
    """Make `Shares` of word -> weight."""
    return Shares(tuple(weights), tuple(accumulate(weights.values())))


@dataclass(frozen=True, slots=True)
class NameTables:
    """All tables, ready to draw from."""

    surnames: Shares
    compound: Sequence[str]
    compound_share: float
    middle: dict[tuple[str, str], Shares]  # (sex, era)
    given: dict[tuple[str, str], Shares]
    minority: dict[str, dict[str, Any]]  # by ethnicity code


@cache
def load_names() -> NameTables:
    """Return the packaged name tables."""
    data = read_toml("names")
    middle, given = {}, {}
    for sex, key in ((MALE, "male"), (FEMALE, "female")):
        for era in ("old", "middle", "new"):
            part = data[key][era]
            middle[sex, era] = shares(part["middle"])
            words = part["given"]["names"].split()
            # frequency falls with rank, about as 1/(rank + 6)
            given[sex, era] = shares({word: 1 / (rank + 6) for rank, word in enumerate(words)})
    compound = data["compound_surnames"]
    return NameTables(
        surnames=shares(data["surnames"]),
        compound=tuple(compound["names"]),
        compound_share=compound["share"] / 1000,
        middle=middle,
        given=given,
        minority={row["ethnicity"]: row for row in data["minority"]},
    )


def era_of(birth_year: int) -> str:
    """Return which table of middle and given names a year of birth uses."""
    if birth_year < 1975:
        return "old"
    return "middle" if birth_year < 2000 else "new"


def draw_surname(chance: Chance) -> str:
    """Draw a Kinh family name at its real frequency."""
    tables = load_names()
    if chance() < tables.compound_share:
        return tables.compound[int(chance() * len(tables.compound))]
    return tables.surnames.at(chance())


def draw_name(chance: Chance, *, sex: str, birth_year: int, surname: str) -> str:
    """Draw a whole Kinh name for `surname`, in mixed case."""
    tables = load_names()
    key = (MALE if sex == MALE else FEMALE, era_of(birth_year))
    given = tables.given[key].at(chance())
    middle = tables.middle[key].at(chance())
    if middle == given:
        middle = ""
    return f"{surname} {middle} {given}" if middle else f"{surname} {given}"


def draw_minority_name(chance: Chance, *, ethnicity: str, sex: str, family: str | None) -> str:
    """Draw a name of a people that has its own rows; raises KeyError for one that has none."""
    row = load_names().minority[ethnicity]
    families = row["families"]
    clan = family or families[int(chance() * len(families))]
    choices = row["male" if sex == MALE else "female"]
    given = choices[int(chance() * len(choices))]
    return f"{given} {clan}" if row.get("order") == "given first" else f"{clan} {given}"
