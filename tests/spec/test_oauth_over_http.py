"""Applications are given tokens over HTTP, and the API believes those and no others."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.oauth import NOW, REDIRECT, VERIFIER, World, challenge, key_set
from trucyte.base.clock import FixedClock
from trucyte.base.settings import DatabaseSettings, Settings
from trucyte.database.connect import Database
from trucyte.node.access.tokens import asking_of
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node
from trucyte.records.access import Grant
from trucyte.shared.access.accounts import TokenRefused
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.refusal import BearerRefused
from trucyte.shared.access.oauth.store import PostgresStore
from trucyte.shared.access.oauth.tokens import new_key
from trucyte.shared.access.staff.sessions import Sessions
from trucyte.web.api.asgi import Call
from trucyte.web.api.interactions.who import access_by_token

FORM = {"content-type": "application/x-www-form-urlencoded"}
ISSUER = "http://127.0.0.1:8080"
APP = ("openid", "fhirUser", "launch/patient", "patient/*.rs", "user/Patient.r", "offline_access")


@pytest.fixture
def node(database: Database, tmp_path: Path) -> Iterator[Node]:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=database.url))
    with open_node(settings, clock=FixedClock(NOW)) as node:
        yield node


class Site:
    """A node's site, and what asks it."""

    def __init__(self, node: Node) -> None:
        self.node, self.app = node, make_site(node)
        self.key = new_key()
        store = PostgresStore(node.database)
        store.add_client(
            Client("app", "Sổ tay tiểu đường", "app", (REDIRECT,), APP, created_at=NOW)
        )
        store.add_client(
            Client(
                "his",
                "HIS",
                "system",
                (),
                ("system/*.rs",),
                key_set(self.key),
                organisation="Organization/79001",
                created_at=NOW,
            )
        )

    def post(self, path: str, form: dict[str, Any], **headers: str) -> Reply:
        return ask(self.app, "POST", path, body=urlencode(form, doseq=True).encode(),
                   headers=FORM | headers)  # fmt: skip

    def get(self, path: str, **headers: str) -> Reply:
        return ask(self.app, "GET", path, headers=headers)

    def system_token(self) -> str:
        world = World(clock=FixedClock(NOW), key=self.key)
        assertion = world.assertion(aud=f"{ISSUER}/oauth/token")
        form = world.proven({"grant_type": "client_credentials", "scope": "system/*.rs"}, assertion)
        reply = self.post("/oauth/token", form)
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def employ(self, name: str, *roles: str) -> str:
        """Make an account and return the cookie of its session."""
        with self.node.database.connection() as connection:
            connection.execute(
                "insert into access.staff (name, display, roles, organisation, wards, practitioner,"
                " proof, created_at, created_by, activated_at) values (%s, %s, %s, '', '{}',"
                " 'Practitioner/bs1', 'x', %s, 'test', %s)",
                (name, name, list(roles), NOW, NOW),
            )
        key = self.node.keyring.derive("sessions", 32)
        return "trucyte=" + Sessions(self.node.database, self.node.clock, key).begin(name)

    def request(self, **more: str) -> str:
        form = {
            "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "state": "st",
            "scope": "openid fhirUser user/Patient.r", "aud": f"{ISSUER}/fhir", "nonce": "no",
            "code_challenge": challenge(), "code_challenge_method": "S256", **more,
        }  # fmt: skip
        return f"/oauth/authorize?{urlencode(form)}"


@pytest.fixture
def site(node: Node) -> Site:
    return Site(node)


def call(token: str = "", path: str = "/fhir/Patient/x", scheme: str = "Bearer") -> Call:
    headers = {"host": "127.0.0.1:8080"} | ({"authorization": f"{scheme} {token}"} if token else {})
    return Call("GET", path, "", headers, "127.0.0.1", {})


