"""A server that speaks clamd's INSTREAM and knows one bad file."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The text that every scanner reports and that harms nobody, in two halves so that this file
# itself is not reported.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
            if len(data) > self.server.size_max:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.seen.append(data)
        told = b"Eicar-Test-Signature FOUND" if EICAR in data else b"OK"
        self.wfile.write(b"stream: " + told + b"\0")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, size_max: int) -> None:
        self.seen: list[bytes] = []
        self.size_max = size_max
        super().__init__(str(path), _Handler)


@contextmanager
def clamd(path: Path, size_max: int = 1 << 20) -> Iterator[_Server]:
    """Run the server at a socket."""
    with _Server(path, size_max) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            path.unlink(missing_ok=True)
