"""The Ministry's ICD-10 lists in Excel: Decision 4469/2020 and Circular 06/2026.

Chapters, groups and three-character categories stand in columns of their own beside each
code and become its ancestors. The flags of Circular 06/2026 (not as main diagnosis,
discouraged, forbidden where a more specific code exists, death only, female, male) become
properties. Columns are found by heading; flags without a known heading are taken from
their place (24 to 29 of 29), which the circular's annex fixes.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from trucyte.shared.terminology.concept import flag_property, make_concept, text_property
from trucyte.shared.terminology.loaders.catalogue import read_period
from trucyte.shared.terminology.loaders.report import Progress, Reading
from trucyte.shared.terminology.loaders.table import Names, Record, read_table
from trucyte.shared.terminology.names import NOT_SELECTABLE

_ROWS_AT_ONCE: Final = 500
_CODE: Final = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
_TYPED_WRONG: Final = re.compile(r"([A-Z][0-9]{2})[/,;:]([0-9]{1,2})")
_MARKS: Final = str.maketrans("", "", "*†+‡ \t\n\r\u00a0")
_ON: Final = frozenset({"x", "1", "co", "có", "v", "✓", "true", "*"})
_PLACES: Final = {  # column from 1, of the 29 of Circular 06/2026
    24: "not-as-main",
    25: "discouraged-as-main",
    26: "more-specific-exists",
    27: "death-only",
    28: "female-only",
    29: "male-only",
}
FLAGS: Final = tuple(_PLACES.values())
_NAMED_FLAGS: Final = frozenset(FLAGS)
_WIDTH: Final = 29

NAMES: Final[Names] = {
    "code": ("ma benh", "ma icd", "ma icd10", "ma icd-10", "ma_benh", "ma"),
    "display": ("ten benh", "ten benh tieng viet", "ten_benh", "ten"),
    "english": ("disease name", "ten benh tieng anh", "ten tieng anh"),
    "chapter": ("ma chuong",),
    "chapter name": ("ten chuong",),
    "chapter english": ("chapter name",),
    "group": ("ma nhom chinh", "ma nhom"),
    "group name": ("ten nhom chinh", "ten nhom"),
    "group english": ("main group name i", "main group name"),
    "sub": ("ma nhom phu 1",),
    "sub name": ("ten nhom phu 1",),
    "sub english": ("sub group name i",),
    "sub2": ("ma nhom phu 2",),
    "sub2 name": ("ten nhom phu 2",),
    "sub2 english": ("sub group name ii",),
    "category": ("ma loai",),
    "category name": ("ten loai",),
    "category english": ("type name",),
    "from": ("tu_ngay", "tu ngay", "ngay hieu luc"),
    "to": ("den_ngay", "den ngay", "ngay het hieu luc"),
    "not-as-main": (
        "khong duoc ma hoa la benh chinh", "khong la benh chinh", "khong su dung lam benh chinh",
        "khong duoc su dung lam benh chinh", "not as main",
    ),
    "discouraged-as-main": (
        "khong khuyen khich ma hoa la benh chinh", "khong khuyen khich la benh chinh",
        "khong khuyen khich su dung lam benh chinh", "discouraged as main",
    ),
    "more-specific-exists": (
        "khong duoc su dung khi co ma chi tiet hon", "co ma chi tiet hon", "more specific exists",
    ),
    "death-only": ("chi su dung cho tu vong", "chi dung cho tu vong", "death only"),
    "female-only": ("chi su dung cho nu", "chi dung cho nu", "nu", "female"),
    "male-only": ("chi su dung cho nam", "chi dung cho nam", "nam", "male"),
}  # fmt: skip
_LEVELS: Final = ("chapter", "group", "sub", "sub2", "category")


def read_icd10(path: Path, progress: Progress | None = None, sheet: str | None = None) -> Reading:
    """Read the list. Raises ListFileUnreadable, ListFileTooLarge.

    A code that is typed wrong in a way that leaves no doubt (U13/9 for U13.9) is taken and
    reported; any other text in the place of a code is a fault.
    """
    reading = Reading()
    for record in read_table(path, NAMES, ("code", "display"), sheet):
        reading.rows += 1
        _take(reading, record)
        if progress is not None and reading.rows % _ROWS_AT_ONCE == 0:
            progress(reading.rows)
    return reading


def _take(reading: Reading, record: Record) -> None:
    code, mark = _spelled(reading, record)
    if code is None:
        return
    period = read_period(reading, record)
    if period is None:
        return
    if code in reading.concepts and not _is_header(reading, code):
        reading.fault(record.number, "code-twice", code)
        return
    parents = [parent for parent in _take_levels(reading, record) if parent != code]
    reading.concepts.pop(code, None)  # a category that is a code of its own: its row says more
    flags = _flags(record)
    properties = [flag_property(flag) for flag in flags]
    properties += [text_property("dagger-asterisk", mark)] if mark else []
    properties += _sex(flags)
    reading.take(
        make_concept(
            code,
            " ".join(record.get("display").split()),
            english=" ".join(record.get("english").split()),
            parents=parents[-1:],
            valid_from=period[0],
            valid_to=period[1],
            verified=True,
            properties=properties,
        )
    )


def _spelled(reading: Reading, record: Record) -> tuple[str | None, str]:
    """Return the code and whether it bears a dagger or an asterisk."""
    said = record.get("code")
    if not said:
        if record.get("display"):
            reading.fault(record.number, "no-code", "code")
        return None, ""
    mark = "dagger" if "†" in said or "+" in said else "asterisk" if "*" in said else ""
    code = said.translate(_MARKS).upper()
    if _CODE.fullmatch(code):
        return code, mark
    wrong = _TYPED_WRONG.fullmatch(code)
    if wrong is not None:
        reading.warn(record.number, "code-mended", f"{wrong[1]}.{wrong[2]}")
        return f"{wrong[1]}.{wrong[2]}", mark
    reading.fault(record.number, "code", "code")
    return None, ""


def _take_levels(reading: Reading, record: Record) -> Sequence[str]:
    """Take the ancestors a row names, each below the one before, and return their codes."""
    above: list[str] = []
    for level in _LEVELS:
        code = record.get(level).translate(_MARKS).upper()
        if not code or code in above:
            continue
        if code not in reading.concepts:
            reading.take(
                make_concept(
                    code,
                    " ".join(record.get(f"{level} name").split()),
                    english=" ".join(record.get(f"{level} english").split()),
                    parents=above[-1:],
                    verified=True,
                    properties=[text_property("level", level), flag_property(NOT_SELECTABLE)],
                )
            )
        above.append(code)
    return above


def _is_header(reading: Reading, code: str) -> bool:
    newest = reading.concepts[code][-1]
    return any(item["code"] == NOT_SELECTABLE for item in newest.more.get("property", ()))


def _flags(record: Record) -> list[str]:
    """Return the flags that are set; by place where the heading names none of them."""
    if record.width == _WIDTH and not _NAMED_FLAGS.intersection(record.headings):
        set_ = {flag: record.cells.get(place - 1, "") for place, flag in _PLACES.items()}
    else:
        set_ = {flag: record.get(flag) for flag in FLAGS}
    return [flag for flag, mark in set_.items() if mark.strip().lower() in _ON]


def _sex(flags: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the limit as the packaged list has it: 1 men, 2 women only."""
    sex = "2" if "female-only" in flags else "1" if "male-only" in flags else ""
    return [text_property("sex", sex)] if sex else []
