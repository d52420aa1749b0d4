"""Who is who over real records, links and trail, as pages ask for it."""

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.identity import links_of
from tests.support.people import People, open_people, patient
from tests.support.records import RESTRICTED
from tests.support.web_services import fake_services
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.links import Decided
from trucyte.shared.identity.newcomers import Worklist
from trucyte.web.app import make_app
from trucyte.web.identity import NodeIdentityBook
from trucyte.web.reader import RecordsReader

FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class KeptTrail:
    """Remembers for which request whom was shown."""

    people: People

    @contextmanager
    def request(self, reason: str, *, door: str, request: str = "") -> Iterator[Any]:
        self.people.node.trail.shown_to.append(("request", (), reason))
        yield Through()


class Through:
    """Leaves the recorder of the node as it is."""

    def of(self, access: Any) -> Any:
        return access


@dataclass
class Place:
    """A node with pages over it."""

    people: People
    pages: Any

    def get(self, address: str, status: int = 200) -> str:
        reply = ask(self.pages, "GET", address)
        assert reply.status == status, reply.body.decode()
        return html.unescape(reply.body.decode())

    def post(self, address: str, **fields: str) -> Reply:
        return ask(self.pages, "POST", address, body=urlencode(fields).encode(), headers=FORM)


def visit(id: str, whose: str, day: str, facility: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{whose}"}, "period": {"start": f"{day}T08:00:00+07:00"},
        "serviceProvider": {"identifier": {"value": facility}},
    }  # fmt: skip


@pytest.fixture
def place(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Place]:
    with open_people(database, tmp_path, clock, definitions) as people:
        people.put(
            patient("a0", "Nguyễn Văn Mẫu", number="079085000101", phone="0912000110"),
            patient("b0", "Nguyễn Văn Mẫu", number="079085804567", phone="0912000110"),
            visit("v1", "a0", "2025-02-03", "79001"),
            visit("v2", "a0", "2026-02-03", "79001"),
            visit("v3", "b0", "2026-03-04", "79002"),
        )
        people.newcomers.catch_up()
        node = people.node
        links = links_of(node)
        worklist = Worklist(node.database, node.records, links, node.clock)
        services = replace(
            fake_services(),
            records=RecordsReader(node.records),
            identity=NodeIdentityBook(worklist, links, node.records),
            access=lambda subject, purpose: node.plain,
            clock=node.clock,
            trail=KeptTrail(people),
        )
        yield Place(people, make_app(services))


def test_a_pair_shows_where_each_record_comes_from_and_leaves_a_trail(place: Place) -> None:
    page = place.get("/identity/pairs/1")
    assert "2 lượt khám, 03/02/2025–03/02/2026" in page
    assert "1 lượt khám, 04/03/2026" in page
    assert "Hai số định danh khác nhau." in page and "079085000101"[-3:] in page
    shown = [reason for _, persons, reason in place.people.node.trail.shown_to if persons]
    assert "match Patient" in shown


def test_the_list_shows_nobody_and_needs_no_entry(place: Place) -> None:
    page = place.get("/identity")
    assert "Cặp 1" in page and "Mẫu</" not in page.partition("<main")[2]
    assert not [one for one in place.people.node.trail.shown_to if one[1]]


def test_a_decision_its_author_its_note_and_its_undoing_are_told(place: Place) -> None:
    reply = place.post("/identity/pairs/1/decide", verdict="link", note="đã gọi điện hỏi")
    assert (reply.status, reply.headers["location"]) == (303, "/identity?done=1")
    page = place.get("/identity/pairs/1")
    assert "đã gọi điện hỏi" in page and "· clerk ·" in page and "Gỡ ghép" in page

    person = place.get("/people/a0")
    assert "Cũng được ghi là" in person and "/people/a0/links/b0" in person
    assert "· clerk ·" in person and "đã gọi điện hỏi" in person
    assert "04/03/2026" in person  # the visit of the other record

    undone = place.post("/people/a0/links/b0", reason="hai anh em")
    assert undone.status == 303
    assert "Cũng được ghi là" not in place.get("/people/a0")
    page = place.get("/identity/pairs/1")
    assert page.index("hai anh em") < page.index("đã gọi điện hỏi")
    assert "đã gỡ ghép" in page and "Thực ra là một người" in page
    assert place.post("/people/a0/links/b0", reason="lần nữa").status == 303  # is so already


def test_what_somebody_else_says_of_a_decision_does_not_change_its_author(place: Place) -> None:
    place.post("/identity/pairs/1/decide", verdict="link")
    node = place.people.node
    (linkage,) = node.search("Linkage")
    node.clock.advance(timedelta(seconds=1))
    node.put({
        "resourceType": "Provenance", "id": "zz", "recorded": "2026-11-22T09:00:00+07:00",
        "target": [{"reference": f"Linkage/{linkage}/_history/1"}],
        "agent": [{"who": {"identifier": {"value": "somebody-else"}}}],
    })  # fmt: skip
    page = place.get("/identity/pairs/1")
    assert "· clerk ·" in page and "somebody-else" not in page


def test_visits_stay_with_their_record_after_a_link(place: Place) -> None:
    place.post("/identity/pairs/1/decide", verdict="link")
    page = place.get("/identity/pairs/1")
    assert "2 lượt khám, 03/02/2025–03/02/2026" in page and "1 lượt khám, 04/03/2026" in page


def test_a_pair_with_a_restricted_record_is_not_there(place: Place) -> None:
    place.people.put(patient("b0", "Nguyễn Văn Mẫu", meta=RESTRICTED))
    place.get("/identity/pairs/1", 404)
    assert place.post("/identity/pairs/1/decide", verdict="link").status == 404


def test_a_link_through_a_third_record_is_said_so(place: Place) -> None:
    node = place.people.node
    node.put(patient("c0", "Nguyen Van Mau"))
    links, decided = links_of(node), Decided(("stated",))
    links.link(node.plain, "Patient/a0", "Patient/b0", decided)
    links.link(node.plain, "Patient/b0", "Patient/c0", decided)
    page = place.get("/people/a0")
    assert "2 hồ sơ khác" in page and "Ghép qua một hồ sơ khác" in page
    assert "/people/a0/links/c0" not in page
    assert place.post("/people/a0/links/c0", reason="x").status == 409


@pytest.mark.parametrize("number", [0, 2**63, 10**40])
def test_a_number_that_no_pair_can_have_is_not_there(place: Place, number: int) -> None:
    place.get(f"/identity/pairs/{number}", 404)
    assert place.post(f"/identity/pairs/{number}/decide", verdict="link").status == 404


def test_a_note_keeps_its_text_and_loses_what_is_none(place: Place) -> None:
    place.post("/identity/pairs/1/decide", verdict="differ", note="một\r\nhai\x00\x08 ba\u202e")
    assert "một\nhai ba<" in place.get("/identity/pairs/1")


@pytest.mark.parametrize("other", ["a0", "none", "x.y", "%2e%2e"])
def test_what_is_not_linked_is_not_parted(place: Place, other: str) -> None:
    assert place.post(f"/people/a0/links/{other}", reason="x").status in (400, 404, 409)
