"""Numbers and dates typed to get past a field: they belong to nobody, whoever carries them."""

from datetime import date
from functools import cache

from trucyte.vietnam.tables import read_toml

_RUN_SHORTEST = 6
# Days that stand for "unknown" in systems that must have a date; 1 January of other years
# says that the year is known (`people` of matching gives that a level of its own).
DUMMY_DAYS = frozenset({date(1900, 1, 1), date(1901, 1, 1), date(1111, 11, 11), date(1, 1, 1)})


def is_placeholder(digits: str) -> bool:
    """Say whether digits are all one digit, or the run 123456… or its reverse."""
    if len(digits) < _RUN_SHORTEST:
        return False
    return digits.count(digits[0]) == len(digits) or digits in _runs()


@cache
def _runs() -> frozenset[str]:
    """Return each run of digits up and down, of every length that a number has."""
    found = set()
    for run in read_toml("numbers")["placeholder"]["runs"]:
        endless = run * 2
        found |= {endless[:length] for length in range(_RUN_SHORTEST, len(endless) + 1)}
    return frozenset(found)


def is_dummy_day(day: date, *, today: date | None = None) -> bool:
    """Say whether a date of birth is none: a known dummy, before 1900, or in the future."""
    return day in DUMMY_DAYS or day.year < 1900 or (today is not None and day > today)
