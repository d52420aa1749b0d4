"""The rules that generated visits keep, said once for the tests that check them."""

from decimal import ROUND_HALF_UP, Decimal

from trucyte.intake.claims.tables import Row, Variant, Visit

CENT = Decimal("0.01")
PARTS = ("NSNN", "VTNN", "VTTN", "CL")


def half_up(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def number(row: Row, field: str) -> Decimal:
    return Decimal(row[field])


def line_faults(row: Row, *, is_drug: bool, variant: Variant) -> list[str]:
    """Return what is wrong with the money of one XML2 or XML3 row (vn-formats 1.8)."""
    found = []
    quantity, fund_rate = number(row, "SO_LUONG"), number(row, "TYLE_TT_BH")
    price_bv = number(row, "DON_GIA" if is_drug else "DON_GIA_BV")
    price_bh = price_bv if is_drug else number(row, "DON_GIA_BH")
    service = Decimal(100) if is_drug else number(row, "TYLE_TT_DV")
    bv, bh = number(row, "THANH_TIEN_BV"), number(row, "THANH_TIEN_BH")
    other = number(row, "T_NGUONKHAC")
    outside, share, fund = (number(row, f) for f in ("T_BNTT", "T_BNCCT", "T_BHTT"))
    if bv != half_up(quantity * price_bv * (service if variant != Variant.D130 else 100) / 100):
        found.append("THANH_TIEN_BV")
    if bv != outside + share + fund + other:
        found.append("balance")
    if other != sum(number(row, f"T_NGUONKHAC_{part}") for part in PARTS):
        found.append("T_NGUONKHAC")
    if min(bv, bh, outside, share, fund, other) < 0:
        found.append("negative")
    plain_bh = half_up(quantity * price_bh * service * fund_rate / 10000)
    off_the_top = half_up((bv - other) * fund_rate / 100)
    if bh not in (plain_bh, off_the_top):
        found.append("THANH_TIEN_BH")
    if (outside, share, fund) not in splits(bv, bh, other, number(row, "MUC_HUONG")):
        found.append("split")
    return found


def splits(bv: Decimal, bh: Decimal, other: Decimal, rate: Decimal) -> list[tuple[Decimal, ...]]:
    """Return the splits the three branches allow."""
    outside0 = bv - bh
    fund0 = half_up(bh * rate / 100)
    share0 = bh - fund0
    if other <= outside0:
        branch_a = (outside0 - other, share0, fund0)
    elif other <= outside0 + share0:
        branch_a = (Decimal(0), share0 - (other - outside0), fund0)
    else:
        branch_a = (Decimal(0), Decimal(0), fund0 - (other - outside0 - share0))
    return [branch_a, (bv - other - bh, share0, fund0), (outside0, Decimal(0), fund0)]


def sum_faults(visit: Visit) -> list[str]:
    """Return the XML1 sums that are not the sums of the lines."""
    summary = visit.tables["XML1"][0]
    drugs = visit.tables.get("XML2", [])
    services = visit.tables.get("XML3", [])
    lines = drugs + services

    def total(rows: list[Row], field: str) -> Decimal:
        return sum((number(row, field) for row in rows), Decimal(0))

    wanted = {
        "T_THUOC": total(drugs, "THANH_TIEN_BV"),
        "T_VTYT": total([r for r in services if r["MA_NHOM"] in ("10", "11")], "THANH_TIEN_BV"),
        "T_TONGCHI_BV": total(lines, "THANH_TIEN_BV"),
        "T_TONGCHI_BH": total(lines, "THANH_TIEN_BH"),
        "T_BNTT": total(lines, "T_BNTT"),
        "T_BNCCT": total(lines, "T_BNCCT"),
        "T_NGUONKHAC": total(lines, "T_NGUONKHAC"),
        "T_BHTT": total(lines, "T_BHTT"),
        "T_BHTT_GDV": total([r for r in lines if r["MA_PTTT"] == "1"], "T_BHTT"),
    }
    found = [field for field, value in wanted.items() if number(summary, field) != value]
    parts = ("T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC")
    if number(summary, "T_TONGCHI_BV") != sum(number(summary, field) for field in parts):
        found.append("grand total")
    return found


def date_faults(visit: Visit) -> list[str]:
    """Return what is out of order by vn-formats 1.9.5."""
    return [*_stay_faults(visit.tables["XML1"][0]), *_row_faults(visit)]


def _stay_faults(summary: Row) -> list[str]:
    arrival, leave = summary["NGAY_VAO"], summary["NGAY_RA"]
    is_course = summary["MA_LOAI_KCB"] in ("02", "05", "07")
    paid = "9" if is_course else summary.get("NGAY_TTOAN", "9")
    cards = (summary.get("GT_THE_TU", "0"), summary.get("GT_THE_DEN", "9"))
    checks = {
        "birth": summary["NGAY_SINH"] <= arrival <= leave,
        "admission": arrival <= summary.get("NGAY_VAO_NOI_TRU", arrival) <= leave,
        "payment": leave <= paid,
        "card": cards[0].split(";")[0] <= arrival[:8] <= cards[1].split(";")[-1],
    }
    return [name for name, is_right in checks.items() if not is_right]


def _row_faults(visit: Visit) -> list[str]:
    arrival, leave = visit.summary["NGAY_VAO"], visit.summary["NGAY_RA"]
    found = []
    for row in visit.tables.get("XML2", []) + visit.tables.get("XML3", []):
        order = row["NGAY_YL"]
        if not arrival <= order <= leave:
            found.append(f"order {row}")
        if not order <= row.get("NGAY_TH_YL", order) <= row.get("NGAY_KQ", "9"):
            found.append(f"execution {row}")
    for row in visit.tables.get("XML5", []):
        if not arrival <= row["THOI_DIEM_DBLS"] <= leave:
            found.append("note")
    return found
