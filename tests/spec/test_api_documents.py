"""`$summary` and `$document` over HTTP: a record as one document that can be read by itself.

R4 Composition-document, R4 3.3 (documents); HL7 IPS 1.1 (sections of `$summary`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.api import XML, Client, api_of, problem
from tests.support.profiles import errors, library_of
from tests.support.record import condition, record
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator
from trucyte.national.record import operations
from trucyte.national.record.operations import Documents
from trucyte.web.api.operations.documents import document_operations

BASE = "http://127.0.0.1:8080/fhir"
COMPOSITION = {
    "resourceType": "Composition",
    "id": "k1",
    "status": "final",
    "type": {"text": "Giấy ra viện"},
    "subject": {"reference": "Patient/p1"},
    "date": "2026-11-01",
    "author": [{"reference": "Practitioner/d1"}],
    "title": "Giấy ra viện",
    "section": [
        {"title": "A", "entry": [{"reference": f"{BASE}/MedicationRequest/r1"}]},
        {"title": "B", "entry": [{"reference": "Condition/c4"}, {"reference": "Condition/none"}]},
    ],
}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(*record(), COMPOSITION)
        yield opened


def client_of(node: Node, clock: FixedClock, definitions: Definitions, **more: Any) -> Client:
    rows = document_operations(Documents(node.records, clock, "Nút mẫu"))
    return Client(api_of(node, clock, definitions, operations=rows, **more))


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    return client_of(node, clock, definitions)


@pytest.fixture(scope="module")
def validator(definitions: Definitions, structures: Cache) -> ProfileValidator:
    return full_validator(library_of(definitions, structures))


def sections(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the sections of a summary by their English title."""
    composition = bundle["entry"][0]["resource"]
    return {one["title"].partition(" · ")[2]: one for one in composition["section"]}


def taken(bundle: dict[str, Any], title: str) -> list[str]:
    return [one["reference"].removeprefix(BASE + "/") for one in sections(bundle)[title]["entry"]]


def test_a_summary_has_what_is_in_force_in_its_section(client: Client) -> None:
    bundle = client.get("/fhir/Patient/p1/$summary").json
    assert bundle["type"] == "document"
    assert {
        name: taken(bundle, name)
        for name in ("Medications", "Problems", "Vital signs", "Results", "Social history",
                     "History of past illness", "Pregnancy", "Immunizations")
    } == {
        "Medications": ["MedicationRequest/r1"],
        "Problems": ["Condition/c1"],
        "Vital signs": ["Observation/w2"],
        "Results": ["Observation/g1"],
        "Social history": ["Observation/s1"],
        "History of past illness": ["Condition/c2"],
        "Pregnancy": ["Observation/x1"],
        "Immunizations": ["Immunization/i1"],
    }  # fmt: skip
    assert "Procedures" not in sections(bundle)


def test_a_required_section_says_that_nothing_is_known(client: Client) -> None:
    bundle = client.get("/fhir/Patient/p2/$summary").json
    by_url = {one["fullUrl"]: one["resource"] for one in bundle["entry"]}
    for title, code in {
        "Medications": "no-medication-info",
        "Allergies": "no-allergy-info",
    }.items():
        (reference,) = taken(bundle, title)
        made = by_url[reference]
        concept = made.get("medicationCodeableConcept") or made["code"]
        assert concept["coding"][0]["code"] == code


@pytest.mark.parametrize("person", ["p1", "p2"])
def test_a_summary_is_a_valid_document_that_stands_by_itself(
    client: Client, validator: ProfileValidator, person: str
) -> None:
    bundle = client.get(f"/fhir/Patient/{person}/$summary").json
    assert errors(validator.check(bundle)) == []
    urls = {one["fullUrl"] for one in bundle["entry"]}
    composition = bundle["entry"][0]["resource"]
    pointed = [composition["subject"], *composition["author"]]
    pointed += [entry for one in composition["section"] for entry in one.get("entry", ())]
    assert {one["reference"] for one in pointed} <= urls


def test_what_entries_point_to_is_taken_along(client: Client) -> None:
    bundle = client.get("/fhir/Patient/p1/$summary").json
    urls = {one["fullUrl"].removeprefix(BASE + "/") for one in bundle["entry"]}
    assert {"Practitioner/d1", "Organization/o1", "Medication/m1"} <= urls


def test_narratives_are_xhtml_in_both_languages(client: Client) -> None:
    composition = client.get("/fhir/Patient/p1/$summary").json["entry"][0]["resource"]
    texts = [composition["text"]["div"], *(s["text"]["div"] for s in composition["section"])]
    for text in texts:
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/1999/xhtml}div"  # noqa: S314
    whole = "".join(texts)
    for said in ("Nguyễn Văn &lt;Mẫu&gt;", "Metformin 500 mg", "1 viên, sáng &amp; tối",
                 "72.5 kg", "05/2019", "Thuốc đang dùng · Medications"):  # fmt: skip
        assert said in whole, said


