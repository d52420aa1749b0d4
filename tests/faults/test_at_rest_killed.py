"""Killed while it erases or wraps keys anew, a node has done a step or not, and goes on."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.journal import a_change, make_tables, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.atrest.resealing import rewrap
from trucyte.journal.journal import Journal

LINES = 200
COUNTS = {
    "erase": "select count(*) from journal.erasure",
    "rewrap": "select count(*) from journal.body_key where generation = 2",
}


@pytest.fixture
def journal(empty_database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Journal]:
    make_tables(empty_database)
    found = open_journal(empty_database, tmp_path, clock)
    found.commit([a_change(str(number), person=number) for number in range(1, LINES + 1)])
    yield found
    found.close()


def count(journal: Journal, what: str) -> int:
    with journal.database.connection() as connection:
        return connection.execute(COUNTS[what]).fetchone()[0]


def killed_at_it(journal: Journal, folder: Path, what: str) -> None:
    """Let a process begin, and kill it in the middle."""
    command = [sys.executable, "-m", "tests.support.atrest_worker", what, journal.database.url]
    process = subprocess.Popen([*command, str(folder)])
    deadline = time.monotonic() + 60
    while count(journal, what) < 5 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.wait()


def test_an_erasure_that_was_killed_is_finished_by_whoever_comes_next(
    journal: Journal, tmp_path: Path
) -> None:
    killed_at_it(journal, tmp_path, "erase")
    assert journal.verify().is_sound
    journal.resume_erasures()
    assert [line.entry.seq for line in journal.follow(0) if line.body] == [LINES]
    assert count(journal, "erase") == LINES - 1
    assert journal.verify().is_sound
    with journal.database.connection() as connection:
        assert connection.execute("select person from journal.body_key").fetchall() == [(LINES,)]


def test_rewrapping_that_was_killed_is_gone_on_with(journal: Journal, tmp_path: Path) -> None:
    journal.keyring.rotate_wrapping()
    killed_at_it(journal, tmp_path, "rewrap")
    journal.body_keys.drop()
    assert all(line.body for line in journal.follow(0))
    rewrap(journal.database, journal.body_keys, journal.keyring, lambda done, total: None)
    assert count(journal, "rewrap") == LINES
    journal.body_keys.drop()
    assert all(line.body for line in journal.follow(0))
