"""Dates, dateTimes and times as FHIRPath compares them: by the parts that are known.

A moment has as many parts as were written. Two moments that agree as far as both are
known, but are not known equally far, are neither equal nor ordered: None. Seconds and
their fraction are one part (FHIRPath 2.0 6.1.1 and 6.2).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

DATE, DATE_TIME, TIME = "Date", "DateTime", "Time"
_DAY: Final = 3  # parts of a date
_EARLIEST, _LATEST = 14 * 60, -12 * 60  # zones, in minutes, where a day begins first and last
_WRITTEN = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?"
    r"(?:(T)?(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, dateTime or time; `parts` are year … day, hour, minute, second."""

    type: str
    parts: tuple[int | Decimal, ...]
    zone: int | None = None  # minutes east of UTC

    def __str__(self) -> str:
        """Write it as FHIR does, without the @ of a literal."""
        parts = self.parts
        if self.type == TIME:
            return _clock(parts)
        text = "-".join((f"{parts[0]:04d}", *(f"{part:02d}" for part in parts[1:_DAY])))
        if len(parts) <= _DAY:
            return text
        return f"{text}T{_clock(parts[_DAY:])}{zone_text(self.zone)}"


def _clock(parts: tuple[int | Decimal, ...]) -> str:
    words = [f"{part:02d}" for part in parts[:2]]
    if len(parts) > 2:
        second = str(parts[2])
        words.append(second if len(second.partition(".")[0]) > 1 else "0" + second)
    return ":".join(words)


def zone_text(zone: int | None) -> str:
    """Write an offset: "", "Z" or "+07:00"."""
    if zone is None:
        return ""
    if zone == 0:
        return "Z"
    hours, minutes = divmod(abs(zone), 60)
    return f"{'-' if zone < 0 else '+'}{hours:02d}:{minutes:02d}"


@lru_cache(maxsize=4096)
def read(text: str, type: str) -> Moment | None:
    """Read a FHIR date, dateTime, instant or time as `type`; None where it is none."""
    if len(text) > 60:
        return None
    match = _WRITTEN.fullmatch("T" + text if type == TIME else text)
    if match is None:
        return None
    *date, mark, hour, minute, second, zone = match.groups()
    if (mark is None and hour is not None) or (date[0] is None) is not (type == TIME):
        return None
    days = tuple(int(part) for part in date if part is not None)
    if type == DATE:
        return Moment(DATE, days) if mark is None and _is_day(days) else None
    hours: tuple[int | Decimal, ...] = tuple(int(part) for part in (hour, minute) if part)
    if second is not None:
        hours = (*hours, Decimal(second))
    return _checked(type, days, hours, zone)


def _checked(
    type: str, days: tuple[int, ...], hours: tuple[int | Decimal, ...], zone: str | None
) -> Moment | None:
    if type == TIME:
        return Moment(TIME, hours) if hours and zone is None and _is_clock(hours) else None
    if not _is_day(days) or not _is_clock(hours) or (hours and len(days) < _DAY):
        return None
    return Moment(DATE_TIME, days + hours, _minutes(zone))


def _is_day(days: tuple[int, ...]) -> bool:
    year, month, day = (*days, 1, 1)[:3]
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _is_clock(parts: tuple[int | Decimal, ...]) -> bool:
    hour, minute, second = (*parts, 0, 0, 0)[:3]
    return hour < 24 and minute < 60 and second < 61


def _minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def read_literal(text: str) -> Moment | None:
    """Read a literal of the language: "@2015-02", "@2015T", "@T14:30"."""
    text = text[1:]
    if text.startswith("T"):
        return read(text[1:], TIME)
    return read(text, DATE_TIME if "T" in text else DATE)


