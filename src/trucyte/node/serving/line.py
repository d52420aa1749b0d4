"""What a client may do with its connection: how many, how large a head, how slowly.

A connection costs no thread, so thousands may be open; one that dawdles is cut off by a
look at all of them once a second. The times are wide enough for a bad line: only who
sends nothing, or next to nothing, is cut.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from trucyte.base.settings import LimitSettings

LOOK_SECONDS: Final = 1.0
# Where an ASGI scope has the certificate of a client: SHA-256 of its DER, base64url (x5t#S256).
TLS: Final = "tls"
THUMBPRINT: Final = "client_cert_x5t_s256"
Refused = Callable[[str], None]


class Rules:
    """What holds for all connections of one process, and who has how many."""

    def __init__(
        self, limits: LimitSettings, refused: Refused, counted: Callable[[int], None]
    ) -> None:
        """Hold clients to `limits`.

        `refused` is told which limit one met, `counted` how many connections there are.
        """
        self.limits = limits
        self.refused = refused
        self._counted = counted
        self._protocol: type[Line] = type("RuledLine", (Line,), {"rules": self})
        self.lines: set[Line] = set()
        self._of_client: Counter[str] = Counter()
        self._greeting: Counter[str] = Counter()  # handshakes that are under way

    def greet(self, address: str) -> bool:
        """Say whether an address may begin a handshake; it counts as a connection meanwhile."""
        refusal = ""
        if len(self.lines) + self._greeting.total() >= self.limits.connections_max:
            refusal = "connections"
        own = self._of_client[address] + self._greeting[address]
        if own >= self.limits.connections_per_client:
            refusal = refusal or "client-connections"
        if refusal:
            self.refused(refusal)
            return False
        self._greeting[address] += 1
        return True

    def greeted(self, address: str, stands: bool) -> None:
        """Forget a handshake that is over; one that came to nothing is told."""
        self._greeting[address] -= 1
        if not self._greeting[address]:
            del self._greeting[address]
        if not stands:
            self.refused("handshake")

    def arrive(self, line: "Line", address: str) -> str:
        """Take a new connection in; return the limit it meets, "" for none."""
        if len(self.lines) >= self.limits.connections_max:
            return "connections"
        if self._of_client[address] >= self.limits.connections_per_client:
            return "client-connections"
        self._of_client[address] += 1
        self.lines.add(line)
        self._counted(len(self.lines))
        return ""

    def leave(self, line: "Line", address: str) -> None:
        """Forget a connection."""
        if line not in self.lines:
            return
        self.lines.discard(line)
        self._counted(len(self.lines))
        self._of_client[address] -= 1
        if not self._of_client[address]:
            del self._of_client[address]

    async def watch(self) -> None:
        """Look at all connections again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            for line in tuple(self.lines):
                line.look(now, self.limits)

    def protocol(self) -> type["Line"]:
        """Return the protocol of these rules, as the server wants it: a class."""
        return self._protocol


class Line(HttpToolsProtocol):  # the server's own extension point is a subclass
    """One connection, watched."""

    rules: ClassVar[Rules]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        """Take the connection, or refuse it."""
        super().connection_made(transport)
        self._head_since = self.loop.time()  # 0: no head is awaited
        self._head_bytes = 0
        self._body_since = 0.0  # 0: no body is awaited
        self._body_bytes = 0
        self._stuck_since = 0.0  # 0: the client takes its answer
        self._address = self.client[0] if self.client else ""
        self._certificate = thumbprint_of(transport)
        refusal = self.rules.arrive(self, self._address)
        if refusal:
            self._refuse(503, refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.rules.leave(self, self._address)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Give the connection away; it is no longer HTTP."""
        self.rules.leave(self, self._address)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has grown too large."""
        if self.transport.is_closing():
            return
        if not self._body_since:
            self._head_since = self._head_since or self.loop.time()
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_since and self._head_bytes > self.rules.limits.head_bytes_max:
            self._refuse(431, "head-too-large")

    def on_message_begin(self) -> None:
        """Say which certificate the client of this connection proved to hold (RFC 8705)."""
        super().on_message_begin()
        if self._certificate:
            self.scope["extensions"] = {TLS: {THUMBPRINT: self._certificate}}

    def on_headers_complete(self) -> None:
        """From here on a body may come."""
        self._head_since, self._head_bytes = 0.0, 0
        self._body_since, self._body_bytes = self.loop.time(), 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count what came."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here."""
        self._body_since = 0.0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not keep up with its answer."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._stuck_since = 0.0
        super().resume_writing()

    def look(self, now: float, limits: LimitSettings) -> None:
        """Cut the connection off where its client dawdles."""
        if self.transport.is_closing():
            if self._is_reader_slow(now, limits):
                self.transport.abort()
        elif self._is_reader_slow(now, limits):
            self.rules.refused("reader-slow")
            self.transport.abort()  # what waits to be sent would wait for ever
        elif self.flow.read_paused:  # it is us who do not read: its clock stands
            self._body_since = now if self._body_since else 0.0
            self._head_since = now if self._head_since else 0.0
        elif self._head_since and now - self._head_since > limits.head_seconds_max:
            self._refuse(408, "head-slow")
        elif self._body_since and self._is_body_slow(now - self._body_since, limits):
            self._refuse(408, "body-slow")

    def _is_reader_slow(self, now: float, limits: LimitSettings) -> bool:
        return self._stuck_since > 0 and now - self._stuck_since > limits.reader_seconds_max

    def _is_body_slow(self, seconds: float, limits: LimitSettings) -> bool:
        over = seconds - limits.body_grace_seconds
        return over > 0 and self._body_bytes < over * limits.body_bytes_per_second_min

    def _refuse(self, status: int, limit: str) -> None:
        """Say why, where the client can still hear it, and hang up."""
        self.rules.refused(limit)
        self.rules.leave(self, self._address)
        answers = bool(self.cycle) and not self.cycle.response_complete
        if not (answers and self.cycle.response_started):
            retry = b"retry-after: 5\r\n" if status == 503 else b""
            head = b"content-length: 0\r\nconnection: close\r\n"
            self.transport.write(STATUS_LINE[status] + retry + head + b"\r\n")
        if answers:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def thumbprint_of(transport: asyncio.BaseTransport) -> str:
    """Return the thumbprint of the certificate a client proved to hold, "" without one."""
    secured = transport.get_extra_info("ssl_object")
    certificate = secured.getpeercert(binary_form=True) if secured is not None else None
    if not certificate:
        return ""
    return base64.urlsafe_b64encode(sha256(certificate).digest()).decode().rstrip("=")
