"""Tokens that somebody made, changed, stole or brought again open nothing."""

import base64
import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tests.support.oauth import ISSUER, REDIRECT, World, key_set, signed_proof
from trucyte.shared.access.oauth.asked import read_form
from trucyte.shared.access.oauth.clients import is_redirect, read_keys
from trucyte.shared.access.oauth.proof import certificate_thumbprint
from trucyte.shared.access.oauth.provider import ACCESS_TYPE
from trucyte.shared.access.oauth.refusal import BearerRefused, OAuthRefused
from trucyte.shared.access.oauth.tokens import Malformed, new_key, read_signed, signed


@pytest.fixture
def world() -> World:
    return World()


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(world: World, **more: Any) -> dict[str, Any]:
    at = int(world.clock.now().timestamp())
    told = {
        "iss": ISSUER, "aud": f"{ISSUER}/fhir", "sub": "his", "client_id": "his", "iat": at,
        "nbf": at, "exp": at + 300, "jti": "j", "scope": "system/*.cruds",
    }  # fmt: skip
    return {name: value for name, value in {**told, **more}.items() if value is not None}


def refused(world: World, token: str) -> str:
    with pytest.raises(BearerRefused) as caught:
        world.held(token)
    return caught.value.reason


def test_a_token_without_a_signature_is_none_of_ours(world: World) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = part({"alg": algorithm, "typ": ACCESS_TYPE, "kid": world.keys.current().kid})
        for signature in ("", "AA"):
            refused(world, f"{header}.{part(claims(world))}.{signature}")


def test_our_public_key_is_no_secret_to_sign_with(world: World) -> None:
    key = world.keys.current()
    header = part({"alg": "HS256", "typ": ACCESS_TYPE, "kid": key.kid})
    message = f"{header}.{part(claims(world))}"
    for secret in (key.as_pem(private=False), key_set(key).encode(), b""):
        mac = hmac.digest(secret, message.encode(), "sha256")
        signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        refused(world, f"{message}.{signature}")


def test_a_key_named_by_the_token_itself_is_not_looked_at(world: World) -> None:
    own = new_key()
    from joserfc import jws

    for more in (
        {"jwk": own.as_dict(private=False)},
        {"jku": "https://evil.example.vn/jwks"},
        {"x5u": "https://evil.example.vn/cert"},
        {"kid": "../../../dev/null"},
        {"kid": "' or 1=1 --"},
        {"kid": ["x"]},
        {"crit": ["exp"]},
        {},
    ):
        header = {"alg": "ES256", "typ": ACCESS_TYPE, **more}
        try:
            token = jws.serialize_compact(
                header, json.dumps(claims(world)).encode(), own, ["ES256"]
            )
        except JoseError:
            raw = json.dumps(claims(world)).encode()
            token = f"{part(header)}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.AAAA"
        refused(world, token)


def ours(world: World, *, typ: str = ACCESS_TYPE, **more: Any) -> str:
    """Sign with the provider's own key: what a fault of ours could let out."""
    return signed(claims(world, **more), world.keys.current(), typ=typ)


def test_a_right_token_is_taken(world: World) -> None:
    assert world.held(ours(world)).subject.account == "his"


@pytest.mark.parametrize(
    "more",
    [
        {"exp": None},
        {"exp": 0},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"iss": "https://evil.example.vn"},
        {"iss": None},
        {"aud": "https://other.example.vn/fhir"},
        {"aud": ["https://other.example.vn/fhir"]},
        {"aud": None},
        {"client_id": "nobody"},
        {"dlg": "guessed"},
        {"typ": "JWT"},
        {"typ": "dpop+jwt"},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"x5t#S256": "x"}},
        {"cnf": {"unknown": "x"}},
        {"cnf": "x"},
        {"cnf": {}},
    ],
)
def test_a_token_of_ours_that_is_not_meant_so_is_refused(
    world: World, more: dict[str, Any]
) -> None:
    refused(world, ours(world, **more))


def test_an_id_token_opens_no_api(world: World) -> None:
    body = world.exchange(world.code("openid user/Patient.r"))
    refused(world, body["id_token"])


def test_a_changed_token_is_refused(world: World) -> None:
    header, payload, signature = world.system_token("system/Patient.r").split(".")
    told = json.loads(base64.urlsafe_b64decode(payload + "=="))
    wider = part({**told, "scope": "system/*.cruds"})
    refused(world, f"{header}.{wider}.{signature}")
    refused(world, f"{header}.{payload}.{signature[:-4]}AAAA")
    refused(world, f"{header}.{payload}")
    refused(world, f"{header}.{payload}.{signature}.{signature}")


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b.c", "a" * 100_000, ".".join(["a" * 9000] * 3), "é.é.é", "\0.\0.\0",
     part([]) + "." + part([]) + ".AA", part({"alg": "ES256"}) + "." + part("x") + ".AA",
     part({"alg": 1}) + "." + part({}) + ".AA"],
)  # fmt: skip
def test_what_is_no_token_is_refused_at_once(world: World, text: str) -> None:
    refused(world, text)


