"""How addresses, headers and bodies become writes, and what their outcome becomes in HTTP.

What the write side decides is its own matter; here it is a double that remembers what it
was asked and answers as it is told.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import XML, Client, api_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.xml_write import XmlWriter
from trucyte.intake.interactions import BundleDone, Done, EntryDone, Written
from trucyte.intake.interactions.problems import ConditionUnmet, NotSelective, ResourceInvalid
from trucyte.records.shown import Resource, ResourceNotFound
from trucyte.web.api.operations.table import Level, Operation

BODY = b'{"resourceType":"Patient","id":"p1"}'
AT = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
PATCH = b'[{"op":"add","path":"/active","value":true}]'
JSON_PATCH = "application/json-patch+json"


def version(number: int = 2, *, body: bytes = BODY) -> Resource:
    return Resource("Patient", "p1", number, AT, body, 0, 7)


class Double:
    """Remembers what was asked, and answers as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.answer: Any = Written(Done.UPDATED, version())

    def __getattr__(self, name: str) -> Any:
        def asked(access: Any, *given: Any, **named: Any) -> Any:
            self.asked.append((name, given, named))
            if isinstance(self.answer, Problem):
                raise self.answer
            return self.answer(*given) if callable(self.answer) else self.answer

        return asked


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions, double: Double) -> Client:
    return Client(api_of(node, clock, definitions, interactions=double))


@pytest.mark.parametrize(
    ("method", "target", "headers", "name", "given", "named"),
    [
        ("POST", "Patient", {}, "create", ("Patient", BODY), {"if_none_exist": ""}),
        (
            "POST",
            "Patient",
            {"if_none_exist": "?identifier=a|b"},
            "create",
            ("Patient", BODY),
            {"if_none_exist": "identifier=a|b"},
        ),
        (
            "PUT",
            "Patient/p1",
            {},
            "update",
            ("Patient", "p1", BODY),
            {"if_match": None, "if_none_match_any": False},
        ),
        (
            "PUT",
            "Patient/p1",
            {"if_match": 'W/"3"', "if_none_match": "*"},
            "update",
            ("Patient", "p1", BODY),
            {"if_match": 3, "if_none_match_any": True},
        ),
        (
            "PUT",
            "Patient?identifier=a%7Cb&_format=json",
            {},
            "update_where",
            ("Patient", "identifier=a%7Cb", BODY),
            {"if_match": None},
        ),
    ],
)
def test_a_write_is_read_from_address_headers_and_body(
    client: Client,
    double: Double,
    method: str,
    target: str,
    headers: dict[str, str],
    name: str,
    given: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    assert client(method, f"/fhir/{target}", BODY, **headers).status == 200
    assert double.asked == [(name, given, {**named, "original": b""})]


def test_a_delete_is_read_from_address_and_headers(client: Client, double: Double) -> None:
    double.answer = Written(Done.DELETED, version(3, body=b""))
    reply = client("DELETE", "/fhir/Patient/p1", if_match='W/"2"')
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["etag"] == 'W/"3"'
    assert double.asked == [("delete", ("Patient", "p1"), {"if_match": 2})]
    double.answer = None
    assert client("DELETE", "/fhir/Patient/p1").status == 204
    said = client("DELETE", "/fhir/Patient/p1", prefer="return=OperationOutcome")
    assert said.status == 200
    double.answer = [Written(Done.DELETED, version(3, body=b""))]
    assert client("DELETE", "/fhir/Patient?identifier=x").status == 204
    assert double.asked[-1] == ("delete_where", ("Patient", "identifier=x"), {})
    assert problem(client("DELETE", "/fhir/Patient")) == (400, "bad-query")
    assert problem(client("PUT", "/fhir/Patient?_format=json", BODY)) == (400, "bad-query")


@pytest.mark.parametrize(
    ("done", "status"),
    [(Done.CREATED, 201), (Done.UPDATED, 200), (Done.UNCHANGED, 200), (Done.FOUND, 200)],
)
def test_what_became_of_a_write_is_its_status_and_where_it_lives(
    client: Client, double: Double, done: Done, status: int
) -> None:
    double.answer = Written(done, version())
    reply = client("PUT", "/fhir/Patient/p1", BODY)
    assert reply.status == status
    assert reply.headers["location"] == "http://127.0.0.1:8080/fhir/Patient/p1/_history/2"
    assert reply.headers["content-location"] == reply.headers["location"]
    assert reply.headers["etag"] == 'W/"2"'
    assert reply.headers["last-modified"] == "Sun, 22 Nov 2026 02:12:00 GMT"
    assert reply.body == BODY
    minimal = client("PUT", "/fhir/Patient/p1", BODY, prefer="return=minimal")
    assert (minimal.status, minimal.body) == (status, b"")
    assert minimal.headers["location"] == reply.headers["location"]
    said = client("PUT", "/fhir/Patient/p1", BODY, prefer="return=OperationOutcome")
    assert said.status == status
    assert said.json["issue"][0]["severity"] == "information"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ConditionUnmet(), (412, "if-match-unmet")),
        (NotSelective(type="Patient"), (412, "condition-not-selective")),
        (ResourceNotFound(type="Patient"), (404, "not-found")),
    ],
)
def test_a_write_that_is_refused_says_why(
    client: Client, double: Double, answer: Problem, expected: tuple[int, str]
) -> None:
    double.answer = answer
    assert problem(client("PUT", "/fhir/Patient/p1", BODY)) == expected


