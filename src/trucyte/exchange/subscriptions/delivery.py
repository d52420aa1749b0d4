"""Tell subscribers: in order for each, side by side for all, again until taken.

One process of a node does this (a lock of the database says which). Each subscription has a
task of its own while there is something to tell, bounded in number for all and for each
host, so that a slow endpoint delays nobody but itself. A failure pauses, longer each time;
after the last one the subscription stands as `error` with the reason.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Stop
from typing import Final

from trucyte.base.problem import Problem
from trucyte.base.tracing import Event as LogEvent
from trucyte.database.connect import Connection, problems_of_the_server
from trucyte.database.jobs import pause_seconds
from trucyte.exchange.subscriptions.addresses import read_target
from trucyte.exchange.subscriptions.definition import Definition
from trucyte.exchange.subscriptions.notice import HANDSHAKE, HEARTBEAT, NOTIFICATION
from trucyte.exchange.subscriptions.post import Poster
from trucyte.exchange.subscriptions.problems import (
    EndpointAway,
    EndpointRefused,
    SubscriptionRefused,
    TopicUnknown,
)
from trucyte.exchange.subscriptions.publish import Publisher
from trucyte.exchange.subscriptions.signing import Signer
from trucyte.exchange.subscriptions.signing import Told as Signed
from trucyte.exchange.subscriptions.statements import statements
from trucyte.exchange.subscriptions.store import CHANNEL, Standing, Status
from trucyte.exchange.subscriptions.telling import Message, Telling

FAILED: Final = LogEvent("subscriptions.failed", logging.WARNING, problem=str, failures=int)
GIVEN_UP: Final = LogEvent("subscriptions.given-up", logging.WARNING, problem=str)
_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard is tried."""

    attempts_max: int = 12
    seconds_max: float = 10.0  # of one request, where the subscription says nothing
    together_max: int = 64
    together_of_host: int = 8
    first_pause_seconds: float = 2.0


