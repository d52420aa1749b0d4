"""Cut connections and killed writers: what was acknowledged is there, once."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest

from tests.faults.test_journal_races import start_worker
from tests.support.journal import a_change, make_tables, open_journal
from tests.support.journal_worker import SHARED
from trucyte.base.clock import FixedClock, SystemClock
from trucyte.database.connect import Connection, Cursor, Database
from trucyte.journal.change import Change, Entry, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.journal.writer import JournalUnavailable, NoSpace, OutcomeUnknown


class Cut:
    """A projection that cuts the committing connection, as often as it is told."""

    name = "cut"
    tables = ()

    def __init__(self) -> None:
        self.times = 0

    def prepare(self, change: Change) -> None:
        return None

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[None]) -> None:
        if self.times:
            self.times -= 1
            terminate(cursor.connection)

    def clear(self, cursor: Cursor) -> None:
        return None


def terminate(connection: Connection) -> None:
    with psycopg.connect(connection.info.dsn, autocommit=True) as admin:
        pid = connection.info.backend_pid
        admin.execute("select pg_terminate_backend(%s)", (pid,))
        while admin.execute("select 1 from pg_stat_activity where pid = %s", (pid,)).fetchone():
            time.sleep(0.01)


@pytest.fixture
def cut() -> Cut:
    return Cut()


@pytest.fixture
def journal(
    empty_database: Database, tmp_path: Path, clock: FixedClock, cut: Cut
) -> Iterator[Journal]:
    make_tables(empty_database)
    journal = open_journal(empty_database, tmp_path, clock, [cut], retry_seconds=5.0)
    yield journal
    journal.close()


def test_a_connection_cut_before_the_commit_is_tried_again(journal: Journal, cut: Cut) -> None:
    journal.commit([a_change("a")])
    cut.times = 2
    (line,) = journal.commit([a_change("b", expected=0)])
    assert (line.seq, journal.tail()) == (2, 2)
    assert journal.verify().is_sound


@pytest.mark.parametrize("reaches_the_server", [True, False])
def test_a_lost_commit_answer_neither_loses_nor_doubles(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, reaches_the_server: bool
) -> None:
    """The answer to COMMIT is lost: once after the server did it, once before."""
    journal.commit([a_change("a")])
    connection = journal._writer._connection
    assert connection is not None
    finish = psycopg.Transaction.__exit__
    lost = []

    def lose(transaction: psycopg.Transaction, *error: object) -> bool:
        if lost or transaction.connection is not connection:
            return finish(transaction, *error)
        lost.append(True)
        if reaches_the_server:
            finish(transaction, *error)
        terminate(connection)
        connection.execute("select 1")
        raise AssertionError("the connection should be gone")

    monkeypatch.setattr(psycopg.Transaction, "__exit__", lose)
    first, conflict = journal.commit_many(
        [[a_change("b", expected=0), a_change("c", expected=0)], [a_change("a", expected=0)]]
    )
    assert lost
    assert isinstance(first, list)
    assert [(line.seq, line.version) for line in first] == [(2, 1), (3, 1)]
    assert isinstance(conflict, VersionConflict)
    assert journal.tail() == 3
    assert [line.entry.id for line in journal.follow(0)] == ["a", "b", "c"]
    assert journal.verify().is_sound


def test_a_database_that_stays_away_is_said_so(journal: Journal, cut: Cut) -> None:
    journal.commit([a_change("a")])
    journal._writer._retry_seconds = 0.2
    away = psycopg.conninfo.make_conninfo(journal.database.url, port="1", host="127.0.0.1")
    there, journal.database.url = journal.database.url, away
    cut.times = 1
    with pytest.raises(JournalUnavailable):
        journal.commit([a_change("b")])
    journal.database.url = there
    assert [line.seq for line in journal.commit([a_change("b")])] == [2]


def test_a_commit_whose_end_cannot_be_seen_is_called_unknown(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([a_change("a")])
    journal._writer._retry_seconds = 0.2
    connection = journal._writer._connection
    finish = psycopg.Transaction.__exit__

    def lose(transaction: psycopg.Transaction, *error: object) -> bool:
        if transaction.connection is not connection:
            return finish(transaction, *error)
        finish(transaction, *error)
        journal.database.url = psycopg.conninfo.make_conninfo(
            journal.database.url, port="1", host="127.0.0.1"
        )
        connection.close()
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(psycopg.Transaction, "__exit__", lose)
    with pytest.raises(OutcomeUnknown):
        journal.commit([a_change("b")])


class Refusing(Cut):
    """A projection that meets an error of the database's, so many times."""

    error: psycopg.OperationalError

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[None]) -> None:
        if self.times:
            self.times -= 1
            raise self.error


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (psycopg.errors.DiskFull(), NoSpace),
        (psycopg.errors.OutOfMemory(), JournalUnavailable),
        (psycopg.errors.DeadlockDetected(), None),
        (psycopg.errors.SerializationFailure(), None),
    ],
)
def test_an_error_that_passes_is_tried_again_and_another_is_told_to_all(
    empty_database: Database, tmp_path: Path, clock: FixedClock, error, problem
) -> None:
    make_tables(empty_database)
    refusing = Refusing()
    refusing.error, refusing.times = error, 1
    journal = open_journal(empty_database, tmp_path, clock, [refusing])
    outcomes = journal.commit_many([[a_change("a")], [a_change("b")]])
    if problem is None:
        assert journal.tail() == 2
    else:
        assert [type(outcome) for outcome in outcomes] == [problem, problem]
        assert journal.tail() == 0
        assert len(journal.commit([a_change("a")])) == 1
    journal.close()


def test_an_interrupt_in_mid_commit_accepts_nothing(
    empty_database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    make_tables(empty_database)
    refusing = Refusing()
    refusing.error, refusing.times = KeyboardInterrupt(), 1
    journal = open_journal(empty_database, tmp_path, clock, [refusing])
    with pytest.raises(KeyboardInterrupt):
        journal.commit([a_change("a")])
    assert journal.tail() == 0
    assert [line.seq for line in journal.commit([a_change("a", expected=0)])] == [1]
    journal.close()


def test_writers_killed_in_mid_commit_lose_nothing_they_acknowledged(
    empty_database: Database, tmp_path: Path
) -> None:
    make_tables(empty_database)
    journal = open_journal(empty_database, tmp_path, SystemClock())
    acknowledged: list[tuple[int, int]] = []
    for round_number in range(3):
        worker = start_worker(empty_database, tmp_path, round_number, 10_000)
        assert worker.stdout is not None
        first = worker.stdout.readline()
        killer = threading.Timer(0.15, worker.send_signal, [signal.SIGKILL])
        killer.start()
        lines = [first, *worker.stdout]
        worker.wait()
        worker.stdout.close()
        killer.join()
        pairs = [line.split() for line in lines if line.endswith("\n")]
        acknowledged += [(int(seq), int(version)) for seq, version in pairs]

    journal.commit([a_change("after")])
    assert [line.entry.seq for line in journal.follow(0, 100_000)] == list(
        range(1, journal.tail() + 1)
    )
    history = {(line.entry.seq, line.entry.version) for line in journal.history(0, *SHARED)}
    assert set(acknowledged) <= history
    assert len(history) - len(acknowledged) <= 3
    assert journal.verify().is_sound
    journal.close()
