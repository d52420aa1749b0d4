"""Operations of subscriptions (backport IG 1.1): where one stands, what it was told, how to bind.

Beside those of the IG there is one of this node's own, `$secret`: what the endpoint of a
Subscription verifies signatures with, given to the account that asked for it alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from trucyte.base.problem import Problem
from trucyte.exchange.subscriptions.binding import Binding
from trucyte.exchange.subscriptions.definition import Channel
from trucyte.exchange.subscriptions.notice import QUERY_EVENT, QUERY_STATUS, bundle_of, status_of
from trucyte.exchange.subscriptions.problems import (
    EventsBadRange,
    NotASocket,
    SubscriptionNotFollowed,
)
from trucyte.exchange.subscriptions.signing import Signer
from trucyte.exchange.subscriptions.sockets import BOUND_MAX, content_of
from trucyte.exchange.subscriptions.store import Standing
from trucyte.exchange.subscriptions.telling import Telling, read_told
from trucyte.fhir.parse import parse
from trucyte.records.gate import Records
from trucyte.records.shown import ResourceNotFound
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.operations.table import Level, Operation

EVENTS_MAX = 1000  # of one answer; whoever wants more asks on
_IG = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/"
_OWN = "https://trucyte.vn/fhir/OperationDefinition/"
_GET, _POST = "GET", "POST"


class SubscriptionOperations:
    """Answers for the operations of subscriptions."""

    def __init__(
        self, telling: Telling, records: Records, binding: Binding, signer: Signer
    ) -> None:
        """Answer from what the node follows."""
        self._telling = telling
        self._records = records
        self._binding = binding
        self._signer = signer

    def operations(self) -> Sequence[Operation]:
        """Return the rows of the table."""
        both = frozenset({Level.TYPE, Level.INSTANCE})
        one = frozenset({Level.INSTANCE})
        return [
            _row("status", both, self._status, f"{_IG}backport-subscription-status"),
            _row("events", one, self._events, f"{_IG}backport-subscription-events"),
            _row(
                "get-ws-binding-token",
                both,
                self._token,
                f"{_IG}backport-subscription-get-ws-binding-token",
            ),
            _row("secret", one, self._secret, f"{_OWN}subscription-secret"),
        ]

    def _status(self, call: FhirCall) -> Answer:
        wanted = set(_values(call, "status"))
        found = [self._standing(call, id) for id in self._ids(call)]
        entries = []
        for standing in found:
            if not wanted or standing.status in wanted:
                state = self._telling.state(standing, self._topic(standing))
                status = status_of(state, QUERY_STATUS)
                entries.append(
                    {
                        "fullUrl": f"urn:uuid:{status['id']}",
                        "resource": status,
                        "search": {"mode": "match"},
                    }
                )
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return _json(bundle | ({"entry": entries} if entries else {}))

    def _events(self, call: FhirCall) -> Answer:
        standing = self._standing(call, call.id)
        definition = self._telling.definition(standing)
        first = _number(call, "eventsSinceNumber", 1)
        last = _number(call, "eventsUntilNumber", standing.events)
        content = definition.content
        for text in _values(call, "content"):
            named = content_of(text)
            if named is None:
                raise EventsBadRange(parameter="content")
            content = named
        events = self._telling.store.events(
            standing.id, after=first - 1, until=last, limit=EVENTS_MAX
        )
        told = read_told(self._records, call.access, events, content)
        state = self._telling.state(standing, self._topic(standing))
        now = self._telling.clock.now()
        return Answer(200, bundle_of(state, QUERY_EVENT, now, told, content), FHIR_JSON)

    def _token(self, call: FhirCall) -> Answer:
        ids = self._ids(call)
        if not ids or len(ids) > BOUND_MAX:
            raise NotASocket
        for id in ids:
            if self._standing(call, id).channel != Channel.WEBSOCKET:
                raise NotASocket
        token, ends = self._binding.token(ids, self._telling.clock.now())
        scheme = "wss" if call.base.startswith("https") else "ws"
        url = f"{scheme}://{call.base.partition('://')[2]}/ws"
        parameters = [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": ends.isoformat(timespec="seconds")},
            *({"name": "subscription", "valueString": id} for id in ids),
            {"name": "websocket-url", "valueUrl": url},
        ]
        return _json({"resourceType": "Parameters", "parameter": parameters})

    def _secret(self, call: FhirCall) -> Answer:
        standing = self._standing(call, call.id)
        creator = standing.creator
        if (creator.caller, creator.organisation) != (call.access.caller, call.access.organisation):
            raise ResourceNotFound(type="Subscription")
        parameter = {"name": "secret", "valueString": self._signer.secret(call.id)}
        return _json({"resourceType": "Parameters", "parameter": [parameter]})

    def _ids(self, call: FhirCall) -> list[str]:
        return [call.id] if call.id else list(dict.fromkeys(_values(call, "id", "ids")))

    def _standing(self, call: FhirCall, id: str) -> Standing:
        """Return the row of a Subscription that the caller may read."""
        self._records.read(call.access, "Subscription", id)
        standing = self._telling.store.one(id)
        if standing is None:
            raise SubscriptionNotFollowed
        return standing

    def _topic(self, standing: Standing) -> str:
        try:
            definition = self._telling.definition(standing)
        except Problem:
            return ""  # it stands as error for just that
        return definition.topic.url if definition.topic else ""


def _row(
    name: str, levels: frozenset[Level], handler: Callable[[FhirCall], Answer], definition: str
) -> Operation:
    return Operation(
        name=name,
        levels=levels,
        methods=frozenset({_GET, _POST}),
        affects_state=False,
        definition=definition,
        handler=handler,
        types=frozenset({"Subscription"}),
    )


def _values(call: FhirCall, *names: str) -> list[str]:
    """Return the values of parameters, from the address or from Parameters."""
    found = [value for name, value in call.pairs if name in names]
    if call.body:
        body = parse(call.body)
        for one in body.get("parameter", ()) if isinstance(body.get("parameter"), list) else ():
            if isinstance(one, dict) and one.get("name") in names:
                found += [str(value) for key, value in one.items() if key.startswith("value")]
    return found


def _number(call: FhirCall, name: str, otherwise: int) -> int:
    for text in _values(call, name):
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise EventsBadRange(parameter=name)
        return int(text)
    return otherwise


def _json(resource: dict[str, Any]) -> Answer:
    return Answer(200, orjson.dumps(resource), FHIR_JSON)
