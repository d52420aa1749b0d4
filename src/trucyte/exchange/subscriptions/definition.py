"""A Subscription resource, read: what it asks for, and how it wants to be told.

Two kinds: R4's own, whose criteria are a search (`Observation?code=…`), and those of a topic
(backport IG 1.1), whose criteria are the canonical of a topic, with filters beside it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl

from trucyte.exchange.subscriptions.problems import SubscriptionRefused, TopicUnknown
from trucyte.exchange.subscriptions.topics import Topic, Topics
from trucyte.fhir.types import TYPE_NUMBERS

BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
HEADERS_MAX: Final = 20
HEADER_BYTES_MAX: Final = 4096
CRITERIA_MAX: Final = 4096  # characters
FILTERS_MAX: Final = 20
EVENTS_AT_ONCE_MAX: Final = 100
HEARTBEAT_SECONDS_MIN: Final = 5
HEARTBEAT_SECONDS_MAX: Final = 86_400
TIMEOUT_SECONDS_MAX: Final = 30
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}:[ \t]*[\t\x20-\x7e\x80-\xff]*")
# What the connection itself says, and what tells a body's form or this node's hand.
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "content-type", "connection", "transfer-encoding", "upgrade", "te",
     "trailer", "expect", "proxy-authorization", "keep-alive"}
)  # fmt: skip
_OWN_PREFIX: Final = "trucyte-"


class Channel(StrEnum):
    """By what way one is told."""

    REST_HOOK = "rest-hook"
    WEBSOCKET = "websocket"


class Content(StrEnum):
    """How much a notification says of the resources it is about."""

    EMPTY = "empty"
    ID_ONLY = "id-only"
    FULL = "full-resource"


class Media(StrEnum):
    """The form of a notification's body."""

    JSON = "application/fhir+json"
    XML = "application/fhir+xml"


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search on one type that a version must meet."""

    type: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a Subscription asks for."""

    id: str
    channel: Channel
    endpoint: str  # "" for a socket
    headers: tuple[tuple[str, str], ...]
    media: Media | None  # None: of R4's own kind, no body is sent
    criteria: tuple[Criteria, ...]  # one of R4's own kind; of a topic, the filters
    topic: Topic | None  # None: R4's own kind
    content: Content
    heartbeat_seconds: int | None
    timeout_seconds: int | None
    events_max: int  # in one notification
    ends_at: datetime | None

    @property
    def types(self) -> frozenset[str]:
        """The resource types it can be told of."""
        if self.topic is not None:
            return frozenset(trigger.type for trigger in self.topic.triggers)
        return frozenset(one.type for one in self.criteria)


def read_definition(resource: Mapping[str, Any], topics: Topics) -> Definition:
    """Read a Subscription. Raises SubscriptionRefused that names the element, TopicUnknown."""
    channel = resource.get("channel")
    if not isinstance(channel, dict):
        raise SubscriptionRefused(element="channel")
    kind = _channel(channel)
    text = resource.get("criteria")
    if not isinstance(text, str) or len(text) > CRITERIA_MAX:
        raise SubscriptionRefused(element="criteria")
    topic = topics.find(text)
    if topic is None and "?" not in text and text not in TYPE_NUMBERS:
        raise TopicUnknown
    content = _content(channel) if topic is not None else Content.FULL
    return Definition(
        id=resource["id"],
        channel=kind,
        endpoint=_endpoint(channel) if kind is Channel.REST_HOOK else "",
        headers=tuple(_headers(channel)),
        media=_media(channel, topic),
        criteria=_filters(resource, topic) if topic is not None else (_criteria(text),),
        topic=topic,
        content=content,
        heartbeat_seconds=_heartbeat(channel),
        timeout_seconds=_number(channel, "backport-timeout", 1, TIMEOUT_SECONDS_MAX),
        events_max=_number(channel, "backport-max-count", 1, EVENTS_AT_ONCE_MAX)
        or EVENTS_AT_ONCE_MAX,
        ends_at=_moment(resource.get("end")),
    )


def _channel(channel: Mapping[str, Any]) -> Channel:
    try:
        return Channel(str(channel.get("type")))
    except ValueError:
        raise SubscriptionRefused(element="channel.type") from None


def _endpoint(channel: Mapping[str, Any]) -> str:
    endpoint = channel.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint.isascii() or len(endpoint) > 2048:
        raise SubscriptionRefused(element="channel.endpoint")
    return endpoint


def _headers(channel: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lines = channel.get("header") or []
    if len(lines) > HEADERS_MAX or sum(map(len, lines)) > HEADER_BYTES_MAX:
        raise SubscriptionRefused(element="channel.header")
    for line in lines:
        name, _, value = line.partition(":")
        is_own = name.lower() in _OWN_HEADERS or name.lower().startswith(_OWN_PREFIX)
        if is_own or not _HEADER.fullmatch(line):
            raise SubscriptionRefused(element="channel.header")
        yield name, value.strip()


def _media(channel: Mapping[str, Any], topic: Topic | None) -> Media | None:
    payload = channel.get("payload")
    if payload is None:
        return Media.JSON if topic is not None else None
    name = str(payload).partition(";")[0].strip().lower()
    if name in ("application/json", "application/xml"):
        name = name.replace("/", "/fhir+")
    try:
        return Media(name)
    except ValueError:
        raise SubscriptionRefused(element="channel.payload") from None


def _content(channel: Mapping[str, Any]) -> Content:
    found = _extension(channel.get("_payload"), "backport-payload-content")
    try:
        return Content(found if found is not None else Content.EMPTY)
    except ValueError:
        raise SubscriptionRefused(element="channel.payload content") from None


def _heartbeat(channel: Mapping[str, Any]) -> int | None:
    return _number(
        channel, "backport-heartbeat-period", HEARTBEAT_SECONDS_MIN, HEARTBEAT_SECONDS_MAX
    )


def _number(channel: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """Return a number of an extension, kept between bounds; 0 and none are None."""
    found = _extension(channel, name)
    if found is None or found == 0:
        return None
    if not isinstance(found, int) or found < 0:
        raise SubscriptionRefused(element=name)
    return min(max(found, least), most)


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise SubscriptionRefused(element="end") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _criteria(text: str) -> Criteria:
    """Read `Type?name=value&…`."""
    kind, _, query = text.partition("?")
    if kind not in TYPE_NUMBERS:
        raise SubscriptionRefused(element="criteria")
    return Criteria(kind, tuple(parse_qsl(query, keep_blank_values=True)))


def _filters(resource: Mapping[str, Any], topic: Topic) -> tuple[Criteria, ...]:
    found = [
        _criteria(text if "?" in text else f"{topic.triggers[0].type}?{text}")
        for text in _extensions(resource.get("_criteria"), "backport-filter-criteria")
        if isinstance(text, str) and len(text) <= CRITERIA_MAX
    ]
    kinds = {trigger.type for trigger in topic.triggers}
    if len(found) > FILTERS_MAX or any(one.type not in kinds for one in found):
        raise SubscriptionRefused(element="criteria filter")
    return tuple(found)


def _extension(element: Any, name: str) -> Any:
    return next(iter(_extensions(element, name)), None)


def _extensions(element: Any, name: str) -> Sequence[Any]:
    """Return the values of the extensions of an element that have this name of the IG."""
    listed = element.get("extension") if isinstance(element, dict) else None
    return [
        value
        for extension in listed or ()
        if isinstance(extension, dict) and extension.get("url") == BACKPORT + name
        for key, value in extension.items()
        if key.startswith("value")
    ]
