"""Faults of form, presence and codes."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.faults.kind import Kind, Tables, change, drop, set_to

_PERFORMED = ("1", "2", "3", "8", "18")


def _is_single_card(row: Row, _tables: Tables) -> bool:
    return ";" not in row["MA_THE_BHYT"]


def _is_performed(row: Row, _tables: Tables) -> bool:
    return row.get("MA_NHOM") in _PERFORMED


def _is_new_unit(_row: Row, tables: Tables) -> bool:
    return tables["XML1"][0]["NGAY_RA"] >= "20250701"


FORM = (
    change(
        "card-too-short",
        "form",
        "XML1",
        "MA_THE_BHYT",
        lambda text, *_: text[:-1],
        _is_single_card,
    ),
    change("card-too-short-4210", "form", "XML1", "MA_THE", lambda text, *_: text[:-1]),
    change(
        "card-benefit-digit",
        "form",
        "XML1",
        "MA_THE_BHYT",
        lambda text, *_: f"{text[:2]}9{text[3:]}",
    ),
    change(
        "card-list-counts", "list-count", "XML1", "GT_THE_DEN", lambda text, *_: f"{text};20261231"
    ),
    change("personal-number-form", "form", "XML1", "SO_CCCD", lambda text, *_: text[:-1]),
    change(
        "birth-date-form", "form", "XML1", "NGAY_SINH", lambda text, *_: f"{text[:4]}1345{text[8:]}"
    ),
    set_to("sex-code", "code", "XML1", "GIOI_TINH", "4"),
    change("signer-form", "form", "XML1", "MA_TTDV", lambda text, *_: text[:-1]),
    change("arrival-form", "form", "XML1", "NGAY_VAO", lambda text, *_: text[:10]),
    change("amount-decimal-comma", "form", "XML1", "T_THUOC", lambda text, *_: f"{text[:-3]},50"),
    change("order-time-form", "form", "XML3", "NGAY_YL", lambda text, *_: f"{text[:8]}2575"),
    change("name-too-long", "length", "XML1", "HO_TEN", lambda text, *_: text + " MẪU" * 80),
    change(
        "too-many-companions",
        "length",
        "XML1",
        "MA_BENH_KT",
        lambda text, *_: ";".join([text] + [f"R{n}" for n in range(10, 28)]),
    ),
)

REQUIRED = (
    drop("missing-name", "required", "XML1", "HO_TEN"),
    drop("missing-sex", "required", "XML1", "GIOI_TINH"),
    drop("missing-main-disease", "required", "XML1", "MA_BENH_CHINH"),
    drop("missing-reason", "required", "XML1", "LY_DO_VV"),
    drop("missing-weight", "required", "XML1", "CAN_NANG"),
    drop("missing-care-type", "required", "XML1", "MA_LOAI_KCB"),
    drop("missing-drug-code", "required", "XML2", "MA_THUOC"),
    drop("missing-strength", "required", "XML2", "HAM_LUONG"),
    drop(
        "missing-tender",
        "conditional",
        "XML2",
        "TT_THAU",
        lambda row, _: row.get("MA_NHOM") not in ("7", "17"),
    ),
    drop("missing-performer", "conditional", "XML3", "NGUOI_THUC_HIEN", _is_performed),
    drop("missing-execution-time", "conditional", "XML3", "NGAY_TH_YL", _is_performed),
    drop("missing-fuel-code", "conditional", "XML3", "MA_XANG_DAU"),
    drop(
        "missing-result-time",
        "conditional",
        "XML4",
        "NGAY_KQ",
        lambda row, _: bool(row.get("GIA_TRI")),
    ),
    drop("missing-note-author", "required", "XML5", "NGUOI_THUC_HIEN"),
    drop("missing-rest-days", "conditional", "XML7", "SO_NGAY_NGHI"),
    drop("missing-leave-signer", "required", "XML11", "MA_TTDV"),
)

CODES = (
    set_to("care-type-code", "code", "XML1", "MA_LOAI_KCB", "99"),
    set_to("category-code", "code", "XML1", "MA_DOITUONG_KCB", "9.9"),
    set_to("result-code", "code", "XML1", "KET_QUA_DTRI", "9"),
    set_to("discharge-code", "code", "XML1", "MA_LOAI_RV", "7"),
    set_to("discharge-code-4210", "code", "XML1", "TINH_TRANG_RV", "9"),
    set_to("injury-code", "code", "XML1", "MA_TAI_NAN", "9"),
    set_to("ethnic-code", "code", "XML1", "MA_DANTOC", "99"),
    set_to("province-code", "code", "XML1", "MATINH_CU_TRU", "99"),
    set_to("commune-code", "code", "XML1", "MAXA_CU_TRU", "99999", _is_new_unit),
    set_to("area-code", "code", "XML1", "MA_KHUVUC", "K9"),
    set_to("disease-code", "code", "XML1", "MA_BENH_CHINH", "ZZ9"),
    set_to("department-code", "code", "XML3", "MA_KHOA", "X01"),
    set_to("drug-group-code", "code", "XML2", "MA_NHOM", "13"),
    set_to("service-group-code", "code", "XML3", "MA_NHOM", "25"),
    set_to("scope-code", "code", "XML2", "PHAM_VI", "5"),
    set_to("method-code", "code", "XML3", "MA_PTTT", "7"),
    set_to("package-code", "form", "XML3", "GOI_VTYT", "X1"),
    set_to("reuse-flag", "code", "XML3", "TAI_SU_DUNG", "2"),
    set_to("leave-form-number", "code", "XML11", "MAU_SO", "CT99"),
)

KINDS: tuple[Kind, ...] = FORM + REQUIRED + CODES
