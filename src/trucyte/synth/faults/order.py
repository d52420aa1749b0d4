"""Faults of time, of copies between tables, and of rows and tables as wholes."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.dice import Dice
from trucyte.synth.faults.kind import (
    Kind,
    Place,
    Tables,
    change,
    days_later,
    drop,
    more,
    set_to,
)

_COURSES = ("02", "05", "07")


def _is_short(_row: Row, tables: Tables) -> bool:
    return tables["XML1"][0].get("MA_LOAI_KCB") not in _COURSES


def _has_single_card(row: Row, _tables: Tables) -> bool:
    return ";" not in row.get("GT_THE_TU", "")


TIMES: tuple[Kind, ...] = (
    change("leave-before-arrival", "date-order", "XML1", "NGAY_RA", days_later(-40)),
    change("admission-before-arrival", "date-order", "XML1", "NGAY_VAO_NOI_TRU", days_later(-3)),
    change("payment-before-leave", "date-order", "XML1", "NGAY_TTOAN", days_later(-60), _is_short),
    change("order-before-arrival", "date-order", "XML2", "NGAY_YL", days_later(-90)),
    change("order-after-leave", "date-order", "XML3", "NGAY_YL", days_later(90), _is_short),
    change("execution-before-order", "date-order", "XML3", "NGAY_TH_YL", days_later(-2)),
    change("drug-given-before-order", "date-order", "XML2", "NGAY_TH_YL", days_later(-2)),
    change("result-before-order", "date-order", "XML3", "NGAY_KQ", days_later(-2)),
    change("note-outside-stay", "date-order", "XML5", "THOI_DIEM_DBLS", days_later(-60)),
    change("appointment-before-leave", "date-order", "XML14", "NGAY_HEN_KL", days_later(-90)),
    set_to("card-expired", "card-validity", "XML1", "GT_THE_DEN", "20200101", _has_single_card),
    set_to("card-not-yet", "card-validity", "XML1", "GT_THE_TU", "20991231", _has_single_card),
    set_to("birth-after-arrival", "date-order", "XML1", "NGAY_SINH", "209901010000"),
    set_to("future-year", "range", "XML1", "NAM_QT", "2099"),
    set_to("month-thirteen", "range", "XML1", "THANG_QT", "13"),
    change("future-arrival", "future", "XML1", "NGAY_VAO", lambda text, *_: f"2099{text[4:]}"),
    change("treatment-days", "treatment-days", "XML1", "SO_NGAY_DTRI", more("7"), _is_short),
)

COPIES: tuple[Kind, ...] = (
    set_to("copy-appointment-name", "copy", "XML14", "HO_TEN", "NGƯỜI KHÁC MẪU"),
    set_to("copy-appointment-disease", "copy", "XML14", "MA_BENH_CHINH", "Z99.9"),
    set_to("copy-transfer-birth", "copy", "XML13", "NGAY_SINH", "190001010000"),
    set_to("copy-transfer-address", "copy", "XML13", "DIA_CHI", "Địa chỉ khác"),
    change(
        "copy-hiv-sex", "copy", "XML6", "GIOI_TINH", lambda text, *_: "2" if text == "1" else "1"
    ),
    set_to("copy-tuberculosis-name", "copy", "XML15", "HO_TEN", "NGƯỜI KHÁC MẪU"),
    set_to("copy-discharge-patient", "copy", "XML7", "MA_YTE", "BN-KHAC"),
    change("row-of-another-visit", "link", "XML2", "MA_LK", lambda text, *_: f"{text}-KHAC"),
    drop("row-without-link", "link", "XML3", "MA_LK"),
    set_to("supply-of-no-service", "reference", "XML3", "MA_DICH_VU", "99.9999.9999",
           lambda row, _: "MA_VAT_TU" in row),
    set_to("result-of-no-service", "reference", "XML4", "MA_DICH_VU", "99.9999.9999"),
)  # fmt: skip


def _repeated(dice: Dice, tables: Tables) -> Place | None:
    rows = tables.get("XML2", [])
    if not rows:
        return None
    rows.append(dict(dice.pick(rows)))
    return Place("XML2", len(rows), "")


def _two_summaries(_dice: Dice, tables: Tables) -> Place | None:
    tables["XML1"].append(dict(tables["XML1"][0]))
    return Place("XML1", 2, "")


def _gone(name: str, table: str) -> Kind:
    def plant(_dice: Dice, tables: Tables) -> Place | None:
        return Place(table, 0, "") if tables.pop(table, None) else None

    return Kind(name, "missing-table", plant)


def _no_lines(_dice: Dice, tables: Tables) -> Place | None:
    if "XML2" not in tables and "XML3" not in tables:
        return None
    tables.pop("XML2", None)
    tables.pop("XML3", None)
    return Place("XML2", 0, "")


WHOLES: tuple[Kind, ...] = (
    Kind("repeated-drug-row", "duplicate-row", _repeated),
    Kind("two-summaries", "duplicate-row", _two_summaries),
    Kind("no-cost", "missing-table", _no_lines),
    _gone("no-notes", "XML5"),
    _gone("no-discharge-paper", "XML7"),
    _gone("no-record-summary", "XML8"),
    _gone("no-transfer-paper", "XML13"),
)

KINDS: tuple[Kind, ...] = TIMES + COPIES + WHOLES
