"""Subscriptions through a node that really serves: operations, WebSockets, several processes."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.interactions import an_observation
from tests.support.subscriptions import a_subscription, numbers_of, of_topic, parts_of
from trucyte.base.settings import Settings, SubscriptionSettings
from trucyte.database.connect import Database
from trucyte.node.serve import make_site
from trucyte.node.serving.address import listening_address
from trucyte.node.serving.housekeeping import working
from trucyte.node.wiring import open_node


@dataclass
class Served:
    """A node that serves on two ports, as two worker processes would: nothing is shared."""

    ports: list[int]

    def ask(self, method: str, path: str, body: Any = None, port: int = 0) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[port]}/fhir{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/fhir+json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def create(self, resource: dict[str, Any]) -> str:
        status, made = self.ask("POST", f"/{resource['resourceType']}", resource)
        assert status == 201, made
        return made["id"]

    def active(self, id: str) -> None:
        pause = threading.Event()
        for _ in range(400):
            if self.ask("GET", f"/Subscription/{id}")[1]["status"] == "active":
                return
            pause.wait(0.05)
        raise AssertionError("it never became active")

    def socket(self, port: int = 0, **more: Any) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.ports[port]}/fhir/ws", **more)

    def token(self, id: str) -> str:
        _, body = self.ask("GET", f"/Subscription/{id}/$get-ws-binding-token")
        return parts_of(body)["token"]


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Iterator[Served]:
    settings = Settings(
        data=tmp_path / "data", subscriptions=SubscriptionSettings(networks=("127.0.0.0/8",))
    )
    settings = msgspec.structs.replace(
        settings, database=msgspec.structs.replace(settings.database, url=database.url)
    )
    servers: list[uvicorn.Server] = []
    threads: list[threading.Thread] = []
    with open_node(settings) as one, open_node(settings) as other, working(one):
        ports = []
        for node in (one, other):
            listener = listening_address("127.0.0.1", 0)
            ports.append(listener.getsockname()[1])
            server = uvicorn.Server(
                uvicorn.Config(make_site(node), log_config=None, lifespan="off")
            )
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            servers.append(server)
            threads.append(thread)
        pause = threading.Event()
        while not all(server.started for server in servers):
            pause.wait(0.01)
        try:
            yield Served(ports)
        finally:
            for server in servers:
                server.should_exit = True
            for thread in threads:
                thread.join(20)


def _hear(socket: ClientConnection) -> str:
    text = socket.recv(timeout=20)
    assert isinstance(text, str)
    return text


def test_r4_bind_is_answered_and_pings_come_at_any_process(served: Served) -> None:
    id = served.create(a_subscription("Observation?status=final"))
    served.active(id)
    with served.socket(0) as first, served.socket(1) as second:
        for socket in (first, second):
            socket.send(f"bind {id}")
            assert _hear(socket) == f"bound {id}"
        served.create(an_observation("Patient/p1"))
        for socket in (first, second):
            assert _hear(socket) == f"ping {id}"


def test_a_token_binds_at_another_process_and_notifications_are_bundles(served: Served) -> None:
    id = served.create(of_topic("observation", content="full-resource"))
    served.active(id)
    token = served.token(id)
    with served.socket(1) as socket:
        socket.send(f"bind-with-token {token}")
        handshake = json.loads(_hear(socket))
        assert parts_of(handshake["entry"][0]["resource"])["type"] == "handshake"
        made = served.create(an_observation("Patient/p1"))
        told = json.loads(_hear(socket))
        assert numbers_of(told["entry"][0]["resource"]) == [1]
        assert told["entry"][1]["resource"]["id"] == made


def test_what_happened_without_a_socket_is_told_to_the_next(served: Served) -> None:
    id = served.create(of_topic("observation"))
    served.active(id)
    served.create(an_observation("Patient/p1"))
    with served.socket() as socket:
        socket.send(f"bind-with-token {served.token(id)}")
        _hear(socket)
        assert numbers_of(json.loads(_hear(socket))["entry"][0]["resource"]) == [1]


def test_a_quiet_socket_hears_signs_of_life_of_topics_it_is_bound_to(served: Served) -> None:
    id = served.create(of_topic("observation", heartbeat=1))  # 5 seconds at least
    served.active(id)
    with served.socket(1) as socket:
        socket.send(f"bind-with-token {served.token(id)}")
        said = [json.loads(_hear(socket))["entry"][0]["resource"] for _ in range(3)]
        assert [parts_of(one)["type"] for one in said] == ["handshake", "heartbeat", "heartbeat"]
        assert {parts_of(one)["events-since-subscription-start"] for one in said} == {"0"}
        made = served.create(an_observation("Patient/p1"))
        told = json.loads(_hear(socket))
        assert numbers_of(told["entry"][0]["resource"]) == [1], made


@pytest.mark.parametrize(
    "said",
    ["bind nothing-here", "bind-with-token AAAA", "bind-with-token é", "hello", "x" * 20_000],
)
def test_a_socket_that_says_anything_else_is_closed(served: Served, said: str) -> None:
    with served.socket() as socket:
        socket.send(said)
        with pytest.raises(ConnectionClosed):
            while True:
                assert "bound" not in _hear(socket)


def test_a_page_of_another_site_opens_no_socket(served: Served) -> None:
    with pytest.raises(InvalidStatus):
        served.socket(origin="http://evil.example")


def test_no_socket_is_opened_elsewhere(served: Served) -> None:
    for path in ("/fhir", "/fhir/Patient", "/api/x"):
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{served.ports[0]}{path}")


def test_status_and_events_can_be_asked_for(served: Served) -> None:
    id = served.create(of_topic("observation", content="empty"))
    served.active(id)
    made = [served.create(an_observation("Patient/p1")) for _ in range(3)]
    pause = threading.Event()
    for _ in range(200):
        _, status = served.ask("GET", f"/Subscription/{id}/$status")
        parts = parts_of(status["entry"][0]["resource"])
        if parts["events-since-subscription-start"] == "3":
            break
        pause.wait(0.05)
    assert (status["type"], parts["type"], parts["status"]) == (
        "searchset", "query-status", "active",
    )  # fmt: skip
    _, all_of = served.ask("GET", f"/Subscription/$status?id={id}&status=active")
    assert all_of["total"] == 1
    _, none = served.ask("GET", f"/Subscription/$status?id={id}&status=off")
    assert none["total"] == 0
    asked = f"/Subscription/{id}/$events?eventsSinceNumber=2&content=full-resource"
    _, events = served.ask("GET", asked)
    assert numbers_of(events["entry"][0]["resource"]) == [2, 3]
    assert [one["resource"]["id"] for one in events["entry"][1:]] == made[1:]
    for bad in ("eventsSinceNumber=x", "content=all", "eventsUntilNumber=-1"):
        assert served.ask("GET", f"/Subscription/{id}/$events?{bad}")[0] == 400


def test_tokens_are_for_websockets_only_and_secrets_are_given(served: Served) -> None:
    id = served.create(a_subscription("Observation", "http://127.0.0.1:9/hook"))
    served.active(id)
    assert served.ask("GET", f"/Subscription/{id}/$get-ws-binding-token")[0] == 400
    _, secret = served.ask("GET", f"/Subscription/{id}/$secret")
    assert len(parts_of(secret)["secret"]) == 44
    assert served.ask("GET", "/Subscription/other/$secret")[0] == 404


def test_the_statement_names_the_operations(served: Served) -> None:
    _, statement = served.ask("GET", "/metadata")
    (listed,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Subscription"]
    names = {one["name"] for one in listed["operation"]}
    assert {"status", "events", "get-ws-binding-token", "secret"} <= names
    topics = {one["valueUri"].rpartition("/")[2] for one in listed["extension"]}
    assert {"observation", "encounter-start", "patient-admission", "new-results"} <= topics


def test_the_page_lists_who_is_told_and_lets_one_be_tried_again(served: Served) -> None:
    id = served.create(a_subscription("Observation", "http://127.0.0.1:9/hook"))
    served.active(id)
    address = f"http://127.0.0.1:{served.ports[0]}/subscriptions"
    with urllib.request.urlopen(f"{address}?lang=vi") as answer:  # noqa: S310 - loopback
        page = answer.read().decode()
    assert id in page and "đang hoạt động" in page
    retry = urllib.request.Request(f"{address}/{id}/retry", data=b"", method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(retry) as answer:  # noqa: S310 - loopback
        assert answer.url == address  # sent back to the list
    missing = urllib.request.Request(f"{address}/nobody/retry", data=b"", method="POST")  # noqa: S310 - loopback
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(missing)  # noqa: S310 - loopback
    assert refused.value.code == 404
    refused.value.close()
