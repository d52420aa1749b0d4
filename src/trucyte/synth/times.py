"""Times as whole minutes, so that a visit's clock is cheap to move and to write.

A moment is `ordinal * 1440 + minute of the day` at +07:00, where `ordinal` is
`date.toordinal()`.
"""

from datetime import date
from functools import lru_cache

DAY = 1440


def at(ordinal: int, minute: int = 0) -> int:
    """Return the moment of a day's minute."""
    return ordinal * DAY + minute


@lru_cache(maxsize=8192)
def day_text(ordinal: int) -> str:
    """Write a day as yyyymmdd."""
    day = date.fromordinal(ordinal)
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def text(moment: int) -> str:
    """Write a moment as yyyymmddHHMM."""
    ordinal, minute = divmod(moment, DAY)
    return f"{day_text(ordinal)}{minute // 60:02d}{minute % 60:02d}"


def day(moment: int) -> str:
    """Write a moment's day as yyyymmdd."""
    return day_text(moment // DAY)


def end_of_day(ordinal: int) -> int:
    """Return 23:59 of a day."""
    return ordinal * DAY + DAY - 1
