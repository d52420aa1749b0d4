"""What one client, and all together, may ask of this process at a time.

Who asks too much is refused with 429 and told when to come again; where all together ask
too much, whoever comes next gets 503. A refusal costs next to nothing: no thread, no body.
Clients are told apart by their address. Figures are those of one worker process, so with
N workers a client has up to N times as much.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import LimitSettings
from trucyte.web.api import asgi
from trucyte.web.api.outcome import outcome_of
from trucyte.web.language import chosen_language

CLIENTS_KEPT: Final = 10_000
INTERACTION: Final = "trucyte.interaction"  # in the scope: what the request is
UNLIMITED: Final = frozenset({"health", "metrics"})  # whoever watches must see a busy node too


class TooManyRequests(Problem):
    """Too many requests in a short time; try again in {seconds} s."""

    kind = Kind.UNAVAILABLE
    code = "too-many-requests"


class TooManyAtOnce(Problem):
    """More than {limit} of your requests are under way; wait for them."""

    kind = Kind.UNAVAILABLE
    code = "too-many-at-once"


class NodeBusy(Problem):
    """The node is busy; nothing was done. Try again in {seconds} s."""

    kind = Kind.UNAVAILABLE
    code = "node-busy"


@dataclass(slots=True)
class Bucket:
    """What one client has left."""

    tokens: float
    at: float
    running: int = 0


@dataclass(slots=True)
class Clients:
    """Who asks how much. For one event loop."""

    limits: LimitSettings
    now: Callable[[], float] = time.monotonic
    running: int = 0
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def enter(self, address: str) -> Bucket:
        """Count a request in. Raises NodeBusy, TooManyAtOnce, TooManyRequests."""
        limits, now = self.limits, self.now()
        if self.running >= limits.running_max:
            raise NodeBusy(seconds=1)
        bucket = self.buckets.get(address) or self._new(address, now)
        if bucket.running >= limits.running_per_client:
            raise TooManyAtOnce(limit=limits.running_per_client)
        gained = (now - bucket.at) * limits.requests_per_second
        bucket.tokens = min(bucket.tokens + gained, float(limits.requests_burst))
        bucket.at = now
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / limits.requests_per_second
            raise TooManyRequests(seconds=max(1, round(wait + 0.5)))
        bucket.tokens -= 1
        bucket.running += 1
        self.running += 1
        return bucket

    def leave(self, bucket: Bucket) -> None:
        """Count a request out."""
        bucket.running -= 1
        self.running -= 1

    def _new(self, address: str, now: float) -> Bucket:
        if len(self.buckets) >= CLIENTS_KEPT:
            self._forget(now)
        bucket = self.buckets[address] = Bucket(float(self.limits.requests_burst), now)
        return bucket

    def _forget(self, now: float) -> None:
        """Forget who asks nothing and would have a full bucket; the oldest, if need be."""
        seconds = self.limits.requests_burst / self.limits.requests_per_second
        idle = [a for a, b in self.buckets.items() if not b.running and now - b.at > seconds]
        for address in idle:
            del self.buckets[address]
        if len(self.buckets) >= CLIENTS_KEPT:
            quiet = sorted((b.at, a) for a, b in self.buckets.items() if not b.running)
            for _, address in quiet[: CLIENTS_KEPT // 10]:
                del self.buckets[address]


_LIMIT_OF: Final = {
    TooManyRequests: "rate",
    TooManyAtOnce: "client-busy",
    NodeBusy: "node-busy",
    asgi.BodyTooLarge: "too-large",
}


class Limited:
    """An application that asks too much of nobody."""

    def __init__(
        self, app: asgi.Application, limits: LimitSettings, refused: Callable[[str], None]
    ) -> None:
        """Hold the clients of `app` to `limits`; `refused` is told which one a client met."""
        self._app = app
        self._limits = limits
        self._clients = Clients(limits)
        self._refused = refused

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope.get(INTERACTION) in UNLIMITED:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        try:
            self._check_size(scope)
            bucket = self._clients.enter(client[0] if client else "")
        except Problem as problem:
            self._refused(_LIMIT_OF[type(problem)])
            await asgi.send_answer(send, _refusal(scope, problem))
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._clients.leave(bucket)

    def _check_size(self, scope: asgi.Scope) -> None:
        """Refuse a body that says itself that it is too large, before any of it is read."""
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                if len(value) > 18 or int(value) > self._limits.body_bytes_max:
                    raise asgi.BodyTooLarge(limit=self._limits.body_bytes_max)
                return


def _refusal(scope: asgi.Scope, problem: Problem) -> asgi.Answer:
    """Return a refusal as an OperationOutcome, and hang up: a body may be on its way."""
    if isinstance(problem, TooManyRequests | TooManyAtOnce):
        status = 429
    else:
        status = asgi.status_of(problem)
    accepted = asgi.headers_of(scope).get("accept-language", "")
    body = orjson.dumps(outcome_of(problem, chosen_language(None, None, accepted)))
    headers = [("connection", "close")] if isinstance(problem, asgi.BodyTooLarge) else []
    if status != 413:
        headers.append(("retry-after", str(problem.facts.get("seconds", 1))))
    return asgi.Answer(status, body, "application/fhir+json; charset=utf-8", headers)
