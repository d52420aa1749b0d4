"""Processes killed amid linking: what was acknowledged is there, and circles are as replayed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.identity import Naive, links_of, patient, references
from tests.support.links_worker import PEOPLE
from tests.support.records import Node, body, open_node
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

# Seconds of processes that start and die: for `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WORKERS = 3


def start(database: Database, folder: Path, definitions: Path, worker: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.links_worker", database.url, str(folder),
         str(definitions), str(worker)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": "src"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def acknowledged_until_killed(worker: subprocess.Popen, seconds: float) -> list[str]:
    assert worker.stdout is not None
    first = worker.stdout.readline()
    killer = threading.Timer(seconds, worker.send_signal, [signal.SIGKILL])
    killer.start()
    rest = worker.stdout.read()
    worker.stdout.close()
    worker.wait()
    killer.join()
    assert worker.returncode == -signal.SIGKILL
    # What breaks off in the middle was not told.
    return [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def test_links_of_processes_that_die_are_whole_and_give_the_circles_of_the_model(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions, r4_cache: bytes
) -> None:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    with open_node(database, tmp_path, clock, definitions) as node:  # makes the keys
        node.put(*(patient(f"p{number}", birthDate="1990") for number in range(PEOPLE)))
        workers = [start(database, tmp_path, file, number) for number in range(WORKERS)]
        told: list[str] = []
        watchers = [
            threading.Thread(
                target=lambda number=number: told.extend(
                    acknowledged_until_killed(workers[number], 0.7 + number / 5)
                )
            )
            for number in range(WORKERS)
        ]
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.join()
        assert told
        for line in told:
            id_, version = line.split()
            assert node.records.read(node.full, "Linkage", id_).version >= int(version)
        check_circles(node)
        assert node.journal.verify().is_sound
        assert node.journal.compare() is None


def check_circles(node: Node) -> None:
    """The groups are those of the Linkages that are active, walked naively."""
    naive = Naive()
    for id_ in node.search("Linkage", ("_count", "1000")):
        linkage = body(node.records.read(node.full, "Linkage", id_))
        ends = frozenset(item["resource"]["reference"][8:] for item in linkage["item"])
        if linkage["active"]:
            naive.linked.add(ends)
    links = links_of(node)
    for number in range(PEOPLE):
        assert links.group(f"Patient/p{number}") == references(naive.group(f"p{number}"))
