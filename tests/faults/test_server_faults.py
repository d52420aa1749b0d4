"""The embedded server when things go wrong: kills, races, stale marks, closed folders."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import required
from trucyte.database.account import account_of
from trucyte.database.binaries import NoBinaries, NoBinariesOfMajor, find_binaries
from trucyte.database.home import ClusterOfTwoFolders
from trucyte.database.server import DataFolderRefused, EmbeddedServer, running_pid

CHILD = """
import sys, time
from pathlib import Path
from trucyte.database.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), system=Path(sys.argv[2]), announce=lambda s: None)
server.start()
print("up", flush=True)
sys.stdin.read()
server.stop()
"""


def server_of(folder: Path, **options: str) -> EmbeddedServer:
    return EmbeddedServer(
        folder / "data", system=folder / "system", announce=lambda sentence: None, **options
    )


def start_child(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a process that uses the server until its standard input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder / "data"), str(folder / "system")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": "src"} | environment,
    )


def await_up(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"


def end(child: subprocess.Popen[str]) -> None:
    child.communicate()
    assert child.returncode == 0


def pid_of(server: EmbeddedServer) -> int:
    pid = running_pid(server.home)
    assert pid is not None
    return pid


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that nobody has reaped yet has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def await_gone(pid: int) -> None:
    for _ in range(1200):
        if is_gone(pid):
            return
        time.sleep(0.05)
    pytest.fail("the process did not end")


def execute(server: EmbeddedServer, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that the service user can enter; what is left running there is ended."""
    with tempfile.TemporaryDirectory(prefix="trucyte-") as name:
        place = Path(name)
        place.chmod(0o711)
        yield place
        for mark in place.glob("**/postgres/postmaster.pid"):
            pid = int(mark.read_text().split("\n")[0])
            if Path(f"/proc/{pid}/cwd").exists() and not is_gone(pid):
                os.kill(pid, signal.SIGQUIT)
                await_gone(pid)


def test_what_was_written_is_there_after_a_stop_and_a_start(folder: Path) -> None:
    with server_of(folder) as server:
        execute(server, "create table kept (n integer); insert into kept values (42)")
        pid = pid_of(server)
    await_gone(pid)
    assert not (folder / "data/postgres/postmaster.pid").exists()
    with server_of(folder) as server:
        assert execute(server, "select n from kept") == [(42,)]


def test_it_is_durable_reachable_by_socket_only_and_trusts_nobody(folder: Path) -> None:
    with server_of(folder) as server:
        told = execute(
            server,
            "select current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('listen_addresses'), current_setting('data_checksums')",
        )
        ways = execute(server, "select distinct auth_method from pg_hba_file_rules")
        sockets = server.home.sockets
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert server.home.cluster.stat().st_mode & 0o777 == 0o700
    assert told == [("on", "on", "", "on")]
    assert ways == [("peer",)]


