"""Read any number that a person is known by: its kind, its normal form, whether it tells.

A placeholder (all one digit, 123456789012, zeros) and a broken form are `usable = False`:
nobody may be found or matched by them. Never raises.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from trucyte.vietnam.numbers.card import is_social_number, parse_card
from trucyte.vietnam.numbers.facility import is_facility_code, is_gln
from trucyte.vietnam.numbers.personal import parse_personal_number, province_prefixes
from trucyte.vietnam.numbers.phone import read_phone
from trucyte.vietnam.numbers.placeholder import is_placeholder
from trucyte.vietnam.tables import read_toml

KINDS = (
    "personal",  # 12 digits
    "identity",  # 9 digits, before 2016
    "passport",
    "card",  # 15 characters
    "temporary",  # 15 characters of one who has no card yet
    "social",  # 10 digits
    "birth",  # number of a birth certificate of a facility (giấy chứng sinh)
    "phone",
    "facility",
    "gln",
)
_LENGTH_MAX = 40
_BETWEEN = re.compile(r"[\s.\-_/'’\u200b\u200e\u200f\ufeff]")
_BIRTH = re.compile(r"[0-9A-Z]{5}\.GCS\.\d{1,6}\.\d{2}", re.ASCII)
_BIRTH_BARE = re.compile(r"[0-9A-Z]{5}GCS\d{3,8}", re.ASCII)
_YEAR_LAST = 2099


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was understood."""

    kind: str  # one of KINDS, or "" where no form fits
    value: str  # normal form: upper case, nothing between; as it stands where kind is ""
    usable: bool  # False: a placeholder or broken, says nothing of who carries it
    why: str = ""  # not usable: "empty", "form", "placeholder", "year"
    recalled: bool = False  # the form rests on a fact that was not verified
    repaired: bool = False  # a leading zero was put back, or an old phone made new


NOTHING = Number("", "", usable=False, why="empty")


def read_number(text: str, *, expected: str = "") -> Number:
    """Read a number; `expected` (a kind) settles what ten digits or nine letters may be.

    Without it ten digits that begin like a mobile phone are one, others a social-insurance
    number; nine digits are an identity number.
    """
    shown = text[:_LENGTH_MAX].strip().upper()
    bare = _BETWEEN.sub("", shown)
    if not bare:
        return NOTHING
    if len(text) > _LENGTH_MAX or not bare.isascii():
        return Number("", bare, usable=False, why="form")
    if expected and (found := _READERS[expected](bare, shown)):
        return found
    for reader in _READERS.values():
        if found := reader(bare, shown):
            return found
    return Number("", bare, usable=False, why="form")


Reader = Callable[[str, str], Number | None]


def _personal(bare: str, shown: str) -> Number | None:
    padded = f"0{bare}" if len(bare) == 11 and bare.isdigit() and bare[0] != "0" else bare
    number = parse_personal_number(padded)
    if number is None or (padded != bare and number.province not in province_prefixes()):
        return None
    if is_placeholder(padded):
        return Number("personal", padded, usable=False, why="placeholder")
    if number.birth_year > _YEAR_LAST:
        return Number("personal", padded, usable=False, why="year")
    if number.serial == "000000" and padded.strip("0") == "":
        return Number("personal", padded, usable=False, why="placeholder")
    return Number("personal", padded, usable=True, repaired=padded != bare)


def _identity(bare: str, shown: str) -> Number | None:
    if len(bare) != 9 or not bare.isdigit():
        return None
    return _judged("identity", bare, bare)


def _card(bare: str, shown: str) -> Number | None:
    card = parse_card(bare)
    if card is None:
        return None
    kind = "temporary" if card.may_be_temporary and _is_unissued(card.social_number) else "card"
    return _judged(kind, bare, card.social_number)


def _is_unissued(social_number: str) -> bool:
    """Say whether the ten digits are a running number instead of a social-insurance number."""
    return social_number.startswith("0000") and social_number.strip("0") != ""


def _social(bare: str, shown: str) -> Number | None:
    if len(bare) != 10 or not bare.isdigit():
        return None
    found = _judged("social", bare, bare)
    return found if is_social_number(bare) else Number("social", bare, False, "placeholder")


def _phone(bare: str, shown: str) -> Number | None:
    phone = read_phone(bare)
    if phone is None or phone.kind == "other":
        return None
    why = "placeholder" if phone.is_placeholder else ""
    return Number(
        "phone",
        phone.digits,
        usable=not why,
        why=why,
        recalled=phone.is_converted,
        repaired=phone.is_converted,
    )


def _birth(bare: str, shown: str) -> Number | None:
    if _BIRTH.fullmatch(shown) or _BIRTH_BARE.fullmatch(bare):
        return Number("birth", shown if "." in shown else bare, usable=True)
    return None


def _passport(bare: str, shown: str) -> Number | None:
    if not _passport_form().fullmatch(bare):
        return None
    digits = "".join(letter for letter in bare if letter.isdigit())
    found = _judged("passport", bare, digits)
    return Number(found.kind, bare, found.usable, found.why, recalled=True)


def _facility(bare: str, shown: str) -> Number | None:
    return Number("facility", bare, usable=True) if is_facility_code(bare) else None


def _gln(bare: str, shown: str) -> Number | None:
    if not is_gln(bare):
        return None
    return _judged("gln", bare, bare)


def _judged(kind: str, value: str, digits: str) -> Number:
    if is_placeholder(digits):
        return Number(kind, value, usable=False, why="placeholder")
    return Number(kind, value, usable=True)


@cache
def _passport_form() -> re.Pattern[str]:
    data = read_toml("numbers")["passport"]
    return re.compile(f"(?:{data['vietnamese']})|(?:{data['foreign']})", re.ASCII)


_READERS: dict[str, Reader] = {
    "personal": _personal,
    "identity": _identity,
    "card": _card,
    "temporary": _card,
    "phone": _phone,
    "social": _social,
    "birth": _birth,
    "gln": _gln,
    "facility": _facility,
    "passport": _passport,
}
