"""The provider gives what its RFCs say, and no more."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.support.oauth import APP_SCOPES, DOCTOR, ISSUER, REDIRECT, World, key_set
from trucyte.shared.access.oauth.authorizing import Answered, Launch
from trucyte.shared.access.oauth.provider import APP_SECONDS
from trucyte.shared.access.oauth.refusal import BearerRefused, NonceNeeded, OAuthRefused
from trucyte.shared.access.oauth.tokens import half_hash, new_key, read_signed
from trucyte.shared.access.subject import Subject


@pytest.fixture
def world() -> World:
    return World()


def refused(work: Any) -> str:
    with pytest.raises(OAuthRefused) as caught:
        work()
    return caught.value.error


def test_a_system_gets_a_token_for_five_minutes_by_an_assertion(world: World) -> None:
    form = world.proven({"grant_type": "client_credentials", "scope": "system/Patient.rs"})
    body = world.provider.token(world.asked("/oauth/token", form)).body
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["scope"] == "system/Patient.rs"
    held = world.held(body["access_token"])
    assert held.subject.organisation == "Organization/79001"
    assert held.subject.kind == "system" and held.subject.scopes == ("system/Patient.rs",)
    world.clock.advance(timedelta(seconds=359))
    world.held(body["access_token"])
    world.clock.advance(timedelta(seconds=2))
    with pytest.raises(BearerRefused):
        world.held(body["access_token"])


def test_a_person_lets_an_application_act_and_it_is_told_who(world: World) -> None:
    body = world.exchange(world.code("openid fhirUser patient/Observation.read", patient="p1"))
    assert body["patient"] == "p1" and body["expires_in"] == APP_SECONDS
    assert "refresh_token" not in body
    _, claims = read_signed(
        body["id_token"], lambda h, _: world.keys.public(h["kid"]), algorithms=("ES256",)
    )
    assert claims["iss"] == ISSUER and claims["aud"] == "app" and claims["nonce"] == "no"
    assert claims["fhirUser"] == f"{ISSUER}/fhir/Practitioner/bs1"
    assert claims["at_hash"] == half_hash(body["access_token"])
    held = world.held(body["access_token"])
    assert held.subject.account == "bs-mau" and held.patient == {11, 12}
    assert held.subject.roles == {"doctor"} and held.subject.client == "app"


def test_the_answer_says_whose_it_is_and_brings_the_state_back(world: World) -> None:
    wanted = world.authorizing.wanted(world.asked("/a", world.request("user/Patient.r")))
    said = world.said(world.authorizing.allow(wanted, DOCTOR, wanted.scopes, ""))
    assert said["iss"] == ISSUER and said["state"] == "st"


def test_only_what_was_ticked_is_given(world: World) -> None:
    wanted = world.authorizing.wanted(
        world.asked("/a", world.request("openid user/Patient.r user/Observation.rs"))
    )
    assert wanted.optional == ["user/Patient.r", "user/Observation.rs"]
    address = world.authorizing.allow(wanted, DOCTOR, ["user/Patient.r", "system/*.cruds"], "")
    assert world.exchange(world.said(address)["code"])["scope"] == "openid user/Patient.r"


# (what is wrong, the error the application is told)
WRONG = (
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "system/*.cruds"}, "invalid_scope"),
    ({"scope": None}, "invalid_scope"),
    ({"aud": "https://other.example.vn/fhir"}, "invalid_target"),
    ({"aud": None}, "invalid_target"),
    ({"prompt": "none"}, "consent_required"),
    ({"launch": "guessed", "scope": "launch user/Patient.r"}, "invalid_request"),
    ({"registration": "{}"}, "registration_not_supported"),
)


@pytest.mark.parametrize(("more", "error"), WRONG)
def test_what_is_wrong_with_a_request_is_told_to_the_application(
    world: World, more: dict[str, Any], error: str
) -> None:
    with pytest.raises(Answered) as caught:
        world.authorizing.wanted(world.asked("/a", world.request("user/Patient.r", **more) | {}))
    said = world.said(caught.value.address)
    assert said["error"] == error and said["state"] == "st" and said["iss"] == ISSUER
    assert caught.value.address.startswith(REDIRECT)


@pytest.mark.parametrize(
    "redirect",
    [None, REDIRECT + "/", REDIRECT + "?x=1", REDIRECT.upper(), "https://evil.example.vn",
     REDIRECT + "#f", "https://app.example.vn.evil.vn/back", REDIRECT + "/../other"],
)  # fmt: skip
def test_an_address_that_is_not_registered_letter_by_letter_is_told_nothing(
    world: World, redirect: str | None
) -> None:
    form = world.request("user/Patient.r", redirect_uri=redirect)
    assert refused(lambda: world.authorizing.wanted(world.asked("/a", form))) == "invalid_request"


def test_a_code_counts_once_and_a_second_use_ends_what_it_gave(world: World) -> None:
    code = world.code("user/Patient.r offline_access")
    body = world.exchange(code)
    world.held(body["access_token"])
    assert refused(lambda: world.exchange(code)) == "invalid_grant"
    world.clock.advance(timedelta(seconds=5))  # in force within five seconds
    with pytest.raises(BearerRefused):
        world.held(body["access_token"])
    assert refused(lambda: world.refresh(body["refresh_token"])) == "invalid_grant"


def test_a_code_is_of_one_application_one_address_and_one_verifier(world: World) -> None:
    world.add("other", redirects=(REDIRECT,), scopes=APP_SCOPES)
    code = world.code("user/Patient.r")
    assert refused(lambda: world.exchange(code, client_id="other")) == "invalid_grant"
    assert world.exchange(code)["scope"] == "user/Patient.r"  # the thief did not burn it
    for wrong in ({"redirect_uri": REDIRECT + "x"}, {"code_verifier": "w" * 43},
                  {"code_verifier": ""}):  # fmt: skip
        code = world.code("user/Patient.r")
        assert refused(lambda code=code, wrong=wrong: world.exchange(code, **wrong)) == (
            "invalid_grant"
        )


def test_a_code_counts_for_a_minute(world: World) -> None:
    code = world.code("user/Patient.r")
    world.clock.advance(timedelta(seconds=61))
    assert refused(lambda: world.exchange(code)) == "invalid_grant"


def test_refresh_tokens_rotate_and_a_second_use_ends_the_family(world: World) -> None:
    first = world.exchange(world.code("user/Patient.r user/Observation.rs offline_access"))
    second = world.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    world.held(second["access_token"])
    assert refused(lambda: world.refresh(first["refresh_token"])) == "invalid_grant"
    assert refused(lambda: world.refresh(second["refresh_token"])) == "invalid_grant"
    world.clock.advance(timedelta(seconds=5))
    with pytest.raises(BearerRefused):
        world.held(second["access_token"])


def test_a_refresh_may_narrow_and_never_widens(world: World) -> None:
    first = world.exchange(world.code("user/Patient.r offline_access"))
    text = first["refresh_token"]
    for wider in ("user/Observation.rs", "user/*.cruds", "user/Patient.r patient/*.rs", "x"):
        assert refused(lambda wider=wider: world.refresh(text, scope=wider)) == "invalid_scope"
    assert world.refresh(text, scope="user/Patient.r")["scope"] == "user/Patient.r"


def test_without_offline_access_a_token_lives_with_the_session(world: World) -> None:
    body = world.exchange(world.code("user/Patient.r online_access"))
    lasting = world.exchange(world.code("user/Patient.r offline_access"))
    world.store.end_session("s1", world.clock.now())
    world.clock.advance(timedelta(seconds=5))
    with pytest.raises(BearerRefused):
        world.held(body["access_token"])
    assert refused(lambda: world.refresh(body["refresh_token"])) == "invalid_grant"
    world.held(lasting["access_token"])
    world.store.end_account(DOCTOR.account, world.clock.now())
    world.clock.advance(timedelta(seconds=5))
    with pytest.raises(BearerRefused):
        world.held(lasting["access_token"])


def test_an_application_that_ends_takes_its_tokens_with_it(world: World) -> None:
    token = world.system_token()
    world.held(token)
    world.store.end_client("his", world.clock.now())
    world.clock.advance(timedelta(seconds=5))
    with pytest.raises(BearerRefused):
        world.held(token)
    assert refused(world.system_token) == "invalid_client"


def test_introspection_tells_the_token_to_its_application_alone(world: World) -> None:
    token = world.system_token()

    def asked(assertion: str = "") -> Any:
        form = world.proven({"token": token}, assertion)
        return world.provider.introspect(world.asked("/oauth/introspect", form)).body

    told = asked()
    assert told["active"] and told["client_id"] == "his" and told["scope"] == "system/*.rs"
    other = new_key()
    world.add("lab", kind="system", scopes=("system/*.r",), jwks=key_set(other))
    world.add("api", kind="system", scopes=("introspect",), jwks=key_set(other))
    assert asked(world.assertion(key=other, iss="lab", sub="lab")) == {"active": False}
    assert asked(world.assertion(key=other, iss="api", sub="api"))["active"]
    form = {"token": token, "client_id": "app"}
    assert refused(lambda: world.provider.introspect(world.asked("/i", form))) == "invalid_client"


def test_revocation_ends_a_token_and_tells_nothing(world: World) -> None:
    token = world.system_token()
    world.held(token)
    form = world.proven({"token": token})
    assert world.provider.revoke(world.asked("/oauth/revoke", form)).body == {}
    world.clock.advance(timedelta(seconds=5))
    with pytest.raises(BearerRefused):
        world.held(token)
    form = world.proven({"token": "no token at all"})
    assert world.provider.revoke(world.asked("/oauth/revoke", form)).status == 200
    body = world.exchange(world.code("user/Patient.r offline_access"))
    form = {"token": body["refresh_token"], "client_id": "app"}
    world.provider.revoke(world.asked("/oauth/revoke", form))
    assert refused(lambda: world.refresh(body["refresh_token"])) == "invalid_grant"


def test_nobody_revokes_the_token_of_another(world: World) -> None:
    token = world.system_token()
    form = {"token": token, "client_id": "app"}
    assert world.provider.revoke(world.asked("/oauth/revoke", form)).status == 200
    world.clock.advance(timedelta(seconds=5))
    world.held(token)


def test_a_pushed_request_is_used_once_by_whom_it_is_of(world: World) -> None:
    pushed = world.authorizing.push(world.asked("/oauth/par", world.request("user/Patient.r")))
    assert pushed.status == 201 and pushed.body["expires_in"] == 90
    name = pushed.body["request_uri"]
    form = {"client_id": "app", "request_uri": name}
    assert world.authorizing.wanted(world.asked("/a", form)).scopes == ["user/Patient.r"]
    assert refused(lambda: world.authorizing.wanted(world.asked("/a", form))) == (
        "invalid_request_uri"
    )


def test_an_ehr_launch_brings_its_patient_to_the_one_who_launched(world: World) -> None:
    client = world.add(
        "chart", redirects=(REDIRECT,), scopes=APP_SCOPES, launch_uri="https://app.example.vn/go"
    )
    address = world.authorizing.launch(client, Launch(DOCTOR.account, "p2", "e1"), ISSUER)
    launch = world.said(address)["launch"]
    assert world.said(address)["iss"] == f"{ISSUER}/fhir"
    form = world.request("launch patient/*.rs", client_id="chart", launch=launch)
    wanted = world.authorizing.wanted(world.asked("/a", form))
    secret = world.authorizing.ask(wanted)
    other = Subject("ke-khac", "staff")
    assert refused(lambda: world.authorizing.pending(secret, other, uses=False)) == (
        "access_denied"
    )
    code = world.said(world.authorizing.allow(wanted, DOCTOR, wanted.scopes, "p1"))["code"]
    body = world.exchange(code, client_id="chart")
    assert (body["patient"], body["encounter"]) == ("p2", "e1")
    again = world.authorizing.allow(wanted, DOCTOR, wanted.scopes, "")
    assert world.said(again)["error"] == "invalid_request"  # a launch counts once


def test_scopes_of_a_patient_need_one(world: World) -> None:
    assert refused(lambda: world.code("patient/*.rs")) == "invalid_request"


def test_dpop_binds_a_token_to_its_key(world: World) -> None:
    key, url = new_key(), f"{ISSUER}/oauth/token"
    token = world.system_token(dpop=world.proof(key, method="POST", url=url))
    api = f"{ISSUER}/fhir/Observation"
    proof = world.proof(key, method="GET", url=api, token=token)
    assert world.held(token, scheme="dpop", dpop=proof).subject.account == "his"
    with pytest.raises(BearerRefused, match="used before"):
        world.held(token, scheme="dpop", dpop=proof)
    with pytest.raises(BearerRefused, match="wrong scheme"):
        world.held(token)
    theft = world.proof(new_key(), method="GET", url=api, token=token)
    with pytest.raises(BearerRefused, match="another key"):
        world.held(token, scheme="dpop", dpop=theft)
    with pytest.raises(BearerRefused, match="wrong scheme"):
        world.held(world.system_token(), scheme="dpop", dpop=proof)


def test_a_proof_needs_the_servers_nonce_which_changes(world: World) -> None:
    key, url = new_key(), f"{ISSUER}/oauth/token"
    with pytest.raises(NonceNeeded) as caught:
        world.system_token(dpop=world.proof(key, method="POST", url=url, nonce=None))
    assert caught.value.nonce == world.proofs.nonce()
    old = world.proofs.nonce()
    world.clock.advance(timedelta(seconds=301))
    with pytest.raises(NonceNeeded):
        world.system_token(dpop=world.proof(key, method="POST", url=url, nonce=old))


def test_a_refresh_token_stays_bound(world: World) -> None:
    key, url = new_key(), f"{ISSUER}/oauth/token"
    headers = {"dpop": world.proof(key, method="POST", url=url)}
    body = world.exchange(world.code("user/Patient.r offline_access"), headers)
    assert body["token_type"] == "DPoP"
    text = body["refresh_token"]
    assert refused(lambda: world.refresh(text)) == "invalid_grant"
    other = {"dpop": world.proof(new_key(), method="POST", url=url)}
    assert refused(lambda: world.refresh(text, other)) == "invalid_grant"
    own = {"dpop": world.proof(key, method="POST", url=url)}
    assert world.refresh(text, own)["token_type"] == "DPoP"


def test_an_application_registered_to_prove_its_key_must(world: World) -> None:
    world.add("bound", redirects=(REDIRECT,), scopes=APP_SCOPES, binding="dpop")
    code = world.code("user/Patient.r", client_id="bound")
    assert refused(lambda: world.exchange(code, client_id="bound")) == "invalid_dpop_proof"
    world.add("cert", redirects=(REDIRECT,), scopes=APP_SCOPES, binding="mtls")
    code = world.code("user/Patient.r", client_id="cert")
    assert refused(lambda: world.exchange(code, client_id="cert")) == "invalid_client"


def test_keys_follow_one_another_without_a_gap(world: World) -> None:
    first = world.keys.current()
    token = world.system_token()
    world.clock.advance(timedelta(days=29, seconds=1))
    assert world.keys.current().kid == first.kid
    listed = [one["kid"] for one in world.keys.jwks()["keys"]]
    assert len(listed) == 2 and listed[0] == first.kid  # the next one is known before it signs
    world.clock.advance(timedelta(days=1, seconds=1))
    assert world.keys.current().kid == listed[1]
    assert world.keys.public(first.kid) is not None
    world.clock.advance(timedelta(hours=2))
    assert [one["kid"] for one in world.keys.jwks()["keys"]] == [listed[1]]
    assert world.provider.claims_of(token) is None
    world.keys.rotate(at_once=True)
    assert world.keys.current().kid != listed[1]
    assert "d" not in msgspec.json.decode(msgspec.json.encode(world.keys.jwks()))["keys"][0]


def test_keys_that_are_fetched_are_kept_and_asked_for_again_when_one_is_new() -> None:
    served: list[Any] = [new_key()]
    calls: list[str] = []

    def fetch(url: str) -> bytes:
        calls.append(url)
        return key_set(*served).encode()

    world = World(fetch=fetch)
    world.add("lab", kind="system", scopes=("system/*.r",), jwks_uri="https://lab.vn/jwks")

    def token() -> None:
        assertion = world.assertion(key=served[-1], iss="lab", sub="lab")
        form = world.proven({"grant_type": "client_credentials", "scope": "system/*.r"}, assertion)
        world.provider.token(world.asked("/oauth/token", form))

    token()
    token()
    assert len(calls) == 1
    served.append(new_key())
    assert refused(token) == "invalid_client"  # not asked for again so soon
    world.clock.advance(timedelta(seconds=31))
    token()
    assert len(calls) == 2