def test_a_resource_that_breaks_rules_is_answered_with_all_of_them(
    client: Client, double: Double
) -> None:
    facts = {"name": "status"}
    issues = [
        Issue(Severity.ERROR, "required", "missing-element", "Observation", facts),
        Issue(Severity.ERROR, "structure", "unknown-element", "Observation", {"name": "x"}),
    ]
    double.answer = ResourceInvalid(issues=issues, type="Observation", count=2)
    reply = client("POST", "/fhir/Observation", BODY, accept_language="en")
    assert problem(reply) == (422, "resource-invalid")
    found = reply.json["issue"][1:]
    assert [(i["code"], i["diagnostics"]) for i in found] == [
        ("required", "missing-element"),
        ("structure", "unknown-element"),
    ]
    assert "required element" in found[0]["details"]["text"]


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        ("PUT", "Patient/p1", {"if_match": "3"}, (400, "bad-header")),
        ("PUT", "Patient/p1", {"if_none_match": 'W/"1"'}, (400, "bad-header")),
        ("POST", "Patient", {"if_none_exist": " "}, (400, "bad-header")),
        ("POST", "Patient", {"content_type": "text/plain"}, (415, "media-type-unsupported")),
        ("POST", "", {"content_type": JSON_PATCH}, (415, "media-type-unsupported")),
        ("PATCH", "Patient/p1", {"content_type": "text/plain"}, (415, "media-type-unsupported")),
        ("POST", "Patient/p1", {}, (405, "method-not-allowed")),
        ("DELETE", "metadata", {}, (405, "method-not-allowed")),
        ("POST", "Patient", {"content_length": str(200 << 20)}, (413, "body-too-large")),
    ],
)
def test_a_write_that_cannot_be_read_is_refused_before_anything_is_done(
    client: Client,
    double: Double,
    method: str,
    target: str,
    headers: dict[str, str],
    expected: tuple[int, str],
) -> None:
    reply = client(method, f"/fhir/{target}".rstrip("/"), BODY, **headers)
    assert problem(reply) == expected
    assert double.asked == []
    if expected[0] == 413:
        assert reply.headers["connection"] == "close"


def test_xml_is_taken_with_every_digit(client: Client, double: Double) -> None:
    xml = (
        b'<Observation xmlns="http://hl7.org/fhir"><status value="final"/>'
        b'<valueQuantity><value value="0.0000001"/></valueQuantity></Observation>'
    )
    assert client("POST", "/fhir/Observation", xml, content_type=XML).status == 200
    sent = double.asked[0][1][1]
    assert sent == (
        b'{"resourceType":"Observation","status":"final","valueQuantity":{"value":0.0000001}}'
    )
    assert problem(client("POST", "/fhir/Observation", b"<a>", content_type=XML)) == (
        400,
        "not-fhir-xml",
    )
    bomb = b'<!DOCTYPE a [<!ENTITY b "b">]><Patient xmlns="http://hl7.org/fhir"/>'
    assert problem(client("POST", "/fhir/Patient", bomb, content_type=XML))[0] == 400


FHIRPATH_PATCH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "active"},
                {"name": "value", "valueBoolean": True},
            ],
        }
    ],
}


