"""fhirclient, as it is, comes by SMART App Launch and by Backend Services to its token."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.asgi import ask
from tests.support.browser import served
from tests.support.oauth import World, key_set
from trucyte.base.clock import FixedClock
from trucyte.base.settings import DatabaseSettings, Settings
from trucyte.database.connect import Database
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.store import PostgresStore
from trucyte.shared.access.oauth.tokens import new_key

fhirclient = pytest.importorskip("fhirclient.client")
BACK = "https://app.example.vn/back"


@pytest.fixture
def node(database: Database, tmp_path: Path) -> Iterator[Node]:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=database.url))
    with open_node(settings) as node:
        yield node


def test_an_application_of_others_walks_the_launch_and_refreshes(node: Node) -> None:
    site = make_site(node)
    made = ask(site, "PUT", "/fhir/Patient/p1", headers={"content-type": "application/fhir+json"},
               body=json.dumps({"resourceType": "Patient", "id": "p1"}).encode())  # fmt: skip
    assert made.status == 201
    scopes = ("openid", "launch/patient", "patient/*.rs", "offline_access")
    store = PostgresStore(node.database)
    store.add_client(Client("app", "App", "app", (BACK,), scopes, created_at=node.clock.now()))
    with served(site) as address:
        client = fhirclient.FHIRClient(
            settings={
                "app_id": "app",
                "api_base": f"{address}/fhir",
                "redirect_uri": BACK,
                "scope": "openid launch/patient patient/*.read offline_access",
            }
        )
        assert client.prepare() is False
        asked = requests.get(client.authorize_url, timeout=10)
        chosen = {"answer": "allow", "patient": "p1", "scope": ["patient/*.rs", "offline_access"]}
        answer = requests.post(asked.url, data=chosen, timeout=10, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        client.handle_callback(answer.headers["location"])
        assert client.ready and client.launch_context["patient"] == "p1"
        assert client.patient.id == "p1"
        before = client.server.auth.refresh_token
        assert client.reauthorize() and client.server.auth.refresh_token != before


def test_a_system_of_others_gets_its_token_by_an_assertion(node: Node) -> None:
    key: Any = new_key()
    PostgresStore(node.database).add_client(
        Client(
            "his",
            "HIS",
            "system",
            (),
            ("system/*.rs",),
            key_set(key),
            organisation="Organization/1",
            created_at=node.clock.now(),
        )
    )
    with served(make_site(node)) as address:
        world = World(clock=FixedClock(node.clock.now()), key=key)
        client = fhirclient.FHIRClient(
            settings={
                "app_id": "his",
                "api_base": f"{address}/fhir",
                "scope": "system/*.rs",
                "jwt_token": world.assertion(aud=f"{address}/oauth/token"),
            }
        )
        client.prepare()
        client.authorize()
        assert client.ready
