"""The lexical forms of R4's primitive types (R4 2.24.0.1), as tests that answer at once.

The patterns are ours: those in the definitions admit 31 February, and the one for
base64 takes exponential time on hostile text.
"""

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from trucyte.fhir.validation.fault import (
    CONTROL_CHARACTER,
    EMPTY_TEXT,
    NOT_SINGLE,
    TEXT_TOO_LONG,
    WRONG_FORM,
    WRONG_JSON_TYPE,
    Fault,
    fault,
)

TEXT_MAX = 1024 * 1024  # R4 2.24.0.1 string

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_CODE = re.compile(r"\S+(?:\s\S+)*").fullmatch
_URI = re.compile(r"\S+").fullmatch
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+\-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?").fullmatch
_DATE_TIME = re.compile(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?").fullmatch
_INSTANT = re.compile(f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}").fullmatch
_TIME = re.compile(_CLOCK).fullmatch
_WHITESPACE = {ord(character): None for character in " \t\r\n"}
_INT_MAX = 2**31
# R4 sets no limit; beyond this no measurement lies, and what counts with it takes for ever.
_POWER_MAX = 1000
_DECIMAL_MAX = 10**_POWER_MAX


def _is_string(value: Any) -> bool:
    if type(value) is not str or not value:
        return False
    return len(value) <= TEXT_MAX and (value.isprintable() or _CONTROL.search(value) is None)


def _matches(fullmatch: Callable[[str], object]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and fullmatch(value) is not None


def _is_day(value: str) -> bool:
    """Say whether the calendar has the day; shorter values have none to doubt."""
    if len(value) < 10 or value[8:10] <= "28":
        return True
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _dated(fullmatch: Callable[[str], object]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and fullmatch(value) is not None and _is_day(value)


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _is_integer(low: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value < _INT_MAX


def _is_decimal(value: Any) -> bool:
    if type(value) is int:
        return bool(-_DECIMAL_MAX < value < _DECIMAL_MAX)
    if isinstance(value, Decimal):
        return value.is_finite() and -_POWER_MAX < value.adjusted() < _POWER_MAX
    return isinstance(value, float) and isfinite(value)


def _is_base64(value: Any) -> bool:
    if type(value) is not str or not value.isascii():
        return False
    try:
        return bool(binascii.a2b_base64(value.translate(_WHITESPACE), strict_mode=True))
    except binascii.Error:
        return False


# Types whose text needs to fit a pattern and nothing else.
PATTERNS: dict[str, Callable[[str], object]] = {
    "code": _CODE,
    "id": _ID,
    "uri": _URI,
    "url": _URI,
    "canonical": _URI,
    "oid": _OID,
    "uuid": _UUID,
    "time": _TIME,
}

TESTS: dict[str, Callable[[Any], bool]] = {
    "boolean": _is_boolean,
    "integer": _is_integer(-_INT_MAX),
    "unsignedInt": _is_integer(0),
    "positiveInt": _is_integer(1),
    "decimal": _is_decimal,
    "string": _is_string,
    "markdown": _is_string,
    "base64Binary": _is_base64,
    "date": _dated(_DATE),
    "dateTime": _dated(_DATE_TIME),
    "instant": _dated(_INSTANT),
    **{name: _matches(fullmatch) for name, fullmatch in PATTERNS.items()},
}

_NUMBERS = (int, Decimal, float)
_JSON_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "boolean": ("true/false", (bool,)),
    "integer": ("number", _NUMBERS),
    "unsignedInt": ("number", _NUMBERS),
    "positiveInt": ("number", _NUMBERS),
    "decimal": ("number", _NUMBERS),
}


def explain(type_name: str, value: Any) -> list[Fault]:
    """Say why `value` failed the test of its type."""
    if isinstance(value, list):
        return fault(NOT_SINGLE)
    wanted, types = _JSON_TYPES.get(type_name, ("string", (str,)))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return fault(WRONG_JSON_TYPE, type=type_name, wanted=wanted)
    if isinstance(value, str):
        if not value:
            return fault(EMPTY_TEXT, type=type_name)
        if type_name in ("string", "markdown"):
            if _CONTROL.search(value):
                return fault(CONTROL_CHARACTER, type=type_name)
            return fault(TEXT_TOO_LONG, type=type_name, limit=TEXT_MAX)
    return fault(WRONG_FORM, type=type_name)


_MIME = r"[A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+*\-]+(?:\s*;.*)?"
_VALUE_SET = "http://hl7.org/fhir/ValueSet/"

# Code sets that no package lists: the form their codes have, and examples to name.
OPEN_FORMS: dict[str, tuple[Callable[[str], object], str]] = {
    _VALUE_SET + "currencies": (re.compile("[A-Z]{3}").fullmatch, "VND, USD, EUR, …"),
    # Short names stand for FHIR's own types in CapabilityStatement.format.
    _VALUE_SET + "mimetypes": (
        re.compile(_MIME + "|xml|json|ttl").fullmatch,
        "application/pdf, image/jpeg, text/plain, …",
    ),
    _VALUE_SET + "languages": (
        re.compile("[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*").fullmatch,
        "vi, en, vi-VN, …",
    ),
}
