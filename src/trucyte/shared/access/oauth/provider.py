"""The provider: gives, renews, explains and revokes tokens (OAuth 2.1, OpenID Connect).

An authorization code and a refresh token count once. One that comes a second time was
stolen from somebody, so all that was given with it ends (RFC 6749 §4.1.2, RFC 9700 §4.14).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from trucyte.base.clock import Clock
from trucyte.shared.access.oauth import scopes as smart
from trucyte.shared.access.oauth.asked import Asked, Reply
from trucyte.shared.access.oauth.clients import Authentication
from trucyte.shared.access.oauth.keys import SigningKeys
from trucyte.shared.access.oauth.proof import Proofs
from trucyte.shared.access.oauth.records import Client, Delegation, Store, Ticket
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.subjects import Current, again, as_it_was, current_of
from trucyte.shared.access.oauth.tokens import (
    Claims,
    Malformed,
    check_times,
    digest,
    half_hash,
    is_for,
    is_pkce,
    new_secret,
    read_signed,
    signed,
    text_of,
)
from trucyte.shared.access.subject import Subject

APP_SECONDS: Final = 600
SYSTEM_SECONDS: Final = 300  # SMART Backend Services, 3.2: at most five minutes
REFRESH_LIFE: Final = timedelta(days=30)
_PURGE_EVERY: Final = timedelta(minutes=10)
CODE_SECONDS: Final = 60
_SAID: Final = {"code": "code", "refresh": "refresh token"}
ACCESS_TYPE: Final = "at+jwt"  # RFC 9068

PersonClaims = Callable[[Subject, Sequence[str], Asked], Mapping[str, Any]]


class Code(msgspec.Struct, frozen=True):
    """What an authorization code stands for."""

    redirect: str
    challenge: str
    nonce: str
    scopes: list[str]
    made_at: int  # seconds since 1970
    dpop: str = ""  # thumbprint it was asked for with (RFC 9449 §10)


class Refresh(msgspec.Struct, frozen=True):
    """What a refresh token stands for."""

    scopes: list[str]
    binding: dict[str, str]


def plain_claims(subject: Subject, scopes: Sequence[str], asked: Asked) -> Mapping[str, Any]:
    """Return what an ID token says of an account: which resource it is, if any."""
    if "fhirUser" not in scopes:
        return {}
    reference = subject.practitioner or (subject.account if subject.kind == "citizen" else "")
    return {"fhirUser": f"{asked.audience}/{reference}"} if reference else {}


def level(assurance: int) -> str:
    """Return how surely a person was known, as `acr`."""
    return f"urn:trucyte:loa:{assurance}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a provider is made of."""

    store: Store
    keys: SigningKeys
    clients: Authentication
    proofs: Proofs
    clock: Clock
    claims: PersonClaims = plain_claims
    level: Callable[[int], str] = level
    current: Current = as_it_was  # an account as it is now


