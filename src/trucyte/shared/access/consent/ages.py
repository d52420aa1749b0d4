"""Who decides for a child: by age, from `ages.toml`; pure.

A birth date may be a year alone. An age is reached at the earliest day it allows, so that the
say of another ends too early rather than too late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from trucyte.shared.access.consent.catalogue import read_table

GUARDIAN, BOTH, OWN = "guardian", "both", "own"
_FULL: Final = "0000-01-01"


@dataclass(frozen=True, slots=True)
class Band:
    """From an age on, who decides."""

    years: int
    decides: str
    article: str
    verified: bool


@cache
def bands() -> Sequence[Band]:
    """Return the bands, the youngest first."""
    rows = read_table("ages")["band"]
    return [Band(row["from"], row["decides"], row["article"], row["verified"]) for row in rows]


def band_of(birth: str, today: date) -> Band:
    """Return who decides for someone born then; of an unknown birth, a grown-up's."""
    born = earliest(birth)
    found = bands()[-1]
    if born is not None:
        reached = [band for band in bands() if birthday(born, band.years) <= today]
        found = reached[-1] if reached else bands()[0]
    return found


def guardian_until(birth: str) -> date | None:
    """Return the day from which no guardian decides any more; None for an unknown birth."""
    born = earliest(birth)
    return None if born is None else birthday(born, bands()[-1].years)


def earliest(birth: str) -> date | None:
    """Return the first day that a FHIR date allows; None where it is none."""
    try:
        return date.fromisoformat(birth[:10] + _FULL[len(birth[:10]) :])
    except ValueError:
        return None


def birthday(born: date, years: int) -> date:
    """Return the day an age is reached; who was born on 29 February reaches it on the 28th."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return born.replace(year=born.year + years, day=28)
