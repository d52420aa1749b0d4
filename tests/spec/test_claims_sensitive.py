"""One trace of a sensitive matter anywhere labels every resource of the visit."""

import pytest

from tests.claims_round_trip import KEY, NoLists, Shelf, make_visit, round_trip, write
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.vietnam.sensitivity import load_triggers

MAPPING = TableMapping(KEY, NoLists())
PLAIN: Row = {
    "MA_LK": "MAU-1",
    "MA_BN": "BN-1",
    "HO_TEN": "NGUYỄN VĂN MẪU",
    "MA_BENH_CHINH": "J02.9",
    "MA_LOAI_KCB": "03",
    "NGAY_VAO": "202607150800",
    "CAN_NANG": "60",
    "CHAN_DOAN_VAO": "Viêm họng",
}
# (label, table, the one row or the change of XML1 in which it stands)
TRACES: list[tuple[str, str, Row]] = [
    ("HIV", "XML1", {"MA_BENH_CHINH": "B20.1"}),
    ("HIV", "XML1", {"MA_BENH_CHINH": "B24"}),
    ("HIV", "XML1", {"MA_BENH_KT": "J18;Z21"}),
    ("HIV", "XML1", {"MA_BENH_KT": "Z20.6"}),
    ("HIV", "XML1", {"MA_BENH_KT": "Z206"}),
    ("HIV", "XML1", {"CHAN_DOAN_RV": "Viêm phổi trên người bệnh AIDS"}),
    ("HIV", "XML1", {"MA_DOITUONG_KCB": "1.9"}),
    ("HIV", "XML2", {"TEN_THUOC": "Dolutegravir/Lamivudin 50mg/300mg"}),
    ("HIV", "XML2", {"TEN_THUOC": "TENOFOVIR 300"}),
    ("HIV", "XML3", {"MA_BENH": "B23.0"}),
    ("HIV", "XML3", {"TEN_DICH_VU": "HIV Ab test nhanh"}),
    ("HIV", "XML4", {"TEN_CHI_SO": "Anti-HIV"}),
    ("HIV", "XML4", {"TEN_CHI_SO": "Đếm tế bào CD4"}),
    ("HIV", "XML4", {"KET_LUAN": "Kháng thể HIV-1 dương tính"}),
    ("HIV", "XML5", {"DIEN_BIEN_LS": "Đang điều trị ARV bậc 1"}),
    ("HIV", "XML6", {"MA_CSKCB": "00001"}),
    ("HIV", "XML7", {"GHI_CHU": "Tái khám phòng khám HIV"}),
    ("HIV", "XML8", {"QT_BENHLY": "Nhiễm HIV từ 2019"}),
    ("HIV", "XML11", {"CHAN_DOAN_RV": "B20; nhiễm hiv"}),
    ("HIV", "XML13", {"MA_BENH_KT": "B22"}),
    ("HIV", "XML13", {"TEN_THUOC": "Efavirenz"}),
    ("HIV", "XML14", {"CHAN_DOAN_RV": "HIV giai đoạn 2"}),
    ("HIV", "XML15", {"PHANLOAI_LAO_HIV": "1"}),
    ("HIV", "XML15", {"BDDT_ARV": "20260101"}),
    ("TB", "XML15", {"MA_BN": "BN-1"}),
    ("PREGNANT", "XML7", {"MA_DINH_CHI_THAI": "1"}),
    ("PREGNANT", "XML11", {"MA_DINH_CHI_THAI": "1"}),
    ("PREGNANT", "XML3", {"TEN_DICH_VU": "Phá thai bằng thuốc"}),
    ("MH", "XML1", {"MA_BENH_CHINH": "F32.2"}),
    ("MH", "XML8", {"TOMTAT_KQ": "Theo dõi trầm cảm"}),
    ("GDIS", "XML1", {"MA_BENH_KT": "Q90.9"}),
    ("GDIS", "XML4", {"TEN_CHI_SO": "Đột biến gen BRCA1"}),
]


def visit_with(table: str, trace: Row) -> Visit:
    if table == "XML1":
        return make_visit({"XML1": [{**PLAIN, **trace}], "XML2": [{"MA_THUOC": "40.48"}]})
    return make_visit({"XML1": [PLAIN], table: [trace]})


@pytest.mark.parametrize(("label", "table", "trace"), TRACES)
def test_one_trace_labels_every_resource_of_the_visit(label: str, table: str, trace: Row) -> None:
    visit = visit_with(table, trace)
    assert label in MAPPING.sensitivity(visit)
    shelf = Shelf()
    resources = write(MAPPING, visit, shelf)
    code = load_triggers().labels[label].code
    assert len(resources) >= 5
    for resource in resources:
        codes = [coding["code"] for coding in resource["meta"]["security"]]
        assert codes[0] == "R"
        assert code in codes
    for shared in shelf.kept.values():
        assert "meta" not in shared
    assert MAPPING.claim(resources, shelf.at) == visit


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("XML1", {}),
        ("XML1", {"HO_TEN": "AIDS HIV", "DIA_CHI": "Xã Phá Thai"}),
        ("XML1", {"MA_BENH_KT": "Z20.5;B19.9"}),
        ("XML4", {"TEN_CHI_SO": "HBV-DNA", "GIA_TRI": "<20"}),
        ("XML7", {"MA_DINH_CHI_THAI": "0"}),
        ("XML5", {"DIEN_BIEN_LS": "Raids, achiv, tâm thất"}),
    ],
)
def test_a_visit_without_trace_bears_no_label(table: str, row: Row) -> None:
    visit = visit_with(table, row)
    assert MAPPING.sensitivity(visit) == frozenset()
    for resource in write(MAPPING, visit, Shelf()):
        assert "security" not in resource.get("meta", {})


def test_older_decisions_are_searched_by_their_own_fields() -> None:
    row = {"MA_LK": "MAU-1", "MA_BENH": "J02", "MA_BENHKHAC": "B20"}
    visit = make_visit({"XML1": [row]}, variant=Variant.D4210)
    assert MAPPING.sensitivity(visit) == {"HIV"}
    assert round_trip(MAPPING, visit) == visit


def test_decomposed_text_hides_nothing() -> None:
    visit = visit_with("XML8", {"TOMTAT_KQ": "tra\u0302\u0300m ca\u0309m"})
    assert MAPPING.sensitivity(visit) == {"MH"}


def test_the_list_says_its_version_and_what_is_not_verified() -> None:
    triggers = load_triggers()
    assert triggers.version
    assert {label.verified for label in triggers.labels.values()} == {True, False}
