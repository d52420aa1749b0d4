"""The comparisons and their levels, from full agreement down: data, read by Python and SQL.

A pair is on the first level of a comparison whose condition holds; on "else" where none
does; on "missing" where either side lacks what the comparison needs, which says nothing
either way. Loss of marks is no typo: a record typed without them agrees as well as it can,
while two records that both have marks and differ in them are two names (Hùng, Hưng).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trucyte.shared.identity.matching.conditions import (
    All,
    AnyOf,
    Begins,
    Condition,
    Digits,
    Either,
    Lacking,
    Lettered,
    Near,
    Same,
    Similar,
    Slip,
)
from trucyte.shared.identity.matching.person import Person

MISSING, ELSE = "missing", "else"

Levels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Level:
    """One level; `frequency` is the column whose rare values weigh more at it."""

    name: str
    when: Condition
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Levels from strict to loose; a pair lacking `needs` on a side is "missing"."""

    name: str
    needs: str
    levels: tuple[Level, ...]

    def names(self) -> tuple[str, ...]:
        """Return the names of its levels with "else", without "missing"."""
        return (*(level.name for level in self.levels), ELSE)


_GIVEN = Comparison(
    "given",
    "given_bare",
    (
        Level("without-marks", All(Same("given_bare"), Either("marks", "0")), "given_bare"),
        Level("exact", Same("given"), "given"),
        Level("other-marks", Same("given_bare"), "given_bare"),
        Level("same-sounds", Same("given_sound"), "given_sound"),
        Level("crossed", Same("name_sound"), "given_bare"),
        Level("typo", AnyOf(Similar("given_bare", 0.9199), Slip("given_bare", 3)), "given_bare"),
        Level("initial", Begins("given_bare")),
        Level("similar", Similar("given_bare", 0.8001), "given_bare"),
    ),
)

_FAMILY = Comparison(
    "family",
    "family_bare",
    (
        Level("without-marks", All(Same("family_bare"), Either("marks", "0")), "family_bare"),
        Level("exact", Same("family"), "family"),
        Level("other-marks", Same("family_bare"), "family_bare"),
        Level("same-sounds", Same("family_sound"), "family_sound"),
        Level("crossed", Same("name_sound"), "family_bare"),
        Level("typo", AnyOf(Similar("family_bare", 0.9199), Slip("family_bare", 3)), "family_bare"),
        Level("initial", Begins("family_bare")),
        Level("similar", Similar("family_bare", 0.8001), "family_bare"),
    ),
)

# "dropped" is a level, not "missing": that both lack a middle name is agreement of a kind.
_MIDDLE = Comparison(
    "middle",
    "given_bare",
    (
        Level("without-marks", All(Same("middle_bare"), Either("marks", "0")), "middle_bare"),
        Level("exact", Same("middle"), "middle"),
        Level("other-marks", Same("middle_bare"), "middle_bare"),
        Level("same-sounds", Same("middle_sound"), "middle_sound"),
        Level("crossed", Same("name_sound")),
        Level("dropped", Lacking("middle_bare")),
        Level("initial", Begins("middle_bare")),
        Level("typo", AnyOf(Similar("middle_bare", 0.9199), Slip("middle_bare", 3)), "middle_bare"),
    ),
)

_BIRTH = Comparison(
    "birth",
    "birth_year",
    (
        Level("exact", Same("birth"), "birth_year"),
        Level("swapped", Same("birth_pair")),
        Level("year-known", All(Same("birth_year"), Either("birth_known", "year"))),
        Level("one-digit", Digits("birth", 1)),
        Level("year-slip", All(Same("birth_day"), Near("birth_year", 1))),
        Level("part-slip", All(Same("birth_year"), AnyOf(Same("month"), Same("day")))),
        Level("other-year", Same("birth_day")),
        Level("same-year", Same("birth_year")),
        Level("near-year", Near("birth_year", 1)),
    ),
)


def _number(name: str) -> Comparison:
    return Comparison(
        name, name, (Level("exact", Same(name), name), Level("few-digits", Digits(name, 2)))
    )


_ADDRESS = Comparison(
    "address",
    "province",
    (
        Level("same-house", All(Same("commune"), Same("address"))),
        Level("like-house", All(Same("commune"), Similar("address", 0.9001))),
        Level("commune", Same("commune"), "commune"),
        Level("former-commune", Same("former_commune"), "former_commune"),
        Level("same-address", All(Same("province"), Same("address"), Lettered("address"))),
        Level("province", Same("province"), "province"),
    ),
)

_MOTHER = Comparison(
    "mother",
    "mother_bare",
    (
        Level("exact", Same("mother_bare"), "mother_bare"),
        Level("same-sounds", Same("mother_sound"), "mother_sound"),
        Level("similar", Similar("mother_bare", 0.9001)),
    ),
)

COMPARISONS: tuple[Comparison, ...] = (
    _GIVEN,
    _FAMILY,
    _MIDDLE,
    _BIRTH,
    Comparison("sex", "sex", (Level("exact", Same("sex")),)),
    _number("personal"),
    _number("identity"),
    _number("social"),
    _number("passport"),
    _number("phone"),
    _ADDRESS,
    _MOTHER,
)

Judged = tuple[str, Callable[[Person, Person], str]]


def level_of(comparison: Comparison) -> Callable[[Person, Person], str]:
    """Return what tells the level of a pair in one comparison."""
    needs = comparison.needs
    judges = tuple((level.when.judge(), level.name) for level in comparison.levels)

    def level(left: Person, right: Person) -> str:
        if not getattr(left, needs) or not getattr(right, needs):
            return MISSING
        for judge, name in judges:
            if judge(left, right):
                return name
        return ELSE

    return level


_JUDGED: tuple[Judged, ...] = tuple((each.name, level_of(each)) for each in COMPARISONS)


def compare(left: Person, right: Person) -> Levels:
    """Return the level of each comparison; the order of the two makes no difference."""
    return {name: level(left, right) for name, level in _JUDGED}


def level_sql(comparison: Comparison) -> str:
    """Return the number of the level as SQL on `l` and `r`: -1 missing, then 0, 1, … as listed."""
    needs = comparison.needs
    cases = " ".join(
        f"WHEN {level.when.sql()} THEN {number}" for number, level in enumerate(comparison.levels)
    )
    return (
        f"CASE WHEN l.{needs} IS NULL OR r.{needs} IS NULL THEN -1 {cases}"
        f" ELSE {len(comparison.levels)} END"
    )