class Deliverer:
    """Tells what there is to tell. Runs in one thread, with an event loop of its own."""

    def __init__(
        self, telling: Telling, poster: Poster, signer: Signer, publisher: Publisher, pace: Pace
    ) -> None:
        """Send by `poster`, signed by `signer`."""
        self._telling = telling
        self._store = telling.store
        self._poster = poster
        self._signer = signer
        self._publisher = publisher
        self._pace = pace
        self._random = random.Random()  # noqa: S311 - spreads pauses, guards nothing
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._hosts: Counter[str] = Counter()

    def run(self, stop: Stop, waits: Callable[[Problem], None]) -> None:
        """Tell until `stop` is set; a Problem is told to `waits` and tried again."""
        while not stop.is_set():
            try:
                self._lead(stop)
            except Problem as problem:
                waits(problem)
                stop.wait(_AGAIN_SECONDS)

    def _lead(self, stop: Stop) -> None:
        """Be the one who tells, as soon as nobody else is."""
        with problems_of_the_server():
            connection = self._store.database.connect(autocommit=True)
            try:
                while not stop.is_set():
                    row = connection.execute(statements().lead).fetchone()
                    if row is not None and row[0]:
                        connection.execute(f"listen {CHANNEL}")
                        asyncio.run(self._tell_all(connection, stop))
                        return
                    stop.wait(_LOOK_SECONDS)
            finally:
                connection.close()

    async def _tell_all(self, connection: Connection, stop: Stop) -> None:
        try:
            while not stop.is_set():
                await asyncio.to_thread(self._settle)
                await self._start()
                await asyncio.to_thread(_hear, connection, await self._idle_seconds())
                self._reap()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)
            self._busy.clear()
            self._hosts.clear()

    def _settle(self) -> None:
        self._store.settle(self._telling.clock.now())
        self._publisher.publish()

    async def _start(self) -> None:
        room = self._pace.together_max - len(self._busy)
        if room <= 0:
            return
        now = self._telling.clock.now()
        due = await asyncio.to_thread(self._store.due, now, list(self._busy), room)
        for id in due:
            self._busy[id] = asyncio.create_task(self._deliver(id))

    async def _idle_seconds(self) -> float:
        """Return how long nothing is to be done unless somebody calls."""
        if self._busy:
            return 0.05
        at = await asyncio.to_thread(self._store.next_due, list(self._busy))
        if at is None:
            return _LOOK_SECONDS
        left = (at - self._telling.clock.now()).total_seconds()
        return min(max(left, 0.01), _LOOK_SECONDS)

    def _reap(self) -> None:
        for id, task in list(self._busy.items()):
            if task.done():
                del self._busy[id]
                task.result()  # a defect, or a database that went away, ends this round

    # One subscription

    async def _deliver(self, id: str) -> None:
        """Tell one subscription all there is, until it fails."""
        while await self._step(id):
            pass

    async def _step(self, id: str) -> bool:
        """Tell one thing; return whether there may be more."""
        standing = await asyncio.to_thread(self._store.one, id)
        if standing is None or standing.status not in (Status.REQUESTED, Status.ACTIVE):
            return False
        try:
            definition = await asyncio.to_thread(self._telling.definition, standing)
            message = await asyncio.to_thread(self._next, standing, definition)
            if message is None:
                return False
            if message.method:
                await self._send(standing, definition, message)
        except (EndpointAway, EndpointRefused, SubscriptionRefused, TopicUnknown) as problem:
            await asyncio.to_thread(self._failed, standing, problem)
            return False
        number = max(message.last, standing.delivered)
        now = self._telling.clock.now()
        return await asyncio.to_thread(self._store.taken, standing, number, now)

    def _next(self, standing: Standing, definition: Definition) -> Message | None:
        """Return what is to be told next; None for nothing."""
        telling = self._telling
        if standing.status is Status.REQUESTED:
            if definition.topic is None:
                return Message("", "", "", b"", 0, 0)  # R4 has no handshake
            return telling.sign_of_life(standing, definition, HANDSHAKE)
        limit = definition.events_max if definition.topic else 1
        events = self._store.events(standing.id, after=standing.delivered, limit=limit)
        if not events:
            return self._sign_of_life(standing, definition)
        if definition.topic is not None:
            return telling.events(standing, definition, events, NOTIFICATION)
        unseen = Message("", "", "", b"", events[0].number, events[0].number)
        return telling.plain(standing, definition, events[0]) or unseen

    def _sign_of_life(self, standing: Standing, definition: Definition) -> Message | None:
        seconds, last = standing.heartbeat_seconds, standing.delivered_at
        if seconds is None or last is None or definition.topic is None:
            return None
        if self._telling.clock.now() < last + timedelta(seconds=seconds):
            return None
        return self._telling.sign_of_life(standing, definition, HEARTBEAT)

    async def _send(self, standing: Standing, definition: Definition, message: Message) -> None:
        """Send a message. Raises EndpointAway, EndpointRefused."""
        target = read_target(definition.endpoint.rstrip("/") + message.place
                             if message.place else definition.endpoint)  # fmt: skip
        signed = Signed(
            standing.id, message.first, message.last, message.method, target.url, message.body
        )
        headers = [*definition.headers, *self._signer.headers(signed, self._telling.clock.now())]
        if message.media:
            headers.append(("Content-Type", message.media))
        seconds = definition.timeout_seconds or self._pace.seconds_max
        while self._hosts[target.host] >= self._pace.together_of_host:
            await asyncio.sleep(0.02)
        self._hosts[target.host] += 1
        try:
            status = await self._poster.send(
                message.method, target, headers, message.body, seconds_max=seconds
            )
        finally:
            self._hosts[target.host] -= 1
        if not 200 <= status < 300:
            raise EndpointAway(reason=f"status {status}")

    def _failed(self, standing: Standing, problem: Problem) -> None:
        now = self._telling.clock.now()
        scale = self._pace.first_pause_seconds / 2.0
        pause = scale * pause_seconds(standing.failures + 1, spread=self._random.random())
        due_at = now + timedelta(seconds=pause)
        status = self._store.failed(standing, problem, now, due_at, self._pace.attempts_max)
        FAILED.log(problem=problem.code, failures=standing.failures + 1)
        if status is Status.ERROR:
            GIVEN_UP.log(problem=problem.code)


def _hear(connection: Connection, seconds_max: float) -> None:
    """Wait for a word that there is something to tell."""
    with problems_of_the_server():
        if any(True for _ in connection.notifies(timeout=seconds_max, stop_after=1)):
            for _ in connection.notifies(timeout=0):
                pass  # one look answers all of them
