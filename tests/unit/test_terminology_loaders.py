"""Operators' files become concepts row by row; what cannot be taken is named."""

from datetime import date
from pathlib import Path

import pytest

from tests.support.list_files import ICD_HEADING, icd_row, write_csv, write_rf2, write_sheet
from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.loaders.catalogue import read_catalogue
from trucyte.shared.terminology.loaders.icd10 import read_icd10
from trucyte.shared.terminology.loaders.load import Asked, edition_of, read_list
from trucyte.shared.terminology.loaders.loinc import read_loinc
from trucyte.shared.terminology.loaders.report import Reading, RowNote, parse_day
from trucyte.shared.terminology.loaders.snomed import read_snomed
from trucyte.shared.terminology.problems import ListFileUnreadable, ListRowsFaulty


def by_code(reading: Reading) -> dict[str, Concept]:
    return {term.code: term for term in reading.terms()}


def properties(concept: Concept) -> dict[str, object]:
    return {
        item["code"]: value
        for item in concept.more.get("property", ())
        for key, value in item.items()
        if key.startswith("value")
    }


# Catalogues


def test_a_catalogue_is_read_by_its_headings_wherever_they_stand(tmp_path: Path) -> None:
    rows = [
        ["STT", "TÊN DỊCH VỤ", "Mã dịch vụ", "ĐƠN GIÁ", "TỪ NGÀY", "DEN_NGAY"],
        [1, "Chụp thử", "18.0001.0001", 53200, "20250101", 20261231],
        [2, "Siêu âm thử", " 18.0002.0002 ", 72.5, "01/07/2026", ""],
    ]
    reading = read_catalogue(write_sheet(tmp_path / "dv.xlsx", rows, title="DANH MỤC THỬ"))
    assert (reading.rows, reading.faults) == (2, [])
    first, second = reading.terms()
    assert (first.code, first.display) == ("18.0001.0001", "Chụp thử")
    assert (first.valid_from, first.valid_to) == (date(2025, 1, 1), date(2026, 12, 31))
    assert properties(first) == {"STT": "1", "DON_GIA": "53200"}
    assert second.valid_from == date(2026, 7, 1)
    assert properties(second)["DON_GIA"] == "72.5"


@pytest.mark.parametrize("mark", ["\t", ";", ","])
def test_our_own_form_is_delimited_text(tmp_path: Path, mark: str) -> None:
    rows = [
        ["code", "display", "parent", "from", "to", "verified", "note"],
        ["2", "Hai; phẩy, hai", "1", "2026-01-01", "", "0", "x"],
        ["1", "Một", "", "", "", "", ""],
    ]
    terms = read_catalogue(write_csv(tmp_path / "l.csv", rows, mark)).terms()
    assert [(t.code, t.parents, t.verified) for t in terms] == [
        ("1", (), True),
        ("2", ("1",), False),
    ]
    assert terms[1].display == "Hai; phẩy, hai"


def test_rows_of_one_code_are_terms_in_time(tmp_path: Path) -> None:
    rows = [
        ["MA", "TEN", "TU_NGAY", "DEN_NGAY"],
        ["1", "Mới", "20260701", ""],
        ["2", "Khác", "", ""],
        ["1", "Cũ", "20200101", "20260630"],
    ]
    terms = read_catalogue(write_csv(tmp_path / "l.csv", rows)).terms()
    assert [(t.code, t.display) for t in terms] == [("1", "Cũ"), ("1", "Mới"), ("2", "Khác")]


def test_a_faulty_row_is_named_and_nothing_of_the_file_is_taken(tmp_path: Path) -> None:
    rows = [
        ["MA", "TEN", "TU_NGAY", "DEN_NGAY"],
        ["1", "Một", "", ""],
        ["", "Không mã", "", ""],
        ["2", "Ngày sai", "20261345", ""],
        ["3", "Ngược", "20260102", "20260101"],
        ["4", "", "", ""],
    ]
    path = write_csv(tmp_path / "l.csv", rows)
    asked = Asked("thuoc", path)
    reading = read_list(asked)
    assert reading.faults == [
        RowNote(3, "no-code"),
        RowNote(4, "date", "from"),
        RowNote(5, "ends-before-it-begins"),
    ]
    assert reading.warnings == [RowNote(6, "no-name")]
    with pytest.raises(ListRowsFaulty):
        edition_of(asked, reading)


def test_rows_that_hold_at_once_and_differ_are_pointed_at(tmp_path: Path) -> None:
    rows = [["MA", "TEN"], ["1", "Một"], ["1", "Hai"]]
    reading = read_catalogue(write_csv(tmp_path / "l.csv", rows))
    assert reading.warnings == [RowNote(0, "periods-meet", "1")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("", None),
        ("20260701", date(2026, 7, 1)),
        ("202607010830", date(2026, 7, 1)),
        ("2026-07-01", date(2026, 7, 1)),
        ("01/07/2026", date(2026, 7, 1)),
        ("46204", date(2026, 7, 1)),
    ],
)
def test_days_are_read_as_people_and_excel_write_them(text: str, day: date | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize("text", ["hôm qua", "20260230", "32/01/2026", "1/2", "12345678901"])
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_day(text)


def test_a_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListFileUnreadable):
        read_catalogue(write_csv(tmp_path / "l.csv", [["x", "y"], ["1", "2"]]))


