"""Endpoints that fail, dawdle, redirect and hang up, and processes that are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.interactions import an_observation, encoded
from tests.support.receiver import Receiver, receiving
from tests.support.subscriptions import (
    Subscribed,
    a_subscription,
    numbers_of,
    of_topic,
    open_subscribed,
    parts_of,
)
from tests.support.subscriptions_worker import settings_of
from trucyte.database.connect import Database
from trucyte.exchange.subscriptions.addresses import Policy
from trucyte.exchange.subscriptions.store import Status, Store
from trucyte.fhir.definitions import Definitions
from trucyte.node.wiring import open_node
from trucyte.shared.access.local import local_access

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.fixture
def subscribed(
    database: Database, tmp_path: Path, definitions: Definitions
) -> Iterator[Subscribed]:
    with open_subscribed(database, tmp_path, definitions) as made:
        yield made
    assert made.problems == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _observe(made: Subscribed) -> str:
    return made.writing.create(an_observation("Patient/p1")).resource.id


@pytest.mark.parametrize(
    "behaviour", ["500", "404", "hang-up", "half", "babble", "flood", "slow 3"]
)
def test_what_was_not_taken_is_told_again(
    subscribed: Subscribed, receiver: Receiver, behaviour: str
) -> None:
    receiver.behave = lambda number: behaviour if number == 1 else "200"
    id = subscribed.subscribe(a_subscription("Observation", receiver.url()))
    _observe(subscribed)
    with subscribed.running():
        receiver.wait(lambda: len(receiver.came) == 2)
        receiver.wait(lambda: subscribed.store.one(id).delivered == 1)
    assert [one.events for one in receiver.came] == [(1, 1), (1, 1)]


def test_a_redirect_is_refused_and_not_followed(subscribed: Subscribed, receiver: Receiver) -> None:
    with receiving() as other:
        receiver.behave = lambda number: f"redirect {other.url()}"
        id = subscribed.subscribe(a_subscription("Observation", receiver.url()))
        _observe(subscribed)
        with subscribed.running():
            receiver.wait(lambda: subscribed.resource(id)["status"] == "error")
        assert other.came == []
    assert "307" in subscribed.resource(id)["error"]


def test_after_the_last_attempt_it_stands_as_error_and_asks_anew_when_told_to(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    receiver.behave = lambda number: "503" if number <= 4 else "200"
    id = subscribed.subscribe(of_topic("observation", receiver.url()))
    _observe(subscribed)
    with subscribed.running():
        receiver.wait(lambda: subscribed.resource(id)["status"] == "error")
        failed = subscribed.resource(id)
        assert "subscription-endpoint-away" in failed["error"]
        assert len(receiver.came) == 4
        _observe(subscribed)
        subscribed.put({**failed, "status": "requested"})
        receiver.wait(lambda: subscribed.resource(id)["status"] == "active")
        receiver.wait(lambda: len(receiver.came) >= 6)
        status = receiver.came[-1].json["entry"][0]["resource"]
    assert numbers_of(status) == [1, 2]  # what happened meanwhile is not lost
    assert parts_of(status)["events-since-subscription-start"] == "2"
    assert "error" not in subscribed.resource(id)


def test_a_retry_by_hand_goes_on_at_once(subscribed: Subscribed, receiver: Receiver) -> None:
    receiver.behave = lambda number: "503" if number <= 4 else "200"
    id = subscribed.subscribe(a_subscription("Observation", receiver.url()))
    _observe(subscribed)
    with subscribed.running():
        receiver.wait(lambda: subscribed.resource(id)["status"] == "error")
        assert subscribed.store.retry(id, subscribed.telling.clock.now())
        receiver.wait(lambda: subscribed.store.one(id).delivered == 1)
        receiver.wait(lambda: subscribed.resource(id)["status"] == "active")


def test_slow_endpoints_delay_nobody_else(subscribed: Subscribed, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.behave = lambda number: "slow 0.8"
        for number in range(20):  # more than may be under way to one host
            subscribed.subscribe(
                a_subscription("Observation", slow.url(f"/{number}", host="localhost"))
            )
        id = subscribed.subscribe(a_subscription("Observation", receiver.url()))
        with subscribed.running():
            receiver.wait(lambda: subscribed.resource(id)["status"] == "active")
            for _ in range(5):
                _observe(subscribed)
            receiver.wait(lambda: len(receiver.came) == 5)
            assert len(slow.came) < 100  # they are not through


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9/x", "http://10.0.0.1/x", "https://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data", "https://[::1]/x", "https://[::ffff:10.0.0.1]/x",
        "http://8.8.8.8/x", "ftp://8.8.8.8/x", "https://user:pass@8.8.8.8/x", "https:///x",
        "https://0.0.0.0/x", "https://[fd00::1]/x", "https://100.64.0.1/", "https://8.8.8.8:99999/",
        "file:///etc/passwd",
    ],
)  # fmt: skip
def test_endpoints_that_the_settings_do_not_allow_are_refused(
    database: Database, tmp_path: Path, definitions: Definitions, endpoint: str
) -> None:
    strict = Policy()
    with open_subscribed(database, tmp_path, definitions, policy=strict) as made:
        id = made.subscribe(a_subscription("Observation", endpoint))
        made.follower().catch_up()
        standing = made.store.one(id)
    assert standing is not None
    assert (standing.status, standing.problem) == (Status.ERROR, "subscription-endpoint")


def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    database: Database, tmp_path: Path, definitions: Definitions, receiver: Receiver
) -> None:
    # The name passes by itself; the address it has when it is connected to does not.
    strict = Policy(frozenset({"localhost"}))
    with open_subscribed(database, tmp_path, definitions, policy=strict) as made:
        id = made.subscribe(a_subscription("Observation", receiver.url(host="localhost")))
        _observe(made)
        with made.running():
            receiver.wait(lambda: made.resource(id)["status"] == "error")
    assert receiver.came == []


@pytest.mark.parametrize(
    "header", ["Host: x", "content-length: 5", "A: b\r\nC: d", "no colon", "Trucyte-Events: 1-1"]
)
def test_headers_that_would_speak_for_the_connection_are_refused(
    subscribed: Subscribed, header: str
) -> None:
    made = a_subscription("Observation", "http://127.0.0.1:9/", headers=["X-Fine: y", header])
    body = {**made, "id": "s1"}
    access = subscribed.writing.access
    try:
        subscribed.writing.interactions.update(access, "Subscription", "s1", encoded(body))
    except Exception as refusal:  # noqa: BLE001 - the validator may refuse it before
        assert "Subscription" in str(refusal) or "FHIR" in str(refusal)
        return
    subscribed.follower().catch_up()
    assert subscribed.store.one("s1").status is Status.ERROR


def test_every_matching_version_is_told_in_order_whatever_the_endpoint_does(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    chance = random.Random(7)  # noqa: S311 - of a test
    ways = ["200", "200", "200", "500", "hang-up", "half", "slow 0.05"]
    behaviours = [chance.choice(ways) for _ in range(5_000)]
    receiver.behave = lambda number: behaviours[number]
    patient = {"filters": ["Observation?patient=Patient/p1"]}
    plain = subscribed.subscribe(a_subscription("Observation?patient=Patient/p1",
                                                receiver.url("/plain"),
                                                payload="application/fhir+json"))  # fmt: skip
    topic = subscribed.subscribe(of_topic("observation", receiver.url("/topic"), **patient))
    subscribed.pace = type(subscribed.pace)(
        attempts_max=1000, seconds_max=1.0, first_pause_seconds=0.002
    )
    wanted: list[str] = []
    with subscribed.running():
        for _ in range(60):
            who = chance.choice(["p1", "p2"])
            made = subscribed.writing.create(an_observation(f"Patient/{who}")).resource.id
            wanted += [made] if who == "p1" else []
        for id in (plain, topic):
            receiver.wait(lambda id=id: subscribed.store.one(id).delivered == len(wanted), 60)
    _check_in_order([one.events for one in receiver.of("/plain")], len(wanted))
    _check_in_order([one.events for one in receiver.of("/topic")], len(wanted))
    put = {one.events[0]: one.path.rpartition("/")[2] for one in receiver.of("/plain")}
    assert [put[number] for number in sorted(put)] == wanted


def _check_in_order(ranges: list[tuple[int, int]], last: int) -> None:
    """Nothing is told before what stands before it, and all is told."""
    reached = 0
    for first, until in ranges:
        assert first <= reached + 1, "an event was passed over"
        reached = max(reached, until)
    assert reached == last


@contextmanager
def _worker(database: Database, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.subscriptions_worker", database.url, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_killed_again_and_again_it_loses_no_event_and_keeps_the_order(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    chance = random.Random(3)  # noqa: S311 - of a test
    receiver.behave = lambda number: "slow 0.01"
    store, ids = Store(database), []
    with open_node(settings_of(database.url, tmp_path / "data")) as node:
        access = local_access("fhir", node.trail)
        for path in ("/one", "/two"):
            body = encoded(of_topic("observation", receiver.url(path), at_once=3))
            ids.append(node.interactions.create(access, "Subscription", body).resource.id)
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                body = encoded(an_observation("Patient/p1"))
                node.interactions.create(access, "Observation", body)
                stop.wait(0.01)

        writer = threading.Thread(target=write)
        writer.start()
        for _ in range(4):
            with _worker(database, tmp_path / "data") as process:
                time.sleep(0.6 + chance.random())
                process.send_signal(signal.SIGKILL)
        stop.set()
        writer.join()
        with _worker(database, tmp_path / "data"):
            receiver.wait(lambda: _is_all_told(node.journal.tail(), database, store, ids), 60)
        written = node.journal.follow(0, 100_000, ["Observation"])
    for id, path in zip(ids, ("/one", "/two"), strict=True):
        standing = store.one(id)
        events = store.events(id, after=0, limit=100_000)
        assert [one.number for one in events] == list(range(1, standing.events + 1))
        first = events[0].seq
        assert [one.seq for one in events] == [
            line.entry.seq for line in written if line.entry.seq >= first
        ]
        told = [one.events for one in receiver.of(path) if one.events[1]]
        _check_in_order(told, standing.events)


def _is_all_told(tail: int, database: Database, store: Store, ids: list[str]) -> bool:
    with database.connection() as connection:
        row = connection.execute(
            "select seq from journal.cursor where name = 'subscriptions'"
        ).fetchone()
    standings = [store.one(id) for id in ids]
    return (
        bool(row)
        and row[0] >= tail - 5
        and all(one is not None and one.events and one.delivered == one.events for one in standings)
    )
