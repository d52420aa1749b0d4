"""Every request as it passes: whose threads it runs in, how long it took, what became of it.

What is told of a request is a word, a status, times and sizes: no path, no query, no id,
no address. Answers that ask a client to come again say when.
"""

import time
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from trucyte.base.tracing import Event, Spans
from trucyte.web.api import asgi
from trucyte.web.api.interaction import Lane, interaction_of, lane_of
from trucyte.web.api.limits import INTERACTION

# Pages write a line of their own; what only looks at the node would fill the log.
QUIET: Final = frozenset({"page", "static", "health", "metrics"})
RETRY_SECONDS: Final = b"2"  # a database that restarts is back about then
_COME_AGAIN: Final = (429, 503)

REQUEST = Event("web.request", interaction=str, status=int, milliseconds=float, bytes=int)


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of one request."""

    interaction: str
    status: int  # 0: nobody was left to answer
    seconds: float
    received: int  # bytes of bodies
    sent: int


class Watched:
    """An application whose requests are watched."""

    def __init__(
        self,
        app: asgi.Application,
        lanes: Mapping[Lane, Executor],
        passed: Callable[[Passed], None],
        spans: Spans,
        running: Callable[[int], None] = lambda step: None,
    ) -> None:
        """Run the work of `app` in `lanes`; tell `passed` of each, `running` of starts and ends."""
        self._app = app
        self._lanes = lanes
        self._passed = passed
        self._spans = spans
        self._running = running

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Pass a request on and tell what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        interaction = interaction_of(scope["method"], scope["path"])
        scope[INTERACTION] = interaction
        asgi.THREADS.set(self._lanes.get(lane_of(interaction)))
        counted = _Counted(receive, send)
        self._running(1)
        began = time.perf_counter()
        try:
            with self._spans.span(interaction, parent=_parent(scope)) as span:
                await self._app(scope, counted.receive, counted.send)
                span.mark(status=counted.status)
        finally:
            self._running(-1)
            self._tell(interaction, counted, time.perf_counter() - began)

    def _tell(self, interaction: str, counted: "_Counted", seconds: float) -> None:
        passed = Passed(interaction, counted.status, seconds, counted.received, counted.sent)
        self._passed(passed)
        if interaction not in QUIET:
            REQUEST.log(
                interaction=interaction,
                status=passed.status,
                milliseconds=round(seconds * 1000, 2),
                bytes=passed.sent,
            )


class _Counted:
    """Both directions of one request, counted."""

    __slots__ = ("_receive", "_send", "received", "sent", "status")

    def __init__(self, receive: asgi.Receive, send: asgi.Send) -> None:
        self._receive = receive
        self._send = send
        self.status = 0
        self.received = self.sent = 0

    async def receive(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status in _COME_AGAIN:
                _say_when(message)
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


def _say_when(message: MutableMapping[str, Any]) -> None:
    """Add when to come again (RFC 9110, 10.2.3), where the answer does not say it."""
    headers = list(message.get("headers", []))
    if not any(name.lower() == b"retry-after" for name, _ in headers):
        message["headers"] = [*headers, (b"retry-after", RETRY_SECONDS)]


def _parent(scope: asgi.Scope) -> str:
    """Return the caller's traceparent; "" where there is none."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return str(value[:64].decode("latin-1"))
    return ""
