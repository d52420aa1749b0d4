"""Faults of money: lines, shares, sums, rates."""

from decimal import Decimal

from trucyte.intake.claims.tables import Row
from trucyte.synth.dice import Dice
from trucyte.synth.faults.kind import Kind, Place, Tables, change, more, set_to


def _is_shared(row: Row, _tables: Tables) -> bool:
    return Decimal(row["T_BNCCT"]) > 0 and Decimal(row["T_NGUONKHAC"]) == 0


def _shift_split(table: str, name: str) -> Kind:
    """Move money from the fund to the patient: the balance holds, the split does not."""

    def plant(dice: Dice, tables: Tables) -> Place | None:
        rows = tables.get(table, [])
        fit = [
            n
            for n, row in enumerate(rows)
            if "T_NGUONKHAC" in row and _is_shared(row, tables) and Decimal(row["T_BHTT"]) > 900
        ]
        if not fit:
            return None
        row = rows[dice.pick(fit)]
        row["T_BNCCT"] = str(Decimal(row["T_BNCCT"]) + 900)
        row["T_BHTT"] = str(Decimal(row["T_BHTT"]) - 900)
        return Place(table, rows.index(row) + 1, "T_BNCCT")

    return Kind(name, "line-split", plant)


def _sum(name: str, field: str) -> Kind:
    return change(name, "sum", "XML1", field, more("12345"))


KINDS: tuple[Kind, ...] = (
    change("drug-hospital-amount", "line-formula", "XML2", "THANH_TIEN_BV", more("1000")),
    change("drug-insured-amount", "line-formula", "XML2", "THANH_TIEN_BH", more("1000")),
    change("service-hospital-amount", "line-formula", "XML3", "THANH_TIEN_BV", more("2500")),
    change("service-insured-amount", "line-formula", "XML3", "THANH_TIEN_BH", more("2500")),
    change("drug-amount-4210", "line-formula", "XML2", "THANH_TIEN", more("1000")),
    change("drug-balance", "line-balance", "XML2", "T_BHTT", more("5000")),
    change("service-balance", "line-balance", "XML3", "T_BNTT", more("5000")),
    change("drug-quantity", "line-formula", "XML2", "SO_LUONG", more("3")),
    change("service-price", "line-formula", "XML3", "DON_GIA_BV", more("700")),
    _shift_split("XML2", "drug-split"),
    _shift_split("XML3", "service-split"),
    change("other-funding-parts", "line-other-funding", "XML2", "T_NGUONKHAC_CL", more("777")),
    set_to("negative-quantity", "range", "XML3", "SO_LUONG", "-1.000"),
    set_to("negative-price", "range", "XML2", "DON_GIA", "-350.000"),
    set_to("rate-over-hundred", "range", "XML2", "TYLE_TT_BH", "150"),
    set_to("benefit-over-hundred", "range", "XML3", "MUC_HUONG", "120"),
    _sum("sum-drugs", "T_THUOC"),
    _sum("sum-supplies", "T_VTYT"),
    _sum("sum-hospital", "T_TONGCHI_BV"),
    _sum("sum-insured", "T_TONGCHI_BH"),
    _sum("sum-patient-outside", "T_BNTT"),
    _sum("sum-patient-share", "T_BNCCT"),
    _sum("sum-fund", "T_BHTT"),
    _sum("sum-other", "T_NGUONKHAC"),
    _sum("sum-fund-by-service", "T_BHTT_GDV"),
    _sum("sum-total-4210", "T_TONGCHI"),
)
