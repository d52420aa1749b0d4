"""Odd but allowed things that some systems send, so that every field is met somewhere."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.plan import Plan

_RESERVE = "Dự phòng SYN"
_COMMON = frozenset(("XML1", "XML2", "XML3", "XML4", "XML5"))
_UNISSUED = {"XML1": ("MA_LY_DO_VNT",), "XML0": ("MA_LY_DO_VNT",), "XML3": ("VI_TRI_TH_DVKT",)}


def add_quirks(plan: Plan, tables: dict[str, list[Row]]) -> None:
    """Fill reserve fields and fields whose list was never issued, here and there."""
    dice = plan.dice
    for table, rows in tables.items():
        if not rows or not plan.may(0.01 if table in _COMMON else 0.25):
            continue
        row = rows[dice.between(0, len(rows) - 1)]
        row["DU_PHONG"] = _RESERVE
        for name in _UNISSUED.get(table, ()):
            row[name] = "1"
        if table in ("XML2", "XML3"):
            row["VET_THUONG_TP"] = "1"
