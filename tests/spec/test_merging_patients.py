"""`Patient/$merge`, `$unmerge` and `$links` over HTTP, and what reading makes of them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, interactions_of, problem
from tests.support.asgi import Reply
from tests.support.identity import links_of, observation, patient
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.web.api.operations.documents import everything_operations
from trucyte.web.api.operations.merging import merge_operations


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(
            *(patient(one, birthDate="1990") for one in "abc"),
            *(observation(f"o{one}", one) for one in "abc"),
            patient("shut", meta=RESTRICTED),
        )
        yield opened


def client_of(node: Node, definitions: Definitions, **more: Any) -> Client:
    writes = interactions_of(node, node.clock, definitions)
    rows = [
        *merge_operations(links_of(node), node.records),
        *everything_operations(node.records.everything),
    ]
    parts = {"interactions": writes, "operations": rows, **more}
    return Client(api_of(node, node.clock, definitions, **parts))


@pytest.fixture
def client(node: Node, definitions: Definitions) -> Client:
    return client_of(node, definitions)


def named(source: str, target: str, **more: Any) -> bytes:
    parts: list[dict] = [
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target}"}},
    ]
    for name, value in more.items():
        kind = "valueBoolean" if isinstance(value, bool) else "valueString"
        parts.append({"name": name, kind: value})
    return json.dumps({"resourceType": "Parameters", "parameter": parts}).encode()


def told(reply: Reply, name: str) -> list[str]:
    assert reply.status == 200, reply.body
    return [
        part["valueReference"]["reference"]
        for part in reply.json["parameter"]
        if part["name"] == name
    ]


def found(client: Client, target: str) -> set[str]:
    reply = client.get(f"/fhir/{target}")
    assert reply.status == 200, reply.body
    return {entry["resource"]["id"] for entry in reply.json.get("entry", ())}


def test_merged_patients_are_read_as_one_until_unmerged(client: Client) -> None:
    reply = client("POST", "/fhir/Patient/$merge", named("a", "b", note="cùng số thẻ"))
    assert told(reply, "member") == ["Patient/a", "Patient/b"]
    assert found(client, "Observation?patient=a") == {"oa", "ob"}
    assert found(client, "Observation?patient=a&_links=exact") == {"oa"}
    assert found(client, "Patient/b/Observation") == {"oa", "ob"}
    assert found(client, "Patient/a/$everything") == {"a", "b", "oa", "ob"}
    assert found(client, "Patient/a/$everything?_links=exact") == {"a", "oa"}
    assert client.get("/fhir/Patient/a").json["birthDate"] == "1990"
    assert client("POST", "/fhir/Patient/$unmerge", named("b", "a")).status == 200
    assert found(client, "Observation?patient=a") == {"oa"}
    assert found(client, "Patient/a/$everything") == {"a", "oa"}


def test_a_merge_previewed_writes_nothing(client: Client, node: Node) -> None:
    tail = node.journal.tail()
    reply = client("POST", "/fhir/Patient/$merge", named("a", "b", preview=True))
    assert told(reply, "member") == ["Patient/a", "Patient/b"]
    assert node.journal.tail() == tail


def test_the_target_is_the_one_to_go_on_with(client: Client) -> None:
    (linkage,) = told(client("POST", "/fhir/Patient/$merge", named("a", "b")), "linkage")
    items = client.get(f"/fhir/{linkage}").json["item"]
    assert {item["type"]: item["resource"]["reference"] for item in items} == {
        "source": "Patient/b",
        "alternate": "Patient/a",
    }


def test_what_was_decided_on_a_person_can_be_asked(client: Client) -> None:
    client("POST", "/fhir/Patient/$merge", named("a", "b"))
    reply = client.get("/fhir/Patient/b/$links")
    assert told(reply, "member") == ["Patient/a", "Patient/b"]
    (decision,) = [one for one in reply.json["parameter"] if one["name"] == "decision"]
    said = {part["name"]: part for part in decision["part"]}
    assert (said["state"]["valueCode"], said["rule"]["valueString"]) == ("linked", "clerk")


@pytest.mark.parametrize(
    ("operation", "body", "status", "code"),
    [
        ("merge", named("a", "a"), 422, "link-not-a-pair"),
        ("merge", named("a", "none"), 404, "not-found"),
        ("merge", named("a", "shut"), 403, "restricted"),
        ("merge", b'{"resourceType":"Parameters"}', 422, "merge-two-patients"),
        ("merge", named("a", "b", note="x" * 1001), 400, "operation-parameter"),
        ("unmerge", named("a", "b"), 409, "link-none"),
        ("unmerge", named("a", "none"), 404, "not-found"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    client: Client, node: Node, operation: str, body: bytes, status: int, code: str
) -> None:
    tail = node.journal.tail()
    reply = client("POST", f"/fhir/Patient/${operation}", body)
    assert problem(reply) == (status, code)
    assert node.journal.tail() == tail


def test_two_remembered_as_different_are_not_merged_by_way_of_a_third(client: Client) -> None:
    merged = client("POST", "/fhir/Patient/$merge", named("a", "b"))
    assert merged.status == 200
    body = named("a", "b", different=True)
    assert client("POST", "/fhir/Patient/$unmerge", body).status == 200
    assert client("POST", "/fhir/Patient/$merge", named("a", "c")).status == 200
    reply = client("POST", "/fhir/Patient/$merge", named("b", "c"))
    assert problem(reply) == (409, "link-contradicts")
    # A person may say again that the two are one.
    assert client("POST", "/fhir/Patient/$merge", named("a", "b")).status == 200
    assert found(client, "Observation?patient=c") == {"oa", "ob", "oc"}


def test_a_linkage_of_patients_is_posted_under_the_id_of_the_pair_alone(
    client: Client, node: Node
) -> None:
    resource = {
        "resourceType": "Linkage",
        "active": True,
        "item": [
            {"type": "source", "resource": {"reference": "Patient/a"}},
            {"type": "alternate", "resource": {"reference": "Patient/b"}},
        ],
    }
    reply = client("POST", "/fhir/Linkage", json.dumps(resource).encode())
    assert problem(reply) == (422, "linkage-refused")
    entry = {"resource": resource, "request": {"method": "POST", "url": "Linkage"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    reply = client("POST", "/fhir", json.dumps(bundle).encode())
    assert problem(reply) == (422, "linkage-refused")
    preview = client("POST", "/fhir/Patient/$merge", named("b", "a", preview=True))
    (place,) = told(preview, "linkage")
    resource["id"] = place.partition("/")[2]
    assert client("PUT", f"/fhir/{place}", json.dumps(resource).encode()).status == 201
    assert found(client, "Observation?patient=a") == {"oa", "ob"}
    assert client("DELETE", f"/fhir/{place}").status in (200, 204)
    assert found(client, "Observation?patient=a") == {"oa"}


def test_members_that_a_caller_may_not_see_are_not_named(
    node: Node, definitions: Definitions
) -> None:
    full = client_of(node, definitions, access=lambda call: node.full)
    assert full("POST", "/fhir/Patient/$merge", named("shut", "a")).status == 200
    plain = client_of(node, definitions)
    assert told(plain.get("/fhir/Patient/a/$links"), "member") == ["Patient/a"]
    assert told(full.get("/fhir/Patient/a/$links"), "member") == ["Patient/a", "Patient/shut"]
    nobody = replace(node.plain, sees_organisations=frozenset({"Organization/x"}))
    other = client_of(node, definitions, access=lambda call: nobody)
    assert other.get("/fhir/Patient/a/$links").status == 404
    assert other("POST", "/fhir/Patient/$merge", named("a", "b")).status == 404


def test_a_parameter_of_links_that_is_neither_is_refused(client: Client) -> None:
    assert client.get("/fhir/Observation?_links=some").status == 400
    assert client.get("/fhir/Patient/a/$everything?_links=some").status == 400
