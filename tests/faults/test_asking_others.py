"""Whom this node asks over HTTP is judged first, and what answers badly is not waited for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.support.certificates import an_authority
from trucyte.exchange.asking import ANSWER_BYTES_MAX, Asker
from trucyte.exchange.subscriptions.addresses import Policy
from trucyte.exchange.subscriptions.post import trusting
from trucyte.exchange.subscriptions.problems import EndpointAway, EndpointRefused

HERE = Policy(networks=(ip_network("127.0.0.0/8"),))
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def answering(*parts: bytes, wrap: object = None) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one connection with bytes, and close it."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            if wrap is not None:
                connection = wrap.wrap_socket(connection, server_side=True)  # type: ignore[attr-defined]
            with connection:
                seen.append(connection.recv(65536))
                while b"Content-Length: 4" in seen[0] and not seen[0].endswith(b"body"):
                    seen[0] += connection.recv(65536)
                for part in parts:
                    connection.sendall(part)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    scheme = "https" if wrap is not None else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/jwks?x=1", seen
    finally:
        listener.close()
        thread.join(10)


def test_an_answer_comes_with_its_status() -> None:
    with answering(FINE) as (url, seen):
        asked = Asker(HERE)("POST", url, {"Content-Type": "text/plain"}, b"body")
    assert asked == (200, b"ok")
    assert seen[0].startswith(b"POST /jwks?x=1 HTTP/1.1\r\n") and seen[0].endswith(b"body")


def test_a_redirect_is_followed_by_nobody() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with answering(moved) as (url, _):
        assert Asker(HERE)("GET", url, {}) == (302, b"")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "https://127.0.0.1/", "https://169.254.169.254/latest", "file:///etc",
     "https://[::1]/", "https://user@a.vn/", "https://a.vn/#x", "http://a.vn/", "nothing",
     "https://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_an_address_that_is_not_of_the_open_network_is_not_asked(url: str) -> None:
    with pytest.raises(EndpointRefused):
        Asker(Policy(), look_up=lambda host, port: [host.strip("[]")] if host != "a.vn"
              else ["10.0.0.1"])("GET", url, {})  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
     b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_BYTES_MAX + 1)],
)  # fmt: skip
def test_what_is_no_answer_or_too_long_is_none(answer: bytes) -> None:
    with answering(answer) as (url, _), pytest.raises(EndpointAway):
        Asker(HERE)("GET", url, {})


def test_silence_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(EndpointAway):
            Asker(HERE, seconds_max=0.05)("GET", url, {})


def test_a_body_that_drips_is_not_waited_for() -> None:
    with answering(FINE) as (url, _), pytest.raises(EndpointAway, match="too slow"):
        asker = Asker(HERE)
        asker._seconds_max = 5.0
        read = asker._read
        asker._read = lambda answer, until: read(answer, float("-inf"))  # type: ignore[method-assign]
        asker("GET", url, {})


def test_certificates_are_judged(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "one")
    with answering(FINE, wrap=authority.serving()) as (url, _):
        assert Asker(HERE, trust=trusting(authority.file))("GET", url, {}) == (200, b"ok")
    with (
        answering(FINE, wrap=authority.serving()) as (url, _),
        pytest.raises(EndpointAway, match="certificate"),
    ):
        Asker(HERE)("GET", url, {})
