"""The personal number of 12 digits: its parts, and where it disagrees with what else is known.

Form and consistency only; nothing here says that a number exists. The personal number has
no check digit (Decree 137/2015), so sex and birth year are its cross-check: a mismatch is
evidence of a wrong card, not proof.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.packaged_lists import PackagedLists

SAMPLE_PROVINCE = "000"  # invented people: never issued

_TWELVE = re.compile(r"\d{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """What a 12-digit personal number says about its holder."""

    province: str  # 3 digits, province of birth registration (63 old codes) or a country
    sex: str  # "1" male, "2" female
    birth_year: int
    serial: str


def parse_personal_number(number: str) -> PersonalNumber | None:
    """Take a 12-digit number apart; None where it is not one.

    The fourth digit is century and sex: 0 and 1 for 1900-1999, 2 and 3 for 2000-2099, …,
    even for men (Decree 137/2015, article 13).
    """
    if not _TWELVE.fullmatch(number):
        return None
    digit = int(number[3])
    return PersonalNumber(
        province=number[:3],
        sex="2" if digit % 2 else "1",
        birth_year=1900 + digit // 2 * 100 + int(number[4:6]),
        serial=number[6:],
    )


def inconsistencies(number: str, *, sex: str, birth_year: int | None) -> Sequence[str]:
    """Return where a personal number disagrees with what else is known.

    Words of the answer: "sex", "birth-year", "province". An unknown province prefix can be
    a country of birth, so callers warn at most.
    """
    parsed = parse_personal_number(number)
    if parsed is None:
        return ()
    found = []
    if sex in ("1", "2") and sex != parsed.sex:
        found.append("sex")
    if birth_year is not None and birth_year != parsed.birth_year:
        found.append("birth-year")
    if parsed.province not in province_prefixes():
        found.append("province")
    return found


@cache
def province_prefixes() -> frozenset[str]:
    """Return the 3-digit prefixes of the 63 provinces of birth registration, and the sample's."""
    lists = PackagedLists()
    old = (term.code for term in lists.terms("tinh") if term.valid_to is not None)
    return frozenset(f"0{code}" for code in old) | {SAMPLE_PROVINCE}
