"""The stand-in as one ASGI application: our own provider, with people who do not exist.

It speaks OpenID Connect as VNeID-style login does, so that a node's way through a provider
of others can be walked whole. Everything is in memory and ends with the process.
"""

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from trucyte.base.clock import Clock, SystemClock
from trucyte.shared.access.oauth.asked import Asked, Reply, read_form, refusal
from trucyte.shared.access.oauth.authorizing import Answered, Authorizing, denied
from trucyte.shared.access.oauth.clients import Authentication, KeySets, nothing_is_fetched
from trucyte.shared.access.oauth.discovery import metadata
from trucyte.shared.access.oauth.keys import SigningKeys
from trucyte.shared.access.oauth.memory import MemoryStore
from trucyte.shared.access.oauth.proof import Proofs
from trucyte.shared.access.oauth.provider import Parts, Provider
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.refusal import NonceNeeded, OAuthRefused
from trucyte.shared.access.subject import Subject
from trucyte.standins.vneid.page import STYLE, login_page, trouble_page
from trucyte.standins.vneid.people import People

SCOPES: Final = ("openid", "profile", "personal_number")
BODY_BYTES_MAX: Final = 64 * 1024
_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()


class StandIn:
    """The provider of invented people."""

    def __init__(
        self, client: Client, people: People | None = None, clock: Clock | None = None
    ) -> None:
        """Know one application, and `people`."""
        self.people = people or People()
        self.client = replace(client, scopes=SCOPES)
        clock, store = clock or SystemClock(), MemoryStore()
        store.add_client(self.client)
        self.parts = Parts(
            store=store,
            keys=SigningKeys(store, secrets.token_bytes(32), clock),
            clients=Authentication(store, KeySets(nothing_is_fetched, clock), clock),
            proofs=Proofs(store.once, secrets.token_bytes(32), clock),
            clock=clock,
            claims=self._claims,
            level="urn:trucyte:vneid:level:{}".format,
        )
        self.provider = Provider(self.parts)
        self.authorizing = Authorizing(self.parts)
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/oauth/jwks", self._jwks),
                Route("/oauth/token", self._posted(self.provider.token), methods=["POST"]),
                Route("/oauth/par", self._posted(self.authorizing.push), methods=["POST"]),
                Route("/oauth/authorize", self._ask),
                Route("/oauth/authorize", self._answer, methods=["POST"]),
            ]
        )

    def _claims(self, subject: Subject, scopes: Sequence[str], asked: Asked) -> Mapping[str, Any]:
        person = self.people.find(subject.account)
        if person is None:
            return {}
        profile = {"name": person.name, "birthdate": person.born}
        number = {"personal_number": person.number}
        return (profile if "profile" in scopes else {}) | (
            number if "personal_number" in scopes else {}
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(dict(metadata(_issuer(request), SCOPES)))

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(dict(self.parts.keys.jwks()))

    def _posted(self, endpoint: Callable[[Asked], Reply]) -> Callable[[Request], Any]:
        async def answered(request: Request) -> Response:
            try:
                asked = _asked(request, await _body(request))
                reply = await run_in_threadpool(endpoint, asked)
            except NonceNeeded as needed:
                reply = refusal(needed, nonce=needed.nonce)
            except OAuthRefused as refused:
                reply = refusal(refused)
            return JSONResponse(
                dict(reply.body), status_code=reply.status, headers=dict(reply.headers)
            )

        return answered

    async def _ask(self, request: Request) -> Response:
        try:
            wanted = self.authorizing.wanted(_asked(request, request.url.query))
        except Answered as answered:
            return RedirectResponse(answered.address, status_code=303)
        except OAuthRefused as refused:
            return _page(trouble_page(refused.reason), status=400)
        secret = self.authorizing.ask(wanted)
        return _page(
            login_page(self.people.listed, secret, self.client.name), self.client.redirects
        )

    async def _answer(self, request: Request) -> Response:
        try:
            form = read_form(await _body(request))
            person = self.people.find(form.get("number", ""))
            known = person.number if person else "nobody"
            level = person.level if person else 0
            subject = Subject(known, "citizen", assurance=level, session="standin")
            wanted = self.authorizing.pending(form.get("secret", ""), subject, uses=True)
            if person is None:
                address = denied(wanted, "access_denied", "nobody logged in")
            else:
                address = self.authorizing.allow(wanted, subject, wanted.scopes, "")
        except OAuthRefused as refused:
            return _page(trouble_page(refused.reason), status=400)
        return RedirectResponse(address, status_code=303)


def _issuer(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def _asked(request: Request, form: bytes | str) -> Asked:
    issuer = _issuer(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = f"{issuer}{request.url.path}"
    return Asked(issuer, url, request.method, read_form(form), headers)


async def _body(request: Request) -> bytes:
    """Return a body that is not too long. Raises OAuthRefused."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise OAuthRefused("invalid_request", "the body is too long")
        parts.append(part)
    return b"".join(parts)


def _page(html: str, redirects: Sequence[str] = (), *, status: int = 200) -> Response:
    origins = " ".join(dict.fromkeys("/".join(one.split("/", 3)[:3]) for one in redirects))
    policy = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self' {origins};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, status_code=status, headers=headers)
