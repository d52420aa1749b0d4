"""Quantities: a number with a unit of UCUM or a word of the calendar.

Months and years of the calendar are no fixed lengths: they are equivalent to UCUM's
`mo` and `a`, never equal (FHIRPath 2.0 2.1.6.1 and 6.1). Conversion is exact.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from trucyte.fhir.path.numbers import decimal_of, is_ordinary, rounded_to_least
from trucyte.fhir.path.units.ucum import Unit, read_unit

CALENDAR_WORDS: Final = {
    word + ending: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for ending in ("", "s")
}
_UCUM_OF: Final = {
    "year": "a", "month": "mo", "week": "wk", "day": "d",
    "hour": "h", "minute": "min", "second": "s", "millisecond": "ms",
}  # fmt: skip
_INDEFINITE: Final = {"year": 12, "month": 1}  # in months


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value and its unit; `system` is empty for UCUM and calendar words."""

    value: Decimal
    unit: str
    system: str = ""


def unit_of(quantity: Quantity) -> Unit | None:
    """Return what the unit means; None where it is not of UCUM."""
    if quantity.system:
        return None
    return read_unit(_UCUM_OF.get(quantity.unit, quantity.unit))


def comparable(left: Quantity, right: Quantity) -> bool:
    """Say whether one can be converted into the other's unit."""
    if left.unit == right.unit and left.system == right.system:
        return True
    mine, other = unit_of(left), unit_of(right)
    return mine is not None and other is not None and mine.dimensions == other.dimensions


def canonical(quantity: Quantity) -> tuple[object, ...]:
    """Return what equal quantities share and unequal ones do not."""
    if quantity.unit in _INDEFINITE:
        months = quantity.value * _INDEFINITE[quantity.unit]
        return ("months", months)
    unit = unit_of(quantity)
    if unit is None or not is_ordinary(quantity.value):
        return (quantity.system, quantity.unit, quantity.value)
    return (unit.dimensions, unit.to_base(Fraction(quantity.value)))


def compare(left: Quantity, right: Quantity, *, loose: bool = False) -> int | None:
    """Return -1, 0 or 1; None where the units cannot be brought together.

    `loose` lets calendar years and months meet UCUM's `a` and `mo`, as `~` does.
    """
    if left.unit == right.unit and left.system == right.system:
        return _order(left.value, right.value)
    indefinite = [_INDEFINITE.get(quantity.unit) for quantity in (left, right)]
    if all(indefinite):
        return _order(left.value * (indefinite[0] or 0), right.value * (indefinite[1] or 0))
    if any(indefinite) and not loose:
        return None
    mine, other = unit_of(left), unit_of(right)
    if mine is None or other is None or mine.dimensions != other.dimensions:
        return None
    if not (is_ordinary(left.value) and is_ordinary(right.value)):
        return None
    return _order(mine.to_base(Fraction(left.value)), other.to_base(Fraction(right.value)))


def _order(left: Decimal | Fraction, right: Decimal | Fraction) -> int:
    if left == right:
        return 0
    return -1 if left < right else 1


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Say whether they are the same, to the precision of the less precise one."""
    if left.unit == right.unit and left.system == right.system:
        return rounded_to_least(left.value, right.value)
    if compare(left, right, loose=True) == 0:
        return True
    mine, other = unit_of(left), unit_of(right)
    if mine is None or other is None or mine.dimensions != other.dimensions:
        return False
    # Compared in the coarser of the two units (FHIRPath 2.0 6.1.2).
    coarse, fine = (left, right) if mine.factor >= other.factor else (right, left)
    moved = converted(fine, coarse.unit)
    return moved is not None and rounded_to_least(moved.value, coarse.value)


def converted(quantity: Quantity, unit: str) -> Quantity | None:
    """Express a quantity in another unit; None where that is not possible."""
    mine = unit_of(quantity)
    other = unit_of(Quantity(Decimal(1), unit))
    if mine is None or other is None or mine.dimensions != other.dimensions:
        return None
    if not is_ordinary(quantity.value):
        return None
    value = decimal_of(other.from_base(mine.to_base(Fraction(quantity.value))))
    return None if value is None else Quantity(value, unit)


def product(left: Quantity, right: Quantity, *, divide: bool, value: Decimal) -> Quantity | None:
    """Give `value` the unit of the product or quotient; None without UCUM units."""
    mine, other = (_UCUM_OF.get(quantity.unit, quantity.unit) for quantity in (left, right))
    if left.system or right.system:
        return None
    if other in ("1", ""):
        return Quantity(value, left.unit)
    if divide:
        unit = "1" if mine == other else f"{mine}/{_grouped(other)}"
    else:
        unit = other if mine in ("1", "") else f"{mine}.{_grouped(other)}"
    return Quantity(value, unit) if read_unit(unit) is not None else None


def _grouped(unit: str) -> str:
    return f"({unit})" if "/" in unit or "." in unit else unit
