"""Numbers that people are known by: personal number, insurance card, social-insurance, phone.

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
SAMPLE_PHONES = "0600"  # an unassigned block (recalled), for invented people
SAMPLE_SOCIAL = "00"  # social-insurance numbers of invented people begin with it

_TWELVE = re.compile(r"\d{12}", re.ASCII)
_NINE = re.compile(r"\d{9}", re.ASCII)
_PASSPORT = re.compile(r"[A-Z]\d{7}", re.ASCII)
_CARD = re.compile(r"[A-Z]{2}[1-5]\d{2}\d{10}", re.ASCII)
_SOCIAL = re.compile(r"\d{10}", re.ASCII)
_PHONE = re.compile(r"0\d{9,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """What a 12-digit personal number says about its holder."""

    province: str  # 3 digits, province of birth registration (63 old codes) or a country
    sex: str  # "1" male, "2" female
    birth_year: int
    serial: str


def kind_of(number: str) -> str:
    """Return "personal" (12 digits), "identity" (9), "passport", or "" for none of them."""
    if _TWELVE.fullmatch(number):
        return "personal"
    if _NINE.fullmatch(number):
        return "identity"
    return "passport" if _PASSPORT.fullmatch(number) else ""


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


@dataclass(frozen=True, slots=True)
class InsuranceCard:
    """The parts of a 15-character health-insurance card code."""

    group: str  # two letters
    benefit: str  # one digit
    unit: str  # two digits, the province or unit that issued it
    social_number: str  # ten digits


def parse_card(code: str) -> InsuranceCard | None:
    """Take a card code apart; None where it has not the form."""
    if not _CARD.fullmatch(code):
        return None
    return InsuranceCard(code[:2], code[2], code[3:5], code[5:])


def is_social_number(number: str) -> bool:
    """Say whether it is a social-insurance number: 10 digits, not all zero."""
    return bool(_SOCIAL.fullmatch(number)) and number.strip("0") != ""


def phone_kind(number: str) -> str:
    """Return "mobile", "fixed", "sample", "other", or "" for what is no phone number.

    Spaces, dots and hyphens are ignored and +84 is read as 0 (numbering plan, recalled).
    """
    digits = re.sub(r"[\s.\-]", "", number)
    digits = f"0{digits[3:]}" if digits.startswith("+84") else digits
    if not _PHONE.fullmatch(digits):
        return ""
    if digits.startswith(SAMPLE_PHONES):
        return "sample"
    if len(digits) == 10 and digits[1] in "35789":
        return "mobile"
    return "fixed" if digits.startswith("02") else "other"
