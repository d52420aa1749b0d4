"""Log a citizen in by a provider of others: OpenID Connect with PKCE, nonce and `iss`.

What the provider says is believed where its signature, issuer, audience, nonce, times and
level of assurance are right, and each that is not is refused in words of its own. A login
belongs to the browser that began it.
"""

import hmac
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import resources
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from joserfc.jwk import Key

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.oauth.clients import ASSERTION, read_keys
from trucyte.shared.access.oauth.records import Store
from trucyte.shared.access.oauth.tokens import (
    Claims,
    Malformed,
    check_times,
    digest,
    encoded,
    is_for,
    new_secret,
    read_signed,
    signed,
    text_of,
)

LOGIN_LIFE: Final = timedelta(minutes=10)
ALGORITHMS: Final = ("ES256", "ES384", "RS256", "PS256")
_KEPT: Final = timedelta(minutes=10)
_KEYS_SOONEST: Final = timedelta(seconds=30)
_AGE_MAX: Final = timedelta(minutes=10)  # since the person proved who they are

# Method, address, headers, body -> status and answer; judges the address first.
Ask = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]


class LoginNotOffered(Problem):
    """This node has no provider for citizens to log in with."""

    kind = Kind.UNSUPPORTED
    code = "login-not-offered"


class LoginNotBegun(Problem):
    """This login was not begun in this browser, or took too long; begin it again."""

    kind = Kind.UNAUTHENTICATED
    code = "login-not-begun"


class LoginDeclined(Problem):
    """The provider ended the login without saying who you are; nothing was opened."""

    kind = Kind.UNAUTHENTICATED
    code = "login-declined"


class LoginWrongIssuer(Problem):
    """The answer is not from the provider that was asked, so it is not believed."""

    kind = Kind.UNAUTHENTICATED
    code = "login-wrong-issuer"


class LoginExpired(Problem):
    """The provider's answer has expired; log in again."""

    kind = Kind.UNAUTHENTICATED
    code = "login-expired"


class LoginNotBelieved(Problem):
    """The provider's answer is not believed: {reason}."""

    kind = Kind.UNAUTHENTICATED
    code = "login-not-believed"


class LevelTooLow(Problem):
    """Your account is of level {level}; a health record opens from level {needed} on."""

    kind = Kind.FORBIDDEN
    code = "login-level-too-low"


class LoginProviderAway(Problem):
    """The provider does not answer now; try again in a few minutes."""

    kind = Kind.UNAVAILABLE
    code = "login-provider-away"


class CitizenUnknown(Problem):
    """There is no record of this personal number here; ask at the desk of a facility."""

    kind = Kind.NOT_FOUND
    code = "login-citizen-unknown"


class CitizenAmbiguous(Problem):
    """Several records bear this personal number; a facility must join or part them first."""

    kind = Kind.CONFLICT
    code = "login-citizen-ambiguous"


