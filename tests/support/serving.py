"""A node that serves in processes of its own, as an operator starts it; and raw clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trucyte.node.language import DEFINITIONS

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60.0


def needs_definitions() -> None:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Served:
    """A running node."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    data: Path
    url: str  # of its database; "" where it is embedded

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, dict(headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as reply:  # noqa: S310 - our own
                return Answer(reply.status, _lower(reply.headers), reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX)

    def children(self, role: str) -> list[int]:
        """The processes of a role, as they are now."""
        place = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = []
        for number in map(int, place.read_text().split()):
            try:
                command = Path(f"/proc/{number}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if f'"role":"{role}"'.encode() in command:
                found.append(number)
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == name]

    def figure(self, series: str) -> float:
        """One series of the metrics, 0 where it is not there."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(f"{series} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS_MAX)


def until(holds: Callable[[], object], seconds: float = SECONDS_MAX) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


@contextmanager
def serving(
    folder: Path, *, url: str = "", workers: int = 2, settings: str = ""
) -> Iterator[Served]:
    """Serve a node of `folder`; end what is left of it on leaving."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trucyte.toml").write_text(settings)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "trucyte.node.cli", "serve", "--port=0", f"--workers={workers}"],
            cwd=folder,
            env=os.environ
            | {"PYTHONPATH": str(ROOT / "src"), "TRUCYTE_DATA": str(folder / "var")}
            | {"TRUCYTE_DATABASE_URL": url},
            stderr=output,
        )
    served = Served(process, 0, log, folder / "var", url)
    try:
        until(lambda: process.poll() is not None or served.events("web.serving"))
        assert process.poll() is None, log.read_text()
        served.port = served.events("web.serving")[0]["port"]
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def raw_answer(line: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up."""
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass  # it hung up with something of ours unread
    return b"".join(parts)


def _lower(headers: Any) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
