"""The CapabilityStatement promises nothing that is not answered: it is walked and called.

R4 §5.2 (CapabilityStatement), §3.1.0.10 (capabilities). An answer may refuse a made-up
value or find nothing; what it may not say is that there is no such path, method, parameter
or interaction.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.support.api import JSON, XML, Client, api_of, interactions_of
from tests.support.records import open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.validate import Validator
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.capability import searchable
from trucyte.web.api.operations.table import Level, Operation

VALUES = {
    "token": "x",
    "string": "x",
    "date": "2026-01-01",
    "number": "1",
    "quantity": "1",
    "uri": "urn:x",
    "reference": "Patient/p1",
}


def answered(call: FhirCall) -> Answer:
    return Answer(200, orjson.dumps({"resourceType": "Parameters"}), FHIR_JSON)


def operation(name: str, levels: frozenset[Level], types: frozenset[str] | None) -> Operation:
    return Operation(
        name=name,
        levels=levels,
        types=types,
        methods=frozenset({"POST"}),
        affects_state=False,
        definition=f"https://trucyte.vn/fhir/OperationDefinition/{name}",
        handler=answered,
        documentation="of tests",
    )


@pytest.fixture
def client(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Client]:
    rows = [
        operation("everywhere", frozenset(Level), None),
        operation("some", frozenset({Level.INSTANCE}), frozenset({"Patient", "Group"})),
    ]
    with open_node(database, tmp_path, clock, definitions) as node:
        node.put({"resourceType": "Patient", "id": "p1"})
        writes = interactions_of(node, clock, definitions)
        yield Client(api_of(node, clock, definitions, interactions=writes, operations=rows))


def refusal(reply: Any) -> str:
    """Return the code of a refusal; "" where there is none."""
    if reply.status < 400:
        return ""
    assert reply.status < 500 or reply.status == 501, reply.body
    return str(reply.json["issue"][0]["details"]["coding"][0]["code"])


# How each interaction of a type is called, without anything that it would change.
CALLS = {
    "read": ("GET", "{type}/none"),
    "vread": ("GET", "{type}/none/_history/1"),
    "history-instance": ("GET", "{type}/none/_history"),
    "history-type": ("GET", "{type}/_history"),
    "search-type": ("GET", "{type}"),
    "history-system": ("GET", "_history"),
    "search-system": ("GET", "?_type=Patient"),
    "create": ("POST", "{type}"),
    "update": ("PUT", "{type}/none"),
    "patch": ("PATCH", "{type}/none"),
    "delete": ("DELETE", "{type}/none"),
    "transaction": ("POST", ""),
    "batch": ("POST", ""),
}
# What a call that changes nothing may be told: what it sends is wrong, or nothing is there.
REFUSALS = {
    "create": "type-mismatch",
    "update": "type-mismatch",
    "patch": "not-found",
    "transaction": "bundle-unreadable",
    "batch": "bundle-unreadable",
}


def called(client: Client, code: str, type: str) -> str:
    """Call an interaction, with a body that is no resource of any type; return the refusal."""
    method, target = CALLS[code]
    body, kind = b"", JSON
    if method in ("POST", "PUT"):
        body = b'{"resourceType":"Nothing","id":"none"}'
    if method == "PATCH":
        body, kind = b'[{"op":"test","path":"/id","value":"x"}]', "application/json-patch+json"
    target = "/fhir/" + target.format(type=type)
    return refusal(client(method, target.rstrip("/").replace("/?", "?"), body, content_type=kind))


def allowed(code: str) -> set[str]:
    return {"", "not-found", REFUSALS.get(code, "")}


def test_every_interaction_and_operation_of_the_statement_is_answered(client: Client) -> None:
    rest = client.get("/fhir/metadata").json["rest"][0]
    for resource in rest["resource"]:
        name = resource["type"]
        for one in resource["interaction"]:
            assert called(client, one["code"], name) in allowed(one["code"]), (name, one)
        listed = {one["name"] for one in resource["operation"]}
        assert listed == {"everywhere"} | ({"some"} if name in ("Patient", "Group") else set())
        for operation_name in listed:
            reply = client("POST", f"/fhir/{name}/p1/${operation_name}")
            assert reply.status == 200, (name, operation_name)
    for one in rest["interaction"]:
        assert called(client, one["code"], "") in allowed(one["code"])
    assert [one["name"] for one in rest["operation"]] == ["everywhere"]
    assert client("POST", "/fhir/$everywhere").status == 200
    assert refusal(client("POST", "/fhir/$some")) == "operation-unknown"


def test_every_search_parameter_of_the_statement_is_known(client: Client) -> None:
    rest = client.get("/fhir/metadata").json["rest"][0]
    asked = 0
    for resource in rest["resource"]:
        pairs = [
            (one["name"], VALUES[one["type"]])
            for one in resource["searchParam"]
            if one["type"] in VALUES
        ]
        for start in range(0, len(pairs), 20):
            query = "&".join(f"{name}={quote(value)}" for name, value in pairs[start : start + 20])
            reply = client.get(f"/fhir/{resource['type']}?{query}&_summary=count")
            assert refusal(reply) == "", (resource["type"], query, reply.body)
            asked += query.count("&") + 1
        assert all(one["definition"] for one in resource["searchParam"])
    assert asked > 1000


def test_every_format_of_the_statement_is_given(client: Client) -> None:
    for name in client.get("/fhir/metadata").json["format"]:
        reply = client.get(f"/fhir/Patient/p1?_format={quote(name, safe='')}")
        assert reply.status == 200
        assert ("xml" in name) == reply.headers["content-type"].startswith(XML)


def test_the_statement_is_valid_and_made_once(client: Client, definitions: Definitions) -> None:
    first = client.get("/fhir/metadata")
    assert Validator(definitions).check(first.json) == []
    assert client.get("/fhir/metadata").body == first.body
    assert Validator(definitions).check(client.get("/fhir/metadata?_summary=true").json) == []


def test_the_statement_does_not_say_again_what_definitions_say(
    definitions: Definitions,
) -> None:
    for parameters in searchable(definitions, Extractor(definitions)).parameters.values():
        assert not any(one.documentation for one in parameters)


def test_the_statement_stays_short(client: Client) -> None:
    body = client.get("/fhir/metadata").body
    assert len(body) < 800_000