def test_restricted_data_is_left_out_and_the_note_tells_nothing(
    client: Client, node: Node, clock: FixedClock, definitions: Definitions
) -> None:
    reply = client.get("/fhir/Patient/p1/$summary")
    assert "Kín đáo" not in reply.body.decode()
    assert "Condition/c4" not in reply.body.decode()
    notes = [
        sections(client.get(f"/fhir/Patient/{person}/$summary").json)["Note"]
        for person in ("p1", "p2")
    ]
    assert notes[0] == notes[1]  # whether or not there is something
    assert "whether or not" in notes[0]["text"]["div"]
    full = client_of(node, clock, definitions, access=lambda call: node.full)
    seen = full.get("/fhir/Patient/p1/$summary").json
    assert "Condition/c4" in taken(seen, "Problems")
    assert "Note" not in sections(seen)


def test_a_summary_is_found_by_identifier(client: Client, node: Node) -> None:
    reply = client.get("/fhir/Patient/$summary?identifier=urn:test%7C1")
    assert taken(reply.json, "Problems") == ["Condition/c1"]
    assert problem(client.get("/fhir/Patient/$summary?identifier=urn:test%7C9")) == (
        404,
        "summary-patient-unknown",
    )
    node.put({"resourceType": "Patient", "id": "p3",
              "identifier": [{"system": "urn:test", "value": "1"}]})  # fmt: skip
    assert problem(client.get("/fhir/Patient/$summary?identifier=urn:test%7C1")) == (
        412,
        "summary-patient-several",
    )


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("Patient/$summary", (400, "operation-parameter")),
        ("Patient/p1/$summary?identifier=x", (400, "operation-parameter")),
        ("Patient/p1/$summary?profile=urn:other", (501, "operation-parameter-unsupported")),
        ("Patient/none/$summary", (404, "not-found")),
        ("Composition/$document", (400, "operation-parameter")),
        ("Composition/k1/$document?id=k1", (400, "operation-parameter")),
        ("Composition/k1/$document?persist=true", (501, "operation-parameter-unsupported")),
        ("Composition/$document?id=http://other/Composition/k1", (400, "operation-parameter")),
        ("Composition/none/$document", (404, "not-found")),
    ],
)
def test_what_cannot_be_answered_is_refused(
    client: Client, target: str, refusal: tuple[int, str]
) -> None:
    assert problem(client.get(f"/fhir/{target}")) == refusal


def test_a_document_holds_all_it_leads_to_but_what_is_restricted(
    client: Client, validator: ProfileValidator
) -> None:
    bundle = client.get("/fhir/Composition/k1/$document?persist=false").json
    assert bundle["identifier"]["value"].startswith("urn:uuid:")
    assert [one["fullUrl"].removeprefix(BASE + "/") for one in bundle["entry"]] == [
        "Composition/k1",
        "Patient/p1",
        "Practitioner/d1",
        "MedicationRequest/r1",
        "Organization/o1",
        "Medication/m1",
    ]
    # What is not shown, and what is not there, look the same: it is missing.
    missing = "Bundle.entry[0].resource.section[1].entry"
    assert errors(validator.check(bundle)) == [
        ("bundle-reference-missing", f"{missing}[{n}]") for n in (0, 1)
    ]


@pytest.mark.parametrize("asked", ["k1", "Composition/k1", f"{BASE}/Composition/k1"])
def test_a_document_is_asked_for_by_id(client: Client, asked: str) -> None:
    body = json.dumps({"resourceType": "Parameters",
                       "parameter": [{"name": "id", "valueUri": asked}]}).encode()  # fmt: skip
    reply = client("POST", "/fhir/Composition/$document", body)
    assert reply.json["entry"][0]["fullUrl"] == f"{BASE}/Composition/k1"


def test_documents_of_references_in_circles_end(client: Client, node: Node) -> None:
    node.put(
        {"resourceType": "Organization", "id": "a", "partOf": {"reference": "Organization/b"}},
        {"resourceType": "Organization", "id": "b", "partOf": {"reference": "Organization/a"}},
        {**COMPOSITION, "id": "k2", "custodian": {"reference": "Organization/a"}},
    )
    bundle = client.get("/fhir/Composition/k2/$document").json
    names = [one["fullUrl"] for one in bundle["entry"]]
    assert names.count(f"{BASE}/Organization/b") == 1


def test_a_document_of_too_much_is_refused(
    client: Client, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "RESOURCES_MAX", 3)
    assert problem(client.get("/fhir/Composition/k1/$document")) == (413, "document-too-large")


def test_a_restricted_patient_has_no_summary_for_who_may_not_see_it(
    client: Client, node: Node
) -> None:
    node.put({"resourceType": "Patient", "id": "hidden", "meta": RESTRICTED})
    assert problem(client.get("/fhir/Patient/hidden/$summary")) == (403, "restricted")


def test_of_one_code_the_newest_is_taken_and_of_many_the_hundred_newest(
    client: Client, node: Node
) -> None:
    node.put(*(condition(f"n{n}", f"Bệnh {n}", "active", recordedDate=f"{1900 + n}")
               for n in range(120)))  # fmt: skip
    found = taken(client.get("/fhir/Patient/p1/$summary").json, "Problems")
    assert len(found) == 100
    assert found[0] == "Condition/c1"
    assert found[1] == "Condition/n119"


def test_a_summary_is_given_as_xml(client: Client) -> None:
    reply = client.get("/fhir/Patient/p1/$summary", accept=XML)
    assert b"<Bundle" in reply.body[:200]
    assert reply.status == 200