def test_patches_come_in_three_forms(
    client: Client, double: Double, definitions: Definitions
) -> None:
    in_json = json.dumps(FHIRPATH_PATCH).encode()
    for body, kind in (
        (PATCH, JSON_PATCH),
        (in_json, "application/fhir+json"),
        (XmlWriter(definitions).write(in_json), XML),
    ):
        reply = client("PATCH", "/fhir/Patient/p1", body, content_type=kind, if_match='W/"4"')
        assert reply.status == 200, reply.body
        name, given, named = double.asked[-1]
        assert (name, given[:2], named) == ("patch", ("Patient", "p1"), {"if_match": 4})
        assert given[2].apply({"resourceType": "Patient"})["active"] is True
    reply = client("PATCH", "/fhir/Patient?identifier=x", PATCH, content_type=JSON_PATCH)
    assert double.asked[-1][0] == "patch_where"
    assert double.asked[-1][1][:2] == ("Patient", "identifier=x")


@pytest.mark.parametrize("body", [b"{", b'[{"op":"jump"}]', b"[]x"])
def test_a_patch_that_cannot_be_read_is_refused(
    client: Client, double: Double, body: bytes
) -> None:
    reply = client("PATCH", "/fhir/Patient/p1", body, content_type=JSON_PATCH)
    assert reply.status == 400, reply.body
    assert double.asked == []


# --- Bundles ---

BATCH = b'{"resourceType":"Bundle","type":"batch"}'


def entries(reply: Any) -> list[dict[str, Any]]:
    assert reply.status == 200, reply.body
    assert reply.json["type"] == "batch-response"
    return list(reply.json["entry"])


