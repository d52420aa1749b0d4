"""Generated visits keep the money rules and the order of dates, whatever the seed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.synth_rules import date_faults, line_faults, sum_faults
from trucyte.intake.claims.tables import Variant
from trucyte.synth.run import Options, visits

NEW = (Variant.D130, Variant.D4750, Variant.D3176, Variant.D1931)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(NEW), st.sampled_from((0.0, 0.1)))
def test_every_line_and_sum_is_exact(seed: int, variant: Variant, sensitive: float) -> None:
    for visit in visits(Options(visits=80, seed=seed, variant=variant, sensitive=sensitive)):
        for table in ("XML2", "XML3"):
            for row in visit.tables.get(table, []):
                assert line_faults(row, is_drug=table == "XML2", variant=variant) == []
        assert sum_faults(visit) == []


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(NEW))
def test_dates_are_in_order(seed: int, variant: Variant) -> None:
    for visit in visits(Options(visits=80, seed=seed, variant=variant, sensitive=0.05)):
        assert date_faults(visit) == []


def test_all_branches_of_other_funding_are_met() -> None:
    met = set()
    for visit in visits(Options(visits=4000, seed=5, sensitive=0.02)):
        for row in visit.tables.get("XML2", []) + visit.tables.get("XML3", []):
            if float(row["T_NGUONKHAC"]) == 0:
                continue
            met |= {
                "a1" if float(row["T_BNTT"]) > 0 else "a2" if float(row["T_BNCCT"]) > 0 else "a3"
            }
            quantity, price = float(row["SO_LUONG"]), float(row.get("DON_GIA", "0"))
            full = quantity * price * float(row["TYLE_TT_BH"]) / 100
            if "DON_GIA" in row and float(row["THANH_TIEN_BH"]) < full - 1:
                met.add("b")
            if row.get("NGUON_CTRA") and "40.2646" in row.get("MA_THUOC", ""):
                met.add("c")
    assert met == {"a1", "a2", "a3", "b", "c"}


@pytest.mark.parametrize(("variant", "has_half"), [(Variant.D1931, True), (Variant.D3176, False)])
def test_half_per_cents_are_written_only_since_decision_1931(
    variant: Variant, has_half: bool
) -> None:
    rates = {
        row["MUC_HUONG"]
        for visit in visits(Options(visits=4000, seed=2, variant=variant))
        for row in visit.tables["XML1"] and visit.tables.get("XML3", [])
    }
    assert ("47.5" in rates) is has_half
    assert {"80", "95", "100", "0", "32"} <= rates


def test_a_visit_that_costs_little_is_paid_in_full() -> None:
    for visit in visits(Options(visits=600, seed=3)):
        summary = visit.tables["XML1"][0]
        if summary["MA_DOITUONG_KCB"] not in ("1.1", "1.3", "2") or summary["MA_LOAI_KCB"] == "07":
            continue
        total = int(summary["T_TONGCHI_BH"].replace(".", ""))
        rates = {row["MUC_HUONG"] for row in visit.tables["XML3"]}
        digit = summary["MA_THE_BHYT"][2]
        expected = {"3": "95", "4": "80"}.get(digit, "100")
        assert rates == {"100" if total < 35_100_000 else expected}
