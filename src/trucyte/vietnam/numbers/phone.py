"""Phone numbers in one form: ten or eleven digits that begin with 0.

Mobile numbers of eleven digits got ten in September 2018; the table of prefixes is
recalled (`numbers.toml`, verified = false), so what comes out of it is marked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.numbers.placeholder import is_placeholder
from trucyte.vietnam.tables import read_toml

SAMPLE_PHONES = "0600"  # an unassigned block (recalled), for invented people

_BETWEEN = re.compile(r"[\s.\-()]")
_PHONE = re.compile(r"0\d{9,10}", re.ASCII)
_LENGTH_MAX = 40


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number that was understood."""

    digits: str
    kind: str  # "mobile", "fixed", "sample", "other"
    is_converted: bool = False  # from a form before 2018, by a recalled table
    is_placeholder: bool = False


def read_phone(text: str) -> Phone | None:
    """Read the first phone number of a field; None for what is none.

    Spaces, dots, hyphens and brackets do not count; +84, 0084 and 84 are read as 0, and a
    mobile number that lost its 0 gets it back.
    """
    first = re.split(r"[/;,|]", text[:_LENGTH_MAX], maxsplit=1)[0]
    digits = _national(_BETWEEN.sub("", first))
    if not _PHONE.fullmatch(digits):
        return None
    new = _prefixes().get(digits[:4], "") if len(digits) == 11 else ""
    if new:
        return Phone(new + digits[4:], "mobile", True, _is_dummy(new + digits[4:]))
    return Phone(digits, _kind(digits), False, _is_dummy(digits))


def phone_kind(number: str) -> str:
    """Return "mobile", "fixed", "sample", "other", or "" for what is no phone number."""
    phone = read_phone(number)
    return "" if phone is None else phone.kind


def _national(digits: str) -> str:
    for abroad in ("+84", "0084"):
        if digits.startswith(abroad):
            return f"0{digits[len(abroad) :].removeprefix('0')}"
    if len(digits) in (11, 12) and digits.startswith("84"):
        return f"0{digits[2:]}"
    return digits


def _kind(digits: str) -> str:
    if digits.startswith(SAMPLE_PHONES):
        return "sample"
    if len(digits) == 10 and digits[1] in "35789":
        return "mobile"
    return "fixed" if digits.startswith("02") else "other"


def _is_dummy(digits: str) -> bool:
    return (
        is_placeholder(digits)
        or is_placeholder(digits[1:])
        or digits[3:].strip("0") == ""
        or digits in _dummies()
    )


@cache
def _prefixes() -> Mapping[str, str]:
    table: Mapping[str, str] = read_toml("numbers")["phone"]["mobile_2018"]
    return table


@cache
def _dummies() -> frozenset[str]:
    return frozenset(read_toml("numbers")["placeholder"]["phones"])
