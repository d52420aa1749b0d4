"""What pages read, through the real gate."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.support.asgi import ask
from tests.support.records import RESTRICTED, Node, change_of, open_node
from tests.support.web_records import (
    BHYT,
    CCCD,
    claim,
    condition,
    document,
    drug,
    encounter,
    patient,
    result,
)
from tests.support.web_services import fake_services
from trucyte.fhir.text import accept
from trucyte.journal.change import Change
from trucyte.journal.evidence import evidence_from_json, verify_evidence
from trucyte.records.shown import ResourceNotFound, ResourceRestricted
from trucyte.web.app import make_app
from trucyte.web.reader import PeopleQuery, RecordsReader
from trucyte.web.views.proof import checked_proof

DIGITS = {"valueQuantity", "quantity", "item", "total", "extension"}  # may hold decimals
AT = "2026-11-22T08:00:00+07:00"


def change(resource: dict) -> Change:
    """Make a change whose decimals keep their digits."""
    accepted = accept(msgspec.json.Encoder(decimal_format="number").encode(resource))
    made = change_of({key: value for key, value in resource.items() if key not in DIGITS})
    return replace(made, body=accepted.body, meta_offset=accepted.meta_offset, resource=None)


def of(person: str, resource: dict) -> dict:
    """Say whose a resource is, as the claims mapping does."""
    return {**resource, "subject": {"reference": f"Patient/{person}"}}


@pytest.fixture
def node(database, tmp_path: Path, clock, definitions):
    with open_node(database, tmp_path, clock, definitions) as node:
        people = [
            patient("p1", "Nguyễn Văn Mẫu", "1985-03-15", "male", "000085000001"),
            patient("p2", "Nguyễn Thị Hoa Mẫu", "1985", "female", "000185000002"),
            patient("p3", "Trần Mẫu, Văn", "1990-01-01", "male", ""),
        ]
        coverage = {
            "resourceType": "Coverage",
            "id": "b1",
            "status": "active",
            "identifier": [{"system": BHYT, "value": "GD4000000000001"}],
            "beneficiary": {"reference": "Patient/p1"},
            "payor": [{"display": "BHXH"}],
        }
        visits = [
            encounter("v1", "p1", AT, "2026-11-22T09:30:00+07:00"),
            {**encounter("v2", "p1", "2026-05-02T08:00:00+07:00", ""), "meta": RESTRICTED},
        ]
        parts = [
            of("p1", condition("c1", "v1", "J02.9", "Viêm họng cấp")),
            of("p1", result("o1", "v1", "Glucose", "5.60", "mmol/L", AT)),
            of("p1", {**result("o2", "v2", "HIV", "1", "", AT), "meta": RESTRICTED}),
            of(
                "p1",
                document("n1", "v1", "XML5", "Diễn biến lâm sàng", "2026-11-22", "<p>Tỉnh</p>"),
            ),
            *(of("p1", one) for one in drug("m1", "v1", "Thuốc A", "500mg", "x", "y", "10")),
            {**claim("k1", "v1"), "patient": {"reference": "Patient/p1"}},
        ]
        node.journal.commit([change(one) for one in (*people, coverage, *visits, *parts)])
        yield node


@pytest.fixture
def reader(node: Node) -> RecordsReader:
    return RecordsReader(node.records)


def test_a_visit_is_read_whole_with_its_digits(node: Node, reader: RecordsReader) -> None:
    found = {(one.type, one.id): one for one in reader.of_visit(node.plain, "v1")}
    assert set(found) == {
        ("Claim", "k1"),
        ("Composition", "n1"),
        ("Condition", "c1"),
        ("MedicationDispense", "m1d"),
        ("MedicationRequest", "m1"),
        ("Observation", "o1"),
    }
    glucose = found["Observation", "o1"]
    assert glucose.resource and str(glucose.resource["valueQuantity"]["value"]) == "5.60"
    assert glucose.seq > 0 and glucose.version == 1


def test_a_restricted_visit_is_refused(node: Node, reader: RecordsReader) -> None:
    with pytest.raises(ResourceRestricted):
        reader.read(node.plain, "Encounter", "v2")
    assert reader.read(node.full, "Encounter", "v2").resource
    assert [one.id for one in reader.of_visit(node.plain, "v2")] == []
    with pytest.raises(ResourceNotFound):
        reader.read(node.plain, "Encounter", "none")


def test_a_timeline_holds_a_restricted_visit_as_a_month(node: Node, reader: RecordsReader) -> None:
    person = reader.read(node.plain, "Patient", "p1").person
    story = {(one.type, one.id): one for one in reader.of_person(node.plain, person)}
    closed = story["Encounter", "v2"]
    assert closed.resource is None and closed.month == "2026-05"
    assert ("Observation", "o2") not in story
    assert story["Encounter", "v1"].resource and story["Coverage", "b1"].resource
    assert [one for one in reader.of_person(node.full, person) if one.resource is None] == []


SEARCHES = (
    (PeopleQuery(name="nguyen van mau"), ["p1"]),
    (PeopleQuery(name="NGUYỄN"), ["p1", "p2"]),
    (PeopleQuery(name="mau hoa"), ["p2"]),
    (PeopleQuery(name="Mẫu", year="1985"), ["p1", "p2"]),
    (PeopleQuery(name="mẫu, văn"), ["p3"]),
    (PeopleQuery(number="000085000001"), ["p1"]),
    (PeopleQuery(number="GD4000000000001"), ["p1"]),
    (PeopleQuery(number="BN-p3"), ["p3"]),
    (PeopleQuery(number="none"), []),
    (PeopleQuery(name="a$b|c\\,d"), []),
    (PeopleQuery(), []),
)


def test_people_are_found(node: Node, reader: RecordsReader) -> None:
    for query, found in SEARCHES:
        people = reader.find_people(node.plain, query, count=50)
        assert sorted(one.id for one in people) == found, query


def test_a_line_is_proved_and_verified(node: Node, reader: RecordsReader) -> None:
    seq = reader.read(node.plain, "Encounter", "v1").seq
    own = node.journal.keyring.public_keys
    services = replace(fake_services(), prove=node.journal.prove, public_keys=lambda: own)
    proof = checked_proof(services, seq)
    assert proof.is_valid and proof.first <= seq <= proof.last <= proof.covered
    assert proof.key == node.journal.keyring.key_id and proof.signed_at
    assert (
        checked_proof(
            replace(services, public_keys=lambda: dict.fromkeys(own, b"x" * 32)), seq
        ).is_valid
        is False
    )
    altered = replace(services, prove=lambda _: node.journal.prove(seq - 1))
    assert checked_proof(altered, seq).is_valid is False
    assert checked_proof(fake_services(), seq).is_valid is None


def test_a_page_verifies_before_the_readers_eyes(node: Node, reader: RecordsReader) -> None:
    services = replace(
        fake_services(),
        records=reader,
        access=lambda subject, purpose: node.plain,
        prove=node.journal.prove,
        public_keys=lambda: node.journal.keyring.public_keys,
    )
    pages = make_app(services)
    assert "Kiểm tra niêm phong" in ask(pages, "GET", "/visits/v1").body.decode()
    whole = ask(pages, "POST", "/visits/v1/proof").body.decode()
    part = ask(pages, "POST", "/visits/v1/proof", headers={"hx-request": "true"}).body.decode()
    for html in (whole, part):
        assert "Niêm phong kỹ thuật còn nguyên" in html
    assert "<html" in whole and "<html" not in part
    evidence = ask(pages, "GET", "/visits/v1/evidence.json")
    record = verify_evidence(evidence_from_json(evidence.body), node.journal.keyring.public_key)
    assert (record.type, record.id) == ("Encounter", "v1")
    assert ask(pages, "POST", "/visits/v2/proof").status == 403
    assert ask(pages, "GET", "/visits/v2/evidence.json").status == 403


def test_no_more_people_come_than_asked_for(node: Node, reader: RecordsReader) -> None:
    assert len(reader.find_people(node.plain, PeopleQuery(name="mau"), count=2)) == 2


def test_who_was_shown_is_in_the_trail(node: Node, reader: RecordsReader) -> None:
    node.trail.shown_to.clear()
    reader.find_people(node.plain, PeopleQuery(number="000085000001"), count=5)
    persons = {person for _, seen, _ in node.trail.shown_to for person in seen}
    assert reader.read(node.plain, "Patient", "p1").person in persons
    assert CCCD not in str(node.trail.shown_to)
