"""Numbers of people who do not exist, each of one person only, in blocks nobody is given.

The personal number has province 000 and tells sex, century and year like a real one; the
old identity number begins with 00, the passport with X, the social-insurance number and
the unit of the card with 00, the phone with 0600. That the blocks of identity number and
passport are never given out is recalled, not confirmed.

Six digits tell apart those of one sex and year. A household has two of the million (few
have more than one person of one sex and year), so 500,000 households are a *ring*; in a
population of several rings the years of birth of each ring are moved by less than the
number of rings, so that no two rings meet: `year_for`.
"""

from trucyte.vietnam.numbers.card import SAMPLE_SOCIAL
from trucyte.vietnam.numbers.personal import SAMPLE_PROVINCE
from trucyte.vietnam.numbers.phone import SAMPLE_PHONES

SAMPLE_IDENTITY = "00"
SAMPLE_PASSPORT = "X"
RING = 500_000  # households
RINGS_MAX = 8
PLACES = 16  # persons of one household at most

_SPREAD = 387_421  # odd, no multiple of 5: a bijection of serials that looks like chance
_PHONES = 999_999  # all zeros would be a dummy


def year_for(year: int, household: int, *, rings: int) -> int:
    """Return a year of birth at or before `year` that no other ring shares with this one."""
    ring, residue = divmod(household, RING)
    return year - (year - ring - residue) % rings


def personal_number(sex: str, year: int, household: int, rank: int) -> str:
    """Return the number of the person who is `rank`-th (0 or 1) of that sex and year at home."""
    digit = (year // 100 - 19) * 2 + (sex == "2")
    # The kind of number shifts the serial, or a household would share its last digits.
    shift = (digit * 100 + year % 100) * 7_919
    serial = ((household % RING * 2 + rank) * _SPREAD + shift) % 1_000_000
    return f"{SAMPLE_PROVINCE}{digit}{year % 100:02d}{serial:06d}"


def identity_number(household: int, rank: int) -> str:
    """Return the 9-digit number of the `rank`-th (0 or 1) old person of a household."""
    return f"{SAMPLE_IDENTITY}{(household * 2 + rank + 1) * 3_874_211 % 10_000_000:07d}"


def passport_number(household: int, rank: int) -> str:
    """Return the passport number of the `rank`-th (0 or 1) traveller of a household."""
    return f"{SAMPLE_PASSPORT}{(household * 2 + rank + 1) * 7_391_113 % 10_000_000:07d}"


def social_number(household: int, place: int) -> str:
    """Return the social-insurance number; never all zeros, and never 0099…, which is staff's."""
    return f"{SAMPLE_SOCIAL}{(household * PLACES + place + 1) * 38_742_113 % 99_000_000:08d}"


def phone_number(household: int, which: int) -> str:
    """Return a phone of a household; beyond a million numbers come round, as real ones do."""
    return f"{SAMPLE_PHONES}{(household * 4 + which) * _SPREAD % _PHONES + 1:06d}"
