"""`$graphql` over HTTP (R4 FHIR-GraphQL): elements, references, searches, directives, bounds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from graphql import (
    build_client_schema,
    get_introspection_query,
    parse,
    validate,
    validate_schema,
)

from tests.support.api import Client, api_of
from tests.support.asgi import Reply
from tests.support.record import record
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.graphql import execute, introspection
from trucyte.web.api.operations.graphql import graphql_operations

NAMED = {
    "resourceType": "Patient",
    "id": "n1",
    "active": True,
    "name": [
        {"use": "official", "family": "Nguyễn", "given": ["Văn", "Mẫu"]},
        {"use": "nickname", "given": ["Tí"]},
    ],
    "telecom": [{"system": "phone", "value": "0900000001"}, {"system": "email", "value": "a@b.vn"}],
    "contained": [{"resourceType": "Organization", "id": "c", "name": "Bên trong"}],
    "managingOrganization": {"reference": "#c"},
    "generalPractitioner": [{"reference": "Practitioner/d1"}, {"reference": "Organization/o1"}],
    "_birthDate": {"extension": [{"url": "urn:x", "valueCode": "unknown"}]},
}


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(*record(), NAMED)
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    rows = graphql_operations(node.records, definitions)
    return Client(api_of(node, clock, definitions, operations=rows))


def ask(client: Client, query: str, place: str = "", **variables: Any) -> Reply:
    body = json.dumps({"query": query, "variables": variables}).encode()
    target = f"/fhir/{place}/$graphql" if place else "/fhir/$graphql"
    return client("POST", target, body, content_type="application/json")


def data(client: Client, query: str, place: str = "", **variables: Any) -> Any:
    reply = ask(client, query, place, **variables)
    assert reply.status == 200, reply.body
    assert "errors" not in reply.json, reply.json["errors"]
    return reply.json["data"]


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["errors"][0]["extensions"]["code"]


P1 = "Patient/n1"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ id active }", {"id": "n1", "active": True}),
        ("{ resourceType __typename }", {"resourceType": "Patient", "__typename": "Patient"}),
        ("{ birthDate gender }", {"birthDate": None, "gender": None}),
        (
            '{ name(use: official) { family given } }',
            {"name": [{"family": "Nguyễn", "given": ["Văn", "Mẫu"]}]},
        ),
        (
            '{ telecom(fhirpath: "system = \'email\'") { value } }',
            {"telecom": [{"value": "a@b.vn"}]},
        ),
        ("{ name(_offset: 1, _count: 1) { use } }", {"name": [{"use": "nickname"}]}),
        (
            "{ one: name(use: official) { use } two: name(use: nickname) { use } }",
            {"one": [{"use": "official"}], "two": [{"use": "nickname"}]},
        ),
        ("{ name { use } name { family } }", {
            "name": [{"use": "official", "family": "Nguyễn"}, {"use": "nickname", "family": None}]
        }),
        ("{ name @first { use } }", {"name": {"use": "official"}}),
        ("{ name @flatten { given } }", {"given": ["Văn", "Mẫu", "Tí"]}),
        ("{ name @flatten { family @singleton } }", {"family": "Nguyễn"}),
        (
            '{ name @slice(path: "use") { family } }',
            {"name.official": {"family": "Nguyễn"}, "name.nickname": {"family": None}},
        ),
        (
            '{ name @flatten @slice(path: "$index") { given } }',
            {"given.0": ["Văn", "Mẫu"], "given.1": ["Tí"]},
        ),
        ("{ _birthDate { extension { url valueCode } } }",
         {"_birthDate": {"extension": [{"url": "urn:x", "valueCode": "unknown"}]}}),
        ("{ managingOrganization { resource(type: Organization) { name } } }",
         {"managingOrganization": {"resource": {"name": "Bên trong"}}}),
        (
            "{ generalPractitioner { resource { __typename ... on Organization { name } } } }",
            {"generalPractitioner": [
                {"resource": {"__typename": "Practitioner"}},
                {"resource": {"__typename": "Organization", "name": "Trạm y tế Mẫu"}}]},
        ),
        (
            "{ name { use @skip(if: true) } ...f } "
            "fragment f on Patient { id name @include(if: false) { use } "
            "active @skip(if: true) }",
            {"name": [{}, {}], "id": "n1"},
        ),
    ],
)  # fmt: skip
def test_elements_of_a_resource(client: Client, query: str, expected: Any) -> None:
    assert data(client, query, P1) == expected


def test_reads_searches_and_reverse_references_of_the_node(client: Client) -> None:
    query = """query q($id: ID!, $clinical: String = "active") {
      Patient(id: $id) {
        id
        problems: ConditionList(_reference: patient, clinical_status: $clinical) {
          id code { text }
        }
      }
      ConditionList(_sort: "-_lastUpdated", subject: "Patient/p1", _count: 10) { id }
    }"""
    found = data(client, query, id="p1")
    assert {one["id"] for one in found["Patient"]["problems"]} == {"c1", "c3"}
    assert {"id": "c4"} not in found["ConditionList"]
    assert {"id": "c1"} in found["ConditionList"]


def test_connections_are_paged_by_cursors(client: Client) -> None:
    query = """query q($cursor: String) {
      ObservationConnection(patient: "p1", _count: 2, _cursor: $cursor) {
        count pagesize next edges { mode resource { id } }
      }
    }"""
    first = data(client, query)["ObservationConnection"]
    assert (first["count"], first["pagesize"]) == (5, 2)
    assert first["edges"][0]["mode"] == "match"
    seen = {edge["resource"]["id"] for edge in first["edges"]}
    cursor = first["next"]
    while cursor:
        page = data(client, query, cursor=cursor)["ObservationConnection"]
        seen |= {edge["resource"]["id"] for edge in page["edges"]}
        cursor = page["next"]
    assert seen == {"w1", "w2", "g1", "s1", "x1"}


def test_numbers_keep_their_digits(client: Client, node: Node) -> None:
    reply = ask(client, "{ valueQuantity { value } }", "Observation/w1")
    assert b'"value":72.5' in reply.body


def test_what_is_not_there_is_null_with_an_error_beside_it(client: Client) -> None:
    reply = ask(client, '{ a: Patient(id: "none") { id } b: Patient(id: "p2") { id } }')
    assert reply.status == 200
    assert reply.json["data"] == {"a": None, "b": {"id": "p2"}}
    (error,) = reply.json["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["a"], "not-found")
    assert error["locations"] == [{"line": 1, "column": 3}]


def test_restricted_resources_are_not_shown(client: Client) -> None:
    reply = ask(client, '{ Condition(id: "c4") { code { text } } }')
    assert reply.json["data"] == {"Condition": None}
    assert "Kín" not in reply.body.decode()
    assert ask(client, "{ id }", "Condition/c4").status == 403


def test_a_reference_that_leads_nowhere_is_an_error_unless_optional(
    client: Client, node: Node
) -> None:
    node.put({"resourceType": "Condition", "id": "z", "subject": {"reference": "Patient/none"}})
    query = "{ subject { resource%s { id } } }"
    assert data(client, query % "(optional: true)", "Condition/z") == {
        "subject": {"resource": None}
    }
    assert ask(client, query % "", "Condition/z").json["errors"][0]["path"] == [
        "subject",
        "resource",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "{ colour }",
        "{ name }",
        "{ id { value } }",
        "{ name { colour } }",
        "{ name { use }",
        "",
        "mutation { PatientCreate { id } }",
        "query a { id } query b { id }",
        "{ ...missing }",
        "{ ...f } fragment f on Patient { ...f }",
        "{ ... on Claim { id } }",
        "{ id @strange }",
        "{ id @include(if: 3) }",
        "{ name(use: $undeclared) { use } }",
        "query q($x: String!) { name(use: $x) { use } }",
        "{ a: id a: active }",
        "{ managingOrganization { resource(type: Nothing) { id } } }",
        "{ name(use: {a: 1}) { use } }",
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_read(
    client: Client, query: str
) -> None:
    assert refusal(ask(client, query, P1)) == (400, "graphql-query")


def test_what_is_written_in_a_wrong_query_is_not_repeated(client: Client) -> None:
    reply = ask(client, '{ PatientList(name: "Bí Mật" { id } }')
    assert "Mật" not in reply.body.decode()


@pytest.mark.parametrize(
    "query",
    [
        "{" * 4000,
        "{ id " * 3000 + "}" * 3000,
        "{ " + " ".join(f"a{n}: id" for n in range(2000)) + " }",
        "{ contact { extension " + "{ extension " * 40 + "{ url }" + "}" * 42,
        "{ ...a } " + " ".join(
            f"fragment {x} on Patient {{ ...{y} ...{y} ...{y} ...{y} }}"
            for x, y in zip("abcdefgh", "bcdefghi", strict=True)
        ) + " fragment i on Patient { id }",
    ],
)  # fmt: skip
def test_hostile_queries_are_bounded(client: Client, query: str) -> None:
    status, code = refusal(ask(client, query, P1))
    assert (status, code) in ((400, "graphql-query"), (413, "graphql-costly"))


def test_reads_of_one_request_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "LOADS_MAX", 2)
    query = "{ PatientList(_count: 3) { ConditionList(_reference: patient) { id } } }"
    reply = ask(client, query)
    assert reply.json["data"] is None
    assert "errors" in reply.json


def test_a_wrong_search_is_an_error_at_its_place(client: Client) -> None:
    reply = ask(client, '{ PatientList(colour: "red") { id } }')
    assert reply.json["data"] == {"PatientList": None}
    assert reply.json["errors"][0]["path"] == ["PatientList"]


def test_queries_come_by_get_and_as_graphql(client: Client) -> None:
    reply = client.get("/fhir/Patient/n1/$graphql?query=" + quote("{ id }"))
    assert reply.json == {"data": {"id": "n1"}}
    assert reply.headers["content-type"].startswith("application/json")
    posted = client(
        "POST", "/fhir/Patient/n1/$graphql", b"{ id }", content_type="application/graphql"
    )
    assert posted.json == reply.json
    variables = quote(json.dumps({"use": "nickname"}))
    query = quote("query q($use: Code) { name(use: $use) { use } }")
    named = client.get(f"/fhir/{P1}/$graphql?query={query}&variables={variables}&operationName=q")
    assert named.json == {"data": {"name": [{"use": "nickname"}]}}
    for bad in (b"[", b"{}", b'{"query": 3}', b"\xff"):
        assert refusal(client("POST", "/fhir/$graphql", bad)) == (400, "graphql-query")


def test_a_cursor_gives_no_resources_of_another_type(client: Client) -> None:
    first = data(client, "{ ConditionConnection(_count: 1) { next } }")
    token = first["ConditionConnection"]["next"]
    query = "query q($c: String) { PatientList(_cursor: $c) { id } }"
    assert data(client, query, c=token) == {"PatientList": []}


def test_a_client_library_reads_the_schema_and_holds_queries_to_it(client: Client) -> None:
    shown = data(client, get_introspection_query())
    schema = build_client_schema(shown)
    assert not validate_schema(schema)
    asked = (
        "query q($id: ID!) { Patient(id: $id) { name(use: official) { family given }"
        " generalPractitioner { resource { __typename ... on Organization { name } } }"
        " contact { ... on Patient_contact { name { text } } _gender { id } }"
        ' ObservationList(_reference: patient, code: ["a"]) { status } }'
        " PatientConnection(_count: 2) { count edges { resource { birthDate } } } }"
    )
    assert validate(schema, parse(asked)) == []
    assert data(client, asked, id="n1")["Patient"]["contact"] is None
    assert validate(schema, parse("{ Patient(id: 1) { nome } }"))


def test_one_type_is_told_alone_and_one_that_is_not_is_null(client: Client) -> None:
    shown = data(
        client,
        '{ __type(name: "Patient_link") { __typename name fields { name type { name kind } } } '
        ' none: __type(name: "Nobody") { name } __typename }',
    )
    assert shown["none"] is None
    assert shown["__typename"] == "Query"
    assert shown["__type"]["__typename"] == "__Type"
    fields = {one["name"]: one["type"] for one in shown["__type"]["fields"]}
    assert fields["other"] == {"name": "Reference", "kind": "OBJECT"}


def test_names_of_types_are_those_of_the_schema(client: Client) -> None:
    shown = data(
        client, "{ telecom { __typename } PatientConnection { __typename edges { __typename } } }",
        "Patient/n1",
    )  # fmt: skip
    assert shown["telecom"][0]["__typename"] == "ContactPoint"
    assert shown["PatientConnection"]["__typename"] == "PatientConnection"
    assert shown["PatientConnection"]["edges"][0]["__typename"] == "PatientEdge"


def test_a_schema_asked_for_over_and_over_has_a_bound(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspection, "OBJECTS_MAX", 1000)
    reply = ask(client, get_introspection_query())
    assert "objects of the schema" in reply.json["errors"][0]["message"]


def test_what_is_no_field_of_the_schema_is_refused(client: Client) -> None:
    assert ask(client, "{ __schema { secrets } }").status == 400
    assert ask(client, "{ __schema { types { fields { nome } } } }").status == 400
