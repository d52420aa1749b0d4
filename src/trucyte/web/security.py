"""What protects a page: headers on every answer, and the door for strange requests.

No inline script or style is allowed, so text that gets into a page cannot act. A request
under another host name is refused (a page of a stranger cannot reach a node on loopback
by renaming itself), and so is a form sent from another site.
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer would hide the Origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_OWN_PATH = re.compile(r"/(?:[\w.-]+/?)*")  # nothing that a browser could read as another host


def own_path(text: str) -> str:
    """Return `text` where it is a path of these pages, else "/": where one may be sent back to."""
    return text if len(text) <= 500 and _OWN_PATH.fullmatch(text) else "/"


class Guard:
    """Refuse strange requests, and set the headers of every answer."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], takes_sockets: bool = False) -> None:
        """Wrap `app`; answer only under `hosts` (names without port).

        WebSockets are refused unless `app` takes them, and those of other sites' pages always.
        """
        self.app = app
        self.hosts = hosts
        self.takes_sockets = takes_sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on with the headers added."""
        if scope["type"] == "websocket" and not self._takes(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, _with_headers(send))
            return
        await self.app(scope, receive, _with_headers(send))

    def _takes(self, scope: Scope) -> bool:
        """Whether a WebSocket may be opened: what a form of another site may not do, nor may it."""
        return self.takes_sockets and not self._refusal("POST", Headers(scope=scope))

    def _refusal(self, method: str, headers: Headers) -> str:
        host = headers.get("host", "")
        if _name_of(host) not in self.hosts:
            return "this host name is not served here"
        if method in SAFE_METHODS:
            return ""
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "forms of other sites are not accepted"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "forms of other sites are not accepted"
        return ""


def _name_of(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
