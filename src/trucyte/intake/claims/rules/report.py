"""Findings of a received file as Excel, to hand to the vendor of the hospital's system.

Rows are written as they are read, so a file with a million findings takes no more memory
than one with ten.
"""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

import xlsxwriter

from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.rules.words import wording
from trucyte.intake.receipts import ReceivedFile, ReceivedVisit

HEADINGS = {
    "vi": (
        *("Hồ sơ số", "Mã lượt khám (MA_LK)", "Bảng", "Dòng", "Trường", "Mức", "Quy tắc"),
        *("Điều gì sai", "Cách sửa", "Căn cứ"),
    ),
    "en": (
        *("Visit no.", "Visit code (MA_LK)", "Table", "Row", "Field", "Severity", "Rule"),
        *("What is wrong", "How to mend it", "Legal source"),
    ),
}
SEVERITIES = {
    "vi": {"fatal": "chặn", "error": "lỗi", "warning": "cảnh báo", "information": "lưu ý"},
    "en": {"fatal": "fatal", "error": "error", "warning": "warning", "information": "note"},
}
WIDTHS = (9, 22, 8, 7, 18, 10, 14, 52, 52, 44)
ROWS_MAX = 1_048_575


def write_findings(
    target: BinaryIO,
    received: ReceivedFile,
    visits: Iterable[ReceivedVisit],
    rules: Mapping[str, Rule],
    language: str,
) -> int:
    """Write one row a finding to `target`; returns how many rows were written.

    A sheet ends at Excel's row limit; the rest goes to further sheets.
    """
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    sheets = _Sheets(book, language)
    for visit in visits:
        for finding in visit.findings:
            words = wording(finding, rules, language)
            severity = SEVERITIES[language][finding.severity.value]
            sheets.write(
                (
                    *(visit.ordinal, visit.link, finding.table, finding.row or "", finding.field),
                    *(severity, finding.rule, f"{words.where}: {words.what}"),
                    *(words.mend, words.legal),
                )
            )
    book.set_properties({"title": received.name, "company": "Trucyte"})
    book.close()
    return sheets.written


class _Sheets:
    """Sheets with headings, begun when the last one is full."""

    def __init__(self, book: xlsxwriter.Workbook, language: str) -> None:
        self._book = book
        self._language = language
        self._bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._row = 0
        self.written = 0
        self._sheet = self._begin()

    def _begin(self) -> xlsxwriter.worksheet.Worksheet:
        sheet = self._book.add_worksheet()
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        for column, heading in enumerate(HEADINGS[self._language]):
            sheet.write_string(0, column, heading, self._bold)
        sheet.freeze_panes(1, 0)
        self._row = 0
        return sheet

    def write(self, values: tuple[str | int, ...]) -> None:
        """Write one row; text is never read as a formula or a link."""
        if self._row >= ROWS_MAX:
            self._sheet = self._begin()
        self._row += 1
        self.written += 1
        for column, value in enumerate(values):
            if isinstance(value, int):
                self._sheet.write_number(self._row, column, value, self._wrap)
            elif value:
                self._sheet.write_string(self._row, column, value, self._wrap)
