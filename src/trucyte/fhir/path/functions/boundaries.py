"""`lowBoundary`, `highBoundary` and `precision`: what a value of its precision may be.

Outwards a boundary is rounded half up, inwards it is cut, as the official suite has it.
"""

import decimal
from calendar import monthrange
from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Final

from trucyte.fhir.path import moment
from trucyte.fhir.path.code import Function, anything, integer, scalar
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import digits_after_point, is_ordinary
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.quantity import Quantity
from trucyte.fhir.path.values import is_number, type_of

_DIGITS_MAX: Final = 28
_DEFAULT_DIGITS: Final = 8
_WIDE = decimal.Context(prec=120)
# How many digits a moment has with so many parts (FHIRPath 2.0 lowBoundary).
_DATE_DIGITS: Final = {4: 1, 6: 2, 8: 3}
_DATE_TIME_DIGITS: Final = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_TIME_DIGITS: Final = {2: 1, 4: 2, 6: 3, 9: 3}
_LOW = (1, 1, 1, 0, 0, Decimal("0.000"))
_HIGH = (9999, 12, 31, 23, 59, Decimal("59.999"))
_LOW_ZONE, _HIGH_ZONE = 14 * 60, -12 * 60


def _boundary(value: Any, precision: int | None, *, high: bool) -> Any:
    if is_number(value):
        return _number(value, precision, high=high)
    if value.__class__ is Quantity:
        number = _number(value.value, precision, high=high)
        return None if number is None else Quantity(number, value.unit, value.system)
    if value.__class__ is Moment:
        return _moment(value, precision, high=high)
    raise PathEvaluation(reason=f"{type_of(value)} has no boundaries")


def _number(value: int | Decimal, precision: int | None, *, high: bool) -> Decimal | None:
    digits = _DEFAULT_DIGITS if precision is None else precision
    if not 0 <= digits <= _DIGITS_MAX or not is_ordinary(value):
        return None
    half = Decimal(5).scaleb(-digits_after_point(value) - 1)
    bound = _WIDE.add(Decimal(value), half if high else -half)
    outwards = (bound > 0) is high
    rounding = ROUND_HALF_UP if outwards else ROUND_DOWN
    return bound.quantize(Decimal(1).scaleb(-digits), rounding, _WIDE)


def _moment(value: Moment, precision: int | None, *, high: bool) -> Moment | None:
    table = {moment.DATE: _DATE_DIGITS, moment.TIME: _TIME_DIGITS}.get(
        value.type, _DATE_TIME_DIGITS
    )
    digits = max(table) if precision is None else precision
    count = table.get(digits)
    if count is None:
        return None
    first = 3 if value.type == moment.TIME else 0
    parts = list(value.parts[:count])
    if value.type == moment.DATE_TIME and len(parts) == 4 and count > 4:
        # FHIR has no hour without minutes: such an hour means its first minute.
        parts.append(0)
    for place in range(len(parts), count):
        parts.append(_fill(parts, place + first, high=high))
    _set_fraction(value, parts, 5 - first, digits, high=high)
    zone = value.zone
    if value.type == moment.DATE_TIME and zone is None and count > 3:
        zone = _HIGH_ZONE if high else _LOW_ZONE
    return Moment(value.type, tuple(parts), zone)


def _fill(parts: list[int | Decimal], place: int, *, high: bool) -> int | Decimal:
    if not high:
        return _LOW[place]
    if place == 2:
        return monthrange(int(parts[0]), int(parts[1]))[1]
    return _HIGH[place]


def _set_fraction(
    value: Moment, parts: list[int | Decimal], place: int, digits: int, *, high: bool
) -> None:
    """Give seconds the milliseconds that are asked for, or take them away."""
    if len(parts) <= place:
        return
    second = Decimal(parts[place])
    if digits in (14, 6):
        parts[place] = second.to_integral_value(ROUND_DOWN)
    elif digits_after_point(second) == 0:
        parts[place] = second + (Decimal("0.999") if high else Decimal("0.000"))
    else:
        parts[place] = second.quantize(Decimal("0.001"), ROUND_DOWN)


def _low(value: Any, precision: int | None = None) -> Any:
    return _boundary(value, precision, high=False)


def _high(value: Any, precision: int | None = None) -> Any:
    return _boundary(value, precision, high=True)


def _precision(value: Any) -> int | None:
    if is_number(value):
        return digits_after_point(value)
    if value.__class__ is not Moment:
        raise PathEvaluation(reason=f"{type_of(value)} has no precision")
    return sum(letter.isdigit() for letter in str(Moment(value.type, value.parts)))


BOUNDARIES: Final[Mapping[str, Function]] = {
    "lowBoundary": scalar(_low, anything, integer, optional=1),
    "highBoundary": scalar(_high, anything, integer, optional=1),
    "precision": scalar(_precision, anything),
}
