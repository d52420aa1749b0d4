"""A served node matches whom it is sent, also where what matches is killed between."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.people import PHONE, patient
from tests.support.serving import Served, needs_definitions, serving, until
from trucyte.database.connect import Database

# Processes that start and die: for `make test-long`.
pytestmark = pytest.mark.long

NUMBER = "079085000123"


@pytest.fixture
def served(database: Database, open_folder: Path) -> Iterator[Served]:
    needs_definitions()
    with serving(open_folder / "people", url=database.url, workers=1) as served:
        yield served


def post(served: Served, resource: dict[str, Any]) -> str:
    made = {name: value for name, value in resource.items() if name != "id"}
    body = json.dumps(made).encode()
    reply = served.ask("POST", "/fhir/Patient", body, {"content-type": "application/fhir+json"})
    assert reply.status == 201, reply.body
    return reply.headers["location"].partition("/Patient/")[2].partition("/")[0]


def pairs(database: Database) -> set[tuple[frozenset[str], str]]:
    with database.connection() as connection:
        rows = connection.execute("select low_id, high_id, state from identity.pair").fetchall()
    return {(frozenset((low, high)), state) for low, high, state in rows}


def links(served: Served) -> int:
    return int(served.get("/fhir/Linkage?_summary=count").json["total"])


def test_two_who_are_sent_are_linked_or_asked_about_and_once_only(
    served: Served, database: Database
) -> None:
    first = post(served, patient("x", number=NUMBER))
    (background,) = served.children("background")
    os.kill(background, signal.SIGKILL)
    second = post(served, patient("x", number=NUMBER, phone=PHONE))
    third = post(served, patient("x", number="079085000777", phone=PHONE))
    wanted = {(frozenset((first, second)), "linked"), (frozenset((second, third)), "open")}
    until(lambda: wanted <= pairs(database))
    assert links(served) == 1
    until(lambda: served.children("background") not in ([], [background]))
    (background,) = served.children("background")
    os.kill(background, signal.SIGKILL)  # begins where it ended, and doubles nothing
    fourth = post(served, patient("x", "Lê Thị Hoa", "1990-01-05", number="079190000456"))
    fifth = post(served, patient("x", "Lê Thị Hoa", "1990-01-05", number="079190000456"))
    until(lambda: (frozenset((fourth, fifth)), "linked") in pairs(database))
    assert links(served) == 2
