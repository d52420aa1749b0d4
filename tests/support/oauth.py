"""A provider in memory, and applications that ask it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from joserfc.jwk import ECKey, Key

from trucyte.base.clock import FixedClock
from trucyte.shared.access.oauth.asked import Asked
from trucyte.shared.access.oauth.authorizing import Authorizing
from trucyte.shared.access.oauth.checking import Held, TokenCheck
from trucyte.shared.access.oauth.clients import (
    ASSERTION,
    Authentication,
    KeySets,
    nothing_is_fetched,
)
from trucyte.shared.access.oauth.keys import SigningKeys
from trucyte.shared.access.oauth.memory import MemoryStore
from trucyte.shared.access.oauth.proof import Proofs, token_hash
from trucyte.shared.access.oauth.provider import Parts, Provider
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.tokens import encoded, new_key, new_secret, signed
from trucyte.shared.access.subject import Subject

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ISSUER = "https://node.example.vn"
REDIRECT = "https://app.example.vn/back"
VERIFIER = "v" * 43
DOCTOR = Subject(
    "bs-mau",
    "staff",
    roles=frozenset({"doctor"}),
    practitioner="Practitioner/bs1",
    session="s1",
    assurance=2,
)
APP_SCOPES = (
    "openid", "fhirUser", "launch", "launch/patient", "offline_access", "online_access",
    "patient/*.rs", "user/Observation.rs", "user/Patient.r",
)  # fmt: skip
KEYS = {"Patient/p1": frozenset({11, 12}), "Patient/p2": frozenset({21})}


def challenge(verifier: str = VERIFIER) -> str:
    from hashlib import sha256

    return encoded(sha256(verifier.encode()).digest())


def key_set(*keys: Key) -> str:
    return msgspec.json.encode({"keys": [key.as_dict(private=False) for key in keys]}).decode()


@dataclass
class World:
    """A provider, its parts, and two applications."""

    store: Any = field(default_factory=MemoryStore)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    key: ECKey = field(default_factory=new_key)  # of the system
    fetch: Any = nothing_is_fetched

    def __post_init__(self) -> None:
        self.keys = SigningKeys(self.store, b"s" * 32, self.clock)
        self.proofs = Proofs(self.store.once, b"n" * 32, self.clock)
        clients = Authentication(self.store, KeySets(self.fetch, self.clock), self.clock)
        self.parts = Parts(self.store, self.keys, clients, self.proofs, self.clock)
        self.provider = Provider(self.parts)
        self.authorizing = Authorizing(self.parts)
        self.check = TokenCheck(self.provider, lambda ref: KEYS.get(ref, frozenset()))
        self.add("app", redirects=(REDIRECT,), scopes=APP_SCOPES)
        self.add(
            "his",
            kind="system",
            scopes=("system/*.rs", "system/Observation.cruds"),
            jwks=key_set(self.key),
            organisation="Organization/79001",
        )

    def add(self, id: str, *, kind: Any = "app", **more: Any) -> Client:
        client = Client(id, id.title(), kind, created_at=self.clock.now(), **more)
        assert self.store.add_client(client)
        return client

    def asked(self, path: str, form: Mapping[str, str], **headers: str) -> Asked:
        return Asked(ISSUER, f"{ISSUER}{path}", "POST", form, headers)

    def assertion(self, *, key: Any = None, algorithm: str = "ES256", **more: Any) -> str:
        at = int(self.clock.now().timestamp())
        claims = {
            "iss": "his", "sub": "his", "aud": f"{ISSUER}/oauth/token",
            "iat": at, "exp": at + 300, "jti": new_secret(),
        }  # fmt: skip
        claims = {name: value for name, value in {**claims, **more}.items() if value is not None}
        return signed(claims, key or self.key, typ="JWT", algorithm=algorithm)

    def proven(self, form: Mapping[str, str], assertion: str = "") -> dict[str, str]:
        text = assertion or self.assertion()
        return {**form, "client_assertion_type": ASSERTION, "client_assertion": text}

    def system_token(self, scope: str = "system/*.rs", **headers: str) -> str:
        form = self.proven({"grant_type": "client_credentials", "scope": scope})
        reply = self.provider.token(self.asked("/oauth/token", form, **headers))
        return str(reply.body["access_token"])

    def request(self, scope: str, /, **more: str | None) -> dict[str, str]:
        form = {
            "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT,
            "scope": scope, "state": "st", "nonce": "no", "aud": f"{ISSUER}/fhir",
            "code_challenge": challenge(), "code_challenge_method": "S256",
        }  # fmt: skip
        whole = {**form, **more}
        return {name: value for name, value in whole.items() if value is not None}

    def code(
        self, scope: str, *, subject: Subject = DOCTOR, patient: str = "", **more: str | None
    ) -> str:
        """Let a person allow all that is asked for; return the code."""
        wanted = self.authorizing.wanted(
            self.asked("/oauth/authorize", self.request(scope, **more))
        )
        secret = self.authorizing.ask(wanted)
        pending = self.authorizing.pending(secret, subject, uses=True)
        address = self.authorizing.allow(pending, subject, pending.scopes, patient)
        return self.said(address)["code"]

    def said(self, address: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def exchange(self, code: str, headers: Mapping[str, str] | None = None, **more: str) -> Any:
        form = {
            "grant_type": "authorization_code", "client_id": "app", "code": code,
            "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
        }  # fmt: skip
        asked = self.asked("/oauth/token", {**form, **more}, **(headers or {}))
        return self.provider.token(asked).body

    def refresh(self, text: str, headers: Mapping[str, str] | None = None, **more: str) -> Any:
        form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": text}
        asked = self.asked("/oauth/token", {**form, **more}, **(headers or {}))
        return self.provider.token(asked).body

    def held(self, token: str, *, scheme: str = "bearer", **headers: str) -> Held:
        url = f"{ISSUER}/fhir/Observation"
        return self.check.held(token, Asked(ISSUER, url, "GET", {}, headers), scheme=scheme)

    def proof(self, key: ECKey, *, method: str, url: str, token: str = "", **more: Any) -> str:
        claims: dict[str, Any] = {
            "htm": method, "htu": url, "iat": int(self.clock.now().timestamp()),
            "jti": new_secret(), "nonce": self.proofs.nonce(),
        }  # fmt: skip
        if token:
            claims["ath"] = token_hash(token)
        claims |= more
        return signed_proof(
            {name: value for name, value in claims.items() if value is not None}, key
        )


def signed_proof(claims: Mapping[str, Any], key: ECKey, **header: Any) -> str:
    from joserfc import jws

    told = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **header}
    told["jwk"] = {n: v for n, v in told["jwk"].items() if n != "kid"}
    return jws.serialize_compact(told, msgspec.json.encode(dict(claims)), key, ["ES256"])
