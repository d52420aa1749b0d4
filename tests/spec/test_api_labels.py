"""`$meta`, `$meta-add`, `$meta-delete` over HTTP (R4 resource-operation-meta)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of, interactions_of, problem
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch.labels import LabelPatch
from trucyte.web.api.operations.labels import label_operations

TAG = {"system": "urn:tags", "code": "a"}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(
            {"resourceType": "Patient", "id": "p1", "birthDate": "1990"},
            {"resourceType": "Patient", "id": "hidden", "meta": RESTRICTED},
        )
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    writes = interactions_of(node, clock, definitions)
    rows = label_operations(node.records, writes)
    return Client(api_of(node, clock, definitions, interactions=writes, operations=rows))


def meta(**labels: Any) -> bytes:
    entry = {"name": "meta", "valueMeta": labels}
    return json.dumps({"resourceType": "Parameters", "parameter": [entry]}).encode()


def said(reply: Any) -> dict[str, Any]:
    assert reply.status == 200, reply.body
    (entry,) = reply.json["parameter"]
    return entry["valueMeta"]


def test_labels_are_added_read_and_taken_away(client: Client) -> None:
    place = "/fhir/Patient/p1"
    before = said(client.get(f"{place}/$meta"))
    assert before["versionId"] == "1"
    added = said(client("POST", f"{place}/$meta-add", meta(tag=[TAG], profile=["urn:p"])))
    assert (added["tag"], added["profile"], added["versionId"]) == ([TAG], ["urn:p"], "2")
    assert said(client.get(f"{place}/$meta")) == added
    assert client.get(place).json["birthDate"] == "1990"
    named = {**TAG, "display": "another name"}
    taken = said(client("POST", f"{place}/$meta-delete", meta(tag=[named])))
    assert "tag" not in taken
    assert taken["versionId"] == "3"
    assert len(client.get(f"{place}/_history").json["entry"]) == 3


def test_what_changes_nothing_makes_no_version(client: Client) -> None:
    place = "/fhir/Patient/p1"
    assert said(client("POST", f"{place}/$meta-add", meta(tag=[TAG])))["versionId"] == "2"
    assert said(client("POST", f"{place}/$meta-add", meta(tag=[TAG])))["versionId"] == "2"
    gone = meta(tag=[{"system": "urn:tags", "code": "b"}])
    assert said(client("POST", f"{place}/$meta-delete", gone))["versionId"] == "2"


def test_a_meta_that_was_read_can_be_given_back(client: Client) -> None:
    read = said(client.get("/fhir/Patient/p1/$meta"))
    assert said(client("POST", "/fhir/Patient/p1/$meta-add", meta(**read)))["versionId"] == "1"


def test_a_condition_on_the_version_holds(client: Client) -> None:
    reply = client("POST", "/fhir/Patient/p1/$meta-add", meta(tag=[TAG]), if_match='W/"7"')
    assert reply.status == 412


@pytest.mark.parametrize(
    ("target", "body", "refusal"),
    [
        ("p1/$meta-add", b"", (400, "operation-parameter")),
        ("p1/$meta-add", meta(source="urn:x"), (400, "operation-parameter")),
        ("p1/$meta-add", meta(tag="x"), (400, "operation-parameter")),
        ("p1/$meta-add", meta(tag=["x"]), (400, "operation-parameter")),
        ("p1/$meta-add", meta(profile=[{}]), (400, "operation-parameter")),
        ("none/$meta-add", meta(tag=[TAG]), (404, "not-found")),
        ("hidden/$meta-delete", meta(**RESTRICTED), (403, "restricted")),
    ],
)
def test_what_cannot_be_done_is_refused(
    client: Client, target: str, body: bytes, refusal: tuple[int, str]
) -> None:
    assert problem(client("POST", f"/fhir/Patient/{target}", body)) == refusal


def test_labels_change_by_post_alone(client: Client) -> None:
    assert client.get("/fhir/Patient/p1/$meta-add").status == 405
    assert problem(client.get("/fhir/Patient/hidden/$meta")) == (403, "restricted")


def test_the_order_and_words_of_labels_stay() -> None:
    held = {"resourceType": "Patient", "id": "x", "meta": {"tag": [{**TAG, "display": "A"}]}}
    more = [TAG, {"code": "b"}, {"code": "c"}, {"code": "b"}]
    changed = LabelPatch({"tag": more}).apply(held)
    assert changed["meta"]["tag"] == [{**TAG, "display": "A"}, {"code": "b"}, {"code": "c"}]
    assert LabelPatch({"tag": more}, is_removal=True).apply(held) == {
        "resourceType": "Patient",
        "id": "x",
    }
