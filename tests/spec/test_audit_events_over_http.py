"""Who looked, asked over the API: the trail as AuditEvents, beside those sent by others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, interactions_of, problem
from tests.support.records import open_node
from tests.support.web_records import patient
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.access.local import local_access
from trucyte.shared.audit import Trail


@pytest.fixture
def client(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Client]:
    with open_node(database, tmp_path, clock, definitions) as node:
        for id_, name in (("p1", "Nguyễn Văn Mẫu"), ("p2", "Trần Thị Mẫu")):
            node.put(patient(id_, name, "1985-03-15", "male", f"07908500000{id_[1]}"))
        trail = Trail(database, node.journal.keyring, clock)
        yield Client(
            api_of(
                node, clock, definitions, access=lambda call: local_access("fhir", trail),
                trail=trail, audit=trail, interactions=interactions_of(node, clock, definitions),
            )
        )  # fmt: skip
        trail.close()


def events(client: Client, target: str) -> list[dict[str, Any]]:
    reply = client.get(target)
    assert reply.status == 200, reply.body
    return [entry["resource"] for entry in reply.json.get("entry", [])]


def subtypes(found: list[dict[str, Any]]) -> list[str]:
    return [event["subtype"][0]["code"] for event in found]


def test_each_request_is_one_event_with_all_persons(client: Client) -> None:
    client.get("/fhir/Patient")
    (event,) = events(client, "/fhir/AuditEvent?action=E&entity-type=Patient")
    patients = [
        entity["what"]["reference"]
        for entity in event["entity"]
        if entity.get("what", {}).get("reference", "").startswith("Patient/")
    ]
    assert sorted(patients) == ["Patient/p1", "Patient/p2"]


def test_a_person_is_asked_for_by_reference(client: Client) -> None:
    client.get("/fhir/Patient/p1")
    client.get("/fhir/Patient/p2")
    assert subtypes(events(client, "/fhir/AuditEvent?patient=Patient/p1")) == ["read"]


def test_refusals_and_writes_are_there_too(client: Client) -> None:
    assert client.get("/fhir/Patient/nobody").status == 404
    body = json.dumps({"resourceType": "Patient", "active": True}).encode()
    assert client("POST", "/fhir/Patient", body).status == 201
    assert subtypes(events(client, "/fhir/AuditEvent?action=C")) == ["create"]
    (refused,) = events(client, "/fhir/AuditEvent?outcome=8")
    assert refused["outcomeDesc"] == "not-found"


def test_one_is_read_by_its_id(client: Client) -> None:
    client.get("/fhir/Patient/p1")
    (event,) = events(client, "/fhir/AuditEvent?action=R")
    assert client.get(f"/fhir/AuditEvent/{event['id']}").json["id"] == event["id"]
    assert problem(client.get("/fhir/AuditEvent/1-none"))[0] == 404


def test_the_statement_of_capabilities_leaves_none(client: Client) -> None:
    assert client.get("/fhir/metadata").status == 200
    assert events(client, "/fhir/AuditEvent") == []


def test_behind_the_trail_stand_those_sent_by_others(client: Client) -> None:
    sent = {
        "resourceType": "AuditEvent",
        "id": "sent",
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "HIS"}},
    }
    assert client("PUT", "/fhir/AuditEvent/sent", json.dumps(sent).encode()).status == 201
    assert client.get("/fhir/AuditEvent/sent").json["source"] == sent["source"]
    first = client.get("/fhir/AuditEvent?_count=1").json
    seen, link = [], {one["relation"]: one["url"] for one in first["link"]}
    while "next" in link:
        page = client.get(link["next"].partition("127.0.0.1:8080")[2]).json
        seen += [entry["resource"]["id"] for entry in page.get("entry", [])]
        link = {one["relation"]: one["url"] for one in page["link"]}
    assert seen[-1] == "sent"


@pytest.mark.parametrize(
    "query", ["date=soon", "outcome=x", "entity-type=Nothing", "_sort=date", "date=zz2026"]
)
def test_what_cannot_be_read_is_refused_by_name(client: Client, query: str) -> None:
    assert problem(client.get(f"/fhir/AuditEvent?{query}")) == (400, "search-value")


def test_time_bounds_hold(client: Client) -> None:
    client.get("/fhir/Patient/p1")
    assert events(client, "/fhir/AuditEvent?date=ge2099") == []
    assert len(events(client, "/fhir/AuditEvent?date=le2099&action=R")) == 1
