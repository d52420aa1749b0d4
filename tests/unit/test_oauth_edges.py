"""What seldom happens to tokens happens as it must."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificates import an_authority
from tests.support.oauth import (
    APP_SCOPES,
    DOCTOR,
    ISSUER,
    REDIRECT,
    World,
    key_set,
    signed_proof,
)
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.oauth import checking
from trucyte.shared.access.oauth.clients import ClientRefused, check_client
from trucyte.shared.access.oauth.proof import certificate_thumbprint, check_binding
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.refusal import BearerRefused, OAuthRefused, challenge
from trucyte.shared.access.oauth.subjects import access_of, again, kept
from trucyte.shared.access.oauth.tokens import Malformed, encoded, new_key, read_signed, signed
from trucyte.shared.access.subject import Subject


@pytest.fixture
def world() -> World:
    return World()


def error_of(work: Any) -> str:
    with pytest.raises(OAuthRefused) as caught:
        work()
    return caught.value.error


def test_userinfo_is_of_openid_connect(world: World) -> None:
    held = world.held(world.exchange(world.code("user/Patient.r"))["access_token"])
    asked = world.asked("/oauth/userinfo", {})
    assert error_of(lambda: world.provider.userinfo(asked, held.subject)) == "insufficient_scope"
    held = world.held(world.exchange(world.code("openid"))["access_token"])
    assert world.provider.userinfo(asked, held.subject).body == {"sub": "bs-mau"}


def test_a_token_is_worth_nothing_at_another_server_or_after_its_end(world: World) -> None:
    token = world.exchange(world.code("user/Patient.r offline_access"))["access_token"]
    reader = new_key()
    world.add("api", kind="system", scopes=("introspect",), jwks=key_set(reader))

    def is_active(text: str, issuer: str = ISSUER) -> bool:
        aud = f"{issuer}/oauth/token"
        assertion = world.assertion(key=reader, iss="api", sub="api", aud=aud)
        asked = world.asked("/oauth/introspect", world.proven({"token": text}, assertion))
        body = world.provider.introspect(replace(asked, issuer=issuer)).body
        return bool(body["active"])

    assert is_active(token)
    assert not is_active(token, "https://other.example.vn")
    assert not is_active("no token")
    world.store._revoked.clear()
    world.store.end_account(DOCTOR.account, world.clock.now())
    world.store._revoked.clear()  # the delegation itself is looked at, too
    assert not is_active(token)
    assert is_active(system := world.system_token())
    world.store.revoke("c:his", world.clock.now())
    assert not is_active(system)


def test_an_account_that_ended_is_given_nothing_more(world: World) -> None:
    body = world.exchange(world.code("user/Patient.r offline_access"))
    ended = replace(world.parts, current=lambda subject, *, lives_with_session: None)
    world.provider.parts = ended
    assert error_of(lambda: world.refresh(body["refresh_token"])) == "invalid_grant"
    world.clock.advance(timedelta(seconds=6))
    with pytest.raises(BearerRefused):
        world.held(body["access_token"])


def test_apps_and_systems_keep_to_their_grants(world: World) -> None:
    form = {"grant_type": "client_credentials", "client_id": "app", "scope": "user/Patient.r"}
    asked = world.asked("/oauth/token", form)
    assert error_of(lambda: world.provider.token(asked)) == "unauthorized_client"
    form = world.proven({"grant_type": "client_credentials"})
    assert error_of(lambda: world.provider.token(world.asked("/t", form))) == "invalid_scope"
    asked = world.asked("/a", world.request("system/*.rs", client_id="his"))
    assert error_of(lambda: world.authorizing.wanted(asked)) == "invalid_client"


def test_codes_and_refresh_tokens_that_are_none_are_refused(world: World) -> None:
    assert error_of(lambda: world.exchange("guessed")) == "invalid_grant"
    assert error_of(lambda: world.refresh("guessed")) == "invalid_grant"


def test_a_code_asked_for_with_a_key_is_given_to_that_key(world: World) -> None:
    key, url = new_key(), f"{ISSUER}/oauth/par"
    form = world.request("user/Patient.r")
    pushed = world.authorizing.push(
        world.asked("/oauth/par", form, dpop=world.proof(key, method="POST", url=url))
    )
    name = pushed.body["request_uri"]
    wanted = world.authorizing.wanted(world.asked("/a", {"client_id": "app", "request_uri": name}))
    assert wanted.dpop == key.thumbprint()
    code = world.said(world.authorizing.allow(wanted, DOCTOR, wanted.scopes, ""))["code"]
    assert error_of(lambda: world.exchange(code)) == "invalid_grant"
    bad = world.asked("/oauth/par", {**form, "code_challenge_method": "plain"})
    assert error_of(lambda: world.authorizing.push(bad)) == "invalid_request"


def test_assertions_are_named_by_their_type_and_application(world: World) -> None:
    form = world.proven({"grant_type": "client_credentials", "scope": "system/*.rs"})
    wrong = {**form, "client_assertion_type": "other"}
    assert error_of(lambda: world.provider.token(world.asked("/t", wrong))) == "invalid_client"
    wrong = {**form, "client_id": "app"}
    assert error_of(lambda: world.provider.token(world.asked("/t", wrong))) == "invalid_client"


def test_a_key_set_that_is_away_leaves_the_known_keys_in_force() -> None:
    key, answers = new_key(), [True]

    def fetch(url: str) -> bytes:
        if not answers[-1]:
            raise OAuthRefused("x", "y")
        return key_set(key).encode()

    world = World(fetch=fetch)
    world.add("lab", kind="system", scopes=("system/*.r",), jwks_uri="https://lab.vn/jwks")

    def token() -> None:
        assertion = world.assertion(key=key, iss="lab", sub="lab")
        form = world.proven({"grant_type": "client_credentials", "scope": "system/*.r"}, assertion)
        world.provider.token(world.asked("/oauth/token", form))

    token()
    answers.append(False)
    world.clock.advance(timedelta(minutes=11))
    token()
    world = World()
    world.add("lab", kind="system", scopes=("system/*.r",), jwks_uri="https://lab.vn/jwks")
    assert error_of(token) == "invalid_client"


def test_the_only_key_of_a_set_needs_no_name(world: World) -> None:
    claims = json.loads(_payload(world.assertion()))
    token = signed_proof(claims, world.key, typ="JWT")
    form = world.proven({"grant_type": "client_credentials", "scope": "system/*.rs"}, token)
    assert world.provider.token(world.asked("/oauth/token", form)).status == 200


def _payload(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.split(".")[1] + "==")


REFUSED = (
    {"id": "no spaces"},
    {"id": "-x"},
    {"name": " "},
    {"redirects": ("http://app.example.vn/",)},
    {"redirects": ()},
    {"scopes": ()},
    {"scopes": ("nothing",)},
    {"scopes": ("system/*.rs",)},
    {"jwks": '{"keys": []}'},
    {"jwks": key_set(new_key()), "jwks_uri": "https://a.vn/jwks"},
    {"launch_uri": "javascript:x"},
    {"kind": "system"},
    {"kind": "system", "redirects": (), "scopes": ("system/*.rs",)},
)


@pytest.mark.parametrize("more", REFUSED)
def test_an_application_that_could_not_be_safe_is_not_registered(more: dict[str, Any]) -> None:
    good = Client("app", "App", "app", (REDIRECT,), APP_SCOPES)
    check_client(good)
    with pytest.raises(ClientRefused):
        check_client(replace(good, **more))


def test_a_key_that_waits_can_be_let_sign_at_once(world: World) -> None:
    world.keys.current()
    world.clock.advance(timedelta(minutes=2))
    waits = world.keys.rotate()
    assert world.keys.current().kid != waits.id
    world.clock.advance(timedelta(seconds=61))
    assert world.keys.rotate().id == waits.id  # no third is published beside it
    world.keys.rotate(at_once=True)
    assert world.keys.current().kid == waits.id
    assert [row.id for row in world.keys.listed()][-1] == waits.id


def test_a_proof_is_for_the_token_it_comes_with_and_needs_a_nonce(world: World) -> None:
    key, url, api = new_key(), f"{ISSUER}/oauth/token", f"{ISSUER}/fhir/Observation"
    token = world.system_token(dpop=world.proof(key, method="POST", url=url))
    for ath in ("other", "é", ""):
        proof = world.proof(key, method="GET", url=api, token=token, ath=ath)
        with pytest.raises(BearerRefused, match="another token"):
            world.held(token, scheme="dpop", dpop=proof)
    proof = world.proof(key, method="GET", url=api, token=token, nonce="x")
    with pytest.raises(BearerRefused) as caught:
        world.held(token, scheme="dpop", dpop=proof)
    headers = dict(challenge(caught.value))
    assert headers["DPoP-Nonce"] == world.proofs.nonce()
    assert headers["WWW-Authenticate"].startswith('DPoP realm="fhir", error="use_dpop_nonce"')


def test_a_proof_whose_key_is_none_is_refused(world: World) -> None:
    claims = {"htm": "POST", "htu": "http://[", "iat": 1, "jti": "1"}
    good = new_key().as_dict(private=False)
    for jwk in ({**good, "x": "!"}, {"kty": "EC"}, {"kty": "EC", "crv": "P-0", "x": "a", "y": "b"}):
        proof = signed_proof(claims, new_key(), jwk=jwk)
        assert error_of(lambda proof=proof: world.system_token(dpop=proof)) == "invalid_dpop_proof"
    key = new_key()
    proof = world.proof(key, method="POST", url=f"{ISSUER}/oauth/token", htu="http://[")
    assert error_of(lambda: world.system_token(dpop=proof)) == "invalid_dpop_proof"


def test_a_certificate_comes_in_either_of_two_forms(tmp_path: Path) -> None:
    made = an_authority(tmp_path, "one").certificate
    der = made.public_bytes(Encoding.DER)
    thumbprint = encoded(sha256(der).digest())
    assert certificate_thumbprint(f":{base64.b64encode(der).decode()}:") == thumbprint
    assert certificate_thumbprint(quote(made.public_bytes(Encoding.PEM).decode())) == thumbprint
    check_binding({"cnf": {"x5t#S256": thumbprint}}, proof="", certificate=thumbprint)
    check_binding({}, proof="", certificate="")


def test_what_is_remembered_of_tokens_has_an_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "KEPT_MAX", 2)
    for _ in range(5):
        world.held(world.system_token())
        assert len(world.check._kept) <= 2
    world.clock.advance(timedelta(minutes=10))
    world.held(world.system_token())
    world.held(world.system_token())
    at = world.clock.now().timestamp()
    assert [held.claims["exp"] > at for held in world.check._kept.values()] == [True, True]


def test_a_token_whose_claims_are_no_object_is_none() -> None:
    header = encoded(json.dumps({"alg": "ES256"}).encode())
    text = f"{header}.{encoded(b'[]')}.AA"
    with pytest.raises(Malformed, match="no claims"):
        read_signed(text, lambda *_: None, algorithms=("ES256",))


@given(
    st.builds(
        Subject, st.text(), st.sampled_from(["staff", "citizen", "system", "local"]),
        st.frozensets(st.text()), st.text(), st.tuples(st.text()), st.text(),
        st.frozensets(st.integers(-(2**63), 2**63 - 1)), st.integers(1, 3),
    )
)  # fmt: skip
def test_an_account_is_the_same_after_it_was_kept(subject: Subject) -> None:
    try:
        text = kept(subject)
    except UnicodeEncodeError:  # no account's name holds half a sign
        return
    assert again(text, scopes=("a",), client="c") == replace(subject, scopes=("a",), client="c")


def test_each_kind_of_account_sees_what_is_its_own() -> None:
    scopes = ("patient/*.cruds", "user/*.rs", "system/*.rs")
    patient = frozenset({1, 2})

    def of(kind: Any, **more: Any) -> Any:
        subject = Subject("a", kind, scopes=scopes, **more)
        return access_of(subject, patient, Unshown())

    assert of("citizen", persons=frozenset({2, 3})).persons == {2}
    assert of("staff", organisation="Organization/x").sees_organisations == {"Organization/x"}
    assert of("system").sees_organisations == frozenset()  # of no organisation: of nobody
    assert of("system", organisation="Organization/x").caller == "a"
    assert of("local").caller == "fhir"


def test_two_processes_know_of_a_revocation_within_five_seconds(world: World) -> None:
    other = checking.TokenCheck(world.provider, lambda ref: frozenset())
    token = world.system_token()
    asked = world.asked("/fhir/Patient", {})
    other.held(token, asked, scheme="bearer")
    world.held(token)
    world.store.revoke("c:his", world.clock.now())
    world.clock.advance(timedelta(seconds=5))
    for check in (other, world.check):
        with pytest.raises(BearerRefused, match="revoked"):
            check.held(token, asked, scheme="bearer")


def test_scopes_of_a_wrong_context_are_not_given_even_where_they_are_registered(
    world: World,
) -> None:
    key = new_key()
    world.add("odd", kind="system", scopes=("user/*.rs", "patient/*.rs"), jwks=key_set(key))
    assertion = world.assertion(key=key, iss="odd", sub="odd")
    form = world.proven({"grant_type": "client_credentials", "scope": "user/*.rs"}, assertion)
    assert error_of(lambda: world.provider.token(world.asked("/t", form))) == "invalid_scope"
    world.add("wide", redirects=(REDIRECT,), scopes=("system/*.cruds", "user/Patient.r"))
    form = world.request("system/*.cruds user/Patient.r", client_id="wide")
    assert world.authorizing.wanted(world.asked("/a", form)).scopes == ["user/Patient.r"]


def test_a_token_longer_than_any_of_ours_is_not_decoded() -> None:
    key = new_key()
    read = signed({"a": "x"}, key, typ="JWT"), signed({"a": "x" * 7000}, key, typ="JWT")
    assert read_signed(read[0], lambda *_: key, algorithms=("ES256",))[1] == {"a": "x"}
    with pytest.raises(Malformed, match="no signed token"):
        read_signed(read[1], lambda *_: key, algorithms=("ES256",))
