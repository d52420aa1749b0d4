"""Search parameters that users post over HTTP: refused with the reason, or searchable soon."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Client, api_of, interactions_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.parameters.progress import (
    ReindexUnfinished,
    check_settled,
    read_progress,
)
from trucyte.records.parameters.walk import Walk
from trucyte.records.parameters.worker import Reindexer
from trucyte.web.api.operations.reindex import Reindex, reindex_operations

CHIEF = {
    "resourceType": "SearchParameter",
    "id": "chief",
    "url": "https://example.org/fhir/SearchParameter/chief",
    "name": "chief",
    "status": "active",
    "description": "Who is behind a contact",
    "code": "chief",
    "base": ["Patient"],
    "type": "reference",
    "expression": "Patient.contact.organization",
    "target": ["Organization"],
}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def walk(node: Node) -> Walk:
    return Walk(node.database, node.journal, node.index, node.clock)


@pytest.fixture
def api(node: Node, walk: Walk, clock: FixedClock, definitions: Definitions) -> Client:
    reindex = Reindex(lambda: read_progress(node.database, node.index.book), walk.stop, walk.resume)
    return Client(
        api_of(
            node,
            clock,
            definitions,
            interactions=interactions_of(node, clock, definitions),
            operations=reindex_operations(reindex),
        )
    )


def put(api: Client, resource: dict) -> int:
    target = f"/fhir/{resource['resourceType']}/{resource['id']}"
    return api("PUT", target, json.dumps(resource).encode()).status


def patient(id_: str, organization: str) -> dict:
    return {
        "resourceType": "Patient",
        "id": id_,
        "contact": [{"organization": {"reference": f"Organization/{organization}"}}],
    }


def organization(id_: str) -> dict:
    return {"resourceType": "Organization", "id": id_, "name": f"Khoa {id_}"}


def found(api: Client, target: str) -> list[str]:
    reply = api.get(target)
    assert reply.status == 200, reply.json
    return [
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in reply.json.get("entry", [])
    ]


def parts(entry: dict) -> dict[str, object]:
    return {part["name"]: next(v for k, v in part.items() if k != "name") for part in entry["part"]}


def test_a_posted_parameter_is_asked_for_sorted_by_chained_and_included(
    api: Client, node: Node, walk: Walk
) -> None:
    for resource in (organization("x"), organization("y"), patient("a", "x"), patient("b", "y")):
        assert put(api, resource) == 201
    assert put(api, CHIEF) == 201
    assert problem(api.get("/fhir/Patient?chief=Organization/x")) == (
        503,
        "search-parameter-indexing",
    )
    (entry,) = api.get("/fhir/$reindex-status").json["parameter"]
    assert parts(entry) | {"reference": {}} == {
        "reference": {},
        "url": CHIEF["url"],
        "code": "chief",
        "state": "building",
        "percent": 0,
        "done": 0,
        "total": 0,
        "resourcesPerSecond": 0,
    }
    assert Reindexer(node.database, walk, node.clock).work()
    assert found(api, "/fhir/Patient?chief=Organization/x") == ["Patient/a"]
    assert found(api, "/fhir/Patient?chief:Organization.name=Khoa y") == ["Patient/b"]
    assert found(api, "/fhir/Organization?_has:Patient:chief:_id=a") == ["Organization/x"]
    page = node.records.search(node.full, "Patient", [("_id", "a"), ("_include", "Patient:chief")])
    assert [one.id for one in page.included] == ["x"]
    assert found(api, "/fhir/Patient?_sort=chief") == ["Patient/a", "Patient/b"]
    status = api.get("/fhir/SearchParameter/chief/$reindex-status").json
    assert parts(status["parameter"][0])["state"] == "ready"


def test_the_capability_statement_lists_it_when_it_can_be_asked(
    api: Client, node: Node, walk: Walk
) -> None:
    def listed() -> bool:
        (rest,) = api.get("/fhir/metadata").json["rest"]
        (of_patient,) = [one for one in rest["resource"] if one["type"] == "Patient"]
        return CHIEF["url"] in {one["definition"] for one in of_patient["searchParam"]}

    put(api, CHIEF)
    node.index.book.learn(node.database, now=True)
    assert not listed()
    assert Reindexer(node.database, walk, node.clock).work()
    assert listed()
    api("DELETE", "/fhir/SearchParameter/chief")
    assert not listed()


def test_what_cannot_be_used_is_refused_and_not_kept(api: Client) -> None:
    bad = {**CHIEF, "expression": "Patient.nowhere"}
    assert problem(api("PUT", "/fhir/SearchParameter/chief", json.dumps(bad).encode())) == (
        422,
        "search-parameter-expression",
    )
    taken = {**CHIEF, "code": "organization"}
    assert problem(api("PUT", "/fhir/SearchParameter/chief", json.dumps(taken).encode())) == (
        409,
        "search-parameter-taken",
    )
    assert api.get("/fhir/SearchParameter/chief").status == 404


def test_indexing_can_be_stopped_and_resumed(api: Client, node: Node, walk: Walk) -> None:
    put(api, patient("a", "x"))
    put(api, CHIEF)
    stopped = api("POST", "/fhir/SearchParameter/chief/$reindex-stop").json
    assert parts(stopped["parameter"][0])["state"] == "stopped"
    assert problem(api.get("/fhir/Patient?chief=Organization/x")) == (
        503,
        "search-parameter-stopped",
    )
    with pytest.raises(ReindexUnfinished):
        check_settled(node.database)
    worker = Reindexer(node.database, walk, node.clock)
    while worker.work():
        pass
    assert problem(api("POST", "/fhir/SearchParameter/chief/$reindex-stop"))[0] == 404
    assert api("POST", "/fhir/SearchParameter/chief/$reindex-resume").status == 200
    while worker.work():
        pass
    assert found(api, "/fhir/Patient?chief=Organization/x") == ["Patient/a"]
    check_settled(node.database)


def test_a_parameter_that_is_not_there_has_no_status(api: Client) -> None:
    assert problem(api.get("/fhir/SearchParameter/none/$reindex-status"))[0] == 404
    assert api.get("/fhir/$reindex-status").json == {"resourceType": "Parameters"}
