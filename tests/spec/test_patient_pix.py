"""`Patient/$ihe-pix` over HTTP: IHE PIXm, ITI-83 (2:3.83)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.api import Client, api_of, problem
from tests.support.asgi import Reply
from tests.support.people import People, open_people, patient
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.links import LinkState
from trucyte.web.api.operations.identity import identity_operations

RED, BLUE, GREEN = "urn:oid:1.2.3.1", "urn:oid:1.2.3.2", "http://benh-vien.example/ma"
BASE = "http://127.0.0.1:8080/fhir"


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions) as opened:
        opened.put(
            patient("a", identifier=[numbered(RED, "R|1"), numbered(GREEN, "G1")]),
            patient("b", identifier=[numbered(BLUE, "B1")]),
            patient("c", identifier=[numbered(BLUE, "B2")]),
        )
        opened.links.known["Patient/a", "Patient/b"] = LinkState.LINKED
        yield opened


@pytest.fixture
def client(people: People, clock: FixedClock, definitions: Definitions) -> Client:
    operations = identity_operations(people.matcher, people.links, people.node.records)
    return Client(api_of(people.node, clock, definitions, operations=operations))


def numbered(system: str, value: str) -> dict[str, str]:
    return {"system": system, "value": value}


def pix(client: Client, source: str, *targets: str) -> Reply:
    asked = [("sourceIdentifier", source), *(("targetSystem", target) for target in targets)]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked)
    return client.get(f"/fhir/Patient/$ihe-pix?{query}")


def told(reply: Reply) -> tuple[list[Any], list[str]]:
    """The identifiers, and the references to Patients."""
    assert reply.status == 200, reply.body
    found = reply.json.get("parameter", ())
    return (
        [one["valueIdentifier"] for one in found if one["name"] == "targetIdentifier"],
        [one["valueReference"]["reference"] for one in found if one["name"] == "targetId"],
    )


def issue(reply: Reply) -> tuple[int, str, str, str]:
    (found,) = reply.json["issue"]
    return reply.status, found["severity"], found["code"], found["diagnostics"]


def test_all_numbers_and_patients_of_a_linked_person_but_the_one_asked_by(
    client: Client,
) -> None:
    identifiers, patients = told(pix(client, f"{RED}|R|1"))
    assert identifiers == [numbered(GREEN, "G1"), numbered(BLUE, "B1")]
    assert patients == ["Patient/a", "Patient/b"]


def test_only_numbers_of_the_systems_asked_for(client: Client) -> None:
    assert told(pix(client, f"{RED}|R|1", BLUE)) == ([numbered(BLUE, "B1")], [])
    assert told(pix(client, f"{RED}|R|1", BLUE, BASE)) == (
        [numbered(BLUE, "B1")],
        ["Patient/a", "Patient/b"],
    )


def test_a_patient_of_this_node_can_be_the_source(client: Client) -> None:
    identifiers, patients = told(pix(client, f"{BASE}|Patient/b"))
    assert numbered(RED, "R|1") in identifiers
    assert patients == ["Patient/a"]


def test_nothing_is_told_of_whom_is_not_linked(client: Client) -> None:
    assert told(pix(client, f"{BLUE}|B2")) == ([], ["Patient/c"])


def test_after_the_link_is_broken_each_has_only_its_own(people: People, client: Client) -> None:
    people.links.known["Patient/a", "Patient/b"] = LinkState.BROKEN
    assert told(pix(client, f"{RED}|R|1")) == ([numbered(GREEN, "G1")], ["Patient/a"])


def test_a_number_that_nobody_has_is_not_found(client: Client) -> None:
    assert issue(pix(client, f"{RED}|none")) == (
        404, "error", "not-found", "sourceIdentifier Patient Identifier not found"
    )  # fmt: skip
    assert issue(pix(client, f"{BASE}|Patient/none"))[0] == 404


def test_a_source_system_that_nobody_has_is_refused(client: Client) -> None:
    assert issue(pix(client, "urn:oid:9.9.9|1")) == (
        400, "error", "code-invalid", "sourceIdentifier Assigning Authority not found"
    )  # fmt: skip


def test_a_target_system_that_nobody_has_is_refused(client: Client) -> None:
    assert issue(pix(client, f"{RED}|R|1", "urn:oid:9.9.9")) == (
        403, "error", "code-invalid", "targetSystem not found"
    )  # fmt: skip


@pytest.mark.parametrize("source", ["", "R1", "|R1", f"{RED}|"])
def test_a_source_has_a_system_and_a_value(client: Client, source: str) -> None:
    assert problem(pix(client, source)) == (400, "operation-parameter")


def test_a_source_is_given_once(client: Client) -> None:
    assert client.get("/fhir/Patient/$ihe-pix").status == 400
    twice = "/fhir/Patient/$ihe-pix?sourceIdentifier=a|b&sourceIdentifier=a|c"
    assert client.get(twice).status == 400


def test_a_number_of_two_people_who_are_not_linked_is_nobodys_answer(
    people: People, client: Client
) -> None:
    people.put(patient("d", "Lê Thị Hoa", identifier=[numbered(BLUE, "B2")]))
    assert problem(pix(client, f"{BLUE}|B2")) == (409, "identifier-of-several")


def test_a_restricted_member_of_the_group_is_not_told(people: People, client: Client) -> None:
    people.put(patient("b", identifier=[numbered(BLUE, "B1")], meta=RESTRICTED))
    assert told(pix(client, f"{RED}|R|1")) == ([numbered(GREEN, "G1")], ["Patient/a"])
    assert issue(pix(client, f"{BLUE}|B1"))[0] == 404


def test_the_trail_says_who_was_shown(people: People, client: Client) -> None:
    pix(client, f"{RED}|R|1")
    caller, persons, reason = people.node.trail.shown_to[-1]
    assert (caller, len(persons), reason) == ("clerk", 2, "ihe-pix Patient")


def test_signs_of_a_search_in_a_number_are_no_search(people: People, client: Client) -> None:
    people.put(patient("e", identifier=[numbered(GREEN, "a,b$c\\d")]))
    assert told(pix(client, f"{GREEN}|a,b$c\\d"))[1] == ["Patient/e"]
    assert issue(pix(client, f"{GREEN}|G1,a"))[0] == 404
