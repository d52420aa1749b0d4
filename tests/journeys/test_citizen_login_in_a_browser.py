"""A citizen logs in through the stand-in, and lets an application act: in a real browser."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.asgi import ask
from tests.support.browser import served, violations
from tests.support.oauth import VERIFIER, challenge
from trucyte.base.settings import AccessSettings, DatabaseSettings, Settings, VneidSettings
from trucyte.database.connect import Database
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import open_node
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.store import PostgresStore
from trucyte.standins.vneid.app import StandIn
from trucyte.vietnam.systems import load_systems

pytestmark = pytest.mark.browser
NUMBER = "099190000017"


def test_a_citizen_logs_in_and_lets_an_application_read(
    database: Database, tmp_path: Path, open_page: Callable[..., Any], axe: Any
) -> None:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    standin = StandIn(Client("trucyte", "Trucyte", "app"))
    with served(standin.app) as provider:
        settings = Settings(
            data=tmp_path,
            database=DatabaseSettings(url=database.url),
            access=AccessSettings(vneid=VneidSettings(issuer=provider)),
        )
        with open_node(settings) as node, served(make_site(node)) as address:
            allow(standin, f"{address}/login/vneid/callback")
            patient = {
                "resourceType": "Patient", "id": "p1", "birthDate": "1990-05-17",
                "identifier": [{"system": load_systems()["cccd"].uri, "value": NUMBER}],
            }  # fmt: skip
            made = ask(make_site(node), "PUT", "/fhir/Patient/p1",
                       body=json.dumps(patient).encode(),
                       headers={"content-type": "application/fhir+json"})  # fmt: skip
            assert made.status == 201
            back = f"{address}/help"
            known = Client("app", "Sổ tay", "app", (back,), ("patient/*.rs", "openid"))
            PostgresStore(node.database).add_client(replace(known, created_at=node.clock.now()))
            walk(open_page(width=360), axe, address, back)


def allow(standin: StandIn, callback: str) -> None:
    """Let the stand-in answer at an address that is known only now."""
    store: Any = standin.parts.store
    store._clients["trucyte"] = replace(standin.client, redirects=(callback,))
    standin.client = store._clients["trucyte"]


def walk(page: Any, axe: Any, address: str, back: str) -> None:
    page.goto(f"{address}/login/vneid?then=/help")
    page.wait_for_selector(".notice")
    assert "không phải VNeID" in page.content()
    page.click(f'button[value="{NUMBER}"]')
    page.wait_for_url(f"{address}/help")
    request = {
        "response_type": "code", "client_id": "app", "redirect_uri": back, "state": "st",
        "scope": "openid patient/*.rs", "aud": f"{address}/fhir",
        "code_challenge": challenge(), "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{address}/oauth/authorize?{urlencode(request)}")
    assert "Sổ tay" in page.content()
    assert page.eval_on_selector_all("input:checked", "found => found.length") == 0
    assert violations(page, axe) == []
    page.check('input[value="patient/*.rs"]')
    page.click('button[value="allow"]')
    page.wait_for_url(f"{back}?*")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "client_id": "app", "redirect_uri": back,
        "code": code, "code_verifier": VERIFIER,
    }  # fmt: skip
    reply = page.context.request.post(f"{address}/oauth/token", form=form)
    assert reply.ok and reply.json()["patient"] == "p1"
