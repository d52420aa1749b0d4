"""A person sees who looked at their data, why and with a proof; and nothing of others."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import ask
from tests.support.records import open_node
from tests.support.web_records import patient
from tests.support.web_services import fake_services
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.journal.evidence import evidence_from_json, verify_evidence
from trucyte.shared.access.local import local_access
from trucyte.shared.audit import Trail
from trucyte.web.app import make_app
from trucyte.web.reader import RecordsReader

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8080"}


@pytest.fixture
def site(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[tuple[Any, Trail]]:
    with open_node(database, tmp_path, clock, definitions) as node:
        node.put(patient("p1", "Nguyễn Văn Mẫu", "1985-03-15", "male", "079085000001"))
        node.put(patient("p2", "Trần Thị Mẫu", "1990-01-02", "female", "079190000002"))
        trail = Trail(database, node.journal.keyring, clock)
        services = replace(
            fake_services(),
            records=RecordsReader(node.records),
            access=lambda subject, purpose: local_access("pages", trail),
            trail=trail,
        )
        yield make_app(services), trail
        trail.close()


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def looks(app: Any, person: str) -> list[str]:
    """Return the addresses of the proofs on a person's page of looks."""
    page = ask(app, "GET", f"/people/{person}/trail")
    assert page.status == 200
    return re.findall(r'href="(/people/[^"]+/evidence\.json)"', page.body.decode())


def test_each_page_that_shows_a_person_is_one_line_of_who_looked(site) -> None:
    app, trail = site
    assert looks(app, "p1") == []  # the page shows what was before itself
    assert ask(app, "GET", "/people/p1").status == 200
    assert trail.journal.tail() == 2
    page = ask(app, "GET", "/people/p1/trail").body.decode()
    assert "Người dùng trang web của nút này" in page
    assert "Mở một trang: thông tin người bệnh" in page
    assert "Khám, chữa bệnh" in page
    assert "22/11/2026 09:12" in page


def test_another_persons_looks_are_not_shown(site) -> None:
    app, _ = site
    ask(app, "GET", "/people/p2")
    ask(app, "GET", "/people/p2")
    assert looks(app, "p1") == []
    assert len(looks(app, "p2")) == 2


def test_a_search_that_found_two_is_a_line_of_both(site) -> None:
    app, trail = site
    assert ask(app, "POST", "/people", body=form(name="Mẫu"), headers=FORM).status == 200
    assert trail.journal.tail() == 1
    assert len(looks(app, "p1")) == len(looks(app, "p2")) == 1


def test_a_line_comes_with_a_proof_that_holds_without_the_node(site) -> None:
    app, trail = site
    ask(app, "GET", "/people/p1")
    (address,) = looks(app, "p1")
    evidence = evidence_from_json(ask(app, "GET", address).body)
    record = verify_evidence(evidence, trail.journal.keyring.public_key)
    assert record.type == "AuditEvent"
    assert b'"pages"' in evidence.body


def test_the_proof_of_anothers_line_is_not_given_out(site) -> None:
    app, _ = site
    ask(app, "GET", "/people/p2")
    (address,) = looks(app, "p2")
    assert ask(app, "GET", address.replace("/p2/", "/p1/")).status == 404
    assert ask(app, "GET", "/people/p1/trail/1-x/evidence.json").status == 404


def test_what_was_not_found_or_refused_is_in_the_trail_too(site) -> None:
    app, trail = site
    assert ask(app, "GET", "/people/nobody").status == 404
    (line,) = trail.journal.bodies([1]).values()
    assert b'8,0,"not-found"' in line.body


def test_the_page_speaks_english_too(site) -> None:
    app, _ = site
    ask(app, "GET", "/people/p1")
    page = ask(app, "GET", "/people/p1/trail?lang=en").body.decode()
    assert "Who looked" in page
    assert "Opened a page: patient" in page


def test_no_query_and_no_name_stands_in_the_trail(site) -> None:
    app, trail = site
    ask(app, "POST", "/people", body=form(name="Nguyễn Văn Mẫu", year="1985"), headers=FORM)
    ask(app, "GET", "/people/p1?name=Nguyen")
    with trail.journal.database.connection() as connection:
        rows = connection.execute("select id, convert_from(body, 'UTF8') from audit.change")
        text = str(rows.fetchall())
    assert not re.search("Nguy|Mẫu|1985|0790|name", text)
