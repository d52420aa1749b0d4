"""Service, drug and other catalogues, and our own form: a code, words, days, other columns.

Excel or delimited text by heading. A code may come several times with other days, prices
or decisions: each row is a term. Other columns become properties under their heading.
"""

import itertools
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.concept import Concept, make_concept, text_property
from trucyte.shared.terminology.loaders.number_format import Unshaped
from trucyte.shared.terminology.loaders.report import Progress, Reading, parse_day
from trucyte.shared.terminology.loaders.table import Names, Record, read_table

_CODES_MAX: Final = 64  # characters
_SPELLED: Final = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_ROWS_AT_ONCE: Final = 500

NAMES: Final[Names] = {
    "code": (
        "code", "ma", "ma_icd", "ma dvkt", "ma_dvkt", "ma_dich_vu", "ma dich vu", "ma_thuoc",
        "ma thuoc", "ma_hoat_chat", "ma_vat_tu", "ma vat tu", "ma_chi_so", "ma chi so",
        "ma_cskcb", "ma cskcb", "ma co so kcb", "ma_benh", "ma benh", "ma tuong duong",
        "ma_khoa", "ma_nuoc", "ma quoc tich",
    ),
    "display": (
        "display", "name", "ten", "ten dvkt", "ten_dvkt", "ten_dich_vu", "ten dich vu",
        "ten_thuoc", "ten thuoc", "ten_hoat_chat", "ten_vat_tu", "ten vat tu", "ten_chi_so",
        "ten chi so", "ten_cskcb", "ten cskcb", "ten co so kcb", "ten_benh", "ten benh",
        "ten_khoa", "ten quoc tich", "vi",
    ),
    "english": ("en", "english", "ten tieng anh", "disease name"),
    "parent": ("parent", "ma cha", "ma_cha"),
    "from": ("tu_ngay", "tungay", "valid_from", "from", "ngay hieu luc", "hieu luc tu"),
    "to": ("den_ngay", "denngay", "valid_to", "to", "ngay het hieu luc", "hieu luc den"),
    "verified": ("verified",),
}  # fmt: skip


def read_catalogue(
    path: Path,
    progress: Progress | None = None,
    sheet: str | None = None,
    code_width: int = 0,
) -> Reading:
    """Read a catalogue. Raises ListFileUnreadable, ListFileTooLarge.

    A code of digits alone is filled with zeros to `code_width`: spreadsheets that keep
    codes as numbers lose them. Without it such a column is named in a warning.
    """
    reading = Reading()
    for record in read_table(path, NAMES, ("code", "display"), sheet):
        reading.rows += 1
        _take(reading, record, code_width)
        if progress is not None and reading.rows % _ROWS_AT_ONCE == 0:
            progress(reading.rows)
    _check_periods(reading)
    return reading


def spelled_code(text: str) -> str | None:
    """Return a code as FHIR spells codes (no blanks at the ends or doubled), None if it is none."""
    code = " ".join(text.split())
    return code if code and len(code) <= _CODES_MAX and _SPELLED.fullmatch(code) else None


def property_code(heading: str) -> str:
    """Return a heading as the code of a property: letters without marks, digits, underscores."""
    return re.sub(r"[^a-z0-9]+", "_", fold(heading)).strip("_").upper()[:64]


def read_period(reading: Reading, record: Record) -> tuple[date | None, date | None] | None:
    """Return the days of a row, or None after saying what is wrong with them."""
    days: list[date | None] = []
    for purpose in ("from", "to"):
        try:
            days.append(parse_day(record.get(purpose)))
        except ValueError:
            reading.fault(record.number, "date", purpose)
            return None
    start, end = days
    if start and end and end < start:
        reading.fault(record.number, "ends-before-it-begins")
        return None
    return start, end


def _code(reading: Reading, record: Record, purpose: str, width: int) -> str | None:
    said = record.get(purpose)
    if width and said.isdecimal():
        return spelled_code(said.zfill(width))
    if isinstance(said, Unshaped):
        reading.warn_column(record.number, "code-is-a-number", purpose)
    return spelled_code(said)


def _take(reading: Reading, record: Record, code_width: int) -> None:
    code = _code(reading, record, "code", code_width)
    if code is None:
        if record.get("code") or record.get("display"):
            reading.fault(record.number, "no-code" if not record.get("code") else "code")
        return
    period = read_period(reading, record)
    if period is None:
        return
    if not record.get("display"):
        reading.warn(record.number, "no-name")
    parent = _code(reading, record, "parent", code_width)
    reading.take(
        make_concept(
            code,
            " ".join(record.get("display").split()),
            english=str(record.get("english")),
            parents=[parent] if parent else [],
            valid_from=period[0],
            valid_to=period[1],
            # The operator vouches for the file, unless a row says otherwise.
            verified=record.get("verified").lower() not in ("0", "false", "no"),
            properties=[
                text_property(name, text)
                for heading, text in record.others.items()
                if (name := property_code(heading))
            ],
        )
    )


def _check_periods(reading: Reading) -> None:
    """Say where rows of one code hold at once and say different things: look at those."""
    for terms in reading.concepts.values():
        if len(terms) > 1 and _meet(terms) and len({term.display for term in terms}) > 1:
            reading.warn(0, "periods-meet", terms[0].code[:20])


def _meet(terms: Sequence[Concept]) -> bool:
    in_time = sorted(terms, key=lambda term: term.valid_from or date.min)
    return any(
        before.valid_to is None or (after.valid_from or date.min) <= before.valid_to
        for before, after in itertools.pairwise(in_time)
    )
