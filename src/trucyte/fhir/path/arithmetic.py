"""Arithmetic (FHIRPath 2.0 6.6 and 6.7): what overflows gives None, wrong types an error."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from trucyte.fhir.path import moment, quantity
from trucyte.fhir.path.environment import TEXT_MAX
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import CONTEXT, is_integer, is_ordinary
from trucyte.fhir.path.problems import PathEvaluation, PathTooCostly
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.values import is_number, type_of

_FIXED: Final = {
    "week": 7 * 86_400_000, "wk": 7 * 86_400_000, "day": 86_400_000, "d": 86_400_000,
    "hour": 3_600_000, "h": 3_600_000, "minute": 60_000, "min": 60_000,
    "second": 1000, "s": 1000, "millisecond": 1, "ms": 1,
}  # fmt: skip
_MONTHS: Final = {"year": 12, "month": 1}
_FRACTIONAL: Final = frozenset({"second", "s", "millisecond", "ms"})
_DAY: Final = 86_400_000


def joined(left: str, right: str) -> str:
    """Join two texts. Raises `PathTooCostly` beyond the size there is."""
    if len(left) + len(right) > TEXT_MAX:
        raise PathTooCostly(reason="it would make too long a text")
    return left + right


def _refuse(sign: str, left: Any, right: Any) -> PathEvaluation:
    return PathEvaluation(reason=f"{type_of(left)} {sign} {type_of(right)} is not defined")


def negative(value: Any) -> Any:
    """Change the sign. Raises `PathEvaluation` for what has none."""
    if value.__class__ is Quantity:
        return Quantity(value.value.copy_negate(), value.unit, value.system)
    if value.__class__ is Decimal:
        return value.copy_negate()
    if value.__class__ is int:
        return -value
    raise PathEvaluation(reason=f"{type_of(value)} has no sign")


def positive(value: Any) -> Any:
    """Keep the sign. Raises `PathEvaluation` for what has none."""
    negative(value)
    return value


Numeric = Callable[[Any, Any], Any]


def calculated(function: Numeric, left: int | Decimal, right: int | Decimal) -> Any:
    """Calculate with two numbers, in integers where both are, else in 34 digits."""
    if not (is_ordinary(left) and is_ordinary(right)):
        return None
    if left.__class__ is int and right.__class__ is int:
        result = function(left, right)
        return result if is_integer(result) else None
    try:
        with decimal.localcontext(CONTEXT):
            found = function(Decimal(left), Decimal(right))
    except decimal.DecimalException:
        return None
    return found if is_ordinary(found) else None


def plus(left: Any, right: Any) -> Any:
    """Add numbers, quantities, texts, or a quantity of time to a moment."""
    if is_number(left) and is_number(right):
        return calculated(lambda one, other: one + other, left, right)
    if left.__class__ is str and right.__class__ is str:
        return joined(left, right)
    if left.__class__ is Moment and right.__class__ is Quantity:
        return _moved(left, right, 1)
    if Quantity in (left.__class__, right.__class__):
        return _added(left, right, "+")
    raise _refuse("+", left, right)


def minus(left: Any, right: Any) -> Any:
    """Subtract numbers, quantities, or a quantity of time from a moment."""
    if is_number(left) and is_number(right):
        return calculated(lambda one, other: one - other, left, right)
    if left.__class__ is Moment and right.__class__ is Quantity:
        return _moved(left, right, -1)
    if Quantity in (left.__class__, right.__class__):
        return _added(left, right, "-")
    raise _refuse("-", left, right)


def _added(left: Any, right: Any, sign: str) -> Quantity | None:
    first, second = _as_quantity(left, right, sign), _as_quantity(right, left, sign)
    if first.unit != second.unit or first.system != second.system:
        moved = quantity.converted(second, first.unit)
        if moved is None or first.system or second.system:
            return None
        second = moved
    if sign == "-":
        second = negative(second)
    value = calculated(lambda one, other: one + other, first.value, second.value)
    return None if value is None else Quantity(value, first.unit, first.system)


def _as_quantity(value: Any, other: Any, sign: str) -> Quantity:
    if value.__class__ is Quantity:
        return value
    if is_number(value):
        return Quantity(Decimal(value), "1")
    raise _refuse(sign, value, other)


def times(left: Any, right: Any) -> Any:
    """Multiply numbers and quantities."""
    return _scaled(left, right, "*", lambda one, other: one * other)


def divided(left: Any, right: Any) -> Any:
    """Divide numbers and quantities; by zero gives None. The result is a Decimal."""
    if is_number(left) and is_number(right):
        return _quotient(left, right)
    return _scaled(left, right, "/", _quotient)


def _quotient(left: int | Decimal, right: int | Decimal) -> Any:
    if right == 0:
        return None
    return calculated(lambda one, other: one / other, Decimal(left), Decimal(right))


def _scaled(left: Any, right: Any, sign: str, function: Numeric) -> Any:
    if is_number(left) and is_number(right):
        return calculated(function, left, right)
    if Quantity not in (left.__class__, right.__class__):
        raise _refuse(sign, left, right)
    first, second = _as_quantity(left, right, sign), _as_quantity(right, left, sign)
    value = function(first.value, second.value)
    if value is None or not is_ordinary(value):
        return None
    return quantity.product(first, second, divide=sign == "/", value=Decimal(value))


def whole_quotient(left: Any, right: Any) -> Any:
    """Divide numbers and cut the fraction; by zero gives None."""
    if not (is_number(left) and is_number(right)):
        raise _refuse("div", left, right)
    if right == 0 or not (is_ordinary(left) and is_ordinary(right)):
        return None
    with decimal.localcontext(decimal.Context(prec=250)):
        result = int(Decimal(left) // Decimal(right))
    return result if is_integer(result) else None


def remainder(left: Any, right: Any) -> Any:
    """Return what is left of a division, with the sign of the dividend."""
    if not (is_number(left) and is_number(right)):
        raise _refuse("mod", left, right)
    if right == 0 or not (is_ordinary(left) and is_ordinary(right)):
        return None
    with decimal.localcontext(decimal.Context(prec=250)):
        result = Decimal(left) % Decimal(right)
    return int(result) if left.__class__ is int and right.__class__ is int else result


def _moved(start: Moment, amount: Quantity, sign: int) -> Moment | None:
    """Add an amount of time; months and years only in words of the calendar (6.7)."""
    unit = amount.unit
    if amount.system or (unit not in _FIXED and unit not in _MONTHS):
        raise PathEvaluation(reason="only amounts of time are added to dates and times")
    if not is_ordinary(amount.value) or abs(amount.value) > 10**15:
        return None
    # Fractions count for seconds only.
    value = amount.value if unit in _FRACTIONAL else Decimal(int(amount.value))
    if unit in _MONTHS:
        if start.type == moment.TIME:
            raise PathEvaluation(reason="a Time has no months and years")
        return moment.later(start, months=sign * int(value) * _MONTHS[unit])
    milliseconds = sign * int(value * _FIXED[unit])
    if start.type == moment.TIME:
        return moment.later(start, milliseconds=milliseconds)
    known = len(start.parts)
    if known < 3:
        return _moved_coarsely(start, milliseconds)
    if start.type == moment.DATE:
        return moment.later(start, days=_cut(milliseconds, _DAY))
    return moment.later(start, milliseconds=milliseconds)


def _cut(amount: int, unit: int) -> int:
    return amount // unit if amount >= 0 else -(-amount // unit)


def _moved_coarsely(start: Moment, milliseconds: int) -> Moment | None:
    """Move a year or a month by whole years of 365 or months of 30 days (6.7)."""
    days = _cut(milliseconds, _DAY)
    months = _cut(days, 365) * 12 if len(start.parts) == 1 else _cut(days, 30)
    return moment.later(start, months=months)