def test_the_node_says_where_its_tokens_come_from(site: Site) -> None:
    told = site.get("/.well-known/openid-configuration").json
    assert told == site.get("/.well-known/oauth-authorization-server").json
    assert told["issuer"] == ISSUER
    assert told["code_challenge_methods_supported"] == ["S256"]
    smart = site.get("/fhir/.well-known/smart-configuration")
    assert smart.headers["content-type"] == "application/json"
    assert "launch-ehr" in smart.json["capabilities"]
    for name in ("token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint",
                 "pushed_authorization_request_endpoint", "userinfo_endpoint"):  # fmt: skip
        path = told[name].removeprefix(ISSUER)
        assert site.get(path).status != 404 and site.post(path, {}).status != 404, name
    keys = site.get("/oauth/jwks").json["keys"]
    assert keys and not {"d", "k"} & keys[0].keys()
    security = site.get("/fhir/metadata").json["rest"][0]["security"]
    places = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert places["token"] == told["token_endpoint"]


def test_a_system_gets_a_token_that_the_api_takes_for_what_it_is(site: Site, node: Node) -> None:
    token = site.system_token()
    assert site.get("/fhir/Patient/x", authorization=f"Bearer {token}").status == 404
    access = access_by_token(node.accounts, Unshown(), asking_of(node))(call(token))
    assert access.caller == "his" and access.organisation == "Organization/79001"
    assert access.sees_organisations == {"Organization/79001"}
    assert access.grants == (Grant(None, frozenset("rs")),)
    assert not access.may("c", "Patient")


def test_refusals_are_those_of_the_rfcs(site: Site) -> None:
    reply = site.post("/oauth/token", {"grant_type": "password", "client_id": "nobody"})
    assert reply.status == 401 and reply.json["error"] == "invalid_client"
    assert reply.headers["cache-control"] == "no-store"
    reply = ask(site.app, "POST", "/oauth/token", body=b"{}",
                headers={"content-type": "application/json"})  # fmt: skip
    assert reply.json["error"] == "invalid_request"
    assert site.post("/oauth/token?client_id=app", {"client_id": "app"}).status == 400
    assert site.get("/oauth/token").status == 405
    reply = site.get("/fhir/Patient/x", authorization="Bearer a.b.c")
    assert reply.status == 401 and 'error="invalid_token"' in reply.headers["www-authenticate"]
    reply = site.get("/oauth/userinfo")
    assert reply.status == 401
    reply = site.post("/oauth/token", {"x": "y" * 70_000})
    assert reply.status == 413


def test_once_people_log_in_the_api_needs_a_token(site: Site, node: Node) -> None:
    assert site.get("/fhir/Patient/x").status == 404
    site.employ("quan-tri", "administrator")
    node.clock.advance(timedelta(seconds=3))  # type: ignore[attr-defined]
    reply = site.get("/fhir/Patient/x")
    assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer")
    assert site.get("/fhir/metadata").status == 200
    with pytest.raises(TokenRefused):
        access_by_token(node.accounts, Unshown(), asking_of(node))(call())


def page_of(site: Site, cookie: str, **more: str) -> tuple[str, str]:
    """Follow an application's request to the page that asks; return its address and text."""
    first = site.get(site.request(**more), cookie=cookie)
    assert first.status == 303, first.body
    address = first.headers["location"]
    page = site.get(address, cookie=cookie)
    assert page.status == 200, page.status
    return address, page.body.decode()


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    return found[1] if found else ""


def code_of(reply: Reply) -> str:
    assert reply.status == 303, reply.body
    assert reply.headers["location"].startswith(REDIRECT)
    return World().said(reply.headers["location"])["code"]


def tokens_for(site: Site, code: str) -> Any:
    form = {"grant_type": "authorization_code", "client_id": "app", "code": code,
            "redirect_uri": REDIRECT, "code_verifier": VERIFIER}  # fmt: skip
    reply = site.post("/oauth/token", form)
    assert reply.status == 200, reply.body
    return reply.json


