"""Files made to harm end in a clear refusal, within bounded time and memory."""

import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.list_files import write_book, write_csv, write_rf2, write_sheet
from trucyte.base.problem import Problem
from trucyte.shared.terminology.concept import make_concept, read_concepts
from trucyte.shared.terminology.loaders import sheet as sheets
from trucyte.shared.terminology.loaders.catalogue import read_catalogue
from trucyte.shared.terminology.loaders.snomed import read_snomed
from trucyte.shared.terminology.problems import ListFileTooLarge, ListFileUnreadable
from trucyte.shared.terminology.system import SystemContent

NS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_of(rows: bytes) -> bytes:
    return b"<worksheet " + NS + b"><sheetData>" + rows + b"</sheetData></worksheet>"


HEADING = b'<row r="1"><c r="A1" t="str"><v>MA</v></c><c r="B1" t="str"><v>TEN</v></c></row>'


def test_a_zip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "UNPACKED_MAX", 4 << 20)
    path = write_book(tmp_path / "b.xlsx", sheet_of(HEADING + b" " * (64 << 20)))
    assert path.stat().st_size < 100_000
    with pytest.raises(ListFileTooLarge):
        list(sheets.read_sheet(path))


def test_shared_text_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SHARED_BYTES_MAX", 1000)
    shared = b"<sst " + NS + b">" + b"<si><t>" + b"x" * 600 + b"</t></si>" * 1 + b"</sst>"
    many = b"<sst " + NS + b">" + (b"<si><t>" + b"x" * 600 + b"</t></si>") * 3 + b"</sst>"
    assert list(sheets.read_sheet(write_book(tmp_path / "a.xlsx", sheet_of(HEADING), shared)))
    with pytest.raises(ListFileTooLarge):
        list(sheets.read_sheet(write_book(tmp_path / "b.xlsx", sheet_of(HEADING), many)))


@pytest.mark.parametrize(
    "sheet",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet_of(HEADING),
        b'<?xml version="1.0"?>\n' + b" " * 70_000 + b"<!DOCTYPE x>" + sheet_of(HEADING),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><worksheet/>'.encode("utf-16"),
        b"<worksheet",
        b"",
        sheet_of(b'<row><c t="s"><v>9</v></c></row>'),
        sheet_of(b'<row><c t="s"><v>-1</v></c></row>'),
    ],
)
def test_xml_that_is_not_a_sheet_is_refused(tmp_path: Path, sheet: bytes) -> None:
    with pytest.raises(ListFileUnreadable):
        list(sheets.read_sheet(write_book(tmp_path / "b.xlsx", sheet)))


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="9999999"><c r="A1"><v>1</v></c></row>',
        b'<row r="1"><c r="ZZZ1"><v>1</v></c></row>',
        b"<row>" + b"<c><v>1</v></c>" * 1001 + b"</row>",
        b'<row><c t="str"><v>' + b"x" * 40_000 + b"</v></c></row>",
    ],
)
def test_sheets_larger_than_excel_allows_are_refused(tmp_path: Path, rows: bytes) -> None:
    with pytest.raises(ListFileTooLarge):
        list(sheets.read_sheet(write_book(tmp_path / "b.xlsx", sheet_of(rows))))


def test_rows_are_let_go_of_as_they_are_read(tmp_path: Path) -> None:
    body = b"".join(b"<row><c><v>%d</v></c></row>" % number for number in range(20_000))
    path = write_book(tmp_path / "b.xlsx", sheet_of(body))
    with zipfile.ZipFile(path) as archive:
        kept = [
            len(row.getparent())
            for row in sheets._elements(archive, "xl/worksheets/sheet1.xml", "row")
        ]
    # The parser is ahead by what one read holds, never by the whole sheet.
    assert len(kept) == 20_000
    assert max(kept) < 4000


def not_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + b"\0" * 100)


def cut_zip(path: Path) -> None:
    write_sheet(path, [["MA", "TEN"], ["1", "Một"]])
    path.write_bytes(path.read_bytes()[:-200])


def empty_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")


def old_excel(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)


def latin(path: Path) -> None:
    path.write_bytes(b"MA;TEN\n1;" + b"\xe1\xe9\n")


def quotes(path: Path) -> None:
    path.write_text('MA;TEN\n1;"' + "x" * 200_000)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(b"\0" * 1000)


@pytest.mark.parametrize(
    "make", [not_zip, cut_zip, empty_zip, old_excel, latin, quotes, nothing, zeros]
)
def test_files_that_are_no_list_are_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "list.any"
    make(path)
    with pytest.raises((ListFileUnreadable, ListFileTooLarge)):
        read_catalogue(path)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(st.binary(max_size=300), st.integers(0, 3000))
def test_any_damage_to_a_workbook_is_a_problem_or_a_list(
    tmp_path: Path, noise: bytes, place: int
) -> None:
    path = tmp_path / "noise.xlsx"
    if not (tmp_path / "whole.xlsx").exists():
        write_sheet(tmp_path / "whole.xlsx", [["MA", "TEN"], ["1", "Một"], ["2", "Hai"]])
    whole = (tmp_path / "whole.xlsx").read_bytes()
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    with suppress(Problem):
        read_catalogue(path)


def test_rf2_with_other_columns_or_cut_lines_is_refused(tmp_path: Path) -> None:
    folder = write_rf2(tmp_path / "rf2")
    (file,) = folder.rglob("sct2_Concept_*")
    whole = file.read_text()
    for broken in (whole.replace("active", "aktiv"), whole + "1\t2\n"):
        file.write_text(broken)
        with pytest.raises(ListFileUnreadable):
            read_snomed(folder)


def test_a_hierarchy_a_million_times_in_circles_ends() -> None:
    concepts = [
        make_concept(str(n), "x", parents=[str((n + 1) % 5000), str(n // 2)]) for n in range(5000)
    ]
    system = SystemContent("urn:s", "1", concepts)
    assert len(system.below("0")) == 4999
    assert system.subsumes("3", "2500") and system.subsumes("2500", "3")


def test_a_hierarchy_nested_deeper_than_the_stack_is_read() -> None:
    deepest: dict = {"code": "0", "display": "x"}
    for number in range(1, 5000):
        deepest = {"code": str(number), "display": "x", "concept": [deepest]}
    assert sum(1 for _ in read_concepts({"concept": [deepest]})) == 5000


def test_formulas_and_tags_in_cells_stay_text(tmp_path: Path) -> None:
    rows = [["MA", "TEN"], ["1", "=CMD()"], ["2", "<script>x</script>"]]
    terms = read_catalogue(write_csv(tmp_path / "l.csv", rows)).terms()
    assert [term.display for term in terms] == ["=CMD()", "<script>x</script>"]


def test_a_workbook_says_its_sheets_by_name(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "b.xlsx", [["MA", "TEN"], ["1", "Một"]])
    assert read_catalogue(path, sheet="Sheet1").rows == 1
    with pytest.raises(ListFileUnreadable):
        read_catalogue(path, sheet="Không có")
