"""Numbers, amounts, dates and sizes as people here read them.

Digits are kept: "72.50" becomes "72,50". Moments are shown at +07:00; a date that FHIR
holds only in part is shown only in part.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from trucyte.base.clock import VIETNAM

Number = int | float | str | Decimal

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_STEPS = ("B", "kB", "MB", "GB", "TB", "PB")
NARROW_SPACE = "\N{NO-BREAK SPACE}"


def number(
    value: Number, language: str, *, decimals: int | None = None, is_count: bool = False
) -> str:
    """Return 1234567.8 as "1.234.567,8" (vi) or "1,234,567.8" (en); other text unchanged.

    The digits stay as sent, but for a count: 10.000 tablets are "10", lest they be read as
    ten thousand.
    """
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    if is_count and "." in f"{exact:f}":
        exact = Decimal(f"{exact:f}".rstrip("0").rstrip("."))
    text = f"{exact:,.{decimals}f}" if decimals is not None else f"{exact:,f}"
    text = text.replace("-", "\N{MINUS SIGN}")
    if language != "vi":
        return text
    return text.translate(str.maketrans(",.", ".,"))


def money(value: Number, language: str, *, currency: str = "VND") -> str:
    """Return an amount with its unit; đồng without needless decimals: "597.626,90 ₫"."""
    text = number(value, language)
    for ending in (",00", ".00"):
        text = text.removesuffix(ending)
    sign = "₫" if currency == "VND" else currency
    return f"{text}{NARROW_SPACE}{sign}"


def size(count: int, language: str) -> str:
    """Return a byte count in units of 1,000: "1,2 MB"."""
    amount, step = float(count), 0
    while amount >= 999.5 and step < len(_STEPS) - 1:
        amount, step = amount / 1000, step + 1
    decimals = 1 if step and amount < 99.95 else 0
    return f"{number(amount, language, decimals=decimals)}{NARROW_SPACE}{_STEPS[step]}"


def day(value: str | date | None) -> str:
    """Return a date as 22/11/2026, 11/2026 or 2026, as far as it is known; "" for None."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.astimezone(VIETNAM).strftime("%d/%m/%Y")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if "T" in value:
        return _at_home(value)[:10]
    found = _PARTIAL.match(value)
    if not found:
        return value
    return "/".join(part for part in reversed(found.groups()) if part)


def moment(value: str | datetime | None) -> str:
    """Return a moment as 22/11/2026 09:12 at +07:00; a date without time stays a date."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
    return _at_home(value) if "T" in value else day(value)


def clock_time(value: str | datetime | None) -> str:
    """Return only the time of day, 09:12, at +07:00; "" for a date without time."""
    return moment(value)[11:]


def _at_home(value: str) -> str:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return value
    if parsed.tzinfo is None:
        return parsed.strftime("%d/%m/%Y %H:%M")
    return parsed.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def until(start: str, end: str) -> str:
    """Return when something ended, beside its start: only the time where the day is the same."""
    shown = moment(end)
    return shown[11:] if len(shown) > 10 and shown[:10] == moment(start)[:10] else shown


def sentence(text: str) -> str:
    """Return words beginning with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def title(text: str) -> str:
    """Return text fit for a window's title: no direction marks or control signs, at most 80."""
    seen = "".join(sign for sign in text if sign.isprintable())
    return seen if len(seen) <= 80 else f"{seen[:79]}…"


def age(birth: str, on: date) -> int | None:
    """Return completed years at a day; None where the birth date is unreadable or later.

    A year alone counts from 1 January, as Vietnamese forms do with year-only births.
    """
    found = _PARTIAL.match(birth)
    if not found:
        return None
    year, month, dayed = (int(part) if part else 1 for part in found.groups())
    years = on.year - year - ((on.month, on.day) < (month, dayed))
    return years if years >= 0 else None
