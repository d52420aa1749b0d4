"""The FHIR API with everything behind it: what is written is read, found and remembered."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import XML, Client, api_of, interactions_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:test", "value": "1"}],
    "name": [{"text": "Nguyễn Văn Mẫu"}],
}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    made = interactions_of(node, clock, definitions)
    return Client(api_of(node, clock, definitions, interactions=made))


def body(resource: dict) -> bytes:
    return json.dumps(resource, ensure_ascii=False).encode()


def target(reply) -> str:
    return "/fhir/" + reply.headers["location"].partition("/fhir/")[2]


def test_a_life_from_create_to_delete(client: Client) -> None:
    made = client("POST", "/fhir/Patient", body(PATIENT))
    assert made.status == 201
    version = target(made)
    place = version.partition("/_history")[0]
    assert client.get(version).json == client.get(place).json == made.json
    changed = {**PATIENT, "id": made.json["id"], "gender": "female"}
    assert client("PUT", place, body(changed), if_match='W/"9"').status == 412
    updated = client("PUT", place, body(changed), if_match=made.headers["etag"])
    assert (updated.status, updated.headers["etag"]) == (200, 'W/"2"')
    patch = b'[{"op":"replace","path":"/gender","value":"male"}]'
    patched = client("PATCH", place, patch, content_type="application/json-patch+json")
    assert patched.status == 200, patched.body
    assert (patched.status, patched.json["gender"]) == (200, "male")
    assert client("DELETE", place).status == 204
    assert problem(client.get(place)) == (410, "gone")
    history = client.get(f"{place}/_history").json
    assert [e["response"]["status"] for e in history["entry"]] == ["204", "200", "200", "201"]


def test_conditions_find_what_is_there(client: Client) -> None:
    first = client("POST", "/fhir/Patient", body(PATIENT), if_none_exist="identifier=urn:test|1")
    again = client("POST", "/fhir/Patient", body(PATIENT), if_none_exist="identifier=urn:test|1")
    assert (first.status, again.status) == (201, 200)
    assert first.headers["location"] == again.headers["location"]
    changed = {**PATIENT, "gender": "other"}
    done = client("PUT", "/fhir/Patient?identifier=urn:test|1", body(changed))
    assert (done.status, done.headers["etag"]) == (200, 'W/"2"')
    assert client("DELETE", "/fhir/Patient?identifier=urn:test|1").status == 204
    assert "entry" not in client.get("/fhir/Patient").json


def test_what_is_wrong_is_said_with_every_place(client: Client) -> None:
    wrong = {"resourceType": "Observation", "status": "odd", "colour": 1}
    reply = client("POST", "/fhir/Observation", body(wrong))
    assert reply.status == 422
    assert len(reply.json["issue"]) >= 4
    assert problem(client("POST", "/fhir/Patient", b"{")) == (400, "json-malformed")
    assert client("POST", "/fhir/Patient", body(wrong)).status == 400


def test_xml_goes_in_and_comes_out_with_its_digits(client: Client) -> None:
    xml = (
        b'<Observation xmlns="http://hl7.org/fhir"><status value="final"/>'
        b'<code><text value="c"/></code><valueQuantity><value value="72.50"/></valueQuantity>'
        b"</Observation>"
    )
    made = client("POST", "/fhir/Observation", xml, content_type=XML)
    assert made.status == 201
    assert b"72.50" in made.body
    assert b'<value value="72.50"/>' in client.get(target(made), accept=XML).body


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_bundle_is_carried_out_and_its_reads_see_it(client: Client, kind: str) -> None:
    patient = {**PATIENT, "id": "p1"}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "c"},
        "subject": {"reference": "Patient/p1"},
    }
    sent = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"resource": patient, "request": {"method": "PUT", "url": "Patient/p1"}},
            {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
            {"request": {"method": "GET", "url": "Patient?identifier=urn:test|1"}},
            {"request": {"method": "GET", "url": "Patient/none"}},
        ],
    }
    if kind == "transaction":
        sent["entry"].pop()
    reply = client("POST", "/fhir", body(sent))
    assert reply.status == 200, reply.body
    assert reply.json["type"] == f"{kind}-response"
    statuses = [entry["response"]["status"] for entry in reply.json["entry"]]
    assert statuses == ["201", "201", "200", "404"][: len(statuses)]
    if kind == "transaction":
        assert reply.json["entry"][2]["resource"]["entry"][0]["resource"]["id"] == "p1"
    assert len(client.get("/fhir/Observation").json["entry"]) == 1
