"""Under load a worker is killed and the database crashes: what was acknowledged is there."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import psycopg
import pytest

from tests.support.serving import ROOT, Served, needs_definitions, serving, until
from trucyte.database.server import EmbeddedServer, running_pid

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

SEND = "/api/qd130/guiHoSoXmlQD3176"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def served(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    needs_definitions()
    with serving(open_folder / request.node.name[:30]) as served:
        yield served


def token_of(served: Served) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", "door", "add", "his", "--json"],
        cwd=served.log.parent,
        env=os.environ
        | {"PYTHONPATH": str(ROOT / "src"), "TRUCYTE_DATA": str(served.data)}
        | {"TRUCYTE_DATABASE_URL": ""},
        capture_output=True,
        check=True,
    )
    password = json.loads(made.stdout)["password"]
    body = json.dumps({"username": "his", "password": password}).encode()
    return served.ask("POST", "/api/auth/login", body).json["accessToken"]


class Senders:
    """Hospital systems that send files one after another, and keep what was acknowledged."""

    def __init__(self, served: Served, count: int = 6) -> None:
        self.served = served
        self.token = token_of(served)
        self.acknowledged: dict[str, bytes] = {}  # by maGiaoDich: the file
        self.statuses: list[int] = []
        self.retry_after: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(number,)) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            self._send_one(f"<TEST>{sender}-{number}</TEST>".encode() * 50)

    def _send_one(self, file: bytes) -> None:
        body = b"fileHSBase64=" + base64.b64encode(file).replace(b"+", b"%2B")
        try:
            answer = self.served.ask("POST", SEND, body, FORM | {"accesstoken": self.token})
        except (urllib.error.URLError, HTTPException, OSError):
            self.statuses.append(0)  # its line was cut: not acknowledged
            return
        self.statuses.append(answer.status)
        if answer.status == 200:
            self.acknowledged[answer.json["maGiaoDich"]] = file
        elif answer.status == 503:
            self.retry_after.append(answer.headers.get("retry-after", ""))
            self._stop.wait(0.2)

    def is_known(self, transaction: str) -> bool:
        path = f"/api/kcb/tra-cuu-trang-thai/{transaction}"
        answer = self.served.ask("GET", path, headers={"accesstoken": self.token})
        return answer.status == 200


def check_nothing_lost(senders: Senders, server: EmbeddedServer) -> None:
    """Everything acknowledged is known and whole; nothing stands there half-written."""
    assert len(senders.acknowledged) > 20
    assert set(senders.statuses) <= {0, 200, 503}
    assert all(senders.is_known(transaction) for transaction in senders.acknowledged)
    with psycopg.connect(server.url) as connection:
        sizes = dict(
            connection.execute(
                "select transaction, size from intake.source where transaction is not null"
            ).fetchall()
        )
        halves = connection.execute(
            "select count(*) from intake.source s where digest is not null"
            " and not exists (select from intake.part p where p.source = s.number)"
        ).fetchone()
    assert {t: sizes[t] for t in senders.acknowledged} == {
        t: len(file) for t, file in senders.acknowledged.items()
    }
    assert halves == (0,)


@pytest.fixture
def server(served: Served) -> Iterator[EmbeddedServer]:
    """The node's own database, joined."""
    server = EmbeddedServer(
        served.data,
        system=Path(os.environ["TRUCYTE_SYSTEM_FOLDER"]),
        announce=lambda sentence: None,
    )
    with server:
        yield server


def test_a_worker_killed_in_mid_transaction_loses_nothing_it_acknowledged(
    served: Served, server: EmbeddedServer
) -> None:
    senders = Senders(served)
    for _ in range(3):
        time.sleep(0.7)
        alive = served.children("worker")
        os.kill(alive[0], signal.SIGKILL)
        before = len(senders.acknowledged)
        until(lambda before=before: len(senders.acknowledged) > before + 5)  # another goes on
    senders.stop()
    until(lambda: served.figure("trucyte_workers_accepting") == 2)
    check_nothing_lost(senders, server)
    assert len(served.events("serving.process-ended")) == 3


def test_a_database_that_crashes_under_load_is_started_again_and_nothing_is_lost(
    served: Served, server: EmbeddedServer
) -> None:
    senders = Senders(served)
    until(lambda: len(senders.acknowledged) > 10)
    first = running_pid(server.home)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: running_pid(server.home) not in (None, first))
    before = len(senders.acknowledged)
    until(lambda: len(senders.acknowledged) > before + 20)
    senders.stop()
    check_nothing_lost(senders, server)
    assert served.events("serving.database-ended")
    assert all(seconds.isdigit() for seconds in senders.retry_after)
    assert not [line for line in served.log.read_text().splitlines() if "Traceback" in line]


def test_a_database_that_stays_away_gives_503_with_a_time_and_not_ready(
    served: Served, server: EmbeddedServer
) -> None:
    home = server.home
    assert served.get("/health/ready").status == 200
    postmaster = running_pid(home)
    assert postmaster is not None
    hidden = home.cluster.with_name("postgres.hidden")
    home.cluster.rename(hidden)  # it cannot be started again, nor is an empty one made
    os.kill(postmaster, signal.SIGKILL)
    try:
        until(lambda: served.get("/health/ready").status == 503)
        # Each worker looks for itself, at most once a second.
        until(lambda: served.get("/health/ready").json["checks"]["database"] is False)
        assert served.get("/health/live").status == 200
        refused = served.get("/fhir/Patient/unknown")
        assert refused.status == 503
        assert refused.headers["retry-after"].isdigit()
        assert refused.json["resourceType"] == "OperationOutcome"
        assert not home.cluster.exists()
    finally:
        hidden.rename(home.cluster)
    until(lambda: served.get("/health/ready").status == 200)