def test_deep_json_in_a_token_does_no_harm() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 4000).rstrip(b"=").decode()
    with pytest.raises(Malformed):
        read_signed(f"{part({'alg': 'ES256'})}.{deep}.AA", lambda *_: None, algorithms=("ES256",))


@pytest.mark.parametrize(
    "more",
    [
        {"aud": "https://other.example.vn/oauth/token"},
        {"aud": None},
        {"iss": "other"},
        {"sub": "app", "iss": "app"},
        {"sub": "nobody", "iss": "nobody"},
        {"exp": None},
        {"exp": 0},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 300},
        {"nbf": 4_000_000_000},
    ],
)
def test_an_assertion_that_is_not_as_it_must_be_is_refused(
    world: World, more: dict[str, Any]
) -> None:
    form = world.proven({"grant_type": "client_credentials", "scope": "system/*.rs"},
                        world.assertion(**more))  # fmt: skip
    with pytest.raises(OAuthRefused) as caught:
        world.provider.token(world.asked("/oauth/token", form))
    assert caught.value.error == "invalid_client" and caught.value.status == 401


def test_an_assertion_lives_five_minutes_and_counts_once(world: World) -> None:
    at = int(world.clock.now().timestamp())
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    long = world.proven(form, world.assertion(exp=at + 900))
    with pytest.raises(OAuthRefused, match="lives too long"):
        world.provider.token(world.asked("/oauth/token", long))
    once = world.proven(form)
    world.provider.token(world.asked("/oauth/token", once))
    with pytest.raises(OAuthRefused, match="used before"):
        world.provider.token(world.asked("/oauth/token", once))


def test_an_assertion_signed_by_another_or_in_another_way_is_refused(world: World) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    for assertion in (
        world.assertion(key=new_key()),
        world.assertion(key=RSAKey.generate_key(2048), algorithm="RS256"),
    ):
        with pytest.raises(OAuthRefused):
            world.provider.token(world.asked("/oauth/token", world.proven(form, assertion)))


def test_shared_secrets_and_missing_proofs_are_answered_alike(world: World) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    answers = set()
    for more in ({"client_id": "his"}, {"client_id": "nobody"}, {}):
        with pytest.raises(OAuthRefused) as caught:
            world.provider.token(world.asked("/oauth/token", {**form, **more}))
        answers.add((caught.value.error, caught.value.reason))
    assert len(answers) == 1  # nobody learns which applications there are
    for wrong in ({"client_id": "his", "client_secret": "x"},):
        with pytest.raises(OAuthRefused):
            world.provider.token(world.asked("/oauth/token", {**form, **wrong}))


def test_unknown_and_wrong_subjects_of_assertions_are_answered_alike(world: World) -> None:
    said = set()
    for more in ({"sub": "nobody", "iss": "nobody"}, {"key": new_key(), "kid": None}):
        assertion = world.assertion(**{k: v for k, v in more.items() if k != "kid"})
        form = world.proven({"grant_type": "client_credentials", "scope": "x"}, assertion)
        with pytest.raises(OAuthRefused) as caught:
            world.provider.token(world.asked("/oauth/token", form))
        said.add(caught.value.reason)
    assert said == {"the assertion is refused: its key is unknown"}


def test_a_system_gets_no_scopes_beyond_its_own(world: World) -> None:
    for scope in ("user/*.cruds", "patient/*.rs", "openid", "introspect", "system/Patient.cud"):
        with pytest.raises(OAuthRefused, match="scopes"):
            world.system_token(scope)


def test_grants_that_are_not_given_are_refused(world: World) -> None:
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange", ""):
        form = world.proven({"grant_type": grant, "scope": "system/*.rs"})
        with pytest.raises(OAuthRefused) as caught:
            world.provider.token(world.asked("/oauth/token", form))
        assert caught.value.error == "unsupported_grant_type"


@pytest.mark.parametrize(
    "more",
    [{"htm": "GET"}, {"htu": "https://other.example.vn/oauth/token"}, {"iat": 0}, {"iat": None},
     {"iat": 4_000_000_000}, {"jti": None}, {"htu": "not an address"}, {"htm": None}],
)  # fmt: skip
def test_a_proof_for_something_else_is_refused(world: World, more: dict[str, Any]) -> None:
    proof = world.proof(new_key(), **{"method": "POST", "url": f"{ISSUER}/oauth/token", **more})
    with pytest.raises(OAuthRefused) as caught:
        world.system_token(dpop=proof)
    assert caught.value.error == "invalid_dpop_proof"


def test_a_proof_with_a_private_or_shared_key_or_of_another_type_is_refused(world: World) -> None:
    key = new_key()
    good = {"htm": "POST", "htu": f"{ISSUER}/oauth/token", "jti": "1",
            "iat": int(world.clock.now().timestamp()), "nonce": world.proofs.nonce()}  # fmt: skip
    private = key.as_dict(private=True)
    for header in (
        {"jwk": private},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {}},
        {"typ": "JWT"},
        {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
    ):
        with pytest.raises(OAuthRefused):
            world.system_token(dpop=signed_proof(good, key, **header))


