"""Clients that drip, stop or go away cost a socket, never a thread or another client.

A real server on a real socket; nothing is timed, but what must not wait would hang here.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import uvicorn

from tests.support.api import api_of
from tests.support.records import Node, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.table import Level, Operation

PATIENCE_SECONDS = 30
DRIPPING = 60  # more than there are threads


class Endless:
    """Chunks without an end; remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"x" * 65536

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def port(
    database: Database,
    tmp_path: Path,
    clock: FixedClock,
    definitions: Definitions,
    endless: Endless,
) -> Iterator[int]:
    def stream(call: FhirCall) -> Answer:
        return Answer(200, endless, "application/fhir+ndjson")

    operation = Operation(
        name="endless",
        levels=frozenset({Level.SYSTEM}),
        methods=frozenset({"GET"}),
        affects_state=False,
        definition="https://trucyte.vn/fhir/OperationDefinition/endless",
        handler=stream,
    )
    with (
        open_node(database, tmp_path, clock, definitions) as node,
        served(node, clock, definitions, operation) as number,
    ):
        yield number


@contextmanager
def served(
    node: Node, clock: FixedClock, definitions: Definitions, operation: Operation
) -> Iterator[int]:
    node.put({"resourceType": "Patient", "id": "p1"})
    api = api_of(node, clock, definitions, operations=[operation])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(api, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def status(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/fhir/Patient/p1")
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_bodies_that_never_come_hold_no_thread(port: int) -> None:
    head = (
        b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nn"
    )
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(DRIPPING)]
    try:
        for one in waiting:
            one.sendall(head)
        assert status(port) == 200
        for one in waiting[:5]:
            one.sendall(b"a")
        assert status(port) == 200
    finally:
        for one in waiting:
            one.close()
    assert status(port) == 200


def test_a_stream_ends_when_its_client_goes(port: int, endless: Endless) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(b"GET /fhir/$endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        assert not endless.closed.is_set()
        assert status(port) == 200
    assert endless.closed.wait(PATIENCE_SECONDS)
    assert status(port) == 200


def test_a_body_that_says_it_is_too_large_is_refused_unread(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(
            b"POST /fhir/Patient/_search HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 209715200\r\n\r\n"
        )
        answer = b""
        while part := client.recv(65536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"body-too-large" in answer
    assert status(port) == 200
