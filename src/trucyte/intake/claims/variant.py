"""Which decision a visit was written to: a claims file has no version attribute.

Content decides where it can (a tag that only one decision has), the end of the visit
decides the rest (`vn-formats` 1.1, 1.10, 2.3). A visit is never refused for its variant.
"""

from collections.abc import Collection, Mapping
from datetime import date

from trucyte.intake.claims.tables import Variant

# The first day of each decision, by the end of the visit.
_BEGINNINGS = (
    (date(2026, 7, 1), Variant.D1931),
    (date(2025, 1, 1), Variant.D3176),
    (date(2024, 7, 1), Variant.D4750),
)
_ONLY_4210 = frozenset({"MA_THE", "MA_LYDO_VVIEN", "TEN_BENH", "MA_BENHKHAC", "T_TONGCHI"})
_SINCE_130 = frozenset({"MA_THE_BHYT", "T_TONGCHI_BV", "MA_DOITUONG_KCB", "MA_BENH_CHINH"})
_SINCE_4750 = frozenset({"XML13", "XML14", "XML15"})


def find_variant(tags: Mapping[str, Collection[str]], end: date | None) -> Variant:
    """Return the variant of a visit.

    `tags` gives for each table the names of the fields that stand in it, empty ones
    too; `end` is NGAY_RA, or the next best date where that is missing.
    """
    summary = frozenset(tags.get("XML1", ()))
    if summary & _ONLY_4210 and not summary & _SINCE_130:
        return Variant.D4210
    by_date = next((variant for first, variant in _BEGINNINGS if end and end >= first), None)
    transfer = tags.get("XML13", ())
    if by_date is not Variant.D1931:
        if "MA_CSKCB_DI" in transfer or "MA_CSKCB_DEN" in transfer:
            return Variant.D3176
        if "MA_NOI_DI" in transfer or "MA_NOI_DEN" in transfer:
            return Variant.D4750
    if by_date is not None:
        return by_date
    is_4750 = _SINCE_4750 & tags.keys() or "NHOM_MAU" in summary
    return Variant.D4750 if is_4750 or "NGAY_VAO_NOI_TRU" in tags.get("XML0", ()) else Variant.D130


def date_of(text: str) -> date | None:
    """Return the day of `yyyymmdd` or `yyyymmddHHMM`, or None where it is not a real one."""
    digits = text[:8]
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
