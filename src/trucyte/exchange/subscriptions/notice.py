"""Notifications as the backport IG 1.1 has them in R4: a history Bundle, its status first.

The status is a Parameters resource; behind it stand the resources, where the subscription
asked for them, as they were at the event. What its creator may not see any more at the time
of telling is left out; the event keeps its number.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from trucyte.base.clock import VIETNAM
from trucyte.exchange.subscriptions.definition import BACKPORT, Content
from trucyte.exchange.subscriptions.store import Event
from trucyte.journal.change import Operation

HANDSHAKE: Final = "handshake"
HEARTBEAT: Final = "heartbeat"
NOTIFICATION: Final = "event-notification"
QUERY_STATUS: Final = "query-status"
QUERY_EVENT: Final = "query-event"
_ERRORS: Final = "https://trucyte.vn/fhir/problems"
# How the change came about, as a history tells it: method and status.
_REQUESTS: Final[Mapping[Operation, tuple[str, str]]] = {
    Operation.CREATE: ("POST", "201"),
    Operation.UPDATE: ("PUT", "200"),
    Operation.DELETE: ("DELETE", "204"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An event about to be told."""

    event: Event
    is_shown: bool  # whether the creator may see what it is about
    body: bytes = b""  # the resource, with version and time; empty where it is not asked for


@dataclass(frozen=True, slots=True)
class State:
    """Of which subscription, and where it stands."""

    base: str  # address of this node's API
    id: str
    topic: str
    status: str
    events: int  # number of the last event
    problem: str = ""
    error: str = ""  # in words


def status_of(
    state: State, kind: str, told: Sequence[Told] = (), content: Content = Content.EMPTY
) -> dict[str, Any]:
    """Return the status as a Parameters resource."""
    parameters: list[dict[str, Any]] = [
        {
            "name": "subscription",
            "valueReference": {"reference": f"{state.base}/Subscription/{state.id}"},
        },
        {"name": "topic", "valueCanonical": state.topic},
        {"name": "status", "valueCode": state.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(state.events)},
        *(_event(state.base, one, content) for one in told),
    ]
    if not state.topic:
        del parameters[1]
    if state.problem:
        coding = {"system": _ERRORS, "code": state.problem}
        error = {"coding": [coding], "text": state.error or state.problem}
        parameters.append({"name": "error", "valueCodeableConcept": error})
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [f"{BACKPORT}backport-subscription-status-r4"]},
        "parameter": parameters,
    }


def _event(base: str, told: Told, content: Content) -> dict[str, Any]:
    event = told.event
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": _instant(event.at)},
    ]
    if told.is_shown and content is not Content.EMPTY:
        parts.append({"name": "focus", "valueReference": {"reference": _url(base, event)}})
    return {"name": "notification-event", "part": parts}


def bundle_of(
    state: State,
    kind: str,
    now: datetime,
    told: Sequence[Told] = (),
    content: Content = Content.EMPTY,
) -> bytes:
    """Return a notification as JSON; resources stand in it as their bytes are."""
    status = status_of(state, kind, told, content)
    entry = {
        "fullUrl": f"urn:uuid:{status['id']}",
        "resource": status,
        "request": {"method": "GET", "url": f"Subscription/{state.id}/$status"},
        "response": {"status": "200"},
    }
    entries: list[Any] = [entry]
    if content is not Content.EMPTY:
        entries += [_entry(state.base, one) for one in told if one.is_shown]
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "id": str(uuid.uuid4()),
            "meta": {
                "lastUpdated": _instant(now),
                "profile": [f"{BACKPORT}backport-subscription-notification-r4"],
            },
            "type": "history",
            "timestamp": _instant(now),
            "entry": entries,
        }
    )


def _entry(base: str, told: Told) -> dict[str, Any]:
    event = told.event
    method, status = _REQUESTS[event.operation]
    place = event.type if method == "POST" else f"{event.type}/{event.id}"
    entry: dict[str, Any] = {"fullUrl": _url(base, event)}
    if told.body:
        entry["resource"] = orjson.Fragment(told.body)
    entry["request"] = {"method": method, "url": place}
    entry["response"] = {
        "status": status,
        "etag": f'W/"{event.version}"',
        "lastModified": _instant(event.at),
    }
    return entry


def _url(base: str, event: Event) -> str:
    return f"{base}/{event.type}/{event.id}"


def _instant(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).isoformat(timespec="milliseconds")
