"""The FHIR API, read side: read, vread, history, search, capabilities (R4 §3.1).

One raw ASGI callable: the path is split by a table of routes, bodies go out as they were
accepted, bundles are put together as bytes. Every answer passes `Records` with an Access
value. Errors are OperationOutcomes in the caller's language. The link to a next page holds
an opaque token and nothing of what was searched for.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

import orjson

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.search.query import ParameterNotSupported
from trucyte.records.shown import Resource
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, Call, Route
from trucyte.web.api.bundle import MATCH, BundleEntry, bundle
from trucyte.web.api.capability import capability_statement
from trucyte.web.api.outcome import outcome_of

FHIR_JSON = "application/fhir+json; charset=utf-8"
BODY_BYTES_MAX = 64 * 1024  # of a search form
HISTORY_COUNT_MAX = 1000
PAGE = "_page"
_HISTORY_PARAMETERS = frozenset({"_count", PAGE, "_format", "_pretty"})
_JSON_FORMATS = frozenset({"json", "application/json", "application/fhir+json", "text/json"})


class NotAcceptable(Problem):
    """This node answers in JSON (application/fhir+json) only."""

    kind = Kind.UNSUPPORTED
    code = "not-acceptable"


class BadQuery(Problem):
    """The query cannot be read: {reason}."""

    code = "bad-query"


class SearchParameters(Protocol):
    """What the index can be asked, by type."""

    def __call__(self) -> Mapping[str, Sequence[tuple[str, str, str]]]:
        """Return (code, type, definition) by resource type."""
        ...


class FhirApi:
    """The API of one node under one base path."""

    def __init__(
        self,
        records: Records,
        access: Callable[[], Access],
        parameters: SearchParameters,
        clock: Clock,
        *,
        version: str,
        path: str = "/fhir",
    ) -> None:
        """Answer from `records`; `access` makes the value each request reads with."""
        self._records = records
        self._access = access
        self._parameters = parameters
        self._clock = clock
        self._version = version
        self._path = path
        kind, name = r"/(?P<type>[A-Z][A-Za-z]{2,63})", r"/(?P<id>[A-Za-z0-9.-]{1,64})"
        self._routes = (
            self._route("GET", "/metadata", self._capabilities),
            self._route("GET", "/?", self._next_page),
            self._route("GET", "/_history", self._history),
            self._route("GET", kind + "/_history", self._history),
            self._route("GET", kind, self._search),
            self._route("POST", kind + "/_search", self._search_form),
            self._route("GET", kind + name, self._read),
            self._route("GET", kind + name + "/_history", self._history),
            self._route("GET", kind + name + r"/_history/(?P<version>\d{1,9})", self._read_version),
        )

    def _route(self, method: str, pattern: str, handler: asgi.Handler) -> Route:
        return Route(method, re.compile(re.escape(self._path) + pattern), handler)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request; HEAD as GET without the body."""
        is_head = scope["method"] == "HEAD"
        language = _language(asgi.headers_of(scope).get("accept-language", ""))
        try:
            method = "GET" if is_head else scope["method"]
            handler, places = asgi.matched(self._routes, method, scope["path"])
            body = await asgi.read_body(receive, size_max=BODY_BYTES_MAX)
            call = asgi.call_of(scope, places, body)
            _check_format(call)
            answer = await asgi.in_thread(lambda: handler(call))
        except asgi.ClientGone:
            return
        except Problem as problem:
            answer = refused(problem, language)
        await asgi.send_answer(send, answer, without_body=is_head)

    # Reading

    def _read(self, call: Call) -> Answer:
        found = self._records.read(self._access(), call.places["type"], call.places["id"])
        return _one(call, found)

    def _read_version(self, call: Call) -> Answer:
        places = call.places
        found = self._records.read_version(
            self._access(), places["type"], places["id"], int(places["version"])
        )
        return _one(call, found)

    def _history(self, call: Call) -> Answer:
        pairs = dict(_pairs(call.query))
        for name in pairs.keys() - _HISTORY_PARAMETERS:  # left out, it would give more than asked
            raise ParameterNotSupported(parameter=name if name in ("_since", "_at") else "?")
        count = min(_number(pairs, "_count", 50), HISTORY_COUNT_MAX)
        page = self._records.history(
            self._access(),
            call.places.get("type"),
            call.places.get("id"),
            count=max(count, 1),
            page=pairs.get(PAGE),
        )
        base = self._base(call)
        links = [("self", self._self(call))]
        if page.next:
            asked = urlencode({"_count": count, PAGE: page.next})
            links.append(("next", f"{base}{call.path[len(self._path) :]}?{asked}"))
        entries = [_version_entry(base, resource) for resource in page.entries]
        return Answer(200, bundle("history", entries, links, None), FHIR_JSON)

    # Searching

    def _search(self, call: Call) -> Answer:
        return self._found(call, _pairs(call.query))

    def _search_form(self, call: Call) -> Answer:
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise BadQuery(reason="a search form is application/x-www-form-urlencoded")
        try:
            form = call.body.decode()
        except UnicodeDecodeError:
            raise BadQuery(reason="not UTF-8") from None
        return self._found(call, _pairs(call.query) + _pairs(form))

    def _found(self, call: Call, pairs: list[tuple[str, str]]) -> Answer:
        asked = [(name, value) for name, value in pairs if name not in ("_format", "_pretty")]
        page = self._records.search(self._access(), call.places["type"], asked)
        return self._searchset(call, page.entries, page.next, page.total)

    def _next_page(self, call: Call) -> Answer:
        token = dict(_pairs(call.query)).get(PAGE)
        if not token:
            raise BadQuery(reason="a search names a resource type, a page its token")
        page = self._records.next_page(self._access(), token)
        return self._searchset(call, page.entries, page.next, page.total)

    def _searchset(
        self, call: Call, resources: Sequence[Resource], token: str | None, total: int | None
    ) -> Answer:
        base = self._base(call)
        links = [("self", self._self(call))]
        if token:
            links.append(("next", f"{base}?{urlencode({PAGE: token})}"))
        entries = [BundleEntry(f"{base}/{r.type}/{r.id}", r.body, MATCH) for r in resources]
        return Answer(200, bundle("searchset", entries, links, total), FHIR_JSON)

    # About itself

    def _capabilities(self, call: Call) -> Answer:
        statement = capability_statement(
            base=self._base(call),
            version=self._version,
            at=self._clock.now(),
            search_parameters=self._parameters(),
        )
        return Answer(200, orjson.dumps(statement), FHIR_JSON)

    def _base(self, call: Call) -> str:
        host = call.headers.get("host", "localhost")
        return f"http://{host}{self._path}"

    def _self(self, call: Call) -> str:
        """Return the address asked; a form's content is not repeated in it."""
        query = f"?{call.query}" if call.query else ""
        return self._base(call) + call.path[len(self._path) :] + query


