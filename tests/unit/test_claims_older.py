"""Decisions 4210 and 917 in the newer model: renamed, transcoded, and back as sent."""

import pytest

from tests.claims_round_trip import KEY, NoLists, Shelf, every, make_visit, round_trip, write
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.mapping.older import Older
from trucyte.intake.claims.tables import Row, Variant

MAPPING = TableMapping(KEY, NoLists())
OLDER = Older()


def model(table: str, row: Row, variant: Variant = Variant.D4210) -> Row:
    return OLDER.to_model(make_visit({table: [row]}, variant=variant)).tables[table][0]


@pytest.mark.parametrize(
    ("table", "row", "wanted"),
    [
        ("XML1", {"MA_THE": "GD1"}, {"MA_THE_BHYT": "GD1"}),
        ("XML1", {"MA_LOAI_KCB": "3"}, {"MA_LOAI_KCB": "03"}),
        ("XML1", {"MA_LYDO_VVIEN": "2"}, {"MA_LYDO_VVIEN": "2"}),
        ("XML1", {"TINH_TRANG_RV": "2"}, {"MA_LOAI_RV": "2"}),
        ("XML2", {"MA_PTTT": "0"}, {"MA_PTTT": "1"}),
        ("XML2", {"MA_PTTT": "1"}, {"MA_PTTT": "2"}),
        ("XML2", {"MA_PTTT": "2"}, {"MA_PTTT": "1", "old.MA_PTTT": "2"}),
        ("XML2", {"MA_PTTT": "3"}, {"MA_PTTT": "3"}),
        ("XML3", {"DON_GIA": "5"}, {"DON_GIA_BV": "5"}),
        ("XML3", {"TYLE_TT": "50", "MA_NHOM": "8"}, {"TYLE_TT_DV": "50", "MA_NHOM": "8"}),
        ("XML3", {"TYLE_TT": "50", "MA_NHOM": "1"}, {"TYLE_TT_BH": "50", "MA_NHOM": "1"}),
        ("XML5", {"NGAY_YL": "202001010800"}, {"THOI_DIEM_DBLS": "202001010800"}),
    ],
)
def test_fields_and_codes_become_those_of_the_newer_model(
    table: str, row: Row, wanted: Row
) -> None:
    assert model(table, row) == wanted


@pytest.mark.parametrize("variant", [Variant.D4210, Variant.D917])
@pytest.mark.parametrize(
    "value", ["0", "1", "2", "3", "4", "01", "02", "", "x", "202001010800", "20200101"]
)
def test_every_renamed_field_comes_back_with_every_code(variant: Variant, value: str) -> None:
    fields = {
        "XML1": ("MA_THE", "MIEN_CUNG_CT", "TEN_BENH", "MA_BENH", "MA_BENHKHAC", "MA_NOI_CHUYEN",
                 "TINH_TRANG_RV", "T_TONGCHI", "MA_LOAI_KCB", "MA_LOAIKCB", "SO_PHIEU"),
        "XML2": ("TYLE_TT", "THANH_TIEN", "T_NGUON_KHAC", "MA_PTTT", "T_NGOAIDS", "MA_BENH"),
        "XML3": ("DON_GIA", "TYLE_TT", "THANH_TIEN", "MA_PTTT", "T_NGOAIDS"),
        "XML4": ("MA_MAY",),
        "XML5": ("DIEN_BIEN", "NGAY_YL"),
    }  # fmt: skip
    for table, names in fields.items():
        for name in names if value else ():
            visit = make_visit({table: [{name: value}]}, variant=variant)
            assert round_trip(MAPPING, visit) == visit, name


def test_a_newer_decisions_field_in_an_old_file_is_not_renamed() -> None:
    rows = {"XML1": [{"MA_THE": "GD1", "MA_THE_BHYT": "GD2"}]}
    visit = make_visit(rows, variant=Variant.D4210)
    assert round_trip(MAPPING, visit) == visit


def test_reason_2_of_4210_is_an_emergency() -> None:
    visit = make_visit({"XML1": [{"MA_LYDO_VVIEN": "2"}]}, variant=Variant.D4210)
    (encounter,) = every(write(MAPPING, visit, Shelf()), "Encounter")
    assert encounter["priority"]["coding"][0]["code"] == "EM"


def test_newer_decisions_pass_as_they_are() -> None:
    visit = make_visit({"XML2": [{"MA_PTTT": "2", "TYLE_TT": "1"}]})
    assert OLDER.to_model(visit) is visit
