"""`_why` at the FHIR API: which rules decided, to auditors alone, and nothing of any record."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.node.access.deciding import rules_of
from trucyte.shared.access.local import Unshown, local_access
from trucyte.shared.access.policy import Decider, load_book
from trucyte.shared.access.subject import Subject

AUDITOR = Subject("kt01", "staff", frozenset({"auditor"}), "Organization/own")
DOCTOR = Subject("bs01", "staff", frozenset({"doctor"}), "Organization/own", (), "Practitioner/a")
SECRET = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Nguyễn Văn Mẫu"}]}


@pytest.fixture(scope="module")
def decider() -> Decider:
    return Decider(load_book())


@pytest.fixture
def node(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Node]:
    with open_node(database, tmp_path, clock, definitions) as opened:
        opened.put(SECRET)
        yield opened


def test_only_who_reads_the_trail_is_told_and_the_same_of_what_is_there_or_not(
    node: Node, clock: FixedClock, definitions: Definitions, decider: Decider
) -> None:
    now = [decider.access(AUDITOR, "HCOMPL", Unshown(), door="fhir")]
    api = Client(
        api_of(
            node, clock, definitions, access=lambda call: now[0], rules_of=rules_of(decider.book)
        )
    )
    there, nowhere = api.get("/fhir/Patient/p1?_why"), api.get("/fhir/Patient/p99?_why=1")
    assert there.status == nowhere.status == 200
    assert there.json == nowhere.json
    told = {part["name"]: part for part in there.json["parameter"]}
    assert there.json["resourceType"] == "Parameters"
    assert told["granted"]["valueBoolean"] is False
    assert told["purpose"]["valueCode"] == "HCOMPL"
    rule = {part["name"]: part for part in told["rule"]["part"]}
    assert rule["id"]["valueCode"] == "auditor-trail" and "rà soát" in rule["law"]["valueString"]
    assert "Nguyễn" not in there.body.decode() and "p1" not in there.body.decode()
    english = api.get("/fhir/AuditEvent?_why", accept_language="en").json["parameter"]
    assert english[2]["valueBoolean"] is True
    assert "nothing clinical" in str(english)
    xml = api.get("/fhir/Patient/p1?_why&_format=xml")
    assert xml.status == 200 and xml.body.startswith(b"<")

    now[0] = decider.access(DOCTOR, "TREAT", Unshown(), door="fhir")
    assert problem(api.get("/fhir/Patient/p1?_why")) == (403, "why-for-auditors")
    assert problem(api.get("/fhir/Patient?_why")) == (403, "why-for-auditors")

    now[0] = local_access("fhir", Unshown())
    local = api.get("/fhir/Patient/p1?_why").json
    assert "at-this-machine" in str(local)
    plain = replace(now[0], grants=None)
    now[0] = plain
    assert api.get("/fhir/Patient/p1").json["id"] == "p1"
