"""Say the rows of a visit as another decision wrote them.

Rows are made under the union of fields of Decision 4750; here fields are renamed, dropped
or turned into the older codes of 4210 (vn-formats, sections 1.10 and 2.1).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from trucyte.intake.claims.tables import Row, Variant
from trucyte.synth.layout import RENAMED_BY_3176, layouts

_ZERO = "0.00"
_CARE_4210 = {
    "02": "2",
    "05": "2",
    "07": "2",
    "08": "2",
    "03": "3",
    "04": "3",
    "06": "3",
    "09": "3",
}
_RESULT_4210 = {"6": "4", "7": "3", "8": "5"}
_METHOD_4210 = {"1": "0", "2": "1", "3": "3"}
_GROUP_4210 = {"16": "15", "18": "8", "19": "9", "17": "7"}
_RENAMED_4210: Mapping[str, Mapping[str, str]] = {
    "XML1": {
        "MA_THE_BHYT": "MA_THE",
        "NGAY_MIEN_CCT": "MIEN_CUNG_CT",
        "CHAN_DOAN_RV": "TEN_BENH",
        "MA_BENH_CHINH": "MA_BENH",
        "MA_BENH_KT": "MA_BENHKHAC",
        "MA_NOI_DI": "MA_NOI_CHUYEN",
        "MA_LOAI_RV": "TINH_TRANG_RV",
        "T_TONGCHI_BV": "T_TONGCHI",
    },
    "XML2": {
        "TYLE_TT_BH": "TYLE_TT",
        "THANH_TIEN_BV": "THANH_TIEN",
        "T_NGUONKHAC": "T_NGUON_KHAC",
    },
    "XML3": {"TYLE_TT_BH": "TYLE_TT", "THANH_TIEN_BV": "THANH_TIEN", "DON_GIA_BV": "DON_GIA"},
    "XML5": {"DIEN_BIEN_LS": "DIEN_BIEN", "THOI_DIEM_DBLS": "NGAY_YL"},
}


def as_variant(tables: dict[str, list[Row]], variant: Variant) -> dict[str, list[Row]]:
    """Return the tables with the names and codes of `variant`; fields it lacks are gone."""
    if variant is Variant.D4210:
        tables = _as_4210(tables)
    elif variant in (Variant.D3176, Variant.D1931):
        _as_3176(tables)
    known = layouts(variant)
    return {
        table: [_only(row, known[table].fields) for row in rows]
        for table, rows in tables.items()
        if table in known and rows
    }


def _only(row: Row, fields: Sequence[str]) -> Row:
    return {name: row[name] for name in fields if row.get(name)}


def _as_3176(tables: dict[str, list[Row]]) -> None:
    for table, names in RENAMED_BY_3176.items():
        for row in tables.get(table, []):
            for old, new in names.items():
                if old in row:
                    row[new] = row.pop(old)
    for row in tables.get("XML14", []):
        row["NGAY_HEN_KL"] = row["NGAY_HEN_KL"][:8]


def _as_4210(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    machines = {
        row["MA_DICH_VU"]: row["MA_MAY"] for row in tables.get("XML3", []) if row.get("MA_MAY")
    }
    main = tables["XML1"][0]["MA_BENH_CHINH"]
    found: dict[str, list[Row]] = {}
    for table, rows in tables.items():
        names = _RENAMED_4210.get(table, {})
        found[table] = [{names.get(key, key): value for key, value in r.items()} for r in rows]
    for row in found.get("XML2", []) + found.get("XML3", []):
        row["MA_PTTT"] = _METHOD_4210[row["MA_PTTT"]]
        row["MA_NHOM"] = _GROUP_4210.get(row["MA_NHOM"], row["MA_NHOM"])
        row["T_NGOAIDS"] = row["T_BHTT"] if row["MA_NHOM"] in ("5", "12") else _ZERO
        row.setdefault("MA_BENH", main)
    for row in found.get("XML4", []):
        row["MA_MAY"] = machines.get(row["MA_DICH_VU"], "")
    _summary_4210(found)
    return found


def _summary_4210(tables: dict[str, list[Row]]) -> None:
    row = tables["XML1"][0]
    row["NGAY_SINH"] = row["NGAY_SINH"][:8]
    if row["NGAY_SINH"].endswith("0000"):
        row["NGAY_SINH"] = f"{row['NGAY_SINH'][:4]}0101"
    category = row.get("MA_DOITUONG_KCB", "")
    row["MA_LYDO_VVIEN"] = {"2": "2", "3": "3"}.get(category[:1], "1")
    row["TINH_TRANG_RV"] = "2" if row["TINH_TRANG_RV"] == "5" else row["TINH_TRANG_RV"]
    row["KET_QUA_DTRI"] = _RESULT_4210.get(row["KET_QUA_DTRI"], row["KET_QUA_DTRI"])
    row["MA_LOAI_KCB"] = _CARE_4210.get(row["MA_LOAI_KCB"], "1")
    row["MA_KHOA"] = row["MA_KHOA"].split(";")[-1]
    lines = tables.get("XML2", []) + tables.get("XML3", [])
    row["T_NGOAIDS"] = str(sum((Decimal(line["T_NGOAIDS"]) for line in lines), Decimal(0)))
    if row["T_NGOAIDS"] == "0":
        row["T_NGOAIDS"] = _ZERO
