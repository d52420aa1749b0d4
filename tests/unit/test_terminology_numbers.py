"""Codes that a workbook keeps as numbers keep their zeros, or their column is named."""

from pathlib import Path

import pytest
import xlsxwriter

from tests.support.list_files import write_csv, write_sheet
from trucyte.shared.terminology.loaders.catalogue import read_catalogue
from trucyte.shared.terminology.loaders.number_format import Shape, shape_of

HEADING = ["MA", "TEN"]


def formatted(path: Path, form: str, *numbers: float) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        cells = book.add_format({"num_format": form})
        sheet.write_row(0, 0, HEADING)
        for row, number in enumerate(numbers, start=1):
            sheet.write_number(row, 0, number, cells)
            sheet.write(row, 1, f"Tên {row}")
    return path


@pytest.mark.parametrize(
    ("form", "numbers", "codes"),
    [
        ("000", (1, 42, 1234), ["001", "042", "1234"]),
        ("00000;-00000", (7,), ["00007"]),
        ("0.00", (1.1, 2), ["1.10", "2.00"]),
        ("00", (1.234,), ["01.234"]),  # shown rounded, but no digit is taken away
        ("@", (5,), ["5"]),
        ("#,##0", (1200,), ["1200"]),
    ],
)
def test_a_number_format_gives_a_code_its_zeros(
    tmp_path: Path, form: str, numbers: tuple[float, ...], codes: list[str]
) -> None:
    reading = read_catalogue(formatted(tmp_path / "a.xlsx", form, *numbers))
    assert list(reading.concepts) == codes
    has_shape = set(form) <= set("0.;-")
    assert [note.reason for note in reading.warnings] == ([] if has_shape else ["code-is-a-number"])


def test_numbers_without_a_format_are_said_once_for_their_column(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "a.xlsx", [HEADING, [1, "Một"], [2, "Hai"], ["003", "Ba"]])
    reading = read_catalogue(path)
    assert list(reading.concepts) == ["1", "2", "003"]
    assert [(note.row, note.reason, note.column) for note in reading.warnings] == [
        (2, "code-is-a-number", "code")
    ]


def test_the_operator_may_name_the_width_of_codes(tmp_path: Path) -> None:
    rows = [[*HEADING, "MA_CHA"], ["1", "Một", ""], ["2", "Hai", "1"], ["A1", "Chữ", "1"]]
    numbers = [rows[0], *([int(c) if c.isdigit() else c for c in row] for row in rows[1:])]
    book, text = write_sheet(tmp_path / "a.xlsx", numbers), write_csv(tmp_path / "a.csv", rows)
    for path in (book, text):
        reading = read_catalogue(path, code_width=3)
        assert list(reading.concepts) == ["001", "002", "A1"]
        assert reading.concepts["A1"][0].parents == ("001",)
        assert reading.warnings == []


@pytest.mark.parametrize("number", ["NaN", "-5", "1E400000000", "1E-99999", "x", "Infinity"])
def test_what_is_no_plain_number_stays_as_it_is(number: str) -> None:
    assert Shape(3, 0).written(number) == number


def test_a_format_of_words_or_of_one_digit_has_no_shape() -> None:
    assert [shape_of(code) for code in ("General", "0", "yyyy", "0" * 99, "")] == [None] * 5
