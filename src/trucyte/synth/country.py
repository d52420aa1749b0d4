"""The invented facilities and staff of the synthetic country.

Facility codes 00001 to 00040 do not exist (province 00 is not a province), practice
licences end in XX-CCHN and social-insurance numbers begin with 00: nobody is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from trucyte.synth.dice import Dice
from trucyte.vietnam.people.frequencies import FEMALE, MALE, draw_name, draw_surname
from trucyte.vietnam.places.units import Province, load_units

FACILITIES_MAX = 40
STAFF = 24
COMMUNE, BASIC, SPECIALISED = "commune", "basic", "specialised"
_TIERS = (BASIC, SPECIALISED, BASIC, COMMUNE, BASIC)
_STREAM_FACILITY, _STREAM_STAFF = 1, 2


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who treats."""

    licence: str
    social_number: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)  # by identity: it is a key of caches
class Facility:
    """A facility and where its patients live."""

    code: str
    number: int  # 1..FACILITIES_MAX
    tier: str
    province: Province
    staff: Sequence[Staff]

    @property
    def head(self) -> Staff:
        """Who signs and stamps."""
        return self.staff[0]


def facilities_for(visits: int) -> int:
    """Return how many facilities share that many visits."""
    return max(1, min(FACILITIES_MAX, visits // 400))


@lru_cache(maxsize=64)
def facility(seed: int, number: int) -> Facility:
    """Return facility `number` of the country of `seed`."""
    dice = Dice(seed, _STREAM_FACILITY, number)
    provinces = load_units().provinces
    weights = list(accumulate(len(province.communes) for province in provinces))
    return Facility(
        code=f"{number:05d}",
        number=number,
        tier=_TIERS[(number - 1) % len(_TIERS)],
        province=dice.weighed(provinces, weights),
        staff=tuple(_staff(seed, number, index) for index in range(STAFF)),
    )


def _staff(seed: int, number: int, index: int) -> Staff:
    serial = number * 100 + index
    dice = Dice(seed, _STREAM_STAFF, serial)
    sex = MALE if dice.happens(0.52) else FEMALE
    name = draw_name(
        dice.chance, sex=sex, birth_year=dice.between(1965, 1996), surname=draw_surname(dice.chance)
    )
    return Staff(f"{serial:06d}/XX-CCHN", f"0099{serial:06d}", name)
