"""XML to FHIR to XML gives every field of every table back."""

import unicodedata
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.claims_round_trip import KEY, NoLists, Shelf, make_visit, round_trip, write
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import TABLES, Row, Variant

_DOCUMENT_TABLES = [name for name in TABLES if name not in {"XML1", "XML2", "XML3", "XML4"}]


@cache
def mapping() -> TableMapping:
    return TableMapping(KEY, NoLists())


_XML_TEXT = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r"),
    min_size=1,
    max_size=40,
)
_VIETNAMESE = st.sampled_from(
    [
        "NGUYỄN VĂN A",
        "Đau bụng; sốt",
        " viêm họng\t",
        "a & b <c> \"d\" 'e' ]]>",
        "Ổ áp-xe\r\nngày 2",
    ]
)
_NUMBERS = st.sampled_from(
    ["0", "-0", "00", "1", "07", "1.50", "1,5", "3500", "3500.00", "-2.5", "+4", ".5", "1e3",
     "0.0000001", "1.234.567", "1" * 18, "1" * 40, "12.", " 5 ", "٣", "47.5", "100"]
)  # fmt: skip
_TIMES = st.sampled_from(
    ["202607150800", "20260715", "202607152400", "195800000000", "19580000", "198506000000",
     "20260230", "20260715083015", "20260715080000", "0", "00000000", "202607150860", "2026-07-15",
     "20260722;20260801", "202602301200", " 202607150800", "000101010000", "199913010000"]
)  # fmt: skip
_CODES = st.sampled_from(
    ["1", "2", "3", "9", "01", "02", "03", "05", "7", "17", "13", "15", "10", "J02.9", "B20;Z21",
     "J02.9;R50.9;J02.9", ";;", "J02.9;", "K01", "K01;K02", "1.1", "1.9", "8", "00001", "40.17",
     "40.48", "VM.00001", "02.03_TB", "H001;T002", "A  B", "a;b ;c", "0000000001",
     "000001/XX-CCHN", "000001/XX-CCHN(NV1);(NV2)", "000001.C.00002", "001.HD.79_001",
     "<5", ">= 3,2", "(+)", "1/160", "≤ 2", "G/L", "000085000001", "C1234567", "123456789"]
)  # fmt: skip


@st.composite
def raw_texts(draw: st.DrawFn) -> str:
    text = draw(st.one_of(_CODES, _TIMES, _NUMBERS, _VIETNAMESE, _XML_TEXT))
    return unicodedata.normalize("NFD", text) if draw(st.booleans()) else text


def rows_of(table: str) -> st.SearchStrategy[Row]:
    fields = [row.field for row in mapping().plan(table).rows]
    known = st.dictionaries(st.sampled_from(fields), raw_texts(), max_size=len(fields))
    unknown = st.dictionaries(st.sampled_from(["LA", "TRUONG_MOI"]), raw_texts(), max_size=1)
    return st.builds(lambda a, b: {**a, **b}, known, unknown).map(_consistent)


def _consistent(row: Row) -> Row:
    """Half of what a real row holds: its own visit's link."""
    return {"MA_LK": "MAU-1", **row} if len(row) % 2 else row


@st.composite
def table_sets(draw: st.DrawFn) -> dict[str, list[Row]]:
    tables = {}
    if draw(st.booleans()) or draw(st.booleans()):
        tables["XML1"] = [draw(rows_of("XML1"))]
    for name in ("XML2", "XML3", "XML4"):
        tables[name] = draw(st.lists(rows_of(name), max_size=3))
    for name in draw(st.lists(st.sampled_from(_DOCUMENT_TABLES), max_size=2, unique=True)):
        tables[name] = draw(st.lists(rows_of(name), min_size=1, max_size=2))
    return {name: rows for name, rows in tables.items() if rows}


@settings(max_examples=150, deadline=None)
@given(table_sets(), st.sampled_from([Variant.D130, Variant.D4750, Variant.D3176, Variant.D1931]))
def test_every_field_comes_back(tables: dict[str, list[Row]], variant: Variant) -> None:
    visit = make_visit(tables, variant=variant)
    assert round_trip(mapping(), visit) == visit


