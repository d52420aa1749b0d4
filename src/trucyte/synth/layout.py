"""The tables as files carry them: roots, wrappers, fields in order, by decision.

Roots are the mapping table's, fields the annex's; what 130, 3176 and 4210 have otherwise
is said here.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from trucyte.intake.claims.mapping.plan import load_plan
from trucyte.intake.claims.tables import Variant
from trucyte.vietnam.claims_fields import claims_fields
from trucyte.vietnam.systems import load_systems

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
    if variant is Variant.D4210:
        return {table: Layout(_root(table)[-2:], fields) for table, fields in _old().items()}
    annex: dict[str, list[str]] = {}
    for row in claims_fields():
        annex.setdefault(row.table, []).append(row.field)
    return {
        table: Layout(_root(table), _fields(table, names, variant))
        for table, names in annex.items()
        if variant is not Variant.D130 or table not in NEW_IN_4750
    }


def _old() -> Mapping[str, list[str]]:
    text = (resources.files("trucyte.synth") / "data" / "fields.toml").read_text(encoding="utf-8")
    return {table: names.split() for table, names in tomllib.loads(text)["d4210"].items()}


@cache
def _root(table: str) -> Sequence[str]:
    return load_plan(table, load_systems()).root


def _fields(table: str, names: list[str], variant: Variant) -> list[str]:
    if variant is Variant.D130:
        added = _ADDED_BY_4750.get(table, frozenset())
        return [name for name in names if name not in added]
    if variant is Variant.D4750:
        return names
    renamed = RENAMED_BY_3176.get(table, {})
    dropped = DROPPED_BY_3176.get(table, frozenset())
    return [renamed.get(name, name) for name in names if name not in dropped]
