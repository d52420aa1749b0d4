"""A worker: one process that answers requests with everything of its own."""

import asyncio
import socket
from functools import partial

import anyio.to_thread
import uvicorn

from trucyte.base.metrics import Meters, State
from trucyte.base.settings import Settings
from trucyte.node.serve import make_site
from trucyte.node.serving.accept import Acceptor, Secured
from trucyte.node.serving.child import Life
from trucyte.node.serving.figures import (
    ACCEPTING,
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
from trucyte.node.serving.tls import hsts_header, server_context
from trucyte.node.wiring import join_node
from trucyte.web.api.asgi import Application
from trucyte.web.api.limits import Limited
from trucyte.web.api.watch import Passed, Watched

PAGE_THREADS = 8  # of the pages; they wait for the disk more than they compute


def work(life: Life) -> None:
    """Answer requests until told to end, then finish those that run."""
    meters, settings = life.meters, life.settings
    opened = join_node(settings, noted=partial(commits_noted, meters))
    with opened as node, open_lanes(settings.serving) as lanes:
        site = make_site(node, metrics=life.board.text)
        rules = Rules(
            settings.limits,
            refused=lambda limit: meters.add(REFUSED, limit),
            counted=lambda lines: meters.set(CONNECTIONS, value=lines),
        )
        life.sampling(
            lambda: sample_pool(meters, node.database),
            lambda: sample_lanes(meters, lanes),
        )
        _Server(site_of(site, meters, lanes, settings), rules, life).run()


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


class _Server(uvicorn.Server):  # the library's own extension point is a subclass
    """The HTTP server of a worker; no access log, so no query string is ever written."""

    def __init__(self, site: Application, rules: Rules, life: Life) -> None:
        self._rules = rules
        self._life = life
        self._listener = socket.socket(fileno=life.told.listener)
        self._acceptor: Acceptor | None = None
        self._watch: asyncio.Task[None] | None = None
        config = uvicorn.Config(
            site,
            http=rules.protocol(),
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            ws_max_size=64 * 1024,
            timeout_graceful_shutdown=life.settings.serving.stop_seconds_max,
            headers=hsts_header(life.settings.web.tls),
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections, in turn with the other workers."""
        await super().startup(sockets=[])  # it would take all that wait
        anyio.to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
        self._watch = asyncio.ensure_future(self._rules.watch())
        self._acceptor = Acceptor(
            self._listener,
            self._protocol,
            own=lambda: len(self._rules.lines),
            least_of_others=self._least_of_others,
            secured=self._secured(),
        )
        self._acceptor.start()
        self._life.meters.set(ACCEPTING, value=1)
        self._life.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, then finish what runs."""
        self._life.meters.enter(State.STOPPING)
        self._life.meters.set(ACCEPTING, value=0)
        if self._acceptor is not None:
            self._acceptor.stop()
        await super().shutdown(sockets=[])

    def _protocol(self) -> asyncio.Protocol:
        return self._rules.protocol()(
            config=self.config, server_state=self.server_state, app_state={}
        )

    def _secured(self) -> Secured | None:
        context = server_context(self._life.settings.web.tls)
        if context is None:
            return None
        seconds_max = self._rules.limits.head_seconds_max
        return Secured(context, seconds_max, self._rules.greet, self._rules.greeted)

    def _least_of_others(self) -> float:
        """Return how many connections the idlest other worker has; endless where this is alone."""
        board, own = self._life.board, self._life.told.slot
        counts = zip(board.of_each(ACCEPTING), board.of_each(CONNECTIONS), strict=True)
        others = (lines for slot, (accepts, lines) in enumerate(counts) if accepts and slot != own)
        return min(others, default=float("inf"))
