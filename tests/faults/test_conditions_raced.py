"""Conditional writes stay unique under sixteen clients in two processes."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.interactions import MRN, a_patient, open_writing
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

ROOT = Path(__file__).parents[2]
PROCESSES, THREADS, ROUNDS = 2, 8, 6


def started(database: Database, folder: Path, cache: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.interactions_worker", database.url, str(folder),
         str(cache), str(THREADS), str(ROUNDS)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": "src"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_sixteen_clients_leave_one_of_each_and_none_is_refused(
    database: Database, tmp_path: Path, r4_cache: bytes, definitions: Definitions
) -> None:
    cache = tmp_path / "r4.definitions"
    cache.write_bytes(r4_cache)
    with open_writing(database, tmp_path, SystemClock(), definitions) as writing:
        for number in range(ROUNDS):
            writing.create(a_patient(f"d{number}"))
        workers = [started(database, tmp_path, cache) for _ in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        told: Counter = Counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            out, _ = worker.communicate(timeout=120)
            assert worker.returncode == 0
            for line in out.splitlines():
                what, _, count = line.rpartition(" ")
                told[what] += int(count)
        clients = PROCESSES * THREADS
        for number in range(ROUNDS):
            assert told[f"create {number} created"] == 1
            assert told[f"create {number} found"] == clients - 1
            assert told[f"update {number} created"] == 1
            assert told[f"delete {number} 1"] == 1
            assert told[f"delete {number} 0"] == clients - 1
            for kind, left in (("c", 1), ("u", 1), ("d", 0)):
                found = writing.ids("Patient", ("identifier", f"{MRN}|{kind}{number}"))
                assert len(found) == left
        assert writing.node.journal.verify().is_sound
