"""Mathematics (FHIRPath 2.0 5.7), in decimals; what has no result gives nothing."""

import decimal
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any, Final

from trucyte.fhir.path.code import Function, amount, costly, integer, number, scalar
from trucyte.fhir.path.numbers import CONTEXT, INTEGER_MAX, is_integer, is_ordinary, rounded
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.quantity import Quantity

Number = int | Decimal
_EXACT_POWER_MAX: Final = 200
_DIGITS_OF_WORK: Final = 25  # what a series of 34 digits takes, in elements looked at


def _on_amount(function: Callable[[Number], Number | None]) -> Callable[[Any], Any]:
    """Let a function of numbers work on quantities too."""

    def apply(value: Any) -> Any:
        if value.__class__ is not Quantity:
            return function(value)
        result = function(value.value)
        return None if result is None else Quantity(Decimal(result), value.unit, value.system)

    return apply


def _absolute(value: Number) -> Number | None:
    result = abs(value) if isinstance(value, int) else value.copy_abs()
    return result if isinstance(result, Decimal) or result <= INTEGER_MAX else None


def _to_whole(rounding: str) -> Callable[[Number], int | None]:
    def apply(value: Number) -> int | None:
        if isinstance(value, int):
            return value
        if not is_ordinary(value):
            return None
        result = int(value.to_integral_value(rounding))
        return result if is_integer(result) else None

    return apply


def _round(value: Number, digits: int = 0) -> Number | None:
    if digits < 0:
        raise PathEvaluation(reason="the precision of round is not negative")
    return value if isinstance(value, int) else rounded(value, min(digits, 60))


def _safely(function: Callable[..., Decimal]) -> Callable[..., Any]:
    """Give nothing where a function has no result or one beyond the bounds."""

    def apply(*values: Number) -> Decimal | None:
        if not all(is_ordinary(value) for value in values):
            return None
        try:
            result = function(*[Decimal(value) for value in values])
        except decimal.DecimalException:
            return None
        return result if result.is_finite() and is_ordinary(result) else None

    return apply


def _logarithm(value: Decimal, base: Decimal) -> Decimal:
    result = CONTEXT.divide(CONTEXT.ln(value), CONTEXT.ln(base))
    # 100.log(10) is 2, not nearly 2: what 30 digits cannot tell apart is the same.
    near = result.quantize(Decimal(1)) if abs(result) < INTEGER_MAX else result
    return near if abs(result - near) < Decimal("1e-25") else result


def _power(value: Number, exponent: Number) -> Number | None:
    if isinstance(value, int) and isinstance(exponent, int) and 0 <= exponent <= _EXACT_POWER_MAX:
        if not is_integer(value):
            return None
        result = value**exponent
        return result if is_integer(result) else None
    found: Decimal | None = _safely(CONTEXT.power)(value, exponent)
    return found


MATHEMATICS: Final[Mapping[str, Function]] = {
    "abs": scalar(_on_amount(_absolute), amount),
    "ceiling": scalar(_on_amount(_to_whole(ROUND_CEILING)), amount),
    "floor": scalar(_on_amount(_to_whole(ROUND_FLOOR)), amount),
    "truncate": scalar(_on_amount(_to_whole(ROUND_DOWN)), amount),
    "round": scalar(_round, number, integer, optional=1),
    "exp": costly(scalar(_safely(CONTEXT.exp), number), _DIGITS_OF_WORK),
    "ln": costly(scalar(_safely(CONTEXT.ln), number), _DIGITS_OF_WORK),
    "log": costly(scalar(_safely(_logarithm), number, number), _DIGITS_OF_WORK),
    "power": costly(scalar(_power, number, number), _DIGITS_OF_WORK),
    "sqrt": costly(scalar(_safely(CONTEXT.sqrt), number), _DIGITS_OF_WORK),
}
