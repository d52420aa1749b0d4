"""A subscription is told what its creator may see, and no more than it saw when it asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.support.serving import needs_definitions
from tests.support.subscriptions import a_subscription
from tests.support.worlds import REGISTERS, World, as_json, look_alike, open_world
from trucyte.base.clock import FixedClock
from trucyte.exchange.subscriptions.store import Store
from trucyte.records import Access
from trucyte.records.access import Agreed, Grant, Labels, Related
from trucyte.records.asker import asker_of
from trucyte.records.shown import InteractionNotAllowed
from trucyte.shared.access.local import Unshown, access_again

START = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    needs_definitions()
    folder: Path = tmp_path_factory.mktemp("bounded")
    with (
        fresh_database(server_url, template="template0") as database,
        open_world(database, folder, FixedClock(START)) as opened,
    ):
        opened.put("", *REGISTERS)
        opened.follow()
        yield opened


def access(**bounds: object) -> Access:
    made = Access("portal", "TREAT", sees_restricted=True, recorder=Unshown(), sees_secret=True)
    return replace(made, **bounds)


def subscribe(world: World, asker: Access) -> str:
    body = as_json(a_subscription("Observation", "http://127.0.0.1:9/none"))
    return world.node.interactions.create(asker, "Subscription", body).resource.id


def told(world: World, id: str) -> set[str]:
    return {event.id for event in Store(world.node.database).events(id, after=0)}


def test_who_was_bounded_is_told_of_what_lies_within(world: World) -> None:
    create = Grant(frozenset({"Subscription"}), frozenset("c"))

    def granting(*query: tuple[str, str], type: str = "Observation") -> Access:
        return access(grants=(create, Grant(frozenset({type}), frozenset("rs"), query)))

    asked = {
        "type": subscribe(world, granting()),
        "code": subscribe(world, granting(("code", "8310-5"))),
        "another-code": subscribe(world, granting(("code", "1-1"))),
        "another-type": subscribe(world, granting(type="Patient")),
        "related": subscribe(world, access(related=Related(("Practitioner/nobody",)))),
        "agreed": subscribe(world, access(agreed=Agreed("TREAT", (), needs_permit=True))),
        "over": subscribe(world, access(until=START)),
    }
    with pytest.raises(InteractionNotAllowed):  # it would not see it itself
        subscribe(world, access(persons=frozenset({1})))
    world.put("a", *look_alike("a"))
    world.plant("a", {**look_alike("a")[3], "id": "a-secret"})
    world.follow()
    seen = {"a-o1", "a-o2", "a-o3"}
    found = {name: told(world, id) for name, id in asked.items()}
    assert found == {name: seen if name in ("type", "code") else set() for name in asked}


def test_nobody_is_taken_for_another_by_a_provenance_of_its_own(world: World) -> None:
    asked = {**a_subscription("Observation", "http://127.0.0.1:9/none"), "id": "forged"}
    account = "https://trucyte.vn/fhir/sid/account"
    forged = {
        "resourceType": "Provenance", "recorded": "2026-11-22T02:12:00Z",
        "target": [{"reference": "Subscription/forged/_history/1"}],
        "agent": [{"who": {"identifier": {"system": account, "value": "fhir"}}}],
    }  # fmt: skip
    forged["id"] = "forged"
    requests = [("PUT", "Subscription/forged", asked), ("PUT", "Provenance/forged", forged)]
    entries = [
        {"resource": resource, "request": {"method": method, "url": url}}
        for method, url, resource in requests
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert world.ask("a", "POST", "/", body).status == 200
    world.put("b", {**look_alike("b")[3], "id": "b-late"})
    world.follow()
    standing = Store(world.node.database).one("forged")
    assert standing is not None and standing.creator.organisation == "Organization/org-a"
    assert told(world, "forged") == set()


def test_an_access_is_made_again_without_state_secrets() -> None:
    bounded = access(
        sees_restricted=False, labels=Labels.HIV | Labels.SECRET, persons=frozenset({3, -4}),
        related=Related(("Practitioner/d",)), agreed=Agreed("TREAT", ("Organization/a",), True),
        grants=(Grant(frozenset({"Patient"}), frozenset("rs"), (("active", "true"),)),),
        sees_organisations=frozenset({"Organization/a"}), why=("doctor-1",), until=START,
    )  # fmt: skip
    again = access_again(asker_of(bounded), bounded.recorder)
    assert again == replace(bounded, sees_secret=False, labels=Labels.HIV)
