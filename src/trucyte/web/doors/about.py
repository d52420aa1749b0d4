"""What a node says of itself to programs: whether it lives, whether it is ready, its figures.

Nothing here holds personal data, and nothing here waits for what the node is busy with.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from trucyte.base.problem import Problem
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, Call, Route

JSON: Final = "application/json; charset=utf-8"
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
PATHS: Final = ("/health/live", "/health/ready", "/metrics", "/api/openapi.json")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be worked on: each check by name, True where it holds."""

    checks: Mapping[str, bool]

    @property
    def is_ready(self) -> bool:
        """Say whether all hold."""
        return all(self.checks.values())


@dataclass(frozen=True, slots=True)
class About:
    """What is asked to answer."""

    ready: Callable[[], Readiness]
    metrics: Callable[[], str]
    openapi: Callable[[], bytes]


class AboutApi:
    """The paths as one ASGI application."""

    def __init__(self, about: About) -> None:
        """Answer from `about`."""
        self._about = about
        self.routes = (
            _route("/health/live", self._live),
            _route("/health/ready", self._ready),
            _route("/metrics", self._metrics),
            _route("/api/openapi.json", self._openapi),
        )

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request, in threads that no other work takes."""
        is_head = scope["method"] == "HEAD"
        try:
            method = "GET" if is_head else scope["method"]
            handler, places = asgi.matched(self.routes, method, scope["path"])
            call = asgi.call_of(scope, places, b"")
            answer = await asyncio.to_thread(handler, call)
        except Problem as problem:
            status = asgi.status_of(problem)
            answer = Answer(status, orjson.dumps({"problem": problem.code}), JSON)
        await asgi.send_answer(send, answer, without_body=is_head)

    def _live(self, call: Call) -> Answer:
        return Answer(200, b'{"live":true}', JSON)

    def _ready(self, call: Call) -> Answer:
        found = self._about.ready()
        body = orjson.dumps({"ready": found.is_ready, "checks": dict(found.checks)})
        return Answer(200 if found.is_ready else 503, body, JSON)

    def _metrics(self, call: Call) -> Answer:
        return Answer(200, self._about.metrics().encode(), PROMETHEUS)

    def _openapi(self, call: Call) -> Answer:
        return Answer(200, self._about.openapi(), JSON)


def _route(path: str, handler: asgi.Handler) -> Route:
    return Route("GET", re.compile(re.escape(path)), handler)
