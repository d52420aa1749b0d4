"""IHE Mobile Care Services Discovery: what a Directory answers (ITI-90, ITI-91)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Client, api_of
from tests.support.records import Node, open_node
from tests.support.registers import licence, practitioner
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

# What the Directory SHALL take, by type (ITI-90), beside _id and _lastUpdated.
SEARCHES = {
    "HealthcareService": "active identifier location name name:contains name:exact organization "
    "service-type",
    "Location": "identifier name name:contains name:exact organization partof type status",
    "Organization": "active identifier name name:contains name:exact partof type",
    "Practitioner": "active identifier name name:contains name:exact given given:contains "
    "given:exact family family:contains family:exact",
    "PractitionerRole": "active location organization role service specialty",
    "Endpoint": "identifier organization status",
    "OrganizationAffiliation": "active date identifier participating-organization "
    "primary-organization role",
}
ASKED = [
    (kind, name)
    for kind, names in SEARCHES.items()
    for name in (*names.split(), "_id", "_lastUpdated")
]
INCLUDES = [
    "Location?_include=Location:organization",
    "Organization?_include=Organization:endpoint",
    "Organization?_revinclude=Location:organization",
    "Organization?_revinclude=OrganizationAffiliation:participating-organization",
    "Organization?_revinclude=OrganizationAffiliation:primary-organization",
    "PractitionerRole?_include=PractitionerRole:practitioner",
    "OrganizationAffiliation?_include=OrganizationAffiliation:endpoint",
    "Location?near=10.5|106.5|5|km",
]
CODES = {"active": "true", "status": "active", "date": "2025-07-01", "_lastUpdated": "ge2020"}


@pytest.fixture
def node(database: Database, tmp_path: Path, definitions: Definitions) -> Iterator[Node]:
    needs_definitions()
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    with open_node(database, tmp_path, clock, definitions) as opened:
        yield opened


@pytest.fixture
def client(node: Node, definitions: Definitions) -> Client:
    return Client(api_of(node, node.clock, definitions))


def entries(client: Client, target: str) -> list[dict[str, Any]]:
    reply = client.get(f"/fhir/{target}")
    assert reply.status == 200, reply.body
    return list(reply.json.get("entry", []))


def test_a_directory_takes_every_search_it_must(client: Client) -> None:
    for kind, name in ASKED:
        bare = name.partition(":")[0]
        target = f"{kind}?{name}={CODES.get(bare, 'x')}"
        assert client.get(f"/fhir/{target}").status == 200, target
    for target in INCLUDES:
        assert client.get(f"/fhir/{target}").status == 200, target


def test_the_statement_says_what_a_directory_must_answer(client: Client) -> None:
    statement = client.get("/fhir/metadata").json
    (rest,) = statement["rest"]
    told = {one["type"]: one for one in rest["resource"]}
    for kind in SEARCHES:
        codes = {one["code"] for one in told[kind]["interaction"]}
        assert {"read", "search-type", "history-type"} <= codes
    for kind, name in ASKED:
        known = {one["name"] for one in told[kind]["searchParam"]}
        assert name.partition(":")[0] in known, (kind, name)


def test_updates_since_a_time_hold_what_changed_and_what_is_gone(
    node: Node, client: Client
) -> None:
    node.put(practitioner("old", licence("000001/MAU-GPHN")))
    node.clock.advance(timedelta(hours=1))
    since = node.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    node.put(practitioner("new", licence("000002/MAU-GPHN")))
    node.delete("Practitioner", "old")
    found = entries(client, f"Practitioner/_history?_since={since}")
    assert {(one["request"]["method"], one["fullUrl"].rpartition("/")[2]) for one in found} == {
        ("DELETE", "old"),
        ("PUT", "new"),
    } or {(one["request"]["method"]) for one in found} == {"DELETE", "POST"}


def test_a_care_service_is_found_from_its_practitioner(node: Node, client: Client) -> None:
    facility = {
        "resourceType": "Organization",
        "id": "o",
        "name": "Trạm Y tế Mẫu",
        "identifier": [{"system": "https://www.gs1.org/gln", "value": "8930000000019"}],
    }
    role = {"resourceType": "PractitionerRole", "id": "r", "active": True,
            "practitioner": {"reference": "Practitioner/dr"},
            "organization": {"reference": "Organization/o"}}  # fmt: skip
    node.put(practitioner("dr", licence("000001/MAU-GPHN")), facility, role)
    target = "PractitionerRole?organization.identifier=https://www.gs1.org/gln|8930000000019"
    found = entries(client, f"{target}&_include=PractitionerRole:practitioner")
    assert {one["resource"]["resourceType"] for one in found} == {"PractitionerRole",
                                                                 "Practitioner"}  # fmt: skip
    assert "qualification" in json.dumps(found)
