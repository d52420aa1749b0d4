"""Visits written as files are read as the same visits."""

import io
from dataclasses import replace
from datetime import date

import pytest

from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import TABLES, Row, Variant, Visit
from trucyte.intake.claims.write import (
    MixedFacilities,
    write_check_in,
    write_checkout,
    write_envelope,
)
from trucyte.intake.limits import DEFAULT
from trucyte.intake.reading import Reading

SUMMARY = {
    "MA_LK": "LK-1",
    "STT": "1",
    "MA_BN": "BN-1",
    "HO_TEN": "NGUYỄN VĂN <MẪU> & CON",
    "NHOM_MAU": "O+",
    "NGAY_RA": "202602150930",
    "MA_CSKCB": "00001",
}


def read(data: bytes) -> list[Visit]:
    reader = VisitReader(DEFAULT)
    return [reader.read(piece) for piece in Reading(io.BytesIO(data), DEFAULT)]


def full_visit() -> Visit:
    tables: dict[str, list[Row]] = {"XML1": [dict(SUMMARY)]}
    for table in TABLES:
        if table not in {"XML0", "XML1", "XML12"}:
            tables[table] = [{"MA_LK": "LK-1", "DU_PHONG": f"{table} ]]> dòng {n}"} for n in (1, 2)]
    return Visit(Variant.D3176, "00001", "LK-1", "BN-1", date(2026, 2, 16), tables)


@pytest.mark.parametrize("is_inline", [False, True])
def test_an_envelope_of_every_table_is_read_as_the_same_visits(is_inline: bool) -> None:
    visits = [
        full_visit(),
        Visit(
            Variant.D3176, "00001", "LK-2", "BN-2", date(2026, 2, 16),
            {"XML1": [{**SUMMARY, "MA_LK": "LK-2", "MA_BN": "BN-2"}]},
        ),
    ]  # fmt: skip
    assert read(write_envelope(visits, is_inline=is_inline)) == visits


def test_the_same_visits_give_the_same_bytes_whatever_the_order_of_fields() -> None:
    visit = full_visit()
    turned = replace(
        visit,
        tables={
            name: [dict(reversed(row.items())) for row in rows]
            for name, rows in visit.tables.items()
        },
    )
    assert write_envelope([visit]) == write_envelope([turned])


def test_an_envelope_of_4210_has_the_list_itself_as_root() -> None:
    tables: dict[str, list[Row]] = {
        "XML1": [{"MA_LK": "LK-1", "MA_BN": "BN-1", "MA_THE": "GD1", "TEN_BENH": "Sốt"}],
        "XML2": [{"MA_LK": "LK-1", "THANH_TIEN": "1"}],
    }
    visit = Visit(Variant.D4210, "00001", "LK-1", "BN-1", date(2019, 1, 1), tables)
    data = write_envelope([visit], is_inline=True)
    assert b"<NOIDUNGFILE><DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC>" in data
    assert read(data) == [visit]


def test_a_check_in_is_a_document_of_its_own() -> None:
    row = {"MA_LK": "LK-1", "MA_BN": "BN-1", "NGAY_VAO": "202602150800", "MA_CSKCB": "00001"}
    visit = Visit(Variant.D3176, "00001", "LK-1", "BN-1", None, {"XML0": [row]})
    assert [found.tables for found in read(write_check_in([visit]))] == [visit.tables]


def test_a_checkout_of_917_is_read_as_the_same_visit() -> None:
    tables: dict[str, list[Row]] = {
        "XML1": [{"MA_LK": "LK-1", "MA_BN": "BN-1", "MA_LOAIKCB": "1", "MA_CSKCB": "00001"}],
        "XML2": [{"MA_THUOC": "40.48", "SO_LUONG": "2"}],
        "XML3": [{"MA_DICH_VU": "02.03"}],
        "XML5": [{"DIEN_BIEN": "Ổn"}],
    }
    visit = Visit(Variant.D917, "00001", "LK-1", "BN-1", None, tables)
    assert read(write_checkout(visit)) == [visit]


def test_visits_of_two_facilities_do_not_share_a_file() -> None:
    visit = full_visit()
    with pytest.raises(MixedFacilities) as refused:
        write_envelope([visit, replace(visit, facility="00002")])
    assert refused.value.facts == {"count": 2}