_OLD_FIELDS = {
    "XML1": "MA_LK STT MA_BN HO_TEN NGAY_SINH GIOI_TINH DIA_CHI MA_THE MA_DKBD GT_THE_TU GT_THE_DEN"
    " MIEN_CUNG_CT TEN_BENH MA_BENH MA_BENHKHAC MA_LYDO_VVIEN MA_NOI_CHUYEN MA_TAI_NAN NGAY_VAO"
    " NGAY_RA SO_NGAY_DTRI KET_QUA_DTRI TINH_TRANG_RV NGAY_TTOAN T_THUOC T_VTYT T_TONGCHI T_BNTT"
    " T_BNCCT T_BHTT T_NGUONKHAC T_NGOAIDS NAM_QT THANG_QT MA_LOAI_KCB MA_LOAIKCB MA_KHOA MA_CSKCB"
    " MA_KHUVUC MA_PTTT_QT CAN_NANG SO_PHIEU MA_THE_BHYT MA_BENH_CHINH",
    "XML2": "MA_LK STT MA_THUOC MA_NHOM TEN_THUOC DON_VI_TINH HAM_LUONG DUONG_DUNG LIEU_DUNG"
    " SO_DANG_KY TT_THAU PHAM_VI TYLE_TT SO_LUONG DON_GIA THANH_TIEN MUC_HUONG T_NGUON_KHAC T_BNTT"
    " T_BHTT T_BNCCT T_NGOAIDS MA_KHOA MA_BAC_SI MA_BENH NGAY_YL MA_PTTT TYLE_TT_BH",
    "XML3": "MA_LK STT MA_DICH_VU MA_VAT_TU MA_NHOM GOI_VTYT TEN_VAT_TU TEN_DICH_VU DON_VI_TINH"
    " PHAM_VI SO_LUONG DON_GIA TT_THAU TYLE_TT THANH_TIEN T_TRANTT MUC_HUONG T_NGUONKHAC T_BNTT"
    " T_BHTT T_BNCCT T_NGOAIDS MA_KHOA MA_GIUONG MA_BAC_SI MA_BENH NGAY_YL NGAY_KQ MA_PTTT",
    "XML4": "MA_LK STT MA_DICH_VU MA_CHI_SO TEN_CHI_SO GIA_TRI MA_MAY MO_TA KET_LUAN NGAY_KQ",
    "XML5": "MA_LK STT DIEN_BIEN HOI_CHAN PHAU_THUAT NGAY_YL",
}


@st.composite
def old_tables(draw: st.DrawFn) -> dict[str, list[Row]]:
    tables = {}
    for table, fields in _OLD_FIELDS.items():
        rows = st.dictionaries(st.sampled_from(fields.split()), raw_texts(), max_size=30)
        few = 1 if table == "XML1" else 2
        tables[table] = draw(st.lists(rows.map(_consistent), max_size=few))
    return {name: rows for name, rows in tables.items() if rows}


@settings(max_examples=100, deadline=None)
@given(old_tables(), st.sampled_from([Variant.D4210, Variant.D917]))
def test_every_field_of_older_decisions_comes_back(
    tables: dict[str, list[Row]], variant: Variant
) -> None:
    visit = make_visit(tables, variant=variant)
    assert round_trip(mapping(), visit) == visit


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=table_sets())
def test_whatever_is_sent_gives_valid_r4(
    definitions: Definitions, tables: dict[str, list[Row]]
) -> None:
    validator = Validator(definitions)
    shelf = Shelf()
    written = write(mapping(), make_visit(tables), shelf)
    for resource in (*shelf.kept.values(), *written):
        assert validator.check(resource) == [], resource
        _check_invariants(resource)


def _check_invariants(node: object) -> None:
    """The invariants of R4 that this output could break: ele-1, ext-1, per-1, mad-1, obs-6."""
    assert node not in (None, "", {}, [])
    if isinstance(node, list):
        for each in node:
            _check_invariants(each)
    if not isinstance(node, dict):
        return
    for each in node.values():
        _check_invariants(each)
    _check_element(node)


def _check_element(node: dict[str, object]) -> None:
    if isinstance(node.get("url"), str) and "contentType" not in node:
        assert ("extension" in node) != any(key.startswith("value") for key in node)
    start, end = node.get("start"), node.get("end")
    if isinstance(start, str) and isinstance(end, str):
        shorter = min(len(start), len(end))
        assert start[:shorter] <= end[:shorter]
    if node.get("resourceType") == "MedicationAdministration":
        assert "dosage" not in node or "dose" in str(node["dosage"])
    if node.get("resourceType") == "Observation" and "dataAbsentReason" in node:
        assert not any(key.startswith("value") for key in node)
