"""Dates as ranges: what a partial date, an instant or a period covers.

Everything is a half-open range of microseconds since 1970-01-01T00:00Z, so
`2024-03` covers March and a bare second covers that second. A time without an
offset, and every date, is taken at +07:00, the one time zone of Viet Nam.
"""

import re
from calendar import isleap, monthrange
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

EARLIEST = -(1 << 63)  # an open start; PostgreSQL's smallest bigint
LATEST = (1 << 63) - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VIET_NAM = timezone(timedelta(hours=7))
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_MINUTE = 60_000_000
_SHAPE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


@lru_cache(maxsize=65536)
def moment_range(text: str) -> tuple[int, int]:
    """Return [low, high) of a date, dateTime or instant at its precision.

    Raises:
        ValueError: `text` is not a date of FHIR.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError("not a date")
    year, month, day, hour, minute, second, fraction, offset = shape.groups()
    if hour is None:
        return _calendar_range(int(year), month, day)
    start = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=_zone(offset))
    low = (start - _EPOCH) // _MICROSECOND
    if second is None:
        return low, low + _MINUTE
    # Second 60 is a leap second: FHIR allows it, a datetime does not.
    if int(second) > 60:
        raise ValueError("not a second")
    low += int(second) * 1_000_000
    if fraction is None:
        return low, low + 1_000_000
    digits = fraction[1:7]
    step = 10 ** (6 - len(digits))
    low += int(digits) * step
    return low, low + step


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return _VIET_NAM
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _calendar_range(year: int, month: str | None, day: str | None) -> tuple[int, int]:
    start = datetime(year, int(month or 1), int(day or 1), tzinfo=_VIET_NAM)
    low = (start - _EPOCH) // _MICROSECOND
    if day is not None:
        days = 1
    elif month is not None:
        days = monthrange(year, int(month))[1]
    else:
        days = 366 if isleap(year) else 365
    return low, low + days * _DAY
