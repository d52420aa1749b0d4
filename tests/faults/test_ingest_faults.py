"""Taking files in when things go wrong: kills, restarts of the database, a full disk."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import psycopg
import psycopg.conninfo
import pytest
from psycopg import sql

from tests.claims_files import envelope, file, hoso, medicines, summary
from tests.conftest import ROOT
from tests.support.intake import Node
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.database.server import EmbeddedServer, running_pid
from trucyte.intake.door import work_on
from trucyte.intake.progress import Progress, Watchers
from trucyte.intake.receipts import State

VISITS = 400


@pytest.fixture(scope="module")
def definitions_file(r4_cache: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("definitions") / "r4.definitions"
    path.write_bytes(r4_cache)
    return path


@pytest.fixture
def node(database: Database, tmp_path: Path, definitions_file: Path) -> Iterator[Node]:
    made = Node(database, tmp_path, definitions_file)
    yield made
    made.close()


def visits(count: int, size: int = 0) -> bytes:
    """An envelope of visits, some of the same people, each with a drug."""
    drug = {"STT": "1", "MA_THUOC": "40.48", "NGAY_YL": "202602150845", "MA_NHOM": "4"}
    return envelope(
        [
            hoso(
                file("XML1", one_summary(n, size)),
                file("XML2", medicines(drug, link=f"LK-{n}")),
            )
            for n in range(count)
        ]
    )  # fmt: skip


def one_summary(number: int, size: int) -> str:
    note = noise(number, size)
    return summary(MA_LK=f"LK-{number}", MA_BN=f"BN-{number % 97}", GHI_CHU=note)


def noise(number: int, size: int) -> str:
    """Text that no compressor makes small."""
    return random.Random(number).randbytes(size // 2).hex()  # noqa: S311 - filler


def await_true(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]  # a function
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def check_whole(node: Node, number: int, count: int = VISITS) -> None:
    """Nothing lost, nothing doubled."""
    received = node.receipts.file(number)
    assert (received.state, received.visits, received.quarantined) == (State.DONE, count, 0)
    lines = node.lines()
    keys = [(line.entry.type, line.entry.id, line.entry.version) for line in lines]
    assert len(set(keys)) == len(keys)
    assert [line.entry.seq for line in lines] == list(range(1, len(lines) + 1))
    assert set(node.versions("Encounter").values()) == {1}
    assert set(node.versions("Provenance").values()) == {1}
    assert len(node.current("Encounter")) == len(node.current("Provenance")) == count
    assert len(node.current("MedicationRequest")) == count
    assert len(node.current("Patient")) == min(count, 97)
    outcomes = {one.outcome for one in node.receipts.visits(number, count=count)}
    assert outcomes == {"accepted"}


@pytest.mark.parametrize("whom", ["reader", "all"])
def test_a_run_killed_in_the_middle_is_gone_on_with_exactly(
    node: Node, database: Database, tmp_path: Path, definitions_file: Path, whom: str
) -> None:
    number = node.receipts.receive("a.xml", "cli", [visits(VISITS)]).number
    command = [sys.executable, "-m", "tests.support.ingest_process", database.url]
    for round_ in (1, 2):
        before = node.journal.tail()
        child = subprocess.Popen(
            [*command, str(tmp_path), str(definitions_file), str(number)],
            cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": f"src{os.pathsep}."},
        )  # fmt: skip
        await_true(lambda before=before: node.journal.tail() > before + 200)
        if whom == "all":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL, f"round {round_} was too quick to be killed"
    assert node.receipts.file(number).state is State.RUNNING
    work_on(node.door, [number], 0, Event())
    check_whole(node, number)


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(
        open_folder / f"ingest-{time.monotonic_ns()}",
        system=open_folder / "system",
        announce=lambda sentence: None,
    ) as server:
        yield server


@pytest.fixture
def own_node(own_server: EmbeddedServer, tmp_path: Path, definitions_file: Path) -> Iterator[Node]:
    database = Database(own_server.url, wait_seconds=1.0)
    migrate(database)
    made = Node(database, tmp_path, definitions_file)
    yield made
    made.close()
    database.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_database_that_goes_away_is_waited_for(
    own_server: EmbeddedServer, own_node: Node, workers: int
) -> None:
    number = own_node.receipts.receive("a.xml", "cli", [visits(VISITS)]).number
    seen: list[Progress] = []
    told: list[Problem] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            door = replace(own_node.door, workers=workers)
            work_on(door, [number], 10 << 20, Event(), Watchers(seen.append, told.append))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    await_true(lambda: failed or own_node.journal.tail() > 200)
    pid = running_pid(own_server.home)
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)  # immediate shutdown: sessions are cut, recovery follows
    await_true(lambda: running_pid(own_server.home) is None)
    time.sleep(1.0)
    own_server.start()
    thread.join(90)
    assert not thread.is_alive()
    assert failed == []
    check_whole(own_node, number)


@pytest.fixture
def tiny_disk(own_server: EmbeddedServer, open_folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes that belongs to the database server."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = open_folder / "tiny"
    place.mkdir()
    owner = own_server.home.account.uid
    mount = ["mount", "-t", "tmpfs", "-o", f"size=27m,uid={owner},mode=700", "tmpfs", str(place)]
    made = subprocess.run(mount, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"this machine mounts nothing: {made.stderr}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.root
def test_a_disk_that_fills_up_stops_the_run_and_room_lets_it_go_on(
    own_server: EmbeddedServer, tiny_disk: Path, tmp_path: Path, definitions_file: Path
) -> None:
    with psycopg.connect(own_server.url, autocommit=True) as admin:
        admin.execute(sql.SQL("create tablespace tiny location {}").format(str(tiny_disk)))
        admin.execute("create database small tablespace tiny template template0")
    database = Database(psycopg.conninfo.make_conninfo(own_server.url, dbname="small"))
    migrate(database)
    node = Node(database, tmp_path, definitions_file)
    try:
        number = node.receipts.receive("a.xml", "cli", [visits(VISITS, size=60_000)]).number
        with pytest.raises(Problem) as caught:
            work_on(node.door, [number], 0, Event())
        assert caught.value.kind is Kind.NO_SPACE
        assert node.journal.tail() > 0
        assert node.receipts.file(number).state is State.RUNNING
        more = ["mount", "-o", "remount,size=400m", str(tiny_disk)]
        subprocess.run(more, check=True)
        work_on(node.door, [number], 0, Event())
        check_whole(node, number)
    finally:
        node.close()
        database.close()
        with psycopg.connect(own_server.url, autocommit=True) as admin:
            admin.execute("drop database small with (force)")
            admin.execute("drop tablespace tiny")