# ICD-10


def test_icd10_flags_are_taken_from_their_places(tmp_path: Path) -> None:
    rows = [
        ICD_HEADING,
        icd_row("A00.0", "Bệnh thử", flags=[24]),
        icd_row("A00.1", "Bệnh nữ", flags=[28]),
        icd_row("A01", "Bệnh nam", flags=[25, 26, 27, 29]),
    ]
    found = by_code(read_icd10(write_sheet(tmp_path / "icd.xlsx", rows, title="PHỤ LỤC")))
    assert properties(found["A00.0"]) == {"not-as-main": True}
    assert properties(found["A00.1"]) == {"female-only": True, "sex": "2"}
    assert properties(found["A01"]) == {
        "discouraged-as-main": True, "more-specific-exists": True, "death-only": True,
        "male-only": True, "sex": "1",
    }  # fmt: skip


def test_icd10_flags_are_taken_by_heading_where_there_is_one(tmp_path: Path) -> None:
    rows = [
        ["Tên bệnh", "Mã bệnh", "Không được mã hóa là bệnh chính", "Chỉ dùng cho nữ"],
        ["Bệnh thử", "A00.0", "1", ""],
        ["Bệnh nữ", "A00.1", "", "X"],
    ]
    found = by_code(read_icd10(write_sheet(tmp_path / "icd.xlsx", rows)))
    assert properties(found["A00.0"]) == {"not-as-main": True}
    assert properties(found["A00.1"])["sex"] == "2"


def test_icd10_chapters_groups_and_categories_are_ancestors(tmp_path: Path) -> None:
    rows = [ICD_HEADING, icd_row("A00.0", "Bệnh thử"), icd_row("A01", "Không chia")]
    reading = read_icd10(write_sheet(tmp_path / "icd.xlsx", rows))
    found = by_code(reading)
    assert [t.code for t in reading.terms()] == ["I", "A00-A09", "A00", "A00.0", "A01"]
    assert found["A00.0"].parents == ("A00",)
    assert found["A00"].parents == ("A00-A09",)
    assert found["A01"].parents == ("A00-A09",)
    assert properties(found["A00"])["notSelectable"] is True
    assert "notSelectable" not in properties(found["A01"])


def test_icd10_a_slip_without_doubt_is_mended_and_reported(tmp_path: Path) -> None:
    rows = [ICD_HEADING, icd_row("U13.8", "Thử"), icd_row("U13.9", "Thử nữa")]
    rows[2][16] = "U13/9"
    reading = read_icd10(write_sheet(tmp_path / "icd.xlsx", rows))
    assert reading.warnings == [RowNote(3, "code-mended", "U13.9")]
    assert "U13.9" in by_code(reading)


def test_icd10_other_codes_and_doubles_are_faults(tmp_path: Path) -> None:
    rows = [ICD_HEADING, icd_row("A00.0", "Thử"), icd_row("A00.0", "Lại"), icd_row("12.A", "Sai")]
    reading = read_icd10(write_sheet(tmp_path / "icd.xlsx", rows))
    assert reading.faults == [RowNote(3, "code-twice", "A00.0"), RowNote(4, "code", "code")]


def test_icd10_daggers_and_asterisks_are_kept_apart_from_the_code(tmp_path: Path) -> None:
    rows = [ICD_HEADING, icd_row("A17.0†", "Thử"), icd_row("G01*", "Thử")]
    found = by_code(read_icd10(write_sheet(tmp_path / "icd.xlsx", rows)))
    assert properties(found["A17.0"])["dagger-asterisk"] == "dagger"
    assert properties(found["G01"])["dagger-asterisk"] == "asterisk"


# LOINC and SNOMED CT: made rows in the release's shape


def test_loinc_is_read_in_its_release_form(tmp_path: Path) -> None:
    heading = ["LOINC_NUM", "COMPONENT", "STATUS", "LONG_COMMON_NAME", "SHORTNAME", "CLASS"]
    rows = [heading, ["99990-4", "Made", "ACTIVE", "Made, by us", "Made", "TEST"]]
    reading = read_loinc(write_csv(tmp_path / "Loinc.csv", rows))
    (term,) = reading.terms()
    assert (term.code, term.display) == ("99990-4", "Made, by us")
    assert properties(term) == {"COMPONENT": "Made", "CLASS": "TEST", "STATUS": "ACTIVE"}


def test_loinc_a_wrong_check_digit_is_a_fault(tmp_path: Path) -> None:
    heading = ["LOINC_NUM", "COMPONENT", "STATUS", "LONG_COMMON_NAME"]
    rows = [heading, ["99990-5", "Made", "ACTIVE", "Made"]]
    assert read_loinc(write_csv(tmp_path / "l.csv", rows)).faulty == 1


def test_snomed_takes_active_concepts_with_their_preferred_terms(tmp_path: Path) -> None:
    found = by_code(read_snomed(write_rf2(tmp_path / "rf2")))
    assert len(found) == 4
    second = found["100001008"]
    assert (second.display, second.parents) == ("The thing 1", ("100000008",))
    assert second.more["designation"] == [{"value": "The other 1"}]
    assert properties(second) == {"semantic-tag": "finding"}


def test_snomed_without_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListFileUnreadable):
        read_snomed(tmp_path)
