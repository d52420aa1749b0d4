"""Decimal arithmetic with an end: what is beyond 34 digits or 10^±60 has no result.

FHIRPath 2.0 asks for 28 digits and says that overflow gives an empty result (6.6).
"""

import decimal
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

INTEGER_MAX: Final = 2**31 - 1
CONTEXT: Final = decimal.Context(prec=34, Emin=-999, Emax=999, rounding=ROUND_HALF_UP)
_MAGNITUDE_MAX: Final = 60
_BOUND: Final = 10**60


def is_ordinary(value: int | Decimal) -> bool:
    """Say whether a number is within the bounds that arithmetic is done in."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return False
        exponent = int(value.as_tuple().exponent)
        return value.adjusted() <= _MAGNITUDE_MAX and exponent >= -_MAGNITUDE_MAX
    return abs(value) < _BOUND


def is_integer(value: int) -> bool:
    """Say whether an integer fits FHIRPath's 32 bits."""
    return -INTEGER_MAX - 1 <= value <= INTEGER_MAX


def plain(value: Decimal) -> str:
    """Write a decimal without an exponent, every digit kept."""
    return format(value, "f") if is_ordinary(value) else str(value)


def decimal_of(value: Fraction) -> Decimal | None:
    """Return a fraction as a decimal, exact where 34 digits are enough."""
    try:
        return CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
    except decimal.DecimalException:
        return None


def digits_after_point(value: int | Decimal) -> int:
    """Count the digits written behind the decimal point."""
    if type(value) is Decimal and value.is_finite():
        return max(0, -int(value.as_tuple().exponent))
    return 0


def rounded_to_least(left: int | Decimal, right: int | Decimal) -> bool:
    """Compare two numbers to the precision of the less precise one (FHIRPath 2.0 6.1.2)."""
    if left == right:
        return True
    if not (is_ordinary(left) and is_ordinary(right)):
        return False
    digits = min(_significant(left), _significant(right))
    return rounded(left, digits) == rounded(right, digits)


def _significant(value: int | Decimal) -> int:
    """Digits behind the point, trailing zeros not counted."""
    return digits_after_point(Decimal(value).normalize(CONTEXT))


def rounded(value: int | Decimal, digits: int) -> Decimal | None:
    """Round half up to digits behind the point; None beyond the bounds."""
    if not is_ordinary(value) or not 0 <= digits <= _MAGNITUDE_MAX:
        return None
    wide = decimal.Context(prec=2 * _MAGNITUDE_MAX + 2, rounding=ROUND_HALF_UP)
    return wide.quantize(Decimal(value), Decimal(1).scaleb(-digits))
