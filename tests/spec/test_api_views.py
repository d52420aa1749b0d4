"""`$viewdefinition-run` over HTTP (SQL-on-FHIR v2): rows of what the node holds, streamed."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from tests.support.api import Client, api_of, problem
from tests.support.asgi import Reply
from tests.support.records import RESTRICTED, Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.insight.views import served
from trucyte.insight.views.formats import Format
from trucyte.insight.views.served import SearchedSource, ViewRunner, first_rows
from trucyte.web.api.operations.views import view_operations

VIEW = {
    "resourceType": "ViewDefinition",
    "name": "patients",
    "resource": "Patient",
    "status": "active",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id"},
                {"name": "name", "path": "name.first().text"},
                {"name": "active", "path": "active"},
            ]
        }
    ],
}
OBSERVED = {
    "resourceType": "ViewDefinition",
    "resource": "Observation",
    "select": [{"column": [{"name": "id", "path": "id"},
                           {"name": "value", "path": "value.ofType(Quantity).value"}]}],
}  # fmt: skip
RUN = "/fhir/$viewdefinition-run"


def observation(id: str, person: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{person}"},
        "performer": [{"reference": "Patient/p2"}],
        "valueQuantity": {"value": 72.5},
    }


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(
            {"resourceType": "Patient", "id": "p1", "name": [{"text": 'Mẫu "Một",\nhai'}]},
            {"resourceType": "Patient", "id": "p2", "active": True},
            {"resourceType": "Patient", "id": "p3", "meta": RESTRICTED},
            observation("o1", "p1"),
            observation("o2", "p2"),
            {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
             "member": [{"entity": {"reference": "Patient/p2"}}]},
        )  # fmt: skip
        yield opened


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions, tmp_path: Path) -> Client:
    source = SearchedSource(node.records, definitions)
    runner = ViewRunner(definitions, source, clock, tmp_path / "scratch")
    views = {"patients": json.dumps(VIEW).encode()}
    rows = view_operations(runner, node.records, views.get)
    return Client(api_of(node, clock, definitions, operations=rows))


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return sorted(json.loads(line)["id"] for line in reply.body.splitlines())


def run(client: Client, view: Any = VIEW, query: str = "", **headers: str) -> Reply:
    return client("POST", f"{RUN}?{query}", json.dumps(view).encode(), **headers)


def parameters(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Parameters", "parameter": list(entries)}).encode()


def test_rows_of_what_the_caller_may_see_come_as_ndjson(client: Client) -> None:
    reply = run(client)
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert ids(reply) == ["p1", "p2"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [("_format=json", {}), ("", {"accept": "application/json"}), ("_format=application/json", {})],
)
def test_rows_come_as_one_array(client: Client, query: str, headers: dict[str, str]) -> None:
    reply = run(client, VIEW, query, **headers)
    assert reply.headers["content-type"] == "application/json"
    assert {row["id"] for row in reply.json} == {"p1", "p2"}
    assert run(client, VIEW, "patient=p3&_format=json").json == []


def test_rows_come_as_csv_with_and_without_header(client: Client) -> None:
    reply = run(client, VIEW, "_format=csv")
    assert reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(reply.body.decode())))
    assert rows[0] == ["id", "name", "active"]
    assert ["p1", 'Mẫu "Một",\nhai', ""] in rows
    assert len(list(csv.reader(io.StringIO(
        run(client, VIEW, "_format=csv&header=false").body.decode())))) == 2  # fmt: skip


def test_rows_come_as_parquet_and_leave_nothing_behind(client: Client, tmp_path: Path) -> None:
    reply = run(client, OBSERVED, "_format=parquet")
    file = tmp_path / "rows.parquet"
    file.write_bytes(reply.body)
    rows = duckdb.sql(f"select id, value from '{file}' order by id").fetchall()  # noqa: S608
    assert [(id_, float(value)) for id_, value in rows] == [("o1", 72.5), ("o2", 72.5)]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_view_of_the_operator_is_run_by_name(client: Client) -> None:
    for target in (
        f"{RUN}?viewReference=ViewDefinition/patients",
        "/fhir/ViewDefinition/$run?viewReference=patients",
        "/fhir/ViewDefinition/patients/$run",
        "/fhir/ViewDefinition/patients/$viewdefinition-run",
    ):
        assert ids(client.get(target)) == ["p1", "p2"]
    assert problem(client.get(f"{RUN}?viewReference=other")) == (404, "view-unknown")


def test_patients_groups_and_time_restrict_what_is_read(client: Client) -> None:
    assert ids(run(client, OBSERVED, "patient=Patient/p1")) == ["o1"]
    assert ids(run(client, OBSERVED, "patient=p2")) == ["o1", "o2"]  # once each
    assert ids(run(client, OBSERVED, "patient=p1&patient=p2")) == ["o1", "o2"]
    assert ids(run(client, VIEW, "group=g")) == ["p2"]
    assert ids(run(client, VIEW, "patient=p3")) == []
    assert ids(run(client, {**VIEW, "resource": "Organization"}, "patient=p1")) == []
    assert ids(run(client, VIEW, "_since=2999-01-01T00:00:00Z")) == []
    assert ids(run(client, VIEW, "_since=2000-01-01T00:00:00Z")) == ["p1", "p2"]
    asked = parameters(
        {"name": "viewResource", "resource": VIEW},
        {"name": "patient", "valueReference": {"reference": "Patient/p2"}},
    )
    assert ids(client("POST", RUN, asked)) == ["p2"]


def test_a_limit_counts_rows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_PAGE", 1)
    assert len(ids(run(client, OBSERVED, "_limit=1"))) == 1
    assert len(ids(run(client, OBSERVED, "_limit=2"))) == 2
    assert len(ids(run(client, OBSERVED, "_limit=9"))) == 2
    assert run(client, OBSERVED, "_limit=0").body == b""


def test_a_limit_does_not_cut_a_cell_of_csv() -> None:
    text = '"a ""\n""b",1\nc,2\n"d\n",3\n'
    assert first_rows(text, 1, Format.CSV) == '"a ""\n""b",1\n'
    assert first_rows(text, 3, Format.CSV) == text
    assert first_rows(text, 0, Format.CSV) == ""


def test_resources_can_be_given_instead(client: Client) -> None:
    asked = parameters(
        {"name": "viewResource", "resource": VIEW},
        {"name": "resource", "resource": {"resourceType": "Patient", "id": "given1"}},
        {"name": "resource", "resource": {"resourceType": "Patient", "id": "given2"}},
        {"name": "resource", "resource": {"resourceType": "Claim", "id": "claim"}},
        {"name": "_format", "valueCode": "ndjson"},
    )
    assert ids(client("POST", RUN, asked)) == ["given1", "given2"]


@pytest.mark.parametrize(
    ("query", "view", "refusal"),
    [
        ("_limit=-1", VIEW, (400, "operation-parameter")),
        ("_since=soon", VIEW, (400, "operation-parameter")),
        ("patient=Claim/1", VIEW, (400, "operation-parameter")),
        ("group=none", VIEW, (404, "not-found")),
        ("source=s3://x", VIEW, (501, "operation-parameter-unsupported")),
        ("viewReference=patients", VIEW, (400, "operation-parameter")),
        ("colour=red", VIEW, (400, "operation-parameter")),
        ("_format=xlsx", VIEW, (406, "not-acceptable")),
        ("", {**VIEW, "resource": "Nothing"}, (400, "view-malformed")),
        ("", {**VIEW, "select": [{"column": [{"name": "a", "path": "id +"}]}]}, (400, "view-path")),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_row(
    client: Client, query: str, view: Any, refusal: tuple[int, str]
) -> None:
    assert problem(run(client, view, query)) == refusal


def test_a_view_is_needed(client: Client) -> None:
    assert problem(client.get(RUN)) == (400, "operation-body")


def test_a_row_that_cannot_be_made_is_said(client: Client) -> None:
    view = {**VIEW, "select": [{"column": [{"name": "a", "path": "name.text | active"}]}]}
    several = {"resourceType": "Patient", "id": "x", "active": True, "name": [{"text": "y"}]}
    asked = parameters(
        {"name": "viewResource", "resource": view}, {"name": "resource", "resource": several}
    )
    status, code = problem(client("POST", RUN, asked))
    assert (status, code) == (400, "view-row")


def test_formats_of_rows_are_of_no_other_operation(client: Client) -> None:
    assert client.get("/fhir/Patient?_format=csv").status == 406
    assert client.get("/fhir/metadata?_format=csv").status == 406
    assert client.get(f"/fhir/$nothing?_format={quote('text/csv')}").status == 404


def test_the_statement_names_it_at_the_systems_level(client: Client) -> None:
    rest = client.get("/fhir/metadata").json["rest"][0]
    assert [one["name"] for one in rest["operation"]] == ["viewdefinition-run"]
