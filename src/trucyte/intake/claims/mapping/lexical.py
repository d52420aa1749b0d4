"""Text of a claim to FHIR's lexical forms and back: times, numbers, clean text.

Every function is total: what it cannot read gives None, and the raw text then travels
beside the resource. Forms are those of the annex of Decision 4750 (`vn-formats` 1.5).
"""

import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from trucyte.base.normal_form import MARKS_RUN

STRING_LENGTH_MAX = 1_000_000  # FHIR strings hold at most 1 MB
NUMBER_LENGTH_MAX = 64
LIST_ENTRIES_MAX = 100  # one field must not make a resource a letter
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?", re.ASCII)
_LOOSE = re.compile(r"([+-]?)0*([0-9]+(?:[.,][0-9]+)?)", re.ASCII)
_OFFSET = "+07:00"


def clean_text(raw: str) -> str | None:
    """Return `raw` composed (NFC) and stripped, or None where a FHIR string cannot hold it."""
    if len(raw) > STRING_LENGTH_MAX:
        return None
    return (compose(raw) or "").strip() or None


def compose(raw: str) -> str | None:
    """Return `raw` composed (NFC), or None where that would take for ever."""
    if raw.isascii():
        return raw
    return None if MARKS_RUN.search(raw) else unicodedata.normalize("NFC", raw)


def clean_code(raw: str) -> str | None:
    """Return `raw` as a FHIR code: composed, stripped, single spaces inside."""
    return " ".join((compose(raw) or "").split()) or None


def read_decimal(raw: str) -> Decimal | None:
    """Return the number in `raw`, its digits kept; a lone comma is a decimal point."""
    if _DECIMAL.fullmatch(raw):
        return Decimal(raw) if raw != "-0" else Decimal(0)
    if len(raw) > NUMBER_LENGTH_MAX:
        return None
    found = _LOOSE.fullmatch(raw.strip())
    if not found:
        return None
    sign = "-" if found[1] == "-" else ""
    text = sign + found[2].replace(",", ".")
    return Decimal(text) if _DECIMAL.fullmatch(text) and text != "-0" else None


def write_decimal(value: Decimal | int) -> str:
    """Return the digits of `value`, never with an exponent."""
    text = str(value)
    return format(value, "f") if "E" in text else text


def read_integer(raw: str) -> int | None:
    """Return a whole number of at most nine digits."""
    text = raw if raw.isdigit() else raw.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def read_time(raw: str) -> str | None:
    """Return the FHIR dateTime of `yyyymmdd`, `yyyymmddHHMM` or `yyyymmddHHMMSS` at +07:00.

    Month and day 00 mean unknown and give a partial date.
    """
    return _read_time(raw) if len(raw) <= NUMBER_LENGTH_MAX else None


@lru_cache(maxsize=65536)
def _read_time(raw: str) -> str | None:
    text = raw.strip()
    if not (text.isascii() and text.isdigit()) or len(text) not in {8, 12, 14}:
        return None
    day = _read_day(text[:8])
    if day is None or len(text) == 8:
        return day
    if len(day) < 10:
        return day if set(text[8:]) == {"0"} else None
    try:
        moment = datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - local
    except ValueError:
        return None
    return f"{moment.isoformat()}{_OFFSET}"


def _read_day(text: str) -> str | None:
    """Return yyyy-mm-dd, yyyy-mm or yyyy, or None where there is no such day."""
    year, month, day = text[:4], text[4:6], text[6:8]
    if year == "0000":
        return None
    if day == "00":
        if month == "00":
            return year
        return f"{year}-{month}" if "01" <= month <= "12" else None
    try:
        return datetime(int(year), int(month), int(day)).date().isoformat()  # noqa: DTZ001 - a day
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def write_time(value: str) -> str:
    """Return `yyyymmddHHMM` for a moment, `yyyymmdd` for a day; unknown parts are 00."""
    if "T" in value:
        digits = value[:19].translate(_NO_MARKS)
        return digits[:12] if digits.endswith("00") else digits
    return value.replace("-", "").ljust(8, "0")


_NO_MARKS = str.maketrans("", "", "-:T")


def read_day(raw: str) -> str | None:
    """Return the FHIR date of `raw`, without the time of day."""
    value = read_time(raw)
    return value and value[:10]


def read_moment(raw: str) -> str | None:
    """Return the FHIR instant of `raw`, or None where it says no time of day."""
    value = read_time(raw)
    return value if value and "T" in value else None


def split_list(raw: str) -> list[str]:
    """Return the first entries of a ';' list, stripped, empty ones left out."""
    if ";" not in raw:
        text = raw.strip()
        return [text] if text else []
    entries = (piece.strip() for piece in raw.split(";"))
    return list(islice((entry for entry in entries if entry), LIST_ENTRIES_MAX))
