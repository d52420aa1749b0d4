"""Working days and public holidays (Labour Code 2019, article 112; days off in lieu apart).

Fixed holidays are computed; Tết and the Hùng kings' day follow the lunar calendar and are
a table for 2024 to 2028. Days off that the Government moves each year are not in it, which
the table says by `verified`.
"""

from datetime import date, timedelta
from functools import cache, lru_cache

from trucyte.vietnam.tables import read_toml

_FIXED = ((1, 1), (4, 30), (5, 1), (9, 2))
_SATURDAY = 5


@cache
def _lunar() -> dict[date, str]:
    days: dict[date, str] = {}
    for row in read_toml("holidays")["lunar"]:
        for step in range(row["days"]):
            days[row["from"] + timedelta(days=step)] = row["name"]
    return days


@lru_cache(maxsize=4096)
def holiday(day: date) -> str:
    """Return the name of the public holiday, or an empty string."""
    if (day.month, day.day) in _FIXED:
        return f"{day.day:02d}/{day.month:02d}"
    if (day.month, day.day) in ((9, 1), (9, 3)):  # the second day beside 2 September
        return "02/09" if _second_day(day.year) == day else ""
    return _lunar().get(day, "")


def _second_day(year: int) -> date:
    table = read_toml("holidays")["national_day_second"]
    return date(year, 9, 3 if table.get(str(year)) == "after" else 1)


def is_working_day(day: date) -> bool:
    """Say whether offices work: Monday to Friday and no public holiday."""
    return day.weekday() < _SATURDAY and not holiday(day)


def add_working_days(day: date, count: int) -> date:
    """Return the working day `count` (0 or more) working days after `day`."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def last_working_day(day: date) -> date:
    """Return `day` itself or the nearest working day before it."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day
