"""The endpoints of OAuth that programs ask, and what the provider says of itself.

Beside the pages and without their cookies: nothing here acts for whoever a browser is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from trucyte.base.problem import Problem
from trucyte.shared.access.oauth.asked import Asked, Reply, read_form, refusal
from trucyte.shared.access.oauth.authorizing import Authorizing
from trucyte.shared.access.oauth.checking import TokenCheck
from trucyte.shared.access.oauth.discovery import metadata, smart_configuration
from trucyte.shared.access.oauth.provider import Provider
from trucyte.shared.access.oauth.refusal import (
    BearerRefused,
    NonceNeeded,
    OAuthRefused,
    challenge,
)
from trucyte.shared.audit import Trail
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, Call, Route
from trucyte.web.oauth.place import Place

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
DOOR: Final = "oauth"
BODY_BYTES_MAX: Final = 64 * 1024
PATHS: Final = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/par",
    "/oauth/jwks",
    "/oauth/userinfo",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/fhir/.well-known",
)

Endpoint = Callable[[Asked], Reply]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A node's provider, and what checks its tokens."""

    provider: Provider
    authorizing: Authorizing
    check: TokenCheck
    place: Place


class OAuthDoors:
    """The endpoints as one ASGI application."""

    def __init__(self, tokens: Tokens, trail: Trail) -> None:
        """Answer with `tokens`; enter who got one in `trail`."""
        self._tokens = tokens
        self._trail = trail
        provider = tokens.provider
        self.routes = (
            _route("POST", "/oauth/token", self._posted(self._token)),
            _route("POST", "/oauth/introspect", self._posted(provider.introspect)),
            _route("POST", "/oauth/revoke", self._posted(provider.revoke)),
            _route("POST", "/oauth/par", self._posted(tokens.authorizing.push)),
            _route("GET", "/oauth/jwks", self._jwks),
            _route("GET", "/oauth/userinfo", self._userinfo),
            _route("POST", "/oauth/userinfo", self._userinfo),
            _route("GET", "/.well-known/openid-configuration", self._said(metadata)),
            _route("GET", "/.well-known/oauth-authorization-server", self._said(metadata)),
            _route("GET", "/fhir/.well-known/smart-configuration", self._said(smart_configuration)),
        )

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request."""
        is_head = scope["method"] == "HEAD"
        try:
            method = "GET" if is_head else scope["method"]
            handler, places = asgi.matched(self.routes, method, scope["path"])
            body = await asgi.read_body(receive, size_max=BODY_BYTES_MAX)
            call = asgi.call_of(scope, places, body)
            answer = await asgi.in_thread(lambda: handler(call))
        except asgi.ClientGone:
            return
        except Problem as problem:
            answer = _troubled(problem)
        await asgi.send_answer(send, answer, without_body=is_head)

    def _posted(self, endpoint: Endpoint) -> asgi.Handler:
        def answered(call: Call) -> Answer:
            try:
                kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != FORM or call.query:
                    raise OAuthRefused("invalid_request", "parameters come as a form in the body")
                asked = self._tokens.place.asked(call, read_form(call.body))
                return _written(self._with_nonce(asked, endpoint(asked)))
            except NonceNeeded as needed:
                return _written(refusal(needed, nonce=needed.nonce))
            except OAuthRefused as refused:
                return _written(refusal(refused))

        return answered

    def _token(self, asked: Asked) -> Reply:
        """Give a token, and enter that; a name that no application bears is not kept."""
        said = asked.form.get("client_id", "")
        try:
            reply = self._tokens.provider.token(asked)
        except OAuthRefused as refused:
            client = self._tokens.provider.parts.store.client(said)
            self._trail.logged_in(client.id if client else "", door=DOOR, code=refused.error)
            raise
        claims = self._tokens.provider.claims_of(reply.body["access_token"]) or {}
        client = self._tokens.provider.parts.store.client(claims["client_id"])
        organisation = client.organisation if client else ""
        self._trail.logged_in(claims["sub"], organisation=organisation, door=DOOR)
        return reply

    def _with_nonce(self, asked: Asked, reply: Reply) -> Reply:
        """Return an answer with the next nonce for whoever proves a key."""
        if "dpop" not in asked.headers:
            return reply
        nonce = ("DPoP-Nonce", self._tokens.provider.parts.proofs.nonce())
        return Reply(reply.status, reply.body, [*reply.headers, nonce])

    def _jwks(self, call: Call) -> Answer:
        return _written(Reply(200, self._tokens.provider.parts.keys.jwks()))

    def _userinfo(self, call: Call) -> Answer:
        asked = self._tokens.place.asked(call, {})
        try:
            scheme, text = bearer(call.headers.get("authorization", ""))
            held = self._tokens.check.held(text, asked, scheme=scheme)
            return _written(self._tokens.provider.userinfo(asked, held.subject))
        except BearerRefused as refused:
            body = {"error": refused.error}
            return _written(Reply(401, body, challenge(refused)))
        except OAuthRefused as refused:
            return _written(refusal(refused))

    def _said(self, document: Callable[[str], Mapping[str, Any]]) -> asgi.Handler:
        def answered(call: Call) -> Answer:
            return _written(Reply(200, document(self._tokens.place.of(call.scheme, call.headers))))

        return answered


def bearer(header: str) -> tuple[str, str]:
    """Return scheme, in lower case, and token of a header. Raises BearerRefused."""
    scheme, _, text = header.partition(" ")
    scheme, text = scheme.lower(), text.strip()
    if scheme not in ("bearer", "dpop") or not text:
        raise BearerRefused("there is none", error="invalid_request")
    return scheme, text


def _written(reply: Reply) -> Answer:
    return Answer(reply.status, orjson.dumps(dict(reply.body)), JSON, list(reply.headers))


def _troubled(problem: Problem) -> Answer:
    """Return the answer to trouble that is not OAuth's own."""
    status = asgi.status_of(problem)
    error = "temporarily_unavailable" if status in (503, 507) else "invalid_request"
    return Answer(status, orjson.dumps({"error": error}), JSON)


def _route(method: str, path: str, handler: asgi.Handler) -> Route:
    return Route(method, re.compile(re.escape(path)), handler)