def refused(problem: Problem, language: str) -> Answer:
    """Return a problem as an OperationOutcome with its status."""
    status = 406 if isinstance(problem, NotAcceptable) else asgi.status_of(problem)
    return Answer(status, orjson.dumps(outcome_of(problem, language)), FHIR_JSON)


def _one(call: Call, resource: Resource) -> Answer:
    tag = f'W/"{resource.version}"'
    headers = [
        ("ETag", tag),
        ("Last-Modified", format_datetime(resource.last_updated.astimezone(UTC), usegmt=True)),
    ]
    if _is_known(call, tag, resource.last_updated):
        return Answer(304, b"", FHIR_JSON, headers)
    return Answer(200, resource.body, FHIR_JSON, headers)


def _is_known(call: Call, tag: str, last_updated: datetime) -> bool:
    known = call.headers.get("if-none-match")
    return known is not None and tag in {part.strip() for part in known.split(",")}


def _version_entry(base: str, resource: Resource) -> BundleEntry:
    method = "DELETE" if resource.is_deleted else "PUT"
    place = f"{resource.type}/{resource.id}"
    status = "204" if resource.is_deleted else ("201" if resource.version == 1 else "200")
    moment = resource.last_updated.astimezone(UTC).isoformat(timespec="milliseconds")
    extra = {
        "request": {"method": method, "url": place},
        "response": {
            "status": status,
            "etag": f'W/"{resource.version}"',
            "lastModified": moment,
        },
    }
    return BundleEntry(f"{base}/{place}", resource.body, orjson.dumps(extra)[1:-1])


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        raise BadQuery(reason="too many fields, or not UTF-8") from None


def _number(pairs: Mapping[str, str], name: str, default: int) -> int:
    text = pairs.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise BadQuery(reason=f"{name} is not a number")
    return int(text)


def _check_format(call: Call) -> None:
    asked = dict(_pairs(call.query)).get("_format")
    if asked is not None:
        if asked.replace(" ", "+") not in _JSON_FORMATS:
            raise NotAcceptable
        return
    accept = call.headers.get("accept", "")
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    wild = {"*/*", "application/*", "text/html"}  # a browser looks at JSON too
    if kinds and not any(kind in _JSON_FORMATS or kind in wild for kind in kinds):
        raise NotAcceptable


def _language(accept: str) -> str:
    """Return "en" where the caller prefers English to Vietnamese, else "vi"."""
    for part in accept.lower().split(","):
        name = part.partition(";")[0].strip()[:2]
        if name in ("vi", "en"):
            return name
    return "vi"
