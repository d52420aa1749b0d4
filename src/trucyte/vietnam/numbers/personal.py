"""The personal number of 12 digits: its parts, and where it disagrees with what else is known.

Form and consistency only; nothing here says that a number exists. The personal number has
no check digit (Decree 137/2015), so sex and birth year are its cross-check: a mismatch is
evidence of a wrong card, not proof.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.packaged_lists import PackagedLists
from trucyte.vietnam.tables import read_toml

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


def inconsistencies(
    number: str, *, sex: str, birth_year: int | None, this_year: int | None = None
) -> Sequence[str]:
    """Return where a personal number disagrees with what else is known.

    Words of the answer: "sex", "birth-year", "province", and "future" for a year of birth
    after `this_year`. An unknown prefix can be a country of birth: callers warn at most.
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
    if this_year is not None and parsed.birth_year > this_year:
        found.append("future")
    return found


@dataclass(frozen=True, slots=True)
class Birthplace:
    """Where a birth was registered, by the first three digits."""

    kind: str  # "province", "country", "sample" or "unknown"
    name: str  # of the province, as it was called until June 2025; "" for others
    verified: bool


def birthplace(prefix: str) -> Birthplace:
    """Say what the first three digits of a personal number stand for.

    Which country 100 and above are is not known here: the annex was not at hand.
    """
    if prefix == SAMPLE_PROVINCE:
        return Birthplace("sample", "", verified=True)
    name = _provinces().get(prefix)
    if name is not None:
        return Birthplace("province", name, verified=True)
    first, last = read_toml("numbers")["personal"]["country_prefixes"]
    kind = "country" if first <= prefix <= last else "unknown"
    return Birthplace(kind, "", verified=False)


@cache
def province_prefixes() -> frozenset[str]:
    """Return the 3-digit prefixes of the 63 provinces of birth registration, and the sample's."""
    return frozenset(_provinces()) | {SAMPLE_PROVINCE}


@cache
def _provinces() -> Mapping[str, str]:
    old = (term for term in PackagedLists().terms("tinh") if term.valid_to is not None)
    return {f"0{term.code}": term.vi for term in old}
