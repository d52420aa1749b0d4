"""The life of a visit: each sentence of "Identity of rows" is a test."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Event

import pytest

from tests.claims_files import SUMMARY, envelope, file, hoso, medicines, row, summary, visit
from tests.support.intake import Node
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.parse import parse
from trucyte.fhir.validate import Validator
from trucyte.intake.door import work_on
from trucyte.intake.quarantine import Quarantine
from trucyte.intake.reading import Reading
from trucyte.intake.receipts import State
from trucyte.intake.running.accept import Acceptor

SAMPLES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites")).parent / "reference/samples"


def test_the_second_sample_adds_its_source_and_nothing_else(node: Node) -> None:
    if not SAMPLES.exists():
        pytest.skip(f"no samples at {SAMPLES}")
    second, first = (
        path.read_bytes() for path in sorted(SAMPLES.glob("synthetic-giamdinhhs*.xml"))
    )
    sent = node.send(first)
    assert (sent.visits, sent.errors, sent.quarantined) == (1, 0, 0)
    assert sent.resources > 10
    before = node.journal.tail()
    again = node.send(second)
    assert node.outcomes(again) == ["unchanged"]
    assert node.journal.tail() == before
    assert node.send(first) == sent
    assert node.journal.tail() == before


PARACETAMOL = {"STT": "1", "MA_THUOC": "40.48", "NGAY_YL": "202602150845", "MA_NHOM": "4"}
AMOXICILLIN = {"STT": "2", "MA_THUOC": "40.154", "NGAY_YL": "202602150845", "MA_NHOM": "4"}
PRICED = {
    "SO_LUONG": "10.000", "DON_GIA": "350.000", "THANH_TIEN_BV": "3500.00",
    "THANH_TIEN_BH": "3500.00", "TEN_THUOC": "Thuốc mẫu", "DON_VI_TINH": "Viên",
}  # fmt: skip


def sent(
    *drugs: Mapping[str, str], made_on: str = "20260216", with_drugs: bool = True, **changes: str
) -> bytes:
    """One visit with drugs, in an envelope."""
    files = [file("XML1", summary(**changes))]
    if with_drugs:
        link = changes.get("MA_LK", "LK-1")
        files.append(file("XML2", medicines(*({**drug, **PRICED} for drug in drugs), link=link)))
    return envelope([hoso(*files)], made_on=made_on)


def requests(node: Node) -> dict[str, str]:
    """Status by drug code."""
    found = {}
    for resource in node.current("MedicationRequest").values():
        codings = resource["medicationCodeableConcept"]["coding"]
        found[codings[0]["code"]] = resource["status"]
    return found


def test_equal_content_in_another_packing_writes_nothing(node: Node) -> None:
    node.send(envelope([visit(1)]))
    before = node.journal.tail()
    again = node.send(envelope([visit(1, inline=True)]))
    assert node.outcomes(again) == ["unchanged"]
    assert (again.resources, node.journal.tail()) == (0, before)


def test_the_same_bytes_are_not_even_read_again(node: Node) -> None:
    first = node.send(sent(PARACETAMOL))
    assert node.send(sent(PARACETAMOL)) == first


def test_a_correction_writes_new_versions_of_what_changed_alone(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    before = node.versions("MedicationRequest")
    corrected = sent(PARACETAMOL, AMOXICILLIN | {"LIEU_DUNG": "2 viên"}, made_on="20260217")
    file = node.send(corrected)
    assert node.outcomes(file) == ["accepted"]
    after = node.versions("MedicationRequest")
    assert sorted(after.values()) == [1, 2]
    assert before.keys() == after.keys()
    assert set(node.versions("Patient").values()) == {1}
    assert set(node.versions("Provenance").values()) == {2}


def test_a_day_of_making_that_has_not_come_yet_outranks_nothing(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN, made_on="20620216"))
    file = node.send(sent(PARACETAMOL, made_on="20260217"))
    assert node.outcomes(file) == ["accepted"]
    assert requests(node) == {"40.48": "completed", "40.154": "entered-in-error"}


def test_renumbered_rows_stay_the_same_rows(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    before = set(node.current("MedicationRequest"))
    node.send(sent(AMOXICILLIN | {"STT": "1"}, PARACETAMOL | {"STT": "2"}, made_on="20260217"))
    assert set(node.current("MedicationRequest")) == before
    assert set(requests(node).values()) == {"completed"}


def test_a_row_that_is_gone_becomes_entered_in_error(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    node.send(sent(PARACETAMOL, made_on="20260217"))
    assert requests(node) == {"40.48": "completed", "40.154": "entered-in-error"}
    assert set(node.versions("Encounter").values()) <= {1, 2}


def test_a_row_that_comes_back_is_itself_again(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    node.send(sent(PARACETAMOL, made_on="20260217"))
    node.send(sent(PARACETAMOL, AMOXICILLIN, made_on="20260218"))
    assert requests(node) == {"40.48": "completed", "40.154": "completed"}
    assert sorted(node.versions("MedicationRequest").values()) == [1, 3]


@pytest.mark.parametrize("empty", [False, True])
def test_a_table_that_is_absent_or_empty_leaves_earlier_rows(node: Node, empty: bool) -> None:
    node.send(sent(PARACETAMOL))
    nothing = "<FILEHOSO><LOAIHOSO>XML2</LOAIHOSO><NOIDUNGFILE/></FILEHOSO>" if empty else ""
    later = hoso(file("XML1", summary(GHI_CHU="Tái khám")), nothing)
    node.send(envelope([later], made_on="20260217"))
    assert requests(node) == {"40.48": "completed"}
    assert set(node.versions("MedicationRequest").values()) == {1}
    (claim,) = node.current("Claim").values()
    assert len(claim["item"]) == 1, "the lines of money of XML2 stay"


def test_a_visit_that_is_withdrawn_cancels_the_claim_and_never_the_encounter(node: Node) -> None:
    node.send(sent(PARACETAMOL))
    node.send(sent(PARACETAMOL, made_on="20260217", MA_DOITUONG_KCB="8"))
    assert node.one("Claim")["status"] == "cancelled"
    assert node.one("Encounter")["status"] == "finished"
    assert requests(node) == {"40.48": "completed"}


def test_a_late_older_file_changes_nothing_current(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN, made_on="20260218"))
    before = node.journal.tail()
    late = node.send(sent(PARACETAMOL, made_on="20260217"))
    assert node.outcomes(late) == ["superseded"]
    assert node.journal.tail() == before
    assert b"".join(node.receipts.original(late.number)) == sent(PARACETAMOL, made_on="20260217")


def test_of_two_files_of_one_day_the_later_arrival_is_newer(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    second = node.send(sent(PARACETAMOL))
    assert node.outcomes(second) == ["accepted"]
    assert requests(node)["40.154"] == "entered-in-error"


def test_a_superseded_file_sent_again_in_another_packing_changes_nothing(node: Node) -> None:
    node.send(sent(PARACETAMOL, AMOXICILLIN))
    node.send(sent(PARACETAMOL))
    before = node.journal.tail()
    again = node.send(sent(PARACETAMOL, AMOXICILLIN) + b"\n<!-- sent again -->")
    assert node.outcomes(again) == ["superseded"]
    assert node.journal.tail() == before


OLDER = {"MA_LK": "LK-1", "NGAY_VAO": "202601100800", "NGAY_RA": "202601100930"}
NEWER = {"MA_LK": "LK-2", "NGAY_VAO": "202603100800", "NGAY_RA": "202603100930"}
MOVED = {"DIA_CHI": "Nhà mới", "MA_THE_BHYT": "GD4000000000001", "DIEN_THOAI": "0900000002"}


def told_by(node: Node, link: str) -> dict[str, str]:
    """What the journal gives back of a visit's XML1, through the pins of its own Provenance."""
    for provenance in node.current("Provenance").values():
        resources, pinned = [], {}
        for target in provenance["target"]:
            kind, id, _, version = target["reference"].split("/")
            line = node.journal.version(0, kind, id, int(version))
            assert line is not None
            if kind in ("Patient", "Coverage"):
                pinned[target["reference"]] = parse(line.body)
            else:
                resources.append(parse(line.body))
        found = node.tools.mapping.claim(resources, lambda name, at=pinned: at[name])
        if found.link == link:
            return found.summary
    raise AssertionError(link)