def test_statements_and_their_values_stay_out_of_the_servers_log(folder: Path) -> None:
    with server_of(folder) as server:
        execute(server, "create table people (name text unique)")
        execute(server, "insert into people values ('Marked-Name-7f3a')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            execute(server, "insert into people values ('Marked-Name-7f3a')")
        log = server.home.log.read_text()
    assert "duplicate key" in log
    assert "Marked-Name-7f3a" not in log


def test_a_killed_server_is_started_again_and_has_lost_nothing(folder: Path) -> None:
    with server_of(folder) as server:
        execute(server, "create table kept (n integer); insert into kept values (1)")
        pid = pid_of(server)
        os.kill(pid, signal.SIGKILL)
        await_gone(pid)
        server.start()
        assert pid_of(server) != pid
        assert execute(server, "select n from kept") == [(1,)]


def test_a_server_left_by_a_killed_program_is_adopted_and_then_stopped(folder: Path) -> None:
    child = start_child(folder)
    await_up(child)
    child.kill()
    child.communicate()
    with server_of(folder) as server:
        pid = pid_of(server)
        before = execute(server, "select pg_postmaster_start_time()")
        server.start()
        assert execute(server, "select pg_postmaster_start_time()") == before
    await_gone(pid)


def test_programs_that_start_at_once_share_one_server(folder: Path) -> None:
    children = [start_child(folder) for _ in range(4)]
    for child in children:
        await_up(child)
    server = server_of(folder)
    server.start()
    pid = pid_of(server)
    for child in children:
        end(child)
    assert not is_gone(pid)
    assert execute(server, "select 1") == [(1,)]
    server.stop()
    await_gone(pid)


def test_a_first_start_cut_short_leaves_nothing_half_made(folder: Path) -> None:
    with server_of(folder) as server:
        cluster = server.home.cluster
    cluster.rename(cluster.with_name("postgres.part"))
    (cluster.with_name("postgres.part") / "global" / "pg_control").unlink()
    with server_of(folder) as server:
        assert execute(server, "select 1") == [(1,)]
        assert server.home.cluster == cluster
    assert not cluster.with_name("postgres.part").exists()


@pytest.mark.parametrize("mark", ["reused", "torn"])
def test_a_stale_pid_file_does_not_keep_it_from_starting(folder: Path, mark: str) -> None:
    with server_of(folder) as server:
        cluster, sockets = server.home.cluster, server.home.sockets
        file = (cluster / "postmaster.pid").read_text()
    # A process number that lives again, as after a restart of the machine: this very process.
    stale = file.replace(file.split("\n", 1)[0], str(os.getpid()), 1) if mark == "reused" else ""
    (cluster / "postmaster.pid").write_text(stale)
    (sockets / ".s.PGSQL.5432.lock").write_text(stale)
    for path in (cluster / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        shutil.chown(path, pwd.getpwuid(cluster.stat().st_uid).pw_name)
    with server_of(folder) as server:
        assert execute(server, "select 1") == [(1,)]


def test_a_long_path_still_has_a_socket(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    for part in (deep, deep.parent):
        part.chmod(0o711)
    with server_of(deep) as server:
        assert execute(server, "select 1") == [(1,)]
        sockets = server.home.sockets
        assert len(os.fsencode(sockets)) < 80
        assert sockets.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(sockets)


def test_a_vietnamese_path_works_under_a_locale_that_cannot_say_it(folder: Path) -> None:
    named = folder / "dữ liệu"
    named.mkdir(mode=0o711)
    plain = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    first = start_child(named, **plain)
    await_up(first)
    second = start_child(named, **plain)  # finds the server that runs
    await_up(second)
    end(first)
    end(second)
    with server_of(named) as server:
        assert execute(server, "select 1") == [(1,)]


def test_data_of_another_version_names_the_version_it_needs(folder: Path) -> None:
    with server_of(folder) as server:
        cluster = server.home.cluster
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(NoBinariesOfMajor, match="made by PostgreSQL 16"):
        server_of(folder).start()


def test_a_data_folder_that_cannot_be_made_is_refused_with_the_reason(folder: Path) -> None:
    (folder / "data").write_text("a file")
    with pytest.raises(DataFolderRefused, match="File exists"):
        server_of(folder).start()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")
class TestAsRoot:
    def test_under_a_closed_folder_the_database_moves_out_and_comes_back(
        self, folder: Path
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        said: list[str] = []
        server = EmbeddedServer(closed / "data", system=folder / "system", announce=said.append)
        with server:
            execute(server, "create table kept (n integer); insert into kept values (7)")
            assert server.home.cluster.is_relative_to(folder / "system")
            assert account_of(server.home.cluster.stat().st_uid).name == "trucyte"
        assert any("cannot enter" in sentence for sentence in said)
        with EmbeddedServer(closed / "data", system=folder / "elsewhere") as server:
            assert execute(server, "select n from kept") == [(7,)]

    def test_programs_that_the_service_user_cannot_reach_are_copied(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        wheel = find_binaries("wheel").folder.parents[1]
        shutil.copytree(wheel, closed / wheel.name)
        shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), closed / f"{wheel.name}.libs")
        for program in (closed / wheel.name / "pginstall" / "bin").iterdir():
            program.chmod(0o700)  # as an install under a strict mask leaves them
        monkeypatch.syspath_prepend(closed)
        for binaries in ("wheel", "wheel"):
            with server_of(folder, binaries=binaries) as server:
                assert server.home.binaries.folder.is_relative_to(folder / "system")
                assert execute(server, "select 1") == [(1,)]

    def test_a_copied_data_folder_does_not_share_the_database_of_the_first(
        self, folder: Path
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with server_of_closed(folder, "data"):
            pass
        shutil.copytree(closed / "data", closed / "copy")
        with pytest.raises(ClusterOfTwoFolders):
            server_of_closed(folder, "copy").start()
        shutil.rmtree(closed / "data")
        with server_of_closed(folder, "copy") as moved:
            assert execute(moved, "select 1") == [(1,)]

    def test_a_data_folder_made_anew_gets_a_database_of_its_own(self, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o700)
        with server_of_closed(folder, "data") as server:
            execute(server, "create table old (n integer)")
        shutil.rmtree(folder / "closed" / "data")
        with server_of_closed(folder, "data") as server:
            assert execute(server, "select to_regclass('old')") == [(None,)]
        assert [path for path in (folder / "system").iterdir() if ".left-" in path.name]

    def test_a_cluster_made_by_a_person_keeps_its_owner(self, folder: Path) -> None:
        person = pwd.getpwnam("nobody")
        (folder / "data" / "postgres").mkdir(parents=True)
        os.chown(folder / "data" / "postgres", person.pw_uid, person.pw_gid)
        with server_of(folder) as server:
            assert server.home.account.name == "nobody"
            assert execute(server, "select current_user::text") == [("trucyte",)]

    def test_an_ordinary_user_runs_it_with_nothing_but_the_data_folder(self, folder: Path) -> None:
        person = pwd.getpwnam("nobody")
        home = folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, person.pw_uid, person.pw_gid)
        if in_child_of(person, can_find_programs) != "yes":
            assert not required("postgres"), "CI has PostgreSQL where everybody can run it"
            pytest.skip("no PostgreSQL lies where another user can run it")
        assert in_child_of(person, lambda: start_and_say(home)) == str(home / "data/postgres")


def can_find_programs() -> str:
    """Say whether the caller finds a PostgreSQL to run."""
    try:
        find_binaries()
    except NoBinaries:
        return "no"
    return "yes"


def start_and_say(home: Path) -> str:
    """Start a server of the caller's own and say where its data lies."""
    with EmbeddedServer(home / "data") as server:
        assert execute(server, "select 1") == [(1,)]
        assert server.home.account.is_caller
        return str(server.home.cluster)


def in_child_of(person: pwd.struct_passwd, work: Callable[[], str]) -> str:
    """Return what `work` says in a process of that person.

    A fork, since the interpreter may lie where that person cannot start it.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside idle threads
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(person.pw_gid)
            os.setuid(person.pw_uid)
            os.write(writing, work().encode())
        except BaseException as error:  # noqa: BLE001 - told to the parent, whatever it is
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def server_of_closed(folder: Path, name: str) -> EmbeddedServer:
    return EmbeddedServer(
        folder / "closed" / name, system=folder / "system", announce=lambda sentence: None
    )