def test_a_proof_of_the_token_endpoint_counts_once(world: World) -> None:
    proof = world.proof(new_key(), method="POST", url=f"{ISSUER}/oauth/token")
    world.system_token(dpop=proof)
    with pytest.raises(OAuthRefused, match="used before"):
        world.system_token(dpop=proof)


def test_a_parameter_that_comes_twice_is_refused() -> None:
    for text in (b"a=1&a=2", b"redirect_uri=x&redirect_uri=y", b"a=%00", b"a=%ff", b"\xff=1"):
        with pytest.raises(OAuthRefused):
            read_form(text)
    with pytest.raises(OAuthRefused):
        read_form("&".join(f"p{n}=1" for n in range(100)))
    assert read_form(b"a=1&b=") == {"a": "1"}


@pytest.mark.parametrize(
    "address",
    ["http://app.example.vn/back", "https://app.example.vn/#f", "https://*.example.vn/back",
     "https://user@app.example.vn/", "javascript:alert(1)", "data:text/html,x", "//evil",
     "https:///x", "https://app.example.vn/a b", 'https://app.example.vn/"', "custom:/back",
     "https://app.example.vn:99999/", "http://127.0.0.1.evil.vn/", "https://app\\.evil.vn/"],
)  # fmt: skip
def test_an_address_that_could_be_read_otherwise_is_not_registered(address: str) -> None:
    assert not is_redirect(address)
    assert is_redirect(REDIRECT) and is_redirect("http://127.0.0.1:9000/back")


def test_a_key_set_of_anything_gives_only_keys_to_verify_with() -> None:
    assert read_keys(b"") == {} and read_keys(b"[]") == {} and read_keys(b"{") == {}
    assert read_keys(b'{"keys": {"kty": "EC"}}') == {}
    told = {"keys": [{"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, 1, {"kty": "EC", "crv": "x"}]}
    assert read_keys(json.dumps(told)) == {}
    key = new_key()
    private = {"keys": [key.as_dict(private=True), {**key.as_dict(), "kid": "e", "use": "enc"}]}
    assert [one.is_private for one in read_keys(json.dumps(private)).values()] == [False]


@pytest.mark.parametrize("told", ["", "x", ":!!!:", "%00", "-----BEGIN CERTIFICATE-----", ":" * 99])
def test_what_is_no_certificate_has_no_thumbprint(told: str) -> None:
    assert certificate_thumbprint(told) == ""


def test_a_token_bound_to_a_certificate_needs_it(world: World) -> None:
    from dataclasses import replace

    form = world.proven({"grant_type": "client_credentials", "scope": "system/*.rs"})
    shown = base64.urlsafe_b64encode(sha256(b"one").digest()).rstrip(b"=").decode()
    asked = replace(world.asked("/oauth/token", form), certificate=shown)
    token = world.provider.token(asked).body["access_token"]
    api = replace(world.asked("/fhir/Patient", {}), certificate=shown)
    assert world.check.held(token, api, scheme="bearer").subject.account == "his"
    refused(world, token)
    with pytest.raises(BearerRefused):
        world.check.held(token, replace(api, certificate="x" * 43), scheme="bearer")


def test_a_request_that_names_another_providers_answer_is_told_whose_it_is(world: World) -> None:
    wanted = world.authorizing.wanted(world.asked("/a", world.request("user/Patient.r")))
    assert wanted.issuer == ISSUER  # a client with several providers compares it (RFC 9207)


def test_pushed_requests_cannot_be_nested_or_used_by_others(world: World) -> None:
    form = world.request("user/Patient.r", request_uri="urn:ietf:params:oauth:request_uri:x")
    with pytest.raises(OAuthRefused):
        world.authorizing.push(world.asked("/oauth/par", form))
    world.add("other", redirects=(REDIRECT,), scopes=("user/Patient.r",))
    name = world.authorizing.push(world.asked("/oauth/par", world.request("user/Patient.r"))).body[
        "request_uri"
    ]
    with pytest.raises(OAuthRefused):
        world.authorizing.wanted(world.asked("/a", {"client_id": "other", "request_uri": name}))
    with pytest.raises(OAuthRefused):
        world.authorizing.wanted(world.asked("/a", world.request("x", request="eyJ")))


def test_the_clock_may_differ_by_a_minute_and_no_more(world: World) -> None:
    at = int(world.clock.now().timestamp())
    world.held(ours(world, nbf=at + 59, iat=at + 59, jti="soon"))
    refused(world, ours(world, nbf=at + 62, jti="late"))
    token = ours(world, jti="old")
    world.clock.advance(timedelta(seconds=359))
    world.held(token)
    world.clock.advance(timedelta(seconds=2))
    refused(world, token)
