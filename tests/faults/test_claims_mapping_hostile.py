"""Hostile fields cost what they weigh: nothing takes the square of its length."""

import pytest

from tests.claims_round_trip import KEY, NoLists, Shelf, make_visit, round_trip, write
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Row

MAPPING = TableMapping(KEY, NoLists())
LONG = 400_000


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("XML2", {"SO_LUONG": "0" * LONG + "x", "DON_GIA": "9" * LONG}),
        ("XML4", {"GIA_TRI": "<" + " " * LONG + "0" * LONG + "x"}),
        ("XML1", {"HO_TEN": "a" + "\u0301\u0316" * LONG}),
        ("XML1", {"NGAY_SINH": "1" * LONG, "STT": "1" * LONG}),
        ("XML2", {"MA_BAC_SI": "(" * LONG + ")", "MA_THUOC": ".C." * LONG}),
        ("XML5", {"DIEN_BIEN_LS": "CSST<" * LONG, "HOI_CHAN": "&" * LONG}),
        ("XML8", {"QT_BENHLY": "hi" * LONG, "DU_PHONG": "\u0301\u0316" * LONG}),
    ],
)
def test_a_long_field_is_read_in_linear_time_and_comes_back(table: str, row: Row) -> None:
    visit = make_visit({table: [row]})
    assert round_trip(MAPPING, visit) == visit


@pytest.mark.parametrize(
    ("table", "field", "entry"),
    [
        ("XML1", "MA_BENH_KT", "A{:05}"),
        ("XML1", "MA_PTTT_QT", "{:05}"),
        ("XML1", "MA_THE_BHYT", "GD{:05}"),
        ("XML1", "MA_KHOA", "K{:05}"),
        ("XML1", "NGAY_TAI_KHAM", "2026{:04}"),
        ("XML3", "MA_GIUONG", "H{:05}"),
        ("XML3", "NGUOI_THUC_HIEN", "{:05}/X-CCHN"),
        ("XML5", "DIEN_BIEN_LS", "CSST<M{}_T37>"),
    ],
)
def test_one_field_does_not_make_thousands_of_resources(table: str, field: str, entry: str) -> None:
    text = ";".join(entry.format(number) for number in range(5000))
    visit = make_visit({table: [{field: text, "MA_NHOM": "15"}]})
    shelf = Shelf()
    resources = write(MAPPING, visit, shelf)
    assert len(resources) + len(shelf.kept) < 300
    assert MAPPING.claim(resources, shelf.at) == visit


def test_ten_thousand_rows_of_one_table_come_back() -> None:
    rows = [{"MA_LK": "MAU-1", "MA_THUOC": "40.48", "STT": str(n)} for n in range(1, 10_001)]
    visit = make_visit({"XML2": rows})
    assert round_trip(MAPPING, visit) == visit
