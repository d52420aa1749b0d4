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
