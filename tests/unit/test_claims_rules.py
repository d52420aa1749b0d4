"""Rules on claims: what each family finds, what it leaves alone, and how it is said."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from trucyte.fhir.issue import Severity
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.case import amount, moment
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.rules.report import write_findings
from trucyte.intake.claims.rules.rule import Evidence
from trucyte.intake.claims.rules.words import wording
from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.intake.receipts import ReceivedFile, ReceivedVisit, State
from trucyte.vietnam.lists import Term

SUMMARY = {
    "MA_LK": "MAU-1",
    "STT": "1",
    "MA_BN": "BN-1",
    "HO_TEN": "NGUYỄN VĂN MẪU",
    "SO_CCCD": "000085000001",
    "NGAY_SINH": "198503150000",
    "GIOI_TINH": "1",
    "MA_QUOCTICH": "000",
    "MA_DANTOC": "01",
    "MA_NGHE_NGHIEP": "00000",
    "DIA_CHI": "Địa chỉ mẫu",
    "MATINH_CU_TRU": "00",
    "MAXA_CU_TRU": "00000",
    "MA_THE_BHYT": "GD4000000000001",
    "MA_DKBD": "00001",
    "GT_THE_TU": "20260101",
    "GT_THE_DEN": "20261231",
    "LY_DO_VV": "Đau họng",
    "CHAN_DOAN_VAO": "Viêm họng cấp",
    "CHAN_DOAN_RV": "Viêm họng cấp",
    "MA_BENH_CHINH": "J02.9",
    "MA_DOITUONG_KCB": "1.1",
    "NGAY_VAO": "202607150800",
    "NGAY_RA": "202607150930",
    "SO_NGAY_DTRI": "0",
    "KET_QUA_DTRI": "2",
    "MA_LOAI_RV": "1",
    "NGAY_TTOAN": "202607150940",
    "T_THUOC": "3500.00",
    "T_VTYT": "0.00",
    "T_TONGCHI_BV": "3500.00",
    "T_TONGCHI_BH": "3500.00",
    "T_BNTT": "0.00",
    "T_BNCCT": "700.00",
    "T_BHTT": "2800.00",
    "T_NGUONKHAC": "0.00",
    "T_BHTT_GDV": "2800.00",
    "NAM_QT": "2026",
    "THANG_QT": "7",
    "MA_LOAI_KCB": "01",
    "MA_KHOA": "K01",
    "MA_CSKCB": "00001",
    "CAN_NANG": "60.00",
    "MA_HSBA": "HS-1",
    "MA_TTDV": "0000000001",
}
DRUG = {
    "MA_LK": "MAU-1",
    "STT": "1",
    "MA_THUOC": "40.48",
    "MA_NHOM": "4",
    "TEN_THUOC": "Thuốc mẫu A 500mg",
    "DON_VI_TINH": "Viên",
    "HAM_LUONG": "500mg",
    "DUONG_DUNG": "1.01",
    "LIEU_DUNG": "1 viên/lần",
    "SO_DANG_KY": "VD-00000-00",
    "TT_THAU": "01/QĐ-MAU;G1;N1;2026",
    "PHAM_VI": "1",
    "TYLE_TT_BH": "100",
    "SO_LUONG": "10.000",
    "DON_GIA": "350.000",
    "THANH_TIEN_BV": "3500.00",
    "THANH_TIEN_BH": "3500.00",
    "T_NGUONKHAC_NSNN": "0",
    "T_NGUONKHAC_VTNN": "0",
    "T_NGUONKHAC_VTTN": "0",
    "T_NGUONKHAC_CL": "0",
    "T_NGUONKHAC": "0",
    "MUC_HUONG": "80",
    "T_BNTT": "0.00",
    "T_BNCCT": "700.00",
    "T_BHTT": "2800.00",
    "MA_KHOA": "K01",
    "MA_BAC_SI": "000001/XX-CCHN",
    "NGAY_YL": "202607150845",
    "NGAY_TH_YL": "202607150930",
    "MA_PTTT": "1",
    "NGUON_CTRA": "1",
}


class NoLists:
    """A node with no list loaded but the named ones."""

    def __init__(self, **terms: set[str]) -> None:
        self._terms = {name.replace("_", "-"): codes for name, codes in terms.items()}

    def is_loaded(self, name: str) -> bool:
        return name in self._terms

    def find(self, name: str, code: str, on: date | None = None) -> Term | None:
        return Term(code, code) if code in self._terms.get(name, ()) else None


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return RuleBook(packaged_rules(), NoLists())


def visit(
    summary: Row | None = None, drug: Row | None = None, variant: Variant = Variant.D3176, **tables
) -> Visit:
    content = {"XML1": [{**SUMMARY, **(summary or {})}], "XML2": [{**DRUG, **(drug or {})}]}
    content.update(tables)
    content = {
        name: [{k: v for k, v in row.items() if v} for row in rows]
        for name, rows in content.items()
    }
    return Visit(variant, "00001", "MAU-1", "BN-1", date(2026, 7, 15), content)


def faults(book: RuleBook, case: Visit) -> set[str]:
    return {finding.rule for finding in book.check(case) if not finding.rule.startswith("DM-")}


def test_a_clean_visit_has_only_lists_that_are_not_loaded(book: RuleBook) -> None:
    findings = book.check(visit())
    assert {finding.rule[:3] for finding in findings} == {"DM-"}
    assert {finding.severity for finding in findings} == {Severity.INFORMATION}
    assert "DM-icd10" in {finding.rule for finding in findings}


@pytest.mark.parametrize(
    ("rule", "summary", "drug"),
    [
        ("CTN-1-04-R", {"HO_TEN": ""}, {}),
        ("CTN-1-58-L", {"MA_CSKCB": "000012"}, {}),
        ("CTN-1-35-N", {"NGAY_VAO": "202613150800"}, {}),
        ("CTN-A01", {"SO_CCCD": "12345"}, {}),
        ("CTN-A03", {"NGAY_VAO_NOI_TRU": "202607150700"}, {}),
        ("CTN-A04", {}, {"NGAY_TH_YL": "202607150800"}),
        ("CTN-A09", {"SO_NGAY_DTRI": "3"}, {}),
        ("CTN-A14", {}, {"TT_THAU": ""}),
        ("CTN-A20", {}, {"VET_THUONG_TP": "2"}),
        ("GDV-201", {}, {"THANH_TIEN_BV": "3600.00"}),
        ("GDV-202", {}, {"THANH_TIEN_BH": "3400.00"}),
        ("GDV-203", {}, {"T_NGUONKHAC_CL": "100"}),
        ("GDV-204", {}, {"T_BNCCT": "600.00"}),
        ("GDV-205", {}, {"T_BHTT": "2700.00", "T_BNCCT": "800.00"}),
        ("GDV-206", {}, {"T_NGUONKHAC": "-1"}),
        ("GDV-207", {}, {"PHAM_VI": "4"}),
        ("GDV-209", {}, {"MUC_HUONG": "101"}),
        ("GDV-211", {}, {"SO_LUONG": "-10"}),
        ("GDV-212", {}, {"DON_GIA": "-350"}),
        ("GDV-101", {"T_THUOC": "3600.00"}, {}),
        ("GDV-108", {"T_BHTT": "2900.00"}, {}),
        ("GDV-109", {"T_TONGCHI_BV": "9500.00"}, {}),
        ("GDV-111", {"T_BHTT_GDV": "1.00"}, {}),
        ("GDV-X02", {"GT_THE_TU": "20260101;20260201"}, {}),
        ("GDV-X03", {"MA_THE_BHYT": "GD400000000000"}, {}),
        ("GDV-X05", {"NGAY_RA": "202607140930"}, {}),
        ("GDV-X08", {"GT_THE_DEN": "20260601"}, {}),
        ("TKT-101", {"CAN_NANG": "6000"}, {}),
        ("TKT-102", {"MA_BENH_KT": ";".join(["I10"] * 13)}, {}),
        ("TKT-103", {"MA_BENH_CHINH": "viêm"}, {}),
        ("TKT-108", {"GIOI_TINH": "2"}, {}),
        ("TKT-201", {}, {"NGAY_YL": "202607140845"}),
        ("TKT-205", {}, {"MA_NHOM": "13"}),
        ("TKT-131", {"MA_LOAI_RV": "2"}, {}),
    ],
)
def test_each_fault_is_found_by_its_rule(
    book: RuleBook, rule: str, summary: Row, drug: Row
) -> None:
    assert rule not in faults(book, visit())
    assert rule in faults(book, visit(summary, drug))


def test_a_district_is_asked_for_only_before_they_ended(book: RuleBook) -> None:
    assert "CTN-1-14-R" not in faults(book, visit())
    earlier = visit({"NGAY_VAO": "202506010800", "NGAY_RA": "202506010930"})
    assert "CTN-1-14-R" in faults(book, earlier)


def test_today_s_files_are_not_asked_by_the_rules_of_4210(book: RuleBook) -> None:
    assert not {rule for rule in faults(book, visit()) if rule.startswith("CU-")}
    old = visit(variant=Variant.D4210)
    summary = {"NGAY_VAO": "202301010800", "NGAY_RA": "202301010900", "MA_LYDO_VVIEN": "7"}
    old = Visit(Variant.D4210, "00001", "MAU-1", "BN-1", None, {"XML1": [summary], "XML2": [DRUG]})
    assert "CU-001" in faults(book, old)
    assert not {rule for rule in faults(book, old) if not rule.startswith("CU-")}


def test_other_funding_passes_in_each_of_the_annex_s_ways(book: RuleBook) -> None:
    def line(**values: str) -> Row:
        return {
            "SO_LUONG": "1",
            "DON_GIA": "10000000",
            "THANH_TIEN_BV": "10000000",
            "THANH_TIEN_BH": "5000000",
            "TYLE_TT_BH": "50",
            "T_NGUONKHAC": "3000000",
            "T_NGUONKHAC_VTTN": "3000000",
            **values,
        }

    split = {"GDV-202", "GDV-204", "GDV-205"}
    donor_of_patient = line(T_BNTT="2000000", T_BNCCT="1000000", T_BHTT="4000000")
    donor_of_facility = line(
        THANH_TIEN_BH="3500000", T_BNTT="3500000", T_BNCCT="700000", T_BHTT="2800000"
    )
    antiretroviral = line(
        **{"T_NGUONKHAC": "1000000", "T_NGUONKHAC_VTTN": "1000000"},
        **{"T_BNTT": "5000000", "T_BNCCT": "0", "T_BHTT": "4000000"},
    )
    wrong = line(T_BNTT="5000000", T_BNCCT="1000000", T_BHTT="1000000")
    for good in (donor_of_patient, donor_of_facility, antiretroviral):
        assert not faults(book, visit(drug=good)) & split
    assert "GDV-205" in faults(book, visit(drug=wrong))


def test_a_list_that_is_loaded_is_asked() -> None:
    book = RuleBook(packaged_rules(), NoLists(icd10={"J02.8"}))
    assert "TKT-117" in faults(book, visit())
    assert "TKT-117" not in faults(book, visit({"MA_BENH_CHINH": "J02.8"}))


def test_recalled_and_inferred_rules_only_inform(book: RuleBook) -> None:
    soft = [r for r in book.rules.values() if r.evidence in (Evidence.RECALLED, Evidence.INFERRED)]
    assert soft
    assert all(rule.severity is Severity.INFORMATION for rule in soft)


def test_every_rule_speaks_both_languages_and_names_its_source(book: RuleBook) -> None:
    for rule in book.rules.values():
        assert rule.legal
        for language in ("vi", "en"):
            words = rule.words[language]
            assert words.what
            assert words.mend.endswith("."), rule.number


def test_every_option_is_read_by_its_check(book: RuleBook) -> None:
    known = {"when", "when_visit", "max", "min", "exact", "pattern", "whole", "digits", "partial"}
    known |= {"many", "values", "words", "fields", "first", "then", "slack_days", "of"}
    known |= {"with_stay", "begin", "end", "price", "service", "parts", "amount", "shares"}
    known |= {"tables", "lines", "plus", "minus", "without", "at", "social"}
    for rule in book.rules.values():
        assert set(rule.options) <= known, rule.number


def test_a_rule_table_that_names_an_unknown_check_is_refused() -> None:
    broken = packaged_rules()[0].replace('check = "form"', 'check = "no-such-check"', 1)
    with pytest.raises(ValueError, match="no-such-check"):
        RuleBook([broken], NoLists())
    with pytest.raises(ValueError, match="twice"):
        RuleBook([packaged_rules()[0], packaged_rules()[0]], NoLists())


def test_a_finding_is_said_in_the_words_of_who_must_mend_it(book: RuleBook) -> None:
    finding = next(
        f for f in book.check(visit(drug={"THANH_TIEN_BV": "3600.50"})) if f.rule == "GDV-201"
    )
    vi = wording(finding, book.rules, "vi")
    assert vi.where == "Dòng thuốc 1"
    assert vi.what == "thành tiền bệnh viện 3.600,5 khác số lượng × đơn giá là 3.500"
    assert "gửi lại" in vi.mend
    en = wording(finding, book.rules, "en")
    assert "3,600.5" in en.what


def test_a_list_not_loaded_is_said_as_not_checked(book: RuleBook) -> None:
    finding = Finding("DM-icd10", Severity.INFORMATION, "", 0, "", {"list": "icd10"})
    assert wording(finding, book.rules, "vi").what == "chưa kiểm tra: thiếu danh mục ICD-10"


def test_a_finding_of_a_forgotten_rule_stays_readable(book: RuleBook) -> None:
    finding = Finding("OLD-1", Severity.ERROR, "XML2", 3, "DON_GIA", {})
    assert wording(finding, book.rules, "en").what == "OLD-1"


@pytest.mark.parametrize("text", ["1e5", "1,5", "", None, "--1", "NaN", "9" * 30, "1.2.3", "²"])
def test_what_is_not_a_plain_decimal_is_no_amount(text: str | None) -> None:
    assert amount(text) is None


def test_amounts_keep_their_digits() -> None:
    assert amount("72.50") == Decimal("72.50")
    assert moment("20260230") is None
    assert moment("202607152460") is None


def test_the_excel_names_visit_row_rule_and_mend_and_holds_no_formula(book: RuleBook) -> None:
    now = datetime(2026, 7, 15, tzinfo=UTC)
    received = ReceivedFile(
        *(7, "=cmd.xml", "upload", 10, now, now, State.DONE, "3176/QĐ-BYT", "00001"),
        *(1, 1, 25, 1, 0, 0, "t-7"),
    )
    findings = book.check(visit(drug={"THANH_TIEN_BV": "3600.00"}))
    seen = ReceivedVisit(7, 1, "=HYPERLINK(1)", "e1", "accepted", False, findings)
    target = io.BytesIO()
    assert write_findings(target, received, [seen], book.rules, "vi") == len(findings)
    sheet = openpyxl.load_workbook(io.BytesIO(target.getvalue())).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][0] == "Hồ sơ số"
    assert len(rows) == len(findings) + 1
    assert rows[1][1] == "=HYPERLINK(1)"
    assert sheet.cell(2, 2).data_type == "s"
    assert any("Dòng thuốc 1" in str(row[7]) for row in rows)
