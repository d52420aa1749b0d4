"""The FHIR API, read side, as a client meets it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.support.api import api_of
from tests.support.asgi import Reply, ask
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.web.api.fhir import FhirApi


def patient(id: str, **more) -> dict:
    return {"resourceType": "Patient", "id": id, "name": [{"text": "Nguyễn Văn Mẫu"}], **more}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def api(node: Node, clock: FixedClock, definitions: Definitions) -> FhirApi:
    return api_of(node, clock, definitions)


def get(api: FhirApi, target: str, **headers: str) -> Reply:
    return ask(api, "GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()})


def outcome(reply: Reply) -> tuple[int, str]:
    assert reply.headers["content-type"].startswith("application/fhir+json")
    assert reply.json["resourceType"] == "OperationOutcome"
    return reply.status, reply.json["issue"][0]["details"]["coding"][0]["code"]


def test_a_resource_is_read_with_its_version_and_time(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"))
    reply = get(api, "/fhir/Patient/p1")
    assert reply.status == 200
    assert reply.headers["etag"] == 'W/"1"'
    assert reply.headers["last-modified"] == "Sun, 22 Nov 2026 02:12:00 GMT"
    assert reply.json["meta"]["versionId"] == "1"
    assert reply.json["meta"]["lastUpdated"].endswith("+07:00")


def test_what_the_client_has_is_not_sent_again(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"))
    assert get(api, "/fhir/Patient/p1", if_none_match='W/"1"').status == 304
    assert get(api, "/fhir/Patient/p1", if_none_match='W/"2"').status == 200


def test_head_answers_as_get_without_the_body(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"))
    reply = ask(api, "HEAD", "/fhir/Patient/p1")
    assert reply.status == 200
    assert reply.body == b""
    assert int(reply.headers["content-length"]) > 0


def test_versions_and_histories_are_kept_apart(api: FhirApi, node: Node) -> None:
    node.put(patient("p1", gender="male"))
    node.put(patient("p1", gender="female"))
    node.delete("Patient", "p1")
    assert get(api, "/fhir/Patient/p1/_history/1").json["gender"] == "male"
    assert outcome(get(api, "/fhir/Patient/p1")) == (410, "gone")
    bundle = get(api, "/fhir/Patient/p1/_history").json
    assert [e["request"]["method"] for e in bundle["entry"]] == ["DELETE", "PUT", "POST"]
    assert "resource" not in bundle["entry"][0]
    assert [e["response"]["etag"] for e in bundle["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']


def test_a_history_is_walked_page_by_page(api: FhirApi, node: Node) -> None:
    for number in range(5):
        node.put(patient(f"p{number}"))
    seen, target = [], "/fhir/Patient/_history?_count=2"
    while target:
        bundle = get(api, target).json
        seen += [e["fullUrl"].rsplit("/", 1)[-1] for e in bundle.get("entry", [])]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        parts = urlsplit(links.get("next", ""))
        target = f"{parts.path}?{parts.query}" if parts.path else ""
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


def test_a_history_with_a_filter_that_is_not_there_is_refused_not_widened(api: FhirApi) -> None:
    for query, status in (
        ("name=x", 501),
        ("_since=soon", 400),
        ("_at=", 200),
        ("_sort=name", 400),
    ):
        reply = ask(api, "GET", f"/fhir/Patient/_history?{query}")
        assert reply.status == status, query


def test_a_history_begins_where_it_is_asked_to_and_goes_either_way(
    api: FhirApi, node: Node, clock: FixedClock
) -> None:
    node.put(patient("p1"))
    clock.advance(timedelta(hours=1))
    middle = clock.now().isoformat()
    node.put(patient("p1", active=True))
    clock.advance(timedelta(hours=1))
    node.put(patient("p1", active=False))
    for query, versions in (
        ("", ["3", "2", "1"]),
        (f"?_since={quote(middle)}", ["3", "2"]),
        (f"?_at={quote(middle)}", ["2"]),
        ("?_sort=_lastUpdated", ["1", "2", "3"]),
    ):
        bundle = get(api, f"/fhir/Patient/p1/_history{query}").json
        assert [e["resource"]["meta"]["versionId"] for e in bundle["entry"]] == versions, query


def observation(id: str, subject: str, **more) -> dict:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
        "subject": {"reference": subject}, **more,
    }  # fmt: skip


def test_what_comes_along_is_marked_and_not_counted(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"), observation("o1", "Patient/p1"))
    bundle = get(api, "/fhir/Observation?_include=Observation:subject&_total=accurate").json
    shown = [(e["resource"]["id"], e["search"]["mode"]) for e in bundle["entry"]]
    assert shown == [("o1", "match"), ("p1", "include")]
    assert bundle["total"] == 1


def test_a_search_may_be_over_several_types_or_within_a_compartment(
    api: FhirApi, node: Node
) -> None:
    node.put(patient("p1"), patient("p2"), observation("o1", "Patient/p1"))
    node.put(observation("o2", "Patient/p2"))
    for target, ids in (
        ("/fhir?_type=Patient,Observation&_id=p1,o2", {"p1", "o2"}),
        ("/fhir/Patient/p1/Observation", {"o1"}),
        ("/fhir/Patient/p1/*", {"p1", "o1"}),
    ):
        bundle = get(api, target).json
        assert {e["resource"]["id"] for e in bundle["entry"]} == ids, target


def test_a_plan_is_told_without_what_was_searched_for(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"))
    reply = get(api, "/fhir/Patient?name=Secretive&_explain=true")
    assert reply.json["criteria"][0]["name"] == "name"
    assert "plan" in reply.json and b"ecretive" not in reply.body


def test_a_search_finds_names_with_and_without_marks(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"), patient("p2", name=[{"text": "Trần Thị Bé"}]))
    for text in ("Nguy%E1%BB%85n", "nguyen", "NGUYEN%20van"):
        bundle = get(api, f"/fhir/Patient?name={text}").json
        assert [e["resource"]["id"] for e in bundle["entry"]] == ["p1"]
        assert bundle["entry"][0]["search"] == {"mode": "match"}


def test_a_search_by_form_leaves_nothing_in_the_links(api: FhirApi, node: Node) -> None:
    node.put(*(patient(f"p{n}") for n in range(5)))
    reply = ask(
        api,
        "POST",
        "/fhir/Patient/_search",
        body=b"name=nguyen&_count=2",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    links = {link["relation"]: link["url"] for link in reply.json["link"]}
    assert "nguyen" not in json.dumps(links)
    parts = urlsplit(links["next"])
    following = get(api, f"{parts.path}?{parts.query}").json
    assert len(following["entry"]) == 2


def test_an_empty_search_is_a_bundle_without_entries(api: FhirApi) -> None:
    bundle = get(api, "/fhir/Patient?name=nobody&_total=accurate").json
    assert "entry" not in bundle
    assert bundle["total"] == 0


def test_restricted_records_are_neither_found_nor_read(api: FhirApi, node: Node) -> None:
    node.put(patient("p1", meta=RESTRICTED))
    assert outcome(get(api, "/fhir/Patient/p1")) == (403, "restricted")
    assert "entry" not in get(api, "/fhir/Patient").json
    assert "entry" not in get(api, "/fhir/_history").json


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/fhir/Patient/none", (404, "not-found")),
        ("/fhir/Nothing/1", (404, "type-unknown")),
        ("/fhir/Patient?nme=x", (400, "search-parameter-unknown")),
        ("/fhir/Patient?birthdate=yesterday", (400, "search-value")),
        ("/fhir/Patient?name=%ff", (400, "bad-query")),
        ("/fhir/Patient?" + "&".join(["name=a"] * 300), (400, "bad-query")),
        ("/fhir?_page=forged", (400, "page-token")),
        ("/fhir/Patient/_history?_count=x", (400, "bad-query")),
        ("/fhir/Patient/p1?_format=ttl", (406, "not-acceptable")),
        ("/fhir/a/b/c/d", (404, "no-such-path")),
    ],
)
def test_what_cannot_be_answered_is_said_with_its_reason(
    api: FhirApi, target: str, expected: tuple[int, str]
) -> None:
    assert outcome(get(api, target)) == expected


def test_this_node_s_api_writes_nothing(api: FhirApi, node: Node) -> None:
    node.put(patient("p1"))
    for method in ("PUT", "DELETE", "PATCH"):
        assert ask(api, method, "/fhir/Patient/p1").status == 405
    assert ask(api, "POST", "/fhir/Patient", body=b"{}").status == 405


def test_refusals_speak_the_caller_s_language(api: FhirApi) -> None:
    vi = get(api, "/fhir/Patient/none").json["issue"][0]["diagnostics"]
    en = get(api, "/fhir/Patient/none", accept_language="en-GB,vi;q=0.5").json["issue"][0]
    assert vi == "Không có Patient này ở đây."
    assert en["diagnostics"] == "There is no such Patient here."


def test_the_capability_statement_is_valid_and_lists_what_is_there(
    api: FhirApi, definitions: Definitions
) -> None:
    statement = get(api, "/fhir/metadata").json
    assert Validator(definitions).check(statement) == []
    by_type = {r["type"]: r for r in statement["rest"][0]["resource"]}
    codes = {p["name"] for p in by_type["Patient"]["searchParam"]}
    assert {"name", "birthdate", "identifier"} <= codes
    interactions = {i["code"] for i in by_type["Patient"]["interaction"]}
    assert interactions == {"read", "vread", "history-instance", "history-type", "search-type"}
    assert "updateCreate" not in by_type["Patient"] or not by_type["Patient"]["updateCreate"]
