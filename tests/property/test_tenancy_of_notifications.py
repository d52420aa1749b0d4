"""What is delivered to one organisation's endpoint does not depend on whether others are here.

As in `test_tenancy`: two nodes hold the same of organisation A, and the other one those of B
and C too. A subscribes to everything, by criteria and by topics, B does the same in the
shared node; then all of them write, into their own records and into those of each other.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import fresh_database
from tests.support.receiver import Receiver, Request, receiving
from tests.support.serving import needs_definitions
from tests.support.subscriptions import a_subscription, of_topic
from tests.support.worlds import REGISTERS, World, look_alike, open_world, plain
from trucyte.base.clock import FixedClock

START = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
JSON = "application/fhir+json"
WRITERS = ("a", "b", "c")
# Everything they write is of these; what of A's stands for what A may be told of.
KINDS = ("Patient", "Observation", "Encounter", "Condition", "Composition", "Provenance", "Group")


@dataclass(frozen=True, slots=True)
class Told:
    """A node, and what came to the endpoints of its organisations."""

    world: World = field(repr=False)
    receiver: Receiver = field(repr=False)

    def of(self, who: str) -> list[tuple[str, str, bytes]]:
        """What came to an organisation, in an order that says nothing of when."""
        return sorted(_plain(one, self.receiver.port) for one in self.receiver.of(f"/{who}/"))


def _plain(one: Request, port: int) -> tuple[str, str, bytes]:
    body = plain(one.body).replace(str(port).encode(), b"(port)")
    return one.method, plain(one.path.encode()).decode(), body


def asked(who: str, receiver: Receiver) -> Iterator[Mapping[str, Any]]:
    """Everything that can be asked for, at an endpoint for each."""
    for number, kind in enumerate(KINDS):
        place = receiver.url(f"/{who}/{number}")
        yield a_subscription(kind, f"{place}-whole", payload=JSON)
        yield a_subscription(kind, f"{place}-empty")
        for content in ("full-resource", "id-only", "empty"):
            yield of_topic(kind.lower(), f"{place}-{content}", content=content)
    # What another organisation wrote of a patient is not to be told through a chain either.
    for criteria in ("Observation?patient.name=nguyen", "Observation?subject=Patient/b-p1",
                     "Patient?_has:Observation:patient:code=8310-5"):  # fmt: skip
        yield a_subscription(criteria, receiver.url(f"/{who}/{len(criteria)}"), payload=JSON)


def write(world: World, *, with_others: bool) -> None:
    """Write as A, and between any two as another, and state secrets of A's."""
    pairs = (("b", ""), ("b", "a"), ("c", ""), ("c", "a"), ("c", "b"))
    others = [(who, one) for who, whose in pairs for one in look_alike(who, whose)]
    own = [*look_alike("a"), *look_alike("a", "b")]
    for number, one in enumerate(own):
        world.put("a", one)
        if with_others:
            world.plant("a", {**one, "id": one["id"].replace("a-", "s-", 1)})
            for who, another in others[number :: len(own)]:
                world.put(who, another)
    world.put("a", {**look_alike("a")[0], "language": "vi"})
    assert world.ask("a", "DELETE", "/Observation/a-o3").status == 204
    if with_others:
        assert world.ask("b", "DELETE", "/Observation/b-o3").status == 204


@pytest.fixture(scope="module")
def nodes(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Told, Told]]:
    needs_definitions()
    with ExitStack() as opened:
        made = []
        for name in ("alone", "shared"):
            database = opened.enter_context(fresh_database(server_url, template="template0"))
            folder: Path = tmp_path_factory.mktemp(name)
            world = opened.enter_context(open_world(database, folder, FixedClock(START)))
            receiver = opened.enter_context(receiving())
            world.put("", *REGISTERS)
            world.follow()
            writers = ("a",) if name == "alone" else ("a", "b")
            for who in writers:
                for one in asked(who, receiver):
                    reply = world.ask(who, "POST", "/Subscription", one)
                    assert reply.status == 201, reply.body
            write(world, with_others=name == "shared")
            world.follow()
            told = Told(world, receiver)
            with world.telling():
                receiver.wait(lambda told=told, writers=writers: _is_whole(told, writers), 60)
            made.append(told)
        yield made[0], made[1]


def _is_whole(told: Told, writers: tuple[str, ...]) -> bool:
    """Say whether all that is to be told was taken."""
    store = told.world.node.database
    with store.connection() as connection:
        row = connection.execute(
            "select count(*) filter (where delivered < events or status <> 'active'), count(*)"
            " from subscriptions.subscription"
        ).fetchone()
    return row is not None and row[0] == 0 and row[1] > len(writers)


def test_what_comes_to_an_endpoint_is_the_same_with_others_beside(
    nodes: tuple[Told, Told],
) -> None:
    alone, shared = (told.of("a") for told in nodes)
    assert len(alone) > 100
    assert shared == alone


def test_nothing_of_an_organisation_comes_to_the_endpoint_of_another(
    nodes: tuple[Told, Told],
) -> None:
    _, shared = nodes
    for who in ("a", "b"):
        foreign = [f'"id":"{other}-' for other in WRITERS if other != who]
        for one in shared.receiver.of(f"/{who}/"):
            text = one.body.decode().replace('": "', '":"')
            assert not [mark for mark in foreign if mark in text], (one.path, text[:300])
            assert not any(f"/{other}-" in one.path for other in WRITERS if other != who)


def test_both_are_told_of_their_own(nodes: tuple[Told, Told]) -> None:
    _, shared = nodes
    for who in ("a", "b"):
        whole = [one for one in shared.receiver.of(f"/{who}/1-whole") if one.method == "PUT"]
        ids = {json.loads(one.body)["id"] for one in whole}
        assert f"{who}-o1" in ids and f"{who}-shut" not in ids
