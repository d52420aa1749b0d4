"""A worker: one process that answers requests with everything of its own."""

import asyncio
import socket

import anyio.to_thread
import uvicorn

from trucyte.base.metrics import Meters
from trucyte.base.settings import Settings
from trucyte.node.serve import make_site
from trucyte.node.serving.child import Life
from trucyte.node.serving.figures import (
    CONNECTIONS,
    RECEIVED,
    REFUSED,
    REQUEST_SECONDS,
    REQUESTS,
    SENT,
    UNDER_WAY,
    commits_noted,
    sample_pool,
)
from trucyte.node.serving.lanes import Lanes, open_lanes, sample_lanes
from trucyte.node.serving.line import Rules
from trucyte.node.serving.spans import find_spans
from trucyte.node.wiring import join_node
from trucyte.web.api.asgi import Application
from trucyte.web.api.limits import Limited
from trucyte.web.api.watch import Passed, Watched

PAGE_THREADS = 8  # of the pages; they wait for the disk more than they compute


def work(life: Life) -> None:
    """Answer requests until told to end, then finish those that run."""
    meters, settings = life.meters, life.settings
    opened = join_node(settings, noted=commits_noted(meters))
    with opened as node, open_lanes(settings.serving) as lanes:
        site = make_site(node, metrics=life.board.text)
        rules = Rules(settings.limits, lambda limit: meters.add(REFUSED, limit))
        server = _Server(site_of(site, meters, lanes, settings), rules, life)
        life.sampling(
            lambda: sample_pool(meters, node.database),
            lambda: sample_lanes(meters, lanes),
            lambda: meters.set(CONNECTIONS, value=len(rules.lines)),
        )
        server.run(socket.socket(fileno=life.told.listener))


def site_of(site: Application, meters: Meters, lanes: Lanes, settings: Settings) -> Application:
    """Put limits and the watch around a site."""

    def passed(request: Passed) -> None:
        status = f"{request.status // 100}xx" if request.status >= 200 else "gone"
        meters.add(REQUESTS, request.interaction, status)
        meters.observe(REQUEST_SECONDS, request.interaction, value=request.seconds)
        meters.add(RECEIVED, amount=request.received)
        meters.add(SENT, amount=request.sent)

    limited = Limited(site, settings.limits, lambda limit: meters.add(REFUSED, limit))
    running = lambda step: meters.add(UNDER_WAY, amount=step)  # noqa: E731 - one expression
    return Watched(limited, lanes, passed, find_spans(), running)


class _Server:
    """The HTTP server of a worker; no access log, so no query string is ever written."""

    def __init__(self, site: Application, rules: Rules, life: Life) -> None:
        self._rules = rules
        self._life = life
        self._watch: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            site,
            http=rules.protocol(),
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=life.settings.serving.stop_seconds_max,
            callback_notify=self._started,
            timeout_notify=86_400,
        )
        self._server = uvicorn.Server(config)

    def run(self, listener: socket.socket) -> None:
        self._server.run(sockets=[listener])

    async def _started(self) -> None:
        """Called by the server once it accepts connections."""
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._rules.watch())
            anyio.to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
            self._life.ready()