def of(instant: datetime, type: str) -> Moment:
    """Make a moment of a clock's time, to the millisecond, in that clock's zone."""
    second = Decimal(instant.second * 1000 + instant.microsecond // 1000).scaleb(-3)
    days = (instant.year, instant.month, instant.day)
    clock = (instant.hour, instant.minute, second)
    if type == DATE:
        return Moment(DATE, days)
    if type == TIME:
        return Moment(TIME, clock)
    offset = instant.utcoffset()
    zone = None if offset is None else int(offset.total_seconds() // 60)
    return Moment(DATE_TIME, days + clock, zone)


def compare(left: Moment, right: Moment) -> int | None:
    """Return -1, 0 or 1; None where what is known does not decide. Both of one kind."""
    if left.zone == right.zone or len(left.parts) <= _DAY or len(right.parts) <= _DAY:
        return _compare(left.parts, right.parts)
    if left.zone is not None and right.zone is not None:
        return _compare(_at(left, left.zone), _at(right, right.zone))
    # One zone is not known: decided only if it is so in every zone there is.
    zones = [(left.zone if left.zone is not None else zone,
              right.zone if right.zone is not None else zone)
             for zone in (_EARLIEST, _LATEST)]  # fmt: skip
    found = {_compare(_at(left, one), _at(right, other)) for one, other in zones}
    return found.pop() if len(found) == 1 else None


def _compare(left: tuple[int | Decimal, ...], right: tuple[int | Decimal, ...]) -> int | None:
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            return -1 if mine < other else 1
    return 0 if len(left) == len(right) else None


def _at(moment: Moment, zone: int) -> tuple[int | Decimal, ...]:
    """Return the parts in UTC, as many as there are."""
    year, month, day, hour = moment.parts[:4]
    minute = moment.parts[4] if len(moment.parts) > 4 else 0
    # Counted by hand, so that the ends of the calendar are no errors.
    minutes = (_days(int(year), int(month), int(day)) * 24 + int(hour)) * 60 + int(minute) - zone
    days, minutes = divmod(minutes, 24 * 60)
    return (days, *divmod(minutes, 60), *moment.parts[5:])[: len(moment.parts) - 2]


def _days(year: int, month: int, day: int) -> int:
    return datetime(year, month, day).toordinal()  # noqa: DTZ001 - only counts days


def sort_key(moment: Moment) -> tuple[object, ...]:
    """Return what equal moments share and unequal ones do not."""
    if moment.zone is None or len(moment.parts) <= _DAY:
        return (moment.type == TIME, moment.parts)
    return ("zoned", len(moment.parts), _at(moment, moment.zone))


def later(
    moment: Moment, *, months: int = 0, milliseconds: int = 0, days: int = 0
) -> Moment | None:
    """Move a moment, keeping its precision; None where the calendar ends.

    The day is cut to the end of the month (FHIRPath 2.0 6.7).
    """
    try:
        if moment.type == TIME:
            return _later_time(moment, milliseconds)
        if months:
            moment = _later_months(moment, months)
        return _later_days(moment, days, milliseconds) if days or milliseconds else moment
    except (ValueError, OverflowError):
        return None


def _later_time(moment: Moment, milliseconds: int) -> Moment:
    base = datetime(2000, 1, 1)  # noqa: DTZ001 - a time has no zone
    hour, minute, second = (*moment.parts, 0, 0)[:3]
    whole = (int(hour) * 60 + int(minute)) * 60000 + int(second * 1000) + milliseconds
    moved = base + timedelta(milliseconds=whole % 86_400_000)
    return Moment(TIME, _cut(of(moved, TIME).parts, moment.parts, 2))


def _later_months(moment: Moment, months: int) -> Moment:
    parts = moment.parts if len(moment.parts) > 1 else (moment.parts[0], 1)
    year, month, rest = int(parts[0]), parts[1], list(parts[2:])
    years, index = divmod(int(month) - 1 + months, 12)
    year += years
    if not 1 <= year <= 9999:
        raise ValueError(year)
    if rest:
        rest[0] = min(int(rest[0]), monthrange(year, index + 1)[1])
    return Moment(moment.type, (year, index + 1, *rest)[: len(moment.parts)], moment.zone)


def _later_days(moment: Moment, days: int, milliseconds: int) -> Moment:
    parts = moment.parts + (1, 1, 1, 0, 0, 0)[len(moment.parts) :]
    year, month, day, hour, minute, second = parts
    start = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001 - a zone may be absent
    whole = int(second * 1000) + milliseconds
    moved = start + timedelta(days=days, milliseconds=whole)
    if moment.type == DATE:
        return Moment(DATE, of(moved, DATE).parts[: len(moment.parts)])
    return Moment(DATE_TIME, _cut(of(moved, DATE_TIME).parts, moment.parts, 5), moment.zone)


def _cut(
    parts: tuple[int | Decimal, ...], shape: tuple[int | Decimal, ...], second: int
) -> tuple[int | Decimal, ...]:
    """Cut parts to the precision of `shape`; seconds written whole stay whole if they can."""
    parts = parts[: len(shape)]
    if len(shape) <= second:
        return parts
    whole = Decimal(parts[second])
    if shape[second] == int(shape[second]) and "." not in str(shape[second]):
        whole = whole.to_integral_value() if whole == int(whole) else whole
    return (*parts[:second], whole)


def zone_hours(zone: int) -> Decimal:
    """Return an offset in hours."""
    return Decimal(zone) / 60
