"""A kind of fault: where it can be planted in a visit's tables, and how.

A kind changes one thing. It answers with the place, or None where the visit has nothing
to change; it never changes a visit it does not answer for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from trucyte.intake.claims.tables import Row
from trucyte.synth.dice import Dice

Tables = dict[str, list[Row]]
Plant = Callable[[Dice, Tables], "Place | None"]
When = Callable[[Row, Tables], bool]
Change = Callable[[str, Row, Tables], str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault stands: a table, a 1-based row (0: the table), a field ("" : the row)."""

    table: str
    row: int
    field: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault with the family of rules that should find it."""

    name: str
    family: str
    plant: Plant


def always(_row: Row, _tables: Tables) -> bool:
    """Allow every row."""
    return True


def change(
    name: str, family: str, table: str, field: str, how: Change, when: When = always
) -> Kind:
    """Change a field that is present; `how` gives the new text, None to leave the row alone."""

    def plant(dice: Dice, tables: Tables) -> Place | None:
        rows = tables.get(table, [])
        fit = [n for n, row in enumerate(rows) if row.get(field) and when(row, tables)]
        if not fit:
            return None
        index = dice.pick(fit)
        text = how(rows[index][field], rows[index], tables)
        if text is None or text == rows[index][field]:
            return None
        rows[index][field] = text
        return Place(table, index + 1, field)

    return Kind(name, family, plant)


def set_to(name: str, family: str, table: str, field: str, value: str, when: When = always) -> Kind:
    """Write a fixed wrong text into a field that is present."""
    return change(name, family, table, field, lambda *_: value, when)


def drop(name: str, family: str, table: str, field: str, when: When = always) -> Kind:
    """Leave out a field that is present."""

    def plant(dice: Dice, tables: Tables) -> Place | None:
        rows = tables.get(table, [])
        fit = [n for n, row in enumerate(rows) if row.get(field) and when(row, tables)]
        if not fit:
            return None
        index = dice.pick(fit)
        del rows[index][field]
        return Place(table, index + 1, field)

    return Kind(name, family, plant)


def more(by: str) -> Change:
    """Add an amount to a number."""
    return lambda text, _row, _tables: str(Decimal(text) + Decimal(by))


def days_later(days: int) -> Change:
    """Move the day of yyyymmdd[HHMM] by `days`."""

    def move(text: str, _row: Row, _tables: Tables) -> str | None:
        moved = _day(text) + timedelta(days=days)
        return moved.strftime("%Y%m%d") + text[8:]

    return move


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
