"""What HTTP asks of the FHIR API: formats, parts, conditions, refusals, operations."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from tests.support.api import XML, Client, api_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml_write import json_of_xml
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.operations.table import Level, Operation

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">Nguyễn Văn Mẫu</div>',
    },
    "active": True,
    "name": [{"text": "Nguyễn Văn Mẫu"}],
    "maritalStatus": {"text": "x"},
    "link": [{"other": {"reference": "Patient/p2"}, "type": "seealso"}],
}
OBSERVATION = (
    b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"c"},'
    b'"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":72.50},"note":[{"text":"n"}]}'
)


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(PATIENT)
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    return Client(api_of(node, clock, definitions))


# --- Formats ---


@pytest.mark.parametrize(
    ("target", "accept"),
    [
        ("/fhir/Patient/p1", XML),
        ("/fhir/Patient/p1?_format=xml", "application/json"),
        ("/fhir/Patient?_format=application/fhir%2Bxml", ""),
        ("/fhir/Patient/_history", "text/turtle;q=0.9, application/xml;q=0.5"),
        ("/fhir/metadata?_format=xml", ""),
        ("/fhir/Patient/none", XML),
    ],
)
def test_every_answer_comes_as_xml_too(
    client: Client, definitions: Definitions, target: str, accept: str
) -> None:
    headers = {"accept": accept} if accept else {}
    in_xml = client.get(target, **headers)
    assert in_xml.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    plain = client.get(target.partition("?")[0]).json
    said = json.loads(json_of_xml(in_xml.body, definitions))
    for one in (plain, said):
        one.pop("link", None)  # says how it was asked
    assert said == plain


def test_an_answer_is_indented_where_that_is_asked(client: Client) -> None:
    plain = client.get("/fhir/Patient/p1").body
    pretty = client.get("/fhir/Patient/p1?_pretty=true").body
    assert b"\n" not in plain
    assert b'\n  "resourceType": "Patient"' in pretty
    assert json.loads(pretty) == json.loads(plain)
    assert b'\n  <id value="p1"/>' in client.get("/fhir/Patient/p1?_pretty=true&_format=xml").body


def test_what_is_only_reshaped_keeps_its_digits(client: Client, node: Node) -> None:
    node.put(json.loads(OBSERVATION, parse_float=float))
    body = client.get("/fhir/Observation/o1?_elements=valueQuantity&_pretty=true").body
    assert b"72.5" in body


# --- Parts ---


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("_summary=true", {"id", "meta", "active", "name", "link"}),
        ("_summary=text", {"id", "meta", "text"}),
        ("_summary=data", {"id", "meta", "active", "name", "maritalStatus", "link"}),
        ("_elements=name", {"id", "meta", "active", "name", "link"}),  # modifiers stay
        (
            "_elements=Patient.maritalStatus,name",
            {"id", "meta", "active", "name", "maritalStatus", "link"},
        ),
    ],
)
def test_a_part_is_sent_and_marked(client: Client, query: str, kept: set[str]) -> None:
    for resource in (
        client.get(f"/fhir/Patient/p1?{query}").json,
        client.get(f"/fhir/Patient?_id=p1&{query}").json["entry"][0]["resource"],
        client.get(f"/fhir/Patient/p1/_history?{query}").json["entry"][0]["resource"],
    ):
        assert resource.keys() == kept | {"resourceType"}
        assert resource["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert resource["meta"]["versionId"] == "1"


def test_the_whole_is_sent_unmarked(client: Client) -> None:
    for query in ("", "?_summary=false"):
        assert "tag" not in client.get(f"/fhir/Patient/p1{query}").json["meta"]


def test_a_count_is_a_bundle_without_entries(client: Client) -> None:
    assert client.get("/fhir/Patient?_summary=count").json["total"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "_summary=some",
        "_summary=true&_elements=name",
        "_elements=a%20b",
        "_summary=true&_summary=data",
    ],
)
def test_a_part_that_cannot_be_understood_is_refused(client: Client, query: str) -> None:
    assert problem(client.get(f"/fhir/Patient/p1?{query}")) == (400, "bad-shape")


def test_a_page_s_next_link_keeps_the_form_of_the_answers(client: Client, node: Node) -> None:
    node.put(*({**PATIENT, "id": f"q{n}"} for n in range(3)))
    reply = client.get("/fhir/Patient?_count=2&_elements=name&name=nguyen")
    links = {link["relation"]: link["url"] for link in reply.json["link"]}
    assert "_elements=name" in links["next"]
    assert "nguyen" not in links["next"]
    following = client.get("/fhir" + links["next"].partition("/fhir")[2]).json
    assert all("text" not in entry["resource"] for entry in following["entry"])


# --- Conditions ---


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": 'W/"1"'}, 304),
        ({"if_none_match": '"1"'}, 304),
        ({"if_none_match": 'W/"7", W/"1"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": 'W/"2"'}, 200),
        ({"if_modified_since": "Sun, 22 Nov 2026 02:12:00 GMT"}, 304),
        ({"if_modified_since": "Sun, 22 Nov 2026 02:11:59 GMT"}, 200),
        ({"if_modified_since": "nonsense"}, 200),
        # The tag stands above the date.
        ({"if_none_match": 'W/"2"', "if_modified_since": "Sun, 22 Nov 2026 02:12:00 GMT"}, 200),
    ],
)
def test_a_read_may_be_conditional(client: Client, headers: dict[str, str], status: int) -> None:
    reply = client.get("/fhir/Patient/p1", **headers)
    assert reply.status == status
    assert reply.headers["etag"] == 'W/"1"'
    assert bool(reply.body) == (status == 200)
    if status == 304:
        assert "content-length" not in reply.headers


# --- Refusals ---


def test_options_and_refusals_name_the_methods(client: Client) -> None:
    assert client("OPTIONS", "/fhir/Patient/p1").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client("OPTIONS", "/fhir/Patient/p1").status == 204
    reply = client("PUT", "/fhir/Patient/p1", b"{}")
    assert problem(reply) == (405, "method-not-allowed")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS"
    assert problem(client("BREW", "/fhir/Patient"))[0] == 405


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        (
            "POST",
            "/fhir/Patient/_search",
            {"content_type": "text/plain"},
            (415, "media-type-unsupported"),
        ),
        ("GET", "/fhir/Patient/p1/_history/one", {}, (404, "not-found")),
        ("GET", "/fhir/Patient/p1/_history/2", {}, (404, "not-found")),
        ("GET", "/fhir/Patient/p1/$nothing", {}, (404, "no-such-path")),
        ("GET", "/fhir/Patient/" + "x" * 65, {}, (404, "no-such-path")),
        ("GET", "/fhir/metadata?mode=most", {}, (400, "capability-mode")),
        ("GET", "/fhir/metadata?mode=terminology", {}, (404, "no-terminology")),
        ("GET", "/fhir/Observation/o1/Patient", {}, (404, "compartment-unknown")),
        ("GET", "/fhir/Patient/p1", {"accept": "text/turtle"}, (406, "not-acceptable")),
        ("POST", "/fhir/Patient/_search", {"content_length": "209715200"}, (413, "body-too-large")),
    ],
)
def test_what_is_refused_says_why(
    client: Client, method: str, target: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    body = b"name=x" if method == "POST" else b""
    headers = {"content_type": "application/x-www-form-urlencoded", **headers} if body else headers
    assert problem(client(method, target, body, **headers)) == expected


def test_a_lenient_search_passes_over_what_is_not_known_and_says_so(client: Client) -> None:
    target = "/fhir/Patient?name=nguyen&colour=red"
    assert problem(client.get(target)) == (400, "search-parameter-unknown")
    found = client.get(target, prefer="handling=lenient").json
    assert [entry["search"]["mode"] for entry in found["entry"]] == ["match", "outcome"]
    assert "colour" in found["entry"][1]["resource"]["issue"][0]["diagnostics"]
    assert "colour" not in found["link"][0]["url"]


def test_a_compartment_of_one_parameter_is_searched(client: Client, node: Node) -> None:
    node.put(
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
        },
        {
            "resourceType": "Encounter",
            "id": "e2",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p2"},
        },
    )
    found = client.get("/fhir/Patient/p1/Encounter").json
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["e1"]


def test_links_name_the_address_the_proxy_gives_only_where_it_is_trusted(
    node: Node, clock: FixedClock, definitions: Definitions, client: Client
) -> None:
    said = {"x_forwarded_host": "fhir.example.vn", "x_forwarded_proto": "https"}
    links = client.get("/fhir/Patient", **said).json["link"]
    assert links[0]["url"] == "http://127.0.0.1:8080/fhir/Patient"
    trusting = Client(api_of(node, clock, definitions, trusts_forwarded=True))
    links = trusting.get("/fhir/Patient", **said).json["link"]
    assert links[0]["url"] == "https://fhir.example.vn/fhir/Patient"


# --- Operations and defects ---


def told(call: FhirCall) -> Answer:
    said = {
        "resourceType": "Parameters",
        "parameter": [{"name": "body", "valueString": call.body.decode()}] if call.body else [],
    }
    return Answer(200, orjson.dumps({k: v for k, v in said.items() if v}), FHIR_JSON)


def broken(call: FhirCall) -> Answer:
    raise ZeroDivisionError(f"of {call.id}")


def streamed(call: FhirCall) -> Answer:
    return Answer(200, (b"%d\n" % number for number in range(5)), "application/fhir+ndjson")


def breaks_at_once(call: FhirCall) -> Answer:
    return Answer(200, (b"%d" % (1 // number) for number in range(5)), "application/fhir+ndjson")


def operation(name: str, handler: Any, **more: Any) -> Operation:
    given: dict[str, Any] = {
        "levels": frozenset({Level.SYSTEM}),
        "methods": frozenset({"GET", "POST"}),
        "affects_state": False,
        "definition": f"https://trucyte.vn/fhir/OperationDefinition/{name}",
    }
    return Operation(name=name, handler=handler, **{**given, **more})


@pytest.fixture
def operations(node: Node, clock: FixedClock, definitions: Definitions) -> Client:
    everywhere = frozenset(Level)
    rows = [
        operation("tell", told, levels=everywhere, types=frozenset({"Patient"})),
        operation("write", told, methods=frozenset({"POST"}), affects_state=True),
        operation("break", broken),
        operation("stream", streamed),
        operation("stumble", breaks_at_once),
        operation("lookup", told),
    ]
    return Client(api_of(node, clock, definitions, operations=rows))


def test_an_operation_is_called_where_its_row_says(operations: Client) -> None:
    for target in ("/fhir/$tell", "/fhir/Patient/$tell", "/fhir/Patient/p1/$tell"):
        assert operations.get(target).json == {"resourceType": "Parameters"}
    assert problem(operations.get("/fhir/Observation/$tell")) == (404, "operation-unknown")
    reply = operations.get("/fhir/$write")
    assert problem(reply) == (405, "method-not-allowed")
    assert reply.headers["allow"] == "POST"
    assert operations("HEAD", "/fhir/$tell").status == 200


def test_an_operation_meets_json_whatever_was_sent(operations: Client) -> None:
    xml = (
        b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="a"/>'
        b'<valueDecimal value="1.00"/></parameter></Parameters>'
    )
    sent = operations("POST", "/fhir/$tell", xml, content_type=XML).json
    assert b"1.00" in sent["parameter"][0]["valueString"].encode()
    refusal = operations("POST", "/fhir/$tell", b"x", content_type="text/plain")
    assert problem(refusal) == (415, "media-type-unsupported")
    assert problem(operations("POST", "/fhir/$tell", b"<a/>", content_type=XML))[0] == 400


def test_a_streamed_answer_arrives_whole(operations: Client) -> None:
    reply = operations.get("/fhir/$stream")
    assert reply.body == b"0\n1\n2\n3\n4\n"
    assert "content-length" not in reply.headers


@pytest.mark.parametrize("name", ["break", "stumble"])
def test_a_defect_gives_a_reference_and_nothing_of_the_request(
    operations: Client, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = operations.get(f"/fhir/${name}?name=Marked")
    assert problem(reply) == (500, "defect")
    issue = reply.json["issue"][0]
    assert (issue["severity"], issue["code"]) == ("fatal", "exception")
    fields = [r.trucyte_fields for r in caplog.records if hasattr(r, "trucyte_fields")]
    assert fields[0]["reference"] in issue["diagnostics"]
    assert fields[0]["kind"] == "zero-division-error"
    assert "Marked" not in caplog.text + reply.body.decode()


def test_terminology_is_described_where_it_is_there(operations: Client) -> None:
    statement = operations.get("/fhir/metadata?mode=terminology").json
    assert statement["resourceType"] == "TerminologyCapabilities"


def test_answers_in_xml_are_well_formed(client: Client) -> None:
    root = etree.fromstring(client.get("/fhir/Patient", accept=XML).body)
    assert root.tag == "{http://hl7.org/fhir}Bundle"
