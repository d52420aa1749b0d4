"""A citizen comes through the provider into a session for the own record, and no other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.oauth import NOW
from tests.support.vneid import BACK, LOW, NUMBER, PROVIDER, Login
from trucyte.base.clock import FixedClock
from trucyte.base.settings import AccessSettings, DatabaseSettings, Settings, VneidSettings
from trucyte.database.connect import Database
from trucyte.node.access import tokens as wiring
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node
from trucyte.records.person import person_key
from trucyte.shared.access.local import system_access
from trucyte.shared.audit.reading import Wanted
from trucyte.vietnam.systems import load_systems


@pytest.fixture
def node(database: Database, tmp_path: Path) -> Iterator[Node]:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    access = AccessSettings(vneid=VneidSettings(issuer=PROVIDER))
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=database.url), access=access)
    with open_node(settings, clock=FixedClock(NOW)) as node:
        yield node


@pytest.fixture
def login() -> Login:
    return Login()


@pytest.fixture
def site(node: Node, login: Login, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(wiring, "asker_of", lambda node, provider="": login.ask)
    return make_site(node)


def put(site: Any, id: str, number: str, born: str = "1990-05-17") -> None:
    patient = {
        "resourceType": "Patient", "id": id, "birthDate": born,
        "identifier": [{"system": load_systems()["cccd"].uri, "value": number}],
    }  # fmt: skip
    made = ask(site, "PUT", f"/fhir/Patient/{id}", body=json.dumps(patient).encode(),
               headers={"content-type": "application/fhir+json"})  # fmt: skip
    assert made.status == 201, made.body


def through(site: Any, login: Login, number: str = NUMBER, **changed: str) -> Reply:
    """Walk from the node to the provider and back."""
    begun = ask(site, "GET", "/login/vneid?then=/help")
    assert begun.status == 303, begun.body
    cookie = begun.headers["set-cookie"].split(";")[0]
    said = login.answered(begun.headers["location"], number) | changed
    path = BACK.removeprefix("http://127.0.0.1:8080")
    return ask(site, "GET", f"{path}?{urlencode(said)}", headers={"cookie": cookie})


def test_a_citizen_gets_a_session_for_the_own_record(site: Any, node: Node, login: Login) -> None:
    put(site, "p1", NUMBER)
    back = through(site, login)
    assert back.status == 303 and back.headers["location"] == "/help"
    key = person_key(node.keyring.persons, "Patient/p1")
    with node.database.connection() as connection:
        row = connection.execute(
            "select account, kind, persons, assurance from access.session"
        ).fetchone()
    assert row == ("Patient/p1", "citizen", [key], 2)


def test_each_refusal_has_its_own_words(site: Any, login: Login) -> None:
    seen = {}
    for code, status, more in (
        ("login-citizen-unknown", 404, {}),
        ("login-level-too-low", 403, {"number": LOW}),
        ("login-wrong-issuer", 401, {"iss": "https://evil.example.vn"}),
        ("login-declined", 401, {"number": ""}),
        ("login-not-begun", 401, {"state": "guessed"}),
    ):
        reply = through(site, login, **more)
        text = reply.body.decode()
        assert reply.status == status and code in text, (code, reply.status)
        assert "set-cookie" in reply.headers and "trucyte=" not in reply.headers["set-cookie"]
        seen[code] = text.split('role="alert">')[1].split("<")[0]
    assert len(set(seen.values())) == len(seen)
    put(site, "p1", NUMBER)
    put(site, "p2", NUMBER)
    assert "login-citizen-ambiguous" in through(site, login).body.decode()


def test_a_record_of_another_birth_date_is_not_opened(site: Any, login: Login) -> None:
    put(site, "p1", NUMBER, born="1991-01-01")
    assert "login-citizen-unknown" in through(site, login).body.decode()


def test_logins_stand_in_the_trail_without_a_number(site: Any, node: Node, login: Login) -> None:
    put(site, "p1", NUMBER)
    through(site, login)
    through(site, login, LOW)
    entries = node.trail.find(system_access("test"), Wanted(count=20)).entries
    logins = [(one.deed.caller, one.deed.code) for one in entries if one.deed.door == "vneid"]
    assert logins == [("", "login-level-too-low"), ("Patient/p1", "")]
    assert NUMBER not in str(entries) and LOW not in str(entries)


def test_a_node_without_a_provider_offers_no_such_login(node: Node) -> None:
    plain = replace(node, settings=Settings(data=node.settings.data))
    reply = ask(make_site(plain), "GET", "/login/vneid")
    assert reply.status == 501 and "login-not-offered" in reply.body.decode()