@pytest.mark.parametrize("order", ["in order", "late"])
def test_two_visits_in_both_orders_give_both_their_own_demographics_back(
    node: Node, order: str
) -> None:
    older = sent(PARACETAMOL, made_on="20260111", DIA_CHI="Nhà cũ", **OLDER)
    newer = sent(PARACETAMOL, made_on="20260311", **NEWER, **MOVED)
    for data in (older, newer) if order == "in order" else (newer, older):
        assert node.outcomes(node.send(data)) == ["accepted"]
    patient = node.one("Patient")
    assert patient["address"][0]["text"] == "Nhà mới", "the later visit's stays current"
    assert told_by(node, "LK-1")["DIA_CHI"] == "Nhà cũ"
    assert "DIEN_THOAI" not in told_by(node, "LK-1")
    assert told_by(node, "LK-2")["DIA_CHI"] == "Nhà mới"
    assert told_by(node, "LK-2")["DIEN_THOAI"] == "0900000002"


def test_an_older_visit_that_comes_late_pins_a_version_of_its_own_in_one_unit(node: Node) -> None:
    node.send(sent(PARACETAMOL, made_on="20260311", **NEWER, **MOVED))
    late = node.send(sent(PARACETAMOL, made_on="20260111", DIA_CHI="Nhà cũ", **OLDER))
    first, own, restored = (parse(line.body) for line in node.lines("Patient"))
    assert own["address"][0]["text"] == "Nhà cũ"
    assert restored == first
    encounter = next(e for e in node.current("Encounter").values() if "2026-01" in str(e["period"]))
    assert encounter["subject"]["reference"].endswith("/_history/2")
    seqs = [line.entry.seq for line in node.lines() if line.entry.source == late.number]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_late_visit_with_demographics_that_were_here_pins_that_version(node: Node) -> None:
    node.send(sent(PARACETAMOL, made_on="20260111", DIA_CHI="Nhà cũ", **OLDER))
    node.send(sent(PARACETAMOL, made_on="20260311", **NEWER, **MOVED))
    between = {"MA_LK": "LK-3", "NGAY_VAO": "202602100800", "NGAY_RA": "202602100930"}
    node.send(sent(PARACETAMOL, made_on="20260211", DIA_CHI="Nhà cũ", **between))
    assert set(node.versions("Patient").values()) == {2}
    assert told_by(node, "LK-3")["DIA_CHI"] == "Nhà cũ"


