"""Codes of facilities: five characters (Decision 384/QĐ-BYT), and the 13-digit GLN of GS1."""

import re

_FACILITY = re.compile(r"\d{2}[0-9A-Z]{3}", re.ASCII)
_GLN = re.compile(r"\d{13}", re.ASCII)


def is_facility_code(code: str) -> bool:
    """Say whether it has the form: two digits of the province, three digits or letters."""
    return bool(_FACILITY.fullmatch(code)) and code != "00000"


def is_gln(number: str) -> bool:
    """Say whether it is 13 digits whose last is right (GS1 General Specifications, 7.9)."""
    return bool(_GLN.fullmatch(number)) and gln_check_digit(number[:12]) == number[12]


def gln_check_digit(digits: str) -> str:
    """Return the 13th digit that belongs to twelve."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)
