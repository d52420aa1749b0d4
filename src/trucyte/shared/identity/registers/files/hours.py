"""Hours of a list into days and times: "Thứ 2–6: 07:00–16:30; Thứ 7: 7h30-11h".

What is not understood whole is not understood: half of the hours would be wrong ones.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from trucyte.fhir.search.fold import fold

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = r"(?:thu |t)?([2-7]|cn|chu nhat)"
_TIME: Final = r"(\d{1,2})(?:[:hg](\d{2})?)?"
_PART: Final = re.compile(
    rf"\s*(?:(?P<days>(?:{_DAY}(?: ?(?:-|den|,|va) ?)?)+|hang ngay|moi ngay|ca tuan|24/7) ?:? )?"
    rf"{_TIME} ?(?:-|den) ?{_TIME}\s*"
)
_ALL: Final = frozenset({"hang ngay", "moi ngay", "ca tuan"})
_WHOLE_TIME: Final = frozenset({"24/7", "24/24", "ca ngay dem"})
_TEXT_MAX: Final = 300

Json = dict[str, Any]


class Span(NamedTuple):
    """Some days, from a time to a time; "" for the whole day."""

    days: tuple[str, ...]
    begin: str
    end: str


def read_hours(text: str) -> Sequence[Span]:
    """Return the spans of hours, none where the text is not understood."""
    plain = fold(re.sub(r"[–—−]", "-", text[:_TEXT_MAX]).replace("\n", ";"))
    if plain in _WHOLE_TIME:
        return (Span(_DAYS, "", ""),)
    spans: list[Span] = []
    days: tuple[str, ...] = ()
    for part in filter(None, (piece.strip() for piece in plain.split(";"))):
        found = _PART.fullmatch(part)
        if found is None:
            return ()
        days = _days(found["days"]) if found["days"] else days
        begin, end = _time(found[3], found[4]), _time(found[5], found[6])
        if not days or not begin or not end or begin >= end:
            return ()
        spans.append(Span(days, begin, end))
    return spans


def available_time(text: str) -> list[Json] | None:
    """Return `availableTime` of a service or a role, None where hours are not understood."""
    return [
        _made(one, "availableStartTime", "availableEndTime") for one in read_hours(text)
    ] or None


def opening(text: str) -> list[Json] | None:
    """Return `hoursOfOperation` of a Location, None where hours are not understood."""
    return [_made(one, "openingTime", "closingTime") for one in read_hours(text)] or None


def _made(span: Span, begin: str, end: str) -> Json:
    made: Json = {"daysOfWeek": list(span.days)}
    if not span.begin:
        return {**made, "allDay": True}
    return {**made, begin: span.begin, end: span.end}


def _days(text: str) -> tuple[str, ...]:
    if text.strip() in _ALL or text.strip() == "24/7":
        return _DAYS
    numbers: list[int] = []
    joins = False
    for sign in re.findall(r"[2-7]|cn|chu nhat|-|den", text):
        if sign in ("-", "den"):
            joins = True
            continue
        number = 6 if sign in ("cn", "chu nhat") else int(sign) - 2
        if joins and numbers and number <= numbers[-1]:
            return ()  # from Friday to Monday is written in two parts
        first = numbers[-1] + 1 if joins and numbers else number
        numbers += range(first, number + 1)
        joins = False
    return tuple(_DAYS[number] for number in dict.fromkeys(numbers))


def _time(hour: str | None, minute: str | None) -> str:
    found = int(hour or 0), int(minute or 0)
    if found > (23, 59) or found[1] > 59:
        return ""
    return f"{found[0]:02}:{found[1]:02}:00"