def test_a_doctor_is_asked_in_plain_words_and_decides(site: Site, node: Node) -> None:
    cookie = site.employ("bs-mau", "doctor")
    site.employ("quan-tri", "administrator")
    away = site.get(site.request())  # nobody is logged in: the request waits
    waiting = site.get(away.headers["location"])
    assert waiting.status == 303 and "/login?then=/oauth/asked/" in waiting.headers["location"]
    address, page = page_of(site, cookie)
    assert "Sổ tay tiểu đường" in page and "họ tên, ngày sinh" in page
    assert 'type="checkbox"' in page and "checked" not in page
    none = site.post(address, {"answer": "allow", "csrf": csrf(page)}, cookie=cookie)
    assert none.status == 422
    assert (
        site.post(address, {"answer": "allow", "scope": "user/Patient.r"}, cookie=cookie).status
        == 403
    )
    form = {"answer": "allow", "scope": ["user/Patient.r", "user/*.cruds"], "csrf": csrf(page)}
    body = tokens_for(site, code_of(site.post(address, form, cookie=cookie)))
    assert body["scope"] == "openid fhirUser user/Patient.r"
    who = site.get("/oauth/userinfo", authorization=f"Bearer {body['access_token']}").json
    assert who == {"sub": "bs-mau", "fhirUser": f"{ISSUER}/fhir/Practitioner/bs1"}
    again = site.post(address, form, cookie=cookie)
    assert again.status == 400  # it was answered

    access = access_by_token(node.accounts, Unshown(), asking_of(node))
    assert access(call(body["access_token"])).caller == "bs-mau"
    with node.database.connection() as connection:
        connection.execute("update access.staff set ended_at = %s where name = 'bs-mau'", (NOW,))
    node.clock.advance(timedelta(seconds=6))  # type: ignore[attr-defined]
    with pytest.raises(BearerRefused):
        access(call(body["access_token"]))


def test_a_token_ends_with_the_session_it_was_given_in(site: Site, node: Node) -> None:
    cookie = site.employ("bs-mau", "doctor")
    site.employ("quan-tri", "administrator")
    address, page = page_of(site, cookie)
    form = {"answer": "allow", "scope": ["user/Patient.r"], "csrf": csrf(page)}
    body = tokens_for(site, code_of(site.post(address, form, cookie=cookie)))
    access = access_by_token(node.accounts, Unshown(), asking_of(node))
    access(call(body["access_token"]))
    key = node.keyring.derive("sessions", 32)
    Sessions(node.database, node.clock, key).end(cookie.removeprefix("trucyte="))
    node.clock.advance(timedelta(seconds=6))  # type: ignore[attr-defined]
    with pytest.raises(BearerRefused):
        access(call(body["access_token"]))


def test_a_patient_is_named_and_the_token_keeps_to_that_one(site: Site, node: Node) -> None:
    for id in ("p1", "p2"):
        made = ask(
            site.app,
            "PUT",
            f"/fhir/Patient/{id}",
            headers={"content-type": "application/fhir+json"},
            body=json.dumps({"resourceType": "Patient", "id": id}).encode(),
        )
        assert made.status == 201, made.body
    address, page = page_of(site, "", scope="launch/patient patient/*.rs")
    form = {"answer": "allow", "scope": "patient/*.rs", "csrf": csrf(page)}
    assert site.post(address, form | {"patient": "nobody"}).status == 422
    assert site.post(address, form).status == 422
    body = tokens_for(site, code_of(site.post(address, form | {"patient": "p1"})))
    assert body["patient"] == "p1"
    access = access_by_token(node.accounts, Unshown(), asking_of(node))(call(body["access_token"]))
    one = node.links.persons(access_key(node, "p1"))
    assert access.persons == frozenset(one) and access.grants == (Grant(None, frozenset("rs")),)


def access_key(node: Node, id: str) -> int:
    from trucyte.records.person import person_key

    return person_key(node.keyring.persons, f"Patient/{id}")


def test_saying_no_is_told_and_gives_nothing(site: Site) -> None:
    address, page = page_of(site, "")
    reply = site.post(address, {"answer": "deny", "csrf": csrf(page)})
    said = World().said(reply.headers["location"])
    assert said["error"] == "access_denied" and said["state"] == "st" and said["iss"] == ISSUER
    assert site.get(address).status == 400


def test_the_page_lets_its_form_end_at_the_application_and_nowhere_else(site: Site) -> None:
    first = site.get(site.request())
    policy = site.get(first.headers["location"]).headers["content-security-policy"]
    assert "form-action 'self' https://app.example.vn;" in policy


def test_who_cannot_be_trusted_is_not_answered(site: Site) -> None:
    for more in ({"redirect_uri": "https://evil.example.vn"}, {"client_id": "nobody"}):
        reply = site.get(site.request(**more))
        assert reply.status == 400 and "location" not in reply.headers
    reply = site.get("/oauth/authorize?client_id=app&client_id=his")
    assert reply.status == 400
