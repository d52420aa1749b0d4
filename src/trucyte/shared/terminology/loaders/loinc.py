"""The LOINC table in its CSV release format (Loinc.csv), for holders of its licence.

Nothing of it is shipped. Parts of the name and the status become properties; the long
common name is the display.
"""

import re
from pathlib import Path
from typing import Final

from trucyte.shared.terminology.concept import make_concept, text_property
from trucyte.shared.terminology.loaders.report import Progress, Reading
from trucyte.shared.terminology.loaders.table import Names, Record, read_table

URL: Final = "http://loinc.org"
_ROWS_AT_ONCE: Final = 1000
_CODE: Final = re.compile(r"[0-9]{1,7}-[0-9]")
_PROPERTIES: Final = (
    "COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS",
    "STATUS", "EXAMPLE_UCUM_UNITS", "ORDER_OBS",
)  # fmt: skip
NAMES: Final[Names] = {
    "code": ("LOINC_NUM",),
    "display": ("LONG_COMMON_NAME",),
    "short": ("SHORTNAME",),
    "definition": ("DefinitionDescription",),
    **{name: (name,) for name in _PROPERTIES},
}


def read_loinc(path: Path, progress: Progress | None = None) -> Reading:
    """Read the table. Raises ListFileUnreadable, ListFileTooLarge."""
    reading = Reading()
    for record in read_table(path, NAMES, ("code", "display", "COMPONENT", "STATUS")):
        reading.rows += 1
        _take(reading, record)
        if progress is not None and reading.rows % _ROWS_AT_ONCE == 0:
            progress(reading.rows)
    return reading


def _take(reading: Reading, record: Record) -> None:
    code = record.get("code")
    if not _CODE.fullmatch(code) or not _is_checked(code):
        reading.fault(record.number, "code", "LOINC_NUM")
        return
    if code in reading.concepts:
        reading.fault(record.number, "code-twice", "LOINC_NUM")
        return
    short = record.get("short")
    reading.take(
        make_concept(
            code,
            record.get("display") or short,
            definition=record.get("definition"),
            verified=True,
            properties=[
                text_property(name, text) for name in _PROPERTIES if (text := record.get(name))
            ],
            designations=[{"value": short}] if short else [],
        )
    )


def _is_checked(code: str) -> bool:
    """Say whether the check digit (mod 10, Luhn) is right."""
    digits, _, check = code.partition("-")
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(check)
