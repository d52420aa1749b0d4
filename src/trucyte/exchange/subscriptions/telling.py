"""What is told of events: read through the gate as the creator, entered in the trail first.

Nothing leaves before its entry in the trail is durable; reading is one request of the
trail, named after the delivery.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from trucyte.base.clock import Clock
from trucyte.exchange.subscriptions.definition import Content, Definition, Media, read_definition
from trucyte.exchange.subscriptions.notice import State, Told, bundle_of
from trucyte.exchange.subscriptions.problems import SubscriptionNotFollowed
from trucyte.exchange.subscriptions.store import Creator, Event, Standing, Store
from trucyte.exchange.subscriptions.topics import Topics
from trucyte.fhir.parse import parse
from trucyte.journal.change import Operation
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import ResourceGone, ResourceNotFound, ResourceRestricted
from trucyte.shared.audit import Trail

DOOR: Final = "subscriptions"
REASON: Final = "notify Subscription"


class AccessFor(Protocol):
    """Decides what a creator may see, now."""

    def __call__(self, creator: Creator) -> Access:
        """Return the access; who uses it puts the recorder in."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One notification: how it is sent, and which events it tells."""

    method: str
    place: str  # behind the endpoint: "" or "/Type/id"
    media: str  # "" where there is no body
    body: bytes
    first: int
    last: int  # 0 where it tells of none


class Telling:
    """Makes notifications. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        records: Records,
        topics: Topics,
        trail: Trail,
        clock: Clock,
        *,
        access_for: AccessFor,
        base: str,
        as_xml: Callable[[bytes], bytes],
    ) -> None:
        """Read by the creator's access; `base` is the address of this node's API."""
        self.store = store
        self.topics = topics
        self.clock = clock
        self._journal = journal
        self._records = records
        self._trail = trail
        self._access_for = access_for
        self.base = base
        self._as_xml = as_xml
        self._read_ones: dict[str, tuple[int, Definition]] = {}

    def definition(self, standing: Standing) -> Definition:
        """Return what a subscription asks for; raises SubscriptionNotFollowed."""
        seq, definition = self._read_ones.get(standing.id, (0, None))
        if definition is not None and seq == standing.seq:
            return definition
        line = self._journal.bodies([standing.seq]).get(standing.seq)
        if line is None or not line.body:
            raise SubscriptionNotFollowed
        definition = read_definition(parse(line.body), self.topics)
        self._read_ones[standing.id] = standing.seq, definition
        return definition

    def state(self, standing: Standing, topic: str, events: int | None = None) -> State:
        """Return where a subscription stands, as notifications say it."""
        return State(
            base=self.base,
            id=standing.id,
            topic=topic,
            status=standing.status,
            events=standing.events if events is None else events,
            problem=standing.problem,
            error=standing.reason,
        )

    def sign_of_life(self, standing: Standing, definition: Definition, kind: str) -> Message:
        """Return a handshake or a heartbeat."""
        topic = definition.topic.url if definition.topic else ""
        body = bundle_of(self.state(standing, topic), kind, self.clock.now())
        return self._message("POST", "", definition, body, 0, 0)

    def events(
        self, standing: Standing, definition: Definition, events: Sequence[Event], kind: str
    ) -> Message:
        """Return the notification of some events of a topic."""
        assert definition.topic is not None
        told = self.told(standing.creator, events, definition.content)
        state = self.state(standing, definition.topic.url, events[-1].number)
        body = bundle_of(state, kind, self.clock.now(), told, definition.content)
        return self._message("POST", "", definition, body, events[0].number, events[-1].number)

    def plain(self, standing: Standing, definition: Definition, event: Event) -> Message | None:
        """Return the notification of R4's own kind: an empty POST, or the resource as a PUT.

        None where its creator may not see the resource any more.
        """
        content = Content.EMPTY if definition.media is None else Content.FULL
        (told,) = self.told(standing.creator, [event], content)
        if not told.is_shown:
            return None
        if definition.media is None:
            return Message("POST", "", "", b"", event.number, event.number)
        place = f"/{event.type}/{event.id}"
        return self._message("PUT", place, definition, told.body, event.number, event.number)

    def told(self, creator: Creator, events: Sequence[Event], content: Content) -> list[Told]:
        """Read what events are about, and enter whose data is about to be shown."""
        if content is Content.EMPTY:
            return [Told(event, is_shown=True) for event in events]
        with self._trail.request(REASON, door=DOOR) as asked:
            access = asked.of(self._access_for(creator))
            return read_told(self._records, access, events, content)

    def _message(
        self, method: str, place: str, definition: Definition, body: bytes, first: int, last: int
    ) -> Message:
        media = definition.media or Media.JSON
        if media is Media.XML:
            body = self._as_xml(body)
        return Message(method, place, f"{media}; charset=utf-8", body, first, last)


def read_told(
    records: Records, access: Access, events: Sequence[Event], content: Content
) -> list[Told]:
    """Return what an access may see of events; nothing is read where nothing is asked for."""
    if content is Content.EMPTY:
        return [Told(event, is_shown=True) for event in events]
    return [_read(records, access, event, content) for event in events]


def _read(records: Records, access: Access, event: Event, content: Content) -> Told:
    try:
        found = records.read_version(access, event.type, event.id, event.version)
    except ResourceGone:
        # A deletion, or a body that the law had erased: that it was there may be told.
        return Told(event, is_shown=True)
    except (ResourceRestricted, ResourceNotFound):
        return Told(event, is_shown=False)
    is_whole = content is Content.FULL and event.operation is not Operation.DELETE
    return Told(event, is_shown=True, body=found.body if is_whole else b"")
