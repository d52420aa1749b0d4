"""Decisions as a node wires them: numbers on paper, circles, organisations below, the trail."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import fresh_database
from trucyte.base.clock import FixedClock
from trucyte.base.settings import load_settings
from trucyte.fhir.text import accept_own
from trucyte.journal.change import Change, Operation
from trucyte.node.access.deciding import (
    Deciding,
    make_deciding,
    make_glass,
    note_rules,
    pages_access,
)
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher
from trucyte.shared.access.alerts import Alerts
from trucyte.shared.access.emergency import Ground
from trucyte.shared.access.local import Unshown, local_access
from trucyte.shared.access.policy import AccessDenied, facts
from trucyte.shared.access.policy.facts import OVERSEEN_LIFE, Overseen
from trucyte.shared.access.subject import LOCAL, Subject
from trucyte.shared.audit.reading import Wanted
from trucyte.web.glass.glass import PersonUnclear

NUMBERS = "http://fhir.hl7.org.vn/core/sid/cccd"
DOCTOR = Subject("bs01", "staff", frozenset({"doctor"}), "Organization/own", (), "Practitioner/a")
REGISTRAR = Subject("td01", "staff", frozenset({"registrar"}), "Organization/own")
REASON = "bất tỉnh, cần biết dị ứng"


def patient(id: str, number: str) -> dict:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": NUMBERS, "value": number}],
    }


def organisation(id: str, above: str = "") -> dict:
    part = {"partOf": {"reference": f"Organization/{above}"}} if above else {}
    return {"resourceType": "Organization", "id": id, "name": id, **part}


WORLD = (
    patient("p1", "000085000001"),
    patient("p2", "000085000002"),
    patient("p3", "000085000002"),
    organisation("ministry"),
    organisation("province", "ministry"),
    organisation("hospital", "province"),
    organisation("ward", "hospital"),
    organisation("elsewhere"),
)


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def node(
    server_url: str,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    clock: FixedClock,
) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    with fresh_database(server_url, template=migrated_template) as database:
        settings = load_settings(
            {"TRUCYTE_DATA": str(folder), "TRUCYTE_DATABASE_URL": database.url}
        )
        with open_node(settings, clock=clock) as opened:
            put(opened, *WORLD)
            yield opened


def put(node: Node, *resources: dict) -> None:
    person = Hasher(node.keyring.persons).person
    changes = []
    for one in resources:
        accepted = accept_own(one)
        key = person(f"Patient/{one['id']}") if one["resourceType"] == "Patient" else 0
        changes.append(
            Change(
                one["resourceType"], one["id"], Operation.UPDATE, accepted.body,
                accepted.meta_offset, key,
            )
        )  # fmt: skip
    node.journal.commit(changes)


@pytest.fixture(scope="module")
def deciding(node: Node) -> Deciding:
    return make_deciding(node)


def test_a_person_is_found_by_a_number_only_where_it_is_of_one(node, deciding) -> None:
    glass = make_glass(node, deciding)
    found = glass.by_number("000085000001")
    assert found is not None and found == glass.by_id("p1")
    assert glass.by_number("000085000002") is None  # two persons bear it
    assert glass.by_number("000085000009") is None
    assert glass.by_id("p99") is None
    for number in ("", "000085000002", "000085000001,000085000009", "|000085000001", "%", "a\0b"):
        with pytest.raises(PersonUnclear):
            glass.open(DOCTOR, Ground.LIFE, REASON, number=number)


def test_an_emergency_gives_one_person_with_the_circle_until_its_end(node, deciding) -> None:
    glass = make_glass(node, deciding)
    opened = glass.open(DOCTOR, Ground.LIFE, REASON, number="000085000001")
    access = glass.access(DOCTOR, opened)
    assert access.persons == {opened.person} and access.until == opened.until
    assert access.purpose == "ETREAT" and access.related is None
    assert glass.opened(DOCTOR, str(opened.number)) == opened
    with pytest.raises(AccessDenied):
        glass.access(replace(DOCTOR, account="bs02"), opened)
    for subject in (REGISTRAR, LOCAL):
        with pytest.raises(AccessDenied):
            glass.open(subject, Ground.LIFE, REASON, id="p1")
    assert Alerts(node.database, node.clock).of_person([opened.person])


def test_pages_are_opened_for_the_purpose_of_ones_work(node, deciding) -> None:
    access = pages_access(deciding.decider, Unshown())
    assert access(DOCTOR, "TREAT").purpose == "TREAT"
    assert access(DOCTOR, "HOPERAT").purpose == "TREAT"
    assert access(REGISTRAR, "TREAT").purpose == "PATADMIN"
    assert access(LOCAL, "HOPERAT") == local_access("pages", access(LOCAL, "TREAT").recorder)
    with pytest.raises(AccessDenied):
        access(replace(DOCTOR, roles=frozenset()), "TREAT")


def test_organisations_below_are_found_some_levels_down_and_kept_a_minute(
    node, clock, monkeypatch
) -> None:
    below = Overseen(node.records, clock)
    assert below("Organization/province") == {"Organization/hospital", "Organization/ward"}
    assert len(below("Organization/ministry")) == 3
    assert below("Organization/ward") == frozenset()
    put(node, organisation("clinic", "ward"))
    assert below("Organization/ward") == frozenset()
    clock.advance(OVERSEEN_LIFE)
    assert below("Organization/ward") == {"Organization/clinic"}
    monkeypatch.setattr(facts, "_PAGE", 1)
    monkeypatch.setattr(facts, "_OVERSEEN_MAX", 0)
    put(node, organisation("post", "ward"))
    clock.advance(OVERSEEN_LIFE)
    assert below("Organization/ward") == {"Organization/clinic", "Organization/post"}
    put(node, organisation("ministry", "ward"))  # a circle ends
    assert "Organization/ministry" not in Overseen(node.records, clock)("Organization/ministry")
    clock.advance(timedelta(minutes=2))


def test_a_change_of_rules_stands_in_the_trail(node, deciding) -> None:
    assert note_rules(node, deciding.decider)
    assert not note_rules(node, deciding.decider)
    found = node.trail.find(local_access("cli", Unshown()), Wanted(count=50))
    (entry,) = [one for one in found.entries if one.deed.interaction == "rule-change"]
    assert entry.deed.code == deciding.decider.book.digest
