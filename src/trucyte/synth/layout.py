"""The tables as files carry them: roots, wrappers, fields in order, by decision."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from trucyte.intake.claims.tables import Variant

_WRAPPERS: Mapping[str, Sequence[str]] = {
    "XML0": ("CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
    "XML1": ("TONG_HOP",),
    "XML2": ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
    "XML3": ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
    "XML4": ("CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
    "XML5": (
        "CHITIEU_CHITIET_DIENBIENLAMSANG",
        "DSACH_CHI_TIET_DIEN_BIEN_BENH",
        "CHI_TIET_DIEN_BIEN_BENH",
    ),
    "XML6": (
        "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
    ),
    "XML7": ("CHI_TIEU_DU_LIEU_GIAY_RA_VIEN",),
    "XML8": ("CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN",),
    "XML9": (
        "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH",
        "DSACH_GIAYCHUNGSINH",
        "DU_LIEU_GIAY_CHUNG_SINH",
    ),
    "XML10": ("CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI",),
    "XML11": ("CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",),
    "XML12": ("GIAM_DINH_Y_KHOA",),
    "XML13": ("CHI_TIEU_GIAYCHUYENTUYEN",),
    "XML14": ("CHI_TIEU_GIAYHEN_KHAMLAI",),
    "XML15": (
        "CHI_TIEU_DIEUTRI_BENHLAO",
        "DSACH_CHITIET_DIEUTRI_BENHLAO",
        "CHITIET_DIEUTRI_BENHLAO",
    ),
}
_ADDED_BY_4750: Mapping[str, frozenset[str]] = {
    "XML0": frozenset(
        {
            "NGAY_VAO_NOI_TRU",
            "LY_DO_VNT",
            "MA_LY_DO_VNT",
            "MA_THUOC",
            "TEN_THUOC",
            "MA_VAT_TU",
            "TEN_VAT_TU",
            "DU_PHONG",
        }
    ),
    "XML1": frozenset({"NHOM_MAU"}),
    "XML2": frozenset({"NGAY_TH_YL"}),
    **{table: frozenset({"DU_PHONG"}) for table in ("XML7", "XML9", "XML10", "XML11")},
}
NEW_IN_4750 = ("XML13", "XML14", "XML15")
RENAMED_BY_3176: Mapping[str, Mapping[str, str]] = {
    "XML13": {
        "MA_NOI_DI": "MA_CSKCB_DI",
        "MA_NOI_DEN": "MA_CSKCB_DEN",
        "PP_DIEU_TRI": "TINH_TRANG_CT",
    }
}
DROPPED_BY_3176: Mapping[str, frozenset[str]] = {"XML13": frozenset({"TEN_DICH_VU", "TEN_THUOC"})}


@dataclass(frozen=True, slots=True)
class Layout:
    """One table under one decision; `wrappers` from the root to the row element."""

    wrappers: Sequence[str]
    fields: Sequence[str]


@cache
def layouts(variant: Variant) -> Mapping[str, Layout]:
    """Return the tables a decision has, in file order."""
    text = (resources.files("trucyte.synth") / "data" / "fields.toml").read_text(encoding="utf-8")
    fields = tomllib.loads(text)
    if variant is Variant.D4210:
        return {
            table: Layout(_WRAPPERS[table][-2:], names.split())
            for table, names in fields["d4210"].items()
        }
    found = {}
    for table, names in fields["d4750"].items():
        if variant is Variant.D130 and table in NEW_IN_4750:
            continue
        found[table] = Layout(_WRAPPERS[table], _fields(table, names.split(), variant))
    return found


def _fields(table: str, names: list[str], variant: Variant) -> list[str]:
    if variant is Variant.D130:
        added = _ADDED_BY_4750.get(table, frozenset())
        return [name for name in names if name not in added]
    if variant is Variant.D4750:
        return names
    renamed = RENAMED_BY_3176.get(table, {})
    dropped = DROPPED_BY_3176.get(table, frozenset())
    return [renamed.get(name, name) for name in names if name not in dropped]
