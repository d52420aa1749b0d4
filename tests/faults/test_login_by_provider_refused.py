"""What a provider says is believed where all of it is right; each wrong has its own words."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.support.oauth import key_set
from tests.support.vneid import BACK, LOW, NUMBER, PROVIDER, Login
from trucyte.base.problem import Problem
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.relying import (
    LevelTooLow,
    LoginDeclined,
    LoginExpired,
    LoginNotBegun,
    LoginNotBelieved,
    LoginProviderAway,
    LoginWrongIssuer,
)
from trucyte.shared.access.oauth.tokens import new_key, read_signed, signed


@dataclass
class Forger:
    """Changes claims of the ID token that comes from the provider."""

    login: Login
    more: dict[str, Any]
    key: Any = None

    def __call__(self, path: str, body: bytes) -> bytes:
        if path != "/oauth/token":
            return body
        told = json.loads(body)
        keys = self.login.standin.parts.keys
        _, claims = read_signed(
            told["id_token"], lambda header, _: keys.public(header["kid"]), algorithms=("ES256",)
        )
        changed = {n: v for n, v in {**claims, **self.more}.items() if v is not None}
        told["id_token"] = signed(changed, self.key or keys.current(), typ="JWT")
        return json.dumps(told).encode()


def forged(key: Any = None, **more: Any) -> Login:
    login = Login()
    login.spoil = Forger(login, more, key)
    return login


def test_a_citizen_logs_in_by_number_and_level() -> None:
    citizen = Login().citizen()
    assert (citizen.number, citizen.born, citizen.level) == (NUMBER, "1990-05-17", 2)
    assert citizen.then == "/me"


def test_a_node_may_prove_itself_by_its_key() -> None:
    key = new_key()
    assert Login(key=key, jwks=key_set(key)).citizen().number == NUMBER
    with pytest.raises(LoginNotBelieved):
        Login(key=new_key(), jwks=key_set(key)).citizen()
    with pytest.raises(LoginNotBelieved):
        Login(jwks=key_set(key)).citizen()


def test_a_level_that_is_too_low_opens_nothing() -> None:
    with pytest.raises(LevelTooLow) as caught:
        Login().citizen(LOW)
    assert caught.value.facts == {"level": 1, "needed": 2}


@pytest.mark.parametrize("acr", [None, "", "2", 2, "urn:trucyte:vneid:level:9", ["x"]])
def test_a_level_that_is_not_known_is_none(acr: Any) -> None:
    with pytest.raises(LevelTooLow):
        forged(acr=acr).citizen()


WRONG = (
    ({"iss": "https://evil.example.vn"}, LoginWrongIssuer),
    ({"iss": PROVIDER + "/"}, LoginWrongIssuer),
    ({"iss": None}, LoginWrongIssuer),
    ({"aud": "other"}, LoginNotBelieved),
    ({"aud": None}, LoginNotBelieved),
    ({"aud": ["trucyte", "other"]}, LoginNotBelieved),
    ({"aud": ["trucyte", "other"], "azp": "other"}, LoginNotBelieved),
    ({"azp": "other"}, LoginNotBelieved),
    ({"nonce": "another"}, LoginNotBelieved),
    ({"nonce": None}, LoginNotBelieved),
    ({"exp": 1}, LoginExpired),
    ({"iat": 1}, LoginExpired),
    ({"iat": None}, LoginNotBelieved),
    ({"iat": True}, LoginNotBelieved),
    ({"exp": None}, LoginNotBelieved),
    ({"nbf": 4_000_000_000}, LoginNotBelieved),
    ({"personal_number": "12345"}, LoginNotBelieved),
    ({"personal_number": "١٢٣٤٥٦٧٨٩٠١٢"}, LoginNotBelieved),
    ({"personal_number": None}, LoginNotBelieved),
    ({"personal_number": "099190000017|x"}, LoginNotBelieved),
)


@pytest.mark.parametrize(("more", "problem"), WRONG)
def test_claims_that_are_wrong_are_refused(more: dict[str, Any], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        forged(**more).citizen()


def test_an_id_token_signed_by_another_is_not_believed() -> None:
    with pytest.raises(LoginNotBelieved):
        forged(new_key()).citizen()


def test_an_answer_belongs_to_the_browser_that_began_and_counts_once() -> None:
    login = Login()
    said, state = login.through()
    for kept in ("", "another", state[:-1]):
        with pytest.raises(LoginNotBegun):
            login.party.finish(said, kept)
    login.party.finish(said, state)
    with pytest.raises(LoginNotBegun):
        login.party.finish(said, state)
    with pytest.raises(LoginNotBegun):
        login.party.finish({}, "")


def test_an_answer_of_another_provider_is_not_mixed_up_with_this_ones() -> None:
    for iss in ("https://evil.example.vn", PROVIDER + "/", None):
        login = Login()
        said, state = login.through()
        changed = {**said, "iss": iss} if iss else {k: v for k, v in said.items() if k != "iss"}
        login.asked.clear()
        with pytest.raises(LoginWrongIssuer):
            login.party.finish(changed, state)
        assert "/oauth/token" not in login.asked  # the code is not given away


def test_a_provider_that_calls_itself_otherwise_is_not_asked() -> None:
    with pytest.raises(LoginWrongIssuer):
        Login(issuer="http://127.0.0.1:8090/").party.begin(BACK, "/")


def test_a_login_takes_ten_minutes_at_most() -> None:
    login = Login()
    said, state = login.through()
    login.clock.advance(timedelta(minutes=11))
    with pytest.raises(LoginNotBegun):
        login.party.finish(said, state)


def test_declining_opens_nothing() -> None:
    login = Login()
    said, state = login.through("")
    assert said["error"] == "access_denied"
    with pytest.raises(LoginDeclined):
        login.party.finish(said, state)


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 10_000])
def test_an_answer_that_is_nothing_is_refused(answer: bytes) -> None:
    login = Login(spoil=lambda path, body: answer if path == "/oauth/token" else body)
    with pytest.raises(LoginNotBelieved):
        login.citizen()
    with pytest.raises(LoginWrongIssuer):
        Login(spoil=lambda path, body: answer).party.begin(BACK, "/")


def test_a_provider_that_does_not_answer_is_said_to_be_away() -> None:
    login = Login()

    def away(*asked: Any) -> tuple[int, bytes]:
        raise OAuthRefused("x", "y")

    login.party._ask = away
    with pytest.raises(LoginProviderAway):
        login.party.begin(BACK, "/")


def test_keys_are_asked_for_again_when_the_provider_has_changed_them() -> None:
    login = Login()
    login.citizen()
    login.standin.parts.keys.rotate(at_once=True)
    login.clock.advance(timedelta(seconds=61))
    login.standin.parts.keys.rotate(at_once=True)
    assert login.citizen().number == NUMBER


def test_the_page_of_the_stand_in_says_what_it_is_before_anything_else() -> None:
    login = Login()
    from urllib.parse import urlsplit

    from tests.support.asgi import ask

    address, _ = login.party.begin(BACK, "/")
    parts = urlsplit(address)
    page = ask(login.standin.app, "GET", f"{parts.path}?{parts.query}",
               headers={"host": parts.netloc})  # fmt: skip
    text = page.body.decode()
    assert text.index("không phải VNeID") < text.index("<form")
    assert "not VNeID" in text and "<script" not in text
    assert "default-src 'none'" in page.headers["content-security-policy"]