@dataclass(frozen=True, slots=True)
class Terms:
    """Which provider, and what is asked of it."""

    issuer: str
    client_id: str
    level: int  # least level of assurance
    key: Key | None = None  # None: a public client


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who the provider says it is."""

    number: str  # personal number, 12 digits
    born: str  # YYYY-MM-DD, "" where it is not said
    level: int
    then: str  # the page to go to


class _Begun(msgspec.Struct, frozen=True):
    nonce: str
    verifier: str
    then: str
    redirect: str


@dataclass(frozen=True, slots=True)
class Vneid:
    """What a provider of that kind calls things."""

    scope: str
    number: str
    born: str
    levels: Mapping[str, int]


def load_words() -> Vneid:
    """Return what VNeID-style providers call things, as far as it is known."""
    text = resources.files("trucyte.shared.access.oauth").joinpath("vneid.toml").read_text("utf-8")
    told = tomllib.loads(text)
    claims = told["claims"]
    return Vneid(told["scope"], claims["number"], claims["born"], told["levels"])


class RelyingParty:
    """Begins and finishes logins. Safe to share between threads."""

    def __init__(self, terms: Terms, store: Store, ask: Ask, clock: Clock) -> None:
        """Ask the provider of `terms`; what was begun lies in `store`."""
        self.terms = terms
        self._store = store
        self._ask = ask
        self._clock = clock
        self._words = load_words()
        self._mutex = Lock()
        self._metadata: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, Mapping[str, Key]] | None = None

    def begin(self, redirect: str, then: str) -> tuple[str, str]:
        """Return the address to send the browser to, and the state it must keep.

        Raises LoginProviderAway, LoginWrongIssuer.
        """
        endpoint = text_of(dict(self._told()), "authorization_endpoint")
        state, verifier, nonce = new_secret(), new_secret(), new_secret()
        body = msgspec.json.encode(_Begun(nonce, verifier, then, redirect))
        ends_at = self._clock.now() + LOGIN_LIFE
        self._store.put("login", digest(state), body, ends_at=ends_at)
        asked = {
            "response_type": "code",
            "client_id": self.terms.client_id,
            "redirect_uri": redirect,
            "scope": self._words.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": encoded(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "acr_values": self._acr(),
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", state

    def finish(self, said: Mapping[str, str], kept_state: str) -> Citizen:
        """Return who came back. Raises a Problem of this module.

        `said` are the fields of the answer, `kept_state` is what the browser kept.
        """
        state = said.get("state", "")
        if not state or not hmac.compare_digest(state.encode(), kept_state.encode()):
            raise LoginNotBegun
        ticket = self._store.take("login", digest(state), self._clock.now())
        if ticket is None or ticket.uses > 1:
            raise LoginNotBegun
        begun = msgspec.json.decode(ticket.body, type=_Begun)
        told = self._told()
        # An answer that does not say whose it is may be another provider's (RFC 9207 §2.4).
        needs_issuer = told.get("authorization_response_iss_parameter_supported") is True
        if said.get("iss", "" if needs_issuer else self.terms.issuer) != self.terms.issuer:
            raise LoginWrongIssuer
        if "code" not in said:
            raise LoginDeclined
        claims = self._believed(self._exchanged(said["code"], begun, told), begun)
        return self._citizen(claims, begun)

    def _citizen(self, claims: Claims, begun: _Begun) -> Citizen:
        level = self._words.levels.get(text_of(claims, "acr"), 0)
        if level < self.terms.level:
            raise LevelTooLow(level=level, needed=self.terms.level)
        number = text_of(claims, self._words.number)
        if not (len(number) == 12 and number.isascii() and number.isdigit()):
            raise LoginNotBelieved(reason="it says no personal number")
        return Citizen(number, text_of(claims, self._words.born), level, begun.then)

    def _exchanged(self, code: str, begun: _Begun, told: Mapping[str, Any]) -> str:
        endpoint = text_of(dict(told), "token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.redirect,
            "code_verifier": begun.verifier,
            "client_id": self.terms.client_id,
        }
        if self.terms.key is not None:
            form |= {
                "client_assertion_type": ASSERTION,
                "client_assertion": self._assertion(self.terms.key, endpoint),
            }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        status, answer = self._asked("POST", endpoint, headers, urlencode(form).encode())
        if status != 200:
            raise LoginNotBelieved(reason="the provider does not give its token")
        return text_of(_object(answer), "id_token")

    def _believed(self, text: str, begun: _Begun) -> Claims:
        """Return the claims of an ID token (OpenID Connect Core §3.1.3.7)."""
        try:
            _, claims = read_signed(
                text, lambda header, _: self._key(header), algorithms=ALGORITHMS
            )
        except Malformed as malformed:
            raise LoginNotBelieved(reason=malformed.reason) from None
        if claims.get("iss") != self.terms.issuer:
            raise LoginWrongIssuer
        if not is_for(claims, self.terms.client_id):
            raise LoginNotBelieved(reason="it is for another application")
        is_list = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
        if claims.get("azp", "" if is_list else self.terms.client_id) != self.terms.client_id:
            raise LoginNotBelieved(reason="it is for another application")
        if not hmac.compare_digest(text_of(claims, "nonce").encode(), begun.nonce.encode()):
            raise LoginNotBelieved(reason="it answers another question")
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Claims) -> None:
        try:
            check_times(claims, self._clock.now())
        except Malformed as malformed:
            if "expired" in malformed.reason:
                raise LoginExpired from None
            raise LoginNotBelieved(reason=malformed.reason) from None
        said = claims.get("iat")
        if not isinstance(said, int | float) or isinstance(said, bool):
            raise LoginNotBelieved(reason="it does not say when it was made")
        if self._clock.now().timestamp() - said > _AGE_MAX.total_seconds():
            raise LoginExpired

    def _assertion(self, key: Key, endpoint: str) -> str:
        now = int(self._clock.now().timestamp())
        claims: Claims = {
            "iss": self.terms.client_id,
            "sub": self.terms.client_id,
            "aud": endpoint,
            "iat": now,
            "exp": now + 60,
            "jti": new_secret(),
        }
        return signed(
            claims, key, typ="JWT", algorithm="ES256" if key.key_type == "EC" else "RS256"
        )

    def _acr(self) -> str:
        fit = [acr for acr, level in self._words.levels.items() if level >= self.terms.level]
        return " ".join(fit)

    def _told(self) -> Mapping[str, Any]:
        """Return the provider's metadata, asked for again after a while."""
        now = self._clock.now()
        if self._metadata is None or now - self._metadata[0] >= _KEPT:
            url = self.terms.issuer.removesuffix("/") + "/.well-known/openid-configuration"
            status, answer = self._asked("GET", url, {"Accept": "application/json"}, b"")
            told = _object(answer)
            if status != 200:
                raise LoginProviderAway
            if told.get("issuer") != self.terms.issuer:
                raise LoginWrongIssuer
            self._metadata = (now, told)
        return self._metadata[1]

    def _key(self, header: Mapping[str, Any]) -> Key | None:
        """Return the key a header names; the list is fetched again for one that is new."""
        now, kid = self._clock.now(), header.get("kid")
        with self._mutex:
            age = now - self._keys[0] if self._keys else _KEPT
            known = self._keys[1] if self._keys else {}
            if age >= _KEPT or (kid not in known and age >= _KEYS_SOONEST):
                url = text_of(dict(self._told()), "jwks_uri")
                status, answer = self._asked("GET", url, {"Accept": "application/json"}, b"")
                known = read_keys(answer) if status == 200 else known
                self._keys = (now, known)
        return known.get(kid) if isinstance(kid, str) else None

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        try:
            return self._ask(method, url, headers, body)
        except Problem:
            raise LoginProviderAway from None


def _object(answer: bytes) -> Claims:
    try:
        told = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
