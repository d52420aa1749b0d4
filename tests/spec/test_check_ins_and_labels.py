"""What a check-in may change of a person, and how labels reach every row of a visit."""

import pytest

from tests.claims_files import SUMMARY, envelope, file, hoso, medicines, row, summary
from tests.support.intake import Node
from trucyte.intake.claims.draft import Resource

DRUGS = (
    {"STT": "1", "MA_THUOC": "40.48", "NGAY_YL": "202602150845", "MA_NHOM": "4"},
    {"STT": "2", "MA_THUOC": "40.154", "NGAY_YL": "202602150845", "MA_NHOM": "4"},
)
TOLD = {"DIA_CHI": "Nhà 1", "DIEN_THOAI": "0900000001", "GT_THE_TU": "20260101", "MA_KHUVUC": "K1"}
CHECKED_IN = (
    "MA_LK", "STT", "MA_BN", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "MA_THE_BHYT", "NGAY_VAO",
    "MA_CSKCB",
)  # fmt: skip


def claim(*, made_on: str = "20260216", drugs: int = 2, **changes: str) -> bytes:
    link = changes.get("MA_LK", "LK-1")
    files = [file("XML1", summary(**changes))]
    files.append(file("XML2", medicines(*DRUGS[:drugs], link=link)))
    return envelope([hoso(*files)], made_on=made_on)


def check_in(**changes: str) -> bytes:
    fields = SUMMARY | changes
    inner = row("TRANG_THAI_KCB", {name: fields[name] for name in CHECKED_IN})
    rows = f"<DSACH_TRANG_THAI_KCB>{inner}</DSACH_TRANG_THAI_KCB>"
    return f"<CHI_TIEU_TRANG_THAI_KCB>{rows}</CHI_TIEU_TRANG_THAI_KCB>".encode()


@pytest.mark.parametrize("link", ["LK-1", "LK-2"])
def test_a_check_in_after_a_summary_changes_nobody(node: Node, link: str) -> None:
    node.send(claim(**TOLD))
    people = node.versions("Patient"), node.versions("Coverage")
    sent = node.send(check_in(MA_LK=link, NGAY_VAO="202603150800"))
    assert node.outcomes(sent) == ["accepted"]
    assert (node.versions("Patient"), node.versions("Coverage")) == people
    assert node.one("Patient")["address"][0]["text"] == "Nhà 1"


def test_a_check_in_does_not_make_the_summary_of_an_earlier_visit_late(node: Node) -> None:
    node.send(claim(made_on="20260216", **TOLD))
    node.send(check_in(MA_LK="LK-2", NGAY_VAO="202604010800"))
    visit = {"MA_LK": "LK-3", "NGAY_VAO": "202603010800", "NGAY_RA": "202603010900"}
    node.send(claim(made_on="20260302", **visit, **(TOLD | {"DIA_CHI": "Nhà 2"})))
    assert node.one("Patient")["address"][0]["text"] == "Nhà 2"


def test_before_any_summary_a_check_in_tells_who_it_is(node: Node) -> None:
    node.send(check_in(HO_TEN="NGUYỄN VĂN MẨU"))
    node.send(check_in(MA_LK="LK-2", NGAY_VAO="202603150800"))
    assert node.one("Patient")["name"][0]["text"] == SUMMARY["HO_TEN"]


def is_labelled(resource: Resource) -> bool:
    return "security" in resource.get("meta", {})


def test_rows_that_are_gone_take_on_the_labels_of_their_visit(node: Node) -> None:
    node.send(claim())
    node.send(claim(drugs=1, made_on="20260217"))
    node.send(claim(drugs=1, made_on="20260218", GHI_CHU="sửa"))
    requests = node.current("MedicationRequest").values()
    assert sorted(request["status"] for request in requests) == ["completed", "entered-in-error"]
    assert not any(map(is_labelled, requests))
    node.send(claim(drugs=1, made_on="20260219", MA_BENH_CHINH="B20"))
    for type in ("Encounter", "Claim", "MedicationRequest", "MedicationDispense", "Condition"):
        assert all(map(is_labelled, node.current(type).values())), type


def test_a_row_that_goes_when_the_visit_becomes_sensitive_is_labelled(node: Node) -> None:
    node.send(claim())
    node.send(claim(drugs=1, made_on="20260217", MA_BENH_CHINH="B20"))
    assert all(map(is_labelled, node.current("MedicationRequest").values()))