def test_a_later_visit_with_the_same_demographics_guards_them_from_one_between(node: Node) -> None:
    node.send(sent(PARACETAMOL, made_on="20260111", DIA_CHI="Nhà cũ", **OLDER))
    node.send(sent(PARACETAMOL, made_on="20260311", DIA_CHI="Nhà cũ", **NEWER))
    between = {"MA_LK": "LK-3", "NGAY_VAO": "202602100800", "NGAY_RA": "202602100930"}
    node.send(sent(PARACETAMOL, made_on="20260211", DIA_CHI="Nhà trọ", **between))
    assert node.one("Patient")["address"][0]["text"] == "Nhà cũ"
    assert told_by(node, "LK-3")["DIA_CHI"] == "Nhà trọ"


def test_two_visits_of_one_person_in_one_file_are_taken_in_order(node: Node) -> None:
    visits = [
        hoso(file("XML1", summary(**{**OLDER, "DIA_CHI": "Nhà cũ"}))),
        hoso(file("XML1", summary(**{**NEWER, **MOVED}))),
        hoso(file("XML1", summary(**{**OLDER, "DIA_CHI": "Nhà cũ", "GHI_CHU": "sửa"}))),
    ]
    taken = node.send(envelope(visits))
    assert node.outcomes(taken) == ["accepted", "accepted", "accepted"]
    assert node.one("Patient")["address"][0]["text"] == "Nhà mới"
    assert told_by(node, "LK-1")["GHI_CHU"] == "sửa"
    assert told_by(node, "LK-1")["DIA_CHI"] == "Nhà cũ"


def test_a_check_in_and_the_claim_that_follows_are_one_visit(node: Node) -> None:
    names = ("MA_LK", "STT", "MA_BN", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "NGAY_VAO", "MA_CSKCB")
    check_in = row("TRANG_THAI_KCB", {name: SUMMARY[name] for name in names})
    rows = f"<DSACH_TRANG_THAI_KCB>{check_in}</DSACH_TRANG_THAI_KCB>"
    data = f"<CHI_TIEU_TRANG_THAI_KCB>{rows}</CHI_TIEU_TRANG_THAI_KCB>"
    assert node.outcomes(node.send(data.encode())) == ["accepted"]
    assert node.outcomes(node.send(sent(PARACETAMOL))) == ["accepted"]
    assert len(node.current("Encounter")) == 1
    assert len(node.current("Provenance")) == 1
    assert requests(node) == {"40.48": "completed"}


