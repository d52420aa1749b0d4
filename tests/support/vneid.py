"""The stand-in of the citizens' login, and a relying party that asks it in this process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.asgi import ask
from tests.support.oauth import NOW
from trucyte.base.clock import FixedClock
from trucyte.shared.access.oauth.memory import MemoryStore
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.relying import Citizen, RelyingParty, Terms
from trucyte.standins.vneid.app import StandIn

PROVIDER = "http://127.0.0.1:8090"
BACK = "http://127.0.0.1:8080/login/vneid/callback"
NUMBER, LOW = "099190000017", "099170000033"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Login:
    """A login from its begin to its end."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    jwks: str = ""
    key: Any = None
    issuer: str = PROVIDER
    spoil: Callable[[str, bytes], bytes] = lambda path, body: body  # what the provider answers

    def __post_init__(self) -> None:
        known = Client("trucyte", "Trucyte", "app", (BACK,), jwks=self.jwks)
        self.standin = StandIn(known, clock=self.clock)
        self.asked: list[str] = []
        terms = Terms(self.issuer, "trucyte", 2, self.key)
        self.party = RelyingParty(terms, MemoryStore(), self.ask, self.clock)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        parts = urlsplit(url)
        self.asked.append(parts.path)
        reply = ask(
            self.standin.app,
            method,
            parts.path,
            body=body,
            headers={"host": parts.netloc, **{n.lower(): v for n, v in headers.items()}},
        )
        return reply.status, self.spoil(parts.path, reply.body)

    def through(self, number: str = NUMBER, *, then: str = "/me") -> tuple[dict[str, str], str]:
        """Walk through the provider's page; return its answer, and the state that was kept."""
        address, state = self.party.begin(BACK, then)
        return self.answered(address, number), state

    def answered(self, address: str, number: str) -> dict[str, str]:
        parts = urlsplit(address)
        host = {"host": parts.netloc}
        page = ask(self.standin.app, "GET", f"{parts.path}?{parts.query}", headers=host)
        assert page.status == 200, page.body
        secret = page.body.decode().split('name="secret" value="')[1].split('"')[0]
        body = urlencode({"secret": secret, "number": number}).encode()
        reply = ask(self.standin.app, "POST", parts.path, body=body, headers=host | FORM)
        assert reply.status == 303, reply.body
        from urllib.parse import parse_qsl

        return dict(parse_qsl(urlsplit(reply.headers["location"]).query))

    def citizen(self, number: str = NUMBER) -> Citizen:
        return self.party.finish(*self.through(number))
