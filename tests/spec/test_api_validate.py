"""`$validate` over HTTP (R4 resource-operation-validate): 200 and an OperationOutcome."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import XML, Client, api_of, problem
from tests.support.profiles import URL, library_of, profile
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator
from trucyte.web.api.operations.validating import Checking, validate_operations

GOOD = {"resourceType": "Patient", "id": "p1", "birthDate": "1990-01-02"}
NAMED = profile("named", "Patient", {"path": "name", "min": 1})


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(GOOD, {"resourceType": "Patient", "id": "secret", "meta": RESTRICTED})
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions, structures: Cache) -> Client:
    library = library_of(definitions, structures, [NAMED])
    check = full_validator(library, now=clock.now()).check
    rows = validate_operations(Checking(check, lambda: library.packages), node.records)
    return Client(api_of(node, clock, definitions, operations=rows))


def body(resource: Any) -> bytes:
    return json.dumps(resource).encode()


def parameters(resource: Any = None, **codes: str) -> bytes:
    entries = [{"name": name, "valueCode": value} for name, value in codes.items()]
    if resource is not None:
        entries.append({"name": "resource", "resource": resource})
    return body({"resourceType": "Parameters", "parameter": entries})


def found(reply: Any) -> list[tuple[str, str]]:
    """Return severity and message of what was found, without what it was checked against."""
    assert reply.status == 200, reply.body
    assert reply.json["resourceType"] == "OperationOutcome"
    *issues, last = reply.json["issue"]
    assert last["details"]["coding"][0]["code"] == "checked-against"
    assert "hl7.fhir.r4" in last["details"]["text"]
    return [(one["severity"], one["diagnostics"]) for one in issues]


FINE = [("information", "no-issues")]


@pytest.mark.parametrize("content", [body(GOOD), parameters(GOOD), parameters(GOOD, mode="create")])
def test_a_valid_resource_is_said_to_be(client: Client, content: bytes) -> None:
    assert found(client("POST", "/fhir/Patient/$validate", content)) == FINE


def test_what_is_wrong_is_found_with_status_200(client: Client) -> None:
    bad = {**GOOD, "birthDate": "31/12/1990", "colour": "red"}
    issues = found(client("POST", "/fhir/Patient/$validate", body(bad)))
    assert {severity for severity, _ in issues} == {"error"}
    assert len(issues) == 2


def test_a_profile_is_asked_for_by_address_or_parameter(client: Client) -> None:
    target = f"/fhir/Patient/$validate?profile={URL}named"
    by_address = found(client("POST", target, body(GOOD)))
    assert [severity for severity, _ in by_address] == ["error"]
    posted = client("POST", "/fhir/Patient/$validate", parameters(GOOD, profile=f"{URL}named"))
    assert found(posted) == by_address
    assert found(client("POST", target, body({**GOOD, "name": [{"text": "Mẫu"}]}))) == FINE


def test_what_is_here_is_checked_without_a_body(client: Client) -> None:
    assert found(client.get("/fhir/Patient/p1/$validate")) == FINE
    target = f"/fhir/Patient/p1/$validate?mode=profile&profile={URL}named"
    assert [severity for severity, _ in found(client.get(target))] == ["error"]


def refusal(reply: Any) -> str:
    assert reply.status == 200, reply.body
    assert reply.json["issue"][0]["severity"] == "error"
    return str(reply.json["issue"][0]["details"]["coding"][0]["code"])


def test_an_update_names_its_own_id(client: Client) -> None:
    update = "/fhir/Patient/p1/$validate?mode=update"
    assert found(client("POST", update, body(GOOD))) == FINE
    assert refusal(client("POST", update, body({**GOOD, "id": "p2"}))) == "validate-id"


def test_a_delete_is_of_something_that_is_there(client: Client) -> None:
    assert found(client.get("/fhir/Patient/p1/$validate?mode=delete")) == FINE
    assert refusal(client.get("/fhir/Patient/p2/$validate?mode=delete")) == "not-found"
    assert refusal(client.get("/fhir/Patient/secret/$validate?mode=delete")) == "restricted"
    assert refusal(client.get("/fhir/Patient/secret/$validate")) == "restricted"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"resourceType":"Observation"}', "validate-type"),
        (b'{"resourceType":1}', "validate-type"),
        (b'{"resourceType":"Patient",', "json-malformed"),
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "json-duplicate-key"),
    ],
)
def test_what_is_no_such_resource_is_an_answer_too(
    client: Client, content: bytes, code: str
) -> None:
    assert refusal(client("POST", "/fhir/Patient/$validate", content)) == code


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("Patient/$validate?mode=guess", body(GOOD)),
        ("Patient/$validate?mode=profile", body(GOOD)),
        ("Patient/$validate?mode=update", body(GOOD)),
        ("Patient/$validate?mode=delete", body(GOOD)),
        ("Patient/p1/$validate?mode=create", body(GOOD)),
        ("Patient/$validate?colour=red", body(GOOD)),
        ("Patient/$validate", parameters(mode="create")),
        ("Patient/p1/$validate?mode=update", b""),
    ],
)
def test_a_call_that_asks_nothing_sensible_is_refused(
    client: Client, target: str, content: bytes
) -> None:
    status, code = problem(client("POST", f"/fhir/{target}", content))
    assert (status, code) in {(400, "operation-parameter"), (400, "operation-body")}


def test_parameters_themselves_can_be_asked_about(client: Client) -> None:
    asked = client("POST", "/fhir/Parameters/$validate", parameters(mode="x"))
    assert found(asked) == FINE
    wrong = body({"resourceType": "Parameters", "parameter": [{"valueCode": "x"}]})
    assert found(client("POST", "/fhir/Parameters/$validate", wrong)) != FINE


def test_xml_is_checked_and_answered(client: Client) -> None:
    xml = b'<Patient xmlns="http://hl7.org/fhir"><birthDate value="soon"/></Patient>'
    reply = client("POST", "/fhir/Patient/$validate", xml, content_type=XML, accept=XML)
    assert reply.status == 200
    assert b'severity value="error"' in reply.body.replace(b"<", b"")