class Provider:
    """The endpoints that programs ask. Safe to share between threads."""

    def __init__(self, parts: Parts) -> None:
        """Answer with `parts`."""
        self.parts = parts
        self._purged_at: datetime | None = None

    def token(self, asked: Asked) -> Reply:
        """Answer the token endpoint. Raises OAuthRefused."""
        self._purge()
        client = self.parts.clients.client(asked)
        grant = asked.form.get("grant_type", "")
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            "client_credentials": self._by_itself,
        }
        if grant not in grants:
            raise OAuthRefused("unsupported_grant_type", "this grant is not given here")
        binding = self._binding(asked, client)
        return Reply(200, grants[grant](asked, client, binding), [("Cache-Control", "no-store")])

    def introspect(self, asked: Asked) -> Reply:
        """Say what a token is worth (RFC 7662), to the application it is of."""
        client = self.parts.clients.client(asked)
        if not client.is_confidential:
            raise OAuthRefused("invalid_client", "the application must prove itself")
        claims = self._worth(asked, asked.form.get("token", ""))
        may = client.id == (claims or {}).get("client_id") or smart.INTROSPECT in client.scopes
        if claims is None or not may:
            return Reply(200, {"active": False})
        shown = ("iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "cnf")
        told = {name: claims[name] for name in shown if name in claims}
        kind = "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"
        return Reply(200, {"active": True, "token_type": kind, **told})

    def revoke(self, asked: Asked) -> Reply:
        """End a token (RFC 7009): a refresh token with all that was given by it."""
        client = self.parts.clients.client(asked)
        text, now = asked.form.get("token", ""), self.parts.clock.now()
        store = self.parts.store
        ticket = store.look("refresh", digest(text), now)
        if ticket is not None and ticket.client == client.id:
            store.end_delegation(ticket.delegation, now)
            return Reply(200, {})
        claims = self.claims_of(text)
        if claims is not None and claims.get("client_id") == client.id:
            store.revoke(f"t:{text_of(claims, 'jti')}", now)
        return Reply(200, {})  # nobody learns whether a token was one

    def claims_of(self, text: str) -> Claims | None:
        """Return the claims of an access token of ours that has not expired, or None."""
        try:
            _, claims = read_signed(
                text,
                lambda header, _: self.parts.keys.public(header.get("kid")),
                algorithms=("ES256",),
                types=(ACCESS_TYPE,),
            )
            check_times(claims, self.parts.clock.now())
        except Malformed:
            return None
        return claims

    def userinfo(self, asked: Asked, subject: Subject) -> Reply:
        """Say who a token's account is (OpenID Connect Core §5.3)."""
        scopes = subject.scopes or ()
        if "openid" not in scopes:
            raise OAuthRefused("insufficient_scope", "the token is not of OpenID Connect")
        told = self.parts.claims(subject, scopes, asked)
        return Reply(200, {"sub": subject.account, **told})

    def _worth(self, asked: Asked, text: str) -> Claims | None:
        now, store = self.parts.clock.now(), self.parts.store
        claims = self.claims_of(text)
        if claims is None or claims.get("iss") != asked.issuer:
            return None
        if not is_for(claims, asked.audience) or is_revoked(claims, store.revoked(now)):
            return None
        delegation = text_of(claims, "dlg")
        if delegation and store.delegation(delegation, now) is None:
            return None
        return claims

    def _binding(self, asked: Asked, client: Client) -> dict[str, str]:
        """Return what the tokens of this request are bound to. Raises OAuthRefused."""
        bound: dict[str, str] = {}
        proof = asked.headers.get("dpop")
        if proof is not None:
            bound["jkt"] = self.parts.proofs.thumbprint(proof, method="POST", url=asked.url)
        if asked.certificate:
            bound["x5t#S256"] = asked.certificate
        if client.binding == "dpop" and "jkt" not in bound:
            raise OAuthRefused("invalid_dpop_proof", "this application must prove its key")
        if client.binding == "mtls" and "x5t#S256" not in bound:
            raise OAuthRefused("invalid_client", "this application must show its certificate")
        return bound

    def _by_code(self, asked: Asked, client: Client, bound: dict[str, str]) -> dict[str, Any]:
        form, now, store = asked.form, self.parts.clock.now(), self.parts.store
        ticket, delegation = self._first_use("code", form.get("code", ""), client)
        code = msgspec.json.decode(ticket.body, type=Code)
        if now.timestamp() - code.made_at > CODE_SECONDS:
            raise OAuthRefused("invalid_grant", "the code has expired")
        fine = (
            form.get("redirect_uri", "") == code.redirect
            and is_pkce(form.get("code_verifier", ""), code.challenge)
            and code.dpop in ("", bound.get("jkt"))
        )
        if not fine:
            store.end_delegation(ticket.delegation, now)
            raise OAuthRefused("invalid_grant", "the code is not of this request")
        answer = self._given(asked, delegation, code.scopes, bound)
        if "openid" in code.scopes:
            answer["id_token"] = self._id_token(asked, delegation, code, answer["access_token"])
        return answer

    def _by_refresh(self, asked: Asked, client: Client, bound: dict[str, str]) -> dict[str, Any]:
        text, now = asked.form.get("refresh_token", ""), self.parts.clock.now()
        words = smart.words_of(asked.form.get("scope", ""))
        seen = self.parts.store.look("refresh", digest(text), now)
        given: Sequence[str] = ()
        if seen is not None and seen.client == client.id:
            before = msgspec.json.decode(seen.body, type=Refresh)
            if any(bound.get(name) != value for name, value in before.binding.items()):
                raise OAuthRefused("invalid_grant", "the refresh token is bound to another key")
            given = smart.granted(words, before.scopes) if words else tuple(before.scopes)
            if words is None or not _are_within(words, before.scopes):
                raise OAuthRefused("invalid_scope", "the scopes go beyond what was allowed")
        _, delegation = self._first_use("refresh", text, client)
        return self._given(asked, delegation, given, bound)

    def _first_use(
        self, kind: Literal["code", "refresh"], text: str, client: Client
    ) -> tuple[Ticket, Delegation]:
        """Use a secret up; a second use ends all that was given by it. Raises OAuthRefused."""
        now, store = self.parts.clock.now(), self.parts.store
        seen = store.look(kind, digest(text), now)
        if seen is not None and seen.client != client.id:  # stays good for whom it is
            raise OAuthRefused("invalid_grant", f"the {_SAID[kind]} is unknown or has expired")
        ticket = store.take(kind, digest(text), now)
        if ticket is None or ticket.client != client.id:
            raise OAuthRefused("invalid_grant", f"the {_SAID[kind]} is unknown or has expired")
        delegation = store.delegation(ticket.delegation, now)
        if ticket.uses > 1 or delegation is None:
            store.end_delegation(ticket.delegation, now)
            raise OAuthRefused("invalid_grant", f"the {_SAID[kind]} was used before, or has ended")
        if current_of(self.parts.current, delegation, delegation.scopes) is None:
            store.end_delegation(ticket.delegation, now)
            raise OAuthRefused("invalid_grant", "the account has ended, or logged out")
        return ticket, delegation

    def _by_itself(self, asked: Asked, client: Client, bound: dict[str, str]) -> dict[str, Any]:
        if client.kind != "system":
            raise OAuthRefused("unauthorized_client", "this application acts for people only")
        words = smart.words_of(asked.form.get("scope", ""))
        if not words:
            raise OAuthRefused("invalid_scope", "scopes must be asked for")
        given = [
            str(one)
            for one in smart.scopes_in(smart.granted(words, client.scopes))
            if one.context == "system"
        ]
        if not given:
            raise OAuthRefused("invalid_scope", "none of these scopes may be given")
        claims = {"sub": client.id, "client_id": client.id, "scope": " ".join(given)}
        token = self._access_token(asked, claims, bound, SYSTEM_SECONDS)
        return _answer(token, given, SYSTEM_SECONDS, bound)

    def _given(
        self, asked: Asked, delegation: Delegation, scopes: Sequence[str], bound: dict[str, str]
    ) -> dict[str, Any]:
        """Return an access token, and a refresh token where one was allowed."""
        claims: Claims = {
            "sub": delegation.account,
            "client_id": delegation.client,
            "scope": " ".join(scopes),
            "dlg": delegation.id,
        }
        token = self._access_token(asked, claims, bound, APP_SECONDS)
        answer = _answer(token, scopes, APP_SECONDS, bound)
        context: dict[str, Any] = msgspec.json.decode(delegation.context)
        answer |= {name: context[name] for name in ("patient", "encounter") if context.get(name)}
        if {"offline_access", "online_access"} & set(scopes):
            answer["refresh_token"] = text = new_secret()
            body = msgspec.json.encode(Refresh(list(scopes), bound))
            self.parts.store.put(
                "refresh",
                digest(text),
                body,
                client=delegation.client,
                delegation=delegation.id,
                ends_at=delegation.ends_at,
            )
        return answer

    def _access_token(
        self, asked: Asked, claims: Claims, bound: dict[str, str], seconds: int
    ) -> str:
        now = int(self.parts.clock.now().timestamp())
        whole: Claims = {
            "iss": asked.issuer,
            "aud": asked.audience,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": new_secret(),
            **claims,
        }
        if bound:
            whole["cnf"] = bound
        return signed(whole, self.parts.keys.current(), typ=ACCESS_TYPE)

    def _id_token(self, asked: Asked, delegation: Delegation, code: Code, token: str) -> str:
        now = int(self.parts.clock.now().timestamp())
        subject = again(delegation.subject, scopes=code.scopes, client=delegation.client)
        claims: Claims = {
            "iss": asked.issuer,
            "sub": delegation.account,
            "aud": delegation.client,
            "iat": now,
            "exp": now + APP_SECONDS,
            "auth_time": code.made_at,
            "acr": self.parts.level(subject.assurance),
            "at_hash": half_hash(token),
            **self.parts.claims(subject, code.scopes, asked),
        }
        if code.nonce:
            claims["nonce"] = code.nonce
        return signed(claims, self.parts.keys.current(), typ="JWT")

    def _purge(self) -> None:
        now = self.parts.clock.now()
        if self._purged_at is None or now - self._purged_at >= _PURGE_EVERY:
            self._purged_at = now
            self.parts.store.purge(now)


def _are_within(words: Sequence[str], allowed: Sequence[str]) -> bool:
    """Say whether nothing is asked for that was not allowed (RFC 6749 §6)."""
    whole = {str(smart.read_scope(word) or word) for word in words}
    return whole <= set(smart.granted(words, allowed))


def is_revoked(claims: Claims, revoked: Mapping[str, float]) -> bool:
    """Say whether a token was revoked: itself, what it was given by, or its application."""
    ids = (f"t:{claims.get('jti')}", f"d:{claims.get('dlg')}", f"c:{claims.get('client_id')}")
    return any(revoked.get(id, -1.0) >= int(claims.get("iat", 0)) for id in ids)


def _answer(
    token: str, scopes: Sequence[str], seconds: int, bound: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "access_token": token,
        "token_type": "DPoP" if "jkt" in bound else "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes),
    }
