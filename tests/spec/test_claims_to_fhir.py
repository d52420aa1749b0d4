"""What becomes what when a claim becomes FHIR: one test a sentence of the rules."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from tests.claims_round_trip import KEY, NoLists, Shelf, every, make_visit, name_of, write
from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Row
from trucyte.vietnam.lists import Term

MAPPING = TableMapping(KEY, NoLists())
SUMMARY: Row = {
    "MA_LK": "MAU-1",
    "MA_BN": "BN-1",
    "HO_TEN": "NGUYỄN VĂN MẪU",
    "NGAY_SINH": "198503150000",
    "GIOI_TINH": "1",
    "MA_THE_BHYT": "GD4000000000001",
    "MA_BENH_CHINH": "J02.9",
    "MA_BENH_KT": "R50.9",
    "CHAN_DOAN_VAO": "Viêm họng",
    "CHAN_DOAN_RV": "Viêm họng cấp; Sốt",
    "NGAY_VAO": "202607150800",
    "NGAY_RA": "202607150930",
    "MA_LOAI_KCB": "01",
    "MA_KHOA": "K01",
    "MA_CSKCB": "00001",
}
DRUG: Row = {
    "MA_THUOC": "40.48", "SO_DANG_KY": "VD-1", "MA_NHOM": "4", "TEN_THUOC": "Thuốc mẫu",
    "HAM_LUONG": "500mg", "DANG_BAO_CHE": "Viên", "SO_LUONG": "10", "DON_VI_TINH": "Viên",
    "NGAY_YL": "202607150845",
}  # fmt: skip

SERVICE: Row = {
    "MA_DICH_VU": "02.03", "MA_NHOM": "13", "TEN_DICH_VU": "Khám", "NGAY_YL": "202607150810",
    "NGAY_TH_YL": "202607150815", "NGAY_KQ": "202607150850", "NGUOI_THUC_HIEN": "1/X;2/X",
}  # fmt: skip


class SomeLists(NoLists):
    """ICD-10 with one code, whose words changed on a day, and one index."""

    def find(self, name: str, code: str, on: date | None = None) -> Term | None:
        if (name, code) == ("chi-so", "1000001"):
            return Term(code=code, vi="Bạch cầu")
        if (name, code) != ("icd10", "J02.9") or on is None:
            return None
        return Term(code=code, vi="mới" if on >= date(2026, 7, 1) else "cũ")


def made(
    summary: Mapping[str, str] | None = None,
    mapping: TableMapping = MAPPING,
    /,
    *,
    link: str = "MAU-1",
    facility: str = "00001",
    **tables: list[Row],
) -> list[Resource]:
    """Return everything that a visit of this summary and these tables becomes."""
    shelf = Shelf()
    row = SUMMARY if summary is None else {**SUMMARY, **summary}
    visit = make_visit({"XML1": [row], **tables}, link=link, facility=facility)
    rest = write(mapping, visit, shelf)
    return [*shelf.kept.values(), *rest]


def one(resources: list[Resource], kind: str) -> Resource:
    (found,) = every(resources, kind)
    return found


def extension(element: Mapping[str, Any], name: str) -> Any:
    for entry in element.get("extension", ()):
        if entry["url"].endswith("/" + name):
            return entry
    return None


class TestIdentity:
    def test_a_visit_is_facility_and_link(self) -> None:
        ids = {
            one(made(link=link, facility=facility), "Encounter")["id"]
            for link, facility in (("A", "00001"), ("A", "00002"), ("B", "00001"))
        }
        assert len(ids) == 3

    def test_ids_say_nothing_of_the_person_and_need_the_key(self) -> None:
        other = TableMapping(b"another key of thirty-two bytes..", NoLists())
        mine = {name_of(each) for each in made({"SO_CCCD": "000085000001"})}
        theirs = {name_of(each) for each in made({"SO_CCCD": "000085000001"}, other)}
        assert not mine & theirs
        assert not any("000085000001" in name or "BN-1" in name for name in mine)

    def test_a_row_is_its_natural_key_never_its_number(self) -> None:
        second = {**DRUG, "MA_THUOC": "40.154"}
        before = made(XML2=[{**DRUG, "STT": "1"}, {**second, "STT": "2"}])
        after = made(XML2=[{**second, "STT": "1"}])
        ids = {each["id"] for each in every(after, "MedicationRequest")}
        assert ids < {each["id"] for each in every(before, "MedicationRequest")}

    def test_equal_rows_are_told_apart_by_occurrence(self) -> None:
        requests = every(made(XML2=[DRUG, DRUG]), "MedicationRequest")
        assert len({each["id"] for each in requests}) == 2

    def test_a_note_is_its_time_and_author(self) -> None:
        note = {"THOI_DIEM_DBLS": "202607150900", "NGUOI_THUC_HIEN": "1/X-CCHN"}
        first = one(made(XML5=[{**note, "STT": "1", "DIEN_BIEN_LS": "a"}]), "Composition")
        again = one(made(XML5=[{**note, "STT": "7", "DIEN_BIEN_LS": "b"}]), "Composition")
        assert first["id"] == again["id"]

    def test_category_8_withdraws_the_claim_never_the_encounter(self) -> None:
        resources = made({"MA_DOITUONG_KCB": "8"})
        assert one(resources, "Claim")["status"] == "cancelled"
        assert one(resources, "Encounter")["status"] == "finished"

    def test_encounter_and_claim_pin_people_and_nothing_else_does(self) -> None:
        resources = made(XML2=[DRUG])
        pins = {
            each["resourceType"]
            for each in resources
            for text in _references(each)
            if "/_history/" in text
        }
        assert pins == {"Encounter", "Claim"}
        assert one(resources, "Encounter")["subject"]["reference"].endswith("/_history/1")
        coverage = one(resources, "Claim")["insurance"][0]["coverage"]["reference"]
        assert coverage.endswith("/_history/1")

    def test_every_reference_within_the_visit_resolves(self) -> None:
        lines = [{"MA_DICH_VU": "02.03", "MA_NHOM": "13", "MA_BAC_SI": "1/X-CCHN"}]
        bed = [{"MA_DICH_VU": "K02.1", "MA_NHOM": "15", "MA_GIUONG": "H001", "MA_KHOA": "K02"}]
        resources = made(XML2=[DRUG], XML3=lines + bed, XML4=[{"TEN_CHI_SO": "WBC"}])
        known = {name_of(each) for each in resources}
        asked = {text.split("/_history")[0] for each in resources for text in _references(each)}
        assert asked <= known


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return here + [text for value in node.values() for text in _references(value)]
    if isinstance(node, list):
        return [text for value in node for text in _references(value)]
    return []


class TestEncounter:
    def test_one_a_visit_without_children(self) -> None:
        encounter = one(made(XML2=[DRUG, DRUG]), "Encounter")
        assert "partOf" not in encounter

    @pytest.mark.parametrize("care", ["02", "05", "07"])
    def test_a_course_ends_at_the_last_contact_not_at_the_last_day_of_use(self, care: str) -> None:
        lines = [{"MA_DICH_VU": "02.03", "NGAY_YL": "202607150810", "NGAY_TH_YL": "202607151000"}]
        encounter = one(
            made(
                {"MA_LOAI_KCB": care, "NGAY_RA": "202608142359", "NGAY_TTOAN": "202607150945"},
                XML3=lines,
            ),
            "Encounter",
        )
        assert encounter["period"]["end"] == "2026-07-15T10:00:00+07:00"
        use = extension(encounter, "end-of-drug-use")
        assert use["valueDateTime"] == "2026-08-14T23:59:00+07:00"

    def test_other_care_ends_at_the_end(self) -> None:
        encounter = one(made({"NGAY_TTOAN": "202607151200"}), "Encounter")
        assert encounter["period"]["end"] == "2026-07-15T09:30:00+07:00"

    @pytest.mark.parametrize(("category", "code"), [("1.1", "AMB"), ("2", "EMER")])
    def test_admission_is_class_history(self, category: str, code: str) -> None:
        encounter = one(
            made({"NGAY_VAO_NOI_TRU": "202607150815", "MA_DOITUONG_KCB": category}), "Encounter"
        )
        before, after = encounter["classHistory"]
        assert (before["class"]["code"], after["class"]["code"]) == (code, "IMP")
        assert before["period"]["end"] == after["period"]["start"] == "2026-07-15T08:15:00+07:00"

    def test_emergency_is_a_priority(self) -> None:
        encounter = one(made({"MA_DOITUONG_KCB": "2"}), "Encounter")
        assert encounter["priority"]["coding"][0]["code"] == "EM"
        assert "priority" not in one(made({"MA_DOITUONG_KCB": "1.1"}), "Encounter")

    @pytest.mark.parametrize(
        ("care", "code"), [("01", "AMB"), ("03", "IMP"), ("04", "SS"), ("09", "IMP"), ("14", "VR")]
    )
    def test_the_care_type_gives_the_class(self, care: str, code: str) -> None:
        assert one(made({"MA_LOAI_KCB": care}), "Encounter")["class"]["code"] == code

    def test_only_beds_give_a_department_a_period(self) -> None:
        bed = {
            "MA_DICH_VU": "K02.1911", "MA_NHOM": "15", "MA_KHOA": "K02", "MA_GIUONG": "H001",
            "NGAY_YL": "202607150900", "NGAY_KQ": "202607161000",
        }  # fmt: skip
        places = one(made({"MA_KHOA": "K01;K02"}, XML3=[bed]), "Encounter")["location"]
        names = [place["location"]["identifier"]["value"] for place in places]
        assert names == ["00001:K01", "00001:K02", "00001:K02:H001"]
        assert [place.get("period", {}).get("start") for place in places] == [
            None, "2026-07-15T09:00:00+07:00", "2026-07-15T09:00:00+07:00",
        ]  # fmt: skip

    @pytest.mark.parametrize(("result", "is_dead"), [("5", True), ("8", True), ("6", False)])
    def test_grave_prognosis_taken_home_is_not_death(self, result: str, is_dead: bool) -> None:
        resources = made({"KET_QUA_DTRI": result, "MA_LOAI_RV": "4"})
        assert ("deceasedBoolean" in one(resources, "Patient")) is is_dead
        where = one(resources, "Encounter")["hospitalization"]["dischargeDisposition"]
        assert ("exp" in {coding["code"] for coding in where["coding"]}) is is_dead


class TestCondition:
    def test_one_a_code_ranked_by_the_order_of_fields(self) -> None:
        resources = made({"MA_BENH_KT": "R50.9;J02.9;I10"})
        by_id = {name_of(each): each for each in every(resources, "Condition")}
        ranked = [
            (entry["rank"], by_id[entry["condition"]["reference"]]["code"]["coding"][0]["code"])
            for entry in one(resources, "Encounter")["diagnosis"]
            if "rank" in entry
        ]
        assert ranked == [(1, "J02.9"), (2, "R50.9"), (3, "I10")]

    @pytest.mark.parametrize(("end", "words"), [("202606300000", "cũ"), ("202607010000", "mới")])
    def test_words_are_of_the_list_valid_at_the_end(self, end: str, words: str) -> None:
        mapping = TableMapping(KEY, SomeLists())
        for condition in every(made({"NGAY_RA": end}, mapping), "Condition"):
            for coding in condition["code"].get("coding", ()):
                assert coding.get("display") == (words if coding["code"] == "J02.9" else None)

    def test_pieces_of_the_final_text_are_never_paired_with_codes(self) -> None:
        resources = made()
        coded = [each for each in every(resources, "Condition") if "coding" in each["code"]]
        assert all("text" not in each["code"] for each in coded)
        text = extension(one(resources, "Encounter"), "final-diagnosis-text")
        assert text["valueString"] == "Viêm họng cấp; Sốt"

    def test_the_reception_diagnosis_is_text_and_provisional(self) -> None:
        resources = made()
        (first,) = (e for e in every(resources, "Condition") if "verificationStatus" in e)
        assert first["code"] == {"text": "Viêm họng"}
        assert first["verificationStatus"]["coding"][0]["code"] == "provisional"
        entry = one(resources, "Encounter")["diagnosis"][0]
        assert entry["use"]["coding"][0]["code"] == "AD"

    def test_nothing_enters_the_problem_list_and_no_final_code_is_confirmed(self) -> None:
        for condition in every(made(), "Condition"):
            assert condition["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
            if "coding" in condition["code"]:
                assert "verificationStatus" not in condition

    def test_traditional_codes_stand_beside_as_many_others_and_apart_else(self) -> None:
        beside = every(made({"MA_BENH_YHCT": "U1;U2"}), "Condition")
        assert sorted(len(each["code"].get("coding", ())) for each in beside) == [0, 2, 2]
        apart = every(made({"MA_BENH_YHCT": "U1"}), "Condition")
        assert sorted(len(each["code"].get("coding", ())) for each in apart) == [0, 1, 1, 1]


class TestClaim:
    def test_the_hospital_only_requests(self) -> None:
        resources = made(XML2=[DRUG])
        assert one(resources, "Claim")["use"] == "claim"
        kinds = {each["resourceType"] for each in resources}
        assert not kinds & {"ClaimResponse", "ExplanationOfBenefit", "ChargeItem"}
        assert "adjudication" not in str(one(resources, "Claim"))

    def test_the_requested_split_is_an_extension_of_claim_and_line(self) -> None:
        row = {**DRUG, "T_BHTT": "2800.00", "T_BNCCT": "700.00"}
        claim = one(made({"T_BHTT": "2800.00"}, XML2=[row]), "Claim")
        for element in (claim, claim["item"][0]):
            parts = {part["url"] for part in extension(element, "requested-split")["extension"]}
            assert "fund-pays" in parts

    def test_a_drug_line_has_price_and_net_as_sent(self) -> None:
        row = {**DRUG, "DON_GIA": "350.000", "THANH_TIEN_BV": "3500.00"}
        line = one(made(XML2=[row]), "Claim")["item"][0]
        assert str(line["unitPrice"]["value"]) == "350.000"
        assert str(line["net"]["value"]) == "3500.00"
        assert line["net"]["currency"] == "VND"

    def test_a_service_line_has_the_hospitals_price_and_the_rate_as_factor(self) -> None:
        row = {
            "MA_DICH_VU": "02.03", "MA_NHOM": "13", "DON_GIA_BV": "50600", "DON_GIA_BH": "50000",
            "TYLE_TT_DV": "30", "THANH_TIEN_BV": "15180.00", "MUC_HUONG": "47.5",
        }  # fmt: skip
        line = one(made(XML3=[row]), "Claim")["item"][0]
        assert str(line["unitPrice"]["value"]) == "50600"
        assert str(line["factor"]) == "0.30"
        terms = {
            p["url"]: p["valueDecimal"] for p in extension(line, "insurance-terms")["extension"]
        }
        assert str(terms["unit-price"]) == "50000"
        assert str(terms["benefit-rate"]) == "47.5"

    def test_one_insurance_is_focal_and_further_cards_follow(self) -> None:
        insurance = one(made({"MA_THE_BHYT": "A;B"}), "Claim")["insurance"]
        assert [(each["sequence"], each["focal"]) for each in insurance] == [(1, True), (2, False)]

    def test_a_patient_without_card_pays_as_a_coverage(self) -> None:
        resources = made({"MA_THE_BHYT": ""})
        coverage = one(resources, "Coverage")
        assert coverage["type"]["coding"][0]["code"] == "pay"
        assert coverage["payor"][0]["reference"].startswith("Patient/")
        assert "insurer" not in one(resources, "Claim")


class TestMedicines:
    @pytest.mark.parametrize("care", ["01", "02", "05", "07", "08", "10", "11", "14", "16"])
    def test_what_goes_home_is_ordered_and_dispensed(self, care: str) -> None:
        row = {**DRUG, "NGAY_TH_YL": "202607150930"}
        resources = made({"MA_LOAI_KCB": care}, XML2=[row])
        assert one(resources, "MedicationRequest")["status"] == "completed"
        dispense = one(resources, "MedicationDispense")
        assert dispense["quantity"]["value"] == 10
        assert dispense["whenHandedOver"] == "2026-07-15T09:30:00+07:00"
        assert not every(resources, "MedicationAdministration")

    @pytest.mark.parametrize("care", ["03", "04", "06", "09"])
    def test_a_charge_does_not_prove_that_a_drug_was_given(self, care: str) -> None:
        ordered = made({"MA_LOAI_KCB": care}, XML2=[DRUG])
        given = made({"MA_LOAI_KCB": care}, XML2=[{**DRUG, "NGAY_TH_YL": "202607150930"}])
        assert not every(ordered, "MedicationAdministration")
        assert one(given, "MedicationAdministration")["effectiveDateTime"]
        assert not every(given, "MedicationDispense")

    def test_a_drug_of_a_service_is_part_of_its_procedure(self) -> None:
        row = {**DRUG, "NGAY_TH_YL": "202607150930", "MA_DICH_VU": "18.1"}
        service = {"MA_DICH_VU": "18.1", "MA_NHOM": "2", "NGAY_TH_YL": "202607150900"}
        resources = made({"MA_LOAI_KCB": "03"}, XML2=[row], XML3=[service])
        part = one(resources, "MedicationAdministration")["partOf"][0]["reference"]
        assert part == name_of(one(resources, "Procedure"))

    @pytest.mark.parametrize(
        "changes",
        [
            {"MA_NHOM": "7"}, {"MA_NHOM": "17"}, {"MA_THUOC": "40.17"}, {"MA_THUOC": "40.573"},
            {"MA_THUOC": "VM.00001"}, {"MA_THUOC": "BB.00001"},
        ],
    )  # fmt: skip
    def test_blood_gases_transport_and_packaging_are_no_medicines(self, changes: Row) -> None:
        resources = made(XML2=[{**DRUG, **changes}])
        assert not any(each["resourceType"].startswith("Medication") for each in resources)
        assert len(one(resources, "Claim")["item"]) == 1
        assert len(every(resources, "Procedure")) == ("MA_NHOM" in changes)

    def test_a_medicine_is_ingredient_product_strength_and_form(self) -> None:
        request = one(made(XML2=[DRUG]), "MedicationRequest")
        codes = [each["code"] for each in request["medicationCodeableConcept"]["coding"]]
        assert codes == ["40.48", "VD-1"]
        assert extension(request, "strength")["valueString"] == "500mg"
        assert extension(request, "dose-form")["valueString"] == "Viên"

    def test_no_statement_and_no_immunization(self) -> None:
        resources = made(XML2=[{**DRUG, "TEN_THUOC": "Vắc xin uốn ván"}])
        kinds = {each["resourceType"] for each in resources}
        assert not kinds & {"MedicationStatement", "Immunization"}


class TestServices:
    def test_a_service_is_an_order_and_what_was_done(self) -> None:
        resources = made(XML3=[SERVICE])
        procedure = one(resources, "Procedure")
        assert procedure["basedOn"][0]["reference"] == name_of(one(resources, "ServiceRequest"))
        assert procedure["status"] == "completed"
        assert procedure["performedPeriod"]["end"] == "2026-07-15T08:50:00+07:00"
        assert len(procedure["performer"]) == 2

    def test_a_stopped_service_is_stopped(self) -> None:
        resources = made(XML3=[{**SERVICE, "MA_DICH_VU": "02.03_TB"}])
        assert one(resources, "Procedure")["status"] == "stopped"
        assert one(resources, "ServiceRequest")["status"] == "revoked"

    def test_without_a_time_nobody_knows_whether_it_was_done(self) -> None:
        row = {name: SERVICE[name] for name in ("MA_DICH_VU", "MA_NHOM")}
        assert one(made(XML3=[row]), "Procedure")["status"] == "unknown"

    def test_an_end_before_the_beginning_travels_raw(self) -> None:
        procedure = one(made(XML3=[{**SERVICE, "NGAY_KQ": "202607150800"}]), "Procedure")
        assert "end" not in procedure["performedPeriod"]
        assert "202607150800" in str(extension(procedure, "raw-text"))

    @pytest.mark.parametrize(
        ("row", "devices"),
        [
            ({"MA_VAT_TU": "N06.02", "MA_NHOM": "10"}, 0),
            ({"MA_VAT_TU": "N06.02", "MA_NHOM": "10", "MA_HIEU_SP": "SN-1"}, 1),
        ],
    )
    def test_a_supply_is_a_line_and_a_device_only_where_its_mark_is_told(
        self, row: Row, devices: int
    ) -> None:
        resources = made(XML3=[row])
        assert len(every(resources, "Device")) == devices
        assert not every(resources, "ServiceRequest")
        line = one(resources, "Claim")["item"][0]
        assert line["productOrService"]["coding"][0]["code"] == "N06.02"


class TestResults:
    def result(self, mapping: TableMapping = MAPPING, **row: str) -> Resource:
        resources = made(None, mapping, XML4=[{"MA_LK": "MAU-1", "MA_DICH_VU": "22.1", **row}])
        return next(
            each for each in every(resources, "Observation") if "CSST" not in str(each["code"])
        )

    @pytest.mark.parametrize(("unit", "code"), [("G/L", "10*9/L"), ("T/L", "10*12/L")])
    def test_giga_and_tera_a_litre_are_no_gauss_and_tesla(self, unit: str, code: str) -> None:
        value = self.result(TEN_CHI_SO="X", GIA_TRI="12.4", DON_VI_DO=unit)["valueQuantity"]
        assert (value["unit"], value["code"]) == (unit, code)

    def test_an_unreviewed_unit_has_no_code(self) -> None:
        value = self.result(TEN_CHI_SO="X", GIA_TRI="12.4", DON_VI_DO="đơn vị")["valueQuantity"]
        assert value["unit"] == "đơn vị"
        assert not value.keys() & {"system", "code"}

    @pytest.mark.parametrize(("text", "sign"), [("<5", "<"), ("> 5", ">"), ("≤5", "<=")])
    def test_signs_are_comparators(self, text: str, sign: str) -> None:
        value = self.result(TEN_CHI_SO="X", GIA_TRI=text)["valueQuantity"]
        assert (value["comparator"], value["value"]) == (sign, 5)

    def test_a_decimal_comma_is_normalised_and_the_text_kept(self) -> None:
        result = self.result(TEN_CHI_SO="X", GIA_TRI="3,20")
        assert str(result["valueQuantity"]["value"]) == "3.20"
        assert "3,20" in str(extension(result, "raw-text"))

    @pytest.mark.parametrize("text", ["1/160", "5-10", "(+)", "Âm tính", "1e3"])
    def test_titres_ranges_and_signs_stay_text(self, text: str) -> None:
        assert self.result(TEN_CHI_SO="X", GIA_TRI=text)["valueString"] == text

    def test_a_pending_result_is_registered_without_value(self) -> None:
        result = self.result(TEN_CHI_SO="X")
        assert result["status"] == "registered"
        assert not any(key.startswith("value") for key in result)

    def test_only_a_description_is_a_report_without_observation(self) -> None:
        resources = made(XML4=[{"MA_DICH_VU": "18.1", "MO_TA": "Gan đều", "KET_LUAN": "Ổn"}])
        report = one(resources, "DiagnosticReport")
        assert report["conclusion"] == "Ổn"
        assert "Gan đều" in report["text"]["div"]
        assert not every(resources, "Observation")

    def test_the_time_is_that_of_the_single_service_row_else_absent(self) -> None:
        row = {"MA_DICH_VU": "22.1", "TEN_CHI_SO": "X", "GIA_TRI": "1", "NGAY_KQ": "202607150840"}
        service = {"MA_DICH_VU": "22.1", "MA_NHOM": "1", "NGAY_TH_YL": "202607150825"}
        single = one(made(XML4=[row], XML3=[service]), "Observation")
        assert single["effectiveDateTime"] == "2026-07-15T08:25:00+07:00"
        assert single["issued"] == "2026-07-15T08:40:00+07:00"
        doubled = one(made(XML4=[row], XML3=[service, service]), "Observation")
        assert "effectiveDateTime" not in doubled

    def test_an_index_is_a_coding_only_when_the_list_holds_it(self) -> None:
        known = self.result(TableMapping(KEY, SomeLists()), MA_CHI_SO="1000001", TEN_CHI_SO="WBC")
        assert known["code"]["coding"][0]["code"] == "1000001"
        assert "coding" not in self.result(MA_CHI_SO="22.1", TEN_CHI_SO="WBC")["code"]

    def test_there_is_no_reference_range(self) -> None:
        assert "referenceRange" not in self.result(TEN_CHI_SO="WBC", GIA_TRI="5", DON_VI_DO="G/L")

    def test_vital_signs_of_a_note_are_observations(self) -> None:
        text = "Tỉnh. CSST<M75_T37,5_HA120/70_NT18_SP98_HL2>"
        resources = made(XML5=[{"DIEN_BIEN_LS": text, "THOI_DIEM_DBLS": "202607150900"}])
        signs = every(resources, "Observation")
        codes = {each["code"]["coding"][0]["code"] for each in signs}
        assert codes == {"8867-4", "8310-5", "85354-9", "9279-1", "2708-6"}
        note = one(resources, "Composition")
        assert len(note["section"][0]["entry"]) == 5


class TestCertificates:
    @pytest.mark.parametrize("table", ["XML7", "XML8", "XML9", "XML10", "XML11", "XML13", "XML14"])
    def test_a_certificate_is_a_composition_and_a_document_reference(self, table: str) -> None:
        resources = made(None, **{table: [{"NGAY_CT": "20260715"}]})
        document = one(resources, "Composition")
        attachment = one(resources, "DocumentReference")["content"][0]["attachment"]
        assert attachment["url"] == name_of(document)

    def test_an_appointment_slip_is_an_appointment(self) -> None:
        appointment = one(made(XML14=[{"NGAY_HEN_KL": "20260722"}]), "Appointment")
        assert appointment["requestedPeriod"] == [{"start": "2026-07-22"}]
        assert appointment["status"] == "proposed"

    def test_a_transfer_letter_is_a_referral(self) -> None:
        request = one(made(XML13=[{"MA_CSKCB_DEN": "00002"}]), "ServiceRequest")
        assert request["performer"][0]["identifier"]["value"] == "00002"

    def test_a_birth_keeps_the_mothers_number_off_the_child(self) -> None:
        row = {"SO_CCCD_NND": "000185000001", "HO_TEN_CON": "MẪU", "CAN_NANG_CON": "3200"}
        resources = made(XML9=[row])
        child = next(each for each in every(resources, "Patient") if "birthDate" not in each)
        assert "identifier" not in child
        assert extension(child, "no-automatic-merge")["valueBoolean"] is True
        assert one(resources, "RelatedPerson")["identifier"][0]["value"] == "000185000001"


class TestPeople:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("000001/XX-CCHN", "000001/XX-CCHN"),
            ("000001/XX-CCHN(NV01)", "000001/XX-CCHN"),
            ("000001/XX-CCHN.C.00002", "000001/XX-CCHN"),
            ("000001/XX-CCHN.HD.79_001", "000001/XX-CCHN"),
            ("(NV01)", "00001:NV01"),
        ],
    )
    def test_a_licence_is_stripped_of_its_marks(self, text: str, value: str) -> None:
        request = one(made(XML2=[{**DRUG, "MA_BAC_SI": text}]), "MedicationRequest")
        assert request["requester"]["identifier"]["value"] == value

    def test_licence_and_social_insurance_number_are_different_systems(self) -> None:
        row = {**DRUG, "MA_BAC_SI": "000001/XX-CCHN"}
        resources = made({"MA_TTDV": "0000000001"}, XML2=[row])
        systems = {each["identifier"][0]["system"] for each in every(resources, "Practitioner")}
        assert {uri.rpartition("/")[2] for uri in systems} == {"cchn", "bhxh"}

    def test_a_newborn_without_card_bears_a_parents_name_for_the_time_being(self) -> None:
        resources = made(
            {"NGAY_SINH": "202607140500", "MA_THE_BHYT": "", "SO_CCCD": "000185000001"}
        )
        child = one(resources, "Patient")
        assert child["name"][0]["use"] == "temp"
        assert [each["value"] for each in child["identifier"]] == ["BN-1"]
        assert extension(child, "no-automatic-merge")["valueBoolean"] is True
        assert one(resources, "RelatedPerson")["identifier"][0]["value"] == "000185000001"

    def test_everyone_else_bears_their_own(self) -> None:
        patient = one(made({"SO_CCCD": "000085000001"}), "Patient")
        assert patient["name"][0]["use"] == "official"
        assert patient["birthDate"] == "1985-03-15"
        assert len(patient["identifier"]) == 2

    def test_a_birth_of_which_only_the_year_is_known_is_a_year(self) -> None:
        assert one(made({"NGAY_SINH": "195800000000"}), "Patient")["birthDate"] == "1958"


def test_a_check_in_alone_is_a_visit_in_progress() -> None:
    row = {"MA_LK": "MAU-1", "MA_BN": "BN-1", "HO_TEN": "MẪU", "NGAY_VAO": "202607150800",
           "MA_LOAI_KCB": "01", "NGAY_YL": "202607150810"}  # fmt: skip
    shelf = Shelf()
    rest = write(MAPPING, make_visit({"XML0": [row]}), shelf)
    encounter = one(rest, "Encounter")
    assert encounter["status"] == "in-progress"
    assert encounter["class"]["code"] == "AMB"
    assert not every(rest, "Claim")
    assert next(iter(shelf.kept.values()))["name"][0]["text"] == "MẪU"


def test_an_assessment_board_comes_back_without_a_patient_number() -> None:
    row = {"SO_BIEN_BAN": "12/2026", "SO_CCCD": "000085000001", "HO_TEN": "MẪU"}
    visit = make_visit({"XML12": [row]}, link="XML12:12/2026", patient="XML12:000085000001")
    shelf = Shelf()
    rest = write(MAPPING, visit, shelf)
    assert MAPPING.claim(rest, shelf.at) == visit
    patient = next(iter(shelf.kept.values()))
    assert not any("patient-internal-id" in each["system"] for each in patient["identifier"])


def test_rows_that_were_ended_are_not_read_back() -> None:
    visit = make_visit({"XML1": [SUMMARY], "XML4": [{"TEN_CHI_SO": "A"}, {"TEN_CHI_SO": "B"}]})
    shelf = Shelf()
    rest = write(MAPPING, visit, shelf)
    for resource in every(rest, "Observation"):
        if resource["code"].get("text") == "B":
            resource["status"] = "entered-in-error"
    assert MAPPING.claim(rest, shelf.at).tables["XML4"] == [{"TEN_CHI_SO": "A"}]


def test_what_is_no_visit_of_a_claim_is_refused() -> None:
    with pytest.raises(KeyError):
        MAPPING.claim([{"resourceType": "Encounter", "id": "x"}], Shelf().at)


def test_a_claim_without_a_day_says_so() -> None:
    shelf = Shelf()
    visit = make_visit({"XML1": [SUMMARY]}, made_on=None)
    rest = write(MAPPING, visit, shelf)
    assert "created" not in one(rest, "Claim")
    assert one(rest, "Claim")["_created"]["extension"][0]["valueCode"] == "unknown"
    assert MAPPING.claim(rest, shelf.at) == visit
