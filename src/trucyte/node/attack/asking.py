"""A client that sends what no well-behaved client sends, and reads whatever comes back.

It follows no redirect, keeps no cookie and knows no proxy. Only loopback is asked: attacks
are for an own node on this machine.
"""

import http.client
import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from trucyte.base.problem import Kind, Problem

TIMEOUT_SECONDS: Final = 20.0
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
_PIECE: Final = 65536


class TargetRefused(Problem):
    """Attacks are for an own node on this machine (127.0.0.1, ::1), not {host}."""

    kind = Kind.UNSUPPORTED
    code = "attack-target-refused"


class TargetAway(Problem):
    """No node answers at {host}."""

    kind = Kind.UNAVAILABLE
    code = "attack-target-away"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 where the connection ended without an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """Return head and body as text, to look for marks in."""
        head = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{head}\n\n{self.body.decode('utf-8', 'replace')}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the node is."""

    host: str
    port: int

    @property
    def origin(self) -> str:
        """Return the origin of its pages."""
        return f"http://{self.name}"

    @property
    def name(self) -> str:
        """Return what stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return the answer; a connection that was ended is status 0."""
        began = time.monotonic()
        line = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            line.request(method, path, body, dict(headers or {}))
            reply = line.getresponse()
            came = reply.read(ANSWER_BYTES_MAX)
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, named, came, time.monotonic() - began)
        except (OSError, http.client.HTTPException):
            return Answer(0, seconds=time.monotonic() - began)
        finally:
            line.close()

    def connect(self) -> socket.socket:
        """Return a connection of raw bytes. Raises OSError."""
        return socket.create_connection((self.host, self.port), timeout=TIMEOUT_SECONDS)

    def raw(self, sent: bytes, *, seconds: float = 2.0) -> bytes:
        """Send bytes as they are and return all that comes within some seconds."""
        came = b""
        try:
            with self.connect() as line:
                line.settimeout(seconds)
                line.sendall(sent)
                while len(came) < ANSWER_BYTES_MAX and (piece := line.recv(_PIECE)):
                    came += piece
        except OSError:
            pass  # the node hung up or waits for more: what came until then is the answer
        return came


def read_target(url: str) -> Target:
    """Return the node that a URL names. Raises TargetRefused where that is another machine."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise TargetRefused(host="?") from None
    name = "127.0.0.1" if host == "localhost" else host
    try:
        is_here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_here = False
    if parts.scheme != "http" or not is_here:
        raise TargetRefused(host=host[:80] or "?")
    return Target(name, port)


def statuses_of(raw: bytes) -> list[int]:
    """Return the status of each answer in a stream of bytes."""
    found = []
    for line in raw.split(b"\r\n"):
        words = line.split(b" ", 2)
        if words[0].endswith((b"HTTP/1.1", b"HTTP/1.0")) and len(words) > 1:
            found += [int(words[1])] if words[1].isdigit() else []
    return found
