"""Subscriptions over a node of one test: followed and delivered by real threads."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from tests.support.interactions import Writing, encoded, open_writing
from trucyte.base.clock import SystemClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.exchange.subscriptions.addresses import Policy
from trucyte.exchange.subscriptions.definition import BACKPORT
from trucyte.exchange.subscriptions.delivery import Deliverer, Pace
from trucyte.exchange.subscriptions.follower import Follower, Parts
from trucyte.exchange.subscriptions.matching import Compiler
from trucyte.exchange.subscriptions.post import Poster
from trucyte.exchange.subscriptions.publish import Publisher
from trucyte.exchange.subscriptions.signing import Signer
from trucyte.exchange.subscriptions.store import Creator, Store
from trucyte.exchange.subscriptions.telling import Telling
from trucyte.exchange.subscriptions.topics import BASE, packaged_topics
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml_write import XmlWriter
from trucyte.journal.keyring import Keyring
from trucyte.records import Access
from trucyte.shared.access.local import Unshown
from trucyte.shared.audit import Trail

API = "http://node.example/fhir"
LOOPBACK = Policy(networks=(ip_network("127.0.0.0/8"),))
QUICK = Pace(attempts_max=4, seconds_max=1.0, first_pause_seconds=0.05)


@dataclass
class Subscribed:
    """A node with what follows and tells."""

    writing: Writing
    store: Store
    keyring: Keyring
    trail: Trail
    telling: Telling
    policy: Policy
    pace: Pace
    problems: list[Problem] = field(default_factory=list)
    sees_restricted: bool = False

    def access(self, creator: Creator) -> Access:
        return replace(
            Access(creator.caller, creator.purpose, self.sees_restricted, Unshown()),
            organisation=creator.organisation,
        )

    def follower(self) -> Follower:
        node = self.writing.node
        return Follower(
            Parts(
                store=self.store,
                journal=node.journal,
                records=node.records,
                extractor=node.index.extractor,
                compiler=Compiler(node.index.extractor, None, lambda: 0),
                topics=packaged_topics(),
                clock=SystemClock(),
                access_of=self.access,
                check_endpoint=self.policy.check,
            )
        )

    def deliverer(self) -> Deliverer:
        return Deliverer(
            self.telling,
            Poster(self.policy),
            Signer(self.keyring),
            Publisher(self.store, self.writing.node.journal),
            self.pace,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [
            threading.Thread(target=one.run, args=(stop, self.problems.append))
            for one in (self.follower(), self.deliverer())
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
            assert not any(thread.is_alive() for thread in threads)

    def subscribe(self, resource: dict[str, Any]) -> str:
        return self.writing.create(resource).resource.id

    def resource(self, id: str) -> dict[str, Any]:
        return self.writing.read("Subscription", id)

    def put(self, resource: dict[str, Any]) -> None:
        access = self.writing.access
        kind, id_ = resource["resourceType"], resource["id"]
        self.writing.interactions.update(access, kind, id_, encoded(resource))


@contextmanager
def open_subscribed(
    database: Database,
    folder: Path,
    definitions: Definitions,
    *,
    policy: Policy = LOOPBACK,
    pace: Pace = QUICK,
) -> Iterator[Subscribed]:
    clock = SystemClock()
    with open_writing(database, folder, clock, definitions) as writing:
        keyring = Keyring.open(folder / "keys")
        trail = Trail(database, keyring, clock)
        store = Store(database)
        made = Subscribed(writing, store, keyring, trail, None, policy, pace)  # type: ignore[arg-type]  # below
        made.telling = Telling(
            store,
            writing.node.journal,
            writing.node.records,
            packaged_topics(),
            trail,
            clock,
            access_for=made.access,
            base=API,
            as_xml=XmlWriter(definitions).write,
        )
        made.follower().catch_up()  # it begins here: what came before nobody is told of
        yield made
        trail.close()


def a_subscription(
    criteria: str,
    endpoint: str = "",
    *,
    payload: str = "",
    headers: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    channel: dict[str, Any] = {"type": "rest-hook" if endpoint else "websocket"}
    channel |= {"endpoint": endpoint} if endpoint else {}
    channel |= {"payload": payload} if payload else {}
    channel |= {"header": list(headers)} if headers else {}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "Thử nghiệm",
        "criteria": criteria,
        "channel": channel,
        **more,
    }


def of_topic(
    name: str,
    endpoint: str = "",
    *,
    content: str = "id-only",
    filters: Sequence[str] = (),
    heartbeat: int = 0,
    at_once: int = 0,
    payload: str = "application/fhir+json",
) -> dict[str, Any]:
    made = a_subscription(BASE + name, endpoint, payload=payload)
    made["channel"]["_payload"] = {
        "extension": [{"url": f"{BACKPORT}backport-payload-content", "valueCode": content}]
    }
    extensions = []
    if heartbeat:
        extensions.append(
            {"url": f"{BACKPORT}backport-heartbeat-period", "valueUnsignedInt": heartbeat}
        )
    if at_once:
        extensions.append({"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": at_once})
    if extensions:
        made["channel"]["extension"] = extensions
    if filters:
        made["_criteria"] = {
            "extension": [
                {"url": f"{BACKPORT}backport-filter-criteria", "valueString": one}
                for one in filters
            ]
        }
    return made


def parts_of(status: dict[str, Any]) -> dict[str, Any]:
    """The single parameters of a status, by name."""
    return {
        one["name"]: next((value for key, value in one.items() if key.startswith("value")), None)
        for one in status["parameter"]
        if "part" not in one
    }


def numbers_of(status: dict[str, Any]) -> list[int]:
    """The event numbers of a status."""
    return [
        int(one["part"][0]["valueString"])
        for one in status["parameter"]
        if one["name"] == "notification-event"
    ]
