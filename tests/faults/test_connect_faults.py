"""Connections when the server goes, comes back, or has no room."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from trucyte.base.problem import Kind
from trucyte.database.connect import Database, DatabaseAway, DatabaseFull
from trucyte.database.server import EmbeddedServer, NoRoomForServer, running_pid


@pytest.fixture
def own_server(open_folder: Path) -> Iterator[EmbeddedServer]:
    """A server that a test may kill."""
    with tempfile.TemporaryDirectory(dir=open_folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedServer(
            folder / "data", system=folder / "system", announce=lambda sentence: None
        ) as server:
            yield server


def kill(server: EmbeddedServer) -> None:
    pid = running_pid(server.home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def ask(database: Database) -> object:
    with database.connection() as connection:
        row = connection.execute("select 1").fetchone()
        assert row is not None
        return row[0]


def test_a_pool_outlives_a_server_that_goes_away_and_comes_back(
    own_server: EmbeddedServer,
) -> None:
    database = Database(own_server.url, wait_seconds=1)
    assert ask(database) == 1
    with pytest.raises(DatabaseAway) as raised, database.connection() as connection:
        kill(own_server)
        while True:
            connection.execute("select pg_sleep(0.01)")
    assert raised.value.kind is Kind.UNAVAILABLE
    with pytest.raises(DatabaseAway):
        ask(database)
    own_server.start()
    assert ask(database) == 1
    database.close()


def test_idle_connections_of_a_server_that_was_restarted_are_not_lent(
    own_server: EmbeddedServer,
) -> None:
    database = Database(own_server.url, wait_seconds=10)
    assert ask(database) == 1
    own_server.stop()
    own_server.start()
    assert ask(database) == 1
    database.close()


def test_a_connection_of_ones_own_to_a_server_that_is_not_there_says_so(
    own_server: EmbeddedServer,
) -> None:
    database = Database(own_server.url)
    own_server.stop()
    with pytest.raises(DatabaseAway):
        database.connect()
    database.close()


def test_a_session_that_an_administrator_ended_is_an_absence(database: Database) -> None:
    with pytest.raises(DatabaseAway), database.connection() as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert ask(database) == 1


def test_no_room_on_the_servers_disk_is_said_as_such(database: Database) -> None:
    with pytest.raises(DatabaseFull) as raised, database.connection() as connection:
        connection.execute("do $$ begin raise exception using errcode = '53100'; end $$")
    assert raised.value.kind is Kind.NO_SPACE
    assert ask(database) == 1


def test_a_defect_in_our_sql_stays_a_defect(database: Database) -> None:
    with pytest.raises(psycopg.errors.SyntaxError), database.connection() as connection:
        connection.execute("selct 1")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root to make a small disk")
def test_a_transaction_that_fills_the_disk_leaves_nothing_and_the_next_one_works(
    open_folder: Path,
) -> None:
    with small_disk(open_folder, "200m") as folder:
        fill_and_go_on(folder)


@contextmanager
def small_disk(open_folder: Path, size: str) -> Iterator[Path]:
    """A disk of `size` of its own, in memory."""
    with tempfile.TemporaryDirectory(dir=open_folder) as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "trucyte", name]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this machine lets no disk be mounted")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill_and_go_on(folder: Path) -> None:
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(40 * 1024**2))
    with EmbeddedServer(
        folder / "data", system=folder / "system", announce=lambda sentence: None
    ) as server:
        database = Database(server.url, wait_seconds=1)
        with database.connection() as connection:
            connection.execute("create table kept (body text)")
            connection.execute("alter table kept alter column body set storage external")
        # PostgreSQL either refuses the write, or stops to protect its log.
        with pytest.raises((DatabaseFull, DatabaseAway)), database.connection() as connection:
            connection.execute(
                "insert into kept select repeat('x', 100000) from generate_series(1, 3000)"
            )
        ballast.unlink()
        server.start()
        with database.connection() as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
            connection.execute("insert into kept values ('after')")
        database.close()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root to make a small disk")
def test_a_server_without_room_to_be_made_says_so_and_starts_when_there_is(
    open_folder: Path,
) -> None:
    with small_disk(open_folder, "24m") as folder:
        server = EmbeddedServer(
            folder / "data", system=folder / "system", announce=lambda sentence: None
        )
        with pytest.raises(NoRoomForServer):
            server.start()
        subprocess.run(["mount", "-o", "remount,size=160m", str(folder)], check=True)
        with server:
            assert running_pid(server.home)
