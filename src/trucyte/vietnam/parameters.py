"""Amounts that the law sets and changes, by date."""

from datetime import date
from functools import cache

from trucyte.vietnam.tables import read_toml

LOW_COST_PER_CENT = 15  # of the base salary: below it the fund pays all (Law on insurance, art. 22)
PACKAGE_SALARIES = 45  # base salaries: ceiling of a supply package (Circular 04/2017)


@cache
def _salaries() -> tuple[tuple[date, int], ...]:
    rows = read_toml("parameters")["base_salary"]
    return tuple(sorted((row["from"], row["amount"]) for row in rows))


def base_salary(on: date) -> int:
    """Return the base salary in đồng in force on a day; before the table, its first amount."""
    found = _salaries()[0][1]
    for start, amount in _salaries():
        if start <= on:
            found = amount
    return found
