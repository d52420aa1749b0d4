"""The little of ASGI that the program doors need: read a body, send an answer.

No framework stands on this path; a request is matched against a table of routes.
"""

import asyncio
import re
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.unprocessable import Unprocessable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Result = TypeVar("Result")

# Whose threads a request's blocking work runs in; None: those of the event loop.
THREADS: ContextVar[Executor | None] = ContextVar("threads", default=None)
_BODILESS = frozenset({204, 304})
# How long a body may take before it has to keep up a pace, and the pace.
BODY_GRACE_SECONDS = 30.0
BODY_BYTES_PER_SECOND_MIN = 8 * 1024

STATUS: Mapping[Kind, int] = {
    Kind.BAD_INPUT: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.PRECONDITION: 412,
    Kind.INVALID: 422,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 501,
    Kind.UNAVAILABLE: 503,
    Kind.NO_SPACE: 507,
}


class BodyTooLarge(Problem):
    """The body is larger than {limit} bytes; send it in parts."""

    kind = Kind.TOO_LARGE
    code = "body-too-large"


class BodyTooSlow(Problem):
    """The body came too slowly; send it again over a better line, or in parts."""

    kind = Kind.UNAVAILABLE
    code = "body-too-slow"


class NoSuchPath(Problem):
    """There is nothing at this path."""

    kind = Kind.NOT_FOUND
    code = "no-such-path"


class MethodNotAllowed(Problem):
    """This path does not take the method {method}; it takes {allow}."""

    kind = Kind.UNSUPPORTED
    code = "method-not-allowed"


class NotAcceptable(Problem):
    """This node answers in FHIR JSON and FHIR XML of R4 only."""

    kind = Kind.UNSUPPORTED
    code = "not-acceptable"


class MediaTypeUnsupported(Problem):
    """A body of this media type is not taken here; this is: {expected}."""

    kind = Kind.UNSUPPORTED
    code = "media-type-unsupported"


class Defect(Problem):
    """The program has a fault; reference: {reference}. Please tell the administrator."""

    kind = Kind.UNAVAILABLE
    code = "defect"


# Problems of HTTP itself have a status of their own.
_OWN_STATUS: Mapping[type[Problem], int] = {
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    BodyTooSlow: 408,
    MediaTypeUnsupported: 415,
    Defect: 500,
}


def status_of(problem: Problem) -> int:
    """Return the HTTP status of a problem."""
    if isinstance(problem, Unprocessable):  # readable, but not to be accepted (R4 §3.1.0.8)
        return 422
    return _OWN_STATUS.get(type(problem)) or STATUS[problem.kind]


class ClientGone(Exception):  # noqa: N818 - nobody is left to tell
    """The client went away before its body was read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, or one whose chunks are made while they are sent."""

    status: int
    body: bytes | Iterator[bytes]
    content_type: str
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its body read."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    client: str
    places: Mapping[str, str]  # what the route's pattern caught
    body: bytes = b""
    scheme: str = "http"
    certificate: str = ""  # x5t#S256 (RFC 8705) of what the client showed on this connection


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, and who answers."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def matched(routes: Sequence[Route], method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
    """Return the handler of a path. Raises NoSuchPath or MethodNotAllowed."""
    known: list[str] = []
    for route in routes:
        found = route.pattern.fullmatch(path)
        if found:
            if route.method == method:
                return route.handler, found.groupdict()
            known.append(route.method)
    if known:
        raise not_allowed(method, known)
    raise NoSuchPath


def not_allowed(method: str, allowed: Iterable[str]) -> MethodNotAllowed:
    """Return the refusal of a method, with those that are taken (RFC 9110, 15.5.6)."""
    shown = method if method.isascii() and method.isalpha() and len(method) < 20 else "?"
    return MethodNotAllowed(method=shown, allow=", ".join(sorted(set(allowed))))


async def read_body(
    receive: Receive,
    *,
    size_max: int,
    grace_seconds: float = BODY_GRACE_SECONDS,
    bytes_per_second_min: int = BODY_BYTES_PER_SECOND_MIN,
) -> bytes:
    """Read the whole body, on the event loop: a slow client holds no thread.

    A body may take `grace_seconds`, and longer only as long as it keeps up
    `bytes_per_second_min` on the whole. Raises BodyTooLarge once it passes `size_max`,
    BodyTooSlow, ClientGone.
    """
    parts: list[bytes] = []
    size = 0
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(grace_seconds) as limit:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > size_max:
                    raise BodyTooLarge(limit=size_max)
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
                limit.reschedule(began + grace_seconds + size / bytes_per_second_min)
    except TimeoutError:
        raise BodyTooSlow from None


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Return the request's headers; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def call_of(scope: Scope, places: Mapping[str, str], body: bytes) -> Call:
    """Put a request together."""
    client = scope.get("client")
    shown = scope.get("extensions", {}).get("tls", {}).get("client_cert_x5t_s256", "")
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers_of(scope),
        client=client[0] if client else "",
        places=places,
        body=body,
        scheme=scope.get("scheme", "http"),
        certificate=shown,
    )


async def send_answer(
    send: Send, answer: Answer, *, receive: Receive | None = None, without_body: bool = False
) -> None:
    """Send an answer; its length also where the body stays here (HEAD).

    Chunks are made in a thread, each only when the one before has been taken, and no more
    are made once the client has gone (which `receive` tells). What goes wrong before the
    first chunk is raised before anything is sent.
    """
    if answer.status in _BODILESS:
        await send(_start(answer, is_bodiless=True))
        await send({"type": "http.response.body", "body": b""})
        return
    if isinstance(answer.body, bytes):
        length = (b"content-length", str(len(answer.body)).encode())
        await send(_start(answer, length))
        await send({"type": "http.response.body", "body": b"" if without_body else answer.body})
        return
    chunks = answer.body
    try:
        first = await in_thread(lambda: next(chunks, b""))
        await send(_start(answer))
        if not without_body:
            await _send_chunks(send, receive, first, chunks)
        await send({"type": "http.response.body", "body": b""})
    except ClientGone:
        return
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            await in_thread(close)


def _start(
    answer: Answer, *more: tuple[bytes, bytes], is_bodiless: bool = False
) -> MutableMapping[str, Any]:
    kind = [] if is_bodiless else [(b"content-type", answer.content_type.encode("latin-1"))]
    headers = [
        *kind,
        *more,
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    headers += [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in answer.headers]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send_chunks(
    send: Send, receive: Receive | None, first: bytes, chunks: Iterator[bytes]
) -> None:
    """Send chunk by chunk. Raises ClientGone."""
    watch = asyncio.ensure_future(_gone(receive)) if receive else None
    try:
        chunk: bytes | None = first
        while chunk is not None:
            if watch is not None and watch.done():
                raise ClientGone
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await in_thread(lambda: next(chunks, None))
    finally:
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work beside the event loop, in the threads of the request's kind."""
    context = copy_context()  # so that spans made in the thread know the request's
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(THREADS.get(), context.run, work)
