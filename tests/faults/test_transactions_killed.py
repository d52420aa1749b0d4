"""Processes killed amid transactions: each is there as a whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.support.bundle_process import MEMBERS
from tests.support.bundles import open_sender
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WORKERS = 2


def start(database: Database, folder: Path, definitions: Path, worker: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.bundle_process", database.url, str(folder),
         str(definitions), str(worker)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": "src"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def acknowledged_until_killed(worker: subprocess.Popen, seconds: float) -> list[int]:
    """Let a worker send for a while after its first answer, then kill it amid its work."""
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
    return [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def test_transactions_killed_in_the_middle_are_whole_or_not_there(
    database: Database,
    tmp_path: Path,
    clock: FixedClock,
    definitions: Definitions,
    r4_cache: bytes,
) -> None:
    file = tmp_path / "r4.definitions"
    file.write_bytes(r4_cache)
    with open_sender(database, tmp_path, clock, definitions) as sender:  # makes the keys
        workers = [start(database, tmp_path, file, number) for number in range(WORKERS)]
        answers: dict[int, list[int]] = {}

        def watch(number: int) -> None:
            answers[number] = acknowledged_until_killed(workers[number], 0.6 + number / 7)

        watchers = [threading.Thread(target=watch, args=(number,)) for number in range(WORKERS)]
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.join()

        numbers = Counter(p["identifier"][0]["value"] for p in sender.current("Patient").values())
        assert set(numbers.values()) == {1}, "also of those that all competed for"
        for worker, done in answers.items():
            assert done
            assert {f"{worker}-{number}" for number in done} <= set(numbers)
        ids = {p["identifier"][0]["value"]: id for id, p in sender.current("Patient").items()}
        members = Counter(o["subject"]["reference"] for o in sender.current("Observation").values())
        whole = {f"Patient/{id}": MEMBERS for n, id in ids.items() if not n.startswith("shared")}
        assert members == whole
        assert sender.node.journal.verify().is_sound
        assert sender.node.journal.compare() is None
