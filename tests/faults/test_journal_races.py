"""Many writers at once, followers running meanwhile: no gap, nothing lost or doubled."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from tests.support.journal import a_change, open_journal
from tests.support.journal_worker import SHARED
from trucyte.base.clock import FixedClock, SystemClock
from trucyte.database.connect import Database
from trucyte.journal.journal import Journal

ROOT = Path(__file__).parents[2]


def start_worker(database: Database, folder: Path, worker: int, units: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.journal_worker", database.url, str(folder),
         str(worker), str(units)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": "src"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def follow_to_the_end(journal: Journal, seen: list[int], stopped: threading.Event) -> None:
    """Read on as soon as something is there, in small steps, as a follower does."""
    while True:
        is_last = stopped.is_set()
        after = seen[-1] if seen else 0
        lines = journal.follow(after, limit=7)
        seen += [line.entry.seq for line in lines]
        if lines:
            continue
        if is_last:
            return
        journal.wait(after, timeout_seconds=0.5)


def test_eight_processes_leave_no_gap_and_followers_never_skip(
    database: Database, tmp_path: Path
) -> None:
    journal = open_journal(database, tmp_path, SystemClock())
    stopped = threading.Event()
    seen: tuple[list[int], list[int]] = ([], [])
    followers = [
        threading.Thread(target=follow_to_the_end, args=(journal, one, stopped)) for one in seen
    ]
    for follower in followers:
        follower.start()
    workers = [start_worker(database, tmp_path, number, 25) for number in range(8)]
    acknowledged = []
    for worker in workers:
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        acknowledged += [tuple(map(int, line.split())) for line in out.splitlines()]
    stopped.set()
    for follower in followers:
        follower.join()

    assert seen[0] == seen[1] == list(range(1, journal.tail() + 1))
    history = journal.history(0, *SHARED)
    assert [line.entry.version for line in history] == list(range(200, 0, -1))
    assert sorted(acknowledged) == sorted((line.entry.seq, line.entry.version) for line in history)
    proposals = Counter((line.entry.source, line.entry.row) for line in history)
    assert set(proposals.values()) == {1}
    assert journal.verify().is_sound
    journal.close()


def test_threads_of_one_process_share_batches(
    database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    journal = open_journal(database, tmp_path, clock)
    barrier = threading.Barrier(16)

    def write(number: int) -> None:
        barrier.wait()
        for step in range(5):
            journal.commit([a_change(f"{number}-{step}"), a_change("shared")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.tail() == 160
    assert journal.read_tail().batches < 80
    assert [line.entry.version for line in journal.history(0, *SHARED)] == list(range(80, 0, -1))
    assert journal.verify().is_sound
    journal.close()


def test_waiting_ends_when_a_line_comes(
    database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    journal = open_journal(database, tmp_path, clock)
    assert journal.wait(0, timeout_seconds=0) == 0
    writer = threading.Timer(0.1, journal.commit, [[a_change()]])
    writer.start()
    assert journal.wait(0, timeout_seconds=60) == 1
    writer.join()
    assert journal.wait(0, timeout_seconds=60) == 1
    journal.close()
