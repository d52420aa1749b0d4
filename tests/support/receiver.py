"""An endpoint of one test: a real HTTP server on loopback that behaves as it is told."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> tuple[int, int]:
        first, _, last = self.headers["trucyte-events"].partition("-")
        return int(first), int(last)


# What it does with a request, behind keeping it; "" or a status, or one of `_BEHAVIOURS`.
Behaviour = Callable[[int], str]


@dataclass
class Receiver:
    """What came, and how the next request is answered."""

    port: int
    came: list[Request] = field(default_factory=list)
    behave: Behaviour = lambda number: "200"
    scheme: str = "http"

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def of(self, path: str) -> list[Request]:
        return [one for one in self.came if one.path.startswith(path)]

    def wait(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until something holds; fail where it never does."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, f"{len(self.came)} requests came"
            time.sleep(0.02)


@contextmanager
def receiving(port: int = 0, *, secure: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(port, scheme="https" if secure else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(size))
            receiver.came.append(request)
            with suppress(OSError):
                _answer(self, receiver.behave(len(receiver.came)))

        do_POST = _take  # noqa: N815 - names of the library
        do_PUT = _take  # noqa: N815 - as above

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever went away went away."""

    server = Server(("127.0.0.1", port), Handler)
    if secure is not None:  # shaken hands with by the thread of each connection
        server.socket = secure.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _answer(handler: BaseHTTPRequestHandler, behaviour: str) -> None:
    handler.close_connection = True
    if behaviour == "hang-up":  # a reset, before anything is said
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()
    elif behaviour == "half":  # the head is cut off, and this side says no more
        handler.wfile.write(b"HTTP/1.1 200 O")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_WR)
    elif behaviour == "babble":
        handler.wfile.write(b"hello\r\n\r\n")
    elif behaviour == "flood":  # a head without an end
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(10_000):
            handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
    elif behaviour.startswith("slow "):
        time.sleep(float(behaviour.removeprefix("slow ")))
        _answer(handler, "200")
    elif behaviour.startswith("redirect "):
        handler.send_response(307)
        handler.send_header("Location", behaviour.removeprefix("redirect "))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    else:
        handler.send_response(int(behaviour))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
