"""Clients that dawdle, flood or crowd are cut off; the others are answered."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.serving import Served, needs_definitions, raw_answer, serving, until

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

SETTINGS = """
[limits]
head_seconds_max = 2
body_grace_seconds = 2
body_bytes_per_second_min = 1024
reader_seconds_max = 2
head_bytes_max = 8192
connections_per_client = 80
connections_max = 100
body_bytes_max = 1000000
"""
HEAD = b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: 127.0.0.1\r\n"
FORM = b"content-type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def served(open_folder: Path) -> Iterator[Served]:
    needs_definitions()
    with serving(open_folder / "lines", workers=1, settings=SETTINGS) as served:
        yield served


def others_are_answered(served: Served) -> bool:
    return served.get("/fhir/metadata").status == 200


def drip(line: socket.socket, data: bytes, stop: Event) -> None:
    """Send a byte at a time, several a second, for ever."""
    with suppress(OSError):
        for place in range(len(data)):
            if stop.wait(0.2):
                return
            line.sendall(data[place : place + 1])


@pytest.mark.parametrize(
    ("first", "limit"),
    [(b"GET /", "head-slow"), (HEAD + FORM + b"content-length: 500\r\n\r\n", "body-slow")],
)
def test_who_sends_a_byte_at_a_time_is_told_and_cut_off(
    served: Served, first: bytes, limit: str
) -> None:
    before = served.figure(f'trucyte_refused_total{{limit="{limit}"}}')
    stop = Event()
    with served.connect() as line:
        line.sendall(first)
        thread = Thread(target=drip, args=(line, b"a" * 400, stop))
        thread.start()
        assert others_are_answered(served)
        assert raw_answer(line).startswith(b"HTTP/1.1 408")
        stop.set()
        thread.join()
    assert served.figure(f'trucyte_refused_total{{limit="{limit}"}}') == before + 1


def test_who_says_nothing_at_all_is_cut_off(served: Served) -> None:
    with served.connect() as line:
        assert raw_answer(line).startswith(b"HTTP/1.1 408")


def test_a_body_at_a_fair_pace_is_taken_however_long_it_takes(served: Served) -> None:
    body = b"family=" + b"x" * 20_000
    with served.connect() as line:
        line.sendall(HEAD + FORM + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body))
        for place in range(0, len(body), 1000):
            line.sendall(body[place : place + 1000])
            time.sleep(0.2)  # twenty steps: twice the grace
        assert raw_answer(line).startswith(b"HTTP/1.1 200")


def test_fifty_idle_connections_hold_nobody_up(served: Served) -> None:
    with ExitStack() as lines:
        for _ in range(50):
            lines.enter_context(served.connect())
        assert others_are_answered(served)


def test_more_connections_than_one_client_may_have_are_refused(served: Served) -> None:
    until(lambda: served.figure("trucyte_connections") <= 2)
    with ExitStack() as lines:
        for _ in range(80):
            lines.enter_context(served.connect())
        refused = lines.enter_context(served.connect())
        answer = raw_answer(refused)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in answer
    until(lambda: others_are_answered(served))


def test_an_endless_head_is_refused(served: Served) -> None:
    with served.connect() as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        with suppress(ConnectionError):
            for number in range(400):
                line.sendall(b"x-%d: %s\r\n" % (number, b"a" * 100))
                time.sleep(0.001)
        answer = raw_answer(line)
        assert answer.startswith(b"HTTP/1.1 431") or not answer  # a reset may eat the words
    assert served.figure('trucyte_refused_total{limit="head-too-large"}') == 1


def test_a_body_that_says_it_is_huge_is_refused_before_any_of_it_is_read(served: Served) -> None:
    with served.connect() as line:
        line.sendall(HEAD + FORM + b"content-length: 209715200\r\n\r\n")
        answer = raw_answer(line)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"OperationOutcome" in answer


def test_a_body_of_200_mb_that_does_not_say_so_ends_at_its_paths_limit(served: Served) -> None:
    sent = 0
    with served.connect() as line:
        line.sendall(HEAD + FORM + b"transfer-encoding: chunked\r\n\r\n")
        with suppress(OSError):
            for _ in range(200):
                line.sendall(b"100000\r\n" + b"a" * 0x100000 + b"\r\n")
                sent += 1
                assert sent % 50 or others_are_answered(served)
        line.settimeout(5)
        with suppress(OSError):
            assert line.recv(100).startswith(b"HTTP/1.1 413")
    assert others_are_answered(served)
    assert served.figure('trucyte_process_resident_bytes{role="worker"}') < 400e6


def test_who_does_not_take_its_answers_is_cut_off(served: Served) -> None:
    with served.connect() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ask = b"GET /fhir/metadata HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        for _ in range(40):  # far more than the buffers between hold
            line.sendall(ask)
        until(lambda: served.figure('trucyte_refused_total{limit="reader-slow"}') == 1)
    assert others_are_answered(served)