def test_the_provenance_names_every_resource_with_its_table_and_source(node: Node) -> None:
    taken = node.send(sent(PARACETAMOL))
    provenance = node.one("Provenance")
    named = {target["reference"] for target in provenance["target"]}
    held = {
        f"{line.entry.type}/{line.entry.id}/_history/{line.entry.version}"
        for line in node.lines()
        if line.entry.type not in ("Organization", "Location", "Practitioner", "Provenance")
    }
    assert named == held
    tables = {target["extension"][0]["valueCode"] for target in provenance["target"]}
    assert tables == {"XML1", "XML2"}
    assert provenance["entity"][0]["what"]["identifier"]["value"] == str(taken.number)
    assert {(line.entry.source, line.entry.row) for line in node.lines()} == {(taken.number, 1)}


def test_a_sensitive_visit_labels_its_provenance_its_receipt_and_every_resource(node: Node) -> None:
    taken = node.send(sent(PARACETAMOL, MA_BENH_CHINH="B20"))
    assert "security" in node.one("Provenance")["meta"]
    assert [visit.is_restricted for visit in node.receipts.visits(taken.number)] == [True]
    for type in ("Encounter", "Claim", "MedicationRequest", "Condition"):
        for resource in node.current(type).values():
            assert "security" in resource["meta"], type


def test_directory_resources_are_made_once(node: Node) -> None:
    node.send(envelope([visit(1), visit(2)]))
    node.send(envelope([visit(3)]))
    assert set(node.versions("Organization").values()) == {1}


def test_what_cannot_be_read_lies_in_quarantine_and_the_rest_is_taken(node: Node) -> None:
    bad = hoso(file("XML1", summary(MA_LK="")))
    taken = node.send(envelope([visit(1), bad, visit(3)]))
    assert node.outcomes(taken) == ["accepted", "quarantined", "accepted"]
    (entry,) = node.receipts.quarantined()
    assert (entry.reason, entry.source, entry.ordinal) == ("ma-lk-missing", taken.number, 2)
    assert taken.state is State.DONE


def test_a_file_of_which_nothing_can_be_read_has_failed(node: Node) -> None:
    taken = node.send(b"<html/>")
    assert (taken.state, taken.quarantined) == (State.FAILED, 1)


