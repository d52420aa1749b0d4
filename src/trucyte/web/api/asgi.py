"""The little of ASGI that the program doors need: read a body, send an answer.

No framework stands on this path; a request is matched against a table of routes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from trucyte.base.problem import Kind, Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Result = TypeVar("Result")

# Whose threads a request's blocking work runs in; None: those of the event loop.
THREADS: ContextVar[Executor | None] = ContextVar("threads", default=None)

STATUS: Mapping[Kind, int] = {
    Kind.BAD_INPUT: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.PRECONDITION: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 501,
    Kind.UNAVAILABLE: 503,
    Kind.NO_SPACE: 507,
}


class BodyTooLarge(Problem):
    """The body is larger than {limit} bytes; send it in parts."""

    kind = Kind.TOO_LARGE
    code = "body-too-large"


class NoSuchPath(Problem):
    """There is nothing at this path."""

    kind = Kind.NOT_FOUND
    code = "no-such-path"


class MethodNotAllowed(Problem):
    """This path does not take the method {method}."""

    kind = Kind.UNSUPPORTED
    code = "method-not-allowed"


def status_of(problem: Problem) -> int:
    """Return the HTTP status of a problem."""
    return 405 if isinstance(problem, MethodNotAllowed) else STATUS[problem.kind]


class ClientGone(Exception):  # noqa: N818 - nobody is left to tell
    """The client went away before its body was read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
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


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, and who answers."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def matched(routes: Sequence[Route], method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
    """Return the handler of a path. Raises NoSuchPath or MethodNotAllowed."""
    known = False
    for route in routes:
        found = route.pattern.fullmatch(path)
        if found:
            if route.method == method:
                return route.handler, found.groupdict()
            known = True
    if known:
        raise MethodNotAllowed(method=method if method.isascii() and len(method) < 20 else "?")
    raise NoSuchPath


async def read_body(receive: Receive, *, size_max: int) -> bytes:
    """Read the whole body. Raises BodyTooLarge once it passes `size_max`, ClientGone."""
    parts: list[bytes] = []
    size = 0
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


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Return the request's headers; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def call_of(scope: Scope, places: Mapping[str, str], body: bytes) -> Call:
    """Put a request together."""
    client = scope.get("client")
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers_of(scope),
        client=client[0] if client else "",
        places=places,
        body=body,
    )


async def send_answer(send: Send, answer: Answer, *, without_body: bool = False) -> None:
    """Send an answer that is at hand; its length also where the body stays here (HEAD)."""
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    headers += [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if without_body else answer.body})


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work beside the event loop, in the threads of the request's kind."""
    context = copy_context()  # so that spans made in the thread know the request's
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(THREADS.get(), context.run, work)
