"""A file of rows under headings, whatever it is written in.

Excel (.xlsx) or text separated by tab, semicolon or comma (.csv, .tsv, .txt), UTF-8. The
heading is found by its names, in the first rows: official files have titles above it.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.loaders.sheet import CELL_MAX, COLUMNS_MAX, ROWS_MAX, read_sheet
from trucyte.shared.terminology.problems import ListFileTooLarge, ListFileUnreadable

HEADING_ROWS_MAX: Final = 30
_LINE_MAX: Final = 4 * 1024 * 1024
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"

Names = Mapping[str, Sequence[str]]  # what a column is for -> headings it may have, folded


@dataclass(frozen=True, slots=True)
class Record:
    """One row: by purpose where its heading is known, and every other column by its heading."""

    number: int
    known: Mapping[str, str]
    others: Mapping[str, str]
    cells: Mapping[int, str]  # column from 0
    width: int  # columns of the heading
    headings: frozenset[str]  # purposes the heading names

    def get(self, purpose: str) -> str:
        """Return a known column, empty where the row has none."""
        return self.known.get(purpose, "")


def read_table(
    path: Path, names: Names, needed: Sequence[str], sheet: str | None = None
) -> Iterator[Record]:
    """Give the rows below the heading that has every `needed` column.

    A heading is compared without marks, case, blanks and underscores. Raises
    ListFileUnreadable, ListFileTooLarge.
    """
    rows = _open(path, sheet)
    columns, others = _heading(rows, names, needed)
    width = 1 + max([*columns.values(), *others])
    headings = frozenset(columns)
    for number, cells in rows:
        known = {purpose: cells[at] for purpose, at in columns.items() if at in cells}
        rest = {heading: str(cells[at]) for at, heading in others.items() if at in cells}
        if known or rest:
            yield Record(number, known, rest, cells, width, headings)


def squeezed(heading: str) -> str:
    """Return a heading as headings are compared."""
    return "".join(letter for letter in fold(heading) if letter.isalnum())


def _heading(
    rows: Iterator[tuple[int, dict[int, str]]], names: Names, needed: Sequence[str]
) -> tuple[dict[str, int], dict[int, str]]:
    wanted = {squeezed(heading): purpose for purpose in names for heading in names[purpose]}
    for tried, (_, cells) in enumerate(rows, start=1):
        columns: dict[str, int] = {}
        for at, text in cells.items():
            purpose = wanted.get(squeezed(text))
            if purpose is not None:
                columns.setdefault(purpose, at)
        if all(purpose in columns for purpose in needed):
            taken = set(columns.values())
            return columns, {at: text for at, text in cells.items() if at not in taken}
        if tried >= HEADING_ROWS_MAX:
            break
    raise ListFileUnreadable(reason=f"no heading with the columns {', '.join(needed)}")


def _open(path: Path, sheet: str | None) -> Iterator[tuple[int, dict[int, str]]]:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ListFileUnreadable(reason=error.strerror or "cannot be opened") from None
    if start.startswith(_OLD_EXCEL):
        raise ListFileUnreadable(reason="an old or encrypted Excel file; save it as .xlsx")
    return read_sheet(path, sheet) if start.startswith(_ZIP) else _read_text(path)


def _read_text(path: Path) -> Iterator[tuple[int, dict[int, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            separator = _separator(file)
            lines = csv.reader(_lines(file), delimiter=separator)
            for number, line in enumerate(lines, start=1):
                _check_row(number, line)
                cells = {at: text.strip() for at, text in enumerate(line) if text.strip()}
                if cells:
                    yield number, cells
        except UnicodeDecodeError:
            raise ListFileUnreadable(reason="not UTF-8; save it as CSV UTF-8") from None
        except csv.Error:
            raise ListFileUnreadable(reason="the quotes of the text do not close") from None


def _check_row(number: int, line: Sequence[str]) -> None:
    if number > ROWS_MAX:
        raise ListFileTooLarge(what="rows", most=ROWS_MAX)
    if len(line) > COLUMNS_MAX:
        raise ListFileTooLarge(what="columns", most=COLUMNS_MAX)
    if any(len(text) > CELL_MAX for text in line):
        raise ListFileTooLarge(what="characters in a cell", most=CELL_MAX)


def _separator(file: IO[str]) -> str:
    """Take what separates most in the first lines; the file stands at its start again."""
    head = file.read(64 * 1024)
    file.seek(0)
    if "\0" in head:
        raise ListFileUnreadable(reason="not text")
    lines = io.StringIO(head).readlines()[:HEADING_ROWS_MAX]
    return max("\t;,", key=lambda mark: sum(line.count(mark) for line in lines))


def _lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(_LINE_MAX):
        if len(line) >= _LINE_MAX:
            raise ListFileTooLarge(what="characters in a line", most=_LINE_MAX)
        yield line
