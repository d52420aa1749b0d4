"""Subscriptions of a node: put together, and worked on beside what answers."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread

import msgspec

from trucyte.base.problem import Problem
from trucyte.exchange.subscriptions.addresses import Policy
from trucyte.exchange.subscriptions.binding import Binding
from trucyte.exchange.subscriptions.delivery import Deliverer, Pace
from trucyte.exchange.subscriptions.follower import Follower, Parts
from trucyte.exchange.subscriptions.matching import Compiler
from trucyte.exchange.subscriptions.post import Poster, trusting
from trucyte.exchange.subscriptions.publish import Publisher
from trucyte.exchange.subscriptions.signing import Signer
from trucyte.exchange.subscriptions.sockets import Socket
from trucyte.exchange.subscriptions.store import Creator, Store
from trucyte.exchange.subscriptions.telling import Telling
from trucyte.exchange.subscriptions.topics import Topics, packaged_topics
from trucyte.fhir.xml_write import XmlWriter
from trucyte.node.wiring import Node
from trucyte.records.access import Access, Labels, Recorder
from trucyte.records.asker import Asker
from trucyte.shared.access.local import Unshown, access_again
from trucyte.web.api.asgi import Call
from trucyte.web.api.operations.subscriptions import SubscriptionOperations
from trucyte.web.api.operations.table import Operation
from trucyte.web.api.sockets import Sockets

STOP_SECONDS_MAX = 30
SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What a process needs of subscriptions."""

    store: Store
    topics: Topics
    telling: Telling
    signer: Signer
    binding: Binding

    def operations(self, node: Node) -> Sequence[Operation]:
        """Return the operations of the API."""
        made = SubscriptionOperations(self.telling, node.records, self.binding, self.signer)
        return made.operations()

    def sockets(self, node: Node, access: Callable[[Call], Access]) -> Sockets:
        """Return what serves WebSockets in this process."""
        return Sockets(
            node.database,
            lambda opened_by: Socket(self.telling, node.records, self.binding, opened_by),
            access,
        )


def make_subscriptions(node: Node) -> Subscriptions:
    """Put together what tells, over a node."""
    store, topics = Store(node.database), packaged_topics()
    telling = Telling(
        store,
        node.journal,
        node.records,
        topics,
        node.trail,
        node.clock,
        access_for=partial(access_of, recorder=node.trail),
        base=base_of(node),
        as_xml=XmlWriter(node.parts.definitions).write,
    )
    return Subscriptions(store, topics, telling, Signer(node.keyring), Binding(node.keyring))


def make_follower(node: Node, parts: Subscriptions) -> Follower:
    """Return what writes the events of a node."""
    return Follower(
        Parts(
            store=parts.store,
            journal=node.journal,
            records=node.records,
            extractor=node.parts.index.extractor,
            compiler=Compiler(
                node.parts.index.extractor, node.codes, lambda: _microseconds(node.clock.now())
            ),
            topics=parts.topics,
            clock=node.clock,
            access_of=partial(access_of, recorder=Unshown()),
            check_endpoint=policy_of(node).check,
        )
    )


def make_deliverer(node: Node, parts: Subscriptions) -> Deliverer:
    """Return what tells subscribers."""
    settings = node.settings.subscriptions
    return Deliverer(
        parts.telling,
        Poster(policy_of(node), trust=trusting(settings.trust)),
        parts.signer,
        Publisher(parts.store, node.journal),
        Pace(attempts_max=settings.attempts_max, seconds_max=settings.seconds_max),
    )


def policy_of(node: Node) -> Policy:
    """Return where notifications may go."""
    settings = node.settings.subscriptions
    networks = tuple(ipaddress.ip_network(one) for one in settings.networks)
    return Policy(frozenset(settings.http_hosts), networks)


def base_of(node: Node) -> str:
    """Return the address of the API as notifications name it."""
    settings = node.settings
    base = settings.subscriptions.base or f"http://{settings.web.host}:{settings.web.port}/fhir"
    return base.rstrip("/")


def access_of(creator: Creator, recorder: Recorder) -> Access:
    """Return what a creator may see: what it saw when it asked, and nothing restricted."""
    if creator.asker:
        asked = access_again(msgspec.json.decode(creator.asker, type=Asker), recorder)
        return replace(asked, sees_restricted=False, labels=Labels.NONE)
    return Access(
        caller=creator.caller,
        purpose=creator.purpose,
        sees_restricted=False,
        recorder=recorder,
        organisation=creator.organisation,
        sees_organisations=frozenset({creator.organisation}) if creator.organisation else None,
    )


@contextmanager
def telling(node: Node, waits: Callable[[Problem], None]) -> Iterator[None]:
    """Follow, tell and sweep until the block is left."""
    stop, parts = Event(), make_subscriptions(node)
    threads = [
        Thread(target=make_follower(node, parts).run, args=(stop, waits), name="subscriptions"),
        Thread(target=make_deliverer(node, parts).run, args=(stop, waits), name="deliveries"),
        Thread(target=_sweep, args=(node, parts, stop, waits), name="events"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(STOP_SECONDS_MAX)


def _sweep(node: Node, parts: Subscriptions, stop: Event, waits: Callable[[Problem], None]) -> None:
    kept = timedelta(days=node.settings.subscriptions.keep_days)
    while not stop.wait(SWEEP_SECONDS):
        try:
            parts.store.sweep(node.clock.now() - kept)
        except Problem as problem:
            waits(problem)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