def test_our_own_defects_quarantine_the_visit_with_the_place(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = Issue(Severity.ERROR, "structure", "required-element", "Encounter.status")
    monkeypatch.setattr(Validator, "check", lambda self, resource: [issue])
    node.send(envelope([visit(1)]))
    (entry,) = node.receipts.quarantined()
    assert entry.reason == "mapping-invalid"
    assert entry.facts == {"path": "Encounter.status", "issue": "required-element"}
    assert node.journal.tail() == 0


def test_a_visit_is_tried_again_from_quarantine_after_a_mend(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = Issue(Severity.ERROR, "structure", "required-element", "Encounter.status")
    with monkeypatch.context() as broken:
        broken.setattr(Validator, "check", lambda self, resource: [issue])
        taken = node.send(envelope([visit(1)]))
        quarantine = Quarantine(node.door)
        (entry,) = quarantine.entries()
        assert not quarantine.retry(entry.number, Event())
    assert quarantine.show(entry.number).tries == 2
    assert quarantine.retry(entry.number, Event())
    assert quarantine.entries() == []
    assert node.outcomes(taken) == ["accepted"]
    assert len(node.current("Encounter")) == 1
    assert node.receipts.file(taken.number).quarantined == 0


def test_a_whole_file_is_tried_again_from_quarantine(node: Node) -> None:
    data = b"<!DOCTYPE a>" + envelope([visit(1)])
    node.send(data)
    quarantine = Quarantine(node.door)
    (entry,) = quarantine.entries()
    assert quarantine.original(quarantine.show(entry.number)) == data
    assert not quarantine.retry(entry.number, Event())
    (again,) = quarantine.entries()
    assert again.reason == "xml-dtd"


def test_findings_are_kept_with_the_visit_and_refuse_nothing(node: Node) -> None:
    taken = node.send(sent(PARACETAMOL, NGAY_RA="202602140000"))
    assert node.outcomes(taken) == ["accepted"]
    assert taken.errors + taken.warnings > 0
    (found,) = node.receipts.visits(taken.number, with_findings_only=True)
    assert sum(node.receipts.findings_by_rule(taken.number, with_restricted=True).values()) == len(
        found.findings
    )


def test_a_visit_that_was_committed_and_not_written_down_is_found_again(node: Node) -> None:
    data = sent(PARACETAMOL)
    number = node.receipts.receive("a.xml", "cli", [data]).number
    pieces = [(number, piece) for piece in Reading(io.BytesIO(data))]
    acceptor = Acceptor(node.build())
    ((_, first),) = acceptor.accept(pieces, Event())
    acceptor.close()  # and the process is killed here
    before = node.journal.tail()
    work_on(node.door, [number], 0, Event())
    assert node.journal.tail() == before
    (found,) = node.receipts.visits(number)
    assert found.outcome == "accepted"
    shared = sum(len(node.current(type)) for type in ("Organization", "Location", "Practitioner"))
    assert node.receipts.file(number).resources == first.resources - shared


def test_a_source_remembers_that_it_was_signed(node: Node) -> None:
    node.send(envelope([visit(1)], end="<Signature>x</Signature>"))
    node.send(envelope([visit(2)]))
    with node.database.connection() as connection:
        rows = connection.execute("select signed from intake.source order by number").fetchall()
    assert rows == [(True,), (False,)]


def test_a_rebuild_gives_the_same_latest_visits(node: Node) -> None:
    node.send(sent(PARACETAMOL, made_on="20260311", **NEWER, **MOVED))
    node.send(sent(PARACETAMOL, made_on="20260111", DIA_CHI="Nhà cũ", **OLDER))
    assert node.journal.compare() is None
    node.journal.rebuild()
    assert node.journal.compare() is None
    between = {"MA_LK": "LK-3", "NGAY_VAO": "202602100800", "NGAY_RA": "202602100930"}
    node.send(sent(PARACETAMOL, made_on="20260211", DIA_CHI="Nhà trọ", **between))
    assert node.one("Patient")["address"][0]["text"] == "Nhà mới"


CHECKOUT = """<CHECKOUT><THONGTINBENHNHAN><MA_LK>L9</MA_LK><MA_BN>B9</MA_BN><HO_TEN>MẪU</HO_TEN>
  <NGAY_SINH>19850315</NGAY_SINH><GIOI_TINH>1</GIOI_TINH><DIA_CHI>_</DIA_CHI></THONGTINBENHNHAN>
  <THONGTINCHITIET><TONGHOP><MA_CSKCB>00001</MA_CSKCB><MA_LOAIKCB>1</MA_LOAIKCB>
  <NGAY_VAO>201608010800</NGAY_VAO><NGAY_RA>201608010900</NGAY_RA></TONGHOP>
  <BANG_CTTHUOC><CTTHUOC><MA_THUOC>40.48</MA_THUOC><SO_LUONG>2</SO_LUONG></CTTHUOC></BANG_CTTHUOC>
  </THONGTINCHITIET></CHECKOUT>"""
BOARD = {"HO_TEN": "MẪU", "SO_CCCD": "000085000001", "SO_BIEN_BAN": "7", "NGAY_HOP": "20260301"}
OLD = {
    "MA_LK": "L4", "MA_BN": "B4", "HO_TEN": "MẪU", "NGAY_SINH": "19850315", "GIOI_TINH": "1",
    "MA_THE": "GD4000000000001", "TEN_BENH": "Viêm họng", "MA_BENH": "J02",
    "NGAY_VAO": "202001010800", "NGAY_RA": "202001010900", "MA_LOAI_KCB": "1", "MA_CSKCB": "00001",
}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "variant"),
    [
        (CHECKOUT.encode(), "917/QĐ-BHXH"),
        (envelope([hoso(file("XML12", row("GIAM_DINH_Y_KHOA", BOARD)))]), "3176/QĐ-BYT"),
        (envelope([hoso(file("XML1", row("TONG_HOP", OLD)))]), "4210/QĐ-BYT"),
        (envelope([hoso(file("XML1", summary(MA_BN="")))]), "3176/QĐ-BYT"),
    ],
)
def test_every_form_of_claim_is_taken(node: Node, data: bytes, variant: str) -> None:
    taken = node.send(data)
    reasons = [(entry.reason, entry.facts) for entry in node.receipts.quarantined()]
    assert (taken.variant, node.outcomes(taken), reasons) == (variant, ["accepted"], [])
    assert len(node.current("Patient")) == len(node.current("Provenance")) == 1
    again = node.send(data + b"\n")
    assert node.outcomes(again) == ["unchanged"]
