"""What `/api/openapi.json` promises is there: every path is called, every refusal is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.asgi import ask
from tests.support.serving import needs_definitions
from trucyte.base.settings import DatabaseSettings, DiskSettings, Settings
from trucyte.database.connect import Database
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.accounts import sent_form
from trucyte.web.doors.about import AboutApi
from trucyte.web.doors.claims import Doors
from trucyte.web.doors.openapi import DESCRIBED, paths_of


@pytest.fixture
def node(empty_database: Database, tmp_path: Path) -> Iterator[Node]:
    needs_definitions()
    settings = Settings(
        data=tmp_path,
        database=DatabaseSettings(url=empty_database.url),
        disk=DiskSettings(warn_bytes=2, stop_bytes=1),
    )
    with open_node(settings) as node:
        yield node


@pytest.fixture
def site(node: Node) -> Any:
    return make_site(node, metrics=lambda: "# HELP a_total A.\n")


@pytest.fixture
def document(site: Any) -> Any:
    reply = ask(site, "GET", "/api/openapi.json")
    assert reply.status == 200
    return reply.json


def body_of(operation: Any, password: str) -> tuple[bytes, dict[str, str]]:
    """Make a body by the schema of an operation."""
    if "requestBody" not in operation:
        return b"", {}
    ((kind, content),) = operation["requestBody"]["content"].items()
    known = {"username": "his", "password": password, "code": "79001", "maCSKCB": "79001"}
    known |= {"files": ["PEEvPg=="], "fileHSBase64": "PEEvPg%3D%3D"}  # type: ignore[dict-item]
    sent = {name: known[name] for name in content["schema"]["required"]}
    if kind == "application/json":
        return json.dumps(sent).encode(), {"content-type": kind}
    if "password" in sent:
        sent["password"] = sent_form(password)  # as the insurer's gateway wants it
    form = "&".join(f"{name}={value}" for name, value in sent.items())
    return form.encode(), {"content-type": kind}


def matches(schema: Any, value: Any) -> bool:
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]):
        return False
    if schema["type"] == "array":
        return all(matches(schema["items"], item) for item in value)
    parts = schema.get("properties", {})
    return all(name in value and matches(part, value[name]) for name, part in parts.items())


def test_everything_that_is_described_answers_as_described(
    node: Node, site: Any, document: Any
) -> None:
    password = node.accounts.add("his", "79001")
    token = node.accounts.log_in("his", sent_form(password), client="t").text
    received = ask(
        site,
        "POST",
        "/api/qd130/guiHoSoXmlQD3176",
        body=b"maCSKCB=79001&fileHSBase64=PEEvPg%3D%3D",
        headers={"accesstoken": token},
    )
    called = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body, headers = body_of(operation, password)
            if "security" in operation:
                headers["authorization"] = f"Bearer {token}"
            where = path.replace("{transaction}", received.json["maGiaoDich"])
            reply = ask(site, method.upper(), where, body=body, headers=headers)
            assert reply.status == 200, path
            content = operation["responses"]["200"]["content"]
            kind = reply.headers["content-type"].partition(";")[0]
            assert kind in content, path
            if kind == "application/json":
                assert matches(content[kind]["schema"], reply.json), path
            called += 1
    assert called >= 14


def test_what_needs_a_token_is_refused_without_one(site: Any, document: Any) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "security" in operation:
                where = path.replace("{transaction}", "T1")
                assert ask(site, method.upper(), where).status == 401
                assert "401" in operation["responses"]


def test_every_route_is_described_and_every_description_has_a_route(node: Node) -> None:
    doors = Doors(node.receipts, node.accounts, node.clock, node.trail)
    about = AboutApi(None)  # type: ignore[arg-type]  # only its table is read
    names = {route.handler.__name__ for route in (*doors.routes, *about.routes)}
    assert names == set(DESCRIBED)
    for route in doors.routes:
        for path in paths_of(route.pattern):
            assert route.pattern.fullmatch(path.replace("{transaction}", "T1"))


def test_names_of_operations_are_unique(document: Any) -> None:
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)


def test_a_node_is_ready_while_database_form_and_disk_are_well(node: Node, site: Any) -> None:
    ready = ask(site, "GET", "/health/ready")
    assert ready.status == 200
    assert ready.json == {
        "ready": True,
        "checks": {"database": True, "migrations": True, "disk": True},
    }
    assert ask(site, "HEAD", "/health/live").status == 200
    assert ask(site, "POST", "/health/live").status == 405
    assert ask(site, "GET", "/health").status == 200  # the page stays


def test_a_database_of_an_older_form_is_not_ready(node: Node) -> None:
    with node.database.connection() as connection:
        connection.execute(
            "delete from database.migration"
            " where number = (select max(number) from database.migration)"
        )
    reply = ask(make_site(node), "GET", "/health/ready")
    assert reply.status == 503
    assert reply.json["checks"] == {"database": True, "migrations": False, "disk": True}


def test_the_document_is_reached_from_help_and_documentation(site: Any) -> None:
    assert b"/api/openapi.json" in ask(site, "GET", "/help").body
    assert "/api/openapi.json" in (
        Path(__file__).parents[2] / "docs/how-to/send-claims-over-http.md"
    ).read_text(encoding="utf-8")