def test_entries_are_answered_in_their_order(client: Client, double: Double) -> None:
    double.answer = BundleDone(
        "batch-response",
        [
            EntryDone(written=[Written(Done.CREATED, version(1))]),
            EntryDone(problem=ConditionUnmet()),
            EntryDone(),
            EntryDone(written=[Written(Done.DELETED, version(3, body=b""))]),
        ],
    )
    created, refused, nothing, deleted = entries(client("POST", "/fhir", BATCH))
    assert created["response"]["status"] == "201"
    assert created["response"]["location"] == "Patient/p1/_history/1"
    assert created["response"]["etag"] == 'W/"1"'
    assert "resource" not in created
    assert refused["response"]["status"] == "412"
    assert refused["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert nothing["response"] == {"status": "204"}
    assert deleted["response"]["status"] == "204"
    assert "fullUrl" not in deleted
    shown = entries(client("POST", "/fhir/", BATCH, prefer="return=representation"))
    assert shown[0]["resource"]["id"] == "p1"
    said = entries(client("POST", "/fhir/", BATCH, prefer="return=OperationOutcome"))
    assert said[0]["response"]["outcome"]["issue"][0]["severity"] == "information"


def broken(call: Any) -> Any:
    raise ZeroDivisionError


def test_reads_of_a_bundle_are_answered_as_any_other_read(
    node: Node, clock: FixedClock, definitions: Definitions, double: Double
) -> None:
    node.put({"resourceType": "Patient", "id": "p1", "name": [{"text": "Nguyễn Văn Mẫu"}]})
    rows = [
        Operation(
            name=name,
            levels=frozenset({Level.SYSTEM}),
            methods=frozenset({"GET", "POST"}),
            affects_state=affects,
            definition="https://trucyte.vn/fhir/OperationDefinition/broken",
            handler=broken,
        )
        for name, affects in (("broken", False), ("changing", True))
    ]
    client = Client(api_of(node, clock, definitions, interactions=double, operations=rows))
    asked = [
        ("GET", "Patient/p1", {}),
        ("GET", "/Patient/p1", {"If-None-Match": 'W/"1"'}),
        ("GET", "Patient?name=nguyen&_format=xml", {}),
        ("GET", "Patient/none", {}),
        ("GET", "Patient?nme=x", {}),
        ("GET", "http://elsewhere/fhir/Patient/p1", {}),
        ("GET", "$broken", {}),
        ("GET", "$changing", {}),
        ("POST", "Patient/_search", {}),
    ]

    def carried_out(body: bytes, reads: Any) -> BundleDone:
        answered = [EntryDone(answered=reads.answer(*one)) for one in asked]
        return BundleDone("batch-response", answered)

    double.answer = carried_out
    found = entries(client("POST", "/fhir", BATCH, accept_language="en"))
    statuses = [entry["response"]["status"] for entry in found]
    assert statuses == ["200", "304", "200", "404", "400", "404", "500", "405", "404"]
    assert found[0]["resource"]["id"] == "p1"
    assert found[0]["fullUrl"].endswith("/fhir/Patient/p1")
    assert found[0]["response"]["etag"] == 'W/"1"'
    assert "resource" not in found[1]
    assert found[2]["resource"]["type"] == "searchset"
    assert found[3]["response"]["outcome"]["issue"][0]["code"] == "not-found"


def test_a_large_bundle_leaves_in_chunks_and_arrives_whole(client: Client, double: Double) -> None:
    many = [EntryDone(written=[Written(Done.CREATED, version(n))]) for n in range(1, 6001)]
    double.answer = BundleDone("batch-response", many)
    reply = client("POST", "/fhir", BATCH, prefer="return=representation")
    assert "content-length" not in reply.headers
    assert len(entries(reply)) == 6000


def test_an_empty_bundle_response_has_no_entries(client: Client, double: Double) -> None:
    double.answer = BundleDone("transaction-response", [])
    assert client("POST", "/fhir", BATCH).json == {
        "resourceType": "Bundle",
        "type": "transaction-response",
    }


def test_what_can_be_written_is_in_the_statement(client: Client) -> None:
    statement = json.loads(client.get("/fhir/metadata").body)
    rest = statement["rest"][0]
    assert {one["code"] for one in rest["interaction"]} == {
        "transaction",
        "batch",
        "history-system",
        "search-system",
    }
    patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    codes = {one["code"] for one in patient["interaction"]}
    assert codes >= {"create", "update", "patch", "delete"}
    assert patient["versioning"] == "versioned-update"
    assert patient["updateCreate"] and patient["conditionalCreate"]
    assert patient["conditionalDelete"] == "single"
    assert statement["patchFormat"][0] == JSON_PATCH


# --- Binaries ---


def test_content_is_taken_as_itself_and_wrapped(client: Client, double: Double) -> None:
    reply = client(
        "POST",
        "/fhir/Binary",
        b"\x89PNG\0",
        content_type="image/png",
        x_security_context="Patient/p1",
    )
    assert reply.status == 200
    assert json.loads(double.asked[0][1][1]) == {
        "resourceType": "Binary",
        "contentType": "image/png",
        "securityContext": {"reference": "Patient/p1"},
        "data": "iVBORwA=",
    }
    client("PUT", "/fhir/Binary/b1", b"x", content_type="text/plain; charset=utf-8")
    assert json.loads(double.asked[1][1][2])["id"] == "b1"
    client("POST", "/fhir/Binary", b'{"resourceType":"Binary"}')
    assert double.asked[2][1][1] == b'{"resourceType":"Binary"}'
    odd = client("POST", "/fhir/Binary", b"x", content_type='a/b; x="<script>"')
    assert problem(odd) == (400, "bad-header")


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("text/html", "", "text/html"),
        ("image/png, image/*;q=0.5", "", "text/html"),
        ("", "", "application/fhir+json; charset=utf-8"),
        ("*/*", "", "application/fhir+json; charset=utf-8"),
        ("application/fhir+xml", "", "application/fhir+xml; charset=utf-8"),
        ("text/html", "?_format=json", "application/fhir+json; charset=utf-8"),
    ],
)
def test_content_is_given_as_itself_where_no_format_of_fhir_is_asked(
    client: Client, node: Node, accept: str, query: str, kind: str
) -> None:
    node.put(
        {"resourceType": "Binary", "id": "b1", "contentType": "text/html", "data": "PGI+aGk8L2I+"}
    )
    for target in ("Binary/b1", "Binary/b1/_history/1"):
        reply = client.get(f"/fhir/{target}{query}", **({"accept": accept} if accept else {}))
        assert reply.headers["content-type"] == kind
        assert reply.headers["etag"] == 'W/"1"'
        if kind == "text/html":
            assert reply.body == b"<b>hi</b>"
            assert reply.headers["content-security-policy"].startswith("sandbox")
            assert reply.headers["content-disposition"] == "attachment"
