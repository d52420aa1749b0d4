"""Processes of a served node end in every way; the node goes on, and stops as it is told."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import ROOT, Served, needs_definitions, serving, until

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

READY = '{"ready":true'


@pytest.fixture(scope="module")
def served(open_folder: Path) -> Iterator[Served]:
    needs_definitions()
    with serving(open_folder / "processes") as served:
        yield served


def all_ready(served: Served, workers: int = 2) -> bool:
    return served.figure("trucyte_workers_accepting") == workers


@pytest.mark.parametrize("role", ["worker", "background"])
def test_a_killed_process_is_told_of_and_started_again_while_others_answer(
    served: Served, role: str
) -> None:
    until(lambda: all_ready(served))
    victim = served.children(role)[0]
    starts = f'trucyte_process_starts_total{{role="{role}"}}'
    before = served.figure(starts)
    os.kill(victim, signal.SIGKILL)
    for _ in range(20):
        assert served.get("/health/live").status == 200
    until(lambda: served.figure(starts) == before + 1)
    until(lambda: all_ready(served))
    assert victim not in served.children(role)
    assert {"role": role, "code": -9}.items() <= served.events("serving.process-ended")[-1].items()


def test_all_workers_killed_at_once_lose_no_connection_that_waits(served: Served) -> None:
    until(lambda: all_ready(served))
    for worker in served.children("worker"):
        os.kill(worker, signal.SIGKILL)
    assert served.get("/health/live").status == 200  # it waited until one was back


def test_connections_are_spread_over_the_workers(served: Served) -> None:
    until(lambda: all_ready(served))
    lines = [served.connect() for _ in range(20)]
    until(lambda: served.figure("trucyte_connections") >= 20)
    open_files = [len([*Path(f"/proc/{w}/fd").iterdir()]) for w in served.children("worker")]
    for line in lines:
        line.close()
    assert abs(open_files[0] - open_files[1]) <= 6


def test_a_reload_replaces_every_process_and_no_request_fails(served: Served) -> None:
    until(lambda: all_ready(served))
    before = {*served.children("worker"), *served.children("background")}
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(served.get("/health/live").status)

    asking = threading.Thread(target=ask)
    asking.start()
    served.process.send_signal(signal.SIGHUP)
    until(lambda: served.events("serving.reloaded"))
    stop.set()
    asking.join()
    after = {*served.children("worker"), *served.children("background")}
    assert not before & after
    assert len(after) == 3
    assert set(statuses) == {200}


def test_a_supervisor_that_is_killed_takes_its_processes_with_it(open_folder: Path) -> None:
    needs_definitions()
    with serving(open_folder / "orphans") as served:
        children = [*served.children("worker"), *served.children("background")]
        served.process.kill()
        served.process.wait()
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    with serving(open_folder / "orphans", workers=1) as again:  # adopts the server left behind
        assert again.get("/health/ready").body.startswith(READY.encode())


def test_sigterm_lets_a_request_finish_and_leaves_nothing_running(open_folder: Path) -> None:
    needs_definitions()
    with serving(open_folder / "stopped", workers=1) as served:
        children = [*served.children("worker"), *served.children("background")]
        with served.connect() as line:
            line.sendall(
                b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: 127.0.0.1\r\n"
                b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 6\r\n\r\nname"
            )
            until(lambda: served.figure("trucyte_requests_running") == 2)
            served.process.send_signal(signal.SIGTERM)
            until(lambda: served.events("serving.stops"))
            line.sendall(b"=a")
            assert line.recv(100).startswith(b"HTTP/1.1 200")
        assert served.process.wait(60) == 0
        assert not any(Path(f"/proc/{child}").exists() for child in children)
        assert not served.events("serving.process-killed")


def test_a_second_sigterm_ends_at_once(open_folder: Path) -> None:
    needs_definitions()
    with serving(open_folder / "twice", workers=1) as served:
        with served.connect() as line:
            line.sendall(b"POST /fhir/Patient/_search HTTP/1.1\r\nhost: 127.0.0.1\r\n")
            line.sendall(b"content-length: 6\r\n\r\n")
            until(lambda: served.figure("trucyte_requests_running") == 2)
            served.process.send_signal(signal.SIGTERM)
            until(lambda: served.events("serving.stops"))
            served.process.send_signal(signal.SIGTERM)
            served.process.wait(20)
        assert served.events("serving.process-killed")


def test_a_port_that_is_taken_is_said_so(served: Served, open_folder: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", "serve", f"--port={served.port}"],
        cwd=open_folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT / "src"), "TRUCYTE_DATA": str(open_folder / "taken")}
        | {"TRUCYTE_DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 3
    assert "port-taken" in refused.stderr
