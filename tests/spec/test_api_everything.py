"""`$everything` over HTTP (R4 Patient-everything, Encounter-everything): how a call is read.

What is gathered is the matter of the records; here is a double that remembers what it was
asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.records.shown import Resource
from trucyte.web.api.operations.documents import everything_operations

AT = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


def resource(type: str, id: str) -> Resource:
    body = b'{"resourceType":"%s","id":"%s"}' % (type.encode(), id.encode())
    return Resource(type, id, 1, AT, body, 0, 7)


@dataclass
class Gather:
    """Remembers what was asked."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None

    def __call__(self, access: Any, type: str, id: str, **more: Any) -> Any:
        self.asked.append({"type": type, "id": id, **more})
        return SimpleNamespace(
            entries=(resource("Patient", "p1"),),
            included=(resource("Practitioner", "d1"),),
            next=self.next,
        )


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def gather() -> Gather:
    return Gather()


@pytest.fixture
def client(node: Node, clock: FixedClock, definitions: Definitions, gather: Gather) -> Client:
    return Client(api_of(node, clock, definitions, operations=everything_operations(gather)))


def test_a_record_is_a_searchset_with_what_it_points_to(client: Client) -> None:
    bundle = client.get("/fhir/Patient/p1/$everything").json
    assert bundle["type"] == "searchset"
    assert [(one["resource"]["id"], one["search"]["mode"]) for one in bundle["entry"]] == [
        ("p1", "match"),
        ("d1", "include"),
    ]
    assert [link["relation"] for link in bundle["link"]] == ["self"]


def test_all_parameters_are_passed_on(client: Client, gather: Gather) -> None:
    dates = "start=2024-01&end=2024-12-31&_since=2024-02-01T00:00:00Z"
    query = f"{dates}&_type=Condition,Encounter&_count=7"
    assert client.get(f"/fhir/Patient/p1/$everything?{query}").status == 200
    (asked,) = gather.asked
    assert (asked["type"], asked["id"], asked["count"]) == ("Patient", "p1", 7)
    assert asked["types"] == ["Condition", "Encounter"]
    # A date is a day of Viet Nam, its end the first moment that is no more of it.
    assert asked["start"] == datetime(2023, 12, 31, 17, tzinfo=UTC)
    assert asked["end"] == datetime(2024, 12, 31, 17, tzinfo=UTC)
    assert asked["since"] == datetime(2024, 2, 1, tzinfo=UTC)


def test_pages_are_linked_by_tokens_alone(client: Client, gather: Gather) -> None:
    gather.next = "opaque"
    bundle = client.get("/fhir/Encounter/e1/$everything?_count=1").json
    (following,) = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
    assert following.endswith("/Encounter/e1/$everything?_page=opaque")
    client.get(following.partition(":8080")[2])
    assert gather.asked[-1]["page"] == "opaque"


@pytest.mark.parametrize(
    "target",
    [
        "Patient/p1/$everything?start=soon",
        "Patient/p1/$everything?_type=Nothing",
        "Patient/p1/$everything?_count=0",
        "Patient/p1/$everything?_count=-1",
        "Patient/p1/$everything?_count=x",
        "Patient/p1/$everything?colour=red",
        "Encounter/e1/$everything?start=2024",
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(client: Client, target: str) -> None:
    assert problem(client.get(f"/fhir/{target}")) == (400, "operation-parameter")


def test_it_is_asked_of_one_patient_or_encounter(client: Client) -> None:
    assert problem(client.get("/fhir/Patient/$everything")) == (404, "operation-unknown")
    assert problem(client.get("/fhir/Claim/c/$everything")) == (404, "operation-unknown")
