"""Every form R4 can ask a value by (3.1.1.4), over one small set of resources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

UCUM = "http://unitsofmeasure.org"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def codes(*pairs: tuple[str, str]) -> dict:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


RESOURCES = [
    {"resourceType": "Patient", "id": "p1", "active": True, "generalPractitioner": [
        {"reference": "Practitioner/d"}, {"reference": "https://x.vn/fhir/Organization/9"}],
     "identifier": [{"type": {**codes((V2, "NI")), "text": "Căn cước"}, "system": "urn:cccd",
                     "value": "001"}, {"system": "urn:only"}],
     "telecom": [{"system": "phone", "value": "0901"}],
     "meta": {"profile": ["http://x.vn/p|1.0"], "tag": [{"system": "urn:t", "code": "t"}],
              "source": "urn:his"}},
    {"resourceType": "Patient", "id": "p2", "active": False, "deceasedDateTime": "2020",
     "managingOrganization": {"identifier": {"system": "urn:o", "value": "bv"}},
     "identifier": [{"value": "001"}], "multipleBirthInteger": 2},
    {"resourceType": "DocumentReference", "id": "d1", "status": "current", "content": [],
     "custodian": {"reference": "Organization/9"},
     "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/0"}},
                   {"code": "appends", "target": {"reference": "DocumentReference/1"}}]},
    {"resourceType": "Group", "id": "g1", "type": "person", "actual": True, "characteristic": [
        {"code": codes(("urn:c", "sex")), "valueCodeableConcept": codes(("urn:v", "f"))},
        {"code": codes(("urn:c", "old")), "valueBoolean": True}]},
    {"resourceType": "Observation", "id": "o1", "status": "final",
     "code": codes(("urn:c", "a")), "performer": [{"reference": "Organization/9"}],
     "subject": {"type": "Patient", "identifier": {"system": "urn:cccd", "value": "001"}},
     "valueCodeableConcept": codes(("urn:v", "pos")), "component": [
         {"code": codes(("urn:c", "x")), "valueCodeableConcept": codes(("urn:v", "neg"))},
         {"code": codes(("urn:c", "y")), "valueQuantity": {"value": 5, "unit": "viên"}}]},
    {"resourceType": "Observation", "id": "o2", "status": "final", "code": codes(("urn:c", "b")),
     "subject": {"identifier": {"value": "002"}}, "valueDateTime": "2024-02-29",
     "valueSampledData": None},
    {"resourceType": "ChargeItem", "id": "c1", "status": "billed", "code": codes(("urn:c", "a")),
     "subject": {"reference": "Patient/p1"}, "factorOverride": 1.5,
     "priceOverride": {"value": 15000, "currency": "VND"}},
    {"resourceType": "CarePlan", "id": "k1", "status": "active", "intent": "plan",
     "subject": {"reference": "urn:uuid:5"}, "instantiatesCanonical": ["http://x.vn/plan|2"]},
    {"resourceType": "ValueSet", "id": "v1", "status": "active", "url": "http://x.vn/vs",
     "version": "1"},
    {"resourceType": "MolecularSequence", "id": "m1", "coordinateSystem": 0,
     "referenceSeq": {"chromosome": codes(("urn:c", "1")), "windowStart": 5, "windowEnd": 9,
                      "referenceSeqId": codes(("urn:s", "NC"))},
     "variant": [{"start": 10, "end": 20}, {"start": 30, "end": 40}]},
    {"resourceType": "MolecularSequence", "id": "m2", "coordinateSystem": 0,
     "variant": [{"start": 10, "end": 20}]},
    {"resourceType": "Bundle", "id": "b1", "type": "document", "entry": [
        {"fullUrl": "urn:uuid:7", "resource": {"resourceType": "Composition", "id": "c"}}]},
    {"resourceType": "Bundle", "id": "b2", "type": "message", "entry": [
        {"resource": {"resourceType": "MessageHeader", "id": "c"}}]},
    {"resourceType": "Location", "id": "hanoi",
     "position": {"latitude": 21.0285, "longitude": 105.8542}},
    {"resourceType": "Location", "id": "haiphong",
     "position": {"latitude": 20.8449, "longitude": 106.6881}},
    {"resourceType": "Location", "id": "suva",
     "position": {"latitude": -18.1416, "longitude": 178.4419}},
    {"resourceType": "Location", "id": "apia",
     "position": {"latitude": -13.8333, "longitude": -171.7667}},
    {"resourceType": "Location", "id": "nowhere"},
    {"resourceType": "Observation", "id": "u1", "status": "final", "code": codes(("urn:c", "g")),
     "valueQuantity": {"value": 5.4, "system": UCUM, "code": "g/L", "unit": "g/L"}},
    {"resourceType": "Observation", "id": "u2", "status": "final", "code": codes(("urn:c", "g")),
     "valueQuantity": {"value": 5.4, "system": UCUM, "code": "mg/cm3"}, "component": [
         {"code": codes(("urn:c", "z")), "valueQuantity": {
             "value": 2, "system": UCUM, "code": "[stone_av]"}}]},
    {"resourceType": "Observation", "id": "u3", "status": "final", "code": codes(("urn:c", "g")),
     "valueQuantity": {"value": 5.4, "system": "urn:other", "code": "g/L"}},
]  # fmt: skip
RESOURCES[5].pop("valueSampledData")

ASKED = [
    # token
    ("Patient", "active", "true", "p1"),
    ("Patient", "deceased", "true", "p2"),
    ("Patient", "deceased", "false", "p1"),
    ("Patient", "phone", "0901", "p1"),
    ("Patient", "identifier", "001", "p1 p2"),
    ("Patient", "identifier", "|001", "p2"),
    ("Patient", "identifier", "urn:cccd|001", "p1"),
    ("Patient", "identifier", "urn:only|", "p1"),
    ("Patient", "identifier", "urn:only|001", ""),
    ("Patient", "identifier:of-type", f"{V2}|NI|001", "p1"),
    ("Patient", "identifier:of-type", f"{V2}|MR|001", ""),
    ("Patient", "identifier:text", "can cuoc", "p1"),
    ("Patient", "identifier:missing", "true", ""),
    ("Patient", "_tag", "urn:t|t", "p1"),
    ("Patient", "death-date:missing", "true", "p1"),
    ("Patient", "death-date:missing", "true,false", "p1 p2"),
    # uri
    ("Patient", "_profile", "http://x.vn/p", "p1"),
    ("Patient", "_profile", "http://x.vn/p|1.0", "p1"),
    ("Patient", "_profile", "http://x.vn/p|2.0", ""),
    ("Patient", "_source", "urn:his", "p1"),
    ("ValueSet", "url", "http://x.vn/vs", "v1"),
    ("ValueSet", "url", "http://x.vn", ""),
    # reference
    ("Patient", "general-practitioner", "Practitioner/d", "p1"),
    ("Patient", "general-practitioner", "d", "p1"),
    ("Patient", "general-practitioner:Practitioner", "d", "p1"),
    ("Patient", "general-practitioner:Organization", "d", ""),
    ("Patient", "general-practitioner", "https://x.vn/fhir/Organization/9", "p1"),
    ("Patient", "general-practitioner", "Organization/9", ""),
    ("Patient", "general-practitioner", "Practitioner/d/_history/3", "p1"),
    ("Patient", "organization:identifier", "urn:o|bv", "p2"),
    ("Patient", "organization:identifier", "bv", "p2"),
    ("Patient", "organization:identifier", "|bv", ""),
    ("Observation", "subject:identifier", "urn:cccd|001", "o1"),
    ("Observation", "patient:identifier", "urn:cccd|001", "o1"),
    ("Observation", "subject:identifier", "|002", "o2"),
    ("Observation", "patient:identifier", "|002", ""),
    ("Observation", "patient:Group", "1", ""),
    ("Observation", "patient", "Group/1", ""),
    ("Observation", "performer", "9", "o1"),
    ("CarePlan", "subject", "urn:uuid:5", "k1"),
    ("CarePlan", "instantiates-canonical", "http://x.vn/plan", "k1"),
    ("CarePlan", "instantiates-canonical", "http://x.vn/plan|2", "k1"),
    ("CarePlan", "instantiates-canonical", "http://x.vn/plan|3", ""),
    # number, quantity
    ("ChargeItem", "factor-override", "1.5", "c1"),
    ("ChargeItem", "factor-override", "2", "c1"),
    ("ChargeItem", "factor-override", "2.0", ""),
    ("ChargeItem", "factor-override", "ap1.6", "c1"),
    ("ChargeItem", "factor-override", "ap2.0", ""),
    ("ChargeItem", "price-override", "gt10000", "c1"),
    ("ChargeItem", "price-override", "15000|urn:iso:std:iso:4217|VND", "c1"),
    ("ChargeItem", "price-override", "15000||USD", ""),
    ("ChargeItem", "price-override", "1.5e4", "c1"),
    ("Observation", "component-value-quantity", "5||viên", "o1"),
    ("Observation", "component-value-quantity", "5|http://unitsofmeasure.org|viên", ""),
    # every prefix: a number is a point, a date a range, the search value has a precision
    *(
        ("ChargeItem", "factor-override", value, found)
        for value, found in (
            ("eq1.5", "c1"),
            ("eq1.50", "c1"),
            ("eq1.51", ""),
            ("ne1.5", ""),
            ("ne1.6", "c1"),
            ("gt1.5", ""),
            ("gt1.49", "c1"),
            ("lt1.5", ""),
            ("lt1.51", "c1"),
            ("ge1.5", "c1"),
            ("ge1.51", ""),
            ("le1.5", "c1"),
            ("le1.49", ""),
            ("sa1.5", ""),
            ("sa1.4", "c1"),
            ("eb1.5", ""),
            ("eb1.6", "c1"),
            ("ap1.4", "c1"),
            ("ap1.3", ""),
        )
    ),
    *(
        ("Patient", "death-date", value, found)
        for value, found in (
            ("eq2020", "p2"),
            ("2020-01", ""),
            ("ne2020", ""),
            ("ne2020-01", "p2"),
            ("gt2020", ""),
            ("gt2020-06", "p2"),
            ("lt2020", ""),
            ("lt2020-06", "p2"),
            ("ge2020", "p2"),
            ("ge2021", ""),
            ("le2020", "p2"),
            ("le2019", ""),
            ("sa2019", "p2"),
            ("sa2020-06", ""),
            ("eb2021", "p2"),
            ("eb2020-06", ""),
            ("ap2020-06", "p2"),
            ("ap2026-10", ""),
        )
    ),
    ("Observation", "value-date", "sa2024-02", ""),
    ("Observation", "value-date", "eb2024-02", ""),
    ("Observation", "value-date", "sa2024-01", "o2"),
    # composite
    ("DocumentReference", "relationship", "replaces$DocumentReference/0", "d1"),
    ("DocumentReference", "relationship", "replaces$DocumentReference/1", ""),
    ("DocumentReference", "relationship", "appends$1", "d1"),
    ("Group", "characteristic-value", "urn:c|sex$urn:v|f", "g1"),
    ("Group", "characteristic-value", "sex$f", "g1"),
    ("Group", "characteristic-value", "old$true", "g1"),
    ("Group", "characteristic-value", "sex$true", ""),
    ("Observation", "code-value-concept", "a$pos", "o1"),
    ("Observation", "code-value-concept", "a$neg", ""),
    ("Observation", "combo-code-value-concept", "x$urn:v|neg", "o1"),
    ("Observation", "combo-code-value-concept", "urn:c|a$pos", "o1"),
    ("Observation", "component-code-value-concept", "x$pos", ""),
    ("Observation", "code-value-date", "b$2024-02", "o2"),
    ("Observation", "code-value-date", "b$gt2024-02", ""),
    ("Observation", "component-code-value-quantity", "y$5", "o1"),
    ("Observation", "component-code-value-quantity", "urn:c|$5", "o1"),
    ("Observation", "component-code-value-quantity", "x$5", ""),
    ("MolecularSequence", "chromosome-window-coordinate", "1$5$9", "m1"),
    ("MolecularSequence", "chromosome-window-coordinate", "urn:c|1$gt4$le9", "m1"),
    ("MolecularSequence", "chromosome-window-coordinate", "2$5$9", ""),
    ("MolecularSequence", "chromosome-window-coordinate", "1$5$8", ""),
    ("MolecularSequence", "chromosome-variant-coordinate", "1$10$20", "m1"),
    ("MolecularSequence", "chromosome-variant-coordinate", "1$ge30$lt41", "m1"),
    ("MolecularSequence", "chromosome-variant-coordinate", "1$10$40", ""),
    ("MolecularSequence", "referenceseqid-variant-coordinate", "NC$30$40", "m1"),
    ("MolecularSequence", "referenceseqid-variant-coordinate", "urn:s|NC$30$20", ""),
    # a Bundle by its first entry
    ("Bundle", "composition", "Composition/c", "b1"),
    ("Bundle", "composition", "c", "b1"),
    ("Bundle", "composition", "urn:uuid:7", "b1"),
    ("Bundle", "message", "c", "b2"),
    ("Bundle", "composition:missing", "true", "b2"),
    # special: places
    ("Location", "near", "21.0278|105.8342|3|km", "hanoi"),
    ("Location", "near", "21.0278|105.8342|3", "hanoi"),
    ("Location", "near", "21.0278|105.8342", "hanoi"),
    ("Location", "near", "21.0278|105.8342|1|km", ""),
    # in the box around the circle, not in the circle
    ("Location", "near", "21.0105|105.8342|2.2", ""),
    ("Location", "near", "21.0105|105.8342|3", "hanoi"),
    ("Location", "near", "21.0278|105.8342|2100|m", "hanoi"),
    ("Location", "near", "21.0278|105.8342|2000|m", ""),
    ("Location", "near", "21.0278|105.8342|60|[mi_us]", "haiphong hanoi"),
    ("Location", "near", "21.0278|105.8342|60", "hanoi"),
    ("Location", "near", "-18|-179.9|200|km", "suva"),
    ("Location", "near", "-18|179.9|1200|km", "apia suva"),
    ("Location", "near", "89.9|0|8000|km", "haiphong hanoi"),
    ("Location", "near", "0|0|30000|km", "apia haiphong hanoi suva"),
    ("Location", "near", "0|0|0,21.0285|105.8542|0", "hanoi"),
    ("Location", "near:missing", "true", "nowhere"),
    # quantities of UCUM in whatever unit
    ("Observation", "value-quantity", f"5.4|{UCUM}|g/L", "u1 u2"),
    ("Observation", "value-quantity", f"540|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "value-quantity", f"0.54|{UCUM}|kg/hL", "u1 u2"),
    ("Observation", "value-quantity", f"gt539|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "value-quantity", f"gt540|{UCUM}|mg/dL", ""),
    ("Observation", "value-quantity", f"ap500|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "value-quantity", f"ap450|{UCUM}|mg/dL", ""),
    ("Observation", "value-quantity", f"sa539|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "value-quantity", f"eb541|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "value-quantity", f"ne540|{UCUM}|mg/dL", ""),
    ("Observation", "value-quantity", f"5.4|{UCUM}|g", ""),
    ("Observation", "value-quantity", f"5.4|{UCUM}|no unit", ""),
    ("Observation", "value-quantity", "5.4||g/L", "u1 u3"),
    ("Observation", "code-value-quantity", f"g$540|{UCUM}|mg/dL", "u1 u2"),
    ("Observation", "combo-code-value-quantity", f"z$28|{UCUM}|[lb_av]", "u2"),
    ("Observation", "component-value-quantity", f"28.0|{UCUM}|[lb_av]", "u2"),
    ("Observation", "component-code-value-quantity", f"y$28|{UCUM}|[lb_av]", ""),
    # built in
    ("Observation", "_lastUpdated", "2026-11-22", "o1 o2 u1 u2 u3"),
    ("Observation", "_lastUpdated", "2026-11-22T09:12:00.000+07:00", "o1 o2 u1 u2 u3"),
    ("Observation", "_lastUpdated", "gt2026-11-22", ""),
    ("Observation", "_id", "o2", "o2"),
    ("Patient", "_id", "o2", ""),
]


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(*RESOURCES)
        yield opened


def test_each_form_finds_what_it_means(node: Node) -> None:
    for type, name, value, expected in ASKED:
        found = sorted(node.search(type, (name, value)))
        assert found == expected.split(), (type, name, value)
        assert node.total(type, (name, value)) == len(found), (type, name, value)
