"""One WebSocket's subscriptions: what it is bound to, and what it is to be told next.

R4's own way is `bind <id>`, answered by `bound <id>`, then `ping <id>` whenever something
happened. The backport IG's is `bind-with-token <token>`, answered by a handshake of each
subscription, then its notifications. What happened while no socket was bound is told to the
next one that binds. Each process serves its own sockets from the tables; a notification of
the database wakes them all.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from trucyte.exchange.subscriptions.binding import Binding
from trucyte.exchange.subscriptions.definition import Channel, Content, Definition
from trucyte.exchange.subscriptions.notice import HANDSHAKE, HEARTBEAT, NOTIFICATION
from trucyte.exchange.subscriptions.problems import NotASocket, SubscriptionNotFollowed
from trucyte.exchange.subscriptions.store import Standing, Status
from trucyte.exchange.subscriptions.telling import Telling
from trucyte.records.access import Access
from trucyte.records.gate import Records

BOUND_MAX: Final = 100  # subscriptions of one socket
_BIND: Final = "bind "
_BIND_TOKEN: Final = "bind-with-token "  # noqa: S105 - a word of the protocol


@dataclass(slots=True)
class _Bound:
    position: int  # number of the last event told to this socket
    is_by_token: bool
    told_at: datetime


@dataclass(slots=True)
class Socket:
    """What one socket is bound to. One thread at a time."""

    telling: Telling
    records: Records
    binding: Binding
    access: Access  # of whoever opened it
    _bound: dict[str, _Bound] = field(default_factory=dict)

    def take(self, text: str) -> list[str]:
        """Answer what the client says; raises a Problem, after which the socket is closed."""
        now = self.telling.clock.now()
        if text.startswith(_BIND_TOKEN):
            ids = self.binding.read(text.removeprefix(_BIND_TOKEN).strip(), now)
            return [self._bind(id, now, is_by_token=True) for id in ids]
        if text.startswith(_BIND):
            id = text.removeprefix(_BIND).strip()
            self.records.read(self.access, "Subscription", id)
            return [self._bind(id, now, is_by_token=False)]
        raise NotASocket

    def next(self) -> list[tuple[str, str, int]]:
        """Return what is to be sent now: the text, of which subscription, up to which event."""
        now = self.telling.clock.now()
        found: list[tuple[str, str, int]] = []
        for id, bound in list(self._bound.items()):
            standing = self.telling.store.one(id)
            if standing is None or standing.status is not Status.ACTIVE:
                if standing is None or standing.status is not Status.REQUESTED:
                    del self._bound[id]
                continue
            text, number = self._text(standing, bound, now)
            if text:
                found.append((text, id, number))
        return found

    def sent(self, id: str, number: int) -> None:
        """Note that a text of `next` has left."""
        now = self.telling.clock.now()
        bound = self._bound.get(id)
        standing = self.telling.store.one(id)
        if bound is not None and standing is not None:
            bound.position, bound.told_at = number, now
            self.telling.store.taken(standing, number, now)

    def _bind(self, id: str, now: datetime, *, is_by_token: bool) -> str:
        standing, definition = self._of_socket(id)
        if len(self._bound) >= BOUND_MAX:
            raise NotASocket
        self._bound[id] = _Bound(standing.delivered, is_by_token, now)
        if not is_by_token:
            return f"bound {id}"
        return self.telling.sign_of_life(standing, definition, HANDSHAKE).body.decode()

    def _of_socket(self, id: str) -> tuple[Standing, Definition]:
        standing = self.telling.store.one(id)
        if standing is None:
            raise SubscriptionNotFollowed
        if standing.channel != Channel.WEBSOCKET or standing.status in (Status.ERROR, Status.OFF):
            raise NotASocket
        return standing, self.telling.definition(standing)

    def _text(self, standing: Standing, bound: _Bound, now: datetime) -> tuple[str, int]:
        """Return what a subscription is to be told, "" for nothing, and up to which event."""
        if standing.events > bound.position and not bound.is_by_token:
            return f"ping {standing.id}", standing.events
        definition = self.telling.definition(standing)
        if not bound.is_by_token or definition.topic is None:
            is_new = standing.events > bound.position
            return (f"ping {standing.id}" if is_new else ""), standing.events
        events = self.telling.store.events(
            standing.id, after=bound.position, limit=definition.events_max
        )
        if events:
            message = self.telling.events(standing, definition, events, NOTIFICATION)
            return message.body.decode(), message.last
        seconds = standing.heartbeat_seconds
        if seconds is not None and now >= bound.told_at + timedelta(seconds=seconds):
            message = self.telling.sign_of_life(standing, definition, HEARTBEAT)
            return message.body.decode(), bound.position
        return "", bound.position


def content_of(text: str) -> Content | None:
    """Return the kind of content that a word names, None for none such."""
    return Content(text) if text in set(Content) else None
