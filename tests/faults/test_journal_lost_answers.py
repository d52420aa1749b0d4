"""Cut connections and killed writers: what was acknowledged is there, once."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.faults.test_journal_races import start_worker
from tests.support.journal import a_change, open_journal
from tests.support.journal_worker import SHARED
from trucyte.base.clock import FixedClock, SystemClock
from trucyte.database.connect import (
    Connection,
    Cursor,
    Database,
    DatabaseAway,
    DatabaseFull,
)
from trucyte.journal.change import Change, Entry, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.journal.writer import OutcomeUnknown


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
            cursor.execute("select 1")

    def clear(self, cursor: Cursor) -> None:
        return None


def terminate(connection: Connection) -> None:
    told = {"password": connection.info.password}  # which `dsn` leaves out
    with psycopg.connect(connection.info.dsn, autocommit=True, **told) as admin:
        pid = connection.info.backend_pid
        admin.execute("select pg_terminate_backend(%s)", (pid,))
        while admin.execute("select 1 from pg_stat_activity where pid = %s", (pid,)).fetchone():
            time.sleep(0.01)


@pytest.fixture
def cut() -> Cut:
    return Cut()


@pytest.fixture
def journal(database: Database, tmp_path: Path, clock: FixedClock, cut: Cut) -> Iterator[Journal]:
    journal = open_journal(database, tmp_path, clock, [cut], retry_seconds=5.0)
    yield journal
    journal.close()


def test_a_connection_cut_before_the_commit_is_tried_again(journal: Journal, cut: Cut) -> None:
    journal.commit([a_change("a")])
    cut.times = 2
    (line,) = journal.commit([a_change("b", expected=0)])
    assert (line.seq, journal.tail()) == (2, 2)
    assert journal.verify().is_sound


@pytest.mark.parametrize("step", ["_write", "_close_batch"])
def test_a_lost_commit_answer_neither_loses_nor_doubles(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The connection is cut behind COMMIT, then just before it: the writer cannot tell which."""
    journal.commit([a_change("a")])
    writer = journal._writer
    session, real, lost = writer._session, getattr(writer, step), []
    assert session is not None

    def lose(*arguments: object) -> object:
        result = real(*arguments)
        if not lost:
            lost.append(True)
            terminate(session.connection)
            session.connection.execute("select 1")
        return result

    monkeypatch.setattr(writer, step, lose)
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


def unreachable(**options: object) -> Connection:
    raise DatabaseAway


def test_a_database_that_stays_away_is_said_so(
    journal: Journal, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([a_change("a")])
    journal._writer._retry_seconds = 0.2
    with monkeypatch.context() as patch:
        patch.setattr(journal.database, "connect", unreachable)
        cut.times = 1
        with pytest.raises(DatabaseAway):
            journal.commit([a_change("b")])
    assert [line.seq for line in journal.commit([a_change("b")])] == [2]


def test_a_commit_whose_end_cannot_be_seen_is_called_unknown(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([a_change("a")])
    writer = journal._writer
    writer._retry_seconds = 0.2
    real = writer._write

    def lose(session: object, *arguments: object) -> object:
        real(session, *arguments)
        monkeypatch.setattr(journal.database, "connect", unreachable)
        session.connection.close()
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(writer, "_write", lose)
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
        (psycopg.errors.DiskFull(), DatabaseFull),
        (psycopg.errors.OutOfMemory(), DatabaseAway),
        (psycopg.errors.DeadlockDetected(), None),
        (psycopg.errors.SerializationFailure(), None),
    ],
)
def test_an_error_that_passes_is_tried_again_and_another_is_told_to_all(
    database: Database, tmp_path: Path, clock: FixedClock, error, problem
) -> None:
    refusing = Refusing()
    refusing.error, refusing.times = error, 1
    journal = open_journal(database, tmp_path, clock, [refusing])
    outcomes = journal.commit_many([[a_change("a")], [a_change("b")]])
    if problem is None:
        assert journal.tail() == 2
    else:
        assert [type(outcome) for outcome in outcomes] == [problem, problem]
        assert journal.tail() == 0
        assert len(journal.commit([a_change("a")])) == 1
    journal.close()


def test_an_interrupt_in_mid_commit_accepts_nothing(
    database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    refusing = Refusing()
    refusing.error, refusing.times = KeyboardInterrupt(), 1
    journal = open_journal(database, tmp_path, clock, [refusing])
    with pytest.raises(KeyboardInterrupt):
        journal.commit([a_change("a")])
    assert journal.tail() == 0
    assert [line.seq for line in journal.commit([a_change("a", expected=0)])] == [1]
    journal.close()


class Quarrelsome(Cut):
    """A projection that refuses a unit just when the connection is gone."""

    def apply(self, cursor: Cursor, entries: Sequence[Entry], prepared: Sequence[None]) -> None:
        if self.times:
            self.times -= 1
            terminate(cursor.connection)
            raise VersionConflict


def test_a_refusal_on_a_connection_that_is_gone_stays_a_refusal(
    database: Database, tmp_path: Path, clock: FixedClock
) -> None:
    quarrelsome = Quarrelsome()
    quarrelsome.times = 1
    journal = open_journal(database, tmp_path, clock, [quarrelsome])
    with pytest.raises(VersionConflict):
        journal.commit([a_change("a")])
    assert [line.seq for line in journal.commit([a_change("a")])] == [1]
    journal.close()


def test_a_wait_on_a_connection_that_is_cut_says_so(journal: Journal, database: Database) -> None:
    journal.wait(0, timeout_seconds=0)
    (connection,) = journal._listener._idle
    killer = threading.Timer(0.2, terminate, [connection])
    killer.start()
    with pytest.raises(DatabaseAway):
        journal.wait(0, timeout_seconds=60)
    killer.join()
    assert journal.wait(0, timeout_seconds=0) == 0


def test_writers_killed_in_mid_commit_lose_nothing_they_acknowledged(
    database: Database, tmp_path: Path
) -> None:
    journal = open_journal(database, tmp_path, SystemClock())
    acknowledged: list[tuple[int, int]] = []
    for round_number in range(3):
        worker = start_worker(database, tmp_path, round_number, 10_000)
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
